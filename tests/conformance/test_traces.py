"""Whole workflows of the running system, scenario by scenario, under the profile ``tasker-0.1.8``."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from trace_comparing import differences
from trace_running import simulate

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("TASKER_TESTKIT_CONFORMANCE", ROOT / "fixtures" / "conformance")) / "traces"


def scenarios():
    """Every recorded scenario; a folder without any is an error."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))]
    assert found, f"no trace in {FOLDER}"
    return [pytest.param(scenario, id=scenario["name"]) for scenario in found]


@pytest.mark.parametrize("scenario", scenarios())
def test_traces_are_met(scenario):
    """The simulated trace agrees with the recorded one in everything that the rules of comparison name."""
    found = differences(scenario, simulate(scenario, FOLDER / "scripted_handlers.py"))
    assert not found, "\n".join(found)
