"""Today's handlers against what a real Tasker shows of a task: edges, checkpoints, chance and clock are unknown."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_orders import ORDER, USUAL, against, answering, as_production, run_of, told
from tasker_core import StepHandlerResult
from telltales import Analyze, Work, calm_handlers_for, seen

from tasker_testkit import Simulation, SubmissionRefused, check_against, templates
from tasker_testkit.engine.history import History
from tasker_testkit.engine.history_writing import pretty
from tasker_testkit.records.importing import imported
from tasker_testkit.replay.rest import read_rest

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = ROOT / "fixtures/conformance/production"
REST = sorted((PRODUCTION / "rest").glob("*.json"))
HANDLERS = PRODUCTION / "production_handlers.py"
TEMPLATES = {
    "ecommerce_order_processing": PRODUCTION / "templates/ecommerce_order_processing.yaml",
    "refund_approval": PRODUCTION / "templates/refund.yaml",
    "product_import": PRODUCTION / "templates/products.yaml",
}
TYPES = ((), ("decision",), ("batchable",), ("decision", "batchable"))


def production(file):
    """A recorded task as an imported history."""
    return History.from_json(pretty(imported(read_rest([file]))))


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_what_production_shows_is_enough(data):
    """Without edges, types, checkpoints and seed, and with few instants, the same handlers come to the same."""
    types = data.draw(st.sampled_from(TYPES[:3]))  # with both, convergences don't wait (row 20), and REST hides that
    template = data.draw(templates(types=types))
    simulation = Simulation(template, handlers=calm_handlers_for(template), profile="tasker-0.1.8")
    try:
        history = simulation.run({"steps": template["steps"]}).history
    except SubmissionRefused:
        return
    check = check_against(as_production(history), calm_handlers_for(template), template=template)
    assert {one.verdict for one in check.attempts} <= {"same", "not run"}, str(check)
    assert {one.why for one in check.of("not run")} <= {"whether an earlier attempt left a checkpoint isn't recorded"}


@pytest.mark.parametrize("file", REST, ids=lambda path: path.stem)
def test_real_tasks_are_the_same(file):
    """Tasks that a real Tasker has done come to the same with their own handlers, but for what hangs on a secret."""
    history = production(file)
    check = check_against(history, HANDLERS, template=TEMPLATES[history.template["name"]])
    others = [(one.step, one.verdict, one.why) for one in check.attempts if one.verdict != "same"]
    secret = "now passes, but it has read what is only a placeholder here: input.payment_info.token"
    assert others == {
        "order_declined": [("process_payment", "unclear", secret)],
        "order_cancelled": [("update_inventory", "not run", "no result of its handler is recorded")],
    }.get(file.stem, [])
    assert check.same == (file.stem != "order_declined")


BATCH = {"batch_size": 4, "parallelism": 1, "cursor_field": "id", "worker_template": "work"}
ROWS = {
    "name": "rows",
    "namespace_name": "shop",
    "version": "1.0.0",
    "steps": [
        {
            "name": "analyze",
            "type": "batchable",
            "handler": {"callable": "analyze", "initialization": {"worker_template_name": "work"}},
            "batch_config": {**BATCH, "failure_strategy": "fail_fast"},
        },
        {
            "name": "work",
            "type": "batch_worker",
            "handler": {"callable": "work"},
            "dependencies": ["analyze"],
            "batch_config": {**BATCH, "failure_strategy": "fail_fast"},
        },
        {
            "name": "report",
            "type": "deferred_convergence",
            "handler": {"callable": "report"},
            "dependencies": ["work"],
        },
    ],
}
NO_CURSOR = "the result that it was made of isn't recorded, and its cursor was in it"
LOST = "of the checkpoint that an earlier attempt left only the cursor is recorded"


def partly(history):
    """The history as PostgreSQL would show it: of a checkpoint that isn't the last only the cursor."""
    steps = []
    for step in history.steps:
        attempts = [
            one._replace(checkpoints=tuple((at, {"cursor": record["cursor"]}) for at, record in one.checkpoints))
            for one in step.attempts
        ]
        steps.append(replace(step, attempts=tuple(attempts)))
    return replace(history, profile="recorded", seed=0, steps=tuple(steps))


