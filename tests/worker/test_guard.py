"""The determinism guard: what handlers read from outside is named, by step, attempt and line; nothing else is."""

from __future__ import annotations

import builtins
import inspect
import io
import os
import pathlib
import random
import time
import uuid
from datetime import datetime

import pytest
from tasker_core import StepHandler, StepHandlerResult

from tasker_testkit import Simulation, explore
from tasker_testkit.worker.guard import watching

FILE = pathlib.Path(__file__)
GENERATOR = random.Random(1)
OLDER = "a random generator that was there before the attempt"
COUNTER = iter(range(1_000_000))

READS = {
    "os.environ": (lambda: os.environ["PATH"], "the environment variable 'PATH'"),
    "os.getenv": (lambda: os.getenv("NOT_THERE_OF_TEST"), "the environment variable 'NOT_THERE_OF_TEST'"),
    "in os.environ": (lambda: "PATH" in os.environ, "the environment variable 'PATH'"),
    "dict(os.environ)": (lambda: len(dict(os.environ)), "all of the environment"),
    "open": (lambda: open(__file__).close(), f"the file {__file__!r}"),
    "Path.read_text": (lambda: len(FILE.read_text()), f"the file {FILE!r}"),
    "os.open": (lambda: os.close(os.open(__file__, os.O_RDONLY)), f"the file {__file__!r}"),
    "mkdir": (lambda: pathlib.Path("/").mkdir(exist_ok=True), f"whether there is a folder {pathlib.Path('/')!r}"),
    "getmtime": (lambda: os.path.getmtime(__file__), f"what the system knows of {__file__!r} (its times, its size)"),
    "Path.stat": (lambda: FILE.stat().st_mtime, f"what the system knows of {FILE!r} (its times, its size)"),
    "listdir": (lambda: len(os.listdir("/")), "the order and names of the files in '/'"),
    "getpid": (lambda: os.getpid(), "the process's number"),
    "process_time": (lambda: time.process_time(), "processor time"),
    "id": (lambda: id(object()), "the address of an object (id)"),
    "a generator": (lambda: GENERATOR.random(), OLDER),
    "a seeded generator": (lambda: GENERATOR.choice("abc"), OLDER),
    "a generator's shuffle": (lambda: GENERATOR.shuffle([1, 2, 3]), OLDER),
}


def simulation(action):
    """A workflow whose step does ``action()`` and gives what is different every time."""

    class Reader(StepHandler):
        handler_name = "h"

        def call(self, context):
            action()
            return StepHandlerResult.success({"value": next(COUNTER)})

    step = {"name": "a", "handler": {"callable": "h"}}
    template = {"name": "n", "namespace_name": "t", "version": "1.0.0", "steps": [step]}
    return Simulation(template, handlers={"h": Reader})


@pytest.mark.parametrize(("action", "text"), READS.values(), ids=READS)
def test_what_is_read_is_named(action, text):
    """Step, attempt, what it was, and the handler's own line, also where a library asks for it."""
    found = simulation(action)
    line = inspect.getsourcelines(action)[1]
    with watching(found._world) as reads:
        found.run()
    assert f"step 'a', attempt 1: {text} at {FILE.name}:{line}" in reads.texts


def test_what_the_run_decides_isnt_named():
    """Clocks and chance are the run's own, and what we ask ourselves is nobody's business."""

    def action():
        datetime.now(), time.time(), time.sleep(1), random.random(), uuid.uuid4(), os.urandom(4)
        random.Random().random(), random.Random(7).randint(1, 6), random.choice("ab"), random.SystemRandom().random()

    found = simulation(action)
    with watching(found._world) as reads:
        found.run()
    assert reads.texts == ()


def test_nothing_is_left_of_the_guard():
    """What was watched is as before, and reads outside of a handler aren't counted."""
    found = simulation(lambda: None)
    before = builtins.open, io.open, os.stat, builtins.id, dict(vars(os._Environ)), dict(vars(random.Random))
    with watching(found._world) as reads:
        assert os.environ.get("PATH")
        found.run()
    assert reads.texts == ()
    after = builtins.open, io.open, os.stat, builtins.id, dict(vars(os._Environ)), dict(vars(random.Random))
    assert after == before


def test_an_exploration_that_isnt_steady_names_what_was_read():
    """Two runs of one plan differ: the failure says where, and what handlers read from outside."""
    found = explore(simulation(lambda: os.environ["PATH"]), depth=0)
    (failure,) = found.failures
    assert failure.invariant == "same_again"
    lines = failure.message.splitlines()
    assert "the same plan gave two different runs: step 'a', attempt 1: result.value is" in lines[0]
    assert lines[1] == "Read from outside in such a run:"
    assert lines[2].startswith("  step 'a', attempt 1: the environment variable 'PATH' at test_guard.py:")
    assert lines[-1].startswith("Something is kept from run to run, or read from outside.")


def test_a_generator_of_an_earlier_attempt_is_named():
    """One that an attempt has made is its own; the next attempt that draws from it has it from outside."""
    kept = []

    def action():
        kept.append(random.Random())
        kept[0].random()

    found = simulation(action)
    with watching(found._world) as reads:
        found.run()
        assert reads.texts == ()
        found.run()
    assert [text.partition(" at ")[0] for text in reads.texts] == [f"step 'a', attempt 1: {OLDER}"]


def test_an_exploration_that_isnt_steady_by_itself():
    """Where nothing was read from outside, nothing is named: something was kept."""
    (failure,) = explore(simulation(lambda: None), depth=0).failures
    assert "Read from outside" not in failure.message
