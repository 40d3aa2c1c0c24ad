"""Measure and print: ``python -m benchmarks [TABLE ...] [--tiny]``; without a name, every table."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import Final

from benchmarks import big_graph, command_line, exploring, growing, http, job, plugin_cost, recordings
from benchmarks.measuring import Figure, Sizes, table

TABLES: Final[dict[str, tuple[str, Callable[[Sizes], Iterator[Figure]]]]] = {
    "job": ("Five steps, each fails once and then succeeds", job.figures),
    "big_graph": ("A layered graph, two parents a step, stubs", big_graph.figures),
    "plugin_cost": ("A pytest session of one test that doesn't use the plugin", plugin_cost.figures),
    "command_line": ("`tasker-testkit run` of the ecommerce example", command_line.figures),
    "exploring": ("Explorations", exploring.figures),
    "recordings": ("Recordings", recordings.figures),
    "http": ("A step that calls another system over HTTP", http.figures),
    "growing": ("Batches and decisions, stubs", growing.figures),
}


def main() -> None:
    """Print the tables that the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"of {', '.join(TABLES)} (default: all)")
    parser.add_argument("--tiny", action="store_true", help="tiny sizes: shows that everything runs, measures nothing")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.tables if name not in TABLES]
    if unknown:
        parser.error(f"no table {unknown[0]!r}; there are {', '.join(TABLES)}")
    for name in arguments.tables or TABLES:
        title, figures = TABLES[name]
        print(f"### {title}\n\n{table(figures(Sizes(arguments.tiny)))}\n", flush=True)


main()
