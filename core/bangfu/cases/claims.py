"""What may be had once 限领: taken before the case goes on that claims it, so that of two at once only one has it.

A household, or the person whom a case is for, claims for itself when the case leaves the stages at which nothing is
public yet, and gives it back when the case ends unpaid. Those who take part in a case are claimed with its plan and
given back when it is withdrawn or not selected.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import and_, delete, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Entered
from bangfu.calendar import Period
from bangfu.cases.ground import Rules
from bangfu.cases.whom import Whom
from bangfu.db.bulk import among, insert_new
from bangfu.errors import Code, Problem
from bangfu.models import Claim
from bangfu.process import NOT_SELECTED, REFUSED, STOPPED, WITHDRAWN
from bangfu.programme import ClaimOf, ClaimSpec, Span
from bangfu.text import Text

CASE = "case"
"""The claim of a beneficiary to its one case a period; it stays with the case whatever becomes of it."""

SPANS = {
    Span.PERIOD: Text("本期", "this period"),
    Span.YEAR: Text("本年度", "this plan year"),
    Span.EVER: Text("此前或目前", "at any time"),
}


def span_key(span: Span, period: Period) -> str:
    """What the claims of one span have in common."""
    return {Span.PERIOD: period.key, Span.YEAR: str(period.year), Span.EVER: ""}[span]


@dataclass(frozen=True, slots=True)
class Claiming:
    """Who is claimed for a case: a household or a person for itself, or a household because it takes part in it."""

    spec: ClaimSpec
    case: UUID
    whose: UUID
    division: int

    def key(self, rules: Rules) -> tuple[str, str, str]:
        """What nobody else can have: the kind, whose it is and the span."""
        return self.spec.kind, str(self.whose), span_key(self.spec.period, rules.period)

    def row(self, tenant: int, rules: Rules) -> dict[str, Any]:
        """It, as a row to keep."""
        kind, key, period = self.key(rules)
        return {
            "tenant_id": tenant,
            "programme": rules.programme.code,
            "kind": kind,
            "key": key,
            "period": period,
            "case_id": self.case,
            "division": self.division,
        }


def own(rules: Rules, case: UUID, whom: Whom, division: int) -> list[Claiming]:
    """What a household, and the person whom the case is for, claim for themselves by going on with it."""
    theirs = {ClaimOf.HOUSEHOLD: whom.household, ClaimOf.PERSON: whom.person}
    return [
        Claiming(spec, case, whose, division)
        for per, whose in theirs.items()
        if whose is not None
        for spec in _asked(rules, per)
    ]


def of_participants(rules: Rules, case: UUID, role: str, households: Iterable[tuple[UUID, int]]) -> list[Claiming]:
    """What is claimed by those who take part in a case in a role (each with its village)."""
    specs = [spec for spec in _asked(rules, ClaimOf.PARTICIPANT) if spec.role == role]
    return [Claiming(spec, case, household, village) for spec in specs for household, village in households]


def _asked(rules: Rules, per: ClaimOf) -> list[ClaimSpec]:
    return [
        spec
        for spec in rules.programme.claims
        if spec.per is per and not (spec.unless and spec.unless.holds(rules.parameters))
    ]


Held = dict[tuple[str, str, str], UUID]
"""Which case has each claim, by kind, whose it is and span."""


async def held(session: AsyncSession, who: Entered, rules: Rules, whose: Iterable[UUID]) -> Held:
    """Who has the claims of some households and persons, in one statement."""
    keys = [str(one) for one in whose]
    if not keys or not rules.programme.claims:
        return {}
    found = await session.execute(
        select(Claim.kind, Claim.key, Claim.period, Claim.case_id).where(
            Claim.tenant_id == who.county.id, Claim.programme == rules.programme.code, among(Claim.key, keys)
        )
    )
    return {(row.kind, row.key, row.period): row.case_id for row in found}


def lost(rules: Rules, wanted: Iterable[Claiming], has: Held) -> list[Claiming]:
    """Those of the wanted claims that another case has."""
    return [one for one in wanted if has.get(one.key(rules), one.case) != one.case]


async def take(session: AsyncSession, who: Entered, rules: Rules, wanted: Sequence[Claiming]) -> list[Claiming]:
    """Take what is wanted; those that another case has, and that were not taken. Taking an own claim again is nothing.

    All are taken in one order, so that two who want the same wait for each other and never in a circle.
    """
    if not wanted:
        return []
    ordered = sorted(wanted, key=lambda one: one.key(rules))
    await insert_new(session, Claim, [one.row(who.county.id, rules) for one in ordered], "case_id")
    return lost(rules, ordered, await held(session, who, rules, {one.whose for one in ordered}))


async def give_back(
    session: AsyncSession, who: Entered, rules: Rules, ended: Mapping[UUID, str], left: Iterable[Claiming] = ()
) -> None:
    """Give back what cases claimed that came to an end (by id, the end) without being due anything, and what is claimed
    for those who no longer take part (``left``)."""
    conditions = []
    for per, ends in _GIVEN_BACK.items():
        kinds = [spec.kind for spec in rules.programme.claims if spec.per is per]
        cases = [case for case, end in ended.items() if end in ends]
        if kinds and cases:
            conditions.append(and_(Claim.kind.in_(kinds), among(Claim.case_id, cases)))
    gone = [(one.spec.kind, str(one.whose), one.case) for one in left]
    if gone:
        conditions.append(tuple_(Claim.kind, Claim.key, Claim.case_id).in_(gone))
    if conditions:
        await session.execute(
            delete(Claim)
            .where(Claim.tenant_id == who.county.id, Claim.programme == rules.programme.code, or_(*conditions))
            .execution_options(synchronize_session=False)
        )


_GIVEN_BACK = {
    ClaimOf.HOUSEHOLD: frozenset({REFUSED, NOT_SELECTED, WITHDRAWN, STOPPED}),
    ClaimOf.PERSON: frozenset({REFUSED, NOT_SELECTED, WITHDRAWN, STOPPED}),
    ClaimOf.PARTICIPANT: frozenset({NOT_SELECTED, WITHDRAWN}),
}


def refusal(one: Claiming, number: str) -> Problem:
    """That a household or a person counts for another case already."""
    kind = "person" if one.spec.per is ClaimOf.PERSON else "household"
    return Code.TAKEN_PART.problem(kind, number=number, title=one.spec.title, span=SPANS[one.spec.period])
