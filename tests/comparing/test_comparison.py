"""The comparison of one workflow: what it says, in which form, and what it leaves alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import StringIO
from itertools import count

import pytest
from rich.console import Console
from small_workflows import BUSY, EXAMPLES, FAILS, QUICK, RESET, plan, raising, simulation, step
from tasker_core import StepHandler, StepHandlerResult

from tasker_testkit import TASKER_0_1_8, Failure, Simulation, compare
from tasker_testkit.errors import FaultError, RunError, StubError, TaskerTestkitError
from tasker_testkit.report.rich_comparison import print_comparison
from tasker_testkit.sections import listening

CHAIN = (step("cart"), step("charge", "cart"), step("mail", "charge"))
CHAIN_PLAN = plan(charge=[raising("PermanentError"), {"ok": {}}])


def raise_(error):
    """Raise it, where only an expression fits."""
    raise error


def example(name):
    """The comparison of an example."""
    _, built, given, _ = EXAMPLES[name]
    return compare(built(), given)


def test_a_comparison_as_text():
    """A table of what differs, the first thing of each step; then one sentence for each row that mattered."""
    assert str(compare(simulation(*CHAIN), CHAIN_PLAN)) == (
        "shop/small 1.0.0\n"
        "seed 0 · starts 2026-01-01T00:00:00Z\n"
        "\n"
        "                documented             tasker-0.1.8\n"
        "task            ✗ blocked_by_failures  ✓ complete\n"
        "elapsed         0 s                    0 s\n"
        "charge   state  error                  complete\n"
        "mail     state  pending                complete\n"
        "\n"
        "Where Tasker 0.1.8 differs here (rows of docs/profiles.md):\n"
        " 1  `charge` fails and runs again at once, where its template says 100 ms; don't rely on backoff:\n"
        "    wait inside the handler if the other side needs time.\n"
        " 7  `charge` raises PermanentError from a class: retried as any exception, 2 attempts instead of 1;\n"
        "    return failure(..., retryable=...) instead of raising."
    )


def test_where_nothing_differs():
    """A workflow in which all goes well is the same in both, and the comparison says so."""
    found = compare(simulation(*CHAIN), plan())
    assert (found.differences, found.divergences) == ((), ())
    assert found.text().endswith("elapsed    0 s         0 s\n\nTasker 0.1.8 does here what its documents promise.")


def test_a_refusal_is_part_of_the_comparison():
    """Who refuses, and why, in full; the other side ran."""
    found = example("13")
    assert (found.documented.state, found.as_built.state) == (None, "complete")
    assert list(found.runs) == ["tasker-0.1.8"]
    assert "task       ✗ refused   ✓ complete\n" in found.text()
    assert (
        "Refused under documented:\n"
        "  Template 'small' doesn't accept this input, 2 problems:\n"
        "    total: is missing.\n"
        "    mail: is missing.\n"
        "  Change the input, or input_schema and required_fields of the template.\n"
    ) in found.text()


def test_a_refused_workflow_still_shows_what_else_would_matter():
    """With the input let in, the rows behind the door are tried as well, both ways."""
    built = simulation(step("charge", callable="scripted_fn"), template={"input_schema": {"required": ["total"]}})
    asks = plan(charge=[raising("RetryableError", retry_after=3), {"ok": {}}])
    assert [row.row for row in compare(built, asks).divergences] == [1, 2, 9, 13]
    markup = {**asks, "note": "x" * 10_001, "total": 1}
    assert [row.row for row in compare(built, markup).divergences] == [1, 2, 9, 14]


def test_a_handler_that_one_profile_can_t_use_is_a_refusal():
    """The documents need the method that a template names; Tasker 0.1.8 never looks for it."""
    found = compare(simulation(step("charge", handler={"method": "nowhere"})), plan())
    assert "Scripted has no method 'nowhere'" in found.documented.refused
    assert [(row.row, row.steps) for row in found.divergences] == [(16, ("charge",))]


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("1", ("charge", "waits", "100 ms", "0 s")),
        ("7", ("charge", "attempts", "1", "2")),
        ("7, no attempt more", None),
        ("10", ("charge", "attempts", "1", "2")),
        ("11", ("charge", "error type", "contract_error", "FFI_SERIALIZATION_ERROR")),
        ("16", ("charge", "result.method", '"refund"', "null")),
        ("21", ("charge", "state", "complete", "in_progress")),
    ],
)
def test_the_first_difference_of_a_step(name, first):
    """State before attempts, attempts before waits, waits before the result, the result before the error type."""
    differences = [(d.step, d.what, d.documented, d.as_built) for d in example(name).differences]
    assert differences == ([first] if first else [])


def test_results_differ_at_a_place():
    """A result's difference is shown at the first place that has one."""
    stubs = {"charge": lambda context: {"lines": [{"note": context.input_data["note"]}], "total": 1}}
    found = compare(simulation(step("charge"), stubs=stubs), {"note": "a<script>"})
    (difference,) = found.differences
    assert (difference.what, difference.documented, difference.as_built) == (
        "result.lines.0.note",
        '"a<script>"',
        '"a&lt;script&gt;"',
    )


