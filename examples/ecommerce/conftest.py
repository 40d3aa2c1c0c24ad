"""Every test and every recording meets the doubles as if nothing had ever happened."""

from __future__ import annotations

from collections.abc import Iterator

import gateways
import pytest


@pytest.fixture(autouse=True)
def fresh_gateways() -> Iterator[None]:
    """Nothing charged, reserved, ordered or sent, before the test and behind it."""
    gateways.reset()
    yield
    gateways.reset()
