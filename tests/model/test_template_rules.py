"""What either profile thinks of a template: the rules, their words and their places."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tasker_testkit.errors import TemplateError
from tasker_testkit.model.loading import load_template, template_data, template_schema, verdicts
from tasker_testkit.model.template import Template

ROOT = Path(__file__).resolve().parents[2]
BUILT = "tasker-0.1.8"


def step(name="a", **keys):
    """A step as a file has it."""
    return {"name": name, "handler": {"callable": "x"}, **keys}


def template(*steps, **keys):
    """A template as a file has it; one plain step unless given."""
    return {"name": "t", "namespace_name": "n", "version": "1", "steps": list(steps or [step()]), **keys}


CONFIG = {
    "batch_size": 1,
    "parallelism": 1,
    "cursor_field": "id",
    "worker_template": "w",
    "failure_strategy": "fail_fast",
}
ANALYZER = step(
    "an",
    type="batchable",
    batch_config=CONFIG,
    handler={"callable": "x", "initialization": {"worker_template_name": "w"}},
)
WORKER = step("w", type="batch_worker", dependencies=["an"], batch_config=CONFIG)
CONVERGENCE = step("agg", type="deferred_convergence", dependencies=["w"])
EVENT = {"name": "e", "description": "d", "schema": {}}

REFUSED_BY_BOTH = {
    "no name": (
        {k: v for k, v in template().items() if k != "name"},
        "name: is missing.",
    ),
    "namespace for namespace_name": (
        {"name": "t", "namespace": "n", "version": "1", "steps": [step()]},
        "namespace_name: is missing. Is 'namespace' meant to be it?",
    ),
    "no callable": (template({"name": "a", "handler": {}}), "steps[0].handler.callable: is missing."),
    "no handler": (template({"name": "a"}), "steps[0].handler: is missing."),
    "handler as text": (
        template(step(handler="x.Y")),
        "steps[0].handler: must be a mapping with the keys callable, method, resolver, initialization, not 'x.Y'.",
    ),
    "empty version": (template(version=""), "version: must not be empty."),
    "long name": (template(name="x" * 65), "name: has 65 characters; at most 64 can be stored."),
    "long description": (
        template(description="x" * 256),
        "description: has 256 characters; at most 255 can be stored.",
    ),
    "unknown dependency": (
        template(step("validate_cart"), step("b", dependencies=["validate_crt"])),
        "steps[1].dependencies[0]: step 'b' depends on 'validate_crt', which is no step. Did you mean 'validate_cart'?",
    ),
    "decision without a dependency": (
        template(step("d", type="decision")),
        "steps[0]: decision step 'd' must have at least one dependency.",
    ),
    "both aliases": (
        template(step(), step("b", dependencies=["a"], depends_on=["a"])),
        "steps[1].dependencies: 'dependencies' or 'depends_on' is given more than once. Keep one.",
    ),
    "wrong type of step": (
        template(step(type="decision_point")),
        "steps[0].type: 'decision_point' isn't known. Did you mean 'decision'? "
        "Possible: standard, decision, deferred_convergence, batchable, batch_worker.",
    ),
    "wrong case": (
        template(step(retry={"backoff": "Linear"})),
        "steps[0].retry.backoff: 'Linear' isn't known. Did you mean 'linear'? "
        "Possible: none, linear, exponential, fibonacci.",
    ),
    "negative number": (
        template(step(retry={"max_attempts": -1})),
        "steps[0].retry.max_attempts: must be a whole number from 0 to 4294967295, not -1.",
    ),
    "quoted number": (
        template(step(timeout_seconds="5")),
        "steps[0].timeout_seconds: must be a whole number from 0 to 4294967295, not '5'.",
    ),
    "yes as truth value": (
        template(step(retry={"retryable": "yes"})),
        "steps[0].retry.retryable: must be true or false, not 'yes'.",
    ),
    "dependencies as text": (
        template(step(), step("b", dependencies="a")),
        "steps[1].dependencies: must be a list, not 'a'.",
    ),
    "explicit null": (template(step(dependencies=None)), "steps[0].dependencies: must be a list, not null."),
    "event without a schema": (
        template(step(publishes_events=[{"name": "e", "description": "d"}])),
        "steps[0].publishes_events[0].schema: is missing.",
    ),
    "batch_config without a key": (
        template(ANALYZER, {**WORKER, "batch_config": {k: v for k, v in CONFIG.items() if k != "cursor_field"}}),
        "steps[1].batch_config.cursor_field: is missing.",
    ),
    "instant without a zone": (
        template(metadata={"created_at": "2026-01-01T00:00:00"}),
        "metadata.created_at: must be an instant with a zone, such as 2026-01-01T00:00:00Z, not '2026-01-01T00:00:00'.",
    ),
    "ring beside a decision": (
        template(
            step(dependencies=["b"]), step("b", dependencies=["a"]), step("d", type="decision", dependencies=["a"])
        ),
        "steps[0]: the dependencies form a ring: a -> b -> a. None of these steps could ever start.",
    ),
}

LOST = (
    "which doesn't exist when the task is created. Do its work in the convergence, or make it a deferred_convergence."
)
NEVER_GROWS = "tasker-0.1.8 loads it; what can't grow is silently missing."
NO_TASK = "tasker-0.1.8 loads it and refuses every submission"
SILENTLY = "tasker-0.1.8 accepts it silently."
NO_WORKER = "tasker-0.1.8 loads it, and then the whole worker fails to start."
REFUSED_BY_DOCUMENTED = {
    "no steps": ({**template(), "steps": []}, "steps: there are no steps.", f"{NO_TASK} (404)."),
    "duplicate names": (
        template(step(), step()),
        "steps[1].name: step 'a' is there twice; the first is steps[0]. Rename one.",
        f"{NO_TASK} (500), as long as no task has ever had a step of that name.",
    ),
    "self-dependency": (
        template(step(dependencies=["a"])),
        "steps[0].dependencies[0]: step 'a' depends on itself.",
        f"{NO_TASK} (500).",
    ),
    "dependency twice": (
        template(step(), step("b", dependencies=["a", "a"])),
        "steps[1].dependencies[1]: step 'b' lists 'a' twice. Keep one.",
        f"{NO_TASK} (500).",
    ),
    "ring": (
        template(step("r"), step(dependencies=["b"]), step("b", dependencies=["a"])),
        "steps[1]: the dependencies form a ring: a -> b -> a. None of these steps could ever start.",
        "tasker-0.1.8 loads it; a task of nothing but the ring becomes complete with nothing run.",
    ),
    "dash in the namespace": (
        template(namespace_name="a-b"),
        "namespace_name: 'a-b' has other characters than A-Z, a-z, 0-9 and _, which no queue name can have.",
        NO_WORKER,
    ),
    "long namespace": (
        template(namespace_name="n" * 35),
        "namespace_name: has 35 characters; a queue name has room for 29.",
        NO_WORKER,
    ),
    "no attempts": (
        template(step(retry={"max_attempts": 0})),
        "steps[0].retry.max_attempts: must be from 1 to 100, not 0.",
        "tasker-0.1.8 accepts any number; 0 is one attempt.",
    ),
    "small base": (
        template(step(retry={"backoff_base_ms": 99})),
        "steps[0].retry.backoff_base_ms: must be from 100 to 3,600,000, not 99.",
        SILENTLY,
    ),
    "no time": (
        template(step(timeout_seconds=0)),
        "steps[0].timeout_seconds: must be from 1 to 4,294,967,295, not 0.",
        SILENTLY,
    ),
    "empty callable": (
        template(step(handler={"callable": ""})),
        "steps[0].handler.callable: must not be empty.",
        SILENTLY,
    ),
    "long step name": (
        template(step("s" * 129)),
        "steps[0].name: must have 1 to 128 characters, not 129.",
        "tasker-0.1.8 can't create a task with it.",
    ),
    "override out of range": (
        template(environments={"test": {"steps": [{"name": "a", "retry": {"max_attempts": 101}}]}}),
        "environments.test.steps[0].retry.max_attempts: must be from 1 to 100, not 101.",
        "tasker-0.1.8 accepts any number; 0 is one attempt.",
    ),
    "no schema": (
        template(input_schema={"type": "strng"}),
        "input_schema: not a JSON Schema: type 'strng' isn't known. Did you mean 'string'? "
        "Possible: array, boolean, integer, null, number, object, string.",
        None,
    ),
    "schema as text": (
        template(step(result_schema="object")),
        "steps[0].result_schema: a JSON Schema is a mapping, true or false, not 'object'.",
        None,
    ),
    "bad pattern": (
        template(step(publishes_events=[{**EVENT, "schema": {"pattern": "["}}])),
        "steps[0].publishes_events[0].schema: not a JSON Schema: pattern: '[' is not a 'regex'.",
        None,
    ),
    "reference to nothing": (
        template(input_schema={"properties": {"a": {"$ref": "#/$defs/b"}}}),
        "input_schema: the reference '#/$defs/b' leads nowhere. Only references into the schema itself work.",
        None,
    ),
    "reference to the network": (
        template(input_schema={"$ref": "https://example.com/schema.json"}),
        "input_schema: the reference 'https://example.com/schema.json' leads nowhere. "
        "Only references into the schema itself work.",
        None,
    ),
    "unknown draft": (
        template(input_schema={"$schema": "https://example.com/draft"}),
        "input_schema: its $schema isn't known. Leave it out for draft 2020-12.",
        None,
    ),
    "required_fields as text": (
        template(task_handler={"initialization": {"input_validation": {"required_fields": "a"}}}),
        "task_handler.initialization.input_validation.required_fields: must be a list of texts: "
        "the keys that the input must have.",
        None,
    ),
    "step behind a worker": (
        template(ANALYZER, WORKER, CONVERGENCE, step("z", dependencies=["w"])),
        f"steps[3].dependencies[0]: standard step 'z' can't wait for batch_worker step 'w', {LOST}",
        "tasker-0.1.8 drops the dependency: the step doesn't wait for it.",
    ),
    "step behind a batch's convergence": (
        template(ANALYZER, WORKER, CONVERGENCE, step("z", dependencies=["agg"])),
        f"steps[3].dependencies[0]: standard step 'z' can't wait for deferred_convergence step 'agg', {LOST}",
        "tasker-0.1.8 drops the dependency: the step doesn't wait for it.",
    ),
    "batch without a worker": (
        template({**ANALYZER, "handler": {"callable": "x", "initialization": {"worker_template_name": "w"}}}),
        "steps[0]: batchable step 'an' has no batch_worker step to make instances of.",
        NEVER_GROWS,
    ),
    "worker without batch_config": (
        template(ANALYZER, {k: v for k, v in WORKER.items() if k != "batch_config"}),
        "steps[1]: batch_worker step 'w' has no batch_config, so no batch can grow from it.",
        NEVER_GROWS,
    ),
}

WARNED = {
    "unknown key": (
        template(step(depends_on_steps=["a"])),
        "steps[0].depends_on_steps: unknown key. Did you mean 'dependencies'?",
    ),
    "misspelt key": (
        template(step(retry={"max_atempts": 2})),
        "steps[0].retry.max_atempts: unknown key. Did you mean 'max_attempts'?",
    ),
    "merge key": (
        template({**step(), "<<": {}}),
        "steps[0].<<: '<<' isn't merged: Tasker's YAML doesn't know it. Write the keys out.",
    ),
    "long namespace": (
        template(namespace_name="n" * 30),
        "namespace_name: should have at most 29 characters and not begin with a digit.",
    ),
    "digit": (
        template(namespace_name="1n"),
        "namespace_name: should have at most 29 characters and not begin with a digit.",
    ),
    "base above cap": (
        template(step(retry={"backoff_base_ms": 5000, "max_backoff_ms": 1000})),
        "steps[0].retry: backoff_base_ms 5000 is above max_backoff_ms 1000: every delay is the cap.",
    ),
    "unknown environment": (
        template(environments={"prodction": {"steps": []}}),
        "environments.prodction: is none of development, test, staging, production. Did you mean 'production'?",
    ),
    "unknown step in an environment": (
        template(environments={"test": {"steps": [{"name": "zz"}]}}),
        "environments.test.steps[0].name: there is no step 'zz': no effect. Steps: a, ALL.",
    ),
    "wrong worker name": (
        template(
            {**ANALYZER, "handler": {"callable": "x", "initialization": {"worker_template_name": "ww"}}},
            WORKER,
            CONVERGENCE,
        ),
        "steps[0].handler.initialization.worker_template_name: 'ww' is no batch_worker step. Did you mean 'w'?",
    ),
    "convergence of nothing": (
        template(step(), step("f", type="deferred_convergence", dependencies=["a"])),
        "steps[1]: nothing ever makes deferred_convergence step 'f': no decision and no batch is before it.",
    ),
}


def problems(source, profile):
    """The problems that refuse the template, without the name of the source; none if it loads."""
    try:
        load_template(source, profile=profile)
    except TemplateError as error:
        return [problem.removeprefix("<mapping>: ") for problem in error.problems]
    return []


def warnings(source, profile):
    """The warnings of a template that loads."""
    return [warning.removeprefix("<mapping>: ") for warning in load_template(source, profile=profile).warnings]


@pytest.mark.parametrize("case", REFUSED_BY_BOTH)
def test_what_both_refuse(case):
    """Both profiles refuse it, for the same reason in the same words."""
    source, text = REFUSED_BY_BOTH[case]
    assert problems(source, "documented") == [text]
    assert problems(source, BUILT) == [text]


@pytest.mark.parametrize("case", REFUSED_BY_DOCUMENTED)
def test_what_only_the_documents_refuse(case):
    """``documented`` refuses it; ``tasker-0.1.8`` loads it, and its warning says what comes of that."""
    source, text, consequence = REFUSED_BY_DOCUMENTED[case]
    assert problems(source, "documented") == [text]
    assert (f"{text} {consequence}" in warnings(source, BUILT)) is (consequence is not None)


@pytest.mark.parametrize("case", WARNED)
def test_what_is_merely_odd(case):
    """``documented`` loads it with a warning."""
    source, text = WARNED[case]
    assert text in warnings(source, "documented")


def test_a_whole_batch_and_a_decision_are_fine():
    """Ordinary dynamic templates load without a word in both profiles."""
    branches = [step("d", type="decision", dependencies=["r"]), step("x", dependencies=["d"])]
    decided = template(step("r"), *branches, step("f", type="deferred_convergence", dependencies=["x"]))
    for source in (template(ANALYZER, WORKER, CONVERGENCE), decided):
        for profile in ("documented", BUILT):
            assert load_template(source, profile=profile).warnings == ()


def test_everything_is_told_at_once_with_its_place(tmp_path):
    """All problems of a file come together, in its order, each with line and column."""
    file = tmp_path / "order.yaml"
    file.write_text(
        "name: order\n"
        "namespace: shop\n"
        "version: 1.0.0\n"
        "steps:\n"
        "  - name: a\n"
        "    handler: {callable: x}\n"
        "    retry:\n"
        "      max_attempts: many\n"
        "    dependencies:\n"
        "      - c\n"
        "  - name: a\n"
        "    handler: {callable: ''}\n"
    )
    with pytest.raises(TemplateError) as refused:
        load_template(file)
    assert str(refused.value) == (
        f"5 problems in {file}:\n"
        f"  {file}:1:1: namespace_name: is missing. Is 'namespace' meant to be it?\n"
        f"  {file}:8:7: steps[0].retry.max_attempts: must be a whole number from 0 to 4294967295, not many.\n"
        f"  {file}:10:9: steps[0].dependencies[0]: step 'a' depends on 'c', which is no step. Steps: a, a.\n"
        f"  {file}:11:5: steps[1].name: step 'a' is there twice; the first is steps[0]. Rename one.\n"
        f"  {file}:12:15: steps[1].handler.callable: must not be empty."
    )
    assert len(refused.value.problems) == 5
    assert refused.value.kind == "wrong_type"


def test_a_name_that_cannot_be_read_spares_its_followers():
    """A step whose name is misspelt away doesn't make everything that depends on it wrong too."""
    nameless = {"nmae": "a", "handler": {"callable": "x"}}
    assert problems(template(nameless, step("b", dependencies=["a"])), "documented") == [
        "steps[0].name: is missing. Is 'nmae' meant to be it?"
    ]


