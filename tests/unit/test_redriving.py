"""Dead letters go back where that does good, and never in circles."""

from __future__ import annotations

from typing import Any

import pytest

from aimesh.core.hexdump import hex_dump
from aimesh.core.redriving import Origin, Redrive, refusal

SENT = Redrive("0-1", "ai_topic/0/5", 1, "ai_topic/0/9", "2026-01-01T00:00:00Z")


def refused(**facts: Any) -> str:
    given: dict[str, Any] = {
        "origin": Origin("ai_topic", 0, 5), "role": "consumer", "replay_count": 0,
        "redriven": None, "topics": {"ai_topic"}, "limit": 3, "force": False,
    }  # fmt: skip
    return refusal(**(given | facts))


def test_a_fresh_letter_goes_back() -> None:
    assert refused() == ""
    assert refused(replay_count=2) == ""


@pytest.mark.parametrize(("facts", "why"), [
    ({"origin": None}, "where it came from"),
    ({"origin": Origin("ai_governor", 0, 1)}, "ai_governor"),
    ({"redriven": SENT}, "ai_topic/0/9"),
])  # fmt: skip
def test_some_letters_never_go_back(facts: dict[str, Any], why: str) -> None:
    assert why in refused(**facts)
    assert why in refused(**facts, force=True)


@pytest.mark.parametrize(("facts", "why"), [
    ({"replay_count": 3}, "limit is 3"),
    ({"limit": 0}, "limit is 0"),
    ({"role": "memory"}, "reviewed again"),
])  # fmt: skip
def test_some_letters_go_back_only_by_force(facts: dict[str, Any], why: str) -> None:
    assert why in refused(**facts)
    assert refused(**facts, force=True) == ""


def test_bytes_are_shown_with_what_can_be_printed_of_them() -> None:
    assert hex_dump(b"ab\xff\n", 100) == (
        "00000000  61 62 ff 0a" + " " * 36 + "  |ab..|"
    )  # fmt: skip
    assert hex_dump(b"", 100) == ""


def test_many_bytes_are_cut_with_a_word_on_the_rest() -> None:
    lines = hex_dump(bytes(100), 32).splitlines()
    assert len(lines) == 3
    assert lines[1].startswith("00000010")
    assert lines[2] == "… 68 bytes more"
