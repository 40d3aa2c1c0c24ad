"""The systems that a workflow calls, by name, and their addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tasker_testkit.errors import FaultError, listed, near
from tasker_testkit.model.http_settings import address
from tasker_testkit.model.template import Template

Systems = Mapping[str, tuple[str, ...]]
"""The addresses of each system; ``*`` stands for anything."""

_EXAMPLE: Final = 'systems={"payments": "https://pay.example/*"}'


def read_systems(given: Any) -> dict[str, tuple[str, ...]]:
    """Systems as they are given: a mapping of name to an address or several. Raises FaultError for anything else."""
    if not isinstance(given, Mapping):
        raise FaultError(f"systems={given!r:.80}: give a mapping of name to address, as in {_EXAMPLE}.")
    return {_name(name): _addresses(name, found) for name, found in given.items()}


def _name(name: Any) -> str:
    if not isinstance(name, str) or not name or "://" in name:
        raise FaultError(f"systems: {name!r:.80} is no name of a system. Give names and addresses, as in {_EXAMPLE}.")
    return name


def _addresses(name: Any, found: Any) -> tuple[str, ...]:
    several = (found,) if isinstance(found, str) else tuple(found) if isinstance(found, (list, tuple)) else ()
    if not several or not all(isinstance(one, str) and one for one in several):
        raise FaultError(f"systems: {name!r} needs an address or a list of them, not {found!r:.80}.")
    return tuple(map(address, several))


def addresses_of(system: str, systems: Systems) -> tuple[str, ...]:
    """The addresses that a system's name, or an address itself, stands for."""
    return systems.get(system, (system,))


def check_system(system: str, systems: Systems, template: Template) -> None:
    """Raise FaultError for a system that nobody knows the addresses of."""
    if system in systems or "://" in system or system.startswith("*"):
        return
    depends = template.system_dependencies
    named = [depends["primary"], *depends["secondary"]] if depends else []
    if system in named:
        raise FaultError(
            f"The template depends on system {system!r}, but its addresses aren't known. Give them: "
            f'systems={{{system!r}: "https://..."}}, in a shell --systems.'
        )
    raise FaultError(
        f"There is no system {system!r} that could be away.{near(system, systems)} Known systems:\n{listed(systems)}\n"
        f"Name it with its addresses, as in {_EXAMPLE} (in a shell --systems), or give an "
        'address: outage("https://pay.example/*", ...).'
    )
