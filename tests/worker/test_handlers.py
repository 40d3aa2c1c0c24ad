"""Sources of handlers, and which of them does a step."""

from __future__ import annotations

import sys
import types

import pytest
from tasker_core import BaseResolver, StepHandler, StepHandlerResult
from tasker_core.step_handler.functional import step_handler

from tasker_testkit.errors import HandlerError
from tasker_testkit.model.profile import DOCUMENTED, TASKER_0_1_8
from tasker_testkit.model.template import Handler, StepTemplate, Template
from tasker_testkit.worker.sources import load_handlers

AS_BUILT = "tasker-0.1.8"
PROFILES = [DOCUMENTED, TASKER_0_1_8]
SOURCE = """
from tasker_core import StepHandler, StepHandlerResult
from tasker_core.step_handler.functional import step_handler
from tasker_core.step_handler import ApiHandler, DecisionHandler


class Abstract(StepHandler):
    handler_name = "abstract"


class Ship(Abstract):
    handler_name = "ship"

    def call(self, context):
        return StepHandlerResult.success({"by": NAME})


class Nameless(StepHandler):
    def call(self, context):
        return StepHandlerResult.success({"by": "nameless"})


@step_handler("pack")
def pack_it(context):
    return {"by": NAME}
"""


class Ship(StepHandler):
    """An ordinary handler with a second method."""

    handler_name = "ship"

    def call(self, context):
        """Ship."""
        return StepHandlerResult.success({"did": "call"})

    def refund(self, context):
        """Take it back."""
        return StepHandlerResult.success({"did": "refund"})

    async def recall(self, context):
        """Take it back, slowly."""
        return StepHandlerResult.success({"did": "recall"})


@step_handler("pack")
def pack(context):
    """A function handler."""
    return {"did": "pack"}


def file(folder, name="handlers.py", by="file", source=SOURCE):
    """A file with handlers that say who they are."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"NAME = {by!r}\n{source}")
    return path


def template(*callables, **handler):
    """A template with a step for each callable."""
    return Template("t", "n", "1", tuple(StepTemplate(f"s{i}", Handler(c, **handler)) for i, c in enumerate(callables)))


SOURCES = {
    "module": lambda: sys.modules[__name__],
    "mapping": lambda: {"ship": Ship, "pack": pack},
    "sequence": lambda: [{"ship": Ship()}, pack],
    "nested": lambda: [[Ship, [pack]]],
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("profile", ["documented", AS_BUILT])
def test_every_kind_of_source(called, source, profile):
    """A module, a mapping, handlers and sequences of these give the same handlers."""
    assert called(SOURCES[source](), "ship", profile).result == {"did": "call"}
    assert called(SOURCES[source](), "pack", profile).result == {"did": "pack"}


def test_a_file_registers_concrete_named_handlers_only(tmp_path):
    """Abstract classes, nameless ones and the SDK's own bases aren't registered."""
    assert load_handlers(file(tmp_path)).names == ("pack", "ship")
    assert load_handlers(str(file(tmp_path))).names == ("pack", "ship")


@pytest.mark.parametrize("name", ["ship", "handlers.Ship", "shop.handlers.Ship", "handlers.Nameless"])
@pytest.mark.parametrize("profile", ["documented", AS_BUILT])
def test_callables_of_a_file(called, tmp_path, name, profile):
    """A file's handlers answer to their name and to dotted paths through its folders."""
    assert called(file(tmp_path / "shop"), name, profile).success


@pytest.mark.parametrize("name", ["handlers.pack_it", "Ship", "other.Ship", "handlers.Missing", "", "handlers."])
@pytest.mark.parametrize("profile", ["documented", AS_BUILT])
def test_callables_that_tasker_does_not_find(called, tmp_path, name, profile):
    """Paths of functions, bare class names and unknown names are handler_not_found, permanent."""
    outcome = called(file(tmp_path), name, profile)
    assert outcome.message == f"Handler not found: {name or 'step'}"
    assert (outcome.error_type, outcome.retryable) == ("handler_not_found", False)


