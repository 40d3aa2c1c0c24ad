"""What is written in the place of a secret: the same for the same secret, and itself when it is redacted again.

A placeholder carries 32 bits of the secret's hash or fewer. That tells two secrets apart; somebody who guesses a secret
can check the guess, unless the hash is salted.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from typing import Any, Final

_TEXT: Final = re.compile(r"redacted-([0-9a-f]{8})([0-9a-f]{8})")
_CHECK_DIGITS: Final = 6
SHORTEST_CARD: Final = 13
LONGEST_CARD: Final = 19


def text_placeholder(secret: str, salt: str = "") -> str:
    """``redacted-`` and sixteen hexadecimal digits; a placeholder stays as it is."""
    if is_placeholder(secret):
        return secret
    told = _hash("text", secret, salt).hex()[:8]
    return f"redacted-{told}{_check(told)}"


def is_placeholder(text: str) -> bool:
    """Whether this is what ``text_placeholder`` made."""
    found = _TEXT.fullmatch(text)
    return found is not None and found[2] == _check(found[1])


def placeholders_in(value: Any, place: str = "input") -> list[str]:
    """Where in a value texts have placeholders: ``input.payment.token``."""
    if isinstance(value, Mapping):
        return [found for key, item in value.items() for found in placeholders_in(item, f"{place}.{key}")]
    if isinstance(value, list):
        return [found for index, item in enumerate(value) for found in placeholders_in(item, f"{place}[{index}]")]
    return [place] if isinstance(value, str) and _hides(value) else []


def _hides(text: str) -> bool:
    digits = text.replace(" ", "").replace("-", "")
    is_card = digits.isascii() and digits.isdigit() and SHORTEST_CARD <= len(digits) <= LONGEST_CARD
    return (is_card and _is_card_placeholder(digits)) or any(is_placeholder(one[0]) for one in _TEXT.finditer(text))


def number_placeholder(secret: int) -> int:
    """A number of as many digits, the same for all of them: too short to hide behind a hash."""
    size: int = 10 ** (len(str(abs(secret))) - 1)
    return -size if secret < 0 else size


def card_placeholder(digits: str, salt: str = "") -> str:
    """A card number of the same length and the same first digit that passes Luhn; a placeholder stays as it is."""
    if _is_card_placeholder(digits):
        return digits
    room = len(digits) - _CHECK_DIGITS - 2
    number = int.from_bytes(_hash("card", digits, salt)[:8], "big") % 10 ** min(room, 8)
    return _card(digits[0] + f"{number:0{room}d}")


def passes_luhn(digits: str) -> bool:
    """Whether the last digit is what the others ask for."""
    doubled = (int(digit) * 2 for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(n - 9 if n > 9 else n for n in doubled)) % 10 == 0


def _is_card_placeholder(digits: str) -> bool:
    return digits == _card(digits[: -_CHECK_DIGITS - 1])


def _card(start: str) -> str:
    number = int.from_bytes(_hash("check", start, "")[:8], "big") % 10**_CHECK_DIGITS
    digits = f"{start}{number:0{_CHECK_DIGITS}d}"
    return next(digits + last for last in "0123456789" if passes_luhn(digits + last))


def _check(told: str) -> str:
    return _hash("check", told, "").hex()[:8]


def _hash(kind: str, secret: str, salt: str) -> bytes:
    return hmac.digest(f"tasker-testkit/{kind}/{salt}".encode(), secret.encode("utf-8", "surrogatepass"), "sha256")
