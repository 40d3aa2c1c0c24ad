"""Small random workflows of stubs, for properties of an exploration."""

from __future__ import annotations

from hypothesis import strategies as st

from tasker_testkit import Simulation


@st.composite
def graphs(draw, most: int = 4):
    """A template as a mapping: a few steps, each waiting for some of those before it."""
    steps = []
    for number in range(draw(st.integers(1, most))):
        before = [step["name"] for step in steps]
        retry = {"max_attempts": draw(st.integers(1, 3)), "backoff": "exponential", "backoff_base_ms": 100}
        if draw(st.integers(0, 4)) == 0:
            retry["retryable"] = False
        step = {
            "name": f"step_{number}",
            "handler": {"callable": "work"},
            "dependencies": draw(st.lists(st.sampled_from(before), unique=True, max_size=2)) if before else [],
            "retry": retry,
        }
        if draw(st.booleans()):
            step["timeout_seconds"] = 5
        steps.append(step)
    order = draw(st.permutations(steps))
    return {"name": "graph", "namespace_name": "tests", "version": "1.0.0", "steps": order}


def stubbed(template, **settings) -> Simulation:
    """The workflow with a stub behind each step."""
    stubs = {step["name"]: {"made_by": step["name"]} for step in template["steps"]}
    return Simulation(template, stubs=stubs, **settings)
