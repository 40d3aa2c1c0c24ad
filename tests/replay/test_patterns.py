"""Patterns of places in a history: by keys, indexes and names, as people write them in JSONPath too."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_testkit import HistoryError
from tasker_testkit.replay.levels import compared
from tasker_testkit.replay.patterns import fits, read_patterns

DATA = {
    "input": {"at": 1, "a": {"at": 2, "b": [{"at": 3}]}},
    "steps": [{"name": "charge", "attempts": [{"stored": {"result": {"at": 4, "id": 5}}}]}],
}


def left(pattern):
    """The numbers of DATA that are still compared."""
    found, line = [], [compared(DATA, ignore=[pattern])]
    while line:
        value = line.pop()
        line += value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        found += [value] if isinstance(value, int) else []
    return sorted(found)


@pytest.mark.parametrize(
    ("pattern", "kept"),
    [
        ("input.at", [2, 3, 4, 5]),
        ("$.input.at", [2, 3, 4, 5]),
        ("input.*", [4, 5]),
        ("input.a.b.0.at", [1, 2, 4, 5]),
        ("input.a.b[0].at", [1, 2, 4, 5]),
        ("$.input.a.b[*].at", [1, 2, 4, 5]),
        ("$['input']['at']", [2, 3, 4, 5]),
        ("**.at", [5]),
        ("$..at", [5]),
        ("input..at", [4, 5]),
        ("steps.charge.attempts.*.stored.result.at", [1, 2, 3, 5]),
        ("$.steps[0].attempts[*].stored.result.at", [1, 2, 3, 5]),
        ("steps.ship.**", [1, 2, 3, 4, 5]),
        ("input.*.at", [1, 3, 4, 5]),
    ],
)
def test_what_a_pattern_leaves_out(pattern, kept):
    """That very place, and what is below it; nothing else."""
    assert left(pattern) == kept


@given(st.lists(st.text("ab", min_size=1, max_size=2), min_size=1, max_size=4), st.data())
def test_a_pattern_of_a_place_fits_it(parts, data):
    """Also with any of its parts as ``*``, and any run of them as ``**``."""
    place = tuple((part,) for part in parts)
    stars = [data.draw(st.sampled_from([part, "*"])) for part in parts]
    begin, end = sorted(data.draw(st.tuples(st.integers(0, len(parts)), st.integers(0, len(parts)))))
    deep = [*parts[:begin], "**", *parts[end:]]
    for pattern in (parts, stars, deep):
        assert fits(place, read_patterns([".".join(pattern)]))
    assert not fits((*place, ("more",)), read_patterns([".".join(stars)]))


@pytest.mark.parametrize("text", ["", "$", "a.", ".a.", "a...b", "[]"])
def test_what_is_no_pattern(text):
    """An empty part is a mistake, and says how a pattern is written."""
    with pytest.raises(HistoryError, match=r"is no pattern of a place: a part of it is empty\. Write parts with dots"):
        read_patterns([text])
