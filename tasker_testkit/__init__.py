"""Test Tasker step handlers for real: whole workflows on a simulated clock, with retries, backoff and faults.

The public names, imported when they are first used: ``import tasker_testkit`` alone loads nothing but this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tasker_testkit.comparing import Comparison, compare
    from tasker_testkit.engine.history import History
    from tasker_testkit.errors import (
        FaultError,
        HandlerError,
        HandlerHangs,
        HistoryError,
        InputError,
        ProfileError,
        RunError,
        StubError,
        SubmissionRefused,
        TaskerTestkitError,
        TemplateError,
    )
    from tasker_testkit.model.divergence import Difference, Divergence
    from tasker_testkit.model.faults import Fault, FaultPlan
    from tasker_testkit.model.loading import load_template
    from tasker_testkit.model.outcome import Failure, Outcome
    from tasker_testkit.model.profile import DOCUMENTED, TASKER_0_1_8, Profile
    from tasker_testkit.model.template import Template
    from tasker_testkit.run import Run
    from tasker_testkit.simulation import Simulation
    from tasker_testkit.worker.single import call_handler, step_context

    __version__: str

__all__ = [
    "DOCUMENTED",
    "TASKER_0_1_8",
    "Comparison",
    "Difference",
    "Divergence",
    "Failure",
    "Fault",
    "FaultError",
    "FaultPlan",
    "HandlerError",
    "HandlerHangs",
    "History",
    "HistoryError",
    "InputError",
    "Outcome",
    "Profile",
    "ProfileError",
    "Run",
    "RunError",
    "Simulation",
    "StubError",
    "SubmissionRefused",
    "TaskerTestkitError",
    "Template",
    "TemplateError",
    "__version__",
    "call_handler",
    "compare",
    "load_template",
    "step_context",
]

_HOMES: Final = {
    "Simulation": "simulation",
    **dict.fromkeys(("Comparison", "compare"), "comparing"),
    **dict.fromkeys(("Difference", "Divergence"), "model.divergence"),
    "Run": "run",
    "History": "engine.history",
    "Fault": "model.faults",
    "FaultPlan": "model.faults",
    "Template": "model.template",
    "load_template": "model.loading",
    **dict.fromkeys(("Failure", "Outcome"), "model.outcome"),
    **dict.fromkeys(("DOCUMENTED", "TASKER_0_1_8", "Profile"), "model.profile"),
    **dict.fromkeys(("call_handler", "step_context"), "worker.single"),
}
"""Where the names live that aren't errors."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'tasker_testkit' has no attribute {name!r}")
    value = _version() if name == "__version__" else _imported(name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


def _imported(name: str) -> Any:
    from importlib import import_module

    return getattr(import_module(f"tasker_testkit.{_HOMES.get(name, 'errors')}"), name)


def _version() -> str:
    from importlib.metadata import version

    return version("tasker-testkit")
