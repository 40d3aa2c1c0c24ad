"""Tracebacks in files: what was raised, and nothing of the machine or of the way there."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tasker_testkit import Simulation
from tasker_testkit.replay.tracebacks import without_frames

RAISES = """
from tasker_core.step_handler.functional import step_handler

@step_handler("a")
def a(context):
    try:
        {}["gone"]
    except KeyError:
        raise ValueError("two\\n  lines")
"""
RUN = """
import sys
from tasker_testkit import Simulation
steps = [{"name": "a", "handler": {"callable": "a"}}]
template = {"name": "n", "namespace_name": "t", "version": "1.0.0", "steps": steps}
run = Simulation(template, handlers="raising.py").run({})
print(run.token)
print(run.recording(), end="")
"""


@pytest.fixture
def checkouts(tmp_path):
    """Two folders with the same handler, in one of them further down in its file."""
    for name, above in (("one", ""), ("other", "\n\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "raising.py").write_text(above + RAISES)
    return [tmp_path / "one", tmp_path / "other"]


def test_the_same_run_is_the_same_file_elsewhere(checkouts):
    """Token and recording of a run whose handler raises don't depend on where the handler's file is."""
    env = {**os.environ, "RUST_LOG": "off"}
    told = [
        subprocess.run(
            [sys.executable, "-c", RUN], cwd=folder, env=env, capture_output=True, text=True, check=True
        ).stdout
        for folder in checkouts
    ]
    assert told[0] == told[1]
    assert "ValueError: two" in told[0]
    assert str(checkouts[0].parent) not in told[0]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('Traceback (most recent call last):\n  File "/a/b.py", line 3, in f\n    f()\n    ^^^\nE: x\n',
         "Traceback (most recent call last):\n  ...\nE: x\n"),
        ("no traceback at all\n  indented\n", "no traceback at all\n  indented\n"),
        ('  | File "C:\\\\a\\\\b.py", line 3, in f', '  | File "b.py", in f'),
        ("", ""),
    ],
)  # fmt: skip
def test_frames_go_and_the_rest_stays(text, kept):
    """Each block of a chain keeps its head and what was raised; a frame elsewhere loses its folder and its line."""
    assert without_frames(text) == kept
    assert without_frames(without_frames(text)) == kept


def test_a_run_itself_has_the_whole_traceback(checkouts):
    """Only files go without: who looks at a run sees where it was."""
    template = {
        "name": "n", "namespace_name": "t", "version": "1.0.0", "steps": [{"name": "a", "handler": {"callable": "a"}}]
    }  # fmt: skip
    run = Simulation(template, handlers=checkouts[0] / "raising.py").run({})
    assert "raising.py" in run["a"].attempts[0].outcome.metadata["traceback"]
