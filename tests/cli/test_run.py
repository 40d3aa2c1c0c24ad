"""``tasker-testkit run``: what it prints, where, and its exit code."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

import pytest

ORDERS = ("run", "orders.yaml", "--handlers", "handlers.py", "--input", "cart.json")
STUBBED = ("run", "orders.yaml", "--stubs", "stubs.json", "--input", '{"total": 1}')


def stub(folder, **stubs):
    """Write ``stubs.json``: both steps succeed unless told otherwise."""
    (folder / "stubs.json").write_text(json.dumps({"validate": {}, "charge": {}, **stubs}))


def test_a_run_prints_its_timeline(run):
    """Exit code 0 and the timeline on standard output; what handlers print is on standard error, whichever way."""
    code, out, err = run(*ORDERS)
    assert code == 0
    assert out.startswith("shop/orders 1.0.0\n")
    assert '"charged": 5' in out
    assert sorted(err.splitlines()) == ["a handler prints", "a handler writes to file descriptor 1"]


def test_the_process_does_the_same(shell):
    """python -m tasker_testkit gives the process's exit code, and the SDK's start-up lines are nowhere."""
    done = shell(*ORDERS, env={name: value for name, value in os.environ.items() if name != "RUST_LOG"})
    assert done.returncode == 0
    assert done.stdout.startswith("shop/orders 1.0.0\n")
    assert sorted(done.stderr.splitlines()) == ["a handler prints", "a handler writes to file descriptor 1"]


@pytest.mark.parametrize("handlers", [["handlers.py"], ["handlers"], ["./handlers.py"], ["handlers", "handlers.py"]])
def test_handlers_are_modules_or_files(run, handlers):
    """A module of the working folder, a file, or several of them."""
    code, _, _ = run("run", "orders.yaml", "--handlers", *handlers, "--input", "cart.json")
    assert code == 0


@pytest.mark.parametrize("given", ["cart.json", '{"total": 5}', ' {"total": 5}'])
def test_the_input_is_a_file_or_text(run, given):
    """JSON text is told from a file's name by its first bracket."""
    code, out, _ = run("run", "orders.yaml", "--handlers", "handlers", "--input", given)
    assert code == 0
    assert '"charged": 5' in out


def test_the_input_can_come_from_standard_input(shell):
    """--input - reads standard input; if that is closed, it says so."""
    command = ("run", "orders.yaml", "--handlers", "handlers", "--input", "-")
    assert '"charged": 7' in shell(*command, input='{"total": 7}').stdout


def test_options_reach_the_simulation(run):
    """Profile, seed and start are those of the history."""
    options = ("--profile", "tasker-0.1.8", "--seed", "9", "--start", "2027-02-03T04:05:06Z", "--history", "-")
    _, out, _ = run(*ORDERS, *options)
    history = json.loads(out)
    assert (history["profile"], history["seed"], history["start"]) == ("tasker-0.1.8", 9, "2027-02-03T04:05:06Z")


def test_history_on_standard_output_is_alone(run, folder):
    """With --history - or --format json standard output is the history file, byte by byte."""
    code, out, _ = run(*ORDERS, "--history", "h.json")
    assert code == 0
    assert out.startswith("shop/orders")
    saved = (folder / "h.json").read_text()
    assert json.loads(saved)["format"] == "tasker-testkit/history"
    assert run(*ORDERS, "--history", "-")[1] == saved
    assert run(*ORDERS, "--format", "json")[1] == saved
    assert run(*ORDERS, "--format", "json", "--history", "-")[1] == saved


def test_an_unexpected_end_is_exit_code_1(run, folder):
    """The timeline all the same, and one line that says what was expected, what came and why."""
    (folder / "faults.yaml").write_text("- {step: charge, fail: {message: no money, retryable: false}}\n")
    code, out, err = run(*ORDERS, "--faults", "faults.yaml")
    assert code == 1
    assert "no money" in out
    assert err.splitlines()[-1] == (
        "tasker-testkit: expected the task to end complete, but it ended blocked_by_failures: "
        "step 'charge': handler_error: no money"
    )
    code, _, err = run(*ORDERS, "--faults", "faults.yaml", "--expect", "blocked_by_failures")
    assert (code, "expected" in err) == (0, False)


