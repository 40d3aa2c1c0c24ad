"""Fault plans: built, read, written, looked up, and refused in words that help."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_testkit.errors import FaultError
from tasker_testkit.model.faults import Fault, FaultPlan, as_plan, corrupted
from tasker_testkit.model.loading import load_faults, load_template
from tasker_testkit.model.outcome import Failure

KINDS = "raise\n  fail\n  delay\n  hang\n  crash\n  lose_result\n  duplicate\n  corrupt"
TEMPLATE = load_template(
    {
        "name": "t",
        "namespace_name": "n",
        "version": "1",
        "steps": [
            {"name": "process_payment", "handler": {"callable": "x"}, "retry": {"max_attempts": 2}},
            {"name": "an", "handler": {"callable": "x"}, "type": "batchable"},
            {"name": "work", "handler": {"callable": "x"}, "type": "batch_worker", "dependencies": ["an"]},
        ],
    },
    profile="tasker-0.1.8",
)

names = st.text(min_size=1, max_size=5)
attempts = st.none() | st.integers(1, 9) | st.lists(st.integers(1, 9), min_size=1)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
failures = st.fixed_dictionaries(
    {},
    optional={
        "message": st.text(),
        "error_type": st.text(),
        "error_code": st.text(),
        "retryable": st.booleans(),
        "retry_after": st.integers(0, 99),
        "metadata": st.dictionaries(st.text(), json_values, max_size=2),
    },
)
exceptions = st.one_of(
    st.sampled_from([ConnectionError("reset by peer"), ValueError, TimeoutError(), SystemExit(3)]),
    st.text().map(RuntimeError),
)
steps_of_a_plan = st.one_of(
    st.tuples(st.just("raise_"), names, st.tuples(exceptions), st.just({})),
    st.tuples(st.just("fail"), names, st.just(()), failures),
    st.tuples(st.just("delay"), names, st.tuples(st.integers(0, 10**9).map(lambda us: f"{us}us")), st.just({})),
    st.tuples(
        st.just("crash"), names, st.just(()), st.fixed_dictionaries({"when": st.sampled_from(["before", "after"])})
    ),
    st.tuples(st.sampled_from(["hang", "lose_result", "duplicate"]), names, st.just(()), st.just({})),
    st.tuples(st.just("corrupt"), names, st.tuples(st.sampled_from(["a", "a.0.b", "$"]), json_values), st.just({})),
)


@st.composite
def plans(draw):
    """Any plan, built with its methods."""
    plan = FaultPlan()
    for method, step, arguments, options in draw(st.lists(steps_of_a_plan, max_size=5)):
        assert getattr(plan, method)(step, *arguments, **options, attempt=draw(attempts)) is plan
    return plan


@given(plans())
def test_data_of_a_plan_is_the_plan(plan):
    """Written as data, through JSON, and read again, a plan is equal to itself; so is its file."""
    data = json.loads(json.dumps(plan.to_data()))
    assert FaultPlan.from_data(data) == plan
    assert FaultPlan.from_data(data).to_data() == data
    assert as_plan(data) == plan
    assert as_plan(plan) is plan
    assert len(plan) == len(data) == len(list(plan))


@given(plans(), names, st.integers(1, 9))
def test_at_gives_the_faults_of_an_attempt(plan, step, attempt):
    """``at`` gives those faults, in the plan's order, that name the step and the attempt or every attempt."""
    for wanted in {step, *(fault.step for fault in plan)}:
        expected = [
            fault for fault in plan if fault.step == wanted and (fault.attempts is None or attempt in fault.attempts)
        ]
        assert list(plan.at(wanted, attempt)) == expected


def test_plans_are_equal_by_value_and_order():
    """Two plans with the same faults are equal; another order or another fault makes another plan."""
    one, other = (FaultPlan().hang("a").delay("b", "1s") for _ in range(2))
    assert one == other
    assert FaultPlan().delay("b", 1).hang("a") != one
    assert FaultPlan().raise_("a", OSError("x")) == FaultPlan().raise_("a", OSError("x"))
    assert FaultPlan().raise_("a", OSError("x")) != FaultPlan().raise_("a", OSError("y"))
    assert as_plan(None) == FaultPlan()


