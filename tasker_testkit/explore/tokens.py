"""Tokens: a run in one short word, to make it again in another process and another checkout.

A token is a version letter and base64url of: a checksum (CRC-32), fingerprints, and the deflated JSON of the rest.
"""

from __future__ import annotations

import binascii
import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from tasker_testkit.errors import TaskerTestkitError, TokenError
from tasker_testkit.explore.fingerprints import TemplatePrint
from tasker_testkit.explore.simpler import Plan
from tasker_testkit.model.fault_kinds import fault_from_data
from tasker_testkit.model.profile import DOCUMENTED, PROFILES, Profile

_VERSION: Final = "A"
_DEFAULTS: Final[Mapping[str, Any]] = {
    "faults": [],
    "seed": 0,
    "order": "creation",
    "profile": DOCUMENTED.name,
    "changed": {},
    "start": "2026-01-01T00:00:00Z",
    "workers": None,
    "environment": None,
    "timezone": "UTC",
    "actions": [],
}
"""What a token leaves out because it is so."""
_PLAIN: Final = ("seed", "start", "workers", "environment", "timezone")
_WORDS: Final = (
    b'{"changed":{"environment":"workers":,"start":"order":"seeded","actions":[{"at":"do":"cancel","step":"'
    b'"seed":1,"hang":true,"duplicate":true,"delay":"ms","crash":"before","corrupt":{"path":"","value":null},"'
    b'"raise":{"message":"injected fault","type":"RuntimeError","retryable":false"fail":{"error_type":"timeout"},'
    b'"crash":"after","lose_result":true,"profile":"tasker-0.1.8","step":"],"template":"_processing"},'
    b'{"faults":[{"attempt":1,'
)
"""What tokens have in common, so that none has to carry it. Changing it is another version of the format."""


@dataclass(frozen=True, slots=True)
class Token:
    """What a token carries: all that makes a run the same, but for template, handlers and input.

    ``template`` is the template's name. ``printed``, ``input`` and ``outcome`` are fingerprints: of the template, of
    the input (3 bytes), and of the run's whole history (3 bytes). ``start`` is ISO text; ``actions`` are data.
    """

    template: str
    faults: Plan
    seed: int
    order: str | tuple[int, ...]
    profile: Profile
    start: str
    workers: int | None
    environment: str | None
    timezone: str
    actions: tuple[Mapping[str, Any], ...]
    printed: TemplatePrint
    input: bytes
    outcome: bytes

    @property
    def text(self) -> str:
        """The token itself: letters, digits, ``-`` and ``_``."""
        body = _prints(self) + _deflated(_data(self))
        return _VERSION + urlsafe_b64encode(_checksum(body) + body).decode().rstrip("=")


def read_token(text: str) -> Token:
    """The token that a text is; blanks and line breaks in it don't count.

    Raises TokenError if it is damaged, or made by a version that isn't known here.
    """
    word = "".join(text.split())
    if not word.startswith(_VERSION):
        raise TokenError(
            f"{word[:40]!r} is no token that this version of tasker_testkit reads: those begin with {_VERSION!r}. "
            "Copy it whole, or use the version that printed it."
        )
    body = _body(word)
    try:
        return _token(body)
    except (TaskerTestkitError, ValueError, KeyError, TypeError, IndexError, zlib.error) as error:
        raise TokenError(
            f"This token is whole, but this version of tasker_testkit can't read what is in it: {error}. "
            "Use the version that printed it."
        ) from None


def _body(word: str) -> bytes:
    try:
        raw = urlsafe_b64decode(word[1:] + "=" * (-(len(word) - 1) % 4))
    except (binascii.Error, ValueError):
        raw = b""
    body = raw[4:]
    # b64decode passes over what isn't of its alphabet, and over bits that the last character has too many
    if raw[:4] != _checksum(body) or urlsafe_b64encode(raw).decode().rstrip("=") != word[1:]:
        raise TokenError(
            f"This token is damaged: a character of it was changed, added or lost ({len(word)} are here). "
            "Copy it again, whole."
        )
    return body


def _checksum(body: bytes) -> bytes:
    return zlib.crc32(_VERSION.encode() + body).to_bytes(4, "big")


def _prints(token: Token) -> bytes:
    steps = token.printed.steps
    return token.input + token.outcome + token.printed.whole + bytes([len(steps)]) + b"".join(steps)


def _data(token: Token) -> dict[str, Any]:
    name, changed = _as_changes(token.profile)
    given = {
        "faults": [fault.to_data() for fault in token.faults],
        "profile": name,
        "changed": changed,
        "order": token.order if isinstance(token.order, str) else list(token.order),
        "actions": list(token.actions),
        **{name: getattr(token, name) for name in _PLAIN},
    }
    spoken = {name: value for name, value in given.items() if value != _DEFAULTS[name]}
    return {"template": token.template, **spoken}


def _as_changes(profile: Profile) -> tuple[str, dict[str, Any]]:
    """A profile as the name of a known one, and the fields in which it differs from that."""
    base = PROFILES.get(profile.name, DOCUMENTED)
    changed = {f.name: v for f in fields(Profile) if (v := getattr(profile, f.name)) != getattr(base, f.name)}
    return base.name, changed


def _token(body: bytes) -> Token:
    steps, rest = body[11 : 11 + 3 * body[10]], body[11 + 3 * body[10] :]
    data = {**_DEFAULTS, **_inflated(rest)}
    return Token(
        template=data["template"],
        faults=tuple(map(fault_from_data, data["faults"])),
        order=data["order"] if isinstance(data["order"], str) else tuple(data["order"]),
        profile=replace(PROFILES[data["profile"]], **data["changed"]),
        actions=tuple(data["actions"]),
        printed=TemplatePrint(body[6:10], tuple(steps[at : at + 3] for at in range(0, len(steps), 3))),
        input=body[:3],
        outcome=body[3:6],
        **{name: data[name] for name in _PLAIN},
    )


def _deflated(data: Mapping[str, Any]) -> bytes:
    text = json.dumps(data, sort_keys=True, separators=(",", ":")).encode()
    packer = zlib.compressobj(9, wbits=-15, zdict=_WORDS)
    return packer.compress(text) + packer.flush()


def _inflated(packed: bytes) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(zlib.decompressobj(wbits=-15, zdict=_WORDS).decompress(packed))
    return data
