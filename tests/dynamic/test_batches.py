"""Batches through the SDK's own mixin: cursors, workers, the placeholder, what fails, and what comes together."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tasker_core import Batchable, StepHandler, StepHandlerResult

from tasker_testkit import DOCUMENTED, RunError

CONFIG = {
    "batch_size": 10,
    "parallelism": 1,
    "cursor_field": "row",
    "worker_template": "work",
    "failure_strategy": "fail_fast",
}


def steps(strategy="fail_fast", retry=None):
    """Start, analyze, work, gather."""
    work = {"batch_config": {**CONFIG, "failure_strategy": strategy}, "retry": retry or {"max_attempts": 1}}
    return [
        ("start", "standard", []),
        ("analyze", "batchable", ["start"], {"initialization": {"worker_template_name": "work"}}),
        ("work", "batch_worker", ["analyze"], work),
        ("gather", "deferred_convergence", ["work"]),
    ]


class Analyze(StepHandler, Batchable):
    """Batches of ten items."""

    handler_name = "analyze"

    def call(self, context):
        """As many cursors as the input needs."""
        total = context.get_input("items") or 0
        ranges = self.create_cursor_ranges(total, 10)
        return self.batch_analyzer_success(cursor_configs=ranges, total_items=total, worker_template_name="work")


class Work(StepHandler, Batchable):
    """Counts the items of its batch."""

    handler_name = "work"

    def call(self, context):
        """The placeholder is answered by the mixin."""
        no_op = self.handle_no_op_worker(context)
        if no_op is not None:
            return no_op
        batch = self.get_batch_context(context)
        return self.batch_worker_success(items_processed=batch.end_cursor - batch.start_cursor)


class Gather(StepHandler, Batchable):
    """Adds up what the workers did."""

    handler_name = "gather"

    def call(self, context):
        """Through the SDK's own aggregation."""
        results = {name: context.get_dependency_result(name) for name in context.get_dependency_result_keys()}
        scenario = self.detect_aggregation_scenario(results, "analyze", "work_")
        return self.aggregate_batch_worker_results(scenario, {"items": 0}, added)


def added(results):
    """All items of all batches."""
    return {"items": sum(result["items_processed"] for result in results.values())}


class Tolerant(StepHandler):
    """Says what it was given, null for an instance that failed."""

    handler_name = "gather"

    def call(self, context):
        """Each worker's result by name."""
        names = [name for name in context.get_dependency_result_keys() if name.startswith("work_")]
        return StepHandlerResult.success({name: context.get_dependency_result(name) for name in sorted(names)})


HANDLERS = {"analyze": Analyze, "work": Work, "gather": Gather}
PROFILES = ["documented", "tasker-0.1.8"]


@pytest.fixture
def batch(grown):
    """A simulation of the four steps."""

    def build(strategy="fail_fast", gather=Gather, retry=None, **keywords):
        return grown(steps(strategy, retry), {**HANDLERS, "gather": gather}, stubs={"start": {}}, **keywords)

    return build


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(("items", "number"), [(1, 1), (25, 3), (10_000, 1_000)])
def test_each_cursor_is_a_step_of_its_own(batch, profile, items, number):
    """One instance a cursor, created in order before the convergence, which waits for all and adds them up."""
    run = batch(profile=profile).run({"items": items})
    instances = [f"work_{one:03}" for one in range(1, number + 1)]
    assert run.state == "complete"
    assert list(run.steps) == ["start", "analyze", *instances, "gather"]
    assert run["gather"].parents == tuple(instances)
    assert run["gather"].result == {"items": items, "worker_count": number, "scenario": "with_batches"}
    assert {run[name].type for name in instances} == {"standard"}


@pytest.mark.parametrize("profile", PROFILES)
def test_no_batches_run_the_placeholder(batch, profile):
    """Without items one placeholder runs through the worker's handler, and the convergence sees that there was none."""
    run = batch(profile=profile).run({"items": 0})
    assert (run.state, list(run.steps)) == ("complete", ["start", "analyze", "work_000", "gather"])
    assert (run["work_000"].result["no_op"], run["work_000"].result["processed_count"]) == (True, 0)
    assert run["gather"].result == {"items": 0, "worker_count": 0, "scenario": "no_batches"}


