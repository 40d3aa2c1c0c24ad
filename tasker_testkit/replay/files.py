"""History files on the disk: written whole or not at all, and read back."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
    with staged(path, text, what=what):
        return path


@contextmanager
def staged(path: Path, text: str, *, what: str = "history") -> Iterator[None]:
    """The text lies beside the file, and takes its place at the block's end: not if an error ends it.

    So several files are written all or not at all. ``what`` is what messages call the content. Raises HistoryError.
    """
    with _said(path, what):
        target = Path(os.path.realpath(path))
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        beside = None if path.exists() and not path.is_file() else _beside(target, text)
    try:
        yield
        with _said(path, what):
            if beside is None:
                path.write_text(text, encoding="utf-8", newline="\n")  # a device or a pipe can't be replaced
            else:
                os.replace(beside, target)
    except BaseException:
        if beside is not None:
            beside.unlink(missing_ok=True)
        raise


@contextmanager
def _said(path: Path, what: str) -> Iterator[None]:
    """What keeps the file from being written, as an error of ours."""
    try:
        yield
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise HistoryError(f"Can't write the {what} to {path}: {reason}.") from None


def _beside(target: Path, text: str) -> Path:
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    with beside.open("x", encoding="utf-8", newline="\n") as file:
        try:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            with suppress(OSError):
                beside.unlink()
            raise
    return beside


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
