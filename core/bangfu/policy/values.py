"""The values of parameters: how each type is read from ``policy.toml``, written back, shown and kept within bounds."""

from __future__ import annotations

import calendar as _months
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Any, Generic, NewType, TypeVar, get_args, get_origin

from bangfu.text import Text, join, money, number, parse_yuan, scaled, yuan_digits

Fen = NewType("Fen", int)
"""An amount of money in integer fen (1 yuan = 100 fen)."""

Rate = NewType("Rate", int)
"""A rate in integer basis points (1 % = 100)."""

LARGEST_FEN = 10**13
"""The largest amount of a single fact or parameter (100 billion yuan)."""

LARGEST_WHOLE = 10**9
"""The largest whole number that is a parameter, such as a number of days."""

LARGEST_RATE = 10_000
"""The largest rate (100 %): a share of the largest amount stays far inside 64 bits."""


@dataclass(frozen=True, slots=True, order=True)
class MonthDay:
    """A day of every year, such as 15 February; the last day of a month is day 31, however long the month is."""

    month: int
    day: int

    @classmethod
    def parse(cls, text: str) -> MonthDay:
        """Read ``"02-15"`` or ``"02-end"``; ValueError for a day that no year has."""
        match = re.fullmatch(r"([0-9]{2})-([0-9]{2}|end)", text)
        if not match:
            raise ValueError(f"write a day of the year like 02-15 or 02-end, not {text!r}")
        month = int(match[1])
        if not 1 <= month <= 12:
            raise ValueError(f"there is no month {match[1]}")
        longest = _months.monthrange(2000, month)[1]
        day = longest if match[2] == "end" else int(match[2])
        if not 1 <= day <= longest:
            raise ValueError(f"no year has the day {text}")
        return cls(month, 31 if day == longest else day)

    def in_year(self, year: int) -> date:
        """That day of a year; 29 February of a common year is 28 February."""
        return date(year, self.month, min(self.day, _months.monthrange(year, self.month)[1]))

    @property
    def ends_month(self) -> bool:
        """Whether it is the last day of its month in every year."""
        return self.day >= _months.monthrange(2000, self.month)[1]

    def __str__(self) -> str:
        return f"{self.month:02d}-{'end' if self.ends_month else f'{self.day:02d}'}"


@dataclass(frozen=True, slots=True)
class Window:
    """A span of days relative to the plan year, both ends included, such as 1 October of the year before to 30
    September."""

    first: MonthDay
    first_year: int
    last: MonthDay
    last_year: int

    def in_year(self, year: int) -> tuple[date, date]:
        """The first and last day of the window of one plan year."""
        return self.first.in_year(year + self.first_year), self.last.in_year(year + self.last_year)


@dataclass(frozen=True, slots=True)
class Years:
    """A range of calendar years, both ends included."""

    first: int
    last: int

    def __contains__(self, year: object) -> bool:
        return isinstance(year, int) and self.first <= year <= self.last


@dataclass(frozen=True, slots=True)
class Tier:
    """One tier of an award: from how many on, and the amount in fen. Tiers are bounded in both at once."""

    start: int
    fen: int

    def __le__(self, other: Tier) -> bool:
        return self.start <= other.start and self.fen <= other.fen

    def __ge__(self, other: Tier) -> bool:
        return other <= self


@dataclass(frozen=True, slots=True)
class Tiers:
    """Amounts by how many, such as 2,000 yuan from 3 on and 3,000 from 5 on: the highest tier that is reached counts,
    alone."""

    steps: tuple[Tier, ...]

    def reached(self, count: int) -> int:
        """How many of the tiers a count reaches; 0 for none."""
        return sum(tier.start <= count for tier in self.steps)

    def amount(self, count: int) -> int:
        """The amount of the highest tier that a count reaches, in fen; 0 below the lowest."""
        reached = self.reached(count)
        return self.steps[reached - 1].fen if reached else 0


@dataclass(frozen=True, slots=True)
class Shares:
    """The parts in which an award is paid, in basis points, in their order; they add up to 100 %."""

    rates: tuple[int, ...]


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ValueKind(Generic[T]):
    """How the values of one type are read, written, shown and kept within bounds."""

    name: Text
    parse: Callable[[Any], T]
    """From the raw form of ``policy.toml``; ValueError says what is wrong."""
    dump: Callable[[T], Any]
    """Back to the raw form (JSON)."""
    show: Callable[[T], Text]
    read: Callable[[str], T]
    """From Chinese words as ``show`` says them, or as an office writes them; ValueError says what is wrong."""
    spread: Callable[[T], Iterable[Any]] = lambda value: (value,)
    """The parts that a permitted deviation bounds: both ends of a range, every member of a list."""
    part: ValueKind[Any] | None = None
    """The kind of those parts, where it is not the kind itself."""

    @property
    def of_parts(self) -> ValueKind[Any]:
        """The kind of the parts."""
        return self.part or self


