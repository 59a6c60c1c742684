"""The telemetry's tables: the same from the same feed, whatever happens to the process."""

from collections.abc import Callable
from copy import deepcopy
from random import Random

import pytest

from aimesh.core.mesh_events import default_trace
from aimesh.tables.telemetry.tables import Keep, TelemetryTables
from aimesh.tables.telemetry.writing import FeedLostError
from tests.telemetry import Disk, error, event, look, message, traffic

LARGE = Keep(100_000, 100_000, 100_000)
SMALL = Keep(200, 40, 50)


def always() -> bool:
    return True


@pytest.mark.parametrize("keep", [LARGE, SMALL], ids=["everything kept", "most dropped"])
@pytest.mark.parametrize("seed", range(2))
async def test_after_a_restart_everything_is_the_same(keep: Keep, seed: int) -> None:
    disk, records = Disk(), list(traffic(1000, seed))
    tables = disk.tables(keep)
    for offset, entries in enumerate(records):
        tables.apply(offset, entries)
        if not offset % 7:
            await tables.write(always)
    await tables.write(always)
    tables.expire()
    assert look(disk.tables(keep)) == look(tables)


@pytest.mark.parametrize("keep", [LARGE, SMALL], ids=["everything kept", "most dropped"])
@pytest.mark.parametrize("seed", range(4))
async def test_a_kill_at_any_write_changes_nothing(keep: Keep, seed: int) -> None:
    random, records = Random(seed), list(traffic(700, seed))
    undisturbed = Disk().tables(keep)
    for offset, entries in enumerate(deepcopy(records)):
        undisturbed.apply(offset, entries)
    undisturbed.expire()
    disk = Disk()
    tables, offset = disk.tables(keep), 0
    while offset < len(records):
        tables.apply(offset, deepcopy(records[offset]))
        offset += 1
        if random.random() < 0.1:
            left = random.randrange(60)
            try:
                await tables.write(_until(left))
            except FeedLostError:
                tables = disk.tables(keep)
                offset = tables.feed + 1
    tables.expire()
    assert look(tables) == look(undisturbed)


def _until(left: int) -> Callable[[], bool]:
    """Return what lets so many writes happen and no more."""
    count = iter(range(left))
    return lambda: next(count, None) is not None


async def test_what_is_dropped_leaves_nothing_behind() -> None:
    disk = Disk()
    tables = disk.tables(SMALL)
    for offset, entries in enumerate(traffic(2000, 3)):
        tables.apply(offset, entries)
        if not offset % 5:
            await tables.write(always)
    for _ in range(2):
        await tables.write(always)
    tables = disk.tables(SMALL)
    assert tables.messages.ledger.next - tables.messages.ledger.low == SMALL.messages
    assert len(tables.errors) == SMALL.errors
    assert len(tables.traces) <= SMALL.traces
    kept = {name: len(held) for name, held in disk.stores.items()}
    assert kept["errors"] <= SMALL.errors / 4 + 2
    assert kept["ledger"] <= 6
    assert kept["traces"] <= SMALL.traces
    assert kept["messages"] <= SMALL.messages / 32 + 2 * len(tables.messages.groups)


def tables_with(*records: dict[str, object]) -> TelemetryTables:
    """Return tables into which some messages and errors were worked."""
    tables = Disk().tables(LARGE)
    kinds = {"message_id": "message", "error_id": "error", "task_id": "event"}
    for offset, record in enumerate(records):
        kind = next(kinds[name] for name in kinds if name in record)
        tables.apply(offset, [[kind, "topic", 0, offset, record]])
    return tables


RESULT = {"message_type": "result", "parent_message_id": "a", "target_agent": "planner"}


def test_a_record_that_cannot_be_taken_in_keeps_none_of_the_others_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tables = Disk().tables(LARGE)
    bad = message("b") | {"timestamp": "at noon"}
    records = enumerate([message("a"), bad, message("c")])
    entries = [["message", "p.agent-queue-writer", 0, place, one] for place, one in records]
    assert len(tables.apply(0, entries)) == 2
    assert tables.counts["messages"] == 2
    assert "p.agent-queue-writer" in caplog.text


def pending(tables: TelemetryTables) -> int:
    tables.expire()
    return tables.messages.queues["writer"].waiting


def test_a_task_is_pending_until_it_is_answered() -> None:
    assert pending(tables_with(message("a"))) == 1
    assert pending(tables_with(message("a"), message("r", **RESULT))) == 0
    assert (
        pending(tables_with(message("a"), message("r", **{**RESULT, "message_type": "error"}))) == 0
    )
    assert (
        pending(tables_with(message("a"), message("r", **{**RESULT, "message_type": "heartbeat"})))
        == 1
    )


