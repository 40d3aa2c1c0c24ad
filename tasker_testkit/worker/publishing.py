"""The team's own publishers and subscribers of domain events, run as the SDK runs them (row 24)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tasker_testkit.engine.events import Book, Delivery
from tasker_testkit.errors import near
from tasker_testkit.model.dispatch import Dispatch
from tasker_testkit.model.outcome import Outcome
from tasker_testkit.model.plain import copied
from tasker_testkit.model.profile import Profile
from tasker_testkit.model.template import EventDeclaration
from tasker_testkit.worker.calling import DEADLY, watched
from tasker_testkit.worker.contexts import sequence_step
from tasker_testkit.worker.event_parts import EventParts
from tasker_testkit.worker.sdk import load
from tasker_testkit.worker.walltime import World
from tasker_testkit.worker.wire import crossed

IN_PROCESS: Final = ("fast", "broadcast")
"""The delivery modes that reach subscribers; a ``durable`` event goes to a queue that others read."""


@dataclass(frozen=True, slots=True)
class News:
    """An event that is about to be published; ``at`` is the aware UTC instant of that."""

    declared: EventDeclaration
    dispatch: Dispatch
    outcome: Outcome
    at: datetime
    event_id: str
    payload: Any


class Unfit(ValueError):
    """What a publisher's ``on_publish_error`` is told of a payload that doesn't fit the event's schema."""


class Outlets:
    """The publishers and subscribers of one run: classes are made anew for it, instances are shared between runs."""

    def __init__(self, parts: EventParts, profile: Profile, world: World) -> None:
        self._parts = parts
        self._profile = profile
        self._world = world
        self._publishers: dict[str, Any] | None = None
        self._broken: list[str] = []
        self._listeners: list[_Listener] | None = None

    def concerns(self, declared: EventDeclaration) -> bool:
        """Is there a publisher or a subscriber to ask about such an event?"""
        named = bool(declared.publisher) and self._profile.runs_publishers
        return named or (bool(self._parts.subscribers) and declared.delivery_mode in IN_PROCESS)

    def send(self, news: News, book: Book) -> Delivery:
        """Publish an event through its publisher, and hand it to the subscribers that its name concerns.

        What they raise is told in the delivery's warnings and fails nothing. Raises HandlerHangs if one of them blocks.
        """
        notes: list[str] = []
        handled: list[str] = []
        self._in_world(lambda: self._send(news, book, notes, handled), news, notes)
        return Delivery(tuple(handled), tuple(notes))

    def _in_world(self, run: Callable[[], None], news: News, notes: list[str]) -> None:
        ticket = (news.dispatch.name, (news.dispatch.attempts or 0) + 1)
        with self._world as world:
            world.begin(news.at, ticket, f"{news.dispatch.event_id}/events")
            try:
                watched(run, world, ticket, who="a publisher or subscriber of its events")
            except DEADLY as error:
                if world.watchdog.interrupted:
                    raise
                notes.append(f"a publisher or subscriber raised {_told(error)}")

    def _send(self, news: News, book: Book, notes: list[str], handled: list[str]) -> None:
        sent: list[Any] = []

        def publish(payload: Any, more: Mapping[str, Any]) -> bool:
            fits = book(payload, more)
            if fits:
                sent.append(payload)
            return fits

        publisher = self._publisher(news.declared.publisher, notes) if self._profile.runs_publishers else None
        if publisher is None:
            publish(news.payload, {})
        else:
            _publish(publisher, news, publish, notes)
        if sent and news.declared.delivery_mode in IN_PROCESS:
            handled += self._deliver(news, sent[0], publisher, notes)

    # -- publishers ------------------------------------------------------------------------------------------------

    def _publisher(self, name: str | None, notes: list[str]) -> Any:
        """The publisher of that name; None is Tasker's default one."""
        if not name:
            return None
        if self._publishers is None:
            self._publishers = dict(self._made_publishers())
        if name not in self._publishers:
            known = ", ".join([*sorted(self._publishers), *self._broken]) or "none"
            notes.append(
                f"there is no publisher {name!r} among the handlers, so that Tasker's default one publishes it."
                f"{near(name, self._publishers)} Publishers there: {known}"
            )
        return self._publishers.get(name)

    def _made_publishers(self) -> Iterator[tuple[str, Any]]:
        for name, part in self._parts.publishers:
            try:
                publisher = part() if isinstance(part, type) else part
                yield name or publisher.publisher_name, publisher
            except Exception as error:
                self._broken.append(f"{_class_of(part)} (making one raised {_told(error)})")

    # -- subscribers -----------------------------------------------------------------------------------------------

    def _deliver(self, news: News, payload: Any, publisher: Any, notes: list[str]) -> Iterator[str]:
        """Hand the event to every subscriber whose pattern it matches, once a pattern; the names of who handled it."""
        if self._listeners is None:
            self._listeners = list(self._started(notes))
        try:
            event = load().InProcessDomainEvent.model_validate(self._message(news, payload, publisher))
        except ValueError:
            notes.append(f"no subscriber can be handed it: its payload is a {type(payload).__name__}, not a mapping")
            return
        for listener in self._listeners:
            yield from listener.hear(event, notes)

    def _started(self, notes: list[str]) -> Iterator[_Listener]:
        for part in self._parts.subscribers:
            try:
                yield _Listener(part() if isinstance(part, type) else part)
            except Exception as error:
                notes.append(f"subscriber {_class_of(part)} couldn't be started: {_told(error)}")

    def _message(self, news: News, payload: Any, publisher: Any) -> dict[str, Any]:
        """The event as the SDK's poller is given it; what its ``payload`` is, is a matter of the profile."""
        dispatch, stored = news.dispatch, news.outcome.stored_as(news.dispatch.step_uuid, None)
        message = {
            "event_id": news.event_id,
            "event_name": news.declared.name,
            "event_version": "1.0",
            "metadata": {
                "task_uuid": dispatch.task.task_uuid,
                "step_uuid": dispatch.step_uuid,
                "step_name": dispatch.name,
                "namespace": dispatch.task.template.namespace_name,
                "correlation_id": dispatch.correlation_id,
                "fired_at": news.at.isoformat(),
                "fired_by": publisher.publisher_name if publisher else "default",
            },
        }
        if self._profile.unwraps_event_payloads:
            return {**message, "payload": copied(payload) or {}, "execution_result": _execution_result(news.outcome)}
        whole = {"task_sequence_step": sequence_step(dispatch), "execution_result": stored, "payload": payload}
        return {**message, "payload": copied(whole)}


