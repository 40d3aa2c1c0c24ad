"""From one row's evidence to the sentence about it, or to nothing if the row didn't matter."""

from __future__ import annotations

from collections.abc import Collection

from tasker_testkit.fidelity.changes import concerned
from tasker_testkit.fidelity.evidence import Evidence, Told
from tasker_testkit.fidelity.rows import Row
from tasker_testkit.fidelity.words import named
from tasker_testkit.model.changes import Path
from tasker_testkit.model.divergence import Divergence


def judged(row: Row, case: Evidence, noise: Collection[Path] = ()) -> Divergence | None:
    """What the row did to the workflow, and what to do about it; None if that can't be seen in what 0.1.8 did."""
    told = row.of_task(case) if row.of_task else _of_steps(row, case, concerned(case.before, case.after, noise))
    if told is None:
        return None
    steps, said = told
    begin = said[0].upper() if said.split()[0].isalpha() else said[0]  # a name or a path stays as it is
    return Divergence(row.number, row.title, steps, f"{begin}{said[1:]}; {row.advice}.")


def _of_steps(row: Row, case: Evidence, steps: tuple[str, ...]) -> Told | None:
    """The steps that the row did something to, and what it did to the first of them."""
    if case.before.history is None or case.after.history is None:
        steps = tuple(step.name for step in case.built.steps)
    told = {step: said for step in steps if row.of_step and (said := row.of_step(case, step))}
    if not told:
        return None
    first, *others = told
    return tuple(told), f"{told[first]} (likewise {named(others)})" if others else told[first]
