"""Whether this worker lives and is ready, and what it waits for if not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from aimesh.core.moments import time_text
from aimesh.faustfix import MeshApp
from aimesh.records import now
from aimesh.stage import Stage


class Reader(Protocol):
    """A role that must read its tables before it can answer."""

    @property
    def app(self) -> MeshApp:
        """The role's application."""

    @property
    def ready(self) -> bool:
        """Whether the tables are read, or are another worker's."""


# without these a worker can do nothing; without others it waits, and answers still
NEEDED = frozenset({"kafka"})


class Health:
    """Tells the truth about the roles of this worker.

    Arguments:
        roles: the roles' applications.
        stages: whose jobs may wait for services.
        readers: must read tables first.
        services: tells how the services are that this worker uses, each with its ``name``, ``ok``
            (None while unknown), ``reason``, and since when.
    """

    def __init__(
        self,
        roles: Mapping[str, MeshApp],
        stages: Sequence[Stage],
        *readers: Reader,
        services: Callable[[], Sequence[Mapping[str, Any]]] = tuple,
    ) -> None:
        self._roles = roles
        self._stages = stages
        self._readers = {reader.app: reader for reader in readers}
        self._services = services
        self._since: dict[str, str] = {}

    def checks(self) -> list[dict[str, Any]]:
        """Return for each role whether it is ready, and since when it is not."""
        found = []
        for role, app in self._roles.items():
            reason = self._reason(app)
            since = self._since.setdefault(role, now()) if reason else ""
            if not reason:
                self._since.pop(role, None)
            found.append({"name": role, "ok": not reason, "reason": reason, "since": since})
        return found

    def _reason(self, app: MeshApp) -> str:
        if not app.started or app.should_stop:
            return "not started"
        if app.rebalancing:
            return "partitions are being assigned"
        if app.in_recovery or not app.tables.actives_ready:
            return "tables are being recovered"
        reader = self._readers.get(app)
        if reader is not None and not reader.ready:
            return "tables are being read"
        return ""

    def services(self) -> list[dict[str, Any]]:
        """Return each service that this worker uses: is it there, since when, what to do."""
        told = ("name", "ok", "since", "reason", "remedy")
        return [
            {**{name: service.get(name, "") for name in told}, "needed": service["name"] in NEEDED}
            for service in self._services()
        ]

    def away(self) -> list[dict[str, Any]]:
        """Return each service that is needed and away: its name, since when, why, what to do."""
        told = ("name", "since", "reason", "remedy")
        return [
            {name: service[name] for name in told}
            for service in self.services()
            if service["needed"] and service["ok"] is False
        ]

    def missing(self) -> list[str]:
        """Return the names of the roles that do not work, and of needed services that are away."""
        away = [service["name"] for service in self.away()]
        return [*away, *(check["name"] for check in self.checks() if not check["ok"])]

    def is_ready(self) -> bool:
        """Tell whether every role of this worker does its work."""
        return not self.missing()

    def waiting(self) -> list[dict[str, Any]]:
        """Return what jobs of this worker wait for: services that are down, with since when."""
        reports = [(s.name, reason, since) for s in self._stages
                   for reason, since in s.runner.waiting.values()]  # fmt: skip
        newest = {(app, reason): since for app, reason, since in reports}
        return [
            {"stage": app, "reason": reason, "since": time_text(since)}
            for (app, reason), since in newest.items()
        ]