def test_an_instance_sees_its_cursor_and_nothing_of_its_siblings(grown):
    """inputs of the second instance: the worker's initialization, its cursor, the batch's metadata."""
    seen = []

    class Look(Work):
        def call(self, context):
            seen.append((context.step_inputs, sorted(context.get_dependency_result_keys())))
            return super().call(context)

    grown(steps(), {**HANDLERS, "work": Look}, stubs={"start": {}}).run({"items": 15})
    inputs, results = seen[1]
    assert inputs == {
        "cursor": {"batch_id": "002", "start_cursor": 10, "end_cursor": 15, "batch_size": 5},
        "batch_metadata": {"cursor_field": "row", "failure_strategy": "fail_fast"},
        "is_no_op": False,
        "__template_step_name": "work",
    }
    assert results == ["analyze", "start"]


FAILING = [{"step": "work_002", "fail": {"retryable": False, "message": "bad row", "error_type": "bad"}}]
STRATEGIES = {
    ("continue_on_failure", "documented"): ("complete", "complete", "complete"),
    ("fail_fast", "documented"): ("blocked_by_failures", "error", "pending"),
    ("isolate", "documented"): ("blocked_by_failures", "error", "pending"),
    **{
        (strategy, "tasker-0.1.8"): ("blocked_by_failures", "error", "pending")
        for strategy in ("continue_on_failure", "fail_fast", "isolate")
    },
}


@pytest.mark.parametrize(("strategy", "profile"), STRATEGIES)
def test_a_failing_instance_ends_as_its_strategy_says(batch, strategy, profile):
    """Documented: the strategy decides; as built it is ignored, any failed instance blocks the task (row 27)."""
    run = batch(strategy, gather=Tolerant, profile=profile, faults=FAILING).run({"items": 30})
    assert (run.state, run["work_002"].state, run["gather"].state) == STRATEGIES[strategy, profile]
    assert [run[f"work_00{number}"].state for number in (1, 3)] == ["complete", "complete"]
    isolated = strategy == "isolate" and profile == "documented"
    assert [letter["step"] for letter in run.history.dead_letters] == ["work_002"] * isolated


def test_continue_on_failure_gives_null_for_the_failed_instance(batch):
    """The convergence runs and unwraps None where an instance failed; the failure stays in the record."""
    run = batch("continue_on_failure", gather=Tolerant, faults=FAILING).run({"items": 30})
    assert [result and result["items_processed"] for result in run["gather"].result.values()] == [10, None, 10]
    assert run["work_002"].error == "bad: bad row"


def test_the_isolated_instance_waits_for_the_operator(batch):
    """Once it is completed by hand, the convergence runs."""
    by_hand = {"do": "complete_manually", "step": "work_002", "result": {"items_processed": 7}, "at": "1m"}
    run = batch("isolate", faults=FAILING, actions=[by_hand]).run({"items": 30})
    assert (run.state, run["gather"].result["items"]) == ("complete", 27)


@pytest.mark.parametrize("profile", PROFILES)
def test_an_instance_has_its_own_attempts(batch, profile):
    """Each instance retries by the worker's policy, with its cursor; the siblings don't wait for it."""
    run = batch(
        retry={"max_attempts": 2}, profile=profile, faults=[{"step": "work_002", "attempt": 1, "fail": {}}]
    ).run({"items": 30})
    assert [len(run[f"work_00{number}"].attempts) for number in (1, 2, 3)] == [1, 2, 1]
    assert run["gather"].result["items"] == 30


def test_a_missing_batch_says_what_became_of_the_analyzer(batch):
    """A worker or a convergence that was never made names the analyzer; the worker itself exists as instances only."""
    failed = batch(faults=[{"step": "analyze", "fail": {"retryable": False}}]).run({"items": 5})
    with pytest.raises(
        RunError, match=r"Step 'gather' was never created in this run: .*\n  batchable 'analyze' is error$"
    ):
        failed["gather"]
    fine = batch().run({"items": 15})
    with pytest.raises(RunError, match=r"\n  batchable 'analyze' made 'work_001', 'work_002'$"):
        fine["work"]


@pytest.mark.parametrize(("profile", "state"), [("documented", "blocked_by_failures"), ("tasker-0.1.8", "complete")])
def test_an_empty_list_of_cursors(grown, profile, state):
    """create_batches without cursors: refused growth, an error or a warning (row 19)."""
    outcome = {"type": "create_batches", "worker_template_name": "work", "worker_count": 0, "total_items": 0}
    stubs = {"start": {}, "analyze": {"batch_processing_outcome": {**outcome, "cursor_configs": []}}}
    run = grown(steps(), HANDLERS, stubs=stubs, profile=profile).run()
    assert (run.state, list(run.steps)) == (state, ["start", "analyze"])
    said = "step analyze: cursor_configs cannot be empty for CreateBatches outcome"
    hint = ". Return no_batches_outcome(...) where there is nothing to do"
    assert [warning["text"] for warning in run.history.warnings] == [said + (hint if profile == "documented" else "")]


