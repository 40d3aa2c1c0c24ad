"""The desk where inputs are submitted: each is checked and accepted, once for one that comes again and again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tasker_testkit.model.loading import accept_context, check_input
from tasker_testkit.model.plain import Frozen, frozen
from tasker_testkit.model.profile import Profile
from tasker_testkit.model.submission import check_submission, identity, same_again
from tasker_testkit.model.template import Template


@dataclass(frozen=True)
class Submission:
    """An input that was accepted. ``context`` is what the task keeps of it, only for looking at; ``copy`` copies it.

    ``given`` copies the input as it came. ``made`` is where the worker keeps what it works out of the context.
    """

    template: Template
    context: Mapping[str, Any]
    tags: Sequence[str]
    copy: Frozen
    given: Frozen
    made: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def identity(self) -> str:
        """What Tasker 0.1.8 takes for the same task."""
        return identity(self.template, self.context)


class Desk:
    """Accepts inputs for the tasks of one template under one profile, with the same tags each."""

    def __init__(self, template: Template, profile: Profile, tags: Sequence[str]) -> None:
        self._template = template
        self._profile = profile
        self._tags = tags
        self._last: tuple[str, Submission] | None = None

    def accept(self, input: Any) -> Submission:
        """Raises InputError or SubmissionRefused for what no task is created of."""
        written = _written(input)
        if self._last is not None and self._last[0] == written:
            return self._last[1]
        check_input(self._template, input, self._profile)
        context, tags = accept_context(input, self._tags, self._profile)
        check_submission(self._template)
        copy = frozen(context)
        given = frozen(input) if self._profile.sanitises_context else copy
        submission = Submission(self._template, context, tags, copy, given)
        self._last = (written, submission) if written is not None else None
        return submission

    def accept_again(self, input: Any, first: Submission) -> None:
        """While or after the first one's task exists: also SubmissionRefused for the same input (row 25)."""
        again = self.accept(input)
        if self._profile.strict_identity and again.identity == first.identity:
            raise same_again()

    def __reduce__(self) -> tuple[Any, ...]:
        return Desk, (self._template, self._profile, self._tags)


def _written(input: Any) -> str | None:
    """A text that only the same input has."""
    try:
        return repr(input)
    except RecursionError:
        return None
