"""Numbers that identify, held against the standards' own arithmetic written a second time here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bangfu.documents.cells import Cell, CellProblem
from bangfu.errors import Code
from bangfu.registry.identity import (
    Identity,
    check_character,
    credit_check_character,
    read_account,
    read_credit_code,
    read_identity,
)
from tests.county import SEPTEMBER, World, roster

CHARACTERS = "0123456789X"


def stands(number: str) -> bool:
    """Whether an identity number satisfies ISO 7064 MOD 11-2: the powers of two over all 18 characters leave one."""
    return sum((CHARACTERS.index(c) << (17 - i)) for i, c in enumerate(number)) % 11 == 1


def completed(first17: str) -> str:
    """An identity number with the one check character that satisfies the standard."""
    (number,) = (first17 + c for c in CHARACTERS if stands(first17 + c))
    return number


CREDIT = {c: i for i, c in enumerate("0123456789ABCDEFGHJKLMNPQRTUWXY")}
CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28, 1)
"""GB 32100-2015, table of weights, and the check character itself."""


def credit_stands(code: str) -> bool:
    """Whether a credit code satisfies GB 32100: the weighted sum of all 18 characters is a multiple of 31."""
    return sum(CREDIT[c] * weight for c, weight in zip(code, CREDIT_WEIGHTS, strict=True)) % 31 == 0


def credited(first17: str) -> str:
    """A credit code with the one check character that satisfies the standard."""
    (code,) = (first17 + c for c in CREDIT if credit_stands(first17 + c))
    return code


def problem(cell: Cell, read: Callable[[Cell], object] = read_identity) -> Code:
    """The code by which a cell is refused."""
    with pytest.raises(CellProblem) as raised:
        read(cell)
    return raised.value.code


WOMAN = "11010519491231002X"
MAN = "440524188001010014"
"""The two examples in the annex of GB 11643."""


# --- resident identity numbers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "expected"),
    [(WOMAN, Identity(WOMAN, date(1949, 12, 31), "f")), (MAN, Identity(MAN, date(1880, 1, 1), "m")),
     ("11010519491231002x", Identity(WOMAN, date(1949, 12, 31), "f")),
     ("１１０１０５１９４９１２３１００２Ｘ", Identity(WOMAN, date(1949, 12, 31), "f")),
     ("１１０１０５１９４９１２３１００２ｘ", Identity(WOMAN, date(1949, 12, 31), "f")),
     (" 110105 19491231 002X\u3000", Identity(WOMAN, date(1949, 12, 31), "f")),
     ("110105-19491231-002X", Identity(WOMAN, date(1949, 12, 31), "f")),
     ("110105491231002", Identity(WOMAN, date(1949, 12, 31), "f")),
     ("１１０１０５４９１２３１００２", Identity(WOMAN, date(1949, 12, 31), "f")),
     (completed("50024120000229001"), Identity(completed("50024120000229001"), date(2000, 2, 29), "m")),
     (completed("65901019990101002"), Identity(completed("65901019990101002"), date(1999, 1, 1), "f")),
     (completed("11022319700615345"), Identity(completed("11022319700615345"), date(1970, 6, 15), "m")),
     (completed("99999919700615345"), Identity(completed("99999919700615345"), date(1970, 6, 15), "m"))],
)  # fmt: skip
def test_an_identity_number_in_every_form_it_is_written(cell: Cell, expected: Identity) -> None:
    """County codes are abolished (110223) and created (500241, 659010): none is looked up."""
    assert read_identity(cell) == expected


@given(st.from_regex(r"\A[1-9][0-9]{5}19[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|1[0-9]|2[0-8])[0-9]{3}\Z"))
def test_exactly_one_check_character_stands(first17: str) -> None:
    right = completed(first17)
    assert check_character(first17) == right[17]
    assert read_identity(right).number == right
    for character in CHARACTERS:
        if first17 + character != right:
            assert problem(first17 + character) is Code.IDENTITY_CHECKSUM


@given(st.integers(0, 17), st.integers(1, 9))
def test_no_single_digit_can_be_mistyped(position: int, shift: int) -> None:
    digit = CHARACTERS.index(MAN[position])
    mistyped = MAN[:position] + str((digit + shift) % 10) + MAN[position + 1 :]
    assert problem(mistyped) in (Code.IDENTITY_CHECKSUM, Code.IDENTITY_BIRTH)


@pytest.mark.parametrize(
    ("cell", "code"),
    [(110105194912310029.0, Code.DIGITS_LOST), (110105194912310029, Code.DIGITS_LOST),
     (110105491231002, Code.DIGITS_LOST), (110105491231002.0, Code.DIGITS_LOST), (True, Code.DIGITS_LOST),
     ("1.10105E+17", Code.DIGITS_LOST), ("1.1e+17", Code.DIGITS_LOST), ("1.1E＋17", Code.DIGITS_LOST),
     ("11010519491231002", Code.IDENTITY_FORM), ("11010519491231002XX", Code.IDENTITY_FORM),
     ("X1010519491231002X", Code.IDENTITY_FORM), ("11010549123100X", Code.IDENTITY_FORM), ("无", Code.IDENTITY_FORM),
     (completed("11010519490231002"), Code.IDENTITY_BIRTH), (completed("11010519491331002"), Code.IDENTITY_BIRTH),
     (completed("11010519490001002"), Code.IDENTITY_BIRTH), (completed("11010519000229002"), Code.IDENTITY_BIRTH),
     (completed("11010518791231002"), Code.IDENTITY_BIRTH), (completed("11010500001231002"), Code.IDENTITY_BIRTH),
     ("110105490231002", Code.IDENTITY_BIRTH), ("110105194912310021", Code.IDENTITY_CHECKSUM),
     ("11010519491231\x0002X", Code.BAD_VALUE)],
)  # fmt: skip
def test_what_is_no_identity_number(cell: Cell, code: Code) -> None:
    assert problem(cell) is code


def test_a_refused_number_is_never_shown_whole() -> None:
    for number in ("110105194912310021", completed("11010519490231002")):
        with pytest.raises(CellProblem) as raised:
            read_identity(number)
        assert raised.value.values == {"masked": f"110*************{number[-2:]}"}
    assert read_identity(WOMAN).masked == "110*************2X"


@pytest.mark.parametrize(("read", "typed"), [(read_identity, WOMAN), (read_account, "6228480000000001234")])
def test_digits_of_another_script_do_not_make_another_number(read: Callable[[Cell], object], typed: str) -> None:
    """Else one person could be registered twice, and the bank would get an account that it cannot read."""
    foreign = "".join(chr(0x0660 + int(c)) if c.isdigit() else c for c in typed)
    assert problem(foreign, read) in (Code.IDENTITY_FORM, Code.BAD_VALUE)


async def test_a_birth_after_the_day_of_the_roster_is_refused(world: World) -> None:
    world.today = SEPTEMBER
    text = "\n".join(roster().splitlines()[:3])
    spouse = text.split(",")[-5]
    unborn, born = completed("99020120210930001"), completed("99020120210929001")
    before = await world.snapshot()
    refused = await world.bring("households", text.replace(spouse, unborn), "R1", as_of=date(2021, 9, 29))
    assert refused.state == "refused"
    assert [p["code"] for p in refused.result["problems"]] == ["ROWS_REFUSED", "IDENTITY_BIRTH"]
    assert await world.snapshot() == before
    done = await world.bring("households", text.replace(spouse, born), "R1", as_of=date(2021, 9, 29))
    assert done.state == "done"
    assert done.result["tallies"]["person"]["new"] == 1


# --- credit codes and accounts --------------------------------------------------------------------------------

BUREAU = "91350100M000100Y43"
COLLECTIVES = [credited("N2990201MF0000000"), credited("N1990201MF1234567")]


@pytest.mark.parametrize(
    ("read", "cell", "value"),
    [*((read_credit_code, cell, BUREAU) for cell in (BUREAU, BUREAU.lower(), "９１３５０１００Ｍ０００１００Ｙ４３", "91350100-M000100Y4-3")),
     *((read_credit_code, code, code) for code in (*COLLECTIVES, credited("11990201000000000"))),
     *((read_account, cell, "6228480000000001234") for cell in ("6228480000000001234", "6228 4800 0000 0001 234")),
     (read_account, "６２２８４８００", "62284800"), (read_account, "00000001", "00000001"),
     (read_account, "1" * 30, "1" * 30)],
)  # fmt: skip
def test_a_credit_code_and_an_account(read: Callable[[Cell], str], cell: Cell, value: str) -> None:
    """Codes that begin with N belong to rural collectives, which libraries refuse."""
    assert read(cell) == value
    assert read is read_account or credit_stands(value)


@pytest.mark.parametrize(
    ("read", "code", "cells"),
    [(read_credit_code, Code.DIGITS_LOST, [913501000001000143.0, "9.1E+17"]),
     (read_credit_code, Code.CREDIT_CODE, [BUREAU[:-1], BUREAU + "4", BUREAU[:-1] + "4", BUREAU.replace("M", "I"),
                                           BUREAU.replace("M", "O"), "无"]),
     (read_account, Code.DIGITS_LOST, [6228480000000001234.0, 12345678, "6.22848E+18"]),
     (read_account, Code.BAD_VALUE, ["1234567", "1" * 31, "62284800X"])],
)  # fmt: skip
def test_what_is_no_credit_code_and_no_account(read: Callable[[Cell], str], code: Code, cells: list[Cell]) -> None:
    assert [problem(cell, read) for cell in cells] == [code] * len(cells)


@given(st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=17, max_size=17))
def test_exactly_one_credit_check_character_stands(first17: str) -> None:
    right = credited(first17)
    assert credit_check_character(first17) == right[17]
    for character in CREDIT:
        if first17 + character != right:
            assert problem(first17 + character, read_credit_code) is Code.CREDIT_CODE
