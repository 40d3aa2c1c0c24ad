"""What a run came to: states, attempts, waits and results, by step, for asserts and for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tasker_testkit.engine.decisions import requested
from tasker_testkit.engine.engine import Engine
from tasker_testkit.engine.history import AttemptHistory, History, StepHistory, moment
from tasker_testkit.errors import RunError, listed, near
from tasker_testkit.explore.judging import as_invariants, judged, unreached
from tasker_testkit.model.durations import as_timedelta
from tasker_testkit.model.effects import Effect
from tasker_testkit.model.graph import ancestors
from tasker_testkit.model.outcome import Outcome
from tasker_testkit.model.requests import Request
from tasker_testkit.model.template import Template
from tasker_testkit.report.timeline import timeline

if TYPE_CHECKING:
    from tasker_testkit.diffing import Diff
    from tasker_testkit.model.divergence import Divergence

_GROWING: Final = ("decision", "batchable")


@dataclass(frozen=True)
class Attempt:
    """One attempt of a step. Instants are aware UTC datetimes, None if they never came.

    ``outcome`` is None if no result arrived; ``faults`` are those that fired in it, as data; ``checkpoints`` what it
    yielded before, as stored (``cursor``, ``items_processed``, ...), with ``at``; ``requests`` what it asked over HTTP.
    """

    number: int
    enqueued_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    outcome: Outcome | None
    faults: Sequence[Mapping[str, Any]]
    checkpoints: Sequence[Mapping[str, Any]] = ()
    requests: Sequence[Request] = ()


class Step:
    """One step of a run."""

    def __init__(self, history: StepHistory, start: datetime) -> None:
        self._history = history
        self._start = start

    @property
    def name(self) -> str:
        """Its name in the template; an instance of a batch worker has a name of its own."""
        return self._history.name

    @property
    def type(self) -> str:
        """``standard``, ``decision``, ``deferred_convergence``, ``batchable`` or ``batch_worker``."""
        return self._history.type

    @property
    def state(self) -> str:
        """Its state at the end of the run."""
        return self._history.state

    @property
    def states(self) -> Sequence[str]:
        """Every state it went through, in order."""
        return tuple(transition.after for transition in self._history.transitions)

    @property
    def parents(self) -> Sequence[str]:
        """The steps it waited for."""
        return self._history.parents

    @property
    def max_attempts(self) -> int:
        """How many attempts it has, the first included."""
        return self._history.max_attempts

    @cached_property
    def attempts(self) -> Sequence[Attempt]:
        """Its attempts, in order."""
        return tuple(_attempt(self._start, attempt) for attempt in self._history.attempts)

    @property
    def waits(self) -> list[timedelta]:
        """``waits[i]``: from the end of attempt i+1 to the start of attempt i+2."""
        pairs = zip(self._history.attempts, self._history.attempts[1:], strict=False)
        return [
            as_timedelta(after.started_at - before.ended_at)
            for before, after in pairs
            if after.started_at is not None and before.ended_at is not None
        ]

    @property
    def result(self) -> Any:
        """What a descendant unwraps: the last attempt's result, None without one."""
        outcomes = [attempt.outcome for attempt in self._history.attempts if attempt.outcome]
        return outcomes[-1].result if outcomes else None

    @property
    def error(self) -> str | None:
        """The last attempt's ``error_type: message``, None if it succeeded or never ended."""
        outcomes = [attempt.outcome for attempt in self._history.attempts if attempt.outcome]
        return None if not outcomes or outcomes[-1].success else f"{outcomes[-1].error_type}: {outcomes[-1].message}"

    def __repr__(self) -> str:
        return f"<Step {self.name!r} {self.state}, {len(self._history.attempts)} of {self.max_attempts} attempts>"


