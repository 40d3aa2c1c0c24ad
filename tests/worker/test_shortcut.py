"""The short way to a StepContext gives what the SDK's own gives, and what is large in it is copied late."""

from __future__ import annotations

import copy
import json
import pickle

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


def made_by_the_sdk(context):
    """The same context, validated."""
    event = context.event
    return shortcut.validated({name: getattr(event, name) for name in event.model_fields_set}, context.handler_name)


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
    facts = {"input": input, "config": config, "inputs": inputs, "dependencies": dependencies, **row}
    short, real = step_context("a", **facts), made_by_the_sdk(step_context("a", **facts))
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


ASKED = {
    "a field": lambda context: context.event.task_sequence_step["workflow_step"]["name"],
    "which fields are set": lambda context: context.event.model_fields_set,
    "equality": lambda context: context.event == step_context("a", input={"n": [1]}).event,
    "text": lambda context: repr(context.event),
    "the context's text": repr,
    "fields as a dict": lambda context: context.event.model_dump(),
    "fields as JSON": lambda context: context.event.model_dump_json(exclude_unset=True),
    "the context's fields as a dict": lambda context: context.model_dump(),
    "the context's fields as JSON": lambda context: context.model_dump_json(exclude_unset=True),
    "its variables": lambda context: vars(context.event),
    "iteration": lambda context: dict(context.event),
    "a copy": lambda context: vars(copy.copy(context.event)),
    "a deep copy of the context": copy.deepcopy,
    "a pickled copy": lambda context: pickle.loads(pickle.dumps(context.event)),
    "the SDK's validation": lambda context: StepContext.from_ffi_event(context.event, "b"),
}


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
def test_an_event_is_the_sdks_own_whatever_is_asked_of_it_first(ask):
    """Nobody can tell that it is written out late: not by its fields, text, copies, comparisons, nor by its class."""
    late, real = step_context("a", input={"n": [1]}), made_by_the_sdk(step_context("a", input={"n": [1]}))
    assert isinstance(late.event, FfiStepEvent)
    assert ask(late) == ask(real)
    assert type(late.event) is FfiStepEvent
    assert late == real


def test_a_context_and_its_event_share_what_the_sdk_lets_them_share():
    """What a handler changes inside a value shows in the event, even in one that is written out later."""
    context = step_context("a", input={"n": [1]}, inputs={"m": [1]}, config={"k": [1]}, dependencies={"b": {"r": [1]}})
    context.input_data["n"].append(2)
    context.step_inputs["m"].append(2)
    context.step_config["k"].append(2)
    context.dependency_results["b"]["result"]["r"].append(2)
    for own in (context.input_data, context.step_inputs, context.step_config, context.dependency_results):
        own["new"] = True
    whole = context.event.task_sequence_step
    assert whole["task"]["task"]["context"] == {"n": [1, 2]}
    assert whole["workflow_step"]["inputs"] == {"m": [1, 2]}
    assert whole["step_definition"]["handler"]["initialization"] == {"k": [1, 2]}
    assert {name: stored["result"] for name, stored in whole["dependency_results"].items()} == {"b": {"r": [1, 2]}}
    assert context.event.task_sequence_step is whole


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
    assert shortcut._maker() is shortcut._asked
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
