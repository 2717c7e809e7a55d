"""The cells of an office's workbook: what each says, or the problem with it.

Nothing is guessed: a number where digits matter is refused, because Excel has already lost the last of them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

from bangfu.errors import Code, Problem
from bangfu.policy import LARGEST_FEN
from bangfu.text import Text, scaled

Cell: TypeAlias = str | float | int | bool | date | datetime | time | timedelta | None

_LONG_NUMBER = re.compile(r"\d(\.\d+)?[eE]\+\d+")
_NUMBER = re.compile(r"(?P<sign>[+-]?)(?P<whole>[0-9]*|[0-9]{1,3}(,[0-9]{3})+)(\.(?P<decimals>[0-9]*))?")
_DOTS = re.compile("[\u2022\u2027\u2219\u22c5\u25cf\u25e6\u2981\u2e31\u2e33\u30fb\ua78f.]")
_NO_VALUE = re.compile(r"#(N/A|DIV/0!|GETTING_DATA|[A-Z]+[!?]|##+)")
"""What a sheet shows where a formula failed or, as ####, where a column is too narrow."""


class CellProblem(Exception):
    """A cell cannot be understood."""

    def __init__(self, code: Code, **values: object) -> None:
        super().__init__(code.name)
        self.code, self.values = code, values


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a kind of workbook: its name, its two titles, the headers offices use, and how a cell is read.

    ``read`` gets a non-empty cell and raises :class:`CellProblem`.
    """

    name: str
    title: Text
    read: Callable[[Cell], Any]
    aliases: tuple[str, ...] = ()
    required: bool = True
    """Whether the sheet must have the column."""
    filled: bool = True
    """Whether the cell must be filled where the column is required."""


@dataclass(slots=True)
class Row:
    """One row: its number in the sheet (from 1), what was read, and what could not be."""

    number: int
    values: dict[str, Any]
    problems: list[Problem] = field(default_factory=list)


def plain(cell: Cell) -> str:
    """A cell as text: full-width forms folded, outer blanks gone, a whole number without its point."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return unicodedata.normalize("NFKC", str(cell)).strip()


def read_text(cell: Cell) -> str:
    """Any text. A NUL or a lone surrogate is refused: no database takes them."""
    text = plain(cell)
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise CellProblem(Code.BAD_VALUE, value="?", expected=Text("可显示的文字", "printable text"))
    return text


def read_name(cell: Cell) -> str:
    """A person's name: inner blanks gone, the separator of names made U+00B7 whatever dot was typed."""
    name = _DOTS.sub("\u00b7", re.sub(r"\s+", "", read_text(cell)))
    if not 1 <= len(name) <= 50 or any(character.isdigit() and character.isascii() for character in name[:1]):
        raise CellProblem(Code.BAD_VALUE, value=name, expected=Text("姓名", "a name"))
    return name


def read_digits(cell: Cell) -> str:
    """Digits that matter to the last, such as an identity or account number: a number is refused."""
    if isinstance(cell, bool | int | float) or _LONG_NUMBER.fullmatch(plain(cell)):
        raise CellProblem(Code.DIGITS_LOST)
    text = re.sub(r"[\s-]", "", read_text(cell)).upper()
    # Digits of other scripts mean the same and compare as different: one person would become two.
    foreign = "".join(character for character in text if character.isdigit() and not character.isascii())
    if foreign:
        raise CellProblem(Code.BAD_VALUE, value=foreign, expected=Text("数字 0 至 9", "the digits 0 to 9"))
    return text


def read_key(cell: Cell) -> str:
    """A number by which something is known, such as a household's: any text, or a whole number that Excel keeps
    whole."""
    if isinstance(cell, float) and (not cell.is_integer() or abs(cell) >= 10**15):
        raise CellProblem(Code.DIGITS_LOST)
    return read_text(cell)


def read_day(cell: Cell) -> date:
    """A day: a real date, or text such as 2021-09-30, 2021.9.30, 2021/9/30, 20210930, 2021年9月30日."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    text = plain(cell)
    match = re.fullmatch(r"(\d{4})[-./年](\d{1,2})[-./月](\d{1,2})日?", text) or re.fullmatch(
        r"(\d{4})(\d\d)(\d\d)", text
    )
    if match is None:
        raise CellProblem(Code.BAD_DATE, value=text)
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        raise CellProblem(Code.BAD_DATE, value=text) from None


def read_fen(cell: Cell) -> int:
    """An amount of money in yuan as integer fen; more than two decimals, or a negative amount, is refused."""
    expected = Text("金额(元),最多两位小数", "an amount in yuan with at most two decimals")
    return _units(cell, plain(cell).removeprefix("¥").removesuffix("元").strip(), 2, LARGEST_FEN, expected)


def read_quantity(cell: Cell) -> Decimal:
    """A quantity with at most three decimals."""
    expected = Text("数量,最多三位小数", "a quantity with at most three decimals")
    return Decimal(_units(cell, plain(cell), 3, 10**14 - 1, expected)).scaleb(-3)


def _units(cell: Cell, text: str, places: int, largest: int, expected: Text) -> int:
    """A number that is not negative, in units of its last decimal place; no digit of a text is rounded away."""
    if isinstance(cell, float) and abs(cell) < 10**15:
        # A sheet stores 0.1 + 0.2 as 0.30000000000000004: what it shows, 15 digits at most, is what was meant.
        text = f"{round(Decimal(f'{cell:.15g}'), 6):f}"
    match = _NUMBER.fullmatch(text)
    if match and (match["whole"] or match["decimals"]):
        whole = match["whole"].replace(",", "").lstrip("0") or "0"
        sign = match["sign"].replace("+", "")
        # What is no exact number of units is a problem of the cell like any other.
        with suppress(ValueError):
            units = scaled(f"{sign}{whole}.{match['decimals'] or '0'}", places)
            if 0 <= units <= largest:
                return units
    raise CellProblem(Code.BAD_VALUE, value=plain(cell), expected=expected)


def read_year(cell: Cell) -> int:
    """A calendar year, with or without 年."""
    text = plain(cell).removesuffix("年").removesuffix("年度")
    if not re.fullmatch(r"(19|20)\d\d", text):
        raise CellProblem(Code.BAD_VALUE, value=plain(cell), expected=Text("年份", "a year"))
    return int(text)


def read_yes_no(cell: Cell) -> bool:
    """是 or 否."""
    text = plain(cell).lower()
    if text in ("是", "√", "y", "yes", "true", "1"):
        return True
    if text in ("否", "×", "n", "no", "false", "0"):
        return False
    raise CellProblem(Code.BAD_VALUE, value=plain(cell), expected=Text("是或否", "是 (yes) or 否 (no)"))


def one_of(choices: Mapping[str, Any]) -> Callable[[Cell], Any]:
    """One of several words, each meaning a value."""

    def read(cell: Cell) -> Any:
        text = plain(cell)
        if text not in choices:
            listed = Text("、".join(choices), ", ".join(choices))
            raise CellProblem(Code.BAD_VALUE, value=text, expected=listed)
        return choices[text]

    return read


def read(column: Column, cell: Cell) -> Any:
    """What a filled cell says; the word of an error (#N/A) is no text of anybody."""
    if isinstance(cell, str) and _NO_VALUE.fullmatch(cell.strip()):
        expected = Text("实际的值,而不是错误标记", "a value and no mark of an error")
        raise CellProblem(Code.BAD_VALUE, value=cell.strip(), expected=expected)
    return column.read(cell)


def blank(cell: Cell) -> bool:
    """Whether a cell says nothing."""
    return cell is None or (isinstance(cell, str) and not cell.strip())
