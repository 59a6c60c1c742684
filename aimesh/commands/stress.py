"""`aimesh stress`: many tasks at once, and how the mesh works them off."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic, time
from typing import TYPE_CHECKING

import click

from aimesh.commands.base import Run, command
from aimesh.commands.failures import DONE, FAILED
from aimesh.commands.output import STYLES, Output
from aimesh.core.draining import Draining
from aimesh.core.text import printable

if TYPE_CHECKING:
    from rich.console import RenderableType

    from aimesh.records import Task
    from aimesh.services.kafka import KafkaAdmin
    from aimesh.services.reading import Place

INTERVAL = 0.5
# seconds between two lines where nobody looks at a terminal
LINES_EVERY = 2.0
# a governor that lives says something every few seconds
SILENT = 15.0
# messages of the governor before the burst that are read too
EARLIER = 50
_CHART = "▁▂▃▄▅▆▇█"

_THINGS = ("integers", "words", "points in the plane", "intervals", "dates as YYYY-MM-DD")
_JOBS = (
    "sorts a list of {} by two keys of your choice",
    "finds the most frequent of a list of {}",
    "removes duplicates from a list of {} and keeps their order",
    "splits a list of {} into runs of equal length",
    "merges two sorted lists of {}",
)


@command(
    "stress", example="aimesh stress -n 50\naimesh stress -n 20 --bare --no-follow\n"
    "aimesh stress -n 50 --timeout 300 --json",
)  # fmt: skip
@click.option("-n", "number", default=50, type=click.IntRange(1, 10000), show_default=True,
              help="How many tasks.")  # fmt: skip
@click.option("--bare", is_flag=True, help="Send them bare, as outside programs do.")
@click.option("--no-follow", is_flag=True, help="Do not wait until they are taken.")
@click.option("--timeout", type=click.FloatRange(min=0.1), help="Follow for so many seconds.")
async def stress(run: Run, number: int, bare: bool, no_follow: bool, timeout: float | None) -> int:
    """Put many tasks in at once, and watch the mesh cope.

    The lag rises, the producer is throttled, the tasks are taken, the producer may go on: then it
    ends with 0. Ctrl-C leaves the tasks running.
    """
    from aimesh import topics
    from aimesh.services.reading import connected, required
    from aimesh.services.sending import TaskSender

    topic = run.settings.topic_prefix + topics.TASKS
    governor = run.settings.topic_prefix + topics.GOVERNOR
    async with connected(run.brokers) as admin:
        counts = await required(admin, run.brokers, [topic, governor])
        # from a little before, so that the governor's last word is among it
        since = {p: max(0, end - EARLIER) for p, end in (await admin.ends({governor: 1})).items()}
        async with TaskSender(run.brokers, topic) as sender:
            began = monotonic()
            places = await sender.send(burst(number, bare))
        wanted: dict[int, int] = {}
        for (_, partition), offset in places:
            wanted[partition] = max(offset + 1, wanted.get(partition, 0))
        draining = Draining(wanted, number)
        if not run.out.as_json:
            run.out.errors.done(f"{number} tasks sent to {topic} in {monotonic() - began:.2f} s")
        if no_follow:
            if run.out.as_json:
                run.out.json({"sent": number})
            return DONE
        follower = _Follower(run, admin, draining, topic, counts[topic], began)
        return await follower.run(since, timeout)


def burst(number: int, bare: bool) -> list[Task | str]:
    """Return so many tasks, no two of them alike."""
    from aimesh.records import Task, now

    texts = [
        f"Write a function that {random.choice(_JOBS).format(random.choice(_THINGS))}, "
        f"and print its result for an example (stress task {n + 1} of {number})."
        for n in range(number)
    ]
    if bare:
        return list(texts)
    return [
        Task(task=text, task_id=f"b-{uuid.uuid4().hex}", source="stress", created_at=now())
        for text in texts
    ]


class _Follower:
    """Measures and shows how a burst goes down."""

    def __init__(
        self,
        run: Run,
        admin: KafkaAdmin,
        draining: Draining,
        topic: str,
        partitions: int,
        began: float,
    ) -> None:
        self._run = run
        self._admin = admin
        self._draining = draining
        self._topic = topic
        self._partitions = partitions
        self._began = began
        self._began_at = time() - (monotonic() - began)
        self._lags: list[int] = []
        self._heard = monotonic()

    async def run(self, since: Mapping[Place, int], timeout: float | None) -> int:
        """Follow until it is over, and the governor from an offset; return the exit code."""
        listening = asyncio.create_task(self._listen(since))
        try:
            async with asyncio.timeout(timeout):
                with _shown(self._run.out, self._view) as show:
                    await self._measure(show, listening)
        except TimeoutError:
            self._finish()
            self._run.out.errors.fail(f"not over within {timeout:g} s; the mesh goes on by itself")
            return FAILED
        except asyncio.CancelledError:
            self._run.out.errors.note("the mesh goes on without you: aimesh lag")
            raise
        finally:
            listening.cancel()
            await asyncio.wait([listening])
        self._finish()
        return DONE

    async def _measure(self, show: Callable[[], None], listening: asyncio.Task[None]) -> None:
        from aimesh.hops import app_id

        group = app_id(self._run.settings, "consumer")
        while not self._draining.is_over:
            if listening.done():
                listening.result()
            ends = await self._admin.ends({self._topic: self._partitions})
            committed = await self._admin.committed(group)
            self._draining.sample(
                monotonic() - self._began,
                {place[1]: end for place, end in ends.items()},
                {place[1]: done for place, done in committed.items() if place[0] == self._topic},
            )
            self._lags.append(self._draining.lag)
            show()
            if self._draining.drained_after is not None and self._is_silent():
                return
            await asyncio.sleep(INTERVAL)

    async def _listen(self, since: Mapping[Place, int]) -> None:
        from aimesh.codec import loads
        from aimesh.services.reading import TopicReader

        async with TopicReader(self._run.brokers) as reader:
            async for record in reader.following(since):
                try:
                    said = loads(record.value or b"")
                    if said["type"] != "decision":
                        continue
                    state, reason = str(said["state"]), str(said["reason"])
                except (ValueError, KeyError, TypeError):
                    continue
                self._heard = monotonic()
                at = record.timestamp / 1000 - self._began_at
                self._draining.decided(max(0.0, at), state, reason)

    def _is_silent(self) -> bool:
        return monotonic() - self._heard > SILENT

    # -- showing it

    def _view(self) -> list[tuple[str, str, str]]:
        """Return what is known as names, values and styles."""
        now = self._draining
        state = "no governor speaks" if self._is_silent() else now.state or "…"
        chart = "".join(_CHART[min(7, lag * 8 // (now.peak + 1))] for lag in self._lags[-60:])
        return [
            ("after", f"{monotonic() - self._began:.1f} s", ""),
            ("taken", f"{now.count - now.left} of {now.count}", ""),
            ("lag", f"{now.lag} (at most {now.peak})  {chart}", "bold"),
            ("producer", f"{state}  {printable(now.reason)}", STYLES.get(state, "")),
        ]

    def _finish(self) -> None:
        out, now = self._run.out, self._draining
        if out.as_json:
            out.json(now.summary())
            return
        out.line(f"the lag rose to {now.peak}")
        for what, after in (
            ("throttled", now.throttled_after),
            ("drained", now.drained_after),
            ("active again", now.active_after),
        ):
            said = "not seen" if after is None else f"after {after:.1f} s"
            out.line(f"{what}: {said}", "green" if after is not None else "yellow")


@contextmanager
def _shown(
    out: Output, view: Callable[[], list[tuple[str, str, str]]]
) -> Iterator[Callable[[], None]]:
    """Give what shows the view: drawn anew in a terminal, a line now and then elsewhere."""
    if out.as_json:
        yield lambda: None
    elif out.is_live:
        from rich.live import Live

        with Live(console=out.console, transient=True, auto_refresh=False) as live:
            yield lambda: live.update(_laid_out(view()), refresh=True)
    else:
        last = monotonic() - LINES_EVERY

        def line() -> None:
            nonlocal last
            if monotonic() - last >= LINES_EVERY:
                last = monotonic()
                parts = (f"{name} {value}" for name, value, _ in view() if name != "lag")
                out.line("; ".join([*parts, f"lag {view()[2][1].split('  ')[0]}"]))

        yield line


def _laid_out(rows: list[tuple[str, str, str]]) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    for name, value, style in rows:
        grid.add_row(Text(name, style="dim"), Text(value, style=style))
    return grid
