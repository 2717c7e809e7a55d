"""What a plugin declares: programmes with their parts, ways of paying, and the names that declarations may use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Literal

import pluggy

from bangfu.calendar import PeriodKind
from bangfu.errors import Code
from bangfu.policy import Adoptable, Adoption, Policy, Provision, in_force
from bangfu.process import Duty, Process
from bangfu.rules.book import RuleBook, StepKind, TracedStep
from bangfu.rules.facts import HOLDS, FactSpec, Kind, Stated, When, facts_of
from bangfu.text import Text

PROJECT = "bangfu"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

NOTICE_COLUMNS: Mapping[str, Text] = {
    "beneficiary": Text("受益对象", "beneficiary"),
    "address": Text("家庭地址", "village"),
    "standing": Text("家庭状况", "standing of the household"),
    "school": Text("就读学校", "school"),
    "grade": Text("年级", "level and grade"),
    "project": Text("项目名称", "project"),
    "standard": Text("补助标准", "standard"),
    "amount": Text("补助金额", "amount"),
}
"""Everything that a notice may ever show, in this order: the amount stands last, above its total. Identity, telephone,
account and health are not masked: they are absent."""

SCHOOLING_COLUMNS = frozenset({"school", "grade"})
"""What of it is known of a person alone."""

INCOME_CATEGORIES: Mapping[str, Text] = {
    "breeding": Text("养殖业", "breeding"),
    "planting": Text("种植业", "planting"),
    "labour": Text("务工", "labour"),
    "self_employment": Text("自主经营", "self-employment"),
}
"""The categories of the income ledger."""

REGISTRY_FACTS: Mapping[str, Text] = {
    "standing": Text("户类型", "standing in the register"),
    "exit_year": Text("脱贫年度", "year in which the household left poverty"),
    "members": Text("家庭人口数", "number of members of the household"),
}
"""The attributes of a household that a fact may be taken from, as of a day."""

STANDINGS: Mapping[str, Text] = {
    "poor": Text("贫困户", "poor"),
    "exited": Text("已脱贫户", "left poverty"),
    "general": Text("一般农户", "never registered poor"),
}
"""The standings that a household may have in the register."""

EDUCATION_LEVELS: Mapping[str, Text] = {
    "preschool": Text("学前教育", "pre-school"),
    "primary": Text("小学", "primary school"),
    "junior_secondary": Text("初中", "junior secondary"),
    "senior_secondary": Text("普通高中", "senior secondary"),
    "secondary_vocational": Text("中等职业教育", "secondary vocational"),
    "higher_vocational": Text("高等职业教育", "higher vocational"),
    "skills_training": Text("技能培训", "skills training"),
    "undergraduate": Text("本科及以上", "university"),
}
"""The levels of schooling that the register knows."""

SCHOOLING_FACTS: Mapping[str, tuple[Kind, Text]] = {
    "enrolled": (Kind.TRUTH, Text("在读", "is on a school's roll")),
    "level": (Kind.CHOICE, Text("学段", "level")),
    "grade": (Kind.NUMBER, Text("年级", "grade")),
    "months": (Kind.NUMBER, Text("学制(月)", "length of the course in months")),
    "interning": (Kind.TRUTH, Text("顶岗实习", "is on an internship")),
    "in_county": (Kind.TRUTH, Text("县内就读", "goes to school in the county")),
    "proved": (Kind.TRUTH, Text("学籍证明", "has a proof of schooling")),
}
"""The attributes of a person's schooling that a fact may be taken from, with their kind."""

CIRCUMSTANCES: Mapping[str, Text] = {
    "certificate": Text("残疾人证", "certificate of disability"),
    "minimum_living": Text("最低生活保障", "minimum living guarantee"),
    "death": Text("死亡", "death"),
    "custody": Text("服刑羁押", "custody"),
    "moved_away": Text("迁出本县", "moved out of the county"),
}
"""What offices keep lists of, of persons, from when to when."""

