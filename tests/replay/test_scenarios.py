"""Scenarios: a workflow, what goes wrong and what must come of it, in a file that is a test."""

from __future__ import annotations

import json

import pytest

from tasker_testkit import ScenarioError
from tasker_testkit.cli import main
from tasker_testkit.model.loading.scenarios import load_scenario, scenario_schema
from tasker_testkit.model.loading.schema import schema_problem
from tasker_testkit.records.scenarios import play

TEMPLATE = """\
name: orders
namespace_name: shop
version: 1.0.0
input_schema: {type: object, required: [total]}
steps:
  - name: check
    handler: {callable: check}
  - name: charge
    handler: {callable: charge}
    dependencies: [check]
    retry: {max_attempts: 3, backoff: exponential, backoff_base_ms: 100}
"""
GOOD = """\
name: the gateway is slow
template: orders.yaml
input: {total: 5}
stubs:
  check: {}
  charge: {paid: true, lines: [{sku: A, price: 1.5}]}
faults:
  - {step: charge, attempt: 1, fail: {error_type: timeout}}
expect:
  state: complete
  elapsed: 100ms
  steps:
    check: {state: complete, attempts: 1, waits: []}
    charge: {attempts: 2, waits: [0.1], result: {lines: [{sku: A}]}}
"""


