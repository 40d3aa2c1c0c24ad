"""What rows 21 to 24, 26 and 29 did to a workflow: workers, operators and domain events."""

from __future__ import annotations

from tasker_testkit.fidelity.evidence import Evidence, Told, attempts
from tasker_testkit.fidelity.words import counted, named
from tasker_testkit.model.durations import spoken


def lost_worker(case: Evidence, step: str) -> str | None:
    """Row 21: a step whose worker is gone."""
    found = case.built.step(step)
    if found is None or found.state != "in_progress":
        return None
    return f"`{step}` stays in_progress for ever once its worker or its result is lost; the task {case.built.end}"


def reset(case: Evidence, step: str) -> str | None:
    """Row 22: a step that is reset and has its attempts behind it."""
    if step not in _acted_on(case, "reset_for_retry"):
        return None
    made = counted(attempts(case.built.step(step)), "attempt")
    return f"`{step}` keeps its {made} when it is reset, and nothing wakes the task: it {case.built.end}"


def settled_by_hand(case: Evidence) -> Told | None:
    """Row 23: nobody looks at the task after a step was settled by hand."""
    settled = _acted_on(case, "resolve_manually", "complete_manually")
    said = f"nothing looks at the task after {named(settled)} was settled by hand: it {case.built.end}"
    return (tuple(settled), said) if settled else None


def _acted_on(case: Evidence, *actions: str) -> list[str]:
    done = case.built.history.actions if case.built.history else ()
    return list(dict.fromkeys(action["step"] for action in done if action["do"] in actions))


def events(case: Evidence) -> Told | None:
    """Row 24: what isn't published."""
    published = [
        [(event["name"], event["step"], event["attempt"], event["condition"]) for event in seen.history.events]
        for seen in (case.before, case.after)
        if seen.history
    ]
    missing = [event for event in published[0] if event not in published[-1]]
    if not missing:
        return None
    name, step, _, _ = missing[0]
    more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
    steps = tuple(dict.fromkeys(step for _, step, _, _ in missing))
    return steps, f"the event `{name}` of the failing `{step}` isn't published{more}"


def queueing(case: Evidence, step: str) -> str | None:
    """Row 26: a step that is in progress and waits for its worker."""
    longest = 0
    found = case.built.step(step)
    for attempt in found.attempts if found else ():
        if attempt.started_at is None:
            return f"`{step}` is in_progress in its worker's queue and never begins: one handler runs at a time"
        longest = max(longest, attempt.started_at - (attempt.enqueued_at or 0))
    if not longest:
        return None
    return f"`{step}` is in_progress for {spoken(longest)} before it begins: a worker runs one handler at a time"


def two_claims(case: Evidence, step: str) -> str | None:
    """Row 29: one dispatch, two workers."""
    found = case.after.step(step)
    claims = sum(move.before == move.after == "in_progress" for move in found.transitions) if found else 0
    if not claims:
        return None
    return f"one dispatch of `{step}` is claimed by two workers: the handler runs twice, two attempts are spent"
