"""``effect(...)``, which a gateway's double calls where the real gateway would change the world outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from tasker_testkit.errors import EffectError
from tasker_testkit.worker.wire import NotJson, crossed

Book = Callable[[str, Any, dict[str, Any]], None]
"""Takes an effect's name, key and data."""

_listening: Book | None = None
_refused: EffectError | None = None


def effect(name: str, key: Any = None, **data: Any) -> None:
    """Book an effect on the world outside for the handler at work; ``run.effects`` lists them.

    Call it where the effect happens: behind the double's own deduplication, so that an idempotent gateway books once.
    ``key`` is what the other side would know the same effect by (text, a number, a UUID, a list of these); ``data`` is
    anything JSON that is worth seeing in a report. Outside a handler under test nothing happens, so that a double can
    be used anywhere. Raises EffectError for an empty name and for what isn't JSON.
    """
    if _listening is None:
        return
    if not isinstance(name, str) or not name:
        _refuse(f"An effect's name is a text such as 'charge', not {name!r:.80}.")
    try:
        _listening(name, crossed(key, "key"), crossed(data, "data"))
    except NotJson as error:
        _refuse(f"effect({name!r}) can't be booked: {error}. Give an id, or fields that matter.")


def _refuse(message: str) -> NoReturn:
    """Raise an EffectError, now and, since handlers catch much, once more at the attempt's end."""
    global _refused
    _refused = EffectError(message)
    raise _refused from None


def listen(book: Book | None) -> Book | None:
    """Hand every effect to ``book`` from now on; gives what was there before, to be put back.

    Raises EffectError if an effect was refused meanwhile.
    """
    global _listening, _refused
    before, _listening = _listening, book
    if _refused is not None:
        refused, _refused = _refused, None
        raise refused
    return before
