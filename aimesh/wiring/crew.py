"""The crew of one worker: five agents with a queue each, in one application."""

from __future__ import annotations

from typing import Any

from aimesh import hops, topics
from aimesh.agents.crew import crafts
from aimesh.agents.crew.book import Book
from aimesh.agents.crew.desk import PATIENCE, Desk
from aimesh.agents.crew.gate import Gate
from aimesh.agents.crew.messages import Post, QueueMessage
from aimesh.agents.crew.orchestrator import Orchestrator
from aimesh.agents.crew.reporting import CrewReporter
from aimesh.agents.crew.worker import CrewWorker
from aimesh.core.crew import AGENTS, ORCHESTRATOR, USER
from aimesh.core.telemetry import queue_topic
from aimesh.faustfix import MeshApp
from aimesh.services.queues import PARTITIONS, RETENTION, Queues
from aimesh.services.reading import Brokers
from aimesh.settings import Settings
from aimesh.stage import Job, Send, Stage
from aimesh.topics import Layout
from aimesh.wiring.crew_troubles import CrewTroubles
from aimesh.wiring.mesh import ROUNDS, SLACK
from aimesh.wiring.parts import Parts

ROLE = "crew"
# tasks that an agent takes on; those that wait for their turn are ordered by priority
SLOTS = 1024


def crew(parts: Parts) -> dict[str, MeshApp]:
    """Answers questions together."""
    app = parts.app(ROLE)
    table = app.table("book", PARTITIONS, "Plans, findings, and what was called off.")
    book = Book(table, lambda: bool(stages and stages[0].owned))
    settings = parts.settings
    brokers = Brokers(parts.kafka, parts.access)
    queues = Queues(brokers, settings.topic_prefix, settings.replication)
    stages = [_stage(parts, app, book, agent, queues) for agent in AGENTS]
    CrewReporter(
        dict(zip(AGENTS, stages, strict=True)),
        places=settings.llm_concurrency,
        role=ROLE,
        topic=parts.name(topics.GOVERNOR),
        services=parts.statuses,
    )
    return {ROLE: app}


def layouts(settings: Settings) -> list[Layout]:
    """Return the topics that the crew needs."""
    queues = [queue_topic(agent, settings.topic_prefix) for agent in (*AGENTS, USER)]
    app_id = hops.app_id(settings, ROLE)
    results = [f"{app_id}-{agent}-results" for agent in AGENTS]
    return [Layout(name, PARTITIONS, RETENTION, only_for=ROLE) for name in (*queues, *results)]


def _stage(parts: Parts, app: MeshApp, book: Book, agent: str, queues: Queues) -> Stage:
    tell = parts.teller(app, f"{ROLE}-{agent}")
    limit = _limit(parts, agent)
    post = Post(agent, parts.settings.topic_prefix)
    gate = Gate(parts.settings.llm_concurrency)

    async def send(letter: Send) -> None:
        value = letter.stored()["text"].encode()
        key = (letter.key or "").encode()
        await stage.send(letter.topic, key, value, dict(letter.headers))

    around = (post, gate, book, tell, send)
    desk: Desk
    if agent == ORCHESTRATOR:
        desk = Orchestrator(parts.ollama, *around, ensure=queues.ensure, limit=limit)
    else:
        desk = CrewWorker(_craft(parts, agent), *around, ensure=queues.ensure, limit=limit)

    def listen(what: str, job: Job, data: dict[str, Any]) -> None:
        # no task of the mesh: its id must not stand where theirs do
        if what in ("restarted", "absorbed", "dead"):
            tell.event(what, level="error" if what == "dead" else "info", of=job.task_id, **data)

    troubles = CrewTroubles(parts.telemetry.acting_as(agent), model=parts.settings.model)
    stage = parts.told_stage(
        app,
        troubles,
        listen,
        work=desk.work,
        admit=desk.admit,
        name=agent,
        source=queue_topic(agent, parts.settings.topic_prefix),
        kind=QueueMessage,
        partitions=PARTITIONS,
        slots=SLOTS,
        deadline=limit + PATIENCE + SLACK,
    )
    if isinstance(desk, Orchestrator):
        _watch(app, desk)
    return stage


def _watch(app: MeshApp, orchestrator: Orchestrator) -> None:
    async def look() -> None:
        await orchestrator.look(lambda: app.should_stop)

    app.on_rebalance_complete.connect(orchestrator.on_assigned, weak=False)
    app.task(look)


def _craft(parts: Parts, agent: str) -> crafts.Craft:
    if agent == "coder":
        return crafts.Coding(parts.ollama, parts.sandbox, parts.settings.max_attempts)
    words = {
        "researcher": crafts.research,
        "writer": crafts.writing,
        "reviewer": crafts.checking,
    }
    return words[agent](parts.ollama)


def _limit(parts: Parts, agent: str) -> float:
    """Return the seconds that a task of an agent may be at work."""
    settings = parts.settings
    asking = ROUNDS * settings.llm_timeout
    if agent == "coder":
        return settings.max_attempts * (asking + settings.sandbox_timeout) + SLACK
    return asking + SLACK
