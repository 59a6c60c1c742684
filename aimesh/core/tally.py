"""Counts of what happened, each event counted once however often it is delivered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aimesh.core.feed import FeedEvent

MOST_RECENT = 500
# of a partition: how many stretches of offsets that were not seen yet are remembered
MOST_GAPS = 64


@dataclass
class Tally:
    """What is counted in one partition of the feed; kept as one value, so that it is never torn.

    ``origins`` holds the highest offset counted of every partition that the feed copies, and
    ``gaps`` the stretches below it that were not, as ``[first, last]``: a message copied twice, or
    read twice, is not counted again, and one that was overtaken is counted when it comes.
    ``recent`` lists the newest tasks as ``[first seen, task id]``, oldest first.
    """

    origins: dict[str, int] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    recent: list[list[str]] = field(default_factory=list)
    gaps: dict[str, list[list[int]]] = field(default_factory=dict)

    def add(self, event: FeedEvent, repeated: bool = False) -> bool:
        """Count an event; False where it was counted before.

        Arguments:
            repeated: another message has said the same.
        """
        if not self._is_new(event.origin, event.offset):
            return False
        if not repeated:
            self.counts.update(dict(_counted(event)))
        return not repeated

    def _is_new(self, origin: str, offset: int) -> bool:
        last = self.origins.get(origin, -1)
        gaps = self.gaps.setdefault(origin, [])
        if offset > last:
            if offset > last + 1:
                gaps.append([last + 1, offset - 1])
                del gaps[:-MOST_GAPS]
            self.origins[origin] = offset
            return True
        found = next((gap for gap in gaps if gap[0] <= offset <= gap[1]), None)
        if found is None:
            return False
        rest = [[found[0], offset - 1], [offset + 1, found[1]]]
        place = gaps.index(found)
        gaps[place : place + 1] = [gap for gap in rest if gap[0] <= gap[1]]
        return True

    def note(self, at: str, task_id: str) -> None:
        """Keep a task on the list of recent ones, under the earliest time that it was noted with.

        It may be noted again: this and the task's state are not written as one. One that has left
        the full list for newer ones does not come back.
        """
        for entry in reversed(self.recent):
            if entry[1] == task_id:
                entry[0] = min(entry[0], at)
                return
        if len(self.recent) >= MOST_RECENT and at <= min(entry[0] for entry in self.recent):
            return
        self.recent.append([at, task_id])
        del self.recent[:-MOST_RECENT]

    def stored(self) -> dict[str, Any]:
        """Return the tally as it is written to its table."""
        return {
            "origins": self.origins, "counts": dict(self.counts), "recent": self.recent,
            "gaps": self.gaps,
        }  # fmt: skip

    @classmethod
    def restored(cls, data: Mapping[str, Any] | None) -> Tally:
        """Return the tally that `stored` described, an empty one for None."""
        data = data or {}
        return cls(
            dict(data.get("origins", {})), Counter(data.get("counts", {})),
            list(data.get("recent", [])), dict(data.get("gaps", {})),
        )  # fmt: skip


def _counted(event: FeedEvent) -> Iterator[tuple[str, int]]:
    data = event.data
    if event.kind == "task":
        yield ("tasks" if int(data.get("attempt") or 1) == 1 else "fix_requests"), 1
    elif event.kind == "solution":
        yield "solutions", 1
        yield "input_tokens", data.get("input_tokens") or 0
        yield "output_tokens", data.get("output_tokens") or 0
    elif event.kind == "verdict":
        yield "verdicts", 1
        yield f"verdict.{data.get('verdict', '')}", 1
        if data.get("final"):
            yield ("passed" if data.get("success") else "failed"), 1
            if data.get("success") and data.get("attempt") == 1:
                yield "passed_first", 1
    elif event.kind == "review":
        yield "reviewed", 1
        yield "review_input_tokens", data.get("input_tokens") or 0
        yield "review_output_tokens", data.get("output_tokens") or 0
    elif event.kind == "dead_letter":
        yield "dead_lettered", 1
    elif event.kind == "line":
        yield from _counted_line(data)


def _counted_line(data: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    agent = data.get("agent", "")
    if data.get("type") == "event":
        yield f"events.{agent}.{data.get('name', '')}", 1
    if data.get("level") in ("error", "warning"):
        yield f"{data['level']}s.{agent}", 1
        yield f"{data['level']}s", 1
