"""What of a request may be shown. In headers and bodies secrets become placeholders, the same for the same secret.

In an address, which is a pattern too, and in messages they become ``*``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from tasker_testkit.model.placeholders import text_placeholder

if TYPE_CHECKING:
    import httpx

HIDDEN: Final = "*"
_SECRET: Final = re.compile(
    r"authoriz|authent|(^|[-_])auth([-_]|$)|cookie|token|secret|passw|pwd|api[-_]?key|access[-_]?key|signature"
    r"|credential|session|(^|[-_])card([-_]|$)|cvc|cvv|iban",
    re.IGNORECASE,
)
_USUAL: Final = ("host", "accept", "accept-encoding", "connection", "content-length", "user-agent")
"""What clients add to every request."""
_MOST: Final = 2_000


def shown_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that say something, by lower-case name."""
    kept = {name.lower(): value for name, value in headers.items() if name.lower() not in _USUAL}
    return {name: text_placeholder(value) if _is_secret(name) else value for name, value in sorted(kept.items())}


def shown_url(url: httpx.URL) -> str:
    """The address without userinfo and without the values of secret parameters."""
    query = url.query.decode()
    if query:
        query = "?" + "&".join(map(_shown_parameter, query.split("&")))
    return f"{shown_place(url)}{query}"


def shown_place(url: httpx.URL) -> str:
    """The address without userinfo, query and fragment."""
    port = "" if url.port is None else f":{url.port}"
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"{url.scheme}://{host}{port}{url.raw_path.decode().partition('?')[0]}"


def _shown_parameter(part: str) -> str:
    name, equals, value = part.partition("=")
    return f"{name}{equals}{HIDDEN if _is_secret(name) else value}"


def shown_body(request: httpx.Request) -> Any:
    """A JSON or form body with its secrets hidden, None for none; a fingerprint of any other, or of a long one."""
    content = request.content
    if not content:
        return None
    if len(content) <= _MOST:
        try:
            if "json" in request.headers.get("content-type", ""):
                return _replaced(json.loads(content), text_placeholder)
            if "form-urlencoded" in request.headers.get("content-type", ""):
                return _replaced(dict(parse_qsl(content.decode(), keep_blank_values=True)), text_placeholder)
        except ValueError:
            pass
    return f"sha256 {sha256(content).hexdigest()[:16]}"


def hidden(value: Any) -> Any:
    """A JSON value, or a mapping of headers or parameters, with a ``*`` for each text under a secret name."""
    return _replaced(value, lambda secret: HIDDEN)


def _replaced(value: Any, replace: Callable[[str], str]) -> Any:
    if isinstance(value, list):
        return [_replaced(one, replace) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: replace(one) if isinstance(one, str) and _is_secret(name) else _replaced(one, replace)
        for name, one in value.items()
    }


def _is_secret(name: str) -> bool:
    return _SECRET.search(name) is not None
