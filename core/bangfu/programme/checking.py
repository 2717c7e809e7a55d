"""What a declaration must hold: a programme whose parts do not fit is refused, every fault named."""

from __future__ import annotations

import dataclasses
import inspect
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from pathlib import Path
from types import MemberDescriptorType
from typing import Any, Generic, get_args, get_origin, get_type_hints

from bangfu.calendar import DayUnit, PlanYear
from bangfu.policy import Fen, MonthDay, PolicyError, Rate, Shares, Window
from bangfu.process import (
    Begins,
    CountedOn,
    Duty,
    Notice,
    Pay,
    RestCause,
    Sample,
    Select,
    Stage,
    StandIn,
    Verify,
)
from bangfu.programme.charges import ChargedProgramme
from bangfu.programme.clauses import citations, unanswered
from bangfu.programme.declarations import (
    BOOK_TITLE,
    CIRCUMSTANCE_FACTS,
    EDUCATION_LEVELS,
    INCOME_CATEGORIES,
    NOTICE_COLUMNS,
    REGISTRY_FACTS,
    SCHOOLING_COLUMNS,
    SCHOOLING_FACTS,
    STANDINGS,
    TEACHING,
    AnyProgramme,
    Beneficiary,
    ClaimOf,
    Programme,
)
from bangfu.programme.handout import HandoutAct, HandoutKind, HandoutProgramme
from bangfu.programme.inspection import InspectionAct, InspectionProgramme
from bangfu.programme.pairing import PairingAct, PairingProgramme
from bangfu.rules.book import RuleBook, Step
from bangfu.rules.facts import (
    ALL,
    OF_A_PERSON,
    Age,
    AsOf,
    AtStage,
    Circumstance,
    Condition,
    Count,
    DaysFrom,
    FactSpec,
    Income,
    InPeriod,
    Kind,
    NetStablePerPerson,
    Registry,
    Schooling,
    Sensitivity,
    Signed,
    StandingIn,
    TrainingMonths,
    Vouched,
    When,
    facts_of,
)
from bangfu.text import Text


def released(path: Path) -> dict[date, str]:
    """The hashes of released books from a plugin's ``released.toml``: one line ``"2020-10-01" = "hash"`` a book."""
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    return {date.fromisoformat(day): version for day, version in raw.items()}


def check(programme: Programme, channels: Iterable[str]) -> None:
    """Refuse (:class:`PolicyError`) a programme whose parts do not fit, naming every fault."""
    if not programme.books:
        raise PolicyError(f"{programme.code}: there is one book a day, and at least one")
    faults = [
        *_book_faults(programme),
        *_fact_faults(programme),
        *_stage_faults(programme, set(channels)),
        *_month_faults(programme),
        *_claim_faults(programme),
        *_attestation_faults(programme),
        *_name_faults(programme),
        *_shape_faults(programme),
        *_clause_faults(programme),
    ]
    if faults:
        raise PolicyError(f"{programme.code}: " + "; ".join(faults))


def check_pairing(programme: PairingProgramme) -> None:
    """Refuse (:class:`PolicyError`) a programme of pairings whose parts do not fit, naming every fault."""
    hints = get_type_hints(programme.parameters)
    paths, kinds = [path.code for path in programme.paths], [kind.code for kind in programme.kinds]
    faults = [*_twice("path", paths), *_twice("kind", kinds)]
    faults += [
        f"{name} is not a whole-number parameter"
        for name in (programme.term_min, programme.term_max, programme.typical_villages)
        if hints.get(name) is not int
    ]
    if hints.get(programme.poor_villages) is not bool:
        faults.append(f"{programme.poor_villages} is not a parameter that is yes or no")
    for kind in programme.kinds:
        faults += [f"kind {kind.code}: there is no path {code}" for code in sorted(kind.paths - set(paths))]
        if not kind.paths:
            faults.append(f"kind {kind.code}: it stands on no path")
        if not kind.money and kind.counted is None:
            faults.append(f"kind {kind.code}: it is measured neither in money nor by counting")
        if kind.names_persons and kind.counted is None:
            faults.append(f"kind {kind.code}: it names persons and does not count them")
    faults += [f"path {code}: nothing can be delivered on it" for code in paths if not _delivered_on(programme, code)]
    for act in PairingAct:
        charge = programme.charges.get(act)
        if charge is None or not charge.by:
            faults.append(f"nobody is charged with {act}")
        elif act in _OF_THE_HELPER and not all(duty.is_agent for duty in charge.by):
            faults.append(f"{act} is for the side that helps")
        elif act in _OF_THE_OTHERS and any(duty.is_agent for duty in charge.by):
            faults.append(f"{act} is not for the side that helps")
    faults += _clause_faults(programme)
    if faults:
        raise PolicyError(f"{programme.code}: " + "; ".join(faults))


