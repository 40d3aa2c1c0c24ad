"""Samples: even, seeded, in order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tasker_testkit.explore.sampling import spread


@given(total=st.integers(0, 500), size=st.integers(0, 500), seed=st.integers())
def test_a_sample_has_one_of_each_stretch(total, size, seed):
    """As many as asked for, in order, one from each of so many equal stretches; all if there aren't more."""
    sample = spread(range(total), size, seed)
    if size >= total:
        assert sample == list(range(total))
    else:
        assert len(sample) == size
        assert all(n * total // size <= item < (n + 1) * total // size for n, item in enumerate(sample))


@given(seed=st.integers())
def test_a_sample_depends_on_the_seed_alone(seed):
    """The same for the same seed."""
    assert spread(range(1_000), 10, seed) == spread(range(1_000), 10, seed)


def test_every_item_can_be_in_a_sample():
    """Over the seeds each item comes up: no place in a stretch is left out."""
    assert {item for seed in range(200) for item in spread(range(40), 8, seed)} == set(range(40))
