"""The sandbox agent: runs solutions in isolation, publishes the verdict, asks for fixes."""

from __future__ import annotations

from aimesh.core.attempts import Ending, ending
from aimesh.core.text import cut, printable
from aimesh.records import Solution, Task, Verdict, now
from aimesh.services.sandbox import Outcome, Sandbox
from aimesh.stage import Job, Send

MOST_ERROR_BYTES = 4000
MOST_OUTPUT_BYTES = 96 << 10
NO_CODE = "the answer contained no Python code"


class SandboxAgent:
    """Turns solutions into verdicts, and failed ones into requests for a fix."""

    def __init__(self, sandbox: Sandbox, max_attempts: int, *, verdicts: str, tasks: str) -> None:
        self._sandbox = sandbox
        self._max_attempts = max_attempts
        self._verdicts = verdicts
        self._tasks = tasks

    async def work(self, solution: Solution, job: Job) -> list[Send]:
        """Run the code; always a verdict, and a fix request where another attempt is worth it."""
        if solution.solution.strip():
            outcome = await self._sandbox.run(solution.solution, solution.cases)
        else:
            outcome = _without_code(self._sandbox)
        error = cut(printable(outcome.error), MOST_ERROR_BYTES, tail=0.7)
        end = self._ending(solution, outcome, error)
        sends = [Send(self._verdicts, _verdict(solution, outcome, error, end))]
        if not end.final:
            sends.append(Send(self._tasks, _fix_request(solution, error)))
        return sends

    def _ending(self, solution: Solution, outcome: Outcome, error: str) -> Ending:
        previous = solution.feedback or {}
        return ending(
            success=outcome.success,
            attempt=solution.attempt,
            max_attempts=self._max_attempts,
            code=solution.solution,
            error=error,
            previous_code=str(previous.get("code", "")),
            previous_error=str(previous.get("error", "")),
        )


def _without_code(sandbox: Sandbox) -> Outcome:
    return Outcome(
        verdict="no_code",
        success=False,
        output="",
        exit_code=None,
        signal=None,
        wall_s=0.0,
        cpu_s=0.0,
        max_rss_bytes=0,
        truncated=False,
        limit="",
        isolation=sandbox.layers.names,
        cases_passed=0,
        cases_total=0,
        error=NO_CODE,
    )


def _verdict(solution: Solution, outcome: Outcome, error: str, end: Ending) -> Verdict:
    return Verdict(
        **{**solution.asdict(), "created_at": now()},
        success=outcome.success,
        exec_output=cut(printable(outcome.output), MOST_OUTPUT_BYTES, tail=0.5),
        verdict=outcome.verdict,
        exit_code=outcome.exit_code,
        signal=outcome.signal,
        wall_s=round(outcome.wall_s, 4),
        cpu_s=round(outcome.cpu_s, 4),
        max_rss_bytes=outcome.max_rss_bytes,
        truncated=outcome.truncated,
        isolation=list(outcome.isolation),
        limit=outcome.limit,
        final=end.final,
        error="" if outcome.success else error,
        reason=end.reason,
        cases_passed=outcome.cases_passed,
        cases_total=outcome.cases_total,
    )


def _fix_request(solution: Solution, error: str) -> Task:
    return Task(
        task=solution.task,
        task_id=solution.task_id,
        attempt=solution.attempt + 1,
        source="sandbox",
        parent_solution=f"{solution.task_id}#{solution.attempt}",
        feedback={"code": solution.solution, "error": error},
        created_at=now(),
        cases=solution.cases,
    )
