"""The state of the whole system: strict JSON, a log of what changes, a summary."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from aimesh.core.diagnosis import report
from aimesh.core.oracle.schema import SCHEMA
from aimesh.diagnosing.analysis import Analysis
from aimesh.oracle.keeping import States
from aimesh.oracle.state import MODES, Sources, StateBuilder
from aimesh.records import now
from aimesh.services.cluster import Deployment
from aimesh.services.kept import Kept
from aimesh.services.model_list import ModelList
from aimesh.services.schema import StateValidator
from aimesh.settings import Settings
from aimesh.views.problems import Problem
from aimesh.views.telemetry.common import FLAGS, Source, answer, choice, text

BASE = "/api/v1/oracle"
MINUTES = 15
FORMATS = ("json", "log", "summary")


@dataclass(frozen=True)
class Parts:
    """What the state's views answer from."""

    source: Source
    builder: StateBuilder
    analysis: Analysis
    cluster: Kept[Sequence[Deployment]]
    models: ModelList
    settings: Settings


class OracleViews:
    """Answers how the whole system is."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._validator = StateValidator()
        self._states = States()

    def routes(self) -> list[web.RouteDef]:
        """Return the paths below ``/api/v1/oracle``."""
        return [
            web.get(f"{BASE}/state", self.state),
            web.get(f"{BASE}/schema", self.schema),
            web.get(f"{BASE}/validate", self.validate),
            web.get(f"{BASE}/agents", self.agents),
            web.get(f"{BASE}/workload", self.workload),
            web.get(f"{BASE}/llm", self.llm),
            web.get(f"{BASE}/issues", self.issues),
        ]

    async def _built(self, request: web.Request) -> dict[str, Any]:
        parts = self._parts
        mode = choice(request, "mode", MODES) or parts.settings.oracle_mode
        tables = parts.source.tables
        await parts.models.refresh()
        deployments = await parts.cluster.refresh() if mode != "telemetry" else []
        sources = Sources(tables, deployments, parts.models.models(), mode, time.time())
        return parts.builder.build(sources)

    async def state(self, request: web.Request) -> web.Response:
        """Return the state, as ``format`` says; 304 where the caller has it already."""
        form = choice(request, "format", FORMATS)
        strict = choice(request, "strict", FLAGS)
        state = await self._built(request)
        if form == "summary":
            return answer(await self._summary(state))
        if strict != "false" and (strict or self._parts.settings.oracle_strict):
            self._hold(state)
        since = text(request, "since") or _tag(request)
        tag = self._states.keep(state)
        if since == tag and not request.query.get("since"):
            return web.Response(status=304, headers={"ETag": f'"{tag}"'})
        made = answer(state) if form != "log" else self._log(state, since, tag)
        made.headers["ETag"] = f'"{tag}"'
        made.headers["Cache-Control"] = "no-cache"
        return made

    def _hold(self, state: dict[str, Any]) -> None:
        """Refuse to answer with anything that is not as it must be."""
        if found := self._validator.errors(state):
            detail = f"{found[0]['path']}: {found[0]['message']}"
            raise Problem(500, "The state does not fit its schema", detail, errors=found)

    def _log(self, state: dict[str, Any], since: str, tag: str) -> web.Response:
        told, is_difference = self._states.since(since, state)
        body = {
            "log": told,
            "is_difference": is_difference,
            "since": since or None,
            "etag": tag,
            "as_of": now(),
        }
        return answer(body)

    async def _summary(self, state: dict[str, Any]) -> dict[str, Any]:
        found = await self._parts.analysis.diagnose(self._parts.source.tables, MINUTES)
        return {
            **_counts(state, self._parts.source),
            "running_pods": sum(
                one["live"]["active_pods"] for one in state["workload"]
            ),
            "llm_models": len(state["litellm"]),
            "issues": [report.shown(issue) for issue in found.issues],
            "status": found.status,
            "generated_at": now(),
        }  # fmt: skip

    async def schema(self, request: web.Request) -> web.Response:
        """Return the schema of the state."""
        return web.json_response(SCHEMA, content_type="application/schema+json")

    async def validate(self, request: web.Request) -> web.Response:
        """Return whether the state is as its schema says, and where it is not."""
        found = self._validator.errors(await self._built(request))
        body = {
            "valid": not found,
            "error_count": len(found),
            "errors": found,
            "as_of": now(),
        }
        return answer(body)

    async def agents(self, request: web.Request) -> web.Response:
        """Return the state's agents."""
        return answer({"agents": (await self._built(request))["agents"], "as_of": now()})

    async def workload(self, request: web.Request) -> web.Response:
        """Return the state's deployments."""
        return answer({"workload": (await self._built(request))["workload"], "as_of": now()})

    async def llm(self, request: web.Request) -> web.Response:
        """Return the state's models."""
        return answer({"litellm": (await self._built(request))["litellm"], "as_of": now()})

    async def issues(self, request: web.Request) -> web.Response:
        """Return what is wrong, with how much is being done."""
        summary = await self._summary(await self._built(request))
        names = ("status", "issues", "agent_count", "active_tasks", "queued_tasks")
        return answer({name: summary[name] for name in names} | {"as_of": now()})


def _counts(state: dict[str, Any], source: Source) -> dict[str, int]:
    tasks = [t for one in state["agents"] for t in one["activity"]["active_task_ids"]]
    return {
        "agent_count": len(state["agents"]),
        "active_tasks": sum(1 for task in tasks if task["status"] == "running"),
        # all of them, however many the state lists
        "queued_tasks": source.tables.messages.tasks.waiting,
    }


def _tag(request: web.Request) -> str:
    """Return the tag of the state that the caller has."""
    return request.headers.get("If-None-Match", "").strip().removeprefix("W/").strip('"')
