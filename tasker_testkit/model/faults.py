"""Fault plans: what shall go wrong at which step and attempt. A plan is plain JSON data if you want.

What each kind means in either profile: ``docs/faults.md``. Nothing here makes anything fail; the simulation asks
``plan.at(step, attempt)``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from tasker_testkit.errors import FaultError, listed, near
from tasker_testkit.model.corruption import corrupted
from tasker_testkit.model.durations import Duration
from tasker_testkit.model.fault_kinds import Attempts, Fault, Raised, fault, fault_from_data
from tasker_testkit.model.http_faults import Outage
from tasker_testkit.model.profile import Profile, find_profile
from tasker_testkit.model.systems import check_system
from tasker_testkit.model.template import StepTemplate, Template

__all__ = ["Fault", "FaultPlan", "Raised", "as_plan", "corrupted"]


class FaultPlan:
    """Faults in the order in which they were planned; the methods add one each and chain.

    ``attempt`` is 1-based: a number, several, or None for every attempt. Two plans with the same faults are equal.
    Raises FaultError for anything that makes no sense by itself; ``check`` asks whether it fits a template.
    """

    __slots__ = ("_by_step", "_faults", "on_the_wire")

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._faults: list[Fault] = []
        self._by_step: dict[str, list[Fault]] = {}
        self.on_the_wire: list[Fault] = []
        """The faults that strike requests, of whichever step."""
        for one in faults:
            self.add(one)

    def add(self, fault: Fault) -> Self:
        """Add a fault that was made elsewhere."""
        self._faults.append(fault)
        (self.on_the_wire if fault.wire else self._by_step.setdefault(fault.step, [])).append(fault)
        return self

    def raise_(self, step: str, exception: BaseException | type[BaseException], *, attempt: Attempts = None) -> Self:
        """The handler isn't called; the attempt ends as if it had raised this (profile row 7)."""
        return self.add(fault("raise", step, attempt, exception))

    def fail(
        self,
        step: str,
        *,
        attempt: Attempts = None,
        message: str | None = None,
        error_type: str | None = None,
        error_code: str | None = None,
        retryable: bool = True,
        retry_after: float | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Self:
        """The handler isn't called; this failure is its result (rows 8 and 9). ``retry_after`` is in seconds.

        The message is ``injected fault`` and the type ``handler_error`` unless given.
        """
        fields = {
            "message": message,
            "error_type": error_type,
            "error_code": error_code,
            "retryable": retryable,
            "retry_after": retry_after,
            "metadata": metadata,
        }
        return self.add(fault("fail", step, attempt, {name: v for name, v in fields.items() if v is not None}))

    def delay(self, step: str, by: Duration, *, attempt: Attempts = None) -> Self:
        """The handler runs at the start; its result arrives so much later (rows 12 and 26)."""
        return self.add(fault("delay", step, attempt, by))

    def hang(self, step: str, *, attempt: Attempts = None) -> Self:
        """The handler is called and never returns."""
        return self.add(fault("hang", step, attempt, True))

    def crash(self, step: str, *, when: str = "before", attempt: Attempts = None) -> Self:
        """The worker dies ``before`` the handler is called, or ``after`` it returned, its result not yet stored.

        Of an attempt that yields: before its first piece, after its last, or at its first ``checkpoint``, once stored.
        """
        return self.add(fault("crash", step, attempt, when))

    def lose_result(self, step: str, *, attempt: Attempts = None) -> Self:
        """The handler returns, its result never arrives, the worker lives."""
        return self.add(fault("lose_result", step, attempt, True))

    def duplicate(self, step: str, *, attempt: Attempts = None) -> Self:
        """The dispatch is delivered twice: the handler is called twice with the same context (row 29)."""
        return self.add(fault("duplicate", step, attempt, True))

    def corrupt(self, step: str, path: str, value: Any, *, attempt: Attempts = None) -> Self:
        """The stored result has ``value`` (JSON) at ``path`` (``"total"``, ``"items.0.sku"``)."""
        return self.add(fault("corrupt", step, attempt, {"path": path, "value": value}))

    def http(
        self,
        method: str | None,
        url: str,
        *,
        status: int | None = None,
        error: str | None = None,
        delay: Duration | None = None,
        times: int | None = None,
        call: Attempts = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        when: str | None = None,
        step: str = "",
        attempt: Attempts = None,
    ) -> Self:
        """Requests to ``url`` (``*`` stands for anything) get another answer, none, or a late one (docs/http.md).

        ``status`` with ``headers`` and ``body`` (JSON or text) is answered instead; ``error`` is one of ``BREAKAGES``;
        the answer is ``delay`` late. ``times=2``: the first two requests, ``call=2``: the second; else all. ``when``:
        ``"before"`` or ``"after"`` the server acted. Of any step and attempt, unless one is named.
        """
        numbers = call if call is None or isinstance(call, int) else list(call)
        given: dict[str, Any] = {"method": method, "url": url, "status": status, "error": error, "delay": delay}
        given |= {"times": times, "call": numbers, "headers": headers, "body": body, "when": when}
        return self.add(fault("http", step, attempt, {name: v for name, v in given.items() if v is not None}))

    def outage(self, system: str, start: Duration, length: Duration) -> Self:
        """Every connection to a system is refused from ``start`` (after the submission) on, for ``length``.

        ``system`` is a name that ``Simulation(systems=...)`` knows, or an address such as ``https://pay.example/*``.
        """
        return self.add(fault("outage", "", None, {"system": system, "start": start, "length": length}))

    def at(self, step: str, attempt: int) -> tuple[Fault, ...]:
        """The faults that are aimed at this attempt of this step, in the plan's order."""
        planned = self._by_step.get(step)
        return tuple([one for one in planned if one.hits(attempt)]) if planned else ()

    def check(
        self, template: Template, *, profile: str | Profile = "documented", systems: Mapping[str, Any] | None = None
    ) -> None:
        """Raise FaultError for the first fault that could never fire: unknown step, attempt above ``max_attempts``.

        Or an outage of a system that is not among ``systems``, by name.
        """
        name = find_profile(profile).name
        for one in self._faults:
            if isinstance(one.wire, Outage):
                check_system(one.wire.system, systems or {}, template)
            elif one.step or one.wire is None:
                _check(one, template, name)

    def to_data(self) -> list[dict[str, Any]]:
        """The plan as plain JSON; ``FaultPlan.from_data`` gives an equal plan back."""
        return [one.to_data() for one in self._faults]

    @classmethod
    def from_data(cls, data: Iterable[Any]) -> Self:
        """The plan that the data describes: a list of mappings (Fault values are taken as they are)."""
        if isinstance(data, (str, bytes, Mapping)) or not isinstance(data, Iterable):
            raise FaultError(f"A fault plan is a list of faults, not {data!r:.80}.")
        return cls(_numbered(number, entry) for number, entry in enumerate(data, 1))

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._faults)

    def __len__(self) -> int:
        return len(self._faults)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FaultPlan) and self._faults == other._faults

    __hash__ = None  # type: ignore[assignment]  # a plan can grow

    def __repr__(self) -> str:
        return f"<FaultPlan: {'; '.join(map(str, self._faults)) or 'empty'}>"


