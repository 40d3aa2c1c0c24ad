"""Inputs for a template: those that a run accepts, and those that it refuses for one reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import Phase, find, given, settings

from tasker_testkit import InputError, Simulation, StrategyError, TemplateError, inputs
from tasker_testkit.model.loading import accept_context, load_template

FEW = settings(max_examples=40, database=None, derandomize=True)
FIRST = settings(
    max_examples=2_000, database=None, derandomize=True, phases=[Phase.generate], report_multiple_bugs=False
)
SMALLEST = settings(FIRST, phases=[Phase.generate, Phase.shrink])
CART = {
    "type": "object",
    "required": ["items", "email"],
    "properties": {
        "items": {"type": "array", "items": {"$ref": "#/$defs/item"}},
        "email": {"type": "string", "format": "email"},
        "note": {"type": ["string", "null"]},
    },
    "$defs": {
        "item": {
            "type": "object",
            "required": ["sku", "quantity"],
            "properties": {"sku": {"type": "string", "minLength": 1}, "quantity": {"type": "integer", "minimum": 1}},
        }
    },
}


def required(*names: str) -> dict[str, Any]:
    """A task handler that asks for these fields."""
    return {"initialization": {"input_validation": {"required_fields": list(names)}}}


def workflow(**fields: Any) -> dict[str, Any]:
    """A template of one step."""
    steps = [{"name": "a", "handler": {"callable": "a"}}]
    return {"name": "orders", "namespace_name": "shop", "version": "1.0.0", "steps": steps, **fields}


TEMPLATES = [
    workflow(),
    workflow(input_schema=CART),
    workflow(task_handler=required("user", "on")),
    workflow(input_schema=CART, task_handler=required("items", "note")),
    workflow(input_schema={"properties": {"a": {"type": "null"}}, "minProperties": 2}),
    workflow(input_schema=True),
]
with_misses = pytest.mark.parametrize("template", [one for one in TEMPLATES[1:] if one.get("input_schema") is not True])


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_run_accepts_every_input(template):
    """Simulation.run takes each of them, under both profiles."""
    simulations = [
        Simulation(template, stubs={"a": {}}, profile=name, missing_handlers="allow")
        for name in ("documented", "tasker-0.1.8")
    ]

    @FEW
    @given(inputs(template))
    def draw(value: Any) -> None:
        for simulation in simulations:
            assert simulation.run(value).state == "complete"

    draw()


@with_misses
def test_a_run_refuses_every_near_miss_for_one_reason(template):
    """Near misses are objects, and the refusal lists exactly one problem."""
    simulation = Simulation(template, stubs={"a": {}})

    @FEW
    @given(inputs(template, valid=False))
    def draw(value: Any) -> None:
        assert isinstance(value, dict)
        with pytest.raises(InputError) as refused:
            simulation.run(value)
        assert len(refused.value.problems) == 1

    draw()


MISSES = {
    "the field is there, and null": (workflow(task_handler=required("user")), lambda value: "user" in value),
    "the field isn't there": (workflow(task_handler=required("user")), lambda value: "user" not in value),
    "a key of both is missing": (TEMPLATES[3], lambda value: "items" not in value),
    "deep inside": (
        TEMPLATES[1],
        lambda value: value.get("items") and "email" in value and isinstance(value["items"], list),
    ),
    "the format": (TEMPLATES[1], lambda value: isinstance(value.get("email"), str) and "@" not in value["email"]),
}


@pytest.mark.parametrize(("template", "sought"), MISSES.values(), ids=MISSES)
def test_near_misses_are_of_every_kind(template, sought):
    """What is wrong can be any keyword at any place, of the schema or of required_fields."""
    find(inputs(template, valid=False), sought, settings=FIRST)


def test_inputs_shrink_to_the_smallest():
    """An input has what is required and nothing else; a near miss is the smallest of the sought kind."""
    assert find(inputs(workflow(input_schema=CART)), lambda value: True, settings=SMALLEST) == {
        "items": [],
        "email": "0@a.aa",
    }
    bought = find(inputs(workflow(input_schema=CART)), lambda value: len(value["items"]) == 1, settings=SMALLEST)
    assert bought == {"items": [{"sku": "0", "quantity": 1}], "email": "0@a.aa"}
    assert find(inputs(workflow(task_handler=required("a")), valid=False), lambda value: True, settings=SMALLEST) == {}


def test_texts_can_be_stored():
    """No text has a NUL or half a surrogate pair, and the real system's limits are kept."""

    @FEW
    @given(inputs(workflow()))
    def draw(value: Any) -> None:
        assert "\\u0000" not in json.dumps(value)
        json.dumps(value, ensure_ascii=False).encode()
        accept_context(value, profile="tasker-0.1.8")

    draw()


def test_the_template_can_be_anything_that_loads(tmp_path):
    """A path, a text, a mapping, a loaded template and a simulation give the same inputs."""
    template = workflow(input_schema=CART)
    path = tmp_path / "orders.yaml"
    path.write_text(json.dumps(template))
    simulation = Simulation(template, stubs={"a": {}})
    for source in (path, str(path), json.dumps(template, indent=1), template, load_template(template), simulation):
        assert find(inputs(source), lambda value: True, settings=FIRST).keys() >= {"items", "email"}


def test_what_cannot_be_done_is_said_at_once():
    """No template, no near misses, a schema that nothing fits: an error when the strategy is made."""
    with pytest.raises(TemplateError):
        inputs("nowhere.yaml")
    with pytest.raises(
        StrategyError, match=r"'orders' has no near misses: any object will do.*Say more in input_schema"
    ):
        inputs(workflow(), valid=False)
    with pytest.raises(StrategyError, match="no value for input_schema of template 'orders': its keywords exclude"):
        inputs(workflow(input_schema={"type": "string"}))


@pytest.mark.parametrize("valid", ["no", None, 0])
def test_valid_is_yes_or_no(valid):
    """What is neither True nor False isn't taken for one of them."""
    with pytest.raises(StrategyError, match=f"^valid={valid!r}: give True, or False for near misses.$"):
        inputs(workflow(), valid=valid)
