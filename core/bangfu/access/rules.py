"""A county's own rules on who may do what 本县权限规定: laid down and withdrawn by those who keep them, with a reason.

A rule denies what is allowed, or allows what the platform leaves to counties; it counts from the next request on. What
holds in every county, it cannot break, and nobody allows more to a duty that he holds himself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import audit
from bangfu.access import EVERY, Action, Entered, Reach, Rule
from bangfu.access.policy import ALLOW, DENY, above_ceiling, broken
from bangfu.db import hold
from bangfu.errors import Code, Refused
from bangfu.models import Officer, PolicyRule, new_id
from bangfu.process import Duty
from bangfu.programme import AnyProgramme, Programme
from bangfu.text import Text

LAY_DOWN, WITHDRAW = "lay_down_rule", "withdraw_rule"
_REACHES = {
    Reach.COUNTY: Text("所有项目和环节", "every programme and stage"),
    Reach.PROGRAMME: Text("本县已有的项目或所有项目,不分环节", "a programme or every one, not for a stage"),
    Reach.STAGE: Text("已有的项目及其环节", "a programme and a stage that there are"),
}


@dataclass(frozen=True, slots=True)
class Laid:
    """A rule as it was laid down, with who decided it and why."""

    id: UUID
    rule: Rule
    reason: str
    decided_by: str
    since: datetime


async def standing(session: AsyncSession, who: Entered) -> list[Laid]:
    """The county's rules that stand, in the order in which they were laid down, in one statement."""
    query = (
        select(PolicyRule, Officer.name)
        .join(Officer, (Officer.tenant_id == PolicyRule.tenant_id) & (Officer.id == PolicyRule.decided_by))
        .where(PolicyRule.tenant_id == who.county.id, PolicyRule.known_to.is_(None))
        .order_by(PolicyRule.known_from, PolicyRule.id)
    )
    return [Laid(row.id, _rule(row), row.reason, name, row.known_from) for row, name in await session.execute(query)]


def _rule(row: PolicyRule) -> Rule:
    return Rule(row.duty, row.action, row.programme, row.stage, row.effect)


async def lay_down(
    session: AsyncSession, who: Entered, programmes: Mapping[str, AnyProgramme], rule: Rule, reason: str
) -> UUID:
    """Lay down a rule; one that says the opposite of the same place no longer stands. The same again changes nothing.

    Refuses ``FORBIDDEN``, ``REASON_NEEDED``, ``BAD_VALUE`` (duty, action, effect), ``RULE_PLACE`` (the action cannot be
    ruled on so narrowly, or there is no such programme or stage), ``RULE_ABOVE_CEILING``, ``SAME_PERSON`` (allowing a
    duty of one's own more) and ``RULE_BREAKS_EXPECTATION``.
    """
    _require(who, reason)
    duty, action = _known(rule)
    _require_place(programmes, rule, action)
    if above_ceiling(rule):
        raise Code.RULE_ABOVE_CEILING.refuse("rule", duty=duty.title_text, action=action.title_text)
    if rule.effect == ALLOW and duty in who.actor.duties(who.at.today):
        raise Code.SAME_PERSON.refuse("duty", other=Text("承担该职责的人员", "who holds the duty"))
    laid = await _hold(session, who)
    same = {one.rule[:4]: one for one in laid}.get(rule[:4])
    if same is not None and same.rule == rule:
        return same.id
    if problem := broken((*(one.rule for one in laid if one is not same), rule)):
        raise Refused([problem])
    if same is not None:
        await _close(session, who, same.id)
    made = new_id()
    row = {"tenant_id": who.county.id, "id": made, "reason": reason, "decided_by": who.actor.id}
    await session.execute(insert(PolicyRule).values(**row, **rule._asdict(), known_from=who.at.now))
    await audit.record(session, who.at.now, who.actor.id, LAY_DOWN, f"rule/{made}", rule._asdict(), reason)
    return made


async def withdraw(session: AsyncSession, who: Entered, id: UUID, reason: str) -> None:
    """Withdraw a rule: the platform's policy counts again.

    Refuses ``FORBIDDEN``, ``REASON_NEEDED``, ``NOT_FOUND`` and ``RULE_BREAKS_EXPECTATION``.
    """
    _require(who, reason)
    laid = await _hold(session, who)
    gone = next((one for one in laid if one.id == id), None)
    if gone is None:
        raise Code.NOT_FOUND.refuse("rule", what=Text("本县权限规定", "the rule"))
    if problem := broken(tuple(one.rule for one in laid if one is not gone)):
        raise Refused([problem])
    await _close(session, who, id)
    await audit.record(session, who.at.now, who.actor.id, WITHDRAW, f"rule/{id}", gone.rule._asdict(), reason)


def _require(who: Entered, reason: str) -> None:
    who.require(Action.KEEP_POLICY)
    if not reason.strip():
        raise Code.REASON_NEEDED.refuse("reason")


async def _hold(session: AsyncSession, who: Entered) -> list[Laid]:
    """The rules that stand; nobody else changes them until the transaction ends."""
    await hold(session, "policy")
    return await standing(session, who)


async def _close(session: AsyncSession, who: Entered, id: UUID) -> None:
    await session.execute(
        update(PolicyRule)
        .where(PolicyRule.tenant_id == who.county.id, PolicyRule.id == id, PolicyRule.known_to.is_(None))
        .values(known_to=who.at.now)
    )


def _known(rule: Rule) -> tuple[Duty, Action]:
    """The duty and the action of a rule; refuses ``BAD_VALUE`` where there is none such."""
    for field, value, known in (
        ("duty", rule.duty, [duty.value for duty in Duty]),
        ("action", rule.action, [action.value for action in Action]),
        ("effect", rule.effect, [ALLOW, DENY]),
    ):
        if value not in known:
            title = {"duty": Text("职责", "duty"), "action": Text("权限", "action"), "effect": Text("效力", "effect")}
            expected = Text("、".join(known), ", ".join(known))
            raise Code.BAD_VALUE.refuse(field, field=title[field], value=value, expected=expected)
    return Duty(rule.duty), Action(rule.action)


def _require_place(programmes: Mapping[str, AnyProgramme], rule: Rule, action: Action) -> None:
    """Refuse ``RULE_PLACE`` unless the action can be ruled on there, and there is such a place."""
    meant = programmes.values() if rule.programme == EVERY else [programmes.get(rule.programme)]
    stages = {
        stage.code for programme in meant if isinstance(programme, Programme) for stage in programme.process.stages
    }
    fits = (
        (action.reach is not Reach.COUNTY or rule.programme == EVERY)
        and (action.reach is Reach.STAGE or rule.stage == EVERY)
        and (rule.programme == EVERY or rule.programme in programmes)
        and (rule.stage == EVERY or rule.stage in stages)
    )
    if not fits:
        raise Code.RULE_PLACE.refuse("rule", action=action.title_text, expected=_REACHES[action.reach])
