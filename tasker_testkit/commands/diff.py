"""``tasker-testkit diff``: two histories side by side."""

from __future__ import annotations

import argparse
import json
from typing import Final

from tasker_testkit.commands.command import AS_EXPECTED, FAILED, Command
from tasker_testkit.commands.terminal import show_comparison, show_file

_EXAMPLE: Final = """\
example:
  tasker-testkit diff before.history.json after.history.json --level shape
"""


def _declare_diff(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("one", metavar="A", help="a history file")
    add("other", metavar="B", help="another one")
    add("--level", metavar="LEVEL", default="exact", help="exact (default), or shape: states, attempts, waits, types")
    add("--ignore", metavar="PLACE", action="append", default=[], help="a place that isn't compared: steps.*.attempts")
    add("--format", choices=("text", "json"), default="text", help="print for people (text) or the changes (json)")


def _diff(arguments: argparse.Namespace) -> int:
    from tasker_testkit.diffing import diff

    found = diff(arguments.one, arguments.other, level=arguments.level, ignore=arguments.ignore)
    if arguments.format == "json":
        show_file(json.dumps(found.to_data(), indent=2, sort_keys=True, ensure_ascii=False) + "\n")
    else:
        show_comparison(found)
    return FAILED if found else AS_EXPECTED


COMMAND: Final = Command("show in what two histories differ (exit code 1 if they do)", _EXAMPLE, _declare_diff, _diff)
