"""Which steps exist when: the worked cases of the rules as a table, and random templates against a naive oracle."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from growth_oracle import NaiveTask, Part, RefusedGrowth
from hypothesis import given, settings
from hypothesis import strategies as st

from tasker_testkit.engine.batches import batch_growth
from tasker_testkit.engine.decisions import decision_growth, not_a_choice, requested
from tasker_testkit.engine.engine import Engine
from tasker_testkit.engine.growth import Blueprint, GrowthError
from tasker_testkit.errors import RunError
from tasker_testkit.model.outcome import failure, success
from tasker_testkit.model.profile import DOCUMENTED, TASKER_0_1_8
from tasker_testkit.model.template import BatchConfig, Handler, StepTemplate, Template

PROFILES = {"documented": DOCUMENTED, "as built": TASKER_0_1_8}
TYPES = {
    "d": "decision",
    "an": "batchable",
    **dict.fromkeys(("f", "g", "agg"), "deferred_convergence"),
    **dict.fromkeys(("w", "u"), "batch_worker"),
}


def parts(text: str) -> list[Part]:
    """``"v d[v] a[d]"`` as steps; the type follows from the letters, ``an:w`` has w as its configured worker."""
    found = re.findall(r"([a-z]+)(\d*)(?::(\w+))?(?:\[([^\]]*)\])?", text)
    return [
        Part(letters + digits, TYPES.get(letters, "standard"), tuple(filter(None, needs.split(","))), worker or None)
        for letters, digits, worker, needs in found
        if letters
    ]


def template(steps: list[Part]) -> Template:
    """The template with these steps."""
    config = BatchConfig(10, 1, "id", "w", "fail_fast")
    made = [
        StepTemplate(
            part.name,
            Handler("x", initialization={"worker_template_name": part.worker} if part.worker else {}),
            type=part.type,
            dependencies=part.needs,
            batch_config=config if part.type == "batch_worker" and part.has_config else None,
        )
        for part in steps
    ]
    return Template("t", "n", "1", tuple(made))


def chosen(*names: str) -> dict:
    """A decision's result that asks for these steps."""
    return {"decision_point_outcome": {"type": "create_steps", "step_names": list(names)}}


def cursors(*ids: str, worker: str = "w") -> dict:
    """An analyzer's outcome with one cursor an id."""
    configs = [{"batch_id": one, "start_cursor": 0, "end_cursor": 1, "batch_size": 1} for one in ids]
    return {
        "type": "create_batches",
        "worker_template_name": worker,
        "worker_count": len(ids),
        "total_items": len(ids),
        "cursor_configs": configs,
    }


NO_BATCHES = {"type": "no_batches"}

FLAT = "v d[v] a[d] b[d] c[d] f[a,b,c]"
NESTED = "v d1[v] a[d1] b[d1] d2[a] x[d2] y[d2] f[b,x,y]"
TWO = "v d1[v] d2[v] a[d1] b[d2] f[a,b]"
BELOW = "v d[v] an[d] w[an] agg[w] fin[agg]"

