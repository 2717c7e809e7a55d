"""Why somebody may not do something 无权原因: every condition in turn, each with whether it is met, in words.

Nothing is judged anew: the policy is asked as a request asks it, and the process is asked for the very act, which is
then not carried out. Whoever asks stands behind the walls himself: what he does not see is not found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import EVERY, Action, Actor, Entered, Held, Rule, actor, allows, duties_that_may
from bangfu.access.policy import DENY, deciding
from bangfu.access.rules import Laid, standing
from bangfu.cases.acts import rests
from bangfu.cases.correcting import last_events, taking_back
from bangfu.cases.ground import Ground
from bangfu.cases.views import CaseView, Selection, duties_over, look
from bangfu.errors import Code, Problem
from bangfu.models import CaseEvent, Household, Officer, Person
from bangfu.process import (
    Accept,
    Act,
    Duty,
    Monthly,
    Move,
    Notice,
    Pay,
    Plan,
    Sample,
    Select,
    Stage,
    Verify,
    duty_names,
)
from bangfu.text import Text, day, join


class About(StrEnum):
    """What a condition is about."""

    ACCOUNT = "account"
    DUTIES = "duties"
    POLICY = "policy"
    AREA = "area"
    STAGE = "stage"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return _ABOUT[self]


_ABOUT = {
    About.ACCOUNT: Text("账号", "whether the account is open"),
    About.DUTIES: Text("职责", "the duties held today"),
    About.POLICY: Text("权限规定", "the policy of the platform and the rules of the county"),
    About.AREA: Text("辖区", "whether the household or the person is in the officer's area"),
    About.STAGE: Text("环节", "what the process says of the case, and of who did what on it before"),
}


class Step(StrEnum):
    """What may be done to a case beside what its stage waits for."""

    ASK_TO_CORRECT = "ask_to_correct"
    WITHDRAW = "withdraw"
    STOP = "stop"
    PAUSE = "pause"
    RESUME = "resume"
    UNDO = "undo"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return _STEPS[self]


_STEPS = {
    Step.ASK_TO_CORRECT: Text("退回修改", "sending back for correction"),
    Step.WITHDRAW: Text("撤回", "withdrawing"),
    Step.STOP: Text("终止", "stopping"),
    Step.PAUSE: Text("暂停", "pausing"),
    Step.RESUME: Text("恢复", "resuming"),
    Step.UNDO: Text("撤销", "taking back what was done last"),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition: what it is about, whether it is met, and why."""

    about: About
    met: bool
    text: Text


async def why_denied(
    session: AsyncSession,
    who: Entered,
    number: str,
    action: Action,
    ground: Ground | None = None,
    stage: str | None = None,
    household: str | None = None,
    step: Step | None = None,
) -> list[Condition]:
    """The conditions under which an officer may act today, on a programme's stage and a household's case if given: what
    the stage waits for, unless it is said which other step is meant. Where the programme is for persons, it is the
    number of a person.

    Refuses ``FORBIDDEN``, ``OFFICER_UNKNOWN``, ``BAD_VALUE`` for a stage that the programme has not, ``MISSING_VALUE``
    for a household without a programme or a step without a household, and ``NOT_FOUND`` for who is not in sight.
    """
    who.require(Action.READ_POLICY)
    if household is not None and ground is None:
        raise Code.MISSING_VALUE.refuse("programme", field=Text("项目和年度", "programme and period"))
    if step is not None and household is None:
        raise Code.MISSING_VALUE.refuse("household", field=Text("户编号", "household"))
    stages = [one.code for one in ground.programme.process.stages] if ground else []
    if stage is not None and stage not in stages:
        expected = Text("、".join(stages), ", ".join(stages))
        raise Code.BAD_VALUE.refuse("stage", field=Text("环节", "stage"), value=stage, expected=expected)
    officer = await actor(session, who.county, number)
    laid = await standing(session, who)
    place = (ground.programme.code if ground else EVERY, stage or EVERY)
    conditions = [
        await _account(session, who, officer),
        _duties(officer, who),
        _policy(officer, who, action, place, laid),
    ]
    if ground is not None and household is not None:
        conditions += await _case(session, who, ground, officer, stage, household, step)
    return conditions


