"""What crosses between handler and orchestrator: always a JSON copy, with Tasker's conversions (rows 8, 9, 11)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from tasker_testkit.errors import TaskerTestkitError
from tasker_testkit.model.outcome import METADATA_DEFAULTS
from tasker_testkit.worker.sdk import load

_DIGITS_ALIKE: Final = bytes.maketrans(b"123456789", b"000000000")
_NINETEEN_DIGITS: Final = b"0" * 19
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1


class NotJson(TaskerTestkitError):
    """A value that can't cross. ``path`` says where, ``what`` what it is, ``wire`` what the SDK says of it."""

    def __init__(self, path: str, what: str, wire: str) -> None:
        super().__init__(f"{path} is {what}")
        self.path, self.what, self.wire = path, what, wire


def crossed(value: Any, path: str) -> Any:
    """A JSON copy of ``value``: sets become lists, dates and Decimals text, NaN and Infinity null.

    Raises NotJson for what Tasker refuses; ``path`` is the name of ``value`` in its message.
    """
    return crossing(value, path)[0]


def crossing(value: Any, path: str) -> tuple[Any, str | None]:
    """As ``crossed``, with the path of a text with a NUL character (Tasker's database can't hold one), or None."""
    sdk = load()
    try:
        data = sdk.to_json(value, inf_nan_mode="null")
        copy = sdk.from_json(data)
    except Exception as error:
        raise _offender(value, path, str(error).removeprefix("Error serializing to JSON: ")) from None
    if _NINETEEN_DIGITS in data.translate(_DIGITS_ALIKE):
        _check_integers(copy, path)
    return copy, _nul(copy, path) if b"\\u0000" in data else None


def _check_integers(value: Any, path: str) -> None:
    for place, leaf in _leaves(value, path):
        if isinstance(leaf, int) and not _SMALLEST <= leaf <= _LARGEST:
            raise NotJson(place, f"{leaf}, an integer of more than 64 bits", _refused("JSON number out of range"))


def _nul(value: Any, path: str) -> str | None:
    return next((place for place, leaf in _leaves(value, path) if isinstance(leaf, str) and "\0" in leaf), None)


def _refused(reason: str) -> str:
    return (
        "Conversion error: Failed to convert completion data: ValueError: Conversion error: "
        f"Failed to convert Python dict to StepExecutionResult: {reason}"
    )


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every key and every value that isn't a container, with its path."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield path, key
            yield from _leaves(inner, f"{path}.{key}")
    elif isinstance(value, (list, tuple, set, frozenset)):
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{index}]")
    else:
        yield path, value


def _offender(value: Any, path: str, wire: str) -> NotJson:
    """The first value inside that can't cross."""
    try:
        for place, leaf in _leaves(value, path):
            try:
                load().to_json(leaf)
            except Exception:
                return NotJson(place, _kind(leaf), wire)
    except RecursionError:
        return NotJson(path, "a value that contains itself", wire)
    return NotJson(path, f"no JSON ({wire})", wire)


def _kind(leaf: Any) -> str:
    if isinstance(leaf, str):
        return "text with half a surrogate pair"
    return "bytes that aren't UTF-8" if isinstance(leaf, bytes) else f"a <class {type(leaf).__qualname__}>"


def known_only(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The keys that Tasker knows, the others dropped (row 9)."""
    return {key: value for key, value in metadata.items() if key in METADATA_DEFAULTS}


def check_metadata(metadata: Mapping[str, Any]) -> None:
    """Raise NotJson if a key that Tasker knows has a value of a type that it doesn't take (row 11)."""
    for key in metadata.keys() & _TAKES.keys():
        expected, fits, wire = _TAKES[key]
        if not fits(metadata[key]):
            kind = type(metadata[key]).__name__
            raise NotJson(f"metadata.{key}", f"a {kind}; Tasker takes {expected} there", _refused(wire.format(kind)))


def _is_time(value: Any) -> bool:
    try:
        return value is None or datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


_OBJECT = (
    "an object",
    lambda value: isinstance(value, dict),
    "unexpected type: '{}' object cannot be cast as 'Mapping'",
)
_TEXT = (
    "a text",
    lambda value: value is None or isinstance(value, str),
    "unexpected type: '{}' object cannot be cast as 'str'",
)
_TIME = ("an instant as ISO 8601 text with a time zone", _is_time, "'{}' is not an RFC 3339 instant")
_INTEGER = (
    "a whole number",
    lambda value: isinstance(value, int),
    "unexpected type: '{}' object cannot be interpreted as an integer",
)
_BOOLEAN = (
    "true or false",
    lambda value: isinstance(value, bool),
    "unexpected type: '{}' object cannot be cast as 'bool'",
)
_TAKES: Final[dict[str, tuple[str, Callable[[Any], bool], str]]] = {
    "custom": _OBJECT,
    "context": _OBJECT,
    "execution_time_ms": _INTEGER,
    "retryable": _BOOLEAN,
    "started_at": _TIME,
    "completed_at": _TIME,
    **dict.fromkeys(("error_code", "error_type", "worker_id", "worker_hostname", "handler_version"), _TEXT),
}