def as_plan(faults: FaultPlan | Iterable[Any] | None) -> FaultPlan:
    """A plan as it is, None as an empty one, and data or Fault values as ``FaultPlan.from_data`` reads them."""
    if isinstance(faults, FaultPlan):
        return faults
    return FaultPlan.from_data(() if faults is None else faults)


def _numbered(number: int, entry: Any) -> Fault:
    try:
        return fault_from_data(entry)
    except FaultError as error:
        raise FaultError(f"Fault {number}: {error}") from None


def _check(one: Fault, template: Template, profile: str) -> None:
    step = _definition(template, one.step)
    if step is None:
        known = template.step_names
        raise FaultError(
            f"The fault '{one}' can never fire: template {template.name!r} has no step {one.step!r}."
            f"{near(one.step, known)} Its steps:\n{listed(known)}"
        )
    most = max(step.retry.max_attempts, 1)
    if one.attempts is not None and one.attempts[-1] > most:
        raise FaultError(
            f"The fault '{one}' can never fire under {profile}: step {one.step!r} has at most {most} "
            f"attempt{'s' if most > 1 else ''} (retry.max_attempts). Aim it at a lower attempt or raise max_attempts."
        )


def _definition(template: Template, name: str) -> StepTemplate | None:
    """The step of that name, or the batch worker that an instance such as ``work_001`` is made from."""
    workers = [step for step in template.steps if step.type == "batch_worker" and name.startswith(f"{step.name}_")]
    return template.step(name) or max(workers, key=lambda step: len(step.name), default=None)