async def _account(session: AsyncSession, who: Entered, officer: Actor) -> Condition:
    query = select(Officer.disabled_at).where(Officer.tenant_id == who.county.id, Officer.id == officer.id)
    disabled = await session.scalar(query)
    if disabled is None:
        return Condition(About.ACCOUNT, True, Text("账号可用", "The account is open."))
    return Condition(About.ACCOUNT, False, Text("账号已停用", "The account is disabled."))


def _duties(officer: Actor, who: Entered) -> Condition:
    today = who.at.today
    words = [_when(held, who) for held in officer.held]
    told = join(words, ";", "; ") if words else Text("没有任何职责", "no duty at all")
    met = bool(officer.duties(today))
    return Condition(About.DUTIES, met, Text("职责:{told}", "Duties: {told}.").filled(told=told))


def _when(held: Held, who: Entered) -> Text:
    title, today = held.duty.title_text, who.at.today
    if today < held.since:
        text = Text("{duty}(自{day}起,尚未开始)", "{duty} (not before {day})")
        return text.filled(duty=title, day=day(held.since))
    if held.until is not None and held.until <= today:
        return Text("{duty}(已于{day}结束)", "{duty} (ended on {day})").filled(duty=title, day=day(held.until))
    return Text("{duty}(现任)", "{duty} (held)").filled(duty=title)


def _policy(officer: Actor, who: Entered, action: Action, place: tuple[str, str], laid: list[Laid]) -> Condition:
    rules = tuple(one.rule for one in laid)
    duties = officer.duties(who.at.today)
    met = allows(duties, rules, action, *place)
    rows = deciding(duties, rules, action, *place)
    if not rows:
        able = duty_names(duties_that_may(action, rules, *place))
        text = Text(
            "没有一项现任职责允许:{action};允许的职责:{able}", "No duty held allows {action}; these do: {able}."
        )
        return Condition(About.POLICY, met, text.filled(action=action.title_text, able=able))
    return Condition(About.POLICY, met, join([_row(row, laid) for row in rows], ";", "; "))


def _row(row: Rule, laid: list[Laid]) -> Text:
    """A row of the policy in words; one of the county's own with who decided it and why."""
    effect = Text("不得", "is denied") if row.effect == DENY else Text("可以", "is allowed")
    where = "" if (row.programme, row.stage) == (EVERY, EVERY) else f" [{row.programme}/{row.stage}]"
    own = next((one for one in laid if one.rule == row), None)
    values = {
        "duty": Duty(row.duty).title_text,
        "effect": effect,
        "action": Action(row.action).title_text,
        "where": where,
        "by": own.decided_by if own else "",
        "reason": own.reason if own else "",
    }
    if own is None:
        return Text("平台规定:{duty}{effect}{action}{where}", "the platform: {duty} {effect} {action}{where}").filled(
            **values
        )
    return Text(
        "本县规定:{duty}{effect}{action}{where}({by}:{reason})",
        "the county: {duty} {effect} {action}{where} ({by}: {reason})",
    ).filled(**values)


