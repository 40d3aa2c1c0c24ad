"""Do the stubbed results of a step's ancestors fit the template? Each mistake is named, with what was possible."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tasker_testkit.errors import StubError, listed, near
from tasker_testkit.model.graph import ancestors
from tasker_testkit.model.outcome import Failure, Outcome
from tasker_testkit.model.template import StepTemplate, Template

MODES: Final = {
    "strict": "every stub is checked, and every direct dependency has one",
    "present": "only the stubs that are given are checked",
    "off": "nothing is checked",
}


def template_step(template: Template, name: str, stubs: str) -> StepTemplate:
    """The step of that name, or the batch worker whose instance it is. Raises StubError if there is none."""
    if stubs not in MODES:
        raise StubError(
            f"stubs={stubs!r} is unknown.{near(stubs, MODES)} Possible:\n"
            + listed(f"{mode}: {text}" for mode, text in MODES.items())
        )
    found = template.step(_declared(template, name))
    if found is None:
        names = template.step_names
        raise StubError(
            f"Template {template.name!r} has no step {name!r}.{near(name, names)} Its steps:\n{listed(names)}"
        )
    return found


def check_stubs(template: Template, step: StepTemplate, given: Mapping[str, Any], mode: str) -> None:
    """Raise StubError if a stub is no ancestor of the step, doesn't fit its ``result_schema``, or one is missing."""
    if mode == "off":
        return
    above = ancestors({one.name: one.dependencies for one in template.steps}, step.name)
    for name, value in given.items():
        _check_ancestor(template, step, name, above)
        _check_result(template, name, value)
    stubbed = {_declared(template, name) for name in given}
    missing = [name for name in step.dependencies if name not in stubbed]
    is_choice = step.type == "deferred_convergence" and len(missing) < len(step.dependencies)
    if mode == "strict" and missing and not is_choice:
        example = ", ".join(f"{name!r}: {{...}}" for name in missing)
        raise StubError(
            f"Step {step.name!r} depends on steps without a stub:\n{listed(missing)}\n"
            f"Add them, dependencies={{{example}}}, or allow it with stubs='present'."
        )


def _check_ancestor(template: Template, step: StepTemplate, name: str, above: set[str]) -> None:
    if _declared(template, name) in above:
        return
    candidates = [one for one in template.step_names if one in above]
    reason = "isn't one of its ancestors" if template.step(name) else "isn't in the template"
    raise StubError(
        f"Step {step.name!r} never sees a result of {name!r}, which {reason}.{near(name, candidates)} "
        f"Its ancestors:\n{listed(candidates)}\nDrop the stub, or allow it with stubs='off'."
    )


def _check_result(template: Template, name: str, value: Any) -> None:
    declared = template.step(_declared(template, name))
    if declared is None or declared.result_schema is None or isinstance(value, Failure):
        return
    if isinstance(value, Outcome):
        if not value.success:
            return
        value = value.result
    problems = _violations(declared.result_schema, {} if value is None else value)
    if problems:
        raise StubError(
            f"The stub of {name!r} doesn't fit that step's result_schema:\n{listed(problems)}\n"
            "Correct the stub, or allow it with stubs='off'."
        )


def _violations(schema: Any, value: Any) -> list[str]:
    """Every way in which the value breaks the schema, each with its path; why it can't be asked, if it is none."""
    from tasker_testkit.model.loading.schema import schema_problem, validator_of, violations

    broken = schema_problem(schema)
    if broken:
        return [f"the schema can't be used: {broken}"]
    return [f"{path or 'it'}: {text}" for path, text in violations(validator_of(schema), value)]


def check_attempt(step: str, attempt: int, given: int | None, declared: int | None, mode: str) -> int:
    """``max_attempts`` of the context; raises StubError for an attempt that never happens."""
    if isinstance(attempt, bool) or not isinstance(attempt, int) or attempt < 1:
        raise StubError(f"attempt={attempt!r}: attempts are counted from 1.")
    limit = given if given is not None else declared
    if limit is None:
        return max(3, attempt)
    if attempt > max(limit, 1) and mode == "strict":
        raise StubError(
            f"Step {step!r} never has an attempt {attempt}: its max_attempts is {limit}. "
            "Give max_attempts= too, or allow it with stubs='present'."
        )
    return limit


def _declared(template: Template, name: str) -> str:
    """The name in the template: a batch worker's for its instances (``process_csv_001``), else the name itself."""
    if template.step(name) is None:
        for step in template.steps:
            if step.type == "batch_worker" and name.startswith(f"{step.name}_"):
                return step.name
    return name
