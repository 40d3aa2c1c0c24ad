"""The examples are projects of their own: their tests run where a team would run them, with their own pytest.ini."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
PROJECTS = sorted(path.parent.name for path in EXAMPLES.glob("*/pytest.ini"))


def test_every_example_is_known():
    """A folder that lost its pytest.ini would silently not be tested any more."""
    assert {"approval", "csv_import", "ecommerce", "parcel_events"} <= set(PROJECTS)


@pytest.mark.parametrize("project", PROJECTS)
def test_an_example_passes_its_tests(project, clone, command):
    """In its own folder, and named from the project's root as the README does."""
    here = command(sys.executable, "-m", "pytest", "-q", cwd=clone / "examples" / project, PYTHONPATH=str(clone))
    there = command(sys.executable, "-m", "pytest", "-q", f"examples/{project}", cwd=clone)
    for ran in (here, there):
        assert ran.returncode == 0, ran.stdout


def test_the_page_on_coverage_shows_what_the_shop_has(clone, command):
    """The table, the missing cells and the first cell of the file are those of the ecommerce example's own tests."""
    page = (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^```(\w+)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))
    line = shlex.split(shown["bash"].removeprefix("pytest"))
    ran = command(sys.executable, "-m", "pytest", *line, "--tasker-cov-json=coverage.json", cwd=clone, COLUMNS="80")
    assert shown["text"] in ran.stdout
    written = json.loads((clone / "coverage.json").read_text(encoding="utf-8"))
    assert json.loads(shown["json"]) == {**written, "cells": written["cells"][:1]}
