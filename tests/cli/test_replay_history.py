"""``tasker-testkit replay HISTORY``: what is printed, the exit code, and what is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tasker_testkit import Simulation

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = ROOT / "fixtures/conformance/production"
RECORDINGS = ROOT / "examples/ecommerce/recordings"


@pytest.fixture
def recorded(folder, capfd):
    """A kept run of the folder's workflow; its file."""

    def recorded(name="order.history.json", **fields):
        run = Simulation(Path("orders.yaml"), handlers=folder / "handlers.py", **fields).run({"total": 5})
        run.save(name)
        capfd.readouterr()
        return name

    return recorded


@pytest.fixture
def imported(folder, capfd, run):
    """A task of a real Tasker as a history's file."""

    def imported(name):
        code, _, err = run("import", "--rest-json", str(PRODUCTION / f"rest/{name}.json"), "--history", "order.json")
        assert code == 0, err
        return "order.json"

    return imported


def edit(name, old, new):
    """Change a file of the folder."""
    text = Path(name).read_text()
    assert old in text
    Path(name).write_text(text.replace(old, new))


def test_a_kept_run_in_another_process(recorded, shell):
    """Nothing but the file is needed; nothing but the verdicts is on standard output, and the exit code is 0."""
    ran = shell("replay", recorded())
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == (
        "shop/orders 1.0.0\n"
        "documented · starts 2026-01-01T00:00:00Z\n"
        "\n"
        "validate  #1  ✓ same\n"
        "charge    #1  ✓ same\n"
        "\n"
        "All 2 attempts came to the same as then.\n"
    )
    assert "a handler prints" in ran.stderr


def test_todays_handlers_are_told_apart(recorded, run):
    """Exit code 1; the step, the place, both values, and a sentence that names the steps."""
    name = recorded()
    edit("handlers.py", '"charged":', '"paid":')
    code, out, _ = run("replay", name)
    assert code == 1
    assert out == (
        "shop/orders 1.0.0\n"
        "documented · starts 2026-01-01T00:00:00Z\n"
        "\n"
        "validate  #1  ✓ same\n"
        "charge    #1  ✗ differs     result.charged\n"
        "    then  5\n"
        "    now   (nothing)\n"
        "    also  result.paid\n"
        "\n"
        "Of 2 attempts, 1 came to the same as then; differs: charge.\n"
    )


def test_a_failure_is_told_whole(recorded, run):
    """A message of several lines has them all."""
    name = recorded()
    edit("handlers.py", "import os", "import os, httpx")
    edit("handlers.py", '{"charged":', 'httpx.post("https://pay.example/charges") and {"charged":')
    code, out, _ = run("replay", name)
    assert code == 1
    assert "charge    #1  ✗ now fails\n    then  success\n    now   unanswered_request: Nothing answers POST " in out
    assert "          Routes:\n" in out


def test_a_task_of_production(imported, run):
    """Template and handlers are given; exit code 0, and what could only be compared by its type is said."""
    template, handlers = PRODUCTION / "templates/ecommerce_order_processing.yaml", PRODUCTION / "production_handlers.py"
    name = imported("order_gateway_error")
    for given in (["--template", str(template)], [str(template)]):
        code, out, err = run("replay", name, *given, "--handlers", str(handlers))
        assert code == 0, err
        assert out.endswith(
            "process_payment    #2  ✓ same\n"
            "update_inventory   #1  ✓ same\n"
            "create_order       #1  ✓ same\n"
            "send_confirmation  #1  ✓ same\n"
            "\n"
            "Only the type was compared of what hangs on the clock, on chance or on identifiers: validate_cart\n"
            "result.validated_at, process_payment result.payment_id, create_order result.order_id.\n"
            "\n"
            "All 6 attempts came to the same as then.\n"
        )


def test_a_secret_leaves_it_open(imported, run):
    """Exit code 1: it can't be said that all is as it was."""
    template, handlers = PRODUCTION / "templates/ecommerce_order_processing.yaml", PRODUCTION / "production_handlers.py"
    code, out, _ = run("replay", imported("order_declined"), "--template", str(template), "--handlers", str(handlers))
    assert code == 1
    assert (
        "process_payment  #1  ? unclear\n"
        "    now passes, but it has read what is only a placeholder here: input.payment_info.token\n"
        "    then  permanent_error: Payment declined: insufficient funds\n"
        "    now   success\n"
    ) in out
    assert out.endswith("\nOf 2 attempts, 1 came to the same as then; unclear: process_payment.\n")


def test_json_for_machines(recorded, run):
    """``--format json``: the verdicts as data, with the same exit code."""
    name = recorded()
    edit("handlers.py", '"charged":', '"paid":')
    code, out, _ = run("replay", name, "--format", "json")
    data = json.loads(out)
    assert (code, data["same"], data["attempts"][1]["place"]) == (1, False, "result.charged")


def test_less_can_be_compared(recorded, run):
    """``--level`` and ``--ignore``, as everywhere."""
    name = recorded()
    edit("handlers.py", 'context.get_input("total")', "7")
    assert run("replay", name)[0] == 1
    assert run("replay", name, "--level", "shape")[0] == 0
    assert run("replay", name, "--ignore", "steps.*.attempts.*.stored.result.total")[0] == 0


