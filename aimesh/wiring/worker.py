"""Puts the parts of one worker together: from settings to a Faust application."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import Any

from aiohttp.web import AbstractRouteDef, Application

from aimesh import hops, topics
from aimesh.agents.observer import FEED_PARTITIONS, Observer
from aimesh.agents.telemetry_observer import TelemetryObserver
from aimesh.faustfix import MeshApp
from aimesh.health import Health
from aimesh.probing import BrokerProbe
from aimesh.root import RootApp
from aimesh.services.audit import audit
from aimesh.services.dead_letters import DeadLetters
from aimesh.services.feed import FeedHub
from aimesh.services.kafka import KafkaAdmin
from aimesh.services.reading import Brokers
from aimesh.settings import Settings
from aimesh.topics import Layout
from aimesh.views import dashboard, dead_letters, openapi, prometheus, streams
from aimesh.views import health as health_views
from aimesh.views.audit import AuditViews
from aimesh.views.forwarding import Forwarding
from aimesh.views.mesh import MeshViews
from aimesh.views.problems import problems
from aimesh.views.security import protect
from aimesh.views.starting import Starting
from aimesh.views.tasks import TaskViews
from aimesh.views.tasks_reading import TaskEvents
from aimesh.views.yielding import Yielding
from aimesh.watchdog import Watchdog
from aimesh.wiring import crew, mesh
from aimesh.wiring.diagnosis import DiagnosisWiring
from aimesh.wiring.parts import Parts
from aimesh.wiring.telemetry import TelemetryWiring
from aimesh.wiring.telemetry import layouts as telemetry_layouts

ROLES = {**mesh.ROLES, crew.ROLE: crew.crew}


def create_app(settings: Settings) -> RootApp:
    """Return the application of a worker with these settings; nothing is started or written."""
    return _Worker(settings).root()


class _Worker:
    """Builds the roles of one worker and the application that starts and serves them all."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.parts = Parts(settings)
        self.observer: Observer | None = None
        self.telemetry: TelemetryWiring | None = None
        self.brokers = BrokerProbe(KafkaAdmin(self.parts.kafka, self.parts.access))

    def root(self) -> RootApp:
        settings, parts = self.settings, self.parts
        roles: dict[str, MeshApp] = {}
        for role in settings.roles:
            roles |= self._observer() if role == "observer" else ROLES[role](parts)
        root = RootApp(
            f"{settings.topic_prefix}aimesh",
            **parts.common(settings.folder / "root"),
            topic_disable_leader=False,
            web_enabled=True,
            web_port=settings.web_port,
            web_bind=settings.web_bind,
        )
        root.prepare(
            roles=roles,
            stages=parts.stages,
            admin=KafkaAdmin(parts.kafka, parts.access),
            layouts=self._layouts(),
            replication=settings.replication,
            routes=self._routes(root, roles),
            guard=partial(self._guard, root),
            probe=self.brokers,
            services=[parts.probe(root), self._watchdog(root, roles)],
            hubs=parts.hubs,
            closers=parts.closers,
        )
        return root

    def _watchdog(self, root: RootApp, roles: dict[str, MeshApp]) -> Watchdog:
        parts = self.parts
        return Watchdog(
            {**roles, "root": root},
            parts.stages,
            KafkaAdmin(parts.kafka, parts.access),
            limit=self.settings.watchdog,
            beacon=root.beacon,
        )

    def _routes(self, root: RootApp, roles: dict[str, MeshApp]) -> list[AbstractRouteDef]:
        parts = self.parts
        brokers = Brokers(parts.kafka, parts.access)
        health = Health(roles, parts.stages, *self._readers(), services=self._services)
        found = health_views.routes(health, self._watching)
        if self.observer is not None:
            found += MeshViews(root, self.observer, parts.name(topics.TASKS)).routes()
            found += TaskViews(self.observer, TaskEvents(brokers, self.settings)).routes()
            hub = FeedHub(parts.kafka, self._feed(), FEED_PARTITIONS, parts.access)
            parts.hubs.append(hub)
            found += [*streams.routes(hub), *dashboard.routes(self.settings)]
        if self.telemetry is not None:
            found += self.telemetry.routes()
            parts.hubs.append(self.telemetry.observer.live)
            if self.observer is not None:
                diagnosis = DiagnosisWiring(parts, self.observer, self.telemetry.observer)
                found += diagnosis.routes()
        # the archive is where persistence is
        archive = self.settings.history if "persistence" in roles else None
        audits = AuditViews(partial(audit, brokers, self.settings, archive=archive))
        parts.closers.append(audits.close)
        telemetry = self.telemetry.observer if self.telemetry else None
        found += prometheus.routes(self.observer, telemetry, health.is_ready, audits.unaccounted)
        letters = DeadLetters(brokers, self.settings)
        found += [*audits.routes(), *dead_letters.routes(letters)]
        return [*found, *openapi.routes(found)]

    def _readers(self) -> list[Observer | TelemetryObserver]:
        telemetry = self.telemetry.observer if self.telemetry else None
        return [reader for reader in (self.observer, telemetry) if reader is not None]

    def _services(self) -> list[dict[str, Any]]:
        found = [asdict(self.brokers.status), *self.parts.statuses()]
        if self.telemetry is not None:
            found.append(asdict(self.telemetry.observer.copier.status))
        return found

    def _watching(self) -> int:
        return self.telemetry.observer.live.connections if self.telemetry else 0

    def _guard(self, root: RootApp, application: Application) -> None:
        protect(application, self.settings)
        application.middlewares.append(problems)
        starting = Starting(lambda: root.begun, lambda: self.brokers.status, self.parts.kafka)
        application.middlewares.append(starting.middleware)
        if self.observer is not None:
            forwarding = Forwarding(self.observer)
            self.parts.closers.append(forwarding.close)
            application.middlewares.append(forwarding.middleware)
        if self.telemetry is not None:
            telemetry = self.telemetry.observer
            yielding = Yielding(lambda: telemetry.is_behind)
            application.middlewares.append(yielding.middleware)

    def _layouts(self) -> list[Layout]:
        results = [
            Layout(f"{hops.app_id(self.settings, role)}-results", partitions, topics.FOREVER)
            for role, partitions in topics.results_partitions(self.settings).items()
        ]
        feed = Layout(self._feed(), FEED_PARTITIONS, 3 * topics.DAY)
        return [
            *topics.layouts(self.settings),
            *results,
            feed,
            *telemetry_layouts(self.settings),
            *(crew.layouts(self.settings) if crew.ROLE in self.settings.roles else ()),
        ]

    def _observer(self) -> dict[str, MeshApp]:
        parts = self.parts
        app = parts.app("observer")
        self.observer = Observer(
            app,
            channels={parts.name(topic): carries for topic, carries in topics.CARRIES.items()},
            tasks=parts.name(topics.TASKS),
            feed=self._feed(),
        )
        self.telemetry = TelemetryWiring(
            self.settings,
            parts.kafka,
            parts.access,
            parts.common(self.settings.folder / "telemetry"),
        )
        return {"observer": app, "telemetry": self.telemetry.app}

    def _feed(self) -> str:
        return f"{hops.app_id(self.settings, 'observer')}-feed"