_OF_THE_HELPER = frozenset({PairingAct.SIGN_HELPER, PairingAct.DELIVER})
_OF_THE_OTHERS = frozenset(
    {
        PairingAct.VERIFY, PairingAct.STATE_NEED, PairingAct.SIGN_HELPED, PairingAct.CLEAR_OBSTACLE, PairingAct.END,
        PairingAct.CONFIRM, PairingAct.ARBITRATE, PairingAct.REVIEW,
    }
)  # fmt: skip


def check_inspections(programme: InspectionProgramme) -> None:
    """Refuse (:class:`PolicyError`) a programme of inspections whose parts do not fit, naming every fault."""
    hints = get_type_hints(programme.parameters)
    levels, items = [level.code for level in programme.levels], [item.code for item in programme.items]
    faults = [*_twice("level", levels), *_twice("item", items)]
    faults += [
        f"level {level.code}: {level.subsidy} is not a parameter of money"
        for level in programme.levels
        if hints.get(level.subsidy) is not Fen
    ]
    listed = hints.get(programme.levels_in_use)
    known = [str(one) for one in get_args(listed)[0]] if get_origin(listed) is frozenset else []
    if sorted(known) != sorted(levels):
        faults.append(f"{programme.levels_in_use} is not a list parameter of the levels")
    if hints.get(programme.rectify_days) is not int:
        faults.append(f"{programme.rectify_days} is not a whole-number parameter")
    if not programme.items:
        faults.append("nothing is looked at")
    faults += _charge_faults(programme, InspectionAct, agents=frozenset({InspectionAct.RECTIFY}))
    faults += _clause_faults(programme)
    if faults:
        raise PolicyError(f"{programme.code}: " + "; ".join(faults))


def check_handouts(programme: HandoutProgramme) -> None:
    """Refuse (:class:`PolicyError`) a programme of handing out whose parts do not fit, naming every fault."""
    hints = get_type_hints(programme.parameters)
    faults = _twice("kind", [kind.code for kind in programme.kinds])
    for kind in programme.kinds:
        faults += [f"kind {kind.code}: {fault}" for fault in _handout_faults(kind, hints)]
        if kind.standings is not None:
            faults += _standing_faults(programme, f"kind {kind.code}", kind.standings)
    faults += _charge_faults(programme, HandoutAct)
    faults += _clause_faults(programme)
    if faults:
        raise PolicyError(f"{programme.code}: " + "; ".join(faults))


def _handout_faults(kind: HandoutKind, hints: Mapping[str, Any]) -> Iterator[str]:
    if not kind.money and kind.counted is None:
        yield "it is measured neither in money nor by counting"
    if kind.attendance and (kind.counted is None or kind.beneficiary is not Beneficiary.PERSON):
        yield "a seat is counted, and one person's"
    if kind.most_each is not None:
        limit = hints.get(kind.most_each)
        if not ((limit is Fen and kind.money) or (limit is int and kind.counted is not None)):
            yield f"{kind.most_each} is no parameter by which it is measured"
    if kind.most_a_year is not None and not (hints.get(kind.most_a_year) is int and kind.counted is not None):
        yield f"{kind.most_a_year} is no whole-number parameter of what is counted"


def _twice(what: str, codes: Sequence[str]) -> list[str]:
    return [f"{what} {code} stands twice" for code in sorted({code for code in codes if codes.count(code) > 1})]


