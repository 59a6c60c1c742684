"""The rows of the list of traces: kept while nothing changes, and never older than the tables."""

import orjson
import pytest

from aimesh.tables.telemetry import reading
from aimesh.tables.telemetry.tables import Keep, TelemetryTables
from aimesh.views.telemetry import kept_rows
from aimesh.views.telemetry.trace_rows import TraceRows
from tests.telemetry import Disk, message, traffic

KEEPS = [Keep(100_000, 100_000, 100_000), Keep(60, 40, 50)]


def shown(rows: TraceRows, tables: TelemetryTables) -> list[dict[str, object]]:
    """Return what the list says of all traces."""
    made = [rows.row(tables, trace) for trace in tables.traces.newest()]
    found: list[dict[str, object]] = orjson.loads(orjson.dumps(made))
    return found


def true_now(tables: TelemetryTables) -> list[dict[str, object]]:
    """Return what it has to say, from the tables themselves."""
    made = [reading.summary(tables, trace) for trace in tables.traces.newest()]
    found: list[dict[str, object]] = orjson.loads(orjson.dumps(made))
    return found


def no_summary(*_: object) -> dict[str, object]:
    raise AssertionError("a trace that has not changed was looked at again")


@pytest.mark.parametrize("most", [2000, 7], ids=["all rows kept", "few rows kept"])
@pytest.mark.parametrize("keep", KEEPS, ids=["everything kept", "most dropped"])
@pytest.mark.parametrize("seed", range(2))
def test_rows_say_what_the_tables_say_after_every_change(
    keep: Keep, seed: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_rows, "MOST_ROWS", most)
    tables, rows = Disk().tables(keep), TraceRows()
    for offset, entries in enumerate(traffic(600, seed)):
        tables.apply(offset, entries)
        if offset % 3 == 0:
            tables.expire()
        assert shown(rows, tables) == true_now(tables)


def test_rows_say_what_tables_say_that_were_read_anew() -> None:
    rows = TraceRows()
    for name in ("t1", "t2"):
        tables = Disk().tables(KEEPS[0])
        tables.apply(0, [["message", "q", 0, 0, message("m1", trace_id=name)]])
        assert [row["trace_id"] for row in shown(rows, tables)] == [name]


def test_a_trace_that_has_not_changed_is_not_looked_at_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tables, rows = Disk().tables(KEEPS[0]), TraceRows()
    tables.apply(0, [["message", "q", 0, 0, message("m1", trace_id="t1")]])
    before = shown(rows, tables)
    monkeypatch.setattr(reading, "summary", no_summary)
    assert shown(rows, tables) == before
    tables.apply(1, [["message", "q", 0, 1, message("m2", trace_id="t1")]])
    with pytest.raises(AssertionError, match="looked at again"):
        shown(rows, tables)
