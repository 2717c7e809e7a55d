"""Circumstances of persons 情形, from when to when: certificates of disability 残疾人证, the minimum living guarantee
低保, deaths, custody 服刑羁押, and who has moved away 迁出.

An office brings a list, or somebody writes one person down by hand; what a report comes to, ``holding`` says. A list is
matched by identity number with the persons in sight of whoever imports it: who is not among them is counted and
otherwise passed over, and out of sight is the same as unknown. A whole list says also who is *not* on it: whom the
register has on its day and the list does not name is a task, never an end.

It is sensitive: nobody sees a circumstance but who may (``READ_CIRCUMSTANCES``), none stands on a notice, and the
number of a certificate, which holds the identity number, is kept sealed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import audit
from bangfu.access import Action, Entered, duties_that_may
from bangfu.db import scope_of
from bangfu.db.bulk import among, update_all
from bangfu.disclosure import need_reason
from bangfu.documents.cells import Cell, CellProblem, Column, Row, one_of, read_day, read_digits, read_name, read_text
from bangfu.errors import Code
from bangfu.models import Circumstance, Discrepancy
from bangfu.models import Person as PersonRow
from bangfu.process import Duty, duty_names
from bangfu.programme import CIRCUMSTANCES
from bangfu.registry.history import held, holds
from bangfu.registry.holding import (
    CERTIFICATE,
    DEATH,
    MINIMUM_LIVING,
    Category,
    Report,
    Source,
    confirmed,
    is_overtaken,
    judge,
)
from bangfu.registry.identity import read_identity
from bangfu.registry.importing import Importer, State, alone
from bangfu.registry.reported import Changes, Judged, Person, Tasks, Verdict, count_task, persons_by_index
from bangfu.text import Text
from bangfu.vault import Vault, mask_identity

SEALED_AS = "circumstance.number"
MOST_GENERATIONS = 3
_DAY = timedelta(days=1)

LISTED_BY: Mapping[str, Action] = {
    CERTIFICATE: Action.IMPORT_CERTIFICATES,
    MINIMUM_LIVING: Action.IMPORT_MINIMUM_LIVING,
    DEATH: Action.IMPORT_DEATHS,
}
"""What somebody may who brings the list of a kind, and writes down or settles what is of it; of custody and moving away
there are no lists."""

_SPEAKS_AS: Mapping[str, Mapping[Duty, Source]] = {
    CERTIFICATE: {Duty.DISABLED_FEDERATION: Source.FEDERATION},
    MINIMUM_LIVING: {Duty.CIVIL_AFFAIRS: Source.CIVIL_AFFAIRS},
    DEATH: {Duty.CIVIL_AFFAIRS: Source.CIVIL_AFFAIRS, Duty.REGISTRAR: Source.DEATH_REGISTER},
}


def source_of(who: Entered, kind: str) -> Source:
    """For whom somebody speaks of a kind: an authority for itself, everybody else as an office with papers."""
    held_ = who.actor.duties(who.at.today)
    return next((source for duty, source in _SPEAKS_AS.get(kind, {}).items() if duty in held_), Source.OFFICE)


def require_speaker(who: Entered, kind: str, *path: str) -> None:
    """Refuse ``NOT_YOUR_DUTY`` to who may not write a circumstance of a kind down, nor settle what is said of it:
    whoever may bring its list may."""
    action = LISTED_BY.get(kind, Action.RECORD_CIRCUMSTANCES)
    if not (who.may(Action.READ_CIRCUMSTANCES) and who.may(action)):
        able = duty_names(duties_that_may(action, who.actor.rules))
        raise Code.NOT_YOUR_DUTY.refuse(*path, stage=CIRCUMSTANCES[kind], duties=able)


# --- cells ----------------------------------------------------------------------------------------------------------

CATEGORIES = {
    **{own.title_text.zh: own for own in Category},
    **{f"{own.title_text.zh}残疾": own for own in Category},
    **{own.digit: own for own in Category},
}
LEVELS = {
    name: level
    for level, character in enumerate("一二三四", 1)
    for name in (f"{character}级", character, str(level), f"{level}级")
}
GENERATIONS = {
    name: generation
    for generation, character in enumerate("一二三", 1)
    for name in (f"第{character}代", f"{character}代", str(generation))
}


_SINCE = Text("起始日期", "the first day")
_UNTIL = Text("终止日期", "the end")
_CERTIFICATE = Text("残疾人证号", "the number of the certificate")
_OF_CERTIFICATES = {
    "category": Text("残疾类别", "the category"),
    "level": Text("残疾等级", "the level"),
    "generation": Text("证件代次", "the generation of the certificate"),
}
_CLASS = Text("低保类别", "the class of the guarantee")


def read_certificate(cell: Cell) -> str:
    """The number of a certificate of disability: the identity number, a digit for the category and one for the level;
    one that was issued again has a B and a digit more."""
    text = read_digits(cell)
    match = re.fullmatch(r"([0-9]{17}[0-9X])[1-7][1-4](B[0-9]{1,2})?", text)
    if match is None:
        expected = Text("20 位:身份证号、类别 1 位、等级 1 位", "20 characters: identity number, category, level")
        raise CellProblem(Code.BAD_VALUE, value=mask_identity(text), expected=expected)
    read_identity(match[1])
    return text


# --- what is known --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Register:
    """What is known of one kind of circumstance of some persons, and the discrepancies about it."""

    rows: Mapping[UUID, Sequence[Circumstance]]
    tasks: Tasks

    @classmethod
    async def read(cls, session: AsyncSession, kind: str, persons: Collection[UUID]) -> Register:
        """Read it as it is known now, in two statements whatever their number."""
        rows: dict[UUID, list[Circumstance]] = {}
        for row in await session.scalars(
            select(Circumstance).where(
                Circumstance.tenant_id == scope_of(session).tenant,
                Circumstance.kind == kind,
                Circumstance.known_to.is_(None),
                among(Circumstance.person_id, persons),
            )
        ):
            rows.setdefault(row.person_id, []).append(row)
        return cls(rows, await Tasks.read(session, kind, persons))

    def judge(self, person: Person, report: Report) -> Judged:
        """What a report of a person comes to."""
        return judge(person, self.rows.get(person.id, ()), report, self.tasks.settled.get(person.id, ()))


# --- lists ----------------------------------------------------------------------------------------------------------


@dataclass
class _State(State):
    source: Source = Source.OFFICE
    rows: dict[str, int] = field(default_factory=dict)


class CircumstanceImporter(Importer[_State]):
    """The list that an office keeps of one kind of circumstance: one row a person, known by the identity number.

    It speaks of its day (``as_of``): of who is on it without an end, it is so on that day. What a cell leaves blank
    stays as it is known.
    """

    of: str
    group = "identity"

    async def prepare(self, session: AsyncSession, who: Entered, vault: Vault, as_of: date) -> _State:
        """Whose list it is."""
        return _State(who, vault, as_of, source=source_of(who, self.of))

    def check(self, row: Row, state: _State) -> None:
        """The days are in their order, what begins is not after the list's own day, and a person stands once."""
        values, path = row.values, ("rows", row.number)
        titles = {column.name: column.title for column in self.columns}

        def refuse(name: str, day: date, expected: Text) -> None:
            row.problems.append(Code.BAD_VALUE.problem(*path, name, field=titles[name], value=day, expected=expected))

        since, identity = values.get("since"), values["identity"]
        for name in ("since", "ended_on"):
            day = values.get(name)
            if day is not None and day > state.as_of:
                row.problems.append(Code.DAY_IN_FUTURE.problem(*path, name, day=day, today=state.as_of))
        for name in ("until", "ended_on"):
            day = values.get(name)
            if since is not None and day is not None and day <= since:
                refuse(name, day, Text(f"晚于 {since} 的日期", f"a day after {since}"))
        if identity is None:
            return
        if since is not None and since < identity.birth_date:
            born = identity.birth_date
            refuse("since", since, Text(f"不早于出生日期 {born}", f"not before the day of birth, {born}"))
        first = state.rows.setdefault(identity.number, row.number)
        if first != row.number:
            row.problems.append(Code.DUPLICATE_ROW.problem(*path, "identity", row=first))

    async def compare(self, session: AsyncSession, rows: Sequence[Row], state: _State) -> Changes:
        """What is new, what changed and what somebody has to settle, in three statements."""
        await alone(session, self.of)
        tenant = state.who.county.id
        indexes = {row.number: state.vault.index(row.values["identity"].number, "identity", tenant) for row in rows}
        persons = await persons_by_index(session, tenant, indexes.values())
        known = await Register.read(session, self.of, [person.id for person in persons.values()])
        changes = Changes()
        for row in rows:
            person = persons.get(indexes[row.number])
            if person is None:
                state.tally("not in the register").same += 1
                continue
            self._count(state, person, self._report(row.values, state), known, changes, "discrepancy")
        return changes

    async def missing(self, session: AsyncSession, state: _State) -> Changes:
        """Of a whole list, a task for everybody in sight of whom the register says that it holds on its day, and whom
        it does not name. In three statements."""
        await alone(session, self.of)
        tenant = state.who.county.id
        named = {state.vault.index(number, "identity", tenant) for number in state.rows}
        found = await session.execute(
            select(PersonRow.id, PersonRow.division, PersonRow.number, PersonRow.name, PersonRow.identity_index)
            .join(
                Circumstance,
                (Circumstance.tenant_id == PersonRow.tenant_id) & (Circumstance.person_id == PersonRow.id),
            )
            .where(PersonRow.tenant_id == tenant, Circumstance.kind == self.of, holds(Circumstance, state.as_of))
            .order_by(PersonRow.division, PersonRow.number)
        )
        absent = [
            Person(row.id, row.division, row.number, row.name) for row in found if row.identity_index not in named
        ]
        known = await Register.read(session, self.of, [person.id for person in absent])
        changes = Changes()
        for person in absent:
            report = Report(
                kind=self.of, source=state.source, reported_on=state.as_of, name=person.name, listed=False,
                evidence=state.file,
            )  # fmt: skip
            self._count(state, person, report, known, changes, "not on the list")
        return changes

    def _count(
        self, state: _State, person: Person, report: Report, known: Register, changes: Changes, tasks: str
    ) -> None:
        """Count what a report of a person comes to, and add what it changes; ``tasks`` is how its task is counted."""
        judged = known.judge(person, report)
        if judged.verdict is Verdict.DIFFERS:
            count_task(
                state.tally(tasks), state, changes, kind=self.of, person=person, report=report, known=judged.known,
                open_task=known.tasks.open.get(person.id), what=person.number,
            )  # fmt: skip
            return
        if not report.listed:  # it was settled, or a newer list of the same source knows better
            state.tally(tasks).same += 1
            return
        tally = state.tally(self.of)
        again = confirmed(person, known.rows.get(person.id, ()), report, judged)
        changes.confirmed += again
        state.says_again |= bool(again)
        if judged.verdict is Verdict.SAME:
            tally.same += 1
        elif judged.verdict is Verdict.NEW:
            tally.new += 1
        else:
            tally.change(person.number, **judged.was)
        changes.add(judged)

    def _report(self, values: Mapping[str, Any], state: _State) -> Report:
        cancelled = values.get("reason")
        ends = [day for day in (self._end(values), values.get("ended_on")) if day is not None]
        return Report(
            kind=self.of,
            source=state.source,
            reported_on=state.as_of,
            name=values["name"],
            since=values.get("since"),
            until=min(ends) if ends else None,
            evidence=f"{state.file}:{cancelled}" if cancelled else state.file,
            **self._stated(values, state),
        )

    def _end(self, values: Mapping[str, Any]) -> date | None:
        """The first day on which it is so no more, by its term."""
        until: date | None = values.get("until")
        return until

    def _stated(self, values: Mapping[str, Any], state: _State) -> dict[str, Any]:
        """What a row says beside the days."""
        return {}

    async def apply(self, session: AsyncSession, changes: Changes, state: _State) -> None:
        """Assert what is new, and write down what somebody has to settle, and of which day what was known is said
        again."""
        await update_all(session, Circumstance, changes.confirmed, {"confirmed_on": state.as_of})
        await changes.write(session, Circumstance, state.who)


