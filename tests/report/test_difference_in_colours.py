"""Two runs side by side on a terminal."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from tasker_testkit import Simulation
from tasker_testkit.report.rich_comparison import print_comparison

TEMPLATE = {
    "name": "orders",
    "namespace_name": "shop",
    "version": "1.0.0",
    "steps": [{"name": "charge", "handler": {"callable": "x"}}],
}


def test_a_difference_has_colours_on_a_terminal():
    """rich prints the plain text's lines; what is other has a colour of its own."""
    one, other = (Simulation(TEMPLATE, stubs={"charge": {"charged": n}}).run() for n in (5, 6))
    found = one.diff(other)
    console = Console(width=100, record=True, force_terminal=True, file=StringIO())
    print_comparison(found, console)
    assert console.export_text(clear=False).splitlines() == [line.rstrip() for line in found.text().splitlines()]
    (line,) = [line for line in console.export_text(styles=True).splitlines() if "result.charged" in line]
    assert "\x1b[3" in line
