"""What a dead letter's headers tell: all that was written, and nothing that is no place."""

import pytest

from aimesh.core.redriving import Origin
from aimesh.dead_letters import PREFIX, context_of, headers


def encoded(texts: dict[str, str]) -> list[tuple[str, bytes | None]]:
    return [(name, text.encode()) for name, text in texts.items()]


def test_what_was_written_is_told() -> None:
    written = headers(
        topic="ai_topic", partition=1, offset=7, timestamp=1.5, error_type="Rejected",
        error="it is not JSON", carried={"replay_count": "2", "traceparent": "x"},
    )  # fmt: skip
    told = context_of(encoded(written))
    assert told.origin == Origin("ai_topic", 1, 7)
    assert told.written_at == "1970-01-01T00:00:01.500000+00:00"
    assert (told.error_type, told.error, told.replay_count) == ("Rejected", "it is not JSON", 2)
    assert told.rejected


@pytest.mark.parametrize("offset", ["", "x", "-1", "1.5", "٣", "9" * 5000])
def test_what_is_no_place_is_no_origin(offset: str) -> None:
    place = {"topic": "ai_topic", "partition": "0", "offset": offset}
    told = context_of(encoded({f"{PREFIX}original-{name}": text for name, text in place.items()}))
    assert told.origin is None
    assert told.offset == offset


@pytest.mark.parametrize("count", ["", "x", "-1", "9" * 5000])
def test_what_is_no_count_is_none(count: str) -> None:
    assert context_of(encoded({"replay_count": count})).replay_count == 0


def test_headers_of_others_tell_nothing() -> None:
    told = context_of([("none", None), (PREFIX + "exception-message", b"\xff")])
    assert (told.topic, told.error_type, told.error) == ("", "", "�")
    assert told.origin is None
    assert not told.rejected
    assert context_of(None) == context_of([])
