"""An operator's actions as data: read, refused, done at their instants, and written back; from Python and the shell."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_testkit import Failure, RunError, Simulation
from tasker_testkit.model.actions import ACTIONS, Action, When, action_from_data, action_from_text, read_actions
from tasker_testkit.model.states import STEP_STATES, TASK_STATES

TEMPLATE = {
    "name": "orders",
    "namespace_name": "shop",
    "version": "1.0.0",
    "steps": [
        {"name": "charge", "handler": {"callable": "charge"}, "retry": {"max_attempts": 2, "backoff_base_ms": 1000}},
        {"name": "ship", "handler": {"callable": "ship"}, "dependencies": ["charge"]},
    ],
}
BROKEN = {"charge": Failure("no", "declined", retryable=False), "ship": {}}
FINE = {"charge": {"paid": 1}, "ship": {}}


def simulation(actions, stubs=BROKEN, **keywords) -> Simulation:
    """The order of two steps, with an operator."""
    return Simulation(TEMPLATE, stubs=stubs, actions=actions, **keywords)


# -- data --------------------------------------------------------------------------------------------------------------


names = st.text(min_size=1, max_size=5)
times = st.integers(0, 10**15)
objects = st.dictionaries(names, st.none() | st.integers() | names, max_size=2)
whens = st.builds(When, st.sampled_from(STEP_STATES), names, st.integers(1, 9))
whens |= st.builds(When, st.sampled_from(TASK_STATES), st.none(), st.integers(1, 9))
moments = st.fixed_dictionaries({"at": times}) | st.fixed_dictionaries({"when": whens, "delay": times})


@st.composite
def actions(draw: st.DrawFn) -> Action:
    """Any action."""
    do = draw(st.sampled_from(sorted(ACTIONS)))
    fields = draw(moments)
    if "step" in ACTIONS[do]:
        fields["step"] = draw(names)
    if "result" in ACTIONS[do]:
        fields |= draw(st.fixed_dictionaries({"result": objects, "metadata": objects, "reason": names}))
    return Action(do, **fields)


@given(actions())
def test_data_gives_the_same_action_back(action):
    """An action written as data, through JSON, reads as the same action."""
    assert action_from_data(json.loads(json.dumps(action.to_data()))) == action
    assert read_actions([action, action.to_data()]) == (action, action)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("cancel@5s", {"do": "cancel", "at": "5s"}),
        ("reset_for_retry:charge@1m", {"do": "reset_for_retry", "step": "charge", "at": "60s"}),
        ("resolve_manually:a:b@0", {"do": "resolve_manually", "step": "a:b", "at": "0s"}),
        (
            '{"do": "reset_for_retry", "step": "x", "when": {"step": "x", "state": "error"}, "delay": "1s"}',
            {"do": "reset_for_retry", "step": "x", "when": {"state": "error", "step": "x"}, "delay": "1s"},
        ),
    ],
)
def test_a_text_says_an_action(text, data):
    """``DO[:STEP]@DURATION`` and JSON are two ways to say the same."""
    assert action_from_text(text).to_data() == data


KNOWN = "\n  cancel\n  reset_for_retry\n  resolve_manually\n  complete_manually"
WRONG = {
    "no mapping": (5, "An action is a mapping such as {do: cancel, at: 5s}, not 5."),
    "nothing to do": ({"at": 5}, f"The action says nothing to do. Actions ('do'):{KNOWN}"),
    "unknown do": (
        {"do": "reset_for_retyr", "at": 5},
        f"There is no action 'reset_for_retyr'. Did you mean 'reset_for_retry'? Actions ('do'):{KNOWN}",
    ),
    "unhashable do": ({"do": [], "at": 5}, f"There is no action []. Actions ('do'):{KNOWN}"),
    "misspelt key": (
        {"do": "reset_for_retry", "stpe": "x", "at": 5},
        "'reset_for_retry' has no key 'stpe'. Did you mean 'step'? Its keys:\n  do\n  step\n  at\n  when\n  delay",
    ),
    "a step to cancel": (
        {"do": "cancel", "step": "x", "at": 5},
        "'cancel' has no key 'step'. Its keys:\n  do\n  at\n  when\n  delay",
    ),
    "missing step": ({"do": "resolve_manually", "at": 5}, "'resolve_manually' names no step. Add 'step: NAME'."),
    "no time": (
        {"do": "cancel"},
        "'cancel' has neither 'at' nor 'when'. Say when it's done: 'at: 5s', or 'when: {step: NAME, state: STATE}'.",
    ),
    "two times": (
        {"do": "cancel", "at": 5, "when": {"state": "complete"}},
        "'cancel' has both 'at' and 'when'. Say when it's done: 'at: 5s', or 'when: {step: NAME, state: STATE}'.",
    ),
    "a delay of an instant": (
        {"do": "cancel", "at": 5, "delay": 1},
        "'cancel' has 'at' and 'delay'. A delay belongs to 'when'; add it to 'at'.",
    ),
    "bad duration": (
        {"do": "cancel", "at": "soon"},
        "'at': 'soon' is not a duration. Write seconds (1.5), a text with a unit "
        "(us, ms, s, m, h, d; '250ms', '40s', '5m', '2h') or a timedelta; it can't be negative",
    ),
    "no moment": (
        {"do": "cancel", "when": "error"},
        "'when' takes a mapping such as {step: NAME, state: error}, not 'error'.",
    ),
    "misspelt state": (
        {"do": "cancel", "when": {"state": "completed"}},
        "'when' needs a state of the task, not 'completed'. Did you mean 'complete'? States:\n  "
        + "\n  ".join(TASK_STATES),
    ),
    "a task's state of a step": (
        {"do": "cancel", "when": {"step": "x", "state": "blocked_by_failures"}},
        "'when' needs a state of a step, not 'blocked_by_failures'. States:\n  " + "\n  ".join(STEP_STATES),
    ),
    "zeroth time": (
        {"do": "cancel", "when": {"state": "complete", "nth": 0}},
        "'nth' of 'when' is a whole number from 1, not 0.",
    ),
    "result no mapping": (
        {"do": "complete_manually", "step": "x", "at": 5, "result": 5},
        "'result' is a mapping, not 5.",
    ),
    "result not JSON": (
        {"do": "complete_manually", "step": "x", "at": 5, "result": {"x": float("nan")}},
        "'result' must be plain JSON: Out of range float values are not JSON compliant",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_data_is_one_clear_error(case):
    """What can't be an action is refused with its number in the list, what is wrong, and what is known."""
    data, message = WRONG[case]
    with pytest.raises(RunError) as caught:
        read_actions([{"do": "cancel", "at": 0}, data])
    assert str(caught.value).startswith(f"Action 2: {message}")


