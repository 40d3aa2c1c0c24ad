"""Publishers and subscribers of domain events: how they are told from other classes, and kept."""

from __future__ import annotations

import inspect
from typing import Any

from tasker_testkit.worker.sdk import load


def takes_part(found: Any) -> bool:
    """Is it a publisher or subscriber of the team's own, a class that can be made or an instance?"""
    kind = found if isinstance(found, type) else type(found)
    sdk = load()
    ours = issubclass(kind, (sdk.BasePublisher, sdk.BaseSubscriber)) and not kind.__module__.startswith("tasker_core.")
    return ours and not inspect.isabstract(kind)


class EventParts:
    """The publishers and subscribers among the handlers of a simulation, classes and instances."""

    def __init__(self) -> None:
        self.publishers: list[tuple[str | None, Any]] = []
        """With the name that each was given, None: its own one. Of two with one name the last wins."""
        self.subscribers: list[Any] = []

    def add(self, part: Any, *, name: str | None = None) -> None:
        """Keep a publisher or a subscriber; the same one counts once."""
        kind = part if isinstance(part, type) else type(part)
        if issubclass(kind, load().BasePublisher):
            self.publishers.append((name, part))
        elif not any(part is one for one in self.subscribers):
            self.subscribers.append(part)
