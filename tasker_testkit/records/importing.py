"""Tasks of a running Tasker as files of ours: a history, and a scenario that is that task."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from tasker_testkit.engine.history import History
from tasker_testkit.engine.history_writing import pretty
from tasker_testkit.errors import HistoryError, listed
from tasker_testkit.model.template import Template
from tasker_testkit.recording import without_secrets
from tasker_testkit.records.calling_off import calling_off, cut_off, was_called_off
from tasker_testkit.replay.production import RecordedTask, history_data
from tasker_testkit.replay.references import seen_from
from tasker_testkit.stubs import definition_of

PROFILE: Final = "tasker-0.1.8"
"""The profile of scenarios: what was recorded is what the real system did."""
_BY_ITSELF: Final = ("complete", "blocked_by_failures", "error")
"""How a task ends without an operator."""
_BY_AN_OPERATOR: Final = (
    "No scenario can be made of it. Import it with --history alone, or add the operator's action to the scenario of "
    "a task that ran by itself. (Of a task that was cancelled and nothing else, --postgres knows when.)"
)


def imported(task: RecordedTask) -> dict[str, Any]:
    """The task as a history's data, without secrets; the same whatever order its source had keys in.

    Raises HistoryError for what no history can hold.
    """
    text = pretty(without_secrets(history_data(task)))
    History.from_json(text)
    data: dict[str, Any] = json.loads(text)
    return data


def scenario_text(
    data: Mapping[str, Any], task: RecordedTask, file: Path, template: Template, *, handlers: Sequence[str] = ()
) -> str:
    """The text of a scenario ``file`` for an imported task: stubs are its results, faults its failures.

    ``template`` is its own, from a file; ``handlers`` are for the steps that brought no result. Raises HistoryError if
    the task can't be made again from what is known.
    """
    _check_by_itself(data)
    _check_known(data)
    scenario = {
        "name": f"what task {task.uuid} did",
        "template": seen_from(Path(str(template.source)), file.parent),
        **({"handlers": [_seen(one, file.parent) for one in handlers]} if handlers else {}),
        "profile": PROFILE,
        "input": data["input"],
        **_given(data["steps"]),
        **calling_off(data),
        "expect": {
            "state": data["task"]["state"],
            "execution_status": data["task"]["execution_status"],
            "steps": {**_expected(data["steps"]), **_not_created(data["steps"], template)},
        },
    }
    if not handlers:
        _check_stubbed(scenario.get("stubs", {}), template)
    return yaml.dump(scenario, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def _seen(handlers: str, folder: Path) -> str:
    return seen_from(Path(handlers), folder) if handlers.endswith(".py") else handlers


def _check_by_itself(data: Mapping[str, Any]) -> None:
    """Refuse what an operator had a hand in, but for a cancel that is known as an action."""
    called_off = was_called_off(data)
    state = data["task"]["state"]
    if state not in _BY_ITSELF and not data["actions"]:
        raise HistoryError(f"The task is {state}, which an operator did, and it isn't known when. {_BY_AN_OPERATOR}")
    actions = [f"{action['do']} of {action['step']}" for action in data["actions"] if "step" in action]
    also = {"cancelled"} if called_off else set()
    settled = [f"step {step['name']}: {step['state']}" for step in data["steps"] if not _ended_by_itself(step, also)]
    if actions or settled:
        raise HistoryError(f"An operator settled steps of the task:\n{listed(actions or settled)}\n{_BY_AN_OPERATOR}")


def _ended_by_itself(step: Mapping[str, Any], also: Container[str]) -> bool:
    if step["state"] == "complete":
        return bool(step["attempts"])
    return step["state"] in also or step["state"] not in ("cancelled", "resolved_manually")


def _check_known(data: Mapping[str, Any]) -> None:
    expected = {id(attempt) for attempt in cut_off(data).values()}
    unknown = [
        f"step {step['name']}, attempt {attempt['number']}"
        for step in data["steps"]
        for attempt in step["attempts"]
        if attempt["stored"] is None and id(attempt) not in expected
    ]
    if unknown:
        raise HistoryError(
            f"What came of these attempts isn't known, so that no scenario can be made:\n{listed(unknown)}\n"
            "Give the audits of these steps too (REST), or import the task with --history alone."
        )


def _check_stubbed(stubs: Mapping[str, Any], template: Template) -> None:
    bare = [name for name in template.step_names if name not in stubs]
    if bare:
        raise HistoryError(
            f"These steps brought no result that could stand for them:\n{listed(bare)}\n"
            "A scenario needs their handlers: --handlers MODULE_OR_FILE."
        )


def _given(steps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Stubs and faults, if there are any."""
    stubs: dict[str, Any] = {}
    faults: list[dict[str, Any]] = []
    for step in steps:
        for attempt in step["attempts"]:
            stored = attempt["stored"]
            if stored is None:
                continue  # it was cut off
            if stored["success"]:
                stubs[step["name"]] = stored["result"]
            else:
                faults.append({"step": step["name"], "attempt": attempt["number"], "fail": _failure(stored)})
    return {key: value for key, value in (("stubs", stubs), ("faults", faults)) if value}


def _failure(stored: Mapping[str, Any]) -> dict[str, Any]:
    error = stored["error"] or {}
    said = {key: error.get(key) for key in ("message", "error_type")}
    said["error_code"] = stored["metadata"].get("error_code")
    kept = {key: value for key, value in said.items() if value is not None}
    return {**kept, "retryable": bool(error.get("retryable"))}


def _expected(steps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {step["name"]: _ending(step) for step in steps}


def _ending(step: Mapping[str, Any]) -> dict[str, Any]:
    said = {"state": step["state"], "attempts": len(step["attempts"])}
    last = step["attempts"][-1]["stored"] if step["attempts"] else None
    if last is None:
        return said
    if last["success"]:
        return {**said, "result": last["result"]}
    message = (last["error"] or {}).get("message")
    return {**said, "error": message} if message else said


def _not_created(steps: Sequence[Mapping[str, Any]], template: Template) -> dict[str, Any]:
    """Steps of the template that the task never had; of batch workers, any instance counts."""
    created = {definition_of(template, step["name"]) for step in steps}
    return {name: {"created": False} for name in template.step_names if name not in created}


class _Dumper(yaml.SafeDumper):
    """YAML that 1.1 and 1.2 read alike: a text is quoted unless it is a plain word."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write everything out."""
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = None if value.isidentifier() and value.isascii() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)
