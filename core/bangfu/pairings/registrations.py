"""Who is registered to help 帮扶企业: stated by the federation of industry or the enterprise's own agent, verified by
another person of the federation. Nobody signs an agreement before that, or sees what villages need."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import audit
from bangfu.access import Entered
from bangfu.cases.charges import ACTIONS, Acting, found, need_text, require_answer
from bangfu.cases.views import Stated
from bangfu.db import hold
from bangfu.db.bulk import update_all
from bangfu.documents.cells import CellProblem
from bangfu.errors import Code
from bangfu.models import Helper, Organization, new_id
from bangfu.programme import PairingAct, PairingProgramme
from bangfu.registry.divisions import COUNTY, level_of
from bangfu.registry.identity import read_credit_code
from bangfu.registry.organizations import KINDS
from bangfu.text import Text, join

WHAT = Text("帮扶企业登记", "the registration")


@dataclass(frozen=True, slots=True)
class Applicant:
    """An organization that wants to help. Name, kind and division are those of one that the county does not know yet;
    of one that it knows, they are passed over. ``chamber`` is the chamber of commerce 商会 that it belongs to."""

    credit_code: str
    name: str = ""
    kind: str = "enterprise"
    division: int | None = None
    chamber: str = ""


async def register(
    session: AsyncSession, who: Entered, programme: PairingProgramme, applicant: Applicant, stated: Stated
) -> UUID:
    """Register an organization that wants to help; whoever works for it can look for himself, and nobody else.

    Refuses ``FORBIDDEN``, ``PROGRAMME_OFF``, ``NOT_YOUR_DUTY``, what is wrong with the day, ``CREDIT_CODE``,
    ``NOT_FOUND`` for another organization than the agent's own, ``MISSING_VALUE`` for the name of one that is not known
    yet, ``BAD_VALUE`` for one of a kind that does not help, and ``HELPER_REGISTERED``.
    """
    acting = await Acting.of(session, who, programme, PairingAct.REGISTER)
    try:
        code = read_credit_code(applicant.credit_code)
    except CellProblem as wrong:
        raise wrong.code.refuse("credit_code", **wrong.values) from None
    await hold(session, "organizations")
    query = select(Organization).where(Organization.tenant_id == who.county.id, Organization.credit_code == code)
    known = await session.scalar(query)
    if known is None:
        staff = any(held.duty.is_staff for held in who.actor.held if held.on(who.at.today))
        if not staff:
            raise Code.NOT_FOUND.refuse("credit_code", what=code)
        columns = acting.by(stated)
        _require_kind(programme, applicant.kind)
        organization, name = new_id(), need_text(applicant.name, "name", Text("企业名称", "name"))
        row = {"credit_code": code, "name": name, "kind": applicant.kind, "division": _division(who, applicant)}
        await session.execute(insert(Organization).values(tenant_id=who.county.id, id=organization, **row))
    else:
        columns = acting.by(stated, organization=known.id)
        _require_kind(programme, known.kind)
        organization, name = known.id, known.name
    standing = select(Helper.id).where(
        Helper.tenant_id == who.county.id,
        Helper.programme == programme.code,
        Helper.organization_id == organization,
        Helper.verified.is_distinct_from(False),
    )
    if await session.scalar(standing) is not None:
        raise Code.HELPER_REGISTERED.refuse("credit_code", name=name)
    made = new_id()
    values = {"programme": programme.code, "organization_id": organization, "chamber": applicant.chamber.strip()}
    await session.execute(insert(Helper).values(tenant_id=who.county.id, id=made, reason="", **values, **columns))
    await _audit(session, who, PairingAct.REGISTER, made, programme)
    return made


def _require_kind(programme: PairingProgramme, kind: str) -> None:
    if kind not in programme.helpers:
        titles = {code: title for title, code in KINDS.items()}
        expected = join([Text(titles[one], one) for one in sorted(programme.helpers)])
        raise Code.BAD_VALUE.refuse("kind", field=Text("单位类型", "kind"), value=kind, expected=expected)


def _division(who: Entered, applicant: Applicant) -> int | None:
    lo, hi = who.county.area
    if applicant.division is not None and not lo <= applicant.division <= hi:
        raise Code.DIVISION_UNKNOWN.refuse("division", value=applicant.division)
    return applicant.division if applicant.division is None or level_of(applicant.division) != COUNTY else lo


async def verify(
    session: AsyncSession, who: Entered, programme: PairingProgramme, id: UUID, stated: Stated, *, passed: bool
) -> None:
    """Say whether an organization that has registered may help; one that may not says why, and may register again.

    Refuses ``FORBIDDEN``, ``PROGRAMME_OFF``, ``NOT_YOUR_DUTY``, what is wrong with the day, ``NOT_FOUND``, ``CONFLICT``
    for one that is answered already, ``SAME_PERSON`` to who registered it or typed that in, and ``REASON_NEEDED``.
    """
    acting = await Acting.of(session, who, programme, PairingAct.VERIFY)
    await hold(session, f"helper/{id}")
    row: Helper | None = (await found(session, who, Helper, [id])).get(id)
    if row is None or row.programme != programme.code:
        raise Code.NOT_FOUND.refuse("id", what=WHAT)
    columns = acting.by(stated, organization=row.organization_id)
    if row.verified_at is not None:
        raise Code.CONFLICT.refuse("id")
    require_answer(acting, columns, row, stated, Text("登记人", "who registered it"), agrees=passed)
    answer = {
        "verified": passed, "reason": stated.reason, "verified_by": columns["officer_id"],
        "verified_on": columns["effective_on"], "verified_at": who.at.now,
    }  # fmt: skip
    await update_all(session, Helper, [id], answer)
    await _audit(session, who, PairingAct.VERIFY, id, programme, passed=passed)


async def revoke(session: AsyncSession, who: Entered, programme: PairingProgramme, id: UUID, stated: Stated) -> None:
    """Revoke the registration of an organization 撤销核验: from then on it sees no needs, proposes and signs nothing;
    its agreements stay until they are ended. It may register again.

    Refuses ``FORBIDDEN``, ``PROGRAMME_OFF``, ``NOT_YOUR_DUTY``, what is wrong with the day, ``REASON_NEEDED``,
    ``NOT_FOUND``, ``CONFLICT`` for one that is not verified, ``SAME_PERSON`` to who verified it, and
    ``BEFORE_PREVIOUS_STEP``.
    """
    acting = await Acting.of(session, who, programme, PairingAct.VERIFY)
    if not stated.reason.strip():
        raise Code.REASON_NEEDED.refuse("reason")
    await hold(session, f"helper/{id}")
    row: Helper | None = (await found(session, who, Helper, [id])).get(id)
    if row is None or row.programme != programme.code:
        raise Code.NOT_FOUND.refuse("id", what=WHAT)
    columns = acting.by(stated, organization=row.organization_id)
    if not row.verified or row.verified_on is None:
        raise Code.CONFLICT.refuse("id")
    if row.verified_by in {who.actor.id, columns["officer_id"]}:
        raise Code.SAME_PERSON.refuse("id", other=Text("核验人", "who verified it"))
    if columns["effective_on"] < row.verified_on:
        raise Code.BEFORE_PREVIOUS_STEP.refuse("day", day=columns["effective_on"], previous=row.verified_on)
    answer = {
        "verified": False, "reason": stated.reason, "revoked_by": columns["officer_id"],
        "revoked_on": columns["effective_on"], "revoked_at": who.at.now,
    }  # fmt: skip
    await update_all(session, Helper, [id], answer)
    await _audit(session, who, PairingAct.VERIFY, id, programme, revoked=True)


async def verified(
    session: AsyncSession, who: Entered, programme: PairingProgramme, credit_code: str
) -> tuple[Helper, Organization]:
    """The registration of an organization that may help, with itself; refuses ``NOT_FOUND`` for an organization that is
    not in sight, and ``HELPER_NOT_VERIFIED``."""
    query = (
        select(Organization, Helper)
        .outerjoin(
            Helper,
            (Helper.tenant_id == Organization.tenant_id)
            & (Helper.organization_id == Organization.id)
            & (Helper.programme == programme.code)
            & Helper.verified.is_(True),
        )
        .where(Organization.tenant_id == who.county.id, Organization.credit_code == credit_code.strip().upper())
    )
    row = (await session.execute(query)).first()
    if row is None:
        raise Code.NOT_FOUND.refuse("credit_code", what=credit_code)
    organization, helper = row
    if helper is None:
        raise Code.HELPER_NOT_VERIFIED.refuse("credit_code", name=organization.name, programme=programme.title)
    return helper, organization


async def require_verified(
    session: AsyncSession, who: Entered, programme: PairingProgramme, organization: UUID
) -> None:
    """Refuse ``HELPER_NOT_VERIFIED`` for an organization that may not help, or may no more."""
    may = select(Helper.id).where(
        Helper.tenant_id == who.county.id,
        Helper.programme == programme.code,
        Helper.organization_id == organization,
        Helper.verified.is_(True),
    )
    if await session.scalar(may) is None:
        named = (await found(session, who, Organization, [organization])).get(organization)
        name = "" if named is None else named.name
        raise Code.HELPER_NOT_VERIFIED.refuse("agreement", name=name, programme=programme.title)


async def _audit(
    session: AsyncSession, who: Entered, act: PairingAct, id: UUID, programme: PairingProgramme, **data: bool
) -> None:
    said = {"programme": programme.code, "act": act.value, **data}
    await audit.record(session, who.at.now, who.actor.id, ACTIONS[act].value, f"helper/{id}", said)