@pytest.mark.parametrize("data", ["cancel@5s", {"do": "cancel"}, 5])
def test_actions_are_a_list(data):
    """A single action, or a text, where a list belongs is refused."""
    with pytest.raises(RunError, match=r"^Actions are a list, not .*\. Write \[\{do: cancel, at: 5s\}\]\.$"):
        read_actions(data)


@pytest.mark.parametrize("key", ["step", "when"])
def test_a_step_that_the_template_lacks_is_refused(key):
    """Before anything runs, with the nearest name and all of them."""
    data = (
        {"step": "chrage", "at": 0} if key == "step" else {"step": "ship", "when": {"step": "chrage", "state": "error"}}
    )
    with pytest.raises(RunError) as caught:
        simulation([{"do": "resolve_manually", **data}])
    assert str(caught.value).endswith(
        "can't be done: template 'orders' has no step 'chrage'. Did you mean 'charge'? Its steps:\n  charge\n  ship"
    )


# -- runs --------------------------------------------------------------------------------------------------------------


def test_an_action_comes_at_its_instant_in_every_run():
    """A reset a minute after the failure, the gateway mended: the task goes on, twice the same."""
    reset = {"do": "reset_for_retry", "step": "charge", "when": {"step": "charge", "state": "error"}, "delay": "1m"}
    mended = [Failure("busy", retryable=True), Failure("no", retryable=False)]
    built = simulation([reset], {"charge": lambda context: next(answers), "ship": {}})
    for _ in range(2):
        answers = iter([*mended, {"paid": 1}])
        run = built.run()
        assert (run.state, run.elapsed) == ("complete", timedelta(minutes=1, seconds=1))
        assert run.history.actions == ({"at": 61.0, "do": "reset_for_retry", "step": "charge"},)


def test_a_completion_by_hand_carries_its_result():
    """The descendant sees the operator's result; the history has it."""
    seen = []
    by_hand = {"do": "complete_manually", "step": "charge", "result": {"paid": 2}, "at": "5s"}
    run = simulation(
        [by_hand], {**BROKEN, "ship": lambda context: seen.append(context.get_dependency_result("charge")) or {}}
    ).run()
    assert (run.state, seen) == ("complete", [{"paid": 2}])
    assert run.history.to_data()["actions"] == [
        {"at": 5.0, "do": "complete_manually", "step": "charge", "result": {"paid": 2}}
    ]


