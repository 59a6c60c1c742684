"""``/metrics`` for Prometheus: worked out from the tables at the moment it is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from aimesh.agents.observer import Observer
from aimesh.agents.telemetry_observer import TelemetryObserver
from aimesh.tables.mesh import MeshTables
from aimesh.tables.telemetry.durations import BOUNDS, Durations
from aimesh.tables.telemetry.tables import TelemetryTables
from aimesh.version import __version__

PATH = "/metrics"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
VERDICTS = ("OK", "WARN", "BUSY", "STALL", "STOPPED", "UNKNOWN")


def routes(
    observer: Observer | None,
    telemetry: TelemetryObserver | None,
    ready: Callable[[], bool],
    unaccounted: Callable[[], int | None] = lambda: None,
) -> list[web.RouteDef]:
    """Return the path ``/metrics``.

    Arguments:
        observer: has the mesh's tables; None where another worker observes.
        telemetry: has the tables of all agents; None likewise.
        ready: tells whether this worker does its work.
        unaccounted: tells how many tasks the newest audit could not account for; None without one.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(observer, telemetry, ready, unaccounted))

    async def metrics(request: web.Request) -> web.Response:
        """Return all metrics in Prometheus' text format."""
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE})

    return [web.get(PATH, metrics)]


class _Collected(Collector):
    def __init__(
        self,
        observer: Observer | None,
        telemetry: TelemetryObserver | None,
        ready: Callable[[], bool],
        unaccounted: Callable[[], int | None],
    ) -> None:
        self._observer = observer
        self._telemetry = telemetry
        self._ready = ready
        self._unaccounted = unaccounted

    def collect(self) -> Iterable[Metric]:
        """Yield what is known now; what is not known is left out, and is not zero."""
        yield InfoMetricFamily("aimesh", "The program.", value={"version": __version__})
        yield GaugeMetricFamily("aimesh_ready", "1 when this worker works.", int(self._ready()))
        if (number := self._unaccounted()) is not None:
            text = "Tasks that the newest audit could not account for."
            yield GaugeMetricFamily("aimesh_audit_unaccounted", text, number)
        # an observer without the mesh's tables knows nothing of the mesh
        if self._observer is not None and self._observer.holds:
            yield from _of_mesh(self._observer.tables)
        if self._telemetry is not None and self._telemetry.ready:
            self._telemetry.tables.expire()
            yield from _of_agents(self._telemetry.tables)


def _counter(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = CounterMetricFamily(name, text, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family


def _gauge(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family


def _of_mesh(tables: MeshTables) -> Iterator[Metric]:
    counts = tables.counts()
    yield _counter(
        "aimesh_tasks",
        "Tasks that ended, by how.",
        "outcome",
        {name: counts[name] for name in ("reviewed", "dead_lettered")},
    )
    yield _counter(
        "aimesh_llm_tokens",
        "Tokens that models read and wrote.",
        "type",
        {
            "input": counts["input_tokens"] + counts["review_input_tokens"],
            "output": counts["output_tokens"] + counts["review_output_tokens"],
        },
    )
    yield GaugeMetricFamily(
        "aimesh_tasks_in_flight", "Tasks that have not ended.", len(tables.in_flight())
    )
    yield CounterMetricFamily(
        "aimesh_duplicates_absorbed",
        "Messages that came again and were not worked on again.",
        sum((stage.get("counts") or {}).get("absorbed", 0) for stage in tables.stages()),
    )
    governor = tables.word("governor")
    if governor is not None:
        throttled = int(governor.get("state") != "ACTIVE")
        yield GaugeMetricFamily(
            "aimesh_governor_throttled", "1 when no new tasks are made.", throttled
        )
    yield from _of_hops(list(tables.hops().values()))


def _of_hops(hops: list[dict[str, Any]]) -> Iterator[Metric]:
    labels = ["group", "topic"]
    lag = GaugeMetricFamily(
        "kafka_consumergroup_group_lag", "Messages that a group is behind.", labels=labels
    )
    seconds = GaugeMetricFamily(
        "kafka_consumergroup_group_lag_seconds", "Seconds that a group is behind.", labels=labels
    )
    most = GaugeMetricFamily(
        "kafka_consumergroup_group_max_lag", "The most of a group's topics.", labels=["group"]
    )
    verdict = GaugeMetricFamily(
        "aimesh_hop_state", "1 for the verdict on a hop.", labels=["role", "state"]
    )
    worst: dict[str, float] = {}
    for hop in hops:
        group, topic = str(hop.get("group", "")), str(hop.get("topic", ""))
        if hop.get("lag") is not None:
            lag.add_metric([group, topic], hop["lag"])
            worst[group] = max(worst.get(group, 0), hop["lag"])
        if hop.get("lag_seconds") is not None:
            seconds.add_metric([group, topic], hop["lag_seconds"])
        for name in VERDICTS:
            verdict.add_metric([str(hop.get("role", "")), name.lower()], hop.get("verdict") == name)
    for group, number in worst.items():
        most.add_metric([group], number)
    yield from (lag, seconds, most, verdict)


def _of_stages(durations: Durations) -> Metric:
    family = HistogramMetricFamily(
        "aimesh_stage_duration_seconds", "Seconds of a stage's jobs that ended.", labels=["stage"]
    )
    names = [*map(str, BOUNDS), "+Inf"]
    for stage, counts, seconds in durations.by_stage():
        family.add_metric([stage], [*zip(names, accumulate(counts), strict=True)], seconds)
    return family


def _of_agents(tables: TelemetryTables) -> Iterator[Metric]:
    yield _of_stages(tables.durations)
    messages = CounterMetricFamily(
        "aimesh_agent_messages", "Messages in agents' queues.", labels=["queue", "type"]
    )
    for name, queue in tables.messages.queues.items():
        for kind, group in queue.groups.items():
            messages.add_metric([name, kind], group.bodies.next)
    yield messages
    yield _gauge(
        "aimesh_agent_tasks_pending",
        "Tasks in agents' queues that nobody has answered.",
        "queue",
        {name: queue.waiting for name, queue in tables.messages.queues.items()},
    )
    errors: Counter[str] = Counter()
    for agent in tables.agents.agents.values():
        errors.update(agent.errors)
    yield _counter("aimesh_agent_errors", "Errors of agents.", "severity", errors)
    yield _gauge("aimesh_traces", "Traces that are kept.", "status", tables.traces.counts())
    yield CounterMetricFamily(
        "aimesh_agent_messages_undecodable",
        "Messages that are no records.",
        tables.undecodable.total,
    )
    yield _counter(
        "aimesh_telemetry_dropped",
        "What was dropped because there is too much.",
        "reason",
        {
            "retention_messages": tables.messages.ledger.low,
            "retention_errors": tables.errors.dropped,
            "retention_traces": tables.traces.dropped,
        },
    )
