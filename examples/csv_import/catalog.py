"""Where the products go: a catalog in memory that knows every write, and can be out of order."""

from __future__ import annotations

from dataclasses import dataclass, field


class Unavailable(Exception):
    """The catalog didn't answer. Asking again may help."""


@dataclass
class Catalog:
    """Products by SKU. ``writes`` has every SKU in the order it was written, a second time too."""

    products: dict[str, tuple[float, int]] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    failures: dict[str, int] = field(default_factory=dict)

    def will_fail(self, sku: str, times: int = 1) -> None:
        """The next writes of this product are answered with Unavailable."""
        self.failures[sku] = times

    def put(self, sku: str, price: float, stock: int) -> None:
        if self.failures.get(sku, 0) > 0:
            self.failures[sku] -= 1
            raise Unavailable(f"no answer to {sku}")
        self.writes.append(sku)
        self.products[sku] = (price, stock)


catalog = Catalog()


def reset() -> None:
    """As if nothing had ever been written."""
    vars(catalog).update(vars(Catalog()))
