"""Runs the untrusted code as ``__main__`` and answers for the example cases."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import _thread
import atexit
import builtins
import gc
import posix
import sys
from typing import Any

from aimesh.services.sandbox.child import kernel, literals, pipes
from aimesh.services.sandbox.child.filter import install

_NAME = "solution.py"
# the mesh's own work goes first
_NICE = 5


class _Source:
    """Lets tracebacks and ``inspect`` find the code, which is in no file."""

    def __init__(self, source: bytes) -> None:
        self._source = source

    def get_source(self, _name: str) -> str:
        return self._source.decode("utf-8", "replace")


def work(job: dict[str, Any], questions: int, answers: int, note: Any) -> None:
    """Give up the last rights, run the code, and end as it ends.

    Arguments:
        job: what job.py put together.
        questions: a pipe from the keeper.
        answers: a pipe to the keeper.
        note: memory shared with the keeper, to say there what ended the code.
    """
    _signal.signal(_signal.SIGTERM, _signal.SIG_DFL)
    kernel.die_with_parent()
    source = _source(job)
    posix.set_blocking(questions, False)
    try:
        posix.read(questions, 1)
        posix._exit(120)  # nothing but the end of the keeper can be read by now
    except BlockingIOError:
        posix.set_blocking(questions, True)
    try:
        if job["open"]:
            kernel.prctl(kernel.SET_DUMPABLE, 1)
        posix.nice(_NICE)
        install(job)
    except BaseException as error:  # noqa: BLE001  # whatever it is, nothing may run now
        pipes.send(answers, b"S", f"{error}".encode()[:1000])
        posix._exit(120)
    pipes.send(answers, b"R")
    if not job["judged"]:  # then the code finds no descriptor but 0, 1 and 2
        posix.close(questions)
        posix.close(answers)
    code = _run(source, note)
    if code == 0 and job["judged"]:
        _answer(questions, answers)
    posix._exit(_finish() or code)


def _source(job: dict[str, Any]) -> bytes:
    offset, length = job["source"]
    source = b""
    while len(source) < length:
        source += posix.pread(job["file"], length - len(source), offset + len(source))
    posix.close(job["file"])
    return source


def _run(source: bytes, note: Any) -> int:
    from _sitebuiltins import Quitter

    # what the module ``site`` adds for everyday programs
    for name in ("exit", "quit"):
        setattr(builtins, name, Quitter(name, "Ctrl-D"))
    for name in [name for name in sys.modules if name.startswith("aimesh.")]:
        del sys.modules[name]
    module = type(sys)("__main__")
    module.__dict__.update(__builtins__=builtins, __file__=_NAME, __loader__=_Source(source))
    sys.modules["__main__"] = module
    sys.argv = [_NAME]
    try:
        exec(compile(source, _NAME, "exec", dont_inherit=True), module.__dict__)
    except SystemExit as stop:
        return _exit_code(stop)
    except BaseException as error:  # noqa: BLE001  # the code may raise anything
        _tell(error, note)
        _show(error)
        return 1
    return 0


def _exit_code(stop: SystemExit) -> int:
    if stop.code is None or isinstance(stop.code, int):
        return (stop.code or 0) & 0xFF
    print(stop.code, file=sys.stderr)
    return 1


def _tell(error: BaseException, note: Any) -> None:
    """Say what ended the code, for the verdict."""
    number = error.errno if isinstance(error, OSError) else None
    try:
        words = f"{type(error).__name__}: {error}".removesuffix(": ")
    except BaseException:  # noqa: BLE001  # the code may define any __str__
        words = type(error).__name__
    full = 0 if number is None else _what_is_full()
    kind = "memory" if isinstance(error, MemoryError) else "other"
    text = f"{kind} {number or 0} {full} {words}".encode("utf-8", "replace")[: kernel.PAGE]
    note[: len(text)] = text


def _what_is_full() -> int:
    """Of the working folder's file system: 1 for its room, 2 for its inodes, 3 for both."""
    try:
        room = posix.statvfs(".")
    except OSError:
        return 0
    return (room.f_bavail == 0) + 2 * (room.f_favail == 0)


def _show(error: BaseException) -> None:
    """Print the traceback as Python does, without the frames of this module."""
    try:
        from traceback import print_exception

        trace = error.__traceback__
        print_exception(type(error), error, trace.tb_next if trace else None)
    except BaseException:  # noqa: BLE001  # no memory is left for it, or the code broke something
        posix.write(2, b"(the traceback could not be printed)\n")


def _finish() -> int:
    """Do what an interpreter does at its end that a program can notice; its exit code then.

    Taking the rest of the interpreter apart would double the time that a short run takes.
    """
    try:
        if threading := sys.modules.get("threading"):
            threading._shutdown()
        atexit._run_exitfuncs()
        if _thread._count() == 0:  # what daemon threads use must stay
            sys.modules["__main__"].__dict__.clear()
            gc.collect()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException as error:  # noqa: BLE001  # the code may have replaced any of these
        _show(error)
        return 120
    return 0


def _answer(questions: int, answers: int) -> None:
    """Evaluate the cases that the keeper asks for, until it asks no more."""
    pipes.send(answers, b"D")
    names = sys.modules["__main__"].__dict__
    value: object = None
    while True:
        kind, text = pipes.receive(questions)
        if not kind:
            return
        try:
            result = eval(compile(text.decode(), "<case>", "eval"), names)
            if kind == b"C":
                value = result
                reply, words = b"V", literals.write(value)
            else:
                reply, words = (b"Y" if value == result else b"N"), ""
        except BaseException as error:  # noqa: BLE001  # the code may raise anything
            reply, words = b"X", f"{type(error).__name__}: {error}"
        pipes.send(answers, reply, words.encode("utf-8", "replace")[: pipes.LARGEST])
