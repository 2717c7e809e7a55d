"""A document that takes another back leaves everything as if that had never been, day by day; what is carried over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bangfu.errors import Code, Problem, Refused
from bangfu.policy import (
    Fen,
    Policy,
    Provision,
    ProvisionEntry,
    Resolved,
    Revocation,
    Whose,
    Years,
    carried_over,
    in_force,
)

POLICY = """
[documents.plan]
title = "测试方案"
clauses = { "1" = "金额", "2" = "年度" }

[[parameters.cap]]
title = { zh = "上限", en = "cap" }
unit = "yuan"
since = 2020-01-01
until = 2021-06-30
value = "3000.00"
cites = "plan#1"
varies = { min = "1000", max = "5000" }
[[parameters.cap]]
since = 2021-07-01
until = 2023-12-31
value = "4000.00"
cites = "plan#1"
varies = { min = "2000", max = "4500" }
[[parameters.cap]]
since = 2024-01-01
until = 2025-12-31
value = "4200.00"
cites = "plan#1"

[[parameters.years]]
title = { zh = "年度", en = "years" }
since = 2020-01-01
redacted = true
cites = "plan#2"
varies = { min = 2014, max = 2021 }
"""


@dataclass(frozen=True)
class Parameters:
    cap: Fen
    years: Years


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    file = tmp_path_factory.mktemp("plan") / "policy.toml"
    file.write_text(POLICY, encoding="utf-8")
    return Policy.load(Path(file), Parameters)


def provision(id: str, *entries: tuple[str, date, date | None, Any]) -> Provision:
    return Provision(id, id, id, date(2021, 1, 1), tuple(ProvisionEntry(*entry, "一") for entry in entries))


START, END = date(2020, 1, 1), date(2022, 12, 31)
days = st.dates(START, END)
spans = st.tuples(days, st.none() | st.integers(0, 400)).map(
    lambda own: (own[0], None if own[1] is None else own[0] + timedelta(own[1]))
)
caps = st.builds(lambda span, fen: ("cap", *span, fen), spans, st.integers(100_000, 500_000))
documents = st.lists(st.lists(caps, min_size=1, max_size=3), min_size=1, max_size=4)


def value(policy: Policy, day: date, released: Sequence[Provision]) -> Any:
    return policy.only("cap").resolve(day, released)["cap"].value


def revoking(id: str, gone: Provision, since: date) -> Provision:
    return Provision(id, id, id, END, (), revokes=Revocation(gone.id, since, "一"))


@given(documents, st.data())
def test_from_its_day_on_everything_is_as_if_the_other_had_never_been(
    policy: Policy, entries: list[list[tuple[str, date, date | None, int]]], data: st.DataObject
) -> None:
    released = [provision(f"{place}", *own) for place, own in enumerate(entries)]
    gone, since, again = data.draw(st.sampled_from(released)), data.draw(days), data.draw(days)
    without = [one for one in released if one is not gone]
    back = revoking("back", gone, since)
    # What took it back may be taken back itself: then all is as before.
    undone = revoking("undone", back, again)
    turns = {day for own in entries for _, begins, ends, _ in own for day in (begins, ends) if day is not None}
    for turn in sorted(turns | {since, again, date(2021, 7, 1), date(2024, 1, 1)}):
        for day in (turn - timedelta(1), turn, turn + timedelta(1)):
            if day < START:
                continue
            expected = without if day >= since else released
            assert value(policy, day, [*released, back]) == value(policy, day, expected), day
            expected = released if day >= again else expected
            assert value(policy, day, [*released, back, undone]) == value(policy, day, expected), day


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (2, 1, 0), (1, 0, 2)])
def test_in_whatever_order_documents_of_a_day_stand_what_takes_back_is_taken_back(order: tuple[int, ...]) -> None:
    first = provision("first")
    second = revoking("second", first, date(2021, 1, 1))
    third = revoking("third", second, date(2021, 2, 1))
    documents = [(first, second, third)[place] for place in order]
    assert {one.id for one in in_force(documents, date(2021, 1, 31))} == {"second", "third"}
    assert {one.id for one in in_force(documents, date(2021, 2, 1))} == {"first", "third"}


def test_what_nobody_else_has_set_is_unset_again(policy: Policy) -> None:
    gone = provision("gone", ("years", date(2021, 1, 1), None, Years(2016, 2019)))
    back = revoking("back", gone, date(2021, 5, 1))
    assert policy.resolve(date(2021, 4, 30), [gone, back])["years"].value == Years(2016, 2019)
    with pytest.raises(Refused) as refused:
        policy.resolve(date(2021, 5, 1), [gone, back])
    assert [(one.code, one.path) for one in refused.value.problems] == [(Code.PARAMETER_UNSET, ("parameters", "years"))]


def held(value: Any, since: date, whose: Whose = Whose.COUNTY, name: str = "cap") -> dict[str, Resolved]:
    return {name: Resolved(name, value, since, whose, "县方案", "三", "p" if whose is Whose.COUNTY else None)}


DAY = date(2022, 9, 30)
PROVIDED = provision("p")
"""The county's document whose values are carried over."""


