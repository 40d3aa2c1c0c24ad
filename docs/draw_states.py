"""Writes ``docs/states.md`` from the tables in ``tasker_testkit/model/states.py``: ``python docs/draw_states.py``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Final

from tasker_testkit.model.states import (
    STEP_SATISFIED,
    STEP_STATES,
    STEP_TERMINAL,
    TASK_STATES,
    TASK_TERMINAL,
    step_transitions,
    task_transitions,
)

PAGE: Final = Path(__file__).parent / "states.md"
FROM_MANY: Final = 6
"""An event that leads on from so many states would hide the rest of a diagram; it is in the table only."""

Move = tuple[str, str, str]
"""State before, event, state after."""


def page() -> str:
    """The whole page."""
    return "\n".join(
        [
            "# States",
            "",
            "The states and moves of a step and of a task, drawn from `tasker_testkit/model/states.py` by",
            "`python docs/draw_states.py`. The engine runs on the same tables.",
            "",
            *_section("A step", step_transitions(), STEP_STATES, STEP_TERMINAL),
            f"What lets a step's children start: {_names(s for s in STEP_STATES if s in STEP_SATISFIED)}.",
            "`error` is not an end: an operator can reset the step.",
            "",
            *_section("A task", task_transitions(), TASK_STATES, TASK_TERMINAL),
            "`go_stale` is the staleness detector's. A task that failed ends in `blocked_by_failures`;",
            "only staleness or an operator takes it further.",
            "",
        ]
    )


def _section(title: str, moves: Iterable[Move], states: Iterable[str], terminal: Iterable[str]) -> Iterator[str]:
    by_event = {event: list(group) for event, group in groupby(moves, key=lambda move: move[1])}
    drawn = [move for group in by_event.values() if len(group) < FROM_MANY for move in group]
    ends = [state for state in states if state in set(terminal)]
    yield from (f"## {title}", "", "```mermaid", "stateDiagram-v2", "    [*] --> pending")
    yield from (f"    {before} --> {after}: {', '.join(events)}" for (before, after), events in _merged(drawn))
    yield from (f"    {state} --> [*]" for state in ends)
    yield from ("```", "", "| event | from | to |", "|---|---|---|")
    yield from (_row(event, group) for event, group in by_event.items())
    yield from ("", f"Ends: {_names(ends)}.")


def _merged(moves: Iterable[Move]) -> Iterator[tuple[tuple[str, str], list[str]]]:
    """The events between each pair of states, so that a diagram has one arrow for them."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for before, event, after in moves:
        arrows.setdefault((before, after), []).append(event)
    return iter(arrows.items())


def _row(event: str, moves: list[Move]) -> str:
    befores, afters = ([move[side] for move in moves] for side in (0, 2))
    afters = list(dict.fromkeys(afters))
    return f"| `{event}` | {_names(befores)} | {_names(afters)} |"


def _names(states: Iterable[str]) -> str:
    return ", ".join(f"`{state}`" for state in states)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
