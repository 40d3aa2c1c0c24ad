"""Who examines the plans: this process, or an executor's workers; the results and their order are the same."""

from __future__ import annotations

import pickle
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from itertools import islice
from multiprocessing.context import SpawnContext, SpawnProcess
from threading import Lock, current_thread, main_thread
from typing import Any, Final, TypeVar

from tasker_testkit.errors import TaskerTestkitError
from tasker_testkit.explore.invariants import Broken
from tasker_testkit.explore.simpler import Plan
from tasker_testkit.search.examining import Examine, Examiner, Seen, at_work
from tasker_testkit.travelling import as_bytes

BATCH: Final = 32
"""How many plans a worker is sent at a time; fewer, if there are few."""
_AHEAD: Final = 256
"""How many batches wait for their turn in the executor, at most."""
_KEPT: Final = 8

PROCESS_SURVIVES: Final = "process_survives"
"""The name under which a plan that kills the process it runs in is a failure."""

T = TypeVar("T")

_known: dict[str, Examiner] = {}
_one_at_a_time: Final = Lock()


@contextmanager
def here(examiner: Examiner) -> Iterator[Examine]:
    """Examine in this process; its clock is frozen all the while."""
    with at_work(examiner):
        yield lambda plans, *, deeper=False: map(partial(examiner.examine, deeper=deeper), plans)


@contextmanager
def elsewhere(examiner: Examiner, executor: Executor) -> Iterator[Examine]:
    """Examine in an executor's workers. Raises TaskerTestkitError if the examiner can't be sent there."""
    crew = _Crew(_packed(examiner), executor)
    try:
        yield crew.examine
    finally:
        crew.dismiss()


def processes(number: int) -> Executor:
    """So many processes of this machine, each of which starts afresh; a Ctrl-C is for this process alone."""
    return _Processes(number, _Spawning(), _deaf)


class _Processes(ProcessPoolExecutor):
    """Ends without being hurried: left halfway, the interpreter's own end would wait for ever for its processes."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        with _later():
            return super().submit(fn, *args, **kwargs)

    def __exit__(self, *_: object) -> None:
        ours = current_thread() is main_thread()  # nobody else may say what a signal means
        before = signal.signal(signal.SIGINT, signal.SIG_IGN) if ours else None
        try:
            self.shutdown(cancel_futures=True)
        finally:
            if before is not None:
                signal.signal(signal.SIGINT, before)


class _Worker(SpawnProcess):
    """A process that doesn't hear a Ctrl-C while it starts, when it could only answer with a traceback."""

    def start(self) -> None:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # which the new process inherits
        try:
            super().start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _later() -> Iterator[None]:
    """A Ctrl-C is heard afterwards: a worker that is left halfway through its start answers with a traceback."""
    if current_thread() is not main_thread():
        yield
        return
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)
        for number in heard[:1]:
            signal.raise_signal(number)


class _Spawning(SpawnContext):
    Process = _Worker


def _deaf() -> None:
    """From now on a Ctrl-C is ignored; the watchdog's own signals, which it handles itself, come through."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _packed(examiner: Examiner) -> bytes:
    try:
        return as_bytes(examiner)
    except TaskerTestkitError:
        raise
    except Exception as error:
        raise TaskerTestkitError(
            f"The exploration can't be sent to the executor's workers: {error}. What is checked, and the input, must "
            "be importable there: functions of a module instead of lambdas and inner functions."
        ) from None


def examined(packed: bytes, plans: Sequence[Plan], deeper: bool) -> list[Seen]:
    """What a worker does: examine a batch. An examiner is unpacked once, one batch at a time runs in a process."""
    with _one_at_a_time:
        examiner = _unpacked(packed)
        with at_work(examiner):
            return [examiner.examine(plan, deeper=deeper) for plan in plans]


def _unpacked(packed: bytes) -> Examiner:
    key = sha256(packed).hexdigest()
    if key not in _known:
        while len(_known) >= _KEPT:
            del _known[next(iter(_known))]
        _known[key] = pickle.loads(packed)  # packed by ourselves
    return _known[key]


class _Crew:
    """Sends batches to the executor; what gets lost with a worker is examined in a process of our own."""

    def __init__(self, packed: bytes, executor: Executor) -> None:
        self._packed = packed
        self._executor = executor
        self._spare: Executor | None = None
        self._waiting: deque[tuple[Sequence[Plan], Future[list[Seen]] | None]] = deque()

    def examine(self, plans: Sequence[Plan], *, deeper: bool = False) -> Iterator[Seen]:
        """What is seen of each plan, in their order."""
        sent = (self._sent(batch, deeper) for batch in _batches(plans))
        self._waiting.extend(islice(sent, _AHEAD))
        while self._waiting:
            batch, future = self._waiting.popleft()
            yield from self._result(batch, future, deeper)
            self._waiting.extend(islice(sent, 1))

    def _sent(self, batch: Sequence[Plan], deeper: bool) -> tuple[Sequence[Plan], Future[list[Seen]] | None]:
        try:
            return batch, self._executor.submit(examined, self._packed, batch, deeper)
        except BrokenExecutor:
            return batch, None

    def _result(self, batch: Sequence[Plan], future: Future[list[Seen]] | None, deeper: bool) -> Iterable[Seen]:
        if future is None:
            return (self._rescued(plan, deeper) for plan in batch)
        try:
            return future.result()
        except TaskerTestkitError:
            raise
        except Exception:  # whatever befell the worker, a cluster has its own errors for it
            return (self._rescued(plan, deeper) for plan in batch)

    def _rescued(self, plan: Plan, deeper: bool) -> Seen:
        """One plan, alone in a process of its own kind: if that dies too, it is the plan that kills it."""
        if self._spare is None:
            self._spare = processes(1)
        try:
            return self._spare.submit(examined, self._packed, [plan], deeper).result()[0]
        except BrokenExecutor:
            self._spare = None
            return Seen(plan, broken=(Broken(PROCESS_SURVIVES, "the process that ran this plan died"),))

    def dismiss(self) -> None:
        """Nothing more is needed."""
        for _, future in self._waiting:
            if future is not None:
                future.cancel()
        if self._spare is not None:
            self._spare.shutdown()


def _batches(plans: Sequence[Plan]) -> Iterator[Sequence[Plan]]:
    size = max(1, min(BATCH, len(plans) // 8))
    return (plans[start : start + size] for start in range(0, len(plans), size))
