"""A workflow under both profiles, side by side: how it ends, in what the steps differ, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from tasker_testkit.counterfactual import Scenario, Trial
from tasker_testkit.engine.history import written
from tasker_testkit.errors import FaultError, RunError, listed
from tasker_testkit.fidelity.evidence import Seen
from tasker_testkit.fidelity.side_by_side import differences
from tasker_testkit.model.changes import Path
from tasker_testkit.model.divergence import Findings, Side
from tasker_testkit.model.profile import DOCUMENTED, TASKER_0_1_8
from tasker_testkit.report.cells import Line, Signs
from tasker_testkit.report.comparison import comparison, layout

if TYPE_CHECKING:
    from tasker_testkit.run import Run
    from tasker_testkit.simulation import Simulation

FORMAT: Final = "tasker-testkit/comparison"
VERSION: Final = 1
_NO_INPUT: Final[Mapping[str, Any]] = {}


@dataclass(frozen=True)
class Comparison(Findings):
    """What both profiles make of one workflow, for asserts and for people: ``print(comparison)`` shows it.

    Besides its findings it has the two ``runs``, by the name of their profile, without one that was refused.
    """

    runs: Mapping[str, Run]

    def layout(self, *, width: int, signs: Signs) -> list[list[Line]]:
        """The lines of the text with their tones."""
        return layout(self, width=width, signs=signs)

    def text(self, *, width: int = 100, unicode: bool = True) -> str:
        """The comparison for people, at most ``width`` columns wide (at least 60)."""
        return comparison(self, width=width, unicode=unicode)

    def __str__(self) -> str:
        return self.text()

    def to_data(self) -> dict[str, Any]:
        """The comparison as plain JSON (``format: tasker-testkit/comparison``); ``elapsed`` is in seconds."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "template": dict(self.template),
            "seed": self.seed,
            "start": self.start,
            "sides": [_side_data(side) for side in (self.documented, self.as_built)],
            "differences": [asdict(difference) for difference in self.differences],
            "divergences": [{**asdict(row), "steps": list(row.steps)} for row in self.divergences],
            "unsteady": list(self.unsteady),
        }


def compare(simulation: Simulation, input: Any = _NO_INPUT) -> Comparison:
    """Run the workflow under ``documented`` and under ``tasker-0.1.8``, and say where they part and why.

    The simulation's own profile plays no part. If the two part at all, handlers run again, two times at most for each
    of the 29 rows, ``setup`` before each run; give ``setup=`` if the team's doubles keep anything between runs. Raises
    what ``simulation.run`` raises, but for what one of the profiles refuses: that is part of the comparison. A planned
    fault that fires under neither profile is a FaultError, as in ``run``.
    """
    scenario = Scenario(simulation, input)
    (one, documented), (other, built) = scenario.play(DOCUMENTED), scenario.play(TASKER_0_1_8)
    _check_plan(simulation, documented, built)
    trial = Trial(scenario, documented, built)
    rows = trial.divergences()
    template = simulation.template
    return Comparison(
        template={"namespace": template.namespace_name, "name": template.name, "version": template.version},
        seed=simulation.seed,
        start=written(simulation.start_at),
        documented=_side(DOCUMENTED.name, one, documented),
        as_built=_side(TASKER_0_1_8.name, other, built),
        differences=differences(documented, built, trial.noise),
        divergences=rows,
        unsteady=tuple(dict.fromkeys(map(_place, sorted(trial.noise, key=str)))),
        runs={profile.name: run for profile, run in ((DOCUMENTED, one), (TASKER_0_1_8, other)) if run},
    )


def _side(profile: str, run: Run | None, seen: Seen) -> Side:
    if run is None:
        return Side(profile, None, None, str(seen.refusal))
    return Side(profile, f"stuck in {run.state}" if run.stuck else run.state, run.elapsed)


def _side_data(side: Side) -> dict[str, Any]:
    elapsed = None if side.elapsed is None else side.elapsed.total_seconds()
    return {**asdict(side), "elapsed": elapsed}


def _place(path: Path) -> str:
    """``charge result.id`` for the path of a stored result, the path itself for anything else."""
    parts = [str(part) for part in path]
    if parts[:1] == ["steps"] and "stored" in parts:
        return f"{parts[1]} {'.'.join(parts[parts.index('stored') + 1 :])}"
    return ".".join(parts)


def _check_plan(simulation: Simulation, *seen: Seen) -> None:
    """As in a run: a planned fault that never fires, or an action never done, is a mistake; here under neither."""
    histories = [one.history for one in seen if one.history]
    if not histories:
        return
    fired = [fault for one in histories for step in one.steps for attempt in step.attempts for fault in attempt.faults]
    unused = [fault for fault in simulation.faults if fault.to_data() not in fired]
    if unused and simulation.unused_faults == "error":
        raise FaultError(
            f"These faults fired under neither profile:\n{listed(unused)}\n"
            'Aim them at attempts that happen, or allow it with unused_faults="allow".'
        )
    done = {(action["do"], action.get("step")) for one in histories for action in one.actions}
    undone = [action for action in simulation.actions if (action.do, action.step) not in done]
    if undone:
        raise RunError(
            f"These actions could be done under neither profile:\n{listed(undone)}\n"
            "Wait for a state that the run enters, and do what that state allows."
        )
