"""``tasker-testkit replay``: the run of a token once more, its timeline, and whether it is the same."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tasker_testkit.arguments import declare_work, input_of, simulation_of
from tasker_testkit.commands.command import AS_EXPECTED, FAILED, Command
from tasker_testkit.errors import HandlerHangs, RunError, StubError, TaskerTestkitError, listed
from tasker_testkit.terminal import complain, kept_clean, show, show_run

if TYPE_CHECKING:
    from tasker_testkit.explore.tokens import Token
    from tasker_testkit.replaying import Replay

_EXAMPLE: Final = """\
example:
  tasker-testkit replay TOKEN order_processing.yaml --handlers handlers.py --input cart.json
"""
_OTHER: Final = (
    "Another run than the token's. With the same template, input, faults and seed it is the handlers, their doubles or "
    "stubs that do something else now."
)


def _declare_replay(parser: argparse.ArgumentParser) -> None:
    token = "as the report of a failure or run.token gives it; or the file of a kept failure, which has the input too"
    parser.add_argument("token", metavar="TOKEN|FILE", help=token)
    declare_work(parser)
    anyway = "run it although template or input have changed since the token was made"
    parser.add_argument("--anyway", action="store_true", help=anyway)


def _replay(arguments: argparse.Namespace) -> int:
    from tasker_testkit.replaying import replay
    from tasker_testkit.sections import listening

    token, data = _asked_for(arguments)
    with kept_clean(), listening() as runs:
        simulation = simulation_of(arguments, **_settings(token))
        try:
            found: Replay | TaskerTestkitError = replay(token, simulation, data, anyway=arguments.anyway)
        except (HandlerHangs, RunError, StubError) as error:
            found = error
    for run in runs:
        show_run(run)
    return _broken_off(found) if isinstance(found, TaskerTestkitError) else _judged(found)


def _asked_for(arguments: argparse.Namespace) -> tuple[Token, Any]:
    """The token and the input; a kept failure has both."""
    from tasker_testkit.explore.tokens import read_token
    from tasker_testkit.kept_failures import read_failure

    if not arguments.token.endswith(".json"):
        return read_token(arguments.token), input_of(arguments)
    kept = read_failure(Path(arguments.token))
    return kept.token, kept.input if arguments.input is None else input_of(arguments)


def _broken_off(error: TaskerTestkitError) -> int:
    complain(str(error))
    return FAILED


def _judged(found: Replay) -> int:
    if found.changes:
        complain(f"since the token was made, template or input have changed:\n{listed(found.changes)}")
    show("\nThe same run as the token's, to the byte." if found.same else f"\n{_OTHER}")
    return AS_EXPECTED if found.same else FAILED


def _settings(token: Token) -> dict[str, Any]:
    """Keywords of Simulation that the token knows."""
    names = ("profile", "start", "workers", "environment", "timezone", "actions")
    return {name: getattr(token, name) for name in names}


COMMAND: Final = Command("run what a token stands for once more", _EXAMPLE, _declare_replay, _replay)
