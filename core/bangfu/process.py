"""Stages as data: what may happen next to a case, by whom, and by when.

A programme declares its :class:`Process` as a list of stages. :class:`Proceedings` is that process under the
parameters of one period; each of its methods takes what is known of a case (:class:`View`) and what somebody wants to
do (:class:`Act`), and answers with a :class:`Move` or a :class:`Problem`. It changes nothing and reads no clock.

Two days belong to every act: ``day``, on which it happened on paper (it decides deadlines, duties and order), and
``today``, on which it is typed in. The first is never after the second, and an earlier one needs its evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from itertools import combinations
from typing import Any, TypeVar

from bangfu.calendar import ONE_DAY, Period, WorkingDays, last_day
from bangfu.errors import Code, Problem
from bangfu.policy import PolicyError
from bangfu.text import Text, day, join


class Tier(StrEnum):
    """The level of government (or outside it) at which a duty is held."""

    COUNTY = "county"
    TOWNSHIP = "township"
    VILLAGE = "village"
    ENTERPRISE = "enterprise"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return _TIERS[self]


_TIERS = {
    Tier.COUNTY: Text("县级", "county"),
    Tier.TOWNSHIP: Text("乡镇级", "township"),
    Tier.VILLAGE: Text("村级", "village"),
    Tier.ENTERPRISE: Text("企业", "enterprise"),
}


class Duty(StrEnum):
    """What an officer is charged with; an assignment gives a person a duty over an area for a time."""

    LINKED_CADRE = "linked_cadre"
    WORK_TEAM = "work_team"
    VILLAGE_COMMITTEE = "village_committee"
    VILLAGE_CADRE = "village_cadre"
    TOWNSHIP_CLERK = "township_clerk"
    TOWNSHIP_ACCEPTOR = "township_acceptor"
    COUNTY_OFFICE = "county_office"
    FUND_MANAGER = "fund_manager"
    FINANCE = "finance"
    REGISTRAR = "registrar"
    CIVIL_AFFAIRS = "civil_affairs"
    DISABLED_FEDERATION = "disabled_federation"
    EDUCATION = "education"
    INDUSTRY_FEDERATION = "industry_federation"
    AUDITOR = "auditor"
    SUPERIOR = "superior"
    ENTERPRISE_AGENT = "enterprise_agent"
    HOUSEHOLDER = "householder"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return _DUTIES[self][1]

    @property
    def tier(self) -> Tier:
        """The level at which it is held."""
        return _DUTIES[self][0]

    @property
    def is_staff(self) -> bool:
        """Whether it is an office of the county; an enterprise's agent and a household hold none."""
        return self not in (Duty.ENTERPRISE_AGENT, Duty.HOUSEHOLDER)

    @property
    def has_area(self) -> bool:
        """Whether it is held over villages; who works for an enterprise acts on no household anywhere."""
        return self.is_staff

    @property
    def sees_area(self) -> bool:
        """Whether its holder sees the whole of its area, and not only the households that are his own."""
        return self.is_staff and self is not Duty.LINKED_CADRE


