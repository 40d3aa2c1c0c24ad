"""``tasker-testkit replay``: the run of a token once more, or today's handlers on what a history's were given."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tasker_testkit.commands import replay_history
from tasker_testkit.commands.arguments import declare_parts, input_of, simulation_of
from tasker_testkit.commands.command import AS_EXPECTED, FAILED, Command
from tasker_testkit.commands.terminal import complain, kept_clean, show, show_run
from tasker_testkit.errors import HandlerHangs, RunError, StubError, TaskerTestkitError, TokenError, listed

if TYPE_CHECKING:
    from tasker_testkit.explore.tokens import Token
    from tasker_testkit.replaying import Replay

_EXAMPLE: Final = """\
examples:
  tasker-testkit replay TOKEN order_processing.yaml --handlers handlers.py --input cart.json
  tasker-testkit replay order.history.json --handlers handlers.py --template order_processing.yaml
"""
_OTHER: Final = (
    "Another run than the token's. With the same template, input, faults and seed it is the handlers, their doubles or "
    "stubs that do something else now."
)
_CHANGED: Final = "Another run than the token's, as is to be expected of another template or input."
_SUMMARY: Final = "run a token again, or hold a history against today's code"


def _declare_replay(parser: argparse.ArgumentParser) -> None:
    what = "a token, as the report of a failure or run.token gives it; the file of a kept failure; or a history's"
    parser.add_argument("what", metavar="TOKEN|FILE", help=what)
    template = parser.add_argument("template", metavar="[TEMPLATE]", help="the template's file; needed with a token")
    template.required = False  # and not nargs="?", which is at its end before an option that comes first
    declare_parts(parser)
    anyway = "of a token: run it although template or input have changed since it was made"
    parser.add_argument("--anyway", action="store_true", help=anyway)
    replay_history.declare(parser)


def _replay(arguments: argparse.Namespace) -> int:
    path = Path(arguments.what) if _names_file(arguments.what) else None
    if path is not None and not _keeps_failure(path):
        return replay_history.check(arguments, path)
    replay_history.refuse_with_token(arguments)
    return _replay_token(arguments, path)


def _names_file(what: str) -> bool:
    """Tokens are one word, without a dot or a slash."""
    return what.endswith(".json") or os.sep in what or Path(what).is_file()


def _keeps_failure(path: Path) -> bool:
    from tasker_testkit.replay.files import read_text
    from tasker_testkit.search.kept_failures import FORMAT

    return re.search(rf'"format"\s*:\s*"{FORMAT}"', read_text(path)) is not None


def _replay_token(arguments: argparse.Namespace, path: Path | None) -> int:
    from tasker_testkit.replaying import replay
    from tasker_testkit.sections import listening

    token, data = _asked_for(arguments, path)
    with kept_clean(), listening() as runs:
        simulation = simulation_of(arguments, **_settings(token))
        try:
            found: Replay | TaskerTestkitError = replay(token, simulation, data, anyway=arguments.anyway)
        except (HandlerHangs, RunError, StubError) as error:
            found = error
    for run in runs:
        show_run(run)
    return _broken_off(found) if isinstance(found, TaskerTestkitError) else _judged(found)


def _asked_for(arguments: argparse.Namespace, path: Path | None) -> tuple[Token, Any]:
    """The token and the input; a kept failure, in a file, has both."""
    from tasker_testkit.explore.tokens import read_token
    from tasker_testkit.search.kept_failures import read_failure

    kept = read_failure(path) if path is not None else None
    token = kept.token if kept is not None else read_token(arguments.what)
    if arguments.template is None:
        raise TokenError(f"The token is of template {token.template!r}. Give that too: replay TOKEN TEMPLATE.")
    return token, kept.input if kept is not None and arguments.input is None else input_of(arguments)


def _broken_off(error: TaskerTestkitError) -> int:
    complain(str(error))
    return FAILED


def _judged(found: Replay) -> int:
    if found.changes:
        complain(f"since the token was made, template or input have changed:\n{listed(found.changes)}")
    other = _CHANGED if found.changes else _OTHER
    show("\nThe same run as the token's, to the byte." if found.same else f"\n{other}")
    return AS_EXPECTED if found.same else FAILED


def _settings(token: Token) -> dict[str, Any]:
    """Keywords of Simulation that the token knows."""
    names = ("profile", "start", "workers", "environment", "timezone", "actions")
    return {name: getattr(token, name) for name in names}


COMMAND: Final = Command(_SUMMARY, _EXAMPLE, _declare_replay, _replay)
