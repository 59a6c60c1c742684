"""Cutting and cleaning of foreign text."""

from __future__ import annotations

import json

import pytest

from aimesh.core.text import cut, encoded_size, numbered, printable

SAMPLES = {
    "ascii": "abcdefghij" * 100,
    "quotes": '"\\\n' * 300,
    "controls": "\x00\x01\x1f" * 300,
    "wide": "é€𝄞" * 300,
    "surrogates": "\ud800x" * 300,
}


@pytest.mark.parametrize("text", SAMPLES.values(), ids=SAMPLES.keys())
@pytest.mark.parametrize("limit", [0, 1, 7, 40, 60, 100, 777])
@pytest.mark.parametrize("tail", [0.0, 0.5, 1.0])
def test_a_cut_text_never_takes_more_than_its_limit(text: str, limit: int, tail: float) -> None:
    assert encoded_size(cut(text, limit, tail=tail)) <= limit


def test_a_number_is_told_as_people_do() -> None:
    assert [numbered(n, "time") for n in (0, 1, 2)] == ["0 times", "1 time", "2 times"]
    assert numbered(1, "task waits", "tasks wait") == "1 task waits"
    assert numbered(3, "task waits", "tasks wait") == "3 tasks wait"


def test_a_text_that_fits_is_left_alone() -> None:
    text = 'exactly "this"\n'
    size = len(json.dumps(text)) - 2
    assert cut(text, size) == text
    assert cut(text, size - 1) != text


def test_the_mark_says_how_many_bytes_are_gone() -> None:
    shortened = cut("é" * 100, 60)
    kept = shortened.count("é")
    assert kept > 0
    assert shortened.endswith(f"… [cut: {200 - 2 * kept} bytes left out]")


def test_the_end_is_kept_when_it_is_asked_for() -> None:
    text = "start" + "." * 1000 + "ValueError: last line"
    shortened = cut(text, 200, tail=0.6)
    assert shortened.startswith("start")
    assert shortened.endswith("ValueError: last line")
    assert "bytes left out]" in shortened


def test_all_of_the_room_can_go_to_the_end() -> None:
    assert cut("." * 1000 + "end", 100, tail=1.0).endswith("end")


def test_a_huge_text_is_cut_without_reading_it_again_and_again() -> None:
    assert encoded_size(cut("a\n" * 5_000_000, 1000)) <= 1000


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("windows\r\nlines", "windows\nlines"),
        ("return\rhere", "return\\x0dhere"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("nul\x00", "nul\\x00"),
        ("a\x9bb\x85c", "a\\x9bb\\x85c"),
        ("left\u202eright\u2066", "left\\u202eright\\u2066"),
        ("lone \ud83d half", "lone \\ud83d half"),
        ("wide € 𝄞", "wide € 𝄞"),
    ],
)
def test_what_could_act_on_a_screen_becomes_visible(raw: str, clean: str) -> None:
    assert printable(raw) == clean


def test_a_printable_text_can_be_encoded() -> None:
    everything = "".join(map(chr, range(0x10000)))
    printable(everything).encode("utf-8")
