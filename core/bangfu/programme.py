"""What a plugin declares, and the manager that loads it.

A plugin is a package in the entry-point group ``bangfu.plugins`` that implements the hooks of :class:`Hooks`; each
returns frozen declarations. Bundled programmes come in by the same door. A declaration that contradicts itself, a
code that exists already, or a hook name that is none is refused by name. A third-party plugin that cannot be loaded
is reported and skipped; a bundled one is fatal.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

import pluggy

from bangfu.calendar import DayUnit, PeriodKind
from bangfu.errors import Code
from bangfu.policy import Citation, Fen, MonthDay, Policy, PolicyError, Rate, Shares, Window
from bangfu.process import Duty, Notice, Pay, Process, Sample, Select, Stage, StandIn, Verify
from bangfu.rules.book import RuleBook
from bangfu.rules.facts import (
    ALL,
    AtStage,
    Condition,
    Count,
    FactSpec,
    Income,
    NetStablePerPerson,
    Registry,
    Sensitivity,
    Signed,
    StandingIn,
    Stated,
    Vouched,
    When,
)
from bangfu.text import Text

PROJECT = "bangfu"
GROUP = "bangfu.plugins"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

NOTICE_COLUMNS: Mapping[str, Text] = {
    "beneficiary": Text("受益对象", "beneficiary"),
    "project": Text("项目名称", "project"),
    "standard": Text("补助标准", "standard"),
    "amount": Text("补助金额", "amount"),
}
"""Everything that a notice may ever show. Identity, telephone, account and health are not masked: they are absent."""

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


@dataclass(frozen=True, slots=True)
class DatedBook:
    """A rule book in force from a day on. Released books are only ever added to."""

    since: date
    rules: type[RuleBook[Any, Any]]


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


class Span(StrEnum):
    """For how long something holds: one period of the programme, the plan year that it belongs to, or ever."""

    PERIOD = "period"
    YEAR = "year"
    EVER = "ever"


class ClaimOf(StrEnum):
    """Who takes something that can be taken once: the applicant's household, or each that takes part in a role."""

    HOUSEHOLD = "household"
    PARTICIPANT = "participant"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimSpec:
    """Something of the programme that a household can have once in a span, such as one leader a plan year.

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
    """A household that has a live case in another programme cannot have one here, and the other way round.

    It holds both ways, whichever of the two declares it, and is nothing where the other programme is not installed.
    """

    programme: str
    why: Text
    cites: str
    same: Literal["household"] = "household"
    period: Span = Span.YEAR


@dataclass(frozen=True, slots=True, kw_only=True)
class Stacks:
    """Another programme whose award a household may have beside this one 可叠加, declared so that nobody has to ask."""

    programme: str
    why: Text
    cites: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Programme:
    """One programme of a plan: its documents and parameters, its dated rule books, its stages.

    ``released`` maps the day of each released book to its hash, so that a released text cannot change unseen.
    ``once_per_period`` allows one case a household and period. ``participants`` are the roles in which other households
    take part, ``claims`` what can be had once, ``excludes`` and ``stacks`` the programmes that do not go together with
    this one, and those that do.
    """

    code: str
    title: Text
    period: PeriodKind
    policy: Policy
    parameters: type
    facts: type
    books: tuple[DatedBook, ...]
    released: Mapping[date, str]
    process: Process
    once_per_period: bool = True
    participants: tuple[Role, ...] = ()
    claims: tuple[ClaimSpec, ...] = ()
    excludes: tuple[Exclusion, ...] = ()
    stacks: tuple[Stacks, ...] = ()

    def book(self, day: date) -> DatedBook:
        """The book that is in force on a day; refuses ``PERIOD_BAD`` before the first one."""
        for dated in sorted(self.books, key=lambda book: book.since, reverse=True):
            if dated.since <= day:
                return dated
        first = min(book.since for book in self.books)
        raise Code.PERIOD_BAD.refuse(
            "period", value=day, expected=Text(f"{first} 起的期间", f"a period from {first} on")
        )

    def specs(self) -> dict[str, FactSpec]:
        """The facts of the newest book by name."""
        return dict(self.books[-1].rules.traced().facts)

    def stated(self) -> dict[str, FactSpec]:
        """The facts that the applicant states; nothing else is ever an input."""
        return {name: spec for name, spec in self.specs().items() if isinstance(spec.source, Stated)}

    def titles(self) -> dict[str, Text]:
        """The two names of every parameter."""
        return {name: parameter.title for name, parameter in self.policy.parameters.items()}


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
    def programmes(self) -> Sequence[Programme]:  # type: ignore[empty-body]
        """The programmes that the plugin brings."""

    @hookspec
    def payment_channels(self) -> Sequence[PaymentChannel]:  # type: ignore[empty-body]
        """The ways of paying that the plugin brings."""


@dataclass(frozen=True)
class Plugins:
    """The plugins of this installation: their programmes and channels by code, and what was skipped and why."""

    programmes: Mapping[str, Programme]
    channels: Mapping[str, PaymentChannel]
    skipped: Mapping[str, str] = field(default_factory=dict)

    def programme(self, code: str) -> Programme:
        """A programme by its code; refuses ``PROGRAMME_UNKNOWN``."""
        if code not in self.programmes:
            raise Code.PROGRAMME_UNKNOWN.refuse("programme", programme=code, known=", ".join(self.programmes))
        return self.programmes[code]

    def exclusions(self, code: str) -> dict[str, Exclusion]:
        """The installed programmes in which a household cannot have a live case beside one of this programme.

        An exclusion that the other one declares counts like an own one.
        """
        own = {one.programme: one for one in self.programme(code).excludes if one.programme in self.programmes}
        others = {
            other.code: one for other in self.programmes.values() for one in other.excludes if one.programme == code
        }
        return others | own


def load(found: Iterable[EntryPoint] | None = None) -> Plugins:
    """Load every plugin of the group and check what it declares.

    Raises :class:`PolicyError` for a bundled plugin that cannot be loaded; skips a third-party one and says why.
    """
    plugins = pluggy.PluginManager(PROJECT)
    plugins.add_hookspecs(Hooks)
    skipped: dict[str, str] = {}
    programmes: dict[str, Programme] = {}
    channels: dict[str, PaymentChannel] = {}
    for point in sorted(entry_points(group=GROUP) if found is None else found, key=lambda p: (not _bundled(p), p.name)):
        try:
            own = _declared(plugins, point)
            _require_new("programme", [programme.code for programme in own[0]], programmes)
            _require_new("channel", [channel.code for channel in own[1]], channels)
            for programme in own[0]:
                check(programme, {*channels, *(channel.code for channel in own[1])})
            check_together([*programmes.values(), *own[0]])
        except Exception as error:
            if _bundled(point):
                raise PolicyError(f"the bundled plugin {point.name} cannot be loaded: {error}") from error
            skipped[point.name] = f"{type(error).__name__}: {error}"
            plugins.unregister(name=point.name) if plugins.has_plugin(point.name) else None
            continue
        programmes.update({programme.code: programme for programme in own[0]})
        channels.update({channel.code: channel for channel in own[1]})
    return Plugins(programmes, channels, skipped)


@cache
def installed() -> Plugins:
    """The plugins of this installation, loaded once a process."""
    return load()


def _bundled(point: EntryPoint) -> bool:
    return point.dist is not None and point.dist.name == PROJECT


def _require_new(what: str, codes: Sequence[str], known: Collection[str]) -> None:
    for position, code in enumerate(codes):
        if code in known or code in codes[:position]:
            raise PolicyError(f"the {what} {code} exists already")


def _declared(plugins: pluggy.PluginManager, point: EntryPoint) -> tuple[list[Programme], list[PaymentChannel]]:
    """What one plugin declares, with its types checked: a hook's return type is otherwise nobody's business."""
    plugins.register(point.load(), name=point.name)
    plugins.check_pending()
    results: list[list[Any]] = []
    for hook, kind in (("programmes", Programme), ("payment_channels", PaymentChannel)):
        others = [plugin for name, plugin in plugins.list_name_plugin() if name != point.name and plugin is not None]
        caller = plugins.subset_hook_caller(hook, remove_plugins=others)
        items = [item for result in caller() for item in result]
        for item in items:
            if not isinstance(item, kind):
                raise PolicyError(f"{hook} of {point.name} returned {type(item).__name__}, not {kind.__name__}")
        results.append(items)
    return cast(tuple[list[Programme], list[PaymentChannel]], tuple(results))


# --- what a declaration must hold -----------------------------------------------------------------------------


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
        *_claim_faults(programme),
        *(f"clause {clause} is neither carried out nor listed as left out" for clause in unanswered(programme)),
    ]
    if faults:
        raise PolicyError(f"{programme.code}: " + "; ".join(faults))


def check_together(programmes: Iterable[Programme]) -> None:
    """Refuse (:class:`PolicyError`) programmes of which one says that two go together and one that they do not."""
    known = {programme.code: programme for programme in programmes}
    faults = [
        f"{programme.code} excludes {one.programme}, and {stacking.code} says that they go together"
        for programme in known.values()
        for one in programme.excludes
        for stacking, other in ((programme, one.programme), (known.get(one.programme, programme), programme.code))
        if other in {stack.programme for stack in stacking.stacks}
    ]
    if faults:
        raise PolicyError("; ".join(faults))


def citations(programme: Programme) -> dict[Citation, list[str]]:
    """Which steps, stages and parameters carry out each clause."""
    cited: dict[Citation, list[str]] = {}
    for dated in programme.books:
        for name, traced in dated.rules.traced().steps.items():
            cited.setdefault(traced.step.cites, []).append(f"{traced.step.kind} {name}")
    for stage in programme.process.stages:
        for cites in stage.cites:
            cited.setdefault(Citation.parse(cites), []).append(f"stage {stage.code}")
    for parameter in programme.policy.parameters.values():
        for entry in parameter.entries:
            cited.setdefault(entry.cites, []).append(f"parameter {parameter.name}")
    for what, cites in (
        *((f"role {role.code}", role.cites) for role in programme.participants),
        *((f"claim {claim.kind}", claim.cites) for claim in programme.claims),
        *((f"exclusion of {one.programme}", one.cites) for one in programme.excludes),
        *((f"stacking with {one.programme}", one.cites) for one in programme.stacks),
    ):
        cited.setdefault(Citation.parse(cites), []).append(what)
    return cited


def unanswered(programme: Programme) -> list[str]:
    """The clauses of the programme's documents that nothing carries out and nothing lists as left out."""
    cited = citations(programme)
    return [
        f"{document.code}#{clause}"
        for document in programme.policy.documents.values()
        for clause in document.clauses
        if Citation(document.code, clause) not in cited and clause not in document.left_out
    ]


