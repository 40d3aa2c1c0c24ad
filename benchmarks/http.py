"""A step that calls another system: in a simulation, against the same handler called bare under respx."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import httpx
import respx

from benchmarks.measuring import Figure, Sizes, side_by_side, spoken
from tasker_testkit import Simulation, step_context
from tasker_testkit.worker.sdk import quiet

quiet()

from tasker_core import StepHandler  # noqa: E402
from tasker_core.step_handler.mixins import APIMixin  # noqa: E402

URL: Final = "https://pay.example/charges"
TEMPLATE: Final = {
    "name": "order",
    "namespace_name": "shop",
    "version": "1.0.0",
    "steps": [{"name": "charge", "handler": {"callable": "charge"}}],
}


class Charge(APIMixin, StepHandler):  # type: ignore[misc]
    """Charges a card over HTTP."""

    handler_name = "charge"
    base_url = "https://pay.example"

    def call(self, context: Any) -> Any:
        """One request."""
        response = self.post("/charges", json={"amount": 3})
        return self.api_success(response) if response.ok else self.api_failure(response)


def figures(sizes: Sizes) -> Iterator[Figure]:
    """One run of one step, and the bare call: with a client of its own, as in a worker, and with one that is kept."""
    times = sizes(40, 1)
    router = respx.Router(assert_all_called=False)
    router.post(URL).respond(201, json={"id": "ch_1"})
    simulation, context = Simulation(TEMPLATE, handlers={"charge": Charge}, routes=router), step_context("charge")
    kept = Charge()

    def called(handler: Any) -> None:
        assert handler.call(context).is_success

    def simulated() -> None:
        for _ in range(times):
            assert simulation.run({}).state == "complete"

    def bare() -> None:
        with _mocked():
            for _ in range(times):
                called(Charge())

    def bare_kept() -> None:
        with _mocked():
            for _ in range(times):
                called(kept)

    took = side_by_side({"bare": bare, "kept": bare_kept, "simulated": simulated}, rounds=sizes(7, 1))
    one = {name: seconds / times for name, seconds in took.items()}
    kept.close()
    yield Figure("the handler, bare under respx", spoken(one["bare"]), "1.00 x")
    yield Figure("the handler with a client that is kept, bare under respx", spoken(one["kept"]))
    ratio = one["simulated"] / one["bare"]
    yield Figure(
        "a run of one step with it, a respx route",
        spoken(one["simulated"]),
        f"{ratio:.2f} x",
        "at most 1.5",
        ratio <= 1.5,
    )


def _mocked() -> Any:
    mock = respx.mock(assert_all_called=False)
    mock.post(URL).mock(return_value=httpx.Response(201, json={"id": "ch_1"}))
    return mock
