"""The corrections fit the installed libraries, and the settings neither hang nor lose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiokafka
import faust
import pytest
from faust import streams
from faust.stores.memory import Store
from mode.utils.queues import FlowControlEvent, FlowControlQueue

from aimesh.errors import IncompatibleFaustError
from aimesh.faustfix import CalmFlow, MeshApp, verify_versions
from aimesh.topics import MAX_MESSAGE_BYTES, MOST_RECORD_BYTES


def new_app(folder: Path, **options: Any) -> MeshApp:
    return MeshApp(
        "a", broker="one:1,two:2", datadir=folder / "x" / "y", identity="me-1", **options
    )


def test_the_installed_libraries_are_the_verified_ones() -> None:
    verify_versions()


@pytest.mark.parametrize(
    ("module", "name"), [(faust, "faust-streaming"), (aiokafka, "aiokafka")], ids=lambda v: str(v)
)
def test_other_versions_are_refused_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module: object, name: str
) -> None:
    monkeypatch.setattr(module, "__version__", "99.1")
    with pytest.raises(IncompatibleFaustError, match=rf"{name} 99\.1 is installed.*pip install"):
        new_app(tmp_path)


def test_the_slow_iterator_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_CStreamIterator", None)
    with pytest.raises(IncompatibleFaustError, match="NO_CYTHON"):
        verify_versions()


def test_a_spare_or_busy_worker_stays_in_its_group(tmp_path: Path) -> None:
    conf = new_app(tmp_path).conf
    assert conf.broker_max_poll_interval > 86400
    assert conf.stream_wait_empty is False
    assert conf.broker_request_timeout > conf.broker_rebalance_timeout
    assert conf.broker_session_timeout <= 6


@pytest.mark.parametrize("partitions", [1, 4, 48])
def test_a_queue_never_fills_up(tmp_path: Path, partitions: int) -> None:
    conf = new_app(tmp_path, topic_partitions=partitions).conf
    # fetching a partition stops when one of its messages meets a queue that is full to 80 %
    at_most = conf.stream_buffer_maxsize / 1.25 + partitions * conf.broker_max_poll_records
    assert at_most <= conf.stream_buffer_maxsize


def test_sizes_fit_each_other(tmp_path: Path) -> None:
    conf = new_app(tmp_path).conf
    assert MOST_RECORD_BYTES < conf.producer_max_request_size == MAX_MESSAGE_BYTES


def test_the_environment_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_BROKER", "kafka://elsewhere")
    monkeypatch.setenv("BROKER_URL", "kafka://elsewhere")
    monkeypatch.setenv("BROKER_SESSION_TIMEOUT", "1000")
    conf = new_app(tmp_path).conf
    assert [url.host for url in conf.broker] == ["one", "two"]
    assert conf.broker_session_timeout == 6


def test_folders_are_made_with_their_parents(tmp_path: Path) -> None:
    app = new_app(tmp_path)
    assert not (tmp_path / "x").exists()
    app._create_directories()
    assert (tmp_path / "x" / "y").is_dir()


@pytest.mark.parametrize(("kind", "kept"), [(CalmFlow, 1), (FlowControlEvent, 0)])
async def test_resuming_what_was_never_stopped_forgets_nothing(
    kind: type[FlowControlEvent], kept: int
) -> None:
    flow = kind()
    queue: FlowControlQueue[str] = FlowControlQueue(flow_control=flow, clear_on_resume=True)
    flow.resume()
    await queue.put("a message")
    flow.resume()
    assert queue.qsize() == kept
    flow.suspend()
    flow.resume()
    assert queue.qsize() == 0


def test_tables_are_written_as_stock_faust_writes_them(tmp_path: Path) -> None:
    table = new_app(tmp_path).table("t", 1, "Anything.")
    stock: Store[Any, Any] = Store(
        "memory://", table.app, table, key_type=str,
        key_serializer=table.key_serializer, value_serializer=table.value_serializer,
    )  # fmt: skip
    for key in ("a#1", "é", 'a "word"\\'):
        assert table.local._encode_key(key) == stock._encode_key(key)
        assert table.local._decode_key(stock._encode_key(key)) == key
    for value in ({"a": 1.5, "b": [None, "é"]}, "text", 3):
        assert table.local._encode_value(value) == stock._encode_value(value)
