"""One handler on its own: a context made by hand, and a call of it; the same parts as in a whole run."""

from __future__ import annotations

import functools
import uuid
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from tasker_testkit.errors import HandlerError, StubError
from tasker_testkit.model.dispatch import EPOCH_START, Dispatch, TaskFacts
from tasker_testkit.model.durations import SECOND, instant
from tasker_testkit.model.effects import Effect
from tasker_testkit.model.outcome import Checkpoint, Ending, Failure, Outcome, Silence, failure, success
from tasker_testkit.model.plain import frozen, frozen_in_parts
from tasker_testkit.model.profile import Profile, find_profile
from tasker_testkit.model.template import Handler, StepTemplate, Template
from tasker_testkit.worker.calling import attempt as attempt_of
from tasker_testkit.worker.calling import called
from tasker_testkit.worker.contexts import context_of
from tasker_testkit.worker.effects import listen
from tasker_testkit.worker.http.alone import Alone
from tasker_testkit.worker.http.routes import Routes
from tasker_testkit.worker.sdk import load
from tasker_testkit.worker.stubbing import check_attempt, check_stubs, template_step
from tasker_testkit.worker.walltime import World
from tasker_testkit.worker.watchdog import Ticket
from tasker_testkit.worker.wire import crossed

_SPACE: Final = uuid.UUID("7a5e7e57-0000-4000-8000-000000000000")
_SILENT: Final = {
    "unstorable": "its result holds a NUL character, which Tasker's database can't store, so the step hangs for ever",
    "thread_died": "it raised SystemExit or its like, which ends the worker's thread; the step stays in_progress",
}


def step_context(
    step: str,
    *,
    input: Mapping[str, Any] | None = None,
    dependencies: Mapping[str, Any] | None = None,
    attempt: int = 1,
    max_attempts: int | None = None,
    config: Mapping[str, Any] | None = None,
    checkpoint: Mapping[str, Any] | Checkpoint | None = None,
    template: Any = None,
    stubs: str = "strict",
    previous: Failure | Outcome | None = None,
    inputs: Any = None,
    tags: Sequence[str] = (),
    priority: int = 0,
    at: datetime | str = EPOCH_START,
    profile: str | Profile = "documented",
) -> Any:
    """The ``StepContext`` that a handler of ``step`` sees in attempt number ``attempt`` (1-based).

    ``dependencies`` maps ancestors to their results, or to a ``Failure`` or an Outcome; with a ``template`` (path,
    text, mapping or Template) they are checked as ``stubs`` says, and ``config``, ``inputs`` and ``max_attempts`` have
    its values. ``previous`` is the failure before a retry. Raises StubError for whatever doesn't fit.
    """
    known = _template(template, find_profile(profile))
    declared = template_step(known, step, stubs) if known else StepTemplate(step, Handler(step))
    given = dict(dependencies or {})
    if known:
        check_stubs(known, declared, given, stubs)
    limit = check_attempt(step, attempt, max_attempts, declared.retry.max_attempts if known else None, stubs)
    if config is not None:
        declared = replace(declared, handler=replace(declared.handler, initialization=config))
    of = known or Template("task", "default", "1.0.0", (declared,))
    facts = TaskFacts(_named("task"), of, input or {}, instant(at), tags=tuple(tags), priority=priority)
    dispatch = _dispatch(facts, declared, step, attempt)._replace(
        max_attempts=limit,
        inputs=crossed(declared.handler.initialization if inputs is None else inputs, "inputs") or None,
        results=frozen(_stored(step, previous or Failure())) if attempt > 1 else None,
        checkpoint=_checkpoint(step, checkpoint),
        dependency_results={name: frozen_in_parts(_stored(name, value)) for name, value in given.items()},
    )
    return context_of(dispatch, declared.handler.callable)


def _dispatch(task: TaskFacts, declared: StepTemplate, step: str, attempt: int) -> Dispatch:
    """The bare dispatch of that attempt, with the same UUIDs whenever it is asked for."""
    return Dispatch(
        task,
        declared,
        step,
        _named(f"step/{step}"),
        _named(f"event/{step}/{attempt}"),
        _named(f"correlation/{step}/{attempt}"),
        task.created_at,
        attempts=attempt - 1,
        retryable=declared.retry.retryable,
    )