def test_a_result_that_moved_with_its_step_is_the_same():
    """Steps that are only later or earlier, with instants in their results, aren't told."""

    class Mail(StepHandler):
        def call(self, context):
            return StepHandlerResult.success({"sent": datetime.now(UTC).isoformat(), "day": str(datetime.now().date())})

    template = {"name": "t", "namespace_name": "n", "version": "1", "steps": [step("charge"), step("mail", "charge")]}
    built = Simulation(template, handlers={"scripted": Mail}, stubs={"charge": [Failure("busy"), {}]})
    found = compare(built, {})
    results = [run["mail"].result for run in found.runs.values()]
    assert results[0]["sent"] != results[1]["sent"]
    assert [(d.step, d.what) for d in found.differences] == [("charge", "waits")]
    assert [(row.row, row.steps) for row in found.divergences] == [(1, ("charge",))]
    assert found.unsteady == ()


def test_steps_behind_a_concerned_one_aren_t_concerned():
    """What a row does to a step does something to those behind it; the row names the step where it began."""
    stubs = {"charge": lambda context: {"limit": context.step_config.get("limit", 1)}}
    stubs["mail"] = lambda context: {"seen": context.get_dependency_result("charge")}
    override = {"name": "charge", "handler": {"callable": "scripted", "initialization": {"limit": 9}}}
    template = {"environments": {"test": {"steps": [override]}}}
    steps = (step("charge"), step("mail", "charge"))
    found = compare(simulation(*steps, template=template, environment="test", stubs=stubs), {})
    assert [d.step for d in found.differences] == ["charge", "mail"]
    assert [(row.row, row.steps) for row in found.divergences] == [(15, ("charge",))]


def test_what_differs_between_two_runs_of_one_profile_counts_for_nothing():
    """Doubles that keep something between runs blame no row: the place is left out, and said; setup= mends it."""
    numbers = count()
    stubs = {"charge": lambda context: {"id": next(numbers)}, "mail": [Failure("busy"), {}]}
    found = compare(simulation(step("charge"), step("mail"), stubs=stubs), {})
    assert [row.row for row in found.divergences] == [1]
    assert found.unsteady == ("charge result.id",)
    assert [d.step for d in found.differences] == ["mail"]
    assert found.text().endswith(
        "Left out, since two runs of one profile differ there: charge result.id. Give what handlers talk to a\n"
        "fresh start before each run (setup=)."
    )
    ids = []
    stubs["charge"] = lambda context: {"id": ids.append(1) or len(ids)}
    assert compare(simulation(step("charge"), step("mail"), stubs=stubs, setup=ids.clear), {}).unsteady == ()


def test_setup_is_called_before_each_run():
    """Every run of a comparison, the counterfactual ones included, begins with setup."""
    calls = []
    starts = []
    stubs = {"charge": lambda context: starts.append(len(calls)) or {}, "mail": [Failure("busy"), {}]}
    compare(simulation(step("charge"), step("mail"), stubs=stubs, setup=lambda: calls.append(1)), {})
    assert starts == list(range(1, len(calls) + 1))
    assert 4 < len(calls) <= 4 + 2 * 29


def test_without_a_difference_the_workflow_runs_twice():
    """What is the same in both isn't tried row by row."""
    calls = []
    compare(simulation(*CHAIN, setup=lambda: calls.append(1)), plan())
    assert len(calls) == 2


