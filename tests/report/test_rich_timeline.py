"""The timeline on terminals: boxes, colours, and terminals that have neither."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
from rich.console import Console

from tasker_testkit.report.rich_timeline import print_timeline
from tasker_testkit.report.timeline import timeline


def printed(history, **settings) -> str:
    """What a terminal with these settings gets."""
    console = Console(file=io.StringIO(), force_terminal=True, **settings)
    print_timeline(history, console)
    return console.file.getvalue()


@pytest.mark.parametrize(("run", "code"), [("gateway_timeout", 32), ("declined", 31)])
def test_box(runs, run, code):
    """The box is green if the task completed and red if it didn't, as wide as the terminal but at most 120 cells."""
    lines = printed(runs[run], width=200, color_system="standard").splitlines()
    assert lines[0] == f"\x1b[{code}m╭{'─' * 118}╮\x1b[0m"
    assert lines[-1] == f"\x1b[{code}m╰{'─' * 118}╯\x1b[0m"


def test_faults_stand_out(runs):
    """The mark of a fault has a colour of its own."""
    assert "\x1b[1;35m[fault: fail]\x1b[0m" in printed(runs["gateway_timeout"], width=100, color_system="standard")


def test_no_color(runs, monkeypatch):
    """With NO_COLOR there is a box but no colour."""
    monkeypatch.setenv("NO_COLOR", "1")
    text = printed(runs["gateway_timeout"], width=100, color_system="standard")
    assert text.startswith("╭")
    assert "\x1b[3" not in text


@pytest.mark.parametrize("width", [1, 10, 40, 45, 59])
def test_narrow_terminal(runs, width):
    """A narrow terminal gets no box and no line that is too long for it; below 40 cells lines are cut."""
    lines = printed(runs["stuck"], width=width, color_system=None).splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines) == len(timeline(runs["stuck"], width=width).splitlines())


def test_ascii_terminal(runs):
    """A terminal that can't show more than ASCII gets ASCII, the box included."""
    output = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    print_timeline(runs["batch"], Console(file=output, width=80))
    output.flush()
    assert "import_products_073  2/2  +" in output.buffer.getvalue().decode("ascii")


def test_rich_is_imported_late():
    """Importing the report costs no import of rich."""
    code = (
        "import sys, tasker_testkit.report.rich_timeline, tasker_testkit.report.timeline; print('rich' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "False\n"
