"""A simulation goes to other processes: what arrives there, and what can't go."""

from __future__ import annotations

import os
import pickle
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
import yaml

from tasker_testkit import Failure, RunError, Simulation, load_template

HANDLERS = """
import books
from tasker_core import StepHandler, StepHandlerResult
from tasker_core.step_handler.functional import inputs, step_handler


class Charge(StepHandler):
    handler_name = "charge"

    def call(self, context):
        books.charges.append(context.input_data["total"])
        if context.retry_count == 0:
            raise books.Unavailable("busy")
        return StepHandlerResult.success({"charges": list(books.charges)})


@step_handler("ship")
@inputs("total")
def ship(total, context):
    return {"total": total}
"""
BOOKS = """
charges = []


class Unavailable(Exception):
    pass


def reset():
    charges.clear()


def parcel(context):
    return {"parcel": context.input_data["total"]}
"""
INPUT = {"total": 7}


def history(simulation):
    """What the other process makes of a simulation: its run's bytes."""
    return simulation.run(INPUT).history.to_json()


def process_id():
    """Which process runs this."""
    return os.getpid()


@pytest.fixture(scope="module")
def elsewhere():
    """``elsewhere(function, *arguments)`` calls the function in a process that was started from nothing."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield lambda function, *given: pool.submit(function, *given).result()


@pytest.fixture
def shop(tmp_path, workflow, monkeypatch):
    """A folder with a template, handlers and a module of theirs, that no import path knows; the modules' own names."""
    (tmp_path / "shop.yaml").write_text(yaml.safe_dump(workflow("charge", "ship")))
    (tmp_path / "shop_handlers.py").write_text(HANDLERS)
    (tmp_path / "books.py").write_text(BOOKS)
    yield tmp_path
    for name in ("shop_handlers", "books"):
        sys.modules.pop(name, None)


def test_another_process_does_the_same(shop, elsewhere, profile, monkeypatch):
    """Handlers by file, a team's own functions beside them, faults: the run's bytes are the same, in another process.

    Relative paths mean what they meant when the simulation was made.
    """
    monkeypatch.chdir(shop)
    Simulation("shop.yaml", handlers="shop_handlers.py")
    books = sys.modules["books"]
    simulation = Simulation(
        "shop.yaml",
        handlers="shop_handlers.py",
        stubs={"ship": books.parcel},
        durations={"charge": ["2s", "1s"]},
        setup=books.reset,
        faults=[{"step": "charge", "attempt": 2, "delay": "3s"}],
        profile=profile,
        seed=4,
    )
    monkeypatch.chdir("/")
    assert elsewhere(process_id) != os.getpid()
    assert '"parcel": 7' in history(simulation)
    assert elsewhere(history, simulation) == history(simulation)


def test_variations_stay_what_they_are(shop, elsewhere):
    """Of with_profile and with_plan each arrives with its own profile, plan, seed and strictness."""
    simulation = Simulation(shop / "shop.yaml", handlers=shop / "shop_handlers.py", setup=None)
    plan = [{"step": "ship", "attempt": attempt, "fail": {}} for attempt in (1, 3)]
    reset = sys.modules["books"].reset
    for other in (
        simulation.with_profile("tasker-0.1.8"),
        simulation.with_plan(plan, seed=9, strict=False),
        simulation.with_plan(plan, strict=False).with_profile("tasker-0.1.8", strict=False),
    ):
        other.setup = reset
        assert elsewhere(history, other) == history(other)
        assert pickle.loads(pickle.dumps(other)).profile == other.profile


def test_what_was_loaded_is_not_read_again(shop, elsewhere):
    """The template travels as it was read; its file may change or go meanwhile."""
    simulation = Simulation(shop / "shop.yaml", stubs={"charge": [Failure("no"), {}], "ship": {}})
    (shop / "shop.yaml").unlink()
    assert elsewhere(history, simulation) == history(simulation)
    assert pickle.loads(pickle.dumps(simulation)).template == simulation.template


def test_modules_and_classes_as_handlers(shop, elsewhere, workflow):
    """A module, a dotted name, a class and a function handler are found again, in a mapping and in a sequence."""
    Simulation(shop / "shop.yaml", handlers=shop / "shop_handlers.py")
    module = sys.modules["shop_handlers"]
    template, reset = load_template(workflow("charge", "ship")), sys.modules["books"].reset
    for handlers in (
        module,
        [module.Charge, module.ship],
        {"charge": module.Charge(), "ship": module.ship},
        (one for one in [module]),
    ):
        simulation = Simulation(template, handlers=handlers, setup=reset)
        assert elsewhere(history, simulation) == history(simulation)


def test_a_pickled_simulation_can_be_pickled_again(shop, workflow):
    """The copy goes on its way as the original did, before and after a run."""
    simulation = Simulation(shop / "shop.yaml", handlers=shop / "shop_handlers.py", setup=None)
    simulation.setup = sys.modules["books"].reset
    first = history(simulation)
    again = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(simulation))))
    assert history(again) == first


ADVICE = (
    "\nGive functions and classes that a module defines at its top level (no lambda, nothing inside a function),\n"
    "or for handlers the module's dotted name or file."
)


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("stubs", {"b": [{}, lambda context: {}]}, "stubs['b'] is {here}.<lambda>, which another process can't find."),
        ("durations", {"a": lambda context, random: 1}, "durations['a'] is {here}.<lambda>, which another process"),
        ("setup", lambda: None, "setup is {here}.<lambda>, which another process can't find."),
        ("stubs", {"b": type("Broke", (Exception,), {})("x")}, "stubs['b'] can't be pickled: "),
        ("faults", [{"step": "a", "raise": type("Broke", (Exception,), {})}], "faults can't be pickled: "),
    ],
)
def test_what_can_not_travel_is_named(workflow, argument, value, message):
    """The message names the argument, the entry in it and what to give instead."""
    stubs = {"a": {}, "b": {}} | (value if argument == "stubs" else {})
    simulation = Simulation(workflow("a", "b"), **{argument: value, "stubs": stubs})
    with pytest.raises(RunError) as caught:
        pickle.dumps(simulation)
    assert str(caught.value).startswith("This simulation can't go to another process: " + message.format(here=__name__))
    assert str(caught.value).endswith(ADVICE)


def test_a_local_handler_class_can_not_travel(workflow, handler):
    """Neither can a module that nobody could import."""
    simulation = Simulation(workflow("a"), handlers={"a": handler(lambda context: {})})
    with pytest.raises(RunError, match=r"handlers\['a'\] is .*\.Handler, which another process can't find\.\n"):
        pickle.dumps(simulation)
    module = type(sys)("nowhere")
    module.Made = type("Made", (handler(dict),), {"handler_name": "a"})
    with pytest.raises(RunError, match=r"handlers can't be pickled: No module named 'nowhere'\.\n"):
        pickle.dumps(Simulation(workflow("a"), handlers=module))


def test_what_the_other_process_lacks(shop, tmp_path):
    """A simulation that arrives where its modules aren't says so."""
    Simulation(shop / "shop.yaml", handlers=shop / "shop_handlers.py")
    data = pickle.dumps(Simulation(shop / "shop.yaml", stubs={"charge": sys.modules["books"].parcel, "ship": {}}))
    sys.modules.pop("books")
    (shop / "books.py").write_text("charges = []")
    with pytest.raises(RunError, match=r"can.t be made again in this one: .*parcel"):
        pickle.loads(data)
