"""Templates: any graph of steps with any retry policies, decisions and batches if wanted, that Tasker would load."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from hypothesis import strategies as st

from tasker_testkit.explore.strategies.sieve import Draw
from tasker_testkit.model.template import BACKOFF_STRATEGIES, FAILURE_STRATEGIES

Data = dict[str, Any]

_BASES: Final = (100, 1_000, 2_500)
"""Milliseconds; no cap below is smaller."""
_CAPS: Final = (30_000, 5_000, 60_000)

POLICIES: Final[st.SearchStrategy[Data]] = st.fixed_dictionaries(
    {},
    optional={
        "retryable": st.booleans().map(lambda value: not value),
        "max_attempts": st.integers(1, 5),
        "backoff": st.sampled_from(BACKOFF_STRATEGIES),
        "backoff_base_ms": st.sampled_from(_BASES),
        "max_backoff_ms": st.sampled_from(_CAPS),
    },
)
"""Retry policies as a template has them, towards the default one."""

_EXTRAS: Final[st.SearchStrategy[Data]] = st.fixed_dictionaries(
    {}, optional={"retry": POLICIES, "timeout_seconds": st.integers(1, 600)}
)


@st.composite
def graphs(draw: Draw, most: int, types: tuple[str, ...]) -> Data:
    """Templates with up to ``most`` ordinary steps, and behind them what ``types`` of GROWING adds."""
    one = st.tuples(st.sets(st.integers(1, most)), _EXTRAS)
    steps = [
        _step(
            f"step_{number}", [f"step_{number - back}" for back in sorted(backs, reverse=True) if back < number], extras
        )
        for number, (backs, extras) in enumerate(draw(st.lists(one, min_size=1, max_size=most)), 1)
    ]
    for kind, add in GROWING.items():
        if kind in types:
            steps += add(draw, steps)
    return {"name": "workflow", "namespace_name": "drawn", "version": "1.0.0", "steps": steps}


def _step(name: str, dependencies: Sequence[str], extras: Data, **fields: Any) -> Data:
    handler = {"callable": name, **fields.pop("handler", {})}
    data = {"name": name, "handler": handler, **fields}
    return {**data, **({"dependencies": [*dependencies]} if dependencies else {}), **extras}


def _some(draw: Draw, steps: Sequence[Data], *, least: int = 0) -> list[str]:
    """The names of some of the steps, in their order."""
    names = [step["name"] for step in steps]
    chosen = draw(st.sets(st.sampled_from(names), min_size=least))
    return [name for name in names if name in chosen]


def _decision(draw: Draw, steps: Sequence[Data]) -> list[Data]:
    """A decision, branches of it, and perhaps a convergence that waits for those that were chosen."""
    decision = _step("decide", _some(draw, steps, least=1), draw(_EXTRAS), type="decision")
    names = [f"branch_{number}" for number in range(1, draw(st.integers(1, 3)) + 1)]
    made = [decision, *(_step(name, ["decide"], draw(_EXTRAS)) for name in names)]
    if draw(st.booleans()):
        made.append(_step("converge", names, draw(_EXTRAS), type="deferred_convergence"))
    return made


def _batch(draw: Draw, steps: Sequence[Data]) -> list[Data]:
    """An analyzer, its worker, and a convergence that waits for all batches."""
    config = {
        "batch_size": draw(st.integers(1, 1_000)),
        "parallelism": draw(st.integers(1, 10)),
        "cursor_field": "id",
        "worker_template": "work",
        "failure_strategy": draw(st.sampled_from(FAILURE_STRATEGIES)),
    }
    handler = {"initialization": {"worker_template_name": "work"}}
    first, each, last = draw(st.tuples(_EXTRAS, _EXTRAS, _EXTRAS))
    roots = _some(draw, [step for step in steps if step["name"].startswith("step_")])
    return [
        _step("analyze", roots, first, type="batchable", handler=handler, batch_config=config),
        _step("work", ["analyze"], each, type="batch_worker", batch_config={**config}),
        _step("aggregate", ["work"], last, type="deferred_convergence"),
    ]


GROWING: Final[Mapping[str, Callable[[Draw, Sequence[Data]], list[Data]]]] = {
    "decision": _decision,
    "batchable": _batch,
}
"""What grows at run time: the type of the step that it grows from, and what adds it to a template."""