def test_the_forms_of_a_file(tmp_path):
    """A plan's file has one entry a fault, in YAML or JSON."""
    text = (
        "- {step: process_payment, attempt: 1, fail: {error_type: timeout, retryable: true}}\n"
        "- {step: create_order, attempt: [2, 1], raise: {type: ConnectionError, message: reset by peer}}\n"
        "- {step: update_inventory, delay: 40s}\n"
        "- {step: update_inventory, attempt: 1, crash: after}\n"
    )
    expected = (
        FaultPlan()
        .fail("process_payment", attempt=1, error_type="timeout")
        .raise_("create_order", ConnectionError("reset by peer"), attempt=(1, 2))
        .delay("update_inventory", 40)
        .crash("update_inventory", when="after", attempt=1)
    )
    file = tmp_path / "faults.yaml"
    file.write_text(text)
    assert load_faults(file) == load_faults(text) == expected
    file.write_text(json.dumps(expected.to_data()))
    assert load_faults(file) == load_faults(expected.to_data()) == load_faults(expected) == expected
    assert expected.to_data()[2] == {"step": "update_inventory", "delay": "40s"}
    assert load_faults("\n") == FaultPlan()


BAD = {
    "misspelt key": (
        {"step": "a", "atempt": 1, "fail": {}},
        "Unknown key 'atempt'. Did you mean 'attempt'? Known keys:\n",
    ),
    "misspelt field": (
        {"step": "a", "fail": {"eror_type": "x"}},
        "Unknown key 'eror_type'. Did you mean 'error_type'? Known keys:\n  message\n  error_type\n",
    ),
    "unknown kind": ({"step": "a", "explode": {}}, f"Unknown key 'explode'. Known keys:\n  step\n  attempt\n  {KINDS}"),
    "no kind": ({"step": "a"}, f"A fault needs exactly one kind; this one has none. Kinds:\n  {KINDS}"),
    "two kinds": (
        {"step": "a", "fail": {}, "hang": True},
        f"A fault needs exactly one kind; this one has fail and hang. Kinds:\n  {KINDS}",
    ),
    "no step": ({"hang": True}, "The fault 'hang' names no step. Add 'step: NAME'."),
    "step as number": ({"step": 1, "hang": True}, "A fault's step is the name of a step, not 1."),
    "attempt 0": (
        {"step": "a", "attempt": 0, "hang": True},
        "attempt=0: attempts are whole numbers from 1; None is every attempt.",
    ),
    "attempt as text": (
        {"step": "a", "attempt": "1", "hang": True},
        "attempt='1': attempts are whole numbers from 1; None is every attempt.",
    ),
    "no attempts": ({"step": "a", "attempt": [], "hang": True}, "attempt=[]: attempts are whole numbers from 1;"),
    "attempt true": ({"step": "a", "attempt": True, "hang": True}, "attempt=True: attempts are whole numbers from 1;"),
    "attempt null": (
        {"step": "a", "attempt": None, "hang": True},
        "'attempt' is empty. Give a number or several, or leave the key out for every attempt.",
    ),
    "fault as text": ("hang", "A fault is a mapping such as {step: x, attempt: 1, fail: {}}, not 'hang'."),
    "fail as text": (
        {"step": "a", "fail": "x"},
        "'fail' takes a mapping, not 'x'. Known keys:\n  message\n  error_type",
    ),
    "retryable as text": (
        {"step": "a", "fail": {"retryable": "yes"}},
        "'retryable' of 'fail' must be true or false, not 'yes'.",
    ),
    "retry_after true": (
        {"step": "a", "fail": {"retry_after": True}},
        "'retry_after' of 'fail' must be a number of seconds, not True.",
    ),
    "metadata not JSON": (
        {"step": "a", "fail": {"metadata": {"a": {1}}}},
        "'metadata' of a fault must be plain JSON: ",
    ),
    "raise without type": (
        {"step": "a", "raise": {"message": "x"}},
        "'raise' names no exception. Add 'type: NAME', for example 'type: ConnectionError'.",
    ),
    "delay without unit": ({"step": "a", "delay": "40x"}, "'delay': '40x' is not a duration. Write seconds (1.5)"),
    "negative delay": ({"step": "a", "delay": -1}, "'delay': -1 is not a duration."),
    "crash in between": (
        {"step": "a", "crash": "during"},
        "A crash is 'before' or 'after' the handler's work, or at a 'checkpoint', not 'during'.",
    ),
    "hang false": ({"step": "a", "hang": False}, "This kind of fault takes nothing but 'true', not False."),
    "corrupt without a value": (
        {"step": "a", "corrupt": {"path": "x"}},
        "'corrupt' takes a mapping of path and value, not {",
    ),
    "corrupt nowhere": (
        {"step": "a", "corrupt": {"path": "a..b", "value": 1}},
        "'a..b' is not a path into a result. Write 'total'",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_malformed_fault_says_what_is_wrong(case):
    """Each mistake has its own text, which says which fault of the plan it is in."""
    data, text = BAD[case]
    with pytest.raises(FaultError, match=re.escape(f"Fault 2: {text}")):
        FaultPlan.from_data([{"step": "a", "hang": True}, data])


def test_a_malformed_file_says_where(tmp_path):
    """In a file the mistake has a line and a column."""
    file = tmp_path / "faults.yaml"
    file.write_text("- {step: a, hang: true}\n- {step: a, atempt: 1, hang: true}\n")
    with pytest.raises(FaultError, match=re.escape(f"{file}:2:3: Unknown key 'atempt'. Did you mean 'attempt'?")):
        load_faults(file)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("a: 1\n", "<text>:1:1: a fault plan is a list, one entry a fault: '- {step: NAME, attempt: 1,"),
        (
            "- {step: a, fail: {message: !x y}}\n",
            "<text>:1:20: fail.message: the tag !x means nothing to Tasker.",
        ),
        ("nofaults.yaml", "There is no file nofaults.yaml."),
        ("[\n", "<text>:2:1: not valid YAML: "),
        (
            "- {step: a, attempt: 1, attempt: 2, hang: true}\n",
            "<text>:1:25: the key 'attempt' is there twice in one mapping. Keep one.",
        ),
        (
            "- step: a\n  fail:\n    message: one\n    message: two\n",
            "<text>:4:5: the key 'message' is there twice in one mapping.",
        ),
    ],
)
def test_what_is_no_fault_file_is_refused(source, text):
    """A file that can't be read, or isn't a list, is a FaultError too."""
    with pytest.raises(FaultError, match=re.escape(text)):
        load_faults(source)


