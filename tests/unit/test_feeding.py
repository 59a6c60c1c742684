"""Only what is a record of its kind is part of the feed."""

from typing import Any

import pytest

from aimesh.feeding import kind_in

LAG = {"type": "lag", "role": "consumer", "topic": "ai_topic", "group": "g", "lag": 3}
STAGE = {"type": "stage", "role": "consumer", "worker": "w", "counts": {"done": 3}}
SERVICE = {"name": "kafka", "ok": None, "since": "2026-01-01T00:00:00Z", "reason": ""}


@pytest.mark.parametrize(
    ("channel", "data", "kind"),
    [
        ("task", {"task": "x"}, "task"),
        ("task", {"task": "x", "a field of a newer version": {}}, "task"),
        ("line", {"type": "event", "agent": "consumer"}, "line"),
        ("dead_letter", {"task_id": ""}, "dead_letter"),
        ("governor", LAG, "lag"),
        ("governor", STAGE | {"services": [SERVICE]}, "stage"),
        ("governor", {"type": "decision", "state": "ACTIVE", "since": ""}, "decision"),
    ],
)
def test_a_record_is_of_its_kind(channel: str, data: Any, kind: str) -> None:
    assert kind_in(channel, data) == (kind, "")


@pytest.mark.parametrize(
    ("channel", "data", "problem"),
    [
        ("task", ["x"], "list"),
        ("task", {}, "'task' is missing"),
        ("task", {"task": "x", "task_id": 5}, "'task_id' must be str"),
        ("solution", {"task_id": "t", "task": "x", "output_tokens": 2**63 - 1}, "'output_tokens'"),
        ("review", {"task_id": "t", "task": "x", "duration_s": -1e300}, "'duration_s'"),
        ("governor", {"type": "task", "task": "x"}, "no kind"),
        ("governor", {"type": ["lag"]}, "no kind"),
        ("governor", LAG | {"role": ""}, "'role' is missing"),
        ("governor", LAG | {"ts": "at noon"}, "'ts' is 'at noon', it takes an RFC 3339 time"),
        ("governor", STAGE | {"counts": {"done": "many"}}, "'counts' must hold numbers"),
        ("governor", STAGE | {"services": ["kafka"]}, "'services'"),
        ("governor", STAGE | {"services": [SERVICE | {"since": "at noon"}]}, "'services'"),
        ("governor", STAGE | {"services": [SERVICE | {"reason": 5}]}, "'services'"),
    ],
)
def test_what_is_none_is_left_out_with_the_reason(channel: str, data: Any, problem: str) -> None:
    kind, told = kind_in(channel, data)
    assert kind is None
    assert problem in told
