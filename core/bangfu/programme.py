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
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, cast, get_type_hints

import pluggy

from bangfu.calendar import DayUnit, PeriodKind
from bangfu.errors import Code
from bangfu.policy import Citation, MonthDay, Policy, PolicyError, Rate, Window
from bangfu.process import Duty, Notice, Process, Sample, Stage, StandIn, Verify
from bangfu.rules.book import RuleBook
from bangfu.rules.facts import FactSpec, Income, Registry, Sensitivity, Stated
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
}
"""The attributes of a household that a fact may be taken from, as of a day."""

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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Programme:
    """One programme of a plan: its documents and parameters, its dated rule books, its stages.

    ``released`` maps the day of each released book to its hash, so that a released text cannot change unseen.
    ``once_per_period`` allows one case a household and period.
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
        *(f"clause {clause} is neither carried out nor listed as left out" for clause in unanswered(programme)),
    ]
    if faults:
        raise PolicyError(f"{programme.code}: " + "; ".join(faults))


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
    hints = get_type_hints(programme.parameters)
    faults = []
    for spec in programme.specs().values():
        source = spec.source
        if isinstance(source, Registry) and source.attribute not in REGISTRY_FACTS:
            faults.append(f"fact {spec.name}: the registry has no {source.attribute}")
        if isinstance(source, Income):
            if source.category not in INCOME_CATEGORIES:
                faults.append(f"fact {spec.name}: there is no income category {source.category}")
            if hints.get(source.window) is not Window:
                faults.append(f"fact {spec.name}: {source.window} is not a Window parameter")
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
        elif isinstance(stage, Sample):
            must_be(stage, stage.rate, Rate)
        elif (channel := getattr(stage, "channel", None)) and channel not in channels:
            faults.append(f"stage {stage.code}: there is no payment channel {channel}")
    return faults
