"""For all tests: pytest's own tester, to run suites as their users do."""

from __future__ import annotations

pytest_plugins = ["pytester"]
