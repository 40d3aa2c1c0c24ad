"""The same engine from a shell: ``tasker-testkit run`` and ``lint``.

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

from tasker_testkit.errors import (
    FaultError,
    HandlerHangs,
    InputError,
    RunError,
    StubError,
    TemplateError,
    TestkitError,
    listed,
    near,
)
from tasker_testkit.terminal import complain, kept_clean, read_stdin, show, show_file, show_run

if TYPE_CHECKING:
    from tasker_testkit.run import Run
    from tasker_testkit.simulation import Simulation

AS_EXPECTED: Final = 0
FAILED: Final = 1
WRONG_CALL: Final = 2
INTERRUPTED: Final = 130

_RUN_EXAMPLE: Final = """\
example:
  tasker-testkit run order_processing.yaml --handlers handlers.py --input cart.json --faults faults.yaml
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
    except TestkitError as error:
        complain(str(error))
        return WRONG_CALL
    except KeyboardInterrupt:
        complain("interrupted")
        return INTERRUPTED


# -- run ---------------------------------------------------------------------------------------------------------------


def _declare_run(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("template", metavar="TEMPLATE", help="the template's YAML file")
    add("--handlers", metavar="MODULE_OR_FILE", nargs="+", action="extend", default=[], help="where the handlers are")
    add(
        "--input",
        metavar="FILE|JSON|-",
        help="the task's input; - is standard input (default {})",
    )
    add("--stubs", metavar="FILE", help="YAML or JSON: step to result, or to a list of results, one an attempt")
    add("--faults", metavar="FILE", help="a fault plan, YAML or JSON")
    add("--action", metavar="ACTION", action="append", default=[], help="an operator's: DO[:STEP]@DURATION, or JSON")
    add("--actions", metavar="FILE", help="an operator's actions, YAML or JSON")
    add("--profile", metavar="NAME", help="documented (default) or tasker-0.1.8")
    add("--seed", metavar="N", type=int, help="feeds jitter and identifiers (default 0)")
    add("--start", metavar="ISO", help="the instant of the submission (default 2026-01-01T00:00:00Z)")
    add("--workers", metavar="N", type=int, help="how many steps run at once (default: as the profile says)")
    add("--environment", metavar="NAME", help="which of the template's environments applies")
    add("--expect", metavar="STATE", default="complete", help="the state the task must end in (default complete)")
    add("--history", metavar="FILE|-", help="write the history; with - it is all that standard output holds")
    add("--format", choices=("text", "json"), default="text", help="print the timeline (text) or the history (json)")


def _run(arguments: argparse.Namespace) -> int:
    from tasker_testkit.sections import listening

    _check_state(arguments.expect)
    failure: TestkitError | None = None
    with kept_clean(), listening() as runs:
        simulation, data = _simulation(arguments), _input(arguments.input)
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


def _simulation(arguments: argparse.Namespace) -> Simulation:
    from tasker_testkit.locating import located_handlers
    from tasker_testkit.model.actions import action_from_text
    from tasker_testkit.model.loading import load_actions, load_faults
    from tasker_testkit.simulation import Simulation

    names = ("profile", "seed", "start", "workers", "environment")
    given = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    if arguments.stubs is not None:
        given["stubs"] = _stubs(arguments.stubs)
    if arguments.faults is not None:
        given["faults"] = load_faults(Path(arguments.faults))
    planned = load_actions(Path(arguments.actions)) if arguments.actions is not None else ()
    given["actions"] = (*planned, *map(action_from_text, arguments.action))
    handlers = located_handlers(arguments.handlers, (Path.cwd(),))
    return Simulation(Path(arguments.template), handlers=handlers, **given)


def _publish(run: Run, arguments: argparse.Namespace) -> None:
    if arguments.history not in (None, "-"):
        run.save(arguments.history)
    if arguments.history == "-" or arguments.format == "json":
        show_file(run.history.to_json())
    else:
        show_run(run)


def _unexpected(run: Run, expected: str) -> str | None:
    if run.state == expected:
        return None
    failed = [f"step {step.name!r}: {step.error}" for step in run.steps.values() if step.state == "error"]
    why = "; ".join(failed) or run.stuck or "see the timeline"
    return f"expected the task to end {expected}, but it ended {run.state}: {why}"


def _check_state(state: str) -> None:
    from tasker_testkit.model.states import TASK_STATES

    if state not in TASK_STATES:
        raise RunError(
            f"--expect {state}: a task has no such state.{near(state, TASK_STATES)} Its states:\n{listed(TASK_STATES)}"
        )


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


# -- files and streams -------------------------------------------------------------------------------------------------


def _input(given: str | None) -> Any:
    if given is None:
        return {}
    if given == "-":
        return _json(_decoded("standard input", read_stdin), "standard input")
    if given.lstrip()[:1] in ("{", "["):
        return _json(given, "--input")
    return _json(_decoded(given, Path(given).read_bytes), given)


def _decoded(name: str, read: Callable[[], bytes]) -> str:
    try:
        return read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"--input: {name} isn't UTF-8. Save it as UTF-8.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"--input: can't read {name!r}: {reason}. Give a file, JSON text ({{...}}) or -.") from None


def _json(text: str, name: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InputError(f"--input: {name} isn't JSON: {error.msg} ({where}).") from None
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else error
        raise InputError(f"--input: {name} isn't JSON: {reason}.") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number there")


def _stubs(name: str) -> dict[str, Any]:
    from tasker_testkit.model.loading import load_data

    try:
        stubs = load_data(Path(name))
    except TemplateError as error:
        raise StubError(f"--stubs: {error}") from None
    if not isinstance(stubs, dict):
        raise StubError(f"--stubs: {name} must be a mapping of step to result, not {stubs!r:.60}.")
    for step, stub in stubs.items():
        _check_stub(name, step, stub)
    return stubs


def _check_stub(name: str, step: str, stub: Any) -> None:
    for one in stub if isinstance(stub, list) and stub else [stub]:
        if one is not None and not isinstance(one, dict):
            raise StubError(
                f"--stubs: {name}: the stub of step {step!r} holds {one!r:.60}. A stub is a mapping, null, or a list "
                "of these, one an attempt; failures are planned in a fault file."
            )


# -- the parser --------------------------------------------------------------------------------------------------------


COMMANDS: Final[Mapping[str, Command]] = {
    "run": Command("run a workflow on a simulated clock", _RUN_EXAMPLE, _declare_run, _run),
    "lint": Command("say what either profile thinks of templates", _LINT_EXAMPLE, _declare_lint, _lint),
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise TestkitError(f"{message} (see {self.prog} --help)")


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
