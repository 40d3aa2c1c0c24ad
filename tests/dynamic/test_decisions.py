"""Decisions with the SDK's own handlers: which branches exist, what meets them again, and why a step isn't there."""

from __future__ import annotations

import re

import pytest
from tasker_core import DecisionHandler, StepHandler, StepHandlerResult
from tasker_core.step_handler.functional import Decision, decision_handler

from tasker_testkit import RunError

STEPS = [
    ("start", "standard", []),
    ("route", "decision", ["start"]),
    *((name, "standard", ["route"]) for name in "abc"),
    ("meet", "deferred_convergence", ["a", "b", "c"]),
    ("after", "standard", ["meet"]),
]


class Route(DecisionHandler):
    """Takes the branches that the input names."""

    handler_name = "route"

    def call(self, context):
        """Route, or skip."""
        branches = context.get_input("branches")
        return self.decision_success(branches) if branches else self.skip_branches("nothing to do")


@decision_handler("route")
def route(context):
    """The same as a function."""
    branches = context.get_input("branches")
    return Decision.route(branches) if branches else Decision.skip("nothing to do")


class Seen(StepHandler):
    """Says whose results it sees."""

    handler_name = "seen"

    def call(self, context):
        """Success."""
        return StepHandlerResult.success({"seen": sorted(context.get_dependency_result_keys())})


STUBS = {name: {} for name in ("start", "a", "b", "c", "after")}
HANDLERS = {"class": {"route": Route, "meet": Seen}, "function": {"route": route, "meet": Seen}}


@pytest.mark.parametrize("form", HANDLERS)
@pytest.mark.parametrize("profile", ["documented", "tasker-0.1.8"])
@pytest.mark.parametrize("branches", [["b"], ["c", "a"], ["a", "b", "c"], ["a", "a"]])
def test_exactly_the_chosen_branches_run_and_meet(grown, form, profile, branches):
    """One, several, all, or one named twice: the convergence waits for those, and sees all their results."""
    run = grown(STEPS, HANDLERS[form], stubs=STUBS, profile=profile).run({"branches": branches})
    chosen = sorted(set(branches))
    assert run.state == "complete"
    assert list(run.steps) == ["start", "route", *chosen, "meet", "after"]
    assert run["meet"].parents == tuple(chosen)
    assert run["meet"].result == {"seen": sorted([*chosen, "route", "start"])}
    assert run["a" if "a" in chosen else chosen[0]].parents == ("route",)
    twice = ["decision route asks for 'a' 2 times; it is made once"] if branches == ["a", "a"] else []
    assert [warning["text"] for warning in run.history.warnings] == twice


@pytest.mark.parametrize("form", HANDLERS)
def test_no_branch_is_a_complete_task(grown, form):
    """A decision that skips leaves a complete task in which neither a branch nor the convergence exists."""
    run = grown(STEPS, HANDLERS[form], stubs=STUBS).run()
    assert (run.state, list(run.steps)) == ("complete", ["start", "route"])
    for name in ("a", "meet", "after"):
        with pytest.raises(RunError) as caught:
            run[name]
        assert str(caught.value) == (
            f"Step {name!r} was never created in this run: it comes into being by what grows before it, and that was:\n"
            "  decision 'route' chose no branch"
        )


def test_a_step_that_is_missing_says_what_was_chosen_instead(grown):
    """The unselected branch names the decision and its choice."""
    run = grown(STEPS, HANDLERS["class"], stubs=STUBS).run({"branches": ["a", "b"]})
    with pytest.raises(RunError, match=r"\n  decision 'route' chose 'a', 'b'$"):
        run["c"]


def test_a_branch_behind_a_decision_that_never_ran_says_so(grown):
    """So does one whose decision was never asked, or was never created itself."""
    steps = [*STEPS[:3], ("inner", "decision", ["a"]), ("x", "standard", ["inner"])]
    stubs = {"start": {}, "a": {}, "x": {}, "inner": {}}
    built = grown(steps, {"route": Route}, stubs=stubs)
    with pytest.raises(
        RunError, match=r"\n  decision 'route' chose no branch\n  decision 'inner' was never created itself$"
    ):
        built.run()["x"]
    with pytest.raises(RunError, match=r"\n  decision 'route' is pending\n"):
        grown(steps, {"route": Route}, stubs=stubs, faults=[{"step": "start", "fail": {"retryable": False}}]).run()["x"]


@pytest.mark.parametrize(("profile", "state"), [("documented", "blocked_by_failures"), ("tasker-0.1.8", "complete")])
def test_an_unknown_branch(grown, profile, state):
    """Documented: the decision ends in error. As built: a warning, and the branches are silently missing (row 19)."""
    run = grown(STEPS, HANDLERS["class"], stubs=STUBS, profile=profile).run({"branches": ["a", "aa"]})
    message = "step route: Step 'aa' is not a valid descendant of decision point 'route'"
    if profile == "documented":
        message += ". Did you mean 'a'? Below it: a, b, c, meet, after"
    assert (run.state, list(run.steps)) == (state, ["start", "route"])
    assert [warning["text"] for warning in run.history.warnings] == [message]
    assert run["route"].result["decision_point_outcome"]["step_names"] == ["a", "aa"]
    with pytest.raises(RunError) as caught:
        run["a"]
    assert str(caught.value).endswith(f"\n  decision 'route' is {run['route'].state} ({message})")


