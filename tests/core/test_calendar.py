"""Days as a programme counts them. The holidays of 2021 are those of the State Council (国办发明电〔2020〕27号)."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bangfu.calendar import (
    ONE_DAY,
    DayUnit,
    Period,
    PlanYear,
    Quarter,
    SchoolYear,
    WorkingDays,
    age,
    last_day,
    months_after,
)
from bangfu.errors import Code, Refused
from bangfu.policy import MonthDay, Window
from bangfu.text import Text

PUBLISHED = WorkingDays()
CALENDAR, WORKING = DayUnit.CALENDAR, DayUnit.WORKING


def test_a_notice_of_five_calendar_days_ends_on_the_fifth() -> None:
    assert last_day(date(2021, 10, 11), 5, CALENDAR, PUBLISHED) == date(2021, 10, 15)


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        (date(2021, 9, 26), True),  # a Sunday that is worked instead
        (date(2021, 9, 30), True),
        (date(2021, 10, 1), False),
        (date(2021, 10, 5), False),  # a Tuesday within National Day
        (date(2021, 10, 7), False),
        (date(2021, 10, 8), True),
        (date(2021, 10, 9), True),  # a Saturday that is worked instead
        (date(2021, 10, 10), False),
        (date(2021, 10, 16), False),  # an ordinary Saturday
    ],
)
def test_national_day_2021(day: date, worked: bool) -> None:
    assert PUBLISHED.is_worked(day) is worked


@pytest.mark.parametrize(
    ("first", "days", "last"),
    [
        (date(2021, 9, 27), 4, date(2021, 9, 30)),
        (date(2021, 9, 27), 5, date(2021, 10, 8)),
        (date(2021, 9, 30), 3, date(2021, 10, 9)),
        (date(2021, 9, 30), 4, date(2021, 10, 11)),
        (date(2021, 10, 1), 1, date(2021, 10, 8)),  # posted on a holiday: the first full day is the next worked one
        (date(2021, 10, 11), 5, date(2021, 10, 15)),
        (date(2021, 10, 11), 6, date(2021, 10, 18)),
        (date(2021, 12, 31), 2, date(2022, 1, 4)),  # across New Year
    ],
)
def test_working_days_across_holidays(first: date, days: int, last: date) -> None:
    assert last_day(first, days, WORKING, PUBLISHED) == last


def test_a_countys_own_entries_come_first() -> None:
    own = WorkingDays({date(2021, 10, 9): False, date(2021, 10, 10): True, date(2021, 10, 12): False})
    assert [own.is_worked(date(2021, 10, n)) for n in (8, 9, 10, 11, 12)] == [True, False, True, True, False]
    assert last_day(date(2021, 10, 8), 3, WORKING, own) == date(2021, 10, 11)
    assert last_day(date(2021, 10, 8), 3, CALENDAR, own) == date(2021, 10, 10)


@pytest.mark.parametrize("day", [date(2027, 1, 4), date(2027, 10, 2), date(2003, 6, 2)])
def test_a_year_that_is_not_published_is_never_guessed(day: date) -> None:
    with pytest.raises(Refused) as refused:
        PUBLISHED.is_worked(day)
    assert refused.value.problems == (Code.CALENDAR_UNKNOWN.problem(year=day.year),)


def test_a_count_that_runs_into_an_unknown_year_is_refused() -> None:
    assert last_day(date(2026, 12, 30), 2, WORKING, PUBLISHED) == date(2026, 12, 31)
    with pytest.raises(Refused, match="CALENDAR_UNKNOWN"):
        last_day(date(2026, 12, 30), 3, WORKING, PUBLISHED)
    entered = WorkingDays(
        {date(2027, 1, 1): False, date(2027, 1, 2): False, date(2027, 1, 3): False} | {date(2027, 1, 4): True}
    )
    assert last_day(date(2026, 12, 30), 3, WORKING, entered) == date(2027, 1, 4)
    assert last_day(date(2027, 1, 1), 9, CALENDAR, PUBLISHED) == date(2027, 1, 9)


@given(st.lists(st.booleans(), min_size=40, max_size=40).filter(lambda worked: sum(worked) >= 5), st.integers(1, 5))
def test_the_last_working_day_is_the_one_counted_off_by_hand(worked: list[bool], days: int) -> None:
    first = date(2030, 3, 1)
    own = WorkingDays({first + timedelta(days=n): yes for n, yes in enumerate(worked)})
    by_hand = [n for n, yes in enumerate(worked) if yes][days - 1]
    assert last_day(first, days, WORKING, own) == first + timedelta(days=by_hand)
    assert last_day(first, days, CALENDAR, own) == first + timedelta(days=days - 1)


@pytest.mark.parametrize("days", [0, -1])
@pytest.mark.parametrize("unit", DayUnit)
def test_a_period_has_at_least_one_day(days: int, unit: DayUnit) -> None:
    with pytest.raises(ValueError, match="at least one day"):
        last_day(date(2021, 10, 11), days, unit, PUBLISHED)


def test_the_units_have_two_names() -> None:
    assert [unit.title_text for unit in DayUnit] == [Text("自然日", "calendar days"), Text("工作日", "working days")]


# --- days of the year and plan years --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "year", "day"),
    [
        ("02-15", 2021, date(2021, 2, 15)),
        ("02-end", 2021, date(2021, 2, 28)),
        ("02-end", 2020, date(2020, 2, 29)),
        ("02-end", 2000, date(2000, 2, 29)),
        ("02-end", 2100, date(2100, 2, 28)),
        ("02-29", 2020, date(2020, 2, 29)),
        ("02-29", 2021, date(2021, 2, 28)),
        ("04-end", 2021, date(2021, 4, 30)),
        ("12-31", 2021, date(2021, 12, 31)),
    ],
)
def test_a_day_of_every_year(written: str, year: int, day: date) -> None:
    assert MonthDay.parse(written).in_year(year) == day


@pytest.mark.parametrize(
    ("first", "last", "year", "span"),
    [
        (("10-01", -1), ("09-30", 0), 2021, (date(2020, 10, 1), date(2021, 9, 30))),
        (("01-01", 0), ("02-end", 0), 2024, (date(2024, 1, 1), date(2024, 2, 29))),
        (("03-01", 0), ("02-end", 1), 2023, (date(2023, 3, 1), date(2024, 2, 29))),
    ],
)
def test_a_window_lies_around_its_plan_year(
    first: tuple[str, int], last: tuple[str, int], year: int, span: tuple[date, date]
) -> None:
    window = Window(MonthDay.parse(first[0]), first[1], MonthDay.parse(last[0]), last[1])
    assert window.in_year(year) == span


def test_a_plan_year_has_its_reference_day() -> None:
    period = PlanYear(reference=MonthDay(9, 30)).period("2021")
    assert (period.key, period.year, period.reference_day) == ("2021", 2021, date(2021, 9, 30))
    assert period.title == Text("2021年度", "plan year 2021")
    assert (period.first_day, period.last_day) == (date(2021, 1, 1), date(2021, 12, 31))
    assert PlanYear(reference=MonthDay.parse("02-end")).period("2024").reference_day == date(2024, 2, 29)


@pytest.mark.parametrize(
    "key", ["", "21", "1899", "2200", "2021 ", "2021年", "2021-09-30", "20210", "２０２１", "20２１"]
)
def test_anything_else_is_no_plan_year(key: str) -> None:
    with pytest.raises(Refused) as refused:
        PlanYear(reference=MonthDay(9, 30)).period(key)
    (problem,) = refused.value.problems
    assert (problem.code, problem.path) == (Code.PERIOD_BAD, ("period",))
    assert problem.message.en == f"{key!r} is not a period; expected a year such as 2021."


@pytest.mark.parametrize(
    ("key", "first", "last"),
    [
        ("2021Q1", date(2021, 1, 1), date(2021, 3, 31)),
        ("2021Q2", date(2021, 4, 1), date(2021, 6, 30)),
        ("2021Q3", date(2021, 7, 1), date(2021, 9, 30)),
        ("2021Q4", date(2021, 10, 1), date(2021, 12, 31)),
        ("2024Q1", date(2024, 1, 1), date(2024, 3, 31)),
    ],
)
def test_a_quarter_is_told_by_its_last_day(key: str, first: date, last: date) -> None:
    period = Quarter().period(key)
    assert (period.key, period.year, period.first_day, period.last_day) == (key, first.year, first, last)
    assert period.reference_day == last


def test_a_quarter_has_two_names() -> None:
    assert Quarter().period("2021Q1").title == Text("2021年第1季度", "quarter 1 of 2021")
    assert Quarter().period("2022Q4").title == Text("2022年第4季度", "quarter 4 of 2022")


@given(st.integers(1900, 2199))
def test_the_quarters_of_a_year_follow_each_other_without_a_gap(year: int) -> None:
    quarters = [Quarter().period(f"{year}Q{number}") for number in (1, 2, 3, 4)]
    assert (quarters[0].first_day, quarters[3].last_day) == (date(year, 1, 1), date(year, 12, 31))
    for before, after in pairwise(quarters):
        assert before.last_day + ONE_DAY == after.first_day


@pytest.mark.parametrize(
    "key",
    [
        "",
        "2021",
        "2021Q0",
        "2021Q5",
        "2021q1",
        "2021 Q1",
        "2021Q1 ",
        "2021Q12",
        "1899Q1",
        "2200Q1",
        "２０２１Q1",
        "2021Q１",
    ],
)
def test_anything_else_is_no_quarter(key: str) -> None:
    with pytest.raises(Refused) as refused:
        Quarter().period(key)
    (problem,) = refused.value.problems
    assert (problem.code, problem.path) == (Code.PERIOD_BAD, ("period",))
    assert problem.message.en == f"{key!r} is not a period; expected a quarter such as 2021Q1."


# --- school years and the days within a period -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "first", "last"),
    [
        ("2011-2012", date(2011, 9, 1), date(2012, 8, 31)),
        ("2020-2021", date(2020, 9, 1), date(2021, 8, 31)),
        ("1900-1901", date(1900, 9, 1), date(1901, 8, 31)),
        ("1999-2000", date(1999, 9, 1), date(2000, 8, 31)),
        ("2199-2200", date(2199, 9, 1), date(2200, 8, 31)),
    ],
)
def test_a_school_year_begins_in_september_and_is_told_by_its_first_day(key: str, first: date, last: date) -> None:
    period = SchoolYear().period(key)
    assert (period.key, period.year, period.first_day, period.last_day) == (key, first.year, first, last)
    assert period.reference_day == first


def test_a_school_year_has_two_names() -> None:
    assert SchoolYear().period("2011-2012").title == Text("2011—2012学年", "school year 2011-2012")


@given(st.integers(1900, 2198))
def test_school_years_follow_each_other_without_a_gap(year: int) -> None:
    before, after = (SchoolYear().period(f"{first}-{first + 1}") for first in (year, year + 1))
    assert before.last_day + ONE_DAY == after.first_day


@pytest.mark.parametrize(
    "key",
    [
        "", "2011", "2011-", "2011-12", "2011-2013", "2011-2011", "2012-2011", "2011–2012", "2011—2012", "2011/2012",
        "2011-2012 ", " 2011-2012", "2011-2012学年", "20111-2012", "2011-20120", "1899-1900", "2200-2201", "2011Q1",
        "２０１１-2012", "2011-２０１２", "2011-2012\n",
    ],
)  # fmt: skip
def test_anything_else_is_no_school_year(key: str) -> None:
    with pytest.raises(Refused) as refused:
        SchoolYear().period(key)
    (problem,) = refused.value.problems
    assert (problem.code, problem.path) == (Code.PERIOD_BAD, ("period",))
    assert problem.message.en == f"{key!r} is not a period; expected a school year such as 2011-2012."


YEAR_2021, PILOT = PlanYear(reference=MonthDay(9, 30)).period("2021"), SchoolYear().period("2011-2012")


@pytest.mark.parametrize(
    ("period", "written", "day"),
    [
        (YEAR_2021, "01-01", date(2021, 1, 1)),
        (YEAR_2021, "02-29", date(2021, 2, 28)),
        (YEAR_2021, "02-end", date(2021, 2, 28)),
        (YEAR_2021, "12-31", date(2021, 12, 31)),
        (PILOT, "09-01", date(2011, 9, 1)),  # its first day is of the year in which it begins
        (PILOT, "09-end", date(2011, 9, 30)),
        (PILOT, "12-31", date(2011, 12, 31)),
        (PILOT, "01-01", date(2012, 1, 1)),
        (PILOT, "02-end", date(2012, 2, 29)),  # 2012 has a 29th, and 2011 has none
        (PILOT, "02-29", date(2012, 2, 29)),
        (PILOT, "08-31", date(2012, 8, 31)),  # the day before it begins is the day on which it ends
        (PILOT, "08-end", date(2012, 8, 31)),
        (SchoolYear().period("2012-2013"), "02-end", date(2013, 2, 28)),
        (SchoolYear().period("2012-2013"), "02-29", date(2013, 2, 28)),
        # A quarter lies in its plan year: a day before it begins is not put off to the next year.
        (Quarter().period("2021Q2"), "02-15", date(2021, 2, 15)),
        (Quarter().period("2021Q4"), "12-31", date(2021, 12, 31)),
    ],
)
def test_a_day_of_the_year_lies_in_the_period(period: Period, written: str, day: date) -> None:
    assert period.day_of(MonthDay.parse(written)) == day


@given(st.integers(1900, 2198), st.integers(1, 12), st.integers(1, 28))
def test_every_day_of_the_year_lies_in_a_school_year_exactly_once(year: int, month: int, day: int) -> None:
    period = SchoolYear().period(f"{year}-{year + 1}")
    found = period.day_of(MonthDay(month, day))
    assert found in period
    assert (found.month, found.day) == (month, day)


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        (YEAR_2021, date(2021, 1, 1), date(2021, 12, 31)),
        (PILOT, date(2011, 9, 1), date(2012, 8, 31)),
        (Quarter().period("2024Q1"), date(2024, 1, 1), date(2024, 3, 31)),
    ],
)
def test_the_first_and_the_last_day_are_in_a_period(period: Period, first: date, last: date) -> None:
    found = [day in period for day in (first - ONE_DAY, first, last, last + ONE_DAY)]
    assert found == [False, True, True, False]


# --- ages -------------------------------------------------------------------------------------------------------

LEAP = date(2004, 2, 29)


@pytest.mark.parametrize(
    ("born", "on", "years"),
    [
        (date(2005, 9, 1), date(2021, 8, 31), 15),  # the day before the birthday
        (date(2005, 9, 1), date(2021, 9, 1), 16),
        (date(2005, 9, 1), date(2021, 9, 2), 16),
        (date(2005, 12, 31), date(2021, 1, 1), 15),
        (date(2005, 1, 1), date(2021, 12, 31), 16),
        (date(1975, 3, 2), date(2021, 3, 2), 46),
        (date(2021, 3, 2), date(2021, 3, 2), 0),
        (LEAP, date(2020, 2, 28), 15),
        (LEAP, date(2020, 2, 29), 16),
        (LEAP, date(2021, 2, 28), 16),  # where there is no 29th, the birthday is 1 March
        (LEAP, date(2021, 3, 1), 17),
        (LEAP, date(2022, 2, 28), 17),
        (date(2003, 2, 28), date(2020, 2, 28), 17),
        (date(2003, 3, 1), date(2020, 2, 29), 16),
        (date(2021, 3, 2), date(2021, 3, 1), -1),  # before he is born
        (date(2021, 3, 2), date(2020, 3, 2), -1),
        (date(2021, 3, 2), date(2020, 3, 1), -2),
    ],
)
def test_an_age_is_in_whole_years(born: date, on: date, years: int) -> None:
    assert age(born, on) == years


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        (date(2020, 9, 1), 12, date(2021, 9, 1)),
        (date(2020, 9, 1), 0, date(2020, 9, 1)),
        (date(2020, 12, 31), 1, date(2021, 1, 31)),
        (date(2020, 12, 31), 2, date(2021, 3, 1)),
        (date(2020, 12, 31), 11, date(2021, 12, 1)),
        (date(2020, 2, 29), 12, date(2021, 3, 1)),
        (date(2020, 2, 29), 48, date(2024, 2, 29)),
        (date(2020, 10, 31), 120, date(2030, 10, 31)),
    ],
)
def test_some_months_on_is_the_same_day_or_the_first_after_it(day: date, months: int, then: date) -> None:
    assert months_after(day, months) == then


@given(st.dates(date(1900, 1, 1), date(2050, 12, 31)), st.integers(1, 110))
def test_everybody_is_a_year_older_from_one_day_to_the_next(born: date, years: int) -> None:
    birthday = MonthDay(born.month, born.day).in_year(born.year + years)
    if birthday.day < born.day:  # born on a 29th that this year does not have
        birthday += ONE_DAY
    assert (age(born, birthday - ONE_DAY), age(born, birthday)) == (years - 1, years)