def _charge_faults(
    programme: ChargedProgramme, acts: type[StrEnum], agents: frozenset[StrEnum] = frozenset()
) -> Iterator[str]:
    """Acts that nobody is charged with, and those that are not for an organization's agent and are."""
    for act in acts:
        charge = programme.charges.get(act)
        if charge is None or not charge.by:
            yield f"nobody is charged with {act}"
        elif act not in agents and any(duty.is_agent for duty in charge.by):
            yield f"{act} is not for who is inspected or receives"


def _delivered_on(programme: PairingProgramme, path: str) -> bool:
    return any(path in kind.paths for kind in programme.kinds)


def _clause_faults(programme: AnyProgramme) -> list[str]:
    """Clauses that nobody answers, and citations of what no document lists."""
    known = {(document.code, clause) for document in programme.policy.documents.values() for clause in document.clauses}
    return [
        *(
            f"{', '.join(map(str, where))} cites {citation}, which no document lists"
            for citation, where in citations(programme).items()
            if (citation.document, citation.clause) not in known
        ),
        *(f"clause {one} is neither carried out nor listed as left out or missing" for one in unanswered(programme)),
    ]


def check_together(programmes: Iterable[Programme]) -> None:
    """Refuse (:class:`PolicyError`) programmes of which one says that two go together and one that they do not,
    or that exclude each other for the same person where one of them knows only households."""
    known = {programme.code: programme for programme in programmes}
    faults = [
        f"{programme.code} excludes {one.programme}, and {stacking.code} says that they go together"
        for programme in known.values()
        for one in programme.excludes
        for stacking, other in ((programme, one.programme), (known.get(one.programme, programme), programme.code))
        if other in {stack.programme for stack in stacking.stacks}
    ]
    faults += [
        f"{programme.code} excludes {one.programme} for the same person, and {one.programme} is for households"
        for programme in known.values()
        for one in programme.excludes
        if one.same == "person" and one.programme in known and not known[one.programme].is_for_persons
    ]
    if faults:
        raise PolicyError("; ".join(faults))


def _book_faults(programme: Programme) -> list[str]:
    faults = []
    if len({book.since for book in programme.books}) != len(programme.books):
        faults.append("there is one book a day, and at least one")
    faults += _date_faults(programme)
    for book in programme.books:
        faults += _type_faults(programme, book.rules)
        expected = programme.released.get(book.since)
        if expected is not None and expected != book.rules.traced().version:
            faults.append(
                f"the released book of {book.since} has changed; a fix is a new book with a day of its own, "
                f"beside the old one (its hash was {expected[:12]}…)"
            )
    gone = sorted(set(programme.released) - {book.since for book in programme.books})
    return faults + [f"the released book of {day} is gone; old cases could not be replayed" for day in gone]


def _type_faults(programme: Programme, book: type[RuleBook[Any, Any]]) -> list[str]:
    """Every book is written over the programme's Facts, or over those from which they are derived: a later book may
    look at more. What the applicant states is asked alike in every period."""
    facts, parameters = book.types()
    if not issubclass(programme.facts, facts) or parameters is not programme.parameters:
        return [f"{book.__name__} is not written over the programme's Facts and Parameters"]
    return [
        f"{name} is stated by the applicant, and {book.__name__} does not know it; a later book adds no such fact"
        for name in sorted(programme.stated().keys() - facts_of(facts).keys())
    ]


def _date_faults(programme: Programme) -> list[str]:
    """What is wrong with how books follow each other, or with what two of them say under one name."""
    faults = []
    books = sorted(programme.books, key=lambda book: book.since)
    if books[0].adopted:
        faults.append(f"the book of {books[0].since} is the first one; it holds everywhere")
    faults += [
        f"the book of {book.since} has at_latest, which is for an adopted one, not before its day"
        for book in books
        if book.at_latest is not None and (not book.adopted or book.at_latest < book.since)
    ]
    said: dict[str, tuple[Any, Any]] = {}
    for book in books:
        for name, own in book.rules.traced().steps.items():
            kinds = (own.step.kind, own.term.kind)
            if said.setdefault(name, kinds) != kinds:
                faults.append(
                    f"{name} is {kinds[0]} and {kinds[1]} in the book of {book.since}, and not so in an earlier one; "
                    "give it another name"
                )
    return faults


