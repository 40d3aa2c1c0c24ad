"""What the shell is told about a workflow: its template and handlers, the task's input, stubs, faults and actions."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from tasker_testkit.commands.terminal import read_stdin
from tasker_testkit.errors import FaultError, InputError, RouteError, StubError, TemplateError

if TYPE_CHECKING:
    from tasker_testkit.simulation import Simulation


def declare_workflow(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of a command that is told all about a workflow: what it works with, and its course."""
    declare_work(parser)
    declare_course(parser)


def declare_work(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments for what a workflow works with: its template, and all of ``declare_parts``."""
    parser.add_argument("template", metavar="TEMPLATE", help="the template's YAML file")
    declare_parts(parser)


def declare_parts(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments for handlers, input, stubs and doubles."""
    add = parser.add_argument
    add("--handlers", metavar="MODULE_OR_FILE", nargs="+", action="extend", default=[], help="where the handlers are")
    add("--input", metavar="FILE|JSON|-", help="the task's input; - is standard input (default {})")
    add("--stubs", metavar="FILE", help="YAML or JSON: step to result, or to a list of results, one an attempt")
    add("--routes", metavar="FILE", help="YAML or JSON: what other systems answer over HTTP, a list of routes")
    add("--systems", metavar="FILE|JSON", help="names for outages: system to address, or to a list of addresses")
    add("--setup", metavar="MODULE:FUNCTION", help="called before every run, to give doubles a fresh start")


def declare_course(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments for what happens to a workflow: faults, workers, and all of ``declare_settings``."""
    parser.add_argument("--faults", metavar="FILE", help="a fault plan, YAML or JSON")
    declare_settings(parser)
    workers = "how many steps run at once (default: as the profile says)"
    parser.add_argument("--workers", metavar="N", type=int, help=workers)


def declare_settings(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments for an operator's actions, the seed, the start, the environment and the zone."""
    add = parser.add_argument
    add("--action", metavar="ACTION", action="append", default=[], help="an operator's: DO[:STEP]@DURATION, or JSON")
    add("--actions", metavar="FILE", help="an operator's actions, YAML or JSON")
    add("--seed", metavar="N", type=int, help="feeds jitter and identifiers (default 0)")
    add("--start", metavar="ISO", help="the instant of the submission (default 2026-01-01T00:00:00Z)")
    add("--environment", metavar="NAME", help="which of the template's environments applies")
    add("--timezone", metavar="NAME", help="what local time is for the handlers: Europe/Berlin (default UTC)")


def simulation_of(arguments: argparse.Namespace, **given: Any) -> Simulation:
    """The simulation that the arguments describe, ``given`` its further keywords. Raises what Simulation raises."""
    from tasker_testkit.locating import located_handlers
    from tasker_testkit.model.actions import action_from_text
    from tasker_testkit.model.loading import load_actions, load_faults
    from tasker_testkit.simulation import Simulation
    from tasker_testkit.worker.sources import load_handlers

    names = ("profile", "seed", "start", "workers", "environment", "timezone")
    given |= {name: value for name in names if (value := getattr(arguments, name, None)) is not None}
    if arguments.stubs is not None:
        given["stubs"] = _stubs(arguments.stubs)
    if arguments.systems is not None:
        given["systems"] = _systems(arguments.systems)
    if getattr(arguments, "faults", None) is not None:
        given["faults"] = load_faults(Path(arguments.faults))
    if hasattr(arguments, "actions"):
        planned = load_actions(Path(arguments.actions)) if arguments.actions is not None else ()
        given["actions"] = (*planned, *map(action_from_text, arguments.action))
    handlers = load_handlers(located_handlers(arguments.handlers, (Path.cwd(),)))
    return Simulation(Path(arguments.template), handlers=handlers, **given, **doubles_of(arguments))


def doubles_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """The keywords ``routes`` and ``setup``, as far as the arguments name them. Raises RouteError or HandlerError."""
    from tasker_testkit.locating import located_object

    found: dict[str, Any] = {}
    if arguments.routes is not None:
        found["routes"] = _routes(arguments.routes)
    if arguments.setup is not None:
        found["setup"] = located_object(arguments.setup, (Path.cwd(),), "--setup")
    return found


def input_of(arguments: argparse.Namespace) -> Any:
    """The task's input that the arguments name: a file, JSON text, standard input, or nothing. Raises InputError."""
    given = arguments.input
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


def _routes(name: str) -> Any:
    from tasker_testkit.model.loading import load_data

    try:
        return load_data(Path(name)) or ()
    except TemplateError as error:
        raise RouteError(f"--routes: {error}") from None


def _systems(given: str) -> Any:
    from tasker_testkit.model.loading import load_data

    if given.lstrip()[:1] == "{":
        try:
            return json.loads(given)
        except ValueError as error:
            raise FaultError(f"--systems: {given!r:.80} isn't JSON: {error}.") from None
    try:
        return load_data(Path(given))
    except TemplateError as error:
        raise FaultError(f"--systems: {error}") from None


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
