"""Data that tells which of its texts are read: else it is what it was made of."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_testkit.model.watched import watched

VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text("abX", max_size=3)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text("kl", max_size=2), inner, max_size=3)),
    max_leaves=12,
)
DATA = {"plain": 1, "card": {"number": "X1", "month": 2}, "notes": ["X2", "b"], "more": [{"token": "X3"}]}


def hides(text):
    """Texts with an X are watched."""
    return "X" in text


@pytest.fixture
def looked():
    """The data, and the places of it that were read."""
    read = []
    return watched(DATA, hides, read.append, "input"), read


def _places(value, place="input"):
    """Where a JSON value has watched texts, each under the key that holds it or its list."""
    found = set()
    for key, one in value.items():
        found |= _below(one, f"{place}.{key}", f"{place}.{key}")
    return found


def _below(value, place, key):
    if isinstance(value, dict):
        return _places(value, place)
    if isinstance(value, list):
        return {found for at, one in enumerate(value) for found in _below(one, f"{place}[{at}]", key)}
    return {key} if isinstance(value, str) and hides(value) else set()


@given(st.dictionaries(st.text("kl", max_size=2), VALUES, max_size=4))
def test_it_is_what_it_was_made_of(value):
    """Equal, of equal text, JSON, copies and pickles; and who reads all of it has read every watched text."""
    for read_all in (
        json.dumps,
        copy.deepcopy,
        repr,
        lambda one: pickle.loads(pickle.dumps(one)),
        lambda one: one == value,
    ):
        read = []
        made = watched(value, hides, read.append, "input")
        assert read == []
        assert read_all(made) == read_all(value)
        assert set(read) == _places(value)


def test_only_what_is_read_is_told(looked):
    """Keys beside a watched text, and the dict around it, are nobody's business."""
    data, read = looked
    assert (data["plain"], data["card"]["month"], data.get("nothing"), "number" in data["card"]) == (1, 2, None, True)
    assert list(data["card"]) == ["number", "month"]
    assert len(data.copy()["more"]) == 1
    assert read == []


@pytest.mark.parametrize(
    ("reads", "place"),
    [
        (lambda data: data["card"]["number"], "input.card.number"),
        (lambda data: data["card"].get("number"), "input.card.number"),
        (lambda data: data["card"].pop("number"), "input.card.number"),
        (lambda data: data["card"].setdefault("number", 1), "input.card.number"),
        (lambda data: data.copy()["card"].copy()["number"], "input.card.number"),
        (lambda data: dict(data["card"]), "input.card.number"),
        (lambda data: {**data["card"]}, "input.card.number"),
        (lambda data: [*data["card"].values()], "input.card.number"),
        (lambda data: data["card"] | {"a": 1}, "input.card.number"),
        (lambda data: data["notes"], "input.notes"),
        (lambda data: data["more"][0]["token"], "input.more[0].token"),
    ],
)
def test_every_way_of_reading_is_told(looked, reads, place):
    """By key, by copy, with others."""
    data, read = looked
    reads(data)
    assert set(read) == {place}


def test_what_has_nothing_to_watch_stays_itself():
    """The very same object, so that it costs nothing."""
    value = {"a": [1, {"b": "c"}]}
    assert watched(value, hides, print, "input") is value
