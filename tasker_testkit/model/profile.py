"""A profile is a value: which of Tasker's promises, or of its habits, a run is simulated with.

``documented`` is what the public documents promise a handler's author; ``tasker-0.1.8`` is what tasker-py 0.1.8 and its
orchestrator really do. Every point where they part is one field here, with its row number in ``docs/profiles.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from tasker_testkit.errors import ProfileError, listed, near
from tasker_testkit.model.durations import MINUTE, SECOND
from tasker_testkit.model.states import TaskState


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What the engine does where documents and behaviour differ. Times are microseconds unless the name says otherwise.

    Make a variant with ``dataclasses.replace(profile, jitter=0.1)``.
    """

    name: str
    # -- retries (rows 1-6) --
    backoff: Literal["template", "worker_made"] = "template"
    """Row 1: the template's retry policy, or only failures that the worker itself made wait (in whole seconds)."""
    worker_backoff_base_s: int = 1
    worker_backoff_cap_s: int = 3_600
    jitter: float = 0.0
    """Row 3: fraction of the delay, 0 to 1, drawn from the run's seed."""
    honours_retry_after: bool = True
    """Row 2."""
    poll_interval: int | None = None
    """Row 4: None = a waiting task wakes at the due instant; else at the next tick of this grid."""
    poll_phase: int = 0
    """Instant of the first tick, after the submission."""
    poll_limits: Mapping[TaskState, int] | None = None
    """Row 4: how long a task may have been in its state and still be polled; None = without limit."""
    waits_in_waiting_for_retry: bool = True
    """Row 5."""
    template_flag_decides: bool = True
    """Row 6: ``retryable: false`` in the template makes any failure an ``error``."""
    # -- the worker's door (rows 7-12, 16) --
    classifies_raised: bool = True
    """Row 7: an exception that a class handler raises is classified by its class."""
    keeps_error_code: bool = True
    """Row 8."""
    keeps_metadata: bool = True
    """Row 9."""
    contract_errors: bool = True
    """Rows 10 and 11: a wrong return value fails for good, in plain words, instead of what the wire makes of it."""
    cleanup_interval: int = 10 * SECOND
    cleanup_phase: int = 0
    completion_limit: int = 30 * SECOND
    """Row 10: without a completion, the clean-up fails the step at the first tick this long after the hand-over."""
    honours_timeout: bool = True
    """Row 12."""
    honours_method: bool = True
    """Row 16: ``handler.method`` and ``handler.resolver``."""
    # -- the task's door (rows 13-15, 17, 18, 25) --
    checks_input: bool = True
    """Row 13."""
    sanitises_context: bool = False
    """Row 14."""
    honours_environments: bool = True
    """Row 15."""
    strict_templates: bool = True
    """Rows 17 and 18."""
    # -- growth (rows 19, 20, 27, 28) --
    failed_growth_fails_step: bool = True
    """Row 19."""
    convergence_waits_for_batch: bool = True
    """Row 20."""
    honours_failure_strategy: bool = True
    """Row 27."""
    grown_steps_begin_pending: bool = True
    """Row 28."""
    max_requested_steps: int = 100
    """How many steps a decision may ask for."""
    max_batches: int = 10_000
    """How many batches an analyzer may ask for. A limit of this simulator, not of Tasker."""
    max_checkpoints: int = 10_000
    """How many checkpoints one attempt may yield before it counts as endless. A limit of this simulator too."""
    # -- workers (rows 21, 26, 29) --
    redelivery: int | None = 30 * SECOND
    """Row 21: a step whose worker died runs again this long after its claim; None = never."""
    visibility: int = 30 * SECOND
    """After this long a message that was read, but claimed nothing, comes back."""
    eager_claims: bool = False
    """Row 26: a worker claims everything at once and runs one handler at a time."""
    duplicates_claim_twice: bool = False
    """Row 29."""
    # -- operator (rows 22, 23) and events (row 24) --
    reset_clears_attempts: bool = True
    """Row 22."""
    actions_evaluate_task: bool = True
    """Rows 22 and 23."""
    publishes_failure_conditions: bool = True
    """Row 24."""
    runs_publishers: bool = True
    """Row 24: the ``publisher`` that an event names is run; else Tasker's default one always is."""
    unwraps_event_payloads: bool = True
    """Row 24: a subscriber is handed the payload itself; else the whole message, with the payload in it."""
    strict_identity: bool = False
    """Row 25: the same input twice is refused, whatever the identity strategy says."""
    # -- staleness --
    detector_interval: int = 300 * SECOND
    detector_phase: int = 0
    stale_after: Mapping[TaskState, int]
    """How long in the state until the staleness detector ends the task; a template's ``lifecycle`` overrides it."""
    stale_age: int = 24 * 60 * MINUTE
    """Age at which a task in one of those states is stale anyway."""


_STALE_AFTER: Final[Mapping[TaskState, int]] = {
    "waiting_for_dependencies": 60 * MINUTE,
    "waiting_for_retry": 30 * MINUTE,
    "steps_in_process": 30 * MINUTE,
}

DOCUMENTED: Final = Profile(name="documented", stale_after=_STALE_AFTER)

TASKER_0_1_8: Final = Profile(
    name="tasker-0.1.8",
    backoff="worker_made",
    jitter=0.15,
    honours_retry_after=False,
    poll_interval=5 * SECOND,
    poll_limits={"waiting_for_dependencies": 60 * MINUTE, "waiting_for_retry": 30 * MINUTE},
    waits_in_waiting_for_retry=False,
    template_flag_decides=False,
    classifies_raised=False,
    keeps_error_code=False,
    keeps_metadata=False,
    contract_errors=False,
    honours_timeout=False,
    honours_method=False,
    checks_input=False,
    sanitises_context=True,
    honours_environments=False,
    strict_templates=False,
    failed_growth_fails_step=False,
    convergence_waits_for_batch=False,
    honours_failure_strategy=False,
    grown_steps_begin_pending=False,
    redelivery=None,
    eager_claims=True,
    duplicates_claim_twice=True,
    reset_clears_attempts=False,
    actions_evaluate_task=False,
    publishes_failure_conditions=False,
    runs_publishers=False,
    unwraps_event_payloads=False,
    strict_identity=True,
    stale_after=_STALE_AFTER,
)

PROFILES: Final[Mapping[str, Profile]] = {p.name: p for p in (DOCUMENTED, TASKER_0_1_8)}


def allowing(profile: Profile, field: str, number: int) -> str:
    """How a simulation is given this profile with a larger limit, as Python."""
    constants = {"documented": "DOCUMENTED", "tasker-0.1.8": "TASKER_0_1_8"}
    return f"profile=dataclasses.replace({constants.get(profile.name, 'your_profile')}, {field}={number})"


def find_profile(profile: str | Profile) -> Profile:
    """The profile of that name; a Profile is given back as it is. Raises ProfileError for any other name."""
    if isinstance(profile, Profile):
        return profile
    if profile in PROFILES:
        return PROFILES[profile]
    raise ProfileError(f"There is no profile {profile!r}.{near(profile, PROFILES)} Known profiles:\n{listed(PROFILES)}")
