"""Runs code that nobody trusts, several at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from aimesh.errors import SandboxRefusedError
from aimesh.services.sandbox.folders import Workshop
from aimesh.services.sandbox.launching import Launcher
from aimesh.services.sandbox.layers import Layers
from aimesh.services.sandbox.limits import Limits
from aimesh.services.sandbox.looking import Overseer
from aimesh.services.sandbox.outcome import Outcome
from aimesh.services.sandbox.probing import probe
from aimesh.services.sandbox.run import Run
from aimesh.services.sandbox.verdicts import outcome

_MOST_SOURCE = 1 << 20


class Sandbox:
    """Runs Python code in fresh interpreters that lock themselves down.

    The processes die with the thread in which the event loop runs.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        mode: str = "auto",
        slots: int = 2,
        scratch: Path,
        layers: Layers | None = None,
    ) -> None:
        """Find out what can be had here, and clean up what a killed process left.

        Arguments:
            limits: what each run may use.
            mode: "auto", "strict" or "unsafe", as ``probe`` explains.
            slots: how many runs may go on at once; the others wait.
            scratch: a folder for working folders, made if missing.
            layers: exactly these layers, untried, for measuring and testing them.

        Raises:
            SandboxRefusedError: untrusted code cannot be held well enough here.
        """
        self.layers = layers or probe(mode, scratch)
        self.limits = limits
        self._workshop = Workshop(scratch)
        self._launcher = Launcher(self.layers, limits, self._workshop)
        self._pool = ThreadPoolExecutor(slots, thread_name_prefix="sandbox")
        self._slots = slots
        self._free = list(range(slots))
        self._turn = asyncio.Semaphore(slots)
        self._closed = False

    async def run(self, code: str | bytes, cases: Sequence[Mapping[str, str]] = ()) -> Outcome:
        """Run code to its end, or to a limit.

        Arguments:
            code: a Python program.
            cases: ``{"call": expression, "expected": expression}``, evaluated after the code ran
                without an error; the verdict is "passed" only when all are equal.

        Raises:
            SandboxRefusedError: the sandbox is closed.
        """
        source = code.encode("utf-8", "surrogatepass") if isinstance(code, str) else code
        pairs = [(_word(case, "call"), _word(case, "expected")) for case in cases]
        if not _has_code(source):
            return self._outcome("no_code", cases=len(pairs), error="there is no code to run")
        if len(source) > _MOST_SOURCE:
            return self._outcome(
                "failed", cases=len(pairs), error="the code is longer than 1 MB", limit="code 1 MB"
            )
        async with self._turn:
            if self._closed:
                raise SandboxRefusedError("the sandbox is closed")
            slot = self._free.pop()
            try:
                return await self._run(source, pairs, slot)
            finally:
                self._free.append(slot)

    async def close(self) -> None:
        """Wait for the runs that go on and remove the working folders; no run can follow."""
        self._closed = True
        for _ in range(self._slots):
            await self._turn.acquire()
        self._workshop.close()
        self._pool.shutdown(wait=False)
        for _ in range(self._slots):
            self._turn.release()

    async def _run(self, source: bytes, cases: list[tuple[str, str]], slot: int) -> Outcome:
        try:
            started = self._launcher.start(source, cases, slot)
        except OSError as error:
            return self._outcome(
                "sandbox_error", cases=len(cases), error=f"nothing was run: {error}"
            )
        overseer = Overseer(self.layers, self.limits, started.folder, self._pool)
        try:
            report = await Run(started.child, self.limits).follow(
                overseer.look if overseer.needed else None
            )
        finally:
            over = await overseer.clear()
        report.stopped = report.stopped or over
        return outcome(report, self.limits, self.layers, cases)

    def _outcome(self, verdict: str, *, cases: int, error: str, limit: str = "") -> Outcome:
        return Outcome(
            verdict=verdict,
            cases_total=cases,
            error=error,
            limit=limit,
            isolation=self.layers.names,
        )


def _has_code(source: bytes) -> bool:
    """Whether there is a line that is neither blank nor a comment."""
    lines = (line.strip() for line in source.splitlines())
    return any(line and not line.startswith(b"#") for line in lines)


def _word(case: object, name: str) -> str:
    """One side of a case, which comes from outside as well: what is missing cannot be equal."""
    text = str(case.get(name, "")) if isinstance(case, Mapping) else ""
    return text.encode("utf-8", "replace").decode()