def test_a_stale_run_names_what_it_waited_for(run, folder):
    """A task that went stale: for how long, in which state, and which step was under way."""
    (folder / "faults.yaml").write_text("- {step: charge, hang: true}\n")
    code, _, err = run(*ORDERS, "--faults", "faults.yaml", "--profile", "tasker-0.1.8")
    assert code == 1
    assert err.splitlines()[-1] == (
        "tasker-testkit: expected the task to end complete, but it ended error: "
        "stale after 30 min in steps_in_process, step 'charge' still in_progress"
    )


def test_a_run_that_ends_too_well_is_exit_code_1(run):
    """A task that was expected to fail and didn't: nothing failed."""
    code, _, err = run(*ORDERS, "--expect", "blocked_by_failures")
    assert code == 1
    assert err.splitlines()[-1] == (
        "tasker-testkit: expected the task to end blocked_by_failures, but it ended complete: nothing failed"
    )


def test_an_unused_fault_is_exit_code_1(run, folder):
    """A planned fault that didn't fire: the timeline of the run, and which one."""
    (folder / "faults.yaml").write_text("- {step: charge, attempt: 2, fail: {}}\n")
    code, out, err = run(*ORDERS, "--faults", "faults.yaml")
    assert code == 1
    assert out.startswith("shop/orders")
    assert "tasker-testkit: These faults never fired in a run that ended complete:\n" in err


def test_an_unused_stub_is_exit_code_1(run, folder):
    """A stub for a step that never ran is said after the run."""
    (folder / "stubs.json").write_text('{"charge": {}}')
    (folder / "faults.yaml").write_text("- {step: validate, fail: {retryable: false}}\n")
    files = ("--stubs", "stubs.json", "--faults", "faults.yaml")
    code, _, err = run(*ORDERS, *files, "--expect", "blocked_by_failures")
    assert code == 1
    assert err.startswith("tasker-testkit: No run used these stubs:\n  charge\n")


def test_stubs_replace_handlers(run, folder):
    """With all steps stubbed no handlers are needed; a list has one entry an attempt."""
    stub(folder, charge=[{"n": 1}, {"n": 2}])
    (folder / "faults.yaml").write_text("- {step: charge, attempt: 1, fail: {}}\n")
    code, out, _ = run(*STUBBED, "--faults", "faults.yaml", "--history", "-")
    assert code == 0
    assert json.loads(out)["steps"][1]["attempts"][1]["stored"]["result"] == {"n": 2}


def test_a_handler_that_exits_is_no_exit_of_ours(run, folder):
    """sys.exit in a handler ends a worker, not the command: the run goes on as the profile says, to exit code 1."""
    text = (folder / "handlers.py").read_text()
    (folder / "handlers.py").write_text(text.replace('print("a handler prints")', "raise SystemExit(0)"))
    code, _, err = run(*ORDERS)
    assert code == 1
    assert err.startswith("tasker-testkit: expected the task to end complete, but it ended blocked_by_failures: step")


def test_a_reader_that_leaves_is_no_error(shell, folder):
    """`tasker-testkit run … | true` prints nothing on standard error, and the exit code is the run's."""
    stub(folder)
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "tasker_testkit", *STUBBED, "--history", "-"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_exit_code_2(folder):
    """Output that can't be written is said in one line."""
    stub(folder)
    command = [sys.executable, "-m", "tasker_testkit", *STUBBED]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    expected = (2, "tasker-testkit: can't write to standard output: No space left on device\n")
    assert (done.returncode, done.stderr) == expected


def terminal(folder, **environment):
    """Run on a pseudo-terminal; gives what was seen there."""
    stub(folder)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "tasker_testkit", *STUBBED]
    variables = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    done = subprocess.Popen(command, stdout=theirs, env={**variables, "TERM": "xterm-256color", **environment})
    os.close(theirs)
    seen = b""
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:
            break
        if not chunk:
            break
        seen += chunk
    os.close(ours)
    assert done.wait() == 0
    return seen.decode()


def test_a_terminal_gets_colours_unless_told_not_to(folder):
    """Boxes and colours on a terminal, without colours under NO_COLOR."""
    assert "\x1b[3" in terminal(folder)
    plain = terminal(folder, NO_COLOR="1")
    assert "\x1b[3" not in plain
    assert "validate" in plain


def test_ascii_output_is_ascii(shell, folder):
    """Where standard output can't hold anything else, everything is ASCII."""
    stub(folder, charge={"name": "Zoë ✓"})
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = shell(*STUBBED, env=environment)
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert json.loads(shell(*STUBBED, "--history", "-", env=environment).stdout)["steps"][1]["attempts"][0]["stored"]