@pytest.mark.parametrize("branch", ["x", "y"])
def test_decisions_nest(grown, branch):
    """The inner decision is made with its branch, and makes its own; the convergence meets what exists."""
    steps = [
        ("start", "standard", []),
        ("route", "decision", ["start"]),
        ("a", "standard", ["route"]),
        ("b", "standard", ["route"]),
        ("inner", "decision", ["a"]),
        ("x", "standard", ["inner"]),
        ("y", "standard", ["inner"]),
        ("meet", "deferred_convergence", ["b", "x", "y"]),
    ]
    handlers = {"route": Route, "inner": lambda context: Decision.route([branch]), "meet": Seen}
    handlers["inner"] = decision_handler("inner")(handlers["inner"])
    run = grown(steps, handlers, stubs={name: {} for name in ("start", "a", "b", "x", "y")}).run({"branches": ["a"]})
    assert list(run.steps) == ["start", "route", "a", "inner", branch, "meet"]
    assert run["meet"].result == {"seen": sorted(["a", "inner", "route", "start", branch])}


def test_a_convergence_waits_for_its_slowest_branch(grown):
    """It runs when the last branch is complete, however long that takes, retries included."""
    run = grown(
        STEPS,
        HANDLERS["class"],
        stubs=STUBS,
        durations={"a": "1s", "b": "5s"},
        faults=[{"step": "b", "attempt": 1, "fail": {}}],
    ).run({"branches": ["a", "b"]})
    assert run["b"].attempts[1].ended_at == run["meet"].attempts[0].started_at


def test_a_branch_that_fails_leaves_its_convergence_pending(grown):
    """A branch in error blocks the task; the other branch finishes, the convergence never runs."""
    run = grown(STEPS, HANDLERS["class"], stubs=STUBS, faults=[{"step": "a", "fail": {"retryable": False}}]).run(
        {"branches": ["a", "b"]}
    )
    assert (run.state, run["b"].state, run["meet"].state) == ("blocked_by_failures", "complete", "pending")


def test_a_retry_of_a_decision_grows_once(grown):
    """A decision that fails first chooses when it succeeds, and its branches come once."""
    run = grown(STEPS, HANDLERS["class"], stubs=STUBS, faults=[{"step": "route", "attempt": 1, "fail": {}}]).run(
        {"branches": ["a"]}
    )
    assert (run.state, list(run.steps)) == ("complete", ["start", "route", "a", "meet", "after"])


def test_a_decision_completed_by_hand_grows_nothing(grown):
    """An operator's result makes no branches, whatever it says."""
    by_hand = {"do": "complete_manually", "step": "route", "at": 1}
    by_hand["result"] = {"decision_point_outcome": {"type": "create_steps", "step_names": ["a"]}}
    run = grown(
        STEPS,
        HANDLERS["class"],
        stubs=STUBS,
        faults=[{"step": "route", "fail": {"retryable": False}}],
        actions=[by_hand],
    ).run()
    assert (run.state, list(run.steps)) == ("complete", ["start", "route"])


@pytest.mark.parametrize("profile", ["documented", "tasker-0.1.8"])
def test_a_list_or_dict_from_a_function_is_no_choice(grown, profile):
    """What a decision function returns without Decision.route is plain data."""
    plain = decision_handler("route")(lambda context: ["a"])
    run = grown(STEPS, {"route": plain, "meet": Seen}, stubs=STUBS, profile=profile).run()
    assert (run.state, list(run.steps)) == ("complete", ["start", "route"])


@pytest.mark.parametrize("profile", ["documented", "tasker-0.1.8"])
@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (None, "there is no 'decision_point_outcome' in it"),
        (
            {"type": "create", "step_names": ["a"]},
            "its outcome has to be a mapping with the type create_steps or no_branches, not a mapping with the type "
            "'create'",
        ),
        (["a"], "its outcome has to be a mapping with the type create_steps or no_branches, not a list"),
        ({"type": "create_steps", "step_names": "a"}, "its step_names have to be a list of texts, not a str"),
    ],
)
def test_a_result_that_is_no_choice_is_told(grown, profile, outcome, why):
    """Tasker takes it for no branches without a word; the run warns, and a step that is missing for it says why."""
    run = grown(STEPS, stubs={**STUBS, "route": {"decision_point_outcome": outcome}, "meet": {}}, profile=profile).run()
    told = f"step route: its result makes no branches: {why}. Return decision_success(...) or skip_branches(...), "
    assert run.state == "complete"
    assert [warning["text"] for warning in run.history.warnings] == [
        f"{told}from a function Decision.route(...) or Decision.skip(...)"
    ]
    with pytest.raises(RunError, match=re.escape(f"decision 'route' is complete ({told}")):
        run["a"]


def test_a_choice_of_nothing_needs_no_words(grown):
    """Who says no branches, or chooses none of them, is understood."""
    for outcome in ({"type": "no_branches"}, {"type": "create_steps", "step_names": []}):
        stubs = {**STUBS, "route": {"decision_point_outcome": outcome}, "meet": {}}
        assert grown(STEPS, stubs=stubs).run().history.warnings == ()
