"""Secrets never reach a file, and what stands in their place is the same for the same secret."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasker_testkit import Failure, HistoryError, Simulation, effect
from tasker_testkit.model.placeholders import card_placeholder, passes_luhn, text_placeholder
from tasker_testkit.recording import redacted_by
from tasker_testkit.replay.redaction import Redaction, redacted
from tasker_testkit.replay.secrets import names_secret

STEP = {"handler": {"callable": "x"}, "retry": {"max_attempts": 2, "backoff": "exponential", "backoff_base_ms": 100}}
TEMPLATE = {
    "name": "orders",
    "namespace_name": "shop",
    "version": "1.0.0",
    "steps": [{"name": "check", **STEP}, {"name": "charge", "dependencies": ["check"], **STEP}],
}
KEYS = ["password", "apiKey", "client_secret", "X-Auth-Token", "Authorization", "accessToken", "Set-Cookie", "DB_PASS"]
LETTERS = st.characters(codec="ascii", categories=["L", "N"])
WORDS = st.text(LETTERS, min_size=8, max_size=24).map(lambda text: f"s3{text}")


@st.composite
def cards(draw):
    """A card number that passes Luhn."""
    digits = draw(st.sampled_from("23456")) + draw(st.text("0123456789", min_size=11, max_size=17))
    return next(digits + last for last in "0123456789" if passes_luhn(digits + last))


def planted(secret, key, card):
    """The secret under a key, in a header, in messages, and echoed where nothing says that it is one."""
    return {
        "customer": {"note": f"pays with {card}", key: secret, "nested": [{key: [secret, {"x": secret}]}]},
        "headers": {"Authorization": f"Bearer {secret}", "Accept": "*/*"},
        "query": f"https://pay.example/?token={secret}&amount=1",
        "card": card,
        "number": int(card),
        "grouped": "-".join(re.findall(".{1,4}", card)) if len(card) == 16 else card,
        f"by {secret}": 1,
    }


@settings(max_examples=60)
@given(WORDS, st.sampled_from(KEYS), cards())
def test_no_secret_reaches_the_file(secret, key, card):
    """Planted in input, results, errors, effects, faults, operator's results and stubs, it is nowhere in the text."""
    data = planted(secret, key, card)

    def charge(context):
        effect("charge", key=f"k-{secret}", **{"card": card, key: secret})
        return data

    refused = Failure(f"{key}={secret} was refused: {secret!r}", metadata={key: secret})
    when = {"step": "charge", "state": "complete"}
    run = Simulation(
        TEMPLATE,
        stubs={"check": [refused, data], "charge": charge},
        faults=[{"step": "charge", "attempt": 1, "fail": {"message": f"no {card}, Bearer {secret}"}}],
        actions=[{"do": "complete_manually", "step": "charge", "when": when, "result": data}],
    ).run(data)
    text = run.recording()
    assert secret not in text
    assert card not in re.sub(r"[ -]", "", text)


@given(WORDS, cards(), st.text(max_size=5))
def test_the_same_secret_has_the_same_placeholder(secret, card, salt):
    """It is stable, redacting again changes nothing, and a card number stays one of that length."""
    assert text_placeholder(secret, salt) == text_placeholder(secret, salt) != secret
    assert text_placeholder(text_placeholder(secret, salt), salt) == text_placeholder(secret, salt)
    hidden = card_placeholder(card, salt)
    assert hidden != card
    assert (len(hidden), hidden[0], passes_luhn(hidden)) == (len(card), card[0], True)
    assert card_placeholder(hidden, salt) == hidden


@given(WORDS, st.sampled_from(KEYS), cards())
def test_redacting_twice_is_redacting_once(secret, key, card):
    """A recording that is replayed with its placeholders is redacted to itself."""
    once = redacted({"input": planted(secret, key, card)})
    assert redacted(once) == once


def test_equality_survives():
    """Two equal secrets are equal afterwards, two others aren't; what is no secret is as it was."""
    data = redacted({"input": {"password": "one", "a": {"password": "one"}, "b": {"password": "two"}, "total": 5}})
    found = data["input"]
    assert found["password"] == found["a"]["password"] != found["b"]["password"]
    assert found["total"] == 5


