"""Every test meets the doubles as if nothing had ever happened, and with the sample cart at hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gateways
import pytest


@pytest.fixture(autouse=True)
def fresh_gateways() -> Iterator[None]:
    """Nothing charged, reserved, ordered or sent, before the test and behind it."""
    gateways.reset()
    yield
    gateways.reset()


@pytest.fixture
def cart() -> dict[str, Any]:
    """The sample cart: 75.48 before tax, 81.52 with it."""
    return json.loads((Path(__file__).parents[1] / "cart.json").read_text())