def test_actions_of_one_instant_are_done_in_order_after_everything_else():
    """What is due at the instant happens before the operator, and each action's consequences before the next one."""
    charged = {"charge": [Failure("busy"), {"paid": 1}], "ship": {}}
    run = simulation([{"do": "resolve_manually", "step": name, "at": 1} for name in ("ship", "charge")], charged).run()
    assert run["ship"].states[-2:] == ("complete", "resolved_manually")
    assert run["charge"].states[-2:] == ("complete", "resolved_manually")
    assert [action["step"] for action in run.history.actions] == ["ship", "charge"]


def test_the_nth_time_counts():
    """Two resets, for the first and for the second failure."""
    resets = [
        {
            "do": "reset_for_retry",
            "step": "charge",
            "when": {"step": "charge", "state": "error", "nth": nth},
            "delay": 1,
        }
        for nth in (1, 2)
    ]
    run = simulation(resets).run()
    assert (run.state, len(run["charge"].attempts)) == ("blocked_by_failures", 3)
    assert [action["at"] for action in run.history.actions] == [1.0, 2.0]


def test_a_state_that_is_passed_within_an_instant_is_seen():
    """``when`` means that the state was entered, not that it lasts; the operator comes after all else."""
    run = simulation(
        [{"do": "resolve_manually", "step": "ship", "when": {"step": "charge", "state": "enqueued"}}], FINE
    ).run()
    assert run["ship"].states[-2:] == ("complete", "resolved_manually")


@pytest.mark.parametrize(
    ("action", "stubs", "message"),
    [
        (
            {"do": "reset_for_retry", "step": "ship", "at": "5s"},
            BROKEN,
            "These actions were refused in a run that ended blocked_by_failures:\n"
            "  reset_for_retry of step 'ship' at 5 s: Can't reset step 'ship': it is pending. "
            "Only a step in 'error' can be reset for a retry.",
        ),
        (
            {"do": "cancel", "at": "1h"},
            FINE,
            "These actions were refused in a run that ended complete:\n"
            "  cancel at 1 h: Can't cancel the task: it is complete, and that is an end.",
        ),
        (
            {"do": "cancel", "when": {"step": "charge", "state": "error", "nth": 2}, "delay": "1s"},
            BROKEN,
            "The moment of these actions never came in a run that ended blocked_by_failures:\n"
            "  cancel 1 s after step 'charge' is error for the 2. time\n"
            "Wait for a state that the run enters, or name an instant: 'at: 5s'.",
        ),
    ],
    ids=["wrong state", "after the end", "never"],
)
def test_what_can_not_be_done_fails_the_run(action, stubs, message):
    """A refused action, and one whose moment never came, fail the run with the reason."""
    with pytest.raises(RunError) as caught:
        simulation([action], stubs).run()
    assert str(caught.value) == message


def test_a_step_that_does_not_exist_yet_is_refused():
    """An action on a branch before the decision has made it says which steps there are."""
    decision = {
        **TEMPLATE,
        "steps": [
            {"name": "start", "handler": {"callable": "s"}},
            {"name": "route", "type": "decision", "handler": {"callable": "r"}, "dependencies": ["start"]},
            {"name": "branch", "handler": {"callable": "b"}, "dependencies": ["route"]},
        ],
    }
    stubs = {"route": {"decision_point_outcome": {"type": "no_branches"}}}
    built = Simulation(
        decision, stubs={**stubs, "start": {}, "branch": {}}, actions=[action_from_text("resolve_manually:branch@1s")]
    )
    with pytest.raises(RunError) as caught:
        built.run()
    assert str(caught.value).endswith(
        "resolve_manually of step 'branch' at 1 s: The step hasn't been created (yet). Steps so far:\n  start\n  route"
    )


def test_actions_come_in_driven_tasks_too():
    """Driven by hand, planned actions are done when their instant is reached."""
    with simulation([{"do": "cancel", "at": "5s"}]).start() as task:
        task.run_until("2026-01-01T00:00:04Z")
        assert task.state == "blocked_by_failures"
        task.advance("1s")
        assert task.state == "cancelled"


# -- driven by hand ----------------------------------------------------------------------------------------------------


def test_a_finished_task_takes_no_actions():
    """After finish() the record is closed: every action by hand says so."""
    with Simulation(TEMPLATE, stubs=BROKEN).start() as task:
        step = task["charge"]
        task.finish()
        for act in (task.cancel, step.reset_for_retry, step.resolve_manually, step.complete_manually):
            with pytest.raises(RunError, match="This task is finished; start another one"):
                act()


