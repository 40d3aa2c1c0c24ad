"""A small project of somebody else: a template, its handlers, and room for their tests."""

from __future__ import annotations

import pytest

TEMPLATE = """\
name: orders
namespace_name: shop
version: 1.0.0
steps:
  - name: validate
    handler: {callable: validate}
    retry: {max_attempts: 2, backoff: exponential, backoff_base_ms: 100}
  - name: charge
    handler: {callable: charge}
    dependencies: [validate]
    retry: {max_attempts: 2, backoff: exponential, backoff_base_ms: 100}
"""

HANDLERS = """\
from datetime import datetime, timezone

from tasker_core import StepHandler, StepHandlerResult


class ValidateHandler(StepHandler):
    handler_name = "validate"

    def call(self, context):
        now = datetime.now(timezone.utc).isoformat()
        return StepHandlerResult.success({"total": context.get_input("total"), "at": now})


class ChargeHandler(StepHandler):
    handler_name = "charge"

    def call(self, context):
        cart = context.get_dependency_result("validate")
        return StepHandlerResult.success({"charged": cart["total"]})
"""


@pytest.fixture
def project(no_handlers: None, pytester: pytest.Pytester) -> pytest.Pytester:
    """``orders.yaml`` and ``handlers.py`` in a folder of their own."""
    pytester.makefile(".yaml", orders=TEMPLATE)
    pytester.makepyfile(handlers=HANDLERS)
    return pytester


@pytest.fixture
def suite(project: pytest.Pytester):
    """Run a test file in the project, warnings as errors: ``suite(source, *arguments) -> RunResult``."""

    def run(source: str, *arguments: str) -> pytest.RunResult:
        project.makepyfile(test_orders=source)
        return project.runpytest("-W", "error", "-p", "no:cacheprovider", *arguments)

    return run