DECISIONS = {
    "one branch": (FLAT, [("d", "a", "a f", "d>a a>f")]),
    "several branches": (FLAT, [("d", "b c", "b c f", "d>b d>c b>f c>f")]),
    "all branches, in template order": (FLAT, [("d", "c b a", "a b c f", "d>a d>b d>c a>f b>f c>f")]),
    "a name twice is harmless": (FLAT, [("d", "a a", "a f", "d>a a>f")]),
    "no branch": (FLAT, [("d", "", "", "")]),
    "an unknown name": (FLAT, [("d", "zz", None, "is not a valid descendant of decision point 'd'")]),
    "its own ancestor": (FLAT, [("d", "v", None, "is not a valid descendant")]),
    "itself": (FLAT, [("d", "d", None, "is not a valid descendant")]),
    "one bad name among good ones": (FLAT, [("d", "a zz", None, "is not a valid descendant")]),
    "the convergence alone": (FLAT, [("d", "f", "f", "")]),
    "a branch and the convergence": (FLAT, [("d", "a f", "a f", "d>a a>f")]),
    "the same twice": (
        FLAT,
        [("d", "a", "a f", "d>a a>f"), ("d", "a", None, "An edge from 'd' to 'a' exists already")],
    ),
    "nested": (NESTED, [("d1", "a", "a d2", "d1>a a>d2"), ("d2", "x", "x f", "d2>x x>f")]),
    "nested, the other branch": (NESTED, [("d1", "b", "b d2 f", "d1>b d1>d2 b>f"), ("d2", "x", "x", "d2>x x>f")]),
    "a decision by name": (NESTED, [("d1", "d2", None, "is not a valid descendant")]),
    "behind another decision": (NESTED, [("d1", "x", None, "is not a valid descendant")]),
    "an inner node": ("v d[v] a[d] q[a] r[q]", [("d", "q", "q r", "d>q q>r")]),
    "a merge of two": ("v d[v] a[d] b[d] m[a,b]", [("d", "a", "a m", "d>a a>m d>m")]),
    "a merge of three": (
        "v d[v] a[d] b[d] c[d] m[a,b,c]",
        [("d", "a", None, "An edge from 'd' to 'm' exists already")],
    ),
    "two of a merge of three": (
        "v d[v] a[d] b[d] c[d] m[a,b,c]",
        [("d", "a b", "a b m", "d>a d>b a>m b>m d>m")],
    ),
    "a branch that needs a root too": ("v d[v] x[d,v]", [("d", "x", None, "An edge from 'd' to 'x' exists already")]),
    "behind a branch and a root": ("v d[v] a[d] x[a,v]", [("d", "a", "a x", "d>a a>x d>x")]),
    "a convergence that lists its decision": ("v d[v] a[d] b[d] f[d,a,b]", [("d", "a", "a f", "d>a a>f")]),
    "behind the convergence": (f"{FLAT} p[f]", [("d", "a", "a f p", "d>a a>f f>p")]),
    "behind the convergence, twice": (f"{FLAT} p[f] q[p]", [("d", "a", "a f p q", "d>a a>f f>p p>q")]),
    "behind the convergence and a root": (f"{FLAT} p[f,v]", [("d", "a", "a f", "d>a a>f")]),
    "behind the convergence and another branch": (f"{FLAT} p[f,b]", [("d", "a", "a f", "d>a a>f")]),
    "behind the convergence and its decision": (f"{FLAT} p[f,d]", [("d", "a", "a f p", "d>a a>f f>p d>p")]),
    "a convergence of a convergence": (
        "v d[v] a[d] b[d] f1[a,b] f2[f1]",
        [("d", "a", "a f1 f2", "d>a a>f1 f1>f2")],
    ),
    "two convergences": (
        "v d[v] a[d] b[d] c[d] f1[a,b] f2[b,c]",
        [("d", "a c", "a c f1 f2", "d>a d>c a>f1 c>f2")],
    ),
    "a decision behind the convergence": (
        "v d1[v] a[d1] b[d1] f[a,b] d2[f] x[d2]",
        [("d1", "a", "a f d2", "d1>a a>f f>d2")],
    ),
    "two decisions, one convergence": (TWO, [("d1", "a", "a f", "d1>a a>f"), ("d2", "b", "b", "d2>b b>f")]),
    "two decisions, and what is behind": (
        f"{TWO} p[f]",
        [("d1", "a", "a f p", "d1>a a>f f>p"), ("d2", "b", None, "An edge from 'f' to 'p' exists already")],
    ),
    "a batch below a decision": (BELOW, [("d", "an", "an", "d>an")]),
    "a batch worker by name": ("v d[v] an[d] w[an] agg[w]", [("d", "w", "w agg", "d>w w>agg")]),
    "what is behind its convergence": (BELOW, [("d", "w", "w agg fin", "d>w w>agg agg>fin")]),
    "outside every decision": ("v d[v] a[d] o[v] g[o]", [("d", "a", "a", "d>a")]),
}


def edges(text: str) -> set[tuple[str, str]]:
    """``"d>a a>f"`` as pairs."""
    return {tuple(edge.split(">")) for edge in text.split()}


class Ledger:
    """What exists while growths are tried one by one."""

    def __init__(self, steps: list[Part], profile: str = "as built") -> None:
        self.blueprint = Blueprint(template(steps))
        waits = PROFILES[profile].convergence_waits_for_batch
        first = self.blueprint.initial(convergence_waits_for_batch=waits)
        self.rows = [step.name for step in first.steps]
        self.edges = set(first.edges)

    def grow(self, step: str, asked) -> tuple[list[str], set[tuple[str, str]]]:
        """The new steps and edges; they exist from now on. Raises GrowthError."""
        linked = self.edges.__contains__
        if isinstance(asked, list):
            growth = decision_growth(self.blueprint, step, asked, self.rows, linked, 100)
        else:
            growth = batch_growth(self.blueprint, step, asked, self.rows, linked)
        assert len(set(growth.edges)) == len(growth.edges)
        new = [one.name for one in growth.steps]
        self.rows += new
        self.edges |= set(growth.edges)
        return new, set(growth.edges)


