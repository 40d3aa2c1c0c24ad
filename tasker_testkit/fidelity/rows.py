"""THE TABLE of the points in which the profiles part: a row's number, the fields that make it, and how it is told.

Numbers and fields are those of ``docs/profiles.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from tasker_testkit.fidelity import admitting, growing, resulting, retrying, working
from tasker_testkit.fidelity.evidence import Evidence, Told
from tasker_testkit.model.profile import Profile

OfStep = Callable[[Evidence, str], str | None]
OfTask = Callable[[Evidence], Told | None]


@dataclass(frozen=True, slots=True)
class Row:
    """One point. ``of_step`` tells what it did to one step, ``of_task`` to the task; None: it didn't matter after all.

    ``advice`` ends the sentence. ``only_built``: it is about how a wait passes, so it is judged only where Tasker 0.1.8
    waits at all. ``at_the_door``: it decides whether a task is created. ``by_hand``: it needs an operator's action or a
    second submission.
    """

    number: int
    title: str
    fields: tuple[str, ...]
    advice: str
    of_step: OfStep | None = None
    of_task: OfTask | None = None
    only_built: bool = False
    at_the_door: bool = False
    by_hand: bool = False

    def taken(self, profile: Profile, other: Profile) -> Profile:
        """``profile`` with this row as ``other`` has it."""
        changes: Mapping[str, Any] = {name: getattr(other, name) for name in self.fields}
        return replace(profile, **changes)


ROWS: Final = (
    Row(
        1,
        "wait before the next attempt",
        ("backoff", "worker_backoff_base_s", "worker_backoff_cap_s"),
        "don't rely on backoff: wait inside the handler if the other side needs time",
        of_step=retrying.backoff,
    ),
    Row(
        2,
        "a wait that the other side asked for (`retry_after`)",
        ("honours_retry_after",),
        "wait inside the handler before it fails",
        of_step=retrying.requested_delay,
    ),
    Row(
        3,
        "jitter",
        ("jitter",),
        "don't rely on the exact wait",
        of_step=retrying.jitter,
        only_built=True,
    ),
    Row(
        4,
        "when a waiting task wakes",
        ("poll_interval", "poll_phase", "poll_limits"),
        "reckon with the poll's 5 s, and with other steps still in flight",
        of_step=retrying.poll,
        only_built=True,
    ),
    Row(
        5,
        "the task's state while it waits for a retry",
        ("waits_in_waiting_for_retry",),
        "watch the steps' states, not the task's",
        of_task=retrying.waiting_state,
        only_built=True,
    ),
    Row(
        6,
        "`retryable: false` in the template, failure marked retryable",
        ("template_flag_decides",),
        "return failure(retryable=False) from the handler as well",
        of_step=retrying.template_flag,
    ),
    Row(
        7,
        "a class handler raises",
        ("classifies_raised",),
        "return failure(..., retryable=...) instead of raising",
        of_step=resulting.raised,
    ),
    Row(
        8,
        "`error_code` of a failure",
        ("keeps_error_code",),
        'put it into the metadata too, under "error_code"',
        of_step=resulting.error_code,
    ),
    Row(
        9,
        "a handler's metadata",
        ("keeps_metadata",),
        'if anything reads that, put it into the result, or under "custom" in the metadata',
        of_step=resulting.metadata,
    ),
    Row(
        10,
        "a class handler returns no result object",
        ("contract_errors", "completion_limit", "cleanup_interval", "cleanup_phase"),
        "return self.success({...}) or self.failure(...)",
        of_step=resulting.no_result,
    ),
    Row(
        11,
        "a result that isn't JSON",
        ("contract_errors",),
        "return dicts, lists, texts without NUL, numbers, booleans and None only",
        of_step=resulting.not_json,
    ),
    Row(
        12,
        "`timeout_seconds`",
        ("honours_timeout",),
        "give what the handler waits for a timeout of its own",
        of_step=resulting.timeout,
    ),
    Row(
        13,
        "`input_schema` and `required_fields`",
        ("checks_input",),
        "check the input in the first step's handler, or before it is submitted",
        of_task=admitting.unchecked_input,
        at_the_door=True,
    ),
    Row(
        14,
        "the task's input",
        ("sanitises_context",),
        "rename such keys, split what is too large, and don't send markup",
        of_task=admitting.sanitised,
        at_the_door=True,
    ),
    Row(
        15,
        "`environments`",
        ("honours_environments",),
        "write the values into the template, or read them in the handler",
        of_step=admitting.environment,
    ),
    Row(
        16,
        "`handler.method`, `handler.resolver`",
        ("honours_method",),
        "do the work in `call`, or give the step a handler class of its own",
        of_step=resulting.method,
        at_the_door=True,
    ),
    Row(
        17,
        "cycles, self-dependencies, a dependency listed twice",
        ("strict_templates",),
        "correct the dependencies (`tasker-testkit lint` lists every problem)",
        of_task=admitting.tangled,
        at_the_door=True,
    ),
    Row(
        18,
        "duplicate step names, numbers out of range, unknown keys",
        ("strict_templates",),
        "correct the template (`tasker-testkit lint` lists every problem)",
        of_task=admitting.invalid,
        at_the_door=True,
    ),
    Row(
        19,
        "a decision asks for an unknown step, or growth fails otherwise",
        ("failed_growth_fails_step",),
        "ask only for what the template has, and assert which steps ran, not just that the task is complete",
        of_step=growing.failed_growth,
    ),
    Row(
        20,
        "a convergence behind a batch, in a template that also has a decision",
        ("convergence_waits_for_batch",),
        "keep the batch and the decision in templates of their own",
        of_step=growing.early_convergence,
    ),
    Row(
        21,
        "the worker dies in a step",
        ("redelivery",),
        "watch for steps that are long in_progress; settled by hand, one lets the task go on only with a later result "
        "of another step (row 23)",
        of_step=working.lost_worker,
    ),
    Row(
        22,
        "an operator resets a step",
        ("reset_clears_attempts", "actions_evaluate_task"),
        "submit a new task, with an input of its own (row 25); settling the step by hand doesn't wake a blocked task",
        of_step=working.reset,
        by_hand=True,
    ),
    Row(
        23,
        "an operator resolves or completes a step",
        ("actions_evaluate_task",),
        "don't expect the task to go on by itself: submit a new one",
        of_task=working.settled_by_hand,
        by_hand=True,
    ),
    Row(
        24,
        "domain events: of failures, publishers, subscribers",
        ("publishes_failure_conditions", "runs_publishers", "unwraps_event_payloads"),
        "publish it from the handler itself",
        of_task=working.events,
    ),
    Row(
        25,
        "the same input twice",
        ("strict_identity",),
        "put something unique into the input",
        of_task=admitting.same_again,
        by_hand=True,
    ),
    Row(
        26,
        "steps at once in one worker",
        ("eager_claims",),
        "keep handlers short or start more worker processes",
        of_step=working.queueing,
    ),
    Row(
        27,
        "`failure_strategy` of a batch",
        ("honours_failure_strategy",),
        "let the worker's handler succeed and say in its result what failed",
        of_step=growing.failure_strategy,
    ),
    Row(
        28,
        "first state of a step that grew",
        ("grown_steps_begin_pending",),
        "don't look for pending in its history",
        of_step=growing.first_state,
    ),
    Row(
        29,
        "several worker processes",
        ("duplicates_claim_twice",),
        "make the handler harmless to repeat, and give the step an attempt more",
        of_step=working.two_claims,
    ),
)
