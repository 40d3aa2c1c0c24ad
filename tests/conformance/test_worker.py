"""Every recorded dispatch of a real worker, run again through our own door to the handlers."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tasker_testkit.model.dispatch import Dispatch, TaskFacts
from tasker_testkit.model.outcome import METADATA_DEFAULTS, Checkpoint, Outcome, Silence
from tasker_testkit.model.profile import TASKER_0_1_8
from tasker_testkit.model.template import Handler, StepTemplate, Template
from tasker_testkit.worker.calling import perform
from tasker_testkit.worker.handlers import HandlerSet
from tasker_testkit.worker.sources import load_handlers
from tasker_testkit.worker.walltime import World

PROJECT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("TASKER_TESTKIT_CONFORMANCE", PROJECT / "fixtures" / "conformance"))
UUID = "01900000-0000-7000-8000-00000000000"


def cases():
    """All cases of the file, by group; without the file one failing case."""
    path = FOLDER / "worker_results.json"
    groups = json.loads(path.read_text("utf-8"))["groups"] if path.is_file() else {}
    return [
        pytest.param(case, id=f"{group}-{case['case']}") for group, one in groups.items() for case in one["cases"]
    ] or [pytest.param(None, id=f"no-case-in-{path.name}")]


@pytest.fixture(scope="module")
def handlers():
    """The recorded handlers, loaded from their file as a user's would be."""
    return load_handlers(FOLDER / "worker_handlers.py")


@pytest.fixture(scope="module")
def world():
    """One frozen world for all cases."""
    return World()


def template_of(case):
    """The one-step template of a case."""
    given = case["template_handler"]
    handler = Handler(given["callable"], given.get("method"), given.get("resolver"))
    step = StepTemplate("step", handler, timeout_seconds=case["template_timeout_s"])
    return Template("task", "conformance", "1.0.0", (step,))


def run(case, handlers: HandlerSet, world: World):
    """The last ending of a case's dispatch, dispatching again after a checkpoint; and the checkpoint."""
    template = template_of(case)
    facts = TaskFacts(UUID + "1", template, {"in": 1, "order": {"id": 7}})
    kept = None
    while True:
        dispatch = Dispatch(
            facts, template.steps[0], "step", UUID + "2", UUID + "3", UUID + "4", attempts=0, checkpoint=kept
        )
        ending = perform(handlers, dispatch, TASKER_0_1_8, world)
        if not isinstance(ending, Checkpoint):
            return ending, kept
        kept = {
            "step_uuid": UUID + "2",
            "cursor": ending.cursor,
            "items_processed": ending.items_processed,
            "accumulated_results": ending.accumulated_results,
        }


SILENT = {
    "return_dict": "no_completion",
    "return_tuple": "no_completion",
    "result_nul_character": "unstorable",
    "exit_process": "thread_died",
}
BEHIND_A_DEAD_THREAD = "success_after_exit"


def seen(outcome: Outcome):
    """An outcome the way the file tells it."""
    stored = outcome.stored
    error = stored["error"] or {"error_type": None, "retryable": None, "message": None}
    changed = {k: v for k, v in stored["metadata"].items() if v != METADATA_DEFAULTS[k]}
    return {
        "state": "enqueued_for_orchestration" if outcome.success else "enqueued_as_error_for_orchestration",
        "success": stored["success"],
        "status": stored["status"],
        "error_type": error["error_type"],
        "retryable": error["retryable"],
        "message": error["message"],
        "result": stored["result"],
        "metadata": changed,
        "orchestration_metadata": stored["orchestration_metadata"],
    }


def comparable(told, expect):
    """Without what the recordings' README says to ignore: the tail of a library's text, the worker's name, UUIDs."""
    told = json.loads(json.dumps(told).replace(UUID + "2", "<uuid>"))
    start = expect.get("message_starts")
    if start and str(told["message"]).startswith(start):
        told["message"] = start
        told["metadata"].get("custom", {}).pop("ffi_serialization_error", None)
    if told["error_type"] == "FFI_SERIALIZATION_ERROR":
        told["metadata"].pop("worker_id", None)
    return told


@pytest.mark.parametrize("case", cases())
def test_worker_result(case, handlers, world):
    """A dispatch ends as the recorded one did: the same stored result, or the same silence."""
    assert case is not None, f"{FOLDER} has no worker_results.json with cases"
    if case["case"] == BEHIND_A_DEAD_THREAD:  # what a dead thread means for later dispatches is the engine's to say
        assert case["expect"]["stored"] is None
        return
    ending, kept = run(case, handlers, world)
    expect = case["expect"]
    if case["case"] in SILENT:
        assert isinstance(ending, Silence)
        assert ending.why == SILENT[case["case"]]
        return
    assert isinstance(ending, Outcome)
    wanted = {key: expect[key] for key in expect if key in seen(ending)}
    start = expect.get("message_starts")
    assert comparable(seen(ending), expect) == comparable({**wanted, "message": start or wanted["message"]}, expect)
    if "checkpoint" in expect:
        assert {key: expect["checkpoint"][key] for key in ("cursor", "items_processed", "accumulated_results")} == {
            key: kept[key] for key in ("cursor", "items_processed", "accumulated_results")
        }
