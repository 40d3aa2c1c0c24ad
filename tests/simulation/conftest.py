"""Small workflows as mappings, and real handlers in one line."""

from __future__ import annotations

import pytest

from tasker_testkit.worker.sdk import quiet

quiet()

from tasker_core import StepHandler, StepHandlerResult  # noqa: E402

PROFILES = ["documented", "tasker-0.1.8"]


@pytest.fixture(scope="session")
def workflow():
    """``workflow("a", "b", {"name": "c"})``: a name waits for the step before it, a mapping is a step as it is.

    Every step has three attempts, 100 ms and 200 ms apart, and a handler of its own name.
    """

    def workflow(*steps, **fields):
        retry = {"max_attempts": 3, "backoff": "exponential", "backoff_base_ms": 100}
        made = []
        for step in steps:
            before = [made[-1]["name"]] if made else []
            given = {"name": step, "dependencies": before} if isinstance(step, str) else step
            made.append({"handler": {"callable": given["name"]}, "retry": retry, **given})
        return {"name": "orders", "namespace_name": "shop", "version": "1.0.0", "steps": made, **fields}

    return workflow


@pytest.fixture(scope="session")
def handler():
    """``handler(function)``: a class handler that succeeds with what the function makes of the context."""

    def handler(function):
        def call(self, context):
            value = function(context)
            return value if isinstance(value, StepHandlerResult) else StepHandlerResult.success(value)

        return type("Handler", (StepHandler,), {"handler_name": "any", "call": call})

    return handler


@pytest.fixture(params=PROFILES)
def profile(request):
    """Either profile."""
    return request.param
