"""Everything a person reads exists in Chinese and in English, side by side.

A :class:`Text` is one saying in both languages. The two stand next to each other where they are
written, so that neither can be forgotten (see ``docs/decisions``). Numbers and days are set by CLDR through
Babel.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Literal, TypeAlias

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal

Language: TypeAlias = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")

_LOCALES: dict[Language, Locale] = {"zh": Locale("zh", "CN", script="Hans"), "en": Locale("en")}


@dataclass(frozen=True, slots=True)
class Text:
    """One saying in Chinese and in English."""

    zh: str
    en: str

    def __post_init__(self) -> None:
        if not self.zh.strip() or not self.en.strip():
            raise ValueError(f"a text needs both languages: {self.zh!r} / {self.en!r}")

    def in_(self, language: Language) -> str:
        """The saying in one language."""
        return self.zh if language == "zh" else self.en

    def filled(self, **values: object) -> Text:
        """The saying with its ``{places}`` filled; a value that is itself a Text is filled in its language."""
        return Text(
            *(
                self.in_(lang).format(**{k: v.in_(lang) if isinstance(v, Text) else v for k, v in values.items()})
                for lang in LANGUAGES
            )
        )

    def places(self) -> frozenset[str]:
        """The names of the ``{places}`` to fill; both languages must have the same ones."""
        zh, en = (
            frozenset(name for _, name, _, _ in string.Formatter().parse(self.in_(lang)) if name) for lang in LANGUAGES
        )
        if zh != en:
            raise ValueError(f"the two languages have different places: {sorted(zh)} / {sorted(en)}")
        return zh

    def __str__(self) -> str:
        return f"{self.zh} / {self.en}"


def join(texts: list[Text], zh: str = "、", en: str = ", ") -> Text:
    """Several sayings in a row, separated as each language does it."""
    return Text(zh.join(t.zh for t in texts), en.join(t.en for t in texts)) if texts else Text("(无)", "(none)")


def printable(words: str) -> str:
    """Words from outside as they can be stored and shown anywhere.

    What is not a character becomes U+FFFD; of an identity, account or telephone number the ends alone are left, for
    the words of a problem are kept in clear.
    """
    return _NUMBER.sub(_masked, _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", words))


def _masked(number: re.Match[str]) -> str:
    return f"{number[0][:3]}{'*' * (len(number[0]) - 5)}{number[0][-2:]}"


_NUMBER = re.compile(r"(?<![0-9])(?:[0-9]{14,}[0-9Xx]|1[3-9][0-9]{9})(?![0-9])")


_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def yuan_digits(fen: int) -> str:
    """Integer fen as a plain decimal of yuan, ``-1234.50``: exact, no separators, for files and receipts."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"


@lru_cache(maxsize=4096)
def number(value: int | Decimal, places: int = 0) -> str:
    """A number with thousands separators and exactly ``places`` decimals (the same in both languages)."""
    pattern = "#,##0" + ("." + "0" * places if places else "")
    return format_decimal(value, format=pattern, locale=_LOCALES["en"])


def money(fen: int) -> Text:
    """An amount of money as a person reads it: ``3,000.00 元`` / ``3,000.00 yuan``."""
    digits = number(Decimal(fen).scaleb(-2), 2)
    return Text(f"{digits} 元", f"{digits} yuan")


def day(value: date) -> Text:
    """A day as a person reads it: ``2021年9月30日`` / ``30 September 2021``."""
    return Text(
        format_date(value, "long", locale=_LOCALES["zh"]),
        format_date(value, "d MMMM y", locale=_LOCALES["en"]),
    )


def parse_yuan(text: str) -> int:
    """Integer fen of a decimal of yuan such as ``"3000.00"``; more than two decimals is a ValueError."""
    try:
        return scaled(text, 2)
    except ValueError as error:
        raise ValueError(f"an amount of money has at most two decimals: {text!r}") from error


def scaled(text: str, places: int) -> int:
    """A plain decimal as an integer of its last allowed place: ``scaled("20.5", 2)`` is 2050, exactly.

    ValueError for anything else than digits and a point, for more than 18 digits before it, and for anything but
    zeros beyond the last place.
    """
    match = _DECIMAL.fullmatch(text)
    if match is None or (match[3] or "")[places:].strip("0"):
        raise ValueError(f"not a decimal with at most {places} places: {text!r}")
    size = int(match[2] + (match[3] or "")[:places].ljust(places, "0"))
    return -size if match[1] else size


_DECIMAL = re.compile(r"(-?)([0-9]{1,18})(?:\.([0-9]+))?")