_IDENTITY = Column(
    "identity", Text("证件号码", "identity number"), read_identity, ("身份证号", "身份证号码", "公民身份号码"),
)  # fmt: skip
_NAME = Column("name", Text("姓名", "name"), read_name)


class CertificateImporter(CircumstanceImporter):
    """The list of certificates of disability 残疾人证, which the disabled persons' federation keeps."""

    kind = "certificates"
    of = CERTIFICATE
    title = Text("残疾人证名册", "list of certificates of disability")
    action = LISTED_BY[CERTIFICATE]
    whole = True
    columns = (
        _IDENTITY,
        _NAME,
        Column(
            "number", Text("残疾人证号", "number of the certificate"), read_certificate, ("残疾证号", "证号"),
            required=False,
        ),
        Column("category", Text("残疾类别", "category"), one_of(CATEGORIES), ("类别",)),
        Column("level", Text("残疾等级", "level"), one_of(LEVELS), ("等级",)),
        Column("generation", Text("证件代次", "generation of the certificate"), one_of(GENERATIONS), ("代次",)),
        Column("since", Text("发证日期", "issued on"), read_day, ("签发日期", "核发日期"), required=False),
        Column("until", Text("有效期至", "valid through"), read_day, ("有效期", "有效期限"), required=False),
        Column("ended_on", Text("注销日期", "cancelled on"), read_day, required=False),
        Column("reason", Text("注销原因", "why it was cancelled"), read_text, required=False),
    )  # fmt: skip

    def check(self, row: Row, state: _State) -> None:
        """The number agrees with the identity number, the category and the level."""
        super().check(row, state)
        values = row.values
        number, identity = values.get("number"), values["identity"]
        if number is None or identity is None:
            return
        parts = (
            (_IDENTITY.title, number[:18] == identity.number),
            (_OF_CERTIFICATES["category"], values["category"] in (None, CATEGORIES[number[18]])),
            (_OF_CERTIFICATES["level"], values["level"] in (None, LEVELS[number[19]])),
        )
        for title, agrees in parts:
            if not agrees:
                expected = Text(f"与{title.zh}一致的证号", f"a number that agrees with {title.en}")
                shown = mask_identity(number)
                row.problems.append(
                    Code.BAD_VALUE.problem(
                        "rows", row.number, "number", field=_CERTIFICATE, value=shown, expected=expected
                    )
                )

    def _end(self, values: Mapping[str, Any]) -> date | None:
        last: date | None = values.get("until")
        return None if last is None else last + _DAY

    def _stated(self, values: Mapping[str, Any], state: _State) -> dict[str, Any]:
        said = {name: values[name] for name in ("level", "category", "generation")}
        number: str | None = values.get("number")
        if number is None:
            return said
        sealed = state.vault.seal(number, SEALED_AS, state.who.county.id)
        return {**said, "number": sealed, "number_masked": mask_identity(number)}


