"""What a template's schemas say goes in and comes out: inputs of its tasks, and results of its steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from hypothesis import strategies as st

from tasker_testkit.errors import InputError, StrategyError
from tasker_testkit.explore.strategies.drawing import Drawing
from tasker_testkit.explore.strategies.shapes import Demand, Demands
from tasker_testkit.explore.strategies.sources import Source, source_of
from tasker_testkit.model.loading import check_input, required_fields
from tasker_testkit.model.template import StepTemplate, Template

Objects = st.SearchStrategy[dict[str, Any]]

_OBJECT: Final = Demand({"type": "object"})
_NEVER_NULL: Final = {"not": {"type": "null"}}


def inputs_of(template: Template, *, valid: bool = True) -> Objects:
    """Inputs that ``check_input`` accepts; not ``valid``: objects of which it has exactly one problem to tell."""
    schema = True if template.input_schema is None else template.input_schema
    source = source_of(schema, f"input_schema of template {template.name!r}")
    fields = {"required": _unsaid(template), "properties": dict.fromkeys(required_fields(template), _NEVER_NULL)}
    if valid:
        demands = (_OBJECT, Demand(source.root), Demand(fields))
        return Drawing(source).values(demands, lambda value: _problems(template, value) == 0)
    return st.one_of(list(_near_misses(template, source, fields)))


def _near_misses(template: Template, source: Source, fields: dict[str, Any]) -> Iterator[Objects]:
    """Those of the schema, and those of ``required_fields``."""
    wanted: tuple[Demands, ...] = (
        (_OBJECT, Demand(source.root, "miss"), Demand(fields)),
        (_OBJECT, Demand(source.root), Demand(fields, "miss")),
    )
    drawing = Drawing(source)
    found = [demands for demands in wanted if drawing.can_be(demands)]
    if not found:
        raise StrategyError(
            f"Template {template.name!r} has no near misses: any object will do for its input_schema and "
            "required_fields, or whatever breaks them breaks them twice. Say more in input_schema."
        )
    for demands in found:
        yield drawing.values(demands, lambda value: _problems(template, value) == 1)


def _unsaid(template: Template) -> list[str]:
    """The required fields that the schema doesn't require itself: without one of the others, both would say so."""
    schema = template.input_schema
    said = schema.get("required", ()) if isinstance(schema, dict) else ()
    return [name for name in required_fields(template) if name not in said]


def _problems(template: Template, value: Any) -> int:
    try:
        check_input(template, value)
    except InputError as error:
        return len(error.problems)
    return 0


def results_of(template: Template, step: StepTemplate) -> Objects:
    """Results that fit the step's ``result_schema``; any object without one."""
    schema = True if step.result_schema is None else step.result_schema
    source = source_of(schema, f"result_schema of step {step.name!r} of template {template.name!r}")
    return Drawing(source).values((_OBJECT, Demand(source.root)), lambda value: source.fits(source.root, value))
