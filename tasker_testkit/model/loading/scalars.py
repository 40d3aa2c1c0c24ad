"""What an unquoted text means in YAML 1.2, as Tasker's own YAML library reads it (``docs/templates.md``)."""

from __future__ import annotations

import math
import re
from typing import Any, Final

BIGGEST: Final = 2**64 - 1
SMALLEST: Final = -(2**63)

_NULLS: Final = frozenset(("", "~", "null", "Null", "NULL"))
_BOOLEANS: Final = {word: word[0] in "tT" for word in ("true", "True", "TRUE", "false", "False", "FALSE")}
_WHOLE: Final = re.compile(r"([+-]?)(?:0x([0-9a-fA-F]+)|0o([0-7]+)|0b([01]+)|(0|[1-9][0-9]*))")
_FLOAT: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_LEADING_ZERO: Final = re.compile(r"[+-]?0[0-9]+")
_NOT_FINITE: Final = re.compile(r"[+-]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_DIGITS_OF_BIGGEST: Final = 20


def is_null(text: str) -> bool:
    """Blank, ``~``, ``null``, ``Null`` or ``NULL``."""
    return text in _NULLS


def boolean(text: str) -> bool | None:
    """The truth value that the text means, or None: ``yes`` and ``on`` mean none."""
    return _BOOLEANS.get(text)


def whole(text: str) -> int | None:
    """The whole number that the text means, or None. Anything over 30 digits is given as some number over 2^64."""
    match = _WHOLE.fullmatch(text)
    if match is None:
        return None
    sign, *digits = match.groups()
    base, found = next((base, d) for base, d in zip((16, 8, 2, 10), digits, strict=True) if d)
    number = int(found if base != 10 else found[: _DIGITS_OF_BIGGEST + 1], base)
    return -number if sign == "-" else number


def floating(text: str) -> float | None:
    """The finite number that the text means, or None; ``010`` and what overflows mean none."""
    if _LEADING_ZERO.fullmatch(text) or not _FLOAT.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def meaning(text: str) -> Any:
    """The JSON value of an unquoted text; ``.nan`` and ``.inf`` become None. A whole number may be out of range."""
    if is_null(text) or _NOT_FINITE.fullmatch(text):
        return None
    for read in (boolean, whole, floating):
        value = read(text)
        if value is not None:
            return value
    return text