async def _case(
    session: AsyncSession,
    who: Entered,
    ground: Ground,
    officer: Actor,
    stage: str | None,
    number: str,
    step: Step | None,
) -> list[Condition]:
    """Whether the village of the household, or the person, is the officer's, and what the process says to the act."""
    programme = ground.programme
    model: Any = Person if programme.is_for_persons else Household
    division = await session.scalar(
        select(model.division).where(model.tenant_id == who.county.id, model.number == number)
    )
    if division is None:
        raise Code.NOT_FOUND.refuse(programme.beneficiary.value, what=number)
    found = await look(session, who, ground, Selection(numbers=[number]))
    case = found[0] if found else None
    today = who.at.today
    # A case stays where it is when its person moves.
    duties = duties_over(officer, today, case.division, case.cadre) if case else officer.duties(today, division)
    over = Text("对其所在村的职责:{duties}", "Duties over the village: {duties}.").filled(duties=duty_names(duties))
    conditions = [Condition(About.AREA, bool(duties), over)]
    if case is None:
        text = Text("在此项目和年度没有申报", "There is no case in this programme and period.")
        return [*conditions, Condition(About.STAGE, False, text)]
    act = Act(today, today, officer.id, duties, reason="—", evidence="—")
    if step is not None:
        last = (await last_events(session, who, [case]))[case.id]
        taken = rests(case) if step not in _RESTING else None
        said = taken or _stepped(case, act, step, last)
        return [*conditions, _condition(said, step.title_text)]
    at = stage or case.rules.proceedings.reached(case.view, today)
    try:
        meant = ground.programme.process[at]
    except StopIteration:
        text = Text("申报已在“{end}”", "The case has come to its end: {end}.")
        end = ground.programme.process.title(at)
        return [*conditions, Condition(About.STAGE, False, text.filled(end=end))]
    return [*conditions, _condition(rests(case) or _asked(case, act, meant), meant.title)]


def _condition(said: Move | Problem, what: Text) -> Condition:
    if isinstance(said, Problem):
        return Condition(About.STAGE, False, said.message)
    text = Text("可在“{stage}”以{duty}身份办理", "Can act at {stage} as {duty}.")
    return Condition(About.STAGE, True, text.filled(stage=what, duty=said.duty.title_text))


_RESTING = frozenset({Step.WITHDRAW, Step.PAUSE, Step.RESUME})
"""What can be done to a case that rests."""


def _stepped(case: CaseView, act: Act, step: Step, last: CaseEvent) -> Move | Problem:
    """What the process says to a step beside what the stage waits for."""
    proceedings, view = case.rules.proceedings, case.view
    steps: dict[Step, Callable[[], Move | Problem]] = {
        Step.ASK_TO_CORRECT: lambda: proceedings.ask_to_correct(view, act, {"—": "—"}),
        Step.WITHDRAW: lambda: proceedings.withdraw(view, act),
        Step.STOP: lambda: proceedings.stop(view, act, "—"),
        Step.PAUSE: lambda: proceedings.pause(view, act),
        Step.RESUME: lambda: proceedings.resume(view, act),
        Step.UNDO: lambda: taking_back(case, act, last),
    }
    return steps[step]()


def _asked(case: CaseView, act: Act, stage: Stage) -> Move | Problem:
    """What the process says to the act that a stage waits for."""
    proceedings, view = case.rules.proceedings, case.view
    process = proceedings.process
    if process.at(view.stage, Notice) and view.posted and not view.open_objections:
        # What stands on a notice is accepted from there, or the notice is concluded.
        following = process[proceedings.after(view.stage)]
        if not isinstance(following, Accept) and stage.code in (view.stage, following.code):
            return proceedings.conclude(view, act)
    acts: dict[type[Stage], Callable[[], Move | Problem]] = {
        Plan: lambda: proceedings.amend(view, act),
        Verify: lambda: proceedings.sign(view, act, stage.code),
        Notice: lambda: (
            proceedings.settle(view, act, False, "—") if view.open_objections else proceedings.post(view, act)
        ),
        Select: lambda: proceedings.select(view, act, True),
        Accept: lambda: proceedings.accept(view, act),
        Sample: lambda: proceedings.check(view, act, True, "") if view.drawn else proceedings.draw(view, act),
        Pay: lambda: proceedings.pay(view, act),
        Monthly: lambda: proceedings.pay(view, act),
    }
    return acts[type(stage)]()
