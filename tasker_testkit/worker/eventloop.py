"""An asyncio event loop in virtual time: waiting for a timer jumps to it, waiting for nothing really blocks."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from typing import Any, Final, Protocol

_SECOND: Final = 1_000_000
_GRACE_S: Final = 0.05


class Clock(Protocol):
    """What the loop needs of the world: an instant in whole microseconds, and to move it on."""

    @property
    def now_us(self) -> int:
        """The instant."""

    def advance(self, microseconds: int) -> None:
        """Let that much virtual time pass."""


class _JumpingSelector(selectors.DefaultSelector):
    """Instead of waiting for a timer it lets the clock jump there, unless a thread of ours is still at work."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self.threads_at_work = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or self.threads_at_work:
            return super().select(None if timeout is None or timeout > 0 else timeout)
        if timeout <= 0:
            return super().select(0)
        has_sockets = len(self.get_map()) > 1  # more than the loop's own pipe
        ready = super().select(_GRACE_S if has_sockets else 0)
        if not ready:
            self.clock.advance(max(1, round(timeout * _SECOND)))
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A selector loop whose ``time()`` is virtual, the same as the world's ``time.monotonic()``."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._jumping = _JumpingSelector(clock)
        super().__init__(self._jumping)
        # The loop runs timers that are due within its resolution: half a microsecond, since ours are whole ones.
        self._clock_resolution = 0.5 / _SECOND

    def time(self) -> float:
        """Virtual seconds; their float is wrong by less than the loop's resolution."""
        return self._clock.now_us / _SECOND

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """As in asyncio; no timer is jumped to while the thread works."""
        future = super().run_in_executor(executor, func, *args)
        self._jumping.threads_at_work += 1
        future.add_done_callback(self._thread_done)
        return future

    def _thread_done(self, _: asyncio.Future[Any]) -> None:
        self._jumping.threads_at_work -= 1


def run(awaitable: Any, clock: Clock) -> Any:
    """Run it to its end in a fresh virtual loop, as ``asyncio.run`` would; gives its result or raises its exception."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(clock)) as runner:
        return runner.run(awaitable if asyncio.iscoroutine(awaitable) else _awaited(awaitable))


async def _awaited(awaitable: Any) -> Any:
    return await awaitable
