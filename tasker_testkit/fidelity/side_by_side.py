"""The first thing in which each step differs between two histories, in words."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any

from tasker_testkit.engine.history import History, StepHistory, moment
from tasker_testkit.fidelity.changes import without_clock
from tasker_testkit.fidelity.evidence import Seen, attempts, waits
from tasker_testkit.model.changes import MISSING, Path, changes, quiet, value_at
from tasker_testkit.model.divergence import Difference
from tasker_testkit.model.durations import spoken
from tasker_testkit.model.outcome import Outcome


def differences(documented: Seen, built: Seen, noise: Collection[Path] = ()) -> tuple[Difference, ...]:
    """One for each step that differs: in its state, else attempts, waits, result, error type. None if one refused."""
    if documented.history is None or built.history is None:
        return ()
    names = dict.fromkeys(step.name for step in (*documented.steps, *built.steps))
    found = (next(_of_step(name, documented, built, noise), None) for name in names)
    return tuple(difference for difference in found if difference)


def _of_step(name: str, documented: Seen, built: Seen, noise: Collection[Path]) -> Iterator[Difference]:
    one, other = documented.step(name), built.step(name)
    pairs = {
        "state": (_state(one), _state(other)),
        "attempts": (str(attempts(one)), str(attempts(other))),
        "waits": (_waits(one), _waits(other)),
    }
    yield from (Difference(name, what, *pair) for what, pair in pairs.items() if pair[0] != pair[1])
    if one and other and documented.history and built.history:
        yield from _results(one, other, documented.history, built.history, noise)
    kinds = (_error(one), _error(other))
    if kinds[0] != kinds[1]:
        yield Difference(name, "error type", *kinds)


def _state(step: StepHistory | None) -> str:
    return step.state if step else "not created"


def _waits(step: StepHistory | None) -> str:
    return ", ".join(map(spoken, waits(step))) or "none"


def _results(
    one: StepHistory, other: StepHistory, documented: History, built: History, noise: Collection[Path]
) -> Iterator[Difference]:
    """The first place in the last result that differs, instants apart that moved with the attempt."""
    values = [_result(step, history) for step, history in ((one, documented), (other, built))]
    start = ("steps", one.name, "attempts", len(one.attempts) - 1, "stored", "result")
    for path in quiet(changes(values[0], values[1], start), noise):
        place = path[len(start) :]
        what = ".".join(["result", *map(str, place)])
        yield Difference(one.name, what, *(_shown(value_at(value, place)) for value in values))
        return


def _last(step: StepHistory | None) -> Outcome | None:
    return step.attempts[-1].outcome if step and step.attempts else None


def _result(step: StepHistory, history: History) -> Any:
    outcome = _last(step)
    began = moment(history.start, step.attempts[-1].started_at) if step.attempts else None
    return without_clock(outcome.result, began) if outcome and outcome.success else None


def _shown(value: Any) -> str:
    text = json.dumps(None if value is MISSING else value, ensure_ascii=False, default=repr)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _error(step: StepHistory | None) -> str:
    outcome = _last(step)
    return "none" if outcome is None or outcome.success else str(outcome.error_type)
