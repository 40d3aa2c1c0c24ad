"""The pytest plugin: fixtures, markers, options and reports, a module each. Nothing here decides anything.

Nothing heavy is imported before a test asks for a fixture.
"""

from __future__ import annotations

pytest_plugins = [
    "tasker_testkit.plugin.options",
    "tasker_testkit.plugin.fixtures",
    "tasker_testkit.plugin.http",
    "tasker_testkit.plugin.both",
    "tasker_testkit.plugin.exploring",
    "tasker_testkit.plugin.reporting",
    "tasker_testkit.plugin.finding",
    "tasker_testkit.plugin.replaying",
    "tasker_testkit.plugin.covering",
    "tasker_testkit.plugin.recording",
    "tasker_testkit.plugin.files",
]
