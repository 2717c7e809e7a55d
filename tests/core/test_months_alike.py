"""However late its facts become known, a month comes to what it would have come to had they been known at once."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest

from bangfu.cases import correcting
from bangfu.cases.views import Selection, Stated
from bangfu.payments import invariants
from bangfu.process import RestCause
from tests.conftest import FULL
from tests.county import clean
from tests.learners import identity
from tests.subsidies import CARE, Subsidies

PERSONS = 16
FIRST, LAST = date(2021, 1, 1), date(2021, 12, 31)
RATES = {1: 100, 2: 70}


@dataclass(frozen=True)
class Told:
    """Something that holds of a person for a time, and the day on which it becomes known."""

    number: str
    kind: str
    level: int | None
    since: date
    until: date | None
    known_on: date


@dataclass(frozen=True)
class Rested:
    """That a case rested for a time, for a cause, and the days on which either end becomes known."""

    number: str
    cause: RestCause
    since: date
    until: date
    known_on: date
    over_on: date


def numbers() -> list[str]:
    return [f"G{index:02d}-01" for index in range(PERSONS)]


def histories(seed: int) -> tuple[list[Told], list[Rested]]:
    """What becomes known of everybody in a year: certificates that change level and lapse, deaths, absences, rests."""
    chance = random.Random(seed)

    def some_day(after: date = FIRST) -> date:
        return after + timedelta(days=chance.randrange((LAST - after).days))

    told, rested = [], []
    for number in numbers():
        told.append(Told(number, "certificate", chance.choice((1, 2)), date(2020, 1, 1), None, FIRST))
        for _ in range(chance.randrange(4)):
            since = some_day()
            until = some_day(since) if chance.random() < 0.3 else None
            level = chance.choice((1, 1, 2, 2, 3))
            told.append(Told(number, "certificate", level, since, until, some_day(since)))
        if chance.random() < 0.3:
            died = some_day()
            told.append(Told(number, "death", None, died, None, some_day(died)))
        if chance.random() < 0.3:
            gone = some_day()
            told.append(Told(number, "moved_away", None, gone, some_day(gone), some_day(gone)))
        if chance.random() < 0.5:
            since = some_day(date(2021, 2, 1))
            known = some_day(since)
            until = since + timedelta(days=chance.randrange(120))
            cause = chance.choice((RestCause.CUSTODY, RestCause.UNREACHABLE))
            if until < LAST and known < LAST:
                rested.append(Rested(number, cause, since, until, known, max(known, until)))
    return told, rested


def by_hand(told: Iterable[Told], rested: Iterable[Rested]) -> dict[tuple[str, int], int]:
    """What each month comes to in yuan, worked out from what held in the end: what became known later of a day holds."""
    never = date.max
    spans: dict[tuple[str, str], list[tuple[date, date, int | None]]] = {}
    for one in sorted(told, key=lambda own: own.known_on):
        # What is said to have ended ended: nothing that overlaps it goes on after it.
        own = spans.setdefault((one.number, one.kind), [])
        until = one.until or never
        own[:] = [
            (since, end if end <= one.since or since >= until else one.since, level)
            for since, end, level in own
            if end <= one.since or since >= until or since < one.since
        ] + [(one.since, until, one.level)]
    found = {}
    for number in numbers():
        for month in range(1, 13):
            on = date(2021, month, 1)
            held = {
                kind: level
                for (whose, kind), own in spans.items()
                for since, until, level in own
                if whose == number and since <= on < until
            }
            resting = any(
                rest.number == number and rest.since <= on < rest.until and rest.cause is RestCause.CUSTODY
                for rest in rested
            )
            out = resting or "death" in held or "moved_away" in held
            found[number, month] = 0 if out else RATES.get(held.get("certificate") or 0, 0)
    return found


def roster() -> str:
    lines = [
        "户编号,乡镇,行政村,村民小组,户类型,脱贫年度,联户干部工号,姓名,证件号码,与户主关系,开户名,开户行,一卡通账号"
    ]
    lines += [
        f"G{index:02d},东镇,甲村,五组,贫困户,,L1,残G{index:02d}号,{identity('1970-02-03', 300 + index)},户主,"
        f"残G{index:02d}号,测试银行,9900000000{41000 + index}"
        for index in range(PERSONS)
    ]
    return "\n".join(lines)


async def granted(world: Subsidies) -> None:
    """Everybody is paid from January on."""
    world.on(CARE, today=date(2021, 1, 2))
    assert (await world.bring("households", roster(), "R1")).state == "done"
    for number in numbers():
        await world.holds(number, "certificate", date(2020, 1, 1), level=1, generation=2)
    clean(await world.apply_in("VC1", *numbers()))
    await world.review(*numbers())


@pytest.mark.parametrize("seed", range(3, 40) if FULL else [11])
async def test_months_come_to_what_they_would_have_had_everything_been_known(subsidies: Subsidies, seed: int) -> None:
    told, rested = histories(seed)
    await granted(subsidies)
    events: list[tuple[date, int, object]] = [(one.known_on, 0, one) for one in told]
    events += [(one.known_on, 1, one) for one in rested] + [(one.over_on, 2, one) for one in rested]
    events += [(date(2021, month, 10), 3, month) for month in range(1, 13)]
    paid = 0
    for day, kind, one in sorted(events, key=lambda own: own[:2]):
        subsidies.today = max(day, date(2021, 1, 2))
        if isinstance(one, Told):
            said: dict[str, Any] = {} if one.level is None else {"level": one.level, "generation": 2}
            await subsidies.holds(one.number, one.kind, one.since, one.until, **said)
        elif isinstance(one, Rested) and kind == 1:
            stated = Stated(one.since, reason="停发", evidence="通知")
            clean(await subsidies.act("K1", correcting.pause, Selection([one.number]), stated=stated, cause=one.cause))
        elif isinstance(one, Rested):
            stated = Stated(one.until, reason="恢复", evidence="通知")
            clean(await subsidies.act("K1", correcting.resume, Selection([one.number]), stated=stated))
        elif isinstance(one, int):
            await subsidies.decide(one, day)
            made = await subsidies.gather(one)
            if made.batch is not None:
                paid += (await subsidies.finish(made.batch)).total_fen // 100
    subsidies.today = LAST
    last = await subsidies.decide(12, LAST)
    assert last["refused"] == 0
    # Each month decided afresh, from everything that is known, is what was come to step by step.
    afresh = await subsidies.decide(12, LAST, whole=True)
    assert (afresh["decided"], afresh["unchanged"]) == (0, 12 * PERSONS)
    rows = await subsidies.rows(
        "select c.number, e.instalment, sum(e.amount_fen)::bigint / 100 from entitlement e"
        " join case_file c on c.id = e.case_id where e.voided_at is null group by 1, 2"
    )
    expected = by_hand(told, rested)
    assert {(number, month): fen for number, month, fen in rows if fen} == {k: v for k, v in expected.items() if v}
    assert last["changed"] or paid
    # What was paid, and what is still to be paid or paid back, is together what was due.
    who = subsidies.who("C1")
    faults = await invariants.examine(
        subsidies.database, [subsidies.tenant.id], subsidies.plugins.programmes, who.at.now
    )
    assert faults == []
    (held,) = await subsidies.rows(
        "select coalesce(sum(l.amount_fen), 0)::bigint / 100 from payment_line l where l.released_at is not null"
    )
    assert held[0] == paid
