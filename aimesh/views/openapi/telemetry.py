"""What the telemetry's paths take and answer."""

from __future__ import annotations

from aimesh.core.telemetry import CATEGORIES, MESSAGE_TYPES, SEVERITIES
from aimesh.tables.telemetry.traces import STATUSES
from aimesh.views.openapi.operations import Operation, cursor, limit, text, whole, word
from aimesh.views.openapi.schemas import (
    ANYTHING,
    COUNT,
    COUNTS,
    NUMBER,
    TEXT,
    TIME,
    Schema,
    many,
    maybe,
    ref,
    shape,
)
from aimesh.views.telemetry import errors, queues, span_metrics, streams, traces

NEXT = maybe(TEXT)
OF_QUEUE = {"agent_name": TEXT, "queue_topic": TEXT}
MESSAGES = many(ref("AgentMessage"))
ERRORS = many(ref("DetailedError"))

_QUEUE = Operation(
    (
        word("message_type", MESSAGE_TYPES),
        limit(queues.MOST_MESSAGES, queues.MESSAGES),
        cursor("^m[0-9]{1,18}$"),
    ),
    shape(
        **OF_QUEUE,
        total_messages=COUNT,
        kept_messages=COUNT,
        pending_tasks=COUNT,
        by_type=COUNTS,
        messages=MESSAGES,
        pending=MESSAGES,
        next_cursor=NEXT,
        as_of=TIME,
    ),
    (404, 422),
)
_PENDING = Operation(
    (limit(queues.MOST_PENDING, queues.PENDING), cursor("^p[0-9]{1,18}(\\.[0-9]{1,18})?$")),
    shape(**OF_QUEUE, pending_count=COUNT, tasks=MESSAGES, next_cursor=NEXT, as_of=TIME),
    (404, 422),
)
_QUEUES = Operation(
    (limit(queues.MOST_QUEUES, queues.QUEUES), text("cursor", "The last answer's `next_cursor`.")),
    shape(
        queues=many(ref("Queue")),
        total_messages=COUNT,
        total_queues=COUNT,
        pending_tasks=COUNT,
        dropped_messages=COUNT,
        undecodable_messages=COUNT,
        next_cursor=NEXT,
        as_of=TIME,
    ),
    (422,),
)
_AGENTS = Operation(
    (limit(queues.MOST_QUEUES, queues.QUEUES), text("cursor", "The last answer's `next_cursor`.")),
    shape(agents=many(ref("Agent")), total=COUNT, next_cursor=NEXT, as_of=TIME),
    (422,),
)
_UNDECODABLE = Operation(
    (limit(queues.MOST_MESSAGES, queues.MESSAGES), text("topic", "Of this topic only.")),
    shape(total=COUNT, by_topic=COUNTS, messages=many(ref("Undecodable")), as_of=TIME),
    (422,),
)
_ERRORS = Operation(
    (
        text("trace_id"),
        text("trace", "The same as `trace_id`."),
        word("severity", SEVERITIES),
        word("category", CATEGORIES),
        text("agent_name"),
        text("agent", "The same as `agent_name`."),
        limit(errors.MOST, errors.DEFAULT),
        cursor("^e[0-9]{1,18}$"),
    ),
    shape(total=COUNT, errors=ERRORS, next_cursor=NEXT, summary=ref("ErrorSummary"), as_of=TIME),
    (422,),
)
_OF_AGENT = Operation(
    (limit(errors.MOST_OF_AGENT, errors.DEFAULT), cursor("^e[0-9]{1,18}$")),
    shape(agent_name=TEXT, error_count=COUNT, errors=ERRORS, next_cursor=NEXT, as_of=TIME),
    (404, 422),
)
_TRACES = Operation(
    (
        text("trace_id"),
        text("session_id"),
        text("user_id"),
        word("status", STATUSES),
        limit(traces.MOST, traces.DEFAULT),
        cursor("^t[0-9]{1,18}$"),
    ),
    shape(
        traces=many(ref("Trace")), total=COUNT, dropped_traces=COUNT, next_cursor=NEXT, as_of=TIME
    ),
    (422,),
)
_METRICS = Operation(
    answer=shape(
        total_traces=COUNT,
        completed_traces=COUNT,
        failed_traces=COUNT,
        running_traces=COUNT,
        cancelled_traces=COUNT,
        dropped_traces=COUNT,
        success_rate=maybe(NUMBER),
        total_tokens=COUNT,
        total_llm_calls=COUNT,
        avg_duration_ms=maybe(NUMBER),
        active_spans=COUNT,
        as_of=TIME,
    )
)
_SPAN_METRICS = Operation(
    (
        text("trace_id"),
        text("agent_name"),
        text("agent", "The same as `agent_name`."),
        limit(span_metrics.MOST, span_metrics.DEFAULT),
        cursor("^s[0-9]{1,18}$"),
    ),
    shape(total=COUNT, metrics=many(ref("SpanMetric")), next_cursor=NEXT, as_of=TIME),
    (404, 422),
)
_STREAM = Operation(
    (
        text("trace_id", "Of this trace only."),
        whole("recent", 0, streams.MOST_RECENT, 0, "How much of the recent past to begin with."),
        text("Last-Event-ID", "Where to go on; browsers send it as a header."),
    ),
    {**TEXT, "description": "Events with `id`, `event` and `data`; `gap` where some are missing."},
    (422,),
    media="text/event-stream",
)
_SOCKET = Operation(
    answer={"description": "Send `subscribe` or `ping`; errors and messages are pushed."},
    problems=(422, 426),
    status=101,
)


