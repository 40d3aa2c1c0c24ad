"""Small workflows as data, each with the rows that matter in it: at least one for every row that a run can show.

The handlers are those of the recordings (``scripted_handlers.py``): what a step does is in the task's input.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tasker_testkit.simulation import Simulation
from tasker_testkit.worker.sdk import quiet

quiet()

from tasker_core import BasePublisher, BaseSubscriber  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
HANDLERS = ROOT / "fixtures" / "conformance" / "traces" / "scripted_handlers.py"
QUICK = {"max_attempts": 2, "backoff": "exponential", "backoff_base_ms": 100, "max_backoff_ms": 5000}
BATCH = {"batch_size": 1, "parallelism": 1, "cursor_field": "id", "worker_template": "work"}


def step(name, *dependencies, type="standard", callable="scripted", handler=None, retry=QUICK, **keys):
    """One entry of ``steps``."""
    return {
        "name": name,
        "type": type,
        "handler": {"callable": callable, **(handler or {})},
        "dependencies": list(dependencies),
        "retry": retry,
        **keys,
    }


def batch(strategy="fail_fast"):
    """An analyzer that makes two workers, and their convergence."""
    return [
        step("analyze", type="batchable", handler={"initialization": {"worker_template_name": "work"}}),
        step("work", "analyze", type="batch_worker", batch_config={**BATCH, "failure_strategy": strategy}),
        step("merge", "work", type="deferred_convergence"),
    ]


TWO = {"analyze": [{"batch": {"worker_template_name": "work", "ranges": [[0, 1], [1, 2]], "total_items": 2}}]}
FAILS = {"fail": {"message": "no", "error_type": "declined", "retryable": False}}
BUSY = {"fail": {"message": "busy", "error_type": "busy"}}


def simulation(*steps, template=None, profile="tasker-0.1.8", **keywords):
    """A simulation of these steps; by default under the profile that takes every template."""
    whole = {"name": "small", "namespace_name": "shop", "version": "1.0.0", "steps": list(steps), **(template or {})}
    return Simulation(whole, **{"handlers": HANDLERS, "profile": profile, **keywords})


def plan(**behaviours):
    """The task's input: what each step does, one entry an attempt."""
    return {"plan": {name: one if isinstance(one, list) else [one] for name, one in behaviours.items()}}


ROUTE = [step("start"), step("route", "start", type="decision"), step("left", "route")]
RESET = {"do": "reset_for_retry", "step": "charge", "when": {"step": "charge", "state": "error"}}
RESOLVE = {"do": "resolve_manually", "step": "charge", "when": {"step": "charge", "state": "error"}}
REFUND = {"environments": {"test": {"steps": [{"name": "charge", "retry": {**QUICK, "max_attempts": 1}}]}}}
FAILED = {"name": "pay.failed", "description": "d", "condition": "permanent_failure", "schema": {"type": "object"}}


SHAPED = {"name": "paid", "description": "d", "schema": {"type": "object"}, "publisher": "shaping"}
QUICKLY = {"name": "paid", "description": "d", "schema": {"type": "object"}, "delivery_mode": "fast"}


class Shaping(BasePublisher):
    """Tells less than the result."""

    publisher_name = "shaping"

    def transform_payload(self, ctx):
        """Nothing."""
        return {}


class Reading(BaseSubscriber):
    """Takes the documents at their word."""

    @classmethod
    def subscribes_to(cls):
        """All events."""
        return ["*"]

    def handle(self, event):
        """Read the payload."""
        event["payload"]["paid"]


def raising(kind, **keywords):
    """A behaviour: raise this error of the SDK."""
    return {"raise": {"kind": kind, "message": "no", "kwargs": keywords}}


def failing(**fields):
    """A behaviour: a permanent failure with these fields."""
    return {"fail": {"message": "no", "error_type": "declined", "retryable": False, **fields}}


