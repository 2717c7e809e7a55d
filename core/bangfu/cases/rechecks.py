"""复核: what has become of a student by the next term, seen on the spot or asked by telephone, for one or thousands.

What was found is written on the case and into the register of schooling; the determination of the term is made from the
register as always. Who has dropped out or is on an internship loses that term alone; whoever rests for a time has his
case rest with him, which nothing that is run again changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Action, Actor, Entered, actors
from bangfu.cases.acts import Change, Report, act_of, overtaken, permitted, recorded, rests, write
from bangfu.cases.correcting import pause
from bangfu.cases.ground import Ground, ground_of
from bangfu.cases.views import RECHECKING, CaseView, Selection, Stated, look
from bangfu.db.bulk import among, update_all
from bangfu.documents.cells import Column, Row, one_of, read_day, read_key, read_text
from bangfu.errors import Code, Problem, Refused
from bangfu.models import CaseEvent, Schooling
from bangfu.process import Move, Verify
from bangfu.programme import Programme
from bangfu.registry.history import Assertion, assert_from, held
from bangfu.registry.importing import Importer, State, alone
from bangfu.registry.organizations import Schools
from bangfu.registry.schooling import KIND as SCHOOLING
from bangfu.registry.schooling import LEVELS, PLACES, read_grade
from bangfu.text import Text
from bangfu.text import day as written
from bangfu.vault import Vault


class Outcome(StrEnum):
    """What has become of a student."""

    CONTINUES = "continues"
    PAUSED = "paused"
    DROPPED_OUT = "dropped_out"
    INTERNING = "interning"
    MOVED_UP = "moved_up"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return {
            Outcome.CONTINUES: Text("继续就读", "goes on"),
            Outcome.PAUSED: Text("休学", "rests for a time"),
            Outcome.DROPPED_OUT: Text("退学", "has dropped out"),
            Outcome.INTERNING: Text("顶岗实习", "is on an internship"),
            Outcome.MOVED_UP: Text("升学", "has moved up to another school"),
        }[self]


class Method(StrEnum):
    """How it was found out."""

    ON_SITE = "on_site"
    TELEPHONE = "telephone"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return Text("实地", "on the spot") if self is Method.ON_SITE else Text("电话", "by telephone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found of one student, by the number of the person; ``stated`` is the day, by whom and what shows it.

    ``school``, ``level``, ``grade`` and ``in_county`` are where somebody moved up to.
    """

    number: str
    outcome: Outcome
    method: Method
    stated: Stated
    school: str = ""
    level: str | None = None
    grade: int | None = None
    in_county: bool = False


@dataclass(frozen=True, slots=True)
class Ready:
    """A finding that can be written down, with the case, what the process says, the row of the register, and the school
    of the county that somebody moved up to, if it is one."""

    finding: Finding
    case: CaseView
    move: Move
    roll: Schooling | None
    school: UUID | None


@dataclass(slots=True)
class Judged:
    """What may be written down, and what is wrong with the rest."""

    report: Report
    ready: list[Ready]


async def record(session: AsyncSession, who: Entered, ground: Ground, findings: Sequence[Finding]) -> Report:
    """Write down what was found of students, each on his case and in the register, in a number of statements that does
    not depend on theirs.

    The same finding again changes nothing. Refuses, per person: ``NOT_FOUND``, ``WRONG_STAGE``, ``NOT_YOUR_DUTY``,
    ``CASE_PAUSED``, ``CONFLICT``, what is wrong with the day, ``MISSING_VALUE`` for where somebody moved up to,
    ``BAD_VALUE`` for a school of the county that was not visited or is no organization of it, or somebody who is on no
    roll, and ``BEFORE_PREVIOUS_STEP`` where the register already says something of a later day.
    """
    judged = await judge(session, who, ground, findings)
    await carry_out(session, who, ground, judged)
    return judged.report


