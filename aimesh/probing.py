"""Looks at the services around the mesh now and then, so that every view can tell how they are."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

from mode import Service

from aimesh.errors import MeshError, UnavailableError
from aimesh.services.kafka import KafkaAdmin
from aimesh.services.memory import Memory
from aimesh.services.ollama import Ollama
from aimesh.services.sandbox import Sandbox
from aimesh.services.status import ServiceStatus, StatusKeeper

INTERVAL = 10.0
# while the model server is away, or has not said yet what it is
SOON = 2.0
# how often the brokers are asked, and how long they may take
BROKER_INTERVAL, BROKER_SECONDS = 3.0, 5.0
REMEDY = "start Kafka, see `aimesh doctor`"
# what the version of a rehearsal model ends with; only for telling people
REHEARSAL = "rehearsal"


class Probing(Service):
    """Knows how the model, the memory and the sandbox of this worker are doing.

    Each may be None where no role of the worker uses it.
    """

    def __init__(
        self,
        *,
        ollama: Ollama | None = None,
        memory: Memory | None = None,
        sandbox: Sandbox | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._ollama = ollama
        self._memory = memory
        self._sandbox = sandbox
        self._version = ""
        self._count: int | None = None

    @Service.task
    async def _look(self) -> None:
        while not self.should_stop:
            if self._ollama is not None:
                try:
                    self._version = await self._ollama.version()
                except MeshError:
                    self._version = ""  # its door keeps the status
            if self._memory is not None and self._memory.status.ok is not False:
                try:
                    self._count = await self._memory.count()
                except MeshError:
                    self._count = None
            is_known = self._ollama is None or self._version
            await self.sleep(INTERVAL if is_known else SOON)

    def statuses(self) -> list[dict[str, Any]]:
        """Return the status of each service, with what is particular to it."""
        found: list[dict[str, Any]] = []
        if self._ollama is not None:
            found.append(
                asdict(self._ollama.status)
                | {
                    "model": self._ollama.model,
                    "embed_model": self._ollama.embed_model,
                    "url": self._ollama.url,
                    "version": self._version,
                    "rehearsal": REHEARSAL in self._version,
                }
            )
        if self._memory is not None:
            found.append(asdict(self._memory.status) | {"count": self._count})
        if self._sandbox is not None:
            layers = list(self._sandbox.layers.names)
            found.append(
                {"name": "sandbox", "ok": bool(layers), "layers": layers, "unsafe": not layers}
            )
        return found


class BrokerProbe(Service):
    """Knows whether a broker answers: a worker that runs does not tell by itself.

    Arguments:
        admin: a connection of its own.
    """

    def __init__(self, admin: KafkaAdmin, **options: Any) -> None:
        super().__init__(**options)
        self._admin = admin
        self._keeper = StatusKeeper("kafka")

    @property
    def status(self) -> ServiceStatus:
        """Whether a broker answered when it was asked last, and since when."""
        return self._keeper.status

    @Service.task
    async def _look(self) -> None:
        while not self.should_stop:
            await self._ask()
            await self.sleep(BROKER_INTERVAL)
        await self._admin.close()

    async def _ask(self) -> None:
        try:
            async with asyncio.timeout(BROKER_SECONDS):
                if not self._admin.is_connected:
                    await self._admin.start()
                await self._admin.cluster_id()
        except UnavailableError as exc:
            # its remedy is the client's own words for what went wrong
            self._keeper.bad(f"{exc.reason}: {exc.remedy}", REMEDY)
        except TimeoutError:
            self._keeper.bad(f"no broker answers within {BROKER_SECONDS:g} s", REMEDY)
        except Exception as exc:  # noqa: BLE001 - whatever it is, no broker has answered
            self._keeper.bad(f"no broker answers: {exc!r}", REMEDY)
        else:
            self._keeper.good()
