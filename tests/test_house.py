"""The layers and the budgets of the house (``docs/decisions.md``), kept true by reading the source as trees.

A rule is a function from a source file to its violations, one text each. Every rule is shown a planted violation too.
"""

from __future__ import annotations

import ast
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FLOOR = {"errors", "model", "engine"}
ROOMS = {"worker", "report", "fidelity", "explore", "replay", "stats", "lint"}
UPSTAIRS = {"search", "records"}
ROOF = {"plugin", "sections", "cli", "commands", "__init__", "__main__"}
SDK_DOOR = "tasker_testkit/worker/sdk.py"
DRAWERS = {"utils", "util", "helpers", "common", "base", "manager", "misc"}

Function = ast.FunctionDef | ast.AsyncFunctionDef
Named = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Source:
    """One file: its path below the project with slashes, and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed file."""
        return ast.parse(self.text, filename=self.path)

    @property
    def part(self) -> str:
        """The first name below the package: ``engine`` for ``engine/clock.py``, ``run`` for ``run.py``."""
        return self.path.split("/")[1].removesuffix(".py")

    @property
    def functions(self) -> list[Function]:
        """Every function in it, methods and inner ones included."""
        return [node for node in ast.walk(self.tree) if isinstance(node, Function)]

    @property
    def imports(self) -> Iterator[tuple[int, str]]:
        """Every imported module with its line, those inside functions and TYPE_CHECKING blocks included."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)

    @property
    def public(self) -> Iterator[tuple[str, Named]]:
        """Public classes and functions, and the public methods of public classes."""
        for node in self.tree.body:
            if isinstance(node, Named) and not node.name.startswith("_"):
                yield node.name, node
                if isinstance(node, ast.ClassDef):
                    methods = [inner for inner in node.body if isinstance(inner, Function)]
                    yield from ((f"{node.name}.{m.name}", m) for m in methods if not m.name.startswith("_"))


def read(folder: str) -> list[Source]:
    """All Python files below a folder of the project."""
    files = sorted((ROOT / folder).rglob("*.py"))
    return [Source(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")) for file in files]


PACKAGE = read("tasker_testkit")
TESTS = read("tests") + read("examples")


def layer(part: str) -> int:
    """0 is the floor, 1 the rooms, 2 the landing, 3 the rooms above it, 4 the roof."""
    return 0 if part in FLOOR else 1 if part in ROOMS else 3 if part in UPSTAIRS else 4 if part in ROOF else 2


def body_lines(function: Function) -> int:
    """Lines from the first statement behind the docstring to the end."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


# -- the rules ---------------------------------------------------------------------------------------------------------


def imports_point_down(source: Source) -> Iterator[str]:
    """A file imports from its own layer or below; rooms don't open into one another."""
    here = source.part
    for line, module in source.imports:
        root, _, rest = module.partition(".")
        other = rest.split(".")[0]
        if root != "tasker_testkit" or other == here or not (other.islower() or other in ROOF):
            continue
        next_door = layer(other) == layer(here) and here in ROOMS | UPSTAIRS
        if layer(other) > layer(here) or next_door:
            yield f"line {line} imports {module}: imports point down, and rooms don't open into one another"


def floor_is_standard_library(source: Source) -> Iterator[str]:
    """The floor imports the standard library and itself; only model/loading may have yaml and jsonschema."""
    allowed = {"tasker_testkit", *sys.stdlib_module_names}
    if source.path.startswith("tasker_testkit/model/loading"):
        allowed |= {"yaml", "jsonschema", "jsonschema_specifications", "referencing"}
    if layer(source.part) == 0:
        found = ((line, module) for line, module in source.imports if module.split(".")[0] not in allowed)
        yield from (f"line {line} imports {module}: the floor has no libraries" for line, module in found)


def one_door_to_the_sdk(source: Source) -> Iterator[str]:
    """tasker_core is imported in worker/sdk.py and nowhere else."""
    for line, module in source.imports:
        if module.split(".")[0] == "tasker_core" and source.path != SDK_DOOR:
            yield f"line {line} imports {module}: go through {SDK_DOOR}"


def files_stay_small(source: Source) -> Iterator[str]:
    """No file of the package is longer than 300 lines."""
    length = len(source.text.splitlines())
    if length > 300:
        yield f"has {length} lines, 300 is the limit: split it by what its parts are about"


def functions_stay_small(source: Source) -> Iterator[str]:
    """No function body is longer than 40 lines, its docstring not counted."""
    for function in source.functions:
        if body_lines(function) > 40:
            yield f"line {function.lineno} {function.name} has {body_lines(function)} lines, 40 is the limit"


def public_names_have_docstrings(source: Source) -> Iterator[str]:
    """Every module, public class, function and method says what it is."""
    if not ast.get_docstring(source.tree):
        yield "has no docstring"
    for name, node in source.public:
        if not ast.get_docstring(node):
            yield f"line {node.lineno} {name} has no docstring"


