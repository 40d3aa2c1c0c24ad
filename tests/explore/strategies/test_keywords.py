"""Values of schemas, keyword by keyword: what is drawn fits, what nearly fits is wrong in exactly one way."""

from __future__ import annotations

import re
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis.errors import NoSuchExample
from jsonschema.validators import Draft202012Validator

from tasker_testkit.explore.strategies.drawing import Drawing
from tasker_testkit.explore.strategies.keywords import SUPPORTED
from tasker_testkit.explore.strategies.shapes import Demand
from tasker_testkit.explore.strategies.sources import source_of

FORMATS = Draft202012Validator.FORMAT_CHECKER
PAGE = Path(__file__).resolve().parents[3] / "docs" / "strategies.md"


def text(**keywords: Any) -> dict[str, Any]:
    """A schema of texts."""
    return {"type": "string", **keywords}


def numbers(**keywords: Any) -> dict[str, Any]:
    """A schema of numbers."""
    return {"type": "number", **keywords}


def whole(**keywords: Any) -> dict[str, Any]:
    """A schema of whole numbers."""
    return {"type": "integer", **keywords}


def array(**keywords: Any) -> dict[str, Any]:
    """A schema of arrays."""
    return {"type": "array", **keywords}


def thing(**keywords: Any) -> dict[str, Any]:
    """A schema of objects."""
    return {"type": "object", **keywords}


ABC = {"a": True, "b": True, "c": True}
TREE = thing(
    properties={"value": {"type": "integer"}, "children": array(items={"$ref": "#/$defs/tree"})},
    required=["value"],
    additionalProperties=False,
)