async def judge(session: AsyncSession, who: Entered, ground: Ground, findings: Sequence[Finding]) -> Judged:
    """Which findings can be written down, and what is wrong with the others; nothing is written."""
    stage = _stage(ground.programme)
    await alone(session, SCHOOLING)
    views = {
        case.number: case for case in await look(session, who, ground, Selection([one.number for one in findings]))
    }
    rolls = await _rolls(session, who, [case.person for case in views.values() if case.person is not None])
    known = await _said(session, who, [case.id for case in views.values()])
    schools = await Schools.read(session, who.county.id)
    judged = Judged(Report(), [])
    for said_ in findings:
        one = _named(said_, schools)
        case = views.get(one.number)
        if case is None:
            problem: Problem = Code.NOT_FOUND.problem(ground.programme.beneficiary.value, what=one.number)
            judged.report.refused.append((one.number, problem))
            continue
        if known.get(case.id) == (one.stated.on(who), _data(one)):
            judged.report.unchanged.append(one.number)
            continue
        rows = rolls.get(case.whom.id, [])
        roll = _roll(rows, one, one.stated.on(who))
        said = recorded(who, ground, one.stated, stage.code)
        said = said or permitted(who, ground, one.stated, stage.code, Action.WORK_ON_CASES)
        said = said or overtaken(case, one.stated) or rests(case) or _wanting(one, roll, schools)
        said = said or _later(one, rows, one.stated.on(who))
        move = said or case.rules.proceedings.recheck(case.view, act_of(who, one.stated, case.division, case.cadre))
        if one.outcome is Outcome.PAUSED and not isinstance(move, Problem):
            act = act_of(who, _resting(one), case.division, case.cadre)
            rest = case.rules.proceedings.pause(case.view, act)
            move = rest if isinstance(rest, Problem) else move
        if isinstance(move, Problem):
            judged.report.refused.append((one.number, move))
        else:
            judged.ready.append(Ready(one, case, move, roll, schools.called(one.school) if one.in_county else None))
    return judged


async def _said(session: AsyncSession, who: Entered, cases: Sequence[UUID]) -> dict[UUID, tuple[date, Any]]:
    """What was found of cases last, and of which day, in one statement."""
    query = (
        select(CaseEvent.case_id, CaseEvent.effective_on, CaseEvent.data)
        .where(CaseEvent.tenant_id == who.county.id, among(CaseEvent.case_id, cases), CaseEvent.act == RECHECKING)
        .order_by(CaseEvent.case_id, CaseEvent.version)
    )
    return {row.case_id: (row.effective_on, row.data) for row in await session.execute(query)}


async def carry_out(session: AsyncSession, who: Entered, ground: Ground, judged: Judged) -> None:
    """Write down what has been judged; the report says for whom.

    A result that was determined before the register learned of it stands no longer: it is determined again.
    """
    said = {own.case.id: _assertion(who, own) for own in judged.ready}
    changes = []
    for own in judged.ready:
        fields: dict[str, Any] = {"since": own.case.view.since}
        if said[own.case.id] is not None and own.case.determined_at == own.move.to:
            fields["round"] = own.case.round + 1
        changes.append(Change(own.case, own.move, fields, _data(own.finding), own.finding.stated))
    done = {change.case.id for change in await write(session, who, RECHECKING, changes, Stated(), judged.report)}
    ready = [own for own in judged.ready if own.case.id in done]
    known = [found for own in ready if (found := said[own.case.id]) is not None]
    await assert_from(session, Schooling, [one for one in known if isinstance(one, Assertion)], who.at.now)
    gone = [one.id for one in known if isinstance(one, Schooling)]
    await update_all(session, Schooling, gone, {"known_to": who.at.now})
    resting: dict[tuple[Any, ...], list[Ready]] = {}
    for own in ready:
        if own.finding.outcome is Outcome.PAUSED:
            stated = own.finding.stated
            resting.setdefault((stated.on(who), stated.by(who), stated.duty), []).append(own)
    for theirs in resting.values():
        numbers = [own.finding.number for own in theirs]
        report = await pause(session, who, ground, Selection(numbers), _resting(theirs[0].finding))
        if report.refused:  # it was asked before, under the same locks
            raise Refused([problem for _, problem in report.refused])


def _resting(finding: Finding) -> Stated:
    """What is said of letting a case rest, by who found that its student does."""
    return replace(finding.stated, reason=finding.stated.reason or Outcome.PAUSED.title_text.zh, seen={})


def _named(finding: Finding, schools: Schools) -> Finding:
    """A finding with the school of the county by its name, where it was told by its code."""
    school = schools.called(finding.school) if finding.in_county else None
    return finding if school is None else replace(finding, school=schools.name_of(school))


def _stage(programme: Programme) -> Verify:
    """The stage at which students are re-checked; refuses ``NOT_FOUND`` where there is none."""
    for stage in programme.process.kind(Verify):
        if stage.rechecks:
            return stage
    raise Code.NOT_FOUND.refuse("programme", what=Text("复核环节", "a stage that re-checks"))


