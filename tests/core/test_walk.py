"""Anybody tries anything, in any order, on any day: whatever is allowed, what must always hold still holds.

A random walk over officers, acts, households and days. After every step the invariants are asked of the database in
SQL, which shares nothing with the code that keeps them.
"""

from __future__ import annotations

import itertools
import random
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from bangfu import models
from bangfu.cases import acts, paying, sampling
from bangfu.cases.views import Selection, Stated
from bangfu.errors import Refused
from bangfu.process import Duty
from tests.conftest import FULL
from tests.county import ACCEPTED, HOMES, POSTED, SEPTEMBER, World

NUMBERS = [home.number for home in HOMES]
STEPS = 400 if FULL else 120

INVARIANTS = {
    "every version of a case has its one event": """
        select c.id from case_file c left join case_event e on e.case_id = c.id
         group by c.id, c.version having count(e.id) <> c.version or max(e.version) <> c.version""",
    "each event begins where the one before it ended": """
        select id from (select id, from_stage, lag(to_stage) over (partition by case_id order by version) as before
                          from case_event) e where before is not null and before <> from_stage""",
    "days on record never run backwards for what is signed, posted or accepted": """
        select e.id from case_event e join case_event b on b.case_id = e.case_id and b.version < e.version
         where b.effective_on > e.effective_on and (e.act like 'sign%' or e.act in ('plan', 'post', 'accept'))
           and (b.act like 'sign%' or b.act in ('plan', 'post', 'accept'))
           and not (e.act = b.act and e.act like 'sign%')  -- of one stage, they are typed in as they come""",
    "nothing is dated after the day it was typed in": """
        select id from case_event where effective_on > (recorded_at at time zone 'Asia/Shanghai')::date""",
    "what is typed in later names its evidence": """
        select id from case_event where effective_on < (recorded_at at time zone 'Asia/Shanghai')::date
           and evidence = '' and act not in ('account')""",
    "what is late has its reason": "select id from case_event where late_days > 0 and reason = ''",
    "beyond the accounting, everyone who must has signed under the standing result": """
        select c.id from case_file c join division d on d.code = c.division and d.known_to is null
          left join signature s on s.case_id = c.id and s.stage = 'accounting' and s.round = c.round
         where c.stage in ('notice', 'sample', 'payment', 'closed')
         group by c.id, d.poor having not (array_agg(s.duty) @> case when d.poor
              then array['work_team', 'village_committee', 'village_cadre', 'linked_cadre']
              else array['village_committee', 'village_cadre', 'linked_cadre'] end)""",
    "nobody signs one result twice": """
        select case_id from signature group by case_id, stage, round, officer_id having count(*) > 1""",
    "beyond the accounting, the standing result is eligible": """
        select c.id from case_file c left join determination d on d.case_id = c.id and d.round = c.round
         where c.stage in ('notice', 'sample', 'payment', 'closed') and d.outcome is distinct from 'eligible'""",
    "nothing is accepted before its notice has stood five full days, or with an open objection": """
        select e.id from case_event e where e.act = 'accept' and not exists (
            select from notice_entry n join notice p on p.id = n.notice_id
             where n.case_id = e.case_id and p.last_day = p.first_day + 4 and e.effective_on > p.last_day)
        union all select c.id from case_file c join objection o on o.case_id = c.id and o.settled_at is null
         where c.stage in ('sample', 'payment', 'closed')""",
    "the acceptor is not in charge of the village and did not sign the accounting": """
        select e.id from case_event e join case_file c on c.id = e.case_id where e.act = 'accept' and ( exists (select
        from assignment a where a.officer_id = e.officer_id and a.duty = 'village_cadre' and c.division between
        a.area_lo and a.area_hi and a.known_to is null) or exists (select from signature s where s.case_id = c.id and
        s.stage = 'accounting' and s.officer_id = e.officer_id and s.recorded_at <= e.recorded_at and s.round =
        c.round))""",
    "nothing is due unless it passed the sample, and exactly what was decided": """
        select e.id from entitlement e join case_file c on c.id = e.case_id
          left join determination d on d.case_id = c.id and d.round = c.round
         where c.stage not in ('payment', 'closed') or e.amount_fen <> d.payable_fen""",
    "a batch is the sum of its lines": """
        select b.id from payment_batch b left join payment_line l on l.batch_id = b.id
         group by b.id, b.count, b.total_fen having count(l.id) <> b.count or sum(l.amount_fen) <> b.total_fen""",
    "nobody is paid twice": """
        select entitlement_id from payment_line where voided_at is null group by entitlement_id, instalment
        having count(*) > 1""",
    "maker, checker and releaser are three": """
        select id from payment_batch where made_by = checked_by or released_by in (made_by, checked_by)""",
    "what is released is closed, and nothing else": """
        select c.id from case_file c left join entitlement e on e.case_id = c.id
          left join payment_line l on l.entitlement_id = e.id and l.voided_at is null
          left join payment_batch b on b.id = l.batch_id
         where (c.stage = 'closed') <> coalesce(b.released_at is not null, false)""",
}