def _typed(raw: Any, kind: type, expected: str) -> Any:
    if isinstance(raw, kind) and (kind is bool or not isinstance(raw, bool)):
        return raw
    raise ValueError(f"expected {expected}, not {str(raw).lower() if isinstance(raw, bool) else repr(raw)}")


def plain(text: str) -> Text:
    """A text that is the same in both languages."""
    return Text(text, text)


def _parse_fen(raw: Any) -> int:
    fen = parse_yuan(_typed(raw, str, "an amount in yuan as a string"))
    if abs(fen) > LARGEST_FEN:
        raise ValueError("the amount is too large")
    return fen


def _parse_rate(raw: Any) -> int:
    text = _typed(raw, str, "a percentage as a string")
    points = scaled(text, 2)
    if not 0 <= points <= LARGEST_RATE:
        raise ValueError("a percentage lies between 0 and 100")
    return points


def _parse_number(raw: Any) -> int:
    value: int = _typed(raw, int, "a whole number")
    if not 0 <= value <= LARGEST_WHOLE:
        raise ValueError(f"a whole number lies between 0 and {number(LARGEST_WHOLE)}")
    return value


def _folded(words: str) -> str:
    """Words as they are compared: full-width forms folded, blanks gone; ValueError for a blank within a number.

    Nothing else that looks like a digit is taken for one: 10² is no 102, and ① is no 1.
    """
    wide = (unicodedata.normalize("NFKC", one) if unicodedata.east_asian_width(one) == "F" else one for one in words)
    folded = "".join(wide).strip()
    if re.search(r"[0-9.,]\s+[0-9.,]", folded):
        raise ValueError(f"a blank stands within a number: {words!r}")
    return re.sub(r"\s", "", folded)


def _read_fen(words: str) -> int:
    return _parse_fen(_whole(_folded(words).removeprefix("¥").removesuffix("元")))


def _whole(digits: str) -> str:
    """Digits without the commas between thousands; a comma elsewhere is a ValueError."""
    whole, point, rest = digits.partition(".")
    if "," in whole and not re.fullmatch(r"-?[0-9]{1,3}(,[0-9]{3})+", whole):
        raise ValueError(f"not a number: {digits!r}")
    return f"{whole.replace(',', '')}{point}{rest}"


def _read_rate(words: str) -> int:
    digits, mark, rest = _folded(words).partition("%")
    if not mark or rest:
        raise ValueError(f"write a percentage with its sign, like 20%, not {words!r}")
    return _parse_rate(digits)


def _read_number(words: str) -> int:
    digits = _whole(_folded(words))
    if not re.fullmatch(r"[0-9]{1,18}", digits):
        raise ValueError(f"expected a whole number, not {words!r}")
    return _parse_number(int(digits))


def _read_truth(words: str) -> bool:
    said = {"是": True, "否": False}.get(_folded(words))
    if said is None:
        raise ValueError(f"expected 是 or 否, not {words!r}")
    return said


def _read_month_day(words: str) -> MonthDay:
    folded = _folded(words)
    match = re.fullmatch(r"([0-9]{1,2})月(?:([0-9]{1,2})日|底)", folded)
    if match is None:
        return MonthDay.parse(folded)
    return MonthDay.parse(f"{int(match[1]):02d}-{f'{int(match[2]):02d}' if match[2] else 'end'}")


_YEARS_ZH = {-1: "上年", 0: "当年", 1: "次年"}


def _read_window(words: str) -> Window:
    ends = _folded(words).split("至")
    found = []
    for end in ends:
        match = re.fullmatch(r"(上年|当年|次年|[+-][0-9]年)(.+)", end)
        if match is None or len(ends) != 2:
            raise ValueError(f"write a span of days like 上年10月1日至当年9月30日, not {words!r}")
        offset = next((by for by, word in _YEARS_ZH.items() if word == match[1]), None)
        year = int(match[1][:-1]) if offset is None else offset
        found.append(f"{year}:{_read_month_day(match[2])}")
    return _parse_window({"from": found[0], "to": found[1]})


def _read_years(words: str) -> Years:
    match = re.fullmatch(r"([0-9]{4})年?[-–—至~]+([0-9]{4})年?", _folded(words))
    if match is None:
        raise ValueError(f"write a range of years like 2016—2019年, not {words!r}")
    return _parse_years({"from": int(match[1]), "to": int(match[2])})


