"""Every test meets an office in which nobody was asked yet, and has the sample expense at hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import office
import pytest


@pytest.fixture(autouse=True)
def fresh_office() -> Iterator[None]:
    """Nobody asked, nothing booked, before the test and behind it."""
    office.reset()
    yield
    office.reset()


@pytest.fixture
def expense() -> dict[str, Any]:
    """The sample expense: 640, which the manager decides alone."""
    return json.loads((Path(__file__).parents[1] / "expense.json").read_text())
