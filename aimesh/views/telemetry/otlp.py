"""The export to an OpenTelemetry collector: how it is doing, and by hand."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from aimesh.exporting.tail import TailExporter
from aimesh.records import now
from aimesh.views.problems import Problem
from aimesh.views.telemetry.common import Source, answer

BASE = "/api/v1/otlp"


class OtlpViews:
    """Answers about the export, and starts it."""

    def __init__(self, source: Source, exporter: TailExporter) -> None:
        self._source = source
        self._exporter = exporter

    def routes(self) -> list[web.RouteDef]:
        """Return the paths below ``/api/v1/otlp``."""
        return [
            web.get(f"{BASE}/status", self.status),
            web.post(f"{BASE}/flush", self.flush),
            web.post(f"{BASE}/export-trace/{{trace_id}}", self.export),
        ]

    @property
    def _endpoint(self) -> str | None:
        """Where spans go, without a name and a password that may be in it."""
        parts = urlsplit(self._exporter.otlp.settings.endpoint)
        host = parts.netloc.rpartition("@")[2]
        return f"{parts.scheme}://{host}{parts.path}" if host else None

    async def status(self, request: web.Request) -> web.Response:
        """Return whether spans are exported, where to, and how many."""
        otlp = self._exporter.otlp
        settings = otlp.settings
        body: dict[str, Any] = {
            "status": "active" if otlp.is_active else "disabled",
            "endpoint": self._endpoint,
            "problem": otlp.problem or None,
            "metrics": otlp.metrics(),
            "config": {
                "max_queue_size": settings.queue,
                "max_export_batch_size": settings.batch,
                "schedule_delay_ms": round(settings.delay * 1000),
                "service_name": settings.service,
            },
            "as_of": now(),
        }
        return answer(body)

    async def flush(self, request: web.Request) -> web.Response:
        """Send what waits, now."""
        self._need()
        arrived = await self._exporter.otlp.flush(tries=1)
        return answer({"status": "flushed", "exported_spans": arrived, "as_of": now()})

    async def export(self, request: web.Request) -> web.Response:
        """Send a trace, whatever the sampling says, and whether it was sent before or not."""
        self._need()
        trace_id = request.match_info["trace_id"]
        number = self._exporter.export(self._source.tables, trace_id, force=True)
        if not number:
            raise Problem(404, "No such trace", f"nothing has ended of a trace {trace_id!r}")
        await self._exporter.otlp.flush(tries=1)
        failed = bool(self._exporter.otlp.problem)
        body = {
            "status": "failed" if failed else "exported",
            "trace_id": trace_id,
            "span_count": number,
            "endpoint": self._endpoint,
        }
        return answer(body)

    def _need(self) -> None:
        if not self._exporter.otlp.is_active:
            detail = "set OTEL_EXPORTER_OTLP_ENDPOINT to the address of a collector"
            raise Problem(409, "Nothing is exported", detail)