def _data(finding: Finding) -> dict[str, Any]:
    """What the event of a case keeps of a finding."""
    said = {"outcome": finding.outcome.value, "method": finding.method.value}
    if finding.outcome is Outcome.MOVED_UP:
        said |= {"school": finding.school, "level": str(finding.level), "grade": str(finding.grade or "")}
        said |= {"place": "县内" if finding.in_county else "县外"}
    words = f"{finding.method.title_text.zh}复核:{finding.outcome.title_text.zh}"
    return {**said, "finding": f"{words}({finding.school})" if finding.school else words}


def _wanting(finding: Finding, roll: Schooling | None, schools: Schools) -> Problem | None:
    """What is wrong with a finding beside who made it and when."""
    if roll is None:
        expected = Text("学籍登记册中在读的学生", "a student who is on a roll in the register")
        field_ = Text("复核结果", "the outcome")
        return Code.BAD_VALUE.problem("outcome", field=field_, value=finding.outcome.title_text, expected=expected)
    moves = finding.outcome is Outcome.MOVED_UP
    if finding.method is Method.TELEPHONE and (finding.in_county if moves else roll.in_county):
        expected = Text("实地(县内学校)", "on the spot, for a school of the county")
        field_ = Text("复核方式", "the method")
        return Code.BAD_VALUE.problem("method", field=field_, value=finding.method.title_text, expected=expected)
    if moves:
        for name, value, title in (
            ("school", finding.school.strip(), Text("升入学校", "the school moved up to")),
            ("level", finding.level, Text("学段", "the level")),
            ("grade", finding.grade, Text("年级", "the grade")),
        ):
            if not value:
                return Code.MISSING_VALUE.problem(name, field=title)
        if finding.in_county and schools.called(finding.school) is None:
            expected = Text("组织名录中的县内学校名称", "the name of a school of the county, as registered")
            field_ = Text("升入学校", "the school moved up to")
            return Code.BAD_VALUE.problem("school", field=field_, value=finding.school, expected=expected)
    return None


def _assertion(who: Entered, own: Ready) -> Assertion | Schooling | None:
    """What a finding says to the register, from its day on, or the row that holds no longer; somebody who goes on or
    rests is where he was.

    Who has moved up is proved where he was proved before: the re-check, on site or by telephone, is itself the proof of
    where he goes now.
    """
    finding, roll = own.finding, own.roll
    assert roll is not None
    day = finding.stated.on(who)
    values = {column: getattr(roll, column) for column in _COPIED} | {"reported_on": day}
    key = {"person_id": roll.person_id}
    match finding.outcome:
        case Outcome.DROPPED_OUT:
            if roll.valid_to is not None and roll.valid_to <= day:
                return None  # the register knows that he has left
            # Of who was on the roll from that very day on, nothing is left of the row.
            return Assertion(key, values, roll.valid_from, day) if roll.valid_from < day else roll
        case Outcome.INTERNING:
            return Assertion(key, {**values, "interning": True}, day, roll.valid_to)
        case Outcome.MOVED_UP:
            moved = {
                "school": finding.school.strip(), "level": finding.level, "grade": finding.grade, "interning": False,
                "in_county": finding.in_county, "organization_id": own.school, "student_number": "", "months": None,
                "source": "family",
            }  # fmt: skip
            return Assertion(key, {**values, **moved}, day)
    return None


_COPIED = (
    "division", "organization_id", "school", "name", "student_number", "in_county", "level", "grade", "months",
    "interning", "proved", "source",
)  # fmt: skip


async def _rolls(session: AsyncSession, who: Entered, persons: Sequence[UUID]) -> dict[UUID, list[Schooling]]:
    """Where persons go to school as known now, whatever days it holds for, in one statement."""
    query = select(Schooling).where(
        Schooling.tenant_id == who.county.id, among(Schooling.person_id, persons), Schooling.known_to.is_(None)
    )
    found: dict[UUID, list[Schooling]] = {}
    for row in await session.scalars(query):
        found.setdefault(row.person_id, []).append(row)
    return found


def _roll(rows: Sequence[Schooling], finding: Finding, day: date) -> Schooling | None:
    """The row that holds on the day; of who has dropped out or moved up, where none does, the last that did."""
    begun = sorted((row for row in rows if row.valid_from <= day), key=lambda row: row.valid_from)
    holding = [row for row in begun if held(row, day)]
    gone = finding.outcome in (Outcome.DROPPED_OUT, Outcome.MOVED_UP)
    found = holding or (begun if gone else [])
    return found[-1] if found else None