class MinimumLivingImporter(CircumstanceImporter):
    """The list of who is in the minimum living guarantee 低保, which the civil affairs bureau keeps."""

    kind = "minimum_living"
    of = MINIMUM_LIVING
    title = Text("低保名册", "list of the minimum living guarantee")
    action = LISTED_BY[MINIMUM_LIVING]
    whole = True
    columns = (
        _IDENTITY,
        _NAME,
        Column("class_name", Text("低保类别", "class"), read_text, ("保障类别", "类别"), required=False),
        Column("since", Text("起始日期", "since"), read_day, ("享受起始日期", "纳入日期"), required=False),
        Column("until", Text("停保日期", "ended on"), read_day, ("停发日期", "退出日期"), required=False),
    )

    def _stated(self, values: Mapping[str, Any], state: _State) -> dict[str, Any]:
        return {"class_name": values.get("class_name") or ""}


class DeathImporter(CircumstanceImporter):
    """The list of deaths 死亡登记, from the civil affairs bureau or the register of deaths.

    It is never whole: who is not on it has not come back to life.
    """

    kind = "deaths"
    of = DEATH
    title = Text("死亡登记名册", "list of deaths")
    action = LISTED_BY[DEATH]
    columns = (
        _IDENTITY,
        _NAME,
        Column("since", Text("死亡日期", "died on"), read_day, ("死亡时间", "去世日期")),
    )