def test_the_profile_of_the_simulation_plays_no_part():
    """The same findings, whichever profile the simulation has."""
    one, other = (compare(simulation(*CHAIN, profile=name), CHAIN_PLAN) for name in ("documented", "tasker-0.1.8"))
    assert one.to_data() == other.to_data()


def test_a_comparison_as_data():
    """Plain JSON with a format and a version; durations in seconds."""
    data = json.loads(json.dumps(example("1").to_data()))
    (row,) = data.pop("divergences")
    assert (row["row"], row["title"], row["steps"]) == (1, "wait before the next attempt", ["charge"])
    assert data == {
        "format": "tasker-testkit/comparison",
        "version": 1,
        "template": {"namespace": "shop", "name": "small", "version": "1.0.0"},
        "seed": 0,
        "start": "2026-01-01T00:00:00Z",
        "sides": [
            {"profile": "documented", "state": "complete", "elapsed": 0.1, "refused": None},
            {"profile": "tasker-0.1.8", "state": "complete", "elapsed": 0.0, "refused": None},
        ],
        "differences": [{"step": "charge", "what": "waits", "documented": "100 ms", "as_built": "0 s"}],
        "unsteady": [],
    }


@pytest.mark.parametrize("width", [60, 80, 100, 120])
@pytest.mark.parametrize("name", EXAMPLES)
def test_no_line_is_wider_than_the_page(name, width, comparisons):
    """At every width from 60 up, in both sets of signs; ASCII is ASCII."""
    found = comparisons(name)
    for unicode in (True, False):
        text = found.text(width=width, unicode=unicode)
        assert max(map(len, text.splitlines())) <= width
        assert unicode or text.isascii()


@pytest.fixture(scope="module")
def comparisons():
    """The examples' comparisons, each made once."""
    made = {}

    def comparison(name):
        if name not in made:
            made[name] = example(name)
        return made[name]

    return comparison


def test_the_terminal_shows_the_same_lines():
    """rich prints the plain text's lines, in colours where it has them."""
    found = example("7")
    console = Console(width=100, record=True, force_terminal=True, file=StringIO())
    print_comparison(found, console)
    assert console.export_text(clear=False).splitlines() == [line.rstrip() for line in found.text().splitlines()]
    assert "\x1b[31m" in console.export_text(styles=True)


def test_many_differences_are_cut():
    """A batch of hundreds doesn't fill the screen: twenty steps are shown, the rest counted; the value has them all."""
    names = [f"s{number}" for number in range(30)]
    found = compare(simulation(*map(step, names)), plan(**{name: [BUSY, {"ok": {}}] for name in names}))
    assert len(found.differences) == 30
    assert "s19 " in found.text()
    assert "s20 " not in found.text()
    assert "… and 10 more steps that differ\n" in found.text()
    assert "(likewise `s1`, `s2`, `s3` and 26 more)" in found.divergences[0].sentence


# -- plans -----------------------------------------------------------------------------------------------------------


def test_a_fault_that_fires_under_neither_profile_is_a_mistake():
    """As in a run; one that fires under one of them is part of the comparison."""
    late = [{"step": "charge", "attempt": 2, "fail": {}}]
    with pytest.raises(FaultError) as caught:
        compare(simulation(step("charge"), faults=late), plan())
    assert str(caught.value) == (
        "These faults fired under neither profile:\n"
        "  fail at charge, attempt 2\n"
        'Aim them at attempts that happen, or allow it with unused_faults="allow".'
    )
    assert not compare(simulation(step("charge"), faults=late, unused_faults="allow"), plan()).divergences
    assert compare(simulation(step("charge"), faults=late), plan(charge=raising("PermanentError"))).divergences


def test_an_action_that_is_done_under_neither_profile_is_a_mistake():
    """As in a run; what can be done under one of them only is part of the comparison."""
    with pytest.raises(RunError) as caught:
        compare(simulation(step("charge"), actions=[RESET]), plan())
    assert str(caught.value) == (
        "These actions could be done under neither profile:\n"
        "  reset_for_retry of step 'charge' when step 'charge' is error\n"
        "Wait for a state that the run enters, and do what that state allows."
    )


