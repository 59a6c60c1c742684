"""The description of the API has every path, and what it says of answers is what is answered."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from jsonschema import Draft202012Validator

from aimesh.settings import Settings
from aimesh.views.openapi.document import OPERATIONS, document
from aimesh.wiring import create_app


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> list[web.RouteDef]:
    """All routes of a worker with all roles."""
    folder: Path = tmp_path_factory.mktemp("worker")
    return [r for r in create_app(Settings(data=folder))._routes if isinstance(r, web.RouteDef)]


@pytest.fixture(scope="module")
def described(routes: list[web.RouteDef]) -> dict[str, Any]:
    return document(routes)


def test_every_path_of_the_api_is_described(
    routes: list[web.RouteDef], described: dict[str, Any]
) -> None:
    known = {(m, p) for p, methods in described["paths"].items() for m in methods}
    for route in routes:
        if route.path.startswith(("/api/", "/ws/")):
            assert (route.method.lower(), route.path) in known


def test_nothing_is_described_that_there_is_not(described: dict[str, Any]) -> None:
    known = {f"{m.upper()} {p}" for p, methods in described["paths"].items() for m in methods}
    assert OPERATIONS.keys() <= known


def test_every_operation_says_what_it_does_under_a_name_of_its_own(
    described: dict[str, Any],
) -> None:
    found = [one for methods in described["paths"].values() for one in methods.values()]
    assert all(one["summary"] and not one["summary"].startswith("/") for one in found)
    names = [one["operationId"] for one in found]
    assert len(set(names)) == len(names)


def test_all_shapes_are_schemas_and_all_references_lead_somewhere(
    described: dict[str, Any],
) -> None:
    for schema in described["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for target in re.findall(r"'\$ref': '#/components/(\w+/\w+)'", str(described)):
        kind, _, name = target.partition("/")
        assert name in described["components"][kind]
