"""What is wrong, from measured facts: the cause first, whatever follows from it below."""

from __future__ import annotations

from typing import Any

import pytest

from aimesh.core.diagnosis.facts import Agent, Dialogue, Disk, Facts, Hop, Limit, Service, Stage
from aimesh.core.diagnosis.finding import SEVERITIES
from aimesh.core.diagnosis.fingerprints import essence, fingerprint
from aimesh.core.diagnosis.groups import Group, Groups, Occurrence
from aimesh.core.diagnosis.pace import Pace, Sample
from aimesh.core.diagnosis.prompting import prompt, tokens
from aimesh.core.diagnosis.ranking import Issue, issues, status_of
from aimesh.core.diagnosis.report import actions, counts, shown, summary
from aimesh.core.diagnosis.troubles import trouble_of

NOW = 1_800_000_000.0
WINDOW = 900.0


def hop(role: str, verdict: str = "OK", lag: int = 0, **more: Any) -> Hop:
    known = {"reason": "keeping up", "age": 1.0, "members": 1, "committed": 7, "lag": lag}
    return Hop(**{"role": role, "topic": f"ai_{role}", "group": f"aimesh-{role}",
                  "verdict": verdict, **known, **more})  # fmt: skip


def stage(role: str, **more: Any) -> Stage:
    return Stage(**{"role": role, "worker": "w1", "age": 1.0, "deadline_s": 60.0, **more})


def known(**more: Any) -> Facts:
    """A healthy mesh, but for what is given."""
    roles = ("consumer", "sandbox", "reviewer", "persistence", "memory")
    healthy: dict[str, Any] = {
        "at": NOW,
        "window": WINDOW,
        "governed_s": 1.0,
        "hops": tuple(hop(role) for role in roles),
        "stages": tuple(stage(role) for role in roles),
        "services": (
            Service(name="ollama", ok=True, since=NOW - 500, url="http://localhost:11434"),
            Service(name="memory", ok=True, since=NOW - 500),
        ),
    }
    return Facts(**{**healthy, **more})


def errors(number: int, *, every: float = 10.0, last: float = NOW, **more: Any) -> Group:
    """A group of equal errors of one agent, at equal distances."""
    fields = {"kind": "ConnectError", "category": "network_error", "severity": "error",
              "message": "cannot connect", "agent": "planner", **more}  # fmt: skip
    groups = Groups()
    for n in range(number):
        subject = fields.get("subject", f"t{n}")
        groups.add(Occurrence(**{"source": "error", "fingerprint": fingerprint(str(fields)),
                                 **fields, "at": last - every * n, "subject": subject,
                                 "refs": (f"agent-telemetry-errors/0/{n}",)}))  # fmt: skip
    [group] = groups.since(0)
    return group


def led(facts: Facts) -> list[str]:
    """The kinds of the causes, first one first."""
    return [i.finding.kind for i in issues(facts) if i.explained_by is None]


def by_kind(found: list[Issue], kind: str) -> Issue:
    return next(issue for issue in found if issue.finding.kind == kind)


def test_a_mesh_without_trouble_is_healthy() -> None:
    found = issues(known())
    assert found == []
    assert status_of(found) == "healthy"
    assert summary("healthy", found).startswith("Healthy")


DOWN = Service(name="ollama", ok=False, since=NOW - 60, url="http://localhost:11434",
               reason="no answer from http://localhost:11434: ConnectError", remedy="start it",
               models=("gemma3:1b",))  # fmt: skip
WAITS = "ollama: no answer from http://localhost:11434: ConnectError (start it)"


def test_a_service_explains_lag_stalls_and_errors_that_follow_from_it() -> None:
    facts = known(
        services=(DOWN, Service(name="memory", ok=False, since=NOW - 50,
                                reason="ollama: no answer from http://localhost:11434")),
        stages=(stage("consumer", open=4, oldest_s=70, waiting=WAITS, waiting_since=NOW - 58),),
        hops=(hop("consumer", "STALL", 9), hop("sandbox")),
        groups=(errors(20, last=NOW, agent="writer", message="call to localhost:11434 refused"),),
    )  # fmt: skip
    found = issues(facts)
    first = found[0].finding
    assert (first.kind, first.component) == ("service_unreachable", "ollama")
    assert {issue.explained_by for issue in found[1:]} == {first.id}
    assert {i.finding.component for i in found[1:]} >= {"memory", "consumer", "writer"}
    assert found[0].severity == "critical"
    assert led(facts) == ["service_unreachable"]


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("model 'gemma3:1b' is not there: model not found", "model_missing"),
        ("HTTP 429: rate limit exceeded", "rate_limited"),
        ("HTTP 503: server busy, please try again", "rate_limited"),
        ("data/x.csv cannot be used: No space left on device", "disk_full"),
        ("another process holds data/.lock for 5 s", "locked"),
        ("no whole answer from http://x within 2 s", "slow"),
        ("no answer from http://x: ConnectError: refused", "unreachable"),
        ("HTTP 401: unauthorized", "refused"),
        ("HTTP 500: llama runner process has terminated", "failing"),
    ],
)
def test_what_callers_were_told_says_what_trouble_a_service_is_in(reason: str, kind: str) -> None:
    assert trouble_of(reason).kind == kind
    waiting = stage("persistence", open=1, waiting=f"thing: {reason} (mend it)",
                    waiting_since=NOW - 9)  # fmt: skip
    [issue] = issues(known(stages=(waiting,)))
    assert issue.finding.kind == f"service_{kind}"
    assert issue.finding.metadata["remedy"] == "mend it"


