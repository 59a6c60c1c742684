"""Findings about how work goes: slowness, failing tasks, idle agents, endless dialogues."""

from __future__ import annotations

from collections.abc import Iterator

from aimesh.core.diagnosis.facts import Agent, Dialogue, Facts
from aimesh.core.diagnosis.finding import (
    ERRORS,
    SERVICE,
    STAGE,
    WORK,
    WORKER,
    Action,
    Finding,
    asked,
)
from aimesh.core.diagnosis.fingerprints import fingerprint
from aimesh.core.diagnosis.pace import Pace
from aimesh.core.text import numbered

SLOWER, SLOWER_SECONDS = 3.0, 1.0
FAILED, FAILED_SHARE = 5, 0.5
SILENT_AGENT = 60.0
TURNS = 20


def slow_work(facts: Facts) -> Iterator[Finding]:
    """Find models and agents that take far longer than they used to."""
    for pace in facts.paces:
        change = pace.change(facts.at, facts.window)
        if change is None:
            continue
        now, before, slow = change
        is_slower = now >= SLOWER * before and now - before >= SLOWER_SECONDS
        if is_slower and facts.at - slow[-1].at <= facts.window:
            yield _slow(facts, pace, now, before)


def _slow(facts: Facts, pace: Pace, now: float, before: float) -> Finding:
    of_model = pace.kind == "model"
    limit = max(before * SLOWER, before + SLOWER_SECONDS)
    late = [s for s in pace.samples if s.seconds >= limit and s.at >= facts.at - facts.window]
    agents = tuple(sorted({s.agent for s in late if s.agent})) or (pace.name,)
    remedy = "look at the model server's load, or take a smaller model (AIMESH_MODEL)"
    return Finding(
        kind="slow_model" if of_model else "slow_agent",
        component=pace.name,
        depth=SERVICE if of_model else STAGE,
        severity="warning",
        category="timeout_error",
        title=f"{pace.name} is {now / max(before, 0.001):.0f} times slower than before",
        description=f"it takes {now:.1f} s now, and took {before:.2f} s",
        first_seen=min((s.at for s in late), default=facts.at),
        last_seen=max((s.at for s in late), default=facts.at),
        fingerprint=fingerprint("slow", pace.kind, pace.name),
        count=len(late),
        agents=agents,
        sample=late[-1].subject if late else "",
        traces=tuple(dict.fromkeys(s.subject for s in reversed(late) if s.subject))[:5],
        actions=(
            Action(do=remedy if of_model else f"see what {pace.name} spends its time on",
                   command=asked("claude/slow-traces")),
        ),
        blocks=frozenset(agents) | {pace.name},
        names=(pace.name,) if of_model else (),
        impact=len(late) * (now - before),
        metadata={"now_s": round(now, 3), "before_s": round(before, 3)},
    )  # fmt: skip


def failing_tasks(facts: Facts) -> Iterator[Finding]:
    """Find that far more tasks fail than used to."""
    if facts.ended < FAILED or facts.failed < FAILED_SHARE * facts.ended:
        return
    share = facts.failed / facts.ended
    before = facts.failed_before / facts.ended_before if facts.ended_before else 0.0
    if share < 2 * before:
        return
    yield Finding(
        kind="tasks_failing",
        component="tasks",
        depth=ERRORS,
        severity="error",
        category="agent_error",
        title=f"{facts.failed} of {facts.ended} tasks failed",
        description=f"{share:.0%} of what ended in the window failed, {before:.0%} did before",
        first_seen=facts.at - facts.window,
        last_seen=facts.at,
        fingerprint=fingerprint("failing"),
        count=facts.failed,
        actions=(Action(do="see how the newest of them failed", command="aimesh tasks"),),
        impact=facts.failed,
        metadata={"share": round(share, 3), "share_before": round(before, 3)},
    )


def agents(facts: Facts) -> Iterator[Finding]:
    """Find agents with work in their queue that nothing is heard of."""
    for agent in facts.agents:
        heard = min((s for s in (agent.heard_s, agent.beat_s) if s is not None), default=None)
        if (
            agent.pending
            and agent.oldest_s > SILENT_AGENT
            and (heard is None or heard > SILENT_AGENT)
        ):
            yield _silent(facts, agent, heard)


def _silent(facts: Facts, agent: Agent, heard: float | None) -> Finding:
    last = "never" if heard is None else f"{heard:.0f} s ago"
    return Finding(
        kind="consumer_stuck",
        component=agent.name,
        depth=WORKER,
        severity="critical" if heard is not None else "error",
        category="agent_error",
        title=f"{agent.name} does not work on its queue",
        description=f"{numbered(agent.pending, 'task is', 'tasks are')} pending in {agent.topic}, "
        f"the oldest for {agent.oldest_s:.0f} s; the agent was last heard of {last}",
        first_seen=facts.at - (heard if heard is not None else agent.oldest_s),
        last_seen=facts.at,
        fingerprint=fingerprint("stuck", agent.name),
        count=agent.pending,
        agents=(agent.name,),
        evidence=(agent.evidence,) if agent.evidence else (),
        actions=(
            Action(do=f"see whether {agent.name} runs, and start it again"),
            Action(do="see what waits for it",
                   command=asked(f"queues/{agent.name}/pending")),
        ),
        blocks=frozenset({agent.name}),
        impact=agent.pending,
        metadata={"pending": agent.pending, "queue_topic": agent.topic},
    )  # fmt: skip


def dialogues(facts: Facts) -> Iterator[Finding]:
    """Find agents that hand the same work to each other without end."""
    for talk in facts.dialogues:
        if talk.turns >= TURNS:
            yield _loop(facts, talk)


def _loop(facts: Facts, talk: Dialogue) -> Finding:
    first, second = talk.pair
    return Finding(
        kind="handoff_loop",
        component=first,
        depth=WORK,
        severity="error",
        category="handoff_error",
        title=f"{first} and {second} hand work to each other again and again",
        description=f"{talk.turns} times in one trace of {talk.messages} messages",
        first_seen=talk.started,
        last_seen=facts.at,
        fingerprint=fingerprint("dialogue", *sorted(talk.pair)),
        count=talk.turns,
        agents=talk.pair,
        traces=(talk.trace_id,),
        actions=(Action(do="see how it goes round, and end it",
                        command=asked(f"traces/{talk.trace_id}/graph")),),
        impact=talk.turns,
        metadata={"messages": talk.messages},
    )  # fmt: skip
