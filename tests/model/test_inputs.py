"""A task's input against what its template asks for."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_testkit.errors import InputError
from tasker_testkit.model.loading import accept_context, check_input, load_template

SCHEMA = {
    "type": "object",
    "required": ["items", "customer_email"],
    "properties": {
        "items": {"type": "array", "items": {"type": "object", "required": ["sku", "quantity"]}},
        "customer_email": {"type": "string", "format": "email"},
    },
}
REQUIRED = {"initialization": {"input_validation": {"required_fields": ["items", "customer_email", "note"]}}}
CART = {"items": [{"sku": "a", "quantity": 1}], "customer_email": "a@example.com"}


def template(**keys):
    """A loaded template of one step."""
    step = {"name": "a", "handler": {"callable": "x"}}
    return load_template({"name": "order", "namespace_name": "n", "version": "1", "steps": [step], **keys})


ORDER = template(input_schema=SCHEMA, task_handler=REQUIRED)


def refusal(input, of=ORDER):
    """The problems of an input."""
    with pytest.raises(InputError) as refused:
        check_input(of, input)
    return refused.value


def test_everything_is_told_at_once():
    """All problems come together: required fields first, then the schema's, each with its path."""
    error = refusal({"items": [{"sku": "a"}, {"quantity": 1}], "customer_email": "nobody", "note": None})
    assert str(error) == (
        "Template 'order' doesn't accept this input, 4 problems:\n"
        "  note: is missing.\n"
        "  customer_email: 'nobody' is not a 'email'.\n"
        "  items[0].quantity: is missing.\n"
        "  items[1].sku: is missing.\n"
        "Change the input, or input_schema and required_fields of the template."
    )
    assert len(error.problems) == 4


def test_what_is_missing_is_told_once():
    """A key that both required_fields and the schema ask for is one problem."""
    assert refusal({"note": 1, "items": []}).problems == ("customer_email: is missing.",)


@pytest.mark.parametrize("value", ["", 0, False, [], {}])
def test_empty_values_are_there(value):
    """Only null counts as missing: empty text, 0, false and empty collections are values."""
    check_input(
        template(task_handler={"initialization": {"input_validation": {"required_fields": ["a"]}}}), {"a": value}
    )


def test_a_good_input_passes_again_and_again():
    """An input that fits is accepted each time, unchanged; and a bad one after it isn't."""
    before = {**CART, "note": "n", "extra": 1}
    given = {**before}
    for _ in range(3):
        check_input(ORDER, given)
    assert given == before
    assert refusal({**given, "customer_email": 1}).problems == ("customer_email: 1 is not of type 'string'.",)


@pytest.mark.parametrize("close", [True, 1.0, "1"])
def test_inputs_that_look_alike_are_told_apart(close):
    """A value that merely equals an accepted one, or prints alike, is judged by itself."""
    one = template(input_schema={"properties": {"a": {"const": 1, "type": "integer"}}})
    check_input(one, {"a": 1})
    if close == 1.0 and not isinstance(close, bool):
        check_input(one, {"a": close})
    else:
        refusal({"a": close}, one)


BAD_VALUES = {
    "nan": (float("nan"), "a is nan, which JSON can't hold."),
    "infinity": (float("-inf"), "a is -inf, which JSON can't hold."),
    "set": ({1}, "a is {1}, a set."),
    "bytes": (b"x", "a is b'x', a bytes."),
    "date": (datetime.date(2026, 1, 1), "a is datetime.date(2026, 1, 1), a date."),
    "surrogate": ("\ud800", "a has half a surrogate pair, which UTF-8 can't hold."),
    "deep value": ({"b": [1, object]}, "a.b[1] is <class 'object'>, a type."),
    "number as key": ({1: 2}, "a has the key 1, a int; keys are texts."),
}


@pytest.mark.parametrize("profile", ["documented", "tasker-0.1.8"])
@pytest.mark.parametrize("case", BAD_VALUES)
def test_what_is_not_json_is_refused(case, profile):
    """A value that JSON can't hold is named with its path and type, and never reaches a task."""
    value, text = BAD_VALUES[case]
    if profile == "documented":
        assert refusal({"a": value}).problems == (text,)
    with pytest.raises(InputError) as refused:
        accept_context({"a": value}, (), profile)
    assert str(refused.value) == f"The input isn't JSON:\n  {text}"


def test_an_endless_input_is_refused():
    """An input that holds itself is nested too deep, not a RecursionError."""
    endless: dict[str, object] = {}
    endless["a"] = endless
    assert "nested more than 128 deep." in refusal(endless).problems[0]


@pytest.mark.parametrize("value", [None, [1], "x", 3, True])
def test_an_input_is_an_object(value):
    """Whatever isn't an object is refused by name."""
    said = f"A task's input is a JSON object (a dict), not {value!r}, a {type(value).__name__}."
    assert str(refusal(value)) == said


def test_a_schema_without_end_is_said_so():
    """A schema that refers to itself for ever makes a problem, not a RecursionError."""
    endless = template(input_schema={"$ref": "#"})
    assert refusal({"a": 1}, endless).problems == (
        "the input: can't be checked: the schema refers to itself without end, or the value is too deep for it.",
    )


def test_the_closest_of_several_forms_is_told():
    """Where one of several forms must fit, the message says what the closest one lacks."""
    either = template(input_schema={"anyOf": [{"required": ["a"]}, {"properties": {"b": {"type": "string"}}}]})
    assert refusal({"b": 1}, either).problems == (
        "the input: {'b': 1} is not valid under any of the given schemas (b: 1 is not of type 'string').",
    )


def test_the_schema_says_which_draft_counts():
    """``$schema`` chooses the draft: ``definitions`` of draft 7 work, and its tuples too."""
    old = {"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"a": {"items": [{"type": "string"}]}}}
    check_input(template(input_schema=old), {"a": ["x", 1]})
    assert refusal({"a": [1]}, template(input_schema=old)).problems == ("a[0]: 1 is not of type 'string'.",)


def test_the_real_system_checks_nothing():
    """Under a profile without ``checks_input`` every object is accepted."""
    check_input(ORDER, {}, "tasker-0.1.8")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


def shares_nothing(one, other):
    """Whether two equal values have no list or mapping in common."""
    if isinstance(one, dict):
        return one is not other and all(shares_nothing(one[key], other[key]) for key in one)
    return not isinstance(one, list) or (one is not other and all(map(shares_nothing, one, other)))


@given(st.dictionaries(st.text(), json_values), st.lists(st.text()))
def test_documented_keeps_every_context(input, tags):
    """In ``documented`` the task gets an equal copy of its input and tags, and shares no object with them."""
    context, kept = accept_context(input, tags)
    assert context == input
    assert shares_nothing(context, input)
    assert kept == tuple(tags)


@pytest.mark.parametrize("tags", ["urgent", [1], {"a": 1}, None])
def test_tags_are_texts(tags):
    """Tags are a list of texts."""
    with pytest.raises(InputError) as refused:
        accept_context({}, tags)
    assert str(refused.value) == f"A task's tags are a list of texts, not {tags!r}."
