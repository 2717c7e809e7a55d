"""The types that a programme brings.

Its facts, findings, parameters and stages are real types, made from what it declares. Everything that depends on what
a programme declares is made here, once a programme; a schema is put together from the programmes that its county runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum, StrEnum
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import strawberry
from sqlalchemy import select

from bangfu import models
from bangfu.access import Action
from bangfu.cases import ground as grounds
from bangfu.cases import overview, receipts
from bangfu.cases.ground import Ground
from bangfu.cases.provision_forms import planned
from bangfu.errors import Code
from bangfu.policy import Fen, MonthDay, Rate, Shares, Tiers, Years, kind_of
from bangfu.policy import Tier as CoreTier
from bangfu.policy import Window as CoreWindow
from bangfu.process import END_TITLES, Select
from bangfu.programme import Programme as CoreProgramme
from bangfu.rules.facts import FactSpec, Kind
from bangfu.text import Text
from bangfu_graphql.casework import (
    Case,
    CaseFilter,
    Determination,
    Notice,
    NoticeFilter,
    Sample,
    reached,
    standing_determination,
)
from bangfu_graphql.declared import (
    Clause,
    Milestone,
    ParticipantRole,
    ProgrammeAttestation,
    ProgrammeBeside,
    ProgrammeClaim,
    Stage,
    attested_of,
    claims_of,
    clauses_of,
    excluded_by,
    milestones_of,
    roles_of,
    stacked_with,
    stages_of,
)
from bangfu_graphql.lists import LISTS
from bangfu_graphql.mapping import (
    ACTION,
    as_rows,
    column,
    derived,
    entity_of,
    enumeration,
    gathered,
    one,
    page_arguments,
    prefix_of,
    signed,
)
from bangfu_graphql.money import PaymentBatch
from bangfu_graphql.nodes import Connection
from bangfu_graphql.receipts import Authority, authority
from bangfu_graphql.requests import request_of, say
from bangfu_graphql.scalars import DivisionCode, Money, Percentage, described
from bangfu_graphql.waiting import (
    AskedHousehold,
    TownshipWaiting,
    VillageQuota,
    WaitingCase,
    quotas_field,
    to_answer_field,
    townships_field,
    waiting_field,
)

# --- values of parameters -------------------------------------------------------------------------------------


@strawberry.type(description="Years from the first to the last, both included.")
class YearRange:
    """Years from the first to the last."""

    first: int = strawberry.field(description="The first year.")
    last: int = strawberry.field(description="The last year.")


@strawberry.input(description="Years from the first to the last, both included.")
class YearRangeInput:
    """Years from the first to the last."""

    first: int = strawberry.field(description="The first year.")
    last: int = strawberry.field(description="The last year.")


@strawberry.type(description="A span of days around the plan year, both ends included.")
class DayWindow:
    """A span of days around the plan year."""

    first: MonthDay = strawberry.field(description="The first day.")
    first_year: int = strawberry.field(description="Its year, counted from the plan year: -1 is the year before.")
    last: MonthDay = strawberry.field(description="The last day.")
    last_year: int = strawberry.field(description="Its year, counted from the plan year.")


@strawberry.input(description="A span of days around the plan year, both ends included.")
class DayWindowInput:
    """A span of days around the plan year."""

    first: MonthDay = strawberry.field(description="The first day.")
    first_year: int = strawberry.field(description="Its year, counted from the plan year: -1 is the year before.")
    last: MonthDay = strawberry.field(description="The last day.")
    last_year: int = strawberry.field(description="Its year, counted from the plan year.")


@strawberry.type(description="One tier of an award: the highest that is reached counts, alone.")
class AwardTier:
    """One tier of an award."""

    start: int = strawberry.field(description="From how many on.")
    amount: Money = strawberry.field(description="The amount.")


@strawberry.input(description="One tier of an award: the highest that is reached counts, alone.")
class AwardTierInput:
    """One tier of an award."""

    start: int = strawberry.field(description="From how many on.")
    amount: Money = strawberry.field(description="The amount.")


def _years(given: YearRangeInput) -> Years:
    return Years(given.first, given.last)


def _window(given: DayWindowInput) -> CoreWindow:
    return CoreWindow(given.first, given.first_year, given.last, given.last_year)


_VALUES: dict[Any, tuple[Any, Any]] = {
    Fen: (Money, Money),
    Rate: (Percentage, Percentage),
    int: (int, int),
    bool: (bool, bool),
    MonthDay: (MonthDay, MonthDay),
    CoreWindow: (DayWindow, DayWindowInput),
    Years: (YearRange, YearRangeInput),
    Tiers: (list[AwardTier], list[AwardTierInput]),
    Shares: (list[Percentage], list[Percentage]),
}
_READERS: dict[Any, Callable[[Any], Any]] = {
    CoreWindow: _window,
    Years: _years,
    Tiers: lambda given: Tiers(tuple(CoreTier(tier.start, tier.amount) for tier in given)),
    Shares: lambda given: Shares(tuple(given)),
}
_SHOWN: dict[type, Callable[[Any], Any]] = {
    frozenset: sorted,
    Tiers: lambda value: [AwardTier(start=tier.start, amount=Money(tier.fen)) for tier in value.steps],
    Shares: lambda value: list(value.rates),
}
"""Values that the API shows in another form than the core holds them."""


def _choices(choices: type[StrEnum]) -> type[Enum]:
    """An enumeration of a plugin, or of the core, which all plugins share, as one of the API.

    It is named after the package that holds it, be that a programme's own or one that several programmes share.
    """
    if not hasattr(choices, "__strawberry_definition__"):
        *folders, module = choices.__module__.split(".")
        prefix = "" if choices.__module__.startswith("bangfu.") else prefix_of([module, *folders][-1])
        summary = (choices.__doc__ or "").strip().splitlines()[0]
        described(choices, f"{prefix}{choices.__name__}", summary)
    return choices


def _value_types(annotation: Any) -> tuple[Any, Any]:
    """The types in which a parameter is shown and stated."""
    if annotation in _VALUES:
        return _VALUES[annotation]
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        own = _choices(annotation)
        return own, own
    assert get_origin(annotation) is frozenset
    member = _choices(get_args(annotation)[0])
    return list[member], list[member]  # type: ignore[valid-type]


# --- making types ---------------------------------------------------------------------------------------------


def made(
    name: str,
    description: str,
    fields: Mapping[str, tuple[Any, Any]],
    *,
    bases: tuple[type, ...] = (),
    decorate: Callable[..., Any] = strawberry.type,
) -> Any:
    """A class of the API from its fields: the type and the field (or its description) of each, by name."""
    space: dict[str, Any] = {"__annotations__": {}, "__doc__": description, "__module__": __name__}
    for field_name, (kind, own) in fields.items():
        space["__annotations__"][field_name] = kind
        space[field_name] = strawberry.field(description=own) if isinstance(own, str) else own
    return decorate(type(name, bases, space), description=description)


_FACT_TYPES = {
    Kind.MONEY: Money,
    Kind.NUMBER: int,
    Kind.YEAR: int,
    Kind.TRUTH: bool,
    Kind.RATE: Percentage,
    Kind.DAY: date,
}


def _fact_type(spec: FactSpec) -> Any:
    if spec.choices is None:
        return _FACT_TYPES[spec.kind]
    member = _choices(spec.choices)
    return list[member] if spec.kind is Kind.CHOICES else member  # type: ignore[valid-type]


def _told(specs: Mapping[str, FactSpec], raw: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as they are kept, as the API tells them; one that a row does not have yet is null."""
    days = {name for name, spec in specs.items() if spec.kind is Kind.DAY and raw.get(name) is not None}
    return {name: date.fromisoformat(raw[name]) if name in days else raw.get(name) for name in specs}


