"""What rows 1 to 6 did to a workflow: waits between attempts, and who wakes a task that waits."""

from __future__ import annotations

from tasker_testkit.engine.backoff import policy_delay
from tasker_testkit.fidelity.evidence import Evidence, Told, waits
from tasker_testkit.fidelity.words import counted, later, named
from tasker_testkit.model.durations import spoken


def backoff(case: Evidence, step: str) -> str | None:
    """Row 1: the first attempt that doesn't wait as the template says."""
    definition = case.definition(step)
    for number, wait in enumerate(waits(case.built.step(step)), 1):
        promised = policy_delay(definition.retry, number) if definition else wait
        if wait != promised:
            return f"`{step}` fails and runs again {later(wait)}, where its template says {spoken(promised)}"
    return None


def requested_delay(case: Evidence, step: str) -> str | None:
    """Row 2: what the other side asked for, and what it got."""
    before = case.before.step(step)
    asked = [one.outcome.retry_after for one in before.attempts if one.outcome] if before else []
    for wish, wait in zip(asked, waits(case.built.step(step)), strict=False):
        if wish is not None and wait < wish * 1_000_000:
            return f"`{step}` asks for a wait of {wish:g} s (retry_after) and runs again {later(wait)}"
    return None


def jitter(case: Evidence, step: str) -> str | None:
    """Row 3: a wait that was drawn."""
    for exact, drawn in zip(waits(case.before.step(step)), waits(case.after.step(step)), strict=False):
        if exact != drawn:
            return f"`{step}` waits {spoken(drawn)}, drawn around {spoken(exact)}"
    return None


def poll(case: Evidence, step: str) -> str | None:
    """Row 4: a wait that lasted until somebody looked."""
    due, woken = waits(case.before.step(step)), waits(case.after.step(step))
    for wanted, wait in zip(due, woken, strict=False):
        if wanted != wait:
            return f"`{step}` is due after {spoken(wanted)} and runs after {spoken(wait)}, when the task is looked at"
    if len(due) > len(woken):
        return f"`{step}` is due after {spoken(due[len(woken)])} and nothing looks at it then"
    return None


def waiting_state(case: Evidence) -> Told | None:
    """Row 5: the task's state while steps wait."""
    moves = ((step.name, move.after) for step in case.after.steps for move in step.transitions)
    waiting = tuple(dict.fromkeys(name for name, state in moves if state == "waiting_for_retry"))
    said = f"while {named(waiting)} waits for a retry the task is waiting_for_dependencies"
    return (waiting, said) if waiting else None


def template_flag(case: Evidence, step: str) -> str | None:
    """Row 6: a step that waits for a retry it can't have."""
    found = case.built.step(step)
    if found is None or found.state != "waiting_for_retry":
        return None
    made = counted(len(found.attempts), "attempt")
    return f"`{step}` is retryable: false and stays waiting_for_retry after {made}; the task {case.built.end}"