CIRCUMSTANCE_FACTS: Mapping[str, Mapping[str, tuple[Kind, Text]]] = {
    **{kind: {HOLDS: (Kind.TRUTH, title)} for kind, title in CIRCUMSTANCES.items()},
    "certificate": {
        HOLDS: (Kind.TRUTH, CIRCUMSTANCES["certificate"]),
        "level": (Kind.NUMBER, Text("残疾等级", "level of the disability")),
        "generation": (Kind.NUMBER, Text("证件代次", "generation of the certificate")),
    },
}
"""The attributes of each circumstance that a fact may be taken from, with their kind."""

ORGANIZATION_KINDS: Mapping[str, Text] = {
    "bureau": Text("机关", "bureau"),
    "institution": Text("事业单位", "public institution"),
    "school": Text("学校", "school"),
    "training_base": Text("培训基地", "training base"),
    "enterprise": Text("企业", "enterprise"),
    "cooperative": Text("合作社", "cooperative"),
    "bank": Text("银行", "bank"),
    "other": Text("其他", "other"),
}
"""The kinds of organizations that the register knows."""

TEACHING = frozenset({"school", "training_base"})
"""Those that teach: they have a roll of students, and agents who answer for it and attest what they are asked."""

BOOK_TITLE = Text("规则版本", "rule book")
"""What a rule book is called beside the parameters of a programme, none of which is called so."""

PAYMENT_COLUMNS = (
    "position",
    "township",
    "village",
    "group",
    "household_number",
    "head",
    "identity",
    "holder",
    "bank",
    "account",
    "programme",
    "amount",
    "period",
    "note",
)
"""What a payment list can hold, by name; a channel chooses and heads them."""


class Beneficiary(StrEnum):
    """Whom a programme is for: each has one case a period."""

    HOUSEHOLD = "household"
    PERSON = "person"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return Text("户", "household") if self is Beneficiary.HOUSEHOLD else Text("个人", "person")

    @property
    def counted(self) -> Text:
        """What they are counted in."""
        return Text("户", "households") if self is Beneficiary.HOUSEHOLD else Text("人", "persons")

    @property
    def numbered(self) -> Text:
        """What their numbers are headed."""
        return Text(f"{self.counted.zh}编号", self.value)


@dataclass(frozen=True, slots=True)
class DatedBook:
    """A rule book in force from a day on. Released books are only ever added to.

    One that is ``adopted`` is in force where a county's own document moves to it, from the day that this says, which is
    never before ``since``; where ``at_latest`` is stated, everywhere from then on.
    """

    since: date
    rules: type[RuleBook[Any, Any]]
    adopted: bool = False
    at_latest: date | None = None

    @property
    def everywhere(self) -> date | None:
        """The day from which every county decides by it; None where each moves in its own time."""
        return self.at_latest if self.adopted else self.since


@dataclass(frozen=True, slots=True)
class InForce:
    """The book that a county decides by on a day; if it moved there by a document of its own, that and its words."""

    book: DatedBook
    by: Provision | None
    move: Adoption | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """How a household besides the applicant takes part in a case, such as one that is led by it 被带动户.

    ``signs`` asks for its agreement by signature, ``vouched_by`` for the word of an officer who holds the duty over it.
    """

    code: str
    title: Text
    cites: str
    signs: bool = False
    vouched_by: Duty | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attested:
    """A yes-or-no fact that an organization may attest itself 证明, instead of its being stated from a paper, such as
    that a training base has signed and sealed a card.

    ``by`` is the kind of the organization, ``title`` what it is called in this part. ``shows`` names the stated facts
    that it is shown beside the person's name, and it sees nothing else of the case. Which organization is asked is
    said with the plan; where none is, the fact is stated as before.
    """

    fact: str
    by: str
    title: Text
    cites: str
    shows: tuple[str, ...] = ()


class Span(StrEnum):
    """For how long something holds: one period of the programme, the plan year that it belongs to, or ever."""

    PERIOD = "period"
    YEAR = "year"
    EVER = "ever"


