"""Which messages a worker acts on, and what is left when it goes away: recorded cases against the engine's workers."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tasker_testkit.engine.clock import CLAIM, RESULT, Agenda
from tasker_testkit.engine.growth import NewStep
from tasker_testkit.engine.ledger import Ledger
from tasker_testkit.engine.workforce import Workforce
from tasker_testkit.model.dispatch import EPOCH_START
from tasker_testkit.model.faults import FaultPlan
from tasker_testkit.model.outcome import failure, success
from tasker_testkit.model.profile import TASKER_0_1_8
from tasker_testkit.model.template import Handler, Retry, StepTemplate

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("TASKER_TESTKIT_CONFORMANCE", ROOT / "fixtures" / "conformance"))
FILE = json.loads((FOLDER / "claims.json").read_text(encoding="utf-8"))
SECOND = 1_000_000


def cases(group):
    """The group's cases as parameters; a group without cases is an error."""
    found = FILE["groups"][group]["cases"]
    assert found, f"no case in {group}"
    return [pytest.param(case["given"], case["expect"], id=f"{group}-{number}") for number, case in enumerate(found)]


class Site:
    """Workers of Tasker 0.1.8 with one queue, and nobody who handles their results."""

    def __init__(self, given):
        self.agenda = Agenda()
        self.ledger = Ledger(self.agenda, 0, EPOCH_START)
        self.reported = []
        self.workers = Workforce(
            self.agenda,
            self.ledger,
            TASKER_0_1_8,
            FaultPlan(),
            given.get("worker_processes"),
            lambda call, outcome: None,
        )
        self.takes = round(given.get("handler_takes_s", 0) * SECOND)
        self.fails = given.get("attempts_that_fail", 0)

    def step(self, given=None, name="a"):
        """A step with the columns of a case."""
        fields = {"state": "pending", "attempts": 0, "max_attempts": 3, **(given or {})}
        row = self.ledger.add_step(NewStep(name, "standard", StepTemplate(name, Handler("x"), retry=Retry()), None))
        row.attempts, row.max_attempts = fields["attempts"], fields["max_attempts"]
        self.enter(row, fields["state"])
        return row

    def enter(self, row, state):
        """The orchestrator's move, as given."""
        if row.state != state:
            row.state = state
            self.ledger.log.append((self.agenda.now, row.index, state))

    def run(self, until):
        """Everything up to an instant, in seconds."""
        while True:
            while entry := self.agenda.pop():
                call = self.act(*entry)
                if call is not None:
                    bad = failure("f", "f", retryable=True, took_us=self.takes)
                    self.workers.ended(call, bad if call.attempt <= self.fails else success(took_us=self.takes))
            at = self.agenda.next_instant()
            if at is None or at > until * SECOND:
                break
            self.agenda.move_to(at)
        self.agenda.move_to(max(round(until * SECOND), self.agenda.now))

    def act(self, lane, entry):
        """What the engine does with an entry of a lane, but for handling the results."""
        if lane == RESULT:
            step = self.workers.finish(*entry)
            if step is not None:
                how = "" if step.result.success else "as_error_"
                self.ledger.move_step(step, f"enqueue_{how}for_orchestration")
                self.reported.append(step)
            return None
        return self.workers.deliver(entry) if lane == CLAIM else self.workers.hand_over(entry)

    def states(self, row):
        """What the step went through."""
        return [state for _, index, state in self.ledger.log if index == row.index]

    def left(self, row):
        """How many messages of the step are still in the queue."""
        return len(self.workers.left.get(row, ())) + sum(step is row for step, _ in self.workers.unread)


def meet(site, row, expect, before=0):
    """Compare what is left of the step with what was recorded."""
    found = {
        "claimed": (row.attempts or 0) > before,
        "messages_left": site.left(row),
        "attempts": row.attempts or 0,
        "state": row.state,
        "reported": row in site.reported,
        "states": site.states(row),
        "in_process": row.in_process,
        "stored": row.result is not None,
    }
    assert {key: value for key, value in expect.items() if key in found and found[key] != value} == {}


