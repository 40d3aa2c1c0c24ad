"""The same seed gives the same bytes, in any process; another seed differs in identifiers and jitter only."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_testkit import Simulation

PROFILES = ["documented", "tasker-0.1.8"]
ROOT = Path(__file__).resolve().parents[2]
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
SCRIPT = """
import sys
from datetime import datetime, timezone
from tasker_testkit import FaultPlan, Simulation
from tasker_testkit.worker.sdk import quiet
quiet()
from tasker_core import StepHandler, StepHandlerResult
from tasker_core.step_handler.functional import step_handler

class Reserve(StepHandler):
    handler_name = "reserve"
    def call(self, context):
        now = datetime.now(timezone.utc).isoformat()
        return StepHandlerResult.success({"now": now, "correlation": str(context.correlation_id)})

class Quiet(StepHandler):
    handler_name = "quiet"
    def call(self, context):
        return None if context.retry_count == 0 else StepHandlerResult.success(context.dependency_results)

@step_handler("ship")
def ship(context):
    return {"all": sorted(context.dependency_results), "task": str(context.task_uuid)}

retry = {"max_attempts": 3, "backoff_base_ms": 100}
names = {"reserve": [], "quiet": ["reserve"], "charge": ["reserve"], "ship": ["quiet", "charge"]}
steps = [
    {"name": name, "handler": {"callable": name}, "retry": retry, "dependencies": after}
    for name, after in names.items()
]
template = {"name": "orders", "namespace_name": "shop", "version": "1.0.0", "steps": steps}
run = Simulation(
    template,
    handlers=[{"reserve": Reserve, "quiet": Quiet}, ship],
    stubs={"charge": [ConnectionError("reset"), {"id": 1}]},
    durations={"charge": lambda context, random: random.random()},
    faults=FaultPlan().delay("reserve", "3s", attempt=1).crash("charge", when="after", attempt=2),
    unused_faults="allow",
    profile=sys.argv[1],
    seed=int(sys.argv[2]),
).run({"cart": [1, 2], "zone": "eu"})
sys.stdout.buffer.write(run.history.to_json().encode())
"""


def history(profile, seed, hash_seed):
    """The bytes of the script's history from a process of its own."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT), "TZ": f"XXX{hash_seed}"}
    command = [sys.executable, "-c", SCRIPT, profile, str(seed)]
    return subprocess.run(command, capture_output=True, check=True, env=environment, cwd=ROOT).stdout


@pytest.mark.parametrize("profile", PROFILES)
def test_the_same_bytes_in_every_process(profile):
    """Processes with different hash seeds and time zones write the same history of real handlers."""
    first, second = history(profile, 3, "1"), history(profile, 3, "9")
    assert first == second
    assert json.loads(first)["steps"]
    assert history(profile, 4, "1") != first


def neutral(text):
    """A history without its seed and identifiers."""
    return re.sub(r'"seed": -?\d+', '"seed"', UUID.sub("uuid", text))


TROUBLE = ["ok", "retry"]


@given(
    troubles=st.tuples(*[st.lists(st.sampled_from(TROUBLE), min_size=1, max_size=3)] * 3),
    seeds=st.tuples(st.integers(), st.integers()),
    profile=st.sampled_from(PROFILES),
)
def test_seeds(workflow, handler, troubles, seeds, profile):
    """One seed, one history; two seeds differ in identifiers alone where nothing waits with jitter."""

    def behaves(plan):
        def call(context):
            trouble = plan[min(context.retry_count, len(plan) - 1)]
            if trouble == "retry":
                raise ConnectionError("reset")
            return {"trouble": trouble}

        return handler(call)

    names = ("a", "b", "c")
    template = workflow("a", {"name": "b"}, {"name": "c", "dependencies": ["a", "b"]})
    handlers = {name: behaves(plan) for name, plan in zip(names, troubles, strict=True)}
    durations = {"b": ["1s", "2s"]}

    def run(seed):
        simulation = Simulation(template, handlers=handlers, durations=durations, seed=seed, profile=profile)
        return simulation.run().history.to_json()

    first, second = (run(seed) for seed in seeds)
    assert run(seeds[0]) == first
    assert (first == second) == (seeds[0] == seeds[1])
    assert neutral(first) == neutral(second)


def test_jitter_is_the_seeds(workflow, handler):
    """As built a failure that the worker itself made waits with jitter, and each seed has its own."""
    silent = type("Silent", (handler(None),), {"call": lambda self, context: None})
    template = workflow({"name": "a", "retry": {"max_attempts": 6}})

    def waits(seed):
        run = Simulation(template, handlers={"a": silent}, profile="tasker-0.1.8", seed=seed).run()
        return tuple(run["a"].waits)

    assert len({waits(seed) for seed in range(8)}) > 1
    assert waits(5) == waits(5)
