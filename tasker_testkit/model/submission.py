"""What Tasker itself refuses when a task is submitted, although the template loaded (rows 17, 18 and 25)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from tasker_testkit.errors import SubmissionRefused
from tasker_testkit.model.template import Template


def check_submission(template: Template) -> None:
    """Raise SubmissionRefused for a template of which no task can be created; ``documented`` refuses those at load."""
    if not template.steps:
        raise SubmissionRefused(
            f"Task template not found: {template.namespace_name}/{template.name}/{template.version}. "
            "Tasker 0.1.8 loads a template without steps, and then refuses every task of it (404).",
            status=404,
            code="NOT_FOUND",
        )
    for step in template.steps:
        if step.name in step.dependencies or len(set(step.dependencies)) < len(step.dependencies):
            what = "itself" if step.name in step.dependencies else "one step twice"
            raise SubmissionRefused(
                f"Database operation failed: step {step.name!r} lists {what} as a dependency. Tasker 0.1.8 loads "
                "such a template, and then refuses every task of it (500). Correct the step's dependencies.",
                status=500,
                code="DATABASE_ERROR",
            )


def identity(template: Template, task_input: Mapping[str, Any]) -> str:
    """What Tasker 0.1.8 takes for the same task: template and input, whatever the order of keys (row 25)."""
    named = [template.namespace_name, template.name, template.version, task_input]
    return sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()


def same_again() -> SubmissionRefused:
    """The refusal of an input that was submitted before."""
    return SubmissionRefused(
        "A task with this identity already exists. Tasker 0.1.8 refuses the same template with the same input "
        "for ever, whatever the identity strategy says (row 25); put something unique into the input.",
        status=409,
        code="CONFLICT",
    )