def nothing_looks_like_a_test(source: Source) -> Iterator[str]:
    """No public name begins with test or Test, which pytest would collect."""
    for name, node in source.public:
        if name.lower().startswith("test"):
            yield f"line {node.lineno} {name}: pytest would collect it"


def no_drawers(source: Source) -> Iterator[str]:
    """No module is a drawer for everything."""
    if DRAWERS & set(source.path.removesuffix(".py").split("/")):
        yield f"is named like a drawer ({', '.join(sorted(DRAWERS))}): name it for what it does"


def profiles_are_values(source: Source) -> Iterator[str]:
    """Nobody compares a profile's name: what differs is a named field of it."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Compare):
            sides = [ast.unparse(side) for side in (node.left, *node.comparators)]
            if any(side.endswith("profile.name") for side in sides):
                yield f"line {node.lineno} {ast.unparse(node)}: ask a field of model/profile.py"


def annotations_stay_text(source: Source) -> Iterator[str]:
    """Every file with code begins with ``from __future__ import annotations``."""
    code = [node for node in source.tree.body if not isinstance(node, ast.Expr)]
    if code and ast.unparse(code[0]) != "from __future__ import annotations":
        yield "doesn't begin with: from __future__ import annotations"


def every_test_states_its_property(source: Source) -> Iterator[str]:
    """Every test function, ours and the examples', says in a sentence what it states."""
    for function in source.functions:
        if function.name.startswith("test_") and not ast.get_docstring(function):
            yield f"line {function.lineno} {function.name} has no docstring: say in a sentence what it states"


Rule = Callable[[Source], Iterator[str]]
RULES: dict[Rule, list[Source]] = {
    imports_point_down: PACKAGE,
    floor_is_standard_library: PACKAGE,
    one_door_to_the_sdk: PACKAGE,
    files_stay_small: PACKAGE,
    functions_stay_small: PACKAGE,
    public_names_have_docstrings: PACKAGE,
    nothing_looks_like_a_test: PACKAGE,
    no_drawers: PACKAGE,
    profiles_are_values: PACKAGE,
    annotations_stay_text: PACKAGE,
    every_test_states_its_property: TESTS,
}
PLANTED: dict[Rule, list[Source]] = {
    imports_point_down: [
        Source("tasker_testkit/engine/x.py", "from tasker_testkit.run import Run"),
        Source("tasker_testkit/report/x.py", "from tasker_testkit import worker"),
        Source("tasker_testkit/run.py", "import tasker_testkit.cli"),
    ],
    floor_is_standard_library: [Source("tasker_testkit/model/x.py", "def f():\n    import yaml")],
    one_door_to_the_sdk: [Source("tasker_testkit/worker/x.py", "from tasker_core.types import StepContext")],
    files_stay_small: [Source("tasker_testkit/x.py", "1\n" * 301)],
    functions_stay_small: [Source("tasker_testkit/x.py", "def f():\n" + "    1\n" * 41)],
    public_names_have_docstrings: [
        Source("tasker_testkit/x.py", "x = 1"),
        Source("tasker_testkit/x.py", '"""x."""\nclass A:\n    """A."""\n    def b(self): ...'),
    ],
    nothing_looks_like_a_test: [Source("tasker_testkit/x.py", "class TestBench: ...")],
    no_drawers: [Source("tasker_testkit/engine/helpers.py", ""), Source("tasker_testkit/common/x.py", "")],
    profiles_are_values: [Source("tasker_testkit/x.py", "if self.profile.name == 'documented': ...")],
    annotations_stay_text: [Source("tasker_testkit/x.py", '"""x."""\nimport json')],
    every_test_states_its_property: [Source("tests/test_x.py", "def test_x(): ...")],
}


def by_name(rule: Rule) -> str:
    """A rule's name as the id of its tests."""
    return rule.__name__


@pytest.mark.parametrize("rule", RULES, ids=by_name)
def test_the_house_keeps_its_rules(rule: Rule) -> None:
    """No file breaks a rule of the house."""
    broken = [f"{source.path}: {violation}" for source in RULES[rule] for violation in rule(source)]
    assert not broken, f"{rule.__doc__}\n" + "\n".join(broken)


@pytest.mark.parametrize("rule", RULES, ids=by_name)
def test_a_rule_sees_what_breaks_it(rule: Rule) -> None:
    """Each planted violation is found, so that a rule that is silent means something."""
    assert all(list(rule(source)) for source in PLANTED[rule])


def test_there_is_a_house() -> None:
    """Every layer from the floor to the roof has files: no rule holds because there is nothing to read."""
    assert {layer(source.part) for source in PACKAGE} == {0, 1, 2, 3, 4}


def test_the_median_function_is_short() -> None:
    """Half of all function bodies of the package have 8 lines or fewer."""
    assert statistics.median(body_lines(f) for source in PACKAGE for f in source.functions) <= 8
