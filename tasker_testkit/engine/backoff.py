"""How long a step waits before its next attempt. All delays are whole microseconds.

Documented policy: profile rows 1 to 3. The worker-made delays of ``tasker-0.1.8`` are whole seconds (row 1).
"""

from __future__ import annotations

import math
from random import Random

from tasker_testkit.model.durations import SECOND
from tasker_testkit.model.profile import Profile
from tasker_testkit.model.template import Retry

_MS = 1_000
_DEFAULT_BASE_MS = 1_000
_DEFAULT_CAP_MS = 30_000


def policy_delay(retry: Retry, attempts: int) -> int:
    """The template's delay after ``attempts`` attempts, capped: base·2^(n-1), base·n, base·F(n) or nothing."""
    base = (_DEFAULT_BASE_MS if retry.backoff_base_ms is None else retry.backoff_base_ms) * _MS
    limit = cap(retry)
    if retry.backoff == "exponential":
        return min(base << min(attempts - 1, limit.bit_length()), limit)
    return min(base * _factor(retry.backoff, attempts, limit // max(base, 1) + 1), limit)


def cap(retry: Retry) -> int:
    """The longest delay that the policy allows."""
    return (_DEFAULT_CAP_MS if retry.max_backoff_ms is None else retry.max_backoff_ms) * _MS


def documented_delay(
    retry: Retry, attempts: int, retry_after: float | None, profile: Profile, random: Random | None = None
) -> int:
    """The delay before attempt ``attempts + 1``: at least what the server asked for, at most the cap."""
    delay = policy_delay(retry, attempts)
    if retry_after is not None and profile.honours_retry_after and 0 <= retry_after < math.inf:
        delay = max(delay, round(min(retry_after * SECOND, cap(retry))))
    if random is None:
        return delay
    spread = int(delay * profile.jitter)
    return min(max(0, delay + random.randint(-spread, spread)), cap(retry))


def worker_delay(attempts: int, profile: Profile, random: Random) -> int:
    """The delay that Tasker 0.1.8 stores for a worker-made failure: whole seconds, jitter after the cap."""
    base, limit = profile.worker_backoff_base_s, profile.worker_backoff_cap_s
    delay = min(base << min(attempts, 62), limit)
    spread = int(delay * profile.jitter)
    if spread:
        shift = random.randint(0, spread)
        delay = delay + shift if random.random() < 0.5 else max(0, delay - shift)
    return delay * SECOND


def _factor(strategy: str, attempts: int, enough: int) -> int:
    """How many times the base; never computed beyond ``enough``, so that 100 attempts make no huge numbers."""
    if strategy == "linear":
        return attempts
    if strategy == "fibonacci":
        return _fibonacci(attempts, enough)
    return 0


def _fibonacci(number: int, enough: int) -> int:
    before, here = 0, 1
    for _ in range(number - 1):
        if here > enough:
            break
        before, here = here, before + here
    return here
