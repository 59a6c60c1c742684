"""The parts of a mesh on one machine, started one after the other."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from time import monotonic

from aimesh.commands import running
from aimesh.commands.screen import Elapsed, Screen
from aimesh.core.repetition import Repetition
from aimesh.embedded import distribution
from aimesh.embedded.kafka import EmbeddedKafka
from aimesh.embedded.ports import free_port, is_free
from aimesh.embedded.program import WebProgram
from aimesh.embedded.rehearsal_program import RehearsalProgram
from aimesh.embedded.supervisor import Supervisor
from aimesh.errors import SettingsError, UnavailableError
from aimesh.services import doctor
from aimesh.settings import Settings
from aimesh.version import __version__

# seconds that each part has to end; those of a user in a hurry
_WORKER_GRACE, _KAFKA_GRACE, _REHEARSAL_GRACE, _HURRIED = 30.0, 10.0, 5.0, 3.0
# on a machine of one's own a task every few seconds is more telling than one in ten
_PRODUCER_INTERVAL = "3"
# a line of the worker's log: time, process, level, text
_WARNING = re.compile(r"^(?:\[[^]]*\] )*\[(WARNING|ERROR|CRITICAL)\]:? (.*)")
_ACCESS = ("KAFKA_SECURITY_", "KAFKA_SASL_", "KAFKA_SSL_")
_ANYWHERE = ("0.0.0.0", "::", "")


class LocalMesh:
    """Starts Kafka, a model and a worker, and tells where they are.

    Arguments:
        settings: what the mesh is set to, with an absolute data folder.
        screen: where to tell what happens.
        environ: the environment that the worker inherits.
        worker: the command of the worker.
        rehearsal: the command of the rehearsal model.
        lock: descriptor of the data folder's lock, which the programs hold too.
    """

    def __init__(
        self,
        settings: Settings,
        screen: Screen,
        environ: Mapping[str, str],
        worker: Sequence[str],
        rehearsal: Sequence[str],
        lock: int,
    ) -> None:
        self._settings = settings
        self._screen = screen
        self._environ = {**environ, "PYTHONUNBUFFERED": "1"}
        self._worker = worker
        self._rehearsal = rehearsal
        self._lock = lock
        self._repetition = Repetition()

    async def start(self, supervisor: Supervisor) -> None:
        """Start everything and return when the dashboard serves.

        Raises:
            UnavailableError: a service that the settings name is not there.
            MeshError: a part cannot be started.
        """
        elapsed = Elapsed()
        self._screen.say(f"AI-Mesh {__version__}", "bold")
        self._check()
        kafka = await self._start_kafka(supervisor)
        url, model = await self._start_model(supervisor)
        memory = await self._memory()
        dashboard = await self._start_worker(supervisor, kafka, url)
        running.note(self._settings.data, kafka, dashboard)
        self._screen.done(f"up in {elapsed}; Ctrl-C stops everything")
        self._screen.rows(
            [
                ("dashboard", dashboard),
                ("Kafka", kafka),
                ("model", model),
                ("memory", memory),
                ("data", str(self._settings.data)),
            ]
        )

    def _check(self) -> None:
        for check in (doctor.python(), doctor.disk(self._settings), doctor.folder(self._settings)):
            if check.ok is False:
                raise SettingsError(f"{check.name}: {check.detail}. {check.remedy}.")

    async def _start_kafka(self, supervisor: Supervisor) -> str:
        settings, screen = self._settings, self._screen
        if settings.kafka:
            check = await doctor.kafka(settings)
            if not check.ok:
                raise UnavailableError("kafka", check.detail, remedy=check.remedy)
            screen.done(f"Kafka {check.detail}")
            return settings.kafka
        await distribution.classpath(screen.console)
        kafka = EmbeddedKafka(settings.data / "kafka", settings.kafka_port)
        with screen.busy(f"starting Kafka {distribution.version()}") as elapsed:
            await supervisor.start(kafka, grace=_KAFKA_GRACE, hurried_grace=_HURRIED)
        if kafka.port != settings.kafka_port:
            screen.note(f"port {settings.kafka_port} is taken, so Kafka listens on {kafka.port}")
        screen.done(f"Kafka {distribution.version()} at {kafka.bootstrap} ({elapsed})")
        return kafka.bootstrap

    async def _start_model(self, supervisor: Supervisor) -> tuple[str, str]:
        """The address of the model server, and what to call its model."""
        settings, screen = self._settings, self._screen
        with screen.busy(f"looking for a model at {settings.ollama_url}"):
            server, answering, embedding = await doctor.model_server(settings)
        if answering.ok:
            screen.done(f"model {settings.model} at {settings.ollama_url}")
            if not embedding.ok:
                screen.note(f"no {settings.embed_model}, so no memory: `{embedding.remedy}`")
            return settings.ollama_url, f"{settings.model} at {settings.ollama_url}"
        missing = answering if server.ok else server
        models = ("--model", settings.model, "--embed-model", settings.embed_model)
        program = RehearsalProgram(
            env=self._environ,
            log=self._settings.data / "logs" / "rehearsal.log",
            pass_fds=[self._lock],
            argv=[*self._rehearsal, *models],
        )
        await supervisor.start(program, grace=_REHEARSAL_GRACE, retry=True)
        screen.note(
            f"REHEARSAL: answers come from a script at {program.url}, not from a language model\n"
            f"why: {missing.name}: {missing.detail}\n"
            f"for real answers: {missing.remedy}, then start again"
        )
        return program.url, f"rehearsal (scripted answers) at {program.url}"

    async def _memory(self) -> str:
        check = await doctor.memory(self._settings)
        if check.ok is False:
            self._screen.note(f"memory: {check.detail}\n{check.remedy}")
        return check.detail

    async def _start_worker(self, supervisor: Supervisor, kafka: str, model: str) -> str:
        settings, screen = self._settings, self._screen
        port = settings.web_port
        if not is_free(port, settings.web_bind):
            port = free_port(settings.web_bind)
            screen.note(f"port {settings.web_port} is taken, so the dashboard is on {port}")
        host = "127.0.0.1" if settings.web_bind in _ANYWHERE else settings.web_bind
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        log = settings.data / "logs" / "worker.log"
        worker = WebProgram(
            "worker",
            self._worker,
            f"{address}/readyz",
            env=self._worker_environ(kafka, model, port),
            log=log,
            on_line=self._show,
            pass_fds=[self._lock],
        )
        with screen.busy("starting the worker") as elapsed:
            await supervisor.start(worker, grace=_WORKER_GRACE, retry=True)
        screen.done(f"worker with {len(settings.roles)} roles ({elapsed}); its log: {log}")
        return f"{address}/"

    def _worker_environ(self, kafka: str, model: str, port: int) -> dict[str, str]:
        interval = self._environ.get("AIMESH_PRODUCER_INTERVAL") or _PRODUCER_INTERVAL
        environ = self._environ
        if not self._settings.kafka:
            # an access that is set is another broker's, the embedded one is open
            environ = {k: v for k, v in environ.items() if not k.startswith(_ACCESS)}
        return {
            **environ,
            "KAFKA_BOOTSTRAP_SERVERS": kafka,
            "OLLAMA_BASE_URL": model,
            "AIMESH_DATA": str(self._settings.data),
            "AIMESH_PRODUCER_INTERVAL": interval,
            "AIMESH_WEB_PORT": str(port),
        }

    def _show(self, line: str) -> None:
        """Show the worker's warnings and errors, each kind now and then; all is in its log."""
        if found := _WARNING.match(line):
            message = f"worker {found[1].lower()}: {found[2].rstrip()}"
            if passed := self._repetition.let_pass(message, monotonic()):
                self._screen.say(f"  {passed}", "yellow")
