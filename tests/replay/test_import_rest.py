"""Tasks that a real Tasker has done, from its REST answers to a history and a scenario that is that task."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from production_samples import HANDLERS, RECORDED, REST, SECRETS, TABLES, TEMPLATES, refused

from tasker_testkit import load_history
from tasker_testkit.cli import main

ORDER = RECORDED / "rest/order_gateway_error.json"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    """Nothing is written into the project."""
    monkeypatch.chdir(tmp_path)


def answer(source=ORDER):
    """All answers about one task, to be changed."""
    return json.loads(Path(source).read_text(encoding="utf-8"))


def put(data, name="given.json"):
    """A file with that answer, and its name."""
    Path(name).write_text(json.dumps(data), encoding="utf-8")
    return name


def rows(table, **wanted):
    """The rows of Tasker's own table with these values."""
    return [row for row in TABLES[table]["rows"] if all(row[key] == value for key, value in wanted.items())]


def test_there_are_answers():
    """The folder has those of nine tasks with secrets in them, so that what follows means something."""
    texts = [file.read_text(encoding="utf-8") for file in REST]
    assert len(texts) == 9
    assert all(any(secret in text for text in texts) for secret in SECRETS)


@pytest.mark.parametrize("file", REST, ids=lambda path: path.stem)
def test_a_history_has_what_tasker_stored(file):
    """States, attempts and each attempt's result are those of Tasker's own tables, though only REST was read."""
    assert main(["import", "--rest-json", str(file), "--history", "x.json"]) == 0
    history, task = load_history("x.json"), answer(file)["task"]
    assert history.profile == "recorded"
    assert (history.state, history.execution_status) == (task["status"], task["execution_status"])
    steps = rows("workflow_steps", task_uuid=task["task_uuid"])
    names = {row["named_step_uuid"]: row["name"] for row in rows("named_steps")}
    created = sorted(steps, key=lambda row: row["workflow_step_uuid"])
    assert [step.name for step in history.steps] == [names[row["named_step_uuid"]] for row in created]
    for step, row in zip(history.steps, created, strict=True):
        moves = rows("workflow_step_transitions", workflow_step_uuid=row["workflow_step_uuid"])
        moves.sort(key=lambda move: move["sort_key"])
        brought = [move for move in moves if move["to_state"].endswith("_for_orchestration")]
        assert step.state == moves[-1]["to_state"]
        assert len(step.attempts) == (row["attempts"] or 0)
        assert [(move.before, move.after) for move in step.transitions] == [
            (move["from_state"], move["to_state"]) for move in brought
        ]
        found = [attempt.outcome.success for attempt in step.attempts if attempt.outcome]
        assert found == ["as_error" not in move["to_state"] for move in brought]


def test_instants_are_those_of_tasker():
    """A change of state is at the instant that Tasker's table has, to the microsecond."""
    assert main(["import", "--rest-json", str(ORDER), "--history", "x.json"]) == 0
    history = load_history("x.json")
    payment = next(step for step in history.steps if step.name == "process_payment")
    moments = [history.start + timedelta(microseconds=move.at) for move in payment.transitions]
    assert [one.isoformat() for one in moments] == [
        "2026-11-22T04:42:01.692043+00:00",
        "2026-11-22T04:42:01.783360+00:00",
    ]
    first, second = payment.attempts
    assert (first.started_at, first.outcome.message) == (None, "Payment gateway returned an error, will retry")
    assert history.start + timedelta(microseconds=second.started_at) == history.start.replace(
        second=1, microsecond=771131
    )


@pytest.mark.parametrize("file", REST, ids=lambda path: path.stem)
def test_secrets_stay_behind(file, capsys):
    """None of the made-up secrets is in a file or on the screen, and the same task gives the same bytes."""
    assert main(["import", "--rest-json", str(file)]) == 0
    shown = capsys.readouterr().out
    assert not [secret for secret in SECRETS if secret in shown]
    assert main(["import", "--rest-json", str(file), "--history", "x.json"]) == 0
    assert Path("x.json").read_text(encoding="utf-8") == shown


