"""Tokens: what goes in comes out, any damage is said, and a changed template is said with what changed."""

from __future__ import annotations

import json
import os
import re
import string
import subprocess
import sys
from base64 import urlsafe_b64encode
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_samples import faults, plans

from tasker_testkit.errors import TokenError
from tasker_testkit.explore.fingerprints import changes, fingerprint, print_of
from tasker_testkit.explore.tokens import Token, read_token
from tasker_testkit.model import fault_kinds
from tasker_testkit.model.fault_kinds import fault
from tasker_testkit.model.loading import load_template
from tasker_testkit.model.profile import DOCUMENTED, TASKER_0_1_8

EXAMPLE = Path(__file__).parents[2] / "examples" / "ecommerce" / "order_processing.yaml"
TEMPLATE = load_template(EXAMPLE)
ALPHABET = string.ascii_letters + string.digits + "-_"
TOKEN = Token(
    template=TEMPLATE.name,
    faults=(fault("crash", "process_payment", 1, "after"),),
    seed=0,
    order="creation",
    profile=DOCUMENTED,
    start="2026-01-01T00:00:00Z",
    workers=None,
    environment=None,
    timezone="UTC",
    actions=(),
    printed=print_of(TEMPLATE),
    input=b"\x00\xff\x7f",
    outcome=b"abc",
)
PROFILES = st.sampled_from([DOCUMENTED, TASKER_0_1_8]) | st.builds(
    replace,
    st.sampled_from([DOCUMENTED, TASKER_0_1_8]),
    jitter=st.sampled_from([0.0, 0.5]),
    redelivery=st.none() | st.integers(1, 10**9),
    name=st.sampled_from(["documented", "ours"]),
)
TOKENS = st.builds(
    replace,
    st.just(TOKEN),
    template=st.text(max_size=20),
    faults=plans(least=0),
    seed=st.integers(),
    order=st.sampled_from(["creation", "seeded"]) | st.lists(st.integers(0, 9), max_size=6).map(tuple),
    profile=PROFILES,
    start=st.sampled_from([TOKEN.start, "2027-05-05T12:00:00.5Z"]),
    workers=st.none() | st.integers(1, 9),
    environment=st.none() | st.text(max_size=5),
    timezone=st.sampled_from(["UTC", "Europe/Berlin"]),
    actions=st.lists(st.just({"do": "cancel", "at": "5s"}), max_size=2).map(tuple),
    input=st.binary(min_size=3, max_size=3),
    outcome=st.binary(min_size=3, max_size=3),
)


@given(TOKENS)
def test_what_goes_in_comes_out(token):
    """A token reads back as an equal one, of letters that a URL and a shell take as they are."""
    assert read_token(token.text) == token
    assert re.fullmatch(r"A[A-Za-z0-9_-]+", token.text)


@given(TOKENS, st.data())
def test_blanks_and_line_breaks_do_not_matter(token, data):
    """A token that a terminal or a mail has wrapped is still that token."""
    place = data.draw(st.integers(0, len(token.text)))
    assert read_token(f" {token.text[:place]}\n  {token.text[place:]}\n") == token


@settings(max_examples=300)
@given(TOKENS, st.data())
def test_any_damage_of_one_character_is_said(token, data):
    """A character that is changed, lost, added, or has changed places with the next one: TokenError each time."""
    text = token.text
    at = data.draw(st.integers(0, len(text) - 1))
    new = data.draw(st.sampled_from(ALPHABET + "!é="))
    damaged = {
        text[:at] + new + text[at + 1 :],
        text[:at] + text[at + 1 :],
        text[:at] + new + text[at:],
        text[:at] + text[at + 1 : at + 2] + text[at : at + 1] + text[at + 2 :],
    } - {text}
    for other in damaged:
        with pytest.raises(TokenError, match=r"is damaged: a character|is no token that"):
            read_token(other)


def test_every_single_character_of_one_token():
    """No place and no letter of a whole token is without its watch."""
    text = TOKEN.text
    for at in range(len(text)):
        for new in ALPHABET:
            if new != text[at]:
                with pytest.raises(TokenError):
                    read_token(text[:at] + new + text[at + 1 :])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is no token that this version of tasker_testkit reads: those begin with 'A'. Copy it whole"),
        ("Zabc", "'Zabc' is no token that this version"),
        ("A", "This token is damaged: a character of it was changed, added or lost (1 are here). Copy it again, whole"),
        ("Ahello world", "This token is damaged"),
    ],
)
def test_what_is_no_token_is_said(text, message):
    """Each text that isn't a token is refused with what to do."""
    with pytest.raises(TokenError, match=re.escape(message)):
        read_token(text)