SAMPLES: dict[str, list[Any]] = {
    "type": [
        *({"type": name} for name in ("null", "boolean", "integer", "number", "string", "array", "object")),
        {"type": ["string", "null"]},
        {"type": ["integer", "boolean"]},
    ],
    "enum": [{"enum": [1, "a", None, [1], {"a": [True]}]}, numbers(enum=[1, True, 0.5]), whole(enum=[3, 5], minimum=4)],
    "const": [{"const": {"a": 1}}, {"const": 1}, {"const": False}],
    "minimum": [whole(minimum=3), numbers(minimum=-1, maximum=1), {"minimum": 2**70, "type": "integer"}],
    "maximum": [whole(maximum=-3), numbers(maximum=0.5), {"maximum": 3}],
    "exclusiveMinimum": [numbers(exclusiveMinimum=0), whole(exclusiveMinimum=0, maximum=1)],
    "exclusiveMaximum": [numbers(exclusiveMinimum=0, exclusiveMaximum=1), numbers(exclusiveMaximum=0)],
    "multipleOf": [
        whole(multipleOf=5),
        numbers(multipleOf=0.01, minimum=0),
        whole(multipleOf=3, minimum=10, maximum=12),
        whole(allOf=[{"multipleOf": 4}, {"multipleOf": 6}]),
        whole(multipleOf=1.5),
        {"multipleOf": 1},
    ],
    "minLength": [text(minLength=3), text(minLength=2.0, maxLength=2)],
    "maxLength": [text(maxLength=3), text(maxLength=0)],
    "pattern": [
        text(pattern="^[A-Z]{3}-[0-9]{3}$"),
        text(pattern="a"),
        text(pattern="^[a-z]+$", minLength=5, maxLength=8),
        text(pattern=r"^\w*$", minLength=12),
    ],
    "format": [text(format=name) for name in sorted(FORMATS.checkers)] + [text(format="nobody knows")],
    "minItems": [array(minItems=2), array(minItems=1, items=array(minItems=1, items=whole()))],
    "maxItems": [array(maxItems=2, items=text()), array(maxItems=0)],
    "uniqueItems": [
        array(items={"type": "boolean"}, uniqueItems=True),
        array(items={"enum": [1, 2, 3]}, uniqueItems=True, minItems=3),
        array(items={"enum": [1, True, 0, False]}, uniqueItems=True, minItems=4),
        array(uniqueItems=False),
    ],
    "items": [array(items=whole()), array(items=False), array(items={"enum": ["a", "b"]}, minItems=1)],
    "prefixItems": [
        array(prefixItems=[whole(), text()]),
        array(prefixItems=[whole(), text()], items=False, minItems=2),
        array(prefixItems=[{"const": 1}], items={"type": "null"}, uniqueItems=True),
    ],
    "contains": [
        array(contains=whole()),
        array(prefixItems=[{"const": 1}, {"const": 2}], items=False, contains={"const": 2}),
        array(allOf=[{"contains": {"multipleOf": 2}}, {"contains": {"multipleOf": 3}}], maxItems=1),
    ],
    "minContains": [
        array(contains=whole(), minContains=0),
        array(contains={"const": 1}, minContains=2, maxContains=3, items=whole()),
    ],
    "maxContains": [array(contains=whole(), maxContains=1)],
    "properties": [thing(properties={"a": whole(), "b": text()}), thing(properties={"a": False})],
    "required": [thing(required=["a", "b"]), thing(properties={"a": whole()}, required=["a"])],
    "additionalProperties": [
        thing(properties={"a": whole()}, required=["a"], additionalProperties=False),
        thing(properties={"a": whole()}, additionalProperties=text()),
    ],
    "patternProperties": [
        thing(patternProperties={"^x_": whole()}, additionalProperties=False, minProperties=2),
        thing(patternProperties={"^f": whole(), "o$": {"minimum": 5}}, properties={"foo": whole()}, required=["foo"]),
    ],
    "propertyNames": [
        thing(propertyNames={"maxLength": 3}),
        thing(propertyNames={"enum": ["a", "b", "c"]}, minProperties=2),
        thing(properties={"ab": True}, propertyNames={"maxLength": 1}, additionalProperties=False),
    ],
    "minProperties": [thing(minProperties=2), thing(properties=ABC, minProperties=2, additionalProperties=False)],
    "maxProperties": [thing(maxProperties=1), thing(properties=ABC, required=["b"], maxProperties=2)],
    "dependentRequired": [
        thing(dependentRequired={"card": ["billing"]}, properties={"card": text()}),
        thing(required=["a"], dependentRequired={"a": ["b"], "b": ["c"]}),
    ],
    "dependentSchemas": [
        thing(dependentSchemas={"card": thing(required=["billing"], properties={"billing": text()})}, required=["card"])
    ],
    "allOf": [{"allOf": [whole(), {"minimum": 3}, {"maximum": 9}]}],
    "anyOf": [{"anyOf": [whole(), text(minLength=2)]}],
    "oneOf": [
        {"oneOf": [whole(multipleOf=3), whole(multipleOf=5)]},
        thing(
            oneOf=[
                {"properties": {"kind": {"const": "a"}, "x": whole()}, "required": ["kind", "x"]},
                {"properties": {"kind": {"const": "b"}, "y": text()}, "required": ["kind", "y"]},
            ]
        ),
    ],
    "not": [
        whole(**{"not": {"multipleOf": 2}}),
        {"not": {"type": "object"}},
        {"type": ["integer", "string"], "not": {"enum": [1, "a"]}},
        thing(properties=ABC, **{"not": {"required": ["a", "b"]}}),
    ],
    "if": [{"if": whole(), "then": {"minimum": 3}, "else": text()}],
    "then": [whole(**{"if": {"minimum": 0}, "then": {"multipleOf": 2}})],
    "else": [
        thing(
            properties={"country": {"enum": ["DE", "US"]}, "zip": text()},
            required=["country", "zip"],
            **{
                "if": {"properties": {"country": {"const": "US"}}},
                "then": {"properties": {"zip": {"pattern": r"^\d{5}$"}}},
                "else": {"properties": {"zip": {"pattern": r"^[A-Z]\d+$"}}},
            },
        )
    ],
    "$ref": [
        {"$defs": {"tree": TREE}, "$ref": "#/$defs/tree"},
        thing(properties={"next": {"$ref": "#"}, "v": whole()}, required=["v"]),
        {"$defs": {"node": {"anyOf": [whole(), array(items={"$ref": "#/$defs/node"})]}}, "$ref": "#/$defs/node"},
        {"$defs": {"a/b~1 %": whole()}, "$ref": "#/$defs/a~1b~01%20%25"},
        {"$defs": {"a/b~1 %": whole()}, "$ref": "#/$defs/a~1b~01%20%25", "enum": ["x", 2, 3]},
        {"$defs": {"x": {"$anchor": "here", "type": "string"}}, "$ref": "#here"},
        array(
            **{"$id": "https://example.com/root", "$defs": {"x": {"$id": "sub", "$defs": {"y": text()}, **whole()}}},
            prefixItems=[{"$ref": "sub"}, {"$ref": "sub#/$defs/y"}],
            minItems=2,
        ),
        thing(properties={"a": {"$ref": "#/$defs/yes"}}, required=["a"], **{"$defs": {"yes": True}}),
        thing(properties={"$ref": whole()}, required=["$ref"]),
        whole(maximum=3, **{"$ref": "#/$defs/positive", "$defs": {"positive": {"minimum": 1}}}),
    ],
    "unevaluatedProperties": [
        thing(allOf=[{"properties": {"a": whole()}}], properties={"b": text()}, unevaluatedProperties=False),
        thing(
            anyOf=[
                {"properties": {"a": whole()}, "required": ["a"]},
                {"properties": {"b": text()}, "required": ["b"]},
            ],
            unevaluatedProperties=False,
        ),
    ],
    "unevaluatedItems": [
        array(prefixItems=[whole()], unevaluatedItems=False, minItems=1),
        array(contains={"const": 1}, unevaluatedItems=text()),
    ],
    "annotations": [
        whole(title="t", description="d", default="x", examples=[[]], **{"$comment": "c", "x-own": []}),
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "boolean", "contentEncoding": "base64"},
    ],
}
"""By keyword, schemas in which it counts; of annotations none does."""