def _later(finding: Finding, rows: Sequence[Schooling], day: date) -> Problem | None:
    """That the register says something of a later day than a finding that would change it: which of the two holds is
    for whoever finds out last."""
    since = max((row.valid_from for row in rows), default=day)
    if finding.outcome in (Outcome.CONTINUES, Outcome.PAUSED) or since <= day:
        return None
    return Code.BEFORE_PREVIOUS_STEP.problem("day", day=written(day), previous=written(since))


# --- in bulk --------------------------------------------------------------------------------------------------


@dataclass
class _State(State):
    ground: Ground | None = None
    officers: dict[str, Actor] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)


class RecheckImporter(Importer[_State]):
    """The sheet of what was found of the students of one programme in one period 春季复核表."""

    title = Text("复核表", "sheet of re-checks")
    action = Action.WORK_ON_CASES
    group = "number"
    columns = (
        Column("number", Text("人编号", "number of the person"), read_key, ("人员编号", "人码", "个人编号")),
        Column("outcome", Text("复核结果", "outcome"), one_of({one.title_text.zh: one for one in Outcome}), ("结果",)),
        Column("method", Text("复核方式", "method"), one_of({one.title_text.zh: one for one in Method}), ("方式",)),
        Column("day", Text("复核日期", "day of the re-check"), read_day, ("日期",)),
        Column("officer", Text("复核人工号", "who re-checked"), read_key, ("复核人",), required=False),
        Column("evidence", Text("凭据", "evidence"), read_text, ("复核记录",), required=False),
        Column("school", Text("升入学校", "school moved up to"), read_text, required=False),
        Column("level", Text("升入学段", "level moved up to"), one_of(LEVELS), required=False),
        Column("grade", Text("升入年级", "grade moved up to"), read_grade, required=False),
        Column("in_county", Text("升入学校县内外", "whether that is in the county"), one_of(PLACES), required=False),
    )

    def __init__(self, programme: Programme, period: str) -> None:
        self.programme, self.period = programme, period
        self.kind = f"rechecks/{programme.code}/{period}"
        self.place = (programme.code, _stage(programme).code)

    async def prepare(self, session: AsyncSession, who: Entered, vault: Vault, as_of: date) -> _State:
        """Read the rules of the period and the officers there are."""
        ground = await ground_of(session, who.county.id, self.programme, self.period)
        officers = {officer.number: officer for officer in await actors(session, who.county)}
        return _State(who, vault, as_of, ground=ground, officers=officers)

    def check(self, row: Row, state: _State) -> None:
        """The officer is known, and a student stands once in the file."""
        number, officer = row.values["number"], row.values.get("officer")
        if officer is not None and officer not in state.officers:
            row.problems.append(Code.OFFICER_UNKNOWN.problem("rows", row.number, "officer", officer=officer))
        if number in state.rows:
            row.problems.append(Code.DUPLICATE_ROW.problem("rows", row.number, row=state.rows[number]))
        elif number is not None:
            state.rows[number] = row.number

    async def compare(self, session: AsyncSession, rows: Sequence[Row], state: _State) -> Judged:
        """Which findings can be written down."""
        assert state.ground is not None
        tally, by_number = state.tally("re-check"), {row.values["number"]: row for row in rows}
        judged = await judge(session, state.who, state.ground, [self._finding(row, state) for row in rows])
        for number, problem in judged.report.refused:
            row = by_number[number]
            row.problems.append(problem.code.problem("rows", row.number, *problem.path, **problem.values))
        tally.new += len(judged.ready)
        tally.same += len(judged.report.unchanged)
        return judged

    @staticmethod
    def _finding(row: Row, state: _State) -> Finding:
        values = row.values
        stated = Stated(
            values["day"],
            evidence=values.get("evidence") or "",
            signatory=state.officers.get(values.get("officer") or ""),
        )
        return Finding(
            number=values["number"],
            outcome=values["outcome"],
            method=values["method"],
            stated=stated,
            school=values.get("school") or "",
            level=values.get("level"),
            grade=values.get("grade"),
            in_county=bool(values.get("in_county")),
        )

    async def apply(self, session: AsyncSession, changes: Judged, state: _State) -> None:
        """Write down what was found."""
        assert state.ground is not None
        await carry_out(session, state.who, state.ground, changes)
