"""``tasker-testkit run``: a workflow on a simulated clock, its timeline, and whether it ended as expected."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tasker_testkit.commands.arguments import declare_workflow, input_of, simulation_of
from tasker_testkit.commands.command import AS_EXPECTED, FAILED, Command
from tasker_testkit.commands.terminal import complain, kept_clean, show_file, show_run
from tasker_testkit.errors import (
    OF_A_RUN,
    RunError,
    ScenarioError,
    TaskerTestkitError,
    listed,
    near,
)

if TYPE_CHECKING:
    from tasker_testkit.run import Run

_SCENARIO: Final = ".scenario.yaml"
_OF_SCENARIOS: Final = ("command", "template", "profile", "seed", "history", "format")
_EXAMPLE: Final = """\
examples:
  tasker-testkit run declined_card.scenario.yaml
  tasker-testkit run order_processing.yaml --handlers handlers.py --input cart.json --faults faults.yaml
"""


def _declare_run(parser: argparse.ArgumentParser) -> None:
    declare_workflow(parser)
    add = parser.add_argument
    add("--profile", metavar="NAME", help="documented (default) or tasker-0.1.8")
    add("--expect", metavar="STATE", help="the state the task must end in (default complete)")
    add("--history", metavar="FILE|-", help="write the history; with - it is all that standard output holds")
    add("--format", choices=("text", "json"), default="text", help="print the timeline (text) or the history (json)")


def _run(arguments: argparse.Namespace) -> int:
    from tasker_testkit.sections import listening

    if arguments.template.endswith(_SCENARIO):
        return _play(arguments)
    expected = arguments.expect or "complete"
    _check_state(expected)
    failure: TaskerTestkitError | None = None
    with kept_clean(), listening() as runs:
        simulation, data = simulation_of(arguments), input_of(arguments)
        try:
            simulation.run(data)
            simulation.check_unused()
            simulation.routes.check_unused()
        except OF_A_RUN as error:
            failure = error
    for run in runs:
        _publish(run, arguments)
    problem = str(failure) if failure else _unexpected(runs[-1], expected)
    if problem:
        complain(problem)
    return FAILED if problem else AS_EXPECTED


def _play(arguments: argparse.Namespace) -> int:
    """A scenario, which says itself all that other arguments could."""
    from tasker_testkit.records.scenarios import play

    for name, value in vars(arguments).items():
        if value not in (None, []) and name not in _OF_SCENARIOS:
            raise ScenarioError(
                f"--{name} doesn't go with a scenario: {arguments.template} says that itself. "
                f"What goes with one:\n{listed(f'--{one}' for one in _OF_SCENARIOS[2:])}"
            )
    settings = {name: value for name in ("profile", "seed") if (value := getattr(arguments, name)) is not None}
    with kept_clean():
        played = play(arguments.template, root=Path.cwd(), **settings)
    if played.run is not None:
        _publish(played.run, arguments)
    if played.problems:
        complain(str(played))
    return FAILED if played.problems else AS_EXPECTED


def _publish(run: Run, arguments: argparse.Namespace) -> None:
    if arguments.history not in (None, "-"):
        run.save(arguments.history)
    if arguments.history == "-" or arguments.format == "json":
        show_file(run.recording())
    else:
        show_run(run)


def _unexpected(run: Run, expected: str) -> str | None:
    from tasker_testkit.report.verdict import why_ended

    if run.state == expected:
        return None
    return f"expected the task to end {expected}, but it ended {run.state}: {why_ended(run.history)}"


def _check_state(state: str) -> None:
    from tasker_testkit.model.states import TASK_STATES

    if state not in TASK_STATES:
        raise RunError(
            f"--expect {state}: a task has no such state.{near(state, TASK_STATES)} Its states:\n{listed(TASK_STATES)}"
        )


COMMAND: Final = Command("run a workflow on a simulated clock", _EXAMPLE, _declare_run, _run)
