"""Looks at the services around the mesh now and then, so that every view can tell how they are."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from mode import Service

from aimesh.errors import MeshError
from aimesh.services.memory import Memory
from aimesh.services.ollama import Ollama
from aimesh.services.sandbox import Sandbox

INTERVAL = 10.0
# while the model server is away, or has not said yet what it is
SOON = 2.0
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