def _of_trace(**keys: Schema) -> Operation:
    return Operation(
        (limit(traces.MOST_IN_ONE, traces.IN_ONE),),
        shape(**keys, messages_left_out=COUNT, as_of=TIME),
        (404, 422),
    )


_TRACE = f"{traces.BASE}/{{trace_id}}"
#: By method and path.
OPERATIONS = {
    f"GET {queues.BASE}": _QUEUES,
    f"GET {queues.BASE}/{{agent}}": _QUEUE,
    f"GET {queues.BASE}/{{agent}}/pending": _PENDING,
    "GET /api/v1/agents": _AGENTS,
    "GET /api/v1/undecodable": _UNDECODABLE,
    f"GET {errors.BASE}": _ERRORS,
    f"GET {errors.BASE}/summary": Operation(answer=ref("ErrorSummary")),
    f"GET {errors.BASE}/agent/{{agent_name}}": _OF_AGENT,
    f"GET {errors.BASE}/{{error_id}}": Operation(
        answer=shape(error=ref("DetailedError"), as_of=TIME), problems=(404,)
    ),
    f"GET {traces.BASE}": _TRACES,
    f"GET {_TRACE}": _of_trace(
        trace=ref("Trace"),
        spans=many(ref("Span")),
        events=many(ref("Event")),
        handoffs=many(ref("Handoff")),
    ),
    f"GET {_TRACE}/spans": _of_trace(spans=many(ref("Span"))),
    f"GET {_TRACE}/timeline": _of_trace(
        timeline=many(shape(type=TEXT, timestamp=TIME, data=ANYTHING))
    ),
    f"GET {_TRACE}/graph": _of_trace(
        nodes=many(
            shape(id=TEXT, name=TEXT, type=TEXT, span_count=COUNT, total_duration_ms=NUMBER)
        ),
        edges=many(shape(source=TEXT, target=TEXT, type=TEXT, reason=maybe(TEXT))),
    ),
    f"GET {_TRACE}/errors": Operation(
        (limit(traces.MOST_IN_ONE, traces.IN_ONE),),
        shape(trace_id=TEXT, error_count=COUNT, errors=ERRORS, as_of=TIME),
        (404, 422),
    ),
    "GET /api/v1/metrics": _METRICS,
    f"GET {span_metrics.PATH}": _SPAN_METRICS,
    f"GET {streams.PATH}": _STREAM,
    "GET /ws/debug/{client_id}": _SOCKET,
}