def test_own_tags_are_refused():
    """A tag of somebody's own means nothing: refused by the documents everywhere, as built in free values only."""
    field = "name: !secret t\nnamespace_name: n\nversion: 1\nsteps: [{name: a, handler: {callable: x}}]\n"
    free = field.replace("!secret ", "").replace("callable: x", "callable: x, initialization: {k: !secret v}")
    with pytest.raises(TemplateError, match=r"^<text>:1:1: name: the tag !secret means nothing to Tasker\. Drop it\.$"):
        load_template(field)
    assert load_template(field, profile=BUILT).name == "t"
    for profile in ("documented", BUILT):
        with pytest.raises(TemplateError, match=r"initialization\.k: the tag !secret means nothing"):
            load_template(free, profile=profile)


def test_repeated_keys_are_refused_with_the_second_ones_line():
    """In a mapping with fixed keys a repeated key is an error at its second place."""
    text = "name: t\nnamespace_name: n\nversion: 1\nname: u\nsteps: [{name: a, handler: {callable: x}}]\n"
    with pytest.raises(TemplateError, match=r"^<text>:4:1: name: 'name' is given more than once\. Keep one\.$"):
        load_template(text)


def test_verdicts_are_those_of_loading(tmp_path):
    """``verdicts`` tells for every profile what ``load_template`` would refuse and warn of."""
    for source, *_ in (*REFUSED_BY_BOTH.values(), *REFUSED_BY_DOCUMENTED.values(), *WARNED.values()):
        for profile, (refusals, odd) in verdicts(source).items():
            assert [text.removeprefix("<mapping>: ") for text in refusals] == problems(source, profile)
            if not refusals:
                assert list(odd) == list(load_template(source, profile=profile).warnings)


