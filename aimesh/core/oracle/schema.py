"""The JSON Schema (2020-12) of the state; nothing may be in the state that is not here."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
STATUSES = ("running", "waiting", "completed", "failed")
LEVELS = ("low", "normal", "high", "critical")
POD_STATUSES = ("Running", "Pending", "Failed", "Succeeded", "Unknown")
PAYMENTS = ("prepaid", "postpaid", "free")


def _object(required: Schema, **optional: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
        "additionalProperties": False,
    }


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _one_of(words: tuple[str, ...]) -> Schema:
    return {"type": "string", "enum": list(words)}


_TEXT: Schema = {"type": "string"}
_NAME: Schema = {"type": "string", "minLength": 1}
_TIME: Schema = {"type": "string", "format": "date-time"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_NUMBER: Schema = {"type": "number", "minimum": 0}

_ACTIVITY = _object(
    {
        "active_task_ids": _list(
            _object({"id": _NAME, "started_on": _TIME, "status": _one_of(STATUSES)})
        ),
        "updated_at": _TIME,
    }
)
AGENT = _object(
    {"name": _NAME, "deployment_name": _TEXT, "models": _list(_NAME), "activity": _ACTIVITY},
    description=_TEXT,
    max_parallel_invocations=_COUNT,
)
WORKLOAD = _object(
    {
        "deployment_name": _NAME,
        "max_pods": _COUNT,
        "live": _object(
            {"active_pods": _COUNT, "updated_at": _TIME}, image=_TEXT, rolled_out_at=_TIME
        ),
        "pods": _list(
            _object(
                {
                    "pod_id": _NAME,
                    "cpu": _NUMBER,
                    "memory": _NUMBER,
                    "status": _one_of(POD_STATUSES),
                },
                network_in=_COUNT,
                network_out=_COUNT,
                updated_at=_TIME,
            )
        ),
    },
    pod_max_ram=_NUMBER,
    pod_max_cpu=_NUMBER,
)
QUEUE = _object(
    {
        "name": _NAME,
        "tasks": _list(
            _object(
                {
                    "id": _NAME,
                    "priority": _object(
                        {"level": _one_of(LEVELS)}, blocked_task=_TEXT, waiting_since_mins=_NUMBER
                    ),
                    "submitted_at": _TIME,
                },
                invoked_by=_TEXT,
                prompt=_TEXT,
                args={"type": "object"},
            )
        ),
        "updated_at": _TIME,
    }
)
MODEL = _object(
    {"model": _NAME, "provider": _NAME, "tpm_max": _COUNT, "rpm_max": _COUNT},
    tpm=_COUNT,
    rpm=_COUNT,
    credits=_NUMBER,
    payment_type=_one_of(PAYMENTS),
    input_context=_COUNT,
    output_context=_COUNT,
    output_dim=_COUNT,
    input_types=_list(_NAME),
    output_types=_list(_NAME),
)

#: What the lists of the state hold.
PARTS: dict[str, Schema] = {
    "agents": AGENT,
    "workload": WORKLOAD,
    "queues": QUEUE,
    "litellm": MODEL,
}
SCHEMA: Schema = {
    "$schema": DIALECT,
    "$id": "urn:aimesh:oracle-state:1",
    "title": "The state of the mesh",
    **_object({"id": _NAME, **{name: _list(part) for name, part in PARTS.items()}}),
}
