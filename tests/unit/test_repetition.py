"""A flood of messages that say the same becomes one message and a count."""

from __future__ import annotations

from aimesh.core.repetition import Repetition


def test_a_flood_becomes_one_message_and_a_count() -> None:
    repetition = Repetition(pause=30)
    told = [repetition.let_pass(f"no connection to node {n}", n / 1000) for n in range(5000)]
    assert [message for message in told if message] == ["no connection to node 0"]
    assert (
        repetition.let_pass("no connection to node 7", 31)
        == "no connection to node 7 (and 4999 like it before)"
    )
    assert repetition.let_pass("no connection to node 7", 62) == "no connection to node 7"


def test_what_is_quoted_makes_no_difference() -> None:
    repetition = Repetition()
    assert repetition.let_pass("topic 'a' is away", 0)
    assert repetition.let_pass("topic 'another' is away", 1) is None


def test_other_messages_pass() -> None:
    repetition = Repetition()
    assert repetition.let_pass("no connection", 0) == "no connection"
    assert repetition.let_pass("no room", 0) == "no room"


def test_the_memory_of_it_is_bounded() -> None:
    repetition = Repetition()
    words = [f"{chr(65 + n % 26) * (n // 26 + 1)}: lost" for n in range(1000)]
    assert all(repetition.let_pass(word, 0) for word in words)
    assert len(repetition._kinds) == 200