def test_verdicts_of_what_cannot_be_read(tmp_path):
    """A missing file is a problem under every profile, and nothing is raised."""
    assert {name: len(refusals) for name, (refusals, _) in verdicts(tmp_path / "x.yaml").items()} == {
        "documented": 1,
        BUILT: 1,
    }


def test_a_template_stays_as_it_is():
    """A loaded Template is given back, the same object."""
    loaded = load_template(template())
    assert load_template(loaded) is loaded


def test_defaults_of_a_step():
    """Without ``retry`` a step has 1000 and 30000 ms, inside one nothing; blank is the same as empty."""
    text = (
        "name: t\nnamespace_name: n\nversion: 1.10\nsteps:\n"
        "  - {name: a, handler: {callable: x}}\n  - {name: b, handler: {callable: x}, retry: , dependencies: }\n"
    )
    loaded = load_template(text)
    assert loaded.version == "1.10"
    without, blank = (one.retry for one in loaded.steps)
    assert (without.max_attempts, without.backoff_base_ms, without.max_backoff_ms) == (3, 1000, 30000)
    assert (blank.max_attempts, blank.backoff_base_ms, blank.max_backoff_ms) == (3, None, None)


@pytest.mark.parametrize(
    "file", sorted((ROOT / "fixtures/conformance/production/templates").glob("*.yaml")), ids=lambda f: f.stem
)
def test_templates_from_production_load_without_a_word(file):
    """Real templates are accepted by both profiles, name their file, and fit the schema for editors."""
    for profile in ("documented", BUILT):
        loaded = load_template(file, profile=profile)
        assert loaded.warnings == ()
        assert loaded.source == str(file)


