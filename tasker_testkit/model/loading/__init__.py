"""Template files, their input and fault files: everything that is read and checked before a run."""

from __future__ import annotations

from tasker_testkit.model.loading.action_files import load_actions
from tasker_testkit.model.loading.data_files import load_data
from tasker_testkit.model.loading.environments import apply_environment
from tasker_testkit.model.loading.fault_files import load_faults
from tasker_testkit.model.loading.inputs import check_input, required_fields
from tasker_testkit.model.loading.ranges import template_data, template_schema
from tasker_testkit.model.loading.sanitising import accept_context
from tasker_testkit.model.loading.schema import fits, schema_problem, validator_of, violations
from tasker_testkit.model.loading.templates import load_template, verdicts

__all__ = [
    "accept_context",
    "apply_environment",
    "check_input",
    "fits",
    "load_actions",
    "load_data",
    "load_faults",
    "load_template",
    "required_fields",
    "schema_problem",
    "template_data",
    "template_schema",
    "validator_of",
    "verdicts",
    "violations",
]
