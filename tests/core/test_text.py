"""Sayings in two languages, and numbers, money and days as a person reads them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bangfu.text import LANGUAGES, Text, day, join, money, number, parse_yuan, yuan_digits


def test_the_languages_are_chinese_first_then_english() -> None:
    assert LANGUAGES == ("zh", "en")
    saying = Text("公示", "notice")
    assert [saying.in_(language) for language in LANGUAGES] == ["公示", "notice"]
    assert str(saying) == "公示 / notice"


@pytest.mark.parametrize(("zh", "en"), [("", "notice"), ("公示", ""), ("  ", "notice"), ("公示", "\n")])
def test_neither_language_may_be_forgotten(zh: str, en: str) -> None:
    with pytest.raises(ValueError, match="both languages"):
        Text(zh, en)


def test_places_are_filled_in_the_language_of_each_text() -> None:
    saying = Text("{stage}截止于{day},共{count}户", "{stage} ends on {day}: {count} households, {count!r}")
    filled = saying.filled(stage=Text("公示", "the notice"), day=day(date(2021, 10, 15)), count="7")
    assert filled == Text("公示截止于2021年10月15日,共7户", "the notice ends on 15 October 2021: 7 households, '7'")


def test_an_unfilled_place_is_an_error() -> None:
    with pytest.raises(KeyError, match="count"):
        Text("{count}户", "{count} households").filled(number=1)


def test_places_are_named_once_whatever_their_form() -> None:
    assert Text("{a}与{b}", "{b!r} and {a}").places() == {"a", "b"}
    assert Text("无", "none").places() == frozenset()


def test_the_two_languages_must_have_the_same_places() -> None:
    with pytest.raises(ValueError, match=r"\['day'\] / \['days'\]"):
        Text("{day}", "{days}").places()


def test_join_separates_as_each_language_does() -> None:
    texts = [Text("甲", "a"), Text("乙", "b"), Text("丙", "c")]
    assert join(texts) == Text("甲、乙、丙", "a, b, c")
    assert join(texts, ";", "; ") == Text("甲;乙;丙", "a; b; c")
    assert join(texts[:1]) == texts[0]
    assert join([]) == Text("(无)", "(none)")


@pytest.mark.parametrize(
    ("fen", "digits", "shown"),
    [
        (0, "0.00", "0.00"),
        (1, "0.01", "0.01"),
        (-1, "-0.01", "-0.01"),
        (-100, "-1.00", "-1.00"),
        (-123450, "-1234.50", "-1,234.50"),
        (300_000, "3000.00", "3,000.00"),
        (2_041_800_000, "20418000.00", "20,418,000.00"),
        (10**13, "100000000000.00", "100,000,000,000.00"),
    ],
)
def test_money_is_exact(fen: int, digits: str, shown: str) -> None:
    assert yuan_digits(fen) == digits
    assert money(fen) == Text(f"{shown} 元", f"{shown} yuan")


@given(st.integers(-(10**15), 10**15))
def test_digits_of_yuan_are_read_back_to_the_same_fen(fen: int) -> None:
    digits = yuan_digits(fen)
    assert Decimal(digits) * 100 == fen
    assert parse_yuan(digits) == fen
    assert money(fen).en.removesuffix(" yuan").replace(",", "") == digits


@pytest.mark.parametrize(
    ("value", "places", "shown"),
    [(6806, 0, "6,806"), (-1234567, 0, "-1,234,567"), (Decimal("0.5"), 2, "0.50"), (Decimal("3000"), 2, "3,000.00")],
)
def test_numbers_have_separators_and_exactly_their_places(value: int | Decimal, places: int, shown: str) -> None:
    assert number(value, places) == shown


def test_days_are_written_as_each_language_does() -> None:
    assert day(date(2021, 9, 30)) == Text("2021年9月30日", "30 September 2021")
    assert day(date(2024, 2, 1)) == Text("2024年2月1日", "1 February 2024")


@pytest.mark.parametrize(("text", "fen"), [("3000", 300_000), ("3000.5", 300_050), ("-0.01", -1), ("0.010", 1)])
def test_a_decimal_of_yuan_is_read(text: str, fen: int) -> None:
    assert parse_yuan(text) == fen


@pytest.mark.parametrize("text", ["", "abc", "3,000", "0.001", "-0.005", "NaN", "Infinity", "-Infinity", "1e-3", "3元"])
def test_what_is_no_whole_fen_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="amount of money"):
        parse_yuan(text)


@pytest.mark.parametrize("text", ["1e999999", "12345678901234567890123456789.015"])
def test_an_amount_beyond_what_is_exact_is_refused_as_well(text: str) -> None:
    with pytest.raises(ValueError, match="amount of money"):
        parse_yuan(text)
