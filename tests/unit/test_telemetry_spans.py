from typing import Any

from aimesh.core import mesh_spans, message_spans
from aimesh.core.spans import Span, graph, timeline
from tests.telemetry import START, at, event, message

NOW = START + 1000


def of_messages(*messages: dict[str, Any]) -> dict[str, Span]:
    spans, _ = message_spans.spans_of(messages, {}, NOW)
    return {s.attributes.get("message_id", s.name): s for s in spans}


def question(name: str, source: str, target: str, seconds: float, **fields: Any) -> dict[str, Any]:
    return message(
        name, source_agent=source, target_agent=target, timestamp=at(seconds), reason="r", **fields
    )


def answer(parent: str, seconds: float, kind: str = "result", **fields: Any) -> dict[str, Any]:
    return message(
        f"{kind}-{parent}", message_type=kind, parent_message_id=parent, timestamp=at(seconds),
        **fields,
    )  # fmt: skip


def test_a_task_is_a_span_from_its_message_to_its_answer() -> None:
    spans = of_messages(question("a", "user", "planner", 1), answer("a", 3.5))
    assert spans["a"].status == "completed"
    assert spans["a"].duration_ms == 2500
    assert spans["a"].agent == "planner"


def test_work_that_goes_on_is_visible_without_an_end() -> None:
    span = of_messages(question("a", "user", "planner", 1))["a"]
    assert (span.status, span.end, span.duration_ms) == ("running", None, None)


def test_errors_cancellations_and_time_end_a_span_too() -> None:
    assert of_messages(question("a", "u", "p", 1), answer("a", 2, "error"))["a"].status == "failed"
    cancelled = of_messages(question("a", "u", "p", 1), answer("a", 2, "cancel"))["a"]
    assert cancelled.status == "cancelled"
    expired = of_messages(question("a", "u", "p", 1, ttl_seconds=5))["a"]
    assert (expired.status, expired.duration_ms) == ("failed", 5000)


def test_a_result_after_an_error_counts() -> None:
    spans = of_messages(question("a", "u", "p", 1), answer("a", 2, "error"), answer("a", 3))
    assert (spans["a"].status, spans["a"].duration_ms) == ("completed", 2000)


def test_a_task_belongs_to_what_its_sender_was_doing() -> None:
    spans = of_messages(
        question("a", "user", "Planner", 1),
        question("b", "planner", "writer", 2),
        question("c", "writer", "coder", 3, parent_message_id="a"),
        answer("b", 4),
        question("d", "writer", "coder", 5),
    )
    assert spans["a"].parent is None
    assert spans["b"].parent == spans["a"].span_id
    assert spans["c"].parent == spans["a"].span_id
    assert spans["d"].parent is None


def test_what_an_agent_says_it_did_becomes_spans_below_its_own() -> None:
    steps = [
        {"kind": "model", "name": "chat m", "started_at": at(1.5), "duration_ms": 400},
        {"kind": "nonsense"},
        {"kind": "tool", "started_at": "never"},
        "text",
    ]
    spans = of_messages(question("a", "u", "p", 1), answer("a", 2, payload={"steps": steps}))
    assert set(spans) == {"a", "chat m"}
    assert spans["chat m"].parent == spans["a"].span_id
    assert spans["chat m"].duration_ms == 400


def test_timeline_and_graph_tell_of_everything() -> None:
    messages = [question("a", "user", "planner", 1), question("b", "planner", "writer", 2),
                question("c", "planner", "writer", 2.5), answer("b", 4)]  # fmt: skip
    spans, handoffs = message_spans.spans_of(messages, {}, NOW)
    told = timeline("t", spans, handoffs, [{"type": "error", "timestamp": at(3), "x": 1}])
    assert [entry["timestamp"] for entry in told] == sorted(e["timestamp"] for e in told)
    assert {entry["type"] for entry in told} == {"span_start", "span_end", "handoff", "error"}
    nodes, edges = graph(spans, handoffs)
    assert {node["name"]: node["span_count"] for node in nodes} == {
        "user": 0,
        "planner": 1,
        "writer": 2,
    }
    assert ("agent:planner", "agent:writer", 2) in [
        (edge["source"], edge["target"], edge["count"]) for edge in edges
    ]


WAY = [
    event("t1", "task", 0, task="sort", source="submit"),
    event("t1", "started", 1, agent="consumer"),
    event("t1", "solution", 3, model="m", duration_s=1.5, output_tokens=7, memories=2),
    event("t1", "done", 3, agent="consumer", duration_s=2.0),
    event("t1", "started", 3.1, agent="sandbox"),
    event("t1", "verdict", 4.2, success=False, wall_s=1.0, verdict="failed"),
    event("t1", "done", 4.2, agent="sandbox", duration_s=1.0),
    event("t1", "started", 4.3, agent="consumer", attempt=2),
]


def test_a_task_of_the_mesh_has_a_span_for_every_stage_and_attempt() -> None:
    spans = mesh_spans.spans_of("t1", WAY)
    named = {(s.name, s.attributes.get("attempt")): s for s in spans}
    assert named["task", None].status == "running"
    assert named["invoke_agent consumer", 1].duration_ms == 2000
    assert named["invoke_agent consumer", 2].end is None
    chat = named["chat m", 1]
    assert chat.duration_ms == 1500
    assert chat.parent == named["invoke_agent consumer", 1].span_id
    memory = named["search_memory", 1]
    assert memory.duration_ms == 500
    assert memory.attributes["gen_ai.memory.record.count"] == 2
    run = named["execute_tool sandbox", 1]
    assert (run.status, run.duration_ms) == ("failed", 1000)
    assert run.parent == named["invoke_agent sandbox", 1].span_id


def test_a_review_ends_the_task_and_outweighs_a_dead_letter() -> None:
    dead = event("t1", "dead_letter", 6, error="x")
    review = event("t1", "review", 7, success=True, model="m", duration_s=0.5)
    assert mesh_spans.spans_of("t1", [*WAY, dead])[0].status == "failed"
    assert mesh_spans.spans_of("t1", [*WAY, dead, review])[0].status == "completed"
    assert mesh_spans.spans_of("t1", [review, dead, *WAY])[0].status == "completed"


def test_a_stage_that_is_started_again_is_one_span() -> None:
    again = event("t1", "restarted", 1.5, agent="consumer")
    spans = [s for s in mesh_spans.spans_of("t1", [*WAY, again]) if s.agent == "consumer"]
    first = next(s for s in spans if s.kind == "agent" and s.attributes["attempt"] == 1)
    assert first.attributes["restarts"] == 1
    assert first.start == START + 1


def test_a_stage_whose_beginning_was_not_seen_says_itself_how_long_it_took() -> None:
    span = mesh_spans.ended_stage("t1", event("t1", "done", 5, agent="reviewer", duration_s=2))
    assert (span.start, span.end) == (START + 3, START + 5)


def test_the_way_of_a_task_is_told_as_handoffs() -> None:
    spans = mesh_spans.spans_of("t1", [event("t1", "started", 0.5, agent="producer"), *WAY])
    told = [(h.source, h.target, h.reason) for h in mesh_spans.handoffs_of(spans)]
    assert told == [
        ("producer", "consumer", "a task to be solved"),
        ("consumer", "sandbox", "a solution to be run"),
        ("sandbox", "consumer", "it failed, a fix is asked for"),
    ]