EXAMPLES: dict[str, tuple[list[int], Callable[[], Simulation], dict, str]] = {
    # row that is shown: (all rows that matter, simulation, input, the row's sentence)
    "1": (
        [1],
        lambda: simulation(step("charge")),
        plan(charge=[BUSY, {"ok": {}}]),
        "`charge` fails and runs again at once, where its template says 100 ms; don't rely on backoff: wait inside the "
        "handler if the other side needs time.",
    ),
    "2": (
        [1, 2, 9],
        lambda: simulation(step("charge", callable="scripted_fn")),
        plan(charge=[raising("RetryableError", retry_after=3), {"ok": {}}]),
        "`charge` asks for a wait of 3 s (retry_after) and runs again at once; wait inside the "
        "handler before it fails.",
    ),
    "3": (
        [1, 3, 4, 5, 10],
        lambda: simulation(step("charge", retry={**QUICK, "max_attempts": 5}), seed=1),
        plan(charge=[{"return": "none"}] * 4 + [{"ok": {}}]),
        "`charge` waits 15 s, drawn around 20 s; don't rely on the exact wait.",
    ),
    "4": (
        [4, 5, 10],
        lambda: simulation(step("charge")),
        plan(charge=[{"return": "none"}, {"ok": {}}]),
        "`charge` is due after 2 s and runs after 5 s, when the task is looked at; reckon with the "
        "poll's 5 s, and with "
        "other steps still in flight.",
    ),
    "5": (
        [4, 5, 10],
        lambda: simulation(step("charge")),
        plan(charge=[{"return": "none"}, {"ok": {}}]),
        "While `charge` waits for a retry the task is waiting_for_dependencies; watch the steps' "
        "states, not the task's.",
    ),
    "6": (
        [6],
        lambda: simulation(step("charge", retry={**QUICK, "retryable": False})),
        plan(charge=[BUSY, {"ok": {}}]),
        "`charge` is retryable: false and stays waiting_for_retry after 1 attempt; the task ends error; "
        "return failure(retryable=False) from the handler as well.",
    ),
    "7": (
        [1, 7],
        lambda: simulation(step("charge")),
        plan(charge=raising("PermanentError", error_code="E1")),
        "`charge` raises PermanentError from a class: retried as any exception, 2 attempts instead of 1; "
        "return failure(..., retryable=...) instead of raising.",
    ),
    "7, no attempt more": (
        [7],
        lambda: simulation(step("charge", retry={**QUICK, "max_attempts": 1})),
        plan(charge=raising("PermanentError", error_code="E1")),
        "`charge` raises PermanentError from a class: it loses `error_code` of its metadata; "
        "return failure(..., retryable=...) instead of raising.",
    ),
    "8": (
        [8],
        lambda: simulation(step("charge")),
        plan(charge=failing(error_code="E1")),
        'The error_code E1 of `charge` is lost; put it into the metadata too, under "error_code".',
    ),
    "9": (
        [9],
        lambda: simulation(step("charge"), step("mail")),
        plan(charge=failing(metadata={"ticket": 7, "custom": {}}), mail=failing(metadata={"box": 1})),
        "`charge` loses `ticket` of its metadata (likewise `mail`); if anything reads that, put it into the result, or "
        'under "custom" in the metadata.',
    ),
    "10": (
        [4, 5, 10],
        lambda: simulation(step("charge")),
        plan(charge={"return": "dict"}),
        "`charge` returns what is no StepHandlerResult: it fails only after 30 s, as a retryable ffi_timeout; "
        "return self.success({...}) or self.failure(...).",
    ),
    "11": (
        [11],
        lambda: simulation(step("charge")),
        plan(charge={"value": "object"}),
        "The result of `charge` isn't JSON: FFI_SERIALIZATION_ERROR, without the place; "
        "return dicts, lists, texts without NUL, numbers, booleans and None only.",
    ),
    "11, NUL": (
        [11],
        lambda: simulation(step("charge")),
        plan(charge={"value": "nul"}),
        "The result of `charge` holds a NUL character: it stays enqueued_for_orchestration for ever; "
        "return dicts, lists, texts without NUL, numbers, booleans and None only.",
    ),
    "12": (
        [12],
        lambda: simulation(step("charge", timeout_seconds=5)),
        plan(charge=[{"sleep": 8}, {"ok": {}}]),
        "`charge` has timeout_seconds: 5, and its attempt 1 takes 8 s; "
        "give what the handler waits for a timeout of its own.",
    ),
    "13": (
        [13],
        lambda: simulation(step("charge"), template={"input_schema": {"required": ["total", "mail"]}}),
        plan(),
        "An input that the template refuses is taken (total: is missing, and 1 more): the task ends complete; "
        "check the input in the first step's handler, or before it is submitted.",
    ),
    "14": (
        [14],
        lambda: simulation(step("charge")),
        {"online": 1, "lines": [{"note": "<script>"}]},
        "The input loses `online`, and `lines[0].note` of the input is rewritten; "
        "rename such keys, split what is too large, and don't send markup.",
    ),
    "14, refused": (
        [14],
        lambda: simulation(step("charge")),
        {"note": "x" * 10_001},
        "The submission is refused: the input.note has 10,001 bytes; 10,000 are allowed; "
        "rename such keys, split what is too large, and don't send markup.",
    ),
    "15": (
        [1, 15],
        lambda: simulation(step("charge"), template=REFUND, environment="test"),
        plan(charge=BUSY),
        "The environment 'test' changes nothing: `charge` runs without its overrides; "
        "write the values into the template, or read them in the handler.",
    ),
    "16": (
        [16],
        lambda: simulation(step("charge", handler={"method": "refund"})),
        plan(),
        "`charge` has handler.method: refund, which is ignored: `call` runs; "
        "do the work in `call`, or give the step a handler class of its own.",
    ),
    "17": (
        [17],
        lambda: simulation(step("a", "b"), step("b", "a"), step("c")),
        plan(),
        "<mapping>: steps[0]: the dependencies form a ring: a -> b -> a. None of these steps could ever start: the "
        "template is loaded all the same, and the task ends error, `a` and `b` never run; correct the dependencies "
        "(`tasker-testkit lint` lists every problem).",
    ),
    "17, no task": (
        [17],
        lambda: simulation(step("a", "a")),
        plan(),
        "<mapping>: steps[0].dependencies[0]: step 'a' depends on itself: the template is loaded "
        "all the same, and every "
        "submission refused; correct the dependencies (`tasker-testkit lint` lists every problem).",
    ),
    "18": (
        [18],
        lambda: simulation(step("charge", retry={**QUICK, "max_attempts": 0})),
        plan(),
        "<mapping>: steps[0].retry.max_attempts: must be from 1 to 100, not 0: the template is loaded all the same, "
        "and the task ends complete; correct the template (`tasker-testkit lint` lists every problem).",
    ),
    "19": (
        [9, 19],
        lambda: simulation(*ROUTE),
        plan(route={"decision": ["nowhere"]}),
        "What `route` asks for isn't made (Step 'nowhere' is not a valid descendant of decision point 'route'), only a "
        "line in the log says so: the task ends complete; ask only for what the template has, and "
        "assert which steps ran, "
        "not just that the task is complete.",
    ),
    "20": (
        [9, 20, 28],
        lambda: simulation(*ROUTE, *batch()),
        plan(**TWO, route={"no_branches": "none"}),
        "`merge` runs before the workers it is for, since the template also has a decision; "
        "keep the batch and the decision in templates of their own.",
    ),
    "21": (
        [21],
        lambda: simulation(step("charge"), faults=[{"step": "charge", "attempt": 1, "crash": "after"}]),
        plan(),
        "`charge` stays in_progress for ever once its worker or its result is lost; the task ends error; "
        "watch for steps that are long in_progress; settled by hand, one lets the task go on only with a later result "
        "of another step (row 23).",
    ),
    "22": (
        [22],
        lambda: simulation(step("charge"), actions=[RESET]),
        plan(charge=[FAILS, {"ok": {}}]),
        "`charge` keeps its 1 attempt when it is reset, and nothing wakes the task: it ends blocked_by_failures; "
        "submit a new task, with an input of its own (row 25); settling the step by hand doesn't wake a blocked task.",
    ),
    "23": (
        [23],
        lambda: simulation(step("charge"), step("mail", "charge"), actions=[RESOLVE]),
        plan(charge=FAILS),
        "Nothing looks at the task after `charge` was settled by hand: it ends blocked_by_failures; "
        "don't expect the task to go on by itself: submit a new one.",
    ),
    "24": (
        [24],
        lambda: simulation(step("charge", publishes_events=[FAILED])),
        plan(charge=FAILS),
        "The event `pay.failed` of the failing `charge` isn't published; publish it from the handler itself.",
    ),
    "24, publisher": (
        [24],
        lambda: simulation(step("charge", publishes_events=[SHAPED]), handlers=[HANDLERS, Shaping]),
        plan(charge={"ok": {"paid": 1}}),
        "The event `paid` of `charge` is published without `shaping`, as the result is; "
        "publish it from the handler itself.",
    ),
    "24, subscriber": (
        [24],
        lambda: simulation(step("charge", publishes_events=[QUICKLY]), handlers=[HANDLERS, Reading]),
        plan(charge={"ok": {"paid": 1}}),
        "`Reading` is handed the whole message of `paid`, with the payload inside, and fails; "
        "publish it from the handler itself.",
    ),
    "26": (
        [26],
        lambda: simulation(step("charge"), step("mail")),
        plan(charge={"sleep": 5}, mail={"sleep": 5}),
        "`mail` is in_progress for 5 s before it begins: a worker runs one handler at a time; "
        "keep handlers short or start more worker processes.",
    ),
    "27": (
        [9, 27, 28],
        lambda: simulation(*batch("continue_on_failure")),
        plan(**TWO, work_001=FAILS),
        "`work_001` fails and the task ends blocked_by_failures, though failure_strategy is continue_on_failure; "
        "let the worker's handler succeed and say in its result what failed.",
    ),
    "28": (
        [9, 28],
        lambda: simulation(*ROUTE),
        plan(route={"decision": ["left"]}),
        "The history of `left` begins with enqueued, not pending; don't look for pending in its history.",
    ),
    "29": (
        [29],
        lambda: simulation(step("charge"), faults=[{"step": "charge", "attempt": 1, "duplicate": True}]),
        plan(),
        "One dispatch of `charge` is claimed by two workers: the handler runs twice, two attempts are spent; "
        "make the handler harmless to repeat, and give the step an attempt more.",
    ),
}
