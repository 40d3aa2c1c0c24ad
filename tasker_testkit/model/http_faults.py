"""What can go wrong with a handler's HTTP requests, as values: a fault of single requests, and a system's outage."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

from tasker_testkit.model.durations import exactly

Moment = Literal["before", "after"]


class Breakage(NamedTuple):
    """How a request breaks: the exception of ``httpx`` and its text, and whether that can be ``before`` or ``after``
    the server acted (the first one is meant if nothing is said). ``waits``: the client's own timeout that passes."""

    exception: str | None
    text: str
    moments: tuple[Moment, ...]
    waits: Literal["connect", "read"] | None = None


BREAKAGES: Final[Mapping[str, Breakage]] = {
    "refused": Breakage("ConnectError", "[Errno 111] Connection refused", ("before",)),
    "unknown_host": Breakage("ConnectError", "[Errno -2] Name or service not known", ("before",)),
    "connect_timeout": Breakage("ConnectTimeout", "timed out", ("before",), "connect"),
    "timeout": Breakage("ReadTimeout", "The read operation timed out", ("before", "after"), "read"),
    "reset": Breakage("ReadError", "[Errno 104] Connection reset by peer", ("before", "after")),
    "disconnected": Breakage(
        "RemoteProtocolError", "Server disconnected without sending a response.", ("before", "after")
    ),
    "truncated": Breakage(
        "RemoteProtocolError",
        "peer closed connection without sending complete message body (received {received} bytes, expected {whole})",
        ("after",),
    ),
    "malformed": Breakage(None, "", ("after",)),
    "redirect_loop": Breakage(None, "", ("before",)),
}
"""What ``error`` can be: three ways in which nobody answers, then what befalls an answer.

``truncated``: half of the answer's body comes; ``malformed``: its body is no JSON; ``redirect_loop``: each answer
redirects to the same address.
"""

MALFORMED: Final = '{"malformed": '
"""The body of a malformed answer."""


@dataclass(frozen=True, slots=True)
class HttpFault:
    """What happens to requests of a ``method`` (None: any) to a ``url``, in which ``*`` stands for anything.

    ``calls`` are 1-based numbers among the requests that fit, None = all. ``status`` (with ``headers`` and ``body``) is
    answered instead, or the request breaks as ``error`` says; the answer comes ``delay`` microseconds later. ``when``
    says whether the server has acted: ``before`` it does, or ``after`` it did.
    """

    method: str | None
    url: str
    calls: tuple[int, ...] | None = None
    status: int | None = None
    error: str | None = None
    delay: int = 0
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)
    body: Any = field(default=None, hash=False)
    when: Moment = "before"

    def fits(self, method: str, url: str) -> bool:
        """Whether it is about requests such as this one, whatever their number."""
        return self.method in (None, method) and url_fits(self.url, url)

    def __str__(self) -> str:
        numbers = "" if self.calls is None else f" (call {', '.join(map(str, self.calls))})"
        late = f"{exactly(self.delay)} late" if self.delay else ""
        what = " ".join(filter(None, (str(self.status or self.error or ""), late)))
        acted = ", after the server acted" if self.when == "after" and (self.status or self.error) else ""
        return f"{self.method or 'ANY'} {self.url}{numbers}: {what}{acted}"


@dataclass(frozen=True, slots=True)
class Outage:
    """Nobody answers for a ``system`` (a name, or an address with ``*``) from ``start`` on, for ``length``.

    Both are microseconds, ``start`` from the submission on; at the end itself the system is there again.
    """

    system: str
    start: int
    length: int

    def covers(self, at: int) -> bool:
        """Whether the system is away at this instant, in microseconds after the submission."""
        return self.start <= at < self.start + self.length

    def __str__(self) -> str:
        return f"{self.system} away from {exactly(self.start)} on for {exactly(self.length)}"


def url_fits(pattern: str, url: str) -> bool:
    """Whether an address fits a pattern: ``*`` stands for anything, one without ``?`` says nothing of the query, and
    one without a path nothing of the path."""
    return _compiled(pattern).fullmatch(url if "?" in pattern else url.partition("?")[0]) is not None


@lru_cache(maxsize=1_024)
def _compiled(pattern: str) -> re.Pattern[str]:
    scheme, colon, rest = pattern.partition("://")
    host, slash, path = rest.partition("/")
    if not colon:
        return re.compile(_wild(pattern), re.DOTALL)
    without_port = re.sub(":443$" if scheme.lower() == "https" else ":80$", "", host.lower())
    return re.compile(_wild(f"{scheme.lower()}://{without_port}") + (_wild(slash + path) if slash else "(/.*)?"))


def _wild(text: str) -> str:
    return ".*".join(map(re.escape, text.split("*")))
