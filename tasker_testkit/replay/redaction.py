"""Secrets never reach a file: what counts as one, and a history's data without them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, Final
from urllib.parse import quote, quote_plus

from tasker_testkit.errors import HistoryError
from tasker_testkit.model.placeholders import (
    card_placeholder,
    is_placeholder,
    number_placeholder,
    text_placeholder,
)
from tasker_testkit.replay.patterns import Pattern, Place, fits, item_names, read_patterns
from tasker_testkit.replay.secrets import (
    card_spans,
    holds_number,
    is_card_number,
    names_secret,
    plain_digits,
    secret_spans,
)

_SHORTEST_ECHO: Final = 5
"""A secret of fewer characters isn't looked for in other texts: too much would be taken for it."""
_STRUCTURE: Final = ("format", "version", "profile", "seed", "start", "template", "task", "order", "digest")
"""Parts of a history that hold what the workflow is, and nothing of the run's data."""
_OF_A_STEP: Final = ("faults", "stored", "checkpoints", "requests")
_OF_A_RECORD: Final = frozenset(("step_uuid", "at", "status", "success", "step", "attempt", "do", "when"))
"""What the records of a history say of the workflow; of whatever is below them everything can be secret."""
_OF_A_RECIPE: Final = ("input", "stubs", "template", "task", "actions", "routes")
_SCHEME: Final = re.compile(r"(?i)(bearer|basic|digest|token|apikey)\s+(?=\S)")


@dataclass(frozen=True)
class Redaction:
    """What is secret beside what always is (docs/recordings.md).

    ``keys``: names of keys (``iban``), words of them too; ``paths``: places in a history (``input.customer.email``);
    ``patterns``: regular expressions, of which the first group or everything found is secret. ``allowed``: texts that
    are no secrets (``tok_*``). ``salt``: any text; with it nobody who doesn't know it can check a guessed secret.
    """

    keys: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    salt: str = ""

    @cached_property
    def places(self) -> tuple[Pattern, ...]:
        """``paths``, read. Raises HistoryError."""
        return read_patterns(self.paths)

    @cached_property
    def forms(self) -> tuple[re.Pattern[str], ...]:
        """``patterns``, compiled. Raises HistoryError."""
        return tuple(map(_compiled, self.patterns))

    def check(self) -> None:
        """Raise HistoryError for a place or a pattern that makes no sense."""
        _ = self.places, self.forms

    def is_allowed(self, text: str) -> bool:
        """Whether this text is no secret whatever it looks like: empty, hidden already, or one of ``allowed``."""
        return not text.strip("* ") or is_placeholder(text) or any(fnmatchcase(text, one) for one in self.allowed)

    def names_secret(self, key: str) -> bool:
        """Whether a key of that name holds a secret."""
        return names_secret(key) or (bool(self.keys) and any(word.lower() in key.lower() for word in self.keys))


def redacted(data: Mapping[str, Any], redaction: Redaction = Redaction()) -> dict[str, Any]:
    """A history's data without secrets; without any it is equal to what was given. Raises HistoryError."""
    walk = _Walk(redaction)
    once = walk.history(data)
    return walk.echoes_hidden(once)


