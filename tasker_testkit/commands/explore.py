"""``tasker-testkit explore``: what can go wrong in a workflow goes wrong, and what doesn't hold is shown."""

from __future__ import annotations

import argparse
import json
import os
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tasker_testkit.commands.arguments import declare_settings, declare_work, input_of, simulation_of
from tasker_testkit.commands.command import AS_EXPECTED, FAILED, INTERRUPTED, Command
from tasker_testkit.commands.terminal import complain, kept_clean, show_file, speaks_unicode
from tasker_testkit.errors import TaskerTestkitError

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from tasker_testkit.search.explored import Exploration
    from tasker_testkit.search.exploring import Explorer

_EXAMPLE: Final = """\
example:
  tasker-testkit explore order_processing.yaml --handlers handlers.py --input cart.json --check checks.py:paid_once
"""


def _declare_explore(parser: argparse.ArgumentParser) -> None:
    declare_work(parser)
    declare_settings(parser)
    add = parser.add_argument
    steps = "how many steps run at once in a simulated worker (default: as the profile says)"
    add("--steps-at-once", metavar="N", dest="workers", type=int, help=steps)
    add("--profile", metavar="NAME", help="documented (default) or tasker-0.1.8")
    add("--depth", metavar="N", type=int, default=1, help="how many faults a plan has at most (default 1)")
    add("--kinds", metavar="A,B", help="kinds of faults, or prefixes such as crash (default: all)")
    orders = "in how many orders of parallel steps each plan runs (default 1)"
    add("--orders", metavar="N|all", default="1", help=orders)
    add("--limit", metavar="N", type=int, help="run so many plans at most, an even sample of what there is")
    checks = "a function of a run (checks.py:paid_once) that raises or returns False, or an invariant"
    add("--check", metavar="MODULE:NAME", nargs="+", action="extend", default=[], help=checks)
    idempotency = "also say which steps can be run again: how often each one's effects happen under each fault"
    add("--idempotency", action="store_true", help=idempotency)
    add("--workers", metavar="N|auto", dest="processes", help="so many processes do the work (default: this one)")
    add("--format", choices=("text", "json"), default="text", help="print for people (text) or as data (json)")


def _explore(arguments: argparse.Namespace) -> int:
    from tasker_testkit.search.watching import watched

    tell = _as_data if arguments.format == "json" else partial(_as_text, unicode=speaks_unicode())
    code = AS_EXPECTED
    with kept_clean():
        explorer, executor = _explorer(arguments)
        with executor, watched() as watch:
            try:
                explorer.walk(watch)
            except KeyboardInterrupt:
                code = INTERRUPTED
        exploration = explorer.exploration(shrink=code == AS_EXPECTED)
        told = tell(exploration, idempotency=arguments.idempotency)  # plans run again for it
    show_file(told)
    if code == INTERRUPTED:
        complain("interrupted: this is what was found so far")
        return INTERRUPTED
    return FAILED if exploration.failures else AS_EXPECTED


def _explorer(arguments: argparse.Namespace) -> tuple[Explorer, AbstractContextManager[Executor | None]]:
    from tasker_testkit.locating import located_object
    from tasker_testkit.search.executing import processes
    from tasker_testkit.search.exploring import Explorer

    simulation, given = simulation_of(arguments), input_of(arguments)
    options: dict[str, Any] = {} if arguments.kinds is None else {"kinds": arguments.kinds}
    executor = None if arguments.processes is None else processes(_processes(arguments.processes))
    explorer = Explorer(
        simulation,
        given,
        depth=arguments.depth,
        limit=arguments.limit,
        orders="all" if arguments.orders == "all" else _number("--orders", arguments.orders, "all"),
        check=[located_object(name, (Path.cwd(),), "--check") for name in arguments.check],
        executor=executor,
        **options,
    )
    return explorer, nullcontext() if executor is None else executor


def _processes(text: str) -> int:
    return os.cpu_count() or 1 if text == "auto" else _number("--workers", text, "auto (one a processor)")


def _number(option: str, text: str, or_else: str) -> int:
    if not text.isdecimal() or not int(text):
        raise TaskerTestkitError(f"{option} {text}: give a whole number from 1, or {or_else}.")
    return int(text)


def _as_data(exploration: Exploration, *, idempotency: bool) -> str:
    data = exploration.to_data()
    if idempotency:
        data["idempotency"] = exploration.idempotency().to_data()
    return json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _as_text(exploration: Exploration, *, idempotency: bool, unicode: bool) -> str:
    text = exploration.text(unicode=unicode) + "\n"
    return f"{text}\n{exploration.idempotency().text(unicode=unicode)}\n" if idempotency else text


COMMAND: Final = Command("try what can go wrong, and say what doesn't hold", _EXAMPLE, _declare_explore, _explore)