@pytest.fixture
def scenario(tmp_path, monkeypatch):
    """Write a scenario beside its template: ``scenario(text) -> Path``."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "orders.yaml").write_text(TEMPLATE)

    def write(text=GOOD):
        path = tmp_path / "slow.scenario.yaml"
        path.write_text(text)
        return path.relative_to(tmp_path)

    return write


def changed(before, after):
    """The good scenario with one change."""
    assert before in GOOD
    return GOOD.replace(before, after, 1)


def test_a_scenario_that_holds(scenario):
    """All expectations are met; what isn't mentioned doesn't count."""
    played = play(scenario())
    assert played.problems == ()
    assert played.run["charge"].waits
    assert str(played) == "the gateway is slow: as expected"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("state: complete\n", "state: error\n", '10:3: expect.state: expected "error", it was "complete".'),
        ("100ms", "{at_most: 0.05, at_least: 1h}", "expect.elapsed.at_most: expected at most 50 ms, it was 100 ms."),
        ("100ms", "2s", "expect.elapsed: expected 2 s, it was 100 ms."),
        ("attempts: 2", "attempts: 3", "expect.steps.charge.attempts: expected 3, it was 2."),
        ("[0.1]", "[0.1, 1m]", "expect.steps.charge.waits: expected 100 ms, 60 s, it was 100 ms."),
        ("[{sku: A}]", "[{sku: B}]", 'expect.steps.charge.result.lines[0].sku: expected "B", it was "A".'),
        ("[{sku: A}]", "[]", "expect.steps.charge.result.lines: expected [], it was"),
        ("lines: [{sku: A}]", "paid: 1", "expect.steps.charge.result.paid: expected 1, it was true."),
        ("lines: [{sku: A}]", "total: 1", "there is no such key; it has 'paid', 'lines'."),
        ("waits: []", "error: timeout", "expect.steps.check.error: expected an error with 'timeout', it was none."),
        ("state: complete, ", "created: false, ", "expect.steps.check: the step was created."),
        ("  state: complete\n", "  effects: {mail: 1}\n", "expect.effects.mail: expected 1 time, it was 0."),
        ("attempt: 1, fail", "attempt: 3, fail", "slow.scenario.yaml:7:1: faults: These faults never fired"),
        ("faults:", "routes: [{url: 'https://a.example'}]\nfaults:", "7:1: routes: No request met these routes:"),
    ],
)
def test_what_is_not_as_expected_is_told_with_its_place(scenario, before, after, said):
    """Each unmet expectation is one sentence with file, line, column, and what was instead."""
    played = play(scenario(changed(before, after)))
    assert said in str(played)
    assert "the gateway is slow: not as expected\nslow.scenario.yaml:" in str(played)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("expect:", "expct:", "slow.scenario.yaml:9:1: expct: there is no such key. Did you mean 'expect'?"),
        ("attempts: 2", "attemps: 2", "14:14: expect.steps.charge.attemps: there is no such key. Did you mean"),
        ("    charge: {att", "    chrge: {att", "14:5: expect.steps.chrge: template 'orders' has no such step. Did"),
        ("state: complete\n", "state: complet\n", "10:3: expect.state: 'complet' is no state. Did you mean"),
        ("100ms", "soon", "11:3: expect.elapsed: "),
        ("attempts: 2", "attempts: two", "expect.steps.charge.attempts: 'two' is not of type 'integer'."),
        ("{step: charge, attempt: 1", "{step: chrge, attempt: 1", "8:5: faults[0]: "),
        ("fail: {error_type: timeout}", "fial: {}", "8:5: faults[0]: "),
        ("template: orders.yaml", "template: order.yaml", "There is no template 'order.yaml'"),
        ("input: {total: 5}", "input: cart.json", "3:1: input: There is no file"),
        ("input: {total: 5}", "input: {}", "3:1: input: Template 'orders' doesn't accept this input"),
        ("name: the gateway is slow\n", "", "slow.scenario.yaml: 'name' is missing."),
        ("input: {total: 5}", "input: {total: 5", "slow.scenario.yaml:"),
        ("  check: {}", "  chek: {}", "5:3: stubs.chek: There is a stub for step 'chek'"),
        ("template: orders.yaml", "template: nix.yaml", "2:1: template: There is no template 'nix.yaml'"),
        ("  check: {}\n", "", "slow.scenario.yaml: These handlers of template 'orders' can't be used"),
        (
            "{step: charge, attempt: 1, fail: {error_type: timeout}}",
            "{outage: {system: payments, start: 0, length: 1s}}",
            "8:5: faults[0]: There is no system 'payments' that could be away.",
        ),
        ("  check: {}", "  check: 5", "5:3: stubs.check: 5 doesn't fit here. A result (a mapping or"),
    ],
)
def test_what_can_be_no_scenario_is_refused_with_its_place(scenario, before, after, said):
    """A misspelt key, an unknown step, a fault that never fires: one clear error before anything runs."""
    with pytest.raises(ScenarioError) as caught:
        play(scenario(changed(before, after)))
    assert said in str(caught.value)
    assert str(caught.value).startswith("slow.scenario.yaml")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("handlers: nix", "7:1: handlers: handlers: there is no module 'nix'."),
        ("setup: nix.py:f", "7:1: setup: "),
        ("profile: documentd", "7:1: profile: There is no profile 'documentd'. Did you mean 'documented'?"),
        ("start: soon", "7:1: start: 'soon' is not an instant."),
        ("timezone: Europe/Berln", "7:1: timezone: timezone='Europe/Berln' isn't known. Did you mean"),
        ("environment: prod", "7:1: environment: Template 'orders' has no environment 'prod'."),
        ("durations: {check: 1s, chek: 1s}", "7:24: durations.chek: There is a duration for step 'chek'"),
        ("durations: {check: [1s, soon]}", "7:25: durations.check[1]: 'soon' is not a duration."),
        ("systems: {pay: nowhere}", "7:11: systems.pay: 'nowhere' is half an address."),
        ("routes: [{url: 'https://a'}, {ulr: b}]", "7:30: routes[1]: Route 2: Unknown key 'ulr' of 'route'. Did you"),
        ("actions: [{do: cancl, at: 1s}]", "7:11: actions[0]: There is no action 'cancl'."),
    ],
)
def test_whatever_is_wrong_has_its_line(scenario, line, said):
    """Also what only the simulation knows to be wrong is told with the place of the part that is to blame."""
    with pytest.raises(ScenarioError) as caught:
        play(scenario(changed("faults:", f"{line}\nfaults:")))
    assert str(caught.value).startswith(f"slow.scenario.yaml:{said}")


def test_a_setup_that_raises_has_its_line(scenario, tmp_path):
    """What goes wrong before the run begins is told with the place of the setup, not of the input."""
    (tmp_path / "raising.py").write_text("def reset():\n    raise ValueError('no gateway')\n")
    with pytest.raises(ScenarioError) as caught:
        play(scenario(changed("faults:", "setup: raising.py:reset\nfaults:")))
    said = "slow.scenario.yaml:7:1: setup: setup=reset raised ValueError: no gateway\n"
    assert str(caught.value).startswith(said)


def test_a_zone_of_its_own(scenario, tmp_path):
    """``timezone`` is what handlers have for local time."""
    (tmp_path / "local.py").write_text("import time\ndef hour():\n    assert time.tzname[0] == 'JST'\n")
    good = changed("faults:", "timezone: Asia/Tokyo\nsetup: local.py:hour\nfaults:")
    assert play(scenario(good)).problems == ()


def test_the_schema_ships_with_the_package(scenario):
    """It is a JSON Schema, and knows every key that the good scenario has."""
    assert schema_problem(scenario_schema()) is None
    assert set(load_scenario(scenario()).data) <= set(scenario_schema()["properties"])


def test_input_from_a_file(scenario, tmp_path):
    """A text is the name of a file beside the scenario."""
    (tmp_path / "cart.json").write_text(json.dumps({"total": 7}))
    assert play(scenario(changed("{total: 5}", "cart.json"))).run.history.input == {"total": 7}


def test_scenarios_in_the_shell(scenario, capsys):
    """Exit code 0 as expected, 1 if not, 2 for a file or a call that is wrong; nothing else on standard output."""
    path = str(scenario())
    assert main(["run", path]) == 0
    assert capsys.readouterr().out.startswith("shop/orders 1.0.0\n")
    assert main(["run", path, "--history", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["task"]["state"] == "complete"
    scenario(changed("attempts: 2", "attempts: 1"))
    assert main(["run", path]) == 1
    assert capsys.readouterr().err == (
        "tasker-testkit: the gateway is slow: not as expected\n"
        "  slow.scenario.yaml:14:14: expect.steps.charge.attempts: expected 1, it was 2.\n"
    )
    assert main(["run", path, "--input", "{}"]) == 2
    assert "--input doesn't go with a scenario" in capsys.readouterr().err


def test_scenarios_are_collected(pytester):
    """pytest runs them as tests: a failure says what wasn't as expected, without a traceback of ours."""
    bad = changed("attempts: 2", "attempts: 1")
    for name, text in (("orders", TEMPLATE), ("good.scenario", GOOD), ("bad.scenario", bad)):
        (pytester.path / f"{name}.yaml").write_text(text)
    result = pytester.runpytest("-W", "error", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["bad.scenario.yaml:14:14: expect.steps.charge.attempts: expected 1, it was 2.", "*- Tasker runs -*"]
    )
    result.stdout.no_fnmatch_line("*scenarios.py*")
