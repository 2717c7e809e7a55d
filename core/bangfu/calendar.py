"""Days as a programme counts them: its periods and their reference days, deadlines, working days.

Everything here is a function of the days it is given; nothing reads a clock. Working days come from the State
Council's published calendar (``chinesecalendar``) under a county's own table; a year that neither knows
refuses (``CALENDAR_UNKNOWN``) and is never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Protocol

import chinese_calendar

from bangfu.errors import Code
from bangfu.policy import MonthDay
from bangfu.text import Text

ONE_DAY = timedelta(days=1)


class DayUnit(StrEnum):
    """Which days a period counts."""

    CALENDAR = "calendar"
    WORKING = "working"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return Text("自然日", "calendar days") if self is DayUnit.CALENDAR else Text("工作日", "working days")


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """Which days are worked: the State Council's calendar, under a county's own entries.

    ``own`` maps a day to whether it is worked.
    """

    own: Mapping[date, bool] = field(default_factory=dict)

    def is_worked(self, day: date) -> bool:
        """Whether a day is a working day; refuses ``CALENDAR_UNKNOWN`` for a year that is not published."""
        if day in self.own:
            return self.own[day]
        try:
            return bool(chinese_calendar.is_workday(day))
        except NotImplementedError:
            raise Code.CALENDAR_UNKNOWN.refuse(year=day.year) from None


def last_day(first: date, days: int, unit: DayUnit, working: WorkingDays) -> date:
    """The last of ``days`` full days of which ``first`` is counted as the first.

    Five calendar days from 11 October are 11 to 15 October; the next step may be taken on the 16th.
    """
    if days < 1:
        raise ValueError("a period has at least one day")
    if unit is DayUnit.CALENDAR:
        return first + timedelta(days=days - 1)
    day, counted = first, int(working.is_worked(first))
    while counted < days:
        day += ONE_DAY
        counted += working.is_worked(day)
    return day


def age(born: date, on: date) -> int:
    """How old somebody is on a day, in whole years 周岁; below 0 before he is born.

    Whoever was born on 29 February is a year older on 1 March where there is no 29th.
    """
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def months_after(day: date, months: int) -> date:
    """The same day some months on; of a day that the month does not have, the first of the next."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    try:
        return day.replace(year=year, month=month + 1)
    except ValueError:
        year, month = divmod(year * 12 + month + 1, 12)
        return date(year, month + 1, 1)


@dataclass(frozen=True, slots=True)
class Period:
    """One round of a programme, such as the plan year 2021, and the day that its rules are chosen by.

    ``year`` is the plan year it belongs to, which days of the year and windows are counted from; ``first_day`` and
    ``last_day`` are its own (both included).
    """

    key: str
    title: Text
    year: int
    reference_day: date
    first_day: date
    last_day: date

    def day_of(self, day: MonthDay) -> date:
        """A day of the year in this period: that of its plan year or, where the period runs into the next one and the
        day would come before it begins, of the next."""
        own = day.in_year(self.year)
        return day.in_year(self.year + 1) if own < self.first_day and self.last_day.year > self.year else own

    def month(self, number: int, day: int | None = None) -> Period:
        """A month of its plan year, by number from 1: with the reference day of that number, the last one if the month
        has no such day, or none is given."""
        first = date(self.year, number, 1)
        last = months_after(first, 1) - ONE_DAY
        reference = last if day is None else min(last, first.replace(day=1) + timedelta(days=day - 1))
        title = Text(f"{self.year}年{number}月", f"month {number} of {self.year}")
        return Period(f"{self.year}-{number:02}", title, self.year, reference, first, last)

    def __contains__(self, day: date) -> bool:
        return self.first_day <= day <= self.last_day


class PeriodKind(Protocol):
    """How a programme divides time."""

    def period(self, key: str) -> Period:
        """The period of a key; refuses ``PERIOD_BAD``."""


@dataclass(frozen=True, slots=True)
class PlanYear:
    """A programme that runs once a plan year; ``reference`` is the day of the year that chooses book and parameters."""

    reference: MonthDay

    def period(self, key: str) -> Period:
        """The plan year of a key such as ``"2021"``; refuses ``PERIOD_BAD`` for anything else."""
        if not re.fullmatch(r"(19|20|21)[0-9][0-9]", key):
            raise Code.PERIOD_BAD.refuse("period", value=key, expected=Text("年份,如 2021", "a year such as 2021"))
        year = int(key)
        title = Text(f"{year}年度", f"plan year {year}")
        return Period(key, title, year, self.reference.in_year(year), date(year, 1, 1), date(year, 12, 31))


@dataclass(frozen=True, slots=True)
class SchoolYear:
    """A programme that runs once a school year 学年, 1 September to 31 August; its first day chooses book and
    parameters."""

    def period(self, key: str) -> Period:
        """The school year of a key such as ``"2011-2012"``; refuses ``PERIOD_BAD`` for anything else."""
        match = re.fullmatch(r"((?:19|20|21)[0-9][0-9])-([0-9]{4})", key)
        if not match or int(match[2]) != int(match[1]) + 1:
            expected = Text("学年,如 2011-2012", "a school year such as 2011-2012")
            raise Code.PERIOD_BAD.refuse("period", value=key, expected=expected)
        year = int(match[1])
        first = date(year, 9, 1)
        title = Text(f"{year}—{year + 1}学年", f"school year {year}-{year + 1}")
        return Period(key, title, year, first, first, date(year + 1, 8, 31))


@dataclass(frozen=True, slots=True)
class Quarter:
    """A programme that runs once a quarter; the last day of the quarter chooses book and parameters."""

    def period(self, key: str) -> Period:
        """The quarter of a key such as ``"2021Q1"``; refuses ``PERIOD_BAD`` for anything else."""
        match = re.fullmatch(r"((?:19|20|21)[0-9][0-9])Q([1-4])", key)
        if not match:
            expected = Text("季度,如 2021Q1", "a quarter such as 2021Q1")
            raise Code.PERIOD_BAD.refuse("period", value=key, expected=expected)
        year, number = int(match[1]), int(match[2])
        first = date(year, 3 * number - 2, 1)
        last = MonthDay(3 * number, 31).in_year(year)
        return Period(key, Text(f"{year}年第{number}季度", f"quarter {number} of {year}"), year, last, first, last)
