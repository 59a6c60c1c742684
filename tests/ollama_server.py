"""A real Ollama server for tests, where one is on this machine."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from aimesh.embedded.ports import free_port
from tests.programs import installed
from tests.tiny_model import write_tiny_model

BUILT = "aimesh/ollama-v0.9.6/ollama"
SCRIPT = "scripts/ollama_for_tests.sh"


@asynccontextmanager
async def ollama_server(folder: Path, *models: str) -> AsyncIterator[str]:
    """Run a server that has tiny models with these names; give its address."""
    program, port = installed("ollama", BUILT, SCRIPT), free_port()
    url = f"http://127.0.0.1:{port}"
    environ = {
        "HOME": str(folder),
        "PATH": os.environ["PATH"],
        "OLLAMA_HOST": f"127.0.0.1:{port}",
        "OLLAMA_MODELS": str(folder / "models"),
    }
    os.makedirs(folder, exist_ok=True)
    with (folder / "ollama.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            program, "serve", env=environ, stdout=log, stderr=log, cwd=folder
        )
    try:
        async with aiohttp.ClientSession(url) as session:
            await _answers(session)
            await _create(session, folder / "tiny.gguf", models)
        yield url
    finally:
        process.terminate()
        await process.wait()


async def _answers(session: aiohttp.ClientSession) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                async with session.get("/api/version"):
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)


async def _create(session: aiohttp.ClientSession, path: Path, models: tuple[str, ...]) -> None:
    data = write_tiny_model(path)
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    async with session.post(f"/api/blobs/{digest}", data=data) as answer:
        assert answer.status == 201, await answer.text()
    for model in models:
        # without an end it would go on for ever
        body = {
            "model": model, "files": {"tiny.gguf": digest}, "stream": False,
            "parameters": {"num_predict": 64, "num_ctx": 4096},
        }  # fmt: skip
        async with session.post("/api/create", json=body) as answer:
            assert answer.status == 200, await answer.text()
