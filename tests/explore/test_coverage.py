"""Failure-path coverage: what a run counts for, what can be reached at all, and that the suggested faults get there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_testkit import Failure, FaultPlan, Simulation, TaskerTestkitError
from tasker_testkit.explore.coverage import coverage_of
from tasker_testkit.model.coverage import NOTHING, PATHS, Cell, Coverage
from tasker_testkit.model.profile import PROFILES

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
BATCH = {
    "batch_size": 1,
    "parallelism": 1,
    "cursor_field": "row",
    "worker_template": "work",
    "failure_strategy": "continue_on_failure",
}
QUICK = {"max_attempts": 2, "backoff": "none"}
CURSORS = [{"batch_id": f"00{n}", "start_cursor": n, "end_cursor": n + 1, "batch_size": 1} for n in (1, 2)]
WORKED = {"type": "create_batches", "worker_template_name": "work", "worker_count": 2, "total_items": 2}


def step(name, *needs, type="standard", **keys):
    """One step of a template."""
    handler = {"callable": name, "initialization": keys.pop("initialization", {})}
    return {"name": name, "type": type, "dependencies": list(needs), "handler": handler, "retry": QUICK, **keys}


def simulation(*steps, stubs=None, **keywords):
    """A workflow of stubs that all succeed, but for those that are given."""
    template = {"name": "t", "namespace_name": "n", "version": "1.0.0", "steps": list(steps)}
    return Simulation(template, stubs={one["name"]: {} for one in steps} | (stubs or {}), **keywords)


def paths(run, name):
    """The paths that a run takes with a step."""
    return {cell.name for cell in coverage_of(run.engine).covered if (cell.step, cell.kind) == (name, "path")}


def branches(run, name, *, covered=True):
    """The branches of a step that a run takes; without ``covered`` all there are."""
    found = coverage_of(run.engine)
    cells = found.covered if covered else found.cells
    return {cell.name for cell in cells if (cell.step, cell.kind) == (name, "branch")}


def open_to(run, name):
    """The paths that are open to a step."""
    return {cell.name for cell in coverage_of(run.engine).cells if (cell.step, cell.kind) == (name, "path")}


# -- what a run counts for ---------------------------------------------------------------------------------------------

CHARGE = (step("cart"), step("charge", "cart", timeout_seconds=5), step("mail", "charge"))


@pytest.mark.parametrize(
    ("plan", "taken"),
    [
        (FaultPlan(), {"first time"}),
        (FaultPlan().fail("charge", attempt=1), {"after retry"}),
        (FaultPlan().fail("charge"), {"exhausted"}),
        (FaultPlan().fail("charge", attempt=1).fail("charge", attempt=2, retryable=False), {"permanent"}),
        (FaultPlan().hang("charge", attempt=1), {"timed out", "after retry"}),
        (FaultPlan().delay("charge", "6s"), {"timed out", "exhausted"}),
        (FaultPlan().crash("charge", when="before", attempt=1), {"crashed before", "after retry"}),
        (FaultPlan().crash("charge", when="after", attempt=1), {"crashed after", "after retry"}),
        (FaultPlan().crash("charge", when="after"), {"crashed after", "exhausted"}),
        (FaultPlan().lose_result("charge", attempt=1), {"crashed after", "after retry"}),
        (FaultPlan().fail("cart", retryable=False), {"blocked"}),
    ],
    ids=lambda value: ", ".join(map(str, value)) if isinstance(value, FaultPlan) else None,
)
def test_a_run_counts_for_the_paths_that_it_took(plan, taken):
    """Each ending of an attempt counts for its own path; a retry that only leads to another failure for none."""
    run = simulation(*CHARGE, faults=plan).run()
    assert paths(run, "charge") == taken


def test_a_failure_that_calls_itself_a_timeout_is_none():
    """Handlers may use any error type: timed out is only what ``timeout_seconds`` ended."""
    run = simulation(*CHARGE, faults=FaultPlan().fail("charge", attempt=1, error_type="timeout")).run()
    assert paths(run, "charge") == {"after retry"}


def test_as_built_there_is_no_timeout():
    """Tasker 0.1.8 ignores ``timeout_seconds`` (row 12): the path isn't open there, and a late result is a success."""
    run = simulation(*CHARGE, profile="tasker-0.1.8", faults=FaultPlan().delay("charge", "6s", attempt=1)).run()
    assert paths(run, "charge") == {"first time"}
    assert "timed out" not in open_to(run, "charge")


