"""Many open pages without a browser: connections to the feed that read all that comes.

    python -m bench.readers URL COUNT [--state-every SECONDS]

Says ``open`` when all are connected, reads until its input ends with the number of events that each
should get and a Unix time, waits for the last of them, and prints one line of JSON: what the
clients have got, and how late since that time. Like a page, each also asks for the state of the
mesh.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import re
import sys
import time
from array import array
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aiohttp

from aimesh.views.streams import PATH
from bench.figures import quantile
from tests.waiting import until

STATE = "/api/v1/mesh/state"
# as often as a page does
STATE_SECONDS = 2.0
OPEN_SECONDS = 60.0
# what is still on its way at the end may take so long
LAST_SECONDS = 10.0
MARK = b"\nevent: "
_AT = re.compile(rb'"at":"([0-9T:.+Z-]+)"')


@dataclass
class Got:
    """What all clients have got.

    ``late_ms`` is the age of the oldest event in what came at once, at each arrival; ``told_at`` is
    when that event was told.
    """

    events: dict[int, int] = field(default_factory=dict)
    told_at: array[float] = field(default_factory=lambda: array("d"))
    late_ms: array[float] = field(default_factory=lambda: array("d"))
    state_ms: array[float] = field(default_factory=lambda: array("d"))
    broken: int = 0

    def summary(self, since: float) -> dict[str, float]:
        """Return the figures; those about delays of what was told since a Unix time."""
        pairs = zip(self.told_at, self.late_ms, strict=True)
        late = sorted(ms for at, ms in pairs if at >= since)
        state = sorted(self.state_ms)
        counts = self.events.values()
        return {
            "clients": len(counts),
            "least": min(counts, default=0),
            "all": sum(counts),
            "broken": self.broken,
            "late_p50_ms": quantile(late, 0.5) if late else 0.0,
            "late_p95_ms": quantile(late, 0.95) if late else 0.0,
            "state_p95_ms": quantile(state, 0.95) if state else 0.0,
        }


class Counter:
    """Counts events in a stream that comes in pieces, cut anywhere."""

    def __init__(self) -> None:
        self.count = 0
        self._tail = b""

    def feed(self, piece: bytes) -> None:
        """Take in the next piece."""
        data = self._tail + piece
        self.count += data.count(MARK)
        self._tail = data[-(len(MARK) - 1) :]


async def read(http: aiohttp.ClientSession, number: int, got: Got, opened: asyncio.Event) -> None:
    """Read the feed as one client until cancelled."""
    counter = Counter()
    async with http.get(PATH, params={"recent": 0}) as answer:
        answer.raise_for_status()
        async for piece in answer.content.iter_any():
            opened.set()
            counter.feed(piece)
            got.events[number] = counter.count
            if found := _AT.search(piece):
                at = datetime.fromisoformat(found[1].decode()).timestamp()
                got.told_at.append(at)
                got.late_ms.append(1000 * (time.time() - at))
    got.broken += 1


async def ask(http: aiohttp.ClientSession, got: Got, first: float, every: float) -> None:
    """Ask for the state again and again until cancelled, ``first`` after so many seconds."""
    await asyncio.sleep(first)
    while True:
        began = time.perf_counter()
        async with http.get(STATE) as answer:
            await answer.read()
        got.state_ms.append(1000 * (time.perf_counter() - began))
        await asyncio.sleep(every)


async def read_all(url: str, count: int, every: float) -> dict[str, float]:
    """Read as so many clients until the standard input ends; return what they have got."""
    got = Got(events=dict.fromkeys(range(count), 0))
    opened = [asyncio.Event() for _ in range(count)]
    forever = aiohttp.ClientTimeout(total=None)
    async with (
        aiohttp.ClientSession(
            url, connector=aiohttp.TCPConnector(limit=0), timeout=forever
        ) as http,
        asyncio.TaskGroup() as group,
    ):
        own = [group.create_task(read(http, n, got, opened[n])) for n in range(count)]
        if every:
            firsts = [n * every / count for n in range(count)]
            own += [group.create_task(ask(http, got, first, every)) for first in firsts]
        async with asyncio.timeout(OPEN_SECONDS):
            await asyncio.gather(*(event.wait() for event in opened))
        print("open", flush=True)
        told = (await asyncio.to_thread(sys.stdin.read)).split()
        wanted, since = (int(told[0]), float(told[1])) if told else (0, 0.0)
        with contextlib.suppress(TimeoutError):
            await until(lambda: min(got.events.values()) >= wanted, LAST_SECONDS)
        for task in own:
            task.cancel()
    return got.summary(since)


class Readers:
    """Clients that read in a process of their own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def done(self, events: int, since: float = 0.0) -> dict[str, Any]:
        """End them when each has so many events, or some seconds later; return what they have got.

        Arguments:
            since: a Unix time; delays are those of what was told since then.

        Raises:
            SystemExit: they have failed.
        """
        told, _ = await self._process.communicate(f"{events} {since}\n".encode())
        if self._process.returncode:
            raise SystemExit(f"the clients of the feed ended with {self._process.returncode}")
        found: dict[str, Any] = json.loads(told)
        return found


@asynccontextmanager
async def reading(url: str, count: int, every: float = STATE_SECONDS) -> AsyncIterator[Readers]:
    """Let so many clients read; the body begins when all are connected."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.readers", url, str(count), "--state-every", str(every),
        stdin=pipe, stdout=pipe,
    )  # fmt: skip
    assert process.stdout
    try:
        if await process.stdout.readline() != b"open\n":
            raise SystemExit(f"{count} clients could not connect to {url}")
        yield Readers(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def main(arguments: Sequence[str] | None = None) -> None:
    """Read until the input ends."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url")
    parser.add_argument("count", type=int)
    parser.add_argument("--state-every", type=float, default=STATE_SECONDS, help="0 for not at all")
    options = parser.parse_args(arguments)
    found = asyncio.run(read_all(options.url, options.count, options.state_every))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