BROKEN = " union all ".join(f"select '{said}' where exists ({sql}\n)" for said, sql in INVARIANTS.items())
"""What of it does not hold, in one statement."""


async def holds(world: World) -> None:
    assert await world.rows(BROKEN) == []


APT = {
    "plan": ("L1", "L2", "L3"),
    "in place": ("L1", "L2", "L3"),
    "account": ("C1", "K1", "K2"),
    "sign": ("L1", "L2", "L3", "W1", "W3", "VC1", "VC2", "VC3", "B1", "A1", "B3"),
    "post": ("VC1", "VC2", "VC3"),
    "object": ("VC1", "VC2", "VC3"),
    "settle": ("A2", "A3"),
    "accept": ("A1", "A2", "A3"),
    "send back": ("A2", "A3"),
    "draw": ("C1", "C3"),
    "check": ("C1", "C3"),
    "make": ("C1", "C2"),
    "check batch": ("FM",),
    "release": ("FI",),
    "cancel": ("FM",),
}
"""Who could do it; others try too."""
OFTEN = {"sign": 6, "account": 3, "post": 3, "accept": 3, "in place": 2, "check": 2}


NEXT = {"in_place": "in place", "notice": "post", "acceptance": "accept", "sample": "check", "payment": "make"}


async def choose(world: World, chance: random.Random) -> tuple[str, str]:
    """Half of the time what some case waits for, by who could do it; else anything by anybody."""
    if chance.random() < 0.5:
        act = chance.choices(list(APT), [OFTEN.get(name, 1) for name in APT])[0]
        return act, chance.choice(APT[act]) if chance.random() < 0.5 else chance.choice(list(world.officers))
    stage = chance.choice(list((await world.stages()).values()))
    act = NEXT.get(stage) or chance.choice(["account", "sign", "sign", "sign"])
    if act == "post":
        act = chance.choice(["post", "accept"])
    if act == "check":
        act = chance.choice(["draw", "check", "check"])
    if act == "make":
        act = chance.choice(["make", "check batch", "release"])
    return act, chance.choice(APT[act])


async def step(world: World, chance: random.Random) -> bool:
    """One attempt at something; whether anything came of it."""
    act, number = await choose(world, chance)
    home = Selection(numbers=[chance.choice(NUMBERS)]) if chance.random() < 0.3 else Selection()
    stated = Stated(
        world.today - timedelta(days=chance.randrange(12)) if chance.random() < 0.15 else None,
        chance.choice([None] * 9 + [duty for duty in Duty if duty.has_area]) if chance.random() < 0.2 else None,
        chance.choice(["", "外出返乡", "外出返乡", "外出返乡"]),
        chance.choice(["", "纸质件", "纸质件"]),
    )
    attempts: dict[str, Any] = {
        "plan": lambda: world.plan(number, *chance.sample(NUMBERS, 3), day=world.today, reason=stated.reason),
        "in place": lambda: world.act(number, acts.sign, home, stage="in_place", stated=stated),
        "account": lambda: world.act(number, acts.account, home, stated=stated),
        "sign": lambda: world.act(number, acts.sign, home, stage="accounting", stated=stated),
        "post": lambda: world.act(number, acts.post, home, stated=stated),
        "object": lambda: world.act(number, _object, home, home_number=chance.choice(NUMBERS), stated=stated),
        "settle": lambda: world.act(number, _settle, home, home_number=chance.choice(NUMBERS), upheld=chance.random() < 0.3),
        "accept": lambda: world.act(number, acts.accept, home, stated=stated),
        "send back": lambda: world.act(number, acts.send_back, home, finding="缺凭据", stated=stated),
        "draw": lambda: world.act(number, _draw, home, seed=str(chance.random())),
        "check": lambda: world.act(number, sampling.check, home, passed=chance.random() < 0.7, finding="不符", stated=stated),
        "make": lambda: _make(world, number),
        "check batch": lambda: _batches(world, number, paying.check_batch),
        "release": lambda: _batches(world, number, paying.release_batch),
        "cancel": lambda: _batches(world, number, paying.cancel_batch, "有误") if chance.random() < 0.2 else _nothing(),
    }  # fmt: skip
    try:
        result = await attempts[act]()
    except Refused:
        return False
    return not isinstance(result, acts.Report) or bool(result.done)


async def _object(session: Any, who: Any, ground: Any, selection: Any, home_number: str, stated: Stated) -> Any:
    return await acts.object_to(session, who, ground, home_number, "不实", stated=stated)


async def _settle(session: Any, who: Any, ground: Any, selection: Any, home_number: str, upheld: bool) -> Any:
    return await acts.settle(session, who, ground, home_number, upheld=upheld, finding="已核实")


async def _draw(session: Any, who: Any, ground: Any, selection: Any, seed: str) -> Any:
    return await sampling.draw_sample(session, who, ground, seed, "随机")


