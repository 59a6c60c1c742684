"""A receiver of OTLP over HTTP, which decodes what it gets with OpenTelemetry's own messages."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.serving import serving

PATH = "/v1/traces"


class OtlpReceiver:
    """What has arrived. The next requests get the statuses in ``refusals`` instead."""

    def __init__(self) -> None:
        self.url = ""
        self.spans: list[Span] = []
        self.resources: list[dict[str, str]] = []
        self.scopes: list[tuple[str, str]] = []
        self.requests = 0
        self.headers: list[dict[str, str]] = []
        self.refusals: list[int] = []

    async def handle(self, request: web.Request) -> web.Response:
        self.requests += 1
        self.headers.append(dict(request.headers))
        body = await request.read()
        if self.refusals:
            return web.Response(status=self.refusals.pop(0))
        if request.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        message = ExportTraceServiceRequest.FromString(body)
        for part in message.resource_spans:
            self.resources.append({a.key: a.value.string_value for a in part.resource.attributes})
            for scoped in part.scope_spans:
                self.scopes.append((scoped.scope.name, scoped.schema_url))
                self.spans += scoped.spans
        answer = ExportTraceServiceResponse().SerializeToString()
        return web.Response(body=answer, content_type="application/x-protobuf")

    def named(self, name: str) -> Span:
        """Return the one span with a name."""
        [found] = [span for span in self.spans if span.name == name]
        return found


def attributes(span: Span) -> dict[str, Any]:
    """Return a span's attributes as plain data."""
    return {a.key: getattr(a.value, a.value.WhichOneof("value") or "") for a in span.attributes}


@asynccontextmanager
async def otlp_receiver() -> AsyncIterator[OtlpReceiver]:
    """Receive on the loopback address while the body runs."""
    receiver = OtlpReceiver()
    async with serving(web.post(PATH, receiver.handle)) as receiver.url:
        yield receiver
