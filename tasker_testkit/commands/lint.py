"""``tasker-testkit lint``: what either profile thinks of templates."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tasker_testkit.commands.command import AS_EXPECTED, FAILED, Command
from tasker_testkit.commands.terminal import show
from tasker_testkit.errors import TemplateError

_EXAMPLE: Final = """\
example:
  tasker-testkit lint templates/
"""


def _declare_lint(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "templates", metavar="TEMPLATE", nargs="+", help="template files, or folders of them (*.yaml, *.yml)"
    )


def _lint(arguments: argparse.Namespace) -> int:
    from tasker_testkit.model.loading import verdicts

    refused = False
    for path in [path for name in arguments.templates for path in _templates(Path(name))]:
        found = verdicts(path)
        refused |= bool(found["documented"][0])
        show("\n".join([str(path), *(line for name, verdict in found.items() for line in _judged(name, *verdict))]))
    return FAILED if refused else AS_EXPECTED


def _judged(profile: str, problems: Sequence[str], warnings: Sequence[str]) -> Iterator[str]:
    yield f"  {profile}: {'refused' if problems else 'accepted'}"
    yield from (f"    problem: {problem}" for problem in problems)
    yield from (f"    warning: {warning}" for warning in warnings)


def _templates(path: Path) -> list[Path]:
    if not path.is_dir():
        if not path.exists():
            raise TemplateError(f"There is no file or folder {path}.")
        return [path]
    found = sorted(file for file in path.rglob("*") if file.suffix in (".yaml", ".yml") and file.is_file())
    if not found:
        raise TemplateError(f"The folder {path} has no *.yaml or *.yml file, not in its folders either.")
    return found


COMMAND: Final = Command("say what either profile thinks of templates", _EXAMPLE, _declare_lint, _lint)