def test_an_answer_that_is_read_before_its_task_counts() -> None:
    assert pending(tables_with(message("r", **RESULT), message("a"))) == 0


def test_a_task_that_comes_twice_is_pending_once() -> None:
    assert pending(tables_with(message("a"), message("a"))) == 1
    assert pending(tables_with(message("a"), message("r", **RESULT), message("a"))) == 0


def test_a_task_is_no_longer_pending_when_it_is_cancelled_or_its_time_has_run_out() -> None:
    cancel = {"message_type": "cancel", "target_agent": "writer"}
    assert pending(tables_with(message("a"), message("c", **cancel, parent_message_id="a"))) == 0
    assert (
        pending(tables_with(message("a"), message("c", **cancel, payload={"message_id": "a"}))) == 0
    )
    assert pending(tables_with(message("a", ttl_seconds=60))) == 0
    assert pending(tables_with(message("a", ttl_seconds=1e9 - 1))) == 1


def test_a_trace_is_as_its_first_task_is() -> None:
    trace = {"trace_id": "t"}
    tables = tables_with(message("a", **trace), message("b", **trace))
    assert tables.traces.counts()["running"] == 1
    tables = tables_with(message("a", **trace), message("b", **trace), message("r", **RESULT))
    assert tables.traces.counts()["completed"] == 1
    tables = tables_with(message("a", **trace, ttl_seconds=1))
    tables.expire()
    assert tables.traces.counts()["failed"] == 1


def test_a_result_after_an_error_counts() -> None:
    failed = {**RESULT, "message_type": "error"}
    tables = tables_with(message("a", trace_id="t"), message("r", **failed))
    assert tables.traces.counts()["failed"] == 1
    tables = tables_with(message("a", trace_id="t"), message("r", **failed), message("s", **RESULT))
    assert tables.traces.counts()["completed"] == 1
    assert tables.messages.tasks.ended_count == 1


def test_the_most_urgent_task_waits_first_and_among_equals_the_oldest() -> None:
    tables = tables_with(
        message("a", priority="low"),
        message("b", priority="critical"),
        message("c", priority="normal"),
        message("d", priority="critical"),
    )
    queue = tables.messages.queues["writer"]
    order = [b.split(b'"')[3] for b in tables.messages.bodies(queue.most_urgent())]
    assert order == [b"b", b"d", b"c", b"a"]


def test_errors_are_found_by_every_combination_of_filters() -> None:
    records = [
        error(f"{s}{c}{a}", severity=s, category=c, agent_name=a, trace_id=f"t{a}")
        for s in ("error", "warning")
        for c in ("llm_error", "tool_error")
        for a in ("x", "y")
    ]
    errors = tables_with(*records).errors
    assert len(errors.matching()) == 8
    assert len(errors.matching(severity="error")) == 4
    assert len(errors.matching(severity="error", agent="x")) == 2
    assert len(errors.matching(severity="error", category="llm_error", agent="x")) == 1
    assert len(errors.matching(trace_id="tx")) == 4
    assert len(errors.matching(trace_id="tx", severity="error")) == 2
    assert len(errors.matching(trace_id="tx", agent="y")) == 0
    assert errors.find("errorllm_errorx") is not None
    assert errors.find("nothing") is None
    assert errors.counts()["by_agent"] == {"x": 4, "y": 4}


def test_a_task_of_the_mesh_is_a_trace_and_takes_the_id_of_its_header() -> None:
    tables = tables_with(
        event("t1", "started", 1, agent="consumer"),
        {**event("t1", "task", 0), "trace_id": "f" * 32},
        event("t1", "done", 2, agent="consumer"),
        event("t1", "review", 3, success=True, output_tokens=5),
    )
    trace = tables.traces.of_task("f" * 32)
    assert trace is not None
    assert (trace.status, trace.tokens, trace.open, trace.duration) == ("completed", 5, 0, 3000)
    assert trace.messages == 4


def test_a_task_whose_beginning_is_read_last_has_its_time_from_there() -> None:
    tables = tables_with(
        event("t1", "started", 30, agent="consumer"),
        event("t1", "task", 5),
        event("t1", "review", 40, success=True),
        event("t1", "done", 1, agent="consumer"),
        event("t2", "started", 30, agent="consumer"),
        event("t2", "task", 5),
    )
    trace = tables.traces.of_task(default_trace("t1"))
    assert trace is not None
    assert (trace.status, trace.duration) == ("completed", 39_000)
    count, found = tables.traces.slowest(0, 10, trace.started + 100)
    assert count == 2
    assert [(round(ms), one.task_id) for ms, one in found] == [(96_000, "t2"), (39_000, "t1")]