@pytest.mark.parametrize(("given", "expect"), cases("claim_by_state") + cases("claim_guards") + cases("messages"))
def test_claims_by_state_and_message(given, expect):
    """A message claims its step if that is pending or enqueued, whatever else holds; else it stays in the queue."""
    site = Site(given)
    row = site.step(given["step"])
    if not given.get("in_template", True):
        site.workers.unknown.add(row.template.name)
    for _ in range(given.get("messages", 1)):
        site.workers.send([row])
    site.run(1)
    meet(site, row, expect, before=given["step"]["attempts"] or 0)


@pytest.mark.parametrize(("given", "expect"), cases("retry_cycle"))
def test_claims_of_a_retry_cycle(given, expect):
    """Each claim of a failing step counts an attempt, through the orchestrator's moves in between."""
    site = Site(given)
    row = site.step()
    for round_ in range(given["attempts_that_fail"]):
        for state in given["between"] if round_ else ["enqueued"]:
            site.enter(row, state)
        site.workers.send([row])
        site.run(round_ + 1)
    meet(site, row, expect)


def test_claims_by_a_late_message():
    """A message that found its step waiting comes back and claims it when it is enqueued without a new one."""
    (given, expect), _ = (case.values for case in cases("redelivery"))
    site = Site(given)
    row = site.step({**given["step"], "state": "pending"})
    site.enter(row, given["step"]["state"])
    site.workers.send([row])
    site.run(2)
    assert (row.attempts > 0) == expect["claimed_at_once"]
    site.enter(row, "enqueued")
    site.workers.recall(row)
    site.run(60)
    waited = next(at for at, _, state in site.ledger.log if state == "in_progress") / SECOND - 2
    low, high = expect["claimed_by_old_message_after_s"]
    assert low <= waited <= high
    meet(site, row, expect)


def test_claims_after_a_worker_was_replaced():
    """A message that came while no worker was there isn't seen by the next one for the visibility timeout."""
    _, (given, expect) = (case.values for case in cases("redelivery"))
    site = Site(given)
    row = site.step()
    site.workers.stop_workers()
    site.run(1)
    site.enter(row, given["step"]["state"])
    site.workers.send([row])
    site.run(2)
    site.workers.start_worker()
    assert site.agenda.next_instant() > 20 * SECOND
    assert expect["claimed_within_20_s"] is False
    assert (row.state, row.attempts) == (expect["states"][-1], expect["attempts"])
    site.run(60)
    assert row.attempts == 1


@pytest.mark.parametrize(("given", "expect"), cases("worker_death"))
def test_claims_of_a_worker_that_ends(given, expect):
    """Killed, a worker takes its step with it; asked to stop, it waits 30 s for its handler."""
    site = Site(given)
    row = site.step()
    site.enter(row, "enqueued")
    site.workers.send([row])
    site.run(0.4)
    site.workers.stop_workers(grace=0 if "killed" in given["worker"] else 30 * SECOND)
    site.workers.start_worker()
    site.run(70)
    meet(site, row, expect)


@pytest.mark.parametrize(("given", "expect"), cases("serial"))
def test_claims_are_made_at_once_and_handlers_run_in_turn(given, expect):
    """One worker claims all its steps at once and runs their handlers one after the other."""
    site = Site(given)
    rows = [site.step(name=f"s{number}") for number in range(given["steps_enqueued_together"])]
    for row in rows:
        site.enter(row, "enqueued")
        site.workers.send([row])
    site.run(30)
    low, high = expect["all_done_after_s"]
    assert low <= site.ledger.log[-1][0] / SECOND <= high
    for row in rows:
        assert row.log[0].claimed_at == 0
        meet(site, row, expect)
