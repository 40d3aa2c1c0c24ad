"""History files: what is written is read back, whole, of every version; what is damaged is refused with its place."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasker_testkit import Failure, History, HistoryError, Simulation
from tasker_testkit.engine.history import sealed
from tasker_testkit.engine.history_reading import upgraded
from tasker_testkit.engine.history_writing import pretty
from tasker_testkit.replay.files import load_history, write_whole

KEPT = Path(__file__).parents[2] / "fixtures" / "histories"
STEP = {"handler": {"callable": "x"}, "retry": {"max_attempts": 3, "backoff": "exponential", "backoff_base_ms": 100}}
TEMPLATE = {
    "name": "orders",
    "namespace_name": "shop",
    "version": "1.0.0",
    "steps": [{"name": "check", **STEP}, {"name": "charge", "dependencies": ["check"], **STEP}],
}
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | FLOATS | st.text(max_size=8)
VALUES = st.recursive(
    LEAVES, lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=5), one, max_size=3), max_leaves=6
)
OBJECTS = st.dictionaries(st.text(max_size=5), VALUES, max_size=4)
FAILURES = st.builds(Failure, message=st.text(max_size=9), error_type=st.text(max_size=5), retryable=st.booleans())


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A recording of a small run, in a file."""
    stubs = {"check": [Failure("busy"), {"total": 5}], "charge": {"paid": True}}
    return Simulation(TEMPLATE, stubs=stubs).run({"total": 5}).save(tmp_path / "orders.history.json")


@given(VALUES)
def test_pretty_is_json_with_sorted_keys_and_an_indent(value):
    """Our own writer and the standard library's write the same bytes."""
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert pretty(value) == text


def test_half_a_surrogate_pair_is_written_as_its_escape():
    """UTF-8 can't hold it; JSON reads the escape back as the same text."""
    text = pretty({"half": "\ud800 and Zoë"})
    assert text.encode("utf-8").decode() == '{\n  "half": "\\ud800 and Zoë"\n}\n'
    assert json.loads(text) == {"half": "\ud800 and Zoë"}


@settings(max_examples=60)
@given(OBJECTS, st.lists(FAILURES, max_size=3), OBJECTS)
def test_a_history_comes_back_from_its_text(task_input, failures, result):
    """Whatever goes in and comes out, ``from_json`` and ``to_json`` undo each other; bare and as a recording."""
    run = Simulation(TEMPLATE, stubs={"check": [*failures, result], "charge": result}).run(task_input)
    for text in (run.history.to_json(), run.recording()):
        assert History.from_json(text).to_json() == text
    states = [transition.after for transition in History.from_json(run.recording()).transitions]
    assert states == list(run.states)


