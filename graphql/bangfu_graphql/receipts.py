"""Why this amount, why not: a receipt, in the caller's language."""

from __future__ import annotations

import enum
from datetime import date, datetime
from typing import Any

import strawberry

from bangfu.cases import receipts
from bangfu.rules import explain
from bangfu.rules.book import Outcome, StepKind
from bangfu_graphql.requests import say
from bangfu_graphql.scalars import Money, described, value

described(StepKind, "StepKind", "What a step of a rule book is for.")


@strawberry.enum(description="Who set a number.")
class Whose(enum.Enum):
    """Who set a number."""

    PLAN = value("plan", "the plan itself 方案")
    COUNTY = value("county", "the county's own document 本县规定")


@strawberry.type(description="A fact that a decision was made on.")
class ReceiptFact:
    """A fact that a decision was made on."""

    title: str = strawberry.field(description="What it is.")
    value: str = strawberry.field(description="What it was.")


@strawberry.type(description="By how much a criterion was missed.")
class Miss:
    """By how much a criterion was missed."""

    what: str = strawberry.field(description="What was compared.")
    value: str = strawberry.field(description="What it was.")
    needed: str = strawberry.field(description="What it had to be.")
    gap: str | None = strawberry.field(description="The distance; null where there is none, as between choices.")


@strawberry.type(description="One step of a decision: the clause, how it came out, and its arithmetic.")
class ReceiptLine:
    """One step of a decision."""

    name: str = strawberry.field(description="The name of the step in its rule book.")
    kind: StepKind = strawberry.field(description="What it is for.")
    cites: str = strawberry.field(description="The document and clause that say so.")
    says: str = strawberry.field(description="What the clause asks or computes.")
    result: str = strawberry.field(description="How it came out.")
    met: bool | None = strawberry.field(description="Of a criterion, whether it is met; null where it is unknown.")
    arithmetic: list[str] = strawberry.field(description="The arithmetic, line by line.")
    misses: list[Miss] = strawberry.field(description="By how much it was missed.")


@strawberry.type(description="The value of a parameter, and the document that sets it.")
class Authority:
    """The value of a parameter, and the document that sets it."""

    title: str = strawberry.field(description="The parameter.")
    value: str = strawberry.field(description="Its value.")
    since: date = strawberry.field(description="The day from which it is so.")
    whose: Whose = strawberry.field(description="Who set it.")
    document: str = strawberry.field(description="The document.")
    clause: str = strawberry.field(description="The clause.")


@strawberry.type(description="One thing that happened to the case.")
class ReceiptStep:
    """One thing that happened to the case."""

    act: str = strawberry.field(description="What.")
    officer: str = strawberry.field(description="By whom.")
    duty: str = strawberry.field(description="In which duty.")
    effective_on: date = strawberry.field(description="On which day.")
    recorded_at: datetime = strawberry.field(description="When it was typed in.")
    late_days: int = strawberry.field(description="How many days late.")
    note: str = strawberry.field(description="Reason, evidence and finding; empty where there is nothing to say.")


@strawberry.type(description="A household that takes part in a case, and whether it is counted.")
class ReceiptParticipant:
    """A household that takes part in a case."""

    number: str = strawberry.field(description="Its number in the register.")
    role: str = strawberry.field(description="In which role.")
    counted: bool = strawberry.field(description="Whether it is counted.")
    why_not: list[str] = strawberry.field(description="Each reason why it is not; empty where it is.")


@strawberry.type(description="What an organization is asked to attest of a case, and what it answered.")
class ReceiptAttestation:
    """What an organization is asked to attest of a case."""

    title: str = strawberry.field(description="As what it is asked.")
    organization: str = strawberry.field(description="Its name; its kind for who does not see organizations.")
    asked_on: date = strawberry.field(description="Since which day it is asked.")
    attested: bool | None = strawberry.field(description="Whether it attests it; null while it has not answered.")
    answered_on: date | None = strawberry.field(description="The day of its answer; null while there is none.")
    note: str = strawberry.field(description="Why it does not attest it.")
    words: str = strawberry.field(description="All of it, in one sentence.")


