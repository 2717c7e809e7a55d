"""Stages as data: what a programme declares of who does what, in which order and by when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from bangfu.policy import PolicyError
from bangfu.process.duties import Duty
from bangfu.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage: its code, its two names, its clauses, and the parameters that give its deadline.

    ``opens`` and ``deadline`` name ``MonthDay`` parameters, ``grace`` an ``int`` one (days after the deadline). Before
    it opens nothing is done; a missed deadline is flagged and needs a reason, and if ``hard`` it is refused.
    """

    code: str
    title: Text
    cites: tuple[str, ...]
    opens: str | None = None
    deadline: str | None = None
    grace: str | None = None
    hard: bool = False

    def parameters(self) -> frozenset[str]:
        """The names of the parameters that the stage reads."""
        return frozenset(name for name in (self.opens, self.deadline, self.grace) if name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Stage):
    """The applicant and ``by`` make the plan; this opens the case with the facts that the applicant states."""

    by: Duty


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify(Stage):
    """Everyone who must sign signs; the last signature completes the stage.

    ``signers`` are the duties, or the name of a ``frozenset[Duty]`` parameter. In a village that is not poor, the
    duty that ``substitute`` names (a ``StandIn`` parameter) signs once for the work team's place as well. With
    ``accounts`` the signatures stand under a determination, and a new determination asks for new signatures; besides
    the signers, ``run_by`` may have it computed, which decides nothing until it is signed.

    A stage that ``rechecks`` is where it is found out what has become of the person since, before it is determined
    again.

    With ``answers``, every household that takes part in the case in that role must have answered before it is computed
    (000:51). A stage that ``reports`` is the word of those who carry the plan out, and verifies nothing. Every other
    one is complete only if somebody signed who did not make the plan, in another duty than it was made in: the source
    lets the cadre who makes the plan verify it with others (000:23, 000:35), and never alone.
    """

    signers: frozenset[Duty] | str
    substitute: str | None = None
    accounts: bool = False
    run_by: frozenset[Duty] = frozenset()
    reports: bool = False
    answers: str | None = None
    rechecks: bool = False

    def parameters(self) -> frozenset[str]:
        """The names of the parameters that the stage reads."""
        own = {name for name in (self.signers, self.substitute) if isinstance(name, str)}
        return Stage.parameters(self) | own


@dataclass(frozen=True, slots=True, kw_only=True)
class Select(Stage):
    """``by`` selects, village by village and within a quota, who goes on among those that are eligible 评选.

    The quota is a share (``rate``, a ``Rate`` parameter, rounded down) of the village's households whose standing is
    one of ``counted`` (a list parameter), at least ``minimum`` (a whole number) where there is any such household.
    """

    by: Duty
    rate: str
    minimum: str
    counted: str

    def parameters(self) -> frozenset[str]:
        """The names of the parameters that the stage reads."""
        return Stage.parameters(self) | {self.rate, self.minimum, self.counted}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(Stage):
    """The result is posted in public for ``days`` full days, the first day counted; an objection stops only its own
    case.

    ``columns`` are the only things the notice shows; ``project`` names the stated fact that is shown as the project
    (without one, the programme itself is), and ``standard`` is the rate of aid with the parameters in its ``{places}``.
    ``settled_by`` settles objections; one that is upheld sends the case back to ``returns_to``.

    A notice of no days is no notice: the cases pass the stage by.
    """

    by: Duty
    days: str
    unit: str
    columns: tuple[str, ...]
    standard: Text
    settled_by: Duty
    returns_to: str
    project: str | None = None

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
    """``by`` draws a share (a ``Rate`` parameter) of the accepted cases and re-checks them; a failed one returns.

    A share of nothing is no sample: the cases pass the stage by.
    """

    by: Duty
    rate: str
    returns_to: str

    def parameters(self) -> frozenset[str]:
        """The names of the parameters that the stage reads."""
        return Stage.parameters(self) | {self.rate}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pay(Stage):
    """The cases are gathered into a batch by ``maker``, checked by ``checker`` and released by ``releaser``, three
    persons.

    ``instalment`` is which part of the award it pays, by the shares that the parameter ``shares`` names. Without shares
    it pays what the award has come to by then and was not due before: the whole, or a term's part of it. What turns out
    wrong before it is paid goes back to ``returns_to``; where there is a sample, to where that returns to.
    """

    maker: Duty
    checker: Duty
    releaser: Duty
    channel: str
    instalment: int = 1
    shares: str | None = None
    returns_to: str | None = None

    def parameters(self) -> frozenset[str]:
        """The names of the parameters that the stage reads."""
        return Stage.parameters(self) | ({self.shares} if self.shares else frozenset())


