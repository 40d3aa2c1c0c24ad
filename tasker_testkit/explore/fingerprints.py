"""Short fingerprints of a template, an input or a run: enough to say that it changed, and of a template what did."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from hashlib import sha256
from typing import Any, Final

from tasker_testkit.model.template import StepTemplate, Template

_IDLE: Final = frozenset({"description", "metadata", "source", "warnings"})
"""What a template says without any effect on a run."""
_MOST_STEPS: Final = 40
"""Of a larger template only the whole is printed: a token stays short."""
_POLICY: Final = ("retry", "timeout_seconds")
_REST: Final = ("type", "dependencies", "handler", "publishes_events", "batch_config", "result_schema")


@dataclass(frozen=True, slots=True)
class TemplatePrint:
    """Four bytes of the whole template, and three of each step: its name, its policy, and the rest of it."""

    whole: bytes
    steps: tuple[bytes, ...] = ()


def fingerprint(value: Any, size: int) -> bytes:
    """So many bytes that depend on nothing but the JSON-like value; the order of its keys doesn't count."""
    return sha256(json.dumps(_plain(value), sort_keys=True, default=_named).encode()).digest()[:size]


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value) if each.name not in _IDLE}
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def _named(value: Any) -> str:
    return type(value).__name__


def print_of(template: Template) -> TemplatePrint:
    """The fingerprint of what matters in a template: descriptions, metadata and where it was read from don't."""
    steps = template.steps if len(template.steps) <= _MOST_STEPS else ()
    return TemplatePrint(fingerprint(template, 4), tuple(map(_print_of_step, steps)))


def _print_of_step(step: StepTemplate) -> bytes:
    parts = (step.name, [getattr(step, name) for name in _POLICY], [getattr(step, name) for name in _REST])
    return b"".join(fingerprint(part, 1) for part in parts)


def changes(before: TemplatePrint, template: Template) -> list[str]:
    """What is different in this template, a line each; none if it is the same."""
    now = print_of(template)
    if now.whole == before.whole:
        return []
    if not before.steps or not now.steps:
        return ["something in it changed; of a template this large a token can't say what"]
    return list(_changed_steps(before, now, template)) or [
        "something outside its steps changed: name, version, task_handler, input_schema, lifecycle, ..."
    ]


def _changed_steps(before: TemplatePrint, now: TemplatePrint, template: Template) -> Iterator[str]:
    from difflib import SequenceMatcher  # here, since few templates change between a failure and its replay

    names = [step[:1] for step in before.steps], [step[:1] for step in now.steps]
    for what, old, old_end, new, new_end in SequenceMatcher(None, *names, autojunk=False).get_opcodes():
        if what == "equal":
            for index in range(old_end - old):
                yield from _changed(before.steps[old + index], now.steps[new + index], template.steps[new + index])
        else:
            gone, come = old_end - old, [repr(step.name) for step in template.steps[new:new_end]]
            lost = f"{gone} step{'s' * (gone > 1)} of another name{'s' * (gone > 1)}" if gone else "nothing"
            yield f"{', '.join(come) or 'nothing'} is where the token's template has {lost}"


def _changed(old: bytes, now: bytes, step: StepTemplate) -> Iterator[str]:
    parts = [", ".join(names) for index, names in ((1, _POLICY), (2, _REST)) if old[index] != now[index]]
    if parts:
        yield f"step {step.name!r} changed: one of {', '.join(parts)}"
