"""`aimesh config`: the settings in force, and where each comes from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from aimesh.commands.base import Run, command
from aimesh.commands.failures import DONE
from aimesh.settings import Settings

MASK = "***"


@command("config", example="aimesh config\naimesh config --json")
async def config(run: Run) -> int:
    """Show every setting and where it comes from.

    Secrets are masked.
    """
    found, place = listed(run.settings, os.environ), run.place()
    mesh = {
        "kafka": {"value": _masked(place.kafka), "from": place.kafka_from},
        "web": {"value": _masked(place.url), "from": place.url_from},
    }
    if run.out.as_json:
        run.out.json({"settings": found, "mesh": mesh})
        return DONE
    rows = [(item["variable"], item["value"], item["from"]) for item in found]
    run.out.table(("variable", "value", "from"), rows)
    run.out.line()
    run.out.line("what commands speak to:")
    run.out.table(("what", "value", "from"), [(n, m["value"], m["from"]) for n, m in mesh.items()])
    return DONE


def listed(settings: Settings, environ: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return each setting as the variable that sets it, its value, and where that comes from."""
    found = []
    for item in fields(settings):
        names = item.metadata["names"]
        tried = [name + ending for name in names for ending in ("", "_FILE")]
        used = next((name for name in tried if environ.get(name)), "")
        value = getattr(settings, item.name)
        secret = item.metadata.get("secret") and value
        found.append(
            {
                "variable": used or names[0],
                "value": MASK if secret else _masked(_text(value)),
                "from": "environment" if used else "default",
            }
        )
    return found


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _masked(text: str) -> str:
    """Hide the password of an address."""
    parts = urlsplit(text) if "://" in text else None
    if parts is None or not parts.password:
        return text
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}:{MASK}@{host}"))