def test_an_unknown_step_is_named():
    """An action on a step that the template lacks lists what there is."""
    with Simulation(TEMPLATE, stubs=BROKEN).start() as task, pytest.raises(RunError) as caught:
        task["chrage"].resolve_manually()
    assert str(caught.value) == "There is no step 'chrage'. Did you mean 'charge'? Steps:\n  charge\n  ship"


def test_what_never_comes_is_said_with_the_reason():
    """Waiting for a state that can't come any more says what every open step waits for."""
    with Simulation(TEMPLATE, stubs=BROKEN).start() as task, pytest.raises(RunError) as caught:
        task.run_until(step="ship", state="complete")
    assert str(caught.value) == (
        "Step 'ship' never becomes complete: it is pending. The task ended blocked_by_failures.\n"
        "  charge: error after attempt 1 of 2, declined: no\n"
        "  ship: pending, waits for charge"
    )


def test_what_never_comes_in_a_task_that_hangs_is_said_too():
    """As built, a step of ``retryable: false`` waits for ever; the reason says why."""
    steps = [{**TEMPLATE["steps"][0], "retry": {"retryable": False, "max_attempts": 2}}, TEMPLATE["steps"][1]]
    slow = Simulation(
        {**TEMPLATE, "steps": steps}, stubs={"charge": Failure("busy"), "ship": {}}, profile="tasker-0.1.8"
    )
    with slow.start() as task, pytest.raises(RunError) as caught:
        task.run_until(step="ship", state="complete")
    assert str(caught.value) == (
        "Step 'ship' never becomes complete: it is pending. The task ended error.\n"
        "  charge: waiting_for_retry, not eligible for attempt 2 of 2\n"
        "  ship: pending, waits for charge"
    )


# -- the shell ---------------------------------------------------------------------------------------------------------


def recorded(run, *arguments: str) -> tuple[int, list, str]:
    """The exit code, the actions in the history, and standard error."""
    code, out, err = run(
        "run", "orders.yaml", "--handlers", "handlers.py", "--input", "cart.json", "--history", "-", *arguments
    )
    return code, json.loads(out)["actions"] if out else [], err


def test_the_shell_takes_actions(run, folder):
    """``--action`` and ``--actions`` add up: the file's first."""
    (folder / "actions.yaml").write_text("- {do: resolve_manually, step: charge, at: 2s}\n")
    code, done, _ = recorded(
        run, "--actions", "actions.yaml", "--action", "resolve_manually:validate@1s", "--expect", "complete"
    )
    assert code == 0
    assert done == [
        {"at": 1.0, "do": "resolve_manually", "step": "validate"},
        {"at": 2.0, "do": "resolve_manually", "step": "charge"},
    ]


def test_a_refused_action_is_exit_code_1(run):
    """The workflow ran, the expectation of the caller failed: the run is shown, the reason on standard error."""
    code, done, err = recorded(run, "--action", "cancel@1h")
    assert (code, done) == (1, [])
    assert "cancel at 1 h: Can't cancel the task: it is complete, and that is an end." in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--action", "cancel"), "Action 'cancel': it has no time. Write DO[:STEP]@DURATION, such as cancel@5s, or a"),
        (("--action", "cancl@5s"), "Action 'cancl@5s': There is no action 'cancl'. Did you mean 'cancel'?"),
        (("--action", "{"), "Action '{': it isn't JSON: "),
        (("--action", "resolve_manually:chrage@1s"), "The action 'resolve_manually of step 'chrage' at 1 s' can't be"),
        (("--actions", "gone.yaml"), "There is no file gone.yaml."),
        (("--actions", "typo.yaml"), "typo.yaml: Action 1: 'resolve_manually' has no key 'stpe'. Did you mean 'step'?"),
        (("--actions", "twice.yaml"), "twice.yaml:1:24: the key 'at' is there twice in one mapping. Keep one."),
        (("--actions", "text.yaml"), "text.yaml: Actions are a list, not 'cancel'."),
    ],
)
def test_a_wrong_action_is_exit_code_2(run, folder, arguments, message):
    """A misspelt action or file is said on standard error, before anything runs."""
    (folder / "typo.yaml").write_text("- {do: resolve_manually, stpe: charge, at: 2s}\n")
    (folder / "twice.yaml").write_text("- {do: cancel, at: 1s, at: 2s}\n")
    (folder / "text.yaml").write_text("cancel\n")
    code, _, err = recorded(run, *arguments)
    assert code == 2
    assert err.startswith(f"tasker-testkit: {message}")