def _read_year(words: str) -> int:
    return int(_typed(_read_number(_folded(words).removesuffix("年")), int, "a year"))


def _read_tier(words: str) -> Tier:
    match = re.fullmatch(r"([1-9][0-9,]*)起(.+?)元?", _folded(words))
    if match is None:
        raise ValueError(f"write a tier like 3起 2000元, not {words!r}")
    return Tier(_read_number(match[1]), _read_fen(match[2]))


def _read_tiers(words: str) -> Tiers:
    folded = _folded(words)
    # A comma parts two tiers, or thousands: after an amount with its 元 it can only be the former.
    separator = r"(?<=元)[,;、]" if "元" in folded else r"[,;、](?=[0-9]+起)"
    return _parse_tiers([_dump_tier(_read_tier(part)) for part in re.split(separator, folded)])


def _read_shares(words: str) -> Shares:
    return _parse_shares([_dump_rate(_read_rate(part)) for part in re.split(r"[/、,]", _folded(words))])


def _dump_rate(points: int) -> str:
    return f"{Decimal(points) / 100:f}"


def _parse_window(raw: Any) -> Window:
    table = _typed(raw, dict, "a table with from and to")
    if set(table) != {"from", "to"}:
        raise ValueError("expected a table with from and to")
    ends = []
    for key in ("from", "to"):
        match = re.fullmatch(r"(-?\d):(.+)", _typed(table[key], str, "year offset:month-day"))
        if not match:
            raise ValueError(f"write {key} like -1:10-01, the year offset and the day")
        ends.append((MonthDay.parse(match[2]), int(match[1])))
    window = Window(*ends[0], *ends[1])
    first, last = window.in_year(2001)
    if first > last:
        raise ValueError("the window ends before it begins")
    return window


def _dump_window(window: Window) -> dict[str, str]:
    return {"from": f"{window.first_year}:{window.first}", "to": f"{window.last_year}:{window.last}"}


def _show_window(window: Window) -> Text:
    years_en = {-1: "of the year before", 0: "of the plan year", 1: "of the next year"}

    def end(day: MonthDay, year: int) -> Text:
        return Text(
            f"{_YEARS_ZH.get(year, f'{year:+d}年')}{_show_month_day(day).zh}",
            f"{_show_month_day(day).en} {years_en.get(year, f'{year:+d} years')}",
        )

    first, last = end(window.first, window.first_year), end(window.last, window.last_year)
    return Text(f"{first.zh}至{last.zh}", f"{first.en} to {last.en}")


def _show_month_day(value: MonthDay) -> Text:
    if value.ends_month:
        return Text(f"{value.month}月底", f"end of {_months.month_name[value.month]}")
    return Text(f"{value.month}月{value.day}日", f"{value.day} {_months.month_name[value.month]}")


def _parse_years(raw: Any) -> Years:
    table = _typed(raw, dict, "a table with from and to")
    if set(table) != {"from", "to"}:
        raise ValueError("expected a table with from and to")
    first, last = (_typed(table[key], int, "a year") for key in ("from", "to"))
    if not 1900 <= first <= last <= 2999:
        raise ValueError("the years run from the earlier to the later")
    return Years(first, last)


def _parse_tier(raw: Any) -> Tier:
    table = _typed(raw, dict, "a table with from and value")
    if set(table) != {"from", "value"}:
        raise ValueError("expected a table with from and value")
    return Tier(_parse_number(table["from"]), _parse_fen(table["value"]))


def _parse_tiers(raw: Any) -> Tiers:
    steps = tuple(_parse_tier(item) for item in _typed(raw, list, "a list of tiers"))
    if not steps or steps[0].start < 1 or steps[0].fen < 1:
        raise ValueError("expected at least one tier, from 1 or more on, with an amount above 0")
    if any(after.start <= before.start or after.fen < before.fen for before, after in pairwise(steps)):
        raise ValueError("the tiers stand in their order, and a higher one is not less")
    return Tiers(steps)


def _dump_tier(tier: Tier) -> dict[str, Any]:
    return {"from": tier.start, "value": yuan_digits(tier.fen)}


def _show_tier(tier: Tier) -> Text:
    start, amount = number(tier.start), money(tier.fen)
    return Text(f"{start}起 {amount.zh}", f"from {start} on {amount.en}")


def _parse_shares(raw: Any) -> Shares:
    rates = tuple(_parse_rate(item) for item in _typed(raw, list, "a list of percentages"))
    if sum(rates) != LARGEST_RATE or 0 in rates:
        raise ValueError("the percentages are above 0 and add up to 100")
    return Shares(rates)


