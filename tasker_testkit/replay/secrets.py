"""What a secret looks like: by the name of its key, and in a text by its form."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Final

from tasker_testkit.model.placeholders import LONGEST_CARD, SHORTEST_CARD, passes_luhn

# fmt: off
_WORDS: Final = frozenset((
    "password", "passwd", "passphrase", "pass", "pwd", "secret", "token", "authorization", "apikey", "cookie",
    "credential", "cvv", "cvc", "cvv2",
))
_ENDINGS: Final = ("password", "secret", "token", "authorization", "apikey")
_PAIRS: Final = frozenset((*((kind, "key") for kind in ("api", "private", "access", "signing")), ("card", "number")))
_HARMLESS: Final = frozenset((
    "type", "kind", "count", "expires", "expiry", "at", "in", "length", "url", "uri", "endpoint", "policy", "name",
    "status", "limit", "ttl", "required", "usage",
))
"""The last word of a key that speaks about a secret, and has none: ``token_type``."""
# fmt: on
_SPLIT: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")

_NAMED: Final = (
    r"(?i:\b(?:[a-z_-]*(?:password|passwd|secret|token|api[_-]?key)|authorization)['\"]?\s*[=:]\s*['\"]?"
    r"(?:bearer\s+|basic\s+)?)(?P<named>[^\s'\"&,;})\]]+)"
)
_FORMS: Final = (
    r"(?i:\bbearer\s+)(?P<bearer>[A-Za-z0-9._~+/=-]{4,})",
    _NAMED,
    r"(?P<jwt>\beyJ[\w-]{4,}\.[\w-]+\.[\w-]*)",
    r"(?P<pem>-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z))",
    r"(?P<issued>\b(?:sk|rk)_live_\w+|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_\w{30,}|\bxox[abprs]-[\w-]{10,})",
    r"[a-z][a-z0-9+.-]*://[^\s/:@]*:(?P<userinfo>[^\s/@]+)@",
)
_FORM: Final = re.compile("|".join(_FORMS), re.DOTALL)
_MAYBE: Final = re.compile(
    r"(?i)bearer|pass|secret|token|key|authorization|eyJ|sk_live|rk_live|akia|gh[pousr]_|xox|://"
)
_CARD: Final = re.compile(
    rf"(?<!\d)(?<!\d\.)(?:\d{{{SHORTEST_CARD},{LONGEST_CARD}}}|\d{{4}}(?:[ -]\d{{4}}){{3}}(?:[ -]?\d{{1,3}})?"
    r"|\d{4}[ -]\d{6}[ -]\d{4,5})(?!\d)"
)


@lru_cache(maxsize=4096)
def names_secret(key: str) -> bool:
    """Whether a key of this name holds a secret: ``password``, ``apiKey``, ``X-Auth-Token``; not ``token_type``."""
    words = [word.lower() for word in _SPLIT.findall(key)]
    if not words or words[-1] in _HARMLESS:
        return False
    singular = [word if word in _WORDS else word.removesuffix("s") for word in words]
    if any(word in _WORDS or word.endswith(_ENDINGS) for word in singular):
        return True
    return any(pair in _PAIRS for pair in pairwise(singular))


def holds_number(key: str) -> bool:
    """Whether a number under that key is a secret too: ``token`` is one, ``tokens`` and ``max_tokens`` are counts."""
    words = _SPLIT.findall(key)
    return bool(words) and not words[-1].lower().endswith("s") and names_secret(key)


def secret_spans(text: str, further: Collection[re.Pattern[str]] = ()) -> Iterator[tuple[int, int]]:
    """Where secrets of a known form are in a text, or what ``further`` patterns find: their first group, else all."""
    if _MAYBE.search(text):
        yield from (_span(found, str(found.lastgroup)) for found in _FORM.finditer(text))
    for pattern in further:
        yield from (_span(found, 1 if pattern.groups else 0) for found in pattern.finditer(text))


def card_spans(text: str) -> Iterator[tuple[int, int]]:
    """Where card numbers are in a text: 13 to 19 digits that pass Luhn, also in groups. No instants in milliseconds."""
    for found in _CARD.finditer(text):
        digits = plain_digits(found[0])
        instant = len(digits) == SHORTEST_CARD and digits[0] == "1"
        if not instant and len(digits) <= LONGEST_CARD and passes_luhn(digits):
            yield found.span()


def is_card_number(number: int) -> bool:
    """Whether a whole number is a card's; those of cards begin with 2 to 6."""
    digits = str(number)
    return SHORTEST_CARD <= len(digits) <= LONGEST_CARD and digits[0] in "23456" and passes_luhn(digits)


def plain_digits(text: str) -> str:
    """The digits without what groups them."""
    return text.replace(" ", "").replace("-", "")


def _span(found: re.Match[str], group: str | int) -> tuple[int, int]:
    return found.span(group)
