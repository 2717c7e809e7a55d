"""Days as a programme counts them: plan years and their reference days, deadlines, working days.

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


@dataclass(frozen=True, slots=True)
class Period:
    """One round of a programme, such as the plan year 2021, and the day that its rules are chosen by."""

    key: str
    title: Text
    year: int
    reference_day: date


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
        return Period(key, Text(f"{year}年度", f"plan year {year}"), year, self.reference.in_year(year))
