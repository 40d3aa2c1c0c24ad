"""One handler without a workflow: a context made by hand, and a call."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tasker_core import PermanentError, StepHandler, StepHandlerResult
from tasker_core.step_handler.functional import depends_on, inputs, step_handler

from tasker_testkit.errors import HandlerError, StubError
from tasker_testkit.model.outcome import Checkpoint, Failure, Outcome
from tasker_testkit.model.template import Handler, Retry, StepTemplate, Template
from tasker_testkit.worker.single import call_handler, step_context
from tasker_testkit.worker.walltime import World

AS_BUILT = "tasker-0.1.8"
TOTAL = {"type": "object", "required": ["total"], "properties": {"total": {"type": "number"}}}
ORDER = Template(
    "order",
    "shop",
    "1.0.0",
    (
        StepTemplate("validate", Handler("v"), result_schema=TOTAL),
        StepTemplate(
            "charge", Handler("c", initialization={"limit": 5}), dependencies=("validate",), retry=Retry(True, 2)
        ),
        StepTemplate("work", Handler("w"), type="batch_worker", dependencies=("validate",)),
        StepTemplate("merge", Handler("m"), type="deferred_convergence", dependencies=("work", "charge")),
        StepTemplate("ship", Handler("s"), dependencies=("charge",)),
        StepTemplate("report", Handler("r")),
    ),
)


class Show(StepHandler):
    """Succeeds with what it sees."""

    handler_name = "show"

    def call(self, context):
        """Show it."""
        return StepHandlerResult.success({"retry": context.is_retry(), "last": context.is_last_retry()})


@step_handler("charge")
@depends_on(cart="validate")
@inputs("card")
def charge(cart, card):
    """A function handler with injected arguments."""
    return {"cart": cart, "card": card}


@step_handler("later")
async def later(context):
    """An asynchronous function handler."""
    await asyncio.sleep(3)
    return {"done": True}


@pytest.mark.parametrize("handler", [Show, Show()], ids=["class", "instance"])
def test_classes_and_instances(handler):
    """Both are called alike."""
    assert call_handler(handler, step_context("x")).result == {"retry": False, "last": False}


def test_function_handlers():
    """Function handlers get their injected arguments, asynchronous ones are awaited in virtual time."""
    context = step_context("charge", input={"card": "4111"}, dependencies={"validate": {"total": 1}})
    assert call_handler(charge, context).result == {"cart": {"total": 1}, "card": "4111"}
    outcome = call_handler(later, step_context("x"))
    assert (outcome.result, outcome.took.total_seconds()) == ({"done": True}, 3)


@given(st.integers(1, 20), st.integers(1, 20))
def test_attempts_are_counted_as_the_handler_sees_them(attempt, limit):
    """Attempt n has n - 1 attempts behind it; the last one is the one with number max_attempts."""
    if attempt > limit:
        with pytest.raises(
            StubError, match=f"^Step 'x' never has an attempt {attempt}: its max_attempts is {limit}\\."
        ):
            step_context("x", attempt=attempt, max_attempts=limit)
        return
    context = step_context("x", attempt=attempt, max_attempts=limit)
    assert (context.retry_count, context.max_retries) == (attempt - 1, limit)
    assert call_handler(Show, context).result == {"retry": attempt > 1, "last": attempt == limit}


def test_a_context_holds_what_it_was_given():
    """Every argument is where a handler looks for it."""
    context = step_context(
        "x",
        input={"a": 1},
        config={"c": 2},
        inputs={"i": 3},
        tags=["t"],
        priority=4,
        attempt=2,
        previous=Failure("busy"),
    )
    assert (context.input_data, context.step_config, context.step_inputs) == ({"a": 1}, {"c": 2}, {"i": 3})
    whole = context.event.task_sequence_step
    assert (whole["task"]["task"]["tags"], whole["task"]["task"]["priority"]) == (["t"], 4)
    assert whole["workflow_step"]["results"]["error"]["message"] == "busy"


def test_dependencies_are_stored_results():
    """A value, a failure and an outcome become what the real system stores; a handler unwraps them."""
    failed = Outcome(False, None, "no", "e", retryable=False, status="permanent_error")
    context = step_context("x", dependencies={"a": {"v": 1}, "b": Failure("busy"), "c": failed, "d": None})
    assert context.get_dependency_result("a") == {"v": 1}
    assert context.get_dependency_result("d") == {}
    assert context.get_dependency_result("b") is None
    stored = context.dependency_results
    assert [stored[name]["status"] for name in "abcd"] == [
        "completed",
        "retryable_error",
        "permanent_error",
        "completed",
    ]
    assert len(stored["a"]["metadata"]) == 11


@pytest.mark.parametrize("given", [{"cursor": 5}, Checkpoint(5, 2, {"sum": 1})], ids=["mapping", "value"])
def test_a_checkpoint_is_seen(given):
    """The part of an attempt after a yield sees the progress."""
    context = step_context("x", checkpoint=given)
    assert (context.checkpoint_cursor, context.has_checkpoint()) == (5, True)
    with pytest.raises(StubError, match=r"^checkpoint=\{'items': 1\} is no checkpoint\. Give a mapping with 'cursor'"):
        step_context("x", checkpoint={"items": 1})


def test_a_yielded_checkpoint_is_in_the_outcome():
    """A handler called on its own shows what it yielded."""

    class Yields(Show):
        def call(self, context):
            progress = {"cursor": 5, "items_processed": 5}
            return StepHandlerResult(is_success=True, result=progress, metadata={"checkpoint_yield": True})

    outcome = call_handler(Yields, step_context("x"))
    assert outcome.checkpoint == {"cursor": 5, "items_processed": 5, "accumulated_results": None}
    assert call_handler(Show, step_context("x")).checkpoint is None


def test_a_call_never_changes_the_context():
    """The handler has a copy: the same context can be used again."""

    class Greedy(Show):
        def call(self, context):
            return StepHandlerResult.success({"first": context.input_data["cart"].pop()})

    context = step_context("x", input={"cart": [1, 2]})
    assert [call_handler(Greedy, context).result for _ in range(2)] == [{"first": 2}, {"first": 2}]


def test_the_input_is_a_copy():
    """What the test goes on changing isn't seen by the handler."""
    cart = {"items": [1]}
    context = step_context("x", input=cart, dependencies={"a": cart})
    cart["items"].append(2)
    assert (context.input_data, context.get_dependency_result("a")) == ({"items": [1]}, {"items": [1]})


