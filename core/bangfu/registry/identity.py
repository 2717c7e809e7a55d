"""Numbers that identify: resident identity numbers (GB 11643) and unified social credit codes (GB 32100).

A wrong checksum or an impossible birth date is an error. The first six digits are not looked up: county codes are
abolished and created, and a number keeps the one of its day.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from bangfu.documents.cells import Cell, CellProblem, read_digits
from bangfu.errors import Code
from bangfu.text import Text
from bangfu.vault import mask_identity

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_CREDIT_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_EARLIEST = date(1880, 1, 1)


@dataclass(frozen=True, slots=True)
class Identity:
    """A valid identity number in its 18-character form, with the birth date and sex (``m``, ``f``) that it states."""

    number: str
    birth_date: date
    sex: str

    @property
    def masked(self) -> str:
        """As screens show it."""
        return mask_identity(self.number)


def check_character(first17: str) -> str:
    """The 18th character of an identity number (ISO 7064 MOD 11-2)."""
    return _CHECKS[sum(int(digit) * weight for digit, weight in zip(first17, _WEIGHTS, strict=True)) % 11]


def read_identity(cell: Cell) -> Identity:
    """An identity number: 18 characters, or the 15 digits of old cards, which gain their century and check character.

    Raises :class:`CellProblem`: ``DIGITS_LOST`` for a number, ``IDENTITY_FORM``, ``IDENTITY_BIRTH``,
    ``IDENTITY_CHECKSUM``.
    """
    text = read_digits(cell)
    if re.fullmatch("[0-9]{15}", text):
        first17 = f"{text[:6]}19{text[6:]}"
        text = first17 + check_character(first17)
    if not re.fullmatch("[0-9]{17}[0-9X]", text):
        raise CellProblem(Code.IDENTITY_FORM)
    try:
        born = date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        raise CellProblem(Code.IDENTITY_BIRTH, masked=mask_identity(text)) from None
    if born < _EARLIEST:
        raise CellProblem(Code.IDENTITY_BIRTH, masked=mask_identity(text))
    if text[17] != check_character(text[:17]):
        raise CellProblem(Code.IDENTITY_CHECKSUM, masked=mask_identity(text))
    return Identity(text, born, "m" if int(text[16]) % 2 else "f")


def credit_check_character(first17: str) -> str:
    """The 18th character of a unified social credit code (MOD 31)."""
    total = sum(_CREDIT_CHARACTERS.index(c) * pow(3, i, 31) for i, c in enumerate(first17))
    return _CREDIT_CHARACTERS[-total % 31]


def read_credit_code(cell: Cell) -> str:
    """A unified social credit code; raises :class:`CellProblem` ``DIGITS_LOST`` or ``CREDIT_CODE``."""
    text = read_digits(cell)
    if not re.fullmatch(f"[{_CREDIT_CHARACTERS}]{{18}}", text) or text[17] != credit_check_character(text[:17]):
        raise CellProblem(Code.CREDIT_CODE, value=text)
    return text


def read_account(cell: Cell) -> str:
    """A bank account: 8 to 30 digits, as text."""
    text = read_digits(cell)
    if not re.fullmatch("[0-9]{8,30}", text):
        raise CellProblem(Code.BAD_VALUE, value=f"…{text[-4:]}", expected=Text("8 至 30 位数字", "8 to 30 digits"))
    return text