class _Listener:
    """A started subscriber. It is started by the SDK itself; what it registers with a poller is kept here instead."""

    def __init__(self, subscriber: Any) -> None:
        self._subscriber = subscriber
        self._callbacks: list[Callable[[Any], None]] = []
        if subscriber.active:
            subscriber.stop()  # an instance that heard another run
        subscriber.start(self)

    def on_event(self, callback: Callable[[Any], None]) -> None:
        """What the SDK's poller is asked for: call this with each event."""
        self._callbacks.append(callback)

    def on_error(self, callback: Callable[[Exception], None]) -> None:
        """What the SDK's poller is asked for too: call this when polling fails. It never does."""

    def hear(self, event: Any, notes: list[str]) -> list[str]:
        """Its own name for each time that it handled the event; what it raises is noted."""
        name, handled = type(self._subscriber).__name__, []
        after, on_error = self._subscriber.after_handle, self._subscriber.on_handle_error

        def done(event: dict[str, Any]) -> None:
            handled.append(name)
            after(event)

        def failed(event: dict[str, Any], error: Exception) -> None:
            notes.append(f"subscriber {name} raised {_told(error)}")
            on_error(event, error)

        with shadowed(self._subscriber, after_handle=done, on_handle_error=failed):
            for callback in self._callbacks:
                try:
                    callback(event)
                except Exception as error:
                    notes.append(f"subscriber {name} raised {_told(error)}")
        return handled


def _publish(publisher: Any, news: News, publish: Callable[[Any, Mapping[str, Any]], bool], notes: list[str]) -> None:
    """Let the SDK run the publisher's hooks; between before_publish and after_publish the event is published."""
    before, extra, on_error = publisher.before_publish, publisher.additional_metadata, publisher.on_publish_error
    more: dict[str, Any] = {"publisher": publisher.publisher_name}
    sent: list[bool] = []

    def added(context: Any) -> Any:
        metadata = extra(context)
        if metadata:
            more["metadata"] = crossed(metadata, "metadata")
        return metadata

    def ready(event_name: str, payload: Any, metadata: Any) -> bool:
        if not before(event_name, payload, metadata):
            return False
        sent.append(publish(crossed(payload, "payload"), more))
        if not sent[-1]:
            raise Unfit(f"the payload doesn't fit the schema of event {event_name!r}")
        return True

    def failed(event_name: str, error: Exception, payload: Any) -> None:
        note(error)
        on_error(event_name, error, payload)

    def note(error: Exception) -> None:
        if not isinstance(error, Unfit):
            when = "after that" if any(sent) else "and it isn't published"
            notes.append(f"its publisher {publisher.publisher_name!r} raised {_told(error)}, {when}")

    with shadowed(publisher, additional_metadata=added, before_publish=ready, on_publish_error=failed):
        try:
            publisher.publish(_context(news), news.declared.name)
        except Exception as error:
            note(error)


def _context(news: News) -> Any:
    """What the publisher's hooks see: the step's own name, the result of a success, the metadata that is stored."""
    dispatch = news.dispatch
    ended = news.at.isoformat().replace("+00:00", "Z")
    return load().StepEventContext(
        task_uuid=dispatch.task.task_uuid,
        step_uuid=dispatch.step_uuid,
        step_name=dispatch.name,
        namespace=dispatch.task.template.namespace_name,
        correlation_id=dispatch.correlation_id,
        result=copied(news.payload),
        metadata=copied(news.outcome.stored_as(dispatch.step_uuid, ended)["metadata"]),
    )


def _execution_result(outcome: Outcome) -> dict[str, Any]:
    return {
        "success": outcome.success,
        "result": copied(outcome.result) if outcome.success else None,
        "error_message": outcome.message,
        "error_type": outcome.error_type,
        "execution_time_ms": outcome.took_us // 1_000,
    }


@contextmanager
def shadowed(target: Any, **methods: Any) -> Iterator[None]:
    """Meanwhile the object has these methods of its own; those of its class are as they were afterwards."""
    own = vars(target)
    before = {name: own[name] for name in methods if name in own}
    own.update(methods)
    try:
        yield
    finally:
        for name in methods:
            del own[name]
        own.update(before)


def _class_of(part: Any) -> str:
    return (part if isinstance(part, type) else type(part)).__name__


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
