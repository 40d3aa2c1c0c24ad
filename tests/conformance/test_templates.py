"""Recorded verdicts of Tasker's own template loader, and what it understood, against the profile ``tasker-0.1.8``."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tasker_testkit.errors import TemplateError
from tasker_testkit.model.loading import load_template, template_data

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("TASKER_TESTKIT_CONFORMANCE", ROOT / "fixtures" / "conformance"))
FILE = json.loads((FOLDER / "templates.json").read_text(encoding="utf-8"))
KEPT_WHOLE = ("retry", "lifecycle", "environments")
"""Where the recordings keep what is empty."""


def cases(group: str) -> list[dict[str, Any]]:
    """The group's cases; a group without any is an error."""
    found: list[dict[str, Any]] = FILE["groups"][group]["cases"]
    assert found, f"no case in {group}"
    return found


def without_empty(value: Any) -> Any:
    """The data as the recordings show it: what is null or empty left out."""
    if isinstance(value, list):
        return [without_empty(item) for item in value]
    if not isinstance(value, dict):
        return value
    shown = {key: item if key in KEPT_WHOLE else without_empty(item) for key, item in value.items()}
    return {key: item for key, item in shown.items() if item is not None and item not in ([], {})}


@pytest.mark.parametrize("case", [pytest.param(case, id=case["case"]) for case in cases("load")])
def test_templates_are_judged_as_by_the_real_loader(case, tmp_path):
    """A file is accepted or refused with the recorded class of error, and an accepted one means what was recorded."""
    file = tmp_path / "template.yaml"
    file.write_text(case["yaml"], encoding="utf-8")
    expect = case["expect"]
    if not expect["accepted"]:
        with pytest.raises(TemplateError) as refused:
            load_template(file, profile="tasker-0.1.8")
        assert refused.value.kind == expect["error"]
        assert all(str(expect[key]) in str(refused.value) for key in ("field", "missing", "limit") if key in expect)
        return
    found = template_data(load_template(file, profile="tasker-0.1.8"))
    del found["system_dependencies"]
    assert {"steps": [], **without_empty(found)} == {"steps": [], **without_empty(expect["parsed"])}


TOLD = {"namespace_name", "leaf_step_name_length"}
"""What a single template can be asked about; the other cases are about a folder of them."""
ABOUT_A_TEMPLATE = [case for case in cases("worker_start") if TOLD & set(case["given"])]


@pytest.mark.parametrize("case", ABOUT_A_TEMPLATE, ids=lambda case: "-".join(map(str, case["given"].values())))
def test_templates_that_stop_a_worker_are_warned_of(case):
    """The loader's warning says that the worker fails to start exactly where it did."""
    length = case["given"].get("leaf_step_name_length")
    step = {"name": "leaf" if length is None else "x" * length, "handler": {"callable": "x"}}
    template = {
        "name": "t",
        "namespace_name": case["given"].get("namespace_name", "n"),
        "version": "1",
        "steps": [step],
    }
    warnings = load_template(template, profile="tasker-0.1.8").warnings
    assert any("worker fails to start" in warning for warning in warnings) != case["expect"]["worker_starts"]