@pytest.mark.parametrize("data", ["x", {"step": "a"}, 3])
def test_a_plan_is_a_list(data):
    """Data that isn't a list is refused."""
    with pytest.raises(FaultError, match=r"^A fault plan is a list of faults, not "):
        FaultPlan.from_data(data)


def test_a_fault_for_an_unknown_step_is_refused():
    """A fault that names no step of the template can't fire; the nearest name and all of them are shown."""
    with pytest.raises(FaultError) as refused:
        FaultPlan().fail("process_paymnt", attempt=1).check(TEMPLATE)
    assert str(refused.value) == (
        "The fault 'fail at process_paymnt, attempt 1' can never fire: template 't' has no step 'process_paymnt'. "
        "Did you mean 'process_payment'? Its steps:\n  process_payment\n  an\n  work"
    )


def test_a_fault_above_max_attempts_is_refused():
    """A fault for an attempt that the step never has can't fire."""
    with pytest.raises(FaultError) as refused:
        FaultPlan().hang("process_payment", attempt=[1, 3]).check(TEMPLATE, profile="tasker-0.1.8")
    assert str(refused.value) == (
        "The fault 'hang at process_payment, attempts 1, 3' can never fire under tasker-0.1.8: step 'process_payment' "
        "has at most 2 attempts (retry.max_attempts). Aim it at a lower attempt or raise max_attempts."
    )


