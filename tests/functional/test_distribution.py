"""Kafka's jars are fetched once and checked; what goes wrong is said in a sentence."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import io
import threading
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from rich.console import Console

from aimesh.embedded import distribution
from aimesh.embedded.ports import free_port
from aimesh.errors import EmbeddedKafkaError
from tests.waiting import until

# jgo leaves a connection that failed to the garbage collector, which finds it in any later test
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
)

Usage = namedtuple("Usage", "total used free")


class Repository(BaseHTTPRequestHandler):
    """Serves each jar as so many zero bytes: right in size, wrong in content."""

    def do_GET(self) -> None:
        sizes = {jar.path(Path()).name: jar.size for jar in distribution.jars()}
        size = sizes.get(self.path.rpartition("/")[2])
        self.send_response(200 if size else 404)
        self.send_header("Content-Length", str(size or 0))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(bytes(size or 0))

    def log_message(self, *args: object) -> None:
        """Keep the test's output clean."""


@contextmanager
def repository() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Repository) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Maven cache, and a repository where nobody listens."""
    monkeypatch.setenv("M2_REPO", str(tmp_path / "m2"))
    monkeypatch.setenv("JGO_CONFIG_FILE", str(tmp_path / "jgo.conf"))
    use_repository(tmp_path, free_port())
    return tmp_path / "m2"


def use_repository(folder: Path, port: int) -> None:
    (folder / "jgo.conf").write_text(f"[repositories]\ncentral = http://127.0.0.1:{port}\n")


def jars_in(cache: Path) -> list[Path]:
    return list(cache.rglob("*.jar"))


def block(path: Path) -> None:
    path.write_text("a file where the folder should be")


def fill(cache: Path) -> None:
    for jar in distribution.jars():
        path = jar.path(cache)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.truncate(jar.size)


async def test_without_a_network_a_first_fetch_says_what_to_do(cache: Path) -> None:
    with pytest.raises(EmbeddedKafkaError) as caught:
        await distribution.classpath()
    assert "cannot be fetched from 127.0.0.1" in str(caught.value)
    assert "no connection" in str(caught.value)
    assert "KAFKA_BOOTSTRAP_SERVERS" in str(caught.value)
    assert not jars_in(cache)


async def test_without_a_network_a_full_cache_is_enough(cache: Path) -> None:
    assert len(distribution.missing()) == len(distribution.jars())
    fill(cache)
    assert distribution.missing() == []
    assert (await distribution.classpath()).count(str(cache)) == len(distribution.jars())


async def test_a_file_cut_short_is_fetched_again(cache: Path) -> None:
    fill(cache)
    cut = distribution.jars()[0]
    cut.path(cache).write_bytes(b"PK")
    assert distribution.missing() == [cut]


async def test_a_file_that_was_changed_on_its_way_is_refused(cache: Path) -> None:
    with repository() as port:
        use_repository(cache.parent, port)
        with pytest.raises(EmbeddedKafkaError, match="proxy or mirror changed it"):
            await distribution.classpath()
    assert not jars_in(cache)


async def test_a_full_disk_is_said_before_anything_is_fetched(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage(1 << 30, 1 << 30, 0))
    with pytest.raises(EmbeddedKafkaError, match=r"the disk is full.*M2_REPO"):
        await distribution.classpath()


async def test_a_cache_that_cannot_be_written_is_named(cache: Path) -> None:
    block(cache)
    with pytest.raises(EmbeddedKafkaError, match=r"cannot be stored in .*m2: .*M2_REPO"):
        await distribution.classpath()


# jgo leaves the connection of a download that is given up to the garbage collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_fetch_can_be_given_up(cache: Path) -> None:
    with repository() as port:
        use_repository(cache.parent, port)
        fetch = asyncio.create_task(distribution.classpath())
        await until(lambda: jars_in(cache))
        fetch.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetch
    assert not jars_in(cache)
    del fetch
    gc.collect()


async def test_progress_is_plain_lines_where_there_is_no_terminal(cache: Path) -> None:
    printed = io.StringIO()
    with pytest.raises(EmbeddedKafkaError):
        await distribution.classpath(Console(file=printed))
    assert printed.getvalue().startswith(
        f"fetching Kafka {distribution.version()} (once): 0 of {len(distribution.jars())} files"
    )
    assert "\x1b" not in printed.getvalue()


def test_the_java_runtime_is_there() -> None:
    assert distribution.java().name == "java"
