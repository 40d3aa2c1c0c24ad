"""Who answers, and where it is written down: approvers, a ledger and a mailbox, as doubles in memory."""

from __future__ import annotations

from dataclasses import dataclass, field


class NoAnswerYet(Exception):
    """The approver hasn't looked at it. Asking later may help."""


@dataclass
class Approver:
    """Says yes, unless told otherwise. ``asked`` counts the questions, ``away`` how many of them stay unanswered."""

    name: str
    says_yes: bool = True
    away: int = 0
    asked: int = 0

    def decide(self) -> bool:
        self.asked += 1
        if self.asked <= self.away:
            raise NoAnswerYet(f"{self.name} hasn't answered yet")
        return self.says_yes


@dataclass
class Office:
    """Everybody and everything an expense meets."""

    manager: Approver = field(default_factory=lambda: Approver("grace"))
    finance: Approver = field(default_factory=lambda: Approver("finance"))
    ledger: dict[str, bool] = field(default_factory=dict)
    mails: list[str] = field(default_factory=list)


office = Office()


def reset() -> None:
    """As if nobody had ever been asked."""
    vars(office).update(vars(Office()))