def _words(text: Text) -> str:
    return f"{text.en[:1].upper()}{text.en[1:]} {text.zh}."


def _exact(units: int | None) -> str | None:
    """Money before rounding, in ten-thousandths of a fen, as a decimal of yuan."""
    if units is None:
        return None
    sign, size = ("-" if units < 0 else ""), abs(units)
    return f"{sign}{size // 10**6}.{size % 10**6:06d}"


@dataclass(frozen=True)
class ProgrammeTypes:
    """What a programme brings to a schema: object types, and fields of the roots."""

    period: Any
    plan: Any
    """The input of what the applicant states; None where he states nothing."""
    participants: Any
    """The input of who takes part in a plan; None where there are no roles."""
    attesters: Any
    """The input of which organizations are to attest a fact; None where none may."""
    provision: Any
    stage: Any
    types: tuple[Any, ...]


@cache
def types_of(programme: CoreProgramme) -> ProgrammeTypes:
    """The types of a programme, made once."""
    prefix = prefix_of(programme.code)
    title = programme.title.en
    specs, steps = programme.specs(), programme.steps()

    facts = made(
        f"{prefix}Facts",
        f"The facts of one case, as a determination was made on them: {title}.",
        {name: (_fact_type(spec) | None, _words(spec.title)) for name, spec in specs.items()},
    )
    findings = made(
        f"{prefix}Findings",
        f"Every step of the rule book for one case; null where a fact that it needs is not known, or where the "
        f"book of its day has no such step: {title}.",
        {
            name: (_finding_type(own.term.kind), f"{_words(own.step.title)} ({own.step.cites})")
            for name, own in steps.items()
        },
    )
    exact = [name for name, own in steps.items() if own.term.kind is Kind.EXACT]

    def found(sight: Any, row: Mapping[str, Any]) -> dict[str, Any]:
        values = dict.fromkeys(steps) | row["values_"]
        return {**values, **{name: _exact(values[name]) for name in exact}}

    stages = {stage.code: stage.title for stage in programme.process.stages} | END_TITLES
    stage = enumeration(
        f"{prefix}Stage",
        {code.upper(): strawberry.enum_value(code, description=_words(text)) for code, text in stages.items()},
        f"The stages of a case, in their order, and its ends: {title}.",
    )
    determination = as_rows(
        made(
            f"{prefix}Determination",
            f"A determination 核算结果, never changed once made: {title}.",
            {
                "facts": (
                    facts,
                    derived(
                        [models.DeterminationRow.facts], lambda sight, row: _told(specs, row["facts"]), "The facts."
                    ),
                ),
                "findings": (findings, derived([models.DeterminationRow.values_], found, "Every step of the book.")),
                "stage": (stage, column(models.DeterminationRow.stage, "The stage at which it was made.")),
            },
            bases=(Determination,),
        )
    )
    says, attestable = programme.stated(), programme.attestable()
    fields: dict[str, tuple[Any, Any]] = {}
    if says:
        stated = made(
            f"{prefix}Stated",
            f"What the applicant stated: {title}.",
            {name: (_fact_type(spec) | None, _words(spec.title)) for name, spec in says.items()},
        )
        told = derived(
            [models.Case.stated],
            lambda sight, row: _told(says, row["stated"]),
            "What the applicant stated in the plan.",
        )
        fields["stated"] = (stated, told)
    case = as_rows(
        made(
            f"{prefix}Case",
            f"One {programme.beneficiary.value}'s case in one period 申报: {title}.",
            {
                "stage": (stage, gathered([models.Case.id], reached, "The stage that it has reached today.")),
                **fields,
                "determination": (
                    determination | None,
                    one(
                        models.Case.id,
                        models.DeterminationRow.case_id,
                        "The determination that stands; null until it is accounted, and after it was sent back.",
                        where=standing_determination,
                    ),
                ),
            },
            bases=(Case,),
        )
    )
    plan = None
    if says:
        plan = made(
            f"{prefix}PlanFacts",
            f"What the applicant states: {title}. Nothing else of an applicant is ever an input.",
            {
                name: (_fact_type(spec), _words(spec.title)) if name not in attestable else _unless_attested(spec)
                for name, spec in says.items()
            },
            decorate=strawberry.input,
        )
    attesters = None
    if attestable:
        attesters = made(
            f"{prefix}Attesters",
            f"Which organizations are to attest a fact, by their credit codes; it is then not stated: {title}.",
            {
                name: (str | None, strawberry.field(description=_words(own.title), default=None))
                for name, own in attestable.items()
            },
            decorate=strawberry.input,
        )
    participants = None
    if programme.participants:
        participants = made(
            f"{prefix}Participants",
            f"Who takes part in a case besides the applicant, by the numbers of the households: {title}.",
            {
                role.code: (list[str], f"{_words(role.title)} At least one, nobody twice.")
                for role in programme.participants
            },
            decorate=strawberry.input,
        )
    hints = get_type_hints(programme.parameters)
    parameters = {name: _value_types(hints[name]) for name in programme.policy.parameters}
    titles = programme.titles()
    values = made(
        f"{prefix}Parameters",
        f"The numbers by which a period is run: {title}.",
        {name: (shown, _words(titles[name])) for name, (shown, _) in parameters.items()},
    )
    provision = _provision(programme, prefix, parameters, titles)
    period = _period(programme, prefix, case, values)
    return ProgrammeTypes(period, plan, participants, attesters, provision, stage, (case, determination, period))


