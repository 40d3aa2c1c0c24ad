"""Delays: the documented policies, and the whole seconds that a worker-made failure waits as built."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_testkit.engine.backoff import documented_delay, policy_delay, worker_delay
from tasker_testkit.model.profile import DOCUMENTED, TASKER_0_1_8
from tasker_testkit.model.template import BACKOFF_STRATEGIES, Retry

MS = 1_000
SECOND = 1_000_000
TABLE = {
    ("exponential", 1000, 30000): [1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000, 30000],
    ("exponential", 100, 5000): [100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000],
    ("exponential", 5000, 60000): [5000, 10000, 20000, 40000, 60000, 60000, 60000, 60000, 60000],
    ("linear", 1000, 30000): [1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000],
    ("fibonacci", 1000, 30000): [1000, 1000, 2000, 3000, 5000, 8000, 13000, 21000, 30000],
    ("none", 1000, 30000): [0, 0, 0],
}
policies = st.builds(
    Retry,
    backoff=st.sampled_from(BACKOFF_STRATEGIES),
    max_attempts=st.integers(1, 100),
    backoff_base_ms=st.none() | st.integers(100, 3_600_000),
    max_backoff_ms=st.none() | st.integers(1_000, 3_600_000),
)


@pytest.mark.parametrize("policy", TABLE, ids=str)
def test_the_documented_delays(policy):
    """Each strategy gives the documented delays, attempt by attempt, exactly."""
    strategy, base, cap = policy
    retry = Retry(backoff=strategy, backoff_base_ms=base, max_backoff_ms=cap)
    assert [policy_delay(retry, n + 1) // MS for n in range(len(TABLE[policy]))] == TABLE[policy]


def test_absent_numbers_have_the_defaults():
    """A retry block without numbers waits 1, 2, 4, ... s up to 30 s."""
    retry = Retry(backoff_base_ms=None, max_backoff_ms=None)
    assert [policy_delay(retry, n) // SECOND for n in range(1, 8)] == [1, 2, 4, 8, 16, 30, 30]


@given(policies, st.integers(1, 10_000))
def test_a_delay_grows_up_to_the_cap(retry, attempts):
    """A delay never shrinks from attempt to attempt and never exceeds the cap, however many attempts."""
    cap = (retry.max_backoff_ms or 30_000) * MS
    delays = [policy_delay(retry, n) for n in (1, attempts, attempts + 1)]
    assert all(before <= after for before, after in pairwise(delays))
    assert max(delays) <= cap


@given(policies, st.integers(1, 100), st.floats(0, 10_000))
def test_a_server_requested_delay_is_a_lower_bound_within_the_cap(retry, attempts, asked):
    """The step waits at least as long as the server asked for, but never longer than the cap (row 2)."""
    delay = documented_delay(retry, attempts, asked, DOCUMENTED)
    cap = (retry.max_backoff_ms or 30_000) * MS
    assert delay == min(max(policy_delay(retry, attempts), round(asked * SECOND)), cap)


@pytest.mark.parametrize("nonsense", [-1.0, float("nan"), float("inf"), None])
def test_a_nonsensical_request_is_ignored(nonsense):
    """A negative, infinite or missing request leaves the policy's delay alone."""
    assert documented_delay(Retry(), 1, nonsense, DOCUMENTED) == SECOND


@given(policies, st.integers(1, 100), st.integers())
def test_documented_jitter_comes_from_the_generator_alone(retry, attempts, seed):
    """The same generator gives the same delay, never outside the fraction around the policy's delay."""
    profile = replace(DOCUMENTED, jitter=0.1)
    first, again = (documented_delay(retry, attempts, None, profile, Random(seed)) for _ in range(2))
    assert first == again
    assert abs(first - policy_delay(retry, attempts)) <= policy_delay(retry, attempts) * 0.1


@pytest.mark.parametrize(
    ("attempts", "seconds", "spread"),
    [(1, 2, 0), (2, 4, 0), (3, 8, 1), (4, 16, 2), (5, 32, 4), (6, 64, 9), (11, 2048, 307), (90, 3600, 540)],
)
def test_as_built_delays_are_whole_seconds_with_jitter_after_the_cap(attempts, seconds, spread):
    """A worker-made failure waits 2^n s up to the cap, plus or minus whole seconds of 15 %, cap or not (row 1)."""
    found = {worker_delay(attempts, TASKER_0_1_8, Random(seed)) for seed in range(300)}
    assert all(delay % SECOND == 0 for delay in found)
    assert min(found) >= (seconds - spread) * SECOND
    assert max(found) <= (seconds + spread) * SECOND
    assert (len(found) > 1) == (spread > 0)


def test_without_jitter_the_recorded_configuration_is_exact():
    """With the cap of 10 s and no jitter the delays are 2, 4, 8, 10, 10 s."""
    profile = replace(TASKER_0_1_8, worker_backoff_cap_s=10, jitter=0.0)
    assert [worker_delay(n, profile, Random(0)) // SECOND for n in range(1, 6)] == [2, 4, 8, 10, 10]
