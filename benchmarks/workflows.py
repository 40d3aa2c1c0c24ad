"""The templates that are measured."""

from __future__ import annotations

from typing import Any

from tasker_testkit.model.template import BatchConfig, Handler, Retry, StepTemplate, Template
from tasker_testkit.worker.sdk import quiet


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


def batch_template() -> Template:
    """An analyzer, its batch workers and their convergence; each step's callable is its own name."""
    config = BatchConfig(10, 5, "id", "work", "fail_fast")
    steps = [
        StepTemplate("analyze", Handler("analyze"), "batchable"),
        StepTemplate("work", Handler("work"), "batch_worker", ("analyze",), batch_config=config),
        StepTemplate("gather", Handler("gather"), "deferred_convergence", ("work",)),
    ]
    return _template("batch", steps)


def batch(workers: int) -> tuple[Template, dict[str, Any]]:
    """The same with stubs, and so many workers."""
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
    return batch_template(), {
        "analyze": {"batch_processing_outcome": outcome},
        "work": {},
        "gather": {},
    }


def batch_handlers(workers: int) -> list[type[Any]]:
    """Real handlers of the same: so many workers; each looks at its cursor and a field of the analyzer's result."""
    quiet()
    from tasker_core import Batchable, StepHandler

    class Analyze(StepHandler, Batchable):
        handler_name = "analyze"

        def call(self, context: Any) -> Any:
            cursors = self.create_cursor_ranges(workers, 1)
            return self.batch_analyzer_success(cursor_configs=cursors, total_items=workers, worker_template_name="work")

    class Work(StepHandler, Batchable):
        handler_name = "work"

        def call(self, context: Any) -> Any:
            batch = self.get_batch_context(context)
            total = context.get_dependency_field("analyze", "total_items")
            return self.batch_worker_success(items_processed=1, metadata={"at": batch.start_cursor, "of": total})

    class Gather(StepHandler):
        handler_name = "gather"

        def call(self, context: Any) -> Any:
            results = context.get_all_dependency_results("work_")
            return self.success({"rows": sum(result["items_processed"] for result in results)})

    return [Analyze, Work, Gather]