def test_calls_that_fail_count_more_than_probes_that_pass() -> None:
    waiting = stage("reviewer", open=1, waiting="ollama: HTTP 500: broken", waiting_since=NOW - 9)
    [issue] = issues(known(stages=(waiting,)))
    assert (issue.finding.component, issue.severity) == ("ollama", "critical")


def test_a_service_that_was_down_because_of_another_is_well_with_it() -> None:
    memory = Service(name="memory", ok=False, since=NOW - 50, reason="ollama: no answer")
    assert issues(known(services=(Service(name="ollama", ok=True, since=NOW - 9), memory))) == []


def test_a_single_retry_is_no_trouble() -> None:
    waiting = stage("reviewer", open=1, waiting="ollama: HTTP 500: broken", waiting_since=NOW - 1)
    assert issues(known(stages=(waiting,))) == []


def test_a_memory_that_is_switched_off_is_no_trouble() -> None:
    off = Service(name="memory", ok=False, since=NOW, reason="switched off", wanted=False)
    assert issues(known(services=(off,), hops=(hop("memory", "STOPPED"),))) == []


def test_a_silent_worker_comes_before_the_stall_that_it_leaves() -> None:
    facts = known(
        stages=(stage("consumer", age=25.0, open=2), stage("sandbox")),
        hops=(hop("consumer", "STALL", 9), hop("sandbox")),
    )
    assert led(facts) == ["worker_silent"]


def test_a_worker_that_left_in_order_is_not_missed() -> None:
    stages = (stage("consumer", worker="old", age=100.0, open=1), stage("consumer", worker="new"))
    assert issues(known(stages=stages)) == []


def test_a_worker_that_fell_silent_comes_before_the_place_that_it_lost() -> None:
    facts = known(
        stages=(stage("consumer", age=25.0),),
        hops=(hop("consumer", "STOPPED", 9, members=0), hop("sandbox")),
    )
    assert led(facts) == ["worker_silent"]


def test_one_of_two_workers_that_is_silent_is_found() -> None:
    stages = (stage("consumer", worker="still", age=40.0), stage("consumer", worker="well"))
    [issue] = issues(known(stages=stages, hops=(hop("consumer", members=2),)))
    assert issue.finding.metadata["workers"] == ["still"]


def test_workers_that_end_again_and_again_are_found() -> None:
    gone = tuple(stage("sandbox", worker=f"w{n}", age=30.0 + 60 * n) for n in range(5))
    facts = known(stages=(*gone, stage("sandbox", worker="newest")))
    [issue] = issues(facts)
    assert (issue.finding.kind, issue.finding.count) == ("worker_restarting", 5)
    assert issues(known(stages=(*gone[:2], stage("sandbox", worker="newest")))) == []


def test_a_hop_without_a_worker_is_found_with_the_command_that_starts_one() -> None:
    [issue] = issues(known(hops=(hop("reviewer", "STOPPED", 3, members=0),), stages=()))
    assert shown(issue)["next_command"] == "AIMESH_ROLES=reviewer aimesh worker"


def test_a_full_disk_comes_before_the_archive_that_waits_for_it() -> None:
    waits = "archive: data/ai_history.csv cannot be used: No space left on device"
    facts = known(
        disks=(Disk(path="/data", free=0, total=1 << 30),),
        stages=(stage("persistence", open=3, waiting=waits, waiting_since=NOW - 30),),
    )
    assert led(facts) == ["disk_full"]


def test_an_absent_broker_makes_all_else_old() -> None:
    facts = known(governed_s=100.0, broker=False, hops=(hop("consumer", "STALL", 9),))
    assert led(facts) == ["service_unreachable"]
    assert issues(facts)[0].finding.component == "kafka"


