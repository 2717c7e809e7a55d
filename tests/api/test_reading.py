"""Reading over HTTP: lists, filters, objects by id, fragments, nested pages; one state of the county, in a number of
statements that no number of rows changes, for those who may see it."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from graphql import (
    FieldNode,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    OperationDefinitionNode,
    get_introspection_query,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    parse,
)
from sqlalchemy import event, text
from sqlalchemy.util import await_only

from bangfu import payments
from bangfu.access import Rule
from bangfu.access.rules import lay_down
from bangfu.cases import acts, hearing, paying, sampling
from bangfu.cases.views import Selection, Stated
from bangfu.db import session as sessions
from bangfu.db.bulk import insert_rows, update_all
from bangfu.models import (
    AgreementSignature,
    Attestation,
    AttestationAnswer,
    BaseAssessment,
    BaseFinding,
    BaseSubsidy,
    Circumstance,
    Delivery,
    DeliveryAnswer,
    DeliveryPerson,
    Discrepancy,
    Handout,
    HandoutBatch,
    Helper,
    MonthRun,
    Need,
    Obstacle,
    PairingAgreement,
    PairingReview,
    PaymentSetoff,
    PlanLine,
    Schooling,
    SupportBase,
    new_id,
)
from bangfu.notices import evidence
from bangfu.notices.publication import HandedIn, hand_in, page_of
from bangfu.programme import Plugins, installed
from bangfu.registry.history import Assertion, assert_from
from bangfu.registry.identity import credit_check_character
from bangfu_graphql.planning import Planner
from bangfu_graphql.schema import schema_of
from tests.api.conftest import Answer, Served, serving
from tests.core.test_money import ACCOUNTS, act, case_of, keep, said, tally
from tests.core.test_money import answer as answered
from tests.core.test_payments import do, gather, make
from tests.core.test_sampling import draw
from tests.core.test_statements import MORE, larger
from tests.county import (
    ACCEPTED,
    BASE,
    CODE,
    FEBRUARY,
    HOMES,
    MARCH,
    SEPTEMBER,
    T1,
    T2,
    V1,
    V2,
    V3,
    Home,
    Statements,
    World,
    clean,
    identity,
)

T = TypeVar("T")
PROGRAMMES = installed().programmes
SCHEMA = schema_of([PROGRAMMES["consolidation"]])._schema
"""The schema of the county of these tests: that of the one programme that it runs."""
LAST_DAY = date(2021, 10, 28)
NOT_A_CURSOR = "This is no cursor of this list; take one from its `pageInfo` or `edges`."
OPENING = 4
"""The statements that every request begins with: who asks, the programmes, and a scope for each of two
transactions."""


def credit_code(number: int) -> str:
    """A valid made-up credit code."""
    first17 = f"11{CODE}{number:09d}"
    return first17 + credit_check_character(first17)


UNITS = tuple(
    (credit_code(number), name, kind)
    for number, (name, kind) in enumerate(
        (("甲局", "机关"), ("乙学校", "学校"), ("丙企业", "企业"), ("丁企业", "企业"))
    )
)
PEOPLE = f"""工号,姓名,职责,负责区划代码,起始日期,单位信用代码
E1,企业甲,企业经办,{CODE},2020-01-01,{UNITS[2][0]}
R2,登记乙,县数据管理员,{CODE},2020-01-01,{UNITS[0][0]}
"""
STAFF = [
    "A1", "A2", "A3", "B1", "B3", "C1", "C2", "C3", "E1", "FI", "FM", "K1", "K2", "L1", "L2", "L3", "R1", "R2", "VC1",
    "VC2", "VC3", "W1", "W3",
]  # fmt: skip
PAIRED = f"""统一社会信用代码,村编码,起始日期,截止日期
{UNITS[2][0]},{V1},2020-01-01,
{UNITS[3][0]},{V3},2020-01-01,2021-06-01
"""
LEDGER = "户编号,日期,收入类别,项目,总收入\n"
DRAFT = {
    "title": "测试县2021年补充规定",
    "number": "测政办〔2021〕9号",
    "issued": date(2021, 5, 1),
    "parameters": {"household_cap": [{"since": date(2021, 5, 1), "value": "2000.00", "clause": "一"}]},
}
NUMBERS = [home.number for home in HOMES]
STAGES = {
    "H1": "CLOSED", "H2": "CLOSED", "H3": "REFUSED", "H4": "ACCOUNTING", "H5": "CLOSED", "H6": "REFUSED",
    "H7": "PAYMENT", "H8": "REFUSED",
}  # fmt: skip
"""Where each case is at the end of the story."""


async def story(served: Served) -> None:
    """A year with something of everything: notices and an objection, two samples, three batches (cancelled, released,
    draft), jobs that are done, refused and waiting, a corrected line of income, a draft of a document."""
    world = served.world
    units = "".join(f"{code},{name},{kind},{BASE}\n" for code, name, kind in UNITS)
    assert (await world.bring("organizations", "信用代码,名称,类型,区划代码\n" + units, "R1")).state == "done"
    assert (await world.bring("pairings", PAIRED, "R1")).state == "done"
    assert (await world.bring("officers", PEOPLE, "R1")).state == "done"
    await world.look()
    keeper = world.who("C1")
    async with world.database.session(keeper.scope) as session:
        for duty, action in (("superior", "read_audit"), ("auditor", "read_birth_dates")):
            rule = Rule(duty, action, "*", "*", "allow")
            await lay_down(session, keeper, world.plugins.programmes, rule, "会议纪要")
    await world.until("acceptance")
    heard = Stated(date(2021, 10, 15), evidence="信件")
    clean(await world.act("VC1", _of(acts.object_to, "H2", "养殖收入不符", "村民甲"), stated=heard))
    clean(await world.act("A2", _of(acts.settle, "H2"), upheld=False, finding="属实"))
    clean(await world.act("A2", acts.accept, Selection(numbers=["H1", "H2", "H5"])))
    await _sample(world, date(2021, 10, 20))
    world.today = date(2021, 10, 22)
    budget = await world.fund(6_720)
    await do(world, "C2", paying.cancel_batch, (await make(world)).id, "误建")
    paid = await make(world)
    await do(world, "FM", paying.check_batch, paid.id)
    await do(world, "FI", paying.release_batch, paid.id)
    world.today = ACCEPTED
    clean(await world.act("A3", acts.accept, Selection(numbers=["H7"])))
    await _publicly(world)
    await _sample(world, date(2021, 10, 25))
    world.today = LAST_DAY
    # The line cannot hold the last household, who waits until there is more; the bank answers meanwhile.
    for _ in range(2):
        short = await do(world, "C2", gather, world.vault, budget)
        assert (short.batch, short.waiting) == (None, 1)
    await world.fund(1, "ZX-2", binding=False)
    more = payments.EntryStated(amount_fen=10_000, document="测财〔2021〕60号", document_on=world.today, reason="追加")
    added = await act(world, "FM", payments.add_entry, budget, more)
    await act(world, "FI", payments.confirm_entry, added)
    await make(world)
    await keep(world)
    await keep(world, separator="tab", line_end="lf")
    answers = said((1, ACCOUNTS["H1"], "3000.00", "成功", ""), (2, ACCOUNTS["H2"], "2200.00", "失败", "户名不符"))
    assert tally(await answered(world, paid, answers)) == (2, 1, 1, 0, 0)
    case, determination = await case_of(world, "H5")
    (owed,) = await act(world, "C1", payments.adjust, [payments.Adjustment(case, determination, -2_000)], "收入核减")
    await act(world, "FI", payments.repay, owed, 500, world.today, "收据1")
    for amount, household, state in ((100, "H6", "done"), (120, "H6", "done"), (100, "H9", "refused")):
        line = f"{LEDGER}{household},2021-05-01,种植,土豆,{amount}\n"
        assert (await world.bring("income", line, "R1")).state == state
    await world.draft(DRAFT)
    await served.day(LAST_DAY)
    both = "{ batches { nodes { id state } } notices { nodes { id divisionCode } } }"
    found = (await served.ask("FI", both)).data
    (batch,) = (own["id"] for own in found["batches"]["nodes"] if own["state"] == "RELEASED")
    (notice,) = (own["id"] for own in found["notices"]["nodes"] if own["divisionCode"] == str(V1))
    await served.operation("FI", "export_payments", batch=batch, reason="报送")
    assert await served.work() == 1
    await served.operation("VC1", "export_notice", notice=notice, reason="张贴")


async def _publicly(world: World) -> None:
    """What the public handed in on the last day of notices, one of it put aside; photos of the notices; whom to call.

    It comes after the acceptance, which it would have stopped.
    """
    last, pages = date(2021, 10, 15), await world.rows("select division, slug, notice_id from publication")
    for division, slug, _ in pages:
        async with world.database.visit(slug, last) as session:
            page = await page_of(session, slug)
            assert page is not None
            for line in page.lines:
                words = f"第{line.position}号{division % 1000}收入不符"
                said = HandedIn(uuid4(), line.position, words, f"村民{division % 1000}", "0916-1230000")
                await hand_in(session, world.vault, page, said, last, datetime(2021, 10, 15, 4, tzinfo=UTC))
    for committee, village in (("VC1", V1), ("VC3", V3)):
        who = world.who(committee)
        (notice,) = (own for division, _, own in pages if division == village)
        async with world.database.session(who.scope) as session:
            photo = b"\xff\xd8\xff" + committee.encode()
            await evidence.attach(
                session, world.vault, who, notice, f"{committee}照片.jpg", photo, last, "公开栏", 1000
            )
    clerk, office = world.who("K1"), world.who("C1")
    async with world.database.session(clerk.scope) as session:
        (own,) = (one for one in await hearing.pending(session, world.vault, clerk) if one.household == "H1")
        await hearing.dismiss(session, clerk, own.id, "与公示无关")
    async with world.database.session(office.scope) as session:
        await evidence.set_contact(session, office, "县脱贫办 12317")


def _of(act: Any, household: str, *more: str) -> Any:
    """An act on one household, in the form of an act on a selection."""
    return lambda session, who, ground, selection, **options: act(session, who, ground, household, *more, **options)


async def _sample(world: World, day: date) -> None:
    world.today = day
    drawn = await draw(world)
    clean(await world.act("C1", sampling.check, Selection(numbers=drawn.households), passed=True))


@pytest.fixture(scope="module")
async def county(standing: Served) -> Served:
    """The county at the end of the story; nothing changes it any more."""
    await story(standing)
    await taught(standing.world)
    await kept_of(standing.world)
    await attested(standing.world)
    await paired(standing.world)
    await federated(standing.world)
    await monthly(standing.world)
    return standing


async def monthly(world: World) -> None:
    """As if the awards were paid every month: two months were decided, and a payment of a batch that was cancelled had
    been less for what H5 is to pay back."""
    who = world.who("C1")
    run = {"tenant_id": who.county.id, "programme": "consolidation", "officer_id": who.actor.id, "areas": who.areas}
    run |= {"known_at": who.at.now, "recorded_at": who.at.now, "ran_on": world.today}
    runs = [
        {
            **run, "id": new_id(), "period": period, "month": month, "reason": f"{month}月核定", "decided": 3,
            "changed": 1, "arrears_fen": 3_000, "recovery_fen": 1_000, "undecided": [],
        }
        for period, month in (("2021", 1), ("2022", 2))
    ]  # fmt: skip
    ((line, batch, household, division),) = await world.rows(
        "select l.id, l.batch_id, l.household_id, l.division from payment_line l join payment_batch b on b.id = l.batch_id"
        " join household h on h.id = l.household_id where b.released_at is null and b.cancelled_at is null limit 1"
    )
    ((recovery,),) = await world.rows("select id from entitlement where kind = 'recovery'")
    setoff = {
        "tenant_id": who.county.id, "id": new_id(), "batch_id": batch, "line_id": line, "entitlement_id": recovery,
        "household_id": household, "division": division, "amount_fen": 500, "voided_at": who.at.now,
    }  # fmt: skip
    async with world.database.session(who.scope) as session:
        session.add_all(MonthRun(**own) for own in runs)
        await insert_rows(session, PaymentSetoff, [setoff])


async def attested(world: World) -> None:
    """A school is asked of four of the county: it attests one, does not attest another, has not answered of the third,
    and is asked no more of the fourth, whom nobody sees."""
    who = world.who("R1")
    ((school,),) = await world.rows("select id from organization where name = '乙学校'")
    cases = {row[0]: row for row in await world.rows("select number, id, division from case_file")}
    asked, answers = [], []
    for home, answer in (("H1", True), ("H2", None), ("H5", False), ("H7", None)):
        _, case, division = cases[home]
        own = {"tenant_id": who.county.id, "case_id": case, "organization_id": school, "division": division}
        asked.append({
            **own, "id": new_id(), "programme": "consolidation", "period": "2021", "fact": "sealed",
            "name": f"测{home[1:]}户主", "card": {"projects": ["small_breeding"]}, "asked_by": who.actor.id,
            "asked_at": who.at.now, "gone_at": who.at.now if home == "H2" else None,
        })  # fmt: skip
        if answer is not None:
            answers.append({
                **own, "id": new_id(), "attestation_id": asked[-1]["id"], "attested": answer,
                "note": "" if answer else "不属实", "answered_on": world.today, "answered_by": who.actor.id,
                "answered_at": who.at.now,
            })  # fmt: skip
    async with world.database.session(who.scope) as session:
        await insert_rows(session, Attestation, asked)
        await insert_rows(session, AttestationAnswer, answers)


async def taught(world: World) -> None:
    """Three of the county are at school by the bureau's list; of two of them a school says otherwise, of which one is settled."""
    who, since = world.who("R1"), date(2021, 9, 1)
    persons = {row[0]: row for row in await world.rows("select number, id, division, name from person")}
    rows = []
    for place, (number, level) in enumerate((("H1-01", "secondary"), ("H1-02", "secondary"), ("H7-01", "higher")), 1):
        _, person, division, name = persons[number]
        values = {
            "division": division, "organization_id": None, "school": "测试学校", "name": name,
            "student_number": f"Z00{place}", "in_county": True, "level": f"{level}_vocational", "grade": 1,
            "months": None, "interning": place == 2, "proved": place == 3, "source": "bureau", "reported_on": since,
        }  # fmt: skip
        rows.append(Assertion({"person_id": person}, values, since))
    tasks = [
        {
            "tenant_id": who.county.id, "id": uuid4(), "kind": "schooling", "person_id": persons[number][1],
            "division": persons[number][2], "organization_id": None, "source": "school", "reported_on": since,
            "known": {"grade": 1}, "reported": {"grade": 2}, "recorded_by": who.actor.id, "recorded_at": who.at.now,
            "reason": "",
        }
        for number in ("H1-01", "H7-01")
    ]  # fmt: skip
    answer = {"accepted": False, "reason": "名册为准", "settled_by": who.actor.id, "settled_at": who.at.now}
    async with world.database.session(who.scope) as session:
        await assert_from(session, Schooling, rows, who.at.now)
        await insert_rows(session, Discrepancy, tasks)
        await update_all(session, Discrepancy, [tasks[1]["id"]], answer)


