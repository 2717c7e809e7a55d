"""Two at once: of two acts that cannot both be, exactly one is, over real connections; the other says why, and what
always holds still does.

Two who accept, an acceptance against an objection, two drafts and two draws are in ``test_statements``; two batches, two
releases and a release against a cancellation in ``test_money``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import date
from typing import Any

import pytest

from bangfu.cases import acts, adjusting
from bangfu.cases.acts import Report
from bangfu.cases.views import Selection, Stated
from bangfu.errors import Refused
from tests.core.test_instalments import SHOWN, died, paid_out, sound
from tests.core.test_striving import assessed
from tests.county import clean
from tests.striving import LEADING, Striving

WHY = Stated(reason="同时办理")
ATTEMPTS = range(3)


async def at_once(*works: Awaitable[Any]) -> list[tuple[list[str], list[str]]]:
    """What each of some works came to: what was done, and the codes of what was refused."""
    results = await asyncio.gather(*works, return_exceptions=True)
    told: list[tuple[list[str], list[str]]] = []
    for result in results:
        if isinstance(result, Refused):
            told.append(([], [problem.code.name for problem in result.problems]))
        elif isinstance(result, Report):
            told.append((sorted(result.done), sorted(problem.code.name for _, problem in result.refused)))
        elif isinstance(result, adjusting.Recalculated):
            told.append((sorted(one.number for one in result.differences), []))
        else:
            raise result if isinstance(result, BaseException) else TypeError(type(result))
    return told


def only_one(told: list[tuple[list[str], list[str]]], *codes: str) -> None:
    """One did it, the others were refused by one of these codes."""
    assert sum(bool(done) for done, _ in told) == 1, told
    assert {code for _, refused in told for code in refused} <= set(codes), told


@pytest.mark.parametrize("attempt", ATTEMPTS)
async def test_two_selections_over_one_place_of_the_quota(striving: Striving, attempt: int) -> None:
    await assessed(striving, "P1", "H1")
    told = await at_once(striving.select("VC1", "P1"), striving.select("VC1", "H1"))
    only_one(told, "QUOTA_EXCEEDED")
    assert sorted((await striving.stages()).values()) == ["notice", "selection"]


@pytest.mark.parametrize("attempt", ATTEMPTS)
async def test_two_leaders_of_one_household(striving: Striving, attempt: int) -> None:
    striving.on(LEADING, today=date(2021, 9, 20))
    told = await at_once(striving.apply("G1", "P1", "P2", "P6"), striving.apply("G2", "P3", "P4", "P6"))
    only_one(told, "TAKEN_PART", "CONFLICT")
    rows = await striving.rows(
        "select count(*), count(distinct case_id) from claim where programme = 'leading' and kind <> 'case'"
    )
    assert tuple(rows[0]) == (3, 1)
    assert len(await striving.cases()) == 1


@pytest.mark.parametrize("attempt", ATTEMPTS)
async def test_taking_a_signature_back_against_the_next_one(striving: Striving, attempt: int) -> None:
    """The last signature completes the stage; taken back, it does not. Never is a stage complete without it."""
    await striving.verified("P1")
    told = await at_once(
        striving.correct("B1", "undo", "P1", stated=WHY),
        striving.act("VC1", acts.post, Selection(numbers=["P1"])),
    )
    only_one(told, "CONFLICT", "WRONG_STAGE", "NOT_UNDOABLE", "NOT_YOURS_TO_UNDO")
    ((stage, signed),) = await striving.rows(
        "select c.stage, (select count(*) from signature s where s.case_id = c.id and s.stage = 'verification'"
        " and s.undone_at is null) from case_file c where c.programme = 'planned_exit'"
    )
    assert (stage, signed) in (("notice", 4), ("verification", 3))
    await sound(striving)


@pytest.mark.parametrize("attempt", ATTEMPTS)
async def test_a_rest_against_a_signature(striving: Striving, attempt: int) -> None:
    await striving.verified("P1")
    told = await at_once(
        striving.correct("K1", "pause", "P1", stated=WHY), striving.act("VC1", acts.post, Selection(numbers=["P1"]))
    )
    events = await striving.rows(
        "select e.act from case_event e join case_file c on c.id = e.case_id where c.number = 'P1' and e.act in ('pause',"
        " 'post') order by e.version"
    )
    if all(done for done, _ in told):  # the notice was written before the rest was looked at, which is no race
        assert [act for (act,) in events] == ["post", "pause"]
    else:
        only_one(told, "CONFLICT", "CASE_PAUSED")
        assert len(events) == 1


@pytest.mark.parametrize("attempt", ATTEMPTS)
async def test_a_withdrawal_against_the_batch_that_pays_it(striving: Striving, attempt: int) -> None:
    """Either it is withdrawn and in no batch, or in the batch and not withdrawn."""
    await striving.verified("P1", "P2")
    await striving.stand("VC1", "P1", "P2", first=date(2021, 3, 21))
    clean(await striving.act("VC1", acts.conclude, Selection(numbers=["P1", "P2"])))
    await striving.fund()
    await asyncio.gather(
        striving.correct("L1", "withdraw", "P1", stated=WHY), striving.pay("payment_1"), return_exceptions=True
    )
    stage = (await striving.stages())["P1"]
    paid = await striving.rows(
        "select 1 from payment_line l join household h on h.id = l.household_id where h.number = 'P1' and l.voided_at is null"
    )
    assert (stage, len(paid)) in (("withdrawn", 0), ("continuing", 1), ("payment_1", 1))
    await sound(striving)


async def test_two_recalculations_write_one_difference(striving: Striving) -> None:
    await paid_out(striving)
    striving.today = date(2021, 11, 10)
    await died(striving, date(2021, 9, 1))

    async def again() -> Any:
        return await striving.act("C1", adjusting.recalculate, Selection(numbers=["P1"]), stated=SHOWN)

    told = await at_once(again(), again(), again())
    assert sum(bool(done) for done, _ in told) == 1, told
    rows = await striving.rows("select amount_fen from entitlement where kind = 'recovery'")
    assert [amount for (amount,) in rows] == [-120_000]
    await sound(striving)