@st.composite
def templates(draw):
    """Small templates that every profile accepts."""
    names = draw(st.lists(st.from_regex(r"[a-z]{1,6}", fullmatch=True), min_size=1, max_size=5, unique=True))
    steps = []
    for index, name in enumerate(names):
        parents = draw(st.lists(st.sampled_from(names[:index]), unique=True)) if index else []
        retry = draw(
            st.none()
            | st.fixed_dictionaries(
                {},
                optional={
                    "max_attempts": st.integers(1, 100),
                    "retryable": st.booleans(),
                    "backoff_base_ms": st.none() | st.integers(100, 999),
                },
            )
        )
        steps.append(step(name, dependencies=parents, **({} if retry is None else {"retry": retry})))
    return template(*steps, description=draw(st.none() | st.text("abc ", max_size=9)))


@given(templates())
def test_template_data_loads_as_the_same_template(source):
    """What ``template_data`` writes, written out in full, is the same template again, and fits its schema."""
    loaded = load_template(source)
    data = template_data(loaded)
    Draft202012Validator(template_schema()).validate(data)
    again = load_template(data)
    assert isinstance(again, Template)
    assert again == loaded


@given(templates())
def test_a_mapping_and_its_yaml_are_the_same_template(source):
    """A mapping and its JSON text (which is YAML) give equal templates, and the mapping isn't touched."""
    before = copy.deepcopy(source)
    assert load_template(json.dumps(source) + "\n") == load_template(source)
    assert source == before


def test_the_schema_is_one():
    """The schema that editors use is a valid JSON Schema, and closed for unknown keys."""
    schema = template_schema()
    Draft202012Validator.check_schema(schema)
    assert not Draft202012Validator(schema).is_valid(template(step(depends_on_step="a")))
    assert Draft202012Validator(schema).is_valid(template(step(), version=1.1))