def test_time_in_a_single_call():
    """Without a world every call starts at one fixed instant; with one it starts at its clock and moves it on."""

    class Clock(Show):
        def call(self, context):
            time.sleep(1)
            return StepHandlerResult.success({"at": datetime.now(UTC).isoformat()})

    assert [call_handler(Clock, step_context("x")).result["at"] for _ in range(2)] == ["2026-01-01T00:00:01+00:00"] * 2
    world = World(start=datetime(2030, 1, 1, tzinfo=UTC))
    seen = [call_handler(Clock, step_context("x"), world=world).result["at"] for _ in range(2)]
    assert seen == ["2030-01-01T00:00:01+00:00", "2030-01-01T00:00:02+00:00"]


def test_the_profile_decides():
    """The same handler under both profiles; a name that is no profile is refused."""

    class Raises(Show):
        def call(self, context):
            raise PermanentError("never", error_code="PC")

    context = step_context("x")
    assert [call_handler(Raises, context, profile=p).retryable for p in ("documented", AS_BUILT)] == [False, True]


def test_what_never_ends_as_built():
    """A missing completion becomes the worker's own failure; what hangs for ever is an error that says so."""

    class Nothing(Show):
        def call(self, context):
            return None

    class Nul(Show):
        def call(self, context):
            return StepHandlerResult.success({"a": "\0"})

    timed_out = call_handler(Nothing, step_context("x"), profile=AS_BUILT)
    assert (timed_out.error_type, timed_out.status, timed_out.took.total_seconds()) == ("ffi_timeout", "failed", 30)
    with pytest.raises(HandlerError, match=r"^Nul never ends under this profile: its result holds a NUL character,"):
        call_handler(Nul, step_context("x"), profile=AS_BUILT)


class Broken(Show):
    """Can't be made."""

    def __init__(self):
        raise ValueError("no gateway")


@pytest.mark.parametrize(
    ("handler", "context", "told"),
    [
        (print, None, r"^<built-in function print> is no handler: it has no method 'call'\."),
        (Broken, None, r"^Broken\(\) raised ValueError: no gateway\. Tasker makes a handler without arguments, or"),
        (Show, {"a": 1}, r"^call_handler needs a StepContext as its second argument, not \{'a': 1\}\."),
    ],
    ids=["handler", "constructor", "context"],
)
def test_what_cannot_be_called(handler, context, told):
    """A wrong argument is named, with what is possible."""
    with pytest.raises(HandlerError, match=told):
        call_handler(handler, context or step_context("x"))


def test_a_template_gives_the_defaults():
    """Configuration, inputs, the limit of attempts and the handler's definition come from the step."""
    context = step_context("charge", template=ORDER, dependencies={"validate": {"total": 1}})
    assert (context.step_config, context.step_inputs, context.max_retries) == ({"limit": 5}, {"limit": 5}, 2)
    assert context.event.task_sequence_step["task"]["namespace_name"] == "shop"


