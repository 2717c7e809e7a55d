"""Where persons go to school 学籍, from three sides: the education bureau's list of students, a paper that a family
brings, and the schools' own word for their students.

A list is matched by identity number with the persons in sight of whoever imports it; who is not among them is counted
and otherwise passed over: nothing is kept of him, and out of sight is the same as unknown. What a report comes to,
``enrolment`` says; where it is for somebody to settle, a :class:`Discrepancy` is written down and the register stays.
A person has one open discrepancy of a kind at most: while it is open, what later lists say otherwise waits, and the
import names the task.

Nobody of a school sees persons: its agents see the rows of their own roll, and answer for these.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import audit
from bangfu.access import Action, Entered
from bangfu.db import scope_of
from bangfu.db.bulk import among, update_all
from bangfu.documents.cells import (
    Cell,
    CellProblem,
    Column,
    Row,
    one_of,
    plain,
    read_day,
    read_key,
    read_name,
    read_text,
    read_yes_no,
)
from bangfu.errors import Code, Problem
from bangfu.models import Discrepancy, Schooling
from bangfu.models import Person as PersonRow
from bangfu.process import Duty
from bangfu.programme import EDUCATION_LEVELS
from bangfu.registry.enrolment import VALUES, Report, Source, is_overtaken, judge
from bangfu.registry.history import Assertion, assert_from, held, holds
from bangfu.registry.identity import Identity, read_credit_code, read_identity
from bangfu.registry.importing import Importer, State, alone
from bangfu.registry.organizations import Schools
from bangfu.registry.reported import Changes, Judged, Person, Tasks, Verdict, count_task, persons_by_index
from bangfu.text import Text
from bangfu.vault import Vault, mask_identity

KIND = "schooling"
"""The kind of workbook, of discrepancy, and what is held while schooling is changed."""
MOST_MONTHS = 120

LEVELS = {
    **{title.zh: level for level, title in EDUCATION_LEVELS.items()},
    "学前": "preschool",
    "幼儿园": "preschool",
    "初级中学": "junior_secondary",
    "高中": "senior_secondary",
    "普高": "senior_secondary",
    "中职": "secondary_vocational",
    "中专": "secondary_vocational",
    "职高": "secondary_vocational",
    "职业高中": "secondary_vocational",
    "技校": "secondary_vocational",
    "技工学校": "secondary_vocational",
    "高职": "higher_vocational",
    "大专": "higher_vocational",
    "高职高专": "higher_vocational",
    "职业技能培训": "skills_training",
    "本科": "undergraduate",
    "大学本科": "undergraduate",
    "研究生": "undergraduate",
}
PLACES = {"县内": True, "本县": True, "县外": False, "外县": False}
ON_THE_ROLL = {"在读": True, "在校": True, "离校": False, "退学": False, "毕业": False, "转出": False}
_GRADES = {character: place for place, character in enumerate("一二三四五六七八九", 1)}


def read_grade(cell: Cell) -> int:
    """A grade from 1 to 9: ``2``, ``2年级``, ``二年级``, ``二``."""
    text = plain(cell).removesuffix("年级")
    if text in _GRADES:
        return _GRADES[text]
    if re.fullmatch("[1-9]", text):
        return int(text)
    expected = Text("1 至 9 或一年级至九年级", "1 to 9, or 一年级 to 九年级")
    raise CellProblem(Code.BAD_VALUE, value=plain(cell), expected=expected)


def read_months(cell: Cell) -> int:
    """The length of a course in months: ``12``, ``12个月``, ``12月``; up to ten years."""
    text = plain(cell).removesuffix("月").removesuffix("个")
    if re.fullmatch("[1-9][0-9]{0,2}", text) and int(text) <= MOST_MONTHS:
        return int(text)
    expected = Text(f"月数,1 至 {MOST_MONTHS}", f"months, 1 to {MOST_MONTHS}")
    raise CellProblem(Code.BAD_VALUE, value=plain(cell), expected=expected)


def read_student_number(cell: Cell) -> str:
    """A number on a school's roll. The national one is G and the identity number: of that, no more is kept than lists
    show of an identity number."""
    text = read_key(cell).upper()
    for found in re.finditer("(?=([0-9]{17}[0-9X]))", text):
        try:
            number = read_identity(found[1]).number
        except CellProblem:
            continue
        return text.replace(number, mask_identity(number))
    return text


def source_of(who: Entered) -> Source:
    """For whom somebody brings a list: the bureau for itself, a school's agent for the school, others a family's
    papers."""
    held = who.actor.duties(who.at.today)
    if Duty.EDUCATION in held:
        return Source.BUREAU
    return Source.SCHOOL if Duty.SCHOOL_AGENT in held else Source.FAMILY


# --- what is known ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Register:
    """What is known of some persons: their schooling, their open discrepancy, and those that are settled."""

    rows: dict[UUID, list[Schooling]]
    tasks: Tasks

    @classmethod
    async def read(cls, session: AsyncSession, persons: Iterable[UUID]) -> Register:
        """Read it as it is known now, in two statements whatever their number."""
        ids, rows = list(persons), dict[UUID, list[Schooling]]()
        for row in await session.scalars(
            select(Schooling).where(
                Schooling.tenant_id == scope_of(session).tenant,
                Schooling.known_to.is_(None),
                among(Schooling.person_id, ids),
            )
        ):
            rows.setdefault(row.person_id, []).append(row)
        return cls(rows, await Tasks.read(session, KIND, ids))


def _count(
    state: State, person: Person, report: Report, judged: Judged, known: Register, changes: Changes, by: UUID | None
) -> None:
    """Count what a report of a person comes to, and add what it changes; ``by`` is the school that says so itself."""
    what = person.number or report.student_number
    if judged.verdict is Verdict.DIFFERS:
        count_task(
            state.tally("discrepancy"), state, changes, kind=KIND, person=person, report=report, known=judged.known,
            open_task=known.tasks.open.get(person.id), what=what, by=by,
        )  # fmt: skip
        return
    students = state.tally("student")
    if judged.verdict is Verdict.SAME:
        students.same += 1
    elif judged.verdict is Verdict.NEW:
        students.new += 1
    else:
        students.change(what, **judged.was)
    changes.add(judged)


# --- the bureau's list, and families' papers ------------------------------------------------------------------------


_AS_STATED = (
    "name", "school", "student_number", "level", "grade", "months", "interning", "proved", "in_county", "since",
    "left_on",
)  # fmt: skip
"""What a report takes from a row as it stands there."""
_CODE_OF_THE_COUNTY = Text(
    "学校信用代码(县内学校须填写,或填组织名录中的学校名称)",
    "the credit code of the school: one of the county needs it, or the name that it has among the organizations",
)


@dataclass
class _State(State):
    source: Source = Source.FAMILY
    schools: Schools = field(default_factory=lambda: Schools({}, frozenset(), {}))
    rows: dict[str, int] = field(default_factory=dict)


class SchoolingImporter(Importer[_State]):
    """The roll of students: one row a student, known by the identity number.

    It speaks of its day (``as_of``). Brought by the education bureau it is the bureau's list; brought by a township or
    an office of the county it says what families' papers say. A school of the county is one of its organizations, told
    by its credit code or, where only one is called so, by its name: it answers for its students and hangs up their
    names.
    """

    kind = KIND
    title = Text("学籍名册", "roll of students")
    action = Action.IMPORT_SCHOOLING
    group = "identity"
    columns = (
        Column(
            "identity", Text("证件号码", "identity number"), read_identity, ("身份证号", "身份证号码", "身份证件号"),
        ),
        Column("name", Text("姓名", "name"), read_name, ("学生姓名",)),
        Column("school", Text("就读学校", "school"), read_text, ("学校", "学校名称", "院校名称")),
        Column(
            "unit", Text("学校信用代码", "credit code of the school"), read_credit_code, ("统一社会信用代码",),
            required=False,
        ),
        Column("student_number", Text("学籍号", "student number"), read_student_number, ("学号",), required=False),
        Column("level", Text("学段", "level"), one_of(LEVELS), ("学历层次", "办学类型", "教育阶段")),
        Column("grade", Text("年级", "grade"), read_grade, ("就读年级",), required=False),
        Column("months", Text("学制(月)", "months"), read_months, ("学制月数", "培训月数"), required=False),
        Column("interning", Text("顶岗实习", "on an internship"), read_yes_no, ("是否顶岗实习",), required=False),
        Column("proved", Text("学籍证明", "proof of schooling"), read_yes_no, ("有无学籍证明",)),
        Column("in_county", Text("县内外", "in the county"), one_of(PLACES), ("学校所在地", "是否县内")),
        Column("since", Text("起始日期", "since"), read_day, ("开始日期",), required=False),
        Column("left_on", Text("离校日期", "left on"), read_day, ("退学日期", "毕业日期"), required=False),
    )  # fmt: skip

    async def prepare(self, session: AsyncSession, who: Entered, vault: Vault, as_of: date) -> _State:
        """Read the organizations there are, and whose list it is."""
        schools = await Schools.read(session, who.county.id)
        return _State(who, vault, as_of, source=source_of(who), schools=schools)

    def check(self, row: Row, state: _State) -> None:
        """The school is one, the days are in their order and not after the list's own, a student stands once."""
        values, path = row.values, ("rows", row.number)
        unit = values.get("unit")
        if unit is not None and unit not in state.schools.codes:
            row.problems.append(Code.NOT_FOUND.problem(*path, "unit", what=unit))
        elif unit is not None and unit not in state.schools.by_code:
            named, expected = Text("学校信用代码", "the school"), Text("学校的信用代码", "the code of a school")
            row.problems.append(Code.BAD_VALUE.problem(*path, "unit", field=named, value=unit, expected=expected))
        since, left_on = values.get("since"), values.get("left_on")
        for name, day in (("since", since), ("left_on", left_on)):
            if day is not None and day > state.as_of:
                row.problems.append(Code.DAY_IN_FUTURE.problem(*path, name, day=day, today=state.as_of))
        if since is not None and left_on is not None and left_on <= since:
            named = Text("离校日期", "the day of leaving")
            expected = Text(f"晚于 {since} 的日期", f"a day after {since}")
            row.problems.append(Code.BAD_VALUE.problem(*path, "left_on", field=named, value=left_on, expected=expected))
        identity: Identity | None = values["identity"]
        if identity is not None:
            first = state.rows.setdefault(identity.number, row.number)
            if first != row.number:
                row.problems.append(Code.DUPLICATE_ROW.problem(*path, "identity", row=first))

    async def compare(self, session: AsyncSession, rows: Sequence[Row], state: _State) -> Changes:
        """What is new, what changed and what somebody has to settle, in three statements."""
        tenant = state.who.county.id
        indexes = {row.number: state.vault.index(row.values["identity"].number, "identity", tenant) for row in rows}
        persons = await persons_by_index(session, tenant, indexes.values())
        known = await Register.read(session, [person.id for person in persons.values()])
        changes = Changes()
        for row in rows:
            person = persons.get(indexes[row.number])
            if person is None:
                state.tally("not in the register").same += 1
                continue
            report = self._report(row, state)
            if report.in_county and report.organization_id is None and report.left_on is None:
                row.problems.append(Code.MISSING_VALUE.problem("rows", row.number, "unit", field=_CODE_OF_THE_COUNTY))
                continue
            judged = judge(person, known.rows.get(person.id, ()), report, known.tasks.settled.get(person.id, ()))
            _count(state, person, report, judged, known, changes, None)
        return changes

    def _report(self, row: Row, state: _State) -> Report:
        values = row.values
        unit = values.get("unit")
        said: dict[str, Any] = {name: values.get(name) for name in _AS_STATED}
        return Report(
            source=state.source,
            reported_on=state.as_of,
            organization_id=self._school(unit, values, state.schools),
            **{**said, "student_number": said["student_number"] or ""},
        )

    @staticmethod
    def _school(unit: str | None, values: Mapping[str, Any], schools: Schools) -> UUID | None:
        """The school of a row, as an organization; one elsewhere is none unless its code says so."""
        if unit is not None:
            return schools.by_code[unit]
        return schools.called(values["school"]) if values["in_county"] else None

    async def apply(self, session: AsyncSession, changes: Changes, state: _State) -> None:
        """Assert what is new, and write down what somebody has to settle."""
        await changes.write(session, Schooling, state.who)


