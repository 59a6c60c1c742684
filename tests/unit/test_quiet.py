import logging

import pytest
from faust.utils.terminal import Spinner, SpinnerHandler

from aimesh.quiet import FloodFilter, quiet


def record(name: str, level: int, message: str) -> logging.LogRecord:
    return logging.LogRecord(name, level, "", 0, message, None, None)


def test_a_librarys_flood_of_like_errors_is_one_line() -> None:
    flood = FloodFilter()
    records = [
        record("aiokafka.conn", logging.ERROR, f"Unable to connect to 127.0.0.1:{n}")
        for n in range(100)
    ]
    assert sum(flood.filter(item) for item in records) == 1


def test_our_own_lines_are_never_held_back() -> None:
    flood = FloodFilter()
    assert all(flood.filter(record("aimesh.root", logging.ERROR, "same")) for _ in range(5))


def test_what_is_only_informative_passes() -> None:
    flood = FloodFilter()
    assert all(flood.filter(record("faust.app", logging.INFO, "same")) for _ in range(5))


def test_a_line_is_decided_once_for_all_handlers_and_keeps_its_text() -> None:
    flood = FloodFilter()
    item = logging.LogRecord("mode", logging.ERROR, "", 0, "failed: %s 100%%", ("why",), None)
    assert flood.filter(item)
    assert flood.filter(item)
    assert item.getMessage() == "failed: why 100%"


def test_what_a_library_mends_by_asking_again_is_no_error() -> None:
    item = record("aiokafka", logging.ERROR, "Failed fetch: [Error 6] NotLeaderForPartitionError")
    assert FloodFilter().filter(item)
    assert (item.levelno, item.levelname) == (logging.INFO, "INFO")


def test_no_debug_message_is_made_for_a_spinner(monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()
    shown = logging.StreamHandler()
    shown.setLevel(logging.WARNING)
    monkeypatch.setattr(root, "handlers", [shown, SpinnerHandler(Spinner(), level=logging.DEBUG)])
    monkeypatch.setattr(root, "level", logging.DEBUG)
    quiet()
    assert root.handlers == [shown]
    assert not logging.getLogger("aiokafka.conn").isEnabledFor(logging.DEBUG)
    assert logging.getLogger("aiokafka.conn").isEnabledFor(logging.WARNING)