LISTS = frozenset(importer.kind for importer in (CertificateImporter, MinimumLivingImporter, DeathImporter))
"""The kinds of the jobs that bring these lists: what one of them says of single persons is a circumstance of theirs."""


# --- one person, by hand ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What somebody writes down of one person: from when (``since``) to before when (``until``), and of a certificate
    its level, category and generation, of the guarantee its class."""

    kind: str
    since: date
    until: date | None = None
    level: int | None = None
    category: Category | None = None
    generation: int | None = None
    class_name: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What came of writing a circumstance down: that of the person, or the discrepancy where somebody else says
    otherwise; neither where nothing of it is left. ``changed`` is false where it was known already."""

    circumstance: UUID | None = None
    discrepancy: UUID | None = None
    changed: bool = True


async def record(
    session: AsyncSession, who: Entered, number: str, stated: Stated, evidence: str, reason: str
) -> Recorded:
    """Write down a circumstance of one person, told by the number in the register. Where an authority says otherwise,
    or another source of that day or later, that is a discrepancy and no overwrite.

    Refuses ``FORBIDDEN``, ``NOT_YOUR_DUTY`` for a kind that is another office's, ``REASON_NEEDED``, ``NOT_FOUND``,
    ``DAY_IN_FUTURE`` (the printed end of a certificate may lie ahead), ``EVIDENCE_NEEDED`` for a day in the past,
    ``MISSING_VALUE`` and ``BAD_VALUE`` for what belongs to the kind or does not, and ``CONFLICT`` where it would be a
    discrepancy while another of the person and the kind is open.
    """
    who.require(Action.RECORD_CIRCUMSTANCES)
    require_speaker(who, stated.kind, "kind")
    _require_sound(who, stated, evidence)
    report = Report(
        kind=stated.kind, source=source_of(who, stated.kind), reported_on=who.at.today, name="", since=stated.since,
        until=stated.until, level=stated.level, category=stated.category, generation=stated.generation,
        class_name=stated.class_name.strip(), evidence=evidence.strip(),
    )  # fmt: skip
    return await _say(session, who, number, report, reason)