few = settings(
    max_examples=8, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck), derandomize=True
)


each_sample = pytest.mark.parametrize(
    "schema",
    [pytest.param(one, id=f"{name}-{number}") for name, found in SAMPLES.items() for number, one in enumerate(found)],
)


def problems(schema: Any, value: Any) -> int:
    """How many errors a validator of its own finds, counted up to two."""
    validator = Draft202012Validator(schema, format_checker=FORMATS)
    return len(list(islice(validator.iter_errors(value), 2)))


def check_all(values: Any, expected: int, schema: Any) -> None:
    """Of a few of these values each has so many problems."""

    @few
    @given(values)
    def check(value: Any) -> None:
        assert problems(schema, value) == expected

    check()


@each_sample
def test_values_fit(schema):
    """Every value fits by the way it is built, none because others were dropped; the validator is one of its own."""
    drawing = Drawing(source_of(schema, "it"))
    check_all(drawing.values((Demand(drawing.source.root),), lambda value: True), 0, schema)


@each_sample
def test_near_misses_are_wrong_in_one_way(schema):
    """Near misses have exactly one error; and what was built for one, but dropped, never fits either."""
    drawing = Drawing(source_of(schema, "it"))
    built: list[int] = []

    def has_one_problem(value: Any) -> bool:
        built.append(problems(schema, value))
        return built[-1] == 1

    check_all(drawing.values((Demand(drawing.source.root, "miss"),), has_one_problem), 1, schema)
    assert 0 not in built


@pytest.mark.parametrize(
    "schema",
    [
        array(items=whole(), minItems=3),
        array(items=array(items=whole(), minItems=2), minItems=2),
        thing(additionalProperties=whole(), minProperties=3),
        thing(patternProperties={"^x": whole()}, propertyNames={"pattern": "^x"}, minProperties=3),
        thing(properties={"a": whole(), "b": text()}, required=["a", "b"]),
        whole(minimum=3, maximum=9),
    ],
    ids=str,
)
def test_one_thing_alone_is_wrong(schema):
    """Of several items, keys and keywords one alone is broken, the others are kept; also by the way they're built."""
    drawing = Drawing(source_of(schema, "it"))
    values = drawing.values((Demand(drawing.source.root, "miss"),), lambda value: True)
    check_all(values, 1, schema)


@pytest.mark.parametrize("keyword", [name for name in SAMPLES if name not in ("annotations", "if", "$ref")])
def test_each_keyword_can_be_what_is_wrong(keyword):
    """For every keyword that the validator names in its errors there are near misses in which it's the broken one."""
    found = []
    for schema in SAMPLES[keyword]:
        drawing = Drawing(source_of(schema, "it"))
        validator = Draft202012Validator(schema, format_checker=FORMATS)

        def broken(value: Any, validator: Any = validator) -> bool:
            (error,) = validator.iter_errors(value)
            return keyword in (*error.absolute_schema_path, error.validator)

        misses = drawing.values((Demand(drawing.source.root, "miss"),), lambda v, s=schema: problems(s, v) == 1)
        with suppress(NoSuchExample):
            found.append(find(misses, broken, settings=settings(few, max_examples=100, report_multiple_bugs=False)))
    assert len(found) >= len(SAMPLES[keyword]) / 2


def test_every_keyword_is_supported_or_refused():
    """All keywords that the validator checks have samples here, but $dynamicRef, which is refused."""
    checked = {*Draft202012Validator.VALIDATORS} | {"then", "else", "minContains", "maxContains"}
    assert checked - {"$dynamicRef"} == SUPPORTED == {*SAMPLES} - {"annotations"}


def test_the_page_has_every_keyword():
    """docs/strategies.md lists exactly the supported keywords."""
    listed = re.search(r"<!-- keywords -->(.*?)<!-- end -->", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert listed is not None
    assert {*re.findall(r"`([^`]+)`", listed[1])} == SUPPORTED
