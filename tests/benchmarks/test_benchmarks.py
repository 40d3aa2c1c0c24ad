"""The benchmarks run and print what ``docs/benchmarks.md`` shows; how fast they are is no test's business."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
TABLES = ("job", "big_graph", "plugin_cost", "command_line", "exploring", "recordings", "http", "growing")


def benchmarks(*arguments: str) -> subprocess.CompletedProcess[str]:
    """One run of the benchmarks from the project's folder."""
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def lines_of(text: str) -> list[str]:
    """What each line of the tables in a text is about, without the sizes."""
    first = [line.split("|")[1] for line in text.splitlines() if line.startswith("|")]
    return [re.sub(r"\d[\d,.]*( [mu]?s\b)?", "N", cell).strip() for cell in first]


@pytest.mark.parametrize("name", TABLES)
def test_each_table_runs_and_is_on_the_page(name):
    """With tiny sizes a table prints the same lines, sizes aside, under the same title as the page has."""
    done = benchmarks(name, "--tiny")
    assert (done.returncode, done.stderr) == (0, "")
    title = done.stdout.splitlines()[0]
    assert title in PAGE
    section = PAGE.partition(title)[2].partition("###")[0]
    assert lines_of(done.stdout) == lines_of(section)


def test_an_unknown_table_is_refused():
    """A name that isn't a table's ends with code 2 and names those that are."""
    done = benchmarks("speed")
    assert done.returncode == 2
    assert f"no table 'speed'; there are {', '.join(TABLES)}" in done.stderr
