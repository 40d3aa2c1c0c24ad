"""Texts of the formats that a validator checks, and some that nearly are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Final, NamedTuple
from uuid import UUID

from hypothesis import strategies as st

Texts = st.SearchStrategy[str]


class Format(NamedTuple):
    """How to draw texts of a format, and a few that aren't of it; ``rare``: nearly any text isn't."""

    fitting: Callable[[], Texts]
    wrong: tuple[str, ...]
    rare: bool = True


_LABEL: Final = r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?"
_HOST: Final = rf"{_LABEL}(\.{_LABEL}){{0,2}}"
_EMAIL: Final = rf"[a-z0-9!#$%&'*+/=?^_`{{|}}~-]{{1,8}}(\.[a-zA-Z0-9]{{1,8}})?@({_LABEL}\.){{1,2}}[a-z]{{2,4}}"
_TAIL: Final = r"(/[a-z0-9._~-]{0,8}){0,3}(\?[a-z]=[a-z0-9]{0,5})?(#[a-z]{0,4})?"


def _like(pattern: str) -> Texts:
    return st.from_regex(pattern, fullmatch=True)


def _pointers() -> Texts:
    steps = st.lists(_like(r"([a-z0-9]|~0|~1){0,5}"), max_size=3)
    return steps.map(lambda keys: "".join(f"/{key}" for key in keys))


FORMATS: Final[Mapping[str, Format]] = {
    "date-time": Format(
        lambda: st.datetimes(timezones=st.just(UTC)).map(lambda at: at.isoformat().replace("+00:00", "Z")),
        ("2026-01-01T00:00:00", "2026-02-30T00:00:00Z", "2026-01-01"),
    ),
    "date": Format(lambda: st.dates().map(lambda day: day.isoformat()), ("2026-02-30", "2026-1-1", "01.01.2026")),
    "time": Format(lambda: st.times().map(lambda at: f"{at.isoformat()}Z"), ("25:00:00Z", "12:00:00", "noon")),
    "duration": Format(
        lambda: _like(r"P[1-9][0-9]?D(T[1-9][0-9]?H([1-9][0-9]?M)?)?|PT[1-9][0-9]{0,2}[HMS]"), ("5m", "P", "1 day")
    ),
    "email": Format(lambda: _like(_EMAIL), ("nobody", "nobody.example.com")),
    "idn-email": Format(lambda: _like(_EMAIL), ("nobody", "nobody.example.com")),
    "hostname": Format(lambda: _like(_HOST), ("-a.example", "a_b", "")),
    "idn-hostname": Format(lambda: _like(_LABEL), ("-a.example", "a..b", "")),
    "ipv4": Format(lambda: st.ip_addresses(v=4).map(str), ("1.2.3.256", "1.2.3", "1.2.3.4.5")),
    "ipv6": Format(lambda: st.ip_addresses(v=6).map(str), ("1::2::3", "::g", "1.2.3.4")),
    "uri": Format(lambda: _like(rf"https?://{_HOST}{_TAIL}"), ("example.com", "http://a b", "/path")),
    "iri": Format(lambda: _like(rf"https?://{_HOST}{_TAIL}"), ("example.com", "http://a b", "/path")),
    "uri-reference": Format(lambda: _like(rf"(https?://{_HOST})?{_TAIL}"), ("http://a b", "a b", "\\")),
    "iri-reference": Format(lambda: _like(rf"(https?://{_HOST})?{_TAIL}"), ("http://a b", "a b", "\\")),
    "uri-template": Format(lambda: _like(r"(/[a-z]{1,5}(/\{[a-z]{1,5}\})?){1,2}"), ("/{a", "/{}", "/{a b}")),
    "uuid": Format(
        lambda: st.integers(0, 2**128 - 1).map(lambda number: str(UUID(int=number))),
        ("00000000-0000-0000-0000-00000000000", "1234", "0" * 32),
    ),
    "json-pointer": Format(_pointers, ("a", "/~2", "/~")),
    "relative-json-pointer": Format(
        lambda: st.one_of(
            st.builds("{}{}".format, st.integers(0, 20), _pointers()), st.integers(0, 20).map("{}#".format)
        ),
        ("/a", "-1", "01"),
    ),
    "regex": Format(
        lambda: st.sampled_from(("", "a", "^a*$", "[a-z]+", r"^\d{2}$", "(a|b)")), ("(", "[", "*", "a**"), rare=False
    ),
}
"""By name, as in the ``format`` of a schema."""
