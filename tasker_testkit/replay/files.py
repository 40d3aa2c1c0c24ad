"""History files on the disk: written whole or not at all, and read back."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from tasker_testkit.engine.history import History
from tasker_testkit.engine.history_reading import read_history
from tasker_testkit.errors import HistoryError

SUFFIX = ".history.json"
"""How the names of recordings end that pytest collects."""


def write_whole(path: Path, text: str, *, what: str = "history") -> Path:
    """Put the text into the file (UTF-8, line feeds): all of it, or the file stays as it was. Gives the path.

    ``what`` is what messages call the content. Raises HistoryError.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8", newline="\n")  # a device or a pipe can't be replaced
        else:
            _replace(Path(os.path.realpath(path)), text)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise HistoryError(f"Can't write the {what} to {path}: {reason}.") from None
    return path


def _replace(target: Path, text: str) -> None:
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with beside.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, target)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise


def load_history(path: str | Path) -> History:
    """The history in a file, as ``run.save`` or ``--history`` wrote it, of this or an older version.

    Raises HistoryError, with the place, for a file that can't be read, is no history, was cut off or edited, or is of a
    newer version.
    """
    return read_history(read_text(Path(path)), name=str(path))


def read_text(path: Path) -> str:
    """The text of a JSON file. Raises HistoryError if it isn't there, or can't be read."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        beside = sorted(one.name for one in path.parent.glob("*.json")) if path.parent.is_dir() else []
        there = "".join(f"\n  {name}" for name in beside[:20]) or " (none)"
        raise HistoryError(f"There is no file {path}. JSON files in that folder:{there}") from None
    except UnicodeDecodeError as error:
        raise HistoryError(f"{path} isn't UTF-8 (byte {error.start}). It isn't as it was saved.") from None
    except (OSError, ValueError) as error:
        raise HistoryError(f"Can't read {path}: {getattr(error, 'strerror', None) or error}.") from None
