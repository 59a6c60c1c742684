"""The mesh's own roles: which agent works on which topic, with how much time and how many slots."""

from __future__ import annotations

from aimesh import hops, topics
from aimesh.agents import consumer as consumer_agent
from aimesh.agents import reviewer as reviewer_agent
from aimesh.agents.consumer import Consumer
from aimesh.agents.governor import Governor
from aimesh.agents.persistence import Persistence
from aimesh.agents.producer import Producer
from aimesh.agents.remembering import Remembering
from aimesh.agents.reviewer import Reviewer
from aimesh.agents.sandbox import SandboxAgent
from aimesh.faustfix import MeshApp
from aimesh.records import GovernorDecision, Review, Solution, Task, Verdict
from aimesh.services.archive import Archive
from aimesh.services.kafka import KafkaAdmin
from aimesh.services.lag import LagReader
from aimesh.wiring.parts import Parts

# added to a model's time-out: recalling memories, waiting for a slot
SLACK = 30.0
# Three roles share the places at the model: a call may wait for two others before it begins. Too
# short a deadline would make failures of tasks that only had to queue.
ROUNDS = 3

Apps = dict[str, MeshApp]


def producer(parts: Parts) -> Apps:
    """Invents a task for each fresh decision of the governor."""
    app = parts.app("producer")
    tell = parts.teller(app, "producer")
    agent = Producer(
        parts.ollama,
        parts.memory,
        tell,
        tasks=parts.name(topics.TASKS),
        interval=parts.settings.producer_interval,
        similarity_limit=parts.settings.similarity_limit,
        is_busy=lambda: bool(stage.running),
    )
    stage = parts.stage(
        "producer",
        tell,
        app,
        source=parts.name(topics.GOVERNOR),
        kind=GovernorDecision,
        work=agent.work,
        admit=agent.admit,
        partitions=1,
        slots=1,
        deadline=4 * ROUNDS * parts.settings.llm_timeout + SLACK,
    )
    return {"producer": app}


def consumer(parts: Parts) -> Apps:
    """Writes the code of each task."""
    app = parts.app("consumer")
    tell = parts.teller(app, "consumer")
    agent = Consumer(parts.ollama, parts.memory, tell, parts.name(topics.SOLUTIONS))
    parts.stage(
        "consumer",
        tell,
        app,
        source=parts.name(topics.TASKS),
        kind=Task,
        work=agent.work,
        admit=consumer_agent.admit,
        slots=parts.settings.llm_concurrency,
        deadline=ROUNDS * parts.settings.llm_timeout + SLACK,
    )
    return {"consumer": app}


def sandbox(parts: Parts) -> Apps:
    """Runs each solution and judges it."""
    app = parts.app("sandbox")
    agent = SandboxAgent(
        parts.sandbox,
        parts.settings.max_attempts,
        verdicts=parts.name(topics.VERDICTS),
        tasks=parts.name(topics.TASKS),
    )
    parts.stage(
        "sandbox",
        parts.teller(app, "sandbox"),
        app,
        source=parts.name(topics.SOLUTIONS),
        kind=Solution,
        work=agent.work,
        slots=parts.settings.sandbox_concurrency,
        deadline=parts.settings.sandbox_timeout + SLACK,
    )
    return {"sandbox": app}


def memory(parts: Parts) -> Apps:
    """Remembers verdicts."""
    if not parts.settings.memory:
        return {}
    app = parts.app("memory")
    parts.stage(
        "memory",
        parts.teller(app, "memory"),
        app,
        source=parts.name(topics.VERDICTS),
        kind=Verdict,
        work=Remembering(parts.memory).work,
        slots=8,
        deadline=2 * SLACK,
    )
    return {"memory": app}


def reviewer(parts: Parts) -> Apps:
    """Reviews final verdicts."""
    app = parts.app("reviewer")
    tell = parts.teller(app, "reviewer")
    agent = Reviewer(parts.ollama, tell, parts.name(topics.REVIEWS))
    parts.stage(
        "reviewer",
        tell,
        app,
        source=parts.name(topics.VERDICTS),
        kind=Verdict,
        work=agent.work,
        admit=reviewer_agent.admit,
        slots=parts.settings.llm_concurrency,
        deadline=ROUNDS * parts.settings.llm_timeout + SLACK,
    )
    return {"reviewer": app}


def persistence(parts: Parts) -> Apps:
    """Writes reviewed tasks into the archive."""
    app = parts.app("persistence")
    parts.stage(
        "persistence",
        parts.teller(app, "persistence"),
        app,
        source=parts.name(topics.REVIEWS),
        kind=Review,
        work=Persistence(Archive(parts.settings.history)).work,
        slots=16,
        deadline=2 * SLACK,
    )
    return {"persistence": app}


def governor(parts: Parts) -> Apps:
    """Measures lag and throttles the producer."""
    app = parts.app("governor")
    admin = KafkaAdmin(parts.kafka, parts.access)
    parts.closers.append(admin.close)
    always = hops.hops(parts.settings)
    crew = hops.crew_hops(parts.settings)
    Governor(
        app,
        LagReader(admin, always, crew, parts.settings.partitions),
        topic=parts.name(topics.GOVERNOR),
        tasks=always[0],
        threshold=parts.settings.lag_threshold,
        interval=parts.settings.governor_interval,
        tell=parts.teller(app, "governor"),
    )
    return {"governor": app}


#: By role, in the order of the mesh.
ROLES = {
    "producer": producer,
    "consumer": consumer,
    "sandbox": sandbox,
    "memory": memory,
    "reviewer": reviewer,
    "persistence": persistence,
    "governor": governor,
}
