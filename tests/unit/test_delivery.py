"""What was not acknowledged is never passed, and what is missing is read again."""

import random

import pytest

from aimesh.core.delivery import Course, Delivery, Reading, Step


def nobody(offset: int) -> bool:
    return False


def test_messages_are_delivered_in_order() -> None:
    delivery = Delivery(5)
    assert [delivery.meet(n, (5, 5)) for n in (5, 6, 7)] == [Step.DELIVER] * 3
    assert delivery.expected == 8


def test_a_message_met_before_is_dropped() -> None:
    delivery = Delivery(5)
    delivery.meet(5, (5, 5))
    assert delivery.meet(5, (5, 5)) is Step.DROP
    assert delivery.meet(3, (5, 5)) is Step.DROP


def test_a_gap_is_read_again_before_it_is_believed() -> None:
    delivery = Delivery(5)
    assert delivery.meet(9, None) is Step.READ_AGAIN
    assert delivery.meet(9, (4, 4)) is Step.READ_AGAIN
    # the client was told to read from 5, and what it found first is another one than this
    assert delivery.meet(9, (5, 5)) is Step.READ_AGAIN
    assert delivery.meet(9, (5, None)) is Step.READ_AGAIN
    assert delivery.meet(9, (5, 9)) is Step.DELIVER
    assert delivery.expected == 10


def test_messages_that_come_after_all_close_the_gap() -> None:
    delivery = Delivery(5)
    assert delivery.meet(7, (0, 0)) is Step.READ_AGAIN
    assert [delivery.meet(n, (5, 5)) for n in (5, 6, 7)] == [Step.DELIVER] * 3


def test_a_believed_gap_is_not_doubted_again() -> None:
    delivery = Delivery(5)
    delivery.meet(5, (5, 5))
    delivery.meet(9, (6, 9))
    delivery.go_back(5)
    assert [delivery.meet(n, (5, 5)) for n in (5, 9, 10)] == [Step.DELIVER] * 3


def test_the_run_ends_before_what_is_not_acknowledged() -> None:
    delivery = Delivery(5)
    assert delivery.end_of_run({6, 7}) == 5
    assert delivery.end_of_run({5, 6, 8}) == 7
    assert delivery.end_of_run(set()) == 5


def test_the_run_passes_a_believed_gap() -> None:
    delivery = Delivery(5)
    delivery.meet(5, (5, 5))
    delivery.meet(9, (6, 9))
    assert delivery.end_of_run({5, 9}) == 10
    assert delivery.end_of_run({5}) == 9
    assert delivery.end_of_run({9}) == 5


def test_the_run_goes_on_from_what_was_claimed() -> None:
    delivery = Delivery(5)
    delivery.claim(8)
    assert delivery.end_of_run({5, 6, 7}) == 8
    assert delivery.end_of_run({8}) == 9


def test_what_was_delivered_and_dropped_is_lost_at_the_second_look() -> None:
    delivery = Delivery(0)
    for n in range(4):
        delivery.meet(n, (0, 0))
    assert delivery.lost(4, (0, 0), {0}, nobody) is None
    assert delivery.lost(4, (0, 0), {0}, nobody) == 1


def test_what_somebody_holds_is_not_lost() -> None:
    delivery = Delivery(0)
    delivery.meet(0, (0, 0))
    for _ in range(5):
        assert delivery.lost(1, (0, 0), set(), lambda offset: offset == 0) is None


def test_what_moves_between_two_looks_is_not_lost() -> None:
    delivery = Delivery(0)
    for n in range(9):
        delivery.meet(n, (0, 0))
    for n in range(9):
        assert delivery.lost(9, (0, 0), set(range(n)), nobody) is None


def test_what_was_read_and_never_delivered_is_lost() -> None:
    delivery = Delivery(3)
    assert delivery.lost(7, (3, 3), set(), nobody) is None
    assert delivery.lost(7, (3, 3), set(), nobody) == 3


def test_what_is_still_being_delivered_is_not_lost() -> None:
    delivery = Delivery(3)
    for _ in range(5):
        assert delivery.lost(None, (3, 3), set(), nobody) is None


def test_a_gap_at_the_end_of_the_log_is_believed_when_the_client_found_nothing_there() -> None:
    delivery = Delivery(3)
    for _ in range(2):
        assert delivery.lost(7, (3, None), set(), nobody) is None
    assert delivery.end_of_run(set()) == 7
    assert delivery.meet(7, (3, 7)) is Step.DELIVER


@pytest.mark.parametrize("seed", range(100))
def test_whatever_is_dropped_on_the_way_all_is_acknowledged_and_nothing_passed(seed: int) -> None:
    chance = random.Random(seed)
    real = [n for n in range(60) if chance.random() < 0.9]
    delivery, position = Delivery(0), 0
    reading: Reading = (0, None)
    acknowledged, held = set[int](), set[int]()
    for _ in range(5000):
        batch = [n for n in real if n >= position][: chance.randrange(1, 6)]
        position = batch[-1] + 1 if batch else 60
        if batch and reading[1] is None:
            reading = (reading[0], batch[0])
        for n in batch:
            if chance.random() < 0.3:
                continue  # fetched and dropped
            step = delivery.meet(n, reading)
            if step is Step.READ_AGAIN:
                position, reading = delivery.expected, (delivery.expected, None)
                break
            if step is Step.DELIVER and chance.random() < 0.9:
                held.add(n)
        for n in list(held):
            if chance.random() < 0.5:
                held.discard(n)
                acknowledged.add(n)
        again = delivery.lost(position, reading, acknowledged, held.__contains__)
        if again is not None:
            delivery.go_back(again)
            position, reading = again, (again, None)
        end = delivery.end_of_run(acknowledged)
        assert all(n in acknowledged for n in real if n < end)
        delivery.claim(end)
        if end == 60:
            return
    pytest.fail(f"stuck at {delivery.claimed}, expecting {delivery.expected}")


def test_what_the_client_found_nothing_in_is_a_gap_of_the_log() -> None:
    course = Course(5)
    course.hand([5, 9, 10])
    course.hand([12])
    assert course.is_gap(5, 5)
    assert course.is_gap(6, 9)
    assert course.is_gap(11, 12)


def test_what_the_client_handed_out_is_no_gap() -> None:
    course = Course(5)
    course.hand(range(5, 9))
    course.hand([20])
    assert not course.is_gap(5, 7)
    assert not course.is_gap(7, 20)
    assert not course.is_gap(9, 10)