def _unless_attested(spec: FactSpec) -> tuple[Any, Any]:
    """A fact of a plan that an organization may attest instead."""
    words = f"{_words(spec.title)} Left out where `attesters` names who attests it."
    return _fact_type(spec) | None, strawberry.field(description=words, default=None)


def _finding_type(kind: Kind) -> Any:
    if kind is Kind.EXACT:
        return str | None
    return _FACT_TYPES.get(kind, str) | None


def _provision(programme: CoreProgramme, prefix: str, parameters: Mapping[str, Any], titles: Mapping[str, Text]) -> Any:
    """The input of a county's own document: dated values of parameters, each in its own type."""
    return made(
        f"{prefix}ProvisionParameters",
        f"The values that a county's own document sets: {programme.title.en}.",
        {
            name: (_dated(stated), strawberry.field(description=_words(titles[name]), default=None))
            for name, (_, stated) in parameters.items()
        },
        decorate=strawberry.input,
    )


@cache
def _dated(stated: Any) -> Any:
    """Dated values of one type, or none: an input that all parameters of the type share, in whatever programme."""
    entry = made(
        f"Dated{_plain_name(stated)}",
        "A value, from which day, and the clause of the county's document that says so.",
        {
            "value": (stated, "The value."),
            "since": (date, "From which day."),
            "until": (date | None, strawberry.field(description="Before which day; left out for good.", default=None)),
            "clause": (str, "The clause."),
        },
        decorate=strawberry.input,
    )
    return list[entry] | None  # type: ignore[valid-type]