_DUTIES = {
    Duty.LINKED_CADRE: (Tier.VILLAGE, Text("联户干部", "cadre linked to the household")),
    Duty.WORK_TEAM: (Tier.VILLAGE, Text("驻村工作队", "resident work team")),
    Duty.VILLAGE_COMMITTEE: (Tier.VILLAGE, Text("村两委", "village committee")),
    Duty.VILLAGE_CADRE: (Tier.TOWNSHIP, Text("包村干部", "township cadre in charge of the village")),
    Duty.TOWNSHIP_CLERK: (Tier.TOWNSHIP, Text("乡镇经办", "township clerk")),
    Duty.TOWNSHIP_ACCEPTOR: (Tier.TOWNSHIP, Text("乡镇验收", "township acceptor")),
    Duty.COUNTY_OFFICE: (Tier.COUNTY, Text("县脱贫办", "county poverty-alleviation office")),
    Duty.FUND_MANAGER: (Tier.COUNTY, Text("县扶移局", "county fund manager")),
    Duty.FINANCE: (Tier.COUNTY, Text("县财政局", "county finance bureau")),
    Duty.REGISTRAR: (Tier.COUNTY, Text("县数据管理员", "county registrar")),
    Duty.CIVIL_AFFAIRS: (Tier.COUNTY, Text("县民政局", "county civil affairs bureau")),
    Duty.DISABLED_FEDERATION: (Tier.COUNTY, Text("县残联", "county disabled persons' federation")),
    Duty.EDUCATION: (Tier.COUNTY, Text("县教育局", "county education bureau")),
    Duty.INDUSTRY_FEDERATION: (Tier.COUNTY, Text("县工商联", "county federation of industry and commerce")),
    Duty.AUDITOR: (Tier.COUNTY, Text("审计监督", "auditor")),
    Duty.SUPERIOR: (Tier.COUNTY, Text("上级主管部门", "superior level of government")),
    Duty.ENTERPRISE_AGENT: (Tier.ENTERPRISE, Text("企业经办", "agent of an enterprise")),
    Duty.HOUSEHOLDER: (Tier.VILLAGE, Text("农户", "household")),
}


def duty_names(duties: Iterable[Duty]) -> Text:
    """Several duties by name, in the order in which the duties are declared."""
    held = set(duties)
    return join([duty.title_text for duty in Duty if duty in held])


# --- duties that one person cannot hold at once -----------------------------------------------------------------

_PAYERS = frozenset({Duty.FUND_MANAGER, Duty.FINANCE})
_REVIEWERS = frozenset({Duty.VILLAGE_COMMITTEE, Duty.VILLAGE_CADRE, Duty.TOWNSHIP_CLERK, Duty.TOWNSHIP_ACCEPTOR})
_READERS = frozenset({Duty.AUDITOR, Duty.SUPERIOR})
_STAFF = frozenset(duty for duty in Duty if duty.is_staff)

_DECLARED: tuple[tuple[frozenset[Duty], frozenset[Duty], Text], ...] = (
    (
        frozenset({Duty.HOUSEHOLDER, Duty.ENTERPRISE_AGENT}),
        frozenset(Duty),
        Text("农户和企业的账号只供其本人使用", "the account of a household or an enterprise is for nothing else"),
    ),
    (
        _READERS,
        _STAFF - _READERS,
        Text("监督者不办理所监督的事项", "who oversees does nothing of what is overseen"),
    ),
    (
        _PAYERS,
        frozenset({Duty.REGISTRAR}),
        Text("管钱的不管登记册", "who pays keeps no register of who is paid"),
    ),
    (
        frozenset({Duty.COUNTY_OFFICE}),
        _PAYERS,
        Text("汇总、复核、放行由三人办理", "payments are made, checked and released by three persons"),
    ),
    (
        frozenset({Duty.FUND_MANAGER}),
        frozenset({Duty.FINANCE}),
        Text("汇总、复核、放行由三人办理", "payments are made, checked and released by three persons"),
    ),
    (
        _PAYERS,
        _REVIEWERS,
        Text("管钱的不审核", "who pays does not review who is paid"),
    ),
    (
        frozenset({Duty.COUNTY_OFFICE}),
        frozenset({Duty.TOWNSHIP_ACCEPTOR}),
        Text("抽查者不抽查自己的验收", "who checks samples does not check his own acceptance"),
    ),
)

INCOMPATIBLE: Mapping[frozenset[Duty], Text] = {
    frozenset({one, other}): because for some, others, because in reversed(_DECLARED) for one in some
    for other in others if one is not other
}  # fmt: skip
"""The pairs of duties that nobody holds on the same day, wherever they are held, each with the reason.

What is left is allowed: a cadre or a team member comes from any office, a township's acceptor may be in charge of a
village (and cannot accept there), a county's first officer keeps its registers and its settings. Of one case, and of
one batch, the process itself keeps persons apart."""


