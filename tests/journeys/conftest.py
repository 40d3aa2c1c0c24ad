"""Fresh copies of the project, and commands run in them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("tasker_testkit", "examples", "docs", "README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", "dev")
Commands = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A copy of what a fresh clone has, without anything that running it leaves behind."""
    litter = shutil.ignore_patterns("__pycache__", ".*cache", ".hypothesis")
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, tmp_path / part, ignore=litter)
        elif source.is_file():
            shutil.copy2(source, tmp_path / part)
    return tmp_path


@pytest.fixture
def command() -> Commands:
    """Run a command to its end, in a folder; both outputs in one text. Of our environment it has only what it needs."""

    def run(*words: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            [str(word) for word in words],
            cwd=cwd,
            env={**kept, "PATH": path, "PYTHONPATH": str(cwd), "PYTHONUTF8": "1", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )

    return run
