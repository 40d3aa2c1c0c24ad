"""Runs one recorded scenario under the simulator and shows the outcome in the recording's own words."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tasker_testkit.driving import DrivenTask
from tasker_testkit.engine import readiness
from tasker_testkit.engine.ledger import TASK, Ledger
from tasker_testkit.engine.rows import StepRow
from tasker_testkit.errors import RunError, SubmissionRefused, TemplateError
from tasker_testkit.model.actions import ACTIONS
from tasker_testkit.model.durations import MINUTE, SECOND
from tasker_testkit.model.profile import TASKER_0_1_8, Profile
from tasker_testkit.simulation import Simulation

SETTLED = ("complete", "error", "waiting_for_retry", "resolved_manually")
IDENTIFIER = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
INSTANT = re.compile(r"2026-01-01T\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?")  # of the run, not of a handler's own


def generated(value: Any) -> Any:
    """An input with its generators (``$text``, ``$array``, ``$object``, ``$spread``, ``$key``) written out."""
    if isinstance(value, list):
        return [generated(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    if "$text" in value:
        return "x" * value["$text"]
    if "$array" in value:
        return list(range(value["$array"]))
    if "$object" in value:
        of = value["$object"]
        return {f"{of['prefix']}{n}": n for n in range(of["count"])}
    result: dict[str, Any] = {}
    for key, item in value.items():
        if key == "$spread":
            return {f"{item['prefix']}{n}": generated(item["value"]) for n in range(item["count"])}
        letter = re.fullmatch(r"\$key:(.)\*(\d+)", key)
        result[letter[1] * int(letter[2]) if letter else key] = generated(item)
    return result


def phases(scenario: dict[str, Any]) -> dict[str, int]:
    """Where the three clocks of the recording stood at its submission, in microseconds."""
    task = scenario["trace"]["task"]
    moves = list(zip(task["states"], task["times"], strict=True))
    polled = [
        at
        for (before, _), (after, at) in itertools.pairwise(moves)
        if (before, after) == ("waiting_for_dependencies", "evaluating_results")
    ]
    cleaned = [
        at
        for step in scenario["trace"]["steps"].values()
        for (claimed, since), (state, at) in _pairs(step)
        if claimed == "in_progress" and state == "enqueued_as_error_for_orchestration" and at - since > 29.9
    ]
    stale = [at for state, at in moves if state == "error"]
    return {
        "poll_phase": _phase(polled, 1),
        "cleanup_phase": _phase(sorted(cleaned), 10),
        "detector_phase": _phase(stale, 30),
    }


def _pairs(step: dict[str, Any]) -> Iterator[tuple[tuple[str, float], tuple[str, float]]]:
    moves = list(zip(step["states"], step["times"], strict=True))
    return itertools.pairwise(moves)


def _phase(instants: list[float], modulo: int) -> int:
    return round(instants[0] * SECOND) % (modulo * SECOND) if instants else 0


def recorded_profile(scenario: dict[str, Any]) -> Profile:
    """The profile ``tasker-0.1.8`` with the configuration of the recording."""
    profile = replace(
        TASKER_0_1_8,
        poll_interval=SECOND,
        worker_backoff_cap_s=10,
        jitter=0.0,
        detector_interval=30 * SECOND,
        **(phases(scenario) if "task" in scenario["trace"] else {}),
    )
    if "configuration" in scenario:
        minute = dict.fromkeys(profile.stale_after, MINUTE)
        return replace(profile, stale_after=minute, stale_age=60 * MINUTE)
    never = 10**15
    return replace(profile, stale_after=dict.fromkeys(profile.stale_after, never), stale_age=never)


def simulate(scenario: dict[str, Any], handlers: Path) -> dict[str, Any]:
    """What the simulator makes of the scenario: the trace, or ``{"refused": status}``."""
    try:
        task = submit(scenario, handlers)
    except TemplateError:
        return {"refused": 404}
    except SubmissionRefused as refusal:
        return {"refused": refusal.status}
    done: list[dict[str, Any]] = []
    with task:
        watched = round(scenario["trace"].get("watched_s", 60) * SECOND)
        for action in scenario.get("actions", ()):
            run_to_action(task, action, watched)
            done.append({"do": action["do"], "http": act(task, scenario, action)})
        if scenario.get("workers", 1) > 1:
            task.finish()
        else:
            task._run_to(max(watched, task._engine.now))
        return {**observed(task), "actions": done}


def run_to_action(task: DrivenTask, action: dict[str, Any], watched: int) -> None:
    """Run to the instant of an operator's action: when its state is seen, plus a delay; or a given instant."""
    if "at" in action:
        task._run_to(round(action["at"] * SECOND))
        return
    when = action["when"]
    step, state = when.get("step"), when.get("state", when.get("task"))
    reached = task._watch(step, state)
    if not reached():
        task._loop(watched, reached)
    task._run_to(task._engine.now + round(action.get("delay", 0) * SECOND))


