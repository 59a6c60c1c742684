"""The sandbox agent: always a verdict, and a fix request where another attempt is worth it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from aimesh.agents.sandbox import MOST_OUTPUT_BYTES, NO_CODE, SandboxAgent
from aimesh.records import Solution, Task, Verdict
from aimesh.services.sandbox import Limits, Sandbox
from tests.agents import job

GOOD = "def add(a, b):\n    return a + b\nprint(add(1, 2))\n"
BAD = "def add(a, b):\n    return a - b\nprint(add(1, 2))\n"
BROKEN = "raise ValueError('no good')\n"
CASES = [{"call": "add(1, 2)", "expected": "3"}]


@pytest.fixture
async def agent(tmp_path: Path) -> AsyncIterator[SandboxAgent]:
    sandbox = Sandbox(Limits(wall_s=5.0), scratch=tmp_path)
    yield SandboxAgent(sandbox, 3, verdicts="ai_verified_solutions", tasks="ai_topic")
    await sandbox.close()


async def judged(agent: SandboxAgent, code: str, **more: Any) -> tuple[Verdict, Task | None]:
    """The verdict on some code, and the fix request that goes with it."""
    solution = Solution(
        **{"task_id": "t-1", "task": "Add", "solution": code, "model": "m", "cases": CASES} | more
    )
    sends = await agent.work(solution, job(solution.task_id, solution.attempt))
    assert [send.topic for send in sends] == ["ai_verified_solutions", "ai_topic"][: len(sends)]
    verdict, *rest = [send.value for send in sends]
    assert isinstance(verdict, Verdict)
    request = rest[0] if rest else None
    assert request is None or isinstance(request, Task)
    return verdict, request


def failed_before(code: str, verdict: Verdict) -> dict[str, str]:
    return {"code": code, "error": verdict.error}


async def test_code_that_passes_its_cases_is_final_with_all_that_was_measured(
    agent: SandboxAgent,
) -> None:
    verdict, request = await judged(agent, GOOD, answer="words", input_tokens=5)
    assert request is None
    assert (verdict.verdict, verdict.success, verdict.final) == ("passed", True, True)
    assert verdict.exec_output == "3\n"
    assert (verdict.cases_passed, verdict.cases_total) == (1, 1)
    assert verdict.error == ""
    assert verdict.exit_code == 0
    assert verdict.wall_s > 0
    assert verdict.max_rss_bytes > 1 << 20
    assert verdict.isolation
    # it carries the solution on
    assert (verdict.solution, verdict.answer, verdict.input_tokens) == (GOOD, "words", 5)
    assert verdict.created_at


async def test_a_wrong_result_fails_though_the_code_ran(agent: SandboxAgent) -> None:
    verdict, request = await judged(agent, BAD)
    assert (verdict.verdict, verdict.success, verdict.final) == ("failed", False, False)
    assert verdict.exec_output.startswith("-1\n")
    assert "add(1, 2) gave -1, expected 3" in verdict.error
    assert request is not None


async def test_a_failure_asks_for_a_fix_as_the_next_attempt_of_the_same_task(
    agent: SandboxAgent,
) -> None:
    verdict, request = await judged(agent, BROKEN)
    assert request is not None
    assert (request.task_id, request.task, request.attempt) == ("t-1", "Add", 2)
    assert request.source == "sandbox"
    assert request.parent_solution == "t-1#1"
    assert request.feedback == {"code": BROKEN, "error": verdict.error}
    assert "ValueError: no good" in verdict.error
    assert request.cases == CASES


@pytest.mark.parametrize("code", ["", " \n"])
async def test_no_code_is_a_verdict_and_not_an_exception(agent: SandboxAgent, code: str) -> None:
    verdict, request = await judged(agent, code)
    assert (verdict.verdict, verdict.success) == ("no_code", False)
    assert verdict.error == NO_CODE
    assert verdict.exit_code is None
    assert request is not None
    assert request.feedback == {"code": code, "error": NO_CODE}


async def test_comments_alone_are_no_code_either(agent: SandboxAgent) -> None:
    verdict, request = await judged(agent, "# nothing yet\n")
    assert verdict.verdict == "no_code"
    assert request is not None


async def test_the_last_attempt_is_final_whatever_comes_of_it(agent: SandboxAgent) -> None:
    verdict, request = await judged(agent, BROKEN, attempt=3)
    assert request is None
    assert (verdict.final, verdict.success) == (True, False)
    assert "all of its 3 attempts" in verdict.reason


async def test_the_same_code_with_the_same_error_ends_early(agent: SandboxAgent) -> None:
    first, _ = await judged(agent, BROKEN)
    verdict, request = await judged(agent, BROKEN, attempt=2, feedback=failed_before(BROKEN, first))
    assert request is None
    assert verdict.final
    assert "same code" in verdict.reason


async def test_no_code_twice_ends_early_too(agent: SandboxAgent) -> None:
    first, _ = await judged(agent, "")
    verdict, request = await judged(agent, "", attempt=2, feedback=failed_before("", first))
    assert request is None
    assert verdict.final


async def test_another_error_of_the_same_code_is_worth_another_attempt(
    agent: SandboxAgent,
) -> None:
    feedback = {"code": BROKEN, "error": "MemoryError"}
    verdict, request = await judged(agent, BROKEN, attempt=2, feedback=feedback)
    assert not verdict.final
    assert request is not None
    assert request.attempt == 3


async def test_output_of_any_kind_and_size_gives_a_verdict_that_kafka_takes(
    agent: SandboxAgent,
) -> None:
    code = "import sys\nsys.stdout.buffer.write(b'\\x00\\xff\\x1b[31m')\nprint('x' * 60_000)\n"
    verdict, _ = await judged(agent, code, cases=[])
    assert verdict.success
    assert "\x00" not in verdict.exec_output
    assert "\x1b" not in verdict.exec_output
    assert len(verdict.exec_output.encode()) <= MOST_OUTPUT_BYTES
