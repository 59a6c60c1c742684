"""What a job does inside: model calls, sandbox runs, memory look-ups, told as they begin and end.

Whoever does a step need not know for which job: asyncio carries that along.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from aimesh.core.memories import Kind, Recollection
from aimesh.core.mesh_events import STEP_ENDED, STEP_STARTED
from aimesh.core.prompts import Prompt
from aimesh.core.text import cut
from aimesh.services.memory import Memory
from aimesh.services.ollama import Answer, Ollama
from aimesh.services.sandbox import Outcome, Sandbox
from aimesh.stage import Job, Send
from aimesh.stage.runner import Work
from aimesh.telling import Teller

MOST_ERROR = 400


@dataclass(frozen=True)
class _Doing:
    tell: Teller
    job: Job
    numbers: Iterator[int] = field(default_factory=lambda: count(1))


_doing: ContextVar[_Doing | None] = ContextVar("aimesh_job", default=None)


def stepwise(tell: Teller, work: Work) -> Work:
    """Return work that does the same, and whose steps are told.

    Arguments:
        tell: sends to the topic of the steps.
        work: of a stage.
    """

    async def telling(record: Any, job: Job) -> Sequence[Send]:
        token = _doing.set(_Doing(tell, job))
        try:
            return await work(record, job)
        finally:
            _doing.reset(token)

    return telling


@contextmanager
def step(kind: str, name: str) -> Iterator[None]:
    """Tell that a step begins, and how it ends; nothing where no job is at work.

    Arguments:
        kind: ``model``, ``tool`` or ``memory``.
        name: of the model or the tool.
    """
    doing = _doing.get()
    if doing is None:
        yield
        return
    job, began = doing.job, time.monotonic()
    told: dict[str, Any] = {
        "attempt": job.attempt,
        "step": next(doing.numbers),
        "of": kind,
        "what": name,
    }
    doing.tell.event(STEP_STARTED, task_id=job.task_id, **told)
    problem: dict[str, str] = {}
    try:
        yield
    except BaseException as exc:
        problem = {"error": cut(str(exc), MOST_ERROR), "error_type": type(exc).__name__}
        raise
    finally:
        took = round(time.monotonic() - began, 6)
        doing.tell.event(STEP_ENDED, task_id=job.task_id, duration_s=took, **told, **problem)


class SteppingOllama(Ollama):
    """The model, whose calls are steps."""

    async def chat(self, prompt: Prompt) -> Answer:
        """Ask the model."""
        with step("model", self.model):
            return await super().chat(prompt)


class SteppingMemory(Memory):
    """The memory, whose look-ups are steps."""

    async def recall(
        self, text: str, *, limit: int = 4, kinds: Sequence[Kind] | None = None
    ) -> list[Recollection]:
        """Return what resembles a text."""
        with step("memory", "memory"):
            return await super().recall(text, limit=limit, kinds=kinds)


class SteppingSandbox(Sandbox):
    """The sandbox, whose runs are steps."""

    async def run(self, code: str | bytes, cases: Sequence[Mapping[str, str]] = ()) -> Outcome:
        """Run code to its end, or to a limit."""
        with step("tool", "sandbox"):
            return await super().run(code, cases)
