"""The short way to a StepContext gives what the SDK's own gives, and what is large in it is copied late."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tasker_core import FfiStepEvent, StepContext, StepHandlerResult

from tasker_testkit.model.plain import LARGE
from tasker_testkit.model.unread import Unread
from tasker_testkit.worker import shortcut
from tasker_testkit.worker.single import step_context
from tasker_testkit.worker.wire import crossed

values = st.integers(-9, 9) | st.lists(st.text(max_size=2), max_size=2)
mappings = st.dictionaries(st.text(max_size=3), values, max_size=3)


@settings(max_examples=40)
@given(
    input=mappings,
    config=mappings,
    inputs=st.none() | mappings,
    dependencies=st.dictionaries(st.sampled_from("abc"), mappings),
    attempt=st.integers(1, 3),
    max_attempts=st.integers(0, 3),
)
def test_the_short_way_leads_to_the_same_context(input, config, inputs, dependencies, attempt, max_attempts):
    """Fields, their types, which of them count as set, and what is a copy of what, are as the SDK makes them."""
    row = {"attempt": attempt, "max_attempts": max_attempts, "stubs": "off"}
    event = step_context("a", input=input, config=config, inputs=inputs, dependencies=dependencies, **row).event
    given = {name: getattr(event, name) for name in event.model_fields_set}
    short, real = (make(given, "handler") for make in (shortcut.step_context_of, shortcut.validated))
    for one, other in ((short, real), (short.event, real.event)):
        assert type(one) is type(other)
        assert one == other
        assert vars(one) == vars(other)
        assert {name: type(value) for name, value in vars(one).items()} == {
            name: type(value) for name, value in vars(other).items()
        }
        assert one.model_fields_set == other.model_fields_set
        assert one.model_dump_json() == other.model_dump_json()
        assert repr(one) == repr(other)
    for context in (short, real):
        whole = context.event.task_sequence_step
        assert context.input_data is not whole["task"]["task"]["context"]
        assert context.dependency_results is not whole["dependency_results"]


@pytest.mark.parametrize("given", [{"input": ["no dict"]}, {"inputs": ["no dict"]}])
def test_what_the_sdk_refuses_is_refused(given):
    """Facts that no context can be made of are refused by the SDK itself, in its words."""
    with pytest.raises(ValidationError, match="Input should be a valid dictionary"):
        step_context("a", **given)


def test_an_sdk_with_other_fields_is_asked_itself(monkeypatch):
    """As soon as its models have a field that we don't know, every context is made by the SDK."""
    assert set(FfiStepEvent.model_fields) == shortcut._EVENT
    assert set(StepContext.model_fields) == shortcut._CONTEXT
    shortcut._maker.cache_clear()
    monkeypatch.setattr(shortcut, "_CONTEXT", shortcut._CONTEXT | {"added"})
    assert shortcut._maker() is shortcut.validated
    shortcut._maker.cache_clear()


ROWS = [{"n": n} for n in range(LARGE)]


def test_large_results_cross_the_wire_unread():
    """A handler that hands on what it never read hands on all of it; so do pydantic's own writers."""
    results = step_context("a", dependencies={"b": {"rows": ROWS}}).dependency_results
    for handed_on in ({"b": results["b"]["result"]}, StepHandlerResult.success(results["b"]["result"]).result):
        assert '{"n":499}' in json.dumps(crossed(handed_on, "result")).replace(" ", "")
    context = step_context("a", dependencies={"b": {"rows": ROWS}})
    assert json.loads(context.model_dump_json())["dependency_results"]["b"]["result"] == {"rows": ROWS}
    assert step_context("a", dependencies={"b": {"rows": ROWS}}).model_dump()["dependency_results"]["b"]["result"] == {
        "rows": ROWS
    }
    assert step_context("a", dependencies={"b": {"rows": ROWS}}).get_dependency_field("b", "rows") == ROWS


def test_a_workers_context_has_no_copy_of_all_cursors():
    """Who reads one field of a large result copies that field, not its thousand rows; a retry has a copy of its own."""
    for _ in range(2):
        context = step_context("a", dependencies={"b": {"rows": ROWS, "path": "rows.csv"}})
        assert context.get_dependency_field("b", "path") == "rows.csv"
        result = context.get_dependency_result("b")
        assert isinstance(dict.__getitem__(result, "rows"), Unread)
        result["rows"].clear()
        assert result == {"rows": [], "path": "rows.csv"}
