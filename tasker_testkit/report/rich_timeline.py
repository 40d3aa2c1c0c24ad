"""The timeline of a run on a terminal: the same lines as the plain one, with colours and a box by rich."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from tasker_testkit.engine.history import History
from tasker_testkit.report.cells import ASCII, UNICODE, Line, Tone
from tasker_testkit.report.layout import layout

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_STYLES: Final[Mapping[Tone, str]] = {
    "plain": "",
    "quiet": "dim",
    "title": "bold",
    "good": "green",
    "bad": "red",
    "odd": "yellow",
    "fault": "bold magenta",
}
_BOXED_FROM: Final = 60
_FRAME: Final = 4
_WIDEST: Final = 120


def print_timeline(history: History, console: Console, *, everything: bool = False) -> None:
    """Print the run to a rich console, in a box if it has at least 60 cells; colours are the console's own affair.

    The lines are those of ``timeline`` for the console's width (at most 120), in ASCII if it has nothing else.
    """
    from rich.panel import Panel

    width = min(console.width, _WIDEST)
    if width < _BOXED_FROM:
        console.print(_text(history, width, console, everything), no_wrap=True, overflow="ellipsis")
    else:
        border = _STYLES["good" if history.state == "complete" else "bad"]
        console.print(Panel(_text(history, width - _FRAME, console, everything), border_style=border, width=width))


def _text(history: History, width: int, console: Console, everything: bool) -> Text:
    from rich.text import Text

    signs = ASCII if console.options.ascii_only else UNICODE
    parts = layout(history, width=width, signs=signs, everything=everything).parts
    return Text("\n\n", no_wrap=True, overflow="ellipsis").join(Text("\n").join(map(toned, part)) for part in parts)


def toned(line: Line) -> Text:
    """The line in colours."""
    from rich.text import Text

    return Text.assemble(*((span.text, _STYLES[span.tone]) for span in line))
