"""县配置文件: everything that a county has set up, as one text that is reviewed, compared, and applied to a county.

It holds the programmes that run, the county's released documents, its rules on who may do what, the templates of its
banks and its entries in the calendar; never a person, a number or an address. Applying it adds what is not there and
takes nothing away: documents come in as drafts, which somebody previews and somebody else releases.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import payments
from bangfu.access import Action, Entered, Rule, duties_that_may
from bangfu.access import rules as county_rules
from bangfu.cases import provisions
from bangfu.cases.ground import standing_since, switch_on
from bangfu.countyfile.form import CountyFile, Entry, Name, Section, lines, name_of, whole
from bangfu.db import hold
from bangfu.errors import Code, Problem, Refused
from bangfu.models import BankTemplate, CalendarDay, ProvisionRow
from bangfu.policy import in_force
from bangfu.process import duty_names
from bangfu.programme import Plugins
from bangfu.registry.days import set_working_day
from bangfu.text import Text

__all__ = ["Change", "CountyFile", "Difference", "Section", "apply", "compare", "export"]


async def export(session: AsyncSession, who: Entered, plugins: Plugins) -> CountyFile:
    """What the county has set up, without the documents that are over today, as far as the actor may see it.

    Refuses ``FORBIDDEN``.
    """
    who.require(Action.READ_POLICY)
    seen = [section for section in Section if who.may(section.read)]
    here = await _read(session, who, plugins, seen, CountyFile())
    over = {name for section, name in here.over if section is Section.PROVISIONS}
    documents = {}
    for name, entry in here.file.of(Section.PROVISIONS).items():
        gone = (name[0], entry["revokes"]["number"]) if "revokes" in entry else None
        if name not in over:
            documents[name] = {key: own for key, own in entry.items() if key != "revokes" or gone not in over}
    entries = {section: here.file.of(section) for section in seen} | {Section.PROVISIONS: documents}
    return CountyFile(entries, tuple(section for section in Section if section not in seen))


class Difference(StrEnum):
    """How a county differs from a file in one entry."""

    ADDED = "added"
    CHANGED = "changed"
    WAITS = "waits"
    ONLY_HERE = "only_here"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return {
            Difference.ADDED: Text("将新增", "to be added"),
            Difference.CHANGED: Text("将更改", "to be changed"),
            Difference.WAITS: Text("待其所回退的规定发布后再新增", "to be added once what it takes back is released"),
            Difference.ONLY_HERE: Text("仅本县有,不变", "only here, left as it is"),
        }[self]


@dataclass(frozen=True, slots=True)
class Change:
    """One entry in which a county differs from a file: what the county says and what the file says, as TOML."""

    section: Section
    name: Name
    kind: Difference
    here: str | None
    there: str | None


async def compare(session: AsyncSession, who: Entered, plugins: Plugins, given: CountyFile) -> list[Change]:
    """In what the county differs from a file, entry by entry, in the order of the file, of the sections that the actor
    may see; nothing is changed.

    A document that is drafted here already is not to be drafted again. Refuses ``FORBIDDEN``.
    """
    who.require(Action.READ_POLICY)
    seen = [section for section in Section if who.may(section.read)]
    said = _canonical(plugins, given)
    return _compared(await _read(session, who, plugins, seen, said), said, seen)


async def apply(
    session: AsyncSession, who: Entered, plugins: Plugins, given: CountyFile, only: Iterable[Section] = ()
) -> list[Change]:
    """Bring a county to what a file says, all of it or ``only`` some sections; what only the county has is left alone.

    Applied again, it changes nothing. The answer is what was added and changed, and what waits. Everything is checked
    first, and nothing is kept unless all of it can be: refuses ``FORBIDDEN`` with the section for each that is not the
    actor's, ``COUNTY_FILE_CONFLICT`` for a document that the county has released under the same number with other
    content, and whatever the single steps refuse, with their places in the file.
    """
    # One at a time: what is there decides what is added.
    await hold(session, "county file")
    said, chosen = _canonical(plugins, given), set(only) or set(Section)
    meant = [section for section in Section if section in chosen and said.of(section)]
    _require(who, [section for section in meant if not who.may(section.read) and not who.may(section.change)])
    found = _compared(await _read(session, who, plugins, meant, said), said, meant)
    changes = [one for one in found if one.kind is not Difference.ONLY_HERE]
    _require(who, [section for section in meant if any(one.section is section for one in changes)])
    problems: list[Problem] = []
    for change in changes:
        if change.kind is Difference.WAITS:
            continue
        entry, place = said.of(change.section)[change.name], list(said.of(change.section)).index(change.name)
        try:
            await _STEPS[change.section](_Step(session, who, plugins), entry, change)
        except Refused as refusal:
            problems += [problem.under(change.section.value, place) for problem in refusal.problems]
    if problems:
        raise Refused(problems)
    return changes


def _require(who: Entered, sections: Iterable[Section]) -> None:
    """Refuse ``FORBIDDEN`` for each section that is not the actor's to change."""
    problems = [
        Code.FORBIDDEN.problem(
            section.value,
            action=section.change.title_text,
            duties=duty_names(duties_that_may(section.change, who.actor.rules)),
        )
        for section in sections
        if not who.may(section.change)
    ]
    if problems:
        raise Refused(problems)