def _plain_name(kind: Any) -> str:
    if get_origin(kind) is list:
        return f"{_plain_name(get_args(kind)[0])}List"
    definition = getattr(kind, "__strawberry_definition__", None)
    name: str = definition.name if definition is not None else {int: "Int", bool: "Boolean"}.get(kind, kind.__name__)
    return name.removesuffix("Input")


def _read(hint: Any, given: Any) -> Any:
    """A stated value as the policy knows it."""
    if get_origin(hint) is frozenset:
        return frozenset(given)
    return _READERS[hint](given) if hint in _READERS else given


def raw_provision(programme: CoreProgramme, given: Any) -> dict[str, list[dict[str, Any]]]:
    """The parameters of a stated provision as the policy reads them from a file."""
    hints = get_type_hints(programme.parameters)
    raw: dict[str, list[dict[str, Any]]] = {}
    for name in programme.policy.parameters:
        entries = getattr(given, name)
        if entries is None:
            continue
        hint = hints[name]
        raw[name] = [
            {
                "since": entry.since,
                **({"until": entry.until} if entry.until else {}),
                "value": kind_of(hint).dump(_read(hint, entry.value)),
                "clause": entry.clause,
            }
            for entry in entries
        ]
    return raw


# --- a programme, and one period of it ------------------------------------------------------------------------


