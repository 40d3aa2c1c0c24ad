"""Settings of a simulation that make no sense by themselves, refused before anything runs."""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from tasker_testkit.errors import HandlerError, TaskerTestkitError, listed
from tasker_testkit.model.profile import Profile
from tasker_testkit.model.template import Template
from tasker_testkit.worker.handlers import HandlerSet

CHOICES: Final[Mapping[str, Sequence[str]]] = {
    "unused_faults": ("error", "allow"),
    "missing_handlers": ("error", "allow"),
}
"""Settings that take one of a few texts."""


def check_settings(**settings: Any) -> None:
    """Raise TaskerTestkitError for the first setting whose value is of no use, and say what it takes."""
    for name, value in settings.items():
        if name in CHOICES:
            if value not in CHOICES[name]:
                raise TaskerTestkitError(f"{name}={value!r} isn't known. Possible:\n{listed(CHOICES[name])}")
        elif not _RULES[name][0](value):
            raise TaskerTestkitError(f"{name}={value!r:.80}: give {_RULES[name][1]}.")


def call_setup(setup: Callable[[], Any]) -> None:
    """Call it. Raises HandlerError, which says where, for any Exception but ours: no run begins then."""
    try:
        setup()
    except TaskerTestkitError:
        raise
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise HandlerError(
            f"setup={getattr(setup, '__qualname__', setup)!s} raised {type(error).__name__}: {error}\n"
            f"  {place.filename}:{place.lineno} in {place.name}\n"
            "It is called before every run, to give doubles a fresh start; nothing was run."
        ) from error


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_real_time(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0 and math.isfinite(value)


def _is_order(value: Any) -> bool:
    if isinstance(value, str):
        return value in ("creation", "seeded")
    return isinstance(value, (list, tuple)) and all(_is_whole(choice) and choice >= 0 for choice in value)


_RULES: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "seed": (_is_whole, "a whole number"),
    "workers": (
        lambda value: value is None or (_is_whole(value) and value >= 1),
        "a whole number from 1, or none for the profile's default",
    ),
    "order": (_is_order, '"creation", "seeded", or a list of choices, whole numbers from 0'),
    "setup": (lambda value: value is None or callable(value), "a function without arguments"),
    "real_timeout": (_is_real_time, "seconds of real time, more than 0"),
    "priority": (_is_whole, "a whole number"),
    "tags": (lambda value: isinstance(value, (list, tuple)), "a list of texts"),
    **dict.fromkeys(("initiator", "source_system", "reason"), (_is_text, "a text")),
}
"""For every other setting: which values make sense, and how to say so."""


def check_handlers(handlers: HandlerSet, template: Template, profile: Profile, *, skip: Collection[str]) -> None:
    """Raise HandlerError that lists every step whose handler can't be used; ``skip``: names of steps that need none."""
    problems = handlers.problems(template, profile, skip=skip)
    if problems:
        raise HandlerError(
            f"These handlers of template {template.name!r} can't be used:\n{listed(problems)}\n"
            "Give handlers with handlers= or --handlers (a module, a file; in Python also a mapping), "
            "or stubs of these steps with stubs= or --stubs."
        )
