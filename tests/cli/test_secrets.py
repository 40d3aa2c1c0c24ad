"""``--secrets``: what else may not reach a file, in a shell."""

from __future__ import annotations

import pytest

GIVEN = (
    "run",
    "orders.yaml",
    "--handlers",
    "handlers.py",
    "--input",
    '{"total": 5, "iban": "DE8937040044", "password": "p-visa"}',
)


def test_what_the_file_names_stays_behind(run, folder):
    """Keys, places, patterns, what is allowed, and a salt."""
    (folder / "secrets.yaml").write_text("keys: [iban]\nallowed: [p-*]\npaths: [input.total]\nsalt: pepper\n")
    code, out, _ = run(*GIVEN, "--history", "-", "--secrets", "secrets.yaml")
    assert code == 0
    assert "DE89" not in out
    assert "p-visa" in out
    assert '"total": 5,' not in out
    assert "DE89" in run(*GIVEN, "--history", "-")[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kyes: [iban]", "secrets.yaml: there is no key 'kyes'. Did you mean 'keys'? Keys:\n  keys\n  paths\n"),
        ("keys: iban", "secrets.yaml: 'keys' must be a list of texts, not 'iban'."),
        ("salt: [a]", "secrets.yaml: 'salt' must be a text, not ['a']."),
        ("- iban", "secrets.yaml must be a mapping, not ['iban']. Its keys:"),
        ("keys: [", "secrets.yaml:2:1: not valid YAML"),
    ],
    ids=["key", "list", "text", "mapping", "unreadable"],
)
def test_what_makes_no_sense(run, folder, text, said):
    """Exit code 2 and one error, before anything runs."""
    (folder / "secrets.yaml").write_text(text)
    code, out, err = run(*GIVEN, "--secrets", "secrets.yaml")
    assert (code, out) == (2, "")
    assert err.startswith(f"tasker-testkit: --secrets: {said}")


def test_a_pattern_that_is_none(run, folder):
    """It is read before anything runs."""
    (folder / "secrets.yaml").write_text("patterns: ['(']")
    code, _, err = run(*GIVEN, "--secrets", "secrets.yaml")
    assert (code, "'(' is no regular expression" in err) == (2, True)


def test_a_missing_file(run):
    """As with any other file."""
    code, _, err = run(*GIVEN, "--secrets", "gone.yaml")
    assert (code, err.splitlines()[0]) == (
        2,
        "tasker-testkit: --secrets: There is no file gone.yaml. Did you mean 'orders.yaml'? Files in .:",
    )
