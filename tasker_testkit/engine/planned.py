"""An operator's actions that were planned as data: when each of them comes, and what becomes of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from heapq import heappop, heappush

from tasker_testkit.engine.ledger import TASK, Ledger
from tasker_testkit.engine.operator import Operator
from tasker_testkit.errors import RunError
from tasker_testkit.model.actions import Action, When


class Planned:
    """The planned actions of one run, each done once: after everything else of its instant, in the order of the plan.

    ``any``: are there any? ``refused`` has, for each action that couldn't be done, why.
    """

    def __init__(self, actions: Sequence[Action], ledger: Ledger, operator: Operator) -> None:
        self.any = bool(actions)
        self.refused: list[str] = []
        self._ledger = ledger
        self._operator = operator
        self._due: list[tuple[int, int, Action]] = []
        self._waiting: dict[int, Action] = {}
        self._entered: defaultdict[tuple[str | None, str], int] = defaultdict(int)
        self._looked_at = 0
        for number, action in enumerate(actions):
            if action.when is None:
                heappush(self._due, (action.at, number, action))
            else:
                self._waiting[number] = action

    @property
    def missed(self) -> list[Action]:
        """The actions whose moment hasn't come."""
        return [*self._waiting.values(), *(action for _, _, action in sorted(self._due))]

    def next_instant(self) -> int | None:
        """When the next action is done, or None."""
        if self._waiting:
            self._look()
        return max(self._due[0][0], self._ledger.agenda.now) if self._due else None

    def act(self) -> None:
        """Do the next action, now."""
        _, _, action = heappop(self._due)
        try:
            self._operator.act(action)
        except RunError as error:
            self.refused.append(f"{action}: {error}")

    def _look(self) -> None:
        """See which states were entered since the last look."""
        ledger = self._ledger
        for at, index, state in ledger.log[self._looked_at :]:
            step = None if index == TASK else ledger.steps[index].name
            self._entered[step, state] += 1
            seen = When(state, step, self._entered[step, state])
            for number in [number for number, action in self._waiting.items() if action.when == seen]:
                action = self._waiting.pop(number)
                heappush(self._due, (at + action.delay, number, action))
        self._looked_at = len(ledger.log)
