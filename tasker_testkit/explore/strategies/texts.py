"""Texts: of some length, that match patterns and formats, or don't."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from importlib import import_module
from typing import Final, NamedTuple

from hypothesis import strategies as st
from jsonschema.validators import Draft202012Validator

from tasker_testkit.explore.strategies.formats import FORMATS
from tasker_testkit.explore.strategies.shapes import Shape
from tasker_testkit.explore.strategies.sieve import sifted

_LONGEST: Final = 16
"""Texts are drawn so many characters longer than they have to be, at most."""
ALPHABET: Final = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
"""All but what UTF-8 can't hold and what Tasker's database can't store."""

_REPEATED: Final = re.compile(r"\^((?:\[\^?\]?(?:\\.|[^\]\\])*\]|\\[wd]|[\w ]))([+*]|\{\d+,\d*\})\$")
"""One class of characters, repeated, and nothing else."""


class Wanted(NamedTuple):
    """What a text has to be."""

    shortest: int
    longest: float
    patterns: tuple[str, ...]
    not_patterns: tuple[str, ...]
    formats: tuple[str, ...]
    not_formats: tuple[str, ...]

    def accepts(self, text: str) -> bool:
        """Whether the text is all of it, as the validator sees it."""
        conforms = Draft202012Validator.FORMAT_CHECKER.conforms
        return (
            self.shortest <= len(text) <= self.longest
            and all(re.search(pattern, text) for pattern in self.patterns)
            and not any(re.search(pattern, text) for pattern in self.not_patterns)
            and all(conforms(text, name) for name in self.formats)
            and not any(conforms(text, name) for name in self.not_formats)
        )


def possible(shape: Shape) -> bool:
    """Whether a text of the shape may exist: the lengths that its patterns match meet those that are wanted."""
    for pattern in shape.patterns:
        low, high = _lengths(pattern)
        if low > shape.longest or high < shape.shortest:
            return False
    return not any(pattern in shape.patterns for pattern in shape.not_patterns)


def drawn(shape: Shape) -> st.SearchStrategy[str]:
    """Texts of the shape, towards short ones of simple characters."""
    return _texts(Wanted(*(getattr(shape, name) for name in Wanted._fields)))


@lru_cache(maxsize=512)
def _texts(wanted: Wanted) -> st.SearchStrategy[str]:
    sources = [_matching(pattern, wanted) for pattern in wanted.patterns]
    sources += [FORMATS[name].fitting() for name in wanted.formats if name in FORMATS]
    if not sources:
        formats = [FORMATS[name] for name in wanted.not_formats if name in FORMATS]
        sources = [st.sampled_from(one.wrong) for one in formats]
        sources += [_any(wanted)] if all(one.rare for one in formats) else []
        sources += [_spoilt(pattern) for pattern in wanted.not_patterns]
    return st.one_of([sifted(source, wanted.accepts) for source in sources])


def _any(wanted: Wanted) -> st.SearchStrategy[str]:
    most = int(min(wanted.longest, wanted.shortest + _LONGEST))
    return st.text(ALPHABET, min_size=wanted.shortest, max_size=most)


def _matching(pattern: str, wanted: Wanted) -> st.SearchStrategy[str]:
    """Texts that match, without the line break that ``$`` of Python's allows at the end."""
    found = st.from_regex(_fitted(pattern, wanted), alphabet=ALPHABET)
    return found.map(lambda text: text[:-1] if text.endswith("\n") and re.search(pattern, text[:-1]) else text)


def _fitted(pattern: str, wanted: Wanted) -> str:
    """A pattern of one repeated class, repeated as often as the lengths allow; any other as it is."""
    match = _REPEATED.fullmatch(pattern)
    if match is None:
        return pattern
    low, high = _lengths(pattern)
    least = max(low, wanted.shortest)
    return f"^{match[1]}{{{least},{int(min(high, wanted.longest, least + _LONGEST))}}}$"


def _spoilt(pattern: str) -> st.SearchStrategy[str]:
    """Texts that would match, but for a character too many or too few."""
    found = st.from_regex(pattern, alphabet=ALPHABET)
    return found.flatmap(lambda text: st.sampled_from([text[:-1], text[1:], f"{text}!", f"!{text}"]))


@lru_cache(maxsize=512)
def _lengths(pattern: str) -> tuple[int, float]:
    """How long a text that matches can be. Only of a pattern that is anchored at both ends something is known."""
    parser = import_module("re._parser")  # what Hypothesis reads patterns with, too
    parsed = parser.parse(pattern)
    low, high = parsed.getwidth()
    first, last = (str(parsed[0]), str(parsed[len(parsed) - 1])) if len(parsed) else ("", "")
    closed = "AT_BEGINNING" in first and "AT_END" in last
    return low, high if closed and high < parser.MAXREPEAT else math.inf