@pytest.mark.parametrize("file", [one for one in REST if one.stem != "order_cancelled"], ids=lambda path: path.stem)
def test_a_scenario_is_that_task(file, capsys):
    """The scenario of a recorded task runs as expected, faults and all, and has no secret in it."""
    template = TEMPLATES[answer(file)["task"]["name"]]
    call = ["--rest-json", file, "--scenario", "x.scenario.yaml", "--template", template, "--handlers", HANDLERS]
    assert main(["import", *map(str, call)]) == 0
    assert not [secret for secret in SECRETS if secret in Path("x.scenario.yaml").read_text(encoding="utf-8")]
    assert main(["run", "x.scenario.yaml"]) == 0, capsys.readouterr().err


def test_a_scenario_holds_the_run_to_what_happened(capsys):
    """Another number of attempts or another result than the recorded one fails the scenario."""
    template = TEMPLATES["ecommerce_order_processing"]
    call = ["--rest-json", ORDER, "--scenario", "x.scenario.yaml", "--template", template]
    assert main(["import", *map(str, call)]) == 0
    scenario = Path("x.scenario.yaml")
    text = scenario.read_text(encoding="utf-8")
    scenario.write_text(text.replace("attempts: 2", "attempts: 1"), encoding="utf-8")
    assert main(["run", "x.scenario.yaml"]) == 1
    scenario.write_text(text.replace("total: 64.78", "total: 64.79", 1), encoding="utf-8")
    assert main(["run", "x.scenario.yaml"]) == 1
    assert "expect.steps.validate_cart.result" in capsys.readouterr().err


def test_texts_stay_texts():
    """A text that YAML could read as a number, a date or a truth value comes back as it was."""
    odd = ["0o17", "1e3", "yes", "null", "2026-01-01", "~", "", " x", "a: b", "é\u0085\u2028", "true", "No", "1_000"]
    data = answer()
    data["task"]["context"]["odd"] = odd
    template = str(TEMPLATES["ecommerce_order_processing"])
    assert main(["import", "--rest-json", put(data), "--scenario", "x.scenario.yaml", "--template", template]) == 0
    assert main(["run", "x.scenario.yaml", "--history", "x.json"]) == 0
    assert load_history("x.json").input["odd"] == odd


def test_answers_can_be_files_of_their_own():
    """A file an answer, files and steps in any order, gives the same history as one file of all."""
    data = answer()
    names = [put(found, f"audit-{step}.json") for step, found in data["audit"].items()]
    names += [put(data["workflow_steps"][::-1], "steps.json"), put(data["task"], "task.json"), put([], "none.json")]
    assert main(["import", "--rest-json", *names, "--history", "one.json"]) == 0
    assert main(["import", "--rest-json", str(ORDER), "--history", "other.json"]) == 0
    assert Path("one.json").read_bytes() == Path("other.json").read_bytes()


def test_what_isnt_shown_is_said(capsys):
    """Without audits the last result alone is known; the others are named, and no scenario is made of it."""
    data = {**answer(), "audit": {}}
    assert main(["import", "--rest-json", put(data), "--history", "x.json"]) == 0
    history = load_history("x.json")
    payment = next(step for step in history.steps if step.name == "process_payment")
    assert [attempt.outcome and attempt.outcome.success for attempt in payment.attempts] == [None, True]
    told = [warning["text"] for warning in history.warnings]
    assert told[:2] == [
        "imported from REST, which shows no checkpoints, no published events, no changes of the task's state, and of "
        "those of steps only the ones that bring a result",
        "types of steps aren't known, the template has them (import --template FILE): validate_cart, process_payment, "
        "update_inventory, create_order, send_confirmation",
    ]
    assert "step process_payment: it has 1 parent, and it isn't known which" in told
    assert "step process_payment: no result is known of attempt 1" in told
    assert "step process_payment: it isn't known when attempt 1 began" in told
    template = TEMPLATES["ecommerce_order_processing"]
    error = refused(capsys, "--rest-json", "given.json", "--scenario", "x.scenario.yaml", "--template", template)
    assert error == (
        "What came of these attempts isn't known, so that no scenario can be made:\n"
        "  step process_payment, attempt 1\n"
        "  Give the audits of these steps too (REST), or import the task with --history alone.\n"
    )


