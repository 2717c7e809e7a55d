"""重新判定: a determination that something was paid on, made again by what is known now.

It is made at its own stage and for its own day: who died after an award was accepted had a right to it. What was paid
too much (:mod:`~bangfu.cases.overpaid`) and what follows from it (:mod:`~bangfu.cases.adjusting`) are both told from
this, so that the list and the arrears and recoveries name the same sums.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import CHINA, Entered
from bangfu.cases.gather import At, Subject, gather, typed
from bangfu.cases.ground import Rules
from bangfu.cases.instalments import Part
from bangfu.cases.receipts import stored
from bangfu.db.bulk import among
from bangfu.models import DeterminationRow
from bangfu.process import Pay
from bangfu.rules.book import Determination, Outcome


@dataclass(frozen=True, slots=True)
class Remade:
    """A determination as it was kept, and as it comes out by what is known now.

    ``facts`` are in raw form, ``counted_to`` the last day of income that counts now. ``rules`` are those that it was
    made by this time.
    """

    row: DeterminationRow
    rules: Rules
    now: Determination
    facts: Mapping[str, Any]
    counted_to: date | None

    @property
    def differs(self) -> bool:
        """Whether it comes to something else than it did."""
        return (self.now.outcome, self.now.payable) != (Outcome(self.row.outcome), self.row.payable_fen)


async def remake(
    session: AsyncSession,
    who: Entered,
    determinations: Collection[UUID],
    subjects: Mapping[UUID, Subject],
    rules_of: Callable[[DeterminationRow], Rules],
) -> dict[UUID, Remade]:
    """Some determinations, each made again, by their ids; set-based by rules and stage.

    ``subjects`` says whom each case is of, ``rules_of`` by which rules a determination is made now. A value that cannot
    be counts as one that is not known.
    """
    query = select(DeterminationRow).where(
        DeterminationRow.tenant_id == who.county.id, among(DeterminationRow.id, determinations)
    )
    kept = await session.scalars(query)
    alike: dict[tuple[UUID, str], tuple[Rules, list[DeterminationRow]]] = {}
    for row in kept:
        rules = rules_of(row)
        alike.setdefault((rules.id, row.stage), (rules, []))[1].append(row)
    made: dict[UUID, Remade] = {}
    for (_, stage), (rules, own) in alike.items():
        at = At(stage, who.at.today, who.at.now)
        judged = [subjects[row.case_id].judged(decided_on(row)) for row in own]
        gathered = await gather(session, who.county.id, rules, judged, at)
        bounded = {spec.name: spec for spec in rules.book.traced().bounded}
        for index, row in enumerate(own):
            facts = {name: column[index] for name, column in gathered.facts.items()}
            for name, spec in bounded.items():
                if facts[name] is not None and not spec.lowest <= facts[name] <= spec.largest:
                    facts[name] = None
            same = rules.id == row.edition_id and facts == row.facts
            now = stored(rules, row) if same else rules.book.decide(typed(rules, facts), rules.parameters)
            made[row.id] = Remade(row, rules, now, facts, gathered.counted_to[index])
    return made


def behind(parts: Iterable[Sequence[Part]]) -> set[UUID]:
    """The determinations that some parts rest on."""
    return {part.determination for own in parts for part in own}


def decided_on(row: DeterminationRow) -> date:
    """The day that a determination was made on, in China."""
    return row.known_at.astimezone(CHINA).date()


def right_fen(parts: Sequence[Part], made: Mapping[UUID, Remade]) -> int | None:
    """What the parts of an award ought to come to in fen, each by its own determination as it comes out now; None where
    one cannot be told because something is missing."""
    due: dict[int, int] = {}
    for part in parts:
        one = made[part.determination]
        if one.now.outcome is Outcome.INCOMPLETE:
            return None
        stages = {stage.instalment: stage for stage in one.rules.programme.process.kind(Pay)}
        amount = one.rules.proceedings.due(stages[part.number], one.now.payable, due)
        due[part.number] = amount if one.now.outcome is Outcome.ELIGIBLE else 0
    return sum(due.values())
