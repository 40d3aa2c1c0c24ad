"""Every module that handlers come from is in frozen time, wherever ``sys.modules`` has it."""

from __future__ import annotations

import sys

import pytest

from tasker_testkit import Simulation

TEMPLATE = {
    "name": "t",
    "namespace_name": "n",
    "version": "1.0.0",
    "steps": [{"name": "tell", "handler": {"callable": "tell"}}],
}
HANDLERS = """\
from datetime import datetime

from tasker_core import StepHandler, StepHandlerResult


class Tell(StepHandler):
    handler_name = "tell"

    def call(self, context):
        return StepHandlerResult.success({"at": datetime.now().isoformat()})
"""


@pytest.fixture
def clock(no_handlers, tmp_path):
    """The time that a handler sees, whose package ``handlers`` is in a folder of that name."""

    def clock(folder):
        file = tmp_path / folder / "handlers" / "__init__.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            file.write_text(HANDLERS)
        return Simulation(TEMPLATE, handlers=file).run()["tell"].result["at"]

    return clock


def test_packages_of_one_name(clock):
    """Two folders have a package of the same name: handlers of both see the virtual instant, in turns."""
    assert [clock(folder) for folder in ("a", "b", "a", "b")] == ["2026-01-01T00:00:00"] * 4


def test_a_module_that_somebody_took_out_of_sys_modules(clock):
    """It isn't imported any more; the next simulation imports it again, frozen like the first time."""
    clock("a")
    del sys.modules["handlers"]
    assert clock("a") == "2026-01-01T00:00:00"