@pytest.mark.parametrize("key", [*KEYS, "token", "tokens", "passwd", "card_number", "mypassword", "CVV", "private-key"])
def test_names_of_secrets(key):
    """Words of a key count, however they are joined."""
    assert names_secret(key)


@pytest.mark.parametrize(
    "key", ["tokenizer", "secretary", "token_type", "password_policy", "key", "step", "number", "authorized", ""]
)
def test_names_that_only_look_like_it(key):
    """What speaks about secrets, or only begins like one, is data."""
    assert not names_secret(key)


@pytest.mark.parametrize(
    "value",
    [
        1767225600000,
        "1767225600000",
        "2026-01-01T00:00:00.123456Z",
        "56b98741-6975-4bf3-a41e-69fc4a3250bf",
        "0.4111111111111111",
        4111111111111112,
        "order 4111111111111112",
        {"tokens": 17, "max_tokens": 100, "token_type": "bearer"},
        {"password": None, "token": "", "secret": True, "authorization": "***"},
        "https://user@host/path",
    ],
)
def test_what_is_no_secret_stays(value):
    """Instants, identifiers, fractions, numbers that fail Luhn, counts and empty values are left alone."""
    assert redacted({"input": {"value": value}}) == {"input": {"value": value}}


@pytest.mark.parametrize(
    ("redaction", "value"),
    [
        (Redaction(keys=("iban",)), {"customer_iban": "DE89370400440532013000"}),
        (Redaction(paths=("input.customer.email",)), {"customer": {"email": "ada@example.com"}}),
        (Redaction(paths=("**.email",)), {"people": [{"email": "ada@example.com"}]}),
        (Redaction(patterns=(r"[\w.]+@example\.com",)), {"note": "ask ada@example.com"}),
        (Redaction(patterns=(r"PIN (\d+)",)), {"note": "PIN 4711"}),
    ],
)
def test_more_can_be_secret(redaction, value):
    """Names, places and patterns add to what is secret anyway."""
    text = json.dumps(redacted({"input": value}, redaction))
    assert "redacted-" in text
    assert not any(secret in text for secret in ("DE89", "ada@", "4711"))


def test_test_values_can_be_allowed():
    """A text that is no secret whatever its key says stays, others don't."""
    found = redacted({"input": {"token": "tok_visa", "password": "tak"}}, Redaction(allowed=("tok_*",)))["input"]
    assert found["token"] == "tok_visa"
    assert found["password"] != "tak"


def test_a_salt_makes_other_placeholders():
    """Who doesn't know the salt can't check a guess."""
    one, other = (redacted({"input": {"password": "x1"}}, Redaction(salt=salt)) for salt in ("", "pepper"))
    assert one != other


def test_what_cannot_be_understood_is_refused():
    """A pattern that is none is one clear error, when a run is saved with it."""
    run = Simulation(TEMPLATE, stubs={"check": {}, "charge": {}}).run()
    with redacted_by(Redaction(patterns=("(",))), pytest.raises(HistoryError, match=r"'\(' is no regular expression"):
        run.recording()
    with redacted_by(Redaction(paths=("a.b.",))), pytest.raises(HistoryError, match=r"'a\.b\.' is no pattern"):
        run.recording()


def test_names_of_steps_and_handlers_are_no_secrets():
    """A step may be called after what it handles; its stub, its faults and its effects keep their places."""
    steps = [{"name": "issue_token", **STEP}]
    stubs = {"issue_token": {"issued": True}}
    faults = [{"step": "issue_token", "attempt": 1, "fail": {}}]
    run = Simulation({**TEMPLATE, "steps": steps}, stubs=stubs, faults=faults, durations={"issue_token": "1s"}).run()
    data = json.loads(run.recording())
    assert data["recipe"]["stubs"] == {"issue_token": {"result": {"issued": True}}}
    assert data["recipe"]["durations"] == {"issue_token": "1s"}
    assert data["faults"][0]["step"] == "issue_token"
