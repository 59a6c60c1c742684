"""Waits for the worker, judges the example cases, and reports; runs nothing untrusted."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import marshal
import posix
from typing import Any

from aimesh.services.sandbox.child import kernel, pipes
from aimesh.services.sandbox.child.filter import install


class Ending:
    """Kills the worker when this process gets a SIGTERM, so that its end is still reported."""

    def __init__(self) -> None:
        self._worker = 0
        self._asked = False
        _signal.signal(_signal.SIGTERM, self._on_signal)
        # whoever started this may have blocked some
        _signal.pthread_sigmask(_signal.SIG_SETMASK, ())

    def of(self, pid: int) -> None:
        """Name the worker, which is killed at once if the signal came before; 0 for none."""
        self._worker = pid
        if self._asked and pid:
            posix.kill(pid, kernel.SIGKILL)

    def _on_signal(self, _number: int, _frame: object) -> None:
        self._asked = True
        self.of(self._worker)


def keep(
    job: dict[str, Any], pid: int, answers: int, questions: int, note: Any, ending: Ending
) -> None:
    """Follow the worker to its end, report on the status pipe, and exit.

    Arguments:
        job: what job.py put together.
        pid: the worker.
        answers: a pipe from the worker.
        questions: a pipe to the worker.
        note: memory shared with the worker, which says there what ended the code.
        ending: what may end the worker.
    """
    ending.of(pid)
    status = job["status"]
    cases = _cases(job)
    install(job, target=pid)
    try:  # noqa: SIM105  # contextlib would have to be imported
        _listen(status, pid, answers, questions, cases)
    except BrokenPipeError:
        pass  # the worker ended in the middle of a conversation
    posix.close(answers)
    facts = kernel.wait(pid)
    ending.of(0)
    pipes.send(status, b"E", bytes(note).rstrip(b"\0"))
    pipes.send(status, b"X", " ".join(map(str, facts)).encode())
    posix._exit(0)


def _cases(job: dict[str, Any]) -> list[tuple[str, str]]:
    offset, length = job["cases"]
    data = posix.pread(job["file"], length, offset)
    posix.close(job["file"])
    cases: list[tuple[str, str]] = marshal.loads(data)
    return cases


def _listen(
    status: int, pid: int, answers: int, questions: int, cases: list[tuple[str, str]]
) -> None:
    kind, text = pipes.receive(answers)
    if kind != b"R":  # it says why it could not be locked down, or nothing
        pipes.send(status, b"S", text[:1000])
        return
    pipes.send(status, b"R", str(pid).encode())
    # from here on it runs code that may say anything
    if pipes.receive(answers)[0] == b"D":
        for index, case in enumerate(cases):
            _judge(status, answers, questions, index, case)
        posix.close(questions)


def _judge(status: int, answers: int, questions: int, index: int, case: tuple[str, str]) -> None:
    """Ask the worker for one case's value, and compare it here where that is possible.

    The worker learns what is expected only when that is no literal, and after it gave its value.
    """
    call, expected = case
    pipes.send(questions, b"C", call.encode())
    kind, gave = pipes.receive(answers)
    right = False
    if kind == b"V":
        wanted = _literal(expected)
        if wanted:
            found = _literal(gave.decode("utf-8", "replace"))
            right = bool(found and found[0] == wanted[0])
        else:
            pipes.send(questions, b"W", expected.encode())
            right = pipes.receive(answers)[0] == b"Y"
    word = b"P" if right else b"F"
    pipes.send(status, word, str(index).encode() + b" " + kind + b" " + gave[:1000])


def _literal(text: str) -> tuple[object] | None:
    """The value of a literal; None when the text is something else."""
    # imported here because most runs have no cases
    from ast import literal_eval

    try:
        return (literal_eval(text),)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