def test_the_recordings_of_the_example_are_the_same(tmp_path):
    """Every one of them, with faults, retries and doubles that count: as each is in a process of its own."""
    script = (
        "import sys\n"
        "from tasker_testkit import check_against\n"
        "for name in sys.argv[1:]:\n"
        "    check = check_against(name)\n"
        "    print(name, check.same or {one.why for one in check.attempts})\n"
        "    sys.modules['gateways'].reset()\n"
    )
    files = sorted(map(str, RECORDINGS.glob("*.history.json")))
    assert len(files) >= 12
    environment = {**os.environ, "RUST_LOG": "off", "PYTHONPATH": str(RECORDINGS.parent)}  # as its pytest.ini has it
    ran = subprocess.run(
        [sys.executable, "-c", script, *files],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd=tmp_path,
    )
    assert ran.returncode == 0, ran.stderr
    told = [line for line in ran.stdout.splitlines() if line.startswith(str(RECORDINGS))]
    assert len(told) == len(files)
    others = [line for line in told if not line.endswith(" True")]
    assert [line.rpartition("{")[2] for line in others] == ["'Tasker made its result, not its handler: ffi_timeout'}"]


# -- what is refused ---------------------------------------------------------------------------------------------------


def refused(run, *arguments):
    """The one error of a call that must fail."""
    code, out, err = run("replay", *arguments)
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    return err.removeprefix("tasker-testkit: ")


def test_a_file_that_is_not_there(run):
    """The JSON files of that folder are listed."""
    assert refused(run, "nowhere.history.json") == (
        "There is no file nowhere.history.json. JSON files in that folder:\n  cart.json\n"
    )


def test_a_file_that_was_cut(recorded, run):
    """The place where it ends."""
    name = recorded()
    text = Path(name).read_text()
    Path(name).write_text(text[: text.index('"steps": [') + 10])
    assert "not JSON: Expecting value. The file ends there: it was cut off." in refused(run, name)


def test_a_file_that_was_edited(recorded, run):
    """The part that was changed."""
    name = recorded()
    edit(name, '"charged": 5', '"charged": 6')
    assert ": step 'charge' was changed after the file was saved" in refused(run, name)


def test_a_file_that_is_no_history(run):
    """Another JSON file."""
    assert refused(run, "cart.json") == "cart.json is no history: its 'format' is None, not 'tasker-testkit/history'.\n"


def test_a_newer_version(recorded, run):
    """It says what to update."""
    name = recorded()
    edit(name, '"version": 1,', '"version": 2,')
    assert refused(run, name) == (
        "order.history.json is of version 2, and this tasker-testkit knows versions up to 1. Update tasker-testkit.\n"
    )


def test_another_template(recorded, run):
    """Both are named."""
    name = recorded()
    Path("parcels.yaml").write_text(Path("orders.yaml").read_text().replace("name: orders", "name: parcels"))
    assert refused(run, name, "--template", "parcels.yaml") == (
        "order.history.json is of template shop/orders 1.0.0, and parcels.yaml is shop/parcels 1.0.0. "
        "Give its own template.\n"
    )


def test_a_template_that_is_not_there(recorded, run):
    """Where it was looked for."""
    assert "There is no template 'nowhere.yaml'" in refused(run, recorded(), "--template", "nowhere.yaml")


def test_handlers_that_cannot_be_imported(recorded, run):
    """The module and what its import says."""
    name = recorded()
    assert "nowhere" in refused(run, name, "--handlers", "nowhere")
    Path("broken.py").write_text("import nothing_of_that_name\n")
    assert "nothing_of_that_name" in refused(run, name, "--handlers", "broken.py")


def test_a_step_without_a_handler(recorded, run):
    """Which, and what is there."""
    name = recorded()
    Path("fewer.py").write_text(
        Path("handlers.py").read_text().replace('handler_name = "charge"', 'handler_name = "pay"')
    )
    assert "Step 'charge': no handler for 'charge'." in refused(run, name, "--handlers", "fewer.py")


def test_a_task_of_production_without_its_template(imported, run):
    """It says which one it is, and how to give it."""
    assert refused(run, imported("order_plain")) == (
        "order.json doesn't hold its template, ecommerce_py/ecommerce_order_processing 1.0.0. "
        "Give its file: --template FILE (template= in Python).\n"
    )


def test_a_history_without_results(recorded, run):
    """There is nothing to compare with."""
    name = recorded(faults=[{"step": "validate", "attempt": 1, "hang": True}])
    assert refused(run, name).startswith("order.history.json holds no result of any attempt, so there is nothing ")


@pytest.mark.parametrize("option", [["--input", "cart.json"], ["--stubs", "cart.json"], ["--anyway"]])
def test_what_goes_with_tokens_only(recorded, run, option):
    """A history has all of that."""
    assert refused(run, recorded(), *option).startswith(
        f"{option[0]} doesn't go with a history: order.history.json has all that its handlers were given. "
        "What goes with one:\n  --handlers\n  --template\n"
    )


@pytest.mark.parametrize("option", [["--template", "orders.yaml"], ["--level", "shape"], ["--format", "json"]])
def test_what_goes_with_histories_only(run, option):
    """A token has its own."""
    assert refused(run, "Ahello", "orders.yaml", *option) == (
        f"{option[0]} is for a history (*.json), and 'Ahello' is a token or a kept failure. Leave it out: replay TOKEN "
        "TEMPLATE --handlers MODULE_OR_FILE.\n"
    )


def test_two_templates(recorded, run):
    """One is enough."""
    assert refused(run, recorded(), "orders.yaml", "--template", "parcels.yaml") == (
        "Two templates are given, orders.yaml and parcels.yaml. Give one.\n"
    )
