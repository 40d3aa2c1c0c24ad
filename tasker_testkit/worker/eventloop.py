"""An asyncio event loop in virtual time: waiting for a timer jumps to it, waiting for nothing really blocks."""

from __future__ import annotations

import asyncio
import re
import selectors
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from tasker_testkit.worker import threads
from tasker_testkit.worker.threads import Clock

_SECOND: Final = 1_000_000
_GRACE_S: Final = 0.05
_NUMBERED: Final = re.compile(r"Task-\d+$")


class _JumpingSelector(selectors.DefaultSelector):
    """Instead of waiting for a timer it lets the clock jump there, unless somebody else is still at work."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self.working_elsewhere = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return super().select(0)
        if not threads.alone():
            return self._among_threads(timeout)
        if timeout is None or self.working_elsewhere:
            return super().select(timeout)
        has_sockets = len(self.get_map()) > 1  # more than the loop's own pipe
        ready = super().select(_GRACE_S if has_sockets else 0)
        if not ready:
            self.clock.advance(_whole(timeout))
        return ready

    def _among_threads(self, timeout: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        """The same for a loop that isn't the only one who waits."""
        found: list[tuple[selectors.SelectorKey, int]] = []

        def ready(seconds: float) -> bool:
            found[:] = selectors.DefaultSelector.select(self, seconds)
            return bool(found)

        deadline = None if timeout is None else self.clock.now_us + _whole(timeout)
        threads.waited(self.clock, deadline, ready, self._pending)
        return found

    def _pending(self) -> bool:
        return not self.working_elsewhere and not super().select(0)


def _whole(seconds: float) -> int:
    """Microseconds, at least one: the loop has to get on."""
    return max(1, round(seconds * _SECOND))


class VirtualLoop(asyncio.SelectorEventLoop):
    """A selector loop whose ``time()`` is virtual, the same as the world's ``time.monotonic()``."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._jumping = _JumpingSelector(clock)
        super().__init__(self._jumping)
        # The loop runs timers that are due within its resolution: half a microsecond, since ours are whole ones.
        self._clock_resolution = 0.5 / _SECOND
        self._left: set[asyncio.Task[Any]] = set()

    def time(self) -> float:
        """Virtual seconds; their float is wrong by less than the loop's resolution."""
        return self._clock.now_us / _SECOND

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """As in asyncio; no timer is jumped to while another process works."""
        future = super().run_in_executor(executor, func, *args)
        if not isinstance(executor, (ThreadPoolExecutor, type(None))):
            self._jumping.working_elsewhere += 1
            future.add_done_callback(self._worked)
        return future

    def run_until_complete(self, future: Any) -> Any:
        """As in asyncio; tasks that aren't done then, and are cancelled later, are left behind."""
        try:
            return super().run_until_complete(future)
        finally:
            self._left.update(task for task in asyncio.all_tasks(self) if not task.cancelling())

    def close(self) -> None:
        """As in asyncio; the names of the tasks that were left behind are noted."""
        super().close()
        left = sorted(_name(task) for task in self._left if task.cancelled() or not task.done())
        if left:
            self._clock.note(f"the handler leaves asyncio tasks behind, which are cancelled: {', '.join(left)}")
        self._left.clear()

    async def _make_subprocess_transport(self, *args: Any, **fields: Any) -> Any:
        """As in asyncio; no timer is jumped to while the process runs."""
        self._jumping.working_elsewhere += 1
        try:
            return await super()._make_subprocess_transport(*args, **fields)  # type: ignore[misc]
        except BaseException:
            self._worked()
            raise

    def _child_watcher_callback(self, *args: Any) -> None:
        """As in asyncio, which calls it in a thread when a process is over."""
        super()._child_watcher_callback(*args)  # type: ignore[misc]
        self.call_soon_threadsafe(self._worked)

    def _worked(self, *_: Any) -> None:
        self._jumping.working_elsewhere -= 1


def _name(task: asyncio.Task[Any]) -> str:
    """The name that the task was given; if it wasn't, what it runs."""
    name = task.get_name()
    return str(getattr(task.get_coro(), "__qualname__", name)) if _NUMBERED.match(name) else name


def run(awaitable: Any, clock: Clock) -> Any:
    """Run it to its end in a fresh virtual loop, as ``asyncio.run`` would; gives its result or raises its exception."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(clock)) as runner:
        return runner.run(awaitable if asyncio.iscoroutine(awaitable) else _awaited(awaitable))


async def _awaited(awaitable: Any) -> Any:
    return await awaitable