def _fact_faults(programme: Programme) -> list[str]:
    faults = []
    accounting = {stage.code for stage in programme.process.stages if isinstance(stage, Verify) and stage.accounts}
    for spec in programme.specs().values():
        source, where = spec.source, f"fact {spec.name}"
        if isinstance(source, Registry) and source.attribute not in REGISTRY_FACTS:
            faults.append(f"{where}: the registry has no {source.attribute}")
        if isinstance(source, Income):
            if source.category not in {ALL, *INCOME_CATEGORIES}:
                faults.append(f"{where}: there is no income category {source.category}")
            faults += _parameter_faults(programme, where, source.window, Window)
        if isinstance(source, AtStage) and spec.choices is not None:
            named = {str(code) for code in spec.choices}
            faults += [f"{where}: {code} is no stage that accounts" for code in sorted(named - accounting)]
            faults += [f"{where}: the stage {code} accounts and is not named" for code in sorted(accounting - named)]
        if isinstance(source, Count):
            faults += _count_faults(programme, where, source)
        if isinstance(source, OF_A_PERSON) and not programme.is_for_persons:
            faults.append(f"{where}: the programme is for households, of which this is not known")
        if isinstance(source, Schooling):
            faults += _schooling_faults(where, spec, source.attribute)
        if isinstance(source, Circumstance):
            faults += _circumstance_faults(where, spec, source)
        if spec.kind is Kind.DAY and spec.name in set(AsOf):
            faults.append(f"{where}: {spec.name} is how a day of the case is called already")
        faults += [
            f"{where}: {name} is not a day that the applicant states"
            for name in _days_of(source)
            if name not in programme.stated() or programme.stated()[name].kind is not Kind.DAY
        ]
    return faults


def _days_of(source: Any) -> list[str]:
    """The stated days that a fact is taken from."""
    match source:
        case Age(on) if not isinstance(on, AsOf):
            return [on]
        case InPeriod(day):
            return [day]
        case DaysFrom(first, last) | TrainingMonths(first, last):
            return [first, last]
    return []


def _schooling_faults(where: str, spec: FactSpec, attribute: str) -> list[str]:
    if attribute not in SCHOOLING_FACTS:
        return [f"{where}: the register knows no {attribute} of a person's schooling"]
    kind = SCHOOLING_FACTS[attribute][0]
    if spec.kind is not kind:
        return [f"{where}: {attribute} is a {kind}, not a {spec.kind}"]
    named = {str(code) for code in spec.choices or ()}
    lacking = sorted(named ^ EDUCATION_LEVELS.keys()) if kind is Kind.CHOICE else []
    return [f"{where}: its choices are the levels that the register knows; {code} differs" for code in lacking]


def _circumstance_faults(where: str, spec: FactSpec, source: Circumstance) -> list[str]:
    known = CIRCUMSTANCE_FACTS.get(source.kind, {})
    if source.attribute not in known:
        return [f"{where}: the register knows no {source.attribute} of {source.kind}"]
    kind = known[source.attribute][0]
    return [] if spec.kind is kind else [f"{where}: {source.attribute} is a {kind}, not a {spec.kind}"]


def _parameter_faults(programme: Programme, where: str, name: str, kind: Any) -> list[str]:
    if get_type_hints(programme.parameters).get(name) == kind:
        return []
    return [f"{where}: {name} is not a {getattr(kind, '__name__', kind)} parameter"]