def test_all_that_never_ran_behind_a_failure_is_blocked():
    """Children and grandchildren of the step that failed, and what would have run beside it; not what did run."""
    steps = (step("a"), step("b", "a"), step("c", "b"), step("quick"), step("slow", "quick"), step("beside", "slow"))
    run = simulation(*steps, durations={"slow": "1s"}, faults=FaultPlan().fail("a", retryable=False)).run()
    assert {name: paths(run, name) for name in ("a", "b", "c", "slow", "beside")} == {
        "a": {"permanent"},
        "b": {"blocked"},
        "c": {"blocked"},
        "slow": {"blocked"},
        "beside": {"blocked"},
    }


def test_what_an_operator_does_is_no_path():
    """A step that was completed by hand didn't succeed; that it had given up before still counts."""
    with simulation(*CHARGE, faults=FaultPlan().fail("charge")).start() as task:
        task.run_until(step="charge", state="error")
        task["charge"].complete_manually({"paid": True})
        run = task.finish()
    assert (run.state, paths(run, "charge"), paths(run, "mail")) == ("complete", {"exhausted"}, {"first time"})


def test_a_step_that_is_reset_takes_another_path():
    """Attempts start at 1 again (row 22): the failure before the reset was one of no attempt left."""
    answers = iter([Failure("busy"), Failure("busy"), {}])
    built = simulation(*CHARGE, stubs={"charge": lambda context: next(answers)})
    with built.start() as task:
        task.run_until(step="charge", state="error")
        task["charge"].reset_for_retry()
        run = task.finish()
    assert [attempt.number for attempt in run["charge"].attempts] == [1, 2, 1]
    assert paths(run, "charge") == {"exhausted", "after retry"}


def test_an_abandoned_task_counts_for_what_it_came_to():
    """A task that is left in the middle: what ended counts, what waits for its retry doesn't."""
    with simulation(*CHARGE, faults=FaultPlan().fail("charge", attempt=1)).start() as task:
        task.run_until(step="cart", state="complete")
    found = coverage_of(task._engine)
    assert {(cell.step, cell.name) for cell in found.covered} == {("cart", "first time")}


# -- branches ----------------------------------------------------------------------------------------------------------

ROUTE = (
    step("order"),
    step("route", "order", type="decision"),
    step("ship", "route"),
    step("refund", "route"),
    step("label", "ship"),
    step("meet", "ship", "refund", type="deferred_convergence"),
)


def asking(*names):
    """A decision for these steps."""
    outcome = {"type": "create_steps", "step_names": list(names)} if names else {"type": "no_branches"}
    return {"route": {"decision_point_outcome": outcome}}


@pytest.mark.parametrize(
    ("names", "taken"),
    [(["ship"], {"ship"}), (["ship", "refund"], {"ship", "refund"}), ([], {"none"}), (["label"], {"label"})],
)
def test_a_decision_counts_for_the_branches_that_it_chose(names, taken):
    """One, several, none, or a step farther down, which is no branch until a run chooses it."""
    run = simulation(*ROUTE, stubs=asking(*names)).run()
    assert branches(run, "route") == taken
    assert branches(run, "route", covered=False) == {"ship", "refund", "none"} | taken


@pytest.mark.parametrize(("profile", "taken"), [("documented", {"permanent"}), ("tasker-0.1.8", {"first time"})])
def test_a_branch_that_does_not_exist_is_none(profile, taken):
    """A misspelt name fails the decision as documented; as built the branch is missing, and that is not "none"."""
    run = simulation(*ROUTE, stubs=asking("shipp"), profile=profile).run()
    assert (branches(run, "route"), paths(run, "route")) == (set(), taken)


def test_a_branch_that_was_not_chosen_is_not_blocked():
    """The refund doesn't exist because nobody asked for it; the failure of the other branch has no part in that."""
    run = simulation(*ROUTE, stubs=asking("ship"), faults=FaultPlan().fail("ship", retryable=False)).run()
    assert [paths(run, name) for name in ("refund", "label", "meet")] == [set(), {"blocked"}, {"blocked"}]


def test_branches_of_a_decision_that_fails_are_blocked():
    """They never came into being, and the reason is a failure."""
    run = simulation(*ROUTE, stubs=asking("ship"), faults=FaultPlan().fail("route", retryable=False)).run()
    assert [paths(run, name) for name in ("ship", "refund", "meet")] == [{"blocked"}] * 3


BATCHES = (
    step("analyze", type="batchable", initialization={"worker_template_name": "work"}),
    step("work", "analyze", type="batch_worker", batch_config=BATCH),
    step("report", "work", type="deferred_convergence"),
)


def worked(**more):
    """Two batches."""
    return {"analyze": {"batch_processing_outcome": {**WORKED, "cursor_configs": CURSORS}}, **more}