@pytest.mark.parametrize("content", [b"", b"\x00" * 11, b"\x00" * 12 + b"garbage"])
def test_a_whole_token_of_another_make_is_refused(content):
    """What has the right checksum, and inside something else, is told from a damaged one."""
    from zlib import crc32

    word = "A" + urlsafe_b64encode(crc32(b"A" + content).to_bytes(4, "big") + content).decode().rstrip("=")
    with pytest.raises(TokenError, match="This token is whole, but this version of tasker_testkit can't read"):
        read_token(word)


def test_an_unknown_kind_of_fault_is_said(monkeypatch):
    """A token with a fault that only a later version knows names the fault."""
    text = replace(TOKEN, faults=(fault("hang", "process_payment", 1, True),)).text
    older = {name: kind for name, kind in fault_kinds.KINDS.items() if name != "hang"}
    monkeypatch.setattr(fault_kinds, "KINDS", older)
    with pytest.raises(TokenError, match="can't read what is in it: Unknown key 'hang'"):
        read_token(text)


@given(faults(attempts=st.integers(1, 3)))
def test_a_token_is_short(one):
    """One plain fault of the example: at most 100 characters; what a fault says beside costs what base64 costs."""
    plain = fault("lose_result", one.step or "charge", one.attempts, True)
    assert len(replace(TOKEN, faults=(plain,)).text) <= 100
    assert len(replace(TOKEN, faults=(one,)).text) <= 100 + len(json.dumps(one.to_data())) * 4 // 3


def test_tokens_are_the_same_in_every_process():
    """The same token in processes with different hash seeds."""
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "from test_tokens import TOKEN; from dataclasses import replace\n"
        "print(replace(TOKEN, actions=({'do': 'cancel', 'at': '5s'},), profile=replace(TOKEN.profile, jitter=.5)).text)"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code, str(Path(__file__).parent)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(printed) == 1


# -- fingerprints ------------------------------------------------------------------------------------------------------


def changed(edit):
    """What ``changes`` says of the example after an edit of its data."""
    data = yaml.safe_load(EXAMPLE.read_text())
    edit(data)
    return changes(print_of(TEMPLATE), load_template(data))


def step(data, name):
    """The data of one step."""
    return next(each for each in data["steps"] if each["name"] == name)


def rename(data):
    """Another name for the payment, everywhere."""
    step(data, "process_payment")["name"] = "pay"
    step(data, "update_inventory")["dependencies"] = ["pay"]


POLICY = "step 'process_payment' changed: one of retry, timeout_seconds"
REST = (
    "step 'process_payment' changed: one of type, dependencies, handler, publishes_events, batch_config, result_schema"
)
OUTSIDE = "something outside its steps changed: name, version, task_handler, input_schema, lifecycle, ..."
INVENTORY = REST.replace("process_payment", "update_inventory")
AUDIT = {"name": "audit", "handler": {"callable": "audit"}, "dependencies": ["send_confirmation"]}


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda data: None, []),
        (lambda data: data.update(description="other", metadata={}), []),
        (lambda data: step(data, "process_payment").update(description="other"), []),
        (lambda data: data.update(version="1.0.1"), [OUTSIDE]),
        (lambda data: data["input_schema"].update(required=[]), [OUTSIDE]),
        (lambda data: step(data, "process_payment")["retry"].update(max_attempts=5), [POLICY]),
        (lambda data: step(data, "process_payment").update(timeout_seconds=5), [POLICY]),
        (lambda data: step(data, "process_payment")["handler"].update(callable="pay"), [REST]),
        (lambda data: data["steps"].append(AUDIT), ["'audit' is where the token's template has nothing"]),
        (lambda data: data["steps"].pop(), ["nothing is where the token's template has 1 step of another name"]),
        (rename, ["'pay' is where the token's template has 1 step of another name", INVENTORY]),
    ],
)
def test_what_changed_in_a_template_is_said(edit, said):
    """The step and which part of it; steps that came or went; or that it is outside the steps."""
    assert changed(edit) == said


def test_a_large_template_changes_without_details():
    """Of more than 40 steps a token knows only that something changed; it stays short."""
    steps = [{"name": f"s{number}", "handler": {"callable": "x"}} for number in range(41)]
    large = load_template({"name": "t", "namespace_name": "n", "version": "1.0.0", "steps": steps})
    less = replace(large, steps=large.steps[1:])
    assert len(replace(TOKEN, printed=print_of(large)).text) <= 100
    assert changes(print_of(large), large) == []
    assert changes(print_of(large), less) == [
        "something in it changed; of a template this large a token can't say what"
    ]


@given(st.dictionaries(st.text(), st.integers() | st.text(), min_size=2))
def test_a_fingerprint_does_not_know_the_order_of_keys(data):
    """Only what is in it counts."""
    assert fingerprint(dict(reversed(data.items())), 3) == fingerprint(data, 3)
    assert fingerprint({**data, "": "other"}, 8) != fingerprint({**data, "": "another"}, 8)
