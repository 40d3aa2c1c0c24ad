"""A second, naive Tasker for the model check: whole lists, scanned again and again; no code shared with the engine.

Written from the published tables and the readiness rules alone. Instants are microseconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SECOND = 1_000_000
MINUTE = 60 * SECOND
BASE, CAP = 100_000, 5_000_000  # exponential 100/5000 ms
POLL, DETECTOR = 5 * SECOND, 300 * SECOND

STEP_MOVES = """
pending > enqueued, in_progress, cancelled
enqueued > in_progress
in_progress > enqueued_for_orchestration, enqueued_as_error_for_orchestration
enqueued_for_orchestration > complete
enqueued_as_error_for_orchestration > waiting_for_retry, error
waiting_for_retry > pending
"""
TASK_MOVES = """
pending > initializing
initializing > enqueuing_steps
enqueuing_steps > steps_in_process
steps_in_process > evaluating_results, waiting_for_retry, error
evaluating_results > complete, enqueuing_steps, waiting_for_dependencies, blocked_by_failures
waiting_for_dependencies > evaluating_results, error
waiting_for_retry > enqueuing_steps, error
"""


def moves(table: str) -> set[tuple[str, str]]:
    """The pairs (from, to) of a table of moves."""
    lines = [line.split(" > ") for line in table.strip().splitlines()]
    return {(before, after) for before, targets in lines for after in targets.split(", ")}


STEP_LEGAL, TASK_LEGAL = moves(STEP_MOVES), moves(TASK_MOVES)
STALE = {
    "waiting_for_dependencies": 60 * MINUTE,
    "waiting_for_retry": 30 * MINUTE,
    "steps_in_process": 30 * MINUTE,
}


def check(log: list[tuple[int, str, str]], graph: dict[str, list[str]]) -> None:
    """What holds at every transition, whoever made it."""
    state: dict[str, str] = {}
    claims, now = dict.fromkeys(graph, 0), 0
    for at, who, after in log:
        assert at >= now, "time is monotone"
        if at > now:
            idle = {step for step in graph if state.get(step, "").startswith("enqueued")}
            assert not idle, "the clock moves only when nothing can run"
        now = at
        if who in state:
            assert (state[who], after) in (TASK_LEGAL if who == "task" else STEP_LEGAL), "legal transitions only"
        if after == "enqueued":
            assert state["task"] == "enqueuing_steps", "nothing is enqueued after a block"
            assert all(state[parent] == "complete" for parent in graph[who]), "parents first"
        claims[who] = claims.get(who, 0) + (after == "in_progress")
        assert claims[who] <= 2, "attempts are bounded"
        state[who] = after


@dataclass
class Row:
    """One step: what the rules ask for, nothing worked out in advance."""

    name: str
    parents: list[str]
    script: list[tuple[str, int]]
    state: str = "pending"
    attempts: int = 0
    processed: bool = False
    due: int | None = None
    stored: int | None = None
    claimed: int = 0
    tries: list[list[Any]] = field(default_factory=list)


class Oracle:
    """Plays one graph ``{step: dependencies}``; a script lists (kind, microseconds) an attempt, the last one repeats.

    Kinds: ``ok``, ``retry``, ``fail``, and ``made``: a retryable failure that the worker itself made.
    """

    def __init__(
        self,
        graph: dict[str, list[str]],
        script: dict[str, list[tuple[str, int]]],
        *,
        as_built: bool,
        max_attempts: int = 2,
        retryable: bool = True,
    ) -> None:
        self.as_built, self.most, self.retryable = as_built, max_attempts, retryable
        self.rows = [Row(name, parents, script[name]) for name, parents in graph.items()]
        self.now, self.task, self.since = 0, "pending", 0
        self.log: list[tuple[int, str, str]] = [(0, "task", "pending")]
        self.messages: list[Row] = []
        self.queue: list[Row] = []
        self.running: list[tuple[int, Row, str]] = []
        self.play()

    # -- the rules -------------------------------------------------------------------------------------------------

    def row(self, name: str) -> Row:
        """The step of that name."""
        return next(row for row in self.rows if row.name == name)

    def eligible(self, row: Row) -> bool:
        """May it be attempted (again)?"""
        return row.attempts == 0 or (self.retryable and row.attempts < self.most)

    def next_retry(self, row: Row) -> int | None:
        """The earliest instant of its next attempt, or None."""
        if not self.as_built:
            return row.due
        return None if row.stored is None else row.claimed + row.stored

    def ready(self, row: Row) -> bool:
        """May it be enqueued now?"""
        at = self.next_retry(row)
        return (
            row.state in ("pending", "waiting_for_retry")
            and not row.processed
            and all(self.row(parent).state == "complete" for parent in row.parents)
            and self.eligible(row)
            and (at is None or at <= self.now)
        )

    def status(self) -> str:
        """What all steps say about the task."""
        states = [row.state for row in self.rows]
        if "error" in states:
            return "blocked"
        if any(self.ready(row) for row in self.rows):
            return "ready"
        if any(state.startswith("enqueued") or state == "in_progress" for state in states):
            return "processing"
        return "complete" if set(states) == {"complete"} else "waiting"

    def waits(self) -> bool:
        """Does any step wait for nothing but its due instant?"""
        return self.ready_at(max(row.due or 0 for row in self.rows))

    # -- moves -----------------------------------------------------------------------------------------------------

    def to(self, row: Row, state: str) -> None:
        """Move a step."""
        assert (row.state, state) in STEP_LEGAL, (row.state, state)
        row.state = state
        self.log.append((self.now, row.name, state))

    def task_to(self, *states: str) -> None:
        """Move the task, over several states in turn."""
        for state in states:
            assert (self.task, state) in TASK_LEGAL, (self.task, state)
            self.task, self.since = state, self.now
            self.log.append((self.now, "task", state))

    def enqueue(self) -> None:
        """One enqueue pass: everything that is ready, in order."""
        self.task_to("enqueuing_steps")
        ready = [row for row in self.rows if self.ready(row)]
        for row in ready:
            if row.state == "waiting_for_retry":
                self.to(row, "pending")
        for row in ready:
            self.to(row, "enqueued")
            row.tries.append([len(row.tries) + 1, self.now, None, None])
            self.messages.append(row)
        self.task_to("steps_in_process")

    def claim(self, row: Row) -> None:
        """A worker takes the step; only then the attempt counts."""
        self.to(row, "in_progress")
        row.attempts += 1
        row.claimed = self.now
        self.queue.append(row)

    def start(self, row: Row) -> None:
        """The handler is called."""
        row.tries[-1][2] = self.now
        kind, took = row.script[min(row.attempts, len(row.script)) - 1]
        self.running.append((self.now + took, row, kind))

    def finish(self, row: Row, kind: str) -> None:
        """The result arrives and is handled."""
        row.tries[-1][3] = self.now
        self.to(row, "enqueued_for_orchestration" if kind == "ok" else "enqueued_as_error_for_orchestration")
        if kind == "ok":
            row.processed = True
            self.to(row, "complete")
        else:
            self.fail(row, kind)
        if self.task in ("steps_in_process", "evaluating_results"):
            self.evaluate()

    def fail(self, row: Row, kind: str) -> None:
        """Wait for a retry, or give up."""
        if not self.as_built:
            row.due = self.now + min(BASE * 2 ** (row.attempts - 1), CAP)
        elif kind == "made":
            row.stored, row.claimed = min(2**row.attempts, 3600) * SECOND, self.now
        allowed = self.as_built or self.retryable
        again = kind in ("retry", "made") and allowed and row.attempts < self.most
        self.to(row, "waiting_for_retry" if again else "error")

    def evaluate(self) -> None:
        """Move the task on."""
        status = self.status()
        if self.task == "steps_in_process":
            if status == "waiting" and not self.as_built and self.waits():
                self.task_to("waiting_for_retry")
                return
            self.task_to("evaluating_results")
        if status == "blocked":
            self.task_to("blocked_by_failures")
        elif status == "ready":
            self.enqueue()
        elif status == "complete":
            self.task_to("complete")
        elif status == "waiting":
            self.task_to("waiting_for_dependencies")

    # -- time ------------------------------------------------------------------------------------------------------

    def play(self) -> None:
        """One thing at a time: first results, then claims, then handlers; then, and only then, the clock."""
        self.log += [(0, row.name, "pending") for row in self.rows]
        self.log.insert(1, (0, "task", "initializing"))
        self.task = "initializing"
        self.enqueue()
        while self.act() or self.wait():
            pass

    def act(self) -> bool:
        """Do the next thing of this instant, if there is one."""
        ended = [entry for entry in self.running if entry[0] == self.now]
        if ended:
            self.running.remove(ended[0])
            self.finish(ended[0][1], ended[0][2])
        elif self.messages:
            self.claim(self.messages.pop(0))
        elif self.queue and not (self.as_built and self.running):
            self.start(self.queue.pop(0))
        else:
            return False
        return True

    def wait(self) -> bool:
        """Move to the next instant of a result, of the poll, or of the staleness detector."""
        results = [at for at, _, _ in self.running]
        wakes = [at for at in self.wakes() if self.ready_at(at)][:1]
        stale = [at for at in self.ticks(DETECTOR) if at - self.since >= STALE[self.task]][:1]
        if not results + wakes + stale:
            return False
        self.now = min(results + wakes + stale)
        if self.now in results:
            return True
        if self.now in wakes:
            self.wake()
        else:
            self.task_to("error")
        return True

    def ticks(self, interval: int) -> list[int]:
        """The ticks of the next hour and a bit, the present one left out unless it is the very first."""
        if self.task not in STALE:
            return []
        first = self.now // interval * interval
        return [at for at in range(first, self.now + 66 * MINUTE, interval) if at > self.now or not at]

    def wakes(self) -> list[int]:
        """When somebody looks at waiting steps: as built at a tick of the poll, for an hour at the most."""
        if self.task in ("complete", "error", "blocked_by_failures"):
            return []
        if not self.as_built:
            return sorted(row.due for row in self.rows if row.state == "waiting_for_retry" and row.due is not None)
        if self.task != "waiting_for_dependencies" or not self.ready_at(self.now + 66 * MINUTE):
            return []
        return [at for at in self.ticks(POLL) if at - self.since <= 60 * MINUTE]

    def ready_at(self, at: int) -> bool:
        """Is any step ready at that instant, if nothing else happens before?"""
        now, self.now = self.now, at
        found = any(self.ready(row) for row in self.rows)
        self.now = now
        return found

    def wake(self) -> None:
        """Enqueue what has become due."""
        if self.task in ("waiting_for_dependencies", "steps_in_process"):
            self.task_to("evaluating_results")
        self.enqueue()
