"""What was found wrong with a template, how bad each profile thinks it is, and where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from tasker_testkit.model.loading.composing import Document
from tasker_testkit.model.loading.nodes import Place

Verdict = Literal["refused", "warning", "fine"]

UNREADABLE: Final = frozenset(("missing_field", "duplicate_field", "wrong_type", "unknown_variant"))
"""Kinds of findings that leave nothing to judge at and below their path."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong at ``path`` (``steps[0].retry``; empty = the whole template).

    ``documented`` and ``built`` are the verdicts of strict and of lenient profiles (``Profile.strict_templates``).
    ``kind`` is the class of the real loader's error; ``consequence`` what the real system does where it goes on.
    """

    path: str
    text: str
    kind: str = "rule"
    documented: Verdict = "refused"
    built: Verdict = "refused"
    consequence: str = ""

    def verdict(self, strict: bool) -> Verdict:
        """How bad it is."""
        return self.documented if strict else self.built

    def described(self, strict: bool) -> str:
        """The text, with the consequence where the real system goes on."""
        return self.text if strict or not self.consequence else f"{self.text} {self.consequence}"


@dataclass(frozen=True, slots=True)
class Notes:
    """What reading one document has found so far; readers add to it."""

    document: Document
    findings: list[Finding] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)

    def add(self, finding: Finding) -> None:
        """Add a finding, unless there was nothing to judge at its path."""
        if self.unreadable and any(path in self.unreadable for path in upwards(finding.path)):
            return
        self.findings.append(finding)
        if finding.kind in UNREADABLE:
            self.unreadable.add(finding.path)

    def place(self, path: str) -> Place | None:
        """Where the path stands, or the nearest thing around it that was written."""
        return next((self.places[one] for one in upwards(path) if one in self.places), self.places.get(""))

    def told(self, strict: bool, verdict: Verdict) -> Iterator[str]:
        """The texts of all findings with that verdict, each with its place, in the order of the file."""
        found = [finding for finding in self.findings if finding.verdict(strict) == verdict]
        for finding in sorted(found, key=lambda finding: self.place(finding.path) or Place(0, 0)):
            start = self.document.where(self.place(finding.path))
            path = f"{finding.path}: " if finding.path else ""
            yield f"{start}: {path}{finding.described(strict)}"


def upwards(path: str) -> Iterator[str]:
    """The path itself and everything around it: ``a.b[0]``, ``a.b``, ``a``."""
    while path:
        yield path
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
