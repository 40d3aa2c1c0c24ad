"""Whatever is wrong with a call or a file: exit code 2, nothing on standard output, and a line that says it all."""

from __future__ import annotations

import os
import re
import sys

import pytest

ORDERS = ("run", "orders.yaml", "--handlers", "handlers.py")

FILES = {
    "bad.json": b"{'total': 5}",
    "list.json": b"[1]",
    "nan.json": b'{"total": NaN}',
    "latin.json": b'{"name": "Zo\xeb"}',
    "deep.json": b"[" * 100_000,
    "step.json": b'{"chrage": {}}',
    "value.json": b'{"charge": 5}',
    "stubs.yaml": b"- 1\n",
    "typo.yaml": b"- {step: charge, atempt: 1, fail: {}}\n",
    "elsewhere.yaml": b"- {step: chrage, fail: {}}\n",
    "broken.py": b"from tasker_core import StepHandler\n\ndef boom():\n    return 1 / 0\n\nboom()\n",
    "empty.py": b"",
    "exits.py": b"import sys\nsys.exit(3)\n",
    "half.py": b"from tasker_core import StepHandler\n\nclass Half(StepHandler):\n    handler_name = 'validate'\n",
    "cycle.yaml": b"name: c\nnamespace_name: n\nversion: 1.0.0\nsteps: [{name: a, handler: {}, depends_on: a}]",
}
CONSTRUCTOR = """
class Unbuildable(ValidateHandler):
    handler_name = "charge"

    def __init__(self):
        raise RuntimeError("no database")
"""

MATRIX = {
    "no command": ((), r"the following arguments are required: COMMAND \(see tasker-testkit --help\)"),
    "unknown command": (("rnu",), r"argument COMMAND: invalid choice: 'rnu' \(choose from .*\)"),
    "no template": (("run",), r"the following arguments are required: TEMPLATE \(see tasker-testkit run --help\)"),
    "unknown option": ((*ORDERS, "--sed", "1"), r"unrecognized arguments: --sed 1 .*"),
    "seed": ((*ORDERS, "--seed", "x"), r"argument --seed: invalid int value: 'x' \(see tasker-testkit run --help\)"),
    "format": ((*ORDERS, "--format", "xml"), r"argument --format: invalid choice: 'xml' .*"),
    "missing template": (("run", "oders.yaml"), r"There is no file oders\.yaml\. Did you mean 'orders\.yaml'\?.*"),
    "a folder": (("run", "."), r"\. is a folder\. Give the path of one file in it\..*"),
    "bad template": (("run", "cycle.yaml"), r".*cycle\.yaml.*"),
    "missing input": (
        (*ORDERS, "--input", "crt.json"),
        r"--input: can't read 'crt\.json': No such file or directory\. .*",
    ),
    "input a folder": ((*ORDERS, "--input", "."), r"--input: can't read '\.': Is a directory\. .*"),
    "input not JSON": (
        (*ORDERS, "--input", "bad.json"),
        r"--input: bad\.json isn't JSON: Expecting property name enclosed in double quotes \(line 1, column 2\)\.",
    ),
    "text not JSON": ((*ORDERS, "--input", "{"), r"--input: --input isn't JSON: .* \(line 1, column 2\)\."),
    "input NaN": ((*ORDERS, "--input", "nan.json"), r"--input: nan\.json isn't JSON: NaN is no number there\."),
    "input latin": ((*ORDERS, "--input", "latin.json"), r"--input: latin\.json isn't UTF-8\. Save it as UTF-8\."),
    "input deep": ((*ORDERS, "--input", "deep.json"), r"--input: deep\.json isn't JSON: nested too deeply\."),
    "input a NUL": ((*ORDERS, "--input", "a\0b"), r"--input: can't read 'a\\x00b': .*"),
    "input not an object": ((*ORDERS, "--input", "list.json"), r".*(object|mapping).*list.*"),
    "input refused": ((*ORDERS, "--input", "{}"), r"Template 'orders' doesn't accept this input, 1 problem:"),
    "missing stubs": ((*ORDERS, "--stubs", "gone.json"), r"--stubs: There is no file gone\.json\..*"),
    "stubs a list": (
        (*ORDERS, "--stubs", "stubs.yaml"),
        r"--stubs: stubs\.yaml must be a mapping of step to result, .*",
    ),
    "stub of a number": (
        (*ORDERS, "--stubs", "value.json"),
        r"--stubs: value\.json: the stub of step 'charge' holds 5\. A stub is a mapping, null, or a list of these, .*",
    ),
    "unknown stub step": (
        (*ORDERS, "--stubs", "step.json"),
        r"There is a stub for step 'chrage', but template 'orders' has no such step\. Did you mean 'charge'\? .*",
    ),
    "missing faults": ((*ORDERS, "--faults", "gone.yaml"), r"There is no file gone\.yaml\..*"),
    "fault key": ((*ORDERS, "--faults", "typo.yaml"), r"typo\.yaml:1:\d+: .*'atempt'.*Did you mean 'attempt'\?.*"),
    "fault step": ((*ORDERS, "--faults", "elsewhere.yaml"), r".*'chrage'\. Did you mean 'charge'\? Its steps:"),
    "missing module": (("run", "orders.yaml", "--handlers", "gone"), r"handlers: there is no module 'gone'\..*"),
    "missing file": (("run", "orders.yaml", "--handlers", "gone.py"), r"There is no handler file 'gone\.py'\. .*"),
    "broken module": (("run", "orders.yaml", "--handlers", "broken.py"), r"handlers: importing '.*broken\.py' failed:"),
    "exiting module": (("run", "orders.yaml", "--handlers", "exits.py"), r"handlers: importing '.*exits\.py' failed:"),
    "no handlers": (("run", "orders.yaml"), r".*handler.*"),
    "callable not found": (("run", "orders.yaml", "--handlers", "empty.py"), r".*handler.*"),
    "no call": (("run", "orders.yaml", "--handlers", "half.py"), r".*handler.*"),
    "constructor": (("run", "orders.yaml", "--handlers", "constructor.py"), r".*handler.*"),
    "unknown state": (
        (*ORDERS, "--expect", "completed"),
        r"--expect completed: a task has no such state\. Did you mean 'complete'\? Its states:",
    ),
    "profile": (
        (*ORDERS, "--profile", "documentd"),
        r"There is no profile 'documentd'\. Did you mean 'documented'\?.*",
    ),
    "start": ((*ORDERS, "--start", "noon"), r"'noon' is not an instant\. Write ISO 8601, .*"),
    "workers": ((*ORDERS, "--workers", "0"), r"workers=0: give a whole number from 1, .*"),
    "environment": ((*ORDERS, "--environment", "prod"), r".*'prod'.*"),
    "history": (
        (*ORDERS, "--input", '{"total": 1}', "--history", "gone/h.json"),
        r"Can't write the history to gone/h\.json: No such file or directory\.",
    ),
    "lint nothing": (("lint", "gone.yaml"), r"There is no file or folder gone\.yaml\."),
    "lint an empty folder": (("lint", "hollow"), r"The folder hollow has no \*\.yaml or \*\.yml file, .*"),
}
LATER = {
    "broken module": ("broken.py", "in boom", "ZeroDivisionError: division by zero"),
    "exiting module": ("exits.py", "SystemExit: 3"),
    "callable not found": ("'validate'", "'charge'"),
    "no handlers": ("'validate'", "'charge'"),
    "input refused": ("total: is missing.",),
    "no call": ("'validate'", "'charge'"),
    "constructor": ("'charge'", "RuntimeError: no database"),
}


