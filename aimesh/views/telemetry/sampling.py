"""Which traces are exported: what was counted, and what is set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
from aiohttp import web

from aimesh.core.exporting.sampling import SamplingConfig
from aimesh.exporting.tail import TailExporter
from aimesh.records import now
from aimesh.views.problems import Problem, bad_parameter
from aimesh.views.telemetry.common import answer

BASE = "/api/v1/sampling"
MOST_NAMES = 1000


class SamplingViews:
    """Answers about sampling, and sets it."""

    def __init__(self, exporter: TailExporter) -> None:
        self._exporter = exporter

    def routes(self) -> list[web.RouteDef]:
        """Return the paths below ``/api/v1/sampling``."""
        return [
            web.get(f"{BASE}/metrics", self.metrics),
            web.post(f"{BASE}/configure", self.configure),
            web.post(f"{BASE}/reset-metrics", self.reset),
        ]

    async def metrics(self, request: web.Request) -> web.Response:
        """Return how many traces and spans were kept and dropped."""
        sampler = self._exporter.sampler
        body = {
            "status": "active" if self._exporter.otlp.is_active else "disabled",
            "metrics": sampler.metrics(self._exporter.buffered),
            "config": sampler.config.shown(),
            "as_of": now(),
        }
        return answer(body)

    async def configure(self, request: web.Request) -> web.Response:
        """Set what the body has; the rest stays."""
        try:
            body = orjson.loads(await request.read())
        except ValueError as exc:
            raise Problem(422, "Bad body", f"the body must be a JSON object: {exc}") from exc
        if not isinstance(body, dict):
            raise Problem(422, "Bad body", "the body must be a JSON object")
        changes = {name: _read(name, value) for name, value in body.items()}
        sampler = self._exporter.sampler
        config: SamplingConfig = replace(sampler.config, **changes)
        sampler.configure(config)
        return answer({"status": "configured", "new_config": config.shown()})

    async def reset(self, request: web.Request) -> web.Response:
        """Begin to count anew."""
        self._exporter.sampler.reset()
        return answer({"status": "reset", "as_of": now()})


def _read(name: str, value: Any) -> Any:
    reader = _READERS.get(name)
    if reader is None:
        raise bad_parameter(name, "a value", f"nothing: the names are {', '.join(_READERS)}")
    return reader(name, value)


def _share(name: str, value: Any) -> float:
    if type(value) not in (int, float) or not 0 <= value <= 1:
        raise bad_parameter(name, str(value)[:50], "a number from 0 to 1")
    return float(value)


def _positive(name: str, value: Any) -> float:
    if type(value) not in (int, float) or not 0 <= value < 1e9:
        raise bad_parameter(name, str(value)[:50], "a number from 0")
    return float(value)


def _names(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise bad_parameter(name, str(value)[:50], "a list of texts")
    if len(value) > MOST_NAMES:
        raise bad_parameter(name, f"{len(value)} texts", f"{MOST_NAMES} at most")
    return tuple(value)


def _shares(name: str, value: Any) -> dict[str, float]:
    if not isinstance(value, dict) or len(value) > MOST_NAMES:
        raise bad_parameter(name, str(value)[:50], "an object of agents' names and rates")
    return {str(agent): _share(f"{name}.{agent}", rate) for agent, rate in value.items()}


_READERS: dict[str, Callable[[str, Any], Any]] = {
    "head_sample_rate": _share,
    "slow_trace_threshold_ms": _positive,
    "debug_trace_ids": _names,
    "debug_session_ids": _names,
    "agent_sample_rates": _shares,
}
