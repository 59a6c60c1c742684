"""How a service that the mesh needs is doing, for views, `aimesh doctor` and logs."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from aimesh.records import now

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ServiceStatus:
    """One service as its door last saw it.

    ``ok`` is None until the service was first asked. ``since`` is the RFC 3339 time of the last
    change. ``reason`` and ``remedy`` say what is wrong and what to do, and are empty when all is
    well.
    """

    name: str
    ok: bool | None
    since: str
    reason: str = ""
    remedy: str = ""


class StatusKeeper:
    """Holds the newest status of one service and logs each change between well and unwell."""

    def __init__(self, name: str) -> None:
        self._status = ServiceStatus(name, None, now(), "not asked yet")

    @property
    def status(self) -> ServiceStatus:
        """The newest status."""
        return self._status

    def good(self) -> None:
        """Note that the service answered."""
        if self._change(True, "", ""):
            log.info("%s answers", self._status.name)

    def bad(self, reason: str, remedy: str = "") -> None:
        """Note that the service did not answer as it should, why, and what to do about it."""
        if self._change(False, reason, remedy):
            hint = f" ({remedy})" if remedy else ""
            log.warning("%s is off: %s%s", self._status.name, reason, hint)

    def _change(self, ok: bool, reason: str, remedy: str) -> bool:
        """Take on a status; ``since`` moves only when ``ok`` does. Tell whether it did."""
        old = self._status
        changed = old.ok is not ok
        since = now() if changed else old.since
        self._status = ServiceStatus(old.name, ok, since, reason, remedy)
        return changed
