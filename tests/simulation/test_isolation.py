"""Nothing is shared: not between steps, not between runs, not with the test. And what handlers may not do."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tasker_core.step_handler.functional import step_handler

from tasker_testkit import HandlerError, InputError, Simulation


def spoil(value):
    """Change a JSON value everywhere inside."""
    if isinstance(value, dict):
        for inner in list(value.values()):
            spoil(inner)
        value["spoilt"] = True
    elif isinstance(value, list):
        for inner in value:
            spoil(inner)
        value.append("spoilt")


words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=3)
trees = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)


@given(given=st.dictionaries(words, trees, max_size=3), kind=st.sampled_from(["class", "function"]))
def test_what_a_handler_spoils_is_its_own(workflow, handler, given, kind):
    """A handler that changes its input and its dependencies, and goes on changing what it returned, changes nothing."""
    kept, seen = [], []

    def first(context):
        kept.append(json.loads(json.dumps(given)))
        return kept[-1]

    def second(context):
        for value in (context.input_data, context.dependency_results, *kept):
            spoil(value)
        return {}

    def third(context):
        seen.append((context.input_data, context.get_dependency_result("a")))
        return {}

    made = {"a": first, "b": second, "c": third}
    handlers = {n: step_handler(n)(f) if kind == "function" else handler(f) for n, f in made.items()}
    simulation, before = Simulation(workflow("a", "b", "c"), handlers=handlers), json.dumps(given)
    run = simulation.run(given)
    assert seen == [(given, given)]
    assert (run["a"].result, dict(run.history.input)) == (given, given)
    assert json.dumps(given) == before
    assert simulation.run(given).history.to_json() == run.history.to_json()


def test_siblings_do_not_see_one_another(workflow, handler, profile):
    """Two steps that get the same dependency's result get a copy each, and so does a second attempt."""
    seen = []

    def greedy(context):
        found = context.get_dependency_result("a")
        seen.append(json.dumps(found))
        found["items"].clear()
        if context.retry_count == 0:
            raise ConnectionError
        return {}

    template = workflow("a", "b", {"name": "c", "dependencies": ["a"]})
    handlers = {"a": handler(lambda context: {"items": [1]}), "b": handler(greedy), "c": handler(greedy)}
    Simulation(template, handlers=handlers, profile=profile).run()
    assert seen == ['{"items": [1]}'] * 4


def test_setup_runs_before_each_run(workflow, handler, profile):
    """The team's doubles start afresh in every run; an input that is refused starts none."""
    charged = []
    options = {
        "setup": charged.clear,
        "handlers": {"a": handler(lambda context: {"charged": charged.append(1) or len(charged)})},
    }
    simulation = Simulation(workflow("a"), profile=profile, **options)
    assert [simulation.run()["a"].result for _ in range(3)] == [{"charged": 1}] * 3
    charged.append("untouched")
    with pytest.raises(InputError):
        simulation.run({"not JSON": {1, 2}})
    assert charged[-1] == "untouched"


def test_setup_that_raises_is_one_clear_error(workflow, handler):
    """It names the exception and its line, and no handler is called; the exception itself is the error's cause."""
    called = []

    def reset():
        raise ValueError("no gateway")

    simulation = Simulation(workflow("a"), handlers={"a": handler(called.append)}, setup=reset)
    with pytest.raises(HandlerError) as caught:
        simulation.run()
    assert re.fullmatch(
        r"setup=test_setup_that_raises_is_one_clear_error\.<locals>\.reset raised ValueError: no gateway\n"
        r"  \S+test_isolation\.py:\d+ in reset\n"
        r"It is called before every run, to give doubles a fresh start; nothing was run\.",
        str(caught.value),
    )
    assert (called, type(caught.value.__cause__)) == ([], ValueError)


def test_setup_runs_at_the_first_instant(workflow, handler, profile):
    """What a double reads off the clock in setup is the same in every run, whether it was frozen before or not."""
    seen = []
    simulation = Simulation(
        workflow("a"),
        handlers={"a": handler(lambda context: time.sleep(60) or {})},
        setup=lambda: seen.append(datetime.now(UTC)),
        start="2030-01-01T00:00:00Z",
        profile=profile,
    )
    simulation.run()
    with simulation.kept_frozen():
        simulation.run()
        simulation.run()
    assert seen == [datetime(2030, 1, 1, tzinfo=UTC)] * 3


def test_an_input_changed_afterwards(workflow, profile):
    """A run keeps the input as it was submitted."""
    cart = {"items": [1]}
    run = Simulation(workflow("a"), stubs={"a": {}}, profile=profile).run(cart)
    cart["items"].append(2)
    assert run.history.input == {"items": [1]}


def test_results_are_the_readers_own_copy_of_nothing(workflow):
    """Changing what a run says doesn't change what a later run says."""
    simulation = Simulation(workflow("a"), stubs={"a": {"items": [1]}})
    simulation.run()["a"].result["items"].append(2)
    assert simulation.run()["a"].result == {"items": [1]}


def test_a_result_that_is_no_json(workflow, handler, profile):
    """Row 11: the step fails for good, in plain words as documented."""
    run = Simulation(workflow("a"), handlers={"a": handler(lambda context: {"gateway": object})}, profile=profile).run()
    assert (run.state, len(run["a"].attempts)) == ("blocked_by_failures", 1)
    error = run["a"].attempts[0].outcome
    if profile == "documented":
        assert error.error_type == "contract_error"
        assert error.message.endswith(
            "A result crosses to Tasker as JSON: return dicts, lists, texts, numbers, booleans and None."
        )
    else:
        assert error.error_type == "FFI_SERIALIZATION_ERROR"


@pytest.mark.parametrize("deadly", [SystemExit, KeyboardInterrupt])
def test_a_handler_that_exits_ends_its_worker(workflow, handler, profile, deadly):
    """Row 21: the step runs again 30 s later as documented; as built it stays in progress, with all the worker had."""

    def exits(context):
        if context.retry_count == 0:
            raise deadly
        return {}

    handlers = {"a": handler(exits), "b": handler(lambda context: {})}
    run = Simulation(workflow({"name": "a"}, {"name": "b"}), handlers=handlers, profile=profile).run()
    states = [run[name].state for name in ("a", "b")]
    if profile == "documented":
        assert (run.state, run.elapsed.total_seconds(), states) == ("complete", 30, ["complete", "complete"])
    else:
        assert (run.state, run.elapsed.total_seconds(), states) == ("error", 1800, ["in_progress", "in_progress"])
