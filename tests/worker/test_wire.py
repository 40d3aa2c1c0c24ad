"""What crosses is a JSON copy, and what can't cross is named."""

from __future__ import annotations

import datetime
import decimal
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_testkit.worker.wire import NotJson, check_metadata, crossed, crossing

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=10
)
paths = st.lists(st.sampled_from(["a", "b_2", 0, 1]), max_size=4)


def wrapped(leaf, path):
    """``leaf`` inside dicts and lists, and how its path is written."""
    value, written = leaf, ""
    for key in reversed(path):
        value = {key: value} if isinstance(key, str) else [None] * key + [value]
        written = (f".{key}" if isinstance(key, str) else f"[{key}]") + written
    return value, "result" + written


@given(values)
def test_json_crosses_unchanged(value):
    """A JSON value arrives as it was left, floats and integers to the last digit."""
    copy = crossed(value, "result")
    assert copy == value
    assert json.dumps(copy) == json.dumps(value)


@given(st.dictionaries(texts, st.lists(values, min_size=1), min_size=1))
def test_the_copy_shares_nothing(value):
    """Changing what arrived doesn't change what was left, at any depth."""
    before = json.dumps(value)
    for inner in crossed(value, "result").values():
        inner.append("changed")
    assert json.dumps(value) == before


@pytest.mark.parametrize(
    ("value", "arrived"),
    [
        ({3}, [3]),
        ((1, 2), [1, 2]),
        (b"abc", "abc"),
        (decimal.Decimal("1.10"), "1.10"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (datetime.datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05"),
        (float("nan"), None),
        (float("-inf"), None),
        ({1: {None: 2}}, {"1": {"None": 2}}),
        (2**64 - 1, 2**64 - 1),
        (-(2**63), -(2**63)),
    ],
    ids=repr,
)
def test_conversions(value, arrived):
    """Tasker's own conversions, one by one."""
    assert crossed({"x": value}, "result") == {"x": arrived}


class User:
    """Something that isn't JSON."""


NOT_JSON = {
    "object": (User(), "a <class User>"),
    "lambda": (lambda: 1, "a <class function>"),
    "bytes": (b"\xff", "bytes that aren't UTF-8"),
    "surrogate": ("\ud800", "text with half a surrogate pair"),
    "large": (2**64, f"{2**64}, an integer of more than 64 bits"),
    "small": (-(2**63) - 1, f"{-(2**63) - 1}, an integer of more than 64 bits"),
}


@given(paths, st.sampled_from(sorted(NOT_JSON)))
def test_what_cannot_cross_is_named_with_its_path(path, kind):
    """The message says where in the value the offender is, and what it is."""
    leaf, what = NOT_JSON[kind]
    value, written = wrapped(leaf, path)
    with pytest.raises(NotJson) as caught:
        crossed(value, "result")
    assert str(caught.value) == f"{written} is {what}"


def test_a_value_that_contains_itself_is_refused():
    """A ring is no JSON."""
    ring = []
    ring.append(ring)
    with pytest.raises(NotJson, match=r"^result is a value that contains itself$"):
        crossed(ring, "result")


@given(paths, texts)
def test_a_nul_crosses_but_is_reported(path, text):
    """A NUL is valid JSON; its path is told, since the database can't hold it."""
    value, written = wrapped(f"{text}\0", path)
    assert crossing(value, "result") == (value, written)


def test_an_escaped_nul_is_just_text():
    """The six characters backslash, u, 0, 0, 0, 0 aren't a NUL."""
    assert crossing({"x": r"\u0000"}, "result")[1] is None


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("context", "text", "a str; Tasker takes an object there"),
        ("custom", None, "a NoneType; Tasker takes an object there"),
        ("error_code", 429, "a int; Tasker takes a text there"),
        ("retryable", "yes", "a str; Tasker takes true or false there"),
        ("execution_time_ms", 1.5, "a float; Tasker takes a whole number there"),
        ("started_at", "noon", "a str; Tasker takes an instant as ISO 8601 text with a time zone there"),
    ],
)
def test_known_metadata_has_its_type(key, value, told):
    """A key that Tasker knows with a value it doesn't take is named with both."""
    with pytest.raises(NotJson) as caught:
        check_metadata({"other": object(), key: value})
    assert str(caught.value) == f"metadata.{key} is {told}"
