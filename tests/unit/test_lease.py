import pytest

from aimesh.faustfix import lease
from aimesh.faustfix.lease import Lease


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    at = [100.0]
    monkeypatch.setattr(lease, "now", lambda: at[0])
    return at


def test_without_a_group_there_is_nobody_to_lose_anything_to(clock: list[float]) -> None:
    held = Lease(6)
    clock[0] += 1000
    assert held.holds(-1)


def test_it_lasts_for_the_sessions_time_out_from_when_the_coordinator_was_asked(
    clock: list[float],
) -> None:
    held = Lease(6)
    held.renew(3, 98.0)
    clock[0] = 103.9
    assert held.holds(3)
    clock[0] = 104.0
    assert not held.holds(3)
    held.renew(3, 103.5)
    assert held.holds(3)


def test_what_another_generation_gave_is_not_held(clock: list[float]) -> None:
    held = Lease(6)
    held.renew(3, clock[0])
    assert (held.holds(2), held.holds(3), held.holds(4)) == (False, True, False)


def test_it_ends_when_the_group_is_joined_anew(clock: list[float]) -> None:
    held = Lease(6)
    held.renew(3, clock[0])
    held.end()
    assert not held.holds(3)
    held.renew(4, clock[0])
    assert (held.holds(3), held.holds(4)) == (False, True)