@strawberry.type(description="A number that the county's own document sets otherwise than the plan.")
class CountyDifference:
    """A number that the county's own document sets otherwise than the plan."""

    parameter: str = strawberry.field(description="The parameter.")
    title: str = strawberry.field(description="What it is called.")
    value: str = strawberry.field(description="Its value in this county, in words.")
    planned: str | None = strawberry.field(
        description="What the plan says, in words; null where the source hides it, or says nothing for the day."
    )
    since: date = strawberry.field(description="The day from which the county's value holds.")
    document: str = strawberry.field(description="The county's document.")
    clause: str = strawberry.field(description="Its clause.")


@strawberry.type(description="That a county moved to a rule book by a document of its own 采用规则版本.")
class BookMove:
    """That a county moved to a rule book by a document of its own."""

    document: str = strawberry.field(description="The county's document.")
    clause: str = strawberry.field(description="Its clause.")
    since: date = strawberry.field(description="The day from which it decides by that book.")


@strawberry.interface(
    description="One period of a programme in this county, by the rules that were frozen when it was opened."
)
class ProgrammePeriod:
    """One period of a programme in this county."""

    ground: strawberry.Private[Ground]

    @strawberry.field(description="The code of the programme.")
    def programme(self) -> str:
        """The programme."""
        return self.ground.programme.code

    @strawberry.field(description="The period, such as the plan year `2021`.")
    def period(self) -> str:
        """The period."""
        return self.ground.period.key

    @strawberry.field(description="The programme and the period, in words.")
    def title(self, info: strawberry.Info) -> str:
        """In words."""
        programme, period = self.ground.programme.title, self.ground.period.title
        return say(info, Text(f"{programme.zh} {period.zh}", f"{programme.en}, {period.en}"))

    @strawberry.field(description="Which edition of the rules is the newest, counted from 1.")
    def edition(self) -> int:
        """The newest edition."""
        return self.ground.latest.number

    @strawberry.field(description="The hash of the rule book of the newest edition.")
    def book(self) -> str:
        """The rule book."""
        return self.ground.latest.version

    @strawberry.field(description="The day from which that rule book is known.")
    def book_since(self) -> date:
        """From when the rule book is known."""
        return self.ground.latest.book_since

    @strawberry.field(
        description="The county's own document by which it moved to that rule book; null where every county decides by "
        "it."
    )
    def moved_by(self) -> BookMove | None:
        """By which document the county moved to the rule book."""
        moved = self.ground.latest.moved_by
        if moved is None:
            return None
        return BookMove(document=moved["document"], clause=moved["clause"], since=date.fromisoformat(moved["since"]))

    @strawberry.field(description="The plan year that it belongs to, which days of the year are counted from.")
    def year(self) -> int:
        """The plan year."""
        return self.ground.period.year

    @strawberry.field(description="Its first day.")
    def first_day(self) -> date:
        """The first day."""
        return self.ground.period.first_day

    @strawberry.field(description="Its last day.")
    def last_day(self) -> date:
        """The last day."""
        return self.ground.period.last_day

    @strawberry.field(description="The day whose facts and parameters count.")
    def reference_day(self) -> date:
        """The reference day."""
        return self.ground.period.reference_day

    @strawberry.field(description="The stages with their first and last days.")
    def stages(self, info: strawberry.Info) -> list[Stage]:
        """The stages."""
        return stages_of(info, self.ground)

    @strawberry.field(description="The times of the plan that are no stages, such as a survey or a report 日程.")
    def milestones(self, info: strawberry.Info) -> list[Milestone]:
        """The times of the plan that are no stages."""
        return milestones_of(info, self.ground)

    @strawberry.field(description="Every number of the newest edition, and who set it.")
    def authorities(self, info: strawberry.Info) -> list[Authority]:
        """The numbers and who set them."""
        rules = self.ground.latest
        own = rules.programme.policy.parameters
        return [
            authority(
                info, receipts.Authority(own[name].title, rules.shown(name), r.since, r.whose, r.document, r.clause)
            )
            for name, r in rules.resolved.items()
        ]

    @strawberry.field(
        description="The numbers of the newest edition that the county's own documents set otherwise than the plan."
    )
    def differences(self, info: strawberry.Info) -> list[CountyDifference]:
        """Where the county differs from the plan."""
        return [
            CountyDifference(
                parameter=one.parameter,
                title=say(info, one.title),
                value=say(info, one.value),
                planned=say(info, one.planned) if one.planned else None,
                since=one.authority.since,
                document=one.authority.document,
                clause=one.authority.clause,
            )
            for one in self.ground.latest.differences
        ]


