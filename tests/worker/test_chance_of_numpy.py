"""numpy's generators inside a run: what they draw is of the run's seed, by step and attempt, and nobody else's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tasker_testkit import Simulation
from tasker_testkit.worker.sdk import load

numpy = pytest.importorskip("numpy", reason="numpy isn't installed here (it comes with the extra [dev])")


def workflow(steps: list[str], draw: Callable[[], Any], **settings: Any) -> Simulation:
    """Steps side by side, each of which fails once and keeps what it draws."""
    base: Any = load().StepHandler
    drawn = [{"name": name, "handler": {"callable": "draws"}, "retry": {"max_attempts": 2}} for name in steps]

    class Draws(base):  # type: ignore[misc]
        handler_name = "draws"

        def call(self, context: Any) -> Any:
            value = repr([draw(), draw()])
            if context.retry_count == 0:
                return self.failure(value, "handler_error", retryable=True)
            return self.success({"value": value})

    template = {"name": "chance", "namespace_name": "t", "version": "1.0.0", "steps": drawn}
    return Simulation(template, handlers={"draws": Draws}, **settings)


def drawn(simulation: Simulation, step: str) -> list[str]:
    """What a step drew, attempt by attempt."""
    first, second = (attempt.outcome for attempt in simulation.run({})[step].attempts)
    return [str(first and first.message), second and second.result["value"]]


DRAWN: dict[str, Callable[[], Any]] = {
    "random.rand": lambda: numpy.random.rand(),
    "random.seed() and draw": lambda: (numpy.random.seed(), numpy.random.randint(10**9))[1],
    "random.shuffle": lambda: numpy.random.permutation(50).tolist(),
    "random.sample": lambda: numpy.random.sample(),
    "the global one by itself": lambda: numpy.random.mtrand._rand.normal(),
    "RandomState()": lambda: numpy.random.RandomState().random(),
    "default_rng()": lambda: numpy.random.default_rng().random(),
    "two of them": lambda: [numpy.random.default_rng().random() for _ in range(2)],
}


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_the_same_seed_draws_the_same(draw: Callable[[], Any]) -> None:
    """Two runs with one seed draw the same, whatever other steps there are; another seed and attempt something else."""
    one = drawn(workflow(["a"], draw), "a")
    assert one == drawn(workflow(["a"], draw), "a") == drawn(workflow(["z", "a", "b"], draw), "a")
    assert one[0] != one[1]
    assert one != drawn(workflow(["a"], draw, seed=1), "a")


def test_a_test_keeps_the_global_generator_as_it_was() -> None:
    """What a test draws after a run is what it would have drawn without it."""
    numpy.random.seed(7)
    expected = numpy.random.RandomState(7).random()
    workflow(["a"], numpy.random.rand).run({})
    assert numpy.random.random() == expected


def test_a_seed_of_the_handler_counts() -> None:
    """A handler that seeds the global generator draws what that seed gives."""

    def draw() -> float:
        numpy.random.seed(1)
        return float(numpy.random.random())

    assert drawn(workflow(["a"], draw), "a") == [repr([numpy.random.RandomState(1).random()] * 2)] * 2
