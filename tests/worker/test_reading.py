"""What a handler reads of other steps' results, however it does it."""

from __future__ import annotations

import json

import pytest

from tasker_testkit import Simulation
from tasker_testkit.search.learning import keys_read
from tasker_testkit.worker.sdk import quiet

quiet()

from pydantic import BaseModel  # noqa: E402
from tasker_core import StepHandler, StepHandlerResult  # noqa: E402
from tasker_core.step_handler.functional import depends_on, step_handler  # noqa: E402

STEPS = [
    {"name": "cart", "handler": {"callable": "cart"}},
    {"name": "pay", "handler": {"callable": "pay"}, "dependencies": ["cart"]},
]
TEMPLATE = {"name": "orders", "namespace_name": "tests", "version": "1.0.0", "steps": STEPS}
CART = {"total": 5, "currency": "EUR", "note": None}


def reads(handler) -> set[str]:
    """What the handler of the second step reads of the first one's result."""
    simulation = Simulation(TEMPLATE, handlers={"pay": handler}, stubs={"cart": CART})
    return set(keys_read(simulation, {})[0].get("cart", ()))


def class_handler(function):
    """A class handler that does this with the result."""

    class Pay(StepHandler):
        handler_name = "pay"

        def call(self, context):
            function(context)
            return StepHandlerResult.success({})

    return Pay


@pytest.mark.parametrize(
    ("function", "read"),
    [
        (lambda context: context.get_dependency_result("cart")["total"], {"total"}),
        (lambda context: context.get_dependency_result("cart").get("note"), {"note"}),
        (lambda context: "currency" in context.get_dependency_result("cart"), {"currency"}),
        (lambda context: context.get_dependency_field("cart", "total"), {"total"}),
        (lambda context: context.dependency_results["cart"]["result"]["total"], {"total"}),
        (lambda context: context.dependency_results.get("cart").get("result").pop("total"), {"total"}),
        (lambda context: [r["total"] for r in context.get_all_dependency_results("ca")], {"total"}),
        (lambda context: list(context.get_dependency_result("cart")), set(CART)),
        (lambda context: dict(context.get_dependency_result("cart").items()), set(CART)),
        (lambda context: {**context.get_dependency_result("cart")}, set(CART)),
        (lambda context: json.dumps(context.get_dependency_result("cart")), set(CART)),
        (lambda context: context.get_dependency_result("cart") == CART, set(CART)),
        (lambda context: context.get_dependency_result("cart"), set(CART)),
        (lambda context: dict(context.dependency_results["cart"]), set(CART)),
        (lambda context: context.dependency_results["cart"]["success"], set()),
        (lambda context: context.get_dependency_result("other"), set()),
        (lambda context: None, set()),
    ],
)
def test_every_way_of_reading_is_seen(function, read):
    """A key that is asked for is read; whoever takes the whole, or reads it in a way that can't be seen, reads all."""
    assert reads(class_handler(function)) == read


def test_asynchronous_handlers_are_watched():
    """An async handler runs as it would, and what it reads is seen."""

    class Pay(StepHandler):
        handler_name = "pay"

        async def call(self, context):
            return StepHandlerResult.success({"paid": context.get_dependency_result("cart")["total"]})

    assert reads(Pay) == {"total"}


def test_function_handlers_are_watched():
    """What a function handler is given by depends_on counts by what it reads of it; as a model, all of it."""

    class Cart(BaseModel):
        total: int

    @step_handler("pay")
    @depends_on(cart="cart")
    def plain(cart, context):
        return {"paid": cart["total"]}

    @step_handler("pay")
    @depends_on(cart=("cart", Cart))
    def modelled(cart, context):
        return {"paid": cart.total}

    assert reads(plain) == {"total"}
    assert "total" in reads(modelled)


def test_stubs_that_are_functions_are_watched():
    """A stub that looks at its context reads like a handler, also as an entry of a list."""
    stubs = {"cart": CART, "pay": [lambda context: {"paid": context.get_dependency_result("cart")["total"]}]}
    assert keys_read(Simulation(TEMPLATE, stubs=stubs), {})[0] == {"cart": {"total"}}


def test_watching_changes_nothing():
    """What a watched handler passes on is what an unwatched one passes on: plain data."""
    passed = class_handler(lambda context: None)
    passed.call = lambda self, context: StepHandlerResult.success(context.get_dependency_result("cart"))
    simulation = Simulation(TEMPLATE, handlers={"pay": passed}, stubs={"cart": CART})
    assert keys_read(simulation, {})[0] == {"cart": set(CART)}
    assert simulation.run({})["pay"].result == CART