def test_files_with_one_name_are_never_mixed_up(called, tmp_path):
    """Two files of the same name in one process keep their own handlers, by name and by path, again and again."""
    first, second = file(tmp_path / "a", by="first"), file(tmp_path / "b", by="second")
    only_first = file(tmp_path / "c", by="third", source=SOURCE.replace("Ship(", "Only("))
    for _ in range(2):
        for name in ("ship", "pack", "handlers.Ship"):
            assert called(first, name).result == {"by": "first"}
            assert called(second, name).result == {"by": "second"}
        assert called(only_first, "handlers.Only").result == {"by": "third"}
        assert called(only_first, "handlers.Ship").error_type == "handler_not_found"


def test_every_file_is_the_module_it_says_it_is(tmp_path):
    """What looks a class's module up by name (annotations, pickle) finds the file that the class comes from."""
    for folder in "ab":
        found = load_handlers(file(tmp_path / folder)).handler_class("ship")
        assert vars(sys.modules[found.__module__])["Ship"] is found


def test_a_files_neighbours(called, tmp_path):
    """A file imports the files beside it, and each file its own, though two neighbours have one name."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "gateway_of_test.py").write_text(f"NAME = {folder!r}")
        file(tmp_path / folder, source=SOURCE + "\nfrom gateway_of_test import NAME\n")
    assert [called(tmp_path / f / "handlers.py", "ship").result for f in "aba"] == [{"by": f} for f in "aba"]
    assert str(tmp_path / "a") not in sys.path
    assert sys.modules["gateway_of_test"].NAME == "a", "what was imported first stays what others import"


def test_a_file_in_a_package_is_imported_as_part_of_it(called, tmp_path):
    """Relative imports work where the folder has an ``__init__.py``."""
    (tmp_path / "shop_of_test").mkdir()
    (tmp_path / "shop_of_test" / "__init__.py").write_text("NAME = 'package'")
    path = file(tmp_path / "shop_of_test", source="from . import NAME\n" + SOURCE)
    assert called(path, "shop_of_test.handlers.Ship").result == {"by": "package"}


def test_a_package_brings_its_submodules(tmp_path, monkeypatch):
    """A dotted name of a package registers what its submodules define."""
    package = tmp_path / "whole_package"
    file(package, "one.py")
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    assert load_handlers("whole_package").names == ("pack", "ship")


def test_packages_with_one_name_are_never_mixed_up(called, no_handlers, tmp_path):
    """Two projects' ``handlers/`` in one process keep their own submodules, whatever was imported before."""
    for project, submodule in (("a", "money"), ("b", "money"), ("c", "stock")):
        file(tmp_path / project / "handlers", f"{submodule}.py", by=project, source="from . import THERE\n" + SOURCE)
        (tmp_path / project / "handlers" / "__init__.py").write_text(f"THERE = {project!r}")
    for project in "abcabc":
        source = tmp_path / project / "handlers"
        assert called(source, "ship").result == {"by": project}


def test_a_changed_file_is_read_again(called, tmp_path):
    """A file that changed since it was loaded gives its new handlers."""
    assert called(file(tmp_path, by="before"), "ship").result == {"by": "before"}
    assert called(file(tmp_path, by="afterwards"), "ship").result == {"by": "afterwards"}


def test_the_module_that_a_test_imported_is_the_one_that_runs(tmp_path, monkeypatch):
    """A file that is already imported isn't executed a second time: a test's patches reach the handlers."""
    path = file(tmp_path, "imported_by_a_test.py")
    monkeypatch.syspath_prepend(tmp_path)
    module = __import__("imported_by_a_test")
    assert load_handlers(path).handler_class("ship") is module.Ship


