"""YAML 1.2 scalars: what an unquoted text means."""

from __future__ import annotations

import datetime
import json
import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tasker_testkit.errors import TemplateError
from tasker_testkit.model.loading import load_data, load_template

WRITTEN = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
    "null": None,
    "Null": None,
    "NULL": None,
    "~": None,
    "": None,
    "12": 12,
    "+12": 12,
    "-3": -3,
    "0x1F": 31,
    "0o10": 8,
    "0b11": 3,
    "-0": 0,
    "1e3": 1000.0,
    "1.": 1.0,
    ".5": 0.5,
    "1.10": 1.1,
    ".nan": None,
    ".inf": None,
    "-.inf": None,
    '"1"': "1",
    "'true'": "true",
    "!!str 12": "12",
    '!!int "12"': 12,
    "18446744073709551615": 2**64 - 1,
}
TEXTS = [
    "yes",
    "no",
    "on",
    "off",
    "y",
    "n",
    "Yes",
    "ON",
    "010",
    "007",
    "-010",
    "1_000",
    "12:30:45",
    "2026-01-01",
    "tRUE",
    "nUll",
    "0x",
    "0o8",
    "0b2",
    "1e",
    "1e400",
    "+-1",
    ".",
    "inf",
    "nan",
]


@pytest.mark.parametrize(("text", "value"), [*WRITTEN.items(), *((text, text) for text in TEXTS)])
def test_a_scalar_means_what_the_table_says(text, value):
    """Each scalar of YAML 1.2 becomes its value, and what only older YAML knows stays a text."""
    found = load_data(f"a: {text}\n")["a"]
    assert found == value
    assert type(found) is type(value)


@given(st.integers(-(2**63), 2**64 - 1))
def test_whole_numbers_keep_their_value(number):
    """Any number of 64 bits means itself, in base 10, 16, 8 and 2, with or without its plus."""
    forms = [f"{number}", f"{number:#x}", f"{number:#o}", f"{number:#b}"] + ([f"+{number}"] if number >= 0 else [])
    assert load_data("".join(f"- {form}\n" for form in forms)) == [number] * len(forms)


@given(st.integers(min_value=2**64) | st.integers(max_value=-(2**63) - 1))
def test_numbers_beyond_64_bits_are_refused(number):
    """A whole number that no 64 bits hold is refused, however long it is."""
    with pytest.raises(TemplateError, match=r"a: must be a number up to 18446744073709551615, not -?[0-9]+…?\.$"):
        load_data(f"a: {number}\n")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_fractions_keep_their_value(number):
    """Any finite float means itself."""
    assert load_data(f"a: {number!r}\n") == {"a": number}


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x85\u2028\u2029", exclude_categories=["Cc", "Cs"]))
)
def test_quoted_texts_stay_texts(text):
    """Whatever stands in quotes is that text, and as a name of a template too."""
    written = text.replace("'", "''")
    assert load_data(f"a: '{written}'\n") == {"a": text}


@given(st.from_regex(r"[A-Za-z0-9_.+:-]{1,12}", fullmatch=True))
def test_a_text_field_takes_the_raw_text(text):
    """A version is what is written, whatever it would mean elsewhere."""
    step = "  - {name: a, handler: {callable: x}}"
    loaded = load_template(f"name: t\nnamespace_name: n\nversion: '{text}'\nsteps:\n{step}\n", profile="tasker-0.1.8")
    assert loaded.version == text
    try:
        plain = list(yaml.parse(f"version: {text}\n"))[4].value
    except yaml.YAMLError:
        return
    raw = load_template(f"name: t\nnamespace_name: n\nversion: {text}\nsteps:\n{step}\n", profile="tasker-0.1.8")
    assert raw.version == plain


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="ascii", exclude_categories=["Cc"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=5), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(json_values)
def test_json_and_python_data_read_the_same(value):
    """A JSON text means what it means to a JSON reader, and Python data mean themselves."""
    assert load_data(json.dumps({"a": value}) + "\n") == {"a": value}
    assert load_data({"a": value}) == {"a": value}


def test_python_data_that_json_lacks():
    """NaN becomes null as in a file; a date becomes its ISO text; keys become texts."""
    assert load_data({1.5: math.nan, True: datetime.date(2026, 1, 1), None: (1, 2)}) == {
        "1.5": None,
        "true": "2026-01-01",
        "null": [1, 2],
    }


def test_repeated_free_keys_last_wins_and_merge_keys_stay():
    """In a free mapping the last of equal keys counts, ``<<`` is a key like others, numbers become texts."""
    assert load_data("x: &x {p: 1}\na: {<<: *x, k: 1, 1: one, k: 2}\n")["a"] == {"<<": {"p": 1}, "k": 2, "1": "one"}
