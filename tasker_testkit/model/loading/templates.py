"""``load_template``: from a file, a text or a mapping to a Template, judged as the profile wants it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tasker_testkit.errors import TemplateError
from tasker_testkit.model.loading import checks, growth_checks
from tasker_testkit.model.loading.documents import read_document
from tasker_testkit.model.loading.fields import TEMPLATE
from tasker_testkit.model.loading.findings import Notes
from tasker_testkit.model.loading.nodes import Scalar
from tasker_testkit.model.loading.ranges import out_of_range
from tasker_testkit.model.loading.reading import UNREAD, is_blank
from tasker_testkit.model.profile import PROFILES, Profile, find_profile
from tasker_testkit.model.template import Template

Verdict = tuple[tuple[str, ...], tuple[str, ...]]
"""Problems and warnings."""


def load_template(source: Any, *, profile: str | Profile = "documented") -> Template:
    """The template of a path, of YAML text (a str with a line break) or of a mapping; a Template stays as it is.

    ``documented`` refuses everything that can't work and lists all of it; ``tasker-0.1.8`` refuses what the real loader
    refuses (rows 17 and 18). What is merely odd is in ``Template.warnings``. Raises TemplateError; its ``kind`` is the
    class of the first problem (``missing_field``, ``wrong_type``, …).
    """
    if isinstance(source, Template):
        return source
    strict = find_profile(profile).strict_templates
    template, notes = _judged(source)
    problems = tuple(notes.told(strict, "refused"))
    if problems:
        kind = next(finding.kind for finding in notes.findings if finding.verdict(strict) == "refused")
        raise TemplateError(_summary(notes.document.name, problems), problems=problems, kind=kind)
    path = None if notes.document.name.startswith("<") else notes.document.name
    return replace(template, source=path, warnings=tuple(notes.told(strict, "warning")))


def verdicts(source: Any) -> Mapping[str, Verdict]:
    """What every profile says of a template: its name to (problems, warnings). Never raises.

    The warnings of ``tasker-0.1.8`` are what it accepts and then can't run, or drops silently.
    """
    try:
        _, notes = _judged(source)
    except TemplateError as error:
        return dict.fromkeys(PROFILES, (error.problems, ()))
    return {
        name: (tuple(notes.told(strict, "refused")), tuple(notes.told(strict, "warning")))
        for name, strict in ((profile.name, profile.strict_templates) for profile in PROFILES.values())
    }


def _judged(source: Any) -> tuple[Template, Notes]:
    """The template as far as it can be read, and everything that was found."""
    document = read_document(source)
    root = document.root if document.root is not None else Scalar("")
    if is_blank(root):
        problem = "the file is empty. A template needs name, namespace_name, version and steps."
        raise TemplateError(f"{document.name}: {problem}", kind="missing_field")
    notes = Notes(document, places={"": root.place} if root.place else {})
    template = TEMPLATE(root, "", notes)
    if template is UNREAD:
        problem = "a template is a mapping with name, namespace_name, version and steps; this is something else."
        raise TemplateError(f"{document.where(root.place)}: {problem}", kind="wrong_type")
    _check(template, notes)
    return template, notes


def _check(template: Template, notes: Notes) -> None:
    names_unread = any(path.startswith("steps[") and path.endswith("].name") for path in notes.unreadable)
    for rule in (*checks.RULES, *growth_checks.RULES):
        if rule is checks.unknown_dependencies and names_unread:
            continue
        for finding in rule(template):
            notes.add(finding)
    judged = {finding.path for finding in notes.findings}
    for finding in out_of_range(template):
        if finding.path not in judged:
            notes.add(finding)


def _summary(name: str, problems: tuple[str, ...]) -> str:
    if len(problems) == 1:
        return problems[0]
    return f"{len(problems)} problems in {name}:\n" + "\n".join(f"  {problem}" for problem in problems)
