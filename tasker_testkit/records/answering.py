"""What other systems answered in an attempt, as far as its history knows: routes for when it is run once more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from tasker_testkit.model.http_faults import BREAKAGES
from tasker_testkit.model.requests import HttpCall

_BODILESS: Final = (204, 304)


def answers_of(requests: Iterable[HttpCall]) -> list[dict[str, Any]]:
    """Routes, as data, for the addresses whose recorded answers say all there was to them.

    A history has statuses and errors, no bodies. So an answer is known if it had none (204, 304, HEAD) or if what
    counts of it is its status (400 and above), or the way in which there was no answer at all.
    """
    found: dict[tuple[str, str], list[dict[str, Any] | None]] = {}
    for request in requests:
        found.setdefault((request.method, request.url), []).append(_answer(request))
    return [
        {"method": method, "url": url, "answers": answers}
        for (method, url), answers in found.items()
        if all(answer is not None for answer in answers)
    ]


def _answer(request: HttpCall) -> dict[str, Any] | None:
    late = {"delay": f"{request.took}us"} if request.took else {}
    if request.status is not None:
        whole = request.status >= 400 or request.status in _BODILESS or request.method == "HEAD"
        return {"status": request.status, **late} if whole else None
    kind, _, text = (request.error or "").partition(": ")
    broken = [name for name, one in BREAKAGES.items() if one.exception == kind and "before" in one.moments]
    broken.sort(key=lambda name: BREAKAGES[name].text != text)
    return {"error": broken[0]} if broken else None
