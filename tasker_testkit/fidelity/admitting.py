"""What rows 13 to 15, 17, 18 and 25 did to a workflow: what is let in, and in which form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tasker_testkit.errors import InputError, SubmissionRefused, TemplateError
from tasker_testkit.fidelity.evidence import Evidence, Told
from tasker_testkit.fidelity.words import named
from tasker_testkit.model.loading.checks import repeated_dependencies, rings, self_dependencies


def unchecked_input(case: Evidence) -> Told | None:
    """Row 13: an input that the documents refuse."""
    refusal = case.before.refusal
    if not isinstance(refusal, InputError) or case.built.history is None:
        return None
    return (), f"an input that the template refuses is taken ({_first(refusal.problems)}): the task {case.built.end}"


def sanitised(case: Evidence) -> Told | None:
    """Row 14: an input that is refused, or arrives changed."""
    if isinstance(case.after.refusal, SubmissionRefused):
        return (), f"the submission is refused: {_bare(str(case.after.refusal).rpartition('): ')[2])}"
    if case.before.history is None or case.after.history is None:
        return None
    changes = list(_places(case.before.history.input, case.after.history.input))
    dropped = [f"the input loses {named(path for path, lost in changes if lost)}"]
    rewritten = [f"{named(path for path, lost in changes if not lost)} of the input is rewritten"]
    said = [*dropped * any(lost for _, lost in changes), *rewritten * any(not lost for _, lost in changes)]
    steps = tuple(step.name for step in case.after.steps)
    return steps, ", and ".join(said) or "the tags of the task are rewritten"


def _places(before: Any, after: Any, path: str = "") -> Iterator[tuple[str, bool]]:
    """Where two inputs differ; whether the place is lost, or has another text."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key, value in before.items():
            inner = f"{path}.{key}".lstrip(".")
            yield from _places(value, after[key], inner) if key in after else ((inner, True),)
    elif isinstance(before, list) and isinstance(after, list):
        for index, (one, other) in enumerate(zip(before, after, strict=False)):
            yield from _places(one, other, f"{path}[{index}]")
    elif before != after:
        yield path, False


def environment(case: Evidence, step: str) -> str | None:
    """Row 15: overrides that don't apply."""
    return f"the environment {case.environment!r} changes nothing: `{step}` runs without its overrides"


def tangled(case: Evidence) -> Told | None:
    """Row 17: rings, steps that wait for themselves, dependencies listed twice."""
    return _loaded(case, [problem for problem in _problems(case) if problem.endswith(_knots(case))])


def invalid(case: Evidence) -> Told | None:
    """Row 18: everything else that the documents refuse at load."""
    return _loaded(case, [problem for problem in _problems(case) if not problem.endswith(_knots(case))])


def _problems(case: Evidence) -> tuple[str, ...]:
    return case.before.refusal.problems if isinstance(case.before.refusal, TemplateError) else ()


def _knots(case: Evidence) -> tuple[str, ...]:
    rules = (rings, self_dependencies, repeated_dependencies)
    return tuple(finding.text for rule in rules for finding in rule(case.template))


def _loaded(case: Evidence, problems: list[str]) -> Told | None:
    if not problems:
        return None
    idle = tuple(step.name for step in case.built.steps if not step.attempts)
    waiting = f", {named(idle)} never run" if idle else ""
    end = "and every submission refused" if case.built.history is None else f"and the task {case.built.end}{waiting}"
    return idle, f"{_first(problems)}: the template is loaded all the same, {end}"


def same_again(case: Evidence) -> Told | None:
    """Row 25: the same input a second time."""
    return None if case.before.answers == case.after.answers else ((), "the same input is refused when it comes again")


def _first(problems: Sequence[str]) -> str:
    more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
    return _bare(problems[0]) + more


def _bare(text: str) -> str:
    return text.strip().rstrip(".")
