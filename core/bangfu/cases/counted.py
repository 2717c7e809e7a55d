"""Who took part in a case and was counted, and why somebody was not, as it was known when the case was determined.

The answers of those who take part are theirs to give until the case is paid and are told as they stand; register and
ledger are told as they were known when the determination was made.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from bangfu.access import Entered
from bangfu.cases.gather import Weighed
from bangfu.cases.ground import Rules
from bangfu.db.bulk import among
from bangfu.models import Case, Household, IncomeLine, Membership, Participant, Standing
from bangfu.policy import Window
from bangfu.programme import STANDINGS
from bangfu.registry.history import held
from bangfu.rules.facts import (
    Condition,
    Count,
    NetStablePerPerson,
    SameVillage,
    Signed,
    StandingIn,
    Vouched,
)
from bangfu.text import Text, join, money


@dataclass(frozen=True, slots=True)
class TookPart:
    """A household that takes part in a case: its number, in which role, whether it is counted, and each reason why it
    is not."""

    number: str
    role: Text
    counted: bool
    why_not: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """A case whose participants are to be told: by which rules and of which instant."""

    case: UUID
    rules: Rules
    known_at: datetime


async def took_part(session: AsyncSession, who: Entered, cases: Sequence[Judged]) -> dict[UUID, tuple[TookPart, ...]]:
    """Who takes part in cases, in the order of household numbers; four statements at most, whatever their number.

    Only who is in sight is told.
    """
    asked = {one.case: one for one in cases if one.rules.programme.participants}
    if not asked:
        return {}
    tenant = who.county.id
    applicant = aliased(Household)
    query = (
        select(Participant, Household.number, Household.division, applicant.division)
        .join(Household, (Household.tenant_id == tenant) & (Household.id == Participant.household_id))
        .join(Case, (Case.tenant_id == tenant) & (Case.id == Participant.case_id))
        .join(applicant, (applicant.tenant_id == tenant) & (applicant.id == Case.household_id))
        .where(Participant.tenant_id == tenant, among(Participant.case_id, asked), Participant.left_at.is_(None))
        .order_by(Participant.case_id, Participant.role, Household.number)
    )
    rows = (await session.execute(query)).all()
    known = await _Known.read(session, tenant, {row[0].household_id for row in rows})
    found: dict[UUID, tuple[TookPart, ...]] = {}
    for row, number, own, theirs in rows:
        judged = asked[row.case_id]
        told = _told(judged, row, number, own == theirs, known)
        found[row.case_id] = (*found.get(row.case_id, ()), told)
    return found


def _told(judged: Judged, row: Participant, number: str, same_village: bool, known: _Known) -> TookPart:
    rules = judged.rules
    conditions = [
        condition
        for spec in rules.book.traced().facts.values()
        if isinstance(spec.source, Count) and spec.source.role == row.role
        for condition in spec.source.where
    ]
    windows = {one.window for one in conditions if isinstance(one, NetStablePerPerson)}
    weighed = Weighed(
        row,
        same_village,
        known.registered(row.household_id, rules.period.reference_day, judged.known_at),
        {window: known.net(row.household_id, _days(rules, window), judged.known_at) for window in windows},
    )
    missed = [one for one in conditions if not weighed.meets(one, rules.parameters)]
    why_not = tuple(dict.fromkeys(_why(rules, weighed, one) for one in missed))
    role = next(role for role in rules.programme.participants if role.code == row.role)
    return TookPart(number, role.title, not missed, why_not)


def _days(rules: Rules, window: str) -> tuple[date, date]:
    span: Window = getattr(rules.parameters, window)
    return span.in_year(rules.period.year)


def _why(rules: Rules, weighed: Weighed, condition: Condition) -> Text:
    """Why a condition is not met, in words, and by how much where there is a distance."""
    match condition:
        case SameVillage():
            return Text("不在申报户所在村", "it is not of the applicant's village")
        case StandingIn(standings):
            named: Collection[Any] = getattr(rules.parameters, standings) if isinstance(standings, str) else standings
            codes = [code for code in STANDINGS if code in {str(one) for one in named}]
            wanted, own = join([STANDINGS[code] for code in codes]), weighed.registered.get("standing")
            if own is None:
                return Text("登记册没有其户类型", "the register does not say its standing")
            return Text(
                f"户类型为{STANDINGS[own].zh},应为{wanted.zh}",
                f"its standing is {STANDINGS[own].en}, had to be {wanted.en}",
            )
        case NetStablePerPerson(window, at_least):
            members = weighed.registered.get("members", 0)
            if not members:
                return Text("登记册没有其家庭成员", "the register has no member of it")
            line, net = getattr(rules.parameters, at_least), weighed.incomes.get(window, 0)
            needed, gap, title = members * line, members * line - net, rules.programme.titles()[at_least]
            a, b, c, d = money(net), money(needed), money(gap), money(line)
            return Text(
                f"稳定性纯收入 {a.zh},{members} 人按“{title.zh}”{d.zh} 应达 {b.zh},差 {c.zh}",
                f"its stable net income is {a.en}; for {members} members at {d.en} ({title.en}) it had to be {b.en}, "
                f"short by {c.en}",
            )
        case Signed():
            if weighed.row.agreed is False:
                return Text("该户不认可", "it did not agree")
            return Text("该户尚未签字认可", "it has not signed yet")
        case Vouched():
            if weighed.row.vouched is False:
                return Text("联户干部核实不属实", "its linked cadre found it not to be so")
            return Text("联户干部尚未核实", "its linked cadre has not confirmed it yet")
    raise TypeError(f"{condition!r} is no condition")


@dataclass(frozen=True, slots=True)
class _Known:
    """Register and ledger of some households with every instant at which they were known."""

    rows: Mapping[type, Mapping[UUID, Sequence[Any]]]

    @classmethod
    async def read(cls, session: AsyncSession, tenant: int, households: Collection[UUID]) -> _Known:
        """Read it in three statements."""

        async def rows(model: Any, *columns: Any) -> dict[UUID, list[Any]]:
            query = select(model.household_id, model.known_from, model.known_to, *columns)
            found: dict[UUID, list[Any]] = {}
            for row in await session.execute(
                query.where(model.tenant_id == tenant, among(model.household_id, households))
            ):
                found.setdefault(row.household_id, []).append(row)
            return found

        return cls(
            {
                Standing: await rows(Standing, Standing.valid_from, Standing.valid_to, Standing.standing),
                Membership: await rows(Membership, Membership.valid_from, Membership.valid_to),
                IncomeLine: await rows(
                    IncomeLine, IncomeLine.day, IncomeLine.gross_fen, IncomeLine.cost_fen, IncomeLine.stable
                ),
            }
        )

    def registered(self, household: UUID, on: date, known_at: datetime) -> dict[str, Any]:
        """Its standing and its number of members on a day, as known at an instant; what is not known is not there."""

        def holding(model: type) -> list[Any]:
            return [row for row in self._known(model, household, known_at) if held(row, on)]

        found: dict[str, Any] = {}
        for row in holding(Standing):
            found["standing"] = row.standing
        if members := len(holding(Membership)):
            found["members"] = members
        return found

    def net(self, household: UUID, days: tuple[date, date], known_at: datetime) -> int:
        """Its stable net income within days, both included, as known at an instant."""
        first, last = days
        return sum(
            row.gross_fen - row.cost_fen
            for row in self._known(IncomeLine, household, known_at)
            if row.stable is True and row.cost_fen is not None and first <= row.day <= last
        )

    def _known(self, model: type, household: UUID, known_at: datetime) -> list[Any]:
        return [
            row
            for row in self.rows[model].get(household, ())
            if row.known_from <= known_at and (row.known_to is None or known_at < row.known_to)
        ]
