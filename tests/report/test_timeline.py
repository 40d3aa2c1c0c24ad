"""What a timeline looks like, as exact texts."""

from __future__ import annotations

import pytest

from tasker_testkit import Failure, Simulation
from tasker_testkit.report.timeline import timeline
from tasker_testkit.report.verdict import why_ended

NO = Failure("no", "bad", retryable=False)
FAILED = {"step": "a", "state": "error"}


def test_gateway_timeout(runs):
    """A failed attempt, its fault, the wait and the second attempt can be read off one page."""
    expected = """\
shop/ecommerce_order_processing 1.0.0
documented · seed 0 · starts 2026-01-01T00:00:00Z
✓ complete after 100 ms · 5 steps · 6 attempts · 1 fault fired

validate_cart      ✓
process_payment    ✗··························································✓
update_inventory                                                              ✓
create_order                                                                  ✓
send_confirmation                                                             ✓
                   0 s ───────────────────────────────────────────────── 100 ms

0.0 s  validate_cart      1/2  ✓  {"subtotal": 59.99, "tax": 4.8, "total": 64.79, "items": [{"sku":…
       process_payment    1/2  ✗  timeout: Payment gateway did not answer  [fault: fail]
                                  retryable, waits 100 ms
0.1 s  process_payment    2/2  ✓  {"payment_id": "pay_1", "amount": 64.79}
       update_inventory   1/2  ✓  {"reservations": ["res_9"], "warehouse": "east"}
       create_order       1/2  ✓  {"order_id": "ORD-20260101-7F3A", "status": "confirmed", "total":…
       send_confirmation  1/2  ✓  {}
0.1 s  task complete"""
    assert timeline(runs["gateway_timeout"]) == expected


def test_declined(runs):
    """A blocked run names the culprit, and says of every step behind it what it waits for; no time, no chart."""
    expected = """\
shop/ecommerce_order_processing 1.0.0
documented · seed 0 · starts 2026-01-01T00:00:00Z
✗ blocked_by_failures after 0 s · 5 steps · 2 attempts

0 s  validate_cart      1/2  ✓  {"subtotal": 59.99, "tax": 4.8, "total": 64.79, "items": [{"sku": "…
     process_payment    1/2  ✗  card_declined (DECLINED_51): Card was declined by its bank
                                permanent → error
     update_inventory        ○  never ran: pending, waits for process_payment (error)
     create_order            ○  never ran: pending, waits for update_inventory (pending)
     send_confirmation       ○  never ran: pending, waits for create_order (pending)
0 s  task blocked_by_failures
     by process_payment: card_declined (DECLINED_51): Card was declined by its bank"""
    assert timeline(runs["declined"]) == expected


def test_diamond(runs):
    """Queueing, duration and a delay show in the lanes and beside the attempt they belong to."""
    expected = """\
shop/diamond 1.0.0
documented · seed 0 · starts 2026-01-01T00:00:00Z
✓ complete after 4 s · 4 steps · 4 attempts · 1 fault fired

load    ━━━━━━━✓
price          ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━✓
audit          ·····························━━━━━━━━━━━━━━━━━━━━━━━✓
report                                                             ✓
        0 s ──────────────────────────────────────────────────── 4 s

0.0 s  load    1/2  ✓  {"rows": 120}  (took 500 ms)
0.5 s  price   1/2  ✓  {"price": 12}  (took 2 s)
2.5 s  audit   1/2  ✓  {"ok": true}  (queued 2 s, took 1.5 s)  [fault: delay 1500ms]
4.0 s  report  1/2  ✓  {}
4.0 s  task complete"""
    assert timeline(runs["diamond"]) == expected


def test_stuck(runs):
    """A run that can't go on says where it is stuck and why; a run of minutes has a clock of minutes."""
    expected = """\
shop/refund 1.0.0
tasker-0.1.8 · seed 7 · starts 2026-01-01T00:00:00Z
✗ stuck in evaluating_results after 31 min · 3 steps · 3 attempts · 1 fault fired

notify  ✗··························································✗
charge  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━?
close
        0 s ───────────────────────────────────────────────── 31 min

0:00:00  notify  1/3  ✗  RateLimited: 429 Too Many Requests
                         retryable, waits 31 min
         charge  1/2  ?  no result  [fault: hang]
                         → in_progress
0:31:00  notify  2/3  ✗  RateLimited: 429 Too Many Requests
                         retryable → waiting_for_retry
         close        ○  never ran: pending, waits for notify (waiting_for_retry), charge (in_progr…
0:31:00  task evaluating_results
         stuck: charge is in_progress and its handler never returns; a task in evaluating_results
           never goes stale."""
    assert timeline(runs["stuck"]) == expected


