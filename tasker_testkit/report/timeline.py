"""The timeline of a run as plain text: for failing tests, pipes, files and documents."""

from __future__ import annotations

from tasker_testkit.engine.history import History
from tasker_testkit.report.cells import ASCII, UNICODE, joined
from tasker_testkit.report.layout import layout


def timeline(history: History, *, width: int = 100, unicode: bool = True, everything: bool = False) -> str:
    """The run as text, at most ``width`` cells a line (at least 40), without colours and without a final newline.

    ``unicode=False`` uses ASCII only. Long runs are cut, and say so, unless ``everything`` is true; long messages and
    results always end in an ellipsis. The same history gives the same text.
    """
    page = layout(history, width=width, signs=UNICODE if unicode else ASCII, everything=everything)
    return "\n\n".join("\n".join(map(joined, part)) for part in page.parts)
