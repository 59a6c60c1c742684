"""The OpenAPI document: every route of the API, with what is known of it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from typing import Any

from aiohttp import web

from aimesh.version import __version__
from aimesh.views.openapi import diagnosis, mesh, telemetry
from aimesh.views.openapi.operations import ALWAYS, PROBLEMS, Operation
from aimesh.views.openapi.schemas import NAMED, TEXT, Schema

OPERATIONS = {**telemetry.OPERATIONS, **mesh.OPERATIONS, **diagnosis.OPERATIONS}
PROBES = ("/livez", "/readyz", "/health", "/metrics", "/openapi.json")
EXAMPLES = {"agent": "writer", "agent_name": "writer"}
_IN_PATH = re.compile(r"{(\w+)(?::[^}]*)?}")
INTRODUCTION = (
    "Everything that the mesh and any agent on Kafka does, from tables that survive restarts and "
    "are the same on every observer. Lists take `cursor` and answer `next_cursor`; problems are "
    "`application/problem+json` (RFC 9457). More keys may come with any version."
)


def document(routes: Iterable[web.AbstractRouteDef]) -> dict[str, Any]:
    """Return the description of the routes that are part of the API; pages are left out."""
    paths: dict[str, dict[str, Any]] = {}
    for route in _of_api(routes):
        path = _IN_PATH.sub(r"{\1}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, path)
    return {
        "openapi": "3.1.0",
        "info": {"title": "AI-Mesh", "version": __version__, "description": INTRODUCTION},
        "servers": [{"url": "/"}],
        "security": [{}, {"token": []}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": NAMED,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The value of AIMESH_API_TOKEN, where one is set.",
                }
            },
            "responses": {str(s): _problem(text) for s, text in PROBLEMS.items()},
        },
    }


def _of_api(routes: Iterable[web.AbstractRouteDef]) -> Iterator[web.RouteDef]:
    for route in routes:
        if isinstance(route, web.RouteDef) and route.path.startswith(("/api/", "/ws/", *PROBES)):
            yield route


def _operation(route: web.RouteDef, path: str) -> dict[str, Any]:
    known = OPERATIONS.get(f"{route.method} {path}", Operation(problems=(404, 422)))
    summary, _, more = (inspect.getdoc(route.handler) or path).partition("\n")
    names = _IN_PATH.findall(route.path)
    found: dict[str, Any] = {
        "operationId": _id(route.method, path),
        "summary": summary.rstrip("."),
        "tags": [_tag(path)],
        "parameters": [
            *(_in_path(name) for name in names),
            *(parameter.shown() for parameter in known.query),
        ],
        "responses": _responses(known),
    }
    if more.strip():
        found["description"] = more.strip()
    if known.body is not None:
        content = {"application/json": {"schema": known.body}}
        found["requestBody"] = {"required": known.body_needed, "content": content}
    return found


def _in_path(name: str) -> Schema:
    found: Schema = {"name": name, "in": "path", "required": True}
    if name in EXAMPLES:
        found["example"] = EXAMPLES[name]
    return {**found, "schema": {**TEXT, "minLength": 1}}


def _responses(known: Operation) -> dict[str, Any]:
    good = {"description": "The answer.", "content": {known.media: {"schema": known.answer}}}
    if known.status == 101:
        good = {"description": known.answer["description"]}
    found: dict[str, Any] = {str(known.status): good}
    for status, text in known.also.items():
        found[str(status)] = {**good, "description": text}
    for status in sorted({*known.problems, *ALWAYS} - {int(told) for told in found}):
        found[str(status)] = {"$ref": f"#/components/responses/{status}"}
    return found


def _problem(text: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": text, "content": {"application/problem+json": {"schema": schema}}}


def _id(method: str, path: str) -> str:
    words = re.findall(r"[a-z0-9]+", path.removeprefix("/api/v1").lower())
    kind = ["probe"] if path in PROBES else []
    return "_".join([method.lower(), *kind, *words])


def _tag(path: str) -> str:
    if path in PROBES:
        return "probes"
    if path.startswith("/ws/"):
        return "events"
    return path.removeprefix("/api/v1/").split("/")[0]
