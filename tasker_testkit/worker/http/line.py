"""The line on which one run's requests go out: what strikes them, what was kept of them, who they are of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from tasker_testkit.errors import UnansweredRequest
from tasker_testkit.model.fault_kinds import Fault
from tasker_testkit.model.http_faults import Outage, url_fits
from tasker_testkit.model.requests import HttpCall
from tasker_testkit.model.systems import Systems, addresses_of
from tasker_testkit.worker.http.routes import Routes
from tasker_testkit.worker.watchdog import Ticket


class NeverAnswered(BaseException):
    """A request without an answer, whose client has no timeout: the handler never returns."""


class Desk(Protocol):
    """Whose requests they are, and when. ``timed``: waiting takes virtual time."""

    @property
    def timed(self) -> bool:
        """Whether the one who asks lives in virtual time; a stub doesn't."""

    def who(self) -> Ticket:
        """Step and attempt of the handler at work."""

    def now(self) -> int:
        """Virtual microseconds since the submission."""

    def advance(self, microseconds: int) -> None:
        """Let virtual time pass; back again, if a double slept longer than its client waited."""

    def keep(self, call: HttpCall) -> None:
        """A request is over."""

    def struck(self, fault: Fault) -> None:
        """A planned fault strikes a request."""


class Line:
    """The requests of one run. ``faults``: those of its plan that strike requests; ``answers``: how many were kept."""

    def __init__(
        self, desk: Desk, routes: Routes, faults: Sequence[Fault] = (), systems: Systems | None = None
    ) -> None:
        self.desk = desk
        self.routes = routes
        self.refused: UnansweredRequest | None = None
        self.answers = 0
        self._faults = faults
        self._systems = systems or {}
        self._seen: Counter[int] = Counter()
        self._keys: set[tuple[str, str]] = set()

    def strike(self, method: str, url: str) -> Fault | None:
        """The first fault of the plan that strikes this request, which is counted."""
        found = [fault for index, fault in enumerate(self._faults) if self._hits(index, fault, method, url)]
        for fault in found[:1]:
            self.desk.struck(fault)
        return found[0] if found else None

    def _hits(self, index: int, fault: Fault, method: str, url: str) -> bool:
        wire = fault.wire
        if isinstance(wire, Outage):
            away = any(url_fits(address, url) for address in addresses_of(wire.system, self._systems))
            return away and wire.covers(self.desk.now())
        step, attempt = self.desk.who()
        if wire is None or fault.step not in ("", step) or not fault.hits(attempt) or not wire.fits(method, url):
            return False
        self._seen[index] += 1
        return wire.calls is None or self._seen[index] in wire.calls

    def is_new(self, what: str, key: str | None) -> bool:
        """Whether a server that honours idempotency keys does this now, and not only tells again what it did."""
        if key is None:
            return True
        known = (what, key) in self._keys
        self._keys.add((what, key))
        return not known

    def refuse(self, error: UnansweredRequest) -> UnansweredRequest:
        """Keep the first request of the attempt that nothing answers: handlers catch much."""
        self.refused = self.refused or error
        return error

    def take_refusal(self) -> UnansweredRequest | None:
        """What was refused since this was last asked."""
        refused, self.refused = self.refused, None
        return refused
