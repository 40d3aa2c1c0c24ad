"""Texts measured in the cells of a terminal: made harmless, shortened, and put together from toned pieces."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

Tone = Literal["plain", "quiet", "title", "good", "bad", "odd", "fault"]
"""What a piece of text is; a terminal makes a colour of it, plain text ignores it."""


Mark = Literal["good", "bad", "open", "none", "note"]
"""How an attempt ended; ``open``: without a known result, ``none``: there was no attempt, ``note``: it is none."""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line, all in one tone. It holds no control character and no line break."""

    text: str
    tone: Tone = "plain"


Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Signs:
    """The characters a timeline is drawn with; ``ascii_only``: the user's texts are escaped to ASCII too."""

    good: str = "✓"
    bad: str = "✗"
    open: str = "?"
    none: str = "○"
    note: str = "!"
    wait: str = "·"
    run: str = "━"
    rule: str = "─"
    dot: str = " · "
    arrow: str = "→"
    ellipsis: str = "…"
    ascii_only: bool = False

    @property
    def of(self) -> dict[Mark, str]:
        """The sign of each way in which an attempt can end."""
        return {"good": self.good, "bad": self.bad, "open": self.open, "none": self.none, "note": self.note}


UNICODE: Final = Signs()
ASCII: Final = Signs("+", "x", "?", "-", "!", ".", "=", "-", " | ", "->", "...", ascii_only=True)


def clean(text: object, signs: Signs) -> str:
    """The text on one line: whatever isn't printable is shown as its escape, such as ``\\n`` or ``\\x1b``."""
    shown = str(text)
    if shown.isprintable() and (shown.isascii() or not signs.ascii_only):
        return shown
    return "".join(_escaped(char, signs.ascii_only) for char in shown)


def _escaped(char: str, ascii_only: bool) -> str:
    if char.isprintable() and (char.isascii() or not ascii_only):
        return char
    return char.encode("unicode_escape").decode()


def cells(text: str) -> int:
    """How many cells of a terminal the text takes: wide characters two, combining ones none."""
    return len(text) if text.isascii() else sum(map(_cell, text))


def _cell(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def shortened(text: str, room: int, signs: Signs) -> str:
    """The text in at most ``room`` cells; what doesn't fit is replaced by an ellipsis at the end."""
    start = _fitting(text, room)
    if len(start) == len(text):
        return text
    return _fitting(text, room - len(signs.ellipsis)).rstrip() + signs.ellipsis[:room]


def abbreviated(name: str, room: int, signs: Signs) -> str:
    """The name in at most ``room`` cells, cut in the middle: names in a batch differ at their ends."""
    if cells(name) <= room:
        return name
    left = max(0, room - len(signs.ellipsis))
    start = _fitting(name, left // 2)
    end = _fitting(reversed(name), left - cells(start))[::-1]
    return start + signs.ellipsis[:room] + end


def _fitting(text: Iterable[str], room: int) -> str:
    """The longest beginning of the text that takes at most ``room`` cells."""
    taken: list[str] = []
    for char in text:
        room -= _cell(char)
        if room < 0:
            break
        taken.append(char)
    return "".join(taken)


def wrapped(text: str, width: int) -> list[str]:
    """The text in lines of at most ``width`` cells; those after the first are indented by two more. Long words are cut.

    Its own indent is kept, up to a third of the width.
    """
    start = text[: min(len(text) - len(text.lstrip()), width // 3)]
    lines = [start]
    for word in _cut(text.split(), width - len(start) - 2):
        line = f"{lines[-1]} {word}" if lines[-1].strip() else lines[-1] + word
        if cells(line) <= width:
            lines[-1] = line
        else:
            lines.append(f"{start}  {word}")
    return lines


def _cut(words: Iterable[str], room: int) -> Iterator[str]:
    for word in words:
        while cells(word) > room:
            piece = _fitting(word, room)
            yield piece
            word = word[len(piece) :]
        yield word


def padded(text: str, width: int) -> str:
    """The text with spaces behind it up to ``width`` cells."""
    return text + " " * (width - cells(text))


def fitted(line: Line, width: int, signs: Signs) -> Line:
    """The line in at most ``width`` cells and without spaces at its end."""
    return tuple(_trimmed(list(_taken(line, width, signs))))


def _taken(line: Line, width: int, signs: Signs) -> Iterator[Span]:
    for span in line:
        kept = shortened(span.text, width, signs)
        yield replace(span, text=kept)
        width -= cells(kept)
        if kept != span.text or width <= 0:
            return


def _trimmed(spans: list[Span]) -> list[Span]:
    while spans and not spans[-1].text.rstrip():
        spans.pop()
    if spans:
        spans[-1] = replace(spans[-1], text=spans[-1].text.rstrip())
    return spans


def joined(line: Line) -> str:
    """The line as plain text."""
    return "".join(span.text for span in line)
