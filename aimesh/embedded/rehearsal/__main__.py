"""``python -m aimesh.embedded.rehearsal``: the rehearsal model as a program of its own."""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Sequence

from aimesh.embedded.rehearsal.faults import NAMES, Fault, fault_from_text
from aimesh.embedded.rehearsal.server import RehearsalServer
from aimesh.errors import SettingsError

_PR_SET_PDEATHSIG = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT, or until the process that started this one ends.

    Returns:
        The exit code: 0 when it was told to end, 1 when it could not serve.
    """
    options = _parser().parse_args(arguments)
    _end_with_parent()
    try:
        asyncio.run(_serve(options))
    except OSError as exc:
        print(f"cannot listen on port {options.port}: {exc.strerror or exc}", file=sys.stderr)
        return 1
    return 0


async def _serve(options: argparse.Namespace) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    server = RehearsalServer(
        port=options.port,
        latency=options.latency,
        model=options.model,
        embed_model=options.embed_model,
        dimensions=options.dimensions,
        seed=options.seed,
        garbage_every=options.garbage_every,
        faults=options.fault,
    )
    async with server:
        print(f"rehearsal model listening on {server.url}", flush=True)
        await told.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m aimesh.embedded.rehearsal",
        description="A stand-in for Ollama with scripted answers, for a rehearsal of the mesh.",
    )
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds for every answer")
    parser.add_argument("--model", default="gemma3:1b")
    parser.add_argument("--embed-model", default="nomic-embed-text")
    parser.add_argument("--dimensions", type=int, default=256, help="size of embeddings")
    parser.add_argument("--seed", type=int, default=1, help="changes the order of the tasks")
    parser.add_argument(
        "--garbage-every", type=int, default=25, help="one in so many first answers has no code"
    )
    parser.add_argument(
        "--fault",
        type=_fault,
        action="append",
        default=[],
        metavar="NAME[:count=N,probability=P,kinds=A+B,seconds=S]",
        help=f"what goes wrong, can be given again: {', '.join(NAMES)}",
    )
    return parser


def _fault(text: str) -> Fault:
    try:
        return fault_from_text(text)
    except SettingsError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from exc


def _end_with_parent() -> None:
    """Have the kernel end this process when the one that started it ends."""
    parent = os.getppid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        sys.exit(0)  # it has ended in the meantime


if __name__ == "__main__":
    sys.exit(main())
