"""Template files, their input and fault files: everything that is read and checked before a run."""

from __future__ import annotations

from tasker_testkit.model.loading.environments import apply_environment
from tasker_testkit.model.loading.fault_files import load_faults
from tasker_testkit.model.loading.inputs import check_input
from tasker_testkit.model.loading.ranges import template_data, template_schema
from tasker_testkit.model.loading.schema import schema_problem, validator_of, violations
from tasker_testkit.model.loading.submission import accept_context, check_submission
from tasker_testkit.model.loading.templates import load_template, verdicts

__all__ = [
    "accept_context",
    "apply_environment",
    "check_input",
    "check_submission",
    "load_faults",
    "load_template",
    "schema_problem",
    "template_data",
    "template_schema",
    "validator_of",
    "verdicts",
    "violations",
]
