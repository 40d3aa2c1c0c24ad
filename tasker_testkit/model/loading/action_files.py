"""An operator's actions in files: YAML or JSON, a list of actions."""

from __future__ import annotations

from pathlib import Path

from tasker_testkit.errors import RunError, TemplateError
from tasker_testkit.model.actions import Action, read_actions
from tasker_testkit.model.loading.data_files import load_data


def load_actions(path: Path) -> tuple[Action, ...]:
    """The actions of a YAML or JSON file. Raises RunError that says which entry is wrong with what."""
    try:
        data = load_data(path, once=True)
    except TemplateError as error:
        raise RunError(str(error)) from None
    try:
        return read_actions(() if data is None else data)
    except RunError as error:
        raise RunError(f"{path}: {error}") from None
