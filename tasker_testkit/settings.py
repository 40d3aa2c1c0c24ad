"""What a test asks for, from the nearest place to the farthest: a call, markers, the command line, the ini file."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tasker_testkit.errors import TaskerTestkitError, listed, near
from tasker_testkit.locating import located_handlers, located_template
from tasker_testkit.simulation import Simulation

OF_THE_TEST: Final = ("unused_stubs", "unused_routes", "differs", "record")
"""What a marker says of the whole test: ``unused_stubs="error" | "allow"`` and ``unused_routes=`` likewise,
``differs=`` rows of docs/profiles.md, ``record=False`` for runs that depend on what the test did before."""

KEYWORDS: Final = (*list(inspect.signature(Simulation).parameters), *OF_THE_TEST)
"""What can be asked for: everything that a Simulation takes, and what is said of the test."""

_BY_STEP: Final = ("stubs", "durations")


@dataclass(frozen=True, slots=True)
class Layer:
    """Keywords from one place (``origin``, as messages name it), and where its relative paths are looked up."""

    origin: str
    keywords: Mapping[str, Any]
    places: Sequence[Path] = ()


def merged(layers: Iterable[Layer]) -> dict[str, Any]:
    """All layers, nearest first, as one set of keywords: the nearest wins, in ``stubs`` and ``durations`` step by step.

    Raises TaskerTestkitError for an unknown keyword, TemplateError or HandlerError for a file that isn't there.
    """
    result: dict[str, Any] = {}
    for layer in reversed(list(layers)):
        for name, value in layer.keywords.items():
            _check(name, layer)
            result[name] = _joined(name, result.get(name), _located(name, value, layer.places))
    return result


def _check(name: str, layer: Layer) -> None:
    if name not in KEYWORDS:
        raise TaskerTestkitError(f"{layer.origin} has no {name!r}.{near(name, KEYWORDS)} It takes:\n{listed(KEYWORDS)}")


def _joined(name: str, farther: Any, nearer: Any) -> Any:
    if name in _BY_STEP and isinstance(farther, Mapping) and isinstance(nearer, Mapping):
        return {**farther, **nearer}
    return nearer


def _located(name: str, value: Any, places: Sequence[Path]) -> Any:
    if name == "template":
        return located_template(value, places)
    return located_handlers(value, places) if name == "handlers" else value


def marker_layer(args: Sequence[Any], keywords: Mapping[str, Any], places: Sequence[Path]) -> Layer:
    """The layer of one ``@pytest.mark.tasker(...)``; its only positional argument is the template."""
    if len(args) > 1:
        text = f"@pytest.mark.tasker takes one positional argument, the template, not {len(args)}: {args}."
        raise TaskerTestkitError(text)
    template = {"template": args[0]} if args else {}
    return Layer("@pytest.mark.tasker", {**template, **keywords}, places)


def option_layers(line: Mapping[str, Any], ini: Mapping[str, Any], root: Path) -> tuple[Layer, Layer]:
    """The layers of the command line and of the ini file, whose relative paths start at ``root``.

    Raises TaskerTestkitError for an ini ``tasker_seed`` that is no whole number.
    """
    given = {name: value for name, value in ini.items() if value}
    if "seed" in given:
        given["seed"] = _seed(given["seed"])
    wanted = {name: value for name, value in line.items() if value is not None}
    return Layer("the command line", wanted), Layer("the ini file", given, (root,))


def _seed(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise TaskerTestkitError(f"The ini option tasker_seed is {text!r}; it must be a whole number.") from None
