"""What handlers draw by chance: from the run's seed, by step and attempt, whatever else draws."""

from __future__ import annotations

import os
import random
import secrets
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from random import choice as a_choice
from typing import Any

import pytest

from tasker_testkit import Simulation, call_handler, step_context
from tasker_testkit.worker.sdk import load


def _temporary() -> str:
    with tempfile.NamedTemporaryFile() as file:
        return Path(file.name).name


DRAWN: dict[str, Callable[[], Any]] = {
    "random.random": lambda: random.random(),
    "random.randint": lambda: random.randint(0, 10**9),
    "random.shuffle": lambda: random.sample(range(1000), 20),
    "from random import choice": lambda: [a_choice("abcdef") for _ in range(20)],
    "random.gauss": lambda: random.gauss(0, 1),
    "random.seed() and draw": lambda: (random.seed(), random.random())[1],
    "random.Random()": lambda: random.Random().random(),
    "two generators": lambda: (random.Random().random(), random.Random().random()),
    "random.SystemRandom": lambda: random.SystemRandom().random(),
    "secrets.token_hex": lambda: secrets.token_hex(),
    "secrets.randbelow": lambda: secrets.randbelow(10**12),
    "secrets.choice": lambda: [secrets.choice("abcdef") for _ in range(20)],
    "os.urandom": lambda: os.urandom(16).hex(),
    "uuid.uuid4": lambda: str(uuid.uuid4()),
    "uuid.uuid1": lambda: str(uuid.uuid1()),
    "tempfile": _temporary,
}


def workflow(steps: list[str], draw: Callable[[], Any], **settings: Any) -> Simulation:
    """Steps side by side, each of which fails once and keeps what it draws."""
    base: Any = load().StepHandler
    drawn = [{"name": name, "handler": {"callable": "draws"}, "retry": {"max_attempts": 2}} for name in steps]

    class Draws(base):  # type: ignore[misc]
        handler_name = "draws"

        def call(self, context: Any) -> Any:
            value = [draw(), draw()]
            if context.retry_count == 0:
                return self.failure(repr(value), "handler_error", retryable=True)
            return self.success({"value": repr(value)})

    template = {"name": "chance", "namespace_name": "t", "version": "1.0.0", "steps": drawn}
    return Simulation(template, handlers={"draws": Draws}, **settings)


def drawn(simulation: Simulation, step: str) -> list[str]:
    """What a step drew, attempt by attempt."""
    first, second = (attempt.outcome for attempt in simulation.run({})[step].attempts)
    return [str(first and first.message), second and second.result["value"]]


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_the_same_seed_draws_the_same(draw: Callable[[], Any]) -> None:
    """Two runs with one seed draw the same; another seed, another attempt and a second draw give something else."""
    one, again = drawn(workflow(["a"], draw), "a"), drawn(workflow(["a"], draw), "a")
    other = drawn(workflow(["a"], draw, seed=1), "a")
    assert one == again
    assert one[0] != one[1]
    assert one != other
    assert all(first != second for first, second in map(eval, one))


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_another_step_changes_nothing(draw: Callable[[], Any]) -> None:
    """What a step draws doesn't depend on which other steps there are."""
    assert drawn(workflow(["a"], draw), "a") == drawn(workflow(["z", "a", "b"], draw), "a")
    steps = workflow(["a", "b"], draw)
    assert drawn(steps, "a") != drawn(steps, "b")


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_the_test_keeps_its_own_chance(draw: Callable[[], Any]) -> None:
    """A run leaves the test's generators as they were, and everything real is back in its place."""
    random.seed(7)
    expected, state = random.Random(7).random(), random.getstate()
    places = (random.random, os.urandom, uuid.uuid1, random.Random.seed)
    workflow(["a"], draw).run({})
    assert random.getstate() == state
    assert random.random() == expected
    assert (random.random, os.urandom, uuid.uuid1, random.Random.seed) == places
    assert os.urandom(16) != os.urandom(16)


def test_a_seed_of_the_handler_counts() -> None:
    """A handler that seeds for itself draws what that seed gives, without touching anybody else's generator."""

    def draw() -> float:
        random.seed(1)
        return random.random()

    assert drawn(workflow(["a"], draw), "a") == [repr([random.Random(1).random()] * 2)] * 2


def test_setup_draws_for_real() -> None:
    """Chance is the run's while an attempt runs; ``setup`` is the test's."""
    seen: list[bytes] = []
    simulation = workflow(["a"], random.random, setup=lambda: seen.append(os.urandom(16)))
    simulation.run({})
    simulation.run({})
    assert seen[0] != seen[1]


def test_uuid1_is_of_the_virtual_instant() -> None:
    """A ``uuid1`` tells the virtual instant, and a node that no machine has."""
    simulation = workflow(["a"], lambda: (uuid.uuid1().time, uuid.uuid1().node >> 40 & 1))
    ((tick, marked), _) = eval(drawn(simulation, "a")[0])
    assert tick == 0x01B21DD213814000 + 1_767_225_600 * 10**7
    assert marked == 1


def test_a_single_handler_draws_by_its_context() -> None:
    """The same context draws the same, also in two calls; another context draws something else."""

    def handler(context: Any) -> dict[str, str]:
        return {"id": str(uuid.uuid4())}

    base: Any = load().StepHandler
    made = type("Draws", (base,), {"handler_name": "x", "call": lambda self, context: self.success(handler(context))})
    one, other = (step_context("x", input={"n": n}) for n in (1, 2))
    ids = [call_handler(made, context).result["id"] for context in (one, one, other)]
    assert ids[0] == ids[1] != ids[2]


def test_every_process_draws_the_same(tmp_path: Path) -> None:
    """Two processes with different hash seeds draw the same."""
    script = tmp_path / "draws.py"
    script.write_text(
        "import sys, uuid, secrets, random\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_chance import drawn, workflow\n"
        "draw = lambda: (str(uuid.uuid4()), str(uuid.uuid1()), secrets.token_hex(), random.random())\n"
        "print(drawn(workflow(['a'], draw), 'a'))\n",
        encoding="utf-8",
    )
    said = [
        subprocess.run(
            [sys.executable, str(script)], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == said[1] != b""
