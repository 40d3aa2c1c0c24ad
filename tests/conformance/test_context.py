"""Every recorded StepContext, built again and shown by the same handlers."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from tasker_testkit.model.outcome import Checkpoint
from tasker_testkit.worker.single import call_handler, step_context
from tasker_testkit.worker.sources import load_handlers

PROJECT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("TASKER_TESTKIT_CONFORMANCE", PROJECT / "fixtures" / "conformance"))
ANY_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def cases():
    """All cases of the file; without the file one failing case."""
    path = FOLDER / "context.json"
    groups = json.loads(path.read_text("utf-8"))["groups"] if path.is_file() else {}
    return [
        pytest.param(case, id=f"{group}-{case['case']}") for group, one in groups.items() for case in one["cases"]
    ] or [pytest.param(None, id=f"no-case-in-{path.name}")]


def told(value):
    """Any value with its UUIDs and instants as the recordings show them."""
    text = ANY_UUID.sub("<uuid>", json.dumps(value, default=str))
    return json.loads(re.sub(r'"completed_at": (null|"[^"]*")', '"completed_at": "<time>"', text))


def context_of(given):
    """The context that a case describes."""
    if "yielded" in given:
        return step_context("step", checkpoint=Checkpoint(**given["yielded"]))
    parents = given["parents"]
    return step_context(
        "step",
        input=given["task_input"],
        config=given["initialization"],
        inputs=given["step"]["inputs"],
        attempt=given["step"]["attempts"] + 1,
        max_attempts=given["step"]["max_attempts"],
        dependencies={name: parent["result"] for name, parent in parents.items() if "result" in parent},
    )


@pytest.mark.parametrize("case", cases())
def test_context(case):
    """A handler sees the fields that the recorded one saw, and nothing else."""
    assert case is not None, f"{FOLDER} has no context.json with cases"
    handlers = load_handlers(FOLDER / "worker_handlers.py")
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", case["given"]["handler"]).lower()
    seen = []

    class Watching(handlers.handler_class(name)):
        def call(self, context):
            seen.append(context)
            return super().call(context)

    call_handler(Watching, context_of(case["given"]))
    shown = {name: getattr(seen[0], name) for name in type(seen[0]).model_fields if name != "event"}
    if "checkpoint" in case["expect"]:
        shown = {"checkpoint": seen[0].checkpoint}
    assert told(shown) == case["expect"]
