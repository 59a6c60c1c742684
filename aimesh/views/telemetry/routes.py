"""All paths of the telemetry API."""

from __future__ import annotations

from aiohttp import web

from aimesh.views.telemetry.common import Source
from aimesh.views.telemetry.errors import ErrorViews
from aimesh.views.telemetry.queues import QueueViews
from aimesh.views.telemetry.span_metrics import SpanMetricsViews
from aimesh.views.telemetry.traces import TraceViews


def routes(source: Source) -> list[web.RouteDef]:
    """Return the paths that answer from the observer's tables."""
    views = (QueueViews(source), ErrorViews(source), SpanMetricsViews(source), TraceViews(source))
    return [route for view in views for route in view.routes()]
