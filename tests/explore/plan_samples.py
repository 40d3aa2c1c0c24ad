"""Plans of every kind of fault, for Hypothesis: whether they could fire anywhere doesn't matter."""

from __future__ import annotations

from hypothesis import strategies as st

from tasker_testkit.model.fault_kinds import fault

STEPS = ("validate", "charge", "ship")
SCALARS = st.none() | st.booleans() | st.integers(-9, 99) | st.text("ab", max_size=3) | st.just(1.5)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner))
FAIL = st.fixed_dictionaries(
    {},
    optional={
        "message": st.just("no"),
        "error_type": st.just("timeout"),
        "error_code": st.just("E1"),
        "retryable": st.booleans(),
        "retry_after": st.just(7),
        "metadata": st.just({"a": 1}),
    },
)
RAISE = st.fixed_dictionaries({"type": st.just("ValueError")}, optional={"message": st.just("no")})
ANSWERS = (
    st.fixed_dictionaries(
        {"status": st.sampled_from([429, 503])},
        optional={"headers": st.just({"Retry-After": "7"}), "body": st.just({"a": 1}), "delay": st.just("90s")},
    )
    | st.fixed_dictionaries({"error": st.sampled_from(["refused", "timeout"])})
    | st.fixed_dictionaries({"error": st.just("timeout"), "when": st.just("after")})
    | st.fixed_dictionaries({"delay": st.sampled_from(["3s", "7us"])})
)
CALLS = st.just({}) | st.fixed_dictionaries({"call": st.integers(1, 4)}) | st.fixed_dictionaries({"times": st.just(3)})
HTTP = st.builds(
    lambda method, answer, calls: {"url": "https://pay.example/charges", **method, **answer, **calls},
    st.sampled_from([{}, {"method": "POST"}]),
    ANSWERS,
    CALLS,
)
OUTAGE = st.fixed_dictionaries(
    {"system": st.just("pay"), "start": st.sampled_from(["0s", "7s"]), "length": st.sampled_from(["1us", "5m"])}
)
SETTINGS = {
    "fail": FAIL,
    "raise": RAISE,
    "delay": st.integers(1, 100_000_000).map(lambda us: f"{us}us"),
    "hang": st.just(True),
    "crash": st.sampled_from(["before", "checkpoint", "after"]),
    "lose_result": st.just(True),
    "duplicate": st.just(True),
    "corrupt": st.fixed_dictionaries({"path": st.just("total"), "value": JSON}),
    "http": HTTP,
    "outage": OUTAGE,
}
ATTEMPTS = st.none() | st.integers(1, 4) | st.lists(st.integers(1, 5), min_size=1, max_size=4)


@st.composite
def faults(draw, kinds=tuple(SETTINGS), attempts=ATTEMPTS):
    """One fault of any of these kinds."""
    kind = draw(st.sampled_from(kinds))
    if kind == "outage":
        return fault(kind, "", None, draw(OUTAGE))
    step = draw(st.sampled_from(("", *STEPS) if kind == "http" else STEPS))
    return fault(kind, step, draw(attempts) if step else None, draw(SETTINGS[kind]))


def plans(most=6, least=1):
    """Plans without a fault twice."""
    return st.lists(faults(), min_size=least, max_size=most, unique_by=repr).map(tuple)
