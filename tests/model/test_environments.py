"""What an environment of a template overrides (row 15)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_testkit.errors import TaskerTestkitError
from tasker_testkit.model.loading import apply_environment, load_template
from tasker_testkit.model.template import Retry


def template(*overrides, **initialization):
    """Two steps, and one environment with these entries."""
    steps = [
        {
            "name": name,
            "handler": {"callable": "x", "initialization": {"keep": 1, "deep": {"a": 1, "b": 2}}},
            "timeout_seconds": 9,
            "retry": {"max_attempts": 7, "backoff_base_ms": 500},
        }
        for name in ("a", "b")
    ]
    environments = {"production": {"steps": list(overrides)}, "test": {"steps": []}}
    return load_template(
        {"name": "t", "namespace_name": "n", "version": "1", "steps": steps, "environments": environments}
    )


def applied(*overrides):
    """The two steps after the overrides."""
    return apply_environment(template(*overrides), "production").steps


def test_initialization_is_merged_key_by_key_and_nested_mappings_whole():
    """A key that is given replaces the step's, a nested mapping as a whole; others stay."""
    a, b = applied({"name": "a", "handler": {"initialization": {"deep": {"c": 3}, "new": 1}}})
    assert a.handler.initialization == {"keep": 1, "deep": {"c": 3}, "new": 1}
    assert b.handler.initialization == {"keep": 1, "deep": {"a": 1, "b": 2}}


def test_retry_is_replaced_whole():
    """Keys that an overriding retry lacks fall to the defaults inside a retry, not to the step's values."""
    a, b = applied({"name": "a", "retry": {"max_attempts": 2}, "timeout_seconds": 1})
    assert a.retry == Retry(max_attempts=2, backoff_base_ms=None, max_backoff_ms=None)
    assert a.timeout_seconds == 1
    assert (b.retry.max_attempts, b.timeout_seconds) == (7, 9)


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "ALL", "all", "zz"]), st.integers(1, 99)), max_size=6))
def test_entries_apply_in_order_and_all_means_every_step(entries):
    """Of the entries for a step, ``ALL`` included and in this spelling only, the last one counts."""
    steps = applied(*({"name": name, "timeout_seconds": seconds} for name, seconds in entries))
    for step in steps:
        meant = [seconds for name, seconds in entries if name in (step.name, "ALL")]
        assert step.timeout_seconds == (meant[-1] if meant else 9)


def test_an_empty_entry_changes_nothing():
    """An entry without anything to override leaves the steps as they are."""
    assert applied({"name": "ALL"}, {"name": "a", "handler": {}}) == template().steps


def test_no_environment_and_a_profile_without_them():
    """Without an environment, or under a profile that ignores them, the template is the same object."""
    one = template({"name": "a", "timeout_seconds": 1})
    assert apply_environment(one, None) is one
    assert apply_environment(one, "production", "tasker-0.1.8") is one
    assert apply_environment(one, "nowhere", "tasker-0.1.8") is one


def test_an_environment_that_is_not_there_is_a_mistake():
    """Who asks for an unknown environment learns which there are."""
    with pytest.raises(TaskerTestkitError) as refused:
        apply_environment(template(), "prodution")
    assert str(refused.value) == (
        "Template 't' has no environment 'prodution'. Did you mean 'production'? It has:\n  production\n  test"
    )
