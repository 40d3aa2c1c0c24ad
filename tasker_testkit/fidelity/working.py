"""What rows 21 to 24, 26 and 29 did to a workflow: workers, operators and domain events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasker_testkit.fidelity.evidence import Evidence, Seen, Told, attempts
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
    """Row 24: what isn't published, or not by whom the template names, or not as its subscribers read it."""
    found = [told for told in (_unpublished(case), _unshaped(case), _misread(case)) if told]
    steps = dict.fromkeys(step for steps, _ in found for step in steps)
    return (tuple(steps), "; ".join(said for _, said in found)) if found else None


def _published(seen: Seen) -> list[Mapping[str, Any]]:
    return list(seen.history.events) if seen.history else []


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(one[key] == other[key] for key in ("name", "step", "attempt", "condition"))


def _unpublished(case: Evidence) -> Told | None:
    """Failures of which nobody is told."""
    after = _published(case.after)
    missing = [
        event
        for event in _published(case.before)
        if event["condition"] != "success" and not any(_same(event, other) for other in after)
    ]
    if not missing:
        return None
    more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
    said = f"the event `{missing[0]['name']}` of the failing `{missing[0]['step']}` isn't published{more}"
    return tuple(dict.fromkeys(event["step"] for event in missing)), said


def _unshaped(case: Evidence) -> Told | None:
    """Events that a publisher of the team's own would have shaped, or kept back."""
    shaped = [event for event in _published(case.before) if "publisher" in event]
    kept = [event for event in _published(case.after) if not any(_same(event, one) for one in _published(case.before))]
    named = [(event, publisher) for event in (*shaped, *kept) if (publisher := _publisher(case, event))]
    if not named:
        return None
    event, publisher = named[0]
    said = f"the event `{event['name']}` of `{event['step']}` is published without `{publisher}`, as the result is"
    return tuple(dict.fromkeys(event["step"] for event, _ in named)), said


def _publisher(case: Evidence, event: Mapping[str, Any]) -> str | None:
    step = case.definition(event["step"])
    declared = step.publishes_events if step else ()
    return next((one.publisher for one in declared if one.name == event["name"]), None)


def _misread(case: Evidence) -> Told | None:
    """Subscribers that look for the payload where it isn't."""
    after = _published(case.after)
    for event in _published(case.before):
        others = [other.get("subscribers", ()) for other in after if _same(event, other)]
        lost = [name for name in event.get("subscribers", ()) if others and name not in others[0]]
        if lost:
            said = f"`{lost[0]}` is handed the whole message of `{event['name']}`, with the payload inside, and fails"
            return (event["step"],), said
    return None


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
