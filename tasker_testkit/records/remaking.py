"""A kept run made again: the simulation that its recipe describes."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tasker_testkit.engine.history import History
from tasker_testkit.errors import HistoryError, TaskerTestkitError, TemplateError, listed, near
from tasker_testkit.locating import located_handlers, located_object, located_template
from tasker_testkit.model.loading import load_template
from tasker_testkit.model.outcome import Failure
from tasker_testkit.model.profile import Profile, find_profile
from tasker_testkit.model.template import Template
from tasker_testkit.recipes import AS_IT_IS, KEYS, TASK

if TYPE_CHECKING:
    from tasker_testkit.simulation import Simulation


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
    same: dict[str, Any] = {"profile": profile, "seed": history.seed, "start": history.start, "faults": history.faults}
    with _refused("the recipe", recipe):
        made = Simulation(_loaded(found, profile) if isinstance(found, Path) else found, **same, **keywords)
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


def _check(recipe: Mapping[str, Any]) -> None:
    if recipe.get("unrecorded"):
        raise HistoryError(
            f"This run can't be made again. A file can't hold:\n{listed(recipe['unrecorded'])}\n"
            "Give functions and classes that a module has at its top level."
        )
    _check_keys("recipe", recipe, (*KEYS, "unrecorded"))
    _check_keys("recipe.task", recipe.get("task", {}), tuple(TASK))
    _check_keys("recipe.profile", recipe.get("profile", {}), tuple(field.name for field in fields(Profile)))


def _check_keys(place: str, value: Any, known: Sequence[str]) -> None:
    if not isinstance(value, Mapping):
        raise HistoryError(f"{place} must be a mapping, not {value!r:.60}.")
    for key in value:
        if key not in known:
            raise HistoryError(f"{place}: there is no key {key!r}.{near(key, known)} Its keys:\n{listed(known)}")


@contextmanager
def _refused(place: str, value: Any) -> Iterator[None]:
    """Nobody writes what makes no sense, but anybody may edit a recipe: that is one clear error then."""
    try:
        yield
    except TaskerTestkitError:
        raise
    except Exception as error:
        raise HistoryError(
            f"{place} holds what can't be understood ({type(error).__name__}: {error}): {value!r:.80}. "
            "Record it again (pytest --tasker-record=all)."
        ) from None


def _keywords(recipe: Mapping[str, Any], places: Sequence[Path]) -> dict[str, Any]:
    found = {name: recipe[name] for name in AS_IT_IS if name in recipe}
    for name, read in _READERS.items():
        if name in recipe:
            with _refused(f"recipe.{name}", recipe[name]):
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
