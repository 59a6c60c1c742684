"""All paths of the telemetry API."""

from __future__ import annotations

from aiohttp import web

from aimesh.tables.telemetry.live import Live
from aimesh.views.telemetry.common import Source
from aimesh.views.telemetry.errors import ErrorViews
from aimesh.views.telemetry.queues import QueueViews
from aimesh.views.telemetry.socket import DebugSocket
from aimesh.views.telemetry.span_metrics import SpanMetricsViews
from aimesh.views.telemetry.streams import EventStream
from aimesh.views.telemetry.traces import TraceViews


def routes(source: Source, live: Live) -> list[web.RouteDef]:
    """Return the paths that answer from the observer's tables, and those that tell what happens."""
    views = (
        QueueViews(source),
        ErrorViews(source),
        SpanMetricsViews(source),
        TraceViews(source),
        EventStream(source, live),
        DebugSocket(source, live),
    )
    return [route for view in views for route in view.routes()]
