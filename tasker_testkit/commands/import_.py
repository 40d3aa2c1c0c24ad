"""``tasker-testkit import``: a task that Tasker has done, as a history and as a scenario."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tasker_testkit.commands.command import AS_EXPECTED, Command
from tasker_testkit.commands.terminal import show_file
from tasker_testkit.errors import HistoryError

if TYPE_CHECKING:
    from tasker_testkit.replay.production import RecordedTask

_EXAMPLE: Final = """\
examples:
  tasker-testkit import --rest-json order.json --scenario order.scenario.yaml --template order_processing.yaml
  tasker-testkit import --postgres postgresql://reader@db/tasker --task UUID --history order.json
"""
_SCENARIO: Final = ".scenario.yaml"


def _declare_import(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--rest-json", metavar="FILE", nargs="+", help="Tasker's answers: task, workflow_steps, audits")
    add("--postgres", metavar="DSN", help="Tasker's database, which is only read (needs the extra [postgres])")
    add("--task", metavar="UUID", help="the task in that database")
    add("--history", metavar="FILE|-", help="write the history there (- or no other output: standard output)")
    add("--scenario", metavar="FILE", help="write a scenario there: results as stubs, failures as faults")
    add("--template", metavar="FILE", help="the task's template: fills in what its source doesn't show")
    add("--handlers", metavar="MODULE_OR_FILE", nargs="+", default=[], help="for the scenario's steps without a result")


def _import(arguments: argparse.Namespace) -> int:
    from tasker_testkit.engine.history_writing import pretty
    from tasker_testkit.model.loading import load_template
    from tasker_testkit.records.filling import filled
    from tasker_testkit.records.importing import PROFILE, imported, scenario_text
    from tasker_testkit.replay.files import staged

    _check_source(arguments)
    _check_history(arguments.history or "-")
    _check_scenario(arguments)
    template = load_template(arguments.template, profile=PROFILE) if arguments.template else None
    task = _read(arguments)
    task = filled(task, template, arguments.template) if template else task
    data = imported(task)
    files: dict[str, str] = {}
    if arguments.scenario and template:
        where = Path(arguments.scenario)
        files[arguments.scenario] = scenario_text(data, task, where, template, handlers=arguments.handlers)
    if arguments.history not in (None, "-"):
        files[arguments.history] = pretty(data)
    with ExitStack() as all_or_none:
        for name, text in files.items():
            what = "scenario" if name == arguments.scenario else "history"
            all_or_none.enter_context(staged(Path(name), text, what=what))
    if arguments.history == "-" or not files:
        show_file(pretty(data))
    return AS_EXPECTED


def _read(arguments: argparse.Namespace) -> RecordedTask:
    if arguments.rest_json:
        from tasker_testkit.replay.rest import read_rest

        return read_rest(arguments.rest_json)
    from tasker_testkit.replay.postgres import read_postgres

    return read_postgres(arguments.postgres, arguments.task)


def _check_source(arguments: argparse.Namespace) -> None:
    given = (arguments.rest_json is not None, arguments.postgres is not None)
    if all(given):
        raise HistoryError("--rest-json and --postgres are two sources of a task. Give one of them.")
    if not any(given):
        raise HistoryError("Where is the task? Give --rest-json FILE..., or --postgres DSN --task UUID.")
    if arguments.postgres is not None and arguments.task is None:
        raise HistoryError("--postgres needs --task UUID: a database holds many tasks.")
    if arguments.rest_json is not None and arguments.task is not None:
        raise HistoryError("--task goes with --postgres. Files of --rest-json are about one task anyway.")


def _check_history(name: str) -> None:
    from tasker_testkit.replay.files import SUFFIX

    if name.endswith(SUFFIX):
        raise HistoryError(
            f"--history {name}: pytest would run a file of that name again, and Tasker's answers don't say how. "
            f"Give it another name, such as {name.removesuffix(SUFFIX)}.json; what can be run is a scenario."
        )


def _check_scenario(arguments: argparse.Namespace) -> None:
    if arguments.scenario is None:
        if arguments.handlers:
            raise HistoryError(f"--handlers is for a scenario. Say where to write it: --scenario FILE{_SCENARIO}.")
        return
    if not arguments.scenario.endswith(_SCENARIO):
        raise HistoryError(f"--scenario {arguments.scenario}: the names of scenarios end in {_SCENARIO}.")
    if arguments.template is None:
        raise HistoryError("--scenario needs --template FILE: it runs that template, with what Tasker recorded.")
    if arguments.history and Path(arguments.history).absolute() == Path(arguments.scenario).absolute():
        raise HistoryError(f"--history and --scenario are the same file, {arguments.scenario}. Give two.")


COMMAND: Final = Command("turn a task that Tasker has done into files", _EXAMPLE, _declare_import, _import)
