"""When a service that is down is tried again."""

from __future__ import annotations

import pytest

from aimesh.services.memory.gate import Gate
from aimesh.services.memory.store import collection_name, is_of_model
from tests.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gate(clock: Clock) -> Gate:
    return Gate(least=2.0, most=10.0, clock=clock)


def test_it_is_open_while_all_is_well(gate: Gate) -> None:
    assert [gate.wait() for _ in range(5)] == [0.0] * 5
    gate.worked()
    assert gate.wait() == 0.0


def test_a_failure_shuts_it_for_a_while_and_then_one_probe_goes_through(
    gate: Gate, clock: Clock
) -> None:
    gate.failed()
    assert gate.wait() == 2.0
    clock.now += 1.5
    assert gate.wait() == 0.5
    clock.now += 0.5
    assert gate.wait() == 0.0
    assert gate.wait() == 2.0
    gate.worked()
    assert gate.wait() == 0.0
    assert gate.wait() == 0.0


def test_waits_double_up_to_the_longest_and_begin_anew_after_a_success(
    gate: Gate, clock: Clock
) -> None:
    waits = []
    for _ in range(5):
        assert gate.wait() == 0.0
        gate.failed()
        waits.append(gate.wait())
        clock.now += waits[-1]
    assert waits == [2.0, 4.0, 8.0, 10.0, 10.0]
    gate.worked()
    gate.failed()
    assert gate.wait() == 2.0


def test_calls_that_fail_together_count_once(gate: Gate) -> None:
    for _ in range(10):
        gate.failed()
    assert gate.wait() == 2.0


def test_a_probe_that_never_told_makes_room_for_another(gate: Gate, clock: Clock) -> None:
    gate.failed()
    clock.now += 2.0
    assert gate.wait() == 0.0
    clock.now += 2.0
    assert gate.wait() == 0.0


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("nomic-embed-text", "aimesh-nomic-embed-text-768"),
        ("nomic-embed-text:latest", "aimesh-nomic-embed-text-768"),
        ("hf.co/A/B:Q4_0", "aimesh-hf-co-a-b-q4-0-768"),
        ("../..", "aimesh--768"),
    ],
)
def test_a_model_has_a_collection_for_each_size_of_its_vectors(model: str, name: str) -> None:
    assert collection_name(model, 768) == name
    assert is_of_model(name, model)
    assert not is_of_model(name, "other")
    assert not is_of_model(name + "-x", model)
