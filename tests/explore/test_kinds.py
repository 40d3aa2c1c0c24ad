"""Which faults make sense at a place, and which names choose them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasker_testkit import FaultError, Simulation, explore
from tasker_testkit.errors import listed
from tasker_testkit.explore.http_kinds import SETTINGS
from tasker_testkit.explore.kinds import ALL, KINDS, chosen, faults_at
from tasker_testkit.explore.places import Place, Requested
from tasker_testkit.explore.space import kind_of, label
from tasker_testkit.model.durations import SECOND

PLACE = Place(
    step="pay",
    of="pay",
    attempt=1,
    retries=True,
    timeout=None,
    took=0,
    yields=False,
    keys=(),
    called=True,
    processes=False,
)


def labels(place: Place, kinds=ALL) -> list[str]:
    """The faults at the place, without the step's name."""
    return [label(fault).removeprefix(f"{place.step}-{place.attempt}-") for fault in faults_at(place, kinds)]


def test_an_ordinary_attempt():
    """Without timeout, checkpoints and readers: three failures, a hang, two crashes, a second delivery."""
    assert labels(PLACE) == [
        "fail_retryable",
        "fail_permanent",
        "raise",
        "hang",
        "crash_before",
        "crash_after",
        "duplicate",
    ]


@pytest.mark.parametrize(
    ("facts", "missing", "more"),
    [
        ({"retries": False}, {"fail_permanent"}, set()),
        ({"timeout": 5 * SECOND}, {"hang"}, {"delay_4999ms", "delay_5001ms"}),
        ({"timeout": 5 * SECOND, "took": 2 * SECOND}, {"hang"}, {"delay_2999ms", "delay_3001ms"}),
        ({"timeout": 5 * SECOND, "took": 5 * SECOND}, {"hang"}, {"delay_1ms"}),
        ({"yields": True}, set(), {"crash_checkpoint"}),
        ({"processes": True}, set(), {"lose_result"}),
        ({"keys": ("total", "the sku")}, set(), {"corrupt.total", 'corrupt.["the sku"]'}),
        ({"called": False}, set(labels(PLACE)) - {"duplicate"}, set()),
    ],
)
def test_what_a_place_is_decides_its_faults(facts, missing, more):
    """No two faults that come to the same, none that can't strike, one for each thing that can go differently."""
    assert set(labels(replace(PLACE, **facts))) == set(labels(PLACE)) - missing | more


def test_a_kind_by_itself_isnt_left_out_for_its_twin():
    """Who asks for one kind gets it, though by default another one stands for it."""
    assert labels(PLACE, ("lose_result",)) == ["lose_result"]
    assert labels(replace(PLACE, retries=False), ("fail_permanent",)) == ["fail_permanent"]
    assert labels(replace(PLACE, timeout=SECOND), ("hang",)) == ["hang"]


def test_every_kind_has_a_place():
    """No kind of the table is dead, and each is recognised by the faults it makes."""
    asked = (Requested("POST", "https://pay.example/charges", 1),)
    full = replace(PLACE, timeout=SECOND, yields=True, keys=("total",), processes=True, requests=asked)
    for kind in KINDS:
        assert faults_at(full, (kind,)), kind
        assert all(kind.startswith(kind_of(fault)) for fault in faults_at(full, (kind,)))


@pytest.mark.parametrize(
    ("kinds", "found"),
    [
        ("crash", ("crash_before", "crash_checkpoint", "crash_after")),
        ("hang,raise", ("raise", "hang")),
        (("crash_after", "fail"), ("fail_retryable", "fail_permanent", "crash_after")),
        (["delay"], ("delay_under", "delay_over")),
        (" corrupt , hang ", ("hang", "corrupt")),
        (ALL, ALL),
    ],
)
def test_names_and_prefixes_choose_kinds(kinds, found):
    """In whatever order they are named, kinds are tried in the table's order."""
    assert chosen(kinds) == found


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        ("crahs", "there is no kind 'crahs'. Did you mean 'crash'?"),
        ("crash_", "there is no kind 'crash_'"),
        ("", "there is no kind ''"),
        ((), "kinds=(): name one kind of fault at least. Kinds:\n  fail_retryable\n"),
        ([3], "there is no kind 3"),
        (3, "kinds=3: give names of kinds of faults, as a text or a list. Kinds:"),
    ],
)
def test_an_unknown_kind_is_refused(kinds, said):
    """The message has the candidates, one a line."""
    with pytest.raises(FaultError) as refused:
        chosen(kinds)
    assert said in str(refused.value)
    assert str(refused.value).endswith("\n  duplicate\n  corrupt\n" + listed(SETTINGS))


def steps(**fields):
    """One step with these fields."""
    step = {"name": "pay", "handler": {"callable": "pay"}, "retry": {"max_attempts": 2}, **fields}
    return {"name": "orders", "namespace_name": "tests", "version": "1.0.0", "steps": [step]}


@pytest.mark.parametrize("took", ["0s", "3s", "4999ms", "5s"])
def test_delays_lie_just_under_and_just_over_the_timeout(took):
    """However long the handler takes itself: one delay still arrives in time, the other doesn't."""
    simulation = Simulation(steps(timeout_seconds=5), stubs={"pay": {}}, durations={"pay": [took, 0]})
    exploration = explore(simulation, kinds="delay")
    arrived = [len(run["pay"].attempts) == 1 for run in exploration.runs]
    assert arrived == ([True, True, False] if took in ("0s", "3s") else [True, False])


def test_timeouts_that_are_ignored_have_no_threshold():
    """As built, timeout_seconds does nothing (row 12): there is nothing to be just under, and a hang has no end."""
    simulation = Simulation(steps(timeout_seconds=5), stubs={"pay": {}}, profile="tasker-0.1.8")
    plans = explore(simulation, kinds="delay,hang").plans
    assert [[kind_of(fault) for fault in plan] for plan in plans] == [[], ["hang"]]