def title_of(member: StrEnum) -> Text:
    """The two names of a choice: its ``title`` where it has one, else its code."""
    title = getattr(member, "title_text", None)
    return title if isinstance(title, Text) else plain(str(member))


def _choice_kind(choices: type[StrEnum]) -> ValueKind[Any]:
    def parse(raw: Any) -> Any:
        try:
            return choices(_typed(raw, str, "one of a list"))
        except ValueError:
            raise ValueError(f"expected one of {', '.join(choices)}, not {raw!r}") from None

    def read(words: str) -> Any:
        named = [one for one in choices if _folded(words) in (_folded(title_of(one).zh), str(one))]
        if len(named) != 1:
            listed = "、".join(title_of(one).zh for one in choices)
            raise ValueError(f"expected one of {listed}, not {words!r}")
        return named[0]

    return ValueKind(Text("选项", "a choice"), parse, str, title_of, read)


def _choices(choices: type[StrEnum]) -> ValueKind[Any]:
    one = _choice_kind(choices)

    def parse(raw: Any) -> frozenset[Any]:
        items = [one.parse(item) for item in _typed(raw, list, "a list")]
        if not items or len(set(items)) != len(items):
            raise ValueError("expected a list of different values, at least one")
        return frozenset(items)

    return ValueKind(
        Text("若干选项", "a list of choices"),
        parse,
        lambda value: sorted(str(item) for item in value),
        lambda value: join([title_of(item) for item in sorted(value)]),
        lambda words: parse([str(one.read(word)) for word in words.split("、")]),
        lambda value: value,
        one,
    )


_SCALARS: dict[Any, ValueKind[Any]] = {
    Fen: ValueKind(Text("金额", "an amount of money"), _parse_fen, yuan_digits, money, _read_fen),
    Rate: ValueKind(
        Text("百分比", "a percentage"), _parse_rate, _dump_rate, lambda v: plain(f"{_dump_rate(v)}%"), _read_rate
    ),
    int: ValueKind(Text("整数", "a whole number"), _parse_number, int, lambda v: plain(number(v)), _read_number),
    bool: ValueKind(
        Text("是/否", "yes or no"),
        lambda raw: _typed(raw, bool, "true or false"),
        bool,
        lambda v: Text("是", "yes") if v else Text("否", "no"),
        _read_truth,
    ),
    MonthDay: ValueKind(
        Text("日期", "a day of the year"),
        lambda raw: MonthDay.parse(_typed(raw, str, "a day of the year")),
        str,
        _show_month_day,
        _read_month_day,
    ),
    Window: ValueKind(Text("起止日期", "a span of days"), _parse_window, _dump_window, _show_window, _read_window),
    Years: ValueKind(
        Text("年度范围", "a range of years"),
        _parse_years,
        lambda v: {"from": v.first, "to": v.last},
        lambda v: Text(f"{v.first}—{v.last}年", f"{v.first}–{v.last}"),
        _read_years,
        lambda v: (v.first, v.last),
        ValueKind(
            Text("年度", "a year"), lambda raw: _typed(raw, int, "a year"), int, lambda v: plain(str(v)), _read_year
        ),
    ),
    Tiers: ValueKind(
        Text("分档金额", "amounts by tier"),
        _parse_tiers,
        lambda v: [_dump_tier(tier) for tier in v.steps],
        lambda v: join([_show_tier(tier) for tier in v.steps], ",", "; "),
        _read_tiers,
        lambda v: v.steps,
        ValueKind(Text("一档", "a tier"), _parse_tier, _dump_tier, _show_tier, _read_tier),
    ),
}
_SCALARS[Shares] = ValueKind(
    Text("分期比例", "shares of instalments"),
    _parse_shares,
    lambda v: [_dump_rate(rate) for rate in v.rates],
    lambda v: plain(" / ".join(f"{_dump_rate(rate)}%" for rate in v.rates)),
    _read_shares,
    lambda v: v.rates,
    _SCALARS[Rate],
)


def kind_of(annotation: Any) -> ValueKind[Any]:
    """The kind of an annotation of a ``Parameters`` dataclass; TypeError for one that is not in the table above."""
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return _choice_kind(annotation)
    if get_origin(annotation) is frozenset:
        (item,) = get_args(annotation)
        if isinstance(item, type) and issubclass(item, StrEnum):
            return _choices(item)
    raise TypeError(f"a parameter cannot have the type {annotation!r}; see the table in bangfu.policy")
