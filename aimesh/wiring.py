"""The only place that puts parts together: from settings to a Faust application."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Awaitable, Callable
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from aiohttp.web import AbstractRouteDef, Application

from aimesh import hops, topics
from aimesh.agents import consumer, reviewer
from aimesh.agents.consumer import Consumer
from aimesh.agents.governor import Governor
from aimesh.agents.observer import Observer
from aimesh.agents.persistence import Persistence
from aimesh.agents.producer import Producer
from aimesh.agents.remembering import Remembering
from aimesh.agents.reviewer import Reviewer
from aimesh.agents.sandbox import SandboxAgent
from aimesh.agents.telemetry_observer import TelemetryObserver
from aimesh.faustfix import MeshApp
from aimesh.health import Health
from aimesh.probing import Probing
from aimesh.records import GovernorDecision, Review, Solution, Task, Verdict
from aimesh.reporting import Reporter
from aimesh.root import Hub, RootApp
from aimesh.services.archive import Archive
from aimesh.services.audit import audit
from aimesh.services.dead_letters import DeadLetters
from aimesh.services.feed import FeedHub
from aimesh.services.kafka import KafkaAdmin
from aimesh.services.kafka_access import KafkaAccess
from aimesh.services.memory import Memory
from aimesh.services.ollama import Ollama
from aimesh.services.reading import Brokers
from aimesh.services.sandbox import Limits, Sandbox
from aimesh.settings import Settings
from aimesh.stage import Stage
from aimesh.telemetry_wiring import TelemetryWiring
from aimesh.telemetry_wiring import layouts as telemetry_layouts
from aimesh.telling import Teller
from aimesh.topics import Layout
from aimesh.views import dashboard, dead_letters, streams
from aimesh.views import health as health_views
from aimesh.views.audit import AuditViews
from aimesh.views.mesh import MeshViews
from aimesh.views.problems import problems
from aimesh.views.security import protect

DEFAULT_KAFKA = "localhost:9092"
# added to a model's time-out: recalling memories, waiting for a slot
SLACK = 30.0
# Three roles share the places at the model: a call may wait for two others before it begins. Too
# short a deadline would make failures of tasks that only had to queue.
ROUNDS = 3


def create_app(settings: Settings) -> RootApp:
    """Return the application of a worker with these settings; nothing is started or written."""
    return _Wiring(settings).root()


class _Wiring:
    """Builds the parts of one worker; what several roles share is built once, when first used."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.kafka = settings.kafka or DEFAULT_KAFKA
        self.access = KafkaAccess.from_settings(settings)
        # tells this very process from the one before it and from its neighbours
        host = "".join(c if c.isalnum() else "-" for c in socket.gethostname().lower())[:30]
        self.identity = f"{host}-{uuid.uuid4().hex[:12]}"
        self.stages: list[Stage] = []
        self.closers: list[Callable[[], Awaitable[None]]] = []
        self.observer: Observer | None = None
        self.telemetry: TelemetryWiring | None = None
        self.governor: Governor | None = None
        self.hubs: list[Hub] = []
        self._probing: Probing | None = None

    # -- shared parts

    def name(self, topic: str) -> str:
        return self.settings.topic_prefix + topic

    @cached_property
    def ollama(self) -> Ollama:
        s = self.settings
        ollama = Ollama(
            s.ollama_url,
            s.model,
            s.embed_model,
            timeout=s.llm_timeout,
            concurrency=s.llm_concurrency,
        )
        self.closers.append(ollama.close)
        return ollama

    @cached_property
    def memory(self) -> Memory:
        s = self.settings
        memory = Memory(
            self.ollama.embed,
            url=s.qdrant_url,
            folder=s.data / "memory",
            embed_model=s.embed_model,
            enabled=s.memory,
        )
        self.closers.append(memory.close)
        return memory

    @cached_property
    def sandbox(self) -> Sandbox:
        s = self.settings
        sandbox = Sandbox(
            Limits.from_settings(s),
            mode=s.sandbox,
            slots=s.sandbox_concurrency,
            scratch=s.data / "sandbox",
        )
        self.closers.append(sandbox.close)
        return sandbox

    # -- applications and stages

    def app(self, role: str, **options: Any) -> MeshApp:
        app_id = hops.app_id(self.settings, role)
        return MeshApp(app_id, **self._common(self.settings.folder / role), **options)

    def _common(self, datadir: Path) -> dict[str, Any]:
        return {
            "broker": self.kafka,
            "datadir": datadir,
            "identity": self.identity,
            "topic_replication_factor": self.settings.replication,
            "topic_partitions": self.settings.partitions,
            **self.access.faust_options(),
        }

    def stage(self, role: str, tell: Teller, app: MeshApp, **options: Any) -> Stage:
        options.setdefault("partitions", self.settings.partitions)
        stage = Stage(
            app,
            dead_letters_topic=self.name(topics.DEAD_LETTERS),
            owner=self.identity,
            tries=self.settings.job_tries,
            retention=self.settings.seen_retention,
            listener=tell.of_job,
            **options,
        )
        self.stages.append(stage)
        Reporter(stage, role=role, topic=self.name(topics.GOVERNOR), services=self.statuses)
        return stage

    def statuses(self) -> list[dict[str, Any]]:
        """Return how the services that this worker uses are doing."""
        return self._probing.statuses() if self._probing else []

    def teller(self, app: MeshApp, role: str) -> Teller:
        return Teller(app, self.name(topics.TELEMETRY), role)

    # -- roles

    def producer(self) -> dict[str, MeshApp]:
        app = self.app("producer")
        tell = self.teller(app, "producer")
        agent = Producer(
            self.ollama,
            self.memory,
            tell,
            tasks=self.name(topics.TASKS),
            interval=self.settings.producer_interval,
            similarity_limit=self.settings.similarity_limit,
            is_busy=lambda: bool(stage.running),
        )
        stage = self.stage(
            "producer",
            tell,
            app,
            source=self.name(topics.GOVERNOR),
            kind=GovernorDecision,
            work=agent.work,
            admit=agent.admit,
            partitions=1,
            slots=1,
            deadline=4 * ROUNDS * self.settings.llm_timeout + SLACK,
        )
        return {"producer": app}

    def consumer(self) -> dict[str, MeshApp]:
        app = self.app("consumer")
        tell = self.teller(app, "consumer")
        agent = Consumer(self.ollama, self.memory, tell, self.name(topics.SOLUTIONS))
        self.stage(
            "consumer",
            tell,
            app,
            source=self.name(topics.TASKS),
            kind=Task,
            work=agent.work,
            admit=consumer.admit,
            slots=self.settings.llm_concurrency,
            deadline=ROUNDS * self.settings.llm_timeout + SLACK,
        )
        return {"consumer": app}

    def sandbox_role(self) -> dict[str, MeshApp]:
        app = self.app("sandbox")
        agent = SandboxAgent(
            self.sandbox,
            self.settings.max_attempts,
            verdicts=self.name(topics.VERDICTS),
            tasks=self.name(topics.TASKS),
        )
        self.stage(
            "sandbox",
            self.teller(app, "sandbox"),
            app,
            source=self.name(topics.SOLUTIONS),
            kind=Solution,
            work=agent.work,
            slots=self.settings.sandbox_concurrency,
            deadline=self.settings.sandbox_timeout + SLACK,
        )
        return {"sandbox": app}

    def memory_role(self) -> dict[str, MeshApp]:
        if not self.settings.memory:
            return {}
        app = self.app("memory")
        self.stage(
            "memory",
            self.teller(app, "memory"),
            app,
            source=self.name(topics.VERDICTS),
            kind=Verdict,
            work=Remembering(self.memory).work,
            slots=8,
            deadline=2 * SLACK,
        )
        return {"memory": app}

    def reviewer(self) -> dict[str, MeshApp]:
        app = self.app("reviewer")
        tell = self.teller(app, "reviewer")
        agent = Reviewer(self.ollama, tell, self.name(topics.REVIEWS))
        self.stage(
            "reviewer",
            tell,
            app,
            source=self.name(topics.VERDICTS),
            kind=Verdict,
            work=agent.work,
            admit=reviewer.admit,
            slots=self.settings.llm_concurrency,
            deadline=ROUNDS * self.settings.llm_timeout + SLACK,
        )
        return {"reviewer": app}

    def persistence(self) -> dict[str, MeshApp]:
        app = self.app("persistence")
        self.stage(
            "persistence",
            self.teller(app, "persistence"),
            app,
            source=self.name(topics.REVIEWS),
            kind=Review,
            work=Persistence(Archive(self.settings.history)).work,
            slots=16,
            deadline=2 * SLACK,
        )
        return {"persistence": app}

    def governor_role(self) -> dict[str, MeshApp]:
        app = self.app("governor")
        admin = KafkaAdmin(self.kafka, self.access)
        self.closers.append(admin.close)
        self.governor = Governor(
            app,
            admin,
            topic=self.name(topics.GOVERNOR),
            hops=hops.hops(self.settings),
            partitions=self.settings.partitions,
            threshold=self.settings.lag_threshold,
            interval=self.settings.governor_interval,
            tell=self.teller(app, "governor"),
        )
        return {"governor": app}

    def observer_role(self) -> dict[str, MeshApp]:
        app = self.app("observer")
        self.observer = Observer(
            app,
            channels={self.name(topic): carries for topic, carries in topics.CARRIES.items()},
            tasks=self.name(topics.TASKS),
            feed=self._feed(),
            partitions=self.settings.partitions,
        )
        self.telemetry = TelemetryWiring(
            self.settings, self.kafka, self.access, self._common(self.settings.folder / "telemetry")
        )
        return {"observer": app, "telemetry": self.telemetry.app}

    def _feed(self) -> str:
        return f"{hops.app_id(self.settings, 'observer')}-feed"

    # -- all of it

    def root(self) -> RootApp:
        builders = {
            "producer": self.producer,
            "consumer": self.consumer,
            "sandbox": self.sandbox_role,
            "memory": self.memory_role,
            "reviewer": self.reviewer,
            "persistence": self.persistence,
            "governor": self.governor_role,
            "observer": self.observer_role,
        }
        settings = self.settings
        roles: dict[str, MeshApp] = {}
        for role in settings.roles:
            roles |= builders[role]()
        root = RootApp(
            f"{settings.topic_prefix}aimesh",
            **self._common(settings.folder / "root"),
            topic_disable_leader=False,
            web_enabled=True,
            web_port=settings.web_port,
            web_bind=settings.web_bind,
        )
        self._probing = Probing(
            ollama=self.__dict__.get("ollama"),
            memory=self.__dict__.get("memory"),
            sandbox=self.__dict__.get("sandbox"),
            beacon=root.beacon,
        )
        root.prepare(
            roles=roles,
            stages=self.stages,
            admin=KafkaAdmin(self.kafka, self.access),
            layouts=self._layouts(),
            replication=settings.replication,
            routes=self._routes(root, roles),
            guard=self._guard,
            services=[self._probing],
            hubs=self.hubs,
            closers=self.closers,
        )
        return root

    def _routes(self, root: RootApp, roles: dict[str, MeshApp]) -> list[AbstractRouteDef]:
        found = health_views.routes(Health(roles, self.stages, *self._readers()), self._watching)
        if self.observer is not None:
            found += MeshViews(root, self.observer, self.name(topics.TASKS)).routes()
            hub = FeedHub(self.kafka, self._feed(), self.settings.partitions, self.access)
            self.hubs.append(hub)
            found += [*streams.routes(hub), *dashboard.routes(self.settings)]
        if self.telemetry is not None:
            found += self.telemetry.routes()
            self.hubs.append(self.telemetry.observer.live)
        brokers = Brokers(self.kafka, self.access)
        # the archive is where persistence is
        archive = self.settings.history if "persistence" in roles else None
        audits = AuditViews(partial(audit, brokers, self.settings, archive=archive))
        self.closers.append(audits.close)
        letters = DeadLetters(brokers, self.settings)
        return [*found, *audits.routes(), *dead_letters.routes(letters)]

    def _readers(self) -> list[Observer | TelemetryObserver]:
        telemetry = self.telemetry.observer if self.telemetry else None
        return [reader for reader in (self.observer, telemetry) if reader is not None]

    def _watching(self) -> int:
        return self.telemetry.observer.live.connections if self.telemetry else 0

    def _guard(self, application: Application) -> None:
        protect(application, self.settings)
        application.middlewares.append(problems)

    def _layouts(self) -> list[Layout]:
        results = [
            Layout(f"{hops.app_id(self.settings, role)}-results", partitions, topics.FOREVER)
            for role, partitions in topics.results_partitions(self.settings).items()
        ]
        feed = Layout(self._feed(), self.settings.partitions, 3 * topics.DAY)
        return [*topics.layouts(self.settings), *results, feed, *telemetry_layouts(self.settings)]
