"""The audit's balance for the page: made in the background now and then, and kept."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

from aiohttp import web
from orjson import dumps

from aimesh.errors import MeshError
from aimesh.records import now
from aimesh.services.audit import Audited

logger = logging.getLogger(__name__)

PATH = "/api/v1/mesh/audit"
# least seconds between the beginnings of two audits: one reads all topics from their beginning
PAUSE = 60.0
# least seconds between two for the sake of metrics, which are asked for all the time
SELDOM = 600.0
# a caller that finds no balance yet waits so long for the first one
PATIENCE = 2.0
# what does not balance is told up to so many tasks
MOST_PROBLEMS = 200

Run = Callable[[], Awaitable[Audited]]


class AuditViews:
    """Answers with the newest balance, and has a new one made when somebody asks and it is old.

    Arguments:
        run: makes an audit, such as a `functools.partial` of `aimesh.services.audit.audit`.
        pause: least seconds between the beginnings of two.
    """

    def __init__(self, run: Run, *, pause: float = PAUSE) -> None:
        self._run = run
        self._pause = pause
        self._task: asyncio.Task[None] | None = None
        self._began: float | None = None
        self._newest: dict[str, Any] = {"report": None, "as_of": None, "took_s": None}
        self._problem: str | None = None

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return the path of the audit."""
        return [web.get(PATH, self.get)]

    async def get(self, request: web.Request) -> web.Response:
        """Return the newest balance, when it was made, and whether another is on its way.

        The status is 202 as long as there is none.
        """
        self._begin(self._pause)
        if self._newest["report"] is None and self._task is not None:
            await asyncio.wait([self._task], timeout=PATIENCE)
        running = self._task is not None and not self._task.done()
        body = {**self._newest, "running": running, "problem": self._problem}
        return web.Response(
            body=dumps(body),
            status=200 if self._newest["report"] else 202,
            content_type="application/json",
        )

    def unaccounted(self) -> int | None:
        """Return how many tasks the newest audit could not account for; None without one.

        An old one is made anew in the background.
        """
        self._begin(SELDOM)
        report = self._newest["report"]
        return None if report is None else int(report["problems_total"])

    async def close(self) -> None:
        """End an audit that is on its way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _begin(self, pause: float) -> None:
        if self._task is not None and not self._task.done():
            return
        if self._began is None or monotonic() - self._began >= pause:
            self._began = monotonic()
            self._task = asyncio.create_task(self._made())

    async def _made(self) -> None:
        as_of, began = now(), monotonic()
        try:
            report = (await self._run()).stable()
        except MeshError as exc:
            self._problem = str(exc)
        except Exception as exc:
            # nobody awaits this task; the page tells that the audit failed
            logger.exception("the audit failed")
            self._problem = f"the audit failed: {exc}"
        else:
            problems = report["problems"]
            report |= {"problems": problems[:MOST_PROBLEMS], "problems_total": len(problems)}
            took = round(monotonic() - began, 3)
            self._newest = {"report": report, "as_of": as_of, "took_s": took}
            self._problem = None
