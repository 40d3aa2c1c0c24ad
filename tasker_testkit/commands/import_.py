"""``tasker-testkit import``: a task that Tasker has done, as a history and as a scenario."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from tasker_testkit.commands.command import AS_EXPECTED, Command
from tasker_testkit.errors import HistoryError
from tasker_testkit.terminal import show_file

_EXAMPLE: Final = """\
example:
  tasker-testkit import --rest-json order.json --scenario order.scenario.yaml --template order_processing.yaml
"""
_SCENARIO: Final = ".scenario.yaml"


def _declare_import(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--rest-json", metavar="FILE", nargs="+", required=True, help="Tasker's answers: task, workflow_steps, audits")
    add("--history", metavar="FILE|-", help="write the history there (- or no other output: standard output)")
    add("--scenario", metavar="FILE", help="write a scenario there: results as stubs, failures as faults")
    add("--template", metavar="FILE", help="the task's template; a scenario needs it")
    add("--handlers", metavar="MODULE|FILE", nargs="+", default=[], help="for the scenario's steps without a result")


def _import(arguments: argparse.Namespace) -> int:
    from tasker_testkit.engine.history_writing import pretty
    from tasker_testkit.importing import imported
    from tasker_testkit.replay.files import write_whole
    from tasker_testkit.replay.rest import read_rest

    _check_history(arguments.history or "-")
    _check_scenario(arguments)
    task = read_rest(arguments.rest_json)
    data = imported(task)
    files: dict[str, str] = {}
    if arguments.scenario:
        from tasker_testkit.importing import scenario_text

        where = Path(arguments.scenario)
        text = scenario_text(data, task, where, template=arguments.template, handlers=arguments.handlers)
        files[arguments.scenario] = text
    if arguments.history not in (None, "-"):
        files[arguments.history] = pretty(data)
    for name, text in files.items():
        write_whole(Path(name), text, what="scenario" if name == arguments.scenario else "history")
    if arguments.history == "-" or not files:
        show_file(pretty(data))
    return AS_EXPECTED


def _check_history(name: str) -> None:
    from tasker_testkit.replay.files import SUFFIX

    if name.endswith(SUFFIX):
        raise HistoryError(
            f"--history {name}: pytest would run a file of that name again, and Tasker's answers don't say how. "
            f"Give it another name, such as {name.removesuffix(SUFFIX)}.json; what can be run is a scenario."
        )


def _check_scenario(arguments: argparse.Namespace) -> None:
    if arguments.scenario is None:
        for name in ("template", "handlers"):
            if getattr(arguments, name):
                raise HistoryError(f"--{name} is for a scenario. Say where to write it: --scenario FILE{_SCENARIO}.")
        return
    if not arguments.scenario.endswith(_SCENARIO):
        raise HistoryError(f"--scenario {arguments.scenario}: the names of scenarios end in {_SCENARIO}.")
    if arguments.template is None:
        raise HistoryError("--scenario needs --template FILE: answers of Tasker don't hold the template.")
    if arguments.history and Path(arguments.history).absolute() == Path(arguments.scenario).absolute():
        raise HistoryError(f"--history and --scenario are the same file, {arguments.scenario}. Give two.")


COMMAND: Final = Command("turn a task that Tasker has done into files", _EXAMPLE, _declare_import, _import)