def test_instances_count_for_their_worker():
    """What happens to any instance happened to the worker of the template, and faults are aimed at an instance."""
    run = simulation(*BATCHES, stubs=worked(), faults=FaultPlan().fail("work_002", attempt=1)).run()
    assert paths(run, "work") == {"first time", "after retry"}
    lines = {cell.name: line for cell, line in coverage_of(run.engine).cells.items() if cell.step == "work"}
    assert lines["exhausted"] == 'tasker_faults.fail("work_001")'


def test_an_instance_may_give_up_in_a_complete_task():
    """``continue_on_failure`` completes an instance that failed (row 27): it has given up all the same."""
    run = simulation(*BATCHES, stubs=worked(), faults=FaultPlan().fail("work_001")).run()
    assert (run.state, run["work_001"].state) == ("complete", "complete")
    assert paths(run, "work") == {"exhausted", "first time"}


def test_an_empty_batch_is_the_other_branch():
    """There are batches or there are none; where there never was one, no fault can be aimed at a worker."""
    run = simulation(*BATCHES, stubs={"analyze": {"batch_processing_outcome": {"type": "no_batches"}}}).run()
    assert branches(run, "analyze") == {"none"}
    assert branches(run, "analyze", covered=False) == {"none", "batches"}
    lines = {cell.name: line for cell, line in coverage_of(run.engine).cells.items() if cell.step == "work"}
    assert lines["exhausted"] == ""


@pytest.mark.parametrize("profile", PROFILES)
def test_a_batch_that_cannot_be_made_is_no_branch(profile):
    """The analyzer asks for a worker that doesn't exist: neither batches nor none came of it."""
    outcome = {**WORKED, "worker_template_name": "wrok", "cursor_configs": CURSORS}
    stubs = {"analyze": {"batch_processing_outcome": outcome}}
    assert branches(simulation(*BATCHES, stubs=stubs, profile=profile).run(), "analyze") == set()


# -- what can be reached -----------------------------------------------------------------------------------------------

ALWAYS = {"first time", "permanent", "crashed before", "crashed after"}


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    ("keys", "paths_"),
    [
        ({}, {"exhausted", "after retry"}),
        ({"retry": {"max_attempts": 1}}, {"exhausted"}),
        ({"timeout_seconds": 5}, {"exhausted", "after retry", "timed out"}),
        ({"retry": {"max_attempts": 1, "retryable": False}}, {"exhausted"}),
        ({"retry": {"max_attempts": 3, "retryable": False}}, {"exhausted"}),
    ],
)
def test_a_path_that_is_not_open_is_not_missed(profile, keys, paths_):
    """One attempt: no retry. No timeout: none. A root is never blocked, what follows it may be. As built two less."""
    run = simulation(step("a", **keys), step("b", "a"), profile=profile).run()
    as_built = {"timed out"} | ({"exhausted"} if keys.get("retry", {}).get("max_attempts") == 3 else set())
    assert open_to(run, "a") == ALWAYS | (paths_ - as_built if profile != "documented" else paths_)
    assert open_to(run, "b") == ALWAYS | {"exhausted", "after retry", "blocked"}


def test_a_step_that_is_built_as_a_root_is_never_blocked():
    """As built a step behind a batch's convergence starts at once: nothing that fails can hold it up."""
    later = step("later", "report")
    run = simulation(*BATCHES, later, stubs=worked(), profile="tasker-0.1.8").run()
    assert "blocked" not in open_to(run, "later")
    assert "blocked" in open_to(run, "report")


def test_only_steps_that_can_be_asked_for_are_branches():
    """Not the convergence, even if it lists the decision, nor a decision farther down: those come by themselves."""
    nested = (
        step("order"),
        step("route", "order", type="decision"),
        step("ship", "route"),
        step("again", "route", type="decision"),
        step("refund", "again"),
        step("meet", "route", "ship", "refund", type="deferred_convergence"),
    )
    run = simulation(*nested, stubs={**asking("ship"), "again": asking()["route"]}).run()
    assert branches(run, "route", covered=False) == {"ship", "none"}
    assert branches(run, "again", covered=False) == {"refund", "none"}


