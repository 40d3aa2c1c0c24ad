"""``tasker-testkit replay HISTORY``: would yesterday's run still pass with today's code?"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Final

from tasker_testkit.commands.arguments import doubles_of
from tasker_testkit.commands.command import AS_EXPECTED, FAILED
from tasker_testkit.commands.terminal import kept_clean, show_comparison, show_file
from tasker_testkit.errors import HistoryError, TokenError, listed

_OF_HISTORIES: Final = ("template_file", "environment", "level", "ignore", "format")
_OF_TOKENS: Final = ("input", "stubs", "anyway")
_WITH_HISTORIES: Final = (
    *("--handlers", "--template", "--routes", "--setup"),
    *("--environment", "--level", "--ignore", "--format"),
)


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments that go with a history."""
    of_history = parser.add_argument_group("of a history")
    add = of_history.add_argument
    add("--template", metavar="FILE", dest="template_file", help="the template, unless the history knows where it is")
    add("--environment", metavar="NAME", help="which of the template's environments applies")
    add("--level", metavar="LEVEL", help="exact (default), or shape: results by JSON type")
    add("--ignore", metavar="PLACE", action="append", help="not compared: steps.*.attempts.*.stored.result.created_at")
    add("--format", choices=("text", "json"), help="print for people (text, the default) or the verdicts (json)")


def refuse_with_token(arguments: argparse.Namespace) -> None:
    """Raise TokenError for an argument that goes with histories only."""
    for name in _OF_HISTORIES:
        if getattr(arguments, name) is not None:
            raise TokenError(
                f"{_option(name)} is for a history (*.json), and {arguments.what!r:.60} is a token or a kept failure. "
                "Leave it out: replay TOKEN TEMPLATE --handlers MODULE_OR_FILE."
            )


def check(arguments: argparse.Namespace, path: Path) -> int:
    """Hold the history in that file against today's handlers, and print the verdicts."""
    from tasker_testkit.records.rechecking import check_against

    for name in _OF_TOKENS:
        if getattr(arguments, name):
            raise HistoryError(
                f"{_option(name)} doesn't go with a history: {path} has all that its handlers were given. "
                f"What goes with one:\n{listed(_WITH_HISTORIES)}"
            )
    with kept_clean():
        found = check_against(
            path,
            arguments.handlers or None,
            template=_template(arguments),
            level=arguments.level or "exact",
            ignore=arguments.ignore or (),
            environment=arguments.environment,
            **doubles_of(arguments),
        )
    if arguments.format == "json":
        show_file(json.dumps(found.to_data(), indent=2, sort_keys=True, ensure_ascii=False) + "\n")
    else:
        show_comparison(found)
    return AS_EXPECTED if found.same else FAILED


def _template(arguments: argparse.Namespace) -> Path | None:
    given = [one for one in (arguments.template, arguments.template_file) if one is not None]
    if len(given) > 1:
        raise HistoryError(f"Two templates are given, {given[0]} and {given[1]}. Give one.")
    return Path(given[0]) if given else None


def _option(name: str) -> str:
    return f"--{name.removesuffix('_file')}"