def _period(programme: CoreProgramme, prefix: str, case: Any, values: Any) -> Any:
    """The type of one period of a programme, with its cases, notices, samples, batches and figures."""

    def listed(cls: Any, shown: Any, filter: Any, description: str) -> Any:
        entity = entity_of(cls)
        model: Any = entity.model

        async def resolve(self: Any, info: strawberry.Info, **arguments: Any) -> Any:
            conditions = [model.programme == self.ground.programme.code, model.period == self.ground.period.key]
            return await request_of(info).reader.list(info, cls, arguments, conditions)

        returns = Connection[shown]
        own = signed(resolve, page_arguments(filter), returns)
        return returns, strawberry.field(resolver=own, description=description, metadata={ACTION: entity.read})

    selects = any(programme.process.kind(Select))
    steps, flags = programme.steps(), programme.flags()
    whom = "Persons" if programme.is_for_persons else "Households"
    monthly = programme.process.monthly is not None
    unmet = made(
        f"{prefix}Unmet",
        f"{whom} by the criterion that they fail; one that fails two is counted in both.",
        {name: (int, _words(steps[name].step.title)) for name in programme.criteria()},
    )
    figures: dict[str, tuple[Any, Any]] = {
        "code": (DivisionCode, "The township."),
        "name": (str, "Its name."),
        "applied": (int, f"{whom} with a case."),
        "eligible": (int, f"{whom} that are eligible."),
        "refused": (int, f"{whom} that are not."),
        "incomplete": (int, f"{whom} of which something is not known."),
        "waiting": (int, f"{whom} without a determination that stands."),
        "sampled": (int, f"{whom} that were ever drawn in a sample."),
        "payable": (
            Money,
            "What is due of the months that are decided."
            if monthly
            else "What is payable by the determinations that stand.",
        ),
        "paid": (Money, "What released batches pay."),
        "unmet": (unmet, f"Why {whom.lower()} are refused."),
    }
    if flags:
        flagged = made(
            f"{prefix}Flagged",
            f"Eligible {whom.lower()} by a yes-or-no step of the rule book.",
            {name: (int, _words(steps[name].step.title)) for name in flags},
        )
        figures["flagged"] = (flagged, f"What is particular about eligible {whom.lower()}.")
    township = made(f"{prefix}Figures", f"The figures of one township; {whom.lower()} are counted once each.", figures)
    townships = list[township]  # type: ignore[valid-type]

    async def overviewed(self: Any, info: strawberry.Info) -> Any:
        request = request_of(info)
        async with request.session() as session:
            found = await overview.overview(session, request.who, self.ground)
        return [
            {
                **{name: getattr(own, name) for name in figures if hasattr(own, name)},
                "payable": own.payable_fen,
                "paid": own.paid_fen,
                "unmet": dict(own.unmet),
                "flagged": dict(own.flagged),
            }
            for own in found
        ]

    overviewed.__annotations__ = {"info": strawberry.Info, "return": townships}

    def parameters(self: Any) -> Any:
        return parameter_values(self.ground)

    parameters.__annotations__ = {"return": values}
    return made(
        f"{prefix}Period",
        f"One period of the programme in this county: {programme.title.en} {programme.title.zh}.",
        {
            "parameters": (
                values,
                strawberry.field(resolver=parameters, description="The numbers of the newest edition."),
            ),
            "overview": (
                townships,
                strawberry.field(
                    resolver=overviewed,
                    description="Where it stands, by township; every total is the sum of these.",
                    metadata={ACTION: Action.READ_CASES},
                ),
            ),
            "waiting": (Connection[WaitingCase], waiting_field()),
            "waiting_by_township": (list[TownshipWaiting], townships_field()),
            **({"quotas": (list[VillageQuota], quotas_field())} if selects else {}),
            **({"to_answer": (list[AskedHousehold], to_answer_field())} if programme.participants else {}),
            "cases": listed(Case, case, CaseFilter, "Its cases."),
            "notices": listed(Notice, Notice, NoticeFilter, "Its notices."),
            "samples": listed(Sample, Sample, None, "Its samples, in their order."),
            "batches": listed(PaymentBatch, PaymentBatch, None, "Its batches of payments, in their order."),
            **LISTS,
        },
        bases=(ProgrammePeriod,),
    )


