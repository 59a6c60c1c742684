"""The tasks that the rehearsal model knows: data, and what is made of it."""

from __future__ import annotations

import functools

from aimesh.embedded.rehearsal.catalogue.blueprint import Entry, Family, entries_of
from aimesh.embedded.rehearsal.catalogue.chains import CHAINS
from aimesh.embedded.rehearsal.catalogue.counting import COUNTING
from aimesh.embedded.rehearsal.catalogue.derived import derived_from
from aimesh.embedded.rehearsal.catalogue.dynamic import DYNAMIC
from aimesh.embedded.rehearsal.catalogue.graphs import GRAPHS
from aimesh.embedded.rehearsal.catalogue.intervals import INTERVALS
from aimesh.embedded.rehearsal.catalogue.lists import LISTS
from aimesh.embedded.rehearsal.catalogue.matrices import MATRICES
from aimesh.embedded.rehearsal.catalogue.numbers import NUMBERS
from aimesh.embedded.rehearsal.catalogue.searching import SEARCHING
from aimesh.embedded.rehearsal.catalogue.stacks import STACKS
from aimesh.embedded.rehearsal.catalogue.texts import TEXTS
from aimesh.embedded.rehearsal.catalogue.windows import WINDOWS

__all__ = ["FAMILIES", "Entry", "Family", "catalogue", "further_tasks"]

FAMILIES = (
    LISTS,
    WINDOWS,
    SEARCHING,
    CHAINS,
    COUNTING,
    STACKS,
    MATRICES,
    NUMBERS,
    TEXTS,
    GRAPHS,
    DYNAMIC,
    INTERVALS,
)


@functools.cache
def catalogue() -> tuple[Entry, ...]:
    """The tasks as they are written down, family by family."""
    return tuple(entry for family in FAMILIES for entry in entries_of(family))


@functools.cache
def further_tasks() -> tuple[Entry, ...]:
    """Tasks that are made of those in the catalogue, for when these are all used."""
    return tuple(derived_from(catalogue()))