def _book_faults(programme: Programme) -> list[str]:
    faults = []
    if len({book.since for book in programme.books}) != len(programme.books):
        faults.append("there is one book a day, and at least one")
    known = {(document.code, clause) for document in programme.policy.documents.values() for clause in document.clauses}
    for citation, where in citations(programme).items():
        if (citation.document, citation.clause) not in known:
            faults.append(f"{', '.join(where)} cites {citation}, which no document lists")
    for book in programme.books:
        if book.rules.types() != (programme.facts, programme.parameters):
            faults.append(f"{book.rules.__name__} is not written over the programme's Facts and Parameters")
        expected = programme.released.get(book.since)
        if expected is not None and expected != book.rules.traced().version:
            faults.append(
                f"the released book of {book.since} has changed; a fix is a new book with a day of its own, "
                f"beside the old one (its hash was {expected[:12]}…)"
            )
    gone = sorted(set(programme.released) - {book.since for book in programme.books})
    return faults + [f"the released book of {day} is gone; old cases could not be replayed" for day in gone]


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
    return faults


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


def _standing_faults(programme: Programme, where: str, standings: tuple[str, ...] | str) -> list[str]:
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
        if claim.per is ClaimOf.HOUSEHOLD and claim.role is not None:
            faults.append(f"{where}: the applicant's household has no role {claim.role}")
        faults += _setting_faults(programme, where, claim.unless)
    return faults


def _stage_faults(programme: Programme, channels: set[str]) -> list[str]:
    hints = get_type_hints(programme.parameters)
    faults = []

    def must_be(stage: Stage, name: str | None, kind: Any) -> None:
        if name is not None and hints.get(name) != kind:
            faults.append(f"stage {stage.code}: {name} is not a parameter of the type {kind}")

    for stage in programme.process.stages:
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
            shown = programme.stated().get(stage.project)
            if shown is None or shown.sensitivity is not Sensitivity.PUBLIC:
                faults.append(f"stage {stage.code}: {stage.project} is not a public fact that the applicant states")
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