WITH_TYPES = {
    "order_plain": {
        "validate_cart": ("standard", ()),
        "process_payment": ("standard", ("validate_cart",)),
        "update_inventory": ("standard", ("process_payment",)),
        "create_order": ("standard", ("update_inventory",)),
        "send_confirmation": ("standard", ("create_order",)),
    },
    "refund_small": {
        "refund_request": ("standard", ()),
        "route_refund": ("decision", ("refund_request",)),
        "auto_approve": ("standard", ("route_refund",)),
        "pay_refund": ("deferred_convergence", ("auto_approve",)),
    },
    "import_25_rows": {
        "analyze_products": ("batchable", ()),
        **{f"import_products_00{number}": ("batch_worker", ("analyze_products",)) for number in (1, 2, 3)},
        "summarize_products": (
            "deferred_convergence",
            ("import_products_001", "import_products_002", "import_products_003"),
        ),
    },
}


@pytest.mark.parametrize("name", WITH_TYPES)
def test_a_template_fills_in_types_and_parents(name):
    """With its template, each step has its type and its created parents; where that is from is said."""
    file = RECORDED / f"rest/{name}.json"
    template = str(TEMPLATES[answer(file)["task"]["name"]])
    assert main(["import", "--rest-json", str(file), "--template", template, "--history", "x.json"]) == 0
    history = load_history("x.json")
    assert {step.name: (step.type, step.parents) for step in history.steps} == WITH_TYPES[name]
    told = [warning["text"] for warning in history.warnings]
    assert told[1:] == [
        f"types and parents of steps that it doesn't show are from the template, {template}, as it is now"
    ]


def test_parents_that_dont_add_up_stay_unknown():
    """Where Tasker counts other parents than the template leads to, none are filled in, and that is said."""
    data = answer(RECORDED / "rest/order_plain.json")
    data["workflow_steps"][1]["total_parents"] = 2
    template = str(TEMPLATES["ecommerce_order_processing"])
    assert main(["import", "--rest-json", put(data), "--template", template, "--history", "x.json"]) == 0
    history = load_history("x.json")
    assert [len(step.parents) for step in history.steps] == [0, 0, 1, 1, 1]
    assert history.warnings[-1]["text"] == "step process_payment: it has 2 parents, and it isn't known which"


def test_a_result_by_hand_is_no_attempts(capsys):
    """What an operator gave a step isn't the result of an attempt, and no scenario is made of such a task."""
    data = answer(RECORDED / "rest/order_plain.json")
    step = data["workflow_steps"][1]
    data["audit"].pop(step["step_uuid"])
    step["attempts"], step["last_attempted_at"] = 0, None
    step["results"]["metadata"]["custom"] = {"manually_completed": True, "completed_by": "ada"}
    assert main(["import", "--rest-json", put(data), "--history", "x.json"]) == 0
    assert load_history("x.json").steps[1].attempts == ()
    Path("x.json").unlink()
    template = TEMPLATES["ecommerce_order_processing"]
    error = refused(capsys, "--rest-json", "given.json", "--scenario", "x.scenario.yaml", "--template", template)
    assert error.startswith("An operator settled steps of the task:\n  step process_payment: complete\n  No scenario")


def test_an_attempt_that_was_cut_off_has_no_result():
    """Of the step that was running when its task was cancelled, the attempt is there and its end isn't."""
    assert main(["import", "--rest-json", str(RECORDED / "rest/order_cancelled.json"), "--history", "x.json"]) == 0
    steps = {step.name: step for step in load_history("x.json").steps}
    (attempt,) = steps["update_inventory"].attempts
    assert (attempt.outcome, attempt.ended_at) == (None, None)
    assert attempt.started_at is not None
    assert steps["create_order"].attempts == ()


def test_two_tasks_arent_mixed(capsys):
    """Answers of two tasks are refused, each with the file it is in."""
    other = RECORDED / "rest/order_plain.json"
    error = refused(capsys, "--rest-json", ORDER, other, "--history", "x.json")
    assert error.startswith("These answers are about 2 tasks; give those of one:\n")
    assert all(f"{answer(one)['task_uuid']}  {one}: task\n" in error for one in (ORDER, other))
    assert "is there 2 times" in refused(capsys, "--rest-json", ORDER, ORDER)