def test_every_execution_has_a_new_instance(called):
    """State on ``self`` never survives an attempt; an instance that the user gives is the user's."""
    seen = []

    class Fresh(Ship):
        def call(self, context):
            seen.append(self)
            return super().call(context)

    called({"h": Fresh}, "h")
    called({"h": Fresh}, "h")
    assert seen[0] is not seen[1]
    own = Fresh()
    called({"h": own}, "h")
    assert seen[2] is own


@pytest.mark.parametrize(
    ("method", "did"), [("refund", "refund"), ("recall", "recall"), ("call", "call"), (None, "call")]
)
def test_method(called, method, did):
    """Row 16: ``method`` is called, asynchronous ones too; as built ``call`` runs whatever the template says."""
    assert called([Ship], "ship", method=method).result == {"did": did}
    assert called([Ship], "ship", AS_BUILT, method=method).result == {"did": "call"}


def test_resolver(called):
    """Row 16: only the named resolver is asked, an unknown one is a retryable failure; as built it means nothing."""
    assert called([Ship], "ship", resolver="explicit_mapping").success
    assert called([Ship], "ship", resolver="class_lookup").error_type == "handler_not_found"
    unknown = called([Ship], "ship", resolver="nobody")
    assert (unknown.error_type, unknown.message, unknown.retryable) == (
        "ResolverNotFoundError",
        "Unknown resolver: 'nobody'",
        True,
    )
    assert called([Ship], "ship", AS_BUILT, resolver="nobody").success


def test_a_users_resolver(called):
    """A resolver among the sources takes part in the chain at its own priority."""

    class Everything(BaseResolver):
        name = "everything"
        priority = 1

        def can_resolve(self, definition, config=None):
            return True

        def resolve(self, definition, config=None):
            return pack._handler_class()

    assert called([Ship, Everything()], "ship").result == {"did": "pack"}
    assert called([Ship, Everything()], "ship", resolver="explicit_mapping").result == {"did": "call"}


def test_a_constructor_that_wants_config(called):
    """After a TypeError the second try is ``config=``: the initialization, which as built is empty."""

    class Configured(Ship):
        def __init__(self, config):
            self.config = config

        def call(self, context):
            return StepHandlerResult.success({"config": self.config})

    assert called({"h": Configured}, "h", initialization={"a": 1}).result == {"config": {"a": 1}}
    assert called({"h": Configured}, "h", AS_BUILT, initialization={"a": 1}).result == {"config": {}}


def test_a_class_without_a_name(called):
    """Dotted paths take any class; one without ``name`` fails as retryable AttributeError."""
    outcome = called([], "collections.OrderedDict", AS_BUILT)
    assert (outcome.error_type, outcome.retryable) == ("AttributeError", True)


class Broken(Ship):
    """A handler that can't be made."""

    handler_name = "broken"

    def __init__(self):
        raise ValueError("no gateway")


class Picky(Ship):
    """A handler that wants what nobody gives."""

    handler_name = "picky"

    def __init__(self, gateway):
        self.gateway = gateway


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_problems_are_all_listed(profile):
    """Every step whose handler can't be had is named with the reason and the nearest name; skipped steps aren't."""
    handlers = load_handlers([Ship, Broken, Picky])
    wanted = template("shipp", "broken", "picky", "ship", "collections.OrderedDict", "no_such_module.X", "skipped")
    assert handlers.problems(wanted, profile, skip={"s6"}) == [
        "Step 's0': no handler for 'shipp'. Did you mean 'ship'?",
        "Step 's1': Broken() raised ValueError: no gateway",
        "Step 's2': Picky() raised TypeError: Picky.__init__() missing 1 required positional argument: 'gateway'; "
        "Picky(config=...) raised TypeError: Picky.__init__() got an unexpected keyword argument 'config'",
        "Step 's4': OrderedDict has no method 'call'; Tasker calls handler.call(context)",
        "Step 's5': no handler for 'no_such_module.X'.",
    ]


class Unfinished(StepHandler):
    """A handler whose author has yet to write its ``call``."""

    handler_name = "unfinished"


