"""The routes of a simulation: what a test says that other systems answer. ``respx`` is imported when it is needed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, cast

from tasker_testkit.errors import RouteError, listed
from tasker_testkit.worker.http.route_data import RouteData, read_routes

if TYPE_CHECKING:
    import respx

KEPT: Final = 1_000
"""So many of the latest calls are kept by routes and router."""
_LISTS: Final[tuple[type, ...]] = (type(iter([])), type(iter(())))


class Routes:
    """Routes as data (``docs/http.md``), or a router of respx. The same for every run: lists of answers begin anew.

    Raises RouteError for data that isn't understood.
    """

    def __init__(self, source: Any = ()) -> None:
        library = sys.modules.get("respx")
        given = library is not None and isinstance(source, library.Router)
        self.source = source
        """The routes as they were given."""
        self.data: tuple[RouteData, ...] = () if given else read_routes(source)
        self._given: respx.Router | None = source if given else None
        self._made: respx.Router | None = None
        self._lists: dict[int, tuple[Any, tuple[Any, ...]]] = {}

    @property
    def router(self) -> respx.Router:
        """The router, made now if there is none yet."""
        if self._given is not None:
            return self._given
        if self._made is None:
            from tasker_testkit.worker.http.building import router_of

            self._made = router_of(self.data)
        return self._made

    @property
    def routers(self) -> tuple[respx.Router, ...]:
        """The router, if there is one or should be."""
        there = self.data or self._given is not None or self._made is not None
        return (self.router,) if there else ()

    @property
    def whole(self) -> Any:
        """All of it as it was given; the router, if there is more to it than the data."""
        more = self._made is not None and len(self._made.routes) != len(self.data)
        return self._made if more else self.source

    def rewind(self) -> None:
        """A run begins: every list of answers starts at its first one, and calls long past are forgotten."""
        for router in self.routers:
            del router.calls[:-KEPT]
            for route in router.routes:
                del route.calls[:-KEPT]
                self._rewind(route)

    def _rewind(self, route: respx.Route) -> None:
        effect: Any = route.side_effect
        if hasattr(effect, "rewind"):
            effect.rewind()
        elif isinstance(effect, _LISTS):
            iterator, answers = self._lists.get(id(route), (None, ()))
            every = answers if iterator is effect else tuple(cast("Iterator[Any]", effect))
            route.side_effect = every
            self._lists[id(route)] = (route.side_effect, every)

    def unused(self) -> Iterator[str]:
        """The routes that no request has met."""
        from tasker_testkit.worker.http.unanswered import told

        for router in self.routers:
            yield from (told(route) for route in router.routes if not route.called)

    def check_unused(self) -> None:
        """Raise RouteError for routes that no request so far has met."""
        unused = [*self.unused()]
        if unused:
            raise RouteError(
                f"No request met these routes:\n{listed(unused)}\n"
                "Drop them, or look at what the handlers ask for: run.requests lists it."
            )

    def __getstate__(self) -> Any:
        if self._given is not None or self.whole is not self.source:
            raise TypeError("a respx router can't be sent; give its routes as data, routes=[...]")
        return self.source

    def __setstate__(self, source: Any) -> None:
        self.__init__(source)  # type: ignore[misc]
