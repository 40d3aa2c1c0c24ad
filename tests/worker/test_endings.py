"""From what a handler does to how its attempt ends, in the documented profile and where the other one parts from it."""

from __future__ import annotations

import asyncio

import pytest
from tasker_core import PermanentError, RateLimitError, StepExecutionError, StepHandler, StepHandlerResult
from tasker_core.step_handler.functional import step_handler

from tasker_testkit.errors import TaskerTestkitError
from tasker_testkit.model.outcome import Checkpoint, Outcome, Silence

AS_BUILT = "tasker-0.1.8"


def handler(action):
    """A class handler whose ``call`` does ``action(context)``."""
    return type("Handler", (StepHandler,), {"handler_name": "h", "call": lambda self, context: action(context)})


def raising(error):
    """A class handler that raises."""

    def action(context):
        raise error

    return handler(action)


class OwnError(Exception):
    """A user's error with everything that one can bring along."""

    error_type = "card_declined"
    error_code = "51"
    retryable = False
    metadata = {"issuer": "x"}  # noqa: RUF012
    retry_after = 7


@pytest.mark.parametrize(
    ("error", "error_type", "retryable"),
    [
        (PermanentError("m"), "PermanentError", False),
        (PermanentError("m", retryable=True), "PermanentError", False),
        (RateLimitError("m"), "RateLimitError", True),
        (RateLimitError("m", retryable=False), "RateLimitError", True),
        (ValueError("m"), "ValueError", True),
        (StepExecutionError("m", error_type="own", retryable=False), "own", False),
        (OwnError("m"), "card_declined", False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_raised_errors_are_classified_by_their_class(ending, error, error_type, retryable):
    """Row 7, documented: the SDK's classes decide, then the error's own flag; everything else is retryable."""
    outcome = ending(raising(error))
    assert (outcome.message, outcome.error_type, outcome.retryable) == ("m", error_type, retryable)
    assert outcome.status == ("retryable_error" if retryable else "permanent_error")


def test_an_error_keeps_what_it_brings(ending):
    """Rows 2, 8 and 9, documented: code, metadata and a wish for a delay survive; as built none of them does."""
    kept, lost = ending(raising(OwnError("m"))), ending(raising(OwnError("m")), AS_BUILT)
    assert (kept.error_code, kept.metadata, kept.retry_after) == ("51", {"issuer": "x"}, 7)
    assert (lost.error_code, lost.metadata, lost.retry_after) == (None, {}, None)
    assert (lost.error_type, lost.retryable) == ("OwnError", True)


@pytest.mark.parametrize("key", ["retry_after", "retry_after_seconds"])
def test_a_wish_for_a_delay_in_metadata_counts(ending, key):
    """Row 2: both keys in which the SDK leaves a Retry-After are read."""
    result = StepHandlerResult.failure("busy", metadata={key: 3})
    assert ending(handler(lambda context: result)).retry_after == 3
    assert ending(handler(lambda context: result), AS_BUILT).retry_after is None


def test_a_function_handlers_error_code_is_seen(ending):
    """The code that a function handler's error leaves in the metadata is the outcome's code."""

    @step_handler("h")
    def charge(context):
        raise PermanentError("no", error_code="PC")

    assert ending(charge).error_code == "PC"
    assert ending(charge, AS_BUILT).stored["metadata"]["error_code"] == "PC"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "returned None, not a StepHandlerResult. Return self.success({...}), or"),
        ({"a": 1}, "returned a dict, not a StepHandlerResult. Return self.success(...) with that dict, or"),
        ((1, 2), "returned a tuple, not a StepHandlerResult. Return self.success({...}), or"),
    ],
    ids=repr,
)
def test_not_a_result(ending, value, told):
    """Row 10: documented says in plain words what was returned and what to return; as built nothing is sent."""
    outcome = ending(handler(lambda context: value))
    assert outcome.message == f"The handler 'h' {told} self.failure(...) if it failed."
    assert (outcome.error_type, outcome.retryable, outcome.status) == ("contract_error", False, "permanent_error")
    assert ending(handler(lambda context: value), AS_BUILT) == Silence("no_completion")


def test_a_result_that_is_not_json(ending):
    """Row 11, documented: the path of the offender is named."""
    result = StepHandlerResult.success({"order": {"placed_by": object()}})
    outcome = ending(handler(lambda context: result))
    assert outcome.message.startswith("result.order.placed_by is a <class object>. A result crosses to Tasker as JSON:")
    assert (outcome.error_type, outcome.retryable) == ("contract_error", False)