def test_stuck_on_a_narrow_page(runs):
    """A narrow page in ASCII has the same content, with what happened below the step."""
    expected = """\
shop/refund 1.0.0
tasker-0.1.8 | seed 7
starts 2026-01-01T00:00:00Z
x stuck in evaluating_results after 31 min
3 steps | 3 attempts | 1 fault fired

notify  x................................x
charge  =================================?
close
        0 s ----------------------- 31 min

0:00:00  notify  1/3  x
           RateLimited: 429 Too Many Requ...
           retryable, waits 31 min
         charge  1/2  ?
           no result  [fault: hang]
           -> in_progress
0:31:00  notify  2/3  x
           RateLimited: 429 Too Many Requ...
           retryable -> waiting_for_retry
         close        -
           never ran: pending, waits for...
0:31:00  task evaluating_results
         stuck: charge is in_progress and
           its handler never returns; a task
           in evaluating_results never goes
           stale."""
    assert timeline(runs["stuck"], width=44, unicode=False) == expected


def test_many_steps(runs):
    """Of many steps the chart shows the eventful ones and says how to see all; the log still names every step."""
    text = timeline(runs["batch"])
    assert (
        text.split("\n\n")[1]
        == """\
import_products_005  ━━━━━━━━━━━━━━━━━━━━━━━✓
import_products_073  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━✗···········━━━━━━━━━━━━✓
                     0 s ──────────────────────────────────────────────────── 5 s
… 99 more in the log; timeline(everything=True) draws them all"""
    )
    assert all(text.count(step.name) >= 1 for step in runs["batch"].steps)
    assert timeline(runs["batch"], everything=True).split("\n\n")[1].count("\n") == 101


def test_a_failure_with_a_past(runs):
    """Checkpoints are told below their attempt, and escapes of the message stay escapes."""
    lines = timeline(runs["batch"]).splitlines()
    at = next(number for number, line in enumerate(lines) if "ConnectionError" in line)
    assert [line.strip() for line in lines[at : at + 3]] == [
        r"import_products_073  1/2  ✗  ConnectionError: connection reset\nby peer\x1b[31m  (took 3 s)",
        "2 checkpoints, the last at 2 s: cursor 40",
        "retryable, waits 1 s",
    ]


def test_hundreds_of_successes(make):
    """Only plain successes are left out of a long log, never a failure, and the last line of it says how many."""
    no = make.failure("no", "bad", retryable=False)
    good = [make.step(f"s{n}", make.attempt(1, make.success())) for n in range(300)]
    history = make.history("many", *good, make.step("last", make.attempt(1, no), state="error"), state="error")
    text = timeline(history)
    assert "last  1/2  ✗  bad: no" in text
    assert "… 101 uneventful attempts left out; timeline(everything=True) tells them all\n0 s  task error\n" in text
    assert " s199 " not in text
    assert " s199 " in timeline(history, everything=True)


def test_attempts_side_by_side(make):
    """Attempts that share a column of the chart are drawn beside one another, so that none is hidden."""
    busy, ok = make.failure("busy", "busy", retryable=True), make.success()
    quick = make.step("a", make.attempt(1, busy), make.attempt(2, busy), make.attempt(3, ok), most=3)
    history = make.history("quick", quick, make.step("b", make.attempt(1, ok, 0, 1_000_000)), ended=1_000_000)
    assert "a  ✗✗✓\nb  ━━━" in timeline(history)
    assert timeline(history).count("retryable, runs again at once") == 2


def test_parents_before_children(make):
    """At one instant a parent stands before its child, in whatever order the template has them."""
    ok = make.success()
    late = make.step("child", make.attempt(1, ok), parents=["parent"])
    text = timeline(make.history("order", late, make.step("parent", make.attempt(1, ok))))
    assert text.index("parent") < text.index("child")


def test_what_became_of_an_attempt(make):
    """The line below an attempt says in Tasker's words what followed, for every way in which a step can be left."""
    once, never = make.failure("m", "t", retryable=True), make.failure("m", "t", retryable=False)
    steps = {
        "retryable, no attempt left → error": make.step("a", make.attempt(2, once), state="error"),
        "retryable → error": make.step("b", make.attempt(1, once), state="error"),
        "retryable → cancelled": make.step("c", make.attempt(1, once), state="cancelled"),
        "permanent → resolved_manually": make.step("d", make.attempt(1, never), state="resolved_manually"),
        "→ enqueued_for_orchestration": make.step(
            "e", make.attempt(1, make.success()), state="enqueued_for_orchestration"
        ),
        "dispatched again after 30 s": make.step("f", make.attempt(1), make.attempt(2, once, 30_000_000)),
    }
    lines = [line.strip() for line in timeline(make.history("left", *steps.values())).splitlines()]
    for followed, step in steps.items():
        at = next(number for number, line in enumerate(lines) if f"{step.name}  {step.attempts[0].number}/2" in line)
        assert lines[at + 1] == followed


def test_never_ran(make):
    """A step that never ran says its state, and a pending one which of its parents hold it back."""
    steps = [
        make.step("a", make.attempt(1), state="in_progress"),
        make.step("b", make.attempt(1, make.success())),
        make.step("c", parents=["a", "b", "ghost"], state="pending"),
        make.step("d", parents=["a"], state="cancelled"),
    ]
    text = timeline(make.history("idle", *steps, state="cancelled"))
    assert "never ran: pending, waits for a (in_progress), ghost (not created)\n" in text
    assert "never ran: cancelled\n" in text


