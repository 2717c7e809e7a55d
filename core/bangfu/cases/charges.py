"""Who may do an act of a programme by which no case is decided, on which day, and what is kept of who did it.

The permission of the county (``access``) opens an act at all, the programme says which duty does it: an agent does it
for the organization that he works for, an officer over the villages of his area. Both are asked of who did it, on the
day on which he did.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, Protocol, TypeAlias, TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Action, Actor, Entered, allows, duties_that_may
from bangfu.cases.ground import switched_on
from bangfu.cases.provisions import released_by
from bangfu.cases.views import Stated
from bangfu.db.bulk import among
from bangfu.errors import Code, Problem, Refused
from bangfu.policy import Resolved
from bangfu.process import Duty, duty_names
from bangfu.programme import Charge, ChargedProgramme, HandoutAct, InspectionAct, PairingAct
from bangfu.text import Text

Act: TypeAlias = PairingAct | InspectionAct | HandoutAct

ACTIONS: Mapping[Act, Action] = {
    PairingAct.REGISTER: Action.REGISTER_HELPERS,
    PairingAct.VERIFY: Action.VERIFY_HELPERS,
    PairingAct.STATE_NEED: Action.STATE_NEEDS,
    PairingAct.PROPOSE: Action.KEEP_AGREEMENTS,
    PairingAct.SIGN_HELPER: Action.KEEP_AGREEMENTS,
    PairingAct.SIGN_HELPED: Action.KEEP_AGREEMENTS,
    PairingAct.PLAN: Action.KEEP_AGREEMENTS,
    PairingAct.RAISE_OBSTACLE: Action.KEEP_AGREEMENTS,
    PairingAct.CLEAR_OBSTACLE: Action.KEEP_AGREEMENTS,
    PairingAct.END: Action.KEEP_AGREEMENTS,
    PairingAct.DELIVER: Action.LOG_DELIVERIES,
    PairingAct.CONFIRM: Action.CONFIRM_DELIVERIES,
    PairingAct.ARBITRATE: Action.ARBITRATE_DELIVERIES,
    PairingAct.REVIEW: Action.REVIEW_PAIRINGS,
    **dict.fromkeys(InspectionAct, Action.INSPECT_BASES),
    InspectionAct.RECTIFY: Action.RECTIFY_FINDINGS,
    HandoutAct.ASK: Action.KEEP_HANDOUTS,
    HandoutAct.LIST: Action.LIST_HANDOUTS,
    HandoutAct.SUPPLY: Action.LIST_HANDOUTS,
    HandoutAct.HAND_OVER: Action.KEEP_HANDOUTS,
    HandoutAct.FOLLOW_UP: Action.KEEP_HANDOUTS,
    HandoutAct.TAKE_BACK: Action.KEEP_HANDOUTS,
}
"""The permission that each act needs."""


P = TypeVar("P", bound=ChargedProgramme)


@dataclass(frozen=True)
class Acting(Generic[P]):
    """Somebody at an act of a programme that the county runs today."""

    who: Entered
    programme: P
    act: Act

    @classmethod
    async def of(cls, session: AsyncSession, who: Entered, programme: P, act: Act) -> Acting[P]:
        """Refuses ``FORBIDDEN`` to whoever can neither do it nor record it for another, and ``PROGRAMME_OFF``."""
        if not who.may(Action.RECORD_FOR_OTHERS, programme.code):
            who.require(ACTIONS[act], programme.code)
        if programme.code not in await switched_on(session, who.county.id, who.at.today):
            raise Code.PROGRAMME_OFF.refuse("programme", programme=programme.title)
        return cls(who, programme, act)

    def by(self, stated: Stated, *, organization: UUID | None = None, division: int | None = None) -> dict[str, Any]:
        """What is kept of who did it, for an organization or over a village.

        Refuses ``DAY_IN_FUTURE``; ``EVIDENCE_NEEDED`` for an earlier day, and where somebody else types it in;
        ``SIGNATORY_DISABLED`` where it is typed in for who is disabled; ``FORBIDDEN``, and ``NOT_YOUR_DUTY`` to who is
        not charged with it.
        """
        found = self.attempt(stated, organization=organization, division=division)
        if isinstance(found, Problem):
            raise Refused([found])
        return found

    def attempt(
        self, stated: Stated, *, organization: UUID | None = None, division: int | None = None
    ) -> dict[str, Any] | Problem:
        """The same, with the problem as the answer: of many things, some may be refused and the others go on."""
        who, day, officer = self.who, stated.on(self.who), stated.officer(self.who)
        if officer.disabled:
            return Code.SIGNATORY_DISABLED.problem("officer", officer=officer.number)
        if day > who.at.today:
            return Code.DAY_IN_FUTURE.problem("day", day=day, today=who.at.today)
        if (day < who.at.today or officer.id != who.actor.id) and not stated.evidence.strip():
            return Code.EVIDENCE_NEEDED.problem("evidence", day=day)
        if (denied := self._denied(officer, stated)) is not None:
            return denied
        charge = self.programme.charges[self.act]
        held = _held(officer, charge, stated, self.who, organization, division)
        if stated.duty is not None:
            held &= {stated.duty}
        if not held:
            return Code.NOT_YOUR_DUTY.problem(stage=self.act.title_text, duties=duty_names(charge.by))
        return {
            "officer_id": officer.id,
            "duty": next(duty for duty in Duty if duty in held).value,
            "effective_on": day,
            "evidence": stated.evidence,
            "recorded_by": who.actor.id,
            "recorded_at": who.at.now,
        }

    def _denied(self, officer: Actor, stated: Stated) -> Problem | None:
        who, action, code = self.who, ACTIONS[self.act], self.programme.code
        if officer.id == who.actor.id:
            may = who.may(action, code)
        else:
            who.require(Action.RECORD_FOR_OTHERS, code)
            may = allows(officer.duties(stated.on(who)), who.actor.rules, action, code)
        able = duty_names(duties_that_may(action, who.actor.rules, code))
        return None if may else Code.FORBIDDEN.problem(action=action.title_text, duties=able)


class Entry(Protocol):
    """What somebody entered and another person answers."""

    officer_id: UUID
    recorded_by: UUID
    effective_on: date


def require_answer(
    acting: Acting[P], columns: Mapping[str, Any], entry: Entry, stated: Stated, by: Text, *, agrees: bool
) -> None:
    """Refuse an answer, of which ``columns`` is what is kept, that is no answer to what was entered ``by`` somebody.

    Refuses ``SAME_PERSON`` to who entered it or typed that in, ``REASON_NEEDED`` to who does not agree and says no
    reason, and ``BEFORE_PREVIOUS_STEP`` for a day before the entry's.
    """
    if {acting.who.actor.id, columns["officer_id"]} & {entry.officer_id, entry.recorded_by}:
        raise Code.SAME_PERSON.refuse("id", other=by)
    if not agrees and not stated.reason.strip():
        raise Code.REASON_NEEDED.refuse("reason")
    if columns["effective_on"] < entry.effective_on:
        raise Code.BEFORE_PREVIOUS_STEP.refuse("day", day=columns["effective_on"], previous=entry.effective_on)


def _held(
    officer: Actor, charge: Charge, stated: Stated, who: Entered, organization: UUID | None, division: int | None
) -> set[Duty]:
    """The duties of a charge that an officer holds for the organization or over the village on the day."""
    day = stated.on(who)
    return {
        held.duty
        for held in officer.held
        if held.duty in charge.by
        and held.on(day)
        and (
            (organization is not None and held.organization == organization)
            if held.duty.is_agent
            else (division is None or held.over(division))
        )
    }


async def numbers_on(session: AsyncSession, acting: Acting[P], stated: Stated, *names: str) -> dict[str, Resolved]:
    """The numbers of the programme on the day of an act, by the plan or the county's own documents; refuses one
    ``PARAMETER_UNSET`` for each that nobody has set, of those that are named if any is."""
    provisions = await released_by(session, acting.who.county.id, acting.programme)
    resolved, problems = acting.programme.policy.resolved(stated.on(acting.who), provisions)
    unset = [problem for problem in problems if not names or problem.path[-1] in names]
    if unset:
        raise Refused(unset)
    return resolved


async def found(session: AsyncSession, who: Entered, model: Any, ids: Iterable[UUID]) -> dict[UUID, Any]:
    """Rows in sight by their ids, as they are now."""
    query = select(model).where(model.tenant_id == who.county.id, among(model.id, ids))
    return {row.id: row for row in await session.scalars(query.execution_options(populate_existing=True))}


def need_text(value: str, path: str, title: Text) -> str:
    """A text that has to say something; refuses ``MISSING_VALUE``."""
    if not value.strip():
        raise Code.MISSING_VALUE.refuse(path, field=title)
    return value.strip()
