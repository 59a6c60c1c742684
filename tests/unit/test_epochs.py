"""Whose writes to a table count."""

from __future__ import annotations

import pytest

from aimesh.core.epochs import CLAIM, HEADER, Epoch, Fence

first, second, third = Epoch(1, b"worker A"), Epoch(2, b"worker B"), Epoch(3, b"worker A")


def test_what_an_owner_writes_counts_until_the_next_one_claims() -> None:
    fence = Fence()
    assert [fence.counts(b"k", epoch.headers()) for epoch in (first, first, second)] == [True] * 3
    assert not fence.counts(b"k", first.headers())
    assert fence.counts(b"k", second.headers())


def test_a_former_owner_that_owns_again_counts_only_as_what_it_is_now() -> None:
    fence = Fence(second)
    assert fence.counts(b"k", third.headers())
    assert not fence.counts(b"k", first.headers())
    assert not fence.counts(b"k", second.headers())
    assert fence.epoch == third


def test_of_two_that_chose_the_same_number_the_one_that_the_log_has_first_counts() -> None:
    fence, other = Fence(first), Epoch(second.number, b"worker C")
    assert fence.admits(second.headers())
    assert not fence.admits(other.headers())
    assert fence.admits(second.headers())


def test_a_claim_counts_for_nothing_but_fences() -> None:
    fence = Fence(first)
    assert not fence.counts(CLAIM, second.headers())
    assert not fence.counts(b"k", first.headers())
    # a late one does not even do that
    assert not fence.counts(CLAIM, first.headers())
    assert fence.epoch == second


@pytest.mark.parametrize(
    "headers", [None, (), [("other", b"x")], [(HEADER, b"")], [(HEADER, b"7")]]
)
def test_what_has_no_epoch_counts(headers: list[tuple[str, bytes]] | None) -> None:
    fence = Fence(second)
    assert fence.counts(b"k", headers)
    assert fence.epoch == second


def test_an_epoch_is_what_its_bytes_say() -> None:
    assert Epoch.of(bytes(second)) == second
    assert Epoch.of(bytes(second)[1:]) is None