@pytest.mark.parametrize(
    ("shown", "why"),
    [
        (lambda history: history, None),
        (lambda history: replace(history, profile="recorded", seed=0), None),
        (partly, LOST),
        (as_production, "whether an earlier attempt left a checkpoint isn't recorded"),
    ],
)
def test_a_retry_goes_on_where_the_attempt_before_left_off(shown, why):
    """The second batch failed behind a checkpoint; its retry is given that, and isn't run if that isn't known."""
    history = Simulation(ROWS, handlers=calm_handlers_for(ROWS), profile="tasker-0.1.8").run({}).history
    check = check_against(shown(history), calm_handlers_for(ROWS), template=ROWS)
    assert {(one.step, one.attempt, one.why) for one in check.of("not run")} == (
        {("work_002", 2, why)} if why else set()
    )
    assert check.same


def test_a_result_that_is_not_recorded_leaves_a_gap():
    """Batches without their analyzer's result have no cursor; who depends on it can't be given what it had."""
    history = as_production(Simulation(ROWS, handlers=calm_handlers_for(ROWS), profile="tasker-0.1.8").run({}).history)
    steps = list(history.steps)
    steps[0] = replace(steps[0], attempts=(steps[0].attempts[0]._replace(outcome=None),))
    check = check_against(replace(history, steps=tuple(steps)), calm_handlers_for(ROWS), template=ROWS)
    assert {one.step: one.why for one in check.attempts if one.attempt == 1} == {
        "analyze": "no result of its handler is recorded",
        **dict.fromkeys(("work_001", "work_002", "work_003"), NO_CURSOR),
        "report": "the result of 'analyze', which it had, isn't recorded",
    }


def test_a_handler_that_yields_elsewhere_now():
    """Where a history has the checkpoints, they are compared; a piece too many is no end."""
    handlers = calm_handlers_for(ROWS)
    history = Simulation(ROWS, handlers=handlers).run({}).history

    class Counts(handlers["work"]):
        def checkpoint_yield(self, **fields):
            return super().checkpoint_yield(**{**fields, "items_processed": 3})

    check = check_against(history, {**handlers, "work": Counts}, template=ROWS)
    assert told(check)[1] == ("work_001", 1, "differs")
    assert (check.attempts[1].place, check.attempts[1].actual) == ("checkpoints[0].items_processed", "3")

    class Yields(handlers["work"]):
        def call(self, context):
            return self.checkpoint_yield(cursor=7, items_processed=1)

    check = check_against(history, {**handlers, "work": Yields}, template=ROWS)
    assert told(check)[1] == ("work_001", 1, "now fails")
    assert check.attempts[1].actual == "no result: it yields another checkpoint, with cursor 7, and doesn't end"


def test_a_busy_worker_calls_later_than_it_claims():
    """A retry is told when the attempt before was claimed, as Tasker writes it down."""
    steps = [{"name": name, "handler": {"callable": name}} for name in ("one", "two")]
    template = {"name": "w", "namespace_name": "n", "version": "1.0.0", "steps": steps}
    fails = answering(ConnectionError("busy"), lambda context: seen(context)["parts"])
    handlers = {"one": fails, "two": fails}
    durations = {"one": "3s", "two": "2s"}
    simulation = Simulation(template, handlers=handlers, profile="tasker-0.1.8", workers=1, durations=durations)
    history = simulation.run({}).history
    first = history.steps[1].attempts[0]
    assert first.started_at > 0  # claimed at 0, and called when the other step had ended
    assert check_against(history, handlers, template=template).same