def _canonical(plugins: Plugins, given: CountyFile) -> CountyFile:
    """A file as the county would write it: 2000 yuan is 2000.00, and a header has no blanks around it.

    What cannot be read stays as it is: it is refused where it is applied.
    """
    documents = {}
    for name, entry in given.of(Section.PROVISIONS).items():
        documents[name] = entry
        raw = {key: own for key, own in entry.items() if key != "revokes"}
        with suppress(Refused):
            programme = plugins.any(entry["programme"])
            if "parameters" in raw or "book" in raw:
                said = provisions.raw_of(programme, programme.read_provision(raw))
                documents[name] = whole(Section.PROVISIONS, {**_without(entry, "parameters", "book"), **said})
    templates = {
        name: {**entry, "columns": [[own, header.strip()] for own, header in entry["columns"]]}
        for name, entry in given.of(Section.TEMPLATES).items()
    }
    return CountyFile({**given.entries, Section.PROVISIONS: documents, Section.TEMPLATES: templates})


def _without(entry: Entry, *keys: str) -> dict[str, Any]:
    return {key: own for key, own in entry.items() if key not in keys}


# --- what the county has --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Here:
    """What a county has set up; ``over`` are its documents that are over: taken back, or nothing but a word that
    another is; ``released`` the numbers of those that are released, by programme."""

    file: CountyFile
    over: frozenset[tuple[Section, Name]]
    released: frozenset[Name]


async def _read(
    session: AsyncSession, who: Entered, plugins: Plugins, sections: Sequence[Section], given: CountyFile
) -> _Here:
    """What the county has set up in some sections; of its drafts, those that say what a given file says."""
    tenant = who.county.id
    found: dict[Section, Iterable[Entry]] = {}
    rows: Sequence[ProvisionRow] = ()
    if Section.PROGRAMMES in sections:
        running = await standing_since(session, tenant, who.at.today)
        found[Section.PROGRAMMES] = [{"code": code, "since": since} for code, since in sorted(running.items())]
    if Section.PROVISIONS in sections:
        query = select(ProvisionRow).where(ProvisionRow.tenant_id == tenant, ProvisionRow.programme.in_(plugins.every))
        query = query.order_by(ProvisionRow.programme, ProvisionRow.issued_on, ProvisionRow.number, ProvisionRow.id)
        rows = (await session.scalars(query)).all()
        found[Section.PROVISIONS] = _documents(plugins, rows, given)
    if Section.RULES in sections:
        laid = sorted(await county_rules.standing(session, who), key=lambda one: one.rule)
        found[Section.RULES] = [{**one.rule._asdict(), "reason": one.reason} for one in laid]
    if Section.TEMPLATES in sections:
        templates = select(BankTemplate).where(BankTemplate.tenant_id == tenant)
        # The last version of a channel takes the place of those before it.
        ordered = await session.scalars(templates.order_by(BankTemplate.channel, BankTemplate.version))
        found[Section.TEMPLATES] = [_template(row) for row in ordered]
    if Section.CALENDAR in sections:
        days = select(CalendarDay).where(CalendarDay.tenant_id == tenant).order_by(CalendarDay.day)
        found[Section.CALENDAR] = [
            {"day": row.day, "worked": row.worked, "note": row.note} for row in await session.scalars(days)
        ]
    file = CountyFile({section: {name_of(section, one): one for one in own} for section, own in found.items()})
    over = frozenset((Section.PROVISIONS, name) for name in _over(plugins, rows, who.at.today))
    released = frozenset((row.programme, row.number) for row in rows if row.state == provisions.RELEASED)
    return _Here(file, over, released)


