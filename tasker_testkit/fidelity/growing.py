"""What rows 19, 20, 27 and 28 did to a workflow: steps that decisions and batches make."""

from __future__ import annotations

from tasker_testkit.fidelity.evidence import Evidence


def failed_growth(case: Evidence, step: str) -> str | None:
    """Row 19: a decision or a batch whose steps can't be made."""
    logged = case.after.history.warnings if case.after.history else ()
    said = [line["text"] for line in logged if line["text"].startswith(f"step {step}: ")]
    if not said:
        return None
    why = said[0].removeprefix(f"step {step}: ").rstrip(".")
    return f"what `{step}` asks for isn't made ({why}), only a line in the log says so: the task {case.built.end}"


def early_convergence(case: Evidence, step: str) -> str | None:
    """Row 20: a convergence that doesn't wait for its batch."""
    found = case.built.step(step)
    if found is None or found.type != "deferred_convergence":
        return None
    earlier = {one.name for one in case.built.steps[: case.built.steps.index(found)]}
    at_once = found.attempts and earlier.isdisjoint(found.parents)
    when = "runs before the workers it is for" if at_once else "exists from the start"
    return f"`{step}` {when}, since the template also has a decision"


def failure_strategy(case: Evidence, step: str) -> str | None:
    """Row 27: an instance that fails for all."""
    definition = case.definition(step)
    if definition is None or definition.batch_config is None:
        return None
    strategy = definition.batch_config.failure_strategy
    return f"`{step}` fails and the task {case.built.end}, though failure_strategy is {strategy}"


def first_state(case: Evidence, step: str) -> str | None:
    """Row 28: a history that begins later."""
    found = case.after.step(step)
    if found is None:
        return None
    first = found.transitions[0].after if found.transitions else "nothing"
    return f"the history of `{step}` begins with {first}, not pending"
