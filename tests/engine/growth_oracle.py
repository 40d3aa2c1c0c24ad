"""Growth once more, naively: what decisions and batches add, by scanning whole lists until nothing changes any more.

Written from Tasker's rules for dynamic workflows alone; no code shared with the engine.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Part(NamedTuple):
    """One step of a template; an analyzer's ``worker`` is its ``initialization.worker_template_name``."""

    name: str
    type: str
    needs: tuple[str, ...] = ()
    worker: str | None = None
    has_config: bool = True


class RefusedGrowth(Exception):
    """The whole growth is rolled back."""


class NaiveTask:
    """The steps that exist, in order of creation, and the edges between them, as (parent, child)."""

    def __init__(self, parts: list[Part], *, convergence_waits_for_batch: bool) -> None:
        self.parts = parts
        self.rows: list[str] = []
        self.edges: set[tuple[str, str]] = set()
        decisions = [part.name for part in parts if part.type == "decision"]
        behind = self.closure(decisions)
        for part in parts:
            early = part.type == "deferred_convergence" and not decisions
            late = part.type == "deferred_convergence" and any(self.part(n).type == "batch_worker" for n in part.needs)
            held = late and convergence_waits_for_batch
            if part.name not in behind and part.type != "batch_worker" and not early and not held:
                self.rows.append(part.name)
        self.edges = {(n, part.name) for part in parts for n in part.needs if {n, part.name} <= set(self.rows)}

    def part(self, name: str) -> Part:
        """The template's step of that name."""
        return next(part for part in self.parts if part.name == name)

    def closure(self, start: list[str], stop: str = "") -> set[str]:
        """Everything that depends on ``start``, directly or not; nothing is passed whose type is ``stop``."""
        found: set[str] = set()
        while True:
            passed = {*start, *(name for name in found if self.part(name).type != stop)}
            more = {part.name for part in self.parts if passed & set(part.needs)} - found
            if not more:
                return found
            found |= more

    # -- decisions -------------------------------------------------------------------------------------------------

    def decide(self, decision: str, names: list[str]) -> None:
        """The decision asks for these steps. Raises RefusedGrowth."""
        if not names:
            return
        reached = self.closure([decision], stop="decision")
        exits = {name for name in reached if self.part(name).type == "decision"}
        graph = reached - exits
        if len(names) > 100 or not set(names) <= graph:
            raise RefusedGrowth
        chosen = self.convergences(self.walk(set(names) | exits, graph), decision)
        edges = []
        for name in sorted(chosen):
            for need in self.part(name).needs:
                if need in chosen:
                    edges.append((need, name))
                elif self.part(name).type != "deferred_convergence":
                    edges.append((decision, name))
        self.create([part.name for part in self.parts if part.name in chosen], edges)

    def walk(self, chosen: set[str], graph: set[str]) -> set[str]:
        """What lies on the way: any one dependency is enough."""
        later = ("deferred_convergence", "batch_worker")
        while True:
            more = {n for n in graph - chosen if self.part(n).type not in later and chosen & set(self.part(n).needs)}
            if not more:
                return chosen
            chosen = chosen | more

    def convergences(self, chosen: set[str], decision: str) -> set[str]:
        """The convergences that meet the chosen, and what hangs on those with all its dependencies."""
        joined = set()
        for part in self.parts:
            if part.type == "deferred_convergence" and chosen & set(part.needs):
                chosen = chosen | {part.name}
        joined = {name for name in chosen if self.part(name).type == "deferred_convergence"}
        while True:
            more = {
                part.name
                for part in self.parts
                if part.name not in chosen and joined & set(part.needs) and set(part.needs) <= chosen | {decision}
            }
            if not more:
                return chosen
            chosen, joined = chosen | more, joined | more

    # -- batches ---------------------------------------------------------------------------------------------------

    def batch(self, analyzer: str, outcome: dict[str, Any]) -> None:
        """The analyzer asks for these batches. Raises RefusedGrowth."""
        empty = outcome["type"] == "no_batches"
        name = self.part(analyzer).worker if empty else outcome["worker_template_name"]
        known = [part for part in self.parts if part.name == name]
        ids = ["000"] if empty else [cursor["batch_id"] for cursor in outcome["cursor_configs"]]
        if not known or known[0].type != "batch_worker" or not known[0].has_config or not ids:
            raise RefusedGrowth
        instances = [f"{name}_{batch_id}" for batch_id in ids]
        ends = [part.name for part in self.parts if part.type == "deferred_convergence" and name in part.needs]
        edges = [(analyzer, instance) for instance in instances]
        edges += [(instance, end) for instance in instances for end in ends]
        self.create([*instances, *ends], edges)

    def create(self, names: list[str], edges: list[tuple[str, str]]) -> None:
        """All or nothing: an edge that exists already is a collision."""
        if len(set(edges)) < len(edges) or set(edges) & self.edges:
            raise RefusedGrowth
        self.rows += [name for name in names if name not in self.rows]
        self.edges |= set(edges)