@pytest.mark.parametrize("case", DECISIONS)
def test_a_decision_grows_as_worked_out(case):
    """Each worked case of decision growth: the new steps in order of creation, the new edges, or the refusal."""
    graph, growths = DECISIONS[case]
    ledger = Ledger(parts(graph))
    for decision, names, new, expected in growths:
        if new is None:
            before = (list(ledger.rows), set(ledger.edges))
            with pytest.raises(GrowthError, match=re.escape(expected)):
                ledger.grow(decision, names.split())
            assert (ledger.rows, ledger.edges) == before
        else:
            assert ledger.grow(decision, names.split()) == (new.split(), edges(expected))


BATCH = "v an[v] w[an] agg[w]"
BATCHES = {
    "two cursors": (BATCH, cursors("001", "002"), "w_001 w_002 agg", "an>w_001 an>w_002 w_001>agg w_002>agg"),
    "no batches": ("v an:w[v] w[an] agg[w]", NO_BATCHES, "w_000 agg", "an>w_000 w_000>agg"),
    "no batches, no name": (BATCH, NO_BATCHES, None, "Batchable step 'an' missing worker_template_name"),
    "the same id twice": (BATCH, cursors("001", "001"), None, "An edge from 'an' to 'w_001' exists already"),
    "no cursors": (BATCH, cursors(), None, "cursor_configs cannot be empty for CreateBatches outcome"),
    "an unknown worker": (BATCH, cursors("1", worker="ww"), None, "Worker template not found: ww"),
    "no worker": (BATCH, cursors("1", worker="v"), None, "Template v is not a BatchWorker type"),
    "a decision elsewhere": (
        "v an[v] w[an] agg[w] d[v] x[d]",
        cursors("001", "002"),
        "w_001 w_002",
        "an>w_001 an>w_002 w_001>agg w_002>agg",
    ),
    "two convergences": (f"{BATCH} agg2[w]", cursors("1"), "w_1 agg agg2", "an>w_1 w_1>agg w_1>agg2"),
    "what else the convergence lists": ("v an[v] w[an] agg[w,v]", cursors("1"), "w_1 agg", "an>w_1 w_1>agg"),
}


@pytest.mark.parametrize("case", BATCHES)
def test_a_batch_grows_as_worked_out(case):
    """Each worked case of batch growth, as built: instances by cursor, then convergences; or the refusal."""
    graph, outcome, new, expected = BATCHES[case]
    ledger = Ledger(parts(graph))
    if new is None:
        with pytest.raises(GrowthError, match=re.escape(expected)):
            ledger.grow("an", outcome)
    else:
        assert ledger.grow("an", outcome) == (new.split(), edges(expected))


def test_an_instance_that_exists_is_used_again():
    """Two analyzers that ask for the same instance share it: one step, an edge from each."""
    ledger = Ledger(parts("v an[v] w[an] an2[v]"))
    assert ledger.grow("an", cursors("1")) == (["w_1"], edges("an>w_1"))
    assert ledger.grow("an2", cursors("1")) == ([], edges("an2>w_1"))


def test_two_pipelines_share_a_convergence():
    """The first batch makes the convergence, the second adds its edges."""
    ledger = Ledger(parts("v an[v] w[an] an2[v] u[an2] agg[w,u]"))
    assert ledger.grow("an", cursors("1")) == (["w_1", "agg"], edges("an>w_1 w_1>agg"))
    assert ledger.grow("an2", cursors("1", worker="u")) == (["u_1"], edges("an2>u_1 u_1>agg"))


@pytest.mark.parametrize(
    ("graph", "profile", "expected"),
    [
        (FLAT, "documented", "v d"),
        (BATCH, "documented", "v an"),
        ("v d[v] a[d] o[v] g[o]", "documented", "v d o g"),
        ("v an[v] w[an] agg[w] d[v] x[d]", "as built", "v an agg d"),
        ("v an[v] w[an] agg[w] d[v] x[d]", "documented", "v an d"),
        ("v an[v] w[an] agg[w] fin[agg,an]", "as built", "v an fin"),
    ],
)
def test_what_a_task_starts_with(graph, profile, expected):
    """Nothing below a decision, no batch worker, no convergence unless another decision is about (row 20)."""
    assert Ledger(parts(graph), profile).rows == expected.split()


