"""The same engine from a shell: ``tasker-testkit run``, ``compare`` and ``lint``.

Exit code 0: as expected; 1: the workflow or an expectation failed; 2: the call or a file was wrong, said on standard
error, never with a traceback of ours. Standard output holds the result and nothing else: what handlers print goes to
standard error.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from tasker_testkit.arguments import declare_workflow, input_of, simulation_of
from tasker_testkit.errors import (
    FaultError,
    HandlerHangs,
    RunError,
    StubError,
    TaskerTestkitError,
    TemplateError,
    listed,
    near,
)
from tasker_testkit.terminal import complain, kept_clean, show, show_comparison, show_file, show_run

if TYPE_CHECKING:
    from tasker_testkit.run import Run

AS_EXPECTED: Final = 0
FAILED: Final = 1
WRONG_CALL: Final = 2
INTERRUPTED: Final = 130

_RUN_EXAMPLE: Final = """\
example:
  tasker-testkit run order_processing.yaml --handlers handlers.py --input cart.json --faults faults.yaml
"""
_COMPARE_EXAMPLE: Final = """\
example:
  tasker-testkit compare order_processing.yaml --handlers handlers.py --input cart.json
"""
_LINT_EXAMPLE: Final = """\
example:
  tasker-testkit lint templates/
"""


@dataclass(frozen=True, slots=True)
class Command:
    """One command of the shell: what its help says, its arguments, and what it does; it gives the exit code."""

    summary: str
    example: str
    declare: Callable[[argparse.ArgumentParser], None]
    execute: Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the arguments say (default: those of the process) and give the exit code."""
    try:
        arguments = _parser().parse_args(argv)
        code: int = COMMANDS[arguments.command].execute(arguments)
        return code
    except TaskerTestkitError as error:
        complain(str(error))
        return WRONG_CALL
    except KeyboardInterrupt:
        complain("interrupted")
        return INTERRUPTED


# -- run ---------------------------------------------------------------------------------------------------------------


def _declare_run(parser: argparse.ArgumentParser) -> None:
    declare_workflow(parser)
    add = parser.add_argument
    add("--profile", metavar="NAME", help="documented (default) or tasker-0.1.8")
    add("--expect", metavar="STATE", default="complete", help="the state the task must end in (default complete)")
    add("--history", metavar="FILE|-", help="write the history; with - it is all that standard output holds")
    add("--format", choices=("text", "json"), default="text", help="print the timeline (text) or the history (json)")


def _run(arguments: argparse.Namespace) -> int:
    from tasker_testkit.sections import listening

    _check_state(arguments.expect)
    failure: TaskerTestkitError | None = None
    with kept_clean(), listening() as runs:
        simulation, data = simulation_of(arguments), input_of(arguments)
        try:
            simulation.run(data)
            simulation.check_unused()
        except (FaultError, HandlerHangs, RunError, StubError) as error:
            failure = error
    for run in runs:
        _publish(run, arguments)
    problem = str(failure) if failure else _unexpected(runs[-1], arguments.expect)
    if problem:
        complain(problem)
    return FAILED if problem else AS_EXPECTED


def _publish(run: Run, arguments: argparse.Namespace) -> None:
    if arguments.history not in (None, "-"):
        run.save(arguments.history)
    if arguments.history == "-" or arguments.format == "json":
        show_file(run.history.to_json())
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


# -- compare -----------------------------------------------------------------------------------------------------------


def _declare_compare(parser: argparse.ArgumentParser) -> None:
    declare_workflow(parser)
    help = "print for people (text) or the findings as data (json)"
    parser.add_argument("--format", choices=("text", "json"), default="text", help=help)


def _compare(arguments: argparse.Namespace) -> int:
    from tasker_testkit.comparing import compare

    with kept_clean():
        simulation = simulation_of(arguments, profile="tasker-0.1.8")  # which takes templates that documented refuses
        found = compare(simulation, input_of(arguments))
        simulation.check_unused()
    if arguments.format == "json":
        show_file(json.dumps(found.to_data(), indent=2, sort_keys=True, ensure_ascii=False) + "\n")
    else:
        show_comparison(found)
    return AS_EXPECTED if found.runs else FAILED


# -- lint --------------------------------------------------------------------------------------------------------------


def _declare_lint(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "templates", metavar="TEMPLATE", nargs="+", help="template files, or folders of them (*.yaml, *.yml)"
    )


def _lint(arguments: argparse.Namespace) -> int:
    from tasker_testkit.model.loading import verdicts

    refused = False
    for path in [path for name in arguments.templates for path in _templates(Path(name))]:
        found = verdicts(path)
        refused |= bool(found["documented"][0])
        show("\n".join([str(path), *(line for name, verdict in found.items() for line in _judged(name, *verdict))]))
    return FAILED if refused else AS_EXPECTED


def _judged(profile: str, problems: Sequence[str], warnings: Sequence[str]) -> Iterator[str]:
    yield f"  {profile}: {'refused' if problems else 'accepted'}"
    yield from (f"    problem: {problem}" for problem in problems)
    yield from (f"    warning: {warning}" for warning in warnings)


def _templates(path: Path) -> list[Path]:
    if not path.is_dir():
        if not path.exists():
            raise TemplateError(f"There is no file or folder {path}.")
        return [path]
    found = sorted(file for file in path.rglob("*") if file.suffix in (".yaml", ".yml") and file.is_file())
    if not found:
        raise TemplateError(f"The folder {path} has no *.yaml or *.yml file, not in its folders either.")
    return found


# -- the parser --------------------------------------------------------------------------------------------------------


COMMANDS: Final[Mapping[str, Command]] = {
    "run": Command("run a workflow on a simulated clock", _RUN_EXAMPLE, _declare_run, _run),
    "compare": Command("say where Tasker 0.1.8 parts from its documents", _COMPARE_EXAMPLE, _declare_compare, _compare),
    "lint": Command("say what either profile thinks of templates", _LINT_EXAMPLE, _declare_lint, _lint),
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise TaskerTestkitError(f"{message} (see {self.prog} --help)")


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from tasker_testkit import __version__

        show(f"tasker-testkit {__version__}")
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    epilog = "exit codes: 0 as expected, 1 the workflow or an expectation failed, 2 the call or a file was wrong"
    parser = _Parser("tasker-testkit", description="Run Tasker workflows without Tasker.", epilog=epilog)
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        kind = argparse.RawDescriptionHelpFormatter
        one = commands.add_parser(
            name, help=command.summary, description=command.summary, epilog=command.example, formatter_class=kind
        )
        command.declare(one)
    return parser