def test_faults_that_can_fire_are_accepted():
    """Attempts up to max_attempts, every attempt, and instances of a batch worker fit the template."""
    FaultPlan().hang("process_payment", attempt=2).hang("work_001", attempt=3).hang("an").check(TEMPLATE)
    with pytest.raises(FaultError, match="has no step 'an_001'"):
        FaultPlan().hang("an_001").check(TEMPLATE)


class Declined(Exception):
    """A team's own exception with what Tasker asks of one."""

    retryable = False
    error_code = "DECLINED"
    retry_after = 7


def test_an_exception_is_kept_and_described():
    """The original exception is raised; its data have the class's name and what it says about a retry."""
    error = Declined("no")
    (fault,) = FaultPlan().raise_("a", error)
    assert fault.make_exception() is error
    described = {"type": "Declined", "message": "no", "retryable": False, "error_code": "DECLINED", "retry_after": 7}
    assert fault.to_data() == {"step": "a", "raise": described}
    (again,) = FaultPlan.from_data([fault.to_data()])
    made = again.make_exception()
    assert (type(made).__name__, str(made)) == ("Declined", "no")
    assert (made.retryable, made.error_code, made.retry_after) == (False, "DECLINED", 7)
    assert type(again.make_exception({"Declined": Declined})) is Declined


def test_python_s_own_exceptions_are_found_by_name():
    """Data may name a builtin exception; a name of something else makes an exception of that name."""
    (found, other) = FaultPlan.from_data(
        [{"step": "a", "raise": {"type": "ConnectionError", "message": "m"}}, {"step": "a", "raise": {"type": "len"}}]
    )
    assert isinstance(found.make_exception(), ConnectionError)
    assert type(other.make_exception()).__mro__[1] is Exception


def test_an_exception_class_that_needs_arguments_is_refused():
    """A class is raised without arguments; one that can't be is refused at once."""
    with pytest.raises(
        FaultError, match=r"^UnicodeDecodeError can't be made without arguments \(.*\)\. Give an instance\.$"
    ):
        FaultPlan().raise_("a", UnicodeDecodeError)


def test_fields_of_a_fault_are_typed():
    """The simulation reads a fault's own fields: failure, delay in microseconds, when, path and value."""
    plan = FaultPlan().fail("a", error_code="E").delay("a", "250ms").crash("a", when="after").corrupt("a", "x", [1])
    fail, delay, crash, corrupt = plan
    assert fail.failure == Failure("injected fault", error_code="E")
    assert (delay.by, crash.when, corrupt.path, corrupt.value) == (250_000, "after", "x", [1])
    assert isinstance(hash(corrupt), int)
    assert isinstance(fail, Fault)


RESULT = {"total": 1, "items": [{"sku": "a"}, {"sku": "b"}]}


@pytest.mark.parametrize("path", ["items.1.sku", "items[1].sku", "$.items[1]['sku']", '$.items.1["sku"]'])
def test_corrupting_changes_one_place_of_a_copy(path):
    """All spellings of a path mean the same place; the original and the rest stay as they are."""
    value = {"new": []}
    found = corrupted(RESULT, path, value)
    assert found == {"total": 1, "items": [{"sku": "a"}, {"sku": {"new": []}}]}
    assert RESULT["items"][1] == {"sku": "b"}
    assert found["items"][1]["sku"] is not value
    assert corrupted(RESULT, "$", None) is None


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (
            "totl",
            "There is nothing to corrupt at 'totl': the result has no key 'totl'. Did you mean 'total'? "
            "Its keys:\n  total\n  items",
        ),
        ("items.2", "There is nothing to corrupt at 'items.2': items is a list of 2, which has no entry '2'."),
        (
            "items.0.sku.x",
            "There is nothing to corrupt at 'items.0.sku.x': items.0.sku is 'a', which has nothing inside.",
        ),
    ],
)
def test_corrupting_nothing_is_an_error(path, text):
    """A path that isn't there names how far it leads and what is there."""
    with pytest.raises(FaultError) as refused:
        corrupted(RESULT, path, 1)
    assert str(refused.value) == text
