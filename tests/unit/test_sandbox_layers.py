"""Sets of layers know whether they are enough, and Landlock is told no more than it knows."""

from __future__ import annotations

import os
import struct

import pytest

from aimesh.services.sandbox import landlock
from aimesh.services.sandbox.layers import Layers

_FULL = Layers(rlimits=True, isolated=True, seccomp=True, landlock=7, namespaces="user")


@pytest.mark.parametrize(
    ("layers", "safe"),
    [
        (_FULL, True),
        (Layers(rlimits=True, isolated=True, seccomp=True, landlock=1), True),
        (Layers(rlimits=True, isolated=True, seccomp=True, namespaces="root"), True),
        (Layers(rlimits=True, isolated=True, seccomp=True), False),
        (Layers(rlimits=True, isolated=True, landlock=7), False),
        (Layers(rlimits=True, isolated=True, namespaces="user"), False),
        (Layers(rlimits=True, seccomp=True, landlock=7), False),
        (Layers(isolated=True, seccomp=True, landlock=7), False),
        (Layers(rlimits=True), False),
        (Layers(), False),
    ],
)
def test_only_the_least_allowed_sets_are_safe(layers: Layers, safe: bool) -> None:
    assert layers.safe == safe
    assert layers.describe().startswith("UNSAFE") == (not safe)


def test_layers_are_named_from_the_inside_out() -> None:
    assert _FULL.names == ("rlimits", "no_new_privs", "landlock", "seccomp", "namespaces")
    assert "landlock (version 7)" in _FULL.describe()


def test_threads_are_counted_only_where_the_kernel_can(monkeypatch: pytest.MonkeyPatch) -> None:
    named = (_FULL, Layers(own_user=True), Layers(landlock=7))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert [layers.counts_threads for layers in named] == [False, True, False]
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert [layers.counts_threads for layers in named] == [True, True, False]


@pytest.mark.parametrize(
    ("version", "rights", "words"),
    [(1, 13, 1), (2, 14, 1), (3, 15, 1), (4, 15, 2), (5, 16, 2), (6, 16, 3), (9, 16, 3)],
)
def test_landlock_takes_away_all_that_a_version_knows(
    version: int, rights: int, words: int
) -> None:
    attributes = struct.unpack(f"<{words}Q", landlock.ruleset(version))
    assert attributes == ((1 << rights) - 1, 3, 3)[:words]
    given = [*landlock.reading(version, ["/usr/lib", "/dev"]), landlock.keeping(version, "/box")]
    assert [path for path, access in given if access & ~attributes[0]] == []


def test_landlock_gives_reading_and_the_working_folder_back() -> None:
    given = dict([*landlock.reading(7, ["/usr/lib", "/dev/zero"]), landlock.keeping(7, "/box")])
    execute, write, read, read_folder = 1, 2, 4, 8
    assert given["/usr/lib"] == read | read_folder
    assert given["/dev/zero"] == read
    assert given["/dev/null"] == read | write
    assert given["/box"] & (write | read) == write | read
    assert not given["/box"] & execute