def parameter_values(ground: Ground) -> dict[str, Any]:
    """The parameters of the newest edition in the types of the API."""
    return {
        name: _SHOWN[type(value)](value) if type(value := resolved.value) in _SHOWN else value
        for name, resolved in ground.latest.resolved.items()
    }


@strawberry.type(description="A number of the plan, and how far a county may deviate from it.")
class ProgrammeParameter:
    """A number of the plan, and how far a county may deviate from it."""

    name: str = strawberry.field(description="Its name.")
    title: str = strawberry.field(description="What it is called; the rows of a workbook are called so in Chinese.")
    unit: str = strawberry.field(description="Its unit; empty where it has none.")
    kind: str = strawberry.field(description="What kind of value it is, in words.")
    planned: str = strawberry.field(description="What the plan says on the day, in words.")
    allowed: str = strawberry.field(description="How far a county may deviate, in words.")
    reading: str | None = strawberry.field(description="How the plan is read where it is silent or damaged.")


@strawberry.type(description="A rule book of a programme 规则版本.")
class ProgrammeBook:
    """A rule book of a programme."""

    since: date = strawberry.field(description="The day from which it is known, and by which it is named.")
    version: str = strawberry.field(description="Its hash, which determinations carry.")
    adopted: bool = strawberry.field(
        description="Whether counties move to it by a document of their own, in their own time; else it holds "
        "everywhere from its day."
    )
    at_latest: date | None = strawberry.field(
        description="The day from which it holds everywhere all the same; null where a county need not move."
    )