async def end(
    session: AsyncSession, who: Entered, number: str, kind: str, on: date, evidence: str, reason: str
) -> Recorded:
    """Write down that a circumstance of one person is so no more from a day on. On the very day on which it began, it
    never was: that is how a death is taken back, which has no end.

    Refuses like :func:`record`, and ``NOT_FOUND`` where nothing holds that could end.
    """
    who.require(Action.RECORD_CIRCUMSTANCES)
    require_speaker(who, kind, "kind")
    _require_day(who, "on", on, evidence)
    report = Report(
        kind=kind, source=source_of(who, kind), reported_on=who.at.today, name="", until=on, evidence=evidence.strip()
    )
    return await _say(session, who, number, report, reason)


def _require_day(who: Entered, name: str, day: date, evidence: str) -> None:
    if day > who.at.today:
        raise Code.DAY_IN_FUTURE.refuse(name, day=day, today=who.at.today)
    if day < who.at.today and not evidence.strip():
        raise Code.EVIDENCE_NEEDED.refuse("evidence", day=day)


def _require_sound(who: Entered, stated: Stated, evidence: str) -> None:
    """Refuse days that cannot be, and values that do not belong to the kind."""
    _require_day(who, "since", stated.since, evidence)
    certificate = stated.kind == CERTIFICATE
    if stated.until is not None:
        if stated.kind == DEATH:
            raise Code.BAD_VALUE.refuse("until", field=_UNTIL, value=stated.until, expected=Text("空", "nothing"))
        if stated.until <= stated.since:
            expected = Text(f"晚于 {stated.since} 的日期", f"a day after {stated.since}")
            raise Code.BAD_VALUE.refuse("until", field=_UNTIL, value=stated.until, expected=expected)
        if stated.until > who.at.today and not certificate:
            raise Code.DAY_IN_FUTURE.refuse("until", day=stated.until, today=who.at.today)
    for name, title in _OF_CERTIFICATES.items():
        value = getattr(stated, name)
        if certificate and value is None:
            raise Code.MISSING_VALUE.refuse(name, field=title)
        if not certificate and value is not None:
            expected = Text("空(仅残疾人证填写)", "nothing; it is of certificates only")
            raise Code.BAD_VALUE.refuse(name, field=title, value=value, expected=expected)
    for name, most in (("level", 4), ("generation", MOST_GENERATIONS)):
        value = getattr(stated, name)
        if value is not None and not 1 <= value <= most:
            expected = Text(f"1 至 {most}", f"1 to {most}")
            raise Code.BAD_VALUE.refuse(name, field=_OF_CERTIFICATES[name], value=value, expected=expected)
    if stated.class_name.strip() and stated.kind != MINIMUM_LIVING:
        expected = Text("空(仅低保填写)", "nothing; it is of the guarantee only")
        raise Code.BAD_VALUE.refuse("class_name", field=_CLASS, value=stated.class_name, expected=expected)


