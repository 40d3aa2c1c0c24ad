"""Tests that run under both profiles: the rows that one says it differs by, those that mattered, and the summary."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tasker_testkit.errors import TaskerTestkitError, listed
from tasker_testkit.pair import PAIR

if TYPE_CHECKING:
    from tasker_testkit.model.outcome import Outcome
    from tasker_testkit.model.profile import Profile
    from tasker_testkit.run import Run

Told = tuple[int, str]
"""A row's number, and the sentence about what it did."""
Called = Callable[..., "Outcome"]
"""A handler with its context: called with ``profile=``, it runs again under that one."""
_OF_A_HANDLER: Final = (2, 7, 8, 9, 10, 11)
"""The rows that show in one call of one handler."""

_NUMBERS: Final = re.compile(r"\brows? ((?:\d+(?:, | and )?)+)")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a test says of itself: it holds as documented, and fails on Tasker 0.1.8 by these rows."""

    rows: tuple[int, ...]
    reason: str

    def explains(self, mattered: Sequence[Told]) -> bool:
        """Did one of its rows matter? True as well if it names none."""
        return not self.rows or any(row in self.rows for row, _ in mattered)


def claimed(differs: Any) -> Claim:
    """The claim of ``differs=``: a row's number, several, or a text such as ``"row 7: the card is declined twice"``.

    Raises TaskerTestkitError for anything else, and for a row that there isn't.
    """
    numbers = [differs] if isinstance(differs, int) else differs
    if isinstance(differs, str) and differs.strip():
        found = [int(number) for rows in _NUMBERS.findall(differs) for number in re.findall(r"\d+", rows)]
        return Claim(_known(found), differs)
    if isinstance(numbers, Iterable) and not isinstance(numbers, (str, Mapping)):
        numbers = list(numbers)
        if numbers and all(isinstance(number, int) and not isinstance(number, bool) for number in numbers):
            return Claim(_known(numbers), _titled(numbers))
    raise TaskerTestkitError(
        f"differs={differs!r} says nothing. Give the row of docs/profiles.md by which the test differs (differs=7), "
        'several (differs=[7, 21]), or a text: differs="row 7: the card is declined twice".'
    )


def _titles() -> dict[int, str]:
    from tasker_testkit.fidelity.rows import ROWS

    return {row.number: row.title for row in ROWS}


def _known(numbers: Iterable[int]) -> tuple[int, ...]:
    titles, found = _titles(), tuple(dict.fromkeys(numbers))
    for number in found:
        if number not in titles:
            rows = listed(f"{row:2}  {title}" for row, title in titles.items())
            raise TaskerTestkitError(f"differs: there is no row {number}. The rows of docs/profiles.md:\n{rows}")
    return found


def _titled(numbers: Iterable[int]) -> str:
    titles = _titles()
    return "; ".join(f"row {number}: {titles[number]}" for number in dict.fromkeys(numbers))


def mattered(runs: Iterable[Run], calls: Iterable[Called] = ()) -> list[Told] | None:
    """The rows that mattered in what a test did, latest first: those of the first run or call that has any.

    None: it can't be told. Workflows and handlers run again for that; what they keep is as the test has left it.
    """
    latest_runs, latest_calls = list(runs)[::-1], list(calls)[::-1]
    if not (latest_runs or latest_calls):
        return None
    try:
        found = (_of_run(run) for run in latest_runs)
        return next((rows for rows in (*found, *map(_of_call, latest_calls)) if rows), [])
    except Exception:  # doubles that can't be used again: no answer is better than another failure
        return None


def _of_run(run: Run) -> list[Told]:
    return [(row.row, row.sentence) for row in run.divergences]


def _of_call(call: Called) -> list[Told]:
    """Each row tried both ways, as for runs, with the one handler."""
    from tasker_testkit.fidelity.rows import ROWS
    from tasker_testkit.model.profile import DOCUMENTED, TASKER_0_1_8

    def seen(profile: Profile) -> tuple[Any, ...]:
        found = call(profile=profile)
        told = (found.success, found.error_type, found.error_code, found.retryable, found.retry_after)
        return *told, dict(found.metadata)

    documented, built = seen(DOCUMENTED), seen(TASKER_0_1_8)
    if documented == built:
        return []
    rows = [row for row in ROWS if row.number in _OF_A_HANDLER]
    return [
        (row.number, f"{row.title}: {row.advice}")
        for row in rows
        if seen(row.taken(DOCUMENTED, TASKER_0_1_8)) != documented or seen(row.taken(TASKER_0_1_8, DOCUMENTED)) != built
    ]


# -- the summary -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Result:
    """How one test ended under one profile.

    ``outcome``: passed, failed, skipped, or what a claim made of it: ``differs`` (it fails, as it says), ``alike`` (it
    passes, against what it says), ``otherwise`` (it fails by other rows than it says).
    """

    test: str
    profile: str
    outcome: str
    rows: Sequence[Told] = ()
    reason: str = ""


_TOLD: Final[Mapping[tuple[str, str], str]] = {
    ("passed", "failed"): "as documented they pass, on tasker-0.1.8 they fail:",
    ("failed", "passed"): "as documented they fail, on tasker-0.1.8 they pass:",
    ("passed", "alike"): "they pass on both, though their markers say that they differ:",
    ("passed", "otherwise"): "on tasker-0.1.8 they fail by other rows than their markers say:",
    ("passed", "differs"): "they differ as their markers say:",
}
_WORST: Final = ("failed", "otherwise", "alike", "differs", "passed", "skipped")


def summary(results: Iterable[Result], *, width: int = 100) -> list[str]:
    """The lines about the tests that ran under both profiles; none if no test did."""
    pairs = {test: (ends["documented"], ends["tasker-0.1.8"]) for test, ends in _by_test(results).items()}
    if not pairs:
        return []
    parted = {test: pair for test, pair in pairs.items() if (pair[0].outcome, pair[1].outcome) in _TOLD}
    lines = [_count(len(pairs), list(parted.values()))]
    for outcomes, told in _TOLD.items():
        alike: dict[tuple[str, ...], list[str]] = {}
        for test, pair in parted.items():
            if (pair[0].outcome, pair[1].outcome) == outcomes:
                alike.setdefault(tuple(_why(pair, width)), []).append(f"  {test}")
        if alike:
            lines += ["", told, *(line for why, tests in alike.items() for line in (*tests, *why))]
    return lines


def _by_test(results: Iterable[Result]) -> dict[str, dict[str, Result]]:
    """The worst result of each test under each profile, for those that ran under both."""
    found: dict[str, dict[str, Result]] = {}
    for result in results:
        before = found.setdefault(result.test, {}).get(result.profile)
        if before is None or _WORST.index(result.outcome) < _WORST.index(before.outcome):
            found[result.test][result.profile] = result
    return {test: ends for test, ends in found.items() if len(ends) == len(PAIR)}


def _count(total: int, parted: Sequence[tuple[Result, Result]]) -> str:
    marked = sum(pair[1].outcome == "differs" for pair in parted)
    others = len(parted) - marked
    tests = "1 test" if total == 1 else f"{total} tests"
    said = [f"{others} unexpectedly not" if others else "", f"{marked} not, as marked" if marked else ""]
    return f"{tests} under both profiles: {', '.join([f'{total - len(parted)} alike', *filter(None, said)])}"


def _why(pair: tuple[Result, Result], width: int) -> Iterator[str]:
    """The rows that mattered, or what the marker says, below the tests that have them in common."""
    failing = pair[0] if pair[0].outcome == "failed" else pair[1]
    if failing.outcome in ("differs", "alike"):
        yield from _hung("", failing.reason, width)
        return
    for row, sentence in failing.rows:
        yield from _hung(str(row), sentence, width)
    if not failing.rows:
        yield from _hung("", "no row of docs/profiles.md was found to matter in what it ran", width)


def _hung(number: str, text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, initial_indent=f"{number:>6}  ", subsequent_indent=" " * 8)
