"""What the paths of the mesh, the audit, dead letters and probes take and answer."""

from __future__ import annotations

from aimesh.views import dead_letters, mesh, streams
from aimesh.views.audit import PATH as AUDIT
from aimesh.views.openapi.operations import (
    Operation,
    Parameter,
    cursor,
    limit,
    text,
    whole,
    word,
)
from aimesh.views.openapi.schemas import (
    ANYTHING,
    COUNT,
    COUNTS,
    FLAG,
    NUMBER,
    TEXT,
    TIME,
    many,
    maybe,
    ref,
    shape,
)

BASE = "/api/v1/mesh"

_AWAY = shape(name=TEXT, since=TIME, reason=TEXT, remedy=TEXT)
_READY = Operation(
    (Parameter("verbose", TEXT, "With it, what each thing waits for and since when."),),
    {
        **shape(ready=FLAG, not_ready=many(TEXT), away=many(_AWAY)),
        "properties": {
            "ready": FLAG,
            "not_ready": many(TEXT),
            "away": many(_AWAY),
            "checks": many(ref("Check")),
            "services": many(ref("Service")),
            "waiting": many(shape(stage=TEXT, reason=TEXT, since=TIME)),
        },
    },
    also={503: "Not ready; `not_ready` says what is missing, `away` since when."},
)
_HEALTH = Operation(
    answer=shape(
        status=TEXT, timestamp=TIME, version=TEXT, active_connections=COUNT,
        checks=many(ref("Check")),
    )
)  # fmt: skip
_AUDIT = Operation(
    answer=shape(
        report=maybe(shape(balanced=FLAG, tasks_in=COUNT, reviewed=COUNT, dead_lettered=COUNT)),
        as_of=maybe(TIME),
        took_s=maybe(NUMBER),
        running=FLAG,
        problem=maybe(TEXT),
    ),
    also={202: "The first audit is on its way."},
)
_TASKS = Operation(
    (limit(mesh.MOST_TASKS, mesh.TASKS), cursor(), word("outcome", mesh.OUTCOMES)),
    shape(tasks=many(ref("Task")), next_cursor=maybe(TEXT), as_of=TIME),
    (422,),
)
_SUBMIT = Operation(
    body=shape(task={**TEXT, "minLength": 1, "description": "What is to be solved."}),
    answer=shape(task_id=TEXT),
    status=202,
    problems=(413, 422),
)
_TASK = Operation(answer=shape(task=ref("Task"), as_of=TIME), problems=(404,))
_EVENTS = Operation(
    answer=shape(
        task=ref("Task"), events=many(ANYTHING), lines_complete=FLAG, prompts=many(ANYTHING),
        as_of=TIME,
    ),
    problems=(404,),
)  # fmt: skip
_STREAM = Operation(
    (
        whole(
            "recent",
            streams.RECENT,
            streams.RECENT_MOST,
            0,
            "How much of the recent past to begin with.",
        ),
        text("kinds", "Of these kinds only, separated by commas."),
        text("task_id", "Of this task only."),
        text("Last-Event-ID", "Where to go on; browsers send it as a header."),
    ),
    {**TEXT, "description": "Events with `id`, `event` and `data`; `gap` where some are missing."},
    (422,),
    media="text/event-stream",
)
_REDRIVE = Operation(
    body={
        "type": "object",
        "properties": {
            "force": {**FLAG, "default": False},
            "dry_run": {**FLAG, "default": False},
            "limit": {"type": "integer", "minimum": 0},
        },
        "additionalProperties": False,
    },
    body_needed=False,
    answer=shape(redriven=shape(id=TEXT, task_id=TEXT, replay_count=COUNT, to=TEXT)),
    problems=(404, 409, 413, 422),
)

#: By method and path.
OPERATIONS = {
    "GET /livez": Operation(media="text/plain", answer=TEXT),
    "GET /readyz": _READY,
    "GET /health": _HEALTH,
    "GET /metrics": Operation(media="text/plain", answer=TEXT),
    "GET /openapi.json": Operation(answer=shape(openapi=TEXT, info=ANYTHING, paths=ANYTHING)),
    f"GET {AUDIT}": _AUDIT,
    f"GET {BASE}/state": Operation(
        answer=shape(
            governor=ANYTHING, hops=many(ANYTHING), stages=many(ANYTHING), counts=COUNTS,
            in_flight=COUNT, version=TEXT, as_of=TIME,
        )
    ),
    f"GET {BASE}/tasks": _TASKS,
    f"POST {BASE}/tasks": _SUBMIT,
    f"GET {BASE}/tasks/{{task_id}}": _TASK,
    f"GET {BASE}/tasks/{{task_id}}/events": _EVENTS,
    f"GET {BASE}/lag": Operation(answer=shape(hops=many(ANYTHING), as_of=TIME)),
    f"GET {BASE}/counts": Operation(answer=shape(counts=COUNTS, as_of=TIME)),
    f"GET {BASE}/errors": Operation(answer=shape(total=COUNTS, by_agent=ANYTHING, as_of=TIME)),
    f"GET {BASE}/in-flight": Operation(
        answer=shape(total=COUNT, tasks=many(shape(task_id=TEXT, since=TEXT)), as_of=TIME)
    ),
    f"GET {BASE}/stream": _STREAM,
    f"GET {dead_letters.PATH}": Operation(
        (limit(dead_letters.MOST, dead_letters.DEFAULT),),
        shape(dead_letters=many(ref("DeadLetter")), as_of=TIME),
        (422,),
    ),
    f"GET {dead_letters.PATH}/{{letter_id}}": Operation(
        answer=shape(dead_letter=ref("DeadLetter"), as_of=TIME), problems=(404,)
    ),
    f"POST {dead_letters.PATH}/{{letter_id}}/redrive": _REDRIVE,
}  # fmt: skip
