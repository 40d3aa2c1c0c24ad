"""A run as a token, and a token as a run again: here, in another process, in another checkout."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tasker_testkit.engine.history import History, written
from tasker_testkit.engine.history_writing import pretty
from tasker_testkit.errors import TokenError, listed
from tasker_testkit.explore.fingerprints import changes, fingerprint, print_of
from tasker_testkit.explore.simpler import Plan
from tasker_testkit.explore.tokens import Token, read_token
from tasker_testkit.model.faults import Fault, FaultPlan
from tasker_testkit.model.loading import accept_context
from tasker_testkit.replay.tracebacks import portable

if TYPE_CHECKING:
    from tasker_testkit.run import Run
    from tasker_testkit.simulation import Simulation

_BYTES: Final = 3
_ANYWAY: Final = (
    "Give those, or try all the same: --anyway in the shell, --tasker-replay-anyway in pytest, anyway=True in Python."
)

_SAME: Final = (
    "that wasn't the token's run to the byte: handlers, doubles, stubs or input do something else now.",
    "that was the token's run, to the byte.",
)


def token_of(
    simulation: Simulation, planned: Iterable[Fault], *, history: History | None = None, input: Any = None
) -> Token:
    """The token of a run of this simulation with these faults; of one that can't be made, with the input alone."""
    return Token(
        template=simulation.template.name,
        faults=tuple(planned),
        seed=simulation.seed,
        order=simulation.order if isinstance(simulation.order, str) else tuple(simulation.order),
        profile=simulation.profile,
        start=written(simulation.start_at),
        workers=simulation.workers,
        environment=simulation.environment,
        timezone=simulation.timezone,
        actions=tuple(action.to_data() for action in simulation.actions),
        printed=print_of(simulation.template),
        input=_print_of_input(simulation, input) if history is None else fingerprint(history.input, _BYTES),
        outcome=bytes(_BYTES) if history is None else _outcome(history),
    )


def _print_of_input(simulation: Simulation, input: Any) -> bytes:
    accepted, _ = accept_context(input, (), simulation.profile)
    return fingerprint(accepted, _BYTES)


def _outcome(history: History) -> bytes:
    return fingerprint(pretty(portable(history.to_data())), _BYTES)


@dataclass(frozen=True)
class Replay:
    """A token that was run again: the ``run``; whether it is the token's, to the byte (``same``).

    ``changes``: what is different in template and input, a line each; only ``anyway`` runs all the same.
    """

    run: Run
    same: bool
    changes: Sequence[str] = ()


def replay(token: str | Token, simulation: Simulation, input: Any, *, anyway: bool = False) -> Replay:
    """Run the token's faults, seed, order and profile again, with this simulation's template and handlers.

    Raises TokenError for a token that is damaged, or was made with another template or input; the text says what is
    different. ``anyway`` tries all the same. Raises what ``Simulation.run`` raises, but not for faults that don't fire.
    """
    if not isinstance(token, (str, Token)):
        raise TokenError(f"token={token!r:.80}: a token is a text; run.token and failure.token have one.")
    known = read_token(token) if isinstance(token, str) else token
    there = simulation.with_profile(known.profile)
    found = changes_since(known, there, input)
    run = as_in(known, there, input, anyway=anyway, strict=False).run(input)
    return Replay(run, is_run_of(known, run), found)


def is_run_of(token: Token, run: Run) -> bool:
    """Whether this is the very run that the token was made of."""
    return _outcome(run.history) == token.outcome


def as_in(token: Token, simulation: Simulation, input: Any, *, anyway: bool = False, strict: bool = True) -> Simulation:
    """The simulation as the token has it: its faults, seed, order and profile. Raises TokenError as ``replay`` does."""
    there = simulation.with_profile(token.profile)
    found = () if anyway else changes_since(token, there, input)
    if found:
        raise TokenError(f"This token was made with another template or input:\n{listed(found)}\n{_ANYWAY}")
    return there.with_plan(FaultPlan(token.faults), order=token.order, seed=token.seed, strict=strict)


def changes_since(token: Token, simulation: Simulation, input: Any) -> list[str]:
    """What is different in this template and this input from those that the token was made with, a line each."""
    template = simulation.template
    if template.name != token.template:
        return [f"the template is {template.name!r}, the token's is {token.template!r}"]
    other_input = not is_input_of(token, simulation, input)
    return changes(token.printed, template) + ["the input is another one"] * other_input


def is_input_of(token: Token, simulation: Simulation, input: Any) -> bool:
    """Whether this is the input that the token was made with."""
    return _print_of_input(simulation, input) == token.input


class Replaying:
    """A token that is replayed wherever a simulation of its template runs, and how often that was (``met``).

    ``same``: how many of these runs were the token's, to the byte; ``others``: templates that ran as ever.
    """

    def __init__(self, token: Token, *, anyway: bool = False) -> None:
        self.token = token
        self.met = 0
        self.same = 0
        self.others: set[str] = set()
        self._anyway = anyway

    def instead_of(self, simulation: Simulation, input: Any) -> Simulation:
        """The simulation as the token has it, if it is of the token's template; else itself. Raises TokenError."""
        name = simulation.template.name
        if name != self.token.template:
            self.others.add(name)
            return simulation
        self.met += 1
        return as_in(self.token, simulation, input, anyway=self._anyway)

    def plan_for(self, simulation: Simulation) -> Plan | None:
        """The token's plan, if this simulation is of its template."""
        return self.token.faults if simulation.template.name == self.token.template else None

    def hear(self, run: Run) -> None:
        """Note whether this run is the token's."""
        self.same += is_run_of(self.token, run)

    def counts(self) -> dict[str, Any]:
        """What was met so far, as plain data, so that several processes' can be added up."""
        return {"met": self.met, "same": self.same, "others": sorted(self.others)}

    def add(self, counts: Mapping[str, Any]) -> None:
        """Add what another process has met."""
        self.met += counts["met"]
        self.same += counts["same"]
        self.others.update(counts["others"])

    def summary(self) -> str:
        """What became of the token, in a sentence or two."""
        name, faults = self.token.template, ", ".join(map(str, self.token.faults)) or "no faults"
        if not self.met:
            return (
                f"The token is of template {name!r}, and no simulation of that ran here, so nothing was replayed. "
                f"Templates that ran:\n{listed(sorted(self.others))}"
            )
        times = f"{self.met} time{'s' if self.met > 1 else ''}"
        return f"{name!r} ran {times} as the token has it ({faults}); {_SAME[min(self.same, 1)]}"