def _compiled(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise HistoryError(f"{text!r} is no regular expression: {error}.") from None


class _Walk:
    """One pass over a history's data; what it finds under the name of a secret is looked for in all other texts."""

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction
        self._known: dict[str, str] = {}
        self._texts: dict[str, str] = {}
        self._found: dict[str, str] = {}
        self._echo: re.Pattern[str] | None = None

    def history(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The data with everything hidden that is a secret where it stands."""
        return {key: self._part(key, value) for key, value in data.items()}

    def echoes_hidden(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The data without the secrets that were found, wherever they were written again."""
        if not self._found:
            return dict(data)
        forms = {form: hidden for secret, hidden in self._found.items() for form in _written_as(secret)}
        longest = sorted(forms, key=lambda form: (-len(form), form))
        self._echo = re.compile("|".join(map(re.escape, longest)))
        self._known, self._texts = forms, {}
        return self.history(data)

    def _part(self, key: str, value: Any) -> Any:
        if key == "task":
            return {**value, "stuck": self._text(value["stuck"])} if value.get("stuck") else value
        if key == "steps":
            return [self._step(step, (("steps",), item_names(index, step))) for index, step in enumerate(value)]
        if key == "recipe":
            return {name: self._of_recipe(name, given) for name, given in value.items()}
        if key == "input":
            return self._value(value, (("input",),), False)
        return value if key in _STRUCTURE else self._records(value, ((key,),))

    def _of_recipe(self, name: str, value: Any) -> Any:
        if name not in _OF_A_RECIPE:
            return value
        if name in ("actions", "routes"):
            return self._records(value, (("recipe",), (name,)))
        if name == "stubs":
            return {step: self._value(stub, (("recipe",), ("stubs",), (step,)), False) for step, stub in value.items()}
        return self._value(value, ((name,),) if name == "input" else (("recipe",), (name,)), False)

    def _step(self, step: Mapping[str, Any], place: Place) -> dict[str, Any]:
        attempts = enumerate(step["attempts"])
        return {**step, "attempts": [self._attempt(one, (*place, ("attempts",), (str(at),))) for at, one in attempts]}

    def _attempt(self, attempt: Mapping[str, Any], place: Place) -> dict[str, Any]:
        found = {key: attempt[key] for key in _OF_A_STEP if attempt.get(key)}
        stored = found.pop("stored", None)
        hidden: dict[str, Any] = {key: self._records(records, (*place, (key,))) for key, records in found.items()}
        if stored is not None:
            hidden["stored"] = self._record(stored, (*place, ("stored",)))
        return {**attempt, **hidden}

    def _records(self, records: Iterable[Any], place: Place) -> list[Any]:
        return [self._record(one, (*place, (str(index),))) for index, one in enumerate(records)]

    def _record(self, record: Mapping[str, Any], place: Place) -> dict[str, Any]:
        entries = record.items()
        return {key: value if key in _OF_A_RECORD else self._entry(key, value, place, False) for key, value in entries}

    def _value(self, value: Any, place: Place, secret: bool) -> Any:
        kind = type(value)
        if kind is str:
            return self._hidden(value, by_name=True) if secret else self._text(value)
        if value is None or kind is bool:
            return value
        if isinstance(value, Mapping):
            return {self._key(key): self._entry(key, item, place, secret) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._value(item, self._below(place, item_names(i, item)), secret) for i, item in enumerate(value)]
        return self._number(value, secret)

    def _entry(self, key: str, value: Any, place: Place, secret: bool) -> Any:
        inner = self._below(place, (key,))
        number = isinstance(value, (int, float))
        named = self._redaction.names_secret(key) and (not number or holds_number(key) or not names_secret(key))
        chosen = bool(self._redaction.places) and fits(inner, self._redaction.places)
        return self._value(value, inner, secret or named or chosen)

    def _below(self, place: Place, names: tuple[str, ...]) -> Place:
        return (*place, names) if self._redaction.places else place

    def _key(self, key: str) -> str:
        return key if key.isidentifier() and self._echo is None else self._text(key)

    def _number(self, value: float, secret: bool) -> float:
        if secret:
            return number_placeholder(value) if isinstance(value, int) else 0.0
        if isinstance(value, int) and value > 10**12 and is_card_number(value):
            return int(card_placeholder(str(value), self._redaction.salt))
        return value

    def _hidden(self, text: str, *, by_name: bool = False) -> str:
        """The placeholder of a text that is a secret as a whole; the scheme of a credential stays."""
        scheme = _SCHEME.match(text)
        start = scheme.end() if scheme else 0
        secret = text[start:]
        if self._redaction.is_allowed(secret):
            return text
        spans = list(card_spans(secret))
        if spans == [(0, len(secret))]:
            return text[:start] + self._card(secret)
        hidden = text_placeholder(secret, self._redaction.salt)
        if by_name and len(secret) >= _SHORTEST_ECHO:
            self._found[secret] = hidden
        return text[:start] + hidden

    def _text(self, text: str) -> str:
        """A text without what in it has the form of a secret, or is known to be one."""
        found = self._texts.get(text)
        if found is None:
            found = self._echoless(text)
            found = _replaced(found, secret_spans(found, self._redaction.forms), self._hidden)
            found = _replaced(found, card_spans(found), self._card)
            self._texts[text] = found
        return found

    def _echoless(self, text: str) -> str:
        return text if self._echo is None else self._echo.sub(lambda match: self._known[match[0]], text)

    def _card(self, text: str) -> str:
        """The placeholder of a card number, grouped as the number was."""
        if self._redaction.is_allowed(text):
            return text
        digits = iter(card_placeholder(plain_digits(text), self._redaction.salt))
        return "".join(next(digits) if char.isdigit() else char for char in text)


def _replaced(text: str, spans: Iterable[tuple[int, int]], hide: Any) -> str:
    parts: list[str] = []
    end = 0
    for start, stop in sorted(spans):
        if start >= end:
            parts += (text[end:start], hide(text[start:stop]))
            end = stop
    return "".join((*parts, text[end:])) if parts else text


def _written_as(secret: str) -> set[str]:
    """How a secret can stand in another text: as it is, as Python and JSON quote it, as an address has it."""
    forms = {secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    try:
        return forms | {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    except UnicodeError:
        return forms