def test_a_silent_governor_is_found_where_kafka_is_there() -> None:
    assert led(known(governed_s=100.0, broker=True)) == ["not_measured"]


def test_a_model_that_became_slow_explains_the_lag() -> None:
    pace = Pace("gemma3:1b", "model")
    pace.samples.extend(Sample(NOW - 800 + n, 0.4, f"t{n}", "consumer") for n in range(10))
    pace.samples.extend(Sample(NOW - 60 + n, 6.0, f"s{n}", "consumer") for n in range(4))
    facts = known(paces=(pace,), hops=(hop("consumer", "WARN", 30),))
    assert led(facts) == ["slow_model"]


def test_a_slow_model_does_not_explain_what_is_no_matter_of_time() -> None:
    pace = Pace("gemma3:1b", "model")
    pace.samples.extend(Sample(NOW - 800 + n, 0.4, f"t{n}", "consumer") for n in range(10))
    pace.samples.extend(Sample(NOW - 60 + n, 6.0, f"s{n}", "consumer") for n in range(4))
    told = errors(2, category="validation_error", message="it is not JSON", model="gemma3:1b",
                  agent="consumer")  # fmt: skip
    assert sorted(led(known(paces=(pace,), groups=(told,)))) == ["error_group", "slow_model"]


def test_a_pace_that_stays_the_same_is_no_trouble() -> None:
    pace = Pace("gemma3:1b", "model")
    pace.samples.extend(Sample(NOW - 800 + n, 6.0 + n % 2, "t", "consumer") for n in range(40))
    assert issues(known(paces=(pace,))) == []


def test_errors_are_held_against_their_own_past() -> None:
    steady = errors(1200, every=10.0, kind="Known", message="as ever")
    rising = errors(30, every=1.0, kind="New", message="something else", agent="writer")
    found = issues(known(groups=(steady, rising)))
    assert [i.finding.metadata["error_type"] for i in found] == ["New", "Known"]
    assert [i.severity for i in found] == ["error", "warning"]
    assert "as often as ever" in found[1].finding.description


def test_what_was_there_long_before_is_not_explained_by_what_is_new() -> None:
    old = errors(1200, every=10.0, agent="writer", message="localhost:11434 is odd")
    assert led(known(services=(DOWN,), groups=(old,))) == ["service_unreachable", "error_group"]


def test_an_outage_that_is_over_is_told_and_is_no_trouble() -> None:
    told = errors(3, kind="UnavailableError", agent="consumer",
                  message="ollama: no answer from http://localhost:11434 (start it)")  # fmt: skip
    found = issues(known(groups=(told,)))
    assert [issue.severity for issue in found] == ["info"]
    assert status_of(found) == "healthy"
    waits = (stage("consumer", open=1, waiting=WAITS, waiting_since=NOW - 9),)
    assert led(known(groups=(told,), stages=waits, services=(DOWN,))) == ["service_unreachable"]


def test_a_dead_letter_comes_before_the_error_that_tells_of_it() -> None:
    letter = errors(1, source="dead_letter", kind="Rejected", message="it is not JSON: line 1")
    told = errors(1, kind="Rejected", message="it is not JSON: line 1", severity="critical",
                  agent="consumer")  # fmt: skip
    found = issues(known(groups=(told, letter)))
    assert [issue.finding.kind for issue in found] == ["poison_message", "error_group"]
    assert found[0].severity == "critical"


def test_one_message_that_fails_again_and_again_is_poison() -> None:
    group = errors(6, subject="m-17", message="cannot parse")
    [issue] = issues(known(groups=(group,)))
    assert issue.finding.kind == "poison_message"
    assert issue.finding.metadata["subject"] == "m-17"
    assert issue.finding.evidence[0].startswith("agent-telemetry-errors/0/")


def test_what_several_agents_cannot_reach_is_one_cause() -> None:
    groups = tuple(
        errors(5, agent=name, message=f"{name}: connection to db.local:5432 refused")
        for name in ("planner", "writer", "critic")
    )
    found = issues(known(groups=groups))
    assert found[0].finding.component == "db.local:5432"
    assert [i.explained_by for i in found[1:]] == [found[0].finding.id] * 3


def loops(number: int) -> Group:
    groups = Groups()
    for n in range(number):
        groups.add(Occurrence(source="verdict", fingerprint="f", at=NOW - n, kind="failed",
                              category="tool_error", severity="warning", message="NameError",
                              subject=f"t{n}", is_final=True, is_repeated=True))  # fmt: skip
    [group] = groups.since(0)
    return group


