"""Whole schemas: how values shrink, which schemas are refused, and what holds for any schema at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from jsonschema.validators import Draft202012Validator

from tasker_testkit import StrategyError
from tasker_testkit.explore.strategies.drawing import Drawing
from tasker_testkit.explore.strategies.shapes import Demand, fingerprint
from tasker_testkit.explore.strategies.sources import source_of

QUICK = settings(max_examples=500, database=None, derandomize=True, phases=[Phase.generate, Phase.shrink])


def values(schema: Any, mood: Any = "fit") -> Any:
    """Values of the schema."""
    drawing = Drawing(source_of(schema, "it"))
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    wanted = 0 if mood == "fit" else 1
    return drawing.values((Demand(drawing.source.root, mood),), lambda v: len(list(validator.iter_errors(v))) == wanted)


NAMES = st.sampled_from(("a", "b", "ab"))
PATTERNS = st.sampled_from(("^a", "b$", "^[a-z]+$", "^.{2}$"))
SMALL = st.integers(0, 3)
CONSTANTS = st.sampled_from((None, True, False, 0, 1, 1.0, 2, 0.5, "", "a", "ab", [], [1], [True], {}, {"a": 1}))
TYPES = st.sampled_from(("null", "boolean", "integer", "number", "string", "array", "object"))

ANY: Any = lambda value: True  # noqa: E731
LONG: Any = lambda value: len(value) > 2  # noqa: E731
ITEMS = {"type": "array", "items": {"type": "integer"}}
CHOICE = {"anyOf": [{"type": "string", "minLength": 2}, {"type": "integer"}]}
THING = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}, "required": ["b"]}


@pytest.mark.parametrize(
    ("schema", "mood", "sought", "smallest"),
    [
        ({}, "fit", ANY, None),
        ({"type": "integer"}, "fit", lambda value: value > 20, 21),
        ({"type": "number", "minimum": 0.5}, "fit", lambda value: isinstance(value, float) and value > 1, 2.0),
        ({"type": "string"}, "fit", LONG, "000"),
        ({"type": "string", "format": "uuid"}, "fit", ANY, "00000000-0000-0000-0000-000000000000"),
        (ITEMS, "fit", LONG, [0, 0, 0]),
        (ITEMS, "fit", lambda value: sum(value) > 5, [6]),
        ({**ITEMS, "uniqueItems": True}, "fit", LONG, [0, 1, -1]),
        ({**ITEMS, "contains": {"minimum": 7}}, "fit", ANY, [7]),
        (THING, "fit", ANY, {"b": ""}),
        (THING, "fit", lambda value: "a" in value, {"a": 0, "b": ""}),
        (CHOICE, "fit", ANY, "00"),
        (CHOICE, "fit", lambda value: isinstance(value, int), 0),
        (THING, "miss", lambda value: isinstance(value, dict) and "b" not in value, {}),
        (THING, "miss", lambda value: isinstance(value, dict) and "a" in value, {"a": None, "b": ""}),
        ({"type": "integer", "minimum": 3}, "miss", lambda value: type(value) is int, 0),
    ],
)
def test_values_shrink_to_the_smallest(schema, mood, sought, smallest):
    """Few items and keys, short texts, numbers near 0, the first alternative; nothing that doesn't have to be there."""
    found = find(values(schema, mood), sought, settings=QUICK)
    assert json.dumps(found) == json.dumps(smallest)


