"""A folder with a template, its handlers and its files, and the command in it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tasker_testkit.cli import main

TEMPLATE = """\
name: orders
namespace_name: shop
version: 1.0.0
input_schema: {type: object, required: [total]}
steps:
  - name: validate
    handler: {callable: validate}
    retry: {max_attempts: 2, backoff: exponential, backoff_base_ms: 100}
  - name: charge
    handler: {callable: charge}
    dependencies: [validate]
    retry: {max_attempts: 2, backoff: exponential, backoff_base_ms: 100}
"""

HANDLERS = """\
import os

from tasker_core import StepHandler, StepHandlerResult


class ValidateHandler(StepHandler):
    handler_name = "validate"

    def call(self, context):
        print("a handler prints")
        os.write(1, b"a handler writes to file descriptor 1\\n")
        return StepHandlerResult.success({"total": context.get_input("total")})


class ChargeHandler(StepHandler):
    handler_name = "charge"

    def call(self, context):
        return StepHandlerResult.success({"charged": context.get_dependency_result("validate")["total"]})
"""


@pytest.fixture
def folder(no_handlers: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: ``orders.yaml``, ``handlers.py``, ``cart.json``."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "orders.yaml").write_text(TEMPLATE)
    (tmp_path / "handlers.py").write_text(HANDLERS)
    (tmp_path / "cart.json").write_text(json.dumps({"total": 5}))
    return tmp_path


@pytest.fixture
def run(folder: Path, capfd: pytest.CaptureFixture[str]):
    """Run the command in this process: ``run("run", "orders.yaml", …) -> (exit code, stdout, stderr)``.

    The folder's modules go with it: another test's folder has others of the same name.
    """

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    yield run
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(folder)):
            del sys.modules[name]


@pytest.fixture
def shell(folder: Path):
    """Run the command as a process of its own: ``shell("run", "orders.yaml", …) -> CompletedProcess``."""

    def shell(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tasker_testkit", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, **options)

    return shell