class ClaimOf(StrEnum):
    """Who takes something that can be taken once: the applicant's household, the person whom the case is for, or each
    household that takes part in a role."""

    HOUSEHOLD = "household"
    PERSON = "person"
    PARTICIPANT = "participant"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimSpec:
    """Something of the programme that can be had once in a span, such as one leader a plan year, or once in a lifetime.

    ``kind`` names it within the programme. It is not asked for where the county has a setting that switches it off
    (``unless``).
    """

    kind: str
    title: Text
    cites: str
    per: ClaimOf = ClaimOf.HOUSEHOLD
    role: str | None = None
    period: Span = Span.YEAR
    unless: When | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """Who has a live case in another programme cannot have one here, and the other way round: a household, or the
    ``same`` person.

    It holds both ways, whichever of the two declares it, and is nothing where the other programme is not installed.
    """

    programme: str
    why: Text
    cites: str
    same: Literal["household", "person"] = "household"
    period: Span = Span.YEAR


@dataclass(frozen=True, slots=True, kw_only=True)
class Stacks:
    """Another programme whose award may be had beside this one 可叠加, declared so that nobody has to ask.

    One that is no programme of any plugin, such as a waiver of the state's, has a ``title`` here.
    """

    programme: str
    why: Text
    cites: str
    title: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone:
    """A time of the plan in which something is done that is no step of a case 日程, such as a survey or a report.

    ``opens`` and ``closes`` name ``MonthDay`` parameters, days of the plan year or, with ``years``, of so many after.
    """

    code: str
    title: Text
    cites: tuple[str, ...]
    opens: str
    closes: str
    years: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnyProgramme:
    """What every programme has, whatever its shape: a name, its documents and parameters, and how it divides time.

    Switching on, a county's own documents, the county file and the table of clauses ask for no more.
    """

    code: str
    title: Text
    period: PeriodKind
    policy: Policy
    parameters: type

    @property
    def is_previewed(self) -> bool:
        """Whether a county's own document has to be previewed before it is released, since cases are decided by it."""
        return False

    def adoptable(self) -> list[Adoptable]:
        """The rule books that a county's own document can move to, and when."""
        return []

    def text_on(self, day: date, provisions: Sequence[Provision] = ()) -> str:
        """The hash of the rule text that a county decides by on a day; empty where nothing is decided by one."""
        return ""

    def read_provision(self, raw: Mapping[str, Any], id: str = "") -> Provision:
        """Read and check a county's own document; refuses every problem of it."""
        return self.policy.read_provision(raw, id, self.adoptable())

    def titles(self) -> dict[str, Text]:
        """The two names of every parameter."""
        return {name: parameter.title for name, parameter in self.policy.parameters.items()}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Programme(AnyProgramme):
    """A programme of cases: its documents and parameters, its dated rule books, its stages.

    ``beneficiary`` is whom it is for. ``released`` maps the day of each released book to its hash, so that a released
    text cannot change unseen. ``once_per_period`` allows one case a beneficiary and period. ``participants`` are the
    roles in which other households take part, ``attested`` what organizations may attest, ``claims`` what can be had
    once, ``excludes`` and ``stacks`` the programmes that do not go together with this one, and those that do,
    ``milestones`` the times of the plan that are no stages.
    """

    facts: type
    books: tuple[DatedBook, ...]
    released: Mapping[date, str]
    process: Process
    beneficiary: Beneficiary = Beneficiary.HOUSEHOLD
    once_per_period: bool = True
    participants: tuple[Role, ...] = ()
    attested: tuple[Attested, ...] = ()
    claims: tuple[ClaimSpec, ...] = ()
    excludes: tuple[Exclusion, ...] = ()
    stacks: tuple[Stacks, ...] = ()
    milestones: tuple[Milestone, ...] = ()

    @property
    def is_for_persons(self) -> bool:
        """Whether each of its cases is for one person of a household."""
        return self.beneficiary is Beneficiary.PERSON

    def book(self, day: date, provisions: Sequence[Provision] = ()) -> InForce:
        """The book that a county decides by on a day, given its own released documents, the latest issued last.

        Refuses ``PERIOD_BAD`` before the first one.
        """
        general = max(self._begun(day), key=lambda book: book.since, default=None)
        standing = in_force(provisions, day)
        moves = [(own, one) for own in standing for one in own.adoptions if one.since <= day]
        if moves:
            # max keeps the first of equals, so reverse: of the same day the county's latest document holds.
            own, move = max(reversed(moves), key=lambda found: found[1].since)
            chosen = next(book for book in self.books if book.since == move.book)
            if general is None or chosen.since > general.since:
                return InForce(chosen, own, move)
        if general is None:
            first = min(book.since for book in self.books)
            raise Code.PERIOD_BAD.refuse(
                "period", value=day, expected=Text(f"{first} 起的期间", f"a period from {first} on")
            )
        return InForce(general, None, None)

    def _begun(self, day: date) -> list[DatedBook]:
        """The books that every county decides by on a day unless a newer one does."""
        return [book for book in self.books if book.everywhere is not None and book.everywhere <= day]

    def adoptable(self) -> list[Adoptable]:
        """The books that a county's own document can move to, and when: until a newer one holds everywhere."""
        found = []
        for book in sorted(self.books, key=lambda one: one.since):
            later = [one.everywhere for one in self.books if one.everywhere is not None and one.since > book.since]
            last = min(later) - timedelta(days=1) if later else None
            found.append(Adoptable(book.since, book.since, last))
        return found

    @property
    def is_previewed(self) -> bool:
        """Whether a county's own document has to be previewed before it is released: its cases are decided by it."""
        return True

    def text_on(self, day: date, provisions: Sequence[Provision] = ()) -> str:
        """The hash of the rule book that a county decides by on a day; refuses ``PERIOD_BAD`` before the first one."""
        return self.book(day, provisions).book.rules.traced().version

    def specs(self) -> dict[str, FactSpec]:
        """The facts by name that any of the books may look at."""
        return facts_of(self.facts)

    def steps(self) -> dict[str, TracedStep]:
        """Every step of any of the books by name, the newest text of each; in the order of the newest book."""
        found: dict[str, TracedStep] = {}
        for book in sorted(self.books, key=lambda one: one.since, reverse=True):
            for name, step in book.rules.traced().steps.items():
                found.setdefault(name, step)
        return found

    def flags(self) -> list[str]:
        """The names of yes-or-no steps that are no criteria."""
        return [
            name
            for name, own in self.steps().items()
            if own.term.kind is Kind.TRUTH and own.step.kind is not StepKind.CRITERION
        ]

    def criteria(self) -> list[str]:
        """The names of the criteria of any of the books."""
        return [name for name, own in self.steps().items() if own.step.kind is StepKind.CRITERION]

    def stated(self) -> dict[str, FactSpec]:
        """The facts that the applicant states; nothing else is ever an input."""
        return {name: spec for name, spec in self.specs().items() if isinstance(spec.source, Stated)}

    def attestable(self) -> dict[str, Attested]:
        """What organizations may attest, by the fact that is then not stated."""
        return {one.fact: one for one in self.attested}


@dataclass(frozen=True, slots=True)
class PaymentChannel:
    """A way in which money reaches a household: the columns of its list, each a name of ``PAYMENT_COLUMNS`` with its
    header."""

    code: str
    title: Text
    columns: tuple[tuple[str, str], ...]


class Hooks:
    """The hooks of a plugin."""

    @hookspec
    def programmes(self) -> Sequence[AnyProgramme]:  # type: ignore[empty-body]
        """The programmes that the plugin brings: of cases (``Programme``), of pairings (``PairingProgramme``), of
        inspections (``InspectionProgramme``), or of handing out (``HandoutProgramme``)."""

    @hookspec
    def payment_channels(self) -> Sequence[PaymentChannel]:  # type: ignore[empty-body]
        """The ways of paying that the plugin brings."""
