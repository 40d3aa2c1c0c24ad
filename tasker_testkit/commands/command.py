"""What a command of the shell is, and the exit codes that all of them keep to."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

AS_EXPECTED: Final = 0
FAILED: Final = 1
"""The workflow or an expectation failed."""
WRONG_CALL: Final = 2
"""The call or a file was wrong."""
INTERRUPTED: Final = 130


@dataclass(frozen=True, slots=True)
class Command:
    """One command of the shell: what its help says, its arguments, and what it does; it gives the exit code."""

    summary: str
    example: str
    declare: Callable[[argparse.ArgumentParser], None]
    execute: Callable[[argparse.Namespace], int]