def test_a_running_task_isnt_imported(capsys):
    """A task that isn't at rest is refused with its state and those that would do."""
    data = answer()
    data["task"]["status"] = "steps_in_process"
    assert refused(capsys, "--rest-json", put(data), "--history", "x.json") == (
        f"given.json: task: task {data['task_uuid']} is still running: its state is 'steps_in_process'. "
        "Only a task at rest can be imported; the states of one:\n"
        "  cancelled\n  complete\n  error\n  resolved_manually\n  blocked_by_failures\n  Ask Tasker again later.\n"
    )


def test_a_complete_step_needs_a_result(capsys):
    """A complete step without a result anywhere is refused; the audit's would do."""
    data = answer()
    data["workflow_steps"][0]["results"] = None
    assert main(["import", "--rest-json", put(data), "--history", "x.json"]) == 0
    data["audit"].pop(data["workflow_steps"][0]["step_uuid"])
    assert refused(capsys, "--rest-json", put(data), "--history", "y.json") == (
        "given.json: workflow_steps[0]: step 'validate_cart' is complete and has no result, neither there nor in its "
        "audit. Ask Tasker again, with an account that may see results.\n"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "given.json: not JSON: "),
        ("[1]", "given.json is none of Tasker's answers about a task. Those that are read:\n  GET /v1/tasks/{task}\n"),
        ('{"error": {"code": "NOT_FOUND"}}', "given.json is none of Tasker's answers about a task."),
        ("[]", "The answer to GET /v1/tasks/{task} is missing. The files that were given:\n  given.json\n"),
        ('{"task": 3, "workflow_steps": []}', "given.json: task: must be a mapping, not 3."),
        ('{"task": {}, "workflow_steps": {}}', "given.json: workflow_steps: must be a list, not {}."),
        ('{"task": {}, "workflow_steps": [{}]}', "given.json: task: there is no 'task_uuid'."),
    ],
)
def test_what_isnt_an_answer_is_refused(content, said, capsys):
    """A file that holds something else is named, with what was wrong in it."""
    Path("given.json").write_text(content, encoding="utf-8")
    assert refused(capsys, "--rest-json", "given.json", "--history", "x.json").startswith(said)


def test_every_field_that_is_read_is_checked(capsys):
    """Whichever field of an answer is missing or of another type: one error with its place, or the same history."""
    for part, index in (("task", None), ("workflow_steps", 1)):
        record = answer()[part] if index is None else answer()[part][index]
        for key in record:
            for value in (None, {"x": 1}, [], "?", -1):
                data = answer()
                owner = data[part] if index is None else data[part][index]
                owner[key] = value
                code = main(["import", "--rest-json", put(data)])
                error = capsys.readouterr().err
                assert code in (0, 2)
                assert (code == 2) == error.startswith("tasker-testkit: given.json: " if "uuid" not in key else "task")


def test_a_damaged_result_is_refused(capsys):
    """A stored result that isn't one is named with its place."""
    data = answer()
    step = data["workflow_steps"][1]["step_uuid"]
    stored = data["audit"][step][1]["result"]["data"]
    stored["success"] = "no"
    error = refused(capsys, "--rest-json", put(data))
    place = f"given.json: audit.{step}[1].result.data"
    assert error == f"{place}.success: 'no' isn't what Tasker 0.1.8 stores there.\n"
    stored.update(success=False, error="broken")
    assert refused(capsys, "--rest-json", put(data)).startswith(f"{place}.error: 'broken' isn't")
    del stored["error"]
    assert refused(capsys, "--rest-json", put(data)).startswith(f"{place}: there is no 'error';")


