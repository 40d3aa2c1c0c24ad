"""The sample cart at hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def cart() -> dict[str, Any]:
    """The sample cart: 75.48 before tax, 81.52 with it."""
    return json.loads((Path(__file__).parents[1] / "cart.json").read_text())
