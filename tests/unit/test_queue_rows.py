"""The rows of the list of queues: kept while nothing changes, and never older than the tables."""

from collections.abc import Iterable
from itertools import islice

import orjson
import pytest

from aimesh.tables.telemetry.tables import Keep, TelemetryTables
from aimesh.views.telemetry.kept_rows import MOST_BYTES
from aimesh.views.telemetry.queue_rows import SHOWN, QueueRows
from tests.telemetry import Disk, message, traffic

KEEPS = [Keep(100_000, 100_000, 100_000), Keep(60, 40, 50)]


def shown(rows: QueueRows, tables: TelemetryTables) -> list[dict[str, object]]:
    """Return what the list says of all queues."""
    made = [rows.row(tables, queue) for queue in tables.messages.queues.values()]
    found: list[dict[str, object]] = orjson.loads(orjson.dumps(made))
    return found


def true_now(tables: TelemetryTables) -> list[dict[str, object]]:
    """Return what it has to say, from the tables themselves."""
    found: list[dict[str, object]] = []
    for name, queue in tables.messages.queues.items():
        pending = tables.messages.bodies(islice(queue.most_urgent(), SHOWN))
        agent = tables.agents.agents.get(name)
        found.append(
            {
                "agent_name": agent.name if agent and agent.name else name,
                "queue_topic": f"agent-queue-{name}",
                "total_messages": queue.total,
                "kept_messages": queue.kept,
                "pending_tasks": queue.waiting,
                "pending": [orjson.loads(body) for body in pending],
            }
        )
    return found


def no_bodies(_: Iterable[int]) -> list[bytes]:
    raise AssertionError("a queue that has not changed was read again")


@pytest.mark.parametrize("keep", KEEPS, ids=["everything kept", "most dropped"])
@pytest.mark.parametrize("seed", range(3))
def test_rows_say_what_the_tables_say_after_every_change(keep: Keep, seed: int) -> None:
    tables, rows = Disk().tables(keep), QueueRows("")
    for offset, entries in enumerate(traffic(1000, seed)):
        tables.apply(offset, entries)
        if offset % 3 == 0:
            tables.expire()
        assert shown(rows, tables) == true_now(tables)


def test_a_row_has_the_name_that_its_agent_has_given_itself() -> None:
    tables, rows = Disk().tables(KEEPS[0]), QueueRows("")
    tables.apply(0, [["message", "writer", 0, 0, message("m1")]])
    assert shown(rows, tables)[0]["agent_name"] == "writer"
    tables.apply(
        1, [["message", "other", 0, 0, message("m2", source_agent="Writer", target_agent="other")]]
    )
    assert [row["agent_name"] for row in shown(rows, tables)] == ["Writer", "other"]


def test_rows_say_what_tables_say_that_were_read_anew() -> None:
    rows = QueueRows("")
    for text in ("one", "two"):
        tables = Disk().tables(KEEPS[0])
        tables.apply(0, [["message", "q", 0, 0, message("m1", payload={"text": text})]])
        [row] = shown(rows, tables)
        assert text in str(row["pending"])


def test_a_queue_that_has_not_changed_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tables, rows = Disk().tables(KEEPS[0]), QueueRows("")
    tables.apply(0, [["message", "q", 0, 0, message("m1")]])
    before = shown(rows, tables)
    monkeypatch.setattr(tables.messages, "bodies", no_bodies)
    assert shown(rows, tables) == before
    tables.apply(1, [["message", "q", 0, 1, message("m2")]])
    with pytest.raises(AssertionError, match="was read again"):
        shown(rows, tables)


def test_a_row_with_a_large_task_takes_no_memory_between_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tables, rows = Disk().tables(KEEPS[0]), QueueRows("")
    large = message("m1", payload={"text": "x" * MOST_BYTES})
    tables.apply(0, [["message", "q", 0, 0, large]])
    shown(rows, tables)
    monkeypatch.setattr(tables.messages, "bodies", no_bodies)
    with pytest.raises(AssertionError, match="was read again"):
        shown(rows, tables)
