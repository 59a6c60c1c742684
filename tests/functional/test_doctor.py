"""Every check tells what it found, and what to do when that is not enough."""

from __future__ import annotations

import asyncio
import json
import os
from collections import namedtuple
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from aimesh.embedded.ports import free_port
from aimesh.services import doctor
from aimesh.settings import Settings

Usage = namedtuple("Usage", "total used free")


@asynccontextmanager
async def server(answers: dict[str, object]) -> AsyncIterator[str]:
    """An HTTP server with a JSON answer for each path, and 404 for any other."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        status = "200 OK" if path in answers else "404 Not Found"
        body = json.dumps(answers.get(path)).encode()
        head = f"HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., Settings]:
    """Settings for a machine where nothing runs."""

    def made(**changes: object) -> Settings:
        nowhere = {
            "data": tmp_path / "data",
            "web_port": free_port(),
            "ollama_url": f"http://127.0.0.1:{free_port()}",
        }
        return Settings(**{**nowhere, **changes})  # type: ignore[arg-type]

    return made


async def test_all_is_looked_at_and_nothing_is_written(
    settings: Callable[..., Settings], tmp_path: Path
) -> None:
    found = await doctor.checks(settings())
    names = [check.name for check in found]
    assert names == [
        "Python", "disk", "data folder", "web port", "Kafka", "Ollama", "model gemma3:1b",
        "model nomic-embed-text", "memory", "sandbox",
    ]  # fmt: skip
    assert all(check.detail for check in found)
    assert all(check.remedy for check in found if check.ok is False)
    assert not any(check.remedy for check in found if check.ok)
    assert os.listdir(tmp_path) == []


def test_a_full_disk(settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage(1 << 30, 1 << 30, 5))
    check = doctor.disk(settings())
    assert check.ok is False
    assert "AIMESH_DATA" in check.remedy


def test_a_data_folder_below_a_file(settings: Callable[..., Settings], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    check = doctor.folder(settings(data=tmp_path / "file" / "data"))
    assert check.ok is False
    assert "is not a folder" in check.detail


async def test_a_web_port_of_another_program_and_of_a_mesh(
    settings: Callable[..., Settings],
) -> None:
    async with server({}) as other, server({"/livez": {}}) as mesh:
        check = await doctor.web_port(settings(web_port=int(other.rpartition(":")[2])))
        assert check.ok is False
        assert "AIMESH_WEB_PORT" in check.remedy
        check = await doctor.web_port(settings(web_port=int(mesh.rpartition(":")[2])))
        assert check.ok
        assert "a mesh answers" in check.detail


async def test_a_kafka_that_is_set_but_not_there(settings: Callable[..., Settings]) -> None:
    check = await doctor.kafka(settings(kafka=f"127.0.0.1:{free_port()},no port"))
    assert check.ok is False
    assert "KAFKA_BOOTSTRAP_SERVERS" in check.remedy


async def test_an_embedded_kafka_that_is_still_to_be_fetched_is_no_fault(
    settings: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("M2_REPO", str(tmp_path))
    check = await doctor.kafka(settings())
    assert check.ok is None
    assert "fetches it the first time (45 MB)" in check.detail


async def test_no_ollama(settings: Callable[..., Settings]) -> None:
    found = await doctor.model_server(settings())
    assert [check.ok for check in found] == [False, None, None]
    assert "ollama pull gemma3:1b" in found[0].remedy


async def test_an_ollama_without_a_model(settings: Callable[..., Settings]) -> None:
    tags = {"models": [{"name": "nomic-embed-text:latest"}, {"name": "gemma3:4b"}]}
    async with server({"/api/tags": tags}) as url:
        found = await doctor.model_server(settings(ollama_url=url))
    assert [check.ok for check in found] == [True, False, True]
    assert found[1].remedy == "ollama pull gemma3:1b"


async def test_a_qdrant_that_is_set(settings: Callable[..., Settings]) -> None:
    async with server({"/readyz": {}}) as url:
        assert (await doctor.memory(settings(qdrant_url=url))).ok
    check = await doctor.memory(settings(qdrant_url=url))
    assert check.ok is False
    assert "QDRANT_URL" in check.remedy


async def test_a_memory_that_is_switched_off(settings: Callable[..., Settings]) -> None:
    assert (await doctor.memory(settings(memory=False))).ok is None


def test_a_sandbox_without_isolation_is_no_success(settings: Callable[..., Settings]) -> None:
    check = doctor.sandbox(settings(sandbox="unsafe"))
    assert check.ok is False
    assert "UNSAFE" in check.detail
    assert doctor.sandbox(settings(sandbox="none such")).ok is False
