"""A subscriber of the team's own: the page on which customers see where their parcel is."""

from __future__ import annotations

from typing import Any

from tasker_core.domain_events import BaseSubscriber

shown: dict[str, str] = {}
"""What the page says of each parcel: the last thing that was heard of it."""


class TrackingPage(BaseSubscriber):
    """It is made anew for every run, so what it knows is kept outside."""

    @classmethod
    def subscribes_to(cls) -> list[str]:
        return ["parcel.packed", "parcel.shipped"]

    def handle(self, event: dict[str, Any]) -> None:
        shown[event["payload"]["parcel_id"]] = event["event_name"].removeprefix("parcel.")
