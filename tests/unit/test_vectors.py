"""Positions in a log of several partitions."""

from __future__ import annotations

import random

import pytest

from aimesh.core import vectors
from aimesh.core.vectors import Place, Vector


@pytest.mark.parametrize(
    "place",
    [Place("0", (0,)), Place("a1b2c3d4", (17, 0, 2**63 - 1, 5)), Place("z", (1,) * 1000)],
    ids=["least", "usual", "many"],
)
def test_an_id_gives_back_its_place(place: Place) -> None:
    assert Place.decode(place.encode()) == place


def test_an_id_can_stand_in_an_address_as_it_is() -> None:
    assert Place("3fa29c1b", (102, 4)).encode() == "3fa29c1b-102.4"


@pytest.mark.parametrize(
    "text",
    ["", "-", "17", "a-", "a-1.", "a-.1", "a-1..2", "a--1", "a-1.-2", "A-1", "a-1\n", " a-1", "a-١",
     "a-1e3", f"a-{2**63}", "a-" + "1" * 20, "a-" + ".".join("1" * 1001), "x" * 33 + "-1"],
)  # fmt: skip
def test_what_is_no_id_is_told_apart(text: str) -> None:
    assert Place.decode(text) is None


def test_a_place_moves_past_an_event_and_never_back() -> None:
    assert vectors.after((5, 7), 1, 7) == (5, 8)
    assert vectors.after((5, 7), 1, 9) == (5, 10)
    assert vectors.after((5, 7), 0, 2) == (5, 7)


def test_what_lies_between_two_places_is_found_for_each_partition() -> None:
    spans = vectors.missing((3, 9, 4), (5, 9, 2))
    assert spans == {0: (3, 5)}
    assert vectors.count(spans) == 2
    assert vectors.count({}) == 0


def test_a_log_covers_a_place_only_in_all_of_its_partitions() -> None:
    assert vectors.covers((3, 4), (3, 9))
    assert not vectors.covers((3, 4), (9, 3))


def test_places_merge_to_the_farther_one() -> None:
    assert vectors.merged((1, 9), (4, 2)) == (4, 9)


def test_the_newest_part_never_begins_before_the_log() -> None:
    assert vectors.newest((10, 600), 500) == (0, 100)


def test_a_place_before_events_leaves_other_partitions_at_the_head() -> None:
    assert vectors.before((10, 20, 30), [(0, 7), (0, 8), (2, 29)]) == (7, 20, 29)
    assert vectors.before((10, 20), []) == (10, 20)


@pytest.mark.parametrize("seed", range(20))
def test_resuming_anywhere_in_any_interleaving_sees_each_event_once(seed: int) -> None:
    """Two readers see the partitions interleaved differently, and take over from each other."""
    chance = random.Random(seed)
    log = [(partition, offset) for partition in range(3) for offset in range(15)]
    seen: list[tuple[int, int]] = []
    place: Vector = (0, 0, 0)
    while len(seen) < len(log):
        rest = [event for event in interleaved(log, chance) if event[1] >= place[event[0]]]
        for event in rest[: chance.randint(1, 10)]:
            seen.append(event)
            place = vectors.after(place, *event)
        place = Place.decode(Place("t", place).encode()).vector  # type: ignore[union-attr]
    assert sorted(seen) == log


def interleaved(log: list[tuple[int, int]], chance: random.Random) -> list[tuple[int, int]]:
    """Return the events in another order, but in order within each partition."""
    order = [partition for partition, _ in log]
    chance.shuffle(order)
    queues = {p: iter([event for event in log if event[0] == p]) for p in set(order)}
    return [next(queues[partition]) for partition in order]
