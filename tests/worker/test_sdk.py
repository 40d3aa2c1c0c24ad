"""The SDK is imported late and silently."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

QUIET_CALL = """
from tasker_testkit.worker.single import step_context
print(step_context("a").handler_name)
"""


def python(code, **environment):
    """What a fresh interpreter prints, with RUST_LOG unset unless given."""
    inherited = {name: value for name, value in os.environ.items() if name != "RUST_LOG"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=inherited | environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("module", ["sdk", "calling", "sources", "single", "walltime", "endings"])
def test_importing_the_room_imports_no_library(module):
    """Neither the SDK nor freezegun nor Hypothesis is imported before it is needed."""
    code = f"import sys, tasker_testkit.worker.{module}; print([m for m in LATE if m in sys.modules])"
    assert python(f"LATE = ['tasker_core', 'freezegun', 'hypothesis', 'jsonschema']; {code}") == "[]\n"


def test_using_the_sdk_prints_nothing():
    """The SDK's start-up lines never reach file descriptor 1, whoever makes us import it."""
    assert python(QUIET_CALL) == "a\n"


def test_a_users_rust_log_is_respected():
    """Somebody who asks for the SDK's log gets it."""
    assert (
        python("import os; from tasker_testkit.worker.sdk import load; load(); print(os.environ['RUST_LOG'])").split()[
            -1
        ]
        == "off"
    )
    shown = python(
        "import os; from tasker_testkit.worker.sdk import quiet; quiet(); print(os.environ['RUST_LOG'])",
        RUST_LOG="warn",
    )
    assert shown == "warn\n"


def test_the_names_we_use_are_public():
    """Every name that the door takes from the SDK is one that it exports."""
    import tasker_core
    from tasker_core import errors
    from tasker_core.step_handler import functional

    from tasker_testkit.worker.sdk import Sdk, load

    names = set(Sdk.__dataclass_fields__) - {"to_json", "from_json", "errors"}
    assert names <= {*tasker_core.__all__, *functional.__all__}
    assert load().errors is errors
    assert "PermanentError" in errors.__all__