REFUSED = [
    (
        {"$dynamicRef": "#x", "$dynamicAnchor": "x"},
        "it has $dynamicRef, by which no values can be drawn. Say it with other keywords",
    ),
    (
        {"properties": {"a": {"$schema": "http://json-schema.org/draft-07/schema#"}}},
        "it.properties.a is of http://json-schema.org/draft-07/schema#. Values are drawn from draft 2020-12 only",
    ),
    (
        {"$ref": "https://json-schema.org/draft/2020-12/schema"},
        "it refers to 'https://json-schema.org/draft/2020-12/schema', which isn't a part of it. Copy that schema into",
    ),
    ({"$ref": "#/$defs/x"}, "No values can be drawn from it: the reference '#/$defs/x' leads nowhere."),
    ({"type": "strin"}, "not a JSON Schema: type 'strin' isn't known. Did you mean 'string'?"),
    (
        {"anyOf": [{"type": "integer"}, {"$ref": "#"}]},
        "it refers to itself without end, for one and the same value:\n  it\n  it.anyOf[1]\n  it\nRefer to it from",
    ),
    (
        {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
        "There seems to be no value for it: its keywords exclude each other, or want values inside values without end.",
    ),
    ({"type": "integer", "enum": ["a"]}, "There seems to be no value for it"),
    ({"type": "string", "pattern": "^a{3}$", "minLength": 5}, "There seems to be no value for it"),
    ({"type": "array", "contains": {"type": "null"}, "items": {"type": "string"}}, "There seems to be no value for it"),
    ({"type": "object", "minProperties": 2, "properties": {"a": {}}, "additionalProperties": False}, "no value for it"),
    ({"type": "integer", "minimum": 1, "maximum": 4, "multipleOf": 5}, "There seems to be no value for it"),
]


@pytest.mark.parametrize(("schema", "said"), REFUSED)
def test_what_cannot_be_drawn_from_is_refused(schema, said):
    """The error comes when the strategy is made; it names the keyword and its place, and what to do."""
    with pytest.raises(StrategyError) as error:
        values(schema)
    assert said in str(error.value)


def test_what_is_too_hard_is_said():
    """Two patterns that hardly meet: after some tries there is an error of ours, not one about filters."""
    hard = {"type": "string", "allOf": [{"pattern": "^[ab]{5}c"}, {"pattern": "^.{3}zz"}]}

    @settings(database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(values(hard))
    def draw(value: Any) -> None:
        """Never called."""

    with pytest.raises(StrategyError, match=r"it is too hard: 30 times no value was found for it\..*one pattern"):
        draw()


@pytest.mark.parametrize(("pattern", "never"), [("^[ab]$", "\n"), (r"^[\x00-\x02]$", "\0")], ids=["line break", "NUL"])
def test_texts_never_have(pattern, never):
    """No line break that only Python's ``$`` allows, and no NUL, which Tasker's database can't store."""

    @settings(max_examples=100, database=None, derandomize=True)
    @given(values({"type": "string", "pattern": pattern}))
    def draw(value: Any) -> None:
        assert never not in value

    draw()


@given(st.lists(CONSTANTS, min_size=2, max_size=2))
def test_fingerprints_are_those_of_json(pair):
    """Two values have one fingerprint exactly if the validator takes them for the same: 1 and 1.0, not 1 and true."""
    one, other = pair
    assert (fingerprint(one) == fingerprint(other)) == Draft202012Validator({"const": one}).is_valid(other)


def test_recursion_ends():
    """Values of a schema that contains itself are finite, and not deeper than Tasker takes an input."""
    tree = {"type": "array", "items": {"$ref": "#"}}

    def depth(value: Any) -> int:
        return 1 + max(map(depth, value), default=0)

    @settings(max_examples=50, database=None, derandomize=True)
    @given(values(tree))
    def draw(value: Any) -> None:
        assert depth(value) <= 10

    draw()


# -- any schema --------------------------------------------------------------------------------------------------------


def keywords(inner: Any) -> Any:
    """Schemas of up to four keywords, around other schemas."""
    several = st.lists(inner, min_size=1, max_size=2)
    table = {
        "type": TYPES,
        "enum": st.lists(CONSTANTS, min_size=1, max_size=3),
        "const": CONSTANTS,
        **dict.fromkeys(("minimum", "exclusiveMaximum"), st.sampled_from((-1, 0, 0.5, 2))),
        "multipleOf": st.sampled_from((1, 2, 0.5)),
        **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), SMALL),
        **dict.fromkeys(("minContains", "maxContains"), SMALL),
        "pattern": PATTERNS,
        "uniqueItems": st.booleans(),
        **dict.fromkeys(("items", "contains", "additionalProperties", "propertyNames"), inner),
        **dict.fromkeys(("not", "if", "then", "else"), inner),
        **dict.fromkeys(("prefixItems", "allOf", "anyOf", "oneOf"), several),
        **dict.fromkeys(("properties", "dependentSchemas"), st.dictionaries(NAMES, inner, min_size=1, max_size=2)),
        "patternProperties": st.dictionaries(PATTERNS, inner, min_size=1, max_size=2),
        "required": st.lists(NAMES, unique=True),
        "dependentRequired": st.dictionaries(NAMES, st.lists(NAMES, unique=True), max_size=1),
    }
    chosen = st.lists(st.sampled_from(sorted(table)), min_size=1, max_size=4, unique=True)
    return chosen.flatmap(lambda names: st.fixed_dictionaries({name: table[name] for name in names}))


SCHEMAS = st.recursive(st.booleans() | TYPES.map(lambda name: {"type": name}), keywords, max_leaves=6)


@pytest.mark.parametrize("mood", ["fit", "miss"])
def test_any_schema(mood):
    """Whatever the schema: values fit and near misses have one error, or it is said at once that there are none."""

    @settings(max_examples=60, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(SCHEMAS, st.data())
    def draw(schema: Any, data: Any) -> None:
        validator = Draft202012Validator(schema)
        try:
            value = data.draw(values(schema, mood))
        except StrategyError as error:
            assert "There seems to be no value" in str(error)  # noqa: PT017
        else:
            assert len(list(validator.iter_errors(value))) == (mood == "miss")

    draw()


def test_no_value_means_none():
    """Where it is said that nothing fits, none of many small values does."""
    containers: Any = lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2)  # noqa: E731
    small = st.recursive(CONSTANTS, containers)

    @settings(max_examples=100, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(SCHEMAS, st.lists(small, min_size=5, max_size=20))
    def draw(schema: Any, candidates: Any) -> None:
        try:
            values(schema)
        except StrategyError:
            assert not any(map(Draft202012Validator(schema).is_valid, candidates))

    draw()
