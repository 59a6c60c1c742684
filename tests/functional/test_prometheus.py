"""``/metrics`` reads as Prometheus reads it, and tells what the tables have."""

from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from aimesh.tables.telemetry.tables import Keep, TelemetryTables
from aimesh.views import prometheus
from tests.tables import MemoryTables, way
from tests.telemetry import Disk, error, event, message


@dataclass
class Ready:
    tables: TelemetryTables
    ready: bool = True


async def samples(
    telemetry: Ready, unaccounted: int | None = None, mesh: Any = None
) -> dict[tuple[str, str], float]:
    """Return what ``/metrics`` says, by name and labels."""
    app = web.Application()
    source: Any = telemetry
    app.add_routes(prometheus.routes(mesh, source, lambda: True, lambda: unaccounted))
    async with TestClient(TestServer(app)) as client, client.get("/metrics") as answer:
        assert answer.status == 200
        text = await answer.text()
    return {
        (sample.name, ",".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def filled() -> Ready:
    tables = Disk().tables(Keep(2, 10, 10))
    records = [message("a"), message("b"), message("c"), error("e", severity="critical")]
    for offset, record in enumerate(records):
        kind = "error" if "error_id" in record else "message"
        tables.apply(offset, [[kind, "topic", 0, offset, record]])
    return Ready(tables)


async def test_counts_go_on_over_what_is_dropped_and_say_how_much_that_is() -> None:
    found = await samples(filled())
    assert found["aimesh_ready", ""] == 1
    assert found["aimesh_agent_messages_total", "writer,task"] == 3
    assert found["aimesh_agent_tasks_pending", "writer"] == 2
    assert found["aimesh_agent_errors_total", "critical"] == 1
    assert found["aimesh_telemetry_dropped_total", "retention_messages"] == 1


async def test_what_is_not_known_is_left_out_and_not_zero() -> None:
    telemetry = filled()
    telemetry.ready = False
    found = await samples(telemetry)
    assert {name for name, _ in found} == {"aimesh_info", "aimesh_ready"}


@pytest.mark.parametrize("holds", [True, False])
async def test_only_the_observer_with_the_tables_tells_of_the_mesh(holds: bool) -> None:
    mesh = MemoryTables()
    mesh.tell(*way("t-1", 0))
    mesh.holds = holds
    found = await samples(filled(), mesh=mesh)
    assert found.get(("aimesh_tasks_total", "reviewed")) == (1 if holds else None)


async def test_how_long_stages_worked_is_a_histogram_that_goes_on_after_a_restart() -> None:
    disk, keep = Disk(), Keep(10, 10, 10)
    tables = disk.tables(keep)
    for offset, seconds in enumerate((0.2, 3, 10_000)):
        done = event("t", "done", offset, agent="sandbox", duration_s=seconds)
        tables.apply(offset, [["event", "topic", 0, offset, done]])
    await tables.write(lambda: True)
    tables = disk.tables(keep)
    done = event("t", "done", 4, agent="sandbox", duration_s=0.25)
    tables.apply(4, [["event", "topic", 0, 4, done]])
    found = await samples(Ready(tables))
    name = "aimesh_stage_duration_seconds"
    counts = [found[f"{name}_bucket", f"{le},sandbox"] for le in ("0.1", "0.25", "5.0", "+Inf")]
    assert counts == [0, 2, 3, 4]
    assert found[f"{name}_count", "sandbox"] == 4
    assert found[f"{name}_sum", "sandbox"] == 10_003.45


async def test_what_an_audit_found_is_told_once_there_is_one() -> None:
    assert (await samples(filled(), 0))["aimesh_audit_unaccounted", ""] == 0
    assert ("aimesh_audit_unaccounted", "") not in await samples(filled())
