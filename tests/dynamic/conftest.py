"""Templates in one line a step, for workflows that grow."""

from __future__ import annotations

import pytest

from tasker_testkit import Simulation
from tasker_testkit.worker.sdk import quiet

quiet()


@pytest.fixture
def grown():
    """Build a simulation: ``grown(steps, handlers, ...)``; a step is (name, type, dependencies, other keys)."""

    def build(steps, handlers=(), **keywords):
        made = []
        for name, type_, needs, *rest in steps:
            extra = dict(*rest)
            handler = {"callable": extra.pop("callable", name), "initialization": extra.pop("initialization", {})}
            made.append({"name": name, "type": type_, "dependencies": needs, "handler": handler, **extra})
        template = {"name": "t", "namespace_name": "n", "version": "1.0.0", "steps": made}
        template.update(keywords.pop("template", {}))
        return Simulation(template, handlers=handlers, **keywords)

    return build
