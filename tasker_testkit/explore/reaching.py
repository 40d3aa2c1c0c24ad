"""Which failure paths and branches are open to a step at all, and the fault that leads down each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tasker_testkit.engine.growth import Blueprint
from tasker_testkit.model.coverage import BATCHES, NONE, What
from tasker_testkit.model.profile import Profile
from tasker_testkit.model.template import StepTemplate

_NOT_CHOSEN: Final = ("deferred_convergence", "decision", "batch_worker")
"""Types of steps that no decision is expected to ask for by name."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A step of a template under a profile. Faults are aimed at ``target``, a name.

    That is its own, or that of an instance of a batch worker; None as long as no instance is known.
    """

    step: StepTemplate
    blueprint: Blueprint
    profile: Profile
    target: str | None


def reachable(subject: Subject) -> Iterator[tuple[What, str]]:
    """Every path and branch that is open to the step, with the line that leads there; empty if no fault does."""
    for path, leads in _WAYS.items():
        line = leads(subject)
        if line is not None:
            yield ("path", path), line
    if subject.step.type in _BRANCHES:
        yield from ((("branch", branch), line) for branch, line in _BRANCHES[subject.step.type](subject))


# -- paths -------------------------------------------------------------------------------------------------------------


def _by_itself(subject: Subject) -> str:
    return ""


def _after_retry(subject: Subject) -> str | None:
    retry = subject.step.retry
    return _fault(subject, "fail", attempt=1) if retry.retryable and retry.max_attempts > 1 else None


def _exhausted(subject: Subject) -> str | None:
    """As built, a step that isn't retryable but has attempts left waits for ever (row 6)."""
    retry = subject.step.retry
    gives_up = retry.retryable or retry.max_attempts <= 1 or subject.profile.template_flag_decides
    return _fault(subject, "fail") if gives_up else None


def _timed_out(subject: Subject) -> str | None:
    ends = subject.step.timeout_seconds is not None and subject.profile.honours_timeout
    return _fault(subject, "hang", attempt=1) if ends else None


def _blocked(subject: Subject) -> str | None:
    """Nothing holds up a root. For all others: the nearest of their ancestors that is there from the start fails."""
    waits = subject.profile.convergence_waits_for_batch
    first, name = subject.blueprint.initial(convergence_waits_for_batch=waits), subject.step.name
    there = {step.name for step in first.steps}
    if name in there and all(child != name for _, child in first.edges):
        return None
    nearest = next((above for above in _nearest_first(subject.blueprint, name) if above in there), None)
    return None if nearest is None else _line("fail", nearest, retryable=False)


_WAYS: Final[Mapping[str, Callable[[Subject], str | None]]] = {
    "first time": _by_itself,
    "after retry": _after_retry,
    "exhausted": _exhausted,
    "permanent": lambda subject: _fault(subject, "fail", retryable=False),
    "timed out": _timed_out,
    "crashed before": lambda subject: _fault(subject, "crash", attempt=1),
    "crashed after": lambda subject: _fault(subject, "crash", when="after", attempt=1),
    "blocked": _blocked,
}
"""The line that leads to each path; None where a step can't come to it."""


def _nearest_first(blueprint: Blueprint, name: str) -> Iterator[str]:
    """All ancestors of a step, its parents before their parents."""
    seen, front = {name}, [name]
    while front:
        front = [parent for one in front for parent in blueprint.dependencies.get(one, ()) if parent not in seen]
        seen.update(front)
        yield from front


# -- branches ----------------------------------------------------------------------------------------------------------


def _of_decision(subject: Subject) -> Iterator[tuple[str, str]]:
    """Every step right behind the decision that it can ask for by name, and none at all."""
    name, steps = subject.step.name, subject.blueprint.steps
    for child in subject.blueprint.children[name]:
        if steps[child].type not in _NOT_CHOSEN:
            outcome = {"type": "create_steps", "step_names": [child]}
            yield child, _line("corrupt", name, "decision_point_outcome", outcome)
    yield NONE, _line("corrupt", name, "decision_point_outcome", {"type": "no_branches"})


def _of_analyzer(subject: Subject) -> Iterator[tuple[str, str]]:
    """Batches; and none, if the template says who answers then."""
    yield BATCHES, ""
    if "worker_template_name" in subject.step.handler.initialization:
        yield NONE, _line("corrupt", subject.step.name, "batch_processing_outcome", {"type": "no_batches"})


_BRANCHES: Final = {"decision": _of_decision, "batchable": _of_analyzer}


# -- lines -------------------------------------------------------------------------------------------------------------


def _fault(subject: Subject, method: str, **keywords: Any) -> str:
    return "" if subject.target is None else _line(method, subject.target, **keywords)


def _line(method: str, *arguments: Any, **keywords: Any) -> str:
    words = [*map(_written, arguments), *(f"{name}={_written(value)}" for name, value in keywords.items())]
    return f"tasker_faults.{method}({', '.join(words)})"


def _written(value: Any) -> str:
    return str(value) if isinstance(value, bool) else json.dumps(value, ensure_ascii=False)