@pytest.mark.parametrize("callable_name", ["unfinished", "shop.Unfinished"])
@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_a_class_without_call_is_named(monkeypatch, callable_name, profile):
    """A step that wants a class without ``call`` is told which class lacks it, found by name or by path."""
    shop = types.ModuleType("shop")
    shop.Unfinished = Unfinished
    monkeypatch.setitem(sys.modules, "shop", shop)
    assert load_handlers(shop).problems(template(callable_name), profile) == [
        "Step 's0': Unfinished lacks its method 'call'; Tasker calls handler.call(context)"
    ]


def test_problems_of_method_and_resolver():
    """Row 16: what only the documented profile looks at is a problem only there."""
    handlers = load_handlers([Ship])
    assert handlers.problems(template("ship", method="refnud"), DOCUMENTED) == [
        "Step 's0': Ship has no method 'refnud'. Did you mean 'refund'?"
    ]
    assert handlers.problems(template("ship", resolver="explicit_maping"), DOCUMENTED) == [
        "Step 's0': Unknown resolver: 'explicit_maping'. Did you mean 'explicit_mapping'? "
        "Known resolvers: explicit_mapping, class_lookup"
    ]
    assert handlers.problems(template("ship", resolver="class_lookup"), DOCUMENTED) == [
        "Step 's0': 'ship' exists, but its resolver 'class_lookup' doesn't find it"
    ]
    assert handlers.problems(template("ship", method="refnud", resolver="x"), TASKER_0_1_8) == []


def test_an_import_that_fails_shows_the_users_frames(tmp_path):
    """Only the user's own lines are shown: neither importlib's nor ours."""
    path = file(
        tmp_path, "broken_at_import.py", source="def boot():\n    raise RuntimeError('no database')\n\nboot()\n"
    )
    with pytest.raises(HandlerError) as caught:
        load_handlers(path)
    assert str(caught.value) == (
        f"handlers: importing {str(path)!r} failed:\n"
        f'  File "{path}", line 5, in <module>\n    boot()\n'
        f"  File \"{path}\", line 3, in boot\n    raise RuntimeError('no database')\n"
        "RuntimeError: no database"
    )
    assert caught.value.__suppress_context__
    assert "broken_at_import" not in sys.modules


def test_a_syntax_error_shows_its_line(tmp_path):
    """A file that isn't Python is told with the line, not as a traceback."""
    with pytest.raises(HandlerError, match=r"line 2\n    def:\n.*\nSyntaxError: invalid syntax"):
        load_handlers(file(tmp_path, "no_python.py", source="def:\n"))


def test_a_missing_dependency_of_a_module_is_told_as_its_failure(tmp_path):
    """A module that imports what isn't installed isn't itself called missing."""
    path = file(tmp_path, "needs_more.py", source="import no_such_library\n")
    with pytest.raises(HandlerError, match=r"(?s)failed:.*import no_such_library.*No module named 'no_such_library'"):
        load_handlers(path)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("no_such_module", r"handlers: there is no module 'no_such_module'\. Python looked for it in\n  "),
        (
            "nowhere/handlers.py",
            r"handlers: there is no file .*nowhere/handlers\.py\. Python files in that folder:\n  \(none\)",
        ),
        (3, r"handlers: 3 is no source of handlers\. Give a module, a dotted name, a path"),
        ({"x": print}, r"handlers: 'x': <built-in function print> has no method 'call'\. A handler is"),
        ({"x": lambda context: {}}, r"'x': <lambda> is a plain function; decorate it with @step_handler\('x'\)\."),
        (types.SimpleNamespace(handler_name="x"), r"handlers: 'x': namespace\(handler_name='x'\) has no method 'call'"),
    ],
    ids=["module", "file", "number", "builtin", "function", "object"],
)
def test_what_is_no_source(source, told):
    """Anything else is refused with what was given and what is possible."""
    with pytest.raises(HandlerError, match=told):
        load_handlers(source)
