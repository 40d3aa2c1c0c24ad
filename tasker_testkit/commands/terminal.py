"""The standard streams of the shell: results on standard output, everything else on standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING

from tasker_testkit.errors import TaskerTestkitError

if TYPE_CHECKING:
    from tasker_testkit.comparing import Comparison
    from tasker_testkit.diffing import Diff
    from tasker_testkit.records.rechecking import HistoryCheck
    from tasker_testkit.run import Run


def show(text: str) -> None:
    """Print on standard output. Nothing happens if its reader has gone; TaskerTestkitError if it can't be written."""
    _put(_speakable(text) + "\n")


def show_file(content: str) -> None:
    """Put a file's content on standard output, byte by byte (UTF-8). Raises as ``show`` does."""
    _put(content.encode())


def show_run(run: Run) -> None:
    """Print the run's timeline: in colour on a terminal (without if NO_COLOR is set), plainly elsewhere."""
    if sys.stdout is None or not sys.stdout.isatty():
        show(run.timeline(unicode=speaks_unicode()))
        return
    from rich.console import Console

    from tasker_testkit.report.rich_timeline import print_timeline

    print_timeline(run.history, Console())


def show_comparison(comparison: Comparison | Diff | HistoryCheck) -> None:
    """Print what was compared, as ``show_run`` prints a run."""
    if sys.stdout is None or not sys.stdout.isatty():
        show(comparison.text(unicode=speaks_unicode()))
        return
    from rich.console import Console

    from tasker_testkit.report.rich_comparison import print_comparison

    print_comparison(comparison, Console())


def complain(message: str) -> None:
    """Print on standard error: the first line says it all, the others are indented."""
    first, *others = f"tasker-testkit: {message}".splitlines()
    lines = [first, *(line if line.startswith(" ") else f"  {line}" for line in others)]
    print("\n".join(lines), file=sys.stderr)  # noqa: T201


@contextmanager
def kept_clean() -> Iterator[None]:
    """Meanwhile whatever is printed goes to standard error, also by what knows nothing but file descriptor 1."""
    if sys.stdout is None:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def read_stdin() -> bytes:
    """All of standard input. Raises OSError if it is closed."""
    with open(0, "rb", closefd=False) as stream:
        return stream.read()


def _put(content: str | bytes) -> None:
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
        sys.stdout.write(content) if isinstance(content, str) else sys.stdout.buffer.write(content)
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the flush at exit says nothing
        if not isinstance(error, BrokenPipeError):
            raise TaskerTestkitError(f"can't write to standard output: {error.strerror}") from None


def speaks_unicode() -> bool:
    """Whether standard output can show the signs of a report."""
    try:
        "✓─·…".encode(sys.stdout.encoding or "ascii")
    except (AttributeError, LookupError, UnicodeEncodeError):
        return False
    return True


def _speakable(text: str) -> str:
    return text if speaks_unicode() else text.encode("ascii", "backslashreplace").decode()
