"""Which verdict the facts of a run make."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterator, Sequence

from aimesh.services.sandbox.layers import Layers
from aimesh.services.sandbox.limits import Limits
from aimesh.services.sandbox.outcome import Outcome, Report
from aimesh.services.sandbox.output import readable

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_SHOWN_CASES = 10
_SHOWN = 500


def outcome(
    report: Report, limits: Limits, layers: Layers, cases: Sequence[tuple[str, str]]
) -> Outcome:
    """Put the facts into words.

    Arguments:
        report: what was collected.
        cases: calls and what was expected of them.
    """
    verdict, limit, error = classify(report, limits, len(cases))
    text = readable(report.output)
    if report.truncated:
        text += f"\n[cut here: more than {size(limits.output)} of output]"
    wrong = list(_wrong(report, cases))
    if verdict == "failed" and wrong and not report.exception:
        error = wrong[0]
    if wrong:
        text = "\n".join([text.rstrip("\n")] * bool(text) + wrong)
    code = None if report.status is None else os.waitstatus_to_exitcode(report.status)
    return Outcome(
        verdict=verdict,
        success=verdict == "passed",
        output=text,
        exit_code=code if code is not None and code >= 0 else None,
        signal=-code if code is not None and code < 0 else None,
        wall_s=round(report.wall_s, 4),
        cpu_s=round(report.cpu_s, 4),
        max_rss_bytes=report.max_rss_bytes,
        truncated=report.truncated,
        limit=limit,
        isolation=layers.names,
        cases_passed=sum(right for right, _ in report.cases.values()),
        cases_total=len(cases),
        error=error[:_SHOWN],
    )


def _wrong(report: Report, cases: Sequence[tuple[str, str]]) -> Iterator[str]:
    """A line for each of the first failing cases."""
    failing = [number for number, (right, _) in sorted(report.cases.items()) if not right]
    for number in failing[:_SHOWN_CASES]:
        call, expected = cases[number]
        did = report.cases[number][1]
        yield readable(
            f"case {number + 1} of {len(cases)}: {call[:_SHOWN]} {did[:_SHOWN]}, "
            f"expected {expected[:_SHOWN]}".encode("utf-8", "replace")
        )


def classify(report: Report, limits: Limits, cases: int) -> tuple[str, str, str]:
    """The verdict, the limit that was hit if any, and the error in one line."""
    if report.stopped and not report.refused:
        return _stopped(report.stopped, limits)
    if not report.ready:
        why = report.refused or "the interpreter ended before it was locked down"
        return "sandbox_error", "", f"nothing was run: {why}"
    if report.status is None:
        return "sandbox_error", "", "the run ended without a report"
    code = os.waitstatus_to_exitcode(report.status)
    if code < 0:
        return _signalled(-code, report, limits)
    if code == 0:
        return _finished(report, cases)
    return _raised(code, report, limits)


def _stopped(reason: str, limits: Limits) -> tuple[str, str, str]:
    if reason == "unmeasured":
        return "sandbox_error", "", "ended because what it kept on disk could not be measured"
    verdict, limit = {
        "wall": ("timeout", f"wall {limits.wall_s:g} s"),
        "output": ("output_limit", f"output {size(limits.output)}"),
        "disk": ("disk_limit", f"files {size(limits.disk)}"),
        "inodes": ("disk_limit", f"inodes {limits.inodes}"),
        "threads": ("killed", f"threads {limits.threads}"),
    }[reason]
    return verdict, limit, f"stopped at the limit: {limit}"


def _signalled(number: int, report: Report, limits: Limits) -> tuple[str, str, str]:
    if number == signal.SIGXCPU or (number == signal.SIGKILL and _cpu_spent(report, limits)):
        limit = f"CPU {limits.cpu_s:g} s"
        return "timeout", limit, f"stopped at the limit: {limit}"
    if number == signal.SIGSYS:
        return "killed", "system calls", "killed for a system call of a foreign kind"
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    return "killed", "", f"killed by {name}"


def _cpu_spent(report: Report, limits: Limits) -> bool:
    # the kernel counts this limit in ticks, which is some way off what was really used
    return report.cpu_s >= limits.cpu_s * 0.5


def _finished(report: Report, cases: int) -> tuple[str, str, str]:
    passed = sum(right for right, _ in report.cases.values())
    if passed == cases:
        return "passed", "", ""
    return "failed", "", f"{passed} of {cases} cases passed"


def _raised(code: int, report: Report, limits: Limits) -> tuple[str, str, str]:
    error = report.exception or f"exit code {code}"
    if report.memory_error:
        return "out_of_memory", f"memory {size(limits.memory)}", error
    if report.errno in _FULL:
        full_inodes = report.full & 2
        limit = f"inodes {limits.inodes}" if full_inodes else f"files {size(limits.disk)}"
        return "disk_limit", limit, error
    if "can't start new thread" in error:
        return "failed", f"threads {limits.threads}", error
    return "failed", "", error


def size(number: int) -> str:
    """A number of bytes as people write it."""
    for unit, name in ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB")):
        if number >= unit and number % unit == 0:
            return f"{number // unit} {name}"
    return f"{number} bytes"