async def kept_of(world: World) -> None:
    """One holds a certificate, of a level that was corrected since; one was guaranteed for half a year."""
    registrar, corrected = world.who("R1", date(2021, 9, 1)), world.who("R1")
    persons = {row[0]: row for row in await world.rows("select number, id, division from person")}

    def said(number: str, kind: str, **values: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        _, person, division = persons[number]
        blank = dict.fromkeys(("level", "category", "generation", "number", "number_masked"))
        own = {"division": division, "class_name": "", "reported_on": date(2021, 9, 1), "evidence": "名册"}
        return {"person_id": person, "kind": kind}, {**blank, **own, **values}

    certificate = {"category": "limbs", "generation": 2, "source": "federation"}
    first = said("H1-01", "certificate", level=2, **certificate)
    living = said("H7-01", "minimum_living", source="office")
    async with world.database.session(registrar.scope) as session:
        rows = [Assertion(*first, date(2015, 3, 2)), Assertion(*living, date(2021, 1, 1), date(2021, 7, 1))]
        await assert_from(session, Circumstance, rows, registrar.at.now)
    async with world.database.session(corrected.scope) as session:
        again = said("H1-01", "certificate", level=1, **certificate)
        await assert_from(session, Circumstance, [Assertion(*again, date(2015, 3, 2))], corrected.at.now)


async def paired(world: World) -> None:
    """Two enterprises have registered, one is verified and has agreements with two villages, one of them over; what it
    delivered is confirmed, disputed or replaced."""
    who, programme = world.who("C1"), "wanqi_bang_wancun"
    units = {code: UUID(str(key)) for code, key in await world.rows("select credit_code, id from organization")}
    first, second = units[UNITS[2][0]], units[UNITS[3][0]]
    acted = {
        "officer_id": who.actor.id, "duty": "county_office", "effective_on": date(2021, 6, 1), "evidence": "纸质",
        "recorded_by": who.actor.id, "recorded_at": who.at.now,
    }  # fmt: skip

    def row(**values: Any) -> dict[str, Any]:
        return {"tenant_id": who.county.id, "id": new_id(), **values, **acted}

    answer = {
        "verified": True,
        "verified_by": world.officers["C2"].id,
        "verified_on": date(2021, 6, 2),
        "verified_at": who.at.now,
    }
    blank = dict.fromkeys(("verified_by", "verified_on", "verified_at"))
    helpers = [
        row(programme=programme, organization_id=first, chamber="商会", verified=None, reason="", **blank),
        row(programme=programme, organization_id=second, chamber="", verified=None, reason="", **blank),
    ]
    closed = {"closed_as": "met", "closed_by": who.actor.id, "closed_on": date(2021, 7, 1), "closed_at": who.at.now}
    opened = dict.fromkeys(("closed_by", "closed_on", "closed_at"))
    need = {"programme": programme, "replaces": None, "reason": ""}
    needs = [
        row(**need, division=V1, path="trade", what="卖苹果", closed_as=None, **opened),
        row(**need, division=V1, path="jobs", what="岗位", closed_as=None, **opened),
        row(**need, division=V3, path="jobs", what="培训", closed_as=None, **opened),
    ]
    standing = dict.fromkeys(("ended_as", "ended_on", "ended_by", "ended_at", "takes_over"))
    over = {"ended_as": "relayed", "ended_on": date(2021, 8, 1), "ended_by": who.actor.id}
    over |= {"ended_at": who.at.now}
    common = {
        "programme": programme, "organization_id": first, "helper_id": helpers[0]["id"],
        "valid_from": date(2021, 6, 1), "valid_to": date(2024, 6, 1), "held_to": {}, "signed_on": date(2021, 6, 1),
        "end_reason": "", "end_evidence": "",
    }  # fmt: skip
    agreements = [
        row(number="X-1", division=V1, **common, **standing),
        row(number="X-2", division=V3, **common, **standing),
    ]
    whose = [
        {"agreement_id": one["id"], "organization_id": first, "division": one["division"]} for one in agreements
    ]  # fmt: skip
    line: dict[str, Any] = {"path": "donation", "kind": "cash", "office": "", "quantity": None}
    line |= {"replaces": None, "replaced_at": None, "year": 2021, "due_on": date(2021, 12, 31)}
    given = {"programme": programme, "valuation": "", "corrects": None, "stands_quantity": 0, "version": 1}
    deliveries = [
        row(**whose[place], **given, year=year, path=path, kind=kind, what=receipt, receipt=receipt, state=state,
            amount_fen=fen, quantity=number, stands_fen=stands)
        for place, year, path, kind, receipt, state, fen, number, stands in (
            (0, 2021, "donation", "cash", "R-1", "confirmed", 10_000, None, 10_000),
            (0, 2021, "jobs", "posts", "R-2", "logged", 90_000, 2, 0),
            (1, 2021, "donation", "cash", "R-3", "logged", 5_000, None, 0),
            (1, 2020, "trade", "purchase", "R-4", "disputed", 7_000, None, 0),
        )
    ]  # fmt: skip
    persons = {row[0]: row[1] for row in await world.rows("select number, id from person")}
    said = {"delivery_id": deliveries[0]["id"], "organization_id": first, "division": V1, "number": 1}
    async with world.database.session(who.scope) as session:
        for model, rows in (
            (Helper, helpers),
            (Need, needs),
            (PairingAgreement, agreements),
            (AgreementSignature, [row(**own, side=side) for own in whose for side in ("helper", "helped")]),
            (PlanLine, [row(**own, what="捐款", amount_fen=1_000, **line) for own in whose]),
            (
                Obstacle,
                [
                    row(
                        **own,
                        what="用地",
                        owner_id=who.actor.id,
                        outcome="",
                        resolved_by=None,
                        resolved_on=None,
                        resolved_at=None,
                    )
                    for own in whose
                ],
            ),
            (Delivery, deliveries),
            (DeliveryAnswer, [row(**said, verdict="confirmed", stands_fen=10_000, stands_quantity=0, reason="核对")]),
            (
                DeliveryPerson,
                [
                    {
                        "tenant_id": who.county.id,
                        "id": new_id(),
                        "delivery_id": deliveries[1]["id"],
                        "person_id": persons["H1-01"],
                        "division": V1,
                        "recorded_by": who.actor.id,
                        "recorded_at": who.at.now,
                    }
                ],
            ),
            (
                PairingReview,
                [
                    row(
                        **own,
                        year=2021,
                        number=1,
                        outcome="met",
                        finding="好",
                        nominated=False,
                        exited_households=1,
                        figures={"pledged_fen": 1_000, "pledged_quantity": 0, "stands_fen": 0, "stands_quantity": 0},
                    )
                    for own in whose
                ],
            ),
        ):
            await insert_rows(session, model, rows)
        # The walls let nobody put in what is settled already.
        await update_all(session, Helper, [helpers[0]["id"]], answer)
        await update_all(session, Need, [needs[0]["id"]], closed)
        await update_all(session, PairingAgreement, [agreements[1]["id"]], over)
        await update_all(session, Delivery, [deliveries[2]["id"]], {"state": "replaced"})


async def federated(world: World) -> None:
    """Two bases of the federation of disabled persons, one of which was assessed; devices for two villages, of which one
    is handed over."""
    who = world.who("C1")
    tenant, now, day = who.county.id, who.at.now, date(2021, 6, 1)
    units = {row[0]: row[1] for row in await world.rows("select credit_code, id from organization")}
    homes = {number: (key, division) for number, key, division in
             await world.rows("select number, id, division from household")}  # fmt: skip
    (person,) = await column_of(world, "select id from person where number = 'H7-01'")
    acted = {
        "officer_id": who.actor.id, "duty": "disabled_federation", "effective_on": day, "evidence": "纸质",
        "recorded_by": who.actor.id, "recorded_at": now,
    }  # fmt: skip

    def row(**values: Any) -> dict[str, Any]:
        return {"tenant_id": tenant, "id": new_id(), **values}

    own = {"programme": "disabled_bases", "reason": ""}
    persons = {"placed": 2, "led": 3, "poor": 1}
    bases = [
        row(
            **own,
            **persons,
            **acted,
            organization_id=units[UNITS[place][0]],
            division=division,
            level=level,
            rural=rural,
        )
        for place, division, level, rural in ((2, V1, "city", True), (3, V3, "province", False))
    ]
    whose = {"base_id": bases[0]["id"], "organization_id": bases[0]["organization_id"], "division": V1}
    items = [{"item": "placing", "applies": True, "present": False, "evidence": ""}]
    second = world.officers["C2"].id
    assessment = row(**whose, **own, **persons, **acted, items=items, score=80, finding_count=1, held_to={})
    written = row(**whose, **own, **persons, **acted, items=[], score=70, finding_count=0, held_to={})
    finding = row(
        **whose, assessment_id=assessment["id"], item="placing", finding="无人", written_by=who.actor.id, rectified="",
        evidence="", note="",
    )  # fmt: skip
    subsidies = [
        row(**whose, **acted, programme="disabled_bases", assessment_id=assessment["id"], year=year, level="city",
            amount_fen=5_000, held_to={}, replaces=None)
        for year in (2020, 2021)
    ]  # fmt: skip
    given = {"programme": "disabled_services"}
    batches = [
        row(**given, **acted, kind="device", item="轮椅", voucher=f"票-{place}", quantity=3, value_fen=None,
            out_quantity=0, out_fen=0, replaces=None)
        for place in (1, 2)
    ]  # fmt: skip
    line = {**given, **acted, "quantity": 1, "value_fen": None, "state": "stated", "corrects": None, "outcome": ""}
    line |= {"receiver": "", "signature": "", "reason": ""}
    lines = [
        row(**line, kind=kind, item=item, household_id=homes[home][0], division=homes[home][1], person_id=whom)
        for kind, item, home, whom in (("device", "轮椅", "H7", person), ("goods", "鸡苗", "H1", None))
    ]
    confirmed = {"confirmed": True, "confirmed_by": second, "confirmed_on": day, "confirmed_at": now}
    async with world.database.session(who.scope) as session:
        for model, rows in (
            (SupportBase, bases), (BaseAssessment, [assessment, written]), (BaseFinding, [finding]),
            (BaseSubsidy, subsidies), (HandoutBatch, batches), (Handout, lines),
        ):  # fmt: skip
            await insert_rows(session, model, rows)
        await update_all(session, SupportBase, [bases[0]["id"]], confirmed)
        notified = {
            "agreed": True, "agreed_by": second, "agreed_on": day, "agreed_at": now, "notice": "2021-1",
            "issued_by": second, "issued_on": day, "issued_at": now, "due_on": date(2021, 7, 1),
        }  # fmt: skip
        await update_all(session, BaseAssessment, [assessment["id"]], notified)
        await update_all(session, BaseSubsidy, [subsidies[0]["id"]], {"replaced_at": now})
        await update_all(session, HandoutBatch, [batches[1]["id"]], {"replaced_at": now})
        handed = {
            "state": "handed_over", "year": 2021, "listed_by": second, "listed_on": day, "listed_at": now,
            "batch_id": batches[0]["id"], "receiver": "本人", "signature": "签收表", "handed_by": second,
            "handed_on": day, "handed_at": now,
        }  # fmt: skip
        await update_all(session, Handout, [lines[0]["id"]], handed)
        await update_all(session, HandoutBatch, [batches[0]["id"]], {"out_quantity": 1})


async def column_of(world: World, sql: str) -> list[Any]:
    """The first column of what a statement finds."""
    return [row[0] for row in await world.rows(sql)]


# --- looking at answers ---------------------------------------------------------------------------------------


def key_of(id: str) -> str:
    """The key in an id."""
    return base64.urlsafe_b64decode(id + "=" * (-len(id) % 4)).decode().partition(":")[2]


def packed(value: Any) -> str:
    """What a client could make up to look like a cursor (a value) or an id (a text)."""
    data = value if isinstance(value, str) else json.dumps(value)
    return base64.urlsafe_b64encode(data.encode()).decode().rstrip("=")


def unpacked(cursor: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))


def objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every object of an answer."""
    if isinstance(value, dict):
        yield value
    for own in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(own)


def leaves(value: Any) -> list[Any]:
    """Every value of an answer but the counts, in their order."""
    return [
        item
        for own in objects(value)
        for name, given in own.items()
        if name != "totalCount"
        for item in (given if isinstance(given, list) else [given])
        if not isinstance(item, dict)
    ]


def refused(answer: Answer, message: str = "") -> None:
    """Nothing but one BAD_USER_INPUT, in words of ours."""
    assert answer.codes == ["BAD_USER_INPUT"], answer.body
    assert (answer.response.status_code, answer.body["data"]) == (200, None)
    (error,) = answer.body["errors"]
    assert error["message"] == (message or error["message"])


async def together(asked: Iterable[Awaitable[T]]) -> list[T]:
    """The answers to several requests at once, a few at a time."""
    gate = asyncio.Semaphore(6)

    async def one(own: Awaitable[T]) -> T:
        async with gate:
            return await own

    return await asyncio.gather(*map(one, asked))


async def all_refused(served: Served, asked: Iterable[tuple[str, Mapping[str, Any]]], message: str) -> None:
    """Every document, with its variables, is refused in the same words."""
    for answer in await together(served.ask("C1", document, **variables) for document, variables in asked):
        refused(answer, message)


def counted(served: Served) -> Statements:
    return Statements(served.world.database)


async def column(served: Served, sql: str, **values: Any) -> list[Any]:
    """The first column of what plain SQL finds."""
    return [row[0] for row in await served.world.rows(sql, **values)]


# --- lists ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Listed:
    """A root connection, an order that it is asked for in, and how plain SQL finds its keys in that order."""

    field: str
    sql: str
    order: str = ""

    @property
    def document(self) -> str:
        head = "query($first: Int, $after: String, $last: Int, $before: String)"
        order = f", orderBy: {self.order}" if self.order else ""
        window = f"first: $first, after: $after, last: $last, before: $before{order}"
        info = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
        page = f"totalCount {info} nodes {{ id }} edges {{ cursor node {{ id }} }}"
        return f"{head} {{ page: {self.field}({window}) {{ {page} }} }}"

    async def keys(self, served: Served) -> list[str]:
        return [str(key) for key in await column(served, f"select {self.sql}")]


LISTS = (
    Listed("divisions", "code from division where valid_to is null and known_to is null order by code"),
    Listed("organizations", "id from organization order by id"),
    Listed("officers", "id from officer order by number"),
    Listed("pairings", "id from pairing order by division, id"),
    Listed("households", "id from household order by division, id"),
    Listed("households", "id from household order by division, id", "DIVISION"),
    Listed("households", "id from household order by number", "NUMBER"),
    Listed("persons", "id from person order by division, id"),
    Listed("income", "id from income_line where known_to is null order by household_id, day, id"),
    Listed("cases", "id from case_file order by division, id"),
    Listed("cases", "id from case_file order by division, id", "DIVISION"),
    Listed("cases", "id from case_file order by since, id", "SINCE"),
    Listed("attestations", "id from attestation where name <> '测2户主' order by asked_at, id"),
    Listed("notices", "id from notice order by division, id"),
    Listed("publicObjections", "id from public_objection order by handed_in_at, id"),
    Listed("samples", "id from sample_draw order by id"),
    Listed("batches", "id from payment_batch order by id"),
    Listed("monthRuns", "id from month_run order by recorded_at desc, id desc"),
    Listed("budgetLines", "id from budget_line order by code, id"),
    Listed("bankTemplates", "id from bank_template order by channel, version, id"),
    Listed("awards", "id from entitlement order by case_id, id"),
    Listed("waits", "id from payment_wait order by line_code, place, id"),
    Listed("provisions", "id from provision order by issued_on desc, id desc"),
    Listed("policyRules", "id from policy_rule where known_to is null order by known_from desc, id desc"),
    Listed("jobs", "id from job order by id desc"),
    Listed("audit", "id from audit_entry order by at desc, id desc"),
)
DEFAULTS = tuple(own for own in LISTS if not own.order)
each_list = pytest.mark.parametrize("listed", LISTS, ids=lambda own: f"{own.field} {own.order}".strip())
each_field = pytest.mark.parametrize("listed", DEFAULTS, ids=lambda own: own.field)


async def page(served: Served, listed: Listed, **window: Any) -> dict[str, Any]:
    """A page of a list, which agrees with itself, with its keys and its cursors."""
    found: dict[str, Any] = (await served.ask("C1", listed.document, **window)).data["page"]
    assert [edge["node"] for edge in found["edges"]] == found["nodes"]
    cursors = [edge["cursor"] for edge in found["edges"]]
    info = found["pageInfo"]
    assert [info["startCursor"], info["endCursor"]] == ([cursors[0], cursors[-1]] if cursors else [None, None])
    return {**found, "keys": [key_of(node["id"]) for node in found["nodes"]], "cursors": cursors}


async def forwards(served: Served, listed: Listed, size: int, total: int) -> tuple[list[str], list[str]]:
    """Every key and every cursor, page by page from the beginning."""
    keys: list[str] = []
    cursors: list[str] = []
    while len(keys) < total:
        found = await page(served, listed, first=size, **({"after": cursors[-1]} if cursors else {}))
        assert (found["totalCount"], len(found["keys"])) == (total, min(size, total - len(keys)))
        assert found["pageInfo"]["hasPreviousPage"] is bool(keys)
        keys, cursors = [*keys, *found["keys"]], [*cursors, *found["cursors"]]
        assert found["pageInfo"]["hasNextPage"] is (len(keys) < total)
    return keys, cursors


async def backwards(served: Served, listed: Listed, size: int, total: int) -> tuple[list[str], list[str]]:
    """Every key and every cursor, page by page from the end."""
    keys: list[str] = []
    cursors: list[str] = []
    while len(keys) < total:
        found = await page(served, listed, last=size, **({"before": cursors[0]} if cursors else {}))
        assert (found["totalCount"], len(found["keys"])) == (total, min(size, total - len(keys)))
        assert found["pageInfo"]["hasNextPage"] is bool(keys)
        keys, cursors = [*found["keys"], *keys], [*found["cursors"], *cursors]
        assert found["pageInfo"]["hasPreviousPage"] is (len(keys) < total)
    return keys, cursors


@each_list
async def test_a_list_is_paged_through_from_either_end_with_the_same_objects_in_the_same_order(
    county: Served, listed: Listed
) -> None:
    expected = await listed.keys(county)
    assert len(set(expected)) == len(expected) >= 2
    for size in (-(-len(expected) // 3), len(expected)):
        ways = (own(county, listed, size, len(expected)) for own in (forwards, backwards))
        (found, cursors), back = await together(ways)
        assert found == expected
        assert len(set(cursors)) == len(expected)
        assert back == (found, cursors)


@each_list
async def test_what_lies_between_two_cursors_and_beyond_the_last(county: Served, listed: Listed) -> None:
    expected = await listed.keys(county)
    cursors = (await page(county, listed, first=100))["cursors"]
    inside = {"after": cursors[0], "before": cursors[-1]}
    assert (await page(county, listed, first=100, **inside))["keys"] == expected[1:-1]
    assert (await page(county, listed, first=1, **inside))["keys"] == expected[1:-1][:1]
    assert (await page(county, listed, last=1, **inside))["keys"] == expected[1:-1][-1:]
    assert (await page(county, listed, after=cursors[-1], before=cursors[0]))["keys"] == []
    beyond = await page(county, listed, after=cursors[-1])
    assert (beyond["keys"], beyond["totalCount"]) == ([], len(expected))
    assert (beyond["pageInfo"]["hasNextPage"], beyond["pageInfo"]["hasPreviousPage"]) == (False, True)
    none = await page(county, listed, first=0)
    assert (none["keys"], none["pageInfo"]["hasNextPage"], none["pageInfo"]["hasPreviousPage"]) == ([], True, False)


async def test_orders_are_what_they_are_called(county: Served) -> None:
    async def asked(document: str) -> list[Any]:
        return leaves((await county.ask("C1", f"{{ {document} }}")).data)

    assert await asked("households(orderBy: NUMBER) { nodes { number } }") == NUMBERS
    villages = [str(V1)] * 4 + [str(V2)] * 2 + [str(V3)] * 2
    for listed in ("households", "households(orderBy: DIVISION)", "cases", "cases(orderBy: DIVISION)"):
        assert await asked(f"{listed} {{ nodes {{ divisionCode }} }}") == villages
    since = await asked("cases(orderBy: SINCE) { nodes { since } }")
    assert since == sorted(since)
    assert len(set(since)) > 2
    assert await asked("officers(first: 100) { nodes { number } }") == STAFF
    assert await asked("divisions { nodes { code } }") == [str(code) for code in (BASE, T1, V1, V2, T2, V3)]
    assert await asked("provisions { nodes { number } }") == ["测政办〔2021〕9号", "测政办〔2021〕1号"]
    assert await asked("jobs(first: 2) { nodes { kind } }") == ["export/notice", "export/payments"]
    at = await asked("audit(first: 100) { nodes { at } }")
    assert at == sorted(at, reverse=True)
    assert len(set(at)) > 3


async def test_a_page_holds_twenty_unless_stated(county: Served) -> None:
    officers = next(own for own in LISTS if own.field == "officers")
    everyone = await page(county, officers, first=100)
    for window in ({}, {"first": None, "last": None, "after": None}, {"before": everyone["cursors"][22]}):
        found = await page(county, officers, **window)
        assert (found["keys"], found["totalCount"]) == (everyone["keys"][:20], 23)
        assert (found["pageInfo"]["hasNextPage"], found["pageInfo"]["hasPreviousPage"]) == (True, False)
    numbers = (await county.ask("C1", "{ officers { nodes { number } } }")).data
    assert leaves(numbers) == STAFF[:20]


SIZES = {
    "State either `first` or `last`.": ("first: 1, last: 1", "first: 0, last: 0"),
    "A page holds 0 to 100 objects, not -1.": ("first: -1", "last: -1"),
    "A page holds 0 to 100 objects, not 101.": ("first: 101", "last: 101"),
}
"""Sizes that cannot be, by what is said of them."""
NESTED = {
    "households": ("divisions", "division, id from household order by division, id"),
    "income": ("households", "household_id, id from income_line where known_to is null order by household_id, day, id"),
    "entries": ("notices", "notice_id, id from notice_entry order by notice_id, position, id"),
    "units": ("samples", "draw_id, id from sample_unit order by draw_id, position, id"),
    "lines": ("batches", "batch_id, id from payment_line order by batch_id, position, id"),
}
"""Every connection that is a field of an object: the list of its parents, and how plain SQL finds parent and child."""


@each_field
async def test_a_size_that_cannot_be_is_refused(county: Served, listed: Listed) -> None:
    for message, sizes in SIZES.items():
        await all_refused(county, [(f"{{ {listed.field}({size}) {{ totalCount }} }}", {}) for size in sizes], message)


@pytest.mark.parametrize("field", NESTED)
async def test_the_window_of_a_nested_page_is_looked_at_even_where_nothing_is_paged(county: Served, field: str) -> None:
    for message, windows in {**SIZES, NOT_A_CURSOR: ('after: "x"', 'before: ""')}.items():
        inner = [f"{field}({window}) {{ nodes {{ id }} }}" for window in windows]
        documents = [f"{{ {NESTED[field][0]}(first: 0) {{ nodes {{ {own} }} }} }}" for own in inner]
        await all_refused(county, [(document, {}) for document in documents], message)


async def test_a_document_is_refused_whose_pages_multiply_too_far(county: Served) -> None:
    async def refusal(document: str, **variables: Any) -> list[str]:
        answer = await county.ask("C1", document, **variables)
        return answer.codes if "errors" in answer.body else []

    two = "{ households(first: %d) { nodes { income(first: %d) { nodes { id } } } } }"
    assert await refusal(two % (100, 100)) == []
    three = (
        "{ divisions(first: %d) { nodes { households(first: %d) { nodes { income(first: %d) { nodes { id } } } } } } }"
    )
    assert await refusal(three % (100, 100, 2)) == ["TOO_LARGE"]
    assert await refusal(three % (100, 100, 0)) == []
    # Objects that are asked for by their ids multiply as those of a page do.
    notices = leaves((await county.ask("C1", "{ notices { nodes { id } } }")).data)
    entries = "entries(first: 100) { nodes { case { notice { entries(first: 90) { nodes { id } } } } } }"
    by_id = f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Notice {{ {entries} }} }} }}"
    assert await refusal(by_id, ids=notices[:1]) == []
    assert await refusal(by_id, ids=notices) == ["TOO_LARGE"]


@pytest.fixture(scope="module")
async def cursors(county: Served) -> dict[Listed, str]:
    """The first cursor of every list in every order."""
    pages = await together(page(county, listed, first=1) for listed in LISTS)
    return {listed: own["cursors"][0] for listed, own in zip(LISTS, pages, strict=True)}


@each_list
async def test_a_cursor_of_another_list_or_a_part_of_one_is_refused(
    county: Served, cursors: dict[Listed, str], listed: Listed
) -> None:
    own = cursors[listed]
    foreign = [other for other in cursors.values() if unpacked(other)[0] != unpacked(own)[0]]
    assert len(foreign) >= len(LISTS) - 2
    wrong = [*foreign, own[:-1], own[: len(own) // 2], own + "A"]
    sides = ("after", "before")
    await all_refused(county, [(listed.document, {sides[n % 2]: one}) for n, one in enumerate(wrong)], NOT_A_CURSOR)


@pytest.mark.parametrize("field", ["divisions", "officers", "persons", "audit"])
async def test_whatever_is_no_cursor_is_refused_in_our_words(
    county: Served, cursors: dict[Listed, str], field: str
) -> None:
    listed = next(own for own in DEFAULTS if own.field == field)
    own = cursors[listed]
    name, *values = unpacked(own)
    count = len(values)
    wrong = [
        "", " ", "x", "é", "中文", "====", own[1:], "A" + own, own * 2,
        packed([]), packed({}), packed(5), packed("null"), packed("nonsense"), packed(name), packed([name]),
        packed([name, *values, values[-1]]), packed([name, *values[:-1]]), packed([name.lower(), *values]),
        packed([f"{name}X", *values]), packed([name, *[None] * count]), packed([name, *[[]] * count]),
        packed([name, *[{}] * count]), packed([name, *[True] * count]), packed([name, *[1.5] * count]),
        packed([name, *[10**30] * count]), packed([name, *["\ud800"] * count]), packed([name, *["\0"] * count]),
        packed("[" * 100_000), packed("9" * 10_000),
    ]  # fmt: skip
    await all_refused(county, [(listed.document, {"after": cursor}) for cursor in wrong], NOT_A_CURSOR)


ID = "00000000-0000-7000-8000-00000000000a"


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("audit", ["2021-10-28T00:00:00", ID]),
        ("audit", ["2021-10-28 00:00:00", ID]),
        ("audit", ["0001-01-01 00:00:00+14:00", ID]),
        ("audit", ["9999-12-31 23:59:59-14:00", ID]),
        ("income", [ID, "2021-02-30", ID]),
        ("income", [ID, "20210301", ID]),
        ("households", [V1, ID.upper()]),
        ("households", [f"{V1}.0", ID]),
        ("households", [2**63, ID]),
        ("divisions", ["٩٩٠٢٠١٠٠٠٠٠٠"]),
        ("divisions", ["990_201_000_000"]),
        ("officers", [5]),
    ],
)
async def test_a_made_up_cursor_does_not_reach_the_database(
    county: Served, cursors: dict[Listed, str], field: str, values: list[Any]
) -> None:
    listed = next(own for own in DEFAULTS if own.field == field)
    name = unpacked(cursors[listed])[0]
    refused(await county.ask("C1", listed.document, after=packed([name, *values])), NOT_A_CURSOR)


async def test_a_made_up_place_on_a_notice_does_not_reach_the_database(county: Served) -> None:
    found = (await county.ask("C1", "{ notices { nodes { entries { pageInfo { endCursor } } } } }")).data
    name, notice, _, entry = unpacked(leaves(found)[0])
    document = "query($c: String) { notices { nodes { entries(after: $c) { nodes { id } } } } }"
    refused(await county.ask("C1", document, c=packed([name, notice, 2**31, entry])), NOT_A_CURSOR)
    assert (await county.ask("C1", document, c=packed([name, notice, 2**31 - 1, entry]))).data


@each_field
async def test_a_list_is_counted_only_where_its_count_is_asked_for(county: Served, listed: Listed) -> None:
    total = len(await listed.keys(county))
    for selection, reads, counts in (
        ("__typename", 0, 0),
        ("nodes { id }", 1, 0),
        ("edges { cursor } pageInfo { hasNextPage }", 1, 0),
        ("totalCount", 1, 1),
        ("totalCount nodes { id }", 2, 1),
    ):
        with counted(county) as seen:
            answer = await county.ask("C1", f"{{ {listed.field}(first: 1) {{ {selection} }} }}")
        assert answer.data[listed.field].get("totalCount", total) == total
        assert (len(seen), sum("count(" in sql for sql in seen.seen)) == (OPENING + reads, counts)


# --- filters --------------------------------------------------------------------------------------------------

REACHED = {
    "DivisionFilter": "divisions(filter: %s)",
    "OrganizationFilter": "organizations(filter: %s)",
    "OfficerFilter": "officers(filter: %s)",
    "PairingFilter": "pairings(filter: %s)",
    "HelperFilter": "helpers(filter: %s)",
    "NeedFilter": "needs(filter: %s)",
    "AgreementFilter": "agreements(filter: %s)",
    "PlanLineFilter": "planLines(filter: %s)",
    "DeliveryFilter": "deliveries(filter: %s)",
    "SupportBaseFilter": "supportBases(filter: %s)",
    "BaseAssessmentFilter": "baseAssessments(filter: %s)",
    "BaseSubsidyFilter": "baseSubsidies(filter: %s)",
    "HandoutFilter": "handouts(filter: %s)",
    "HandoutBatchFilter": "handoutBatches(filter: %s)",
    "HouseholdFilter": "households(filter: %s)",
    "PersonFilter": "persons(filter: %s)",
    "SchoolingFilter": "schooling(filter: %s)",
    "DiscrepancyFilter": "discrepancies(filter: %s)",
    "CircumstanceFilter": "circumstances(filter: %s)",
    "IncomeFilter": "income(filter: %s)",
    "CaseFilter": "cases(filter: %s)",
    "AttestationFilter": "attestations(filter: %s)",
    "NoticeFilter": "notices(filter: %s)",
    "PublicObjectionFilter": "publicObjections(filter: %s)",
    "SampleFilter": "samples(filter: %s)",
    "SampleUnitFilter": "samples { nodes { units(filter: %s)",
    "BatchFilter": "batches(filter: %s)",
    "PaymentLineFilter": "batches { nodes { lines(filter: %s)",
    "AwardFilter": "awards(filter: %s)",
    "WaitFilter": "waits(filter: %s)",
    "MonthRunFilter": "monthRuns(filter: %s)",
    "ProvisionFilter": "provisions(filter: %s)",
    "JobFilter": "jobs(filter: %s)",
    "AuditFilter": "audit(filter: %s)",
}
"""A list that takes each filter."""


def reaching(kind: str, given: str, selection: str) -> str:
    """The selection of the list that takes a filter, with the filter and what is wanted of it."""
    reach = REACHED[kind] % given
    return f"{{ {reach} {{ {selection} }} {'} }' * reach.count('{ nodes {')} }}"


def homes(meets: Callable[[Home], bool]) -> list[str]:
    """The numbers of the households that meet a condition."""
    return [home.number for home in HOMES if meets(home)]


def earning(category: str) -> list[str]:
    """The numbers of the households with an income of a category."""
    return homes(lambda home: category in dict(home.income))


FILTERS: tuple[tuple[str, str, str, list[Any]], ...] = (
    ("DivisionFilter", "{level: COUNTY}", "name", ["测试县"]),
    ("DivisionFilter", "{level: TOWNSHIP}", "name", ["东镇", "西镇"]),
    ("DivisionFilter", "{level: VILLAGE}", "name", ["甲村", "乙村", "丙村"]),
    ("DivisionFilter", f'{{within: "{T1}"}}', "name", ["东镇", "甲村", "乙村"]),
    ("DivisionFilter", f'{{within: "{V3}"}}', "name", ["丙村"]),
    ("DivisionFilter", f'{{within: "{CODE}", level: TOWNSHIP}}', "name", ["东镇", "西镇"]),
    ("DivisionFilter", f'{{directlyIn: "{BASE}"}}', "name", ["东镇", "西镇"]),
    ("DivisionFilter", f'{{directlyIn: "{T1}"}}', "name", ["甲村", "乙村"]),
    ("DivisionFilter", f'{{directlyIn: "{V1}"}}', "name", []),
    ("DivisionFilter", "{poor: true}", "name", ["甲村", "丙村"]),
    ("DivisionFilter", "{poor: false}", "name", ["乙村"]),
    ("HelperFilter", '{programme: "wanqi_bang_wancun"}', "chamber", ["", "商会"]),
    ("HelperFilter", '{programme: "consolidation"}', "chamber", []),
    ("HelperFilter", "{verified: true}", "chamber", ["商会"]),
    ("HelperFilter", "{verified: false}", "chamber", [""]),
    ("HelperFilter", f'{{creditCode: "{UNITS[2][0]}"}}', "chamber", ["商会"]),
    ("HelperFilter", f'{{creditCode: "{UNITS[0][0]}"}}', "chamber", []),
    ("NeedFilter", '{programme: "wanqi_bang_wancun"}', "what", ["卖苹果", "岗位", "培训"]),
    ("NeedFilter", f'{{division: "{T1}"}}', "what", ["卖苹果", "岗位"]),
    ("NeedFilter", '{path: "jobs"}', "what", ["岗位", "培训"]),
    ("NeedFilter", "{open: true}", "what", ["岗位", "培训"]),
    ("NeedFilter", "{open: false}", "what", ["卖苹果"]),
    ("AgreementFilter", '{programme: "wanqi_bang_wancun"}', "number", ["X-1", "X-2"]),
    ("AgreementFilter", f'{{division: "{V3}"}}', "number", ["X-2"]),
    ("AgreementFilter", f'{{creditCode: "{UNITS[2][0]}"}}', "number", ["X-1", "X-2"]),
    ("AgreementFilter", f'{{creditCode: "{UNITS[3][0]}"}}', "number", []),
    ("AgreementFilter", '{number: "X-1"}', "number", ["X-1"]),
    ("AgreementFilter", '{inForceOn: "2021-07-31"}', "number", ["X-1", "X-2"]),
    ("AgreementFilter", '{inForceOn: "2021-08-01"}', "number", ["X-1"]),
    ("AgreementFilter", '{inForceOn: "2024-06-01"}', "number", []),
    ("AgreementFilter", "{year: 2021}", "number", ["X-1", "X-2"]),
    ("AgreementFilter", "{year: 2022}", "number", ["X-1"]),
    ("AgreementFilter", "{year: 2025}", "number", []),
    ("AgreementFilter", "{year: 99999}", "number", []),
    ("AgreementFilter", "{signed: true}", "number", ["X-1", "X-2"]),
    ("AgreementFilter", "{signed: false}", "number", []),
    ("PlanLineFilter", '{programme: "wanqi_bang_wancun"}', "what", ["捐款", "捐款"]),
    ("PlanLineFilter", f'{{division: "{T1}"}}', "what", ["捐款"]),
    ("PlanLineFilter", f'{{creditCode: "{UNITS[2][0]}"}}', "what", ["捐款", "捐款"]),
    ("PlanLineFilter", f'{{creditCode: "{UNITS[3][0]}"}}', "what", []),
    ("PlanLineFilter", '{path: "jobs"}', "what", []),
    ("PlanLineFilter", '{kind: "cash"}', "what", ["捐款", "捐款"]),
    ("PlanLineFilter", "{year: 2020}", "what", []),
    ("PlanLineFilter", "{pledged: true}", "what", ["捐款"]),  # the other was due after its agreement was ended
    ("PlanLineFilter", "{pledged: false}", "what", ["捐款"]),
    ("DeliveryFilter", '{programme: "wanqi_bang_wancun"}', "receipt", ["R-1", "R-2", "R-3", "R-4"]),
    ("DeliveryFilter", f'{{division: "{T1}"}}', "receipt", ["R-1", "R-2"]),
    ("DeliveryFilter", f'{{creditCode: "{UNITS[2][0]}"}}', "receipt", ["R-1", "R-2", "R-3", "R-4"]),
    ("DeliveryFilter", f'{{creditCode: "{UNITS[3][0]}"}}', "receipt", []),
    ("DeliveryFilter", '{path: "donation"}', "receipt", ["R-1", "R-3"]),
    ("DeliveryFilter", '{kind: "posts"}', "receipt", ["R-2"]),
    ("DeliveryFilter", "{year: 2020}", "receipt", ["R-4"]),
    ("DeliveryFilter", "{state: DISPUTED}", "receipt", ["R-4"]),
    ("DeliveryFilter", "{state: REPLACED}", "receipt", ["R-3"]),
    ("DeliveryFilter", "{counts: true}", "receipt", ["R-1", "R-2", "R-4"]),
    ("DeliveryFilter", "{counts: false}", "receipt", ["R-3"]),
    ("SupportBaseFilter", '{programme: "disabled_bases"}', "level", ["city", "province"]),
    ("SupportBaseFilter", '{programme: "another"}', "level", []),
    ("SupportBaseFilter", f'{{division: "{T2}"}}', "level", ["province"]),
    ("SupportBaseFilter", f'{{creditCode: "{UNITS[2][0]}"}}', "level", ["city"]),
    ("SupportBaseFilter", '{level: "province"}', "divisionCode", [str(V3)]),
    ("SupportBaseFilter", "{rural: true}", "level", ["city"]),
    ("SupportBaseFilter", "{stands: true}", "level", ["city"]),
    ("SupportBaseFilter", "{stands: false}", "level", ["province"]),
    ("BaseAssessmentFilter", '{programme: "disabled_bases"}', "score", [70, 80]),
    ("BaseAssessmentFilter", '{programme: "another"}', "score", []),
    ("BaseAssessmentFilter", f'{{division: "{V3}"}}', "score", []),
    ("BaseAssessmentFilter", f'{{creditCode: "{UNITS[3][0]}"}}', "score", []),
    ("BaseAssessmentFilter", f'{{creditCode: "{UNITS[2][0]}", notified: true}}', "score", [80]),
    ("BaseAssessmentFilter", "{notified: false}", "score", [70]),
    ("BaseAssessmentFilter", "{state: OVERDUE}", "state", ["OVERDUE"]),
    ("BaseAssessmentFilter", "{state: WRITTEN}", "state", ["WRITTEN"]),
    *(
        ("BaseAssessmentFilter", f"{{state: {state}}}", "state", [])
        for state in ("REJECTED", "PASSED", "TO_NOTIFY", "NOTIFIED", "CLOSED")
    ),
    ("BaseSubsidyFilter", '{programme: "disabled_bases"}', "year", [2020, 2021]),
    ("BaseSubsidyFilter", "{year: 2020}", "replaced", [True]),
    ("BaseSubsidyFilter", '{level: "province"}', "year", []),
    ("BaseSubsidyFilter", "{stands: true}", "year", [2021]),
    ("BaseSubsidyFilter", "{stands: false}", "year", [2020]),
    ("HandoutFilter", '{programme: "disabled_services"}', "item", ["轮椅", "鸡苗"]),
    ("HandoutFilter", '{programme: "another"}', "item", []),
    ("HandoutFilter", f'{{division: "{T1}"}}', "item", ["鸡苗"]),
    ("HandoutFilter", '{kind: "device"}', "receiver", ["本人"]),
    ("HandoutFilter", "{year: 2021}", "item", ["轮椅"]),
    ("HandoutFilter", "{state: STATED}", "item", ["鸡苗"]),
    ("HandoutFilter", "{state: HANDED_OVER}", "batch { voucher }", ["票-1"]),
    ("HandoutFilter", '{household: "H7"}', "item", ["轮椅"]),
    ("HandoutBatchFilter", '{programme: "disabled_services"}', "voucher", ["票-1", "票-2"]),
    ("HandoutBatchFilter", '{kind: "goods"}', "voucher", []),
    ("HandoutBatchFilter", '{voucher: "票-1"}', "outQuantity", [1]),
    ("HandoutBatchFilter", "{stands: true}", "voucher", ["票-1"]),
    ("HandoutBatchFilter", "{stands: false}", "voucher", ["票-2"]),
    ("OrganizationFilter", "{kind: ENTERPRISE}", "name", ["丙企业", "丁企业"]),
    ("OrganizationFilter", "{kind: BANK}", "name", []),
    ("OrganizationFilter", f'{{creditCode: "{UNITS[1][0]}"}}', "name", ["乙学校"]),
    ("OrganizationFilter", f'{{creditCode: "{UNITS[1][0]}", kind: BUREAU}}', "name", []),
    ("OfficerFilter", '{number: ["VC1", "K2", "nobody"]}', "number", ["K2", "VC1"]),
    ("OfficerFilter", "{number: []}", "number", []),
    ("OfficerFilter", "{duty: VILLAGE_CADRE}", "number", ["A1", "B1", "B3"]),
    ("OfficerFilter", '{duty: VILLAGE_CADRE, number: ["A1", "A2"]}', "number", ["A1"]),
    ("OfficerFilter", "{disabled: true}", "number", []),
    ("OfficerFilter", '{disabled: false, number: ["K2"]}', "number", ["K2"]),
    ("PairingFilter", f'{{division: "{T1}"}}', "divisionCode", [str(V1)]),
    ("PairingFilter", f'{{creditCode: "{UNITS[3][0]}"}}', "divisionCode", [str(V3)]),
    ("PairingFilter", f'{{creditCode: "{UNITS[3][0]}", division: "{V1}"}}', "divisionCode", []),
    ("PairingFilter", '{on: "2021-05-31"}', "divisionCode", [str(V1), str(V3)]),
    ("PairingFilter", '{on: "2021-06-01"}', "divisionCode", [str(V1)]),
    ("PairingFilter", '{on: "2019-12-31"}', "divisionCode", []),
    ("OfficerFilter", "{duty: COUNTY_OFFICE}", "number", ["C1", "C2", "C3", "R1"]),
    ("HouseholdFilter", '{number: ["H2", "H7", "H77"]}', "number", ["H2", "H7"]),
    ("HouseholdFilter", "{number: []}", "number", []),
    ("HouseholdFilter", f'{{division: "{V1}"}}', "number", homes(lambda h: h.village == "甲村")),
    ("HouseholdFilter", f'{{division: "{T1}"}}', "number", homes(lambda h: h.township == "东镇")),
    ("HouseholdFilter", f'{{division: "{str(T2)[:9]}"}}', "number", homes(lambda h: h.township == "西镇")),
    ("HouseholdFilter", f'{{division: "{CODE}"}}', "number", NUMBERS),
    ("HouseholdFilter", '{division: "990202"}', "number", []),
    ("HouseholdFilter", "{standing: POOR}", "number", ["H8"]),
    ("HouseholdFilter", "{standing: EXITED}", "number", NUMBERS[:-1]),
    ("HouseholdFilter", "{standing: GENERAL}", "number", []),
    ("HouseholdFilter", '{head: "测3户主"}', "number", ["H3"]),
    ("HouseholdFilter", '{head: "测3配偶"}', "number", []),
    ("HouseholdFilter", f'{{division: "{T1}", standing: POOR}}', "number", []),
    ("PersonFilter", '{name: "测8配偶"}', "name", ["测8配偶"]),
    ("PersonFilter", '{name: "测8"}', "name", []),
    ("PersonFilter", f'{{division: "{V2}"}}', "name", ["测5户主", "测5配偶", "测6户主", "测6配偶"]),
    ("PersonFilter", f'{{identityNumber: "{identity(1)}"}}', "name", ["测1户主"]),
    ("PersonFilter", '{number: ["H8-02", "H1-01", "H1-77"]}', "name", ["测1户主", "测8配偶"]),
    ("PersonFilter", "{number: []}", "name", []),
    ("SchoolingFilter", f'{{division: "{V1}"}}', "studentNumber", ["Z001", "Z002"]),
    ("SchoolingFilter", f'{{division: "{V2}"}}', "studentNumber", []),
    ("SchoolingFilter", "{level: HIGHER_VOCATIONAL}", "studentNumber", ["Z003"]),
    ("SchoolingFilter", "{proved: true}", "studentNumber", ["Z003"]),
    ("SchoolingFilter", "{proved: false}", "studentNumber", ["Z001", "Z002"]),
    ("SchoolingFilter", "{interning: true}", "studentNumber", ["Z002"]),
    ("SchoolingFilter", '{on: "2021-08-31"}', "studentNumber", []),
    ("SchoolingFilter", '{on: "2021-09-01"}', "studentNumber", ["Z001", "Z002", "Z003"]),
    ("SchoolingFilter", "{source: BUREAU}", "studentNumber", ["Z001", "Z002", "Z003"]),
    ("SchoolingFilter", "{source: SCHOOL}", "studentNumber", []),
    ("SchoolingFilter", '{studentNumber: ["Z003", "Z009"]}', "studentNumber", ["Z003"]),
    ("CircumstanceFilter", "{kind: CERTIFICATE}", "level", [1]),
    ("CircumstanceFilter", "{kind: MINIMUM_LIVING}", "person { number }", ["H7-01"]),
    ("CircumstanceFilter", "{kind: DEATH}", "person { number }", []),
    ("CircumstanceFilter", "{level: 1}", "person { number }", ["H1-01"]),
    ("CircumstanceFilter", "{level: 2}", "person { number }", []),
    ("CircumstanceFilter", "{category: LIMBS}", "person { number }", ["H1-01"]),
    ("CircumstanceFilter", "{category: VISION}", "person { number }", []),
    ("CircumstanceFilter", "{source: OFFICE}", "person { number }", ["H7-01"]),
    ("CircumstanceFilter", f'{{division: "{V1}"}}', "person { number }", ["H1-01"]),
    ("CircumstanceFilter", f'{{division: "{V2}"}}', "person { number }", []),
    ("CircumstanceFilter", '{validOn: "2021-06-30"}', "person { number }", ["H1-01", "H7-01"]),
    ("CircumstanceFilter", '{validOn: "2021-07-01"}', "person { number }", ["H1-01"]),
    ("CircumstanceFilter", '{knownAt: "2021-09-01T11:59:59+08:00"}', "person { number }", []),
    ("CircumstanceFilter", '{knownAt: "2021-09-01T12:00:00+08:00", kind: CERTIFICATE}', "level", [2]),
    ("DiscrepancyFilter", f'{{division: "{V1}"}}', "person { number }", ["H1-01"]),
    ("DiscrepancyFilter", f'{{division: "{V3}"}}', "person { number }", ["H7-01"]),
    ("DiscrepancyFilter", "{kind: SCHOOLING}", "person { number }", ["H1-01", "H7-01"]),
    ("DiscrepancyFilter", "{open: true}", "person { number }", ["H1-01"]),
    ("DiscrepancyFilter", "{open: false}", "person { number }", ["H7-01"]),
    ("IncomeFilter", "{category: BREEDING}", "household { number }", earning("养殖")),
    ("IncomeFilter", "{category: PLANTING}", "household { number }", sorted([*earning("种植"), "H6"])),
    ("IncomeFilter", "{category: LABOUR}", "household { number }", earning("务工")),
    ("IncomeFilter", "{category: SELF_EMPLOYMENT}", "household { number }", earning("自主经营")),
    ("IncomeFilter", '{since: "2021-03-02"}', "gross", ["120.00"]),
    ("IncomeFilter", '{since: "2021-05-01", until: "2021-05-01"}', "item", ["土豆"]),
    ("IncomeFilter", '{until: "2021-02-28"}', "item", []),
    ("IncomeFilter", f'{{division: "{V3}"}}', "gross", ["333.33", "8000.00"]),
    ("CaseFilter", '{programme: "consolidation"}', "household { number }", NUMBERS),
    ("CaseFilter", '{programme: "another"}', "household { number }", []),
    ("CaseFilter", '{period: "2021"}', "household { number }", NUMBERS),
    ("CaseFilter", '{period: "2022"}', "household { number }", []),
    ("CaseFilter", '{household: ["H8", "H1", "H9"]}', "household { number }", ["H1", "H8"]),
    ("CaseFilter", '{number: ["H8", "H1", "H1-01"]}', "household { number }", ["H1", "H8"]),
    ("CaseFilter", "{household: []}", "household { number }", []),
    ("CaseFilter", f'{{division: "{V2}"}}', "household { number }", ["H5", "H6"]),
    ("CaseFilter", '{stage: ["closed"]}', "household { number }", ["H1", "H2", "H5"]),
    ("CaseFilter", '{stage: ["payment", "accounting"]}', "household { number }", ["H4", "H7"]),
    ("CaseFilter", "{stage: []}", "household { number }", []),
    ("CaseFilter", "{outcome: ELIGIBLE}", "household { number }", homes(lambda h: h.outcome == "eligible")),
    ("CaseFilter", "{outcome: REFUSED}", "household { number }", homes(lambda h: h.outcome == "refused")),
    ("CaseFilter", "{outcome: INCOMPLETE}", "household { number }", ["H4"]),
    ("CaseFilter", '{since: "2021-10-23"}', "household { number }", ["H7"]),
    ("CaseFilter", '{since: "2021-10-29"}', "household { number }", []),
    ("AttestationFilter", '{programme: "consolidation"}', "name", ["测1户主", "测5户主", "测7户主"]),
    ("AttestationFilter", '{programme: "another"}', "name", []),
    ("AttestationFilter", '{period: "2021"}', "name", ["测1户主", "测5户主", "测7户主"]),
    ("AttestationFilter", '{period: "2022"}', "name", []),
    ("AttestationFilter", "{open: true}", "name", ["测7户主"]),
    ("AttestationFilter", "{open: false}", "name", ["测1户主", "测5户主"]),
    ("AttestationFilter", "{attested: true}", "name", ["测1户主"]),
    ("AttestationFilter", "{attested: false}", "answer { note }", ["不属实"]),
    ("AttestationFilter", f'{{division: "{T1}"}}', "name", ["测1户主", "测5户主"]),
    ("NoticeFilter", '{programme: "consolidation"}', "division { name }", ["甲村", "乙村", "丙村"]),
    ("NoticeFilter", '{programme: "another"}', "division { name }", []),
    ("NoticeFilter", '{period: "2020"}', "division { name }", []),
    ("NoticeFilter", f'{{division: "{T1}", period: "2021"}}', "division { name }", ["甲村", "乙村"]),
    ("NoticeFilter", '{openOn: "2021-10-15"}', "division { name }", ["甲村", "乙村", "丙村"]),
    ("NoticeFilter", '{openOn: "2021-10-16"}', "division { name }", []),
    ("NoticeFilter", '{openOn: "2021-10-10"}', "division { name }", []),
    ("NoticeFilter", "{state: OBJECTED}", "division { name }", ["甲村", "乙村", "丙村"]),
    ("NoticeFilter", "{state: CLOSED}", "division { name }", []),
    ("NoticeFilter", "{state: OPEN}", "division { name }", []),
    ("NoticeFilter", "{lacksEvidence: true}", "division { name }", ["乙村"]),
    ("NoticeFilter", "{lacksEvidence: false}", "division { name }", ["甲村", "丙村"]),
    ("PublicObjectionFilter", "{pending: true}", "household", ["H2", "H5", "H7"]),
    ("PublicObjectionFilter", "{pending: false}", "household", ["H1"]),
    ("PublicObjectionFilter", f'{{division: "{V3}"}}', "household", ["H7"]),
    ("SampleFilter", '{programme: "consolidation"}', "number", [1, 2]),
    ("SampleFilter", '{programme: ""}', "number", []),
    ("SampleFilter", '{period: "2021"}', "number", [1, 2]),
    ("SampleFilter", '{period: "2020"}', "number", []),
    ("BatchFilter", '{programme: "consolidation"}', "number", [1, 2, 3]),
    ("BatchFilter", '{programme: "another"}', "number", []),
    ("BatchFilter", '{period: "2021"}', "number", [1, 2, 3]),
    ("BatchFilter", '{period: "2020"}', "number", []),
    ("PaymentLineFilter", f'{{division: "{V1}", standing: true}}', "household { number }", ["H1", "H2"]),
    ("PaymentLineFilter", f'{{division: "{V2}"}}', "household { number }", ["H5", "H5"]),
    ("PaymentLineFilter", "{standing: true}", "household { number }", ["H1", "H2", "H5", "H7"]),
    ("PaymentLineFilter", "{standing: false}", "household { number }", ["H1", "H2", "H5"]),
    ("AwardFilter", "{kind: AWARD}", "amount", ["3000.00", "2200.00", "1500.00", "50.00"]),
    ("AwardFilter", "{kind: ARREARS}", "amount", []),
    ("AwardFilter", "{kind: RECOVERY}", "open", ["-15.00"]),
    ("AwardFilter", f'{{division: "{V2}"}}', "amount", ["1500.00", "-20.00"]),
    ("AwardFilter", "{open: true}", "open", ["2200.00", "50.00", "-15.00"]),
    ("AwardFilter", "{open: false}", "amount", ["3000.00", "1500.00"]),
    ("WaitFilter", '{programme: "consolidation", period: "2021"}', "household { number }", ["H7", "H7"]),
    ("WaitFilter", '{programme: "another"}', "household { number }", []),
    ("WaitFilter", '{period: "2020"}', "household { number }", []),
    ("WaitFilter", '{line: "ZX-1"}', "place", [1, 1]),
    ("WaitFilter", '{line: "ZX-2"}', "place", []),
    ("WaitFilter", f'{{division: "{V3}", waiting: false}}', "amount", ["50.00", "50.00"]),
    ("WaitFilter", f'{{division: "{V1}"}}', "amount", []),
    ("WaitFilter", "{waiting: true}", "amount", []),
    ("MonthRunFilter", '{programme: "consolidation"}', "month", [1, 2]),
    ("MonthRunFilter", '{programme: "another"}', "month", []),
    ("MonthRunFilter", '{period: "2022"}', "reason", ["2月核定"]),
    ("MonthRunFilter", "{month: 1}", "period", ["2021"]),
    ("MonthRunFilter", "{month: 3}", "period", []),
    ("ProvisionFilter", '{programme: "consolidation"}', "state", ["PREVIEWED", "RELEASED"]),
    ("ProvisionFilter", '{programme: "another"}', "state", []),
    ("ProvisionFilter", "{state: RELEASED}", "number", ["测政办〔2021〕1号"]),
    ("ProvisionFilter", "{state: PREVIEWED}", "number", ["测政办〔2021〕9号"]),
    ("ProvisionFilter", "{state: DRAFT}", "number", []),
    ("JobFilter", "{state: [QUEUED]}", "kind", ["export/notice"]),
    ("JobFilter", "{state: [QUEUED, REFUSED]}", "kind", ["export/notice", "income"]),
    ("JobFilter", "{state: []}", "kind", []),
    ("JobFilter", "{state: [RUNNING, FAILED]}", "kind", []),
    ("JobFilter", "{mine: true}", "kind", ["account"]),
    ("JobFilter", "{mine: false, state: [QUEUED]}", "kind", ["export/notice"]),
    ("AuditFilter", '{action: "export_payments"}', "officer { number }", ["FI"]),
    ("AuditFilter", '{action: "nothing"}', "officer { number }", []),
    ("AuditFilter", '{since: "2021-10-28T00:00:00+08:00", action: "export_payments"}', "reason", ["报送"]),
    ("AuditFilter", '{until: "2021-10-27T16:00:00Z", action: "export_payments"}', "reason", []),
)


@pytest.mark.parametrize("kind", REACHED)
async def test_a_filter_finds_exactly_what_meets_it(county: Served, kind: str) -> None:
    cases = [(given, leaf, sorted(expected)) for own, given, leaf, expected in FILTERS if own == kind]
    found = await together(filtered(county, kind, given, leaf) for given, leaf, _ in cases)
    for (given, _, expected), own in zip(cases, found, strict=True):
        assert own == expected, given


async def filtered(served: Served, kind: str, given: str, leaf: str, number: str = "C1") -> list[Any]:
    """The values of one field of everything that a filter lets through, sorted; they are as many as it counts."""
    data = (await served.ask(number, reaching(kind, given, f"totalCount nodes {{ {leaf} }}"))).data
    found = leaves(data)
    assert sum(own.get("totalCount", 0) for own in objects(data)) == len(found)
    return sorted(found)


async def test_samples_and_the_audit_record_are_filtered_as_plain_sql_would(county: Served) -> None:
    for given, condition in (
        ("{drawn: true}", "drawn"), ("{drawn: false}", "not drawn"), ("{passed: true}", "passed"),
        ("{passed: false}", "passed is false"), ("{drawn: true, passed: true}", "drawn and passed"),
    ):  # fmt: skip
        expected = await column(
            county,
            "select h.number from sample_unit u join case_file c on c.id = u.case_id"
            f" join household h on h.id = c.household_id where {condition} order by 1",
        )
        assert await filtered(county, "SampleUnitFilter", given, "case { household { number } }") == expected, given
    (batch,) = await column(county, "select 'batch/' || id from payment_batch where released_at is not null")
    expected = await column(county, "select action from audit_entry where object = :o order by 1", o=batch)
    assert len(expected) >= 3
    assert await filtered(county, "AuditFilter", f'{{object: "{batch}"}}', "action") == expected
    own = "select a.action from audit_entry a join officer o on o.id = a.officer_id where o.number = 'FI' order by 1"
    assert await filtered(county, "AuditFilter", '{officer: "FI"}', "action") == await column(county, own) != []
    assert await filtered(county, "AuditFilter", '{officer: "nobody"}', "action") == []
    (at, _) = await column(county, "select at from audit_entry where action = 'draw_sample' order by at")
    for word, sign in (("since", ">="), ("until", "<=")):
        (total,) = await column(county, f"select count(*) from audit_entry where at {sign} :at", at=at)
        document = f'{{ audit(filter: {{{word}: "{at.isoformat()}"}}) {{ totalCount }} }}'
        assert (await county.ask("C1", document)).data["audit"]["totalCount"] == total > 0


FILTER_FIELDS = [
    (kind.name, name)
    for kind in SCHEMA.type_map.values()
    if isinstance(kind, GraphQLInputObjectType) and kind.name.endswith("Filter")
    for name in kind.fields
]


def test_every_field_of_every_filter_is_tried() -> None:
    tried = {(kind, name) for kind, given, _, _ in FILTERS for name in re.findall(r"(\w+):", given)}
    by_sql = {("SampleUnitFilter", "drawn"), ("SampleUnitFilter", "passed")}
    by_sql |= {("AuditFilter", "object"), ("AuditFilter", "officer")}
    assert (tried | by_sql) >= set(FILTER_FIELDS)
    assert set(REACHED) == {kind for kind, _ in FILTER_FIELDS}


@pytest.mark.parametrize("kind", REACHED)
async def test_null_in_a_filter_is_refused_by_name(county: Served, kind: str) -> None:
    variable = f"query($given: {kind}) {reaching(kind, '$given', 'totalCount')}"
    for name in (name for own, name in FILTER_FIELDS if own == kind):
        literal = reaching(kind, f"{{{name}: null}}", "nodes { id }")
        message = f"`filter.{name}` is null; leave it out to filter by something else."
        await all_refused(county, [(literal, {}), (variable, {"given": {name: None}})], message)


@pytest.mark.parametrize("kind", REACHED)
async def test_a_filter_that_says_nothing_lets_everything_through(county: Served, kind: str) -> None:
    document = f"query($given: {kind}) {reaching(kind, '$given', 'totalCount')}"
    said: tuple[dict[str, Any], ...] = ({}, {"given": None}, {"given": {}})
    without, null, empty = await together(county.ask("C1", document, **own) for own in said)
    assert without.data == null.data == empty.data
    assert sum(own.get("totalCount", 0) for own in objects(without.data)) >= 2


async def test_a_division_outside_ones_area_holds_nothing(county: Served) -> None:
    for kind, leaf in (
        ("HouseholdFilter", "number"), ("PersonFilter", "name"), ("IncomeFilter", "item"), ("CaseFilter", "id"),
        ("NoticeFilter", "id"),
    ):  # fmt: skip
        for code in (V2, V3, T2):
            assert await filtered(county, kind, f'{{division: "{code}"}}', leaf, "VC1") == [], (kind, code)
        inside = await filtered(county, kind, f'{{division: "{V1}"}}', leaf, "VC1")
        assert inside
        assert await filtered(county, kind, f'{{division: "{BASE}"}}', leaf, "VC1") == inside
    for given in ('{number: ["H5"]}', '{head: "测5户主"}'):
        assert await filtered(county, "HouseholdFilter", given, "number", "VC1") == []
    assert await filtered(county, "CaseFilter", '{household: ["H5", "H1"]}', "household { number }", "VC1") == ["H1"]
    number = f'{{identityNumber: "{identity(4 * 7 + 1)}"}}'
    assert await filtered(county, "PersonFilter", number, "name", "VC1") == []
    assert await filtered(county, "PersonFilter", number, "name", "VC2") == ["测5户主"]


IDENTITIES = {
    f"测{home.number[1:]}{who}": identity(index * 7 + offset)
    for index, home in enumerate(HOMES)
    for who, offset in (("户主", 1), ("配偶", 501))
}


async def test_an_identity_number_finds_exactly_its_person_and_comes_out_masked(county: Served) -> None:
    async def found(number: str) -> list[Any]:
        return await filtered(county, "PersonFilter", f"{{identityNumber: {json.dumps(number)}}}", "name")

    assert sum(number.endswith("X") for number in IDENTITIES.values()) == 4
    assert await together(map(found, IDENTITIES.values())) == [[name] for name in IDENTITIES]
    name, number = next(own for own in IDENTITIES.items() if own[1].endswith("X"))
    for written in (number.lower(), number[:6] + number[8:17], f" {number[:6]} {number[6:14]}-{number[14:]} "):
        assert await found(written) == [name], written
    wrong = [
        "", "X", number[:-1], number[:15], number + "0", number[:-1] + "0", identity(2), name, "*" * 18, "%",
        "9" * 5000, f"{number[:3]}{'*' * 13}{number[-2:]}", "٩" * 18, number.replace("1980", "1879"),
        number.replace("1980", "1981"),
    ]  # fmt: skip
    assert await together(map(found, wrong)) == [[]] * len(wrong)
    shown = (await county.ask("C1", "{ persons { nodes { name identityNumberMasked } } }")).data["persons"]["nodes"]
    masked = {own: f"{number[:3]}{'*' * 13}{number[-2:]}" for own, number in IDENTITIES.items()}
    assert {own["name"]: own["identityNumberMasked"] for own in shown} == masked


# --- objects by their ids -------------------------------------------------------------------------------------

NOT_RUN = {
    f"{award}{kind}" for award in ("PlannedExit", "FiveStar", "Leading") for kind in ("Case", "Determination")
} | {"Participant"}
"""The types of the awards that this county does not run, and who takes part in their cases."""
TYPES = sorted({kind.name for kind in SCHEMA.get_possible_types(SCHEMA.type_map["Node"])} - NOT_RUN)  # type: ignore[arg-type]
EVERY_ID = """{
  divisions { nodes { ...N } }
  organizations { nodes { ...N } }
  officers(first: 100) { nodes { ...N assignments { ...N } } }
  pairings { nodes { ...N } }
  helpers { nodes { ...N } }
  needs { nodes { ...N } }
  agreements { nodes { ...N signatures { ...N } plan { ...N } obstacles { ...N } reviews { ...N } } }
  deliveries { nodes { ...N answers { ...N } persons { ...N } } }
  supportBases { nodes { ...N subsidies { ...N } assessments { ...N findings { ...N } } } }
  handouts { nodes { ...N } }
  handoutBatches { nodes { ...N } }
  households { nodes { ...N members { ...N } standings { ...N } account { ...N } linkedCadre { ...N } } }
  persons { nodes { ...N } }
  schooling { nodes { ...N } }
  discrepancies { nodes { ...N } }
  circumstances { nodes { ...N } }
  income { nodes { ...N } }
  attestations { nodes { ...N answer { ...N } } }
  cases { nodes { ...N determinations { ...N } events { ...N } signatures { ...N } objections { ...N } } }
  awards { nodes { ...N repayments { ...N } setoffs { ...N } } }
  monthRuns { nodes { ...N } }
  notices { nodes { ...N entries { nodes { ...N } } evidence { ...N } publication { ...N objections { ...N } } } }
  samples { nodes { ...N units { nodes { ...N } } } }
  batches { nodes { ...N files { ...N } lines { nodes { ...N arrival { ...N } returned { ...N } } } } }
  budgetLines { nodes { ...N entries { ...N } } }
  bankTemplates { nodes { ...N } }
  waits { nodes { ...N } }
  provisions { nodes { ...N previews { ...N } } }
  policyRules { nodes { ...N } }
  audit(first: 100) { nodes { ...N } }
  jobs { nodes { ...N file { ...N } } }
}
fragment N on Node { __typename id }"""
NODE = "query($id: ID!) { node(id: $id) { __typename id } }"
NODES = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"


@pytest.fixture(scope="module")
async def ids(county: Served) -> dict[str, list[str]]:
    """The ids of what there is, by type."""
    found: dict[str, list[str]] = {}
    for own in objects((await county.ask("C1", EVERY_ID)).data):
        if "id" in own:
            found.setdefault(own["__typename"], []).append(own["id"])
    return found


async def test_every_kind_of_object_is_found_again_by_its_id(county: Served, ids: dict[str, list[str]]) -> None:
    assert sorted(ids) == TYPES
    everything = [one for own in ids.values() for one in own]
    assert len(set(everything)) == len(everything)
    expected = [[{"__typename": kind, "id": one} for one in own[:100]] for kind, own in ids.items()]
    found = await together(county.ask("C1", NODE, id=own[0]) for own in ids.values())
    assert [own.data["node"] for own in found] == [own[0] for own in expected]
    found = await together(county.ask("C1", NODES, ids=own[:100]) for own in ids.values())
    assert [own.data["nodes"] for own in found] == expected


async def test_nodes_keeps_the_order_in_a_statement_for_each_type(county: Served, ids: dict[str, list[str]]) -> None:
    kinds = list(ids.values())
    # As many of each as go in one request.
    for half in (kinds[: len(kinds) // 2], kinds[len(kinds) // 2 :]):
        mixed = [own[number % len(own)] for number in range(2) for own in half]
        mixed = ["nonsense", *reversed(mixed), mixed[0], "nonsense"]
        with counted(county) as seen:
            found = (await county.ask("C1", NODES, ids=mixed)).data["nodes"]
        assert [node and node["id"] for node in found] == [None, *mixed[1:-1], None]
        assert len(seen) == OPENING + len(half)
    assert (await county.ask("C1", NODES, ids=[])).data["nodes"] == []
    hundred = ids["Household"][:1] * 100
    assert len((await county.ask("C1", NODES, ids=hundred)).data["nodes"]) == 100
    refused(await county.ask("C1", NODES, ids=[*hundred, "x"]))


async def test_what_is_no_id_finds_nothing(county: Served, ids: dict[str, list[str]]) -> None:
    known = ids["Household"][0]
    key = key_of(known)
    wrong = [
        "", " ", "x", "é", "中文", "null", known[:-1], known + "A", known * 2, known + "=", key,
        *map(packed, [
            "", ":", "Household", "Household:", f":{key}", f"household:{key}", f"Person:{key}", f"Officer:{key}",
            f"ConsolidationCase:{key}", f"Node:{key}", f"Query:{key}", f"Household:{key}:", f"Household:{key.upper()}",
            f"Household:{{{key}}}", f"Household:{key.replace('-', '')}", f"Household:{ID}", "Household:H1",
            "Household:\0", "Household:'; drop table household; --", "Household:" + "9" * 10_000, f"Division:{key}",
            "Division:0", "Division:x", f"Division:{10**30}", f"Division: {V1}", f"Division:0{V1}", f"Division:-{V1}",
        ]),
    ]  # fmt: skip
    assert (await county.ask("C1", NODES, ids=wrong)).data["nodes"] == [None] * len(wrong)
    for one in wrong[:12]:
        assert (await county.ask("C1", NODE, id=one)).data == {"node": None}


async def test_what_is_out_of_sight_is_no_object(county: Served, ids: dict[str, list[str]]) -> None:
    tables = {
        "Household": "household", "Person": "person", "IncomeLine": "income_line", "Member": "membership",
        "ConsolidationCase": "case_file", "ConsolidationDetermination": "determination", "CaseEvent": "case_event",
        "Notice": "notice", "NoticeEntry": "notice_entry", "SampleUnit": "sample_unit", "Award": "entitlement",
        "NoticeEvidence": "notice_evidence", "Publication": "publication", "PublicObjection": "public_objection",
    }  # fmt: skip
    for kind, table in tables.items():
        asked = ids[kind][:100]
        inside = {str(key) for key in await column(county, f"select id from {table} where division = :v", v=V3)}
        found = (await county.ask("K2", NODES, ids=asked)).data["nodes"]
        assert [node and node["id"] for node in found] == [one if key_of(one) in inside else None for one in asked], (
            kind
        )
        assert 0 < sum(node is not None for node in found) < len(asked), kind
    for kind in ("PaymentBatch", "Sample", "File", "Job"):
        assert (await county.ask("K2", NODES, ids=ids[kind])).data["nodes"] == [None] * len(ids[kind])


async def test_a_type_that_a_role_may_not_read_is_no_object_for_it(county: Served, ids: dict[str, list[str]]) -> None:
    first = {kind: own[0] for kind, own in ids.items()}
    (own,) = await column(county, "select organization_id from officer where number = 'E1'")
    tables = {
        "Pairing": "pairing", "Helper": "helper", "Agreement": "pairing_agreement", "PlanLine": "plan_line",
        "AgreementSignature": "agreement_signature", "Obstacle": "obstacle", "Delivery": "delivery",
        "DeliveryAnswer": "delivery_answer", "PairingReview": "pairing_review", "SupportBase": "support_base",
        "BaseAssessment": "base_assessment", "BaseFinding": "base_finding", "BaseSubsidy": "base_subsidy",
    }  # fmt: skip
    mine = {"Division", "Need"} | ({"Organization"} if key_of(first["Organization"]) == str(own) else set())
    for kind, table in tables.items():
        ours = await column(county, f"select id from {table} where organization_id = :own", own=own)
        assert ours
        mine |= {kind} if key_of(first[kind]) in map(str, ours) else set()
    money = {
        "BankTemplate", "BudgetEntry", "BudgetLine", "PaymentArrival", "PaymentBatch", "PaymentFile", "PaymentLine",
        "PaymentReturn", "PaymentSetoff", "PaymentWait", "Repayment",
    }  # fmt: skip
    bases = {"SupportBase", "BaseAssessment", "BaseFinding", "BaseSubsidy", "Handout", "HandoutBatch"}
    for number, seen in (("E1", mine), ("R2", {*TYPES} - money - bases - {"AuditEntry", "PublicObjection"})):
        found = (await county.ask(number, NODES, ids=list(first.values()))).data["nodes"]
        assert {node["__typename"] for node in found if node} == seen
    for number, kind in (("K1", "AuditEntry"), ("L1", "PaymentLine"), ("E1", "ConsolidationCase"), ("E1", "Household")):
        assert (await county.ask(number, NODE, id=first[kind])).data == {"node": None}
        # With a field of it, it is a document that the role may never send.
        document = f"query($id: ID!) {{ node(id: $id) {{ ... on {kind} {{ id }} }} }}"
        answer = await county.ask(number, document, id=first[kind])
        assert (answer.codes, "data" in answer.body) == (["FORBIDDEN"], False)


# --- documents ------------------------------------------------------------------------------------------------


def yuan(fen: int) -> str:
    return f"{fen / 100:.2f}"


async def test_fragments_on_an_interface_on_its_types_and_on_node_come_together(county: Served) -> None:
    document = """{ cases(first: 100) { __typename nodes {
      __typename
      ... on ConsolidationCase { stage stated { projects __typename } ...Facts }
      ... on Case { stageCode household { __typename number } determination { outcome ...Payable } }
      ... on Node { id kind: __typename ... on Case { determination { madeBy { number } } } }
      ... on ConsolidationCase { ... on Case { ... on Node { same: id } } determination { findings { award } } }
      determination { madeBy { __typename } }
    } } }
    fragment Facts on ConsolidationCase { determination { __typename facts { exitYear } facts { breeding } } }
    fragment Payable on Determination { payable ... on ConsolidationDetermination { facts { standing } } }"""
    found = (await county.ask("C1", document)).data["cases"]
    assert found["__typename"] == "CaseConnection"
    shown = {own["household"]["number"]: own for own in found["nodes"]}
    assert sorted(shown) == NUMBERS
    for home in HOMES:
        own, stage = shown[home.number], STAGES[home.number]
        assert own.pop("id") == own.pop("same")
        findings = own["determination"].pop("findings")
        assert own == {
            "__typename": "ConsolidationCase", "kind": "ConsolidationCase", "stage": stage, "stageCode": stage.lower(),
            "stated": {"projects": ["SMALL_BREEDING"], "__typename": "ConsolidationStated"},
            "household": {"__typename": "Household", "number": home.number},
            "determination": {
                "__typename": "ConsolidationDetermination",
                "outcome": home.outcome.upper(), "payable": yuan(home.award),
                "facts": {
                    "exitYear": int(home.exit_year) if home.exit_year else None,
                    "breeding": f"{dict(home.income).get('养殖', '0')}.00",
                    "standing": "POOR" if home.standing == "贫困户" else "EXITED",
                },
                "madeBy": {"__typename": "Officer", "number": "C1"},
            },
        }  # fmt: skip
        assert home.outcome != "eligible" or findings == {"award": yuan(home.award)}


async def test_fields_that_are_selected_twice_are_merged_however_deep(county: Served) -> None:
    document = """{ households(orderBy: NUMBER) { ...A ...B } }
    fragment A on HouseholdConnection { nodes { ...Home } edges { node { head { relation } } } }
    fragment B on HouseholdConnection { __typename edges { __typename node { number ...Head } } ...C }
    fragment C on HouseholdConnection { nodes { head { since } } }
    fragment Home on Household { ...Head income(first: 1) { totalCount } income(first: 1) { pageInfo { hasNextPage } } }
    fragment Head on Household { head { person { name } ...Person } head { person { sex } } }
    fragment Person on Member { __typename person { __typename birthYear } ... on Node { person: person { name } } }"""
    refused_by_schema = await county.ask("C1", document)
    assert refused_by_schema.codes == ["GRAPHQL_VALIDATION_FAILED"], "Node has no person"
    document = document.replace("... on Node { person: person { name } }", "... on Member { person: person { name } }")
    found = (await county.ask("C1", document)).data["households"]
    assert found["__typename"] == "HouseholdConnection"
    for home, node, edge in zip(HOMES, found["nodes"], found["edges"], strict=True):
        number = IDENTITIES[f"测{home.number[1:]}户主"]
        person = {
            "__typename": "Person", "name": f"测{home.number[1:]}户主", "birthYear": 1980,
            "sex": "MALE" if int(number[16]) % 2 else "FEMALE",
        }  # fmt: skip
        lines = len(home.income) + (home.number == "H6")
        head = {"__typename": "Member", "person": person}
        assert node == {
            "head": {**head, "since": "2021-01-20"},
            "income": {"totalCount": lines, "pageInfo": {"hasNextPage": lines > 1}},
        }  # fmt: skip
        assert edge == {
            "__typename": "HouseholdEdge", "node": {"number": home.number, "head": {**head, "relation": "HEAD"}},
        }  # fmt: skip


async def test_what_is_skipped_or_not_included_is_neither_answered_nor_read(county: Served) -> None:
    document = """query($yes: Boolean!, $no: Boolean! = false) { households(orderBy: NUMBER, first: 1) {
      totalCount @include(if: $no)
      nodes {
        number @include(if: $yes) group @skip(if: $yes)
        ... on Household @include(if: $no) { members { id } }
        ...Cases @skip(if: $yes)
        ... @skip(if: $no) { division @include(if: $yes) @skip(if: $no) { name } }
        account @include(if: $yes) @skip(if: $yes) { bank }
        income(first: 1) @include(if: $no) { totalCount }
      }
    } }
    fragment Cases on Household { cases { id } }"""
    with counted(county) as seen:
        found = (await county.ask("C1", document, yes=True)).data["households"]
    assert found == {"nodes": [{"number": "H1", "division": {"name": "甲村"}}]}
    assert len(seen) == OPENING + 2
    with counted(county) as seen:
        (node,) = (await county.ask("C1", document, yes=False)).data["households"]["nodes"]
    assert sorted(node) == ["cases", "group"]
    assert len(seen) == OPENING + 2
    (node,) = (await county.ask("C1", document, yes=True, no=True)).data["households"]["nodes"]
    assert sorted(node) == ["income", "members", "number"]


async def test_one_field_with_different_arguments_under_different_names(county: Served) -> None:
    document = """query($one: Int, $kind: IncomeCategory!) { households(filter: {number: ["H1"]}) { nodes {
      income { totalCount }
      income { nodes { id } }
      first: income(first: $one) { nodes { gross } pageInfo { hasNextPage } }
      last: income(last: 1) { nodes { gross } }
      none: income(first: 0) { totalCount }
      breeding: income(filter: {category: BREEDING}) { totalCount nodes { gross } }
      labour: income(filter: {category: $kind}) { totalCount nodes { gross } }
    } } }"""
    (found,) = (await county.ask("C1", document, one=1, kind="LABOUR")).data["households"]["nodes"]
    lines = await column(
        county,
        "select gross_fen from income_line l join household h on h.id = l.household_id"
        " where h.number = 'H1' and l.known_to is null order by l.day, l.id",
    )
    assert sorted(lines) == [400_000, 800_000, 2_000_000]
    assert (found["income"]["totalCount"], len(found["income"]["nodes"])) == (3, 3)
    assert found["first"] == {"nodes": [{"gross": yuan(lines[0])}], "pageInfo": {"hasNextPage": True}}
    assert found["last"] == {"nodes": [{"gross": yuan(lines[-1])}]}
    assert found["none"] == {"totalCount": 3}
    assert found["breeding"] == {"totalCount": 1, "nodes": [{"gross": "8000.00"}]}
    assert found["labour"] == {"totalCount": 1, "nodes": [{"gross": "20000.00"}]}


async def test_one_object_under_two_names_may_be_asked_for_different_pages(county: Served) -> None:
    document = """{ households(filter: {number: ["H1"]}) {
      nodes { page: income(first: 1) { nodes { id } } }
      again: nodes { page: income(first: 3) { nodes { id } } }
      edges { node { page: income(last: 2) { nodes { id } } } }
      mine: nodes { a: division { ...One } b: division { households { nodes { number } } } c: division { ...Same } }
    } }
    fragment One on Division { households(first: 1) { nodes { number } } }
    fragment Same on Division { households(first: 1) { edges { node { head { relation } } } totalCount } }"""
    found = (await county.ask("C1", document)).data["households"]
    sql = "from income_line l join household h on h.id = l.household_id where h.number = 'H1' order by l.day, l.id"
    lines = [str(key) for key in await column(county, f"select l.id {sql}")]
    pages = (found["nodes"][0], found["again"][0], found["edges"][0]["node"])
    assert [[key_of(one) for one in leaves(own)] for own in pages] == [lines[:1], lines, lines[1:]]
    village = await column(county, "select number from household where division = :v order by id", v=V1)
    (mine,) = found["mine"]
    assert (leaves(mine["a"]), leaves(mine["b"])) == (village[:1], village)
    assert mine["c"] == {"households": {"edges": [{"node": {"head": {"relation": "HEAD"}}}], "totalCount": 4}}


async def test_a_field_may_be_named_like_another_one(county: Served) -> None:
    document = """{ households(filter: {number: ["H1"]}) { nodes: edges { cursor: node {
      id: number number: income(first: 1) { totalCount } head: division { name: code } division: head { name: relation }
    } } } }"""
    (found,) = (await county.ask("C1", document)).data["households"]["nodes"]
    assert found == {
        "cursor": {"id": "H1", "number": {"totalCount": 3}, "head": {"name": str(V1)}, "division": {"name": "HEAD"}}
    }


async def test_objects_of_many_types_are_asked_for_at_once(county: Served, ids: dict[str, list[str]]) -> None:
    kinds = ("Household", "Person", "ConsolidationCase", "Division", "Notice", "ConsolidationDetermination")
    document = """query($ids: [ID!]!) { nodes(ids: $ids) {
      __typename
      ... on Household { name: number page: income(first: 1) { totalCount } }
      ... on Person { name }
      ...Case
      ... on Division { name page: households(first: 1) { totalCount } }
      ... on Notice { name: place page: entries(first: 1) { totalCount } ...Thing }
      ... on Determination { ... on ConsolidationDetermination { facts { exitYear } } round }
    } }
    fragment Case on Case { household { number } ... on ConsolidationCase { stage } }
    fragment Thing on Node { id }"""
    found = (await county.ask("C1", document, ids=[ids[kind][0] for kind in kinds])).data["nodes"]
    assert [node["__typename"] for node in found] == list(kinds)
    assert [sorted(node) for node in found] == [
        ["__typename", "name", "page"], ["__typename", "name"], ["__typename", "household", "stage"],
        ["__typename", "name", "page"], ["__typename", "id", "name", "page"], ["__typename", "facts", "round"],
    ]  # fmt: skip
    number = found[0]["name"]
    home = next(own for own in HOMES if own.number == number)
    assert found[0]["page"]["totalCount"] == len(home.income) + (number == "H6")
    assert found[2]["stage"] == STAGES[found[2]["household"]["number"]]
    assert (found[3]["name"], found[3]["page"]["totalCount"]) == ("测试县", 0)
    assert (found[4]["id"], found[4]["page"]["totalCount"]) == (ids["Notice"][0], 2)


# --- nested pages ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", NESTED)
async def test_every_parent_has_its_own_page(county: Served, field: str) -> None:
    parents, sql = NESTED[field]
    children: dict[str, list[str]] = {}
    for parent, child in await county.world.rows(f"select {sql}"):
        children.setdefault(str(parent), []).append(str(child))
    assert len({len(own) for own in children.values()}) >= 2
    for window, start, stop in (
        ("first: 1", 0, 1), ("first: 2", 0, 2), ("last: 1", -1, None), ("last: 2", -2, None), ("first: 100", 0, 100),
    ):  # fmt: skip
        selection = (
            "totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { id } }"
        )
        with counted(county) as seen:
            document = f"{{ {parents}(first: 100) {{ nodes {{ id page: {field}({window}) {{ {selection} }} }} }} }}"
            found = (await county.ask("C1", document)).data[parents]["nodes"]
        assert len(seen) == OPENING + 3
        assert {key_of(own["id"]) for own in found} >= set(children)
        for own in found:
            expected = children.get(key_of(own["id"]), [])
            edges, info = own["page"]["edges"], own["page"]["pageInfo"]
            assert [key_of(edge["node"]["id"]) for edge in edges] == expected[start:stop]
            assert own["page"]["totalCount"] == len(expected)
            more = len(expected) > len(edges)
            assert (info["hasNextPage"], info["hasPreviousPage"]) == (
                (False, more) if "last" in window else (more, False)
            )
            ends = [edges[0]["cursor"], edges[-1]["cursor"]] if edges else [None, None]
            assert [info["startCursor"], info["endCursor"]] == ends


@pytest.mark.parametrize("field", NESTED)
async def test_a_nested_list_is_paged_through_from_either_end(county: Served, field: str) -> None:
    parents, sql = NESTED[field]
    rows = await county.world.rows(f"select {sql}")
    parent = Counter(str(row[0]) for row in rows).most_common(1)[0][0]
    expected = [str(child) for own, child in rows if str(own) == parent]
    assert len(expected) >= 2
    document = f"{{ {parents}(first: 100) {{ nodes {{ __typename id }} }} }}"
    listed = (await county.ask("C1", document)).data[parents]["nodes"]
    kind, one = next((own["__typename"], own["id"]) for own in listed if key_of(own["id"]) == parent)
    head = "$id: ID!, $first: Int, $after: String, $last: Int, $before: String"
    window = "first: $first, after: $after, last: $last, before: $before"
    selection = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor } nodes { id }"
    inner = f"... on {kind} {{ page: {field}({window}) {{ {selection} }} }}"
    document = f"query({head}) {{ node(id: $id) {{ {inner} }} }}"
    for size, side, cursor, more in (
        ("first", "after", "endCursor", "hasNextPage"), ("last", "before", "startCursor", "hasPreviousPage"),
    ):  # fmt: skip
        found: list[str] = []
        given: dict[str, Any] = {size: 1}
        while len(found) < len(expected):
            own = (await county.ask("C1", document, id=one, **given)).data["node"]["page"]
            keys = [key_of(node["id"]) for node in own["nodes"]]
            found = [*found, *keys] if size == "first" else [*keys, *found]
            assert own["pageInfo"][more] is (len(found) < len(expected))
            given[side] = own["pageInfo"][cursor]
        assert found == expected


# --- every field ----------------------------------------------------------------------------------------------


def selecting(kind: GraphQLObjectType, relations: bool) -> str:
    """A selection of every field of a type, or of every one that leads to other objects."""
    selected = []
    for name, field in kind.fields.items():
        leads = get_named_type(field.type)
        if any(is_required_argument(argument) for argument in field.args.values()):
            continue
        if is_leaf_type(leads):
            selected += [] if relations else [name]
        elif leads.name.endswith("Connection"):
            selected.append(f"{name} {{ totalCount nodes {{ id }} }}")
        elif isinstance(leads, GraphQLObjectType | GraphQLInterfaceType) and "id" in leads.fields:
            selected.append(f"{name} {{ id }}")
        elif not relations:
            selected.append(f"{name} {{ __typename }}")
    return " ".join(selected)


@pytest.mark.parametrize("name", TYPES)
async def test_every_field_of_every_type_answers_and_every_relation_takes_a_statement(
    county: Served, ids: dict[str, list[str]], name: str
) -> None:
    kind = SCHEMA.type_map[name]
    assert isinstance(kind, GraphQLObjectType)
    document = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename ... on %s { %s } } }"
    asked = ids[name][:100]
    found = (await county.ask("C1", document % (name, selecting(kind, relations=False)), ids=asked)).data["nodes"]
    assert [node["id"] for node in found] == asked
    relations = selecting(kind, relations=True)
    empty = {key for key in found[0] if all(node[key] is None for node in found)}
    with counted(county) as seen:
        assert (await county.ask("C1", document % (name, relations or "id"), ids=asked)).data
    most = relations.count("{ id }") + relations.count("totalCount")
    assert OPENING + 1 + most - len(empty) <= len(seen) <= OPENING + 1 + most
    assert max(Counter(seen.seen).values()) <= 2 + relations.count("{ id }"), "no statement a row"


# --- statements -----------------------------------------------------------------------------------------------

DEEP = """query($filter: HouseholdFilter, $first: Int) { households(filter: $filter, first: $first) { nodes {
  number
  members { relation person { name } }
  cases {
    stageCode stageTitle waitsFor deadline overdue
    determination { outcome ... on ConsolidationDetermination { facts { standing } } }
    events { title officer { name } }
    notice { place entries(first: 3) { totalCount nodes { amount case { household { number } } } } }
    receipt { summary lines { says } history { act } }
  }
} } }"""
DEEP_STATEMENTS = {
    "opening": OPENING,
    "households, members, persons, cases": 4,
    "stages: the periods of the programmes and the calendar; the cases, the villages, the notices, the samples, "
    "and who had a hand in them": 7,
    "determinations": 1,
    "events, officers": 2,
    "notices, their entries, how many, the cases and the households on them": 5,
    "receipts: the cases, what was decided, what happened": 3,
}
"""What the deep document takes, for any number of households."""


async def test_a_deep_document_takes_as_many_statements_for_one_household_as_for_a_hundred(served: Served) -> None:
    world = served.world

    async def count(**variables: Any) -> tuple[int, int, int]:
        with counted(served) as seen:
            nodes = (await served.ask("C1", DEEP, **variables)).data["households"]["nodes"]
        cases = [case for node in nodes for case in node["cases"]]
        for case in cases:
            assert case["receipt"]["lines"]
            assert case["events"]
        repeated = {sql: times for sql, times in Counter(seen.seen).items() if times > 1 and "set_config" not in sql}
        assert max(repeated.values(), default=1) <= 2, repeated
        return len(seen), len(nodes), len(cases)

    await world.until("acceptance")
    await served.day(world.today)
    expected = sum(DEEP_STATEMENTS.values())
    assert await count(filter={"number": ["H1"]}) == (expected, 1, 1)
    assert await count(first=100) == (expected, 8, 8)


async def test_and_for_a_county_of_a_hundred_and_twenty_more(served: Served) -> None:
    world = served.world
    await larger(world)
    world.today = FEBRUARY
    clean(await world.plan("L1", *(home.number for home in MORE)))
    await world.until("acceptance")
    await served.day(world.today)
    expected = sum(DEEP_STATEMENTS.values())
    for variables, size in (
        ({"filter": {"number": ["N000"]}}, 1), ({"filter": {"division": str(V1)}, "first": 50}, 50),
        ({"first": 100}, 100),
    ):  # fmt: skip
        with counted(served) as seen:
            found = (await served.ask("C1", DEEP, **variables)).data["households"]["nodes"]
        assert (len(seen), len(found)) == (expected, size)
    whole = (await served.ask("C1", "{ notices { nodes { entries(first: 100) { totalCount nodes { id } } } } }")).data
    assert sorted(own["totalCount"] for own in objects(whole) if "totalCount" in own) == [1, 1, 122]
    assert len(leaves(whole)) == 102


# --- one state ------------------------------------------------------------------------------------------------

TWICE = """{ a: household(number: "H1") { group } b: household(number: "H1") { group }
  households(filter: {number: ["H1"]}) { nodes { group } } }"""


async def changed_meanwhile(served: Served) -> tuple[list[Any], set[tuple[str, str]]]:
    """What a request reads of a household that somebody else moves to another group after its first look, and how its
    transaction is set."""
    world, engine = served.world, served.world.database.app.sync_engine
    state: set[tuple[str, str]] = set()

    async def change() -> None:
        async with world.database.session(world.who("C1").scope) as session:
            await session.execute(text("update household set group_name = group_name || '改' where number = 'H1'"))

    def look(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if state or "FROM household" not in statement:
            return
        settings = "select current_setting('transaction_isolation'), current_setting('transaction_read_only')"
        state.add(tuple(connection.exec_driver_sql(settings).one()))
        await_only(change())

    event.listen(engine, "after_cursor_execute", look)
    answer = await served.ask("C1", TWICE)
    event.remove(engine, "after_cursor_execute", look)
    return leaves(answer.data), state


async def test_one_request_reads_one_state_and_can_change_nothing(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await changed_meanwhile(served) == (["一组"] * 3, {("repeatable read", "on")})
    assert leaves((await served.ask("C1", TWICE)).data) == ["一组改"] * 3
    # The planted twin: without it, the request would have seen half of each.
    monkeypatch.setattr(sessions, "_READING", {"isolation_level": "READ COMMITTED"})
    assert await changed_meanwhile(served) == (["一组改", "一组改改", "一组改改"], {("read committed", "off")})


# --- who sees what --------------------------------------------------------------------------------------------

FORBIDDEN = "FORBIDDEN"


def incomes(own: list[str]) -> int:
    return sum(len(home.income) for home in HOMES if home.number in own) + ("H6" in own)


def _sight(own: list[str], notices: int, **more: Any) -> dict[str, Any]:
    counts = {"households": len(own), "persons": 2 * len(own), "cases": len(own), "income": incomes(own)}
    return {**counts, "notices": notices, "officers": 23, "divisions": 6, "provisions": 2, "audit": FORBIDDEN, **more}


V1_HOMES = homes(lambda home: home.village == "甲村")
V3_HOMES = homes(lambda home: home.village == "丙村")
T1_HOMES = homes(lambda home: home.township == "东镇")
NOTHING = dict.fromkeys(_sight([], 0), FORBIDDEN)
SIGHT: dict[str, dict[str, Any]] = {
    "VC1": _sight(V1_HOMES, 1, pairings=1, jobs=1, batches=0, samples=0),
    "L1": _sight(V1_HOMES, 1, pairings=FORBIDDEN, jobs=0, batches=FORBIDDEN, samples=0),
    "K1": _sight(T1_HOMES, 2, pairings=1, jobs=1, batches=0, samples=0),
    "K2": _sight(V3_HOMES, 1, pairings=1, jobs=0, batches=0, samples=0),
    "R2": _sight(NUMBERS, 3, pairings=2, batches=FORBIDDEN, samples=2),
    "FI": _sight(NUMBERS, 3, batches=3, samples=2),
    "C1": {**_sight(NUMBERS, 3, batches=3, samples=2), "audit": None},
    "E1": {
        **NOTHING,
        "divisions": 6,
        "officers": 1,
        "pairings": 1,
        "organizations": 1,
        "jobs": 0,
        "batches": FORBIDDEN,
        "samples": FORBIDDEN,
    },
}


@pytest.mark.parametrize("number", SIGHT)
async def test_everybody_sees_the_own_area_and_what_the_duty_allows(county: Served, number: str) -> None:
    (jobs,) = await column(county, "select count(*) from job")
    (entries,) = await column(county, "select count(*) from audit_entry")
    assert (jobs, entries > 10) == (14, True)
    sight = {"jobs": jobs} | SIGHT[number]
    asked = (county.ask(number, f"{{ {field}(first: 100) {{ totalCount nodes {{ id }} }} }}") for field in sight)
    for (field, expected), answer in zip(sight.items(), await together(asked), strict=True):
        if expected == FORBIDDEN:
            assert (answer.codes, "data" in answer.body, answer.response.status_code) == ([FORBIDDEN], False, 200), (
                field
            )
        else:
            found = answer.data[field]
            total = entries if expected is None else expected
            assert (found["totalCount"], len(found["nodes"])) == (total, total), field


async def test_the_objects_behind_an_object_are_those_in_sight(county: Served) -> None:
    asked = "{ cases(first: 100) { nodes { household { number } award { lines { amount batch { number } } } } } }"
    found = (await county.ask("VC1", asked)).data["cases"]["nodes"]
    lines = {own["household"]["number"]: own["award"] and own["award"]["lines"] for own in found}
    # A batch is of the whole county: a village sees its own lines of it, and not the batch.
    line = {"H1": {"amount": "3000.00", "batch": None}, "H2": {"amount": "2200.00", "batch": None}}
    assert lines == {"H1": [line["H1"]] * 2, "H2": [line["H2"]] * 2, "H3": None, "H4": None}
    found = (await county.ask("FI", asked)).data["cases"]["nodes"]
    assert sorted(leaves([own["award"] for own in found if own["household"]["number"] in ("H1", "H7")]), key=str) == [
        1, 2, 3, "3000.00", "3000.00", "50.00",
    ]  # fmt: skip
    places = "{ divisions { nodes { name households { totalCount nodes { number } } } } }"
    shown = {own["name"]: own["households"] for own in (await county.ask("K2", places)).data["divisions"]["nodes"]}
    assert {name: (own["totalCount"], sorted(leaves(own))) for name, own in shown.items()} == {
        name: (2, V3_HOMES) if name == "丙村" else (0, [])
        for name in ("测试县", "东镇", "甲村", "乙村", "西镇", "丙村")
    }


async def test_a_birth_date_is_for_those_who_may_read_it_and_its_year_for_all(county: Served) -> None:
    documents = (
        "{ persons { nodes { birthDate } } }",
        "{ persons { nodes { name x: birthDate } } }",
        "{ households { nodes { members { person { ...P } } } } } fragment P on Person { birthDate }",
        '{ node(id: "x") { ... on Person { birthDate } } }',
        "{ persons { nodes { birthDate @include(if: false) } } }",
    )
    asked = (county.ask(number, document) for number in ("VC1", "L1", "FI", "E1") for document in documents)
    for answer in await together(asked):
        assert (answer.codes, "data" in answer.body) == ([FORBIDDEN], False)
    years = (await county.ask("VC1", "{ persons { nodes { birthYear } } }")).data
    assert leaves(years) == [1980] * 8
    born = {name: f"{own[6:10]}-{own[10:12]}-{own[12:14]}" for name, own in IDENTITIES.items()}
    for number, count in (("K2", 4), ("C1", 16), ("R2", 16)):
        shown = (await county.ask(number, documents[0].replace("birthDate", "name birthDate"))).data["persons"]["nodes"]
        found = {own["name"]: own["birthDate"] for own in shown}
        assert len(found) == count
        assert found == {name: born[name] for name in found}


# --- two programmes -------------------------------------------------------------------------------------------

SECOND = replace(PROGRAMMES["consolidation"], code="second_one")


class Both(World):
    """A county that runs a second programme, which is the first under another name."""

    code = "consolidation"

    @property
    def plugins(self) -> Plugins:
        return replace(installed(), programmes={**PROGRAMMES, SECOND.code: SECOND})

    @property
    def programme(self) -> Any:
        return self.plugins.programme(self.code)


@pytest.fixture
async def both(world: World) -> AsyncIterator[Served]:
    """H1 applied for both programmes, H2 for the first, H5 for the second; all are accounted."""
    made = Both(world.database, world.vault)
    await made.look()
    made.code = SECOND.code
    await made.open_period()
    for code, cadres in (("consolidation", {"L1": ("H1", "H2")}), (SECOND.code, {"L1": ("H1",), "L2": ("H5",)})):
        made.code = code
        for cadre, numbers in cadres.items():
            made.today = FEBRUARY
            clean(await made.plan(cadre, *numbers))
            made.today = MARCH
            clean(await made.sign(cadre, "in_place"))
        made.today = SEPTEMBER
        assert (await made.account()).state == "done"
    async with serving(made.database, made.vault, made) as served:
        await served.day(SEPTEMBER)
        yield served


async def test_cases_of_two_programmes_are_each_read_as_their_own_type_says(both: Served) -> None:
    document = """{ cases(orderBy: SINCE) { nodes {
      ... on SecondOneCase { id kind: stage determination { ... on Node { __typename } facts { exitYear } } }
      ... on Node { ... on Case { determination { outcome } household { number } } }
      ... on ConsolidationCase { kind2: stage stated { projects } determination { payable madeBy { number } } }
      __typename
    } } }"""
    found = (await both.ask("C1", document)).data["cases"]["nodes"]
    shown = {(own["__typename"], own["household"]["number"]): own for own in found}
    keys = [("ConsolidationCase", "H1"), ("ConsolidationCase", "H2"), ("SecondOneCase", "H1"), ("SecondOneCase", "H5")]
    assert sorted(shown) == keys
    for (kind, number), own in shown.items():
        home = next(home for home in HOMES if home.number == number)
        expected: dict[str, Any] = {"__typename": kind, "household": {"number": number}}
        if kind == "SecondOneCase":
            assert own.pop("id")
            determination = {"__typename": "SecondOneDetermination", "facts": {"exitYear": int(home.exit_year)}}
            expected |= {"kind": "ACCOUNTING", "determination": {**determination, "outcome": "ELIGIBLE"}}
        else:
            determination = {"outcome": "ELIGIBLE", "payable": yuan(home.award), "madeBy": {"number": "C1"}}
            expected |= {
                "kind2": "ACCOUNTING",
                "stated": {"projects": ["SMALL_BREEDING"]},
                "determination": determination,
            }
        assert own == expected
    alone = '{ %s(period: "2021") { cases { totalCount nodes { __typename ...C ... on Node { id } } } } } %s'
    fragment = "fragment C on Case { household { number } determination { outcome } }"
    for field, kind, numbers in (
        ("consolidation", "ConsolidationCase", ["H1", "H2"]),
        ("secondOne", "SecondOneCase", ["H1", "H5"]),
    ):
        cases = (await both.ask("C1", alone % (field, fragment))).data[field]["cases"]
        assert (cases["totalCount"], {own["__typename"] for own in cases["nodes"]}) == (2, {kind})
        assert sorted(own["household"]["number"] for own in cases["nodes"]) == numbers


async def test_an_object_is_found_where_only_another_type_is_asked_for_its_id(both: Served) -> None:
    listed = (await both.ask("C1", "{ cases { nodes { __typename id determination { id } } } }")).data["cases"]["nodes"]
    document = """query($ids: [ID!]!) { nodes(ids: $ids) {
      __typename ... on SecondOneCase { id determination { __typename } } ... on ConsolidationDetermination { id }
    } }"""
    asked = [own["id"] for own in listed] + [own["determination"]["id"] for own in listed]
    found = (await both.ask("C1", document, ids=asked)).data["nodes"]
    for one, own in zip(asked, found, strict=True):
        expected: dict[str, Any] = {"__typename": own["__typename"]}
        if own["__typename"] in ("SecondOneCase", "ConsolidationDetermination"):
            expected["id"] = one
        if own["__typename"] == "SecondOneCase":
            expected["determination"] = {"__typename": "SecondOneDetermination"}
        assert own == expected
    assert Counter(own["__typename"] for own in found) == {
        "ConsolidationCase": 2, "SecondOneCase": 2, "ConsolidationDetermination": 2, "SecondOneDetermination": 2,
    }  # fmt: skip


def test_a_field_that_two_types_declare_in_their_own_ways_is_wanted_of_each_in_its_own() -> None:
    schema = schema_of([*PROGRAMMES.values(), SECOND])
    document = parse("""{ cases { nodes {
      ... on ConsolidationCase { stated { projects } stage }
      ... on SecondOneCase { stated { projects } }
      ... on Node { ... on Case { determination { outcome } } } determination { payable }
    } } }""")
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    (cases,) = operation.selection_set.selections
    assert isinstance(cases, FieldNode)
    planner = Planner(schema._schema, {}, None, schema)
    _, selected = planner.page(schema._schema.type_map["CaseConnection"], [cases])
    types = {kind: frozenset({kind}) for kind in ("ConsolidationCase", "SecondOneCase")}
    assert [(wanted.name, wanted.only) for wanted in selected.fields] == [
        ("stated", types["ConsolidationCase"]), ("stage", types["ConsolidationCase"]),
        ("stated", types["SecondOneCase"]), ("determination", None),
    ]  # fmt: skip
    first, _, second, determination = selected.fields
    assert first.mapping is not second.mapping
    assert determination.selected is not None
    assert [wanted.name for wanted in determination.selected.fields] == ["outcome", "payable"]


# --- what the schema says of itself ---------------------------------------------------------------------------


async def test_a_client_is_told_what_everything_is(county: Served) -> None:
    shown = (await county.ask("C1", get_introspection_query(specified_by_url=True))).data["__schema"]
    undescribed = []
    for kind in (*shown["types"], *shown["directives"]):
        if kind["name"].startswith("__"):
            continue
        parts = [kind, *(kind.get("fields") or []), *(kind.get("inputFields") or []), *(kind.get("enumValues") or [])]
        parts += [argument for part in parts for argument in part.get("args") or []]
        undescribed += [f"{kind['name']}.{part['name']}" for part in parts if not (part["description"] or "").strip()]
    assert undescribed == []
    scalars = {kind["name"]: kind["specifiedByURL"] for kind in shown["types"] if kind["kind"] == "SCALAR"}
    plain = {"String", "Int", "Boolean", "ID", "Upload"}
    assert set(scalars) - plain == {"Money", "Percentage", "DivisionCode", "MonthDay", "Date", "DateTime"}
    assert all(scalars[name] for name in set(scalars) - plain)


# --- requests that go wrong -----------------------------------------------------------------------------------


async def test_a_field_that_is_refused_at_once_refuses_the_request_and_nothing_more(county: Served) -> None:
    slow = "households(first: 100) { nodes { members { person { name } } income { nodes { item } } } }"
    document = f"{{ wrong: households(first: 101) {{ totalCount }} a: {slow} b: {slow} audit {{ totalCount }} }}"
    await all_refused(county, [(document, {})] * 20, "A page holds 0 to 100 objects, not 101.")
    assert (await county.ask("C1", "{ viewer { number } }")).data == {"viewer": {"number": "C1"}}


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_an_instant_before_or_after_all_time_is_no_instant(county: Served, instant: str) -> None:
    answer = await county.ask("C1", f'{{ audit(filter: {{since: "{instant}"}}) {{ totalCount }} }}')
    assert answer.codes == ["GRAPHQL_VALIDATION_FAILED"]


async def test_what_belongs_to_a_programme_that_is_switched_off_is_no_object(served: Served) -> None:
    await served.world.until("acceptance")
    await served.day(served.world.today)
    parts = "id determination { id } events { id } signatures { id } notice { id entries { nodes { id } } }"
    listed = await served.ask("C1", f'{{ cases(filter: {{household: ["H1"]}}) {{ nodes {{ {parts} }} }} }}')
    ids = leaves(listed.data)
    assert len(ids) > 8
    assert None not in ids
    async with served.world.database.session(served.world.who("C1").scope) as session:
        await session.execute(text("update programme_switch set until = :day"), {"day": served.world.today})
    document = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename ... on CaseEvent { title } } }"
    assert (await served.ask("C1", document, ids=ids)).data["nodes"] == [None] * len(ids)
