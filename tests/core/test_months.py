"""What is paid every month: decided by the facts of the month, whenever these become known."""

from __future__ import annotations

import pytest

from bangfu.errors import Refused
from bangfu.payments import invariants
from tests.subsidies import CARED, Subsidies


async def sound(world: Subsidies) -> None:
    """Nothing is wrong with the money of the county."""
    who = world.who("C1")
    faults = await invariants.examine(world.database, [world.tenant.id], world.plugins.programmes, who.at.now)
    assert faults == []


# --- a month --------------------------------------------------------------------------------------------------


async def test_who_passed_both_reviews_is_due_each_month_by_its_facts(subsidies: Subsidies) -> None:
    await subsidies.granted()
    assert await subsidies.decide(1) == {
        "decided": 3, "changed": 0, "unchanged": 0, "refused": 0, "arrears_fen": 0, "recovery_fen": 0,
        "first_refused": [],
    }  # fmt: skip
    batch = await subsidies.pay(1)
    assert (batch.count, batch.total_fen) == (3, 24_000)
    # Again is nothing.
    assert (await subsidies.decide(1))["decided"] == 0
    with pytest.raises(Refused, match="BATCH_EMPTY"):
        await subsidies.gather(1)
    assert (await subsidies.decide(2))["decided"] == 3
    await subsidies.pay(2)
    assert [await subsidies.paid(number) for number in CARED] == [
        [(1, 100, 0), (2, 100, 0)], [(1, 70, 0), (2, 70, 0)], [(1, 70, 0), (2, 70, 0)],
    ]  # fmt: skip
    await sound(subsidies)
