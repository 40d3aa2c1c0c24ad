"""How a kept run can be made again: its simulation as data, and a simulation of that data.

Paths are as seen from the file. What can't be written down, such as a function inside a function, is named under
``unrecorded``; such a recording can be read and compared, but not replayed.
"""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from tasker_testkit.engine.engine import Engine
from tasker_testkit.engine.history import History
from tasker_testkit.errors import HistoryError, TemplateError, listed, near
from tasker_testkit.locating import located_handlers, located_object, located_template
from tasker_testkit.model.loading import load_data, load_template, template_data
from tasker_testkit.model.outcome import Failure
from tasker_testkit.model.profile import PROFILES, Profile, find_profile
from tasker_testkit.model.requests import HttpCall
from tasker_testkit.model.template import Template
from tasker_testkit.replay.references import module_reference, reference_to, seen_from

if TYPE_CHECKING:
    from tasker_testkit.simulation import Simulation
    from tasker_testkit.submitting import Submission
    from tasker_testkit.worker.http.routes import Routes

_KEPT: Final[Mapping[str, Any]] = {
    "order": "creation",
    "workers": None,
    "environment": None,
    "unused_faults": "error",
    "missing_handlers": "error",
    "timezone": "UTC",
}
"""Settings that are data, and what they are unless written down."""
_TASK: Final[Mapping[str, Any]] = {
    "initiator": "tasker_testkit",
    "source_system": "tasker_testkit",
    "reason": "test",
    "tags": [],
    "priority": 0,
}
_AS_IT_IS: Final = (*_KEPT, "template", "actions", "routes", "systems")
_KEYS: Final = ("handlers", "setup", "stubs", "durations", "input", "profile", "task", *_AS_IT_IS)
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
            "task": _unusual({**made_by["_task_fields"], "tags": list(made_by["_tags"])}, _TASK),
            **_unusual({name: made_by.get(name, made_by.get(f"_{name}")) for name in _KEPT}, _KEPT),
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


# -- and back ----------------------------------------------------------------------------------------------------------


def simulation_of(history: History, folder: Path, *, root: Path | None = None, **missing: Any) -> Simulation:
    """The simulation of a kept run; ``missing`` are keywords for what its recipe doesn't say (template, handlers).

    Paths are looked up from ``folder`` (the file's), then from ``root``. Raises HistoryError for a run that can't be
    made again, and what Simulation raises.
    """
    from tasker_testkit.simulation import Simulation

    recipe = history.recipe or {}
    _check(recipe)
    places = (folder,) if root is None else (folder, root)
    keywords = {**missing, **_keywords(recipe, places)}
    template = keywords.pop("template", None)
    if template is None:
        raise HistoryError("It doesn't say which template it is of. Name one (ini option tasker_template).")
    profile = replace(find_profile(history.profile), **recipe.get("profile", {}))
    found = located_template(template, places)
    made = Simulation(
        _loaded(found, profile) if isinstance(found, Path) else found,
        profile=profile,
        seed=history.seed,
        start=history.start,
        faults=history.faults,
        **keywords,
    )
    if made.template.name != history.template.get("name"):
        raise TemplateError(
            f"It is a run of template {history.template.get('name')!r}, but {found!s:.300} is {made.template.name!r}."
        )
    return made


_templates: dict[tuple[Path, int, int, bool], Template] = {}


def _loaded(path: Path, profile: Profile) -> Template:
    """The template of a file; recordings that are run again have few templates between them, and each is read once."""
    state = path.stat()
    key = (path.absolute(), state.st_mtime_ns, state.st_size, profile.strict_templates)
    if key not in _templates:
        _templates[key] = load_template(path, profile=profile)
    return _templates[key]


def input_of(history: History) -> Any:
    """The input as it was given."""
    return (history.recipe or {}).get("input", history.input)


def why_unrepeatable(recipe: Mapping[str, Any]) -> Sequence[str]:
    """What the recipe couldn't say, a phrase each; empty if the run can be made again."""
    return tuple(recipe.get("unrecorded", ()))


def _check(recipe: Mapping[str, Any]) -> None:
    if recipe.get("unrecorded"):
        raise HistoryError(
            f"This run can't be made again. A file can't hold:\n{listed(recipe['unrecorded'])}\n"
            "Give functions and classes that a module has at its top level."
        )
    for key in recipe:
        if key not in (*_KEYS, "unrecorded"):
            raise HistoryError(f"recipe: there is no key {key!r}.{near(key, _KEYS)} Its keys:\n{listed(_KEYS)}")


def _keywords(recipe: Mapping[str, Any], places: Sequence[Path]) -> dict[str, Any]:
    found = {name: recipe[name] for name in _AS_IT_IS if name in recipe}
    for name, read in _READERS.items():
        if name in recipe:
            found[name] = read(recipe[name], places)
    return {**found, **recipe.get("task", {})}


def _read_handlers(sources: Any, places: Sequence[Path]) -> Any:
    return [
        {name: located_object(handler, places, f"handler {name!r}") for name, handler in source.items()}
        if isinstance(source, Mapping)
        else located_handlers(source, places)
        for source in sources
    ]


def _read_stub(data: Any, places: Sequence[Path]) -> Any:
    if isinstance(data, list):
        return [_read_stub(one, places) for one in data]
    (kind, value), *_ = data.items()
    match kind:
        case "fail":
            return Failure(**value)
        case "raise":
            return getattr(builtins, value["type"])(*([value["message"]] if "message" in value else []))
        case "call":
            return located_object(value, places, "stub")
    return value


def _read_duration(data: Any, places: Sequence[Path]) -> Any:
    if isinstance(data, list):
        return [_read_duration(one, places) for one in data]
    return located_object(data["call"], places, "duration") if isinstance(data, Mapping) else data


def _by_step(read: Callable[[Any, Sequence[Path]], Any]) -> Callable[[Any, Sequence[Path]], Any]:
    return lambda table, places: {step: read(value, places) for step, value in table.items()}


_READERS: Final[Mapping[str, Callable[[Any, Sequence[Path]], Any]]] = {
    "handlers": _read_handlers,
    "setup": lambda name, places: located_object(name, places, "setup"),
    "stubs": _by_step(_read_stub),
    "durations": _by_step(_read_duration),
}
