"""Names of the topics, and how each is laid out on the broker."""

from __future__ import annotations

from dataclasses import dataclass

from aimesh.settings import Settings

TASKS = "ai_topic"
SOLUTIONS = "ai_solutions"
VERDICTS = "ai_verified_solutions"
REVIEWS = "ai_reviews"
TELEMETRY = "ai_telemetry"
GOVERNOR = "ai_governor"
DEAD_LETTERS = "ai_dead_letters"
REDRIVES = "ai_redrives"
# what jobs do inside, for their traces
STEPS = "ai_steps"

HOUR = 3600.0
DAY = 24 * HOUR
FOREVER = -0.001

MAX_MESSAGE_BYTES = 4 << 20
# key, value and headers of one message; the rest is what a batch adds to them
MOST_RECORD_BYTES = MAX_MESSAGE_BYTES - (16 << 10)
# What gathers for a partition while a request is under way goes in the next, up to so many bytes:
# less than any broker takes as it comes, and much more than the 16 KB at which clients begin anew.
BATCH_BYTES = 512 << 10

# of changelogs: compacted soon, and with what was removed still told to workers away for days
CHANGELOG = {
    "max.message.bytes": str(MAX_MESSAGE_BYTES),
    "segment.bytes": str(32 << 20),
    "min.cleanable.dirty.ratio": "0.2",
    "delete.retention.ms": str(7 * 86_400_000),
}


@dataclass(frozen=True)
class Layout:
    """How a topic is created: partitions and how long (seconds) its messages are kept.

    A compacted one, a table's changelog, keeps the newest message of every key instead. Where the
    number of partitions is no setting, ``only_for`` names the role that needs it so, if it is one
    that a worker can do without.
    """

    name: str
    partitions: int
    retention: float
    compacted: bool = False
    only_for: str = ""


def layouts(settings: Settings) -> tuple[Layout, ...]:
    """The mesh's topics as they are created on a broker that does not have them yet.

    What the audit proves its balance from is kept for ever; telemetry for some days.
    """
    many = settings.partitions
    plan = (
        Layout(TASKS, many, FOREVER),
        Layout(SOLUTIONS, many, FOREVER),
        Layout(VERDICTS, many, FOREVER),
        Layout(REVIEWS, many, FOREVER),
        Layout(DEAD_LETTERS, many, FOREVER),
        # which dead letters were sent back
        Layout(REDRIVES, 1, FOREVER),
        Layout(TELEMETRY, many, 3 * DAY),
        # one partition: whoever holds it is the governor, and its agent sees every sample
        Layout(GOVERNOR, 1, DAY),
    )
    return tuple(
        Layout(settings.topic_prefix + item.name, item.partitions, item.retention) for item in plan
    )


# what each topic carries, as the feed names it; the governor's records say it themselves
CARRIES = {
    TASKS: "task",
    SOLUTIONS: "solution",
    VERDICTS: "verdict",
    REVIEWS: "review",
    TELEMETRY: "line",
    GOVERNOR: "governor",
    DEAD_LETTERS: "dead_letter",
}


def results_partitions(settings: Settings) -> dict[str, int]:
    """Return the partitions of every stage's results topic, by role: as many as its source's."""
    many = settings.partitions
    return {
        "producer": 1,
        "consumer": many,
        "sandbox": many,
        "memory": many,
        "reviewer": many,
        "persistence": many,
    }
