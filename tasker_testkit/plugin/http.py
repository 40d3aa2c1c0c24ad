"""``tasker_http``: what other systems answer to the HTTP requests of handlers under test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tasker_testkit.plugin.options import failed, refusing

if TYPE_CHECKING:
    import respx

    from tasker_testkit.bench import Bench


@pytest.fixture
def tasker_http(_tasker_bench: Bench) -> respx.Router:
    """A respx router for the handlers of this test: ``tasker_http.post("https://pay.example/charges").respond(201)``.

    It holds the marker's ``routes`` too, and ``tasker_http.calls`` lists what was asked. A route that no request meets
    fails the test, unless the marker says ``unused_routes="allow"``.
    """
    with refusing(failed):
        return _tasker_bench.routes.router