def test_the_countys_own_numbers_are_carried_over_by_their_clauses(policy: Policy) -> None:
    found = carried_over(policy, held(210_000, date(2021, 8, 1)), date(2022, 1, 1), DAY, [PROVIDED])
    assert found.entries == (ProvisionEntry("cap", date(2022, 1, 1), None, 210_000, "三"),)
    assert found.left == {}
    assert (
        carried_over(policy, held(300_000, date(2020, 1, 1), Whose.PLAN), date(2022, 1, 1), DAY, [PROVIDED]).entries
        == ()
    )


def test_what_the_plan_has_nothing_to_say_of_any_more_is_carried_over_too(policy: Policy) -> None:
    planned = held(420_000, date(2024, 1, 1), Whose.PLAN)
    assert carried_over(policy, planned, date(2025, 1, 1), date(2025, 1, 1), []).entries == ()
    found = carried_over(policy, planned, date(2026, 1, 1), date(2026, 1, 1), [])
    # The clause was the plan's: the county states one of its own.
    assert found.entries == (ProvisionEntry("cap", date(2026, 1, 1), None, 420_000, ""),)


def test_what_the_county_has_newly_laid_down_is_left_as_it_is(policy: Policy) -> None:
    newer = provision("newer", ("cap", date(2021, 11, 1), None, 250_000))
    found = carried_over(policy, held(210_000, date(2021, 8, 1)), date(2022, 1, 1), DAY, [PROVIDED, newer])
    assert found.entries == ()
    left = found.left["cap"]
    assert isinstance(left, Resolved)
    assert (left.value, left.provision) == (250_000, "newer")


def test_what_the_county_has_taken_back_is_not_carried_over(policy: Policy) -> None:
    back = revoking("back", PROVIDED, date(2021, 12, 1))
    found = carried_over(policy, held(210_000, date(2021, 8, 1)), date(2022, 1, 1), DAY, [PROVIDED, back])
    assert found.entries == ()
    left = found.left["cap"]
    assert isinstance(left, Problem)
    assert left.code is Code.PROVISION_STATE


def test_what_the_plan_has_newly_laid_down_is_left_to_it(policy: Policy) -> None:
    found = carried_over(policy, held(210_000, date(2021, 1, 1)), date(2022, 1, 1), DAY, [PROVIDED])
    assert found.entries == ()
    left = found.left["cap"]
    assert isinstance(left, Resolved)
    assert (left.value, left.since, left.whose) == (400_000, date(2021, 7, 1), Whose.PLAN)


def test_what_the_plan_does_not_permit_is_said(policy: Policy) -> None:
    found = carried_over(
        policy, held(Years(2012, 2019), date(2021, 1, 1), name="years"), date(2022, 1, 1), DAY, [PROVIDED]
    )
    assert found.entries == ()
    left = found.left["years"]
    assert isinstance(left, Problem)
    assert left.code is Code.PARAMETER_OUT_OF_RANGE
