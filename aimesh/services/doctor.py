"""Looks at everything that the mesh needs on this machine, and says what to do about it."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx

from aimesh.errors import MeshError, SandboxRefusedError
from aimesh.services.ollama import Ollama
from aimesh.settings import Settings

LEAST_PYTHON = (3, 11)
LEAST_DISK = 512 << 20
_PATIENCE = 3.0


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    ``ok`` is None where it is not needed now, or comes by itself. ``remedy`` says what to do; it
    is empty when there is nothing to do.
    """

    name: str
    ok: bool | None
    detail: str
    remedy: str = ""


async def checks(settings: Settings) -> list[Check]:
    """Look at everything, in the order in which a user would mend it; takes some seconds at most.

    Arguments:
        settings: what the mesh is set to; says where to look.
    """
    looks = await asyncio.gather(
        asyncio.to_thread(_machine, settings),
        web_port(settings),
        kafka(settings),
        model_server(settings),
        memory(settings),
        asyncio.to_thread(sandbox, settings),
    )
    return [check for look in looks for check in (look if isinstance(look, list) else [look])]


def python() -> Check:
    """The version of Python."""
    found = platform.python_version()
    if sys.version_info >= LEAST_PYTHON:
        return Check("Python", True, found)
    wanted = ".".join(map(str, LEAST_PYTHON))
    return Check("Python", False, found, f"install Python {wanted} or newer")


def disk(settings: Settings) -> Check:
    """Room for what the mesh keeps."""
    free = shutil.disk_usage(_existing(settings.data)).free
    detail = f"{free / 1e9:.1f} GB free for {settings.data.absolute()}"
    if free >= LEAST_DISK:
        return Check("disk", True, detail)
    wanted = f"at least {LEAST_DISK >> 20} MB are wanted"
    return Check("disk", False, detail, f"{wanted}: make room, or name another folder: AIMESH_DATA")


def folder(settings: Settings) -> Check:
    """Whether the data folder can be written, without making it."""
    path = settings.data.absolute()
    found = _existing(path)
    if found.is_dir() and os.access(found, os.W_OK | os.X_OK):
        return Check("data folder", True, str(path))
    problem = "cannot be written" if found.is_dir() else "is not a folder"
    remedy = "change its rights, or name another folder in AIMESH_DATA"
    return Check("data folder", False, f"{found} {problem}", remedy)


async def web_port(settings: Settings) -> Check:
    """Whether the dashboard's port is free, or has this mesh's dashboard on it."""
    from aimesh.embedded.ports import is_free

    name, port = "web port", settings.web_port
    if is_free(port, settings.web_bind):
        return Check(name, True, f"{port} is free")
    async with httpx.AsyncClient(trust_env=False, timeout=_PATIENCE) as client:
        try:
            answer = await client.get(f"http://127.0.0.1:{port}/livez")
        except httpx.HTTPError:
            answer = None
    if answer is not None and answer.status_code == 200:
        return Check(name, True, f"a mesh answers at http://127.0.0.1:{port}")
    remedy = "set AIMESH_WEB_PORT to another (`aimesh up` looks for a free one by itself)"
    return Check(name, False, f"{port} is taken by another program", remedy)


async def kafka(settings: Settings) -> Check:
    """The broker that is set, or what the embedded one needs."""
    if settings.kafka:
        return await _broker(settings)
    from aimesh.embedded import distribution

    try:
        await asyncio.to_thread(distribution.java)
        missing = await asyncio.to_thread(distribution.missing)
    except MeshError as exc:
        return Check("Kafka", False, "the embedded Kafka cannot start", str(exc))
    what = f"embedded Kafka {distribution.version()}"
    if missing:
        size = sum(jar.size for jar in missing) / 1e6
        return Check(
            "Kafka", None, f"{what}: `aimesh up` fetches it the first time ({size:.0f} MB)"
        )
    return Check("Kafka", True, f"{what} and its Java runtime are here")


