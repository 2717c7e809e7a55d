"""Months of a case that is paid every month: from which one on, and why nothing is due of one although the facts would
give it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from bangfu.process.stages import Begins, RestCause
from bangfu.text import Text

PAUSE, RESUME, STOP, WITHDRAW, UNDO, CARRY, AMEND = "pause", "resume", "stop", "withdraw", "undo", "carry", "amend"
WAYS = (PAUSE, RESUME, STOP, WITHDRAW, UNDO, CARRY, AMEND)
"""The acts by which a case rests, goes on, ends, is opened again, or goes over into the next period."""


class Withheld(StrEnum):
    """Why nothing is due of a month although the facts would give it 停发: the case rested for a cause, or had ended by
    then."""

    CUSTODY = RestCause.CUSTODY.value
    UNREACHABLE = RestCause.UNREACHABLE.value
    UNVERIFIED = RestCause.UNVERIFIED.value
    ACCOUNT = RestCause.ACCOUNT.value
    OTHER = RestCause.OTHER.value
    ENDED = "ended"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return Text("已终止", "the case had ended") if self is Withheld.ENDED else RestCause(self.value).title_text


@dataclass(frozen=True, slots=True)
class Way:
    """One of these acts: which step of the case it was, on which day it counts, and what was kept of it."""

    version: int
    act: str
    day: date
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rest:
    """A time for which a case rested: from a day to before another, None while it does, and why."""

    cause: RestCause
    since: date
    until: date | None

    def holds(self, day: date) -> bool:
        """Whether it rested on a day."""
        return self.since <= day and (self.until is None or day < self.until)

    def reaches(self, day: date) -> bool:
        """Whether it rested on a day or later."""
        return self.until is None or day < self.until

    def kept(self) -> dict[str, str | None]:
        """It, as what is kept of a carry says it."""
        until = None if self.until is None else self.until.isoformat()
        return {"cause": self.cause.value, "since": self.since.isoformat(), "until": until}

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Rest:
        """A rest by what is kept of it. Of one that lasted, earlier versions kept no end."""
        until = kept.get("until")
        since = date.fromisoformat(kept["since"])
        return cls(RestCause(kept["cause"]), since, None if until is None else date.fromisoformat(until))


@dataclass(frozen=True, slots=True)
class Course:
    """How a case went: when it rested, and the day on which it ended, if it has."""

    rests: tuple[Rest, ...] = ()
    ended_on: date | None = None
    away: tuple[tuple[date, date], ...] = ()
    """From when to when it had ended, where it was applied for again."""

    @classmethod
    def of(cls, ways: Iterable[Way]) -> Course:
        """What some acts come to, in their order. What was taken back counts for nothing.

        Who applies again after an end rests no more and has not ended; the time between stays ended. A case that was
        carried on begins with the rests that it was carried with, unless those of the case that it was carried on from
        are among the acts.
        """
        known = sorted(ways, key=lambda one: one.version)
        undone = {one.data["undoes"] for one in known if one.act == UNDO}
        rests: list[Rest] = []
        ended_on = None
        away: list[tuple[date, date]] = []
        followed = False
        for one in known:
            if one.version in undone:
                continue
            if one.act == PAUSE:
                rests.append(Rest(RestCause(one.data["cause"]), one.day, None))
            elif one.act == CARRY and "to" in one.data:
                followed = True
            elif one.act == CARRY and not followed:
                rests += _carried(one.data)
            elif one.act == RESUME and rests:
                rests[-1] = Rest(rests[-1].cause, rests[-1].since, one.day)
            elif one.act in (STOP, WITHDRAW):
                ended_on = one.day
            elif one.act == AMEND and ended_on is not None:
                if rests and rests[-1].until is None:
                    rests[-1] = Rest(rests[-1].cause, rests[-1].since, max(rests[-1].since, ended_on))
                # The month of the application is one of those that it is for.
                if ended_on < (again := one.day.replace(day=1)):
                    away.append((ended_on, again))
                ended_on = None
        return cls(tuple(rests), ended_on, tuple(away))

    def withheld(self, day: date, back_paid: Collection[RestCause]) -> str:
        """Why nothing is due of the month that a day decides, empty where nothing stands in the way.

        A rest that is over withholds nothing if its cause is one that is paid afterwards; while it lasts, it does.
        """
        has_ended = self.ended_on is not None and self.ended_on <= day
        if has_ended or any(since <= day < until for since, until in self.away):
            return Withheld.ENDED.value
        for rest in self.rests:
            if rest.holds(day) and (rest.until is None or rest.cause not in back_paid):
                return rest.cause.value
        return ""


def _carried(data: Mapping[str, Any]) -> list[Rest]:
    """The rests that a case was carried with. Earlier versions kept the one that lasted, and no other."""
    kept = data["rests"] if "rests" in data else [data["rest"]] if "rest" in data else []
    return [Rest.of(one) for one in kept]


def first_month(opened_on: date, year: int, begins: Begins) -> int:
    """The first month of a year that counts of a case that was opened on a day; 13 or more where none does."""
    months = (opened_on.year - year) * 12 + opened_on.month + (begins is Begins.FOLLOWING)
    return max(1, months)


def half_of(day: date, months: int) -> tuple[date, date]:
    """The span of so many months, counted from January, in which a day lies: its first and its last day. Everybody is
    verified again once in each."""
    first = (day.month - 1) // months * months + 1
    last = min(12, first + months - 1)
    after = date(day.year + last // 12, last % 12 + 1, 1)
    return date(day.year, first, 1), date.fromordinal(after.toordinal() - 1)
