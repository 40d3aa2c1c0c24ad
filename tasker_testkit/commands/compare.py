"""``tasker-testkit compare``: a workflow under both profiles, side by side."""

from __future__ import annotations

import argparse
import json
from typing import Final

from tasker_testkit.commands.arguments import declare_workflow, input_of, simulation_of
from tasker_testkit.commands.command import AS_EXPECTED, FAILED, Command
from tasker_testkit.commands.terminal import kept_clean, show_comparison, show_file

_EXAMPLE: Final = """\
example:
  tasker-testkit compare order_processing.yaml --handlers handlers.py --input cart.json
"""


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


COMMAND: Final = Command("say where Tasker 0.1.8 parts from its documents", _EXAMPLE, _declare_compare, _compare)