@pytest.fixture
def files(folder):
    """All the wrong files, in the working folder."""
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    (folder / "constructor.py").write_text((folder / "handlers.py").read_text() + CONSTRUCTOR)
    (folder / "hollow").mkdir()


@pytest.mark.parametrize("case", MATRIX)
@pytest.mark.usefixtures("files")
def test_bad_input_is_exit_code_2(run, case):
    """The first line on standard error says which, where, and what to do; nothing of ours is traced back."""
    arguments, expected = MATRIX[case]
    code, out, err = run(*arguments)
    first, *later = err.splitlines() or [""]
    if case == "history":  # the handlers had their say before it
        first, later = err.splitlines()[-1], []
    assert (code, out) == (2, "") if case != "history" else code == 2
    assert re.fullmatch(f"tasker-testkit: {expected}", first), err
    assert all(line.startswith("  ") for line in later), err
    for part in LATER.get(case, ()):
        assert part in err
    assert os.sep + "tasker_testkit" + os.sep not in err
    assert "importlib" not in err


def test_a_process_ends_with_2(shell):
    """The exit code is the process's, and standard error holds one line."""
    done = shell("run", "orders.yaml", "--handlers", "handlers.py", "--input", "{")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_closed_streams_are_no_crash(folder):
    """Without standard input --input - says so; without standard output nothing happens."""
    (folder / "stubs.json").write_text('{"validate": {}, "charge": {}}')
    script = f"{sys.executable} -m tasker_testkit run orders.yaml --stubs stubs.json --input"
    done = os.system(f"{script} - <&- >out.txt 2>err.txt")
    assert os.waitstatus_to_exitcode(done) == 2
    assert "--input: can't read 'standard input': Bad file descriptor." in (folder / "err.txt").read_text()
    done = os.system(f"{script} cart.json >&- 2>err.txt")
    assert (os.waitstatus_to_exitcode(done), (folder / "err.txt").read_text()) == (0, "")
