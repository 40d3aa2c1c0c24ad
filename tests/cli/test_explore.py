"""``tasker-testkit explore``: exit codes, what is printed where, and Ctrl-C."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys

import pytest

EXPLORE = ("explore", "orders.yaml", "--handlers", "handlers.py", "--input", "cart.json")
CHECKS = """\
from tasker_testkit import always

def paid(run):
    assert run.state == "complete", f"it ended {run.state}"

calm = always(lambda task: task.state != "waiting_for_retry", name="calm")
"""


@pytest.fixture
def checks(folder):
    """A file of checks beside the template."""
    (folder / "checks.py").write_text(CHECKS)


def test_all_held_is_exit_code_0(run):
    """The table is on standard output, what handlers print is nowhere; what they write behind Python's back isn't."""
    code, out, err = run(*EXPLORE, "--kinds", "crash")
    assert (code, set(err.splitlines())) == (0, {"a handler writes to file descriptor 1"})
    assert out == (
        "shop/orders 1.0.0\n"
        "documented · seed 0 · up to 1 fault a plan\n"
        "✓ 5 plans · everything held\n"
        "\n"
        "step hit  plans  complete  failing\n"
        "(none)        1         1\n"
        "validate      2         2\n"
        "charge        2         2\n"
        "\n"
        "4 of 4 plans with 1 fault\n"
    )


def test_a_failure_is_exit_code_1(run, checks):
    """What doesn't hold is shown with its plan."""
    code, out, _ = run(*EXPLORE, "--kinds", "fail_permanent,crash", "--check", "checks.py:paid")
    assert code == 1
    assert "✗ 7 plans · 2 failures" in out
    assert "it ended blocked_by_failures" in out


def test_checks_are_functions_and_invariants(run, checks):
    """Several checks, by file or by module, functions and invariants alike."""
    code, out, _ = run(*EXPLORE, "--kinds", "fail", "--check", "checks:calm", "checks.py:paid", "--format", "json")
    data = json.loads(out)
    assert code == 1
    assert {failure["invariant"] for failure in data["failures"]} == {"calm", "paid"}
    assert data["exhaustive"]


def test_processes_find_the_same(shell, checks):
    """With --workers the same is printed, to the byte."""
    command = (*EXPLORE, "--depth", "2", "--kinds", "fail,crash", "--check", "checks.py:paid", "--format", "json")
    alone, together = shell(*command), shell(*command, "--workers", "2")
    assert alone.returncode == together.returncode == 1
    assert "Traceback" not in together.stderr
    assert alone.stdout == together.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--kinds", "crahs"), "there is no kind 'crahs'. Did you mean 'crash'?"),
        (("--depth", "-1"), "depth=-1: give a whole number from 0."),
        (("--limit", "0"), "limit=0: give a whole number from 1."),
        (("--workers", "many"), "--workers many: give a whole number from 1, or auto (one a processor)."),
        (("--workers", "0"), "--workers 0: give a whole number from 1, or auto (one a processor)."),
        (("--orders", "some"), "--orders some: give a whole number from 1, or all."),
        (("--check", "paid"), "--check paid: give MODULE:NAME, as in checks.py:paid_once"),
        (("--check", "checks.py:piad"), "--check: checks.py has no 'piad'. Did you mean 'paid'?"),
        (("--check", "nowhere.py:paid"), "There is no handler file 'nowhere.py'."),
        (("--setup", "handlers.py:rest"), "--setup: handlers.py has no 'rest'."),
        (("--faults", "faults.yaml"), "unrecognized arguments: --faults faults.yaml"),
        (("--profile", "tasker"), "There is no profile 'tasker'."),
    ],
)
def test_a_wrong_call_is_exit_code_2(run, checks, options, said):
    """One line that says what was wrong, on standard error; nothing is printed."""
    code, out, err = run(*EXPLORE, *options)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


SLOW = """\
import os, signal, sys
calls = 0

def reset():
    global calls
    calls += 1
    if calls == 20:
        os.kill(os.getpid(), signal.SIGINT)
"""


@pytest.fixture
def heard():
    """A Ctrl-C is heard by the processes of a test, also where the tests are a shell's background job."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
def test_ctrl_c_prints_what_was_found_so_far(folder, shell, checks):
    """An exploration that is interrupted says so, shows what it has, and exits with 130."""
    (folder / "slow.py").write_text(SLOW)
    done = shell(*EXPLORE, "--depth", "2", "--check", "checks.py:paid", "--setup", "slow.py:reset")
    assert done.returncode == 130
    assert "not all there are" in done.stdout
    assert "it ended blocked_by_failures" in done.stdout
    assert done.stderr.endswith("\ntasker-testkit: interrupted: this is what was found so far\n")
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("heard")
def test_ctrl_c_ends_the_workers_too(folder, checks):
    """A Ctrl-C in a terminal reaches every process of the command: no worker prints a traceback, none is left."""
    command = [sys.executable, "-m", "tasker_testkit", *EXPLORE, "--depth", "6", "--workers", "2"]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    (folder / "slow.py").write_text("import pathlib\n\ndef reset():\n    pathlib.Path('begun').touch()\n")
    command += ["--setup", "slow.py:reset", "--check", "checks.py:paid"]
    process = subprocess.Popen(command, start_new_session=True, **streams)
    while not (folder / "begun").exists():
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.endswith("tasker-testkit: interrupted: this is what was found so far\n")
    assert "Traceback" not in err
    assert "shop/orders" in out


def test_a_terminal_has_a_bar(folder):
    """On a terminal standard error shows how far it is; it is gone at the end, and standard output has none of it."""
    terminal, inside = pty.openpty()
    command = [sys.executable, "-m", "tasker_testkit", *EXPLORE]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=inside, env=environment, check=False)
    os.close(inside)
    shown = b""
    while chunk := _read(terminal):
        shown += chunk
    assert done.returncode == 0
    assert b"exploring" in shown
    assert b"plans, 0 failing," in shown
    assert b", ," not in shown
    assert b"exploring" not in done.stdout


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # how Linux says that nobody writes any more
        return b""


def test_the_hash_seed_makes_no_difference(shell, checks):
    """The same plans in the same order, the same findings: in every process, to the byte."""
    command = (*EXPLORE, "--depth", "2", "--check", "checks.py:paid", "--orders", "2", "--format", "json")
    told = [shell(*command, env={**os.environ, "PYTHONHASHSEED": seed}).stdout for seed in ("1", "2")]
    assert json.loads(told[0])["failures"]
    assert told[0] == told[1]
