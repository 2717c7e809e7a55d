"""A county's own rules on who may do what: within the ceiling, counted at once on their programme and stage; and why
somebody may not."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from bangfu.access import Action, Entered, Rule
from bangfu.access.rules import lay_down, standing, withdraw
from bangfu.cases import acts, batch, paying, sampling
from bangfu.cases.denials import About, why_denied
from bangfu.cases.views import Selection
from bangfu.errors import Refused
from tests.county import FEBRUARY, MARCH, POSTED, SEPTEMBER, World, clean, codes
from tests.subsidies import APPLIED, CARE, Subsidies

P = "consolidation"


async def lay(world: World, *rule: str, by: str = "C1", reason: str = "县办会议纪要3号") -> UUID:
    who = world.who(by)
    async with world.database.session(who.scope) as session:
        made = await lay_down(session, who, world.plugins.programmes, Rule(*rule), reason)
    await world.look()
    return made


async def why(world: World, by: str, number: str, action: Action, **more: Any) -> dict[About, tuple[bool, str]]:
    who = world.who(by)
    ground = await world.ground(who) if more else None
    async with world.database.session(who.scope) as session:
        found = await why_denied(session, who, number, action, ground, more.get("stage"), more.get("household"))
    return {one.about: (one.met, one.text.en) for one in found}


async def snapshot(world: World) -> Any:
    kept = await world.rows("select count(*) from policy_rule")
    return await world.snapshot(), kept, await world.rows("select count(*) from audit_entry")


async def test_a_rule_counts_from_the_next_request_and_can_be_withdrawn(world: World) -> None:
    made = await lay(world, "village_committee", "work_on_cases", P, "notice", "deny")
    who = world.who("VC1")
    assert who.actor.rules == (Rule("village_committee", "work_on_cases", P, "notice", "deny"),)
    assert not who.may(Action.WORK_ON_CASES, P, "notice")
    assert who.may(Action.WORK_ON_CASES, P, "accounting")
    assert who.may(Action.WORK_ON_CASES)
    assert Action.WORK_ON_CASES in who.permissions
    # The same again changes nothing; the opposite replaces it.
    before = await snapshot(world)
    assert await lay(world, "village_committee", "work_on_cases", P, "notice", "deny") == made
    assert await snapshot(world) == before
    other = await lay(world, "village_committee", "work_on_cases", P, "notice", "allow", by="C2")
    assert other != made
    assert world.who("VC1").may(Action.WORK_ON_CASES, P, "notice")
    keeper = world.who("C1")
    async with world.database.session(keeper.scope) as session:
        (laid,) = await standing(session, keeper)
        assert (laid.id, laid.decided_by, laid.reason) == (other, "县办乙", "县办会议纪要3号")
        await withdraw(session, keeper, other, "不再需要")
    await world.look()
    assert world.who("VC1").actor.rules == ()
    told = await world.rows("select action, reason from audit_entry where object like 'rule/%' order by at, id")
    assert sorted(tuple(row) for row in told) == [
        ("lay_down_rule", "县办会议纪要3号"),
        ("lay_down_rule", "县办会议纪要3号"),
        ("withdraw_rule", "不再需要"),
    ]
    # What stood is still on record.
    assert (await world.rows("select count(*) from policy_rule where known_to is not null"))[0][0] == 2


@pytest.mark.parametrize(
    ("by", "rule", "reason", "code"),
    [
        ("VC1", ("finance", "pay_cases", "*", "*", "deny"), "理由", "FORBIDDEN"),
        ("R1", ("finance", "pay_cases", "*", "*", "deny"), " ", "REASON_NEEDED"),
        ("C1", ("finance", "pay_cases", "*", "*", "deny"), " ", "REASON_NEEDED"),
        ("C1", ("mayor", "pay_cases", "*", "*", "deny"), "理由", "BAD_VALUE"),
        ("C1", ("finance", "steal", "*", "*", "deny"), "理由", "BAD_VALUE"),
        ("C1", ("finance", "pay_cases", "*", "*", "perhaps"), "理由", "BAD_VALUE"),
        ("C1", ("finance", "pay_cases", "unknown", "*", "deny"), "理由", "RULE_PLACE"),
        ("C1", ("finance", "pay_cases", P, "unknown", "deny"), "理由", "RULE_PLACE"),
        ("C1", ("finance", "pay_cases", "*", "unknown", "deny"), "理由", "RULE_PLACE"),
        ("C1", ("finance", "read_cases", P, "*", "deny"), "理由", "RULE_PLACE"),
        ("C1", ("county_office", "open_period", P, "plan", "deny"), "理由", "RULE_PLACE"),
        ("C1", ("village_committee", "pay_cases", P, "payment", "allow"), "理由", "RULE_ABOVE_CEILING"),
        ("C1", ("auditor", "work_on_cases", "*", "*", "allow"), "理由", "RULE_ABOVE_CEILING"),
        ("C1", ("householder", "read_offices", "*", "*", "allow"), "理由", "RULE_ABOVE_CEILING"),
        ("C1", ("county_office", "pay_cases", "*", "*", "allow"), "理由", "SAME_PERSON"),
        ("C1", ("county_office", "keep_policy", "*", "*", "deny"), "理由", "RULE_BREAKS_EXPECTATION"),
        ("C1", ("registrar", "import_officers", "*", "*", "deny"), "理由", "RULE_BREAKS_EXPECTATION"),
    ],
)
async def test_what_no_county_can_lay_down(
    world: World, by: str, rule: tuple[str, ...], reason: str, code: str
) -> None:
    before = await snapshot(world)
    with pytest.raises(Refused) as refused:
        await lay(world, *rule, by=by, reason=reason)
    assert [problem.code.name for problem in refused.value.problems] == [code]
    assert await snapshot(world) == before


async def test_a_rule_that_is_not_there_is_not_withdrawn(world: World) -> None:
    keeper, stranger = world.who("C1"), world.who("K1")
    made = await lay(world, "finance", "pay_cases", P, "payment", "deny")
    before = await snapshot(world)
    for who, id_, reason, code in (
        (keeper, uuid4(), "理由", "NOT_FOUND"),
        (keeper, made, "", "REASON_NEEDED"),
        (stranger, made, "理由", "FORBIDDEN"),
    ):
        with pytest.raises(Refused) as refused:
            async with world.database.session(who.scope) as session:
                await withdraw(session, who, id_, reason)
        assert refused.value.problems[0].code.name == code
    assert await snapshot(world) == before


async def test_every_act_asks_for_its_programme_and_stage(world: World) -> None:
    """Each stage denied in its turn to whoever does it: refused per case, nothing written; withdrawn, it is done."""

    async def refused_then_done(rule: tuple[str, ...], act: Any, code: str = "NOT_ALLOWED_HERE") -> None:
        made = await lay(world, *rule)
        before = await world.snapshot()
        report = await act()
        assert set(codes(report).values()) == {code}, report
        assert report.done == []
        assert await world.snapshot() == before
        keeper = world.who("C2")
        async with world.database.session(keeper.scope) as session:
            await withdraw(session, keeper, made, "试行结束")
        await world.look()

    work = "work_on_cases"
    await refused_then_done(("linked_cadre", work, P, "plan", "deny"), lambda: world.plan("L1", "H1", "H2"))
    await world.until("in_place")
    world.today = MARCH
    await refused_then_done(("linked_cadre", work, P, "in_place", "deny"), lambda: world.sign("L1", "in_place"))
    for cadre in ("L1", "L2", "L3"):
        clean(await world.sign(cadre, "in_place"))
    world.today = SEPTEMBER
    made = await lay(world, "county_office", work, P, "accounting", "deny")
    asking = world.who("C1")
    ground = await world.ground(asking)
    with pytest.raises(Refused) as refused:
        await batch.ask(world.database, asking, ground)
    assert refused.value.problems[0].code.name == "FORBIDDEN"
    await refused_then_done(
        ("township_clerk", work, P, "accounting", "deny"), lambda: world.act("K1", acts.account, Selection())
    )
    keeper = world.who("C1")
    async with world.database.session(keeper.scope) as session:
        await withdraw(session, keeper, made, "恢复")
    await world.look()
    await world.account()
    for number in ("L1", "L2", "L3", "W1", "W3", "VC1", "VC2", "VC3", "B1", "A1", "B3"):
        await world.sign(number, "accounting")
    world.today = POSTED
    notice = Selection(stages=["notice"])
    await refused_then_done(
        ("village_committee", work, "*", "notice", "deny"), lambda: world.act("VC1", acts.post, notice)
    )
    clean(await world.act("VC1", acts.post, notice))


async def test_what_somebody_else_types_in_is_asked_of_who_did_it(world: World) -> None:
    await lay(world, "linked_cadre", "work_on_cases", P, "plan", "deny")
    before = await world.snapshot()
    typed: dict[str, Any] = {"signatory": world.officers["L1"], "evidence": "纸质计划书", "day": FEBRUARY}
    assert codes(await world.plan("K1", "H1", **typed)) == {"H1": "NOT_ALLOWED_HERE"}
    assert await world.snapshot() == before
    await lay(world, "linked_cadre", "work_on_cases", P, "plan", "allow")
    await lay(world, "township_clerk", "record_for_others", P, "plan", "deny")
    with pytest.raises(Refused) as refused:
        await world.plan("K1", "H1", **typed)
    assert refused.value.problems[0].code.name == "FORBIDDEN"
    assert await world.snapshot() == before


async def test_samples_and_payments_ask_as_well(world: World) -> None:
    await world.until("sample")
    await lay(world, "county_office", "sample_cases", P, "sample", "deny")
    await lay(world, "county_office", "pay_cases", P, "payment", "deny")
    line = await world.fund()
    before = await world.snapshot()
    who = world.who("C1")
    ground = await world.ground(who)
    for work in (
        lambda session: sampling.draw_sample(session, who, ground, "17", "公开摇号"),
        lambda session: paying.make_batch(session, who, world.vault, ground, line),
    ):
        with pytest.raises(Refused) as refused:
            async with world.database.session(who.scope) as session:
                await work(session)
        assert refused.value.problems[0].code.name == "NOT_ALLOWED_HERE"
    assert await world.snapshot() == before


async def test_why_somebody_may_not(world: World) -> None:
    await world.until("acceptance")
    await lay(world, "township_acceptor", "work_on_cases", P, "acceptance", "deny", reason="换届期间暂停")
    told = await why(world, "C1", "A2", Action.WORK_ON_CASES, stage="acceptance", household="H1")
    assert told == {
        About.ACCOUNT: (True, "The account is open."),
        About.DUTIES: (True, "Duties: township acceptor (held)."),
        About.POLICY: (
            False,
            "the county: township acceptor is denied working on cases [consolidation/acceptance] (县办甲: 换届期间暂停)",
        ),
        About.AREA: (True, "Duties over the village: township acceptor."),
        About.STAGE: (True, "Can act at township acceptance as township acceptor."),
    }
    # Who signed its accounting, in another township, without the duty at all.
    other = await why(world, "C1", "VC1", Action.WORK_ON_CASES, stage="acceptance", household="H1")
    assert other[About.POLICY][0]
    assert other[About.STAGE] == (False, "township acceptance is done by: township acceptor.")
    far = await why(world, "C1", "A3", Action.WORK_ON_CASES, stage="acceptance", household="H1")
    assert far[About.AREA] == (False, "Duties over the village: (none).")
    never = await why(world, "C1", "VC1", Action.PAY_CASES)
    assert list(never) == [About.ACCOUNT, About.DUTIES, About.POLICY]
    assert never[About.POLICY] == (
        False,
        "No duty held allows making, checking and releasing payments; these do: county poverty-alleviation office, "
        "county fund manager, county finance bureau.",
    )
    async with world.database.owner() as connection:
        for setting in (f"set local app.tenant = '{world.tenant.id}'", "set local app.staff = 'true'"):
            await connection.execute(text(setting))
        await connection.execute(text("update officer set disabled_at = now() where number = 'VC1'"))
    assert (await why(world, "C1", "VC1", Action.PAY_CASES))[About.ACCOUNT] == (False, "The account is disabled.")


async def test_who_may_ask_why_and_of_what(world: World) -> None:
    who: Entered
    for by, officer, more, code in (
        ("K1", "A2", {}, "FORBIDDEN"),
        ("C1", "NOBODY", {}, "OFFICER_UNKNOWN"),
        ("C1", "A2", {"stage": "unknown"}, "BAD_VALUE"),
        ("C1", "A2", {"household": "H999"}, "NOT_FOUND"),
    ):
        with pytest.raises(Refused) as refused:
            await why(world, by, officer, Action.WORK_ON_CASES, **more)
        assert refused.value.problems[0].code.name == code
    who = world.who("C1")
    with pytest.raises(Refused) as refused:
        async with world.database.session(who.scope) as session:
            await why_denied(session, who, "A2", Action.WORK_ON_CASES, household="H1")
    assert refused.value.problems[0].code.name == "MISSING_VALUE"
    told = await why(world, "R1", "A2", Action.WORK_ON_CASES, household="H1")
    assert told[About.STAGE] == (False, "There is no case in this programme and period.")


async def test_where_a_programme_is_for_persons_it_is_asked_of_a_person(subsidies: Subsidies) -> None:
    subsidies.on(CARE, today=APPLIED)
    clean(await subsidies.apply_in("VC1", "D1-01"))
    for number, person, area, stage in (
        ("K1", "D1-01", (True, "Duties over the village: township clerk."), "no complete accounting yet"),
        ("K2", "D1-01", (False, "Duties over the village: (none)."), "no complete accounting yet"),
        ("K1", "D1-02", (True, "Duties over the village: township clerk."), "There is no case in this programme"),
    ):
        told = await why(subsidies, "C1", number, Action.WORK_ON_CASES, household=person)
        assert told[About.AREA] == area
        assert not told[About.STAGE][0]
        assert stage in told[About.STAGE][1]
    for unknown in ("D1", "D9-01"):  # a household, and nobody
        with pytest.raises(Refused) as refused:
            await why(subsidies, "C1", "K1", Action.WORK_ON_CASES, household=unknown)
        assert [(one.code.name, one.path) for one in refused.value.problems] == [("NOT_FOUND", ("person",))]
    clean(await subsidies.act("DF1", acts.account, Selection(numbers=["D1-01"])))
    told = await why(subsidies, "C1", "K1", Action.WORK_ON_CASES, household="D1-01")
    assert told[About.STAGE] == (True, "Can act at first review by the township as township clerk.")
