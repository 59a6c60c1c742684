"""The mesh talks to a real Ollama server, whose model knows nothing."""

from __future__ import annotations

from pathlib import Path

from aimesh.services.audit import audit
from aimesh.services.ollama import Ollama
from aimesh.services.reading import Brokers
from aimesh.settings import Settings
from tests.mesh import running_mesh, simple
from tests.ollama_server import ollama_server
from tests.tiny_model import WIDTH


async def test_the_door_understands_a_real_server(tmp_path: Path) -> None:
    async with ollama_server(tmp_path / "ollama", "tiny") as url:
        door = Ollama(url, "tiny", "tiny")
        try:
            assert await door.version()
            assert await door.models() == ["tiny:latest"]
            vectors = await door.embed(["one text", "another"])
            assert [len(vector) for vector in vectors] == [WIDTH, WIDTH]
        finally:
            await door.close()


async def test_every_task_ends_though_the_model_answers_gibberish(
    kafka: str, tmp_path: Path
) -> None:
    async with ollama_server(tmp_path / "ollama", "tiny", "tiny-embed") as url:
        environ = {
            "OLLAMA_BASE_URL": url, "AIMESH_MODEL": "tiny", "AIMESH_EMBED_MODEL": "tiny-embed",
            "AIMESH_MAX_ATTEMPTS": "2",
        }  # fmt: skip
        async with running_mesh(kafka, tmp_path, None, **environ) as mesh:
            worker = await mesh.start()
            ids = [await worker.submit(text) for text in simple(3)]
            rows = {row.task_id: row for row in await mesh.archived(ids, limit=120)}
            assert all(rows[task_id].model.startswith("tiny") for task_id in ids)
            assert not mesh.model.calls  # the rehearsal model stays out of it
            settings = Settings.from_env(
                {"AIMESH_TOPIC_PREFIX": mesh.prefix, "AIMESH_DATA": str(mesh.data)}
            )
            found = await audit(Brokers(kafka), settings, archive=settings.history)
            assert found.report.balanced, found.report
            await worker.stop()