# -- in a run ----------------------------------------------------------------------------------------------------------


def play(steps: list[Part], results, profile) -> Engine:
    """Run the template; ``results[step]`` is what its handler returns."""
    engine = Engine(template(steps), profile=profile)
    while call := engine.next_call():
        engine.report(call, success(results.get(call.name, {})))
    return engine


REFUSED = {name: case for name, case in DECISIONS.items() if case[1][0][2] is None}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_decision_is_an_error_or_a_warning(case):
    """Documented: the decision ends in error, its result kept. As built: a warning, and the task completes (row 19)."""
    graph, [(decision, names, _, message)] = REFUSED[case]
    steps = parts(graph)
    results = {decision: chosen(*names.split())}
    strict, lax = (play(steps, results, profile) for profile in PROFILES.values())
    failed = strict.ledger.by_name[decision]
    assert (failed.state, failed.result.result, strict.ledger.task_state) == (
        "error",
        results[decision],
        "blocked_by_failures",
    )
    assert (lax.ledger.by_name[decision].state, lax.ledger.task_state) == ("complete", "complete")
    for engine in (strict, lax):
        assert [row.name for row in engine.ledger.steps] == Ledger(steps).rows
        [(at, text)] = engine.ledger.warnings
        assert at == 0
        assert text.startswith(f"step {decision}: ")
        assert message in text


@pytest.mark.parametrize("profile", PROFILES)
def test_growth_in_a_blocked_task_is_never_enqueued(profile):
    """A decision that ends after another step has blocked the task still grows; its branch stays pending."""
    engine = Engine(template(parts("v d[v] a[d] z[v]")), profile=replace(PROFILES[profile], eager_claims=False))
    endings = {
        "v": success(),
        "d": success(chosen("a"), took_us=5),
        "z": failure("no", "no", retryable=False),
    }
    while call := engine.next_call():
        engine.report(call, endings[call.name])
    rows = engine.ledger.by_name
    assert (engine.ledger.task_state, rows["d"].state, rows["a"].state) == (
        "blocked_by_failures",
        "complete",
        "pending",
    )


@pytest.mark.parametrize(
    "result",
    [
        {},
        {"decision_point_outcome": None},
        {"decision_point_outcome": {"type": "no_branches", "step_names": ["a"]}},
        {"decision_point_outcome": {"type": "other", "step_names": ["a"]}},
        {"decision_point_outcome": {"type": "create_steps"}},
        {"decision_point_outcome": {"type": "create_steps", "step_names": "a"}},
        {"decision_point_outcome": {"type": "create_steps", "step_names": ["a", 1]}},
        [],
    ],
)
def test_a_malformed_decision_asks_for_nothing(result):
    """Anything but create_steps with a list of texts is no branch, not an error, and there are words for it."""
    no_branches = {"type": "no_branches"}
    said_so = isinstance(result, dict) and (result.get("decision_point_outcome") or {}).items() >= no_branches.items()
    assert requested(result) == []
    assert bool(not_a_choice(result)) is not said_so


@pytest.mark.parametrize(
    ("graph", "decision", "names", "hint"),
    [
        (
            "v d[v] a[d] b[d] c[d] m[a,b,c]",
            "d",
            ["a"],
            "Each dependency of 'm' that isn't made with it makes this edge: 'b', 'c'. Leave one of these at the most, "
            "or let 'm' be a deferred_convergence of what can be chosen",
        ),
        ("v d[v] a[d]", "d", ["a"], "'a' was made before: let one decision choose all that leads to it"),
    ],
)
def test_a_collision_says_where_it_comes_from(graph, decision, names, hint):
    """Tasker's words name the edge only; the hint names the dependencies that make it, or the growth before."""
    ledger = Ledger(parts(graph))
    if graph.endswith("a[d]"):
        ledger.grow(decision, names)
    with pytest.raises(GrowthError, match="exists already") as refused:
        ledger.grow(decision, names)
    assert refused.value.hint == hint


@pytest.mark.parametrize("number", [100, 101])
def test_a_decision_asks_for_at_most_a_hundred_steps(number):
    """A hundred requested names pass, one more refuses them all."""
    steps = [Part("d", "decision"), *(Part(f"s{n}", "standard", ("d",)) for n in range(number))]
    ledger, names = Ledger(steps), [f"s{n}" for n in range(number)]
    if number == 100:
        assert ledger.grow("d", names)[0] == names
    else:
        with pytest.raises(GrowthError, match="Decision outcome creates 101 steps, exceeding maximum of 100"):
            ledger.grow("d", names)