class CountedOn(StrEnum):
    """The day whose facts decide a month 月度认定日."""

    FIRST_DAY = "first_day"
    LAST_DAY = "last_day"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return Text("当月1日", "its first day") if self is CountedOn.FIRST_DAY else Text("当月末日", "its last day")


class Begins(StrEnum):
    """The first month that counts of who applies 起始月."""

    APPLICATION = "application"
    FOLLOWING = "following"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        if self is Begins.APPLICATION:
            return Text("申请当月", "the month of the application")
        return Text("申请次月", "the month after the application")


class RestCause(StrEnum):
    """Why what is paid every month rests 停发原因."""

    CUSTODY = "custody"
    UNREACHABLE = "unreachable"
    UNVERIFIED = "unverified"
    ACCOUNT = "account"
    OTHER = "other"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return {
            RestCause.CUSTODY: Text("服刑羁押", "in custody"),
            RestCause.UNREACHABLE: Text("失联", "cannot be reached"),
            RestCause.UNVERIFIED: Text("未按期核查", "not verified again in time"),
            RestCause.ACCOUNT: Text("账户异常", "something is wrong with the account"),
            RestCause.OTHER: Text("其他", "another cause"),
        }[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Monthly(Pay):
    """Who has passed every gate is paid every month of the period, and each month is decided by itself 按月发放.

    A month is decided by the facts of one of its days, which the parameter ``counted_on`` names; ``begins`` says from
    which month on. What becomes known later decides it again: the difference is arrears, or is set off against the next
    payment. A case may rest for a ``RestCause``; the months of its rest are paid afterwards for those that the
    parameter ``back_paid`` lists. Every ``recheck_months`` months everybody is verified again by ``rechecked_by``, and
    ``stopped_by`` may end a case. In the last month the cases are carried into the next period by the ``maker``.
    """

    counted_on: str
    begins: str
    back_paid: str
    recheck_months: str
    rechecked_by: frozenset[Duty]
    stopped_by: frozenset[Duty]

    def parameters(self) -> frozenset[str]:
        """The names of the parameters that the stage reads."""
        own = frozenset({self.counted_on, self.begins, self.back_paid, self.recheck_months})
        return Pay.parameters(self) | own


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
NOT_SELECTED = "not_selected"
"""Where a case stands that was eligible and was not among those selected."""
WITHDRAWN = "withdrawn"
"""Where a case stands that the applicant's side took back; a new plan opens it again."""
STOPPED = "stopped"
"""Where a case stands whose verification found that it does not go on; what was paid before stays paid."""
CLOSED = "closed"
"""Where a case stands that has been paid out."""

END_TITLES = {
    REFUSED: Text("不符合条件", "not eligible"),
    NOT_SELECTED: Text("未入选", "not selected"),
    WITHDRAWN: Text("已撤回", "withdrawn"),
    STOPPED: Text("已终止", "stopped"),
    CLOSED: Text("已办结", "closed"),
}

S = TypeVar("S", bound=Stage)


@dataclass(frozen=True, slots=True)
class Process:
    """The stages of a programme in their order.

    ``pausers`` may let a case rest for a time, whatever its stage.
    """

    stages: tuple[Stage, ...]
    pausers: frozenset[Duty] = frozenset({Duty.TOWNSHIP_CLERK, Duty.COUNTY_OFFICE})

    def __post_init__(self) -> None:
        codes = [stage.code for stage in self.stages]
        if len(set(codes)) != len(codes) or END_TITLES.keys() & set(codes):
            raise PolicyError(f"stage codes must differ and not be {', '.join(END_TITLES)}: {', '.join(codes)}")
        if not self.stages or not isinstance(self.stages[0], Plan) or not isinstance(self.stages[-1], Pay):
            raise PolicyError("a process begins with a Plan and ends with a Pay")
        for stage in self.stages:
            if isinstance(stage, Verify) and stage.accounts and stage.reports:
                raise PolicyError(f"{stage.code} accounts, so it cannot be a mere report")
            if isinstance(stage, Verify) and stage.rechecks and not stage.accounts:
                raise PolicyError(f"{stage.code} re-checks, which only counts where something is computed")
            if isinstance(stage, Verify) and stage.answers and not stage.accounts:
                raise PolicyError(f"{stage.code} waits for answers, which only count where something is computed")
            back = getattr(stage, "returns_to", None)
            if back is not None and back not in codes[: codes.index(stage.code)]:
                raise PolicyError(f"{stage.code} returns to {back}, which is no earlier stage")
        pays = list(self.kind(Pay))
        if [stage.instalment for stage in pays] != list(range(1, len(pays) + 1)):
            raise PolicyError("the instalments are paid in their order, the first one first")
        if len({stage.shares for stage in pays}) != 1:
            raise PolicyError("every Pay of a process names the same shares")
        if any(isinstance(stage, Monthly) and (len(pays) > 1 or stage.shares) for stage in pays):
            raise PolicyError("what is paid by the month is paid at one stage, and in no shares")

    def __getitem__(self, code: str) -> Stage:
        return next(stage for stage in self.stages if stage.code == code)

    def title(self, code: str) -> Text:
        """The two names of a stage or an end."""
        return END_TITLES[code] if code in END_TITLES else self[code].title

    def at(self, code: str, kind: type[S]) -> S | None:
        """The stage of a code, if it is one of a kind."""
        return next((stage for stage in self.kind(kind) if stage.code == code), None)

    def after(self, code: str) -> str:
        """The stage that follows."""
        position = self.stages.index(self[code]) + 1
        return self.stages[position].code if position < len(self.stages) else CLOSED

    def before(self, code: str, kind: type[S]) -> S | None:
        """The last stage of a kind that comes before another."""
        found = None
        for stage in self.stages[: self.stages.index(self[code])]:
            if isinstance(stage, kind):
                found = stage
        return found

    def kind(self, kind: type[S]) -> Iterator[S]:
        """The stages of a kind in their order."""
        return (stage for stage in self.stages if isinstance(stage, kind))

    def first(self, kind: type[S]) -> S:
        """The first stage of a kind; :class:`PolicyError` if there is none."""
        for stage in self.kind(kind):
            return stage
        raise PolicyError(f"the process has no {kind.__name__} stage")

    @property
    def monthly(self) -> Monthly | None:
        """The stage that pays every month, if it does."""
        return next(self.kind(Monthly), None)

    def accounting(self, code: str | None = None) -> Verify:
        """The stage whose signatures stand under a determination: the one of a code, else the first."""
        for stage in self.kind(Verify):
            if stage.accounts and code in (None, stage.code):
                return stage
        raise PolicyError("the process has no stage that accounts")

    def accounts(self) -> tuple[str, ...]:
        """The codes of the stages at which something is computed."""
        return tuple(stage.code for stage in self.kind(Verify) if stage.accounts)

    def early(self) -> frozenset[str]:
        """The stages at which nothing has been made public or paid yet: a plan can still be corrected."""
        early = set()
        for stage in self.stages:
            if isinstance(stage, Notice | Pay):
                break
            early.add(stage.code)
        return frozenset(early)

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
