"""Questions to a dependency graph, given as ``{name: names it depends on}`` in template order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

Graph = Mapping[str, Sequence[str]]


def children(graph: Graph) -> dict[str, list[str]]:
    """Who depends on each name, in the graph's order."""
    result: dict[str, list[str]] = {name: [] for name in graph}
    for name, parents in graph.items():
        for parent in dict.fromkeys(parents):
            if parent in result:
                result[parent].append(name)
    return result


def reachable(neighbours: Graph, start: Iterable[str]) -> set[str]:
    """Every name that can be reached from ``start`` along ``neighbours``, without ``start`` unless on a ring."""
    seen: set[str] = set()
    stack = [name for first in start for name in neighbours.get(first, ())]
    while stack:
        name = stack.pop()
        if name not in seen:
            seen.add(name)
            stack.extend(neighbours.get(name, ()))
    return seen


def ancestors(graph: Graph, name: str) -> set[str]:
    """All direct and indirect dependencies of ``name``."""
    return reachable(graph, [name])


def descendants(graph: Graph, name: str) -> set[str]:
    """Everything that depends on ``name``, directly or not."""
    return reachable(children(graph), [name])


def order(graph: Graph) -> list[str]:
    """A topological order, stable in the graph's own order; names on or behind a ring are missing."""
    below = children(graph)
    open_parents = {name: sum(parent in graph for parent in set(parents)) for name, parents in graph.items()}
    queue = [name for name, number in open_parents.items() if not number]
    for name in queue:
        for child in below[name]:
            open_parents[child] -= 1
            if not open_parents[child]:
                queue.append(child)
    return queue


def cycle(graph: Graph) -> list[str]:
    """One ring as ``[a, b, a]``, or an empty list."""
    left = set(graph) - set(order(graph))
    if not left:
        return []
    path = [next(name for name in graph if name in left)]
    while path.count(path[-1]) == 1:
        path.append(next(parent for parent in graph[path[-1]] if parent in left))
    return list(reversed(path[path.index(path[-1]) :]))


def levels(graph: Graph) -> dict[str, int]:
    """Longest way from a root, in edges; roots are 0. Names on or behind a ring are missing."""
    result: dict[str, int] = {}
    for name in order(graph):
        result[name] = 1 + max((result[parent] for parent in graph[name] if parent in result), default=-1)
    return result


def ways(graph: Graph, name: str) -> dict[str, list[int]]:
    """Every ancestor of ``name`` with the distinct lengths of the ways to it, ascending. The graph has no ring."""
    lengths: dict[str, set[int]] = {}
    front, distance = {name}, 0
    while front:
        front, distance = {parent for one in front for parent in graph.get(one, ())}, distance + 1
        for parent in front:
            lengths.setdefault(parent, set()).add(distance)
    return {ancestor: sorted(found) for ancestor, found in lengths.items()}
