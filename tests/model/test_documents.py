"""Anything can be given as a template; what isn't one gives one clear error, at once."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_testkit.errors import TemplateError
from tasker_testkit.model.loading import load_data, load_template

LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12))
ENDLESS: dict[str, object] = {}
ENDLESS["a"] = ENDLESS
DEEP = "more than 128 lists and mappings inside each other."

BAD = {
    "list": ("- a\n- b\n", "<text>:1:1: a template is a mapping with name, namespace_name, version and steps; this is"),
    "empty": ("\n", "<text>: the file is empty. A template needs name, namespace_name, version and steps."),
    "comment": ("# nothing\n", "<text>: the file is empty. A template needs"),
    "two_documents": (
        "name: a\n---\nname: b\n",
        "<text>:2:1: a second document starts here ('---'). Tasker reads one template a file: split the file.",
    ),
    "syntax": ("name: a\nsteps: [\n", "<text>:3:1: not valid YAML: did not find expected node content."),
    "tab": ("name: a\n\tsteps: 1\n", "<text>:2:1: not valid YAML: found a tab character that violates indentation."),
    "control_character": ("name: a\nb: \x07\n", "<text>:2:1: not valid YAML: a character that YAML forbids (U+0007)."),
    "surrogate": ("name: \ud800\n", "<text>: not valid YAML: "),
    "no_anchor": ("name: *x\n", "<text>:1:7: the alias *x has no anchor &x before it."),
    "alias_inside_itself": ("name: &x [*x]\n", "<text>:1:11: the alias *x has no anchor &x before it."),
    "billion_laughs": (LAUGHS, "<text>: its aliases make 126 values into 110,324,037,699. Write them out."),
    "megabytes_of_lists": ("[" * 5_000_000 + "\n", f"<text>:1:129: {DEEP}"),
    "megabytes_of_block_lists": ("\n" + "- " * 2_000_000, f"<text>:2:257: {DEEP}"),
    "ten_megabytes": ("[" * 10_000_000 + "\n", "<text>: larger than 8,000,000 characters. Is it the right text?"),
    "endless_mapping": (ENDLESS, f"<mapping>: {DEEP}"),
    "set": ({"steps": {1}}, "<mapping>: steps: {1} can't be in a template (a set)."),
    "number": (
        3,
        "3 (a int) can't be loaded: give the path of a YAML file, YAML text with a line break, or a mapping.",
    ),
    "nothing": (None, "None (a NoneType) can't be loaded: give the path of a YAML file"),
    "no_path": ("", "'' (a str) can't be loaded: give the path"),
    "nul": ("a\0b", "can't be read: embedded null byte."),
    "too_long_a_name": ("x" * 100_000, "can't be read: File name too long."),
}


@pytest.mark.parametrize("profile", ["documented", "tasker-0.1.8"])
@pytest.mark.parametrize("case", BAD)
def test_what_is_no_template_gives_one_clear_error(case, profile):
    """No text and no Python value makes anything but a TemplateError that says what is wrong where."""
    source, text = BAD[case]
    with pytest.raises(TemplateError, match=re.escape(text)) as refused:
        load_template(source, profile=profile)
    assert len(str(refused.value)) < 600


def test_a_missing_file_names_its_neighbours(tmp_path):
    """The message for a missing file shows the nearest name and what the folder has."""
    (tmp_path / "order.yaml").write_text("name: a\n")
    with pytest.raises(TemplateError) as refused:
        load_template(tmp_path / "ordr.yaml")
    assert str(refused.value) == (
        f"There is no file {tmp_path}/ordr.yaml. Did you mean '{tmp_path}/order.yaml'? "
        f"Files in {tmp_path}:\n  order.yaml"
    )


def test_a_missing_folder_is_said_so(tmp_path):
    """If there isn't even a folder, the message says that."""
    with pytest.raises(TemplateError) as refused:
        load_template(str(tmp_path / "no" / "x.yaml"))
    assert str(refused.value) == f"There is no file {tmp_path}/no/x.yaml. There is no folder {tmp_path}/no."


def test_a_text_without_a_line_break_is_a_path():
    """Who gives YAML in one line learns why it was taken for a path."""
    with pytest.raises(
        TemplateError, match=r"There is no file name: x\. \(A str is YAML text only if it has a line break"
    ):
        load_template("name: x")


def test_a_folder_is_no_template(tmp_path):
    """A folder is refused with what it holds."""
    (tmp_path / "a.yaml").write_text("name: a\n")
    with pytest.raises(TemplateError) as refused:
        load_template(tmp_path)
    assert str(refused.value) == (
        f"{tmp_path} is a folder. Give the path of one file in it. Files in {tmp_path}:\n  a.yaml"
    )


def test_a_file_that_is_not_utf8_is_refused_with_its_line(tmp_path):
    """Another encoding is named by its first odd byte."""
    file = tmp_path / "latin.yaml"
    file.write_bytes("name: a\ndescription: caf\xe9\n".encode("latin-1"))
    with pytest.raises(TemplateError) as refused:
        load_template(file)
    assert str(refused.value) == f"{file}:2: not UTF-8 (byte 0xe9). Save the file as UTF-8."


def test_a_large_file_is_refused_unread(tmp_path):
    """Ten megabytes are no template."""
    file = tmp_path / "large.yaml"
    file.write_bytes(b"[" * 10_000_000)
    with pytest.raises(TemplateError, match=r"large\.yaml is larger than 8,000,000 bytes\. Is it the right file\?$"):
        load_template(file)


def test_a_byte_order_mark_is_no_text(tmp_path):
    """A file with a byte order mark reads like one without."""
    file = tmp_path / "bom.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert load_data(file) == {"a": 1}


@given(st.integers(1, 140))
def test_nesting_is_allowed_up_to_128(depth):
    """128 lists inside each other are read, 129 refused, in text and in Python data."""
    value: object = 1
    for _ in range(depth):
        value = [value]
    for source in ("[" * depth + "1" + "]" * depth + "\n", value):
        if depth <= 128:
            assert load_data(source) == value
        else:
            with pytest.raises(TemplateError, match=DEEP):
                load_data(source)


@given(st.integers(1, 130), st.integers(1, 130))
def test_an_alias_counts_with_its_depth(inside, around):
    """What an alias stands for is as deep as if it were written out."""
    text = "- &x " + "[" * inside + "]" * inside + "\n- " + "[" * around + "*x" + "]" * around + "\n"
    if max(inside, around + inside) + 1 <= 128:
        assert len(load_data(text)) == 2
    else:
        with pytest.raises(TemplateError, match=DEEP):
            load_data(text)


def test_aliases_are_copies():
    """Two uses of one anchor don't share an object."""
    found = load_data("a: &x [1]\nb: *x\n")
    assert found == {"a": [1], "b": [1]}
    assert found["a"] is not found["b"]


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda data: data.decode("latin-1")))
def test_no_text_breaks_the_loader(text):
    """Any text is a template or a TemplateError, never another exception."""
    with pytest.raises(TemplateError):
        load_template(text + "\n")