REFUSED = {
    "unknown step": (
        ("chargee", {}),
        "Template 'order' has no step 'chargee'. Did you mean 'charge'? Its steps:\n  validate\n",
    ),
    "unknown stub": (
        ("charge", {"validat": {}}),
        "Step 'charge' never sees a result of 'validat', which isn't in the template. Did you mean 'validate'? "
        "Its ancestors:\n  validate\nDrop the stub, or allow it with stubs='off'.",
    ),
    "not an ancestor": (
        ("charge", {"validate": {"total": 1}, "report": {}}),
        "Step 'charge' never sees a result of 'report', which isn't one of its ancestors.",
    ),
    "wrong shape": (
        ("charge", {"validate": {"total": "1"}}),
        "The stub of 'validate' doesn't fit that step's result_schema:\n  total: '1' is not of type 'number'.\n"
        "Correct the stub, or allow it with stubs='off'.",
    ),
    "missing": (
        ("ship", {"validate": {"total": 1}}),
        "Step 'ship' depends on steps without a stub:\n  charge\n"
        "Add them, dependencies={'charge': {...}}, or allow it with stubs='present'.",
    ),
    "no branch at all": (("merge", {}), "Step 'merge' depends on steps without a stub:\n  work\n  charge\n"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_stubs_are_checked_against_the_template(case):
    """Strictly: the step exists, each stub is an ancestor and fits its schema, each direct dependency has one."""
    (step, dependencies), told = REFUSED[case]
    with pytest.raises(StubError) as caught:
        step_context(step, template=ORDER, dependencies=dependencies)
    assert str(caught.value).startswith(told)


def test_weaker_checks():
    """``present`` asks for nothing that is missing, ``off`` for nothing at all; any other word is refused."""
    assert step_context("ship", template=ORDER, stubs="present").dependency_results == {}
    assert "report" in step_context("ship", template=ORDER, stubs="off", dependencies={"report": {}}).dependency_results
    with pytest.raises(StubError, match=r"^The stub of 'validate' doesn't fit"):
        step_context("ship", template=ORDER, stubs="present", dependencies={"validate": {}})
    with pytest.raises(StubError, match=r"^stubs='of' is unknown\. Did you mean 'off'\? Possible:\n  strict: "):
        step_context("ship", template=ORDER, stubs="of")


def test_batches_and_branches():
    """A worker's instances stand for it, also as the step itself; of a convergence one branch is enough."""
    merged = step_context("merge", template=ORDER, dependencies={"work_001": {}, "work_002": {}})
    assert sorted(merged.dependency_results) == ["work_001", "work_002"]
    instance = step_context("work_007", template=ORDER, dependencies={"validate": {"total": 1}}, inputs={"cursor": {}})
    row = instance.event.task_sequence_step["workflow_step"]
    assert (row["name"], row["template_step_name"], instance.step_inputs) == ("work_007", "work", {"cursor": {}})


@pytest.mark.parametrize("attempt", [0, -1, True, "1"])
def test_attempts_are_counted_from_one(attempt):
    """No other number is an attempt."""
    with pytest.raises(StubError, match=r"attempts are counted from 1\.$"):
        step_context("x", attempt=attempt)


EXPECTED_KEYS = {
    "task": "task_uuid named_task_uuid complete requested_at initiator source_system reason tags context identity_hash "
    "priority created_at updated_at correlation_id parent_correlation_id",
    "workflow_step": "workflow_step_uuid task_uuid named_step_uuid name template_step_name retryable max_attempts "
    "in_process processed processed_at attempts last_attempted_at backoff_request_seconds inputs results checkpoint "
    "created_at updated_at",
    "step_definition": "name description handler type system_dependency dependencies retry timeout_seconds "
    "publishes_events batch_config",
}


def test_every_key_that_the_worker_builds_is_there():
    """The event has exactly the keys of the real one; ``result_schema`` only if the template has one."""
    whole = step_context("charge", template=ORDER, stubs="off").event.task_sequence_step
    assert set(whole) == {"task", "workflow_step", "dependency_results", "step_definition"}
    assert set(whole["task"]) == {"task", "task_name", "task_version", "namespace_name"}
    assert set(whole["task"]["task"]) == set(EXPECTED_KEYS["task"].split())
    for part in ("workflow_step", "step_definition"):
        assert set(whole[part]) == set(EXPECTED_KEYS[part].split())
    validate = step_context("validate", template=ORDER).event.task_sequence_step["step_definition"]
    assert validate["result_schema"] == TOTAL
    assert whole["workflow_step"]["created_at"] == "2026-01-01T00:00:00"


def test_a_template_file_is_loaded(tmp_path):
    """A path, a text and a mapping do as well as a loaded template."""
    text = "name: t\nnamespace_name: n\nversion: 1.0.0\nsteps:\n- {name: a, handler: {callable: h}}\n"
    (tmp_path / "t.yaml").write_text(text)
    for source in (tmp_path / "t.yaml", text):
        assert step_context("a", template=source).event.task_sequence_step["task"]["task_name"] == "t"


def test_a_result_schema_that_is_none():
    """A template made by hand with something else for a schema is told so."""
    broken = Template(
        "t",
        "n",
        "1",
        (StepTemplate("a", Handler("h"), result_schema=3), StepTemplate("b", Handler("h"), dependencies=("a",))),
    )
    with pytest.raises(
        StubError, match=r"the schema can't be used: a JSON Schema is a mapping, true or false, not 3\."
    ):
        step_context("b", template=broken, dependencies={"a": {}})
