"""Recordings that are run again: template, handlers, input, faults and seed are theirs; and where the run parts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tasker_testkit.engine.history import History
from tasker_testkit.errors import HistoryError, TaskerTestkitError, listed
from tasker_testkit.model.placeholders import placeholders_in
from tasker_testkit.recording import recording_of, without_secrets
from tasker_testkit.records.remaking import input_of, simulation_of
from tasker_testkit.replay.divergence import FirstDivergence, first_divergence
from tasker_testkit.replay.files import load_history, write_whole

if TYPE_CHECKING:
    from tasker_testkit.run import Run

_MEANT: Final = (
    "If the change is meant: pytest --tasker-record=all writes the recording anew. To compare less: "
    "--tasker-level=shape, or --tasker-ignore=PLACE."
)
_HIDDEN: Final = (
    "The recording's input has placeholders where secrets were; handlers and doubles that look at them then do "
    "something else. Test values that are no secrets can be named: ini option tasker_not_secret. Placeholders are at:"
)


@dataclass(frozen=True)
class Rerun:
    """A recording (``expected``) that was run again, and where the ``run`` first parts from it; None if it doesn't."""

    path: Path
    expected: History
    run: Run
    divergence: FirstDivergence | None

    def accept(self) -> None:
        """Write the recording anew: what happened now is what is expected from now on. Raises HistoryError."""
        write_whole(self.path, recording_of(self.run.history, self.expected.recipe or {}))

    def __str__(self) -> str:
        if self.divergence is None:
            return f"{self.path}: the same run."
        lines = [f"{self.path}: this isn't the recorded run.", str(self.divergence)]
        hidden = placeholders_in(self.expected.input)
        if hidden:
            lines.append(f"{_HIDDEN}\n{listed(hidden)}")
        return "\n".join((*lines, _MEANT))


def rerun(
    path: str | Path, *, level: str = "exact", ignore: Sequence[str] = (), root: Path | None = None, **missing: Any
) -> Rerun:
    """Run the recording in that file again and compare the two histories.

    ``level``: ``"exact"``, or ``"shape"`` (states, attempts, waits; results by JSON type); ``ignore``: patterns of
    places that aren't compared (``steps.*.attempts.*.stored.result.validated_at``). Paths in it are looked up from the
    file, then from ``root``; ``missing`` are keywords of Simulation for what the file doesn't say. Faults that don't
    fire are no error here: the comparison shows them.

    Raises HistoryError for a file that is no whole recording or can't be made again, and what Simulation raises.
    """
    file = Path(path)
    expected = load_history(file)
    try:
        simulation = simulation_of(expected, file.parent, root=root, **missing)
        run = simulation.with_profile(simulation.profile, strict=False).run(input_of(expected))
    except TaskerTestkitError as error:
        raise HistoryError(f"{file} can't be run again: {error}") from None
    sides = (_plain(replace(expected, recipe=None).to_data()), _plain(without_secrets(run.history.to_data())))
    return Rerun(file, expected, run, first_divergence(*sides, level=level, ignore=ignore))


def _plain(data: Mapping[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(data))
    return plain
