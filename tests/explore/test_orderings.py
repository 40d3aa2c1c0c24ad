"""Which orders of a plan are run: all, once each; or a sample."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_testkit.explore.orderings import MOST, Orderings


def shuffling(size: int):
    """A run in which so many things happen at one instant: asked for the first of all, of the rest, and so on."""

    def play(order):
        candidates = range(size, 1, -1)
        return [(order[n] if n < len(order) else 0, left) for n, left in enumerate(candidates)]

    return play


@pytest.mark.parametrize(("size", "number"), [(0, 1), (1, 1), (2, 2), (3, 6), (4, 24), (5, 120)])
def test_all_are_all_and_each_once(size, number):
    """As many as there are permutations; the order of creation is the first."""
    orderings = Orderings("all")
    found = list(orderings.through(shuffling(size)))
    assert found[0] == ()
    assert len(found) == len(set(found)) == number
    assert not orderings.cut


def test_all_has_a_bound():
    """Where there are more than anybody would wait for, it stops and says so."""
    orderings = Orderings("all")
    assert len(list(orderings.through(shuffling(7)))) == MOST
    assert orderings.cut


@given(number=st.integers(1, 30), seed=st.integers())
def test_a_number_is_a_sample(number, seed):
    """So many at most, each once, the order of creation first; the same for the same seed."""
    orderings = Orderings(number, seed)
    found = list(orderings.through(shuffling(4)))
    assert found[0] == ()
    assert len(found) == len(set(found)) == min(number, 24)
    assert orderings.cut is (number < 24)
    assert found == list(Orderings(number, seed).through(shuffling(4)))


def test_samples_of_other_seeds_are_others():
    """Each order comes up in some sample."""
    found = {order for seed in range(60) for order in Orderings(3, seed).through(shuffling(3))}
    assert len(found) == 6