async def _make(world: World, number: str) -> Any:
    who, line = world.who(number), await world.fund()
    ground = await world.ground(who)
    async with world.database.session(who.scope) as session:
        return await paying.make_batch(session, who, world.vault, ground, line)


async def _batches(world: World, number: str, function: Any, *more: Any) -> Any:
    rows = await world.rows("select id from payment_batch order by number desc limit 1")
    if not rows:
        return acts.Report()

    async def act(session: Any, who: Any, ground: Any, selection: Any) -> Any:
        return await function(session, who, ground, rows[0][0], *more)

    return await world.act(number, act)


async def _nothing() -> acts.Report:
    return acts.Report()


def repeatable(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Ids are the same in every run of a walk: who is drawn into the sample follows from the ids of the cases."""
    ticks, noise = itertools.count(1_600_000_000_000_000_000, 1_000_000), random.Random(seed)
    monkeypatch.setattr(models, "time", SimpleNamespace(time_ns=lambda: next(ticks)))
    monkeypatch.setattr(models, "os", SimpleNamespace(urandom=noise.randbytes))


@pytest.mark.parametrize(
    ("seed", "start", "day"),
    [(2, "accounting", SEPTEMBER), (3, "notice", POSTED), (5, "sample", ACCEPTED)],
    ids=["from the accounting", "from the notice", "from the sample"],
)
async def test_whatever_is_tried_the_invariants_hold(
    world: World, seed: int, start: str, day: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    repeatable(monkeypatch, seed)
    assert world.kept is not None
    world.kept.touched = True  # told anew: the cases of a story that was told before have other ids
    await world.until(start)
    world.today = day
    came_of_it = 0
    for _ in range(STEPS):
        if chance.random() < 0.25:
            world.today = min(date(2021, 12, 20), world.today + timedelta(days=chance.randrange(1, 9)))
        came_of_it += await step(world, chance)
        await holds(world)
    assert came_of_it >= 8, "a walk in which nothing happens proves nothing"
    reached = set((await world.stages()).values())
    assert reached & {"sample", "payment", "closed"}, "no case got far enough to be wrong"


async def test_each_invariant_is_broken_by_what_it_speaks_of(world: World) -> None:
    """The planted twins: an invariant that finds nothing here would find nothing above."""
    from sqlalchemy import text

    from tests.core.test_payments import do, gather, ready

    await ready(world)
    made = (await do(world, "C2", gather, world.vault, await world.fund())).batch
    await do(world, "FM", paying.check_batch, made.id)
    await do(world, "FI", paying.release_batch, made.id)
    await holds(world)
    faults = {
        "every version of a case has its one event": "update case_file set version = version + 1",
        "each event begins where the one before it ended": "update case_event set from_stage = 'x' where version = 3",
        "days on record never run backwards for what is signed, posted or accepted":
            "update case_event set effective_on = '2021-01-01' where act = 'accept'",
        "nothing is dated after the day it was typed in": "update case_event set effective_on = '2030-01-01' where version = 1",
        "what is typed in later names its evidence":
            "update case_event set effective_on = effective_on - 1 where act = 'accept'",
        "what is late has its reason": "update case_event set late_days = 1",
        "beyond the accounting, everyone who must has signed under the standing result":
            "delete from signature where duty = 'village_committee'",
        "nobody signs one result twice": "update signature set officer_id = (select officer_id from signature limit 1)",
        "beyond the accounting, the standing result is eligible": "update determination set outcome = 'refused'",
        "nothing is accepted before its notice has stood five full days, or with an open objection":
            "update notice set last_day = last_day - 1",
        "the acceptor is not in charge of the village and did not sign the accounting":
            "update case_event e set officer_id = (select officer_id from signature s where s.case_id = e.case_id limit 1)"
            " where act = 'accept'",
        "nothing is due unless it passed the sample, and exactly what was decided":
            "update entitlement set amount_fen = amount_fen + 1",
        "a batch is the sum of its lines": "update payment_line set amount_fen = amount_fen + 1",
        "nobody is paid twice":
            "alter table payment_line disable trigger all; drop index uq_payment_line_entitlement;"
            "update payment_line set entitlement_id = (select entitlement_id from payment_line limit 1)",
        "maker, checker and releaser are three":
            "alter table payment_batch drop constraint ck_payment_batch_checker;"
            "alter table payment_batch drop constraint ck_payment_batch_releaser;"
            "update payment_batch set checked_by = made_by",
        "what is released is closed, and nothing else": "update case_file set stage = 'payment' where stage = 'closed'",
    }  # fmt: skip
    assert set(faults) == set(INVARIANTS)
    for said, sql in faults.items():
        async with world.database.owner() as connection:
            await connection.execute(text("set role none"))
            for statement in sql.split(";"):
                await connection.execute(text(statement))
            assert (await connection.execute(text(INVARIANTS[said]))).all() != [], said
            await connection.rollback()
