"""Contexts of one handler: what they hold is what the handler meets in a run."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from jsonschema.validators import Draft202012Validator

from tasker_testkit import Simulation, StrategyError, call_handler, step_contexts
from tasker_testkit.worker.sdk import quiet

quiet()

from tasker_core import StepHandler, StepHandlerResult  # noqa: E402

FEW = settings(max_examples=25, database=None, derandomize=True)
SMALLEST = settings(FEW, max_examples=1_000, phases=[Phase.generate, Phase.shrink])
TOTAL = {"type": "object", "required": ["total"], "properties": {"total": {"type": "integer", "minimum": 0}}}
BATCH = {
    "batch_size": 10,
    "parallelism": 1,
    "cursor_field": "id",
    "worker_template": "work",
    "failure_strategy": "fail_fast",
}


def step(name: str, *dependencies: str, **fields: Any) -> dict[str, Any]:
    """A step with three attempts."""
    handler = {"callable": name, "initialization": {"of": name, **fields.pop("config", {})}}
    retry = {"max_attempts": 3, "backoff_base_ms": 100}
    return {"name": name, "handler": handler, "dependencies": [*dependencies], "retry": retry, **fields}


def workflow(*steps: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A template of these steps."""
    return {"name": "orders", "namespace_name": "shop", "version": "1.0.0", "steps": [*steps], **fields}


SHOP = workflow(step("cart", result_schema=TOTAL), step("stock"), step("charge", "cart", "stock"), input_schema=TOTAL)
CHOICES = workflow(
    step("check"),
    step("route", "check", type="decision"),
    step("fast", "route"),
    step("slow", "route"),
    step("close", "fast", "slow", type="deferred_convergence"),
)
BATCHES = workflow(
    step("split", type="batchable", batch_config=BATCH, config={"worker_template_name": "work"}),
    step("work", "split", type="batch_worker", batch_config=BATCH),
    step("sum", "work", type="deferred_convergence"),
)


def test_inputs_and_results_fit_their_schemas():
    """The input fits input_schema, each result its step's result_schema; a later attempt knows why it is one."""

    @FEW
    @given(step_contexts(SHOP, "charge"))
    def draw(context: Any) -> None:
        fits = Draft202012Validator(TOTAL).is_valid
        assert fits(context.input_data)
        assert {*context.dependency_results} == {"cart", "stock"}
        assert fits(context.get_dependency_result("cart"))
        assert isinstance(context.get_dependency_result("stock"), dict)
        assert context.retry_count < context.max_retries == 3

    draw()


def test_a_handler_can_be_called_with_each():
    """call_handler takes a context, and what the handler finds in it is the real thing."""

    class Charge(StepHandler):
        """Charges."""

        handler_name = "charge"

        def call(self, context: Any) -> Any:
            """The total."""
            return StepHandlerResult.success({"charged": context.get_dependency_result("cart")["total"]})

    @FEW
    @given(step_contexts(SHOP, "charge"))
    def draw(context: Any) -> None:
        assert call_handler(Charge, context).result == {"charged": context.get_dependency_result("cart")["total"]}

    draw()


def met_in_a_run(template: Any, name: str, outcome: Any) -> list[Any]:
    """The contexts that handlers of a step meet in a run in which what grows, grows."""
    met = []

    class Any_(StepHandler):
        """Notes what it meets."""

        handler_name = "any"

        def call(self, context: Any) -> Any:
            """Its step's outcome."""
            met.append(context)
            return StepHandlerResult.success(outcome.get(context.step_config["of"], {}))

    Simulation(template, handlers={one["name"]: Any_ for one in template["steps"]}).run({"total": 1})
    return [context for context in met if context.step_config["of"] == name]


GROWN = {
    "route": {"decision_point_outcome": {"type": "create_steps", "step_names": ["fast", "slow"]}},
    "split": {
        "batch_processing_outcome": {
            "type": "create_batches",
            "worker_template_name": "work",
            "worker_count": 2,
            "total_items": 20,
            "cursor_configs": [
                {"batch_id": f"00{n}", "start_cursor": 10 * n - 10, "end_cursor": 10 * n, "batch_size": 10}
                for n in (1, 2)
            ],
        }
    },
}


@pytest.mark.parametrize(
    ("template", "name"),
    [(SHOP, "charge"), (CHOICES, "fast"), (CHOICES, "close"), (BATCHES, "work"), (BATCHES, "sum")],
)
def test_a_run_meets_such_a_context(template, name):
    """For every context of a real run there is a drawn one with the same step, inputs, config and results' names."""

    def shape(context: Any) -> Any:
        row = context.event.task_sequence_step["workflow_step"]
        return (row["name"], row["inputs"], context.step_config, {*context.dependency_results})

    met = met_in_a_run(template, name, GROWN)[0]
    found = find(
        step_contexts(template, name, input={"total": 1}),
        lambda context: shape(context) == shape(met),
        settings=SMALLEST,
    )
    grown = next((one for one in GROWN if one in found.dependency_results), None)
    if grown is not None:
        assert found.get_dependency_result(grown).keys() == met.get_dependency_result(grown).keys()


def test_contexts_shrink_to_the_smallest():
    """Towards the first attempt, and small inputs and results."""
    found = find(step_contexts(SHOP, "charge"), lambda context: True, settings=SMALLEST)
    assert (found.retry_count, found.input_data) == (0, {"total": 0})
    assert [found.get_dependency_result(name) for name in ("cart", "stock")] == [{"total": 0}, {}]
    branch = find(step_contexts(CHOICES, "close"), lambda context: True, settings=SMALLEST)
    assert {*branch.dependency_results} == {"check", "route", "fast"}


def test_what_is_given_is_taken():
    """An input and results can be given, as values or as strategies of one's own."""
    given_results = {"stock": {"left": 3}, "cart": st.integers(5, 9).map(lambda total: {"total": total})}

    @FEW
    @given(step_contexts(SHOP, "charge", input={"total": 7}, dependencies=given_results))
    def draw(context: Any) -> None:
        assert context.input_data == {"total": 7}
        assert context.get_dependency_result("stock") == {"left": 3}
        assert 5 <= context.get_dependency_result("cart")["total"] <= 9

    draw()


def test_what_makes_no_sense_is_said():
    """A step that isn't there, and a result that the step never sees, are told with what is there."""
    with pytest.raises(
        StrategyError, match=r"'orders' has no step 'chrage'. Did you mean 'charge'\? Its steps:\n  cart"
    ):
        step_contexts(SHOP, "chrage")
    with pytest.raises(StrategyError, match=r"Step 'charge' never sees a result of 'crat'. Did you mean 'cart'\?"):
        step_contexts(SHOP, "charge", dependencies={"crat": {}})
