"""No attack of the corpus escapes, on any set of layers, as root or not; each works when free."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.escape.attacks import corpus
from tests.escape.campaign import Campaign, Yield, who_can_try
from tests.escape.layer_sets import HOLDING

# root has namespaces without a user namespace as well; for all others these are the same
_TRIALS = [
    (who, name)
    for name in HOLDING
    for who in who_can_try()
    if who == "root" or name != "namespaces, own users"
]


@pytest.fixture(scope="module")
def campaign() -> Iterator[Campaign]:
    # the longest first
    running = Campaign([*((who, "control") for who in who_can_try()), *_TRIALS])
    yield running
    running.close()


def _tried(campaign: Campaign, who: str, name: str) -> Yield:
    tried = campaign.result(who, name)
    if tried.refused:
        pytest.skip(f"{name}: {tried.refused}")
    return tried


@pytest.mark.parametrize(("who", "name"), _TRIALS)
def test_every_attack_is_held_and_everything_harmless_works(
    campaign: Campaign, who: str, name: str
) -> None:
    tried = _tried(campaign, who, name)
    assert tried.wrong == []
    assert len(tried.results) > 80


@pytest.mark.parametrize(("who", "name"), _TRIALS)
def test_no_process_and_no_folder_is_left(campaign: Campaign, who: str, name: str) -> None:
    assert _tried(campaign, who, name).left == ()


@pytest.mark.parametrize("who", who_can_try())
def test_every_attack_works_when_nothing_holds_it(campaign: Campaign, who: str) -> None:
    assert _tried(campaign, who, "control").wrong == []


@pytest.mark.skipif(os.geteuid() != 0, reason="not root: the corpus is tried as this user alone")
def test_the_corpus_is_tried_as_root_and_as_another_user() -> None:
    assert {who for who, _ in _TRIALS} == {"root", "user"}


def test_the_corpus_has_all_kinds_of_attack() -> None:
    attacks = corpus()
    assert len([attack for attack in attacks if not attack.harmless]) >= 70
    assert {effect for attack in attacks for effect in attack.control} >= {
        *("printed", "secret", "library", "wrote", "tcp", "udp", "unix", "signal", "decoy"),
        *("overtime", "output", "memory", "left", "crashed", "core", "control-characters"),
    }
