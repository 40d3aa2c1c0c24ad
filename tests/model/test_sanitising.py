"""What Tasker 0.1.8 does to a task's context (row 14), against the recordings and as rules."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tasker_testkit.errors import SubmissionRefused
from tasker_testkit.model.loading import accept_context

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("TASKER_TESTKIT_CONFORMANCE", ROOT / "fixtures" / "conformance")) / "traces"
RECORDED = sorted(FOLDER.glob("context_*.json"))
assert RECORDED, f"no context_*.json in {FOLDER}"
MAKERS = {
    "$text": lambda n: "x" * n,
    "$array": lambda n: list(range(n)),
    "$object": lambda o: {f"{o['prefix']}{i}": i for i in range(o["count"])},
    "$spread": lambda o: {f"{o['prefix']}{i}": generated(o["value"]) for i in range(o["count"])},
}


def generated(value):
    """The value with its generators written out."""
    if isinstance(value, list):
        return [generated(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and (name := next(iter(value))) in MAKERS:
        return MAKERS[name](value[name])
    return {key(name): generated(item) for name, item in value.items()}


def number(digits):
    """A whole number as the database shows it: what no 64 bits hold was a float."""
    return int(digits) if len(digits) < 21 else float(digits)


def key(name):
    """A key, long ones written out."""
    if not name.startswith("$key:"):
        return name
    letter, number = name.removeprefix("$key:").split("*")
    return letter * int(number)


def accept(context, tags=()):
    """As ``tasker-0.1.8`` accepts it."""
    return accept_context(context, tags, "tasker-0.1.8")


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.stem)
def test_contexts_fare_as_recorded(file):
    """A recorded context is refused with the recorded status, or stored as it was stored."""
    scenario = json.loads(file.read_text(encoding="utf-8"))
    request = scenario.get("request") or {}
    context = generated(request.get("context", scenario["input"]))
    refused = scenario["trace"].get("refused")
    if refused:
        with pytest.raises(SubmissionRefused) as error:
            accept(context)
        assert (error.value.status, error.value.code) == (refused["http"], refused["body"]["error"]["code"])
        return
    stored, tags = accept(context, request.get("tags", ()))
    recorded = scenario["trace"].get("stored_context")
    assert recorded is None or stored == json.loads(json.dumps(recorded), parse_int=number)
    assert len(tags) == len(request.get("tags", ()))


EDGE = {
    "depth": (lambda n: {"a": json.loads("[" * (n - 1) + "]" * (n - 1))}, 10, "is the 11th container inside another"),
    "keys": (lambda n: {f"k{i}": i for i in range(n)}, 1_000, "the input has 1,001 entries; 1,000 are allowed."),
    "items": (lambda n: {"a": list(range(n))}, 1_000, "the input.a has 1,001 entries; 1,000 are allowed."),
    "text": (lambda n: {"a": "x" * n}, 10_000, "the input.a has 10,001 bytes; 10,000 are allowed."),
    "wide text": (lambda n: {"a": "é" * (n // 2) + "x" * (n % 2)}, 10_000, "the input.a has 10,001 bytes; 10,000 are"),
    "key": (lambda n: {"k" * n: 1}, 10_000, "a key of the input has 10,001 bytes; 10,000 are allowed."),
    "all": (
        lambda n: {"x": [*["y" * 9_997] * 104, "z" * (n - 104 * 10_000 - 10)]},
        1_048_576,
        "the input is larger than 1,048,576 bytes.",
    ),
}


@pytest.mark.parametrize("case", EDGE)
def test_limits_are_inclusive(case):
    """The limit itself is accepted, one more is refused with a text that says what is too much."""
    make, limit, text = EDGE[case]
    accept(make(limit))
    with pytest.raises(SubmissionRefused) as refused:
        accept(make(limit + 1))
    said = str(refused.value)
    assert said.startswith("Tasker 0.1.8 refuses this submission (500 DATABASE_ERROR, 'Database operation failed'): ")
    assert text in said


@pytest.mark.parametrize("value", [None, [1], "x", 3])
def test_a_context_is_an_object(value):
    """Anything but an object is refused by the database."""
    with pytest.raises(SubmissionRefused, match="not an object"):
        accept(value)


PIECES = ("<script>", "</script>", "javascript:", "data:text/html", "<SCRIPT>", "JavaScript:", "a", " ", "<", ":")
KEYS = ("on", "online", "On_hold", "ON", "script", "Eval", "function", "scripts", "position", "a", "xon", "<script>")
texts = st.lists(st.sampled_from(PIECES)).map("".join)
contexts = st.dictionaries(
    st.sampled_from(KEYS),
    st.recursive(
        texts | st.integers() | st.none(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
        max_leaves=8,
    ),
)


def shallow(value, depth=1):
    """Whether the value is within Tasker's depth."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return depth <= 11 and all(shallow(item, depth + 1) for item in inner)


@given(contexts)
def test_no_dropped_key_and_no_script_survives(context):
    """At any depth there is no such key left and no text with a rewritten piece."""
    assume(shallow(context))
    stored, _ = accept(context)
    written = json.dumps(list(texts_of(stored)))
    assert not any(piece in written for piece in ("<script>", "</script>", "data:text/html"))
    assert all(
        not name.lower().startswith("on") and name.lower() not in ("script", "eval", "function")
        for name in keys_of(stored)
    )


@given(contexts)
@example({"a": "<script>javascript:<script>"})
def test_sanitising_twice_is_sanitising_once(context):
    """What was stored stays as it is, unless dropping ``javascript:`` made a new one of its neighbours."""
    assume(shallow(context))
    stored, _ = accept(context)
    assume(not any("javascript:" in text for text in texts_of(stored)))
    assert accept(stored)[0] == stored


def test_the_rewriting_is_a_single_pass():
    """A piece that only appears because another was removed stays, as it does with plain replacing."""
    assert accept({"a": "javasjavascript:cript:x"})[0] == {"a": "javascript:x"}


safe_texts = st.text(st.characters(codec="utf-8", exclude_characters="<:")).filter(lambda text: len(text) < 100)
safe_keys = safe_texts.map("k_{}".format)


@given(
    st.dictionaries(
        safe_keys,
        st.recursive(
            safe_texts | st.integers() | st.booleans() | st.none(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(safe_keys, inner, max_size=3),
            max_leaves=8,
        ),
    )
)
def test_what_the_table_does_not_name_is_untouched(context):
    """Other keys, texts and values come through as they are."""
    assume(shallow(context))
    assert accept(context)[0] == context


@given(st.lists(texts))
def test_tags_are_rewritten_like_texts(tags):
    """A tag is treated as a text of the context is; none is dropped."""
    assert list(accept({}, tags)[1]) == accept({"a": tags})[0]["a"]


def texts_of(value):
    """All texts that aren't keys."""
    if isinstance(value, str):
        yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in inner:
        yield from texts_of(item)


def keys_of(value):
    """All keys at any depth."""
    if isinstance(value, dict):
        yield from value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in inner:
        yield from keys_of(item)