ALL = (
    step("start", retry={"max_attempts": 1}),
    step("slow", "start", timeout_seconds=5),
    step("stubborn", "slow", retry={"max_attempts": 2, "retryable": False}),
    step("route", "start", type="decision"),
    step("ship", "route"),
    step("refund", "route"),
    step("meet", "ship", "refund", type="deferred_convergence"),
    step("after", "meet"),
)
WORKFLOWS = {
    "branches": lambda profile: (simulation(*ALL, stubs=asking("ship", "refund"), profile=profile), {}),
    "batches": lambda profile: (simulation(*BATCHES, stubs=worked(), profile=profile), {}),
    "ecommerce": lambda profile: (
        Simulation(
            EXAMPLES / "ecommerce" / "order_processing.yaml",
            stubs={f"{name}": {} for name in SHOP},
            profile=profile,
        ),
        json.loads((EXAMPLES / "ecommerce" / "cart.json").read_text()),
    ),
}
SHOP = ("validate_cart", "process_payment", "update_inventory", "create_order", "send_confirmation")


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_every_suggested_fault_gets_there(workflow, profile):
    """Each missing cell names a fault, and a run with that fault, and no other, reaches the cell: all can be had."""
    plain, input = WORKFLOWS[workflow](profile)
    total = coverage_of(plain.run(input).engine)
    for cell, line in total.cells.items():
        if cell in total.covered:
            continue
        plan = eval(line, {"tasker_faults": FaultPlan()})
        run = plain.with_plan(plan).run(input)
        assert cell in coverage_of(run.engine).covered, f"{line} doesn't reach {cell}:\n{run.timeline()}"
        total |= coverage_of(run.engine)
    assert (total.percent, total.covered) == (100.0, frozenset(total.cells))


FAULTS = [
    ("fail", {}),
    ("fail", {"retryable": False}),
    ("crash", {"when": "before"}),
    ("crash", {"when": "after"}),
    ("lose_result", {}),
    ("hang", {}),
    ("duplicate", {}),
]


@given(
    profile=st.sampled_from(sorted(PROFILES)),
    chosen=st.lists(st.sampled_from(["ship", "refund"]), unique=True),
    faults=st.lists(
        st.tuples(st.sampled_from(FAULTS), st.sampled_from([one["name"] for one in ALL]), st.integers(1, 2)),
        max_size=3,
    ),
)
def test_nothing_is_reached_that_was_said_to_be_out_of_reach(profile, chosen, faults):
    """Whatever goes wrong: the cells are the same, so that a percentage means the same in every run."""
    attempts = {one["name"]: one["retry"]["max_attempts"] for one in ALL}
    plan = FaultPlan()
    for (method, keywords), name, attempt in faults:
        getattr(plan, method)(name, attempt=min(attempt, attempts[name]), **keywords)
    built = simulation(*ALL, stubs=asking(*chosen), profile=profile)
    run = built.with_plan(plan, strict=False).run()
    found = coverage_of(run.engine)
    assert found.cells == coverage_of(built.run().engine).cells
    assert found.covered <= set(found.cells)


# -- the value ---------------------------------------------------------------------------------------------------------

CELLS = st.builds(
    Cell,
    template=st.sampled_from(["n/a 1", "n/b 1"]),
    place=st.integers(0, 2),
    step=st.sampled_from("abc"),
    kind=st.just("path"),
    name=st.sampled_from(PATHS),
)
COVERAGES = st.dictionaries(CELLS, st.sampled_from(["", "x", "y"])).flatmap(
    lambda cells: st.sets(st.sampled_from(list(cells)) if cells else st.nothing()).map(
        lambda covered: Coverage(cells, frozenset(covered))
    )
)


@given(COVERAGES, COVERAGES, COVERAGES)
def test_coverages_merge_in_any_order(one, two, three):
    """Which worker comes home first changes nothing, and nothing counts twice."""
    assert one | two == two | one
    assert (one | two) | three == one | (two | three)
    assert one | one == one == one | NOTHING
    assert (one | two).covered == one.covered | two.covered


@given(COVERAGES)
def test_coverage_survives_json(coverage):
    """What is written is read again; the same coverage gives the same bytes."""
    text = json.dumps(coverage.to_data())
    again = Coverage.from_data(json.loads(text))
    assert again == coverage
    assert json.dumps((again | NOTHING).to_data()) == text


def test_data_of_another_format_is_refused():
    """The message says what it is, and what would be read."""
    with pytest.raises(TaskerTestkitError) as caught:
        Coverage.from_data({"format": "tasker-testkit/history", "version": 1})
    assert str(caught.value) == (
        "This is no failure-path coverage: format 'tasker-testkit/history', version 1; "
        "'tasker-testkit/coverage', version 1 is read."
    )


def test_cells_come_in_the_order_of_the_template():
    """Steps as in the template, a step's paths as they are told, then its branches, none last."""
    cells = [(cell["step"], cell["name"]) for cell in coverage_of(simulation(*ROUTE).run().engine).to_data()["cells"]]
    assert [name for name, path in cells if path == "first time"] == [one["name"] for one in ROUTE]
    of_route = [path for name, path in cells if name == "route"]
    assert of_route[-5:] == ["crashed after", "blocked", "refund", "ship", "none"]


def test_nothing_is_no_hundred_percent():
    """No workflow, no cells: that is nothing to be content with."""
    assert NOTHING.percent == 0.0