def test_ten_thousand_batches_run():
    """The largest batch that the simulator makes by default: every instance runs, then the convergence, once."""
    ids = [f"{number:05}" for number in range(10_000)]
    engine = play(parts(BATCH), {"an": {"batch_processing_outcome": cursors(*ids)}}, DOCUMENTED)
    assert (engine.ledger.task_state, engine.ledger.shares["settled"]) == ("complete", 10_003)


@pytest.mark.parametrize("profile", [*PROFILES, "own"])
def test_more_batches_than_the_limit_stop_the_run(profile):
    """A batch beyond the simulator's own limit is an error that names the limit and how to raise it."""
    constant = {"documented": "DOCUMENTED", "as built": "TASKER_0_1_8", "own": "your_profile"}[profile]
    narrow = replace(PROFILES.get(profile, DOCUMENTED), max_batches=2)
    narrow = replace(narrow, name="own") if profile == "own" else narrow
    with pytest.raises(RunError) as caught:
        play(parts(BATCH), {"an": {"batch_processing_outcome": cursors("1", "2", "3")}}, narrow)
    assert str(caught.value) == (
        "Step 'an' asks for 3 batches; the simulator makes 2 at the most. Make the batches larger, "
        f"or allow more: profile=dataclasses.replace({constant}, max_batches=3)."
    )


# -- random templates --------------------------------------------------------------------------------------------------


kinds = st.sampled_from(["standard", "standard", "decision", "deferred_convergence", "batchable", "batch_worker"])


@st.composite
def templates(draw: st.DrawFn) -> list[Part]:
    """Up to 9 steps of any types with any edges that point back."""
    made: list[Part] = []
    for number in range(draw(st.integers(1, 9))):
        needs = draw(st.lists(st.sampled_from([part.name for part in made]), unique=True, max_size=3)) if made else []
        workers = st.sampled_from([f"s{n}" for n in range(9)])
        made.append(Part(f"s{number}", draw(kinds), tuple(needs), draw(st.none() | workers), draw(st.booleans())))
    return made


def asked(draw: st.DrawFn, part: Part, steps: list[Part]):
    """What a step's handler asks for: names, mostly below it, or batches, mostly of a batch worker."""
    names = [other.name for other in steps]
    if part.type == "decision":
        below = sorted(NaiveTask(steps, convergence_waits_for_batch=True).closure([part.name], stop="decision"))
        return draw(st.lists(st.sampled_from(below or names), max_size=3))
    workers = [other.name for other in steps if other.type == "batch_worker"]
    if draw(st.booleans()) or not workers:
        return NO_BATCHES
    ids = draw(st.lists(st.sampled_from(["1", "2", "3"]), min_size=0, max_size=3))
    return cursors(*ids, worker=draw(st.sampled_from(workers)))


@settings(max_examples=150, deadline=None)
@given(templates(), st.data(), st.sampled_from(sorted(PROFILES)))
def test_any_template_grows_as_the_oracle_says(steps, data, profile):
    """In a whole run, whatever decisions and analyzers ask for: the same steps in the same order, the same edges."""
    chosen_profile = PROFILES[profile]
    naive = NaiveTask(steps, convergence_waits_for_batch=chosen_profile.convergence_waits_for_batch)
    kinds = {part.name: part for part in steps}
    engine = Engine(template(steps), profile=chosen_profile)
    while call := engine.next_call():
        part = kinds.get(call.name)
        result = {}
        if part is not None and part.type in ("decision", "batchable"):
            wanted = asked(data.draw, part, steps)
            batch = isinstance(wanted, dict)
            result = {"batch_processing_outcome": wanted} if batch else chosen(*wanted)
            try:
                naive.batch(part.name, wanted) if batch else naive.decide(part.name, wanted)
            except RefusedGrowth:
                result["refused"] = True
        engine.report(call, success(result))
    assert [row.name for row in engine.ledger.steps] == naive.rows
    assert {(parent.name, row.name) for row in engine.ledger.steps for parent in row.parents} == naive.edges
    refused = sum("refused" in row.result.result for row in engine.ledger.steps if row.result)
    assert sum(text.startswith("step ") for _, text in engine.ledger.warnings) == refused