def test_code_that_fails_in_the_same_way_again_is_a_loop_only_where_it_is_many() -> None:
    assert led(known(groups=(loops(3),), ended=5)) == ["code_loop"]
    assert led(known(groups=(loops(3),), ended=100)) == []


def test_loops_are_told_of_where_most_of_what_ended_last_is_in_them() -> None:
    def found(number: int, *newest: str) -> list[str]:
        return led(known(groups=(loops(number),), ended=100, newest=newest))

    assert found(3, "t0", "fine", "t1", "t2", "good") == ["code_loop"]
    assert found(3, "t0", "fine", "t1", "well", "good") == []
    assert found(1, "t0") == []


def test_an_agent_that_leaves_its_queue_is_found_and_one_at_work_is_not() -> None:
    stuck = Agent(name="Writer", topic="agent-queue-writer", pending=4, oldest_s=300, heard_s=200,
                  beat_s=190, evidence="agent-queue-writer/0/3")  # fmt: skip
    busy = Agent(name="Planner", topic="agent-queue-planner", pending=9, oldest_s=300, heard_s=2,
                 beat_s=None)  # fmt: skip
    [issue] = issues(known(agents=(stuck, busy)))
    assert (issue.finding.kind, issue.finding.component) == ("consumer_stuck", "Writer")
    assert issue.finding.evidence == ("agent-queue-writer/0/3",)


def test_agents_that_hand_work_to_each_other_without_end_are_found() -> None:
    talk = Dialogue(trace_id="t", messages=80, pair=("a", "b"), turns=38, started=NOW - 60)
    assert led(known(dialogues=(talk,))) == ["handoff_loop"]


def test_a_limit_that_is_reached_is_found() -> None:
    facts = known(limits=(Limit(model="gpt", what="rpm", used=60, allowed=60),
                          Limit(model="gpt", what="tpm", used=5, allowed=1000)))  # fmt: skip
    assert led(facts) == ["service_rate_limited"]


def test_many_failed_tasks_are_found_where_they_used_to_pass() -> None:
    assert led(known(ended=10, failed=8, ended_before=100, failed_before=5)) == ["tasks_failing"]
    assert led(known(ended=10, failed=8, ended_before=100, failed_before=75)) == []


def test_the_same_error_has_one_fingerprint_whatever_varies() -> None:
    texts = [
        "task 17 at 0x7f3a failed: /var/x/1.py line 3, id 3f2b1c9a77de",
        "task 9 at 0x11aa failed: /var/y/2.py line 88, id aa01bb22cc33",
    ]
    assert len({essence(text) for text in texts}) == 1
    assert essence("no model") != essence("no memory")


def test_groups_are_bounded_and_count_what_they_drop() -> None:
    groups = Groups(most=10)
    for n in range(25):
        groups.add(Occurrence(source="error", fingerprint=str(n), at=NOW + n, kind="k",
                              category="unknown", severity="error", message="m"))  # fmt: skip
    assert len(list(groups.since(0))) == 10
    assert groups.dropped == 15


@pytest.mark.parametrize("budget", [100, 150, 300, 1000, 5000])
def test_the_text_fits_its_budget_and_begins_with_the_cause(budget: int) -> None:
    groups = tuple(errors(5, agent=f"a{n}", message=f"failure {chr(97 + n) * 9}: " + "words " * 50,
                          kind=f"Kind{chr(65 + n)}") for n in range(20))  # fmt: skip
    found = issues(known(services=(DOWN,), groups=groups))
    body = {
        "metadata": {"system_status": "degraded", "generated_at": "2026-01-01T00:00:00.000Z",
                     "time_window_minutes": 15},
        "issues": {"counts": counts(found), "items": [shown(issue) for issue in found]},
        "debugging_context": {"lag": "consumer OK 0"},
    }  # fmt: skip
    text = prompt(body, budget)
    assert tokens(text) <= budget
    assert "1. CAUSE [error] ollama does not answer" in text
    if budget < 1000:
        assert "left out" in text


def test_actions_come_in_the_order_of_causes_each_once() -> None:
    found = issues(known(services=(DOWN,), groups=(errors(9), errors(9, kind="Other"))))
    todo = actions(found)
    assert [one["priority"] for one in todo] == list(range(1, len(todo) + 1))
    assert todo[0]["related_issue_id"] == found[0].finding.id
    assert len({(one["action"], one["command"]) for one in todo}) == len(todo)
    assert {one["severity"] for one in todo} <= set(SEVERITIES)
