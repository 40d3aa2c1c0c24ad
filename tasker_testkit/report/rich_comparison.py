"""The comparison of both profiles on a terminal: the same lines as the plain one, in colours by rich."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasker_testkit.model.divergence import Findings
from tasker_testkit.report.cells import ASCII, UNICODE
from tasker_testkit.report.comparison import NARROWEST, layout
from tasker_testkit.report.rich_timeline import toned

if TYPE_CHECKING:
    from rich.console import Console

_WIDEST: Final = 120


def print_comparison(found: Findings, console: Console) -> None:
    """Print the comparison to a rich console, for 60 to 120 cells of its width, in ASCII if it has nothing else."""
    from rich.text import Text

    signs = ASCII if console.options.ascii_only else UNICODE
    width = min(max(console.width, NARROWEST), _WIDEST)
    parts = layout(found, width=width, signs=signs)
    text = Text("\n\n").join(Text("\n").join(map(toned, part)) for part in parts)
    console.print(text, no_wrap=True, overflow="ellipsis")
