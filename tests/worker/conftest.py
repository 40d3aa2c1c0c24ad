"""A dispatch for a handler, in one line."""

from __future__ import annotations

import pytest

from tasker_testkit.model.dispatch import Dispatch, TaskFacts
from tasker_testkit.model.profile import find_profile
from tasker_testkit.model.template import Handler, StepTemplate, Template
from tasker_testkit.worker.calling import perform
from tasker_testkit.worker.sdk import quiet
from tasker_testkit.worker.sources import load_handlers
from tasker_testkit.worker.walltime import World

quiet()
UUID = "01900000-0000-7000-8000-00000000000"


def dispatch_of(name, *, method=None, resolver=None, initialization=None, input=None, **row):
    """The dispatch of a one-step template whose step wants the handler ``name``."""
    step = StepTemplate("step", Handler(name, method, resolver, initialization or {}))
    facts = TaskFacts(UUID + "1", Template("task", "tests", "1.0.0", (step,)), input or {})
    return Dispatch(facts, step, "step", UUID + "2", UUID + "3", UUID + "4", **{"attempts": 0, **row})


@pytest.fixture(scope="session")
def world():
    """One frozen world for all tests: it is made to be used again."""
    return World(real_timeout=20)


@pytest.fixture
def ending(world):
    """How a handler's attempt ends: ``ending(handler, profile="documented", **dispatch)``."""

    def run(handler, profile="documented", **dispatch):
        return perform(load_handlers({"h": handler}), dispatch_of("h", **dispatch), find_profile(profile), world)

    return run


@pytest.fixture
def called(world):
    """How an attempt ends with these handlers: ``called(handlers, "name", profile="documented", **dispatch)``."""

    def run(handlers, name, profile="documented", **dispatch):
        return perform(load_handlers(handlers), dispatch_of(name, **dispatch), find_profile(profile), world)

    return run
