"""Rows are found by running again: none is named for nothing, and no difference is left without a row."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_workflows import BUSY, HANDLERS, QUICK, ROOT, failing, plan, raising, simulation, step
from trace_running import generated

from tasker_testkit import DOCUMENTED, TASKER_0_1_8, Simulation, TemplateError, compare
from tasker_testkit.fidelity.rows import ROWS

TRACES = Path(os.environ.get("TASKER_TESTKIT_CONFORMANCE", ROOT / "fixtures" / "conformance")) / "traces"
EVERY = 8
"""One recorded scenario in so many is compared: all of them take minutes."""

BEHAVIOURS = st.sampled_from(
    [
        {"ok": {}},
        BUSY,
        failing(),
        failing(error_code="E1"),
        failing(metadata={"ticket": 7}),
        raising("PermanentError"),
        raising("RetryableError", retry_after=2),
        {"return": "none"},
        {"value": "object"},
        {"value": "nul"},
        {"sleep": 3},
    ]
)
STUBBORN = {**QUICK, "retryable": False}
STEPS = st.fixed_dictionaries({}, optional={"timeout_seconds": st.just(2), "retry": st.just(STUBBORN)})


@st.composite
def workflows(draw):
    """One to three steps, each behind any of those before it, and one or two behaviours for each."""
    names = ["first", "second", "third"][: draw(st.integers(1, 3))]
    steps = [step(name, *(n for n in names[:i] if draw(st.booleans())), **draw(STEPS)) for i, name in enumerate(names)]
    return steps, plan(**{name: draw(st.lists(BEHAVIOURS, min_size=1, max_size=2)) for name in names})


@settings(max_examples=40, deadline=None)
@given(workflows())
def test_rows_and_differences_come_together(workflow):
    """Where the profiles part, some row is named; where they don't, none. A named row changes one of the two runs."""
    steps, task = workflow
    found = compare(simulation(*steps), task)
    documented, built = (whole(simulation(*steps, profile=profile), task) for profile in (DOCUMENTED, TASKER_0_1_8))
    assert bool(found.divergences) == (documented != built)
    for row in (row for row in ROWS if row.number in {one.row for one in found.divergences}):
        variants = (row.taken(DOCUMENTED, TASKER_0_1_8), row.taken(TASKER_0_1_8, DOCUMENTED))
        one, other = (whole(simulation(*steps, profile=variant), task) for variant in variants)
        assert one != documented or other != built


def whole(built, task):
    """A run's history as data, without the profile's name."""
    data = built.run(task).history.to_data()
    del data["profile"]
    return data


def scenarios():
    """Some of the recorded workflows; a folder without any is an error."""
    paths = sorted(TRACES.glob("*.json"))[::EVERY]
    assert paths, f"no trace in {TRACES}"
    return [pytest.param(json.loads(path.read_text(encoding="utf-8")), id=path.stem) for path in paths]


@pytest.mark.parametrize("scenario", scenarios())
def test_recorded_workflows_compare(scenario):
    """Whatever the real system was recorded with can be compared: every difference has a row, every row its steps."""
    request = scenario.get("request", {})
    try:
        built = Simulation(
            scenario["template"],
            handlers=HANDLERS,
            profile=TASKER_0_1_8,
            workers=scenario.get("workers"),
            missing_handlers="allow",
        )
    except TemplateError:
        pytest.skip("neither profile loads the template")
    found = compare(built, generated(request.get("context", scenario["input"])))
    parted = found.differences or found.documented.state != found.as_built.state
    assert found.divergences or not parted
    names = {name for run in found.runs.values() for name in run.steps}
    assert all(set(row.steps) <= names for row in found.divergences)
    assert [row.row for row in found.divergences] == sorted({row.row for row in found.divergences})
    assert found.unsteady == ()