async def _say(session: AsyncSession, who: Entered, number: str, report: Report, reason: str) -> Recorded:
    """Carry out what somebody says of one person, and put it on record; in a constant number of statements."""
    reason = need_reason(reason)
    person = await _person(session, who, PersonRow.number == number)
    if person is None:
        raise Code.NOT_FOUND.refuse("person", what=number)
    if report.since is not None:
        born = await session.scalar(
            select(PersonRow.birth_date).where(PersonRow.tenant_id == who.county.id, PersonRow.id == person.id)
        )
        if born is not None and report.since < born:
            expected = Text(f"不早于出生日期 {born}", f"not before the day of birth, {born}")
            raise Code.BAD_VALUE.refuse("since", field=_SINCE, value=report.since, expected=expected)
    await alone(session, report.kind)
    known = await Register.read(session, report.kind, [person.id])
    report = replace(report, name=person.name)
    if report.since is None:
        _require_end(report, known.rows.get(person.id, ()))
    # Whoever writes it down has looked: what was settled before is not the answer.
    judged = judge(person, known.rows.get(person.id, ()), report)
    changes, discrepancy = Changes(), None
    if judged.verdict is not Verdict.DIFFERS:
        changes.add(judged)
    elif person.id in known.tasks.open:
        raise Code.CONFLICT.refuse("kind")
    else:
        discrepancy = changes.differs(who, report.kind, person, report, judged.known)
    await changes.write(session, Circumstance, who)
    data = {"kind": report.kind, "source": report.source.value, "verdict": judged.verdict.value}
    await audit.record(
        session, who.at.now, who.actor.id, Action.RECORD_CIRCUMSTANCES.value, f"person/{person.id}", data, reason
    )
    if discrepancy is not None:
        return Recorded(discrepancy=discrepancy)
    said = Circumstance.valid_to == report.until if report.since is None else holds(Circumstance, report.since)
    made = select(Circumstance.id).where(
        Circumstance.tenant_id == who.county.id,
        Circumstance.person_id == person.id,
        Circumstance.kind == report.kind,
        Circumstance.known_to.is_(None),
        said,
    )
    return Recorded(await session.scalar(made), changed=judged.verdict is not Verdict.SAME)


def _require_end(report: Report, rows: Sequence[Circumstance]) -> None:
    """Refuse to end what does not hold on the day or the day before, and a death on any day but its own."""
    assert report.until is not None
    ended = [row for row in rows if held(row, report.until) or held(row, report.until - _DAY)]
    if not ended:
        raise Code.NOT_FOUND.refuse("kind", what=CIRCUMSTANCES[report.kind])
    died = ended[0].valid_from
    if report.kind == DEATH and died != report.until:
        expected = Text(
            f"登记的死亡日期 {died}(即撤销死亡登记)", f"{died}, the registered day of the death, which takes it back"
        )
        raise Code.BAD_VALUE.refuse("on", field=_UNTIL, value=report.until, expected=expected)


async def _person(session: AsyncSession, who: Entered, which: ColumnElement[bool]) -> Person | None:
    """A person in sight."""
    found = await session.execute(
        select(PersonRow.id, PersonRow.division, PersonRow.number, PersonRow.name).where(
            PersonRow.tenant_id == who.county.id, which
        )
    )
    row = found.first()
    return None if row is None else Person(row.id, row.division, row.number, row.name)


# --- what somebody has decided for ------------------------------------------------------------------------------------


async def accept(session: AsyncSession, who: Entered, task: Discrepancy) -> None:
    """Put into the register what a discrepancy reported, from the day on that the import would have.

    Refuses ``SAME_PERSON`` to whoever brought an office's papers himself: another one looks at them before they stand
    against what is known; and ``CONFLICT`` where by now something else is known than what the task shows, or the same
    source has said something of a later day: it was decided on that.
    """
    report = Report.of_json(task.reported)
    if report.source is Source.OFFICE and task.recorded_by == who.actor.id:
        raise Code.SAME_PERSON.refuse("accept", other=who.actor.name)
    person = await _person(session, who, PersonRow.id == task.person_id)
    assert person is not None  # the wall that shows the task shows the person
    known = await Register.read(session, task.kind, [person.id])
    rows = known.rows.get(person.id, ())
    spelt = [one for one in known.tasks.settled.get(person.id, ()) if one.accepted and "name" in one.reported]
    now = judge(person, rows, report, spelt)
    asks_the_same = now.verdict is Verdict.DIFFERS and dict(now.known) == task.known
    if not asks_the_same or is_overtaken(person, rows, report):
        raise Code.CONFLICT.refuse("accept")
    changes = Changes()
    changes.add(judge(person, rows, report, accepted=True))
    await changes.write(session, Circumstance, who)
