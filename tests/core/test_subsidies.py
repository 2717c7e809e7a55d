"""The two monthly subsidies up to their first month: what offices list of persons decides them, on which day, as known
when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import pytest
from sqlalchemy import text

from bangfu.access import Action
from bangfu.cases import acts, correcting, missed, overpaid, receipts
from bangfu.cases.gather import At, Subject, gather
from bangfu.cases.missed import Wanting
from bangfu.cases.views import Selection, Stated
from bangfu.errors import Refused
from bangfu.programme import DatedBook, Plugins, installed
from bangfu.rules import AsOf, Circumstance, RuleBook, criterion, fact, not_
from tests.core.test_missed import read
from tests.county import Statements, clean
from tests.disabled import APPLIED, CARE, CERTIFIED, DUE, LIVING, REVIEWED, UNMET, YEAR, applied, listed_as, prepare
from tests.learners import SHORT, Learners, identity, roster
from yulu.short_training.rules import FactsWithTheRoll, Parameters, ShortTrainingByTheRoll

COURSE = {
    "training_from": date(2021, 3, 2), "training_to": date(2021, 5, 31), "certified_on": date(2021, 6, 10),
    "has_training_certificate": True, "has_qualification_certificate": True, "base_sealed": True,
    "identity_copied": True,
}  # fmt: skip


@pytest.fixture
async def disabled(learners: Learners) -> Learners:
    await prepare(learners)
    return learners


async def determined(learners: Learners) -> dict[str, tuple[str, int]]:
    """How the last determination of each case came out, and what it comes to in fen."""
    found = await learners.rows(
        "select distinct on (c.number) c.number, d.outcome, d.payable_fen from determination d"
        " join case_file c on c.id = d.case_id where c.programme = :code order by c.number, d.round desc",
        code=learners.code,
    )
    return {number: (outcome, fen) for number, outcome, fen in found}


# --- up to the first month ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [LIVING, CARE])
async def test_everybody_is_decided_by_what_offices_list(disabled: Learners, code: str) -> None:
    await applied(disabled, code)
    due = {number: ("eligible", fen) for number, fen in DUE[code].items()}
    assert await determined(disabled) == {**dict.fromkeys(CERTIFIED, ("refused", 0)), **due}
    assert due.keys() | UNMET[code].keys() == CERTIFIED.keys()
    who = disabled.who("C1")
    ground = await disabled.ground(who)
    async with disabled.database.session(who.scope) as session:
        told = {number: await receipts.why(session, who, ground, number) for number in UNMET[code]}
    assert {n: {line.name for line in one.lines if line.met is False} for n, one in told.items()} == UNMET[code]
    # What was decided is decided so again by what was known then.
    async with disabled.database.session(who.scope) as session:
        replayed = await receipts.replay(session, who, disabled.programme, YEAR)
    assert (replayed.same, replayed.faults) == (len(CERTIFIED), ())


@pytest.mark.parametrize("code", [LIVING, CARE])
async def test_township_and_federation_bring_it_to_the_months(disabled: Learners, code: str) -> None:
    await applied(disabled, code)
    numbers = list(DUE[code])
    before = await disabled.snapshot()
    for officer, stage, problem in (("DF", "first_review", "NOT_YOUR_DUTY"), ("DF", "second_review", "WRONG_STAGE")):
        report = await disabled.sign(officer, stage, *numbers)
        assert {(number, one.code.name) for number, one in report.refused} == {(n, problem) for n in numbers}
    assert await disabled.snapshot() == before
    clean(await disabled.sign("K1", "first_review", *numbers))
    assert {number: (await disabled.stages())[number] for number in numbers} == dict.fromkeys(numbers, "second_review")
    clean(await disabled.sign("DF", "second_review", *numbers))
    # A notice of no days is passed by; who is refused is where he was refused.
    assert await disabled.stages() == {
        **dict.fromkeys(UNMET[code], "refused"), **dict.fromkeys(numbers, "monthly_payment"),
    }  # fmt: skip


async def test_one_person_may_have_both(disabled: Learners) -> None:
    for code in (LIVING, CARE):
        await applied(disabled, code)
        clean(await disabled.sign("K1", "first_review", "F1-01"))
        clean(await disabled.sign("DF", "second_review", "F1-01"))
    found = await disabled.rows("select programme, stage from case_file where number = 'F1-01' order by programme")
    assert [tuple(row) for row in found] == [(CARE, "monthly_payment"), (LIVING, "monthly_payment")]


# --- on which day, as known when ----------------------------------------------------------------------------------


async def test_a_review_goes_by_its_own_day(disabled: Learners) -> None:
    """The guarantee ends on 15 September: who is determined that day is out of it, and the day before he is not."""
    await listed_as(disabled, "F1-01", "minimum_living", date(2000, 1, 1), date(2021, 9, 15))
    disabled.on(LIVING, YEAR, APPLIED)
    clean(await disabled.apply("F1-01"))
    for day, expected in ((date(2021, 9, 14), ("eligible", 9_000)), (date(2021, 9, 15), ("refused", 0))):
        disabled.today = day
        await disabled.act("K1", acts.account, Selection(numbers=["F1-01"]))
        assert await determined(disabled) == {"F1-01": expected}


@pytest.mark.parametrize(
    ("month", "expected"),
    [
        # The certificate begins on 2 March, the guarantee ends on 1 June, custody from 1 to 30 August.
        (1, (False, None, True, False)),
        (3, (False, None, True, False)),
        (4, (True, 2, True, False)),
        (5, (True, 2, True, False)),
        (6, (True, 2, False, False)),
        (8, (True, 2, False, True)),
        (9, (True, 2, False, False)),
    ],
)
async def test_a_month_goes_by_its_day(
    disabled: Learners, month: int, expected: tuple[bool, int | None, bool, bool]
) -> None:
    for kind, since, until, said in (
        ("certificate", date(2021, 3, 2), None, {"level": 1, "generation": 2}),
        ("minimum_living", date(2020, 1, 1), date(2021, 6, 1), {}),
        ("custody", date(2021, 8, 1), date(2021, 8, 31), {}),
    ):
        await listed_as(disabled, "F4-03", kind, since, until, **said)
    ((household, person),) = await disabled.rows(
        "select m.household_id, m.person_id from membership m join person p on p.id = m.person_id"
        " where p.number = 'F4-03'"
    )
    disabled.on(LIVING, YEAR, REVIEWED)
    rules = (await disabled.ground()).latest
    who = disabled.who("C1")
    of_month = replace(rules, month=month, period=rules.period.month(month, 1))
    at = At("first_review", who.at.today, who.at.now)
    async with disabled.database.session(who.scope) as session:
        found = await gather(session, who.county.id, of_month, [Subject(household, person=person)], at)
    names = ("certified", "generation", "on_minimum_living", "in_custody")
    assert tuple(found.facts[name][0] for name in names) == expected


async def test_as_many_statements_for_one_as_for_eight(disabled: Learners) -> None:
    disabled.on(CARE, YEAR, REVIEWED)
    rules = (await disabled.ground()).latest
    who = disabled.who("C1")
    rows = await disabled.rows(
        "select m.household_id, m.person_id from membership m join person p on p.id = m.person_id"
        " where p.number like 'F%'"
    )
    counts = []
    for some in (rows[:1], rows):
        subjects = [Subject(household, person=person) for household, person in some]
        with Statements(disabled.database) as statements:
            async with disabled.database.session(who.scope) as session:
                at = At("first_review", who.at.today, who.at.now)
                found = await gather(session, who.county.id, rules, subjects, at)
        counts.append(len(statements))
        assert len(found.facts["certified"]) == len(some)
    assert len(rows) > 8
    assert counts[0] == counts[1]


# --- who has not applied --------------------------------------------------------------------------------------------


async def test_who_could_have_it_and_has_not_applied_is_listed_with_what_a_list_lacks(disabled: Learners) -> None:
    disabled.on(CARE, YEAR, REVIEWED)
    found = {one.number: (one.fen, one.lacks) for one in (await read(disabled, missed.page, "C1", 100)).found}
    assert found == {number: (fen, ()) for number, fen in DUE[CARE].items()}
    # Whoever has a certificate of which no list tells the level is not assumed to be severely disabled, nor not to be.
    await listed_as(disabled, "F4-03", "certificate", date(2020, 1, 1), generation=2)
    page = await read(disabled, missed.page, "C1", 100)
    (own,) = (one for one in page.found if one.number == "F4-03")
    assert (own.fen, own.is_clear) == (None, False)
    assert [(lack.fact.name, lack.wanting) for lack in own.lacks] == [("level", Wanting.REGISTERED)]
    assert missed.wanted(own.lacks).zh == "残疾等级(登记册缺失,须补录)"


async def test_who_may_not_read_circumstances_learns_of_nobodys_who_has_no_case(disabled: Learners) -> None:
    disabled.on(CARE, YEAR, REVIEWED)
    numbers = sorted(DUE[CARE])
    for number in ("FI", "FM", "L1"):
        assert not disabled.who(number).may(Action.READ_CIRCUMSTANCES)
        for list_, options in (
            (missed.page, (100,)),
            (missed.figures, ()),
            (missed.count, (100,)),
            (missed.sheet, ("核对",)),
        ):
            with pytest.raises(Refused) as refused:
                await read(disabled, list_, number, *options)
            assert [problem.code.name for problem in refused.value.problems] == ["FORBIDDEN"]
    for number, expected in (("FI", {"incomplete"}), ("C1", {"eligible"})):
        told = [await read(disabled, receipts.why, number, person) for person in numbers]
        assert {receipt.outcome.value for receipt in told} == expected
    # What the case of somebody comes to is told to whoever reads cases.
    clean(await disabled.apply("F1-01"))
    clean(await disabled.act("DF", acts.account, Selection(numbers=["F1-01"])))
    assert (await read(disabled, receipts.why, "FI", "F1-01")).outcome.value == "eligible"
    # A programme that looks at no circumstance has its list as before.
    disabled.on(SHORT, YEAR, REVIEWED)
    assert (await read(disabled, missed.page, "FI", 100)).found


async def test_who_moved_with_his_case_is_not_missed_where_he_lives(disabled: Learners) -> None:
    await applied(disabled, CARE)
    head, *rows = roster().splitlines()
    family = [row for row in rows if row.startswith("F1,")]
    (mover,) = [row for row in family if "学F11号" in row]
    name, number = mover.split(",")[7:9]
    gone = [f"{row},{'2021-09-20' if row is mover else ''}" for row in family]
    home = "G9,西镇,丙村,三组,贫困户,,L1,{},{},{},西户主,测试银行,990000000029999"
    came = [home.format("西户主", identity("1970-01-01", 777), "户主"), home.format(name, number, "其他")]
    disabled.today = REVIEWED
    for data in ([f"{head},离户日期", *gone], [head, *came]):
        status = await disabled.bring("households", "\n".join(data), "R1")
        assert status.state == "done", status.result
    disabled.on(CARE, YEAR, REVIEWED)
    for officer in ("C1", "K1", "K2"):
        found = await read(disabled, missed.page, officer, 100)
        assert "F1-02" not in {one.number for one in found.found}
    (west,) = [one for one in await read(disabled, missed.figures, "K2") if one.name == "西镇"]
    assert west.applied == 1
    # Nothing is told of who is out of sight, and what was opened to look is closed again.
    ground = await disabled.ground()
    ((mover_id,),) = await disabled.rows("select id from person where number = 'F1-02'")
    scope = text("select current_setting('app.areas'), current_setting('app.staff'), (select count(*) from case_file)")
    for officer, told in (("K1", set()), ("K2", {mover_id})):
        async with disabled.database.session(disabled.who(officer).scope) as session:
            before = (await session.execute(scope)).one()
            assert await missed.applied_elsewhere(session, ground, {mover_id}) == told
            assert (await session.execute(scope)).one() == before
    # Who withdrew may apply again, and is missed again.
    clean(await disabled.act("VC1", correcting.withdraw, Selection(["F1-02"]), stated=Stated(reason="本人撤回")))
    assert "F1-02" in {one.number for one in (await read(disabled, missed.page, "K2", 100)).found}


# --- what was paid and would come out differently now ---------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FactsOfLiberty(FactsWithTheRoll):
    """What is known of a trainee, and whether he is in custody."""

    in_custody: bool = fact(Circumstance("custody", on=AsOf.CHECK), zh="服刑羁押", en="is in custody")


class TrainingAtLiberty(ShortTrainingByTheRoll, RuleBook[FactsOfLiberty, Parameters]):
    """The aid for short courses, and nothing in custody."""

    facts: FactsOfLiberty

    @criterion(cites="yulu-2011#二1")
    def is_at_liberty(self) -> bool:
        """The trainee is not in custody.
        该人未服刑羁押。
        """
        return not_(self.facts.in_custody)


def looking_at_custody() -> Plugins:
    """The installation, in which the aid for short courses is paid once, as ever, and looks at a circumstance."""
    plugins = installed()
    own = plugins.programme(SHORT)
    books = (*own.books, DatedBook(date(2020, 1, 1), TrainingAtLiberty))
    return replace(plugins, programmes={**plugins.programmes, SHORT: replace(own, facts=FactsOfLiberty, books=books)})


async def test_what_a_list_says_later_is_told_with_since_when_it_is_known(
    learners: Learners, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins = looking_at_custody()
    monkeypatch.setattr("tests.county.installed", lambda: plugins)
    learners.on(SHORT, "2021", date(2021, 9, 10))
    await learners.open()
    clean(await learners.apply("F1-01", "F1-03", number="K1", facts=COURSE))
    clean(await learners.act("C1", acts.account))
    for officer, stage in (("A2", "first_review"), ("C1", "county_review"), ("FI2", "finance_recheck")):
        clean(await learners.sign(officer, stage, "F1-01", "F1-03"))
    await learners.pay("payment")
    # Of another kind, it changes nothing; of custody it does, from the day of the determination on.
    learners.today = date(2021, 10, 5)
    await listed_as(learners, "F1-03", "certificate", date(2021, 1, 1), level=1, generation=2)
    await listed_as(learners, "F1-01", "custody", date(2021, 9, 11))
    assert (await read(learners, overpaid.page, "C1", 50)).found == ()
    learners.today = date(2021, 10, 20)
    await listed_as(learners, "F1-03", "custody", date(2021, 9, 1), date(2021, 9, 30))
    (one,) = (await read(learners, overpaid.page, "C1", 50)).found
    assert (one.number, one.paid_fen, one.right_fen) == ("F1-03", 60_000, 0)
    (again,) = one.again
    assert [line.name for line in again.lines] == ["is_at_liberty"]
    assert [(own.title.zh, own.was.zh, own.now.zh, own.known_since) for own in again.changes] == [
        ("服刑羁押", "否", "是", learners.who("C1").at.now)
    ]
    assert "服刑羁押由 否 变为 是(2021年10月20日起得知)" in overpaid.said(again).zh
