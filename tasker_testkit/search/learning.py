"""What an exploration has to know before it begins, learned from the plain workflow: what is read of which result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tasker_testkit.explore.places import Reads
from tasker_testkit.run import Run
from tasker_testkit.simulation import Simulation
from tasker_testkit.worker.reading import Readings, Watched


def keys_read(simulation: Simulation, input: Any) -> tuple[Reads, Run]:
    """The keys of each template step's results that handlers, and stubs that are functions, read in the plain run.

    With that run, the first of all. Raises what ``Simulation.run`` raises.
    """
    readings = Readings()
    watched = simulation._varied(
        _handlers=Watched(simulation._handlers, readings),
        stubs={name: _watched(stub, readings) for name, stub in simulation.stubs.items()},
    )
    run = watched.run(input)
    found: dict[str, set[str]] = {}
    for name, keys in readings.keys().items():
        found.setdefault(run.engine.ledger.by_name[name].template.name, set()).update(keys)
    return {name: frozenset(keys) for name, keys in found.items()}, run


def _watched(stub: Any, readings: Readings) -> Any:
    if isinstance(stub, (list, tuple)):
        return [_watched(one, readings) for one in stub]
    if not callable(stub) or isinstance(stub, type):
        return stub
    function: Callable[[Any], Any] = stub
    return lambda context: function(readings.watch(context))
