"""What an agent did for a task: calls of the model and of tools, as its answer tells them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aimesh.core.prompts import Prompt
from aimesh.errors import BadAnswerError
from aimesh.records import now
from aimesh.services.ollama import Answer, Ollama

ASKED_AT_MOST = 3


class Journal:
    """Keeps the steps of one task, and what they cost."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Any]] = []
        self._calls = 0
        self._tokens = [0, 0]
        self._model = ""

    async def ask(self, ollama: Ollama, prompt: Prompt) -> str:
        """Ask the model, again where its answer is of no use.

        Raises:
            BadAnswerError: it gave none that is, three times.
        """
        for number in range(1, ASKED_AT_MOST + 1):
            try:
                with self.step("model", f"chat {ollama.model}") as about:
                    answer = await ollama.chat(prompt)
                    self._count(answer, about)
            except BadAnswerError:
                if number == ASKED_AT_MOST:
                    raise
            else:
                if answer.text.strip():
                    return answer.text
        raise BadAnswerError(f"asked {ASKED_AT_MOST} times, {ollama.model} answered nothing")

    @contextmanager
    def step(self, kind: str, name: str) -> Iterator[dict[str, Any]]:
        """Note a step: of the kind ``model``, ``tool`` or ``memory``; gives its attributes."""
        began, at = time.monotonic(), now()
        about: dict[str, Any] = {}
        step: dict[str, Any] = {"kind": kind, "name": name, "started_at": at, "attributes": about}
        try:
            yield about
        except BaseException:
            step["failed"] = True
            raise
        finally:
            step["duration_ms"] = round((time.monotonic() - began) * 1000, 3)
            self.steps.append(step)

    def told(self) -> dict[str, Any]:
        """Return the fields of an answer's payload that tell of the work."""
        found: dict[str, Any] = {"steps": self.steps}
        if self._calls:
            found |= {
                "model": self._model,
                "llm_calls": self._calls,
                "usage": {"input_tokens": self._tokens[0], "output_tokens": self._tokens[1]},
            }
        return found

    def _count(self, answer: Answer, about: dict[str, Any]) -> None:
        self._calls += 1
        self._model = answer.model
        self._tokens[0] += answer.input_tokens or 0
        self._tokens[1] += answer.output_tokens or 0
        about |= {
            "gen_ai.request.model": answer.model,
            "gen_ai.usage.input_tokens": answer.input_tokens,
            "gen_ai.usage.output_tokens": answer.output_tokens,
        }