@pytest.mark.parametrize("profile", PROFILES)
def test_a_hundred_thousand_batches_are_too_many(grown, profile):
    """An analyzer that runs wild is stopped with the limit and the way to raise it."""
    cursor = {"batch_id": "1", "start_cursor": 0, "end_cursor": 1, "batch_size": 1}
    outcome = {"type": "create_batches", "worker_template_name": "work", "worker_count": 1, "total_items": 1}
    wild = {"batch_processing_outcome": {**outcome, "cursor_configs": [cursor] * 100_000}}
    with pytest.raises(RunError) as caught:
        grown(steps(), HANDLERS, stubs={"start": {}, "analyze": wild}, profile=profile).run()
    constant = {"documented": "DOCUMENTED", "tasker-0.1.8": "TASKER_0_1_8"}[profile]
    assert str(caught.value) == (
        "Step 'analyze' asks for 100000 batches; the simulator makes 10000 at the most. Make the batches larger, or "
        f"allow more: profile=dataclasses.replace({constant}, max_batches=100000)."
    )


def test_the_limit_of_batches_can_be_moved(batch):
    """It is the simulator's own, a field of the profile: as many are made, one more is refused."""
    narrow = replace(DOCUMENTED, max_batches=10)
    assert batch(profile=narrow).run({"items": 100}).state == "complete"
    with pytest.raises(RunError, match=r"^Step 'analyze' asks for 11 batches; the simulator makes 10 at the most\."):
        batch(profile=narrow).run({"items": 101})


WRONG_WORKERS = {
    "unknown": ("wrok", "Worker template not found: wrok", ". Did you mean 'work'? Batch workers: work"),
    "no worker": ("gather", "Template gather is not a BatchWorker type", ". Batch workers: work"),
}


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("case", WRONG_WORKERS)
def test_a_worker_that_is_none(grown, profile, case):
    """Tasker's own words; as documented, where the step fails by it, with the workers there are (row 19)."""
    name, said, hint = WRONG_WORKERS[case]
    cursor = {"batch_id": "1", "start_cursor": 0, "end_cursor": 1, "batch_size": 1}
    outcome = {"type": "create_batches", "worker_template_name": name, "worker_count": 1, "total_items": 1}
    stubs = {"start": {}, "analyze": {"batch_processing_outcome": {**outcome, "cursor_configs": [cursor]}}}
    run = grown(steps(), HANDLERS, stubs=stubs, profile=profile).run()
    told = said + (hint if profile == "documented" else "")
    assert [warning["text"] for warning in run.history.warnings] == [f"step analyze: {told}"]


CURSOR = {"batch_id": "001", "start_cursor": 0, "end_cursor": 1, "batch_size": 1}
BATCH = {
    "type": "create_batches",
    "worker_template_name": "work",
    "worker_count": 1,
    "total_items": 1,
    "cursor_configs": [CURSOR],
}


@pytest.mark.parametrize("profile", ["documented", "tasker-0.1.8"])
@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (None, "there is no 'batch_processing_outcome' in it"),
        ("batches", "its outcome has to be a mapping with the type create_batches or no_batches, not a str"),
        ({**BATCH, "worker_template_name": 1}, "its worker_template_name has to be a text, not 1"),
        ({**BATCH, "worker_count": -1}, "its worker_count has to be a whole number from 0, not -1"),
        ({**BATCH, "total_items": None}, "its total_items has to be a whole number from 0, not None"),
        ({**BATCH, "cursor_configs": {}}, "its cursor_configs have to be a list, not a mapping without a type"),
        (
            {**BATCH, "cursor_configs": [CURSOR, {"batch_id": 2}]},
            "its cursor number 2 lacks what each of them needs, "
            "batch_id (a text), start_cursor, end_cursor and batch_size (a "
            "whole number from 0)",
        ),
    ],
)
def test_a_result_that_is_no_batch_is_told(grown, profile, outcome, why):
    """Nothing grows and Tasker doesn't say a word about it; the run warns of what is wrong."""
    stubs = {"start": {}, "analyze": {"batch_processing_outcome": outcome}, "work": {}, "gather": {}}
    run = grown(steps(), stubs=stubs, profile=profile, unused_faults="allow").run()
    assert (run.state, list(run.steps)) == ("complete", ["start", "analyze"])
    assert [warning["text"] for warning in run.history.warnings] == [
        f"step analyze: its result makes no batches: {why}. "
        "Return batch_analyzer_success(...) or no_batches_outcome(...)"
    ]
