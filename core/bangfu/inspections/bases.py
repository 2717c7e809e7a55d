"""Who is a base 扶贫(就业)基地, and of which level: registered by one person of the federation, confirmed by another.

Every act on bases is the federation's, over the whole county; a base's own agent sees it, and answers for findings.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import audit
from bangfu.access import Entered
from bangfu.cases.charges import ACTIONS, Acting, found, numbers_on, require_answer
from bangfu.cases.views import Stated
from bangfu.db import hold
from bangfu.db.bulk import insert_new, update_all
from bangfu.errors import Code, Refused
from bangfu.inspections.standing import BaseState, state_of
from bangfu.models import Organization, SupportBase, new_id
from bangfu.policy import LARGEST_WHOLE
from bangfu.programme import InspectionAct, InspectionProgramme
from bangfu.text import Text, join

WHAT = Text("扶贫(就业)基地", "the base")


@dataclass(frozen=True, slots=True)
class Persons:
    """How many persons with disabilities a base employs 安置 and leads 辐射带动, and how many of them all are poor and
    of a village 农村贫困残疾人."""

    placed: int
    led: int
    poor: int

    def require_fit(self) -> None:
        """Refuse ``BAD_VALUE`` for numbers that cannot be."""
        for name, value, most in (
            ("placed", self.placed, LARGEST_WHOLE),
            ("led", self.led, LARGEST_WHOLE - self.placed),
            ("poor", self.poor, self.placed + self.led),
        ):
            if not 0 <= value <= most:
                expected = Text(f"0 至 {most}", f"0 to {most}")
                raise Code.BAD_VALUE.refuse(
                    "persons", name, field=Text("人数", "persons"), value=value, expected=expected
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What is said of a base: which organization it is, of which level, whether it is a rural one, and whom it
    serves. ``division`` is where it lies, where that is not where the organization does."""

    credit_code: str
    level: str
    rural: bool
    persons: Persons
    division: int | None = None


async def register(
    session: AsyncSession, who: Entered, programme: InspectionProgramme, base: Registration, stated: Stated
) -> UUID:
    """Register an organization of the county as a base; it is none until another person has confirmed it.

    Refuses ``FORBIDDEN``, ``PROGRAMME_OFF``, ``WHOLE_COUNTY_NEEDED``, ``NOT_YOUR_DUTY``, what is wrong with the day,
    ``NOT_FOUND`` for an organization that the county does not know, ``BAD_VALUE`` for one of a kind that is no base, a
    level that the county does not have or numbers that cannot be, ``DIVISION_UNKNOWN``, and ``BASE_REGISTERED``.
    """
    acting = await Acting.of(session, who, programme, InspectionAct.REGISTER_BASE)
    who.require_whole_county()
    columns = acting.by(stated)
    query = select(Organization).where(
        Organization.tenant_id == who.county.id, Organization.credit_code == base.credit_code.strip().upper()
    )
    organization = await session.scalar(query)
    if organization is None:
        raise Code.NOT_FOUND.refuse("credit_code", what=base.credit_code)
    if organization.kind not in programme.organizations:
        expected = Text(
            "企业、合作社、事业单位或培训基地", "an enterprise, a cooperative, an institution or a training base"
        )
        raise Code.BAD_VALUE.refuse(
            "credit_code", field=Text("单位类型", "kind"), value=organization.kind, expected=expected
        )
    numbers = await numbers_on(session, acting, stated, programme.levels_in_use)
    _require_level(programme, base.level, numbers[programme.levels_in_use].value)
    base.persons.require_fit()
    lo, hi = who.county.area
    division = base.division or organization.division or lo
    if not lo <= division <= hi:
        raise Code.DIVISION_UNKNOWN.refuse("division", value=division)
    made = new_id()
    row = {
        "tenant_id": who.county.id, "id": made, "programme": programme.code, "organization_id": organization.id,
        "division": division, "level": base.level, "rural": base.rural, "placed": base.persons.placed,
        "led": base.persons.led, "poor": base.persons.poor, "reason": "", **columns,
    }  # fmt: skip
    if not await insert_new(session, SupportBase, [row], "id"):
        raise Code.BASE_REGISTERED.refuse("credit_code", name=organization.name)
    await note(session, who, InspectionAct.REGISTER_BASE, f"base/{made}", programme)
    return made


def _require_level(programme: InspectionProgramme, level: str, in_use: frozenset[str]) -> None:
    if level not in in_use:
        expected = join([one.title for one in programme.levels if one.code in in_use])
        raise Code.BAD_VALUE.refuse("level", field=Text("基地级别", "level"), value=level, expected=expected)


