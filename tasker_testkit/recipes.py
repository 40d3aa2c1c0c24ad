"""How a kept run can be made again: its simulation as data, which ``records.remaking`` reads.

Paths are as seen from the file. What can't be written down, such as a function inside a function, is named under
``unrecorded``; such a recording can be read and compared, but not replayed.
"""

from __future__ import annotations

import builtins
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from tasker_testkit.engine.engine import Engine
from tasker_testkit.model.loading import load_data, template_data
from tasker_testkit.model.outcome import Failure
from tasker_testkit.model.profile import PROFILES, Profile
from tasker_testkit.model.requests import HttpCall
from tasker_testkit.model.template import Template
from tasker_testkit.replay.references import module_reference, reference_to, seen_from

if TYPE_CHECKING:
    from tasker_testkit.simulation import Simulation
    from tasker_testkit.submitting import Submission
    from tasker_testkit.worker.http.routes import Routes

KEPT: Final[Mapping[str, Any]] = {
    "order": "creation",
    "workers": None,
    "environment": None,
    "unused_faults": "error",
    "missing_handlers": "error",
    "timezone": "UTC",
}
"""Settings that are data, and what they are unless written down."""
TASK: Final[Mapping[str, Any]] = {
    "initiator": "tasker_testkit",
    "source_system": "tasker_testkit",
    "reason": "test",
    "tags": [],
    "priority": 0,
}
"""Fields of the task, and what they are unless written down."""
AS_IT_IS: Final = (*KEPT, "template", "actions", "routes", "systems")
"""Parts that are keywords of Simulation as they stand."""
KEYS: Final = ("handlers", "setup", "stubs", "durations", "input", "profile", "task", *AS_IT_IS)
"""Every part of a recipe."""
_BY_HAND: Final = "what was done to the task by hand"


def recipe_of(
    simulation: Simulation, submission: Submission, by_hand: Sequence[Any], folder: Path, engine: Engine
) -> dict[str, Any]:
    """How a run of this simulation is made again, for a file in ``folder``.

    ``by_hand``: what was done to its task; ``engine``: what it ran on.
    """
    calls = [call for row in engine.ledger.steps for attempt in row.log for call in attempt.requests]
    return _Writer(folder, calls).recipe(vars(simulation), submission, by_hand)


class _Writer:
    """Writes one recipe down, and notes what can't be."""

    def __init__(self, folder: Path, calls: Sequence[HttpCall]) -> None:
        self._folder = folder
        self._calls = calls
        self._lost: list[str] = []

    def recipe(self, made_by: Mapping[str, Any], submission: Submission, by_hand: Sequence[Any]) -> dict[str, Any]:
        if by_hand:
            self._lost.append(_BY_HAND)
        found = {
            "template": self._template(made_by["_source"]),
            "handlers": [self._handlers(origin) for origin in made_by["_handlers"].origins],
            "setup": self._setup(made_by["setup"]),
            "stubs": {step: self._stub(step, stub) for step, stub in made_by["stubs"].items()},
            "durations": {step: self._duration(step, value) for step, value in made_by["durations"].items()},
            "actions": [action.to_data() for action in made_by["actions"]],
            "routes": self._routes(made_by["routes"]),
            "systems": {name: list(addresses) for name, addresses in made_by["systems"].items()},
            "profile": _changes(made_by["profile"]),
            "task": _unusual({**made_by["_task_fields"], "tags": list(made_by["_tags"])}, TASK),
            **_unusual({name: made_by.get(name, made_by.get(f"_{name}")) for name in KEPT}, KEPT),
        }
        given = submission.given()
        found["input"] = None if given == submission.copy() else self._plain(given, "the input")
        found["unrecorded"] = list(dict.fromkeys(self._lost))
        return {key: value for key, value in found.items() if value not in (None, [], {})}

    def _template(self, source: Any) -> Any:
        if isinstance(source, Path):
            return seen_from(source, self._folder)
        return template_data(source) if isinstance(source, Template) else load_data(source)

    def _handlers(self, origin: Any) -> Any:
        if isinstance(origin, Path):
            return seen_from(origin, self._folder)
        if isinstance(origin, ModuleType):
            return module_reference(origin, self._folder)
        if isinstance(origin, Mapping):
            return {str(name): self._named(handler, f"handler {name!r}") for name, handler in origin.items()}
        return {str(getattr(origin, "handler_name", None) or "?"): self._named(origin, f"handler {origin!r:.60}")}

    def _setup(self, setup: Any) -> str | None:
        return None if setup is None else self._named(setup, "setup")

    def _named(self, value: Any, what: str) -> str | None:
        named = reference_to(value, self._folder)
        if named is None:
            self._lost.append(f"{what}: no module has it under its name")
        return named

    def _stub(self, step: str, stub: Any) -> Any:
        if isinstance(stub, (list, tuple)):
            return [self._stub(step, one) for one in stub]
        if stub is None or isinstance(stub, Mapping):
            return {"result": self._plain(stub, f"the stub of {step!r}")}
        if isinstance(stub, Failure):
            values = {f.name: getattr(stub, f.name) for f in fields(Failure) if f.name != "metadata"}
            return {"fail": {**values, "metadata": self._plain(dict(stub.metadata), f"the stub of {step!r}")}}
        if isinstance(stub, (BaseException, type)) and (raised := _raised(stub)):
            return {"raise": raised}
        return {"call": self._named(stub, f"the stub of {step!r}")}

    def _duration(self, step: str, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [self._duration(step, one) for one in value]
        if isinstance(value, timedelta):
            return value.total_seconds()
        return {"call": self._named(value, f"the duration of {step!r}")} if callable(value) else value

    def _routes(self, routes: Routes) -> Any:
        """The routes as data, and behind them what else has answered in the run."""
        data = self._plain(routes.source, "the routes") if isinstance(routes.source, (list, tuple)) else []
        if not any(call.answer for call in self._calls):
            return data
        from tasker_testkit.worker.http.answers import routes_of

        return [*(data or ()), *routes_of(self._calls, self._lost)]

    def _plain(self, value: Any, what: str) -> Any:
        try:
            return json.loads(json.dumps(value))
        except (TypeError, ValueError):
            self._lost.append(f"{what}: not plain JSON")
            return None


def _raised(stub: Any) -> dict[str, str] | None:
    """A builtin exception as its type and message."""
    kind = stub if isinstance(stub, type) else type(stub)
    args = () if isinstance(stub, type) else stub.args
    known = getattr(builtins, kind.__name__, None) is kind and issubclass(kind, BaseException)
    if not known or len(args) > 1 or not all(isinstance(one, str) for one in args):
        return None
    return {"type": kind.__name__, **({"message": args[0]} if args else {})}


def _unusual(values: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
    return {name: found[name] for name in usual if found[name] != usual[name]}


def _changes(profile: Profile) -> dict[str, Any]:
    """The fields in which a profile isn't the known one of its name."""
    known = PROFILES.get(profile.name)
    if known is None or known == profile:
        return {}
    return {f.name: v for f in fields(Profile) if (v := getattr(profile, f.name)) != getattr(known, f.name)}


def why_unrepeatable(recipe: Mapping[str, Any]) -> Sequence[str]:
    """What the recipe couldn't say, a phrase each; empty if the run can be made again."""
    return tuple(recipe.get("unrecorded", ()))
