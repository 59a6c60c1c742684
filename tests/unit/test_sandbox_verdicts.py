"""The facts of a run make the right verdict, whatever the untrusted side wrote."""

from __future__ import annotations

import random
import signal

import pytest

from aimesh.errors import SettingsError
from aimesh.services.sandbox.layers import Layers
from aimesh.services.sandbox.limits import Limits
from aimesh.services.sandbox.outcome import Report
from aimesh.services.sandbox.output import readable
from aimesh.services.sandbox.reports import read_status
from aimesh.services.sandbox.verdicts import classify, outcome
from aimesh.settings import Settings

_LIMITS = Limits()


def _message(kind: bytes, text: bytes) -> bytes:
    return kind + len(text).to_bytes(4, "little") + text


def _ended(status: int, **facts: object) -> Report:
    report = Report(ready=True, status=status)
    for name, value in facts.items():
        setattr(report, name, value)
    return report


@pytest.mark.parametrize(
    ("report", "verdict", "limit"),
    [
        (_ended(0), "passed", ""),
        (_ended(3 << 8), "failed", ""),
        (_ended(1 << 8, memory_error=True), "out_of_memory", "memory 512 MB"),
        (_ended(1 << 8, errno=28, full=1), "disk_limit", "files 32 MB"),
        (_ended(1 << 8, errno=28, full=2), "disk_limit", "inodes 1000"),
        (_ended(1 << 8, errno=27), "disk_limit", "files 32 MB"),
        (_ended(1 << 8, exception="RuntimeError: can't start new thread"), "failed", "threads 64"),
        (_ended(signal.SIGKILL, cpu_s=4.7), "timeout", "CPU 5 s"),
        (_ended(signal.SIGKILL, cpu_s=0.1), "killed", ""),
        (_ended(signal.SIGSYS), "killed", "system calls"),
        (_ended(signal.SIGSEGV), "killed", ""),
        (_ended(signal.SIGKILL, stopped="wall"), "timeout", "wall 10 s"),
        (_ended(signal.SIGKILL, stopped="output"), "output_limit", "output 64 KB"),
        (_ended(signal.SIGKILL, stopped="disk"), "disk_limit", "files 32 MB"),
        (_ended(signal.SIGKILL, stopped="inodes"), "disk_limit", "inodes 1000"),
        (_ended(signal.SIGKILL, stopped="threads"), "killed", "threads 64"),
        (Report(ready=True), "sandbox_error", ""),
        (Report(refused="unshare: not permitted"), "sandbox_error", ""),
        (Report(), "sandbox_error", ""),
    ],
)
def test_verdict_names_the_limit_that_was_hit(report: Report, verdict: str, limit: str) -> None:
    assert classify(report, _LIMITS, 0)[:2] == (verdict, limit)


def test_what_was_not_locked_down_never_counts_as_run() -> None:
    report = Report(status=0, refused="seccomp: no")
    assert classify(report, _LIMITS, 0)[0] == "sandbox_error"


def test_cases_that_were_not_reached_are_not_passed() -> None:
    verdict, _, error = classify(_ended(0, cases={0: (True, "gave 1")}), _LIMITS, 3)
    assert (verdict, error) == ("failed", "1 of 3 cases passed")


def test_output_names_each_failing_case_once() -> None:
    report = _ended(0, output=b"hello\n", cases={0: (True, "gave 1"), 1: (False, "gave 5")})
    result = outcome(report, _LIMITS, Layers(), [("f(1)", "1"), ("f(2)", "4")])
    assert result.output == "hello\ncase 2 of 2: f(2) gave 5, expected 4"
    assert result.error == "case 2 of 2: f(2) gave 5, expected 4"
    assert (result.cases_passed, result.cases_total, result.success) == (1, 2, False)


def test_cut_output_has_a_mark() -> None:
    report = _ended(signal.SIGKILL, output=b"x" * 100, truncated=True, stopped="output")
    result = outcome(report, _LIMITS, Layers(), [])
    assert result.output.endswith("x\n[cut here: more than 64 KB of output]")
    assert result.truncated


def test_messages_of_the_keeper_are_read() -> None:
    report = Report()
    data = (
        _message(b"R", b"4711")
        + _message(b"P", b"0 V 4")
        + _message(b"F", b"1 X ValueError: no")
        + _message(b"E", b"other 28 2 OSError: full")
        + _message(b"X", b"256 0.25 2048")
    )
    read_status(data, report)
    assert (report.ready, report.worker, report.status) == (True, 4711, 256)
    assert report.cases == {0: (True, "gave 4"), 1: (False, "raised ValueError: no")}
    assert (report.errno, report.full, report.exception) == (28, 2, "OSError: full")
    assert (report.cpu_s, report.max_rss_bytes) == (0.25, 2048 * 1024)


def test_the_workers_note_can_say_nothing_but_what_it_is_for() -> None:
    chance = random.Random(5)
    for _ in range(2000):
        note = bytes(chance.choices(b"memoryother 0123456789\x00\xff\n:", k=chance.randrange(60)))
        report = Report()
        read_status(_message(b"E", note) + _message(b"X", b"0 0 0"), report)
        assert (report.ready, report.status) == (False, 0)
        outcome(report, _LIMITS, Layers(), [])


@pytest.mark.parametrize("cut", range(30))
def test_messages_cut_short_are_passed_over(cut: int) -> None:
    report = Report()
    read_status((_message(b"R", b"1") + _message(b"X", b"0 0.5 1"))[:cut], report)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain\n\ttext", "plain\n\ttext"),
        (b"a\r\nb", "a\nb"),
        (b"\x1b[31mred", "\\x1b[31mred"),
        (b"a\x00b\x07\x7f", "a\\x00b\\x07\\x7f"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
        ("\u202egnp.exe".encode(), "\\u202egnp.exe"),
        ("\x9b31m".encode(), "\\x9b31m"),
        ("ü 你好 \U0001f469\u200d\U0001f467".encode(), "ü 你好 \U0001f469\u200d\U0001f467"),
    ],
)
def test_output_can_be_shown_anywhere(data: bytes, text: str) -> None:
    assert readable(data) == text


def test_a_run_that_cannot_be_measured_is_no_pass() -> None:
    verdict, _, error = classify(_ended(0, stopped="unmeasured"), _LIMITS, 0)
    assert verdict == "sandbox_error"
    assert "could not be measured" in error


def test_limits_that_nothing_could_run_in_are_refused() -> None:
    settings = Settings.from_env({"AIMESH_SANDBOX_MEMORY": "1000"})
    with pytest.raises(SettingsError, match=r"AIMESH_SANDBOX_MEMORY=1000 .* the least is 67108864"):
        Limits.from_settings(settings)


def test_limits_are_the_settings() -> None:
    settings = Settings.from_env({"AIMESH_SANDBOX_TIMEOUT": "3", "AIMESH_SANDBOX_THREADS": "7"})
    assert Limits.from_settings(settings) == Limits(wall_s=3, threads=7)