@strawberry.type(description="A programme of this installation, and whether this county runs it.")
class Programme:
    """A programme of this installation."""

    own: strawberry.Private[CoreProgramme]
    switched_on: strawberry.Private[date | None]
    opened: strawberry.Private[Sequence[str]]

    @strawberry.field(description="Its code.")
    def code(self) -> str:
        """Its code."""
        return self.own.code

    @strawberry.field(description="Its name.")
    def title(self, info: strawberry.Info) -> str:
        """Its name."""
        return say(info, self.own.title)

    @strawberry.field(description="The day since which the county runs it; null where it does not.")
    def since(self) -> date | None:
        """Since when."""
        return self.switched_on

    @strawberry.field(description="The periods that the county has opened, in their order.")
    def periods(self) -> list[str]:
        """The periods."""
        return list(self.opened)

    @strawberry.field(
        description="What a document of the county can set on a day: each number of the plan, and how far the county "
        "may deviate from it."
    )
    def parameters(
        self,
        info: strawberry.Info,
        day: Annotated[date | None, strawberry.argument(description="The day; today unless stated.")] = None,
    ) -> list[ProgrammeParameter]:
        """What a document of the county can set."""
        on = day or request_of(info).who.at.today
        return [
            ProgrammeParameter(
                name=one.name,
                title=say(info, one.title),
                unit=one.unit,
                kind=say(info, one.kind.name),
                planned=say(info, said),
                allowed=say(info, allowed),
                reading=say(info, one.reading) if one.reading else None,
            )
            for one in self.own.policy.parameters.values()
            for said, allowed in [planned(one, on)]
        ]

    @strawberry.field(description="Its rule books, the oldest first; which one decides goes by the day 规则版本.")
    def books(self) -> list[ProgrammeBook]:
        """The rule books."""
        return [
            ProgrammeBook(
                since=one.since,
                version=one.rules.traced().version,
                adopted=one.adopted,
                at_latest=one.at_latest,
            )
            for one in sorted(self.own.books, key=lambda book: book.since)
        ]

    @strawberry.field(description="How households besides the applicant take part in a case 参与户.")
    def roles(self, info: strawberry.Info) -> list[ParticipantRole]:
        """The roles of those who take part."""
        return roles_of(info, self.own)

    @strawberry.field(description="What organizations may attest themselves, instead of its being stated 单位证明.")
    def attested(self, info: strawberry.Info) -> list[ProgrammeAttestation]:
        """What organizations may attest."""
        return attested_of(info, self.own)

    @strawberry.field(description="What a household can have once 限领.")
    def claims(self, info: strawberry.Info) -> list[ProgrammeClaim]:
        """What can be had once."""
        return claims_of(info, self.own)

    @strawberry.field(
        description="The installed programmes in which a household cannot have a live case beside one of this "
        "programme 互斥, whichever of the two says so."
    )
    def excludes(self, info: strawberry.Info) -> list[ProgrammeBeside]:
        """What does not go together."""
        return excluded_by(info, self.own)

    @strawberry.field(description="The programmes whose award a household may have beside this one's 可叠加.")
    def stacks(self, info: strawberry.Info) -> list[ProgrammeBeside]:
        """What goes together."""
        return stacked_with(info, self.own)

    @strawberry.field(
        description="Every clause of its documents, what carries it out, and what of it is not carried out."
    )
    def clauses(self, info: strawberry.Info) -> list[Clause]:
        """The clauses."""
        return clauses_of(info, self.own)


async def ground_in(info: strawberry.Info, programme: str, period: str) -> Ground:
    """The ground of a programme that this schema knows; refuses ``PROGRAMME_UNKNOWN`` and what the core refuses."""
    request = request_of(info)
    if programme not in request.programmes:
        raise Code.PROGRAMME_UNKNOWN.refuse("programme", programme=programme, known=", ".join(request.programmes))
    async with request.session() as session:
        return await grounds.ground_of(session, request.who.county.id, request.programmes[programme], period)


async def programmes_of(info: strawberry.Info) -> list[Programme]:
    """Every programme of the installation, with what this county does with it, in two statements."""
    request = request_of(info)
    tenant = request.who.county.id
    async with request.session() as session:
        switched = await grounds.switched_on(session, tenant, request.who.at.today)
        query = (
            select(models.Edition.programme, models.Edition.period)
            .where(models.Edition.tenant_id == tenant)
            .distinct()
            .order_by(models.Edition.programme, models.Edition.period)
        )
        opened: dict[str, list[str]] = {}
        for programme, period in await session.execute(query):
            opened.setdefault(programme, []).append(period)
    return [
        Programme(own=own, switched_on=switched.get(code), opened=opened.get(code, []))
        for code, own in request.plugins.programmes.items()
    ]
