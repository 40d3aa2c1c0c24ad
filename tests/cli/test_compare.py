"""``tasker-testkit compare``: what it prints, where, and its exit code."""

from __future__ import annotations

import json

COMPARE = ("compare", "orders.yaml", "--handlers", "handlers.py", "--input", "cart.json")
FAULTS = '[{"step": "charge", "attempt": 1, "fail": {"error_type": "timeout"}}]'


def test_a_comparison_is_printed(run, folder):
    """Exit code 0, the comparison on standard output, and what handlers print on standard error, once a profile."""
    (folder / "faults.json").write_text(FAULTS)
    code, out, err = run(*COMPARE, "--faults", "faults.json")
    assert code == 0
    assert out == (
        "shop/orders 1.0.0\n"
        "seed 0 · starts 2026-01-01T00:00:00Z\n"
        "\n"
        "                documented  tasker-0.1.8\n"
        "task            ✓ complete  ✓ complete\n"
        "elapsed         100 ms      0 s\n"
        "charge   waits  100 ms      0 s\n"
        "\n"
        "Where Tasker 0.1.8 differs here (rows of docs/profiles.md):\n"
        " 1  `charge` fails and runs again at once, where its template says 100 ms; don't rely on backoff:\n"
        "    wait inside the handler if the other side needs time.\n"
    )
    assert err.splitlines().count("a handler prints") == 2


def test_the_process_does_the_same(shell):
    """python -m tasker_testkit gives the process's exit code; standard output holds nothing but the comparison."""
    done = shell(*COMPARE)
    assert done.returncode == 0
    assert done.stdout.startswith("shop/orders 1.0.0\n")
    assert done.stdout.endswith("Tasker 0.1.8 does here what its documents promise.\n")


def test_json_is_alone_on_standard_output(run, folder):
    """--format json prints the findings as one JSON document with sorted keys."""
    (folder / "faults.json").write_text(FAULTS)
    code, out, _ = run(*COMPARE, "--faults", "faults.json", "--format", "json", "--seed", "4")
    data = json.loads(out)
    assert (code, data["format"], data["seed"]) == (0, "tasker-testkit/comparison", 4)
    assert [row["row"] for row in data["divergences"]] == [1]
    assert out == json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def test_stubs_and_actions_are_compared_too(run, folder):
    """What run takes for a workflow, compare takes: stubs, faults, an operator's actions, workers."""
    (folder / "stubs.json").write_text('{"validate": {}}')
    fails = '[{"step": "charge", "fail": {"retryable": false}}]'
    (folder / "faults.json").write_text(fails)
    action = '{"do": "resolve_manually", "step": "charge", "when": {"step": "charge", "state": "error"}}'
    options = ("--faults", "faults.json", "--stubs", "stubs.json", "--action", action, "--workers", "2")
    code, out, _ = run(*COMPARE, *options, "--format", "json")
    assert code == 0
    assert [row["row"] for row in json.loads(out)["divergences"]] == [23]


def test_a_template_that_documented_refuses_is_compared(run, folder):
    """Tasker 0.1.8 loads a ring; the problem is shown with its line."""
    ring = (folder / "orders.yaml").read_text() + "  - {name: x, handler: {callable: charge}, dependencies: [x, y]}\n"
    ring = ring.replace("[x, y]", "[y]") + "  - {name: y, handler: {callable: charge}, dependencies: [x]}\n"
    (folder / "orders.yaml").write_text(ring)
    code, out, _ = run(*COMPARE)
    assert code == 0
    assert "Refused under documented:\n  orders.yaml:13:5: steps[2]: the dependencies form a ring: x -> y -> x." in out
    assert "17  orders.yaml:13:5: steps[2]: the dependencies form a ring" in out


def test_nothing_ran_is_exit_code_1(run, folder):
    """If both profiles refuse the workflow, that is shown, and it is a failure."""
    itself = (folder / "orders.yaml").read_text().replace("[validate]", "[charge]")
    (folder / "orders.yaml").write_text(itself)
    code, out, _ = run(*COMPARE)
    assert code == 1
    assert "task       ✗ refused   ✗ refused\n" in out
    assert "17  orders.yaml:11:20: steps[1].dependencies[0]: step 'charge' depends on itself" in out


def test_a_wrong_call_is_exit_code_2(run, folder):
    """A file or an option that makes no sense is said on standard error, and nothing is printed."""
    (folder / "stubs.json").write_text('{"chrage": {}}')
    for options, said in {
        ("--environment", "prod"): "Template 'orders' has no environment 'prod'.",
        ("--stubs", "stubs.json"): "There is a stub for step 'chrage'",
        ("--faults", "nowhere.yaml"): "nowhere.yaml",
        ("--profile", "documented"): "unrecognized arguments: --profile documented",
    }.items():
        code, out, err = run(*COMPARE, *options)
        assert (code, out) == (2, "")
        assert said in err
        assert err.startswith("tasker-testkit: ")


def test_an_unused_stub_is_exit_code_2(run, folder):
    """A stub that neither profile used is a mistake in the call."""
    (folder / "stubs.json").write_text('{"validate": {}, "charge": {}}')
    (folder / "faults.json").write_text('[{"step": "validate", "fail": {"retryable": false}}]')
    code, _, err = run(*COMPARE, "--stubs", "stubs.json", "--faults", "faults.json")
    assert code == 2
    assert "No run used these stubs" in err
