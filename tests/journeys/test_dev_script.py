"""``./dev COMMAND`` runs a command in the project's own environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture
def environment(clone) -> Path:
    """An environment in place of the one that ``./dev`` would make, with one command that says what it got."""
    programs = clone / ".venv" / "bin"
    programs.mkdir(parents=True)
    say = programs / "say"
    say.write_text('#!/bin/sh\necho "$0 got $# words in $PWD: $*"\nexit 3\n')
    say.chmod(0o755)
    (clone / ".venv" / "installed").touch()
    later = (clone / "pyproject.toml").stat().st_mtime + 10
    os.utime(clone / ".venv" / "installed", (later, later))
    return programs


def test_dev_runs_the_environments_command(clone, environment, command):
    """The command comes from .venv, gets its words as they are, runs where the caller is; its exit code is kept."""
    folder = clone / "examples"
    ran = command(clone / "dev", "say", "two words", "*", cwd=folder)
    assert ran.stdout == f"{environment}/say got 2 words in {folder}: two words *\n"
    assert ran.returncode == 3


def test_dev_makes_the_environment_when_there_is_none(clone, command):
    """Without .venv the first thing that happens is that Python is asked for one; a failure ends it there."""
    ran = command(clone / "dev", "say", cwd=clone, PYTHON="false")
    assert ran.returncode == 1
    assert not (clone / ".venv" / "installed").exists()


def test_dev_makes_the_environment_again_when_dependencies_change(clone, environment, command):
    """A pyproject.toml newer than the environment is installed before the command runs."""
    later = (clone / ".venv" / "installed").stat().st_mtime + 10
    os.utime(clone / "pyproject.toml", (later, later))
    assert command(clone / "dev", "say", cwd=clone, PYTHON="false").returncode == 1
