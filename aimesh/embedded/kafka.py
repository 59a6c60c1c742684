"""A real Kafka broker on this machine, with nothing to install: one node, on loopback only."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from rich.console import Console

from aimesh.embedded import distribution
from aimesh.embedded.broker_config import FORMAT_OPTIONS, JVM_OPTIONS, server_properties
from aimesh.embedded.broker_look import answers, end_of
from aimesh.embedded.child import Child
from aimesh.embedded.lock import FolderLock
from aimesh.embedded.ports import free_port, is_free
from aimesh.errors import EmbeddedKafkaError

HOST = "127.0.0.1"
_LEAST_DISK = 256 << 20
_START_LIMIT = 120.0
_STOP_LIMIT = 10.0
_PORT_TRIES = 3


class EmbeddedKafka:
    """A single Kafka broker that runs while this object is started.

    It listens on 127.0.0.1 only, keeps its data and its logs in one folder, survives being killed,
    and is killed by the kernel if this process dies. Start it from the main thread.
    """

    def __init__(
        self,
        folder: Path,
        port: int = 9092,
        *,
        fixed_port: bool = False,
        console: Console | None = None,
        listeners: Mapping[str, int] | None = None,
        properties: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare a broker; nothing happens before ``start``.

        Arguments:
            folder: where its data, logs and settings are kept; made when missing.
            port: where it listens. If that is taken, a free one is used: see ``port`` afterwards.
            fixed_port: refuse to start rather than use another port.
            console: where the progress of the first fetch is shown; nowhere when left out.
            listeners: further ports where it listens, by security protocol, as ``SASL_SSL``.
            properties: further settings of Kafka, such as those that the listeners need.
        """
        self.name = "embedded Kafka"
        self.folder = folder
        self.port = port
        self._fixed_port = fixed_port
        self._console = console
        self._listeners = dict(listeners or {})
        self._properties = dict(properties or {})
        self._lock = FolderLock(folder / "lock")
        self._child: Child | None = None
        self._log_start = 0

    @property
    def bootstrap(self) -> str:
        """What clients connect to."""
        return f"{HOST}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The broker's process id; None unless it is started."""
        return self._child.pid if self._child else None

    @property
    def log(self) -> Path:
        """The broker's log."""
        return self.folder / "server.log"

    async def start(self) -> None:
        """Start the broker and return when it serves; fetches Kafka the first time.

        Raises:
            EmbeddedKafkaError: it cannot be fetched or started; says why and what to do.
        """
        java = distribution.java()
        classpath = await distribution.classpath(self._console)
        await self._own_folder()
        try:
            if not (self.folder / "log").exists():
                await self._format(java, classpath)
            await self._serve([java, *JVM_OPTIONS, "-cp", classpath, "kafka.Kafka"])
            # clients know the port by now, so a later start must not move
            self._fixed_port = True
        except BaseException:
            await self.stop()
            raise

    async def stop(self, grace: float = _STOP_LIMIT) -> None:
        """Stop the broker; kill it after ``grace`` seconds. Harmless when it does not run."""
        if self._child is not None:
            await self._child.stop(grace)
            self._child = None
        self._lock.release()

    def last_words(self) -> list[str]:
        """What tells best why the broker ended: its last errors, else its last lines."""
        lines = [line for line in self._tail().splitlines() if line.strip()]
        return ([line for line in lines if " ERROR " in line or "Exception" in line] or lines)[-3:]

    async def wait(self) -> int:
        """Wait until the broker's process ends, and return how (negative for a signal)."""
        if self._child is None:
            raise EmbeddedKafkaError("The embedded Kafka is not started.")
        return await self._child.wait()

    async def __aenter__(self) -> EmbeddedKafka:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def _own_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            # patience: a broker whose parent was just killed holds the lock until it is gone
            owned = await self._lock.acquire(patience=3.0)
        except OSError as exc:
            raise EmbeddedKafkaError(
                f"Kafka cannot keep its data in {self.folder}: {exc.strerror}. "
                "Name a folder that can be written in AIMESH_DATA."
            ) from exc
        if not owned:
            raise EmbeddedKafkaError(
                f"Another AI-Mesh (process {self._lock.holder()}) runs its Kafka in {self.folder}: "
                "stop that one, or name another folder in AIMESH_DATA."
            )
        if shutil.disk_usage(self.folder).free < _LEAST_DISK:
            self._lock.release()
            raise EmbeddedKafkaError(
                f"Kafka needs {_LEAST_DISK >> 20} MB of free disk for {self.folder}: "
                "make room there, or name another folder in AIMESH_DATA."
            )

    async def _format(self, java: Path, classpath: str) -> None:
        """Make an empty log; under another name first, so that a half-made one is never used."""
        new = self.folder / "log.new"
        shutil.rmtree(new, ignore_errors=True)
        self._configure(self.port, log_dir=new.name)
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # joined by "=", because an id may begin with a dash
        options = [f"--cluster-id={cluster}", "--config=server.properties"]
        tool = ["kafka.tools.StorageTool", "format", *options]
        child = await self._spawn([java, *FORMAT_OPTIONS, "-cp", classpath, *tool])
        try:
            code = await child.wait()
        except BaseException:
            await child.kill()
            raise
        if code != 0:
            raise self._failure("could not make its log")
        new.rename(self.folder / "log")

    async def _serve(self, command: Sequence[str | Path]) -> None:
        wanted = self.port
        for _ in range(_PORT_TRIES):
            if not is_free(wanted) and self._fixed_port:
                break
            self.port = wanted if is_free(wanted) else free_port()
            self._configure(self.port, log_dir="log")
            self._child = await self._spawn([*command, "server.properties"])
            if await self._is_serving(self._child):
                return
            self._child = None
            # between the look and the bind someone else may have taken a port
            if "Address already in use" not in self._tail():
                raise self._failure("ended while it started")
        raise EmbeddedKafkaError(
            f"Port {self.port}, where Kafka would listen, is taken: "
            "end the program that uses it, or choose another in AIMESH_KAFKA_PORT."
        )

    async def _spawn(self, command: Sequence[str | Path]) -> Child:
        # a killed broker leaves the libraries that it unpacked
        shutil.rmtree(self.folder / "tmp", ignore_errors=True)
        (self.folder / "tmp").mkdir()
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        with (self.folder / "console.log").open("wb") as output:
            return await Child.spawn(
                command,
                # few arenas: less memory; nothing inherited that would change the JVM
                env={"PATH": os.defpath, "LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "2"},
                cwd=self.folder,
                output=output,
                pass_fds=[self._lock.fd],
            )

    async def _is_serving(self, child: Child) -> bool:
        """True when the broker answers, False when its process has ended."""
        try:
            async with asyncio.timeout(_START_LIMIT):
                while child.returncode is None:
                    if await answers(HOST, self.port):
                        return True
                    await asyncio.sleep(0.05)
        except TimeoutError as exc:
            raise self._failure(f"did not answer within {_START_LIMIT:.0f} s") from exc
        return False

    def _configure(self, port: int, *, log_dir: str) -> None:
        controller = free_port(avoid=(port, *self._listeners.values()))
        properties = server_properties(
            HOST, port, controller, log_dir, self._listeners, self._properties
        )
        (self.folder / "server.properties").write_text(properties)

    def _tail(self) -> str:
        """The end of what the broker logged and printed since it was started."""
        logs = ((self.folder / "console.log", 0), (self.log, self._log_start))
        return "\n".join(end_of(log, start) for log, start in logs if log.exists())

    def _failure(self, what: str) -> EmbeddedKafkaError:
        told = self.last_words()
        reason = f" It said: {told[-1].strip()}" if told else ""
        return EmbeddedKafkaError(
            f"The embedded Kafka {what}.{reason} (More is in {self.log}; "
            "`aimesh up --fresh` begins with empty data.)"
        )
