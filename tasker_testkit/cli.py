"""The same engine from a shell: ``tasker-testkit run`` and others; a module each in ``commands``.

Exit code 0: as expected; 1: the workflow or an expectation failed; 2: the call or a file was wrong, said on standard
error, never with a traceback of ours. Standard output holds the result and nothing else: what handlers print goes to
standard error.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Final, NoReturn

from tasker_testkit.commands import compare, diff, explore, import_, lint, replay, run
from tasker_testkit.commands.command import INTERRUPTED, WRONG_CALL, Command
from tasker_testkit.commands.terminal import complain, show
from tasker_testkit.errors import TaskerTestkitError

COMMANDS: Final[Mapping[str, Command]] = {
    "run": run.COMMAND,
    "explore": explore.COMMAND,
    "replay": replay.COMMAND,
    "compare": compare.COMMAND,
    "diff": diff.COMMAND,
    "import": import_.COMMAND,
    "lint": lint.COMMAND,
}

_KEEPS: Final = ("run", "diff", "import", "replay")
"""Commands that read or write histories, in which nothing secret may be."""


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the arguments say (default: those of the process) and give the exit code."""
    try:
        arguments = _parser().parse_args(argv)
        with _hidden(vars(arguments).pop("secrets", None)):
            code: int = COMMANDS[arguments.command].execute(arguments)
        return code
    except TaskerTestkitError as error:
        complain(str(error))
        return WRONG_CALL
    except KeyboardInterrupt:
        complain("interrupted")
        return INTERRUPTED


def _hidden(secrets: str | None) -> AbstractContextManager[None]:
    """Meanwhile what that file names is secret too."""
    if secrets is None:
        return nullcontext()
    from tasker_testkit.recording import load_redaction, redacted_by

    return redacted_by(load_redaction(Path(secrets)))


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise TaskerTestkitError(f"{message} (see {self.prog} --help)")


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from tasker_testkit import __version__

        show(f"tasker-testkit {__version__}")
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    epilog = "exit codes: 0 as expected, 1 the workflow or an expectation failed, 2 the call or a file was wrong"
    parser = _Parser("tasker-testkit", description="Run Tasker workflows without Tasker.", epilog=epilog)
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        kind = argparse.RawDescriptionHelpFormatter
        one = commands.add_parser(
            name, help=command.summary, description=command.summary, epilog=command.example, formatter_class=kind
        )
        command.declare(one)
        if name in _KEEPS:
            one.add_argument("--secrets", metavar="FILE", help="YAML or JSON: what else may not reach a file")
    return parser