async def model_server(settings: Settings) -> list[Check]:
    """Whether an Ollama answers, and has the two models."""
    server = Ollama(settings.ollama_url, settings.model, settings.embed_model, timeout=_PATIENCE)
    try:
        found = await server.models()
    except MeshError:
        remedy = f"start it (`ollama serve`) and get its model (`ollama pull {settings.model}`)"
        return [
            Check("Ollama", False, f"no Ollama answers at {settings.ollama_url}", remedy),
            Check(f"model {settings.model}", None, "not known without Ollama"),
            Check(f"model {settings.embed_model}", None, "not known without Ollama"),
        ]
    finally:
        await server.close()
    answers = Check("Ollama", True, f"answers at {settings.ollama_url}")
    return [answers, *(_model(name, found) for name in (settings.model, settings.embed_model))]


async def memory(settings: Settings) -> Check:
    """The Qdrant server that is set, or the embedded memory."""
    if not settings.memory:
        return Check("memory", None, "switched off by AIMESH_MEMORY")
    if not settings.qdrant_url:
        return Check("memory", True, "embedded, in the data folder")
    async with httpx.AsyncClient(trust_env=False, timeout=_PATIENCE) as client:
        try:
            (await client.get(f"{settings.qdrant_url}/readyz")).raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            detail = f"no Qdrant answers at {settings.qdrant_url}: {exc}"
            remedy = "start Qdrant, correct QDRANT_URL, or unset it for the embedded memory"
            return Check("memory", False, detail, remedy)
    return Check("memory", True, f"Qdrant answers at {settings.qdrant_url}")


def sandbox(settings: Settings) -> Check:
    """Which layers hold untrusted code on this machine."""
    from aimesh.services.sandbox import probe

    try:
        layers = probe(settings.sandbox)
    except SandboxRefusedError as exc:
        return Check("sandbox", False, "no untrusted code is run on this machine", str(exc))
    if layers.safe:
        return Check("sandbox", True, layers.describe())
    return Check("sandbox", False, layers.describe(), "unset AIMESH_SANDBOX")


def _machine(settings: Settings) -> list[Check]:
    return [python(), disk(settings), folder(settings)]


def _existing(path: Path) -> Path:
    """The nearest of a path and its parents that exists."""
    path = path.absolute()
    return next(found for found in (path, *path.parents) if found.exists())


def _model(name: str, found: list[str]) -> Check:
    if name in found or f"{name}:latest" in found:
        return Check(f"model {name}", True, "is there")
    return Check(f"model {name}", False, "Ollama does not have it", f"ollama pull {name}")


async def _broker(settings: Settings) -> Check:
    from aimesh.services.kafka import KafkaAdmin
    from aimesh.services.kafka_access import KafkaAccess

    bootstrap = settings.kafka
    remedy = "start it, correct KAFKA_BOOTSTRAP_SERVERS, or unset it for the embedded Kafka"
    # aiokafka logs every refused connection, so look before asking
    if not any(await asyncio.gather(*(_listens(item) for item in bootstrap.split(",")))):
        return Check("Kafka", False, f"nothing listens at {bootstrap}", remedy)
    try:
        admin = KafkaAdmin(bootstrap, KafkaAccess.from_settings(settings))
    except MeshError as exc:
        return Check("Kafka", False, str(exc), "correct the variable")
    try:
        await admin.start()
        topics = await admin.partitions()
    except MeshError as exc:
        return Check("Kafka", False, str(exc), remedy)
    finally:
        await admin.close()
    return Check("Kafka", True, f"answers at {bootstrap}, with {len(topics)} topics")


async def _listens(address: str) -> bool:
    host, colon, port = address.strip().rpartition(":")
    if not colon:
        host, port = port, "9092"
    try:
        async with asyncio.timeout(_PATIENCE):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except (OSError, ValueError):
        return False
    writer.close()
    return True
