"""Chance inside a run: what an attempt draws depends on the run's seed, its step and its number, and on nothing else.

``random.*``, ``secrets.*``, ``os.urandom``, ``uuid.uuid1`` and ``uuid4``, unseeded ``random.Random()`` and the names of
temporary files draw from generators of the attempt that runs; where none runs they are the real ones. Nothing is made
before it is first drawn from, so an attempt without chance pays nothing for it. The global generator of numpy, if that
is imported, is seeded for each attempt, and has its own state again after the run.

Not covered: generators that were made before the attempt (the guard names those of ``random``), and ``hash`` of texts.
"""

from __future__ import annotations

import importlib
import os
import random
import sys
import time
import uuid
import zlib
from collections.abc import Callable, Iterator
from functools import wraps
from random import Random
from types import BuiltinMethodType, MethodType
from typing import Any, Final

from tasker_testkit.worker.bystanders import is_bystander

_HIDDEN: Final[Random] = random.random.__self__  # type: ignore[attr-defined]  # whose methods random's functions are
_UUID_EPOCH: Final = 0x01B2_1DD2_1381_4000
"""100 ns intervals from the beginning of UUIDs (1582) to 1970."""
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789_"
_NAME_LENGTH: Final = 8

_urandom: Final = os.urandom
_seed: Final = Random.seed
_uuid1: Final = uuid.uuid1


class Chance:
    """The generators of one attempt; ``seed`` is a text of its own for every dispatch."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._made: dict[str, Random] = {}
        self._unseeded = 0
        self._ticks = 0

    def of(self, purpose: str) -> Random:
        """The generator for one purpose: what is drawn for others doesn't change what it gives."""
        made = self._made.get(purpose)
        if made is None:
            made = self._made[purpose] = Random(f"{self._seed}/{purpose}")
        return made

    def next_seed(self) -> str:
        """The seed of the next generator that is made without one."""
        self._unseeded += 1
        return f"{self._seed}/unseeded/{self._unseeded}"

    def next_tick(self, tick: int) -> int:
        """The instant of the next UUID: ``tick``, or just after the one before, so that no two are the same."""
        self._ticks = max(tick, self._ticks + 1)
        return self._ticks

    def names(self) -> Iterator[str]:
        """Names for temporary files, one after the other."""
        generator = self.of("tempfile")
        while True:
            yield "".join(generator.choices(_LETTERS, k=_NAME_LENGTH))


_now: Chance | None = None
on_seed: Callable[[Random], object] = id
"""Hears of every generator that is made or seeded in an attempt; the guard puts itself here for a while."""


def begin(seed: str) -> None:
    """From now on an attempt draws; the same ``seed`` gives it the same."""
    global _now
    _now = Chance(seed)
    generator = _global_of_numpy()
    if generator is not None:
        generator.seed(zlib.crc32(seed.encode()))


def end() -> None:
    """The attempt is over: chance is real again, but for numpy's global generator (``state_of_numpy``)."""
    global _now
    _now = None


def state_of_numpy() -> Any:
    """The state of numpy's global generator, for ``put_back``; reading and writing it takes longer than an attempt."""
    generator = _global_of_numpy()
    return None if generator is None else generator.get_state()


def put_back(state: Any) -> None:
    """Give numpy's global generator its state back; None: it has had none."""
    generator = _global_of_numpy()
    if generator is not None and state is not None:
        generator.set_state(state)


def _global_of_numpy() -> Any:
    library: Any = sys.modules.get("numpy.random")
    return None if library is None else library.mtrand._rand


def replacements() -> list[tuple[Any, Any]]:
    """Real function and the attempt's, of what is imported so far."""
    pairs: list[tuple[Any, Any]] = [(_urandom, virtual_urandom), (_uuid1, virtual_uuid1)]
    pairs += [(real, _drawn(real)) for real in vars(random).values() if _is_hidden(real)]
    if "numpy" in sys.modules:
        importlib.import_module("numpy.random")  # or numpy does it when it is used: in the middle of an attempt
    if "tempfile" in sys.modules:
        real_names = sys.modules["tempfile"]._get_candidate_names
        pairs.append((real_names, _names(real_names)))
    return pairs


def methods() -> list[tuple[Any, str, Any, Any]]:
    """Class, attribute, real method and the attempt's, where they aren't in place yet."""
    return [(Random, "seed", _seed, virtual_seed)] if Random.seed is _seed else []


def virtual_urandom(size: int, /) -> bytes:
    """``os.urandom`` of an attempt; ``secrets``, ``random.SystemRandom`` and ``uuid.uuid4`` draw from it."""
    chance = drawing()
    return _urandom(size) if chance is None else chance.of("urandom").randbytes(size)


def virtual_seed(self: Random, a: Any = None, version: int = 2) -> None:
    """``Random.seed`` of an attempt: without a seed, one of the attempt's."""
    on_seed(self)
    chance = None if a is not None else drawing()
    _seed(self, a if chance is None else chance.next_seed(), version)


def virtual_uuid1(node: int | None = None, clock_seq: int | None = None) -> uuid.UUID:
    """``uuid.uuid1`` of an attempt: the virtual instant, and a node that is no machine's."""
    chance = drawing()
    if chance is None:
        return _uuid1(node, clock_seq)
    tick = chance.next_tick(time.time_ns() // 100 + _UUID_EPOCH)
    node = chance.of("node").getrandbits(48) | 1 << 40 if node is None else node  # marked as made up, as in RFC 4122
    sequence = chance.of("uuid1").getrandbits(14) if clock_seq is None else clock_seq
    low, middle, high = tick & 0xFFFF_FFFF, tick >> 32 & 0xFFFF, tick >> 48 & 0x0FFF
    return uuid.UUID(fields=(low, middle, high, sequence >> 8 & 0x3F, sequence & 0xFF, node), version=1)


def drawing() -> Chance | None:
    """The generators of the attempt that draws in this thread, None if none does."""
    return None if _now is None or is_bystander() else _now


def _is_hidden(value: Any) -> bool:
    return isinstance(value, (MethodType, BuiltinMethodType)) and value.__self__ is _HIDDEN


def _drawn(real: Callable[..., Any]) -> Callable[..., Any]:
    """One of the functions of ``random``, drawing from the attempt's generator."""
    name = real.__name__

    @wraps(real)
    def drawn(*args: Any, **fields: Any) -> Any:
        chance = drawing()
        return real(*args, **fields) if chance is None else getattr(chance.of("random"), name)(*args, **fields)

    return drawn


def _names(real: Callable[[], Any]) -> Callable[[], Any]:
    def names() -> Any:
        chance = drawing()
        return real() if chance is None else chance.names()

    return names