def test_a_convergence_that_did_not_wait_saw_nothing():
    """As built, beside a decision, it runs before its batch (row 20); what came later isn't what it was given."""
    start = {"name": "start", "handler": {"callable": "start"}}
    decide = {"name": "decide", "type": "decision", "handler": {"callable": "decide"}, "dependencies": ["start"]}
    branch = {"name": "branch_1", "handler": {"callable": "branch_1"}, "dependencies": ["decide"]}
    template = {**ROWS, "steps": [start, *ROWS["steps"], decide, branch]}
    handlers = {**calm_handlers_for(template), "analyze": Analyze, "work": Work}
    handlers["report"] = answering(lambda context: {"seen": sorted(context.dependency_results)})
    history = Simulation(template, handlers=handlers, profile="tasker-0.1.8", workers=9, seed=3).run({}).history
    (report,) = (step for step in history.steps if step.name == "report")
    assert report.attempts[0].outcome.result == {"seen": []}
    assert any(step.name.startswith("work_") for step in history.steps)
    check = check_against(history, handlers, template=template)
    assert ("report", 1, "same") in told(check)


def test_attempts_have_the_limit_of_then():
    """A template that allows more attempts today doesn't change what a handler was told."""
    tells = answering(lambda context: {"of": context.max_retries})
    history = run_of({**USUAL, "charge": tells})
    steps = [{**step, "retry": {"max_attempts": 9}} for step in ORDER["steps"]]
    assert check_against(history, {**USUAL, "charge": tells}, template={**ORDER, "steps": steps}).same


def test_what_chance_and_clock_make_is_compared_by_type():
    """Identifiers, random numbers and instants of an imported task aren't known; their places are, and their types."""

    def result(context):
        now = datetime.now(UTC)
        drawn = {"id": str(uuid.uuid4()), "n": random.random(), "at": now.isoformat(), "day": now.date().isoformat()}
        return {**drawn, "order": str(context.task_uuid), "step": str(context.step_uuid)}

    history = as_production(run_of({**USUAL, "charge": answering(result)}, seed=5))
    check = against(history, charge=answering(result))
    assert check.same
    assert check.attempts[1].unsteady == ("result.id", "result.n", "result.at", "result.order")
    check = against(history, charge=answering(lambda context: {**result(context), "n": str(random.random())}))
    assert (check.attempts[1].verdict, check.attempts[1].place) == ("differs", "result.n")


@pytest.mark.parametrize("lucky", [False, True])
def test_what_chance_decides_is_no_noise(lucky):
    """Success and failure count, though another draw would have it the other way."""
    looks = iter([lucky, not lucky])
    gamble = answering(lambda context: {"paid": 5} if next(looks) else ValueError("no luck"))
    check = against(as_production(run_of()), charge=gamble)
    assert check.attempts[1].verdict == ("same" if lucky else "now fails")


def test_a_class_of_error_is_no_noise():
    """An error's type that hangs on chance counts as it is."""
    kinds = iter(["b", "a"])
    one_or_other = answering(lambda context: StepHandlerResult.failure("no", error_type=next(kinds), retryable=False))
    a = answering(StepHandlerResult.failure("no", error_type="a", retryable=False))
    check = against(as_production(run_of({**USUAL, "charge": a})), charge=one_or_other)
    assert (check.attempts[1].verdict, check.attempts[1].place) == ("differs", "error.error_type")


def test_the_same_check_has_the_same_bytes(tmp_path):
    """In other processes with other hash seeds, too."""
    file = REST[-2]
    history = tmp_path / "order.json"
    history.write_text(pretty(imported(read_rest([file]))))
    script = (
        "import sys; from tasker_testkit import check_against; from pathlib import Path\n"
        "Path(sys.argv[4]).write_text(str(check_against(sys.argv[1], sys.argv[2], template=sys.argv[3])))"
    )
    template = TEMPLATES[production(file).template["name"]]
    texts = set()
    for seed in ("0", "1"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        words = [sys.executable, "-c", script, str(history), str(HANDLERS), str(template), str(tmp_path / "told")]
        subprocess.run(words, check=True, env=environment, capture_output=True)
        texts.add((tmp_path / "told").read_text())
    assert texts == {str(check_against(history, HANDLERS, template=template))}
