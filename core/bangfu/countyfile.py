"""县配置文件: everything that a county has set up, as one text that is reviewed, compared, and applied to a county.

It holds the programmes that run, the county's released documents, its rules on who may do what, the templates of its
banks and its entries in the calendar; never a person, a number or an address. Applying it adds what is not there and
takes nothing away: documents come in as drafts, which somebody previews and somebody else releases.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import payments
from bangfu.access import EVERY, Action, Entered, Rule, duties_that_may
from bangfu.access import rules as county_rules
from bangfu.cases import provisions
from bangfu.cases.ground import switch_on, switched_on
from bangfu.errors import Code, Problem, Refused
from bangfu.models import BankTemplate, CalendarDay, ProvisionRow
from bangfu.policy import in_force
from bangfu.process import duty_names
from bangfu.programme import Plugins
from bangfu.registry.days import set_working_day
from bangfu.text import Text

FORM = 1
"""The form of the file, stated in it; a file of another form is refused."""


class Section(StrEnum):
    """A part of the file, each of which somebody else may be charged with."""

    PROGRAMMES = "programmes"
    PROVISIONS = "provisions"
    RULES = "rules"
    TEMPLATES = "templates"
    CALENDAR = "calendar"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return _TITLES[self]

    @property
    def action(self) -> Action:
        """What somebody must be allowed who applies it."""
        return _ACTIONS[self]


_TITLES = {
    Section.PROGRAMMES: Text("启用的项目", "programmes that run"),
    Section.PROVISIONS: Text("本县规定", "the county's documents"),
    Section.RULES: Text("本县权限规定", "the county's own rules"),
    Section.TEMPLATES: Text("代发文件格式", "templates of banks"),
    Section.CALENDAR: Text("工作日历", "calendar"),
}
_ACTIONS = {
    Section.PROGRAMMES: Action.SWITCH_PROGRAMME,
    Section.PROVISIONS: Action.DRAFT_PROVISION,
    Section.RULES: Action.KEEP_POLICY,
    Section.TEMPLATES: Action.KEEP_FUNDS,
    Section.CALENDAR: Action.SET_CALENDAR,
}
_KEYS: Mapping[Section, tuple[str, ...]] = {
    Section.PROGRAMMES: ("code", "since"),
    Section.PROVISIONS: ("programme", "title", "number", "issued", "parameters", "book", "revokes"),
    Section.RULES: ("duty", "action", "programme", "stage", "effect", "reason"),
    Section.TEMPLATES: ("channel", "columns", "separator", "header", "rows_per_file", "line_end", "results"),
    Section.CALENDAR: ("day", "worked", "note"),
}
"""What an entry of a section says, in this order."""
_LEFT_OUT: Mapping[Section, Mapping[str, Any]] = {
    Section.PROVISIONS: {"parameters": None, "book": None, "revokes": None},
    Section.RULES: {"programme": EVERY, "stage": EVERY},
    Section.TEMPLATES: {"results": {}},
}
"""What of it may be left out, and what that means; None: nothing."""
_TYPES: Mapping[str, type] = {
    "since": date, "issued": date, "day": date, "worked": bool, "header": bool, "rows_per_file": int, "columns": list,
    "results": dict, "parameters": dict, "book": list, "revokes": dict,
}  # fmt: skip
"""The types of what an entry says; all else is text."""


@dataclass(frozen=True, slots=True)
class CountyFile:
    """What a county has set up: the entries of each section by what tells them apart."""

    entries: Mapping[Section, Mapping[tuple[str, ...], Mapping[str, Any]]] = field(default_factory=dict)

    def of(self, section: Section) -> Mapping[tuple[str, ...], Mapping[str, Any]]:
        """The entries of a section."""
        return self.entries.get(section, {})

    def dump(self) -> str:
        """It as TOML: an entry a table, a value a line, always in the same order, so that two files can be compared."""
        tables = [f"[[{section.value}]]\n{_lines(entry)}" for section in Section for entry in self.of(section).values()]
        return "\n".join([f"bangfu = {FORM}\n", *tables])

    @classmethod
    def load(cls, text: str) -> CountyFile:
        """Read a file; refuses ``FILE_UNREADABLE``, and one ``COUNTY_FILE_BAD`` for each fault of its form."""
        try:
            raw = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise Code.FILE_UNREADABLE.refuse("file", detail=str(error)) from error
        problems = [_bad((key,), Text("没有这样的部分", "there is no such part")) for key in sorted(set(raw) - _KNOWN)]
        if raw.get("bangfu") != FORM:
            problems.append(_bad(("bangfu",), Text(f"应写明 bangfu = {FORM}", f"it must say bangfu = {FORM}")))
        entries: dict[Section, dict[tuple[str, ...], Mapping[str, Any]]] = {}
        for section in Section:
            listed = raw.get(section.value, [])
            if not isinstance(listed, list):
                problems.append(_bad((section.value,), Text("应为列表", "it is a list")))
                continue
            own: dict[tuple[str, ...], Mapping[str, Any]] = {}
            for index, entry in enumerate(listed):
                path = (section.value, index)
                found = _faults(section, entry, path)
                problems += found
                if found:
                    continue
                whole = _whole(section, entry)
                if own.setdefault(_name(section, whole), whole) != whole:
                    problems.append(_bad(path, Text("与前面一项重复而内容不同", "one before it says otherwise")))
            entries[section] = own
        if problems:
            raise Refused(problems)
        return cls(entries)


_KNOWN = {"bangfu", *(section.value for section in Section)}


def _bad(path: tuple[str | int, ...], detail: Text) -> Problem:
    return Code.COUNTY_FILE_BAD.problem(*path, detail=detail)


def _faults(section: Section, entry: Any, path: tuple[str | int, ...]) -> list[Problem]:
    """What is wrong with the form of an entry."""
    if not isinstance(entry, dict):
        return [_bad(path, Text("应为表", "it is a table"))]
    known, possible = _KEYS[section], _LEFT_OUT.get(section, {})
    faults = [
        _bad((*path, key), Text("缺少", "it is wanting")) for key in known if key not in entry and key not in possible
    ]
    faults += [_bad((*path, key), Text("没有这样的项", "there is no such thing")) for key in entry if key not in known]
    for key in (key for key in known if key in entry):
        kind = _TYPES.get(key, str)
        if type(entry[key]) is not kind:
            faults.append(_bad((*path, key), Text("值的类型不正确", f"it is no {kind.__name__}")))
    columns = entry.get("columns", [])
    if isinstance(columns, list) and not all(
        isinstance(one, list) and len(one) == 2 and all(isinstance(part, str) for part in one) for one in columns
    ):
        faults.append(_bad((*path, "columns"), Text("每列写明名称和表头", "each is a name and a header")))
    results = entry.get("results", {})
    if isinstance(results, dict) and not all(isinstance(meaning, str) for meaning in results.values()):
        faults.append(_bad((*path, "results"), Text("值的类型不正确", "each is a text")))
    return faults


def _whole(section: Section, entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """An entry with what it may leave out, in the order in which it is written."""
    said = {**_LEFT_OUT.get(section, {}), **entry}
    return {key: said[key] for key in _KEYS[section] if said[key] is not None}


def _name(section: Section, entry: Mapping[str, Any]) -> tuple[str, ...]:
    """What tells an entry from the others of its section."""
    keys = {
        Section.PROGRAMMES: ("code",),
        Section.PROVISIONS: ("programme", "number"),
        Section.RULES: ("duty", "action", "programme", "stage"),
        Section.TEMPLATES: ("channel",),
        Section.CALENDAR: ("day",),
    }
    return tuple(str(entry[key]) for key in keys[section])


def _lines(entry: Mapping[str, Any]) -> str:
    """An entry as lines of TOML; the numbers of a document are a line each."""
    lines = []
    for key, value in entry.items():
        if key == "parameters":
            lines += [f"parameters.{_key(name)} = {_toml(own)}\n" for name, own in value.items()]
        else:
            lines.append(f"{_key(key)} = {_toml(value)}\n")
    return "".join(lines)


def _toml(value: Any) -> str:
    """A value as TOML, in one line. (A library would choose the form by the length of what it writes.)"""
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{_key(key)} = {_toml(own)}' for key, own in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, date):
        return value.isoformat()
    # What JSON and TOML write differently of a text, a truth or a whole number is one character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(key: str) -> str:
    return key if re.fullmatch("[A-Za-z0-9_-]+", key) else _toml(key)


# --- of a county ----------------------------------------------------------------------------------------------


async def export(session: AsyncSession, who: Entered, plugins: Plugins) -> CountyFile:
    """What the county has set up today, without the documents that were taken back. Refuses ``FORBIDDEN``."""
    who.require(Action.READ_POLICY)
    here = await _read(session, who, plugins, CountyFile())
    documents = {name: own for name, own in here.file.of(Section.PROVISIONS).items() if name not in here.over}
    return CountyFile({**here.file.entries, Section.PROVISIONS: documents})


@dataclass(frozen=True, slots=True)
class _Here:
    """What a county has set up, and the names of its documents that are over: taken back, or nothing but a word that
    another is."""

    file: CountyFile
    over: frozenset[tuple[str, ...]]


async def _read(session: AsyncSession, who: Entered, plugins: Plugins, given: CountyFile) -> _Here:
    """What the county has set up; of its drafts, those that say what a given file says."""
    tenant, wanted = who.county.id, given.of(Section.PROVISIONS).values()
    running = await switched_on(session, tenant, who.at.today)
    documents = await session.scalars(
        select(ProvisionRow)
        .where(ProvisionRow.tenant_id == tenant, ProvisionRow.programme.in_(plugins.programmes))
        .order_by(ProvisionRow.programme, ProvisionRow.issued_on, ProvisionRow.number, ProvisionRow.id)
    )
    templates = await session.scalars(
        select(BankTemplate)
        .where(BankTemplate.tenant_id == tenant)
        .order_by(BankTemplate.channel, BankTemplate.version)
    )
    days = await session.scalars(select(CalendarDay).where(CalendarDay.tenant_id == tenant).order_by(CalendarDay.day))
    rows = documents.all()
    numbers = {str(row.id): row.number for row in rows}
    laid = sorted(await county_rules.standing(session, who), key=lambda one: one.rule)
    found: dict[Section, Iterable[Mapping[str, Any]]] = {
        Section.PROGRAMMES: [{"code": code, "since": since} for code, since in sorted(running.items())],
        Section.PROVISIONS: [
            document
            for row in rows
            if (document := _document(plugins, row, numbers)) in wanted or row.state == provisions.RELEASED
        ],
        Section.RULES: [{**one.rule._asdict(), "reason": one.reason} for one in laid],
        # The last version of a channel takes the place of those before it.
        Section.TEMPLATES: [_template(row) for row in templates],
        Section.CALENDAR: [{"day": row.day, "worked": row.worked, "note": row.note} for row in days],
    }
    file = CountyFile({section: {_name(section, one): one for one in own} for section, own in found.items()})
    return _Here(file, frozenset(_over(plugins, rows, who.at.today)))


def _over(plugins: Plugins, rows: Sequence[ProvisionRow], today: date) -> Iterator[tuple[str, ...]]:
    """The names of released documents that are over on a day."""
    for code in {row.programme for row in rows}:
        own = [row for row in rows if row.programme == code and row.state == provisions.RELEASED]
        released = provisions.in_order(plugins.programme(code), own)
        standing = {one.id for one in in_force(released, today)}
        for one in released:
            only_revokes = one.revokes is not None and not one.entries and not one.adoptions
            gone = one.id not in standing
            if gone or (only_revokes and one.revokes is not None and one.revokes.provision not in standing):
                yield code, one.number


def _document(plugins: Plugins, row: ProvisionRow, numbers: Mapping[str, str]) -> dict[str, Any]:
    programme = plugins.programme(row.programme)
    heading = {"programme": row.programme, "title": row.title, "number": row.number, "issued": row.issued_on}
    return {**heading, **provisions.raw_of(programme, provisions.provision_of(programme, row), numbers)}


def _template(row: BankTemplate) -> dict[str, Any]:
    names = ("channel", "columns", "separator", "header", "rows_per_file", "line_end", "results")
    return {name: getattr(row, name) for name in names}


# --- against another ------------------------------------------------------------------------------------------


class Difference(StrEnum):
    """How a county differs from a file in one entry."""

    ADDED = "added"
    CHANGED = "changed"
    ONLY_HERE = "only_here"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return {
            Difference.ADDED: Text("将新增", "to be added"),
            Difference.CHANGED: Text("将更改", "to be changed"),
            Difference.ONLY_HERE: Text("仅本县有,不变", "only here, left as it is"),
        }[self]


@dataclass(frozen=True, slots=True)
class Change:
    """One entry in which a county differs from a file: what the county says and what the file says, as TOML."""

    section: Section
    name: tuple[str, ...]
    kind: Difference
    here: str | None
    there: str | None


async def compare(session: AsyncSession, who: Entered, plugins: Plugins, given: CountyFile) -> list[Change]:
    """In what the county differs from a file, entry by entry, in the order of the file; nothing is changed.

    A document that is drafted here already is not to be drafted again. Refuses ``FORBIDDEN``.
    """
    who.require(Action.READ_POLICY)
    return _compared(await _read(session, who, plugins, given), given)


def _compared(here: _Here, there: CountyFile) -> list[Change]:
    changes = []
    for section in Section:
        own, given = here.file.of(section), there.of(section)
        for name, entry in given.items():
            if own.get(name) != entry and not _holds(section, own.get(name), entry):
                kind = Difference.CHANGED if name in own else Difference.ADDED
                shown = _lines(own[name]) if name in own else None
                changes.append(Change(section, name, kind, shown, _lines(entry)))
        changes += [
            Change(section, name, Difference.ONLY_HERE, _lines(entry), None)
            for name, entry in own.items()
            if name not in given and not (section is Section.PROVISIONS and name in here.over)
        ]
    return changes


def _holds(section: Section, own: Mapping[str, Any] | None, entry: Mapping[str, Any]) -> bool:
    """Whether a county has what an entry says although it does not say the same: a programme that it has run for
    longer, a rule that it has another reason for."""
    if own is None:
        return False
    if section is Section.PROGRAMMES:
        return bool(own["since"] <= entry["since"])
    return section is Section.RULES and own["effect"] == entry["effect"]


async def apply(
    session: AsyncSession, who: Entered, plugins: Plugins, given: CountyFile, only: Iterable[Section] = ()
) -> list[Change]:
    """Bring a county to what a file says, all of it or ``only`` some sections; what only the county has is left alone.

    Applied again, it changes nothing. The answer is what was added and changed. Everything is checked first, and
    nothing is kept unless all of it can be: refuses ``FORBIDDEN`` with the section for each that is not the actor's,
    ``COUNTY_FILE_CONFLICT`` for a document that the county has under the same number with other content, and whatever
    the single steps refuse, with their places in the file.
    """
    who.require(Action.READ_POLICY)
    chosen = set(only) or set(Section)
    changes = [
        one
        for one in _compared(await _read(session, who, plugins, given), given)
        if one.section in chosen and one.kind is not Difference.ONLY_HERE
    ]
    problems: list[Problem] = []
    for section in dict.fromkeys(one.section for one in changes):
        if not who.may(section.action):
            able = duties_that_may(section.action, who.actor.rules)
            title, duties = section.action.title_text, duty_names(able)
            problems.append(Code.FORBIDDEN.problem(section.value, action=title, duties=duties))
    if problems:
        raise Refused(problems)
    for change in changes:
        entry = given.of(change.section)[change.name]
        place = list(given.of(change.section)).index(change.name)
        try:
            await _STEPS[change.section](session, who, plugins, entry, change)
        except Refused as refusal:
            problems += [problem.under(change.section.value, place) for problem in refusal.problems]
    if problems:
        raise Refused(problems)
    return changes


_Step = Callable[[AsyncSession, Entered, Plugins, Mapping[str, Any], Change], Awaitable[None]]


async def _programme(
    session: AsyncSession, who: Entered, plugins: Plugins, entry: Mapping[str, Any], change: Change
) -> None:
    await switch_on(session, who, plugins.programme(entry["code"]), entry["since"])


async def _provision(
    session: AsyncSession, who: Entered, plugins: Plugins, entry: Mapping[str, Any], change: Change
) -> None:
    if change.kind is Difference.CHANGED:
        raise Code.COUNTY_FILE_CONFLICT.refuse("number", number=entry["number"])
    await provisions.draft(session, who, plugins.programme(entry["programme"]), entry)


async def _rule(
    session: AsyncSession, who: Entered, plugins: Plugins, entry: Mapping[str, Any], change: Change
) -> None:
    rule = Rule(entry["duty"], entry["action"], entry["programme"], entry["stage"], entry["effect"])
    await county_rules.lay_down(session, who, plugins.programmes, rule, entry["reason"])


async def _bank(
    session: AsyncSession, who: Entered, plugins: Plugins, entry: Mapping[str, Any], change: Change
) -> None:
    columns = [(name, header) for name, header in entry["columns"]]
    stated = payments.TemplateStated(**{**entry, "columns": columns})
    await payments.keep_template(session, who, stated, list(plugins.channels))


async def _day(session: AsyncSession, who: Entered, plugins: Plugins, entry: Mapping[str, Any], change: Change) -> None:
    await set_working_day(session, who, entry["day"], entry["worked"], entry["note"])


_STEPS: Mapping[Section, _Step] = {
    Section.PROGRAMMES: _programme,
    Section.PROVISIONS: _provision,
    Section.RULES: _rule,
    Section.TEMPLATES: _bank,
    Section.CALENDAR: _day,
}
