"""Strategies draw the same in every process, and only who uses them pays for Hypothesis."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SHOP = ROOT / "examples" / "ecommerce" / "order_processing.yaml"

DRAWS = f"""
import json
from hypothesis import given, settings
from hypothesis import strategies as st
from tasker_testkit import fault_plans, inputs, step_contexts, templates

shop = {str(SHOP)!r}
drawn = {{
    "inputs": inputs(shop),
    "near misses": inputs(shop, valid=False),
    "plans": fault_plans(shop).map(lambda plan: plan.to_data()),
    "contexts": step_contexts(shop, "create_order").map(lambda context: context.event.task_sequence_step),
    "templates": templates(types=("decision", "batchable")),
}}
for name, values in drawn.items():

    @settings(max_examples=30, derandomize=True, database=None, deadline=None)
    @given(values)
    def show(value):
        print(name, json.dumps(value, sort_keys=True))

    show()
"""
LAZY = """
import sys
from tasker_testkit import Simulation, explore
step = {"name": "a", "handler": {"callable": "a"}}
explore(Simulation({"name": "n", "namespace_name": "n", "version": "1", "steps": [step]}, stubs={"a": {}}))
print("hypothesis" in sys.modules)
"""


def printed(code: str, hash_seed: str) -> str:
    """What a script prints in a process of its own."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_same_values_in_every_process():
    """With the same seed of Hypothesis every strategy draws the same bytes, whatever the hash seed."""
    one, other = (printed(DRAWS, seed) for seed in ("1", "2"))
    assert one == other
    assert one.count("\n") > 100


def test_a_simulation_needs_no_hypothesis():
    """Running and exploring a workflow doesn't import it."""
    assert printed(LAZY, "0") == "False\n"