def _count_faults(programme: Programme, where: str, source: Count) -> list[str]:
    role = next((role for role in programme.participants if role.code == source.role), None)
    if role is None:
        return [f"{where}: nobody takes part as {source.role}"]
    faults = []
    declared: tuple[Any, ...] = source.where
    for condition in declared:
        if not isinstance(condition, Condition):
            faults.append(f"{where}: {condition!r} is no condition")
            continue
        if isinstance(condition, NetStablePerPerson):
            faults += _parameter_faults(programme, where, condition.window, Window)
            faults += _parameter_faults(programme, where, condition.at_least, Fen)
        elif isinstance(condition, StandingIn):
            faults += _standing_faults(programme, where, condition.standings)
        elif isinstance(condition, Signed) and not role.signs:
            faults.append(f"{where}: a household that takes part as {role.code} signs nothing")
        elif isinstance(condition, Vouched) and role.vouched_by is None:
            faults.append(f"{where}: nobody vouches for a household that takes part as {role.code}")
        faults += _setting_faults(programme, where, condition.unless)
    return faults


def _standing_faults(programme: AnyProgramme, where: str, standings: tuple[str, ...] | str) -> list[str]:
    """A list of standings is written out, or a list parameter whose every choice is a standing."""
    named: Iterable[str] = standings
    if isinstance(standings, str):
        hint = get_type_hints(programme.parameters).get(standings)
        if get_origin(hint) is not frozenset:
            return [f"{where}: {standings} is not a list parameter"]
        named = [str(choice) for choice in get_args(hint)[0]]
    return [f"{where}: the register has no standing {code}" for code in named if code not in STANDINGS]


def _setting_faults(programme: Programme, where: str, unless: When | None) -> list[str]:
    if unless is None:
        return []
    hint = get_type_hints(programme.parameters).get(unless.parameter)
    if not isinstance(hint, type) or not (hint is bool or issubclass(hint, StrEnum)):
        return [f"{where}: {unless.parameter} is not a parameter that is yes or no, or one of a list"]
    if type(unless.value) is not hint:
        return [f"{where}: {unless.parameter} is never {unless.value!r}"]
    return []


def _claim_faults(programme: Programme) -> list[str]:
    """What is wrong with roles, claims, exclusions and stackings."""
    roles = [role.code for role in programme.participants]
    faults = []
    for what, codes in (
        ("role", roles),
        ("claim", [claim.kind for claim in programme.claims]),
        ("exclusion of", [one.programme for one in programme.excludes]),
        ("stacking with", [one.programme for one in programme.stacks]),
    ):
        faults += [f"{what} {code} stands twice" for code in sorted({c for c in codes if codes.count(c) > 1})]
        if what in ("exclusion of", "stacking with") and programme.code in codes:
            faults.append(f"{what} {programme.code}, which is the programme itself")
    for claim in programme.claims:
        where = f"claim {claim.kind}"
        if claim.per is ClaimOf.PARTICIPANT and claim.role not in roles:
            faults.append(f"{where}: nobody takes part as {claim.role}")
        if claim.per is not ClaimOf.PARTICIPANT and claim.role is not None:
            faults.append(f"{where}: the applicant has no role {claim.role}")
        if claim.per is ClaimOf.PERSON and not programme.is_for_persons:
            faults.append(f"{where}: the programme is for households, not for a person")
        faults += _setting_faults(programme, where, claim.unless)
    faults += [
        f"exclusion of {one.programme}: the programme is for households, not for a person"
        for one in programme.excludes
        if one.same == "person" and not programme.is_for_persons
    ]
    return faults


def _attestation_faults(programme: Programme) -> list[str]:
    """What is wrong with what organizations may attest."""
    stated, facts = programme.stated(), [one.fact for one in programme.attested]
    faults = [f"attestation {fact} stands twice" for fact in sorted({own for own in facts if facts.count(own) > 1})]
    for one in programme.attested:
        where = f"attestation {one.fact}"
        if not programme.is_for_persons:
            faults.append(f"{where}: the programme is for households, of which no organization is shown a name")
        if one.fact not in stated or stated[one.fact].kind is not Kind.TRUTH:
            faults.append(f"{where}: it is not a yes-or-no fact that the applicant states")
        if one.by not in TEACHING:
            faults.append(f"{where}: nobody attests for a {one.by}, but for {', '.join(sorted(TEACHING))}")
        for name in one.shows:
            if name not in stated or name in facts:
                faults.append(f"{where}: {name}, which it shows, is not stated by the applicant")
            elif stated[name].sensitivity is Sensitivity.SENSITIVE:
                faults.append(f"{where}: {name} is sensitive, and is shown to no organization")
    return faults