def test_an_unknown_environment_is_a_mistake():
    """Although Tasker 0.1.8 would ignore any."""
    with pytest.raises(TaskerTestkitError, match="has no environment 'prod'"):
        compare(simulation(step("charge"), environment="prod"), plan())


def test_stubs_that_either_profile_used_are_used():
    """check_unused knows what the runs of a comparison used."""
    built = simulation(step("charge"), step("mail", "charge"), stubs={"charge": {}, "mail": {}})
    with pytest.raises(StubError):
        built.check_unused()
    compare(built, {})
    built.check_unused()


# -- runs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["documented", "tasker-0.1.8"])
def test_a_run_knows_its_divergences(profile):
    """The same rows as compare finds, under either profile, worked out when they are asked for, and once."""
    calls = []
    run = simulation(*CHAIN, profile=profile, setup=lambda: calls.append(1)).run(CHAIN_PLAN)
    assert len(calls) == 1
    assert run.divergences == compare(simulation(*CHAIN), CHAIN_PLAN).divergences
    made = len(calls)
    assert run.divergences
    assert len(calls) == made > 1


def test_divergences_are_those_of_the_run_as_it_was():
    """Neither the input nor the plan, changed after the run, change what is said about it."""
    given = plan(charge=[BUSY, {"ok": {}}])
    built = simulation(step("charge"), step("mail"))
    run = built.run(given)
    given["plan"]["charge"] = [{"ok": {}}]
    built.faults.fail("mail", error_type="busy")
    assert [(row.row, row.steps) for row in run.divergences] == [(1, ("charge",))]


def test_a_task_driven_by_hand_is_driven_again():
    """What was done by hand is done again at the same points, whatever instants those are in the other profile."""
    calls = []
    stubs = {"charge": lambda context: {} if calls.append(1) or len(calls) > 2 else raise_(OSError("busy"))}
    driven = simulation(step("charge"), stubs=stubs, setup=calls.clear, profile="documented")
    with driven.start({}) as task:
        task.run_until(step="charge", state="error")
        task["charge"].reset_for_retry()
        run = task.finish()
    assert run.state == "complete"
    assert [row.row for row in run.divergences] == [1, 22]


@pytest.mark.parametrize("verb", ["cancel", "resolve_manually", "complete_manually", "advance"])
def test_what_is_done_by_hand_is_kept(verb):
    """Each thing that can be done to a task or a step by hand can be done again."""
    slow = {**QUICK, "backoff_base_ms": 60_000, "max_backoff_ms": 60_000}
    with simulation(step("charge", retry=slow), step("mail", "charge")).start(plan(charge=FAILS)) as task:
        task.run_until(step="charge", state="error")
        if verb == "advance":
            task.advance("5m")
        else:
            (getattr(task, verb) if verb == "cancel" else getattr(task["charge"], verb))()
        first = task.finish()
        script = task.script
    assert len(script) == 2
    with simulation(step("charge", retry=slow), step("mail", "charge")).start(plan(charge=FAILS)) as task:
        for do in script:
            do(task)
        assert task.finish().history == first.history


def test_a_pytest_report_shows_the_two_runs_and_not_the_others():
    """The runs of both profiles are noticed; those that try the rows are nobody's business."""
    with listening() as runs:
        found = compare(simulation(*CHAIN), CHAIN_PLAN)
    assert list(runs) == [found.runs["documented"], found.runs["tasker-0.1.8"]]
    assert runs.total == 2


def test_what_handlers_print_is_printed_twice(capsys):
    """Once a profile; the runs that try the rows are silent."""
    stubs = {"charge": lambda context: print("charging") or {}, "mail": [Failure("busy"), {}]}
    compare(simulation(step("charge"), step("mail"), stubs=stubs), {})
    assert capsys.readouterr().out == "charging\ncharging\n"


def test_a_variant_shares_nothing_that_matters():
    """with_profile leaves the simulation as it was, and its runs never see one another."""
    built = simulation(*CHAIN, profile="documented")
    before = built.run(CHAIN_PLAN).history
    assert built.with_profile(TASKER_0_1_8).run(CHAIN_PLAN).state == "complete"
    assert built.run(CHAIN_PLAN).history == before
    assert built.profile.name == "documented"