def test_no_step_at_all(make):
    """A run without steps has a timeline too."""
    assert timeline(make.history("empty")).splitlines()[-3:] == [
        "✓ complete after 0 s · 0 steps · 0 attempts",
        "",
        "0 s  task complete",
    ]


def test_notes(make):
    """Operator actions stand before the attempts of their instant, warnings and dead letters behind them."""
    no, ok = make.failure("no", "bad", retryable=False), make.success()
    again = make.step("decide", make.attempt(1, no), make.attempt(2, ok, 5_000_000), type="decision")
    history = make.history(
        "watched",
        again,
        ended=5_000_000,
        actions=({"at": 5.0, "do": "reset_for_retry", "step": "decide", "reason": "gateway is back"},),
        warnings=({"at": 5.0, "text": "step decide: unknown step 'reveiw'"},),
        dead_letters=({"at": 0.0, "step": "decide", "reason": "batch_worker_failed", "resolution": "pending"},),
    )
    log = """\
0 s  decide       1/2  ✗  bad: no
                          permanent, waits 5 s
     dead letter       !  decide batch_worker_failed
5 s  operator          !  reset_for_retry decide gateway is back
     decide       2/2  ✓  {}
     warning           !  step decide: unknown step 'reveiw'
5 s  task complete"""
    assert timeline(history).endswith(log)


def test_stuck_in_many_words(make):
    """Each line of the reason for being stuck keeps a line of its own, and is wrapped instead of cut."""
    reason = "nothing can happen any more.\n  b: in_progress, its result never arrives, for a reason that needs words"
    history = make.history("stuck", make.step("b", make.attempt(1), state="in_progress"), stuck=reason)
    assert timeline(history, width=60).split("task complete\n")[1] == (
        "     stuck: nothing can happen any more.\n"
        "       b: in_progress, its result never arrives, for a\n"
        "       reason that needs words"
    )


def test_a_warning_is_told_to_its_end(make):
    """A long warning goes on below itself, since what to do is at its end; one without an end is cut at six lines."""
    told = "step route: " + " ".join(f"word{number}" for number in range(18)) + " do this"
    run = make.history("t", make.step("route"), warnings=({"at": 0, "text": told},))
    assert timeline(run, width=80).splitlines()[4:-1] == [
        "0 s  warning    !  step route: word0 word1 word2 word3 word4 word5 word6 word7",
        "                     word8 word9 word10 word11 word12 word13 word14 word15",
        "                     word16 word17 do this",
        "     route      ○  never ran: complete",
    ]
    endless = make.history("t", make.step("route"), warnings=({"at": 0, "text": told * 20},))
    lines = timeline(endless, width=80).splitlines()[4:-1]
    assert len(lines) == 7
    assert lines[5].endswith("…")


def operated(action, profile="documented"):
    """The last lines of a step ``a`` that fails for good, and of which an operator then takes care."""
    steps = [{"name": "a", "handler": {"callable": "a"}, "retry": {"max_attempts": 2}}]
    template = {"name": "t", "namespace_name": "n", "version": "1.0.0", "steps": steps}
    return Simulation(template, stubs={"a": NO}, actions=[action], profile=profile).run()


@pytest.mark.parametrize(
    ("action", "log"),
    [
        (
            {"do": "cancel", "at": "5s"},
            """\
0 s  a         1/2  ✗  bad: no
                       permanent → error → cancelled
5 s  operator       !  cancel
5 s  task cancelled""",
        ),
        (
            {"do": "reset_for_retry", "step": "a", "when": FAILED, "delay": "5s"},
            """\
0 s  a         1/2  ✗  bad: no
                       permanent → error → pending, runs again 5 s later
5 s  operator       !  reset_for_retry a
     a         1/2  ✗  bad: no
                       permanent → error
5 s  task blocked_by_failures
     by a: bad: no""",
        ),
        (
            {"do": "resolve_manually", "step": "a", "when": FAILED, "delay": "5s"},
            """\
0 s  a         1/2  ✗  bad: no
                       permanent → error → resolved_manually
5 s  operator       !  resolve_manually a
5 s  task complete""",
        ),
    ],
    ids=["cancel", "reset", "resolve"],
)
def test_what_an_operator_made_of_a_failure_comes_after_it(action, log):
    """The attempt led to error; where an operator moved the step later is told as a later state, not in its place."""
    assert operated(action).timeline().endswith(log)


def test_a_task_that_stays_blocked_by_nothing_says_why():
    """As built nothing wakes a blocked task: the end names the rows, since no step is to blame any more."""
    run = operated({"do": "reset_for_retry", "step": "a", "when": FAILED}, "tasker-0.1.8")
    why = "no step is in error any more, but nothing looks at a blocked task again (rows 22, 23)"
    assert run.timeline().endswith(f"0 s  task blocked_by_failures\n     {why}")
    assert why_ended(run.history) == why