# --- the schools' own word ------------------------------------------------------------------------------------------


def _own_rows(who: Entered) -> list[Any]:
    """The conditions on the rows of the rolls of the schools that somebody acts for, as known now."""
    return [
        Schooling.tenant_id == who.county.id,
        Schooling.known_to.is_(None),
        among(Schooling.organization_id, who.scope.organizations),
    ]


_NUMBER = Text("学籍号", "student number")


def _ambiguous(number: str, *path: str | int) -> Problem:
    """The problem of a number that several students of a school have."""
    expected = Text(
        "只属于一名学生的学籍号,或在确认表中按姓名确认", "a number of one student; the workbook tells by name"
    )
    return Code.BAD_VALUE.problem(*path, field=_NUMBER, value=number, expected=expected)


@dataclass(frozen=True, slots=True)
class Confirmed:
    """How many students a school has confirmed, how many were confirmed for that day already, and whom not, by student
    number."""

    done: int
    unchanged: int
    refused: Sequence[tuple[str, Problem]] = ()


async def confirm(
    session: AsyncSession,
    who: Entered,
    numbers: Sequence[str] | None,
    on: date | None = None,
    *,
    without: Sequence[str] = (),
) -> Confirmed:
    """Let a school confirm that students of its own are on its roll on a day, today unless stated: from that day on
    there is a proof of it, and the school has given it.

    ``numbers`` are student numbers, None for everybody on the roll that day but those ``without``. Who is not on its
    roll, and a number that several have, is named and the others are confirmed; in six statements whatever their
    number. Refuses ``FORBIDDEN`` and ``DAY_IN_FUTURE``.
    """
    who.require(Action.CONFIRM_SCHOOLING)
    day = who.at.today if on is None else on
    if day > who.at.today:
        raise Code.DAY_IN_FUTURE.refuse("on", day=day, today=who.at.today)
    await alone(session, KIND)
    query = select(Schooling).where(*_own_rows(who), holds(Schooling, day)).order_by(Schooling.student_number)
    left_out = {as_kept(number) for number in without}
    found: dict[str, list[Schooling]] = {}
    refused: list[tuple[str, Problem]] = []
    if numbers is None:
        rows = [row for row in await session.scalars(query) if row.student_number not in left_out]
    else:
        kept = {as_kept(number): number for number in numbers}
        for row in await session.scalars(query.where(among(Schooling.student_number, kept))):
            found.setdefault(row.student_number, []).append(row)
        rows = []
        for place, (own, number) in enumerate(kept.items()):
            theirs = found.get(own, [])
            if len(theirs) == 1 and own:
                rows += [row for row in theirs if row.student_number not in left_out]
            elif theirs and own:
                refused.append((number, _ambiguous(number, "numbers", place)))
            else:
                refused.append((number, Code.NOT_FOUND.problem("numbers", place, what=number)))
    fresh = [
        row for row in rows if not (row.proved and row.source == Source.SCHOOL.value and row.reported_on >= day)
    ]  # fmt: skip
    said = {"proved": True, "source": Source.SCHOOL.value, "reported_on": day}
    assertions = [
        Assertion(
            {"person_id": row.person_id},
            {"division": row.division, **{name: getattr(row, name) for name in VALUES}, **said},
            day,
            row.valid_to,
            day,
        )
        for row in fresh
    ]
    await assert_from(session, Schooling, assertions, who.at.now)
    if fresh:
        objects = [f"organization/{school}" for school in sorted({str(row.organization_id) for row in fresh})]
        counts = {"on": day.isoformat(), "confirmed": len(fresh), "refused": len(refused)}
        await audit.record_each(
            session, who.at.now, who.actor.id, Action.CONFIRM_SCHOOLING.value, [(one, counts) for one in objects]
        )
    return Confirmed(len(fresh), len(rows) - len(fresh), refused)