def conflicts(duties: Iterable[Duty]) -> list[tuple[Duty, Duty, Text]]:
    """The incompatible pairs among some duties, with the reason of each, in the order in which duties are declared."""
    held = set(duties)
    ordered = [duty for duty in Duty if duty in held]
    return [
        (one, other, INCOMPATIBLE[frozenset({one, other})])
        for one, other in combinations(ordered, 2)
        if frozenset({one, other}) in INCOMPATIBLE
    ]


# --- the stages a programme declares --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage: its code, its two names, its clauses, and the parameters that give its deadline.

    ``deadline`` names a ``MonthDay`` parameter, ``grace`` an ``int`` one (days after it). A missed deadline is
    flagged and needs a reason; if ``hard``, it is refused.
    """

    code: str
    title: Text
    cites: tuple[str, ...]
    deadline: str | None = None
    grace: str | None = None
    hard: bool = False

    def parameters(self) -> frozenset[str]:
        """The names of the parameters that the stage reads."""
        return frozenset(name for name in (self.deadline, self.grace) if name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Stage):
    """The household and ``by`` make the plan; this opens the case with the facts that the applicant states."""

    by: Duty


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify(Stage):
    """Everyone who must sign signs; the last signature completes the stage.

    ``signers`` are the duties, or the name of a ``frozenset[Duty]`` parameter. In a village that is not poor, the
    duty that ``substitute`` names (a ``StandIn`` parameter) signs once for the work team's place as well. With
    ``accounts`` the signatures stand under a determination, and a new determination asks for new signatures; besides
    the signers, ``run_by`` may have it computed, which decides nothing until it is signed.

    A stage that ``reports`` is the word of those who carry the plan out, and verifies nothing. Every other one is
    complete only if somebody signed who did not make the plan, in another duty than it was made in: the source lets the
    cadre who makes the plan verify it with others (000:23, 000:35), and never alone.
    """

    signers: frozenset[Duty] | str
    substitute: str | None = None
    accounts: bool = False
    run_by: frozenset[Duty] = frozenset()
    reports: bool = False

    def parameters(self) -> frozenset[str]:
        """The names of the parameters that the stage reads."""
        own = {name for name in (self.signers, self.substitute) if isinstance(name, str)}
        return Stage.parameters(self) | own


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(Stage):
    """The result is posted in public for ``days`` full days, the first day counted; an objection stops only its own
    case.

    ``columns`` are the only things the notice shows; ``project`` names the stated fact that is shown as the project,
    and ``standard`` is the rate of aid with the parameters in its ``{places}``. ``settled_by`` settles objections;
    one that is upheld sends the case back to ``returns_to``.
    """

    by: Duty
    days: str
    unit: str
    columns: tuple[str, ...]
    project: str
    standard: Text
    settled_by: Duty
    returns_to: str

    def parameters(self) -> frozenset[str]:
        """The names of the parameters that the stage reads."""
        return Stage.parameters(self) | {self.days, self.unit}


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept(Stage):
    """``by`` reviews and accepts every case on the spot, or sends it back to ``returns_to`` with a finding.

    An officer who holds one of the ``never`` duties over the village cannot accept there.
    """

    by: Duty
    never: frozenset[Duty]
    returns_to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample(Stage):
    """``by`` draws a share (a ``Rate`` parameter) of the accepted cases and re-checks them; a failed one returns."""

    by: Duty
    rate: str
    returns_to: str

    def parameters(self) -> frozenset[str]:
        """The names of the parameters that the stage reads."""
        return Stage.parameters(self) | {self.rate}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pay(Stage):
    """The cases are gathered into a batch by ``maker``, checked by ``checker`` and released by ``releaser``, three
    persons."""

    maker: Duty
    checker: Duty
    releaser: Duty
    channel: str


class StandIn(StrEnum):
    """Who signs in the work team's place in a village that is not poor."""

    VILLAGE_CADRE = "village_cadre"
    NOBODY = "nobody"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        if self is StandIn.NOBODY:
            return Text("不代签", "nobody: the work team signs everywhere")
        return Duty.VILLAGE_CADRE.title_text