class Run:
    """A finished run. Ask ``run.state``, ``run["step"].attempts``, or print ``run.timeline()``."""

    state: str
    """The task's state at the end; a task that failed ends in ``blocked_by_failures``."""
    engine: Engine
    """What it ran on; its ledger has every change of state. For those who judge runs, not for tests."""
    recipe: Callable[[Path], Mapping[str, Any]]
    """How the run can be made again, as data, for a file in that folder (docs/recordings.md)."""

    def __init__(
        self,
        engine: Engine,
        history: Callable[[], History],
        template: Template,
        divergences: Callable[[], Sequence[Divergence]],
        token: Callable[[Run], str],
        recipe: Callable[[Path], Mapping[str, Any]],
    ) -> None:
        self.engine = engine
        self.state = engine.ledger.task_state
        self._close = history
        self._template = template
        self._diverge = divergences
        self._token = token
        self.recipe = recipe

    @cached_property
    def history(self) -> History:
        """The complete record, worked out when first asked for."""
        return self._close()

    @property
    def states(self) -> Sequence[str]:
        """Every state the task went through, in order."""
        return tuple(transition.after for transition in self.history.transitions)

    @property
    def execution_status(self) -> str:
        """What the steps say about the task: ``all_complete``, ``blocked_by_failures``, ..."""
        return self.history.execution_status

    @property
    def elapsed(self) -> timedelta:
        """Virtual time from the submission to the last change of state."""
        last = [self.history.transitions[-1].at, *(s.transitions[-1].at for s in self.history.steps if s.transitions)]
        return as_timedelta(max(last))

    @cached_property
    def steps(self) -> Mapping[str, Step]:
        """The steps that were created, by name, in order of creation."""
        return {step.name: Step(step, self.history.start) for step in self.history.steps}

    def __getitem__(self, name: str) -> Step:
        if name in self.steps:
            return self.steps[name]
        if name in self._template.step_names:
            raise RunError(f"Step {name!r} was never created in this run: {self._why_absent(name)}")
        raise RunError(f"There is no step {name!r}.{near(name, self.steps)} Steps of this run:\n{listed(self.steps)}")

    def __iter__(self) -> Iterator[str]:
        return iter(self.steps)

    @property
    def effects(self) -> Sequence[Effect]:
        """The effects that handlers booked with ``effect(...)``, in the order in which they happened."""
        return tuple(effect for _, _, effect in self.engine.ledger.booked())

    @property
    def requests(self) -> Sequence[Request]:
        """The requests that handlers made over HTTP, in the order of their instants."""
        made = [request for step in self.steps.values() for one in step.attempts for request in one.requests]
        return tuple(sorted(made, key=lambda request: request.at))

    @property
    def events(self) -> Sequence[Mapping[str, Any]]:
        """The published domain events, in order."""
        return self.history.events

    def published(self, name: str | None = None) -> list[Mapping[str, Any]]:
        """The published domain events, or those of one name. Raises RunError for a name that no step declares."""
        declared = {event.name for step in self._template.steps for event in step.publishes_events}
        if name is not None and name not in declared:
            raise RunError(
                f"No step of template {self._template.name!r} declares an event {name!r}.{near(name, declared)} "
                f"Its events:\n{listed(sorted(declared))}"
            )
        return [event for event in self.events if name in (None, event["name"])]

    @property
    def stuck(self) -> str | None:
        """None, or why nothing can happen any more although the task hasn't ended."""
        return self.history.stuck

    @cached_property
    def divergences(self) -> Sequence[Divergence]:
        """The rows of docs/profiles.md that matter for this workflow, input and plan, whatever the run's profile is.

        Worked out when first asked for: the workflow runs again under both profiles and, if they part, up to twice for
        each row, ``setup`` before each run. What was done by hand is done again, as far as it can be.
        """
        return self._diverge()

    def check(self, *checks: Any) -> None:
        """Hold the run to invariants and functions of a run, as ``explore`` does with each of its runs.

        Raises AssertionError that says what doesn't hold, TaskerTestkitError for something that can't be checked.
        """
        invariants = as_invariants(checks)
        verdict = judged(self, invariants)
        broken = (*verdict.broken, *unreached(invariants, verdict.reached, 1))
        if broken:
            raise AssertionError("\n".join(f"{one.invariant}: {one.message}" for one in broken))

    @cached_property
    def token(self) -> str:
        """The run in one short word, to make it again in another process or checkout: ``--tasker-replay=TOKEN``.

        It carries faults, seed, order, profile, start, workers, environment, timezone and actions; of template, input
        and history fingerprints; no handlers, stubs or durations. Raises RunError if the task was driven by hand.
        """
        return self._token(self)

    def timeline(self, *, width: int = 100, unicode: bool = True, everything: bool = False) -> str:
        """The run as text for people, at most ``width`` columns wide; ``everything`` leaves nothing uneventful out."""
        return timeline(self.history, width=width, unicode=unicode, everything=everything)

    def save(self, path: str | Path) -> Path:
        """Write the history as JSON (docs/recordings.md): without secrets, with what makes it again. Gives the path.

        The file is written whole or not at all. Raises HistoryError if that can't be done.
        """
        from tasker_testkit.replay.files import write_whole

        return write_whole(Path(path), self.recording(Path(path).parent))

    def diff(self, other: Any, *, level: str = "exact", ignore: Sequence[str] = ()) -> Diff:
        """In what this run and another run, a History or a history file differ (docs/recordings.md); print it."""
        from tasker_testkit.diffing import diff

        return diff(self, other, level=level, ignore=ignore)

    def recording(self, folder: str | Path = ".") -> str:
        """The text that ``save`` writes to a file in this folder, from which its paths begin."""
        from tasker_testkit.recording import recording_of

        return recording_of(self.history, self.recipe(Path(folder)))

    def __repr__(self) -> str:
        return f"<Run of {self._template.name!r}: {self.state} after {self.elapsed.total_seconds():g} s>"

    def _why_absent(self, name: str) -> str:
        above = ancestors({step.name: step.dependencies for step in self._template.steps}, name)
        growing = [step for step in self._template.steps if step.name in above and step.type in _GROWING]
        grown = "\n".join(f"  {step.type} {step.name!r} {self._grew(step.name)}" for step in growing)
        return f"it comes into being by what grows before it, and that was:\n{grown or '  nothing'}"

    def _grew(self, name: str) -> str:
        """What became of a decision or an analyzer, in words."""
        step = self.steps.get(name)
        if step is None:
            return "was never created itself"
        failed = [warning["text"] for warning in self.history.warnings if warning["text"].startswith(f"step {name}: ")]
        if step.state != "complete" or failed:
            return f"is {step.state}{''.join(f' ({text})' for text in failed)}"
        if step.type == "decision":
            return f"chose {', '.join(map(repr, requested(step.result))) or 'no branch'}"
        made = [repr(other.name) for other in self.steps.values() if name in other.parents]
        return f"made {', '.join(made) or 'no batch'}"


def _attempt(start: datetime, attempt: AttemptHistory) -> Attempt:
    return Attempt(
        number=attempt.number,
        enqueued_at=moment(start, attempt.enqueued_at),
        started_at=moment(start, attempt.started_at),
        ended_at=moment(start, attempt.ended_at),
        outcome=attempt.outcome,
        faults=attempt.faults,
        checkpoints=tuple({"at": moment(start, at), **record} for at, record in attempt.checkpoints),
        requests=tuple(request.seen_from(start) for request in attempt.requests),
    )
