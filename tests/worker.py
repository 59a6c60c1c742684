"""A worker process, as tests see it: through its API, its log and signals."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp

from aimesh.services.schema import StateValidator
from tests.waiting import until

PAUSE = 0.05
STATE = "/api/v1/oracle/state?strict=false"
# what a worker answers that observes nothing, or has not begun to
NO_STATE = (404, 503)


class Worker:
    """A worker process, seen through its API."""

    def __init__(self, process: asyncio.subprocess.Process, url: str, log: Path) -> None:
        self.process = process
        self.url = url
        self.log = log

    async def fetch(self, path: str) -> tuple[int, Any]:
        """Return the status and the JSON of an answer; status 0 while nobody answers."""
        try:
            async with aiohttp.ClientSession() as session, session.get(self.url + path) as answer:
                return answer.status, await answer.json(content_type=None)
        except aiohttp.ClientError:
            return 0, None

    async def get(self, path: str) -> Any:
        """Return the JSON of a good answer."""
        status, body = await self.fetch(path)
        assert status == 200, (path, status, body)
        return body

    async def wait(
        self, path: str, condition: Callable[[Any], object] = bool, limit: float = 30.0
    ) -> Any:
        """Ask until a good answer meets a condition, and return it."""
        deadline, last = time.monotonic() + limit, None
        while time.monotonic() < deadline:
            assert self.process.returncode is None, f"the worker has ended:\n{self.tail()}"
            status, last = await self.fetch(path)
            if status == 200 and condition(last):
                return last
            await asyncio.sleep(PAUSE)
        # what matters most comes last: the beginning of long output may be cut
        raise AssertionError(f"{self.tail()}\n{path} did not become as expected: {last}")

    async def submit(self, text: str) -> str:
        """Submit a task and return its id."""
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.url}/api/v1/mesh/tasks", json={"task": text}) as answer,
        ):
            body = await answer.json(content_type=None)
            assert answer.status == 202, body
            return str(body["task_id"])

    async def reviewed(self, task_id: str, limit: float = 30.0) -> dict[str, Any]:
        """Wait until all is told of a reviewed task, and return it."""
        return await self.wait_for_task(task_id, _is_told, limit)

    async def wait_for_task(
        self, task_id: str, condition: Callable[[Any], object], limit: float = 30.0
    ) -> dict[str, Any]:
        """Wait until what is known of a task meets a condition, and return it."""
        body = await self.wait(
            f"/api/v1/mesh/tasks/{task_id}", lambda b: condition(b["task"]), limit
        )
        task: dict[str, Any] = body["task"]
        return task

    async def hold_state(self, limit: float = 2.0) -> None:
        """Hold what it tells of the whole system to the schema, where it runs and observes.

        One that does not answer within ``limit`` seconds is passed over: some tests end theirs,
        stop them, or take away what they need.
        """
        if self.process.returncode is not None:
            return
        try:
            async with asyncio.timeout(limit):
                status, state = await self.fetch(STATE)
        except TimeoutError:
            return
        if status and status not in NO_STATE:
            assert status == 200, (STATE, status, state)
            found = StateValidator().errors(state)
            wrong = "\n".join(f"{error['path'] or '/'}: {error['message']}" for error in found)
            assert not found, f"the state does not fit its schema:\n{wrong}"

    def said(self, text: str) -> bool:
        """Whether the worker's log has a text."""
        return text in self.log.read_text(errors="replace")

    def line_with(self, text: str) -> str:
        """The first line of the worker's log with a text, empty where there is none."""
        lines = self.log.read_text(errors="replace").splitlines()
        return next((line for line in lines if text in line), "")

    async def says(self, text: str, limit: float = 30.0) -> None:
        """Wait until the worker's log has a text."""
        await until(lambda: self.said(text), limit)

    def tail(self, lines: int = 30) -> str:
        """The end of the worker's log, without what a busy machine makes Faust say."""
        said = self.log.read_text(errors="replace").splitlines()
        return "\n".join([line for line in said if "woke up too late" not in line][-lines:])

    async def stop(self) -> int:
        """End it in order."""
        if self.process.returncode is None:
            self.process.terminate()
        return await asyncio.wait_for(self.process.wait(), 30)

    async def kill(self) -> None:
        """End it as a crash would, with all that it has started."""
        if self.process.returncode is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        await self.process.wait()


def _is_told(task: dict[str, Any]) -> bool:
    """Whether a task is reviewed and nothing is missing; the observer reads topics one by one."""
    parts = {"asked", "solution", "verdict"}
    return (
        task["outcome"] == "reviewed"
        and len(task["attempts"]) == task["review"]["attempts"]
        and all(attempt.keys() >= parts for attempt in task["attempts"].values())
    )
