"""What a template or a fault plan can be given as: a path, a text or Python data, and the document that it holds."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from tasker_testkit.errors import TemplateError
from tasker_testkit.model.loading.composing import DEEPEST, LARGEST, Document, bounded, compose_text, refusal, too_deep
from tasker_testkit.model.loading.nodes import Node, Scalar, listing, table


def read_document(source: Any) -> Document:
    """The document of a path, of YAML text (a str with a line break) or of Python data. Raises TemplateError."""
    if isinstance(source, str) and "\n" in source:
        return compose_text("<text>", source)
    if isinstance(source, (str, os.PathLike)) and source != "":
        path = Path(source)
        return compose_text(f"{path!s:.300}", _file_text(path))
    if isinstance(source, (Mapping, list, tuple)):
        return _copied(source)
    raise TemplateError(
        f"{source!r:.80} (a {type(source).__name__}) can't be loaded: give the path of a YAML file, "
        "YAML text with a line break, or a mapping."
    )


def _file_text(path: Path) -> str:
    name = f"{path!s:.300}"
    try:
        if path.is_dir():
            raise TemplateError(f"{name} is a folder. Give the path of one file in it.{_files_of(path)}")
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        hint = " (A str is YAML text only if it has a line break.)" if ":" in path.name else ""
        raise TemplateError(f"There is no file {name}.{hint}{_alike(path)}{_files_of(path.parent)}") from None
    except (OSError, ValueError) as error:
        raise TemplateError(f"{name} can't be read: {getattr(error, 'strerror', None) or error}.") from None
    if len(data) > LARGEST:
        raise TemplateError(f"{name} is larger than {LARGEST:,} bytes. Is it the right file?")
    return _decoded(name, data)


def _decoded(name: str, data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = data[error.start]
        raise TemplateError(f"{name}:{line}: not UTF-8 (byte 0x{byte:02x}). Save the file as UTF-8.") from None


def _files_of(folder: Path) -> str:
    """The files of a folder that could be meant, for a message."""
    try:
        found = sorted(path.name for path in folder.iterdir() if path.suffix in (".yaml", ".yml", ".json"))
    except OSError:
        return f" There is no folder {folder!s:.300}."
    return f" Files in {folder!s:.300}:\n" + "\n".join(f"  {name}" for name in found[:20] or ["(none)"])


def _alike(path: Path) -> str:
    try:
        match = get_close_matches(path.name, os.listdir(path.parent), n=1)
    except OSError:
        match = []
    return f" Did you mean {str(path.with_name(match[0]))!r}?" if match else ""


def _copied(source: Any) -> Document:
    """Python data as a document without places; lists and mappings that are there twice are copied once."""
    document = Document("<mapping>" if isinstance(source, Mapping) else "<list>")
    made: dict[int, Node] = {}

    def node(value: Any, path: str, depth: int) -> Node:
        if not isinstance(value, (Mapping, list, tuple)):
            return _scalar(document, value, path)
        if depth == DEEPEST:
            raise too_deep(document, None)
        if id(value) not in made:
            made[id(value)] = collection(value, path, depth + 1)
        if depth + made[id(value)].height > DEEPEST:
            raise too_deep(document, None)
        return made[id(value)]

    def collection(value: Any, path: str, depth: int) -> Node:
        if not isinstance(value, Mapping):
            return listing([node(item, f"{path}[{index}]", depth) for index, item in enumerate(value)])
        parts: list[Node] = []
        for key, item in value.items():
            here = f"{path}.{key!s:.80}".lstrip(".")
            parts += (_scalar(document, key, here), node(item, here, depth))
        return table(parts)

    root = node(source, "", 0)
    return bounded(Document(document.name, root), len(made))


def _scalar(document: Document, value: Any, path: str) -> Scalar:
    """A Python value as YAML would write it."""
    match value:
        case str():
            return Scalar(value, plain=False)
        case None | bool():
            return Scalar("null" if value is None else str(value).lower())
        case int():
            return Scalar(str(value) if abs(value) < 2**64 else hex(value))
        case float():
            return Scalar(repr(value) if value - value == 0 else ".nan")
        case date():
            return Scalar(value.isoformat(), plain=False)
        case _:
            problem = f"{path}: {value!r:.80} can't be in a template (a {type(value).__name__})."
            raise refusal(document, None, problem, "wrong_type")
