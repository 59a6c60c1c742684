"""A model that is too slow for one task does not hold up the others, nor itself for ever."""

from __future__ import annotations

import pytest

from aimesh.core.prompts import Prompt
from aimesh.embedded.rehearsal import RehearsalServer
from aimesh.embedded.rehearsal.faults import Fault
from aimesh.services.ollama import Ollama
from aimesh.stage import Job, Send
from aimesh.stage import runner as module
from aimesh.stage.runner import Result, Runner

SLOW = "Review this code: def f(): pass"


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "backoff", lambda failures, wish=None: 0.01)


async def result_of(runner: Runner, text: str) -> Result:
    result = await runner.run(text, Job(text, 1, "in", 0, 0, "{}"))
    assert result is not None
    return result


@pytest.mark.parametrize("name", ["hang", "slow"])
async def test_a_task_for_which_the_model_is_always_too_slow_is_given_up(name: str) -> None:
    async with RehearsalServer() as server:
        door = Ollama(server.url, "gemma3:1b", "nomic-embed-text", timeout=0.3)
        asked: list[str] = []

        async def work(text: str, job: Job) -> list[Send]:
            asked.append(text)
            if text == SLOW:
                # others get their answers meanwhile; the fault hits this call only
                assert (await result_of(runner, "Write a haiku")).error == ""
                server.faults.add(Fault(name, count=1, seconds=30))
            return [Send("out", (await door.chat(Prompt(system="", text=text))).text)]

        runner = Runner(work, slots=2, deadline=5.0, tries=3)
        try:
            result = await result_of(runner, SLOW)
        finally:
            await door.close()
    assert result.error_type == "TooSlowError"
    assert "no whole answer" in result.error
    assert result.error.endswith("tried 5 times")
    assert asked.count(SLOW) == 5


async def test_a_model_that_comes_back_finds_its_task_however_often_it_was_refused() -> None:
    async with RehearsalServer(faults=[Fault("down", count=30)]) as server:
        door = Ollama(server.url, "gemma3:1b", "nomic-embed-text", timeout=5)

        async def work(text: str, job: Job) -> list[Send]:
            return [Send("out", (await door.chat(Prompt(system="", text=text))).text)]

        try:
            result = await result_of(Runner(work, slots=1, deadline=5.0, tries=3), "Write code")
        finally:
            await door.close()
    assert (result.error, result.tries) == ("", 31)
