"""Who weighs and who fetches parcels, as doubles in memory."""

from __future__ import annotations

from dataclasses import dataclass, field


class NoTruck(Exception):
    """Nobody came. Somebody may come later."""


class TooHeavy(Exception):
    """The carrier doesn't take that."""


@dataclass
class Carrier:
    """Takes parcels of up to 2,000 g. ``late`` is how many times its truck won't come."""

    fetched: list[str] = field(default_factory=list)
    late: int = 0

    def fetch(self, parcel_id: str, weight_g: int) -> None:
        if self.late:
            self.late -= 1
            raise NoTruck("no truck today")
        if weight_g > 2000:
            raise TooHeavy(f"{weight_g} g")
        self.fetched.append(parcel_id)


@dataclass
class Scale:
    """Every item weighs 300 g, as long as the scale works."""

    works: bool = True

    def weigh(self, items: int) -> int | None:
        return 300 * items if self.works else None


carrier = Carrier()
scale = Scale()


def reset() -> None:
    """As if nothing had ever been weighed or fetched."""
    vars(carrier).update(vars(Carrier()))
    vars(scale).update(vars(Scale()))