@strawberry.type(description="What came out for a household once, with everything that explains it.")
class ReceiptResult:
    """What came out for a household once."""

    source: strawberry.Private[Any]

    @strawberry.field(description="The stage at which it was decided; null where it is what would come out.")
    def decided_at(self, info: strawberry.Info) -> str | None:
        """The stage at which it was decided."""
        return say(info, self.source.decided_at) if self.source.decided_at is not None else None

    @strawberry.field(description="The outcome in one sentence, and whether it stands.")
    def summary(self, info: strawberry.Info) -> str:
        """The outcome in one sentence."""
        return say(info, self.source.summary)

    @strawberry.field(description="The outcome.")
    def outcome(self) -> Outcome:
        """The outcome."""
        return Outcome(self.source.outcome)

    @strawberry.field(description="What is payable; 0.00 unless eligible.")
    def payable(self) -> Money:
        """What is payable."""
        return Money(self.source.payable)

    @strawberry.field(description="The day of which the facts are.")
    def facts_as_of(self) -> date:
        """The day of which the facts are."""
        as_of: date = self.source.facts_as_of
        return as_of

    @strawberry.field(description="The facts count as they were known at this instant.")
    def known_at(self) -> datetime:
        """When they were known."""
        known_at: datetime = self.source.known_at
        return known_at

    @strawberry.field(description="The hash of the rule book that decided.")
    def book(self) -> str:
        """The rule book."""
        return str(self.source.book)

    @strawberry.field(description="The facts that the decision was made on.")
    def facts(self, info: strawberry.Info) -> list[ReceiptFact]:
        """The facts."""
        return [ReceiptFact(title=say(info, title), value=say(info, shown)) for title, shown in self.source.facts]

    @strawberry.field(description="Every step of the book, in the order of its text.")
    def lines(self, info: strawberry.Info) -> list[ReceiptLine]:
        """Every step."""
        return [line_of(info, line) for line in self.source.lines]

    @strawberry.field(description="The numbers that the book read, and who set them.")
    def authorities(self, info: strawberry.Info) -> list[Authority]:
        """The numbers and who set them."""
        return [authority(info, own) for own in self.source.authorities]


@strawberry.type(description="The answer for one household: why this amount, why not.")
class Receipt(ReceiptResult):
    """The answer for one household."""

    @strawberry.field(description="Whether the household applied.")
    def applied(self) -> bool:
        """Whether the household applied."""
        return bool(self.source.applied)

    @strawberry.field(description="The results before this one, the latest first.")
    def earlier(self) -> list[ReceiptResult]:
        """The results before this one."""
        return [ReceiptResult(source=own) for own in self.source.earlier]

    @strawberry.field(description="Who takes part in the case, as far as in sight, and whether they are counted.")
    def took_part(self, info: strawberry.Info) -> list[ReceiptParticipant]:
        """Who takes part in the case."""
        return [
            ReceiptParticipant(
                number=own.number,
                role=say(info, own.role),
                counted=own.counted,
                why_not=[say(info, text) for text in own.why_not],
            )
            for own in self.source.took_part
        ]

    @strawberry.field(description="What organizations are asked to attest of the case, and what they answered.")
    def attested(self, info: strawberry.Info) -> list[ReceiptAttestation]:
        """What organizations attest."""
        return [
            ReceiptAttestation(
                title=say(info, own.title),
                organization=say(info, own.organization),
                asked_on=own.asked_on,
                attested=own.attested,
                answered_on=own.answered_on,
                note=own.note,
                words=say(info, own.text),
            )
            for own in self.source.attested
        ]

    @strawberry.field(description="What happened to the case, in order.")
    def history(self, info: strawberry.Info) -> list[ReceiptStep]:
        """What happened."""
        return [
            ReceiptStep(
                act=say(info, step.act),
                officer=step.officer,
                duty=say(info, step.duty),
                effective_on=step.effective_on,
                recorded_at=step.recorded_at,
                late_days=step.late_days,
                note=step.note,
            )
            for step in self.source.history
        ]


def line_of(info: strawberry.Info, line: explain.Line) -> ReceiptLine:
    """A step of a decision in the caller's language."""
    return ReceiptLine(
        name=line.name,
        kind=line.kind,
        cites=line.cites,
        says=say(info, line.says),
        result=say(info, line.result),
        met=line.met,
        arithmetic=[say(info, text) for text in line.arithmetic],
        misses=[
            Miss(
                what=say(info, miss.what),
                value=say(info, miss.value),
                needed=say(info, miss.needed),
                gap=say(info, miss.gap) if miss.gap else None,
            )
            for miss in line.misses
        ],
    )


def authority(info: strawberry.Info, own: receipts.Authority) -> Authority:
    """The value of a parameter in the caller's language."""
    whose: Any = Whose(own.whose.value)
    return Authority(
        title=say(info, own.title),
        value=say(info, own.value),
        since=own.since,
        whose=whose,
        document=own.document,
        clause=own.clause,
    )
