"""Where a trace's time went: the span that took longest by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aimesh.core.spans import Span


@dataclass(frozen=True)
class Bottleneck:
    """A span, the seconds that it took without its children, and its share of the whole."""

    span: Span
    own_s: float
    share: float


def bottleneck(spans: Sequence[Span], now: float) -> Bottleneck | None:
    """Return the span whose own time, not that of spans within it, is the longest.

    Arguments:
        spans: of one trace.
        now: a Unix time, at which those end that have not ended.
    """
    if not spans:
        return None
    children: dict[str, list[Span]] = {}
    for span in spans:
        if span.parent:
            children.setdefault(span.parent, []).append(span)
    # the whole of a task is no piece of work
    pieces = [span for span in spans if span.kind != "task"] or list(spans)
    own = {id(span): _own(span, children.get(span.span_id, ()), now) for span in pieces}
    worst = max(pieces, key=lambda span: own[id(span)])
    start = min(span.start for span in spans)
    whole = max(_end(span, now) for span in spans) - start
    seconds = own[id(worst)]
    return Bottleneck(worst, seconds, min(1.0, seconds / whole) if whole > 0 else 0.0)


def _end(span: Span, now: float) -> float:
    return max(span.start, now if span.end is None else span.end)


def _own(span: Span, children: Sequence[Span], now: float) -> float:
    """Return the time that no child covers."""
    end, covered, reached = _end(span, now), 0.0, span.start
    for child in sorted(children, key=lambda c: c.start):
        begin, stop = max(child.start, reached), min(_end(child, now), end)
        if stop > begin:
            covered += stop - begin
            reached = stop
    return max(0.0, end - span.start - covered)