def _month_faults(programme: Programme) -> list[str]:
    stage = programme.process.monthly
    if stage is None:
        return []
    where = f"stage {stage.code}"
    faults = [
        *_parameter_faults(programme, where, stage.counted_on, CountedOn),
        *_parameter_faults(programme, where, stage.begins, Begins),
        *_parameter_faults(programme, where, stage.back_paid, frozenset[RestCause]),
        *_parameter_faults(programme, where, stage.recheck_months, int),
    ]
    if not isinstance(programme.period, PlanYear):
        faults.append(f"{where}: what is paid by the month is divided by plan years")
    if not programme.is_for_persons:
        faults.append(f"{where}: what is paid by the month is paid to persons")
    return faults


def _stage_faults(programme: Programme, channels: set[str]) -> list[str]:
    hints = get_type_hints(programme.parameters)
    faults = []

    def must_be(stage: Stage, name: str | None, kind: Any) -> None:
        if name is not None and hints.get(name) != kind:
            faults.append(f"stage {stage.code}: {name} is not a parameter of the type {kind}")

    faults += [
        f"milestone {own.code}: {name} is not a parameter of the type {MonthDay}"
        for own in programme.milestones
        for name in (own.opens, own.closes)
        if hints.get(name) != MonthDay
    ]
    for stage in programme.process.stages:
        must_be(stage, stage.opens, MonthDay)
        must_be(stage, stage.deadline, MonthDay)
        must_be(stage, stage.grace, int)
        if isinstance(stage, Verify):
            if stage.answers is not None and stage.answers not in {role.code for role in programme.participants}:
                faults.append(f"stage {stage.code}: nobody takes part as {stage.answers}")
            must_be(stage, stage.signers if isinstance(stage.signers, str) else None, frozenset[Duty])
            must_be(stage, stage.substitute, StandIn)
        elif isinstance(stage, Notice):
            must_be(stage, stage.days, int)
            must_be(stage, stage.unit, DayUnit)
            faults += [
                f"stage {stage.code}: a notice cannot show {column}"
                for column in stage.columns
                if column not in NOTICE_COLUMNS
            ]
            if SCHOOLING_COLUMNS & set(stage.columns) and not programme.is_for_persons:
                faults.append(f"stage {stage.code}: a household goes to no school")
            shown = programme.stated().get(stage.project) if stage.project else None
            if stage.project and (shown is None or shown.sensitivity is not Sensitivity.PUBLIC):
                faults.append(f"stage {stage.code}: {stage.project} is not a public fact that the applicant states")
            elif shown is not None and shown.kind is not Kind.CHOICES:
                faults.append(
                    f"stage {stage.code}: {stage.project} is no list of choices, which is what a notice shows"
                )
            faults += [
                f"stage {stage.code}: the standard names {place}, which is no parameter"
                for place in sorted(stage.standard.places() - set(hints))
            ]
        elif isinstance(stage, Select):
            must_be(stage, stage.rate, Rate)
            must_be(stage, stage.minimum, int)
            faults += _standing_faults(programme, f"stage {stage.code}", stage.counted)
        elif isinstance(stage, Sample):
            must_be(stage, stage.rate, Rate)
        elif isinstance(stage, Pay):
            must_be(stage, stage.shares, Shares)
            if stage.channel not in channels:
                faults.append(f"stage {stage.code}: there is no payment channel {stage.channel}")
    return faults


_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
"""How whatever has a code is called: the API, the database and the command line name it so."""
_MADE_BY = ("<string>", dataclasses.__file__)
"""Where the methods come from that a dataclass makes for itself."""