def call_handler(
    handler: Any,
    context: Any,
    *,
    profile: str | Profile = "documented",
    world: World | None = None,
    effects: list[Effect] | None = None,
    routes: Any = (),
) -> Outcome:
    """Call one handler (a class, an instance, a function handler; sync or async) and give the outcome of the attempt.

    It runs in virtual time, from ``world.now`` on if a ``world`` is given; it gets a copy of ``context``, and what it
    draws by chance depends on nothing but what is in there. A yielded checkpoint is in ``outcome.checkpoint``; what its
    doubles book with ``effect(...)`` is added to ``effects``. Its HTTP requests are answered by ``routes``
    (docs/http.md), or by the test's own doubles.
    Raises HandlerError for what isn't a handler or a context, or never ends; RouteError for bad routes.
    """
    chosen = find_profile(profile)
    if not isinstance(context, load().StepContext):
        raise HandlerError(
            f"call_handler needs a StepContext as its second argument, not {context!r}. "
            "Make one with step_context('step', input={...}, dependencies={...})."
        )
    instance = _instance(handler, context)
    clock = world or _own_world()
    step = context.event.task_sequence_step.get("workflow_step", {}).get("name") or context.handler_name
    ticket = (str(step), context.retry_count + 1)
    copy = context.model_copy(deep=True)
    with clock, _booking([] if effects is None else effects, ticket, clock):
        clock.begin(clock.now if world else EPOCH_START, ticket, repr(copy.event))
        alone = Alone(ticket, clock, routes if isinstance(routes, Routes) else Routes(routes))
        ending = alone.ending(
            lambda: attempt_of(lambda: _named_call(instance, copy, chosen, clock), chosen, clock, ticket)
        )
    for text in clock.take_notes():
        warnings.warn(f"step {ticket[0]}, attempt {ticket[1]}: {text}", RuntimeWarning, stacklevel=2)
    return _outcome(ending, type(instance).__name__)


@contextmanager
def _booking(effects: list[Effect], ticket: Ticket, clock: World) -> Iterator[None]:
    """Effects go to that list for a while."""
    outer = listen(lambda name, key, data: effects.append(Effect(name, key, data, *ticket, clock.now)))
    try:
        yield
    finally:
        listen(outer)


def _named_call(instance: Any, context: Any, profile: Profile, world: World) -> Ending:
    context.handler_name = instance.name
    return called(instance, context, profile, world)


@functools.cache
def _own_world() -> World:
    """The world of all calls that bring none; each of them starts at the same instant."""
    return World()


def _instance(handler: Any, context: Any) -> Any:
    handler = getattr(handler, "_handler_class", handler)
    if not callable(getattr(handler, "call", None)):
        raise HandlerError(
            f"{handler!r} is no handler: it has no method 'call'. "
            "Give a StepHandler class, an instance, or a function decorated with @step_handler(...)."
        )
    if not isinstance(handler, type):
        return handler
    try:
        return _made(handler, context.step_config)
    except Exception as error:
        raise HandlerError(
            f"{handler.__name__}() raised {type(error).__name__}: {error}. Tasker makes a handler without arguments, "
            "or with config=; give an instance if the test makes it otherwise."
        ) from error


def _made(handler: type, config: Mapping[str, Any]) -> Any:
    try:
        return handler()
    except TypeError as error:
        try:
            return handler(config=dict(config))
        except TypeError:
            raise error from None


def _outcome(ending: Ending, handler: str) -> Outcome:
    if isinstance(ending, Outcome):
        return ending
    if isinstance(ending, Checkpoint):
        progress = {
            "cursor": ending.cursor,
            "items_processed": ending.items_processed,
            "accumulated_results": ending.accumulated_results,
        }
        return Outcome(True, {}, checkpoint=progress, took_us=ending.took_us)
    return _timed_out(ending, handler)


def _timed_out(silence: Silence, handler: str) -> Outcome:
    """Row 10: without a completion, the worker's limit of 30 s makes a failure."""
    if silence.why in _SILENT:
        raise HandlerError(f"{handler} never ends under this profile: {_SILENT[silence.why]}.")
    return failure(
        "FFI handler timed out after 30000ms",
        "ffi_timeout",
        retryable=True,
        status="failed",
        result={},
        worker_made=True,
        metadata={"error_type": "ffi_timeout", "execution_time_ms": 30_000},
        took_us=30 * SECOND,
    )


def _template(template: Any, profile: Profile) -> Template | None:
    if template is None or isinstance(template, Template):
        return template
    from tasker_testkit.model.loading import load_template

    return load_template(template, profile=profile)


def _stored(step: str, value: Any) -> dict[str, Any]:
    """A stub as the stored result that a descendant sees."""
    if isinstance(value, Failure):
        value = value.outcome()
    if not isinstance(value, Outcome):
        value = success(value)
    stored: dict[str, Any] = crossed({**value.stored, "step_uuid": _named(f"step/{step}")}, f"dependencies[{step!r}]")
    return stored


def _checkpoint(step: str, given: Mapping[str, Any] | Checkpoint | None) -> dict[str, Any] | None:
    """What an earlier part of the attempt yielded, as the next one sees it."""
    if given is None:
        return None
    if isinstance(given, Checkpoint):
        given = {name: getattr(given, name) for name in ("cursor", "items_processed", "accumulated_results")}
    if not isinstance(given, Mapping) or "cursor" not in given:
        raise StubError(
            f"checkpoint={given!r} is no checkpoint. Give a mapping with 'cursor' and, if there are any, "
            "'items_processed' and 'accumulated_results'."
        )
    whole = {"step_uuid": _named(f"step/{step}"), "items_processed": 0, "accumulated_results": None, **given}
    copy: dict[str, Any] = crossed(whole, "checkpoint")
    return copy


def _named(name: str) -> str:
    """The same UUID for the same name, always."""
    return str(uuid.uuid5(_SPACE, name))