REFUSED = "refused"
"""Where a case stands whose determination said no; it can be accounted again when facts change."""
CLOSED = "closed"
"""Where a case stands that has been paid out."""

END_TITLES = {REFUSED: Text("不符合条件", "not eligible"), CLOSED: Text("已办结", "closed")}

S = TypeVar("S", bound=Stage)


@dataclass(frozen=True, slots=True)
class Process:
    """The stages of a programme in their order."""

    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        codes = [stage.code for stage in self.stages]
        if len(set(codes)) != len(codes) or {REFUSED, CLOSED} & set(codes):
            raise PolicyError(f"stage codes must differ and not be {REFUSED} or {CLOSED}: {', '.join(codes)}")
        if not self.stages or not isinstance(self.stages[0], Plan) or not isinstance(self.stages[-1], Pay):
            raise PolicyError("a process begins with a Plan and ends with a Pay")
        for stage in self.stages:
            if isinstance(stage, Verify) and stage.accounts and stage.reports:
                raise PolicyError(f"{stage.code} accounts, so it cannot be a mere report")
            back = getattr(stage, "returns_to", None)
            if back is not None and back not in codes[: codes.index(stage.code)]:
                raise PolicyError(f"{stage.code} returns to {back}, which is no earlier stage")

    def __getitem__(self, code: str) -> Stage:
        return next(stage for stage in self.stages if stage.code == code)

    def title(self, code: str) -> Text:
        """The two names of a stage or an end."""
        return END_TITLES[code] if code in END_TITLES else self[code].title

    def after(self, code: str) -> str:
        """The stage that follows."""
        position = self.stages.index(self[code]) + 1
        return self.stages[position].code if position < len(self.stages) else CLOSED

    def first(self, kind: type[S]) -> S:
        """The first stage of a kind; :class:`PolicyError` if there is none."""
        for stage in self.stages:
            if isinstance(stage, kind):
                return stage
        raise PolicyError(f"the process has no {kind.__name__} stage")

    def accounting(self) -> Verify:
        """The stage whose signatures stand under a determination."""
        for stage in self.stages:
            if isinstance(stage, Verify) and stage.accounts:
                return stage
        raise PolicyError("the process has no stage that accounts")

    def parameters(self) -> frozenset[str]:
        """The names of the parameters that its stages read."""
        return frozenset().union(*(stage.parameters() for stage in self.stages))

    def duties(self) -> frozenset[Duty]:
        """The duties that its stages name, other than through parameters."""
        named: set[Duty] = set()
        for stage in self.stages:
            for name in ("by", "maker", "checker", "releaser", "settled_by"):
                value = getattr(stage, name, None)
                if isinstance(value, Duty):
                    named.add(value)
        return frozenset(named)


