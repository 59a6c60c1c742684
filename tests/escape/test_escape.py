"""No attack of the corpus escapes, on any set of layers, as root or not; each works when free."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.escape.attacks import corpus
from tests.escape.campaign import Campaign, Yield, who_can_try
from tests.escape.layer_sets import HOLDING

_WHO = ("root", "user", "self")


@pytest.fixture(scope="module")
def campaign() -> Iterator[Campaign]:
    # the longest first
    names = ("control", *HOLDING)
    running = Campaign((who, name) for name in names for who in who_can_try())
    yield running
    running.close()


def _tried(campaign: Campaign, who: str, name: str) -> Yield:
    if who not in who_can_try():
        pytest.skip("root tries as root and as another user, everybody else as themselves")
    tried = campaign.result(who, name)
    if tried.refused:
        pytest.skip(f"{name}: {tried.refused}")
    return tried


@pytest.mark.parametrize("who", _WHO)
@pytest.mark.parametrize("name", HOLDING)
def test_every_attack_is_held_and_everything_harmless_works(
    campaign: Campaign, name: str, who: str
) -> None:
    tried = _tried(campaign, who, name)
    assert tried.wrong == []
    assert len(tried.results) > 80


@pytest.mark.parametrize("who", _WHO)
@pytest.mark.parametrize("name", HOLDING)
def test_no_process_and_no_folder_is_left(campaign: Campaign, name: str, who: str) -> None:
    assert _tried(campaign, who, name).left == ()


@pytest.mark.parametrize("who", _WHO)
def test_every_attack_works_when_nothing_holds_it(campaign: Campaign, who: str) -> None:
    assert _tried(campaign, who, "control").wrong == []


def test_the_corpus_has_all_kinds_of_attack() -> None:
    attacks = corpus()
    assert len([attack for attack in attacks if not attack.harmless]) >= 70
    assert {effect for attack in attacks for effect in attack.control} >= {
        *("printed", "secret", "library", "wrote", "tcp", "udp", "unix", "signal", "decoy"),
        *("overtime", "output", "memory", "left", "crashed", "core", "control-characters"),
    }