async def base_of(
    session: AsyncSession, who: Entered, programme: InspectionProgramme, id: UUID, *, alone: bool = True
) -> SupportBase:
    """A base of the programme in sight, at which nobody else is until the transaction ends if ``alone``; refuses
    ``NOT_FOUND``."""
    if alone:
        await hold(session, f"base/{id}")
    row: SupportBase | None = (await found(session, who, SupportBase, [id])).get(id)
    if row is None or row.programme != programme.code:
        raise Code.NOT_FOUND.refuse("base", what=WHAT)
    return row


def wrong_state(what: Text, state: Text, act: InspectionAct) -> Refused:
    """The refusal of an act for which it is not the time."""
    return Code.INSPECTION_STATE.refuse("id", what=what, state=state, act=act.title_text)


async def confirm(
    session: AsyncSession, who: Entered, programme: InspectionProgramme, id: UUID, stated: Stated, *, passed: bool
) -> None:
    """Say whether an organization that was registered is a base; one that is not says why, and may be registered again.

    Refuses ``FORBIDDEN``, ``PROGRAMME_OFF``, ``WHOLE_COUNTY_NEEDED``, ``NOT_YOUR_DUTY``, what is wrong with the day,
    ``NOT_FOUND``, ``INSPECTION_STATE``, ``SAME_PERSON`` to who registered it or typed that in, ``REASON_NEEDED`` and
    ``BEFORE_PREVIOUS_STEP``.
    """
    acting = await Acting.of(session, who, programme, InspectionAct.CONFIRM_BASE)
    who.require_whole_county()
    columns = acting.by(stated)
    base = await base_of(session, who, programme, id)
    if (state := state_of(base)) is not BaseState.REGISTERED:
        raise wrong_state(WHAT, state.title_text, InspectionAct.CONFIRM_BASE)
    require_answer(acting, columns, base, stated, Text("登记人", "who registered it"), agrees=passed)
    answer = {
        "confirmed": passed, "reason": stated.reason, "confirmed_by": columns["officer_id"],
        "confirmed_on": columns["effective_on"], "confirmed_at": who.at.now,
    }  # fmt: skip
    await update_all(session, SupportBase, [id], answer)
    await note(session, who, InspectionAct.CONFIRM_BASE, f"base/{id}", programme, stated.reason, passed=passed)


async def end(session: AsyncSession, who: Entered, programme: InspectionProgramme, id: UUID, stated: Stated) -> None:
    """End a base 注销, with the reason: it counts no more from that day on, and may be registered anew, of another
    level if need be. Its assessments and subsidies stay.

    Refuses ``FORBIDDEN``, ``PROGRAMME_OFF``, ``WHOLE_COUNTY_NEEDED``, ``NOT_YOUR_DUTY``, what is wrong with the day,
    ``REASON_NEEDED``, ``NOT_FOUND``, ``INSPECTION_STATE`` and ``BEFORE_PREVIOUS_STEP``.
    """
    acting = await Acting.of(session, who, programme, InspectionAct.END_BASE)
    who.require_whole_county()
    columns = acting.by(stated)
    if not stated.reason.strip():
        raise Code.REASON_NEEDED.refuse("reason")
    base = await base_of(session, who, programme, id)
    if (state := state_of(base)) is not BaseState.CONFIRMED or base.confirmed_on is None:
        raise wrong_state(WHAT, state.title_text, InspectionAct.END_BASE)
    if columns["effective_on"] < base.confirmed_on:
        raise Code.BEFORE_PREVIOUS_STEP.refuse("day", day=columns["effective_on"], previous=base.confirmed_on)
    ended = {
        "reason": stated.reason, "ended_by": columns["officer_id"], "ended_on": columns["effective_on"],
        "ended_at": who.at.now,
    }  # fmt: skip
    await update_all(session, SupportBase, [id], ended)
    await note(session, who, InspectionAct.END_BASE, f"base/{id}", programme, stated.reason)


async def note(
    session: AsyncSession,
    who: Entered,
    act: InspectionAct,
    object: str,
    programme: InspectionProgramme,
    reason: str = "",
    **data: object,
) -> None:
    """Put an act on record."""
    said = {"programme": programme.code, "act": act.value, **data}
    await audit.record(session, who.at.now, who.actor.id, ACTIONS[act].value, object, said, reason)