def _name_faults(programme: Programme) -> list[str]:
    """Codes and names that could be none in the API."""
    named = [
        ("the code", programme.code),
        *(("stage", stage.code) for stage in programme.process.stages),
        *(("role", role.code) for role in programme.participants),
        *(("claim", claim.kind) for claim in programme.claims),
        *(("milestone", own.code) for own in programme.milestones),
        *(("fact", field.name) for field in dataclasses.fields(programme.facts)),
        *(("parameter", field.name) for field in dataclasses.fields(programme.parameters)),
        *(("step", name) for book in programme.books for name in book.rules.steps()),
    ]
    faults = [f"{what} {name!r} is not lower-case ASCII with underscores" for what, name in named if not _fits(name)]
    titles = [BOOK_TITLE.zh, *(parameter.title.zh for parameter in programme.policy.parameters.values())]
    faults += [f"two parameters are called {title}" for title in sorted({t for t in titles if titles.count(t) > 1})]
    for choices in _choices(programme):
        faults += [
            f"{choices.__qualname__}.{one.name} is not named in ASCII, letters first"
            for one in choices
            if not _fits(one.name.lower()) or not _fits(str(one.value))
        ]
    return faults


def _fits(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def _choices(programme: Programme) -> list[type[StrEnum]]:
    """The enumerations of a programme's facts and parameters, each once."""
    found = {spec.choices: None for spec in programme.specs().values() if spec.choices is not None}
    for hint in get_type_hints(programme.parameters).values():
        for one in (hint, *get_args(hint)):
            if isinstance(one, type) and issubclass(one, StrEnum):
                found.setdefault(one)
    return list(found)


def _shape_faults(programme: Programme) -> list[str]:
    """What of a programme could do anything else than be read: a declaration is data, and its rules are rule text."""
    faults = []
    for what, value, rooms in (
        ("the programme", programme, "bangfu.programme"),
        ("the policy", programme.policy, "bangfu.policy"),
        ("the period", programme.period, "bangfu.calendar"),
        ("the process", programme.process, "bangfu.process"),
        *((f"stage {stage.code}", stage, "bangfu.process") for stage in programme.process.stages),
    ):
        if not type(value).__module__.startswith(rooms):
            faults.append(f"{what} is a {type(value).__qualname__} of its own; take one of {rooms}")
    for kept in (programme.facts, programme.parameters):
        own = [name for name, held in _held(kept, object) if not _is_plain(held, _MADE_BY)]
        faults += [f"{kept.__qualname__} has a method {name}; it holds values alone" for name in own]
    for book in programme.books:
        own = [name for name, held in _held(book.rules, RuleBook) if not isinstance(held, Step) and not _is_plain(held)]
        faults += [f"{book.rules.__qualname__} has a method {name}; a book has steps alone" for name in own]
    for choices in _choices(programme):
        faults += [
            f"{choices.__qualname__}.{one.name} has a title that is no Text"
            for one in choices
            if not isinstance(getattr(one, "title_text", Text("-", "-")), Text)
        ]
    return faults


_BOOKKEEPING = frozenset({
    "__annotations__", "__dataclass_fields__", "__dataclass_params__", "__dict__", "__doc__", "__firstlineno__",
    "__match_args__", "__module__", "__orig_bases__", "__parameters__", "__qualname__", "__slots__",
    "__static_attributes__", "__weakref__", "_trace",
})  # fmt: skip
"""What Python, dataclasses and our own books keep in a class for themselves."""
_PLAIN = (str, int, tuple, frozenset, type(None), MemberDescriptorType)


def _held(own: type, end: type) -> Iterator[tuple[str, Any]]:
    """What a class and those that it is made from hold, up to a class of ours."""
    for one in own.__mro__:
        if not issubclass(end, one) and one is not Generic:
            yield from ((name, held) for name, held in vars(one).items() if name not in _BOOKKEEPING)


def _is_plain(held: Any, made_by: Sequence[str] = ()) -> bool:
    """Whether something that a class holds is a value, or code that a dataclass has made for it."""
    if isinstance(held, _PLAIN):
        return True
    function = getattr(inspect.unwrap(held), "__code__", None) if inspect.isroutine(held) else None
    return function is not None and function.co_filename in made_by
