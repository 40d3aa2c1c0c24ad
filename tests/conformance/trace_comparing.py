"""How far a simulated trace agrees with a recorded one, by the rules that come with the recordings."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

STEP_KEYS = (
    "type",
    "states",
    "final_state",
    "attempts",
    "max_attempts",
    "retryable",
    "success",
    "status",
    "error_type",
    "error_message",
    "error_retryable",
    "result",
    "metadata",
    "orchestration_metadata",
    "inputs",
    "checkpoint",
    "in_process",
    "processed",
    "backoff_request_seconds",
)
TASK_WIDE = (
    "execution_status",
    "recommended_action",
    "health_status",
    "completion_percentage",
    "api",
    "dlq",
    "domain_events",
    "creation_order",
)
FFI_START = "FFI serialization failed: "


def same(recorded: Any, simulated: Any) -> bool:
    """Equality of JSON values: numbers as numbers, but never a number with a truth value."""
    if isinstance(recorded, bool) or isinstance(simulated, bool):
        return recorded is simulated
    if isinstance(recorded, (int, float)) and isinstance(simulated, (int, float)):
        big = max(abs(recorded), abs(simulated)) >= 2**64
        return float(recorded) == float(simulated) if big else recorded == simulated
    if isinstance(recorded, Mapping) and isinstance(simulated, Mapping):
        return recorded.keys() == simulated.keys() and all(same(recorded[key], simulated[key]) for key in recorded)
    if isinstance(recorded, list) and isinstance(simulated, (list, tuple)):
        return len(recorded) == len(simulated) and all(map(same, recorded, simulated))
    return type(recorded) is type(simulated) and recorded == simulated


def differences(scenario: dict[str, Any], simulated: dict[str, Any]) -> list[str]:
    """Every difference that counts, in words; an empty list if the simulator meets the trace."""
    recorded = scenario["trace"]
    if "refused" in recorded or "refused" in simulated:
        wanted = recorded.get("refused", {}).get("http")
        return [] if wanted == simulated.get("refused") else [f"refused: {wanted} != {simulated.get('refused')}"]
    excused = Excused(scenario)
    found = [*_task(recorded, simulated, excused), *_orders(recorded, simulated, excused)]
    if recorded["steps"].keys() != simulated["steps"].keys():
        return [*found, f"steps: {sorted(recorded['steps'])} != {sorted(simulated['steps'])}"]
    for name, step in recorded["steps"].items():
        found += _step(name, step, simulated["steps"][name], excused)
    if not excused.times:
        found += times(recorded, simulated)
    return found


class Excused:
    """What isn't compared: what differs between runs of the real system, and races of two workers."""

    def __init__(self, scenario: dict[str, Any]) -> None:
        self.named = set(scenario.get("differs_between_runs", ()))
        self.racing = scenario.get("workers", 1) > 1
        actions = [action["do"] for action in scenario.get("actions", ())]
        late_worker = any(do.endswith("start_worker") for do in actions) and "kill_worker" not in actions
        self.times = not scenario["stable"] or self.racing or late_worker

    def order(self, name: str) -> bool:
        """Is this order left out?"""
        return self.racing or name in self.named

    def step(self, name: str, key: str) -> bool:
        """Is this key of a step left out?"""
        group = {"states": "states", "attempts": "attempts", "backoff_request_seconds": "backoff"}.get(key)
        return group is not None and (self.racing or f"{name}: {group}" in self.named)


def _task(recorded: dict[str, Any], simulated: dict[str, Any], excused: Excused) -> Iterator[str]:
    pairs = [(key, recorded[key], simulated[key]) for key in TASK_WIDE]
    of_task = ("final_state", "complete_flag")
    pairs += [(f"task.{key}", recorded["task"][key], simulated["task"][key]) for key in of_task]
    if not excused.order("task states"):
        pairs.append(("task.states", recorded["task"]["states"], simulated["task"]["states"]))
    if "stored_context" in recorded:
        pairs.append(("stored_context", recorded["stored_context"], simulated["stored_context"]))
    if "actions" in recorded:
        done = [{"do": action["do"], "http": action["http"]} for action in recorded["actions"]]
        pairs.append(("actions", done, simulated["actions"]))
    return (f"{key}: {wanted} != {got}" for key, wanted, got in pairs if not same(wanted, got))


