"""What is compared side by side on a terminal: the same lines as the plain text, in colours by rich."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from tasker_testkit.report.cells import ASCII, UNICODE, Line, Signs
from tasker_testkit.report.comparison import NARROWEST
from tasker_testkit.report.rich_timeline import toned

if TYPE_CHECKING:
    from rich.console import Console

_WIDEST: Final = 120


class SideBySide(Protocol):
    """What can be laid out for people."""

    def layout(self, *, width: int, signs: Signs) -> list[list[Line]]:
        """The lines in their parts, to be set apart by blank ones."""


def print_comparison(found: SideBySide, console: Console) -> None:
    """Print what was compared to a rich console, for 60 to 120 cells of its width, in ASCII if it has nothing else."""
    from rich.text import Text

    signs = ASCII if console.options.ascii_only else UNICODE
    parts = found.layout(width=min(max(console.width, NARROWEST), _WIDEST), signs=signs)
    text = Text("\n\n").join(Text("\n").join(map(toned, part)) for part in parts)
    console.print(text, no_wrap=True, overflow="ellipsis")
