"""What several roles of one worker share; each part is built once, when first used."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Awaitable, Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from aimesh import hops, topics
from aimesh.faustfix import Clients, MeshApp
from aimesh.probing import Probing
from aimesh.reporting import Reporter
from aimesh.root import Hub, RootApp
from aimesh.services.kafka_access import KafkaAccess
from aimesh.services.memory import Memory
from aimesh.services.ollama import Ollama
from aimesh.services.sandbox import Limits, Sandbox
from aimesh.settings import Settings
from aimesh.stage import Job, Stage
from aimesh.stage.runner import Work
from aimesh.stage.stage import Listener
from aimesh.steps import SteppingMemory, SteppingOllama, SteppingSandbox, stepwise
from aimesh.telemetry import Telemetry
from aimesh.telling import Teller
from aimesh.troubles import Opened, Troubles

DEFAULT_KAFKA = "localhost:9092"
# addresses that mean all of a machine's
ANYWHERE = ("0.0.0.0", "::", "")


class Parts:
    """The shared parts of one worker.

    Arguments:
        settings: of the worker.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.kafka = settings.kafka or DEFAULT_KAFKA
        self.access = KafkaAccess.from_settings(settings)
        # tells this very process from the one before it and from its neighbours
        host = "".join(c if c.isalnum() else "-" for c in socket.gethostname().lower())[:30]
        self.identity = f"{host}-{uuid.uuid4().hex[:12]}"
        self.stages: list[Stage] = []
        self.closers: list[Callable[[], Awaitable[None]]] = []
        self.hubs: list[Hub] = []
        self._probing: Probing | None = None

    @cached_property
    def address(self) -> str:
        """Where other workers reach this one's web server."""
        bind, port = self.settings.web_bind, self.settings.web_port
        return f"{own_address() if bind in ANYWHERE else bind}:{port}"

    def name(self, topic: str) -> str:
        """Return a topic's whole name."""
        return self.settings.topic_prefix + topic

    @cached_property
    def clients(self) -> Clients:
        """The clients of Kafka of all applications."""
        return Clients()

    @cached_property
    def ollama(self) -> Ollama:
        """The model."""
        s = self.settings
        ollama = SteppingOllama(
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
        """What earlier tasks taught."""
        s = self.settings
        memory = SteppingMemory(
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
        """Where code runs."""
        s = self.settings
        sandbox = SteppingSandbox(
            Limits.from_settings(s),
            mode=s.sandbox,
            slots=s.sandbox_concurrency,
            scratch=s.data / "sandbox",
        )
        self.closers.append(sandbox.close)
        return sandbox

    @cached_property
    def telemetry(self) -> Telemetry:
        """Through which the agents of this worker tell of their errors."""
        telemetry = Telemetry(
            self.kafka,
            agent="aimesh",
            agent_id=self.identity,
            prefix=self.settings.topic_prefix,
            service_name="aimesh",
            kafka=self.access.options(),
        )
        self.hubs.append(Opened(telemetry))
        self.closers.append(telemetry.close)
        return telemetry

    def troubles(self, role: str) -> Troubles:
        """Return what tells of the errors of a role."""
        return Troubles(self.telemetry.acting_as(role), model=self.settings.model)

    def app(self, role: str, **options: Any) -> MeshApp:
        """Return the Faust application of a role."""
        app_id = hops.app_id(self.settings, role)
        return MeshApp(app_id, **self.common(self.settings.folder / role), **options)

    def common(self, datadir: Path) -> dict[str, Any]:
        """Return how every application of this worker is made."""
        return {
            "broker": self.kafka,
            "datadir": datadir,
            "identity": self.identity,
            "address": self.address,
            "clients": self.clients,
            "topic_replication_factor": self.settings.replication,
            "topic_partitions": self.settings.partitions,
            **self.access.faust_options(),
        }

    def stage(self, role: str, tell: Teller, app: MeshApp, **options: Any) -> Stage:
        """Return the stage of a role's application; ``options`` are those of `Stage`."""
        options.setdefault("partitions", self.settings.partitions)

        def listen(what: str, job: Job, data: dict[str, Any]) -> None:
            if what != "buried":
                tell.of_job(what, job, data)

        steps = Teller(app, self.name(topics.STEPS), role)
        options["work"] = stepwise(steps, options["work"])
        stage = self.told_stage(app, self.troubles(role), listen, **options)
        Reporter([stage], role=role, topic=self.name(topics.GOVERNOR), services=self.statuses)
        return stage

    def told_stage(
        self, app: MeshApp, troubles: Troubles, listener: Listener, *, work: Work, **options: Any
    ) -> Stage:
        """Return a stage as every one of this worker is made.

        Arguments:
            app: its application.
            troubles: tells of its errors.
            listener: told of what happens to its jobs besides.
            work: does its work.
            options: more of those of `Stage`.
        """

        def listen(what: str, job: Job, data: dict[str, Any]) -> None:
            troubles.of_job(what, job, data)
            listener(what, job, data)

        stage = Stage(
            app,
            work=troubles.told(work),
            dead_letters_topic=self.name(topics.DEAD_LETTERS),
            owner=self.identity,
            tries=self.settings.job_tries,
            retention=self.settings.seen_retention,
            listener=listen,
            **options,
        )
        self.stages.append(stage)
        return stage

    def statuses(self) -> list[dict[str, Any]]:
        """Return how the services that this worker uses are doing."""
        return self._probing.statuses() if self._probing else []

    def teller(self, app: MeshApp, role: str) -> Teller:
        """Return what tells the others of a role's work."""
        return Teller(app, self.name(topics.TELEMETRY), role)

    def probe(self, root: RootApp) -> Probing:
        """Return what looks after the services that were built so far."""
        built = self.__dict__
        self._probing = Probing(
            ollama=built.get("ollama"),
            memory=built.get("memory"),
            sandbox=built.get("sandbox"),
            beacon=root.beacon,
        )
        return self._probing


def own_address() -> str:
    """Return the address under which this machine, or container, is known to others."""
    name = socket.gethostname()
    try:
        return socket.gethostbyname(name)
    except OSError:
        return name