def _orders(recorded: dict[str, Any], simulated: dict[str, Any], excused: Excused) -> Iterator[str]:
    settled = ("complete", "error", "waiting_for_retry", "resolved_manually")
    settling = [name for _, name, state in recorded["timeline"] if name != "task" and state in settled]
    pairs = {
        "enqueue order": (recorded["enqueue_order"], simulated["enqueue_order"]),
        "claim order": (recorded["claim_order"], simulated["claim_order"]),
        "settle order": (settling, simulated["settling"]),
    }
    return (f"{key}: {a} != {b}" for key, (a, b) in pairs.items() if a != b and not excused.order(key))


def _step(name: str, recorded: dict[str, Any], simulated: dict[str, Any], excused: Excused) -> Iterator[str]:
    for key in STEP_KEYS:
        wanted, got = comparable(key, recorded), comparable(key, simulated)
        if not excused.step(name, key) and not same(wanted, got):
            yield f"{name}.{key}: {wanted} != {got}"
    if set(recorded["parents"]) != set(simulated["parents"]):
        yield f"{name}.parents: {recorded['parents']} != {simulated['parents']}"


def comparable(key: str, step: dict[str, Any]) -> Any:
    """The value without what the rules leave out of a serialization error."""
    value = step[key]
    if step["error_type"] == "FFI_SERIALIZATION_ERROR":
        if key == "error_message":
            return value[: len(FFI_START)]
        if key == "metadata":
            custom = {k: v for k, v in value.get("custom", {}).items() if k != "ffi_serialization_error"}
            return {**value, "custom": custom}
    return value


def times(recorded: dict[str, Any], simulated: dict[str, Any]) -> Iterator[str]:
    """Instants, with the slack that real latencies need, and the poll's waits without it."""
    polled = _polled(recorded)
    cleanups = _long_waits(recorded)
    entries = sorted(at for at, _, _ in recorded["timeline"])
    named = [("task", recorded["task"], simulated["task"])]
    named += [(name, step, simulated["steps"][name]) for name, step in recorded["steps"].items()]
    for name, real, ours in named:
        for state, r, s in zip(real["states"], real["times"], ours["times"], strict=False):
            if r < 0 or (name == "task" and state == "evaluating_results"):
                continue
            before = sum(at <= r for at in entries)
            late = 0.3 + 0.03 * before + sum(at <= r for at in polled) + max(0, cleanups - 1)
            if not -0.05 <= r - s <= late:
                yield f"{name} {state}: recorded at {r}, simulated at {s}"
    if cleanups < 2:
        for number, (r, s) in enumerate(zip(polled, _polled(simulated), strict=False)):
            if not any(abs(r - s - ticks) <= 0.05 for ticks in range(number + 2)):
                yield f"wait {number} ended by the poll: recorded at {r}, simulated at {s}"


def _polled(trace: dict[str, Any]) -> list[float]:
    task = trace["task"]
    moves = list(zip(task["states"], task["times"], strict=True))
    return [
        at
        for (before, _), (after, at) in itertools.pairwise(moves)
        if (before, after) == ("waiting_for_dependencies", "evaluating_results")
    ]


def _long_waits(trace: dict[str, Any]) -> int:
    return sum(
        before == "in_progress" and after == "enqueued_as_error_for_orchestration" and late - early > 29.9
        for step in trace["steps"].values()
        for (before, early), (after, late) in zip(
            zip(step["states"], step["times"], strict=True),
            list(zip(step["states"], step["times"], strict=True))[1:],
            strict=False,
        )
    )
