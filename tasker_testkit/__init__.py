"""Test Tasker step handlers for real: whole workflows on a simulated clock, with retries, backoff and faults.

The public names, imported when they are first used: ``import tasker_testkit`` alone loads nothing but this file.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tasker_testkit.comparing import Comparison, compare
    from tasker_testkit.engine.history import History
    from tasker_testkit.errors import (
        EffectError,
        FaultError,
        HandlerError,
        HandlerHangs,
        HistoryError,
        InputError,
        ProfileError,
        RouteError,
        RunError,
        ScenarioError,
        StrategyError,
        StubError,
        SubmissionRefused,
        TaskerTestkitError,
        TemplateError,
        TokenError,
        UnansweredRequest,
    )
    from tasker_testkit.explore.invariants import (
        Invariant,
        after_ancestors,
        always,
        at_most_once,
        ends,
        eventually,
        every_effect_undone_or_task_complete,
        no_effect_twice,
        nothing_after_permanent_failure,
        result_matches,
        sometimes,
        state_is,
        within_attempts,
    )
    from tasker_testkit.explore.views import TaskView
    from tasker_testkit.machine import WorkflowMachine
    from tasker_testkit.model.divergence import Difference, Divergence
    from tasker_testkit.model.effects import Effect
    from tasker_testkit.model.faults import Fault, FaultPlan
    from tasker_testkit.model.loading import load_template
    from tasker_testkit.model.outcome import Failure, Outcome
    from tasker_testkit.model.profile import DOCUMENTED, TASKER_0_1_8, Profile
    from tasker_testkit.model.template import Template
    from tasker_testkit.recording import redacted_by
    from tasker_testkit.records.rechecking import HistoryCheck, check_against
    from tasker_testkit.replay.files import load_history
    from tasker_testkit.replay.redaction import Redaction
    from tasker_testkit.run import Run
    from tasker_testkit.search.explored import Exploration
    from tasker_testkit.search.exploring import explore
    from tasker_testkit.search.findings import Finding
    from tasker_testkit.simulation import Simulation
    from tasker_testkit.strategies import fault_plans, inputs, step_contexts, templates
    from tasker_testkit.worker.effects import effect
    from tasker_testkit.worker.single import call_handler, step_context

    __version__: str

__all__ = [
    "DOCUMENTED",
    "TASKER_0_1_8",
    "Comparison",
    "Difference",
    "Divergence",
    "Effect",
    "EffectError",
    "Exploration",
    "Failure",
    "Fault",
    "FaultError",
    "FaultPlan",
    "Finding",
    "HandlerError",
    "HandlerHangs",
    "History",
    "HistoryCheck",
    "HistoryError",
    "InputError",
    "Invariant",
    "Outcome",
    "Profile",
    "ProfileError",
    "Redaction",
    "RouteError",
    "Run",
    "RunError",
    "ScenarioError",
    "Simulation",
    "StrategyError",
    "StubError",
    "SubmissionRefused",
    "TaskView",
    "TaskerTestkitError",
    "Template",
    "TemplateError",
    "TokenError",
    "UnansweredRequest",
    "WorkflowMachine",
    "__version__",
    "after_ancestors",
    "always",
    "at_most_once",
    "call_handler",
    "check_against",
    "compare",
    "effect",
    "ends",
    "eventually",
    "every_effect_undone_or_task_complete",
    "explore",
    "fault_plans",
    "inputs",
    "load_history",
    "load_template",
    "no_effect_twice",
    "nothing_after_permanent_failure",
    "redacted_by",
    "result_matches",
    "sometimes",
    "state_is",
    "step_context",
    "step_contexts",
    "templates",
    "within_attempts",
]

_HOMES: Final = {
    "Simulation": "simulation",
    **dict.fromkeys(("Comparison", "compare"), "comparing"),
    **dict.fromkeys(
        (
            "Invariant",
            "after_ancestors",
            "always",
            "at_most_once",
            "ends",
            "eventually",
            "every_effect_undone_or_task_complete",
            "no_effect_twice",
            "nothing_after_permanent_failure",
            "result_matches",
            "sometimes",
            "state_is",
            "within_attempts",
        ),
        "explore.invariants",
    ),
    **dict.fromkeys(("Difference", "Divergence"), "model.divergence"),
    "Exploration": "search.explored",
    "explore": "search.exploring",
    "Finding": "search.findings",
    "WorkflowMachine": "machine",
    **dict.fromkeys(("fault_plans", "inputs", "step_contexts", "templates"), "strategies"),
    "Run": "run",
    "History": "engine.history",
    "TaskView": "explore.views",
    "Effect": "model.effects",
    "effect": "worker.effects",
    "Fault": "model.faults",
    "FaultPlan": "model.faults",
    "Template": "model.template",
    **dict.fromkeys(("HistoryCheck", "check_against"), "records.rechecking"),
    "load_history": "replay.files",
    "Redaction": "replay.redaction",
    "redacted_by": "recording",
    "load_template": "model.loading",
    **dict.fromkeys(("Failure", "Outcome"), "model.outcome"),
    **dict.fromkeys(("DOCUMENTED", "TASKER_0_1_8", "Profile"), "model.profile"),
    **dict.fromkeys(("call_handler", "step_context"), "worker.single"),
}
"""Where the names live that aren't errors."""


class _Package(ModuleType):
    """Python binds a subpackage in its parent when it is imported; a public name of the same spelling stays."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in __all__ and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


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
