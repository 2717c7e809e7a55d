"""Every value can be written as it is shown, and what an office writes otherwise is understood or refused."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bangfu.calendar import DayUnit
from bangfu.policy import (
    LARGEST_FEN,
    LARGEST_RATE,
    LARGEST_WHOLE,
    Fen,
    MonthDay,
    Rate,
    Shares,
    Tier,
    Tiers,
    Window,
    Years,
    kind_of,
)
from bangfu.process import Duty
from bangfu.programme import installed

month_days = st.dates().map(lambda day: MonthDay.parse(f"{day:%m-%d}"))
windows = st.tuples(month_days, month_days).map(lambda own: Window(own[0], -1, own[1], 0))
years = st.tuples(st.integers(1900, 2400), st.integers(0, 99)).map(lambda own: Years(own[0], own[0] + own[1]))
tiers = st.lists(
    st.tuples(st.integers(1, 2_000), st.integers(1, LARGEST_FEN)), min_size=1, max_size=4, unique_by=lambda own: own[0]
).map(
    lambda own: Tiers(
        tuple(Tier(start, fen) for start, fen in zip(sorted(s for s, _ in own), sorted(f for _, f in own), strict=True))
    )
)
shares = st.integers(1, LARGEST_RATE - 1).map(lambda first: Shares((first, LARGEST_RATE - first)))
VALUES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (Fen, st.integers(-LARGEST_FEN, LARGEST_FEN)),
    (Rate, st.integers(0, LARGEST_RATE)),
    (int, st.integers(0, LARGEST_WHOLE)),
    (bool, st.booleans()),
    (MonthDay, month_days),
    (Window, windows),
    (Years, years),
    (Tiers, tiers),
    (Shares, shares),
    (DayUnit, st.sampled_from(DayUnit)),
    (frozenset[Duty], st.frozensets(st.sampled_from(Duty), min_size=1)),
]


@pytest.mark.parametrize(("annotation", "values"), VALUES, ids=lambda own: getattr(own, "__name__", ""))
@given(data=st.data())
def test_what_is_shown_is_read(annotation: Any, values: st.SearchStrategy[Any], data: st.DataObject) -> None:
    kind, own = kind_of(annotation), data.draw(values)
    assert kind.read(kind.show(own).zh) == own


@pytest.mark.parametrize("code", sorted(installed().programmes))
def test_every_number_of_every_programme_is_read_as_it_is_shown(code: str) -> None:
    policy = installed().programme(code).policy
    read = 0
    for parameter in policy.parameters.values():
        for entry in parameter.entries:
            if entry.value is not None:
                assert parameter.kind.read(parameter.kind.show(entry.value).zh) == entry.value, parameter.name
                read += 1
    assert read >= len(policy.parameters) - 2
    titles = [parameter.title.zh for parameter in policy.parameters.values()]
    assert len(set(titles)) == len(titles)


UNDERSTOOD: list[tuple[Any, str, Any]] = [
    (Fen, "3000", 300_000),
    (Fen, "¥ 3,000.50", 300_050),
    (Fen, "3000元", 300_000),
    (Rate, "20%", 2_000),
    (Rate, "12.5 %", 1_250),
    (int, "1,000", 1_000),
    (int, "12", 12),
    (Fen, "3,000元", 300_000),
    (MonthDay, "2月15日", MonthDay(2, 15)),
    (MonthDay, "02-end", MonthDay(2, 31)),
    (MonthDay, "6月底", MonthDay(6, 31)),
    (Window, "上年10月1日至当年9月30日", Window(MonthDay(10, 1), -1, MonthDay(9, 31), 0)),
    (Window, "-2年 01-01 至 +2年 12-end", Window(MonthDay(1, 1), -2, MonthDay(12, 31), 2)),
    (Years, "2016至2019", Years(2016, 2019)),
    (Years, "2016年-2019年", Years(2016, 2019)),
    (Tiers, "3起2000元、5起3,000元", Tiers((Tier(3, 200_000), Tier(5, 300_000)))),
    (Shares, "30%、40%、30%", Shares((3_000, 4_000, 3_000))),
    (DayUnit, "working", DayUnit.WORKING),
]


@pytest.mark.parametrize(("annotation", "words", "meant"), UNDERSTOOD)
def test_what_an_office_writes_is_understood(annotation: Any, words: str, meant: Any) -> None:
    assert kind_of(annotation).read(words) == meant


class Colour(StrEnum):
    RED = "red"


REFUSED: list[tuple[Any, str]] = [
    (Fen, "30,00"),
    (Fen, "3000.001"),
    (Fen, "三千"),
    (Fen, ""),
    (Rate, "20"),
    (Rate, "0.2"),
    (Rate, "120%"),
    (Rate, "20%%"),
    (int, "-1"),
    (int, "1.5"),
    (bool, "也许"),
    (MonthDay, "2月30日"),
    (MonthDay, "13-01"),
    (Window, "10月1日至9月30日"),
    (Window, "当年10月1日"),
    (Window, "当年10月1日至上年9月30日"),
    (Years, "2019—2016年"),
    (Years, "2016"),
    (Tiers, "5起3000元,3起2000元"),
    (Tiers, "2000元"),
    (Shares, "30%、40%"),
    (Fen, "2000 3000"),
    (Fen, "1 000.00"),
    (int, "5 7"),
    (int, "5\n7"),
    (int, "①"),
    (int, "10²"),
    (int, "५"),
    (Rate, "1 0%"),
    (Tiers, "3起2,005起3000"),
    (Colour, "green"),
    (frozenset[Duty], "县长"),
]


@pytest.mark.parametrize(("annotation", "words"), REFUSED)
def test_what_cannot_be_understood_is_refused(annotation: Any, words: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        kind_of(annotation).read(words)