def _documents(plugins: Plugins, rows: Sequence[ProvisionRow], given: CountyFile) -> Iterator[Entry]:
    """The released documents, and the drafts that a file speaks of under a number that none is released under."""
    numbers = {str(row.id): row.number for row in rows}
    released = {(row.programme, row.number) for row in rows if row.state == provisions.RELEASED}
    wanted = given.of(Section.PROVISIONS)
    for row in rows:
        name, document = (row.programme, row.number), _document(plugins, row, numbers)
        if row.state == provisions.RELEASED or (name not in released and document == wanted.get(name)):
            yield document


def _over(plugins: Plugins, rows: Sequence[ProvisionRow], today: date) -> Iterator[Name]:
    """The names of released documents that are over on a day."""
    for code in sorted({row.programme for row in rows}):
        own = [row for row in rows if row.programme == code and row.state == provisions.RELEASED]
        released = provisions.in_order(plugins.any(code), own)
        standing = {UUID(one.id) for one in in_force(released, today)}
        for one in released:
            says_more = one.revokes is None or one.entries or one.adoptions
            if UUID(one.id) not in standing or not (says_more or UUID(one.revokes.provision) in standing):  # type: ignore[union-attr]
                yield code, one.number


def _document(plugins: Plugins, row: ProvisionRow, numbers: Mapping[str, str]) -> Entry:
    programme = plugins.any(row.programme)
    heading = provisions.Heading(row.title, row.number, row.issued_on).raw
    said = provisions.raw_of(programme, provisions.provision_of(programme, row), numbers)
    return {"programme": row.programme, **heading, **said}


def _template(row: BankTemplate) -> Entry:
    names = ("channel", "columns", "separator", "header", "rows_per_file", "line_end", "results")
    return {name: getattr(row, name) for name in names}


def _compared(here: _Here, there: CountyFile, sections: Iterable[Section]) -> list[Change]:
    changes = []
    for section in sections:
        own, given = here.file.of(section), there.of(section)
        for name, entry in given.items():
            if own.get(name) == entry or _holds(section, own.get(name), entry):
                continue
            kind = Difference.CHANGED if name in own else Difference.ADDED
            gone = (name[0], entry["revokes"]["number"]) if "revokes" in entry else None
            if gone is not None and gone not in here.released and gone in given:
                kind = Difference.WAITS
            changes.append(Change(section, name, kind, lines(own[name]) if name in own else None, lines(entry)))
        changes += [
            Change(section, name, Difference.ONLY_HERE, lines(entry), None)
            for name, entry in own.items()
            if name not in given and (section, name) not in here.over
        ]
    return changes


def _holds(section: Section, own: Entry | None, entry: Entry) -> bool:
    """Whether a county has what an entry says although it does not say the same: a programme that runs here, or will by
    then; a rule that it has another reason for."""
    if own is None:
        return False
    if section is Section.PROGRAMMES:
        return True
    return section is Section.RULES and bool(own["effect"] == entry["effect"])


# --- the steps ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Step:
    """Where a step is carried out, and by whom."""

    session: AsyncSession
    who: Entered
    plugins: Plugins


_Carry: TypeAlias = Callable[[_Step, Entry, Change], Awaitable[Any]]


async def _programme(at: _Step, entry: Entry, change: Change) -> None:
    await switch_on(at.session, at.who, at.plugins.any(entry["code"]), entry["since"])


async def _provision(at: _Step, entry: Entry, change: Change) -> None:
    if change.kind is Difference.CHANGED:
        raise Code.COUNTY_FILE_CONFLICT.refuse("number", number=entry["number"])
    await provisions.draft(at.session, at.who, at.plugins.any(entry["programme"]), entry)


async def _rule(at: _Step, entry: Entry, change: Change) -> None:
    rule = Rule(entry["duty"], entry["action"], entry["programme"], entry["stage"], entry["effect"])
    await county_rules.lay_down(at.session, at.who, at.plugins.every, rule, entry["reason"])


async def _bank(at: _Step, entry: Entry, change: Change) -> None:
    columns = [(name, header) for name, header in entry["columns"]]
    stated = payments.TemplateStated(**{**entry, "columns": columns})
    await payments.keep_template(at.session, at.who, stated, list(at.plugins.channels))


async def _day(at: _Step, entry: Entry, change: Change) -> None:
    await set_working_day(at.session, at.who, entry["day"], entry["worked"], entry["note"])


_STEPS: Mapping[Section, _Carry] = {
    Section.PROGRAMMES: _programme,
    Section.PROVISIONS: _provision,
    Section.RULES: _rule,
    Section.TEMPLATES: _bank,
    Section.CALENDAR: _day,
}