def test_a_scenario_is_of_the_tasks_own_template(capsys):
    """Another template, one that has lost a step, and none: each is refused, and says what to give."""
    call = ("--rest-json", ORDER, "--scenario", "x.scenario.yaml", "--history", "x.json")
    assert refused(capsys, *call) == (
        "--scenario needs --template FILE: it runs that template, with what Tasker recorded.\n"
    )
    refund = TEMPLATES["refund_approval"]
    assert refused(capsys, *call, "--template", refund) == (
        "The task is of template ecommerce_py/ecommerce_order_processing 1.0.0, and "
        f"{refund} is ecommerce_py/refund_approval 1.0.0. Give its own template.\n"
    )
    text = TEMPLATES["ecommerce_order_processing"].read_text(encoding="utf-8")
    Path("t.yaml").write_text(text.replace("- name: send_confirmation", "- name: send_mail"), encoding="utf-8")
    error = refused(capsys, *call, "--template", "t.yaml")
    assert error.startswith("The task has steps that t.yaml doesn't have:\n  send_confirmation\n")


def test_a_scenario_says_what_it_lacks(capsys):
    """A cancelled task, steps without a result and no handlers, a name that pytest wouldn't collect."""
    template = ("--template", TEMPLATES["ecommerce_order_processing"])
    out = ("--scenario", "x.scenario.yaml")
    cancelled = refused(capsys, "--rest-json", RECORDED / "rest/order_cancelled.json", *out, *template)
    assert cancelled == (
        "The task is cancelled, which an operator did, and it isn't known when. No scenario can be made of it. "
        "Import it with --history alone, or add the operator's action to the scenario of a task that ran by itself. "
        "(Of a task that was cancelled and nothing else, --postgres knows when.)\n"
    )
    declined = RECORDED / "rest/order_declined.json"
    assert refused(capsys, "--rest-json", declined, *out, *template) == (
        "These steps brought no result that could stand for them:\n"
        "  process_payment\n  update_inventory\n  create_order\n  send_confirmation\n"
        "  A scenario needs their handlers: --handlers MODULE_OR_FILE.\n"
    )
    assert "end in .scenario.yaml" in refused(capsys, "--rest-json", ORDER, "--scenario", "x.yaml", *template)
    assert "--handlers is for a scenario" in refused(capsys, "--rest-json", ORDER, "--handlers", HANDLERS)


@pytest.mark.parametrize(
    ("scenario", "history", "what"),
    [
        ("x.scenario.yaml", "no/x.json", "history to no/x.json: No such file or directory"),
        ("x.scenario.yaml", "folder.scenario.yaml", "history to folder.scenario.yaml: Is a directory"),
        ("folder.scenario.yaml", "x.json", "scenario to folder.scenario.yaml: Is a directory"),
        ("no/x.scenario.yaml", "x.json", "scenario to no/x.scenario.yaml: No such file or directory"),
    ],
)
def test_two_files_are_written_or_none(scenario, history, what, capsys):
    """Where one of two files can't be written, the other isn't either; one that was there stays as it was."""
    Path("folder.scenario.yaml").mkdir()
    call = ("--rest-json", ORDER, "--scenario", scenario, "--history", history)
    call = (*call, "--template", TEMPLATES["ecommerce_order_processing"])
    assert refused(capsys, *call) == f"Can't write the {what}.\n"
    for name in ("x.scenario.yaml", "x.json"):
        Path(name).write_text("mine", encoding="utf-8")
    assert refused(capsys, *call) == f"Can't write the {what}.\n"
    assert {Path(name).read_text(encoding="utf-8") for name in ("x.scenario.yaml", "x.json")} == {"mine"}


def test_files_that_cant_be_written(capsys):
    """A folder that isn't there, a name that pytest takes for a recording: each is one error; so is no file to read."""
    template = ("--template", TEMPLATES["ecommerce_order_processing"])
    error = refused(capsys, "--rest-json", ORDER, "--scenario", "no/x.scenario.yaml", *template)
    assert error == "Can't write the scenario to no/x.scenario.yaml: No such file or directory.\n"
    assert refused(capsys, "--rest-json", ORDER, "--history", "x.history.json") == (
        "--history x.history.json: pytest would run a file of that name again, and Tasker's answers don't say how. "
        "Give it another name, such as x.json; what can be run is a scenario.\n"
    )
    assert refused(capsys, "--rest-json", "missing.json") == "There is no file missing.json.\n"