def as_kept(number: str) -> str:
    """A student number as it is kept; empty for what is none."""
    try:
        return read_student_number(number) if number.strip() else ""
    except CellProblem:
        return ""


@dataclass
class _SchoolState(State):
    rows: dict[tuple[str, str], int] = field(default_factory=dict)


class SchoolConfirmationImporter(Importer[_SchoolState]):
    """What a school says of its own students: on its roll, in which grade, on an internship, or gone since a day."""

    kind = "school_confirmation"
    title = Text("学校确认表", "a school's confirmation")
    action = Action.CONFIRM_SCHOOLING
    group = "student_number"
    columns = (
        Column("student_number", _NUMBER, read_student_number, ("学号",)),
        Column("name", Text("姓名", "name"), read_name, ("学生姓名",)),
        Column("grade", Text("年级", "grade"), read_grade, ("就读年级",), required=False),
        Column("interning", Text("顶岗实习", "on an internship"), read_yes_no, ("是否顶岗实习",), required=False),
        Column("enrolled", Text("在读/离校", "on the roll"), one_of(ON_THE_ROLL), ("在读或离校", "学籍状态", "状态")),
        Column("day", Text("日期", "day"), read_day, ("离校日期", "确认日期"), required=False),
    )

    async def prepare(self, session: AsyncSession, who: Entered, vault: Vault, as_of: date) -> _SchoolState:
        """Nothing is needed beforehand."""
        return _SchoolState(who, vault, as_of)

    def check(self, row: Row, state: _SchoolState) -> None:
        """The day is not after the workbook's own, and a student stands once."""
        values, path = row.values, ("rows", row.number)
        day = values.get("day")
        if day is not None and day > state.as_of:
            row.problems.append(Code.DAY_IN_FUTURE.problem(*path, "day", day=day, today=state.as_of))
        if values["student_number"] is not None and values["name"] is not None:
            first = state.rows.setdefault((values["student_number"], values["name"]), row.number)
            if first != row.number:
                row.problems.append(Code.DUPLICATE_ROW.problem(*path, "student_number", row=first))

    async def compare(self, session: AsyncSession, rows: Sequence[Row], state: _SchoolState) -> Changes:
        """What the school confirms and what it says anew; a number that is not on its roll, or is somebody else's, is a
        problem of the row. In four statements."""
        await alone(session, KIND)
        numbers = {row.values["student_number"] for row in rows}
        found: dict[str, list[Schooling]] = {}
        query = select(Schooling).where(*_own_rows(state.who), among(Schooling.student_number, numbers))
        for own in await session.scalars(query.order_by(Schooling.valid_from)):
            found.setdefault(own.student_number, []).append(own)
        persons = {own.person_id for theirs in found.values() for own in theirs}
        known = await Register.read(session, persons)
        changes = Changes()
        for row in rows:
            meant = self._meant(row, found.get(row.values["student_number"], []), state)
            if meant is None:
                continue
            person = Person(meant.person_id, meant.division, "", meant.name)
            report = self._report(row, meant, state)
            theirs = [one for one in known.rows.get(person.id, ()) if one.organization_id == meant.organization_id]
            judged = judge(person, theirs, report, known.tasks.settled.get(person.id, ()), witnessed=True)
            _count(state, person, report, judged, known, changes, meant.organization_id)
        return changes

    def _meant(self, row: Row, theirs: Sequence[Schooling], state: _SchoolState) -> Schooling | None:
        """The row of the roll that is meant: of who is on it, the one of the day; of who has left, the last before."""
        values, path = row.values, ("rows", row.number)
        day = values.get("day") or state.as_of
        if values["enrolled"]:
            theirs = [own for own in theirs if held(own, day)]
        else:
            theirs = [own for own in theirs if own.valid_from < day]
        if not theirs:
            row.problems.append(Code.NOT_FOUND.problem(*path, "student_number", what=values["student_number"]))
            return None
        named = [own for own in theirs if own.name == values["name"]]
        if not named:
            title, expected = Text("姓名", "the name"), Text(f"学籍名册中的 {theirs[-1].name}", f"{theirs[-1].name}")
            row.problems.append(
                Code.BAD_VALUE.problem(*path, "name", field=title, value=values["name"], expected=expected)
            )
            return None
        if len({own.person_id for own in named}) > 1:
            row.problems.append(_ambiguous(values["student_number"], *path, "student_number"))
            return None
        return named[-1]

    def _report(self, row: Row, own: Schooling, state: _SchoolState) -> Report:
        values = row.values
        day = values.get("day") or state.as_of
        said = Report(
            source=Source.SCHOOL,
            reported_on=day,
            name=own.name,
            school=own.school,
            organization_id=own.organization_id,
            student_number=own.student_number,
            level=own.level,
            in_county=own.in_county,
            proved=True,
            grade=values.get("grade"),
            months=own.months,
            interning=values.get("interning"),
        )
        return said if values["enrolled"] else replace(said, reported_on=state.as_of, left_on=day)

    async def apply(self, session: AsyncSession, changes: Changes, state: _SchoolState) -> None:
        """Assert what the school says, and write down where the bureau says otherwise."""
        await changes.write(session, Schooling, state.who)


# --- what somebody has decided for ------------------------------------------------------------------------------------


async def accept(session: AsyncSession, who: Entered, task: Discrepancy) -> None:
    """Put into the register what a discrepancy reported, from the day on that the import would have.

    Refuses ``CONFLICT`` where by now something else is known than what the task shows, or the same source has said
    something of a later day: it was decided on that.
    """
    person = (
        await session.execute(
            select(PersonRow.id, PersonRow.division, PersonRow.number, PersonRow.name).where(
                PersonRow.tenant_id == who.county.id, PersonRow.id == task.person_id
            )
        )
    ).one()
    whom, report = Person(person.id, person.division, person.number, person.name), Report.of_json(task.reported)
    rows = (await Register.read(session, [task.person_id])).rows.get(task.person_id, ())
    now = judge(whom, rows, report)
    asks_another = now.verdict is Verdict.DIFFERS and dict(now.known) != task.known
    if asks_another or is_overtaken(whom, rows, report):
        raise Code.CONFLICT.refuse("accept")
    judged = judge(whom, rows, report, accepted=True)
    await update_all(session, Schooling, judged.ended, {"known_to": who.at.now})
    await assert_from(session, Schooling, [judged.assertion] if judged.assertion else [], who.at.now)
