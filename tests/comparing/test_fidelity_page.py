"""Every figure of docs/fidelity.md is counted."""

from __future__ import annotations

import json
import re
from collections import Counter

from small_workflows import ROOT

from tasker_testkit import TASKER_0_1_8
from tasker_testkit.fidelity.rows import ROWS
from tasker_testkit.model.durations import SECOND

PAGE = (ROOT / "docs" / "fidelity.md").read_text(encoding="utf-8")
FOLDER = ROOT / "fixtures" / "conformance"


def traces():
    """The recorded workflows."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted((FOLDER / "traces").glob("*.json"))]


def test_the_number_of_recorded_cases():
    """Each recording is in the table with as many cases as it has."""
    told = {name: int(number) for name, number in re.findall(r"^\| `([\w./]+)` \| (\d+) \|", PAGE, re.MULTILINE)}
    counted = {"traces/": len(traces())}
    for path in FOLDER.glob("*.json"):
        counted[path.name] = sum(len(group["cases"]) for group in json.loads(path.read_text())["groups"].values())
    assert told == counted


def test_the_families_of_traces():
    """The families and their sizes, largest first."""
    (told,) = re.findall(r"The traces by what they are about: (.*?)\.\n", PAGE, re.DOTALL)
    families = Counter(trace["family"] for trace in traces())
    ordered = sorted(families.items(), key=lambda family: (-family[1], family[0]))
    assert " ".join(told.split()) == ", ".join(f"{name} {number}" for name, number in ordered)


def test_every_recording_has_its_test():
    """Each recording is read by a test of tests/conformance."""
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "conformance").glob("test_*.py"))
    assert all(f'"{path.name}"' in tests for path in FOLDER.glob("*.json"))
    assert '"traces"' in tests


def test_the_profile_s_settings():
    """The page's defaults are the profile's, and its number of rows the table's."""
    poll, cap, jitter = TASKER_0_1_8.poll_interval, TASKER_0_1_8.worker_backoff_cap_s, TASKER_0_1_8.jitter
    assert f"the profile has the defaults of {poll // SECOND} s, {cap} s and {jitter:.0%}." in PAGE.replace(" %", "%")
    assert f"{len(ROWS)} rows of [profiles.md]" in " ".join(PAGE.split())
