"""Every test meets a carrier that has fetched nothing, and a scale that works."""

from __future__ import annotations

from collections.abc import Iterator

import carrier
import pytest
import tracking


@pytest.fixture(autouse=True)
def fresh_carrier() -> Iterator[None]:
    """Nothing fetched and nothing shown, before the test and behind it."""
    carrier.reset()
    tracking.shown.clear()
    yield
    carrier.reset()
    tracking.shown.clear()
