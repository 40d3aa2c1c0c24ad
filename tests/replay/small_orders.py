"""A small workflow, handlers with given answers, and its history as a real Tasker would show it."""

from __future__ import annotations

from dataclasses import replace

from tasker_core import StepHandler, StepHandlerResult

from tasker_testkit import Simulation, check_against

ORDER = {
    "name": "orders",
    "namespace_name": "shop",
    "version": "1.0.0",
    "steps": [
        {"name": "validate", "handler": {"callable": "validate"}},
        {"name": "charge", "handler": {"callable": "charge"}, "dependencies": ["validate"]},
        {"name": "confirm", "handler": {"callable": "confirm"}, "dependencies": ["charge"]},
    ],
}


def answering(*results):
    """A handler of a step with each of these results in turn; the last one repeats. An exception is raised."""

    class Answering(StepHandler):
        handler_name = "answering"

        def call(self, context):
            result = results[min(context.retry_count, len(results) - 1)]
            result = result(context) if callable(result) else result
            if isinstance(result, Exception):
                raise result
            return result if isinstance(result, StepHandlerResult) else StepHandlerResult.success(result)

    return Answering


USUAL = {
    "validate": answering({"total": 5, "items": [1, 2]}),
    "charge": answering(lambda context: {"paid": context.get_dependency_result("validate")["total"]}),
    "confirm": answering(lambda context: {"sent": sorted(context.dependency_results)}),
}


def run_of(handlers=USUAL, input=None, **keywords):
    """The history of a run of ORDER."""
    return Simulation(ORDER, handlers=handlers, **keywords).run(input or {}).history


def against(history, **handlers):
    """The verdicts on it with some handlers changed."""
    return check_against(history, {**USUAL, **handlers}, template=ORDER)


def told(check):
    """Step, attempt and verdict of each attempt."""
    return [(one.step, one.attempt, one.verdict) for one in check.attempts]


def as_production(history):
    """What Tasker's REST interface would show of it: no types, no edges, no checkpoints, few instants, no seed."""
    steps = []
    for step in history.steps:
        last = len(step.attempts) - 1
        attempts = [
            one._replace(
                enqueued_at=None, started_at=one.started_at if index == last else None, checkpoints=(), faults=()
            )
            for index, one in enumerate(step.attempts)
        ]
        moves = tuple(one for one in step.transitions if one.after == "enqueued_for_orchestration")
        steps.append(replace(step, type="", parents=(), attempts=tuple(attempts), transitions=moves))
    return replace(history, profile="recorded", seed=0, faults=(), effects=(), events=(), steps=tuple(steps))