@pytest.mark.parametrize(
    "result",
    [
        StepHandlerResult.success({"note": "a\0"}),
        StepHandlerResult.success({}, metadata={"context": {"a\0": 1}}),
        StepHandlerResult.failure("a\0"),
    ],
    ids=["result", "metadata", "message"],
)
def test_a_nul_cannot_be_stored(ending, result):
    """Row 11: a NUL anywhere in what is stored; documented refuses it, as built the step hangs."""
    documented, built = ending(handler(lambda context: result)), ending(handler(lambda context: result), AS_BUILT)
    assert "is text with a NUL character, which Tasker's database can't hold." in documented.message
    assert (built.why, built.outcome.success) == ("unstorable", result.is_success)


def test_a_nul_in_dropped_metadata_does_no_harm(ending):
    """As built, metadata that Tasker doesn't know is dropped before the database sees it."""
    result = StepHandlerResult.success({"a": 1}, metadata={"mine": "a\0"})
    assert ending(handler(lambda context: result), AS_BUILT) == Outcome(True, {"a": 1})


def test_metadata_and_code_are_kept_or_dropped(ending):
    """Rows 8 and 9."""
    result = StepHandlerResult.failure("m", metadata={"mine": [1], "custom": {"c": 1}}, error_code="E")
    kept, built = ending(handler(lambda context: result)), ending(handler(lambda context: result), AS_BUILT)
    assert (kept.error_code, kept.metadata) == ("E", {"mine": [1], "custom": {"c": 1}})
    assert (built.error_code, built.metadata) == (None, {"custom": {"c": 1}})


def yielding(**progress):
    """A handler that yields a checkpoint."""
    result = StepHandlerResult(is_success=True, result=progress, metadata={"checkpoint_yield": True})
    return handler(lambda context: result)


@pytest.mark.parametrize("profile", ["documented", AS_BUILT])
def test_a_checkpoint_is_no_outcome(ending, profile):
    """A yield gives a copy of the progress; a NUL in it fails the attempt, retryable, in both profiles."""
    results = {"sum": [1]}
    found = ending(yielding(cursor=0, items_processed=5, accumulated_results=results), profile)
    results["sum"].append(2)
    assert found == Checkpoint(0, 5, {"sum": [1]})
    refused = ending(yielding(cursor="\0"), profile)
    assert (refused.error_type, refused.status, refused.retryable, refused.worker_made, refused.result) == (
        "checkpoint_error",
        "failed",
        True,
        True,
        {},
    )
    assert refused.message == (
        "Checkpoint yield failed: Database error: error returned from database: unsupported Unicode escape sequence"
    )


def test_only_true_is_a_yield(ending):
    """``checkpoint_yield: 1`` is an ordinary result."""
    result = StepHandlerResult(is_success=True, result={"cursor": 1}, metadata={"checkpoint_yield": 1})
    assert ending(handler(lambda context: result)).result == {"cursor": 1}


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()], ids=repr)
@pytest.mark.parametrize("profile", ["documented", AS_BUILT])
def test_what_kills_the_workers_thread(ending, error, profile):
    """Row 21: exits and interrupts that a handler raises end its worker, not the test."""
    assert ending(raising(error), profile) == Silence("thread_died")


@pytest.mark.parametrize("error", [TaskerTestkitError("x"), pytest.fail.Exception("x"), GeneratorExit()], ids=repr)
def test_what_the_test_is_to_hear_passes_through(ending, error):
    """An error of the test's own tools is never mistaken for the handler's."""
    with pytest.raises(type(error)):
        ending(raising(error))


def test_nothing_is_shared_with_a_handler(ending):
    """A handler may change everything it sees and everything it returned: nobody else notices."""
    kept = {"list": [1]}
    given = {"cart": [1], "deep": {"x": []}}

    def action(context):
        context.input_data["cart"].append(2)
        context.input_data["deep"]["x"].append(1)
        context.step_config["limits"].append(3)
        return StepHandlerResult.success(kept)

    config = {"limits": [1]}
    outcome = ending(handler(action), input=given, initialization=config)
    kept["list"].append(2)
    assert given == {"cart": [1], "deep": {"x": []}}
    assert config == {"limits": [1]}
    assert outcome.result == {"list": [1]}


def test_async_handlers_follow_the_same_rules(ending):
    """``async def call`` is awaited; what it raises is classified alike."""

    class Async(StepHandler):
        handler_name = "h"

        async def call(self, context):
            await asyncio.sleep(2)
            raise PermanentError("late")

    outcome = ending(Async)
    assert (outcome.error_type, outcome.retryable, outcome.took_us) == ("PermanentError", False, 2_000_000)


def test_an_awaitable_of_a_plain_call(ending):
    """A plain ``call`` that gives an awaitable: awaited as documented, no completion as built (and no warning)."""

    async def later():
        return StepHandlerResult.success({"a": 1})

    assert ending(handler(lambda context: later())).result == {"a": 1}
    assert ending(handler(lambda context: later()), AS_BUILT) == Silence("no_completion")
