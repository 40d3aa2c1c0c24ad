"""Processes that a handler starts live in real time: waiting for them takes none of the run's."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import multiprocessing
import os
import subprocess
import sys
import time

import pytest
from tasker_core import StepHandler, StepHandlerResult

from tasker_testkit import Simulation

ONE_STEP = {
    "name": "n",
    "namespace_name": "t",
    "version": "1.0.0",
    "steps": [{"name": "a", "handler": {"callable": "h"}}],
}
NAP = [sys.executable, "-S", "-c", "import time; time.sleep(0.2); print('done')"]


def ran(action):
    """The run of a workflow whose only step does ``action()``."""

    class Starts(StepHandler):
        handler_name = "h"

        def call(self, context):
            return StepHandlerResult.success({"value": action()})

    return Simulation(ONE_STEP, handlers={"h": Starts}).run()


def cut_short():
    """A process that takes longer than its limit."""
    try:
        subprocess.run([sys.executable, "-S", "-c", "import time; time.sleep(60)"], timeout=0.1)
    except subprocess.TimeoutExpired:
        return "too long"
    return None


def joined():
    """A process of multiprocessing's, whose end is waited for with a limit."""
    process = multiprocessing.get_context("fork").Process(target=int)
    process.start()
    process.join(20)
    return process.exitcode


def pooled():
    """What a pool's process works out."""
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
        return pool.submit(abs, -3).result()


async def awaited():
    """A process of asyncio's, waited for with a limit that virtual time would be past at once."""
    process = await asyncio.create_subprocess_exec(*NAP, stdout=subprocess.PIPE)
    said, _ = await asyncio.wait_for(process.communicate(), 20)
    return said.decode()


async def several():
    """Two of them side by side."""
    return await asyncio.gather(awaited(), awaited())


ACTIONS = {
    "asyncio": (lambda: asyncio.run(awaited()), "done\n"),
    "asyncio, several": (lambda: asyncio.run(several()), ["done\n", "done\n"]),
    "run": (lambda: subprocess.run(NAP, check=True, capture_output=True, text=True).stdout, "done\n"),
    "run with a limit": (lambda: subprocess.run(NAP, stdout=subprocess.DEVNULL, timeout=20).returncode, 0),
    "wait with a limit": (lambda: subprocess.Popen(NAP, stdout=subprocess.DEVNULL).wait(20), 0),
    "over the limit": (cut_short, "too long"),
    "join": (joined, 0),
    "pool": (pooled, 3),
}


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")  # Python 3.12: fork
@pytest.mark.parametrize(("action", "value"), ACTIONS.values(), ids=ACTIONS)
def test_waiting_for_a_process_takes_no_virtual_time(action, value):
    """However it is waited for, the result is there at the very instant at which the process was started."""
    run = ran(action)
    assert run["a"].result == {"value": value}
    assert run.elapsed.total_seconds() == 0


async def sleeps_afterwards():
    """When the process is over, or couldn't even start, timers are virtual again."""
    await awaited()
    with contextlib.suppress(FileNotFoundError):
        await asyncio.create_subprocess_exec("/there/is/none")
    await asyncio.sleep(3_600)


def test_time_goes_on_after_a_process():
    """An hour's sleep takes no real time again."""
    assert ran(lambda: asyncio.run(sleeps_afterwards())).elapsed.total_seconds() == 3_600


LAZY = """
import concurrent.futures, sys
from tasker_testkit import Simulation
from tasker_testkit.worker.sdk import load

class Starts(load().StepHandler):
    handler_name = "h"
    def call(self, context):
        assert "multiprocessing.connection" not in sys.modules
        with concurrent.futures.ProcessPoolExecutor(1) as pool:
            return self.success({"value": pool.submit(abs, -3).result()})

steps = [{"name": "a", "handler": {"callable": "h"}}]
template = {"name": "n", "namespace_name": "t", "version": "1.0.0", "steps": steps}
print(Simulation(template, handlers={"h": Starts}).run()["a"].result)
"""


def test_a_pool_that_is_imported_in_an_attempt():
    """``concurrent.futures`` brings its processes when they are first asked for: that may be a handler."""
    command = [sys.executable, "-c", LAZY]
    env = {**os.environ, "RUST_LOG": "off"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env, timeout=60)
    assert done.stdout == "{'value': 3}\n"


def test_their_modules_are_as_before():
    """After a run ``subprocess`` has the ``time`` that everybody has."""
    ran(lambda: None)
    assert subprocess.time is time
