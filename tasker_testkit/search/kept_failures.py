"""Failing plans on disk, to be tried first next time: ``.tasker/failures/``, a JSON file each."""

from __future__ import annotations

import json
import os
import re
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from tasker_testkit.errors import TaskerTestkitError, TokenError
from tasker_testkit.explore.tokens import Token, read_token
from tasker_testkit.report.plans import in_words
from tasker_testkit.search.keeping import place

FORMAT: Final = "tasker-testkit/failure"
VERSION: Final = 1
_IGNORED: Final = "# Made by tasker-testkit: nothing in here belongs into a repository.\n*\n"


def _folder() -> Path | None:
    project = place()
    return None if project is None else project / "failures"


@dataclass(frozen=True)
class Kept:
    """One failing plan that was kept: its file, its token, the name of what didn't hold, and the task's input."""

    path: Path
    token: Token
    invariant: str
    input: Any


def kept(template: str) -> tuple[list[Kept], list[str]]:
    """The kept failures of the template of that name, and a sentence about each file that isn't one."""
    found, complaints = [], []
    folder = _folder()
    files = sorted(folder.glob(f"{_slug(template)}-*.json")) if folder is not None and folder.is_dir() else []
    for path in files:
        try:
            one = read_failure(path)
        except TokenError as error:
            complaints.append(str(error))
        else:
            found += [one] * (one.token.template == template)
    return found, complaints


def read_failure(path: Path) -> Kept:
    """The failure that a file keeps. Raises TokenError."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if (data["format"], data["version"]) != (FORMAT, VERSION):
            raise ValueError(f"its format is {data['format']!r}, version {data['version']!r}")
        return Kept(path, read_token(data["token"]), str(data["invariant"]), data["input"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, TokenError) as error:
        raise TokenError(f"{_shown(path)} is no kept failure that can be read: {_reason(error)}. Delete it.") from None


def keep(token: Token, *, invariant: str, message: str, input: Any) -> Path | None:
    """Keep a failing plan, in place of an earlier one of the same faults; its file, None if none are kept.

    Raises TaskerTestkitError if it can't be written.
    """
    folder = _folder()
    if folder is None:
        return None
    faults = [fault.to_data() for fault in token.faults]
    data = {
        "format": FORMAT,
        "version": VERSION,
        "template": token.template,
        "invariant": invariant,
        "message": message,
        "plan": [in_words(fault) for fault in token.faults],
        "faults": faults,
        "input": input,
        "token": token.text,
    }
    name = f"{_slug(token.template)}-{_hash([invariant, faults, token.seed, token.order, token.profile.name])}.json"
    try:
        _write(folder, name, json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
    except (OSError, TypeError, ValueError) as error:
        raise TaskerTestkitError(f"Can't keep the failure in {_shown(folder)}: {_reason(error)}.") from None
    return folder / name


def forget(one: Kept) -> None:
    """Remove the failure's file; it is no error if that is gone."""
    with suppress(OSError):
        one.path.unlink()


def _write(folder: Path, name: str, text: str) -> None:
    """All of it or nothing, whoever writes or reads the same file meanwhile."""
    folder.mkdir(parents=True, exist_ok=True)
    ignored = folder.parent / ".gitignore"
    if not ignored.exists():
        ignored.write_text(_IGNORED, encoding="utf-8")
    handle, unfinished = tempfile.mkstemp(dir=folder, suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.replace(unfinished, folder / name)
    except BaseException:
        os.unlink(unfinished)
        raise


def _hash(content: Any) -> str:
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:10]


def _slug(template: str) -> str:
    return re.sub(r"[^\w.-]+", "_", template).lstrip(".") or "template"


def _shown(path: Path) -> str:
    with suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"it has no {error}"
    return str(getattr(error, "strerror", None) or error).rstrip(".")
