"""Copies of plain JSON data: equal, all their own, and large ones only when they are read."""

from __future__ import annotations

import copy
import enum
import json
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasker_testkit.model import plain
from tasker_testkit.model.plain import LARGE, copied, frozen, frozen_in_parts
from tasker_testkit.model.unread import Thawing, Unread

leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4)
trees = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4)
)
BULK = list(range(LARGE))
DEEP = {"few": {"k": [1]}, "many": BULK, "inner": {"rows": [{"n": n} for n in BULK], "unit": "kg"}, "last": 1}


def containers(value):
    """The identities of all dicts and lists in a value."""
    if isinstance(value, (dict, list)):
        yield id(value)
        for inner in value.values() if isinstance(value, dict) else value:
            yield from containers(inner)


@pytest.mark.parametrize("freeze", [frozen, frozen_in_parts])
@settings(max_examples=50)
@given(value=trees)
def test_copies_are_equal_and_share_nothing(freeze, value):
    """Each call gives an equal value whose dicts and lists are nobody else's."""
    before, make = json.dumps(value), freeze(value)
    copies = [make(), make()]
    assert [json.dumps(one) for one in copies] == [before, before]
    everything = [identity for one in (value, *copies) for identity in containers(one)]
    assert len(everything) == len(set(everything))


@pytest.mark.parametrize("freeze", [frozen, frozen_in_parts])
def test_what_changes_later_changes_no_copy(freeze):
    """Neither a change of the original nor of a copy is seen in the next one."""
    value = copy.deepcopy(DEEP)
    make = freeze(value)
    for victim in (value, make()):
        victim["few"]["k"].append(2)
        victim["inner"]["rows"].clear()
        del victim["many"][:]
        victim["new"] = 1
    assert make() == DEEP


def test_what_is_almost_json():
    """Tuples become lists, mappings dicts; texts and numbers of another type become plain ones."""

    class Color(enum.StrEnum):
        RED = "red"

    found = copied({"colors": (Color.RED, [Color.RED]), "last": Color.RED})
    assert repr(found) == "{'colors': ['red', ['red']], 'last': 'red'}"
    assert copied(None) is None


READERS = {
    "==": lambda value: (value == DEEP, value != DEEP, [value] == [DEEP], [value] != [DEEP]),
    "dict()": dict,
    "**": lambda value: {**value},
    "call": lambda value: (lambda **fields: fields)(**value),
    "|": lambda value: value | {"x": 1},
    "reflected |": lambda value: {"x": 1} | value,
    "update": lambda value: (into := {}).update(value) or into,
    "json": json.dumps,
    "json, sorted": lambda value: json.dumps(value, sort_keys=True, indent=1),
    "copy": copy.copy,
    "own copy": lambda value: value.copy(),
    "deepcopy": copy.deepcopy,
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
    "repr": repr,
    "str": str,
    "iteration": lambda value: [value[key] for key in value],
    "reversed": lambda value: [value[key] for key in reversed(value)],
    "items": lambda value: list(value.items()),
    "values": lambda value: list(value.values()),
    "keys": lambda value: list(value.keys()),
    "get": lambda value: (value.get("many"), value.get("none"), value.get("none", 3)),
    "pop": lambda value: (value.pop("many"), value.pop("none", 4), list(value)),
    "popitem": lambda value: [value.popitem() for _ in range(4)],
    "setdefault": lambda value: (value.setdefault("many", 1), value.setdefault("new", 2), value["new"]),
    "in, len, bool": lambda value: ("many" in value, "none" in value, len(value), bool(value)),
    "isinstance": lambda value: isinstance(value, dict),
    "set": lambda value: (value.update(many=1), value)[1],
    "|=": lambda value: value.__ior__({"many": 2}),
    "del": lambda value: (value.__delitem__("many"), value)[1],
    "match": lambda value: _matched(value),
    "format": "{inner[unit]} {many[1]}".format_map,
    "inner": lambda value: value["inner"]["rows"][3],
}


def _matched(value):
    match value:
        case {"many": [first, *_], "inner": {"unit": unit}}:
            return first, unit


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_a_large_value_is_read_like_any_other(read):
    """Whatever Python code does with a dict, it can't tell that parts of this one come into being as it does so."""
    value = frozen_in_parts(DEEP)()
    assert isinstance(value, Thawing)
    plainly, found = read(copy.deepcopy(DEEP)), read(value)
    assert repr(found) == repr(plainly)
    assert found == plainly


@pytest.mark.parametrize("error", [lambda value: value["none"], lambda value: value.pop("none"), hash, lambda v: v[[]]])
def test_errors_are_a_dicts_own(error):
    """A missing key is a KeyError that names it; a dict can't be hashed."""
    with pytest.raises((KeyError, TypeError)) as expected:
        error(dict(DEEP))
    with pytest.raises(expected.type) as caught:
        error(frozen_in_parts(DEEP)())
    assert str(caught.value).replace("Thawing", "dict") == str(expected.value)


def test_only_what_is_read_is_copied(monkeypatch):
    """Of a large dict, reading one value copies that one, and once."""
    read = []
    monkeypatch.setattr(plain, "Unread", lambda make: Unread(lambda: read.append(1) or make()))
    value = frozen_in_parts(DEEP)()
    assert (value["few"], value["last"], "many" in value, read) == ({"k": [1]}, 1, True, [])
    assert value["many"] is value["many"]
    assert read == [1]


def test_small_values_are_plain_dicts():
    """What isn't large is exactly a dict, also for code that looks at the type."""
    assert type(frozen_in_parts({"a": {"b": [1]}})()) is dict
    assert type(copy.copy(frozen_in_parts(DEEP)())) is dict
    assert type(pickle.loads(pickle.dumps(frozen_in_parts(DEEP)()))) is dict


def test_code_that_goes_past_the_methods_is_told():
    """Who reads the storage of a dict meets a text that says what to do."""
    found = dict.__getitem__(frozen_in_parts(DEEP)(), "many")
    assert repr(found) == "<a large value that wasn't read yet; read it from its dict: [key], get(key), items()>"