def act(task: DrivenTask, scenario: dict[str, Any], action: dict[str, Any]) -> int:
    """Do it; the HTTP status of the answer (0: not HTTP)."""
    engine, do = task._engine, action["do"]
    if do in ACTIONS:
        return operate(task, action)
    if do.startswith("submit_again"):
        return submit_again(task, scenario, do)
    if do == "sql_backdate":
        engine.ledger.task_since -= round(action["minutes"] * MINUTE)
    elif do == "sql_task_age":
        engine.ledger.task_created_at -= round(action["minutes"] * MINUTE)
    elif do == "kill_worker":
        engine.workforce.stop_workers()
    else:
        task._run_to(engine.now + SECOND // 2)
        change_template(task, do)
        engine.workforce.start_worker()
    return 0


def operate(task: DrivenTask, action: dict[str, Any]) -> int:
    """An operator's action through the public face; 400 if it is refused."""
    step = task[action["step"]] if "step" in action else None
    try:
        if action["do"] == "cancel":
            task.cancel()
        elif action["do"] == "complete_manually":
            step.complete_manually(
                action.get("result"), metadata=action.get("metadata", {}), reason="r", completed_by="op"
            )
        else:
            getattr(step, action["do"])()
    except RunError:
        return 400
    return 200


def submit_again(task: DrivenTask, scenario: dict[str, Any], do: str) -> int:
    """The same request once more, or one that differs in what the name of the action says."""
    again = generated(scenario["input"])
    if do.endswith("other_input"):
        again = {**again, "another": True}
    if do.endswith("dropped_key"):
        again = {**again, "once": "another"}
    try:
        task.submit_again(again)
    except SubmissionRefused as refusal:
        return refusal.status
    return 200


def change_template(task: DrivenTask, do: str) -> None:
    """The worker starts with a changed file of the same template and version."""
    last = task._engine.template.steps[-1].name
    if do.startswith("rename_step"):
        task._engine.workforce.unknown.add(last)


def submit(scenario: dict[str, Any], handlers: Path) -> DrivenTask:
    """The scenario's task, submitted."""
    request = scenario.get("request", {})
    simulation = Simulation(
        scenario["template"],
        handlers=handlers,
        profile=recorded_profile(scenario),
        workers=scenario.get("workers"),
        initiator="conformance",
        source_system="conformance",
        reason="conformance",
        tags=request.get("tags", scenario.get("tags", ())),
        priority=scenario.get("priority", 0),
        missing_handlers="allow",
    )
    if "submit_version" in scenario or "submit_name" in scenario:
        raise SubmissionRefused("Task template not found", status=404, code="NOT_FOUND")
    task = simulation.start(generated(request.get("context", scenario["input"])))
    if any(action["do"].endswith("_start_worker") for action in scenario.get("actions", ())) or no_worker(scenario):
        task._engine.workforce.stop_workers()
    return task


def no_worker(scenario: dict[str, Any]) -> bool:
    """A worker that is started without one having been killed: none runs from the submission until then."""
    done = [action["do"] for action in scenario.get("actions", ())]
    return "start_worker" in done and "kill_worker" not in done


def observed(task: DrivenTask) -> dict[str, Any]:
    """The task as it stands, in the form of a trace. Times are seconds."""
    ledger = task._engine.ledger
    status = ledger.status()
    log = [(at / SECOND, index, state) for at, index, state in ledger.log]
    names = {TASK: "task", **{step.index: step.name for step in ledger.steps}}
    return {
        "task": {
            "states": [state for _, index, state in log if index == TASK],
            "times": [at for at, index, _ in log if index == TASK],
            "final_state": ledger.task_state,
            "complete_flag": ledger.task_state == "complete",
        },
        "execution_status": status,
        "recommended_action": readiness.RECOMMENDED_ACTION[status],
        "health_status": readiness.health_status(ledger.shares),
        "completion_percentage": readiness.completion_percentage(ledger.shares),
        "api": api(ledger, status),
        "steps": {step.name: observed_step(ledger, step, log) for step in ledger.steps},
        "creation_order": [step.name for step in ledger.steps],
        "enqueue_order": [names[index] for _, index, state in log if index != TASK and state == "enqueued"],
        "claim_order": [names[index] for _, index, state in log if index != TASK and state == "in_progress"],
        "settling": [names[index] for _, index, state in log if index != TASK and state in SETTLED],
        "dlq": [
            {"original_state": letter["original_state"], "reason": letter["reason"], "status": letter["resolution"]}
            for letter in ledger.dead_letters
        ],
        "domain_events": [
            {
                "queue": f"{task._engine.template.namespace_name}_domain_events",
                "event_name": event["name"],
                "step": event["step"],
                "business_payload": event["payload"],
            }
            for event in task._engine.publisher.events
            if event["delivery_mode"] != "fast"
        ],
        "stored_context": task._invoke._task.input,
    }


def api(ledger: Ledger, status: str) -> dict[str, Any]:
    """What the REST interface says of the task."""
    counts = Counter(step.state for step in ledger.steps)
    return {
        "status": ledger.task_state,
        "execution_status": status,
        "health_status": readiness.health_status(ledger.shares),
        "total_steps": len(ledger.steps),
        "pending_steps": counts["pending"],
        "in_progress_steps": counts["in_progress"],
        "completed_steps": counts["complete"] + counts["resolved_manually"],
        "failed_steps": counts["error"],
        "ready_steps": sum(step.is_ready(ledger.agenda.now) for step in ledger.steps),
    }


def observed_step(ledger: Ledger, step: StepRow, log: list[tuple[float, int, str]]) -> dict[str, Any]:
    """One step's row and history."""
    moves = [(at, state) for at, index, state in log if index == step.index]
    instance = step.name != step.template.name
    return {
        "type": f"standard (instance of {step.template.name})" if instance else step.type,
        "states": [state for _, state in moves],
        "times": [at for at, _ in moves],
        "final_state": moves[-1][1] if moves else "pending (no transition row)",
        "attempts": step.attempts,
        "max_attempts": step.max_attempts,
        "retryable": step.retryable,
        "parents": sorted(parent.name for parent in step.parents),
        "inputs": step.inputs,
        "checkpoint": veiled(step.checkpoint),
        "in_process": step.in_process,
        "processed": step.processed,
        "backoff_request_seconds": None if step.backoff_request is None else step.backoff_request // SECOND,
        **observed_result(ledger, step),
    }


def observed_result(ledger: Ledger, step: StepRow) -> dict[str, Any]:
    """The columns that come from the stored result."""
    stored = ledger.stamped(step, step.result, step.result_at).stored if step.result else {}
    error = stored.get("error") or {}
    left_out = ("completed_at", "started_at", "execution_time_ms", "worker_id")
    metadata = {
        key: value
        for key, value in (stored.get("metadata") or {}).items()
        if value is not None and value != {} and key not in left_out
    }
    return {
        "success": stored.get("success"),
        "status": stored.get("status"),
        "error_type": error.get("error_type"),
        "error_message": error.get("message"),
        "error_retryable": error.get("retryable"),
        "result": veiled(stored.get("result")),
        "metadata": veiled(metadata),
        "orchestration_metadata": stored.get("orchestration_metadata"),
    }


def veiled(value: Any) -> Any:
    """Identifiers, instants and very long texts as the recordings write them."""
    if isinstance(value, list):
        return [veiled(item) for item in value]
    if isinstance(value, Mapping):
        return {key: veiled(item) for key, item in value.items()}
    if not isinstance(value, str):
        return value
    if len(value) > 10_000:
        return f"{value[:200]}... <{len(value)} characters>"
    return INSTANT.sub("<time>", IDENTIFIER.sub("<uuid>", value))
