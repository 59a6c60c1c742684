"""What the paths of the diagnosis and of the whole system's state take and answer."""

from __future__ import annotations

from aimesh.views.openapi.operations import Operation, Parameter, limit, text, word
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

CLAUDE, ORACLE = "/api/v1/claude", "/api/v1/oracle"
SAMPLING, OTLP = "/api/v1/sampling", "/api/v1/otlp"
YES_NO = ("true", "false")

_WINDOW = Parameter(
    "time_window_minutes", {"type": "integer", "minimum": 1, "maximum": 60, "default": 15}
)
_MODE = word("mode", ("auto", "labeled", "all", "telemetry"), "How agents are found.")
_SHARE = {"type": "number", "minimum": 0, "maximum": 1}
_ACTIONS = many(shape(priority=COUNT, action=TEXT, rationale=TEXT))


def _state(part: str) -> Operation:
    return Operation((_MODE,), shape(**{part: many(ANYTHING)}, as_of=TIME), (422,))


#: By method and path.
OPERATIONS = {
    f"GET {CLAUDE}/diagnose": Operation(
        (
            _WINDOW,
            word("format", ("json", "prompt", "summary")),
            Parameter("budget_tokens", {"type": "integer", "default": 2000}),
        ),
        shape(format=TEXT),
        (422,),
    ),
    f"GET {CLAUDE}/errors": Operation(
        (
            _WINDOW,
            limit(50, 10),
            word("include_suggestions", YES_NO),
            word("include_raw_errors", YES_NO),
        ),
        shape(
            total_error_types=COUNT, errors=many(ANYTHING), error_store_summary=ANYTHING,
            source=TEXT, as_of=TIME,
        ),
        (422,),
    ),
    f"GET {CLAUDE}/slow-traces": Operation(
        (
            Parameter("threshold_ms", {"type": "integer", "minimum": 0, "default": 5000}),
            limit(50, 10),
        ),
        shape(threshold_ms=NUMBER, count=COUNT, traces=many(ANYTHING), as_of=TIME),
        (422,),
    ),
    f"GET {CLAUDE}/rate-limits": Operation(
        (_WINDOW,),
        shape(status=TEXT, any_limited=FLAG, models=many(ANYTHING), as_of=TIME),
        (422,),
    ),
    f"GET {CLAUDE}/actions": Operation(
        (_WINDOW,),
        shape(system_status=TEXT, total_actions=COUNT, actions=_ACTIONS, as_of=TIME),
        (422,),
    ),
    f"GET {ORACLE}/state": Operation(
        (
            word("format", ("json", "log", "summary")),
            word("strict", YES_NO),
            text("since", "An ETag: `format=log` then tells what has changed."),
            _MODE,
        ),
        problems=(422,),
        also={304: "The caller has it already."},
    ),
    f"GET {ORACLE}/schema": Operation(media="application/schema+json"),
    f"GET {ORACLE}/validate": Operation(
        (_MODE,),
        shape(valid=FLAG, error_count=COUNT, errors=many(ANYTHING), as_of=TIME),
        (422,),
    ),
    f"GET {ORACLE}/agents": _state("agents"),
    f"GET {ORACLE}/workload": _state("workload"),
    f"GET {ORACLE}/llm": _state("litellm"),
    f"GET {ORACLE}/issues": Operation(
        (_MODE,),
        shape(
            status=TEXT, issues=many(ANYTHING), agent_count=COUNT, active_tasks=COUNT,
            queued_tasks=COUNT, as_of=maybe(TIME),
        ),
        (422,),
    ),
    f"GET {SAMPLING}/metrics": Operation(
        answer=shape(status=TEXT, metrics=ANYTHING, config=ANYTHING, as_of=TIME)
    ),
    f"POST {SAMPLING}/configure": Operation(
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
    f"POST {SAMPLING}/reset-metrics": Operation(answer=shape(status=TEXT, as_of=TIME)),
    f"GET {OTLP}/status": Operation(
        answer=shape(
            status=TEXT, endpoint=maybe(TEXT), problem=maybe(TEXT), metrics=ANYTHING,
            config=ANYTHING, as_of=TIME,
        )
    ),
    f"POST {OTLP}/flush": Operation(
        answer=shape(status=TEXT, exported_spans=COUNT, as_of=TIME), problems=(409,)
    ),
    f"POST {OTLP}/export-trace/{{trace_id}}": Operation(
        answer=shape(status=TEXT, trace_id=TEXT, span_count=COUNT, endpoint=maybe(TEXT)),
        problems=(404, 409),
    ),
}  # fmt: skip