# --- a case and what somebody wants to do with it --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class View:
    """What the process needs to know of a case.

    ``since`` is the day on which it came to its stage, or of what was done there last. ``signed`` are the signatures of
    the current stage that still stand, by duty, with who gave them. ``accounted`` is whether a complete, eligible
    determination stands, ``stale`` whether facts have become known since that would change it; it was recorded on
    ``decided_on`` and counts income to ``counted_to``. ``posted`` is the first and last day of its current notice.
    ``planned_by`` are the officers who made or corrected the plan, ``prepared_by`` those and whoever typed it in,
    ``verified_by`` who signed, or typed in a signature, under the standing determination, ``accepted_by`` who accepted
    the case, or typed that in. ``drawn`` is whether the case waits for the result of a spot check.
    """

    stage: str
    since: date
    village: Text
    poor_village: bool | None
    signed: Mapping[Duty, object] = field(default_factory=dict)
    accounted: bool = False
    stale: bool = False
    decided_on: date | None = None
    counted_to: date | None = None
    planned_by: frozenset[object] = frozenset()
    prepared_by: frozenset[object] = frozenset()
    verified_by: frozenset[object] = frozenset()
    accepted_by: frozenset[object] = frozenset()
    posted: tuple[date, date] | None = None
    open_objections: int = 0
    drawn: bool = False


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody wants to do: on which day it happened, who did it, and which duties he held over this case that
    day.

    ``duty`` is the duty he says he acts in, where he holds several.
    """

    day: date
    today: date
    officer: object
    duties: frozenset[Duty]
    duty: Duty | None = None
    reason: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """What an act does to a case: where it goes, in which duty, for whose places besides, and how many days late."""

    to: str
    duty: Duty
    stands_for: frozenset[Duty] = frozenset()
    late_days: int = 0


@dataclass(frozen=True, slots=True)
class Proceedings:
    """A process under the parameters of one period."""

    process: Process
    parameters: Any
    period: Period
    working: WorkingDays

    # --- what is asked of a stage ---

    def deadline(self, stage: Stage) -> date | None:
        """The last day of a stage, grace included, or None where the plan gives none."""
        if stage.deadline is None:
            return None
        last: date = getattr(self.parameters, stage.deadline).in_year(self.period.year)
        return last + timedelta(days=getattr(self.parameters, stage.grace)) if stage.grace else last

    def signers(self, stage: Verify, poor_village: bool) -> dict[Duty, frozenset[Duty]]:
        """Who must sign in such a village, each with the places that the signature also stands for."""
        required = stage.signers if not isinstance(stage.signers, str) else getattr(self.parameters, stage.signers)
        stand_in = getattr(self.parameters, stage.substitute) if stage.substitute else StandIn.NOBODY
        if poor_village or stand_in is StandIn.NOBODY or Duty.WORK_TEAM not in required:
            return {duty: frozenset() for duty in required}
        place = Duty(stand_in.value)
        signers = {duty: frozenset[Duty]() for duty in required if duty is not Duty.WORK_TEAM}
        return {**signers, place: frozenset({Duty.WORK_TEAM})}

    def waits_for(self, view: View, today: date) -> frozenset[Duty]:
        """Who holds the case now; empty while a notice stands and at an end."""
        code = self.reached(view, today)
        if code in END_TITLES:
            return frozenset()
        stage = self.process[code]
        if isinstance(stage, Verify):
            if view.poor_village is None:
                return frozenset()
            return frozenset(self.signers(stage, view.poor_village)) - frozenset(view.signed)
        if isinstance(stage, Notice):
            if view.open_objections:
                return frozenset({stage.settled_by})
            return frozenset() if view.posted else frozenset({stage.by})
        if isinstance(stage, Pay):
            return frozenset({stage.maker})
        return frozenset({stage.by}) if isinstance(stage, Plan | Accept | Sample) else frozenset()

    # --- acts ---

    def plan(self, act: Act) -> Move | Problem:
        """Open a case with its plan."""
        stage = self.process.first(Plan)
        to = self.process.after(stage.code)
        return self._duty(stage, act, {stage.by}) or self._done(stage, None, act, stage.by, to)

    def amend(self, view: View, act: Act) -> Move | Problem:
        """Correct a plan, with the reason, until its result is on notice; what was signed is signed again."""
        stage = self.process.first(Plan)
        early = {other.code for other in self.process.stages if isinstance(other, Verify)} | {REFUSED}
        if view.stage not in early:
            return self._wrong_stage(view, Text("更正计划", "correcting the plan"), act.day)
        problem = self._duty(stage, act, {stage.by})
        if problem is None and not act.reason.strip():
            problem = Code.REASON_NEEDED.problem("reason")
        return problem or self._done(stage, None, act, stage.by, self.process.after(stage.code))

    def sign(self, view: View, act: Act, code: str) -> Move | Problem:
        """Sign a stage that takes signatures; the last one completes it."""
        stage = self.process[code]
        if not isinstance(stage, Verify) or view.stage != code:
            return self._wrong_stage(view, Text("签字", "signing"), act.day)
        if view.poor_village is None:
            return Code.VILLAGE_KIND_UNKNOWN.problem(village=view.village)
        if stage.accounts and not view.accounted:
            return Code.NOT_DETERMINED.problem()
        if stage.accounts and view.stale:
            return Code.FACTS_CHANGED.problem()
        required = self.signers(stage, view.poor_village)
        held = _held(required, act)
        if not held:
            return self._not_yours(stage, required)
        open_ = [duty for duty in held if duty not in view.signed]
        if not open_:
            return Code.ALREADY_SIGNED.problem("duty", duty=duty_names(held))
        if act.officer in view.signed.values():
            return Code.SAME_SIGNER.problem("duty")
        if len(open_) > 1:
            return Code.DUTY_AMBIGUOUS.problem("duty", duties=duty_names(open_))
        if stage.accounts and view.counted_to is not None and act.day < view.counted_to:
            return Code.BEFORE_INCOME.problem("day", day=day(act.day), last=day(view.counted_to))
        duty = open_[0]
        complete = set(required) <= {*view.signed, duty}
        if complete and not stage.reports and not self._verified(view, {**view.signed, duty: act.officer}):
            return Code.MAKER_VERIFIES_ALONE.problem("duty")
        to = self.process.after(code) if complete else code
        return self._done(stage, view, act, duty, to, required[duty])

    def _verified(self, view: View, signed: Mapping[Duty, object]) -> bool:
        """Whether somebody signed who did not make the plan, in another duty than it was made in."""
        maker = self.process.first(Plan).by
        return any(officer not in view.planned_by and duty is not maker for duty, officer in signed.items())

    def account(self, view: View, act: Act) -> Move | Problem:
        """Compute (again) what the household is due; signatures under an earlier result no longer stand.

        Computing has no deadline and no place in the order of days: what counts is the day of the signatures.
        """
        stage = self.process.accounting()
        if view.stage not in (stage.code, REFUSED):
            return self._wrong_stage(view, stage.title, act.day)
        if view.poor_village is None:
            return Code.VILLAGE_KIND_UNKNOWN.problem(village=view.village)
        required = self.signers(stage, view.poor_village)
        able = {*required, *stage.run_by}
        if act.day > act.today:
            return Code.DAY_IN_FUTURE.problem("day", day=day(act.day), today=day(act.today))
        return self._duty(stage, act, able) or Move(stage.code, _held(able, act)[0])

    def post(self, view: View, act: Act) -> Move | Problem:
        """Post the result on the village's notice."""
        stage = self.process.first(Notice)
        if view.stage != stage.code or view.posted:
            return self._wrong_stage(view, stage.title, act.day)
        if view.decided_on is not None and act.day < view.decided_on:
            return Code.BEFORE_PREVIOUS_STEP.problem("day", day=day(act.day), previous=day(view.decided_on))
        return self._duty(stage, act, {stage.by}) or self._done(stage, view, act, stage.by, stage.code)

    def notice_days(self, first: date) -> tuple[date, date]:
        """The first and the last full day of a notice posted on ``first``; the next step is possible the day after."""
        stage = self.process.first(Notice)
        days, unit = getattr(self.parameters, stage.days), getattr(self.parameters, stage.unit)
        return first, last_day(first, days, unit, self.working)

    def object(self, view: View, act: Act) -> Move | Problem:
        """Take down an objection against the household, made by anyone on any day of the notice."""
        stage = self.process.first(Notice)
        if view.stage != stage.code or not view.posted:
            return self._wrong_stage(view, Text("提出异议", "objecting"), act.day)
        first, last = view.posted
        if not first <= act.day <= last:
            return Code.NOTICE_NOT_OPEN.problem("day", first_day=day(first), last_day=day(last))
        problem = self._duty(stage, act, Duty)
        return problem or self._done(stage, None, act, _held(Duty, act)[0], stage.code)

    def settle(self, view: View, act: Act, upheld: bool, finding: str) -> Move | Problem:
        """Settle the objections against a household after re-checking; upheld sends the case back.

        Who may not accept the case may not judge the objections against it either.
        """
        stage = self.process.first(Notice)
        if view.stage != stage.code or not view.open_objections:
            return self._wrong_stage(view, Text("处理异议", "settling an objection"), act.day)
        if not finding.strip():
            return Code.FINDING_NEEDED.problem("finding")
        to = stage.returns_to if upheld else stage.code
        problem = self._duty(stage, act, {stage.settled_by}) or self._independent(view, act)
        return problem or self._done(stage, view, act, stage.settled_by, to)

    def accept(self, view: View, act: Act) -> Move | Problem:
        """Accept a case on the spot, after its notice."""
        stage = self.process.first(Accept)
        return self._accepting(view, act) or self._done(stage, view, act, stage.by, self.process.after(stage.code))

    def send_back(self, view: View, act: Act, finding: str) -> Move | Problem:
        """Send a case back at acceptance, with what was found."""
        stage = self.process.first(Accept)
        problem = self._accepting(view, act)
        if problem is None and not finding.strip():
            problem = Code.FINDING_NEEDED.problem("finding")
        return problem or self._done(stage, view, act, stage.by, stage.returns_to)

    def recall(self, view: View, act: Act, finding: str) -> Move | Problem:
        """Send a case back after its acceptance, with what was found; a drawn one goes back by its spot check."""
        stage = self.process.first(Sample)
        if not self.recalls(view.stage):
            return self._wrong_stage(view, Text("退回", "sending back"), act.day)
        if view.drawn:
            wanted = Text("退回(该户待抽查,请登记抽查结果)", "sending back a case whose spot check is awaited")
            return self._wrong_stage(view, wanted, act.day)
        problem = self._duty(stage, act, {stage.by})
        if problem is None and not finding.strip():
            problem = Code.FINDING_NEEDED.problem("finding")
        return problem or self._done(stage, view, act, stage.by, stage.returns_to)

    def recalls(self, stage: str) -> bool:
        """Whether a case of a stage is sent back by the county and no longer by the township."""
        return stage in (self.process.first(Sample).code, self.process.first(Pay).code)

    def draw(self, view: View, act: Act) -> Move | Problem:
        """Put an accepted case in the frame of a sample."""
        stage = self.process.first(Sample)
        if view.stage != stage.code:
            return self._wrong_stage(view, stage.title, act.day)
        return self._duty(stage, act, {stage.by}) or self._done(stage, view, act, stage.by, stage.code)

    def check(self, view: View, act: Act, passed: bool, finding: str) -> Move | Problem:
        """Give the result of a spot check; a failed case goes back with the finding.

        Who made the plan, signed, accepted the case or typed any of it in does not check it. The draw itself is free of
        that: it is made by a seed, from everything that was accepted, and anyone can make it again.
        """
        stage = self.process.first(Sample)
        if view.stage != stage.code:
            return self._wrong_stage(view, stage.title, act.day)
        problem = self._duty(stage, act, {stage.by})
        if problem is None and not view.drawn:
            problem = Code.NOT_IN_SAMPLE.problem()
        if problem is None and act.officer in view.prepared_by | view.verified_by | view.accepted_by:
            other = Text(
                "计划制定人、核实签字人、验收人及录入人", "who planned, verified or accepted it, or typed that in"
            )
            problem = Code.SAME_PERSON.problem("officer", other=other)
        if problem is None and not passed and not finding.strip():
            problem = Code.FINDING_NEEDED.problem("finding")
        return problem or self._done(stage, view, act, stage.by, stage.code if passed else stage.returns_to)

    def pay(self, view: View, act: Act) -> Move | Problem:
        """Gather, check or release what a case is due; that they are three persons is seen to by its batch."""
        stage = self.process.first(Pay)
        if view.stage != stage.code:
            return self._wrong_stage(view, stage.title, act.day)
        able = (stage.maker, stage.checker, stage.releaser)
        return self._duty(stage, act, able) or Move(stage.code, _held(able, act)[0])

    # --- what they share ---

    def reached(self, view: View, on: date) -> str:
        """The stage that a case has reached on a day: a notice that has stood its time is over by itself."""
        over = view.posted is not None and view.posted[1] < on and not view.open_objections
        if over and view.stage == self.process.first(Notice).code:
            return self.process.after(view.stage)
        return view.stage

    def _accepting(self, view: View, act: Act) -> Problem | None:
        stage = self.process.first(Accept)
        notice = self.process.first(Notice)
        if view.stage == notice.code and view.posted:
            last = view.posted[1]
            if view.open_objections:
                return Code.OBJECTION_OPEN.problem()
            if act.day <= last:
                return Code.NOTICE_OPEN.problem("day", last_day=day(last), next_day=day(last + ONE_DAY))
        elif view.stage != stage.code:
            return self._wrong_stage(view, stage.title, act.day)
        return self._duty(stage, act, {stage.by}) or self._independent(view, act)

    def _independent(self, view: View, act: Act) -> Problem | None:
        """Who is in charge of the village, made the plan, signed the accounting or typed either in may not judge it."""
        barred = self.process.first(Accept).never & act.duties
        if barred:
            return Code.NOT_INDEPENDENT.problem("duty", duty=duty_names(barred))
        if act.officer in view.verified_by:
            signer = Text("收入核算签字人或录入人", "signer of its accounting, or who typed a signature in,")
            return Code.NOT_INDEPENDENT.problem("duty", duty=signer)
        if act.officer in view.prepared_by:
            other = Text("计划制定人及录入人", "who made the plan or typed it in")
            return Code.SAME_PERSON.problem("officer", other=other)
        return None

    def _duty(self, stage: Stage, act: Act, duties: Iterable[Duty]) -> Problem | None:
        return None if _held(duties, act) else self._not_yours(stage, duties)

    def _not_yours(self, stage: Stage, duties: Iterable[Duty]) -> Problem:
        return Code.NOT_YOUR_DUTY.problem("duty", stage=stage.title, duties=duty_names(duties))

    def _done(
        self,
        stage: Stage,
        view: View | None,
        act: Act,
        duty: Duty,
        to: str,
        stands_for: frozenset[Duty] = frozenset(),
    ) -> Move | Problem:
        """The move, if the days are in order."""
        if act.day > act.today:
            return Code.DAY_IN_FUTURE.problem("day", day=day(act.day), today=day(act.today))
        if view is not None and act.day < view.since:
            return Code.BEFORE_PREVIOUS_STEP.problem("day", day=day(act.day), previous=day(view.since))
        if act.day < act.today and not act.evidence.strip():
            return Code.EVIDENCE_NEEDED.problem("evidence", day=day(act.day))
        deadline = self.deadline(stage)
        late = max(0, (act.day - deadline).days) if deadline else 0
        if late and deadline:
            if stage.hard:
                return Code.DEADLINE_PASSED.problem("day", deadline=day(deadline))
            if not act.reason.strip():
                return Code.LATE_NEEDS_REASON.problem("reason", deadline=day(deadline))
        return Move(to, duty, stands_for, late)

    def _wrong_stage(self, view: View, wanted: Text, on: date) -> Problem:
        return Code.WRONG_STAGE.problem("stage", stage=self.process.title(self.reached(view, on)), act=wanted)


def _held(duties: Iterable[Duty], act: Act) -> list[Duty]:
    """Which of the duties the officer holds and acts in, in the order in which duties are declared."""
    wanted = set(duties)
    return [duty for duty in Duty if duty in wanted & act.duties and act.duty in (None, duty)]