@pytest.mark.parametrize("path", sorted(KEPT.rglob("*.json")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_files_of_every_version_are_read(path):
    """Files that earlier releases wrote are read for ever; those of today's version come back byte for byte."""
    history = load_history(path)
    assert history.steps
    if json.loads(path.read_text(encoding="utf-8"))["version"] == 1:
        assert history.to_json() == path.read_text(encoding="utf-8")


def test_there_are_files_of_every_version():
    """Each version that was ever written has files here."""
    assert sorted(folder.name for folder in KEPT.iterdir()) == ["version-1"]
    assert len(list(KEPT.rglob("*.json"))) >= 4


@settings(max_examples=40, derandomize=True)
@given(st.data())
def test_a_cut_file_is_refused_with_its_place(data):
    """Wherever it is cut, one sentence has the line, the column and what to do."""
    text = Simulation(TEMPLATE, stubs={"check": {}, "charge": {}}).run({"total": 5}).recording()
    end = data.draw(st.integers(0, len(text) - 3))
    with pytest.raises(HistoryError) as caught:
        History.from_json(text[:end])
    line, column = text[:end].count("\n") + 1, end - (text[:end].rfind("\n") + 1) + 1
    place, _, rest = str(caught.value).partition(": not JSON: ")
    assert place.startswith("the history:")
    found = [int(number) for number in place.split(":")[1:]]
    assert found <= [line, column]
    assert "Record it again (pytest --tasker-record=all)" in rest


def test_a_file_that_ends_too_early_says_so(saved):
    """A cut between two values is told as what it is."""
    text = saved.read_text()
    saved.write_text(text[: text.index('"number"')])
    with pytest.raises(HistoryError, match="The file ends there: it was cut off"):
        load_history(saved)


@pytest.mark.parametrize(
    ("before", "after", "part", "line_of"),
    [
        ('"total": 5\n  }', '"total": 6\n  }', "'input'", '  "input":'),
        ('"paid": true', '"paid": false', "step 'charge'", '      "name": "charge"'),
        ('"max_attempts": 3', '"max_attempts": 4', "step 'charge'", '      "name": "charge"'),
        ('"seed": 0', '"seed": 1', "'seed'", '  "seed":'),
    ],
)
def test_an_edited_file_is_refused_with_the_part(saved, before, after, part, line_of):
    """The digest tells which part was changed; the message has its line and the two ways on."""
    text = saved.read_text()
    at = text.rindex(before)
    saved.write_text(text[:at] + after + text[at + len(before) :])
    with pytest.raises(HistoryError) as caught:
        load_history(saved)
    line = text[: text.index(f"\n{line_of}") + 1].count("\n") + 1
    assert str(caught.value) == (
        f"{saved}:{line}: {part} was changed after the file was saved: its digest is another one.\n"
        "Record it again (pytest --tasker-record=all); or take out its 'digest', if it is to be used as it is now."
    )


def test_an_edited_file_without_its_digest_is_taken_as_it_is(saved):
    """Who takes the digest out means the change."""
    data = json.loads(saved.read_text())
    del data["digest"]
    data["seed"] = 7
    saved.write_text(json.dumps(data))
    assert load_history(saved).seed == 7


def test_line_ends_and_indents_are_no_edits(saved):
    """What git or an editor does to white space leaves a recording whole."""
    text = saved.read_text()
    saved.write_bytes(json.dumps(json.loads(text)).replace(",", ",\r\n").encode())
    assert load_history(saved).to_json() == text


def test_a_step_that_was_taken_out_is_an_edit(saved):
    """A part that is missing is a changed part."""
    data = json.loads(saved.read_text())
    del data["steps"][1]
    saved.write_text(json.dumps(data))
    with pytest.raises(HistoryError, match="the list of its steps was changed after the file was saved"):
        load_history(saved)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": 2}, "is of version 2, and this tasker-testkit knows versions up to 1. Update tasker-testkit."),
        ({"version": "1"}, ": 'version' is '1'. There are versions up to 1."),
        ({"version": 0}, ": 'version' is 0. There are versions up to 1."),
        ({"format": "other"}, " is no history: its 'format' is 'other', not 'tasker-testkit/history'."),
        ({"seed": "x"}, ": seed: must be a whole number, not 'x'."),
        ({"seed": True}, ": seed: must be a whole number, not True."),
        ({"start": "noon"}, ": start: must be an instant such as 2026-01-01T00:00:00Z, not 'noon'."),
        ({"sed": 1}, ": no history has 'sed' there. Did you mean 'seed'? Keys:"),
        ({"steps": [1]}, ": steps[0]: must be a mapping, not 1."),
        ({"steps": [{}]}, ": steps[0]: there is no 'name'."),
        ({"effects": [1]}, ": effects[0]: must be a mapping, not 1."),
        ({"task": {"state": "x", "execution_status": "y", "transitions": [{}]}}, ": task.transitions[0]: there is no"),
    ],
)
def test_what_is_no_history_is_refused_with_its_place(saved, change, said):
    """One sentence says which place holds what, and what belongs there."""
    data = {**json.loads(saved.read_text()), **change}
    saved.write_text(json.dumps(sealed(data)))
    with pytest.raises(HistoryError) as caught:
        load_history(saved)
    assert said in str(caught.value)
    assert str(saved) in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "NaN", "[" * 100_000, '{"format": NaN}', "\ufeff"])
def test_anything_else_is_refused_in_words(tmp_path, text):
    """No text is too odd for one clear error."""
    path = tmp_path / "x.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(HistoryError, match=r"x\.json"):
        load_history(path)


def test_files_that_cannot_be_read(tmp_path):
    """A missing file is told with the files that are there, bytes that aren't UTF-8 with their place."""
    (tmp_path / "a.history.json").write_bytes(b"{\xff")
    with pytest.raises(HistoryError) as caught:
        load_history(tmp_path / "b.history.json")
    assert str(caught.value) == (
        f"There is no file {tmp_path / 'b.history.json'}. JSON files in that folder:\n  a.history.json"
    )
    with pytest.raises(HistoryError, match=r"isn't UTF-8 \(byte 1\)"):
        load_history(tmp_path / "a.history.json")


def test_older_versions_are_upgraded_step_by_step():
    """Each version's upgrade makes the next one's data."""
    old = {"format": "tasker-testkit/history", "version": -1, "a": 1}
    upgrades = {-1: lambda data: {**data, "b": 2}, 0: lambda data: {**data, "a": data["b"]}}
    assert upgraded(old, upgrades=upgrades) == {**old, "version": 1, "a": 2, "b": 2}


def test_nothing_is_left_half_written(tmp_path, monkeypatch):
    """If the disk fails in the middle, the old file is there and nothing beside it."""
    path = tmp_path / "x.history.json"
    write_whole(path, "old\n")

    def broken(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(HistoryError, match=r"Can't write the history to .*: No space left on device\."):
        write_whole(path, "new\n")
    assert {one.name: one.read_text() for one in tmp_path.iterdir()} == {"x.history.json": "old\n"}


def test_a_link_stays_a_link_and_a_device_a_device(tmp_path):
    """The file behind a link is replaced; what is no file is written to."""
    target = tmp_path / "there" / "x.json"
    target.parent.mkdir()
    target.write_text("old")
    link = tmp_path / "link.json"
    link.symlink_to(target)
    write_whole(link, "new\n")
    assert (link.is_symlink(), target.read_text()) == (True, "new\n")
    write_whole(Path(os.devnull), "x")
    assert not Path(os.devnull).is_file()
