"""Facts as the rule book wants them, read for one household or thousands in the same two statements.

Each fact says where it comes from; everything is as of the period's reference day and as known at one instant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, and_, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.cases.ground import Rules
from bangfu.db.bulk import among
from bangfu.models import IncomeLine, Standing
from bangfu.policy import Window
from bangfu.registry.history import holds
from bangfu.rules.facts import FactSpec, Income, Kind, Registry, Stated


@dataclass(frozen=True, slots=True)
class Gathered:
    """The facts of some households: one list a fact, in the order of the households; None is unknown.

    ``counted_to`` is the last day of income that was counted for each, or None where there was none.
    """

    facts: dict[str, list[Any]]
    counted_to: list[date | None]


_COUNTED_TO = "counted to"
_REGISTRY = {"standing": Standing.standing, "exit_year": Standing.exit_year}


async def gather(
    session: AsyncSession,
    tenant: int,
    rules: Rules,
    households: Sequence[UUID],
    stated: Sequence[Mapping[str, Any]],
    known_at: datetime,
) -> Gathered:
    """The facts of households as known at an instant; ``stated`` holds what each of them stated, in raw form."""
    specs = rules.book.traced().facts
    registered = await _registered(session, tenant, rules, households, known_at)
    incomes = await _incomes(session, tenant, rules, households, known_at)
    columns: dict[str, list[Any]] = {}
    for name, spec in specs.items():
        if isinstance(spec.source, Registry):
            attribute = spec.source.attribute
            columns[name] = [registered.get(household, {}).get(attribute) for household in households]
        elif isinstance(spec.source, Income):
            columns[name] = [incomes.get(household, {}).get(name, 0) for household in households]
        else:
            columns[name] = [own.get(name) for own in stated]
    return Gathered(columns, [incomes.get(household, {}).get(_COUNTED_TO) for household in households])


async def _registered(
    session: AsyncSession, tenant: int, rules: Rules, households: Sequence[UUID], known_at: datetime
) -> dict[UUID, Mapping[str, Any]]:
    wanted = {spec.source.attribute for spec in rules.book.traced().facts.values() if isinstance(spec.source, Registry)}
    if not wanted:
        return {}
    query = select(Standing.household_id, *(_REGISTRY[name].label(name) for name in sorted(wanted))).where(
        Standing.tenant_id == tenant,
        among(Standing.household_id, households),
        holds(Standing, rules.period.reference_day, known_at),
    )
    return {row.household_id: row._asdict() for row in await session.execute(query)}


async def _incomes(
    session: AsyncSession, tenant: int, rules: Rules, households: Sequence[UUID], known_at: datetime
) -> dict[UUID, Mapping[str, Any]]:
    columns: list[Any] = []
    days = []
    for name, spec in rules.book.traced().facts.items():
        if isinstance(spec.source, Income):
            window: Window = getattr(rules.parameters, spec.source.window)
            first, last = window.in_year(rules.period.year)
            counted = and_(IncomeLine.category == spec.source.category, IncomeLine.day.between(first, last))
            total = func.coalesce(func.sum(IncomeLine.gross_fen).filter(counted), 0)
            columns.append(cast(total, BigInteger).label(name))
            days.append(counted)
    if not columns:
        return {}
    columns.append(func.max(IncomeLine.day).filter(or_(*days)).label(_COUNTED_TO))
    query = (
        select(IncomeLine.household_id, *columns)
        .where(
            IncomeLine.tenant_id == tenant,
            among(IncomeLine.household_id, households),
            IncomeLine.known_from <= known_at,
            IncomeLine.known_to.is_(None) | (IncomeLine.known_to > known_at),
        )
        .group_by(IncomeLine.household_id)
    )
    return {row.household_id: row._asdict() for row in await session.execute(query)}


def typed(rules: Rules, raw: Mapping[str, Any]) -> Any:
    """The programme's ``Facts`` of one household from raw values."""
    specs = rules.book.traced().facts
    return rules.programme.facts(**{name: _typed(spec, raw[name]) for name, spec in specs.items()})


def raw_stated(specs: Mapping[str, FactSpec], facts: Mapping[str, Any]) -> dict[str, Any]:
    """What an applicant states, in raw form; only facts that may be stated are kept."""
    return {
        name: sorted(value) if spec.kind is Kind.CHOICES else value
        for name, value in facts.items()
        if isinstance((spec := specs[name]).source, Stated)
    }


def _typed(spec: FactSpec, value: Any) -> Any:
    if value is None or spec.choices is None:
        return value
    if spec.kind is Kind.CHOICES:
        return frozenset(spec.choices(item) for item in value)
    return spec.choices(value)
