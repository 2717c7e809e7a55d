"""The months of a case that is paid every month: what each came to and why, what became known later, how it was
paid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import strawberry

from bangfu import models
from bangfu.cases import month_receipts
from bangfu.payments import Kind
from bangfu.process import Withheld
from bangfu_graphql.identifiers import bad_input
from bangfu_graphql.mapping import MAPPING, Gathered, answered
from bangfu_graphql.receipts import ReceiptResult
from bangfu_graphql.requests import say
from bangfu_graphql.scalars import Money, described

described(Withheld, "Withheld", "Why nothing is due of a month although the facts would give it 停发原因.")


@strawberry.type(description="A fact that is otherwise than when the month was decided before.")
class MonthFactChange:
    """A fact that is otherwise than when the month was decided before."""

    title: str = strawberry.field(description="What it is.")
    was: str = strawberry.field(description="What it was.")
    now: str = strawberry.field(description="What it is now.")


@strawberry.type(
    description="What a month of a case came to 月度核定, by what was known at an instant, with everything that "
    "explains it. Never changed: what becomes known later makes the next one."
)
class MonthDecision(ReceiptResult):
    """What a month of a case came to."""

    decision: strawberry.Private[month_receipts.Decided]

    @strawberry.field(description="Which decision of the month it is, counted from 1; 0 for one that is kept nowhere.")
    def number(self) -> int:
        """Which decision of the month it is."""
        return self.decision.number

    @strawberry.field(description="What is due of the month by it; 0.00 where it is withheld.")
    def amount(self) -> Money:
        """What is due of the month by it."""
        return Money(self.decision.amount_fen)

    @strawberry.field(
        description="Why nothing is due although the facts would give it; null where nothing stands in the way."
    )
    def withheld(self) -> Withheld | None:
        """Why nothing is due."""
        return self.decision.withheld

    @strawberry.field(description="What is due by it, and why nothing is, in one sentence.")
    def words(self, info: strawberry.Info) -> str:
        """All of it in one sentence."""
        return say(info, self.decision.text)

    @strawberry.field(description="The facts that were otherwise in the decision before it; empty for the first one.")
    def changes(self, info: strawberry.Info) -> list[MonthFactChange]:
        """The facts that changed."""
        return [
            MonthFactChange(title=say(info, change.title), was=say(info, change.was), now=say(info, change.now))
            for change in self.decision.changes
        ]


def decision_of(decided: month_receipts.Decided) -> MonthDecision:
    """A decision as the API shows it."""
    return MonthDecision(source=decided.result, decision=decided)


@strawberry.type(description="A line of a month: what was due, was added, or is to be paid back, and how it was paid.")
class MonthLine:
    """A line of a month."""

    kind: Kind = strawberry.field(description="Whether it is what was due, arrears, or a recovery.")
    amount: Money = strawberry.field(description="How much; less than zero if it is to be paid back.")
    due_on: date = strawberry.field(description="The day since which it is due.")
    reason: str = strawberry.field(description="Why it was added or taken back; empty for what was due at first.")
    batch: int | None = strawberry.field(
        description="The number of the batch that paid it; null while none has been released, or where it is out of "
        "sight."
    )
    paid: Money = strawberry.field(description="What was paid of it.")
    set_off: Money = strawberry.field(
        description="What the payment was less for what was to be paid back; of a recovery, what later payments were "
        "less for it 抵扣."
    )
    repaid: Money = strawberry.field(description="What was paid back of a recovery by hand.")
    paid_on: date | None = strawberry.field(description="The day it was paid; null while it is not.")
    returned: bool = strawberry.field(description="Whether the bank sent it back.")


@strawberry.type(description="One month of a case that is paid every month.")
class CaseMonth:
    """One month of a case."""

    month: strawberry.Private[month_receipts.Month]

    @strawberry.field(description="Which month of the year it is.")
    def number(self) -> int:
        """Which month it is."""
        return self.month.number

    @strawberry.field(description="The month, in words.")
    def title(self, info: strawberry.Info) -> str:
        """The month, in words."""
        return say(info, self.month.title)

    @strawberry.field(
        description="What is due of it and was paid of it, and why nothing is due where something stands in the way, "
        "in one sentence."
    )
    def words(self, info: strawberry.Info) -> str:
        """All of it in one sentence."""
        return say(info, self.month.text)

    @strawberry.field(description="What is due of it: what its last decision says.")
    def due(self) -> Money:
        """What is due of it."""
        return Money(self.month.due_fen)

    @strawberry.field(description="What was paid of it and did not come back, with what was set off.")
    def paid(self) -> Money:
        """What was paid of it."""
        return Money(self.month.paid_fen)

    @strawberry.field(description="Its decisions, the last one first; that one stands.")
    def decisions(self) -> list[MonthDecision]:
        """Its decisions."""
        return [decision_of(own) for own in self.month.decisions]

    @strawberry.field(description="Its lines, in the order in which they were made.")
    def lines(self) -> list[MonthLine]:
        """Its lines."""
        return [
            MonthLine(
                kind=line.kind,
                amount=Money(line.amount_fen),
                due_on=line.due_on,
                reason=line.reason,
                batch=line.batch,
                paid=Money(line.paid_fen),
                set_off=Money(line.set_off_fen),
                repaid=Money(line.repaid_fen),
                paid_on=line.paid_on,
                returned=line.returned,
            )
            for line in self.month.lines
        ]


async def _months(reader: Any, rows: Sequence[Mapping[str, Any]], arguments: Mapping[str, Any]) -> list[Any]:
    """The months of each case, in statements that grow with the number of different periods only."""
    sight, known_at = reader.sight, arguments.get("known_at")
    known_at = None if known_at is strawberry.UNSET else known_at
    if known_at is not None and known_at > sight.who.at.now:
        raise bad_input("`knownAt` is an instant to come; nothing is known as of then.")
    grounds = await reader.grounds()
    theirs: dict[tuple[str, str], list[UUID]] = {}
    for row in rows:
        key = (row["programme"], row["period"])
        if sight.programmes[row["programme"]].process.monthly is not None:
            theirs.setdefault(key, []).append(row["id"])
    found: dict[UUID, tuple[month_receipts.Month, ...]] = {}
    for key, ids in sorted(theirs.items()):
        found |= await month_receipts.told(reader.now, sight.who, grounds[key], ids, known_at)
    return [[CaseMonth(month=own) for own in found.get(row["id"], ())] for row in rows]


def months_field() -> Any:
    """The field of a case that tells its months."""
    return strawberry.field(
        description="Its months in their order, where it is paid every month 按月发放; empty where it is not. With an "
        "instant, as they were on record then.",
        resolver=answered(
            {"known_at": (datetime | None, "As they were on record at this instant; now unless stated.")},
            list[CaseMonth],
        ),
        metadata={MAPPING: Gathered((models.Case.id, models.Case.programme, models.Case.period), _months)},
    )
