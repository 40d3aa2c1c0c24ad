"""The examples are projects of their own: their tests run where a team would run them, with their own pytest.ini."""

from __future__ import annotations

import sys


def test_the_ecommerce_example_passes_its_tests(clone, command):
    """In its own folder, and named from the project's root as the README does."""
    here = command(sys.executable, "-m", "pytest", "-q", cwd=clone / "examples" / "ecommerce", PYTHONPATH=str(clone))
    there = command(sys.executable, "-m", "pytest", "-q", "examples/ecommerce", cwd=clone)
    for ran in (here, there):
        assert ran.returncode == 0, ran.stdout
