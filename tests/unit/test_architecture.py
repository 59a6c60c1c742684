"""The order in which modules may import each other, and what importing may not do."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import aimesh

PACKAGE = Path(aimesh.__file__).parent
CORE = sorted(p.stem for p in (PACKAGE / "core").glob("*.py") if p.stem != "__init__")

# a module may import from its own floor and from those above it in this list
FLOORS = [
    {"version", "errors", "core"},
    {"settings", "records"},
    {"topics", "codec", "feeding", "hops", "dead_letters", "fetching", "ticking"},
    {"faustfix", "services", "embedded"},
    {"stage", "tables"},
    {"telling", "reporting", "probing", "watchdog", "steps"},
    {"agents"},
    {"health", "telemetry", "diagnosing", "oracle", "exporting", "troubles"},
    {"views"},
    {"leaving", "quiet", "root", "wiring"},
    {"commands"},
]


def floor_of(name: str) -> int:
    part = name.removeprefix("aimesh.").split(".")[0]
    found = [number for number, parts in enumerate(FLOORS) if part in parts]
    assert found, f"{name} stands on no floor: give it a place in FLOORS"
    return found[0]


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            base = node.module
            names |= {f"{base}.{alias.name}" if base == "aimesh" else base for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name for name in names if name.startswith("aimesh.")}


def modules() -> list[Path]:
    tops = {"__init__.py", "__main__.py"}
    return [p for p in sorted(PACKAGE.rglob("*.py")) if p.parent != PACKAGE or p.name not in tops]


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_one_way(path: Path) -> None:
    own = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    for name in imported(path):
        assert floor_of(name) <= floor_of(own), f"{own} must not import {name}"


def test_agents_never_import_agents() -> None:
    for path in (PACKAGE / "agents").glob("*.py"):
        assert not any(name.startswith("aimesh.agents") for name in imported(path)), path


def test_the_core_needs_the_standard_library_only() -> None:
    code = (
        f"import importlib, sys; [importlib.import_module('aimesh.core.' + n) for n in {CORE!r}];"
        "print([m for m in sys.modules if m.split('.')[0] in ('faust', 'aiokafka', 'aiohttp')])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.strip() == "[]"
