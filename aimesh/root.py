"""The root application: one worker process, which hosts the roles as applications of their own."""

from __future__ import annotations

import asyncio
import gc
import logging
import shutil
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol

from aiohttp import web
from faust.web.drivers.aiohttp import Web
from mode import ServiceT

from aimesh.faustfix import MeshApp
from aimesh.leaving import leave_within
from aimesh.quiet import quiet
from aimesh.services.kafka import KafkaAdmin
from aimesh.stage import Stage
from aimesh.topics import Layout

logger = logging.getLogger(__name__)

# seconds that jobs at work get to finish when the worker is told to stop
GRACE = 10.0
# Seconds in which a worker ends that is told to stop; whoever told it kills it at 30.
LATEST = 25.0
# Python looks for garbage after so many new objects, and through everything after so many looks of
# the kind before. At its own 700, 10 and 10 a list that is answered sets off a look through all the
# tables: a quarter of a second where there are a million messages, with nothing found.
GARBAGE = (10_000, 20, 10)


class Hub(Protocol):
    """What begins before the roles, and is told to end before them."""

    async def start(self) -> None:
        """Begin."""

    async def stop(self) -> None:
        """End, and let go of whoever would hold the others up."""


class MeshWeb(Web):
    """Faust's web server without its own pages: they show tables' contents, and take the root."""

    default_blueprints = ()
    production_blueprints = ()
    debug_blueprints = ()
    optional_blueprints = ()


class RootApp(MeshApp):
    """Starts the roles of this worker as its dependencies, and serves the web for all of them.

    Each role is a consumer group of its own: groups, offsets and tables are the same whether all
    roles run in one process or each in its own.
    """

    #: The roles' applications by role, filled by the wiring.
    roles: dict[str, MeshApp]
    #: Whether Kafka was there, so that the roles have begun.
    begun = False

    def prepare(
        self,
        *,
        roles: dict[str, MeshApp],
        stages: Sequence[Stage],
        admin: KafkaAdmin,
        layouts: Iterable[Layout],
        replication: int,
        routes: Sequence[web.AbstractRouteDef],
        guard: Callable[[web.Application], None],
        probe: ServiceT,
        services: Sequence[ServiceT],
        hubs: Sequence[Hub],
        closers: Sequence[Callable[[], Awaitable[None]]],
    ) -> None:
        """Hand over what was wired together.

        Arguments:
            roles: the applications to start, by name.
            stages: of these, to be drained before anything stops.
            admin: a connection to Kafka for creating the topics.
            layouts: the topics that must be there before any role starts.
            replication: of topics that are created.
            routes: of the web.
            guard: puts the checks that every request passes into the web application.
            probe: tells the web how Kafka is; started with it, before Kafka is waited for.
            services: started along with the roles.
            hubs: begin before the roles; stopped first, for open pages would hold the web up.
            closers: called when all has stopped.
        """
        self.roles = roles
        self.stages = stages
        self._admin = admin
        self._layouts = list(layouts)
        self._replication = replication
        self._routes = list(routes)
        self._guard = guard
        self._hubs = list(hubs)
        self._probe = probe
        self._services = list(services)
        self._closers = list(closers)

    async def start(self) -> None:
        """Begin; what fails because it is told to stop meanwhile is no failure of this worker."""
        try:
            await super().start()
        except Exception as exc:
            if self.crashed or not self.should_stop:
                raise
            logger.info("told to stop while it was starting: %r", exc)

    def on_init_dependencies(self) -> Iterable[ServiceT]:
        """Return what starts with this application: its own services, then the roles."""
        own = super().on_init_dependencies()
        return [*own, self._probe, *self._services, *self.roles.values()]

    async def on_first_start(self) -> None:
        """Serve the web, then wait for Kafka and create the topics before anything else starts."""
        quiet()
        # Dependencies already, so they are stopped as such; but those are started too late to tell
        # what is waited for.
        for service in (self._probe, self.web):
            await service.maybe_start()
        await self._await_kafka()
        await super().on_first_start()
        if self.should_stop:
            return
        # what a request may send is sent with it
        await self.producer.maybe_start()
        self.begun = True
        for hub in self._hubs:
            await hub.start()
        # as dependencies they would start one after the other
        await asyncio.gather(*(role.maybe_start() for role in self.roles.values()))
        # Faust collects garbage for every table at every rebalance and at the end: what is here
        # now stays, and need not be looked through each time
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GARBAGE)

    async def _await_kafka(self) -> None:
        """Return when Kafka is there and has all topics, and no state of another one is here."""
        try:
            await self._admin.wait(logger.warning)
            # the changelogs too: Faust would make them one by one while the groups form, and a
            # consumer that looks too early takes a topic without partitions for how it is laid out
            changelogs = [log for role in self.roles.values() for log in role.changelogs()]
            await self._admin.ensure([*self._layouts, *changelogs], self._replication)
            await asyncio.to_thread(self._check_state, await self._admin.cluster_id())
        finally:
            await self._admin.close()

    def _new_web(self) -> MeshWeb:
        return MeshWeb(self)

    def _check_state(self, cluster: str) -> None:
        """Drop local state that belongs to another cluster: its offsets mean nothing here.

        Nothing is lost by that, every table is read again from its changelog.
        """
        folder = self.conf.datadir.parent
        mark = folder / "cluster"
        wanted = f"{cluster} {self.conf.id}\n"
        if not mark.exists() or mark.read_text() != wanted:
            for app in (self, *self.roles.values()):
                shutil.rmtree(app.conf.datadir, ignore_errors=True)
            folder.mkdir(parents=True, exist_ok=True)
            mark.write_text(wanted)

    def on_webserver_init(self, web: Any) -> None:
        """Serve our own pages and API."""
        self._guard(web.web_app)
        web.web_app.router.add_routes(self._routes)

    async def on_stop(self) -> None:
        """Leave work in a state from which the next owner goes on, then stop."""
        leave_within(LATEST)
        for hub in self._hubs:
            await hub.stop()
        await asyncio.gather(*(stage.drain(GRACE) for stage in self.stages))
        # as dependencies they would stop one after the other
        await asyncio.gather(*(role.stop() for role in self.roles.values()))
        await super().on_stop()

    async def on_shutdown(self) -> None:
        """Close the doors to the outside when everything has stopped."""
        await super().on_shutdown()
        for close in self._closers:
            await close()
