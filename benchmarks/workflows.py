"""The templates that are measured."""

from __future__ import annotations

from typing import Any

from tasker_testkit.model.template import BatchConfig, Handler, Retry, StepTemplate, Template


def _template(name: str, steps: list[StepTemplate]) -> Template:
    return Template(name, "benchmarks", "1.0.0", tuple(steps))


def linear(length: int, *, handler: str = "work") -> Template:
    """``step_0`` to ``step_n`` one after the other, two attempts each."""
    steps = [
        StepTemplate(
            f"step_{number}",
            Handler(handler),
            dependencies=(f"step_{number - 1}",) if number else (),
            retry=Retry(max_attempts=2),
        )
        for number in range(length)
    ]
    return _template(f"linear_{length}", steps)


def layered(size: int, width: int = 100) -> Template:
    """Layers of ``width`` steps; each step depends on two steps of the layer before."""
    steps = []
    for number in range(size):
        layer, column = divmod(number, width)
        above = (layer - 1) * width
        parents = (f"step_{above + column}", f"step_{above + (column + 1) % width}") if layer else ()
        steps.append(StepTemplate(f"step_{number}", Handler("work"), dependencies=parents))
    return _template(f"layered_{size}", steps)


def decisions(length: int) -> tuple[Template, dict[str, Any]]:
    """Decision, step, decision, step, ... in one chain, with stubs: every decision chooses the step behind it."""
    steps, stubs = [], {}
    for number in range(length):
        before = (f"step_{number - 1}",) if number else ()
        steps.append(StepTemplate(f"decide_{number}", Handler("work"), "decision", before))
        steps.append(StepTemplate(f"step_{number}", Handler("work"), dependencies=(f"decide_{number}",)))
        outcome = {"type": "create_steps", "step_names": [f"step_{number}"]}
        stubs[f"decide_{number}"] = {"decision_point_outcome": outcome}
        stubs[f"step_{number}"] = {}
    return _template(f"decisions_{length}", steps), stubs


def batch(workers: int) -> tuple[Template, dict[str, Any]]:
    """An analyzer, so many batch workers and their convergence, with stubs."""
    config = BatchConfig(10, 5, "id", "work", "fail_fast")
    steps = [
        StepTemplate("analyze", Handler("work"), "batchable"),
        StepTemplate("work", Handler("work"), "batch_worker", ("analyze",), batch_config=config),
        StepTemplate("gather", Handler("work"), "deferred_convergence", ("work",)),
    ]
    cursors = [
        {"batch_id": f"{number:05}", "start_cursor": number, "end_cursor": number + 1, "batch_size": 1}
        for number in range(workers)
    ]
    outcome = {
        "type": "create_batches",
        "worker_template_name": "work",
        "worker_count": workers,
        "cursor_configs": cursors,
        "total_items": workers,
    }
    return _template(f"batch_{workers}", steps), {
        "analyze": {"batch_processing_outcome": outcome},
        "work": {},
        "gather": {},
    }
