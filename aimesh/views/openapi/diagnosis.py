"""What the paths of the diagnosis and of the whole system's state take and answer."""

from __future__ import annotations

from aimesh.core.diagnosis.prompting import LEAST_BUDGET
from aimesh.oracle.state import MODES
from aimesh.views.openapi.operations import Operation, limit, text, whole, word
from aimesh.views.openapi.schemas import (
    ANYTHING,
    COUNT,
    FLAG,
    NUMBER,
    TEXT,
    TIME,
    many,
    maybe,
    shape,
)
from aimesh.views.telemetry import claude, oracle, otlp, sampling
from aimesh.views.telemetry.common import FLAGS

_WINDOW = whole("time_window_minutes", claude.MINUTES, claude.MOST_MINUTES)
_LIMIT = limit(claude.MOST, claude.DEFAULT)
_MODE = word("mode", MODES, "How agents are found.")
_SHARE = {"type": "number", "minimum": 0, "maximum": 1}
_ACTIONS = many(shape(priority=COUNT, action=TEXT, rationale=TEXT))


def _state(part: str) -> Operation:
    return Operation((_MODE,), shape(**{part: many(ANYTHING)}, as_of=TIME), (422,))


#: By method and path.
OPERATIONS = {
    f"GET {claude.BASE}/diagnose": Operation(
        (
            _WINDOW,
            word("format", claude.FORMATS),
            whole("budget_tokens", claude.BUDGET, claude.MOST_BUDGET, LEAST_BUDGET),
        ),
        shape(format=TEXT),
        (422,),
    ),
    f"GET {claude.BASE}/errors": Operation(
        (
            _WINDOW,
            _LIMIT,
            word("include_suggestions", FLAGS),
            word("include_raw_errors", FLAGS),
        ),
        shape(
            total_error_types=COUNT, errors=many(ANYTHING), error_store_summary=ANYTHING,
            source=TEXT, as_of=TIME,
        ),
        (422,),
    ),
    f"GET {claude.BASE}/slow-traces": Operation(
        (
            whole("threshold_ms", claude.THRESHOLD_MS, claude.MOST_THRESHOLD, 0),
            _LIMIT,
        ),
        shape(threshold_ms=NUMBER, count=COUNT, traces=many(ANYTHING), as_of=TIME),
        (422,),
    ),
    f"GET {claude.BASE}/rate-limits": Operation(
        (_WINDOW,),
        shape(status=TEXT, any_limited=FLAG, models=many(ANYTHING), as_of=TIME),
        (422,),
    ),
    f"GET {claude.BASE}/actions": Operation(
        (_WINDOW,),
        shape(system_status=TEXT, total_actions=COUNT, actions=_ACTIONS, as_of=TIME),
        (422,),
    ),
    f"GET {oracle.BASE}/state": Operation(
        (
            word("format", oracle.FORMATS),
            word("strict", FLAGS),
            text("since", "An ETag: `format=log` then tells what has changed."),
            _MODE,
        ),
        problems=(422,),
        also={304: "The caller has it already."},
    ),
    f"GET {oracle.BASE}/schema": Operation(media="application/schema+json"),
    f"GET {oracle.BASE}/validate": Operation(
        (_MODE,),
        shape(valid=FLAG, error_count=COUNT, errors=many(ANYTHING), as_of=TIME),
        (422,),
    ),
    f"GET {oracle.BASE}/agents": _state("agents"),
    f"GET {oracle.BASE}/workload": _state("workload"),
    f"GET {oracle.BASE}/llm": _state("litellm"),
    f"GET {oracle.BASE}/issues": Operation(
        (_MODE,),
        shape(
            status=TEXT, issues=many(ANYTHING), agent_count=COUNT, active_tasks=COUNT,
            queued_tasks=COUNT, as_of=maybe(TIME),
        ),
        (422,),
    ),
    f"GET {sampling.BASE}/metrics": Operation(
        answer=shape(status=TEXT, metrics=ANYTHING, config=ANYTHING, as_of=TIME)
    ),
    f"POST {sampling.BASE}/configure": Operation(
        body={
            "type": "object",
            "properties": {
                "head_sample_rate": _SHARE,
                "slow_trace_threshold_ms": {"type": "number", "minimum": 0},
                "debug_trace_ids": many(TEXT),
                "debug_session_ids": many(TEXT),
                "agent_sample_rates": {"type": "object", "additionalProperties": _SHARE},
            },
            "additionalProperties": False,
        },
        answer=shape(status=TEXT, new_config=ANYTHING),
        problems=(413, 422),
    ),
    f"POST {sampling.BASE}/reset-metrics": Operation(answer=shape(status=TEXT, as_of=TIME)),
    f"GET {otlp.BASE}/status": Operation(
        answer=shape(
            status=TEXT, endpoint=maybe(TEXT), problem=maybe(TEXT), metrics=ANYTHING,
            config=ANYTHING, as_of=TIME,
        )
    ),
    f"POST {otlp.BASE}/flush": Operation(
        answer=shape(status=TEXT, exported_spans=COUNT, as_of=TIME), problems=(409,)
    ),
    f"POST {otlp.BASE}/export-trace/{{trace_id}}": Operation(
        answer=shape(status=TEXT, trace_id=TEXT, span_count=COUNT, endpoint=maybe(TEXT)),
        problems=(404, 409),
    ),
}  # fmt: skip
