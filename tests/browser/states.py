"""How a mesh is doing, as the state's address answers."""

from __future__ import annotations

import time
from typing import Any

from tests.browser.samples import LAYERS, stamp


def history(values: list[int]) -> list[list[float]]:
    """Return lags as a hop's history, one every five seconds, the last one now."""
    now = time.time()
    return [[now - 5 * (len(values) - index), value] for index, value in enumerate(values)]


def waves(peak: int) -> list[int]:
    """Return lags of a quarter of an hour with some bursts."""
    lags: list[int] = []
    for burst in (3, peak, 2, 1, peak // 2, 1):
        lags += [min(burst, step) for step in range(0, burst + 1, 2)]
        lags += [max(0, burst - step // 2) for step in range(30 - len(lags) % 7)]
    return lags[-180:]


REASONS = {
    "OK": "keeping up",
    "BUSY": "at work on 3 jobs for 14 s",
    "WARN": "lag grew from 0 to 4 in 58 s",
    "STALL": "1 message waits, none was taken for 44 s",
}


def hop(role: str, topic: str, verdict: str, lags: list[int], trend: str) -> dict[str, Any]:
    """Return a hop as the state has it."""
    return {
        "role": role, "topic": topic, "group": f"aimesh-{role}", "lag": lags[-1],
        "lag_seconds": 0.4 * lags[-1], "verdict": verdict, "trend": trend, "members": 1, "open": 1,
        "reason": REASONS[verdict], "oldest_s": 1.2, "history": history(lags), "ts": stamp(0),
    }  # fmt: skip


def state(*, throttled: bool = False, rehearsal: bool = False) -> dict[str, Any]:
    """Return how a mesh is doing, as the state's address answers."""
    lag = 12 if throttled else 1
    reached = "has reached" if throttled else "is below"
    lags = [*waves(14), *([6, 9, 12] if throttled else [2, 1])]
    services = {"ok": True, "since": stamp(3600), "reason": "", "remedy": ""}
    return {
        "governor": {
            "state": "THROTTLED" if throttled else "ACTIVE", "threshold": 3, "lag": lag,
            "reason": f"lag {lag} {reached} the threshold of 3", "since": stamp(95),
            "at": stamp(0),
        },
        "hops": [
            hop("consumer", "ai_topic", "BUSY" if throttled else "OK", lags,
                "up" if throttled else "down"),
            hop("sandbox", "ai_solutions", "OK", [0, 1, 0, 2, 0, 0] * 20, "flat"),
            hop("reviewer", "ai_verified_solutions", "WARN" if throttled else "OK",
                [0, 1, 2, 1, 3, 4] * 20, "up"),
            hop("persistence", "ai_reviews", "OK", [0] * 100, "flat"),
            hop("memory", "ai_verified_solutions", "STALL" if throttled else "OK", [0, 0, 1] * 30,
                "flat"),
        ],
        "stages": [
            {"role": role, "worker": "worker", "slots": slots, "running": running, "open": running,
             "waiting": "", "ts": stamp(0)}
            for role, slots, running in (("producer", 1, 0), ("consumer", 4, 2), ("sandbox", 2, 1),
                                         ("reviewer", 4, 1))
        ],
        "model": services | {"name": "ollama", "model": "gemma3:1b", "rehearsal": rehearsal},
        "memory": services | {"on": True, "count": 187},
        "sandbox": {"layers": LAYERS, "unsafe": False},
        "counts": {"tasks": 131, "solutions": 158, "passed": 117, "failed": 11, "reviewed": 128,
                   "passed_first": 96, "dead_lettered": 1, "errors": 2},
        "in_flight": 3, "tokens_per_minute": 5240, "version": "0.1.0", "as_of": stamp(0),
    }  # fmt: skip
