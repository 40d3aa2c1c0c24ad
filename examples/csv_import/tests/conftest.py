"""Every test meets an empty catalog, and can have a file of any number of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import catalog
import pytest


@pytest.fixture(autouse=True)
def fresh_catalog() -> Iterator[None]:
    """Nothing written, before the test and behind it."""
    catalog.reset()
    yield
    catalog.reset()


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """The input for a file of so many good rows, with other lines in some places: ``file(12, {3: "SKU-4,X,free,1"})``.

    Row n is of the product ``SKU-<n+1>``.
    """

    def make(count: int, others: dict[int, str] | None = None) -> dict[str, Any]:
        lines = [(others or {}).get(n, f"SKU-{n + 1},Product {n + 1},{n + 1}.50,{n}") for n in range(count)]
        path = tmp_path / "products.csv"
        path.write_text("\n".join(["sku,name,price,stock", *lines]) + "\n", encoding="utf-8")
        return {"path": str(path)}

    return make
