"""The pytest plugin: fixtures, markers, options and reports, a module each. Nothing here decides anything.

Nothing heavy is imported before a test asks for a fixture.
"""

from __future__ import annotations

from typing import Final

import pytest

from tasker_testkit.plugin import (
    both,
    covering,
    exploring,
    files,
    finding,
    fixtures,
    http,
    options,
    recording,
    replaying,
    reporting,
)

_PARTS: Final = (
    options,
    fixtures,
    http,
    both,
    exploring,
    reporting,
    finding,
    replaying,
    covering,
    recording,
    files,
)
"""In this order: pytest asks the last one first."""


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Register the parts. Named in ``pytest_plugins``, each would make pytest read what all packages declare."""
    for part in _PARTS:
        if not pluginmanager.has_plugin(part.__name__):
            pluginmanager.register(part, part.__name__)
