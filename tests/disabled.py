"""What offices keep lists of, of the persons of ``tests.learners``, and both subsidies of 残疾人两项补贴.

What each is due for a month of 2021 is worked out by hand: 90 yuan for who is in the minimum living guarantee, 100 and
70 for the first and the second level.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from bangfu.cases import acts
from bangfu.cases.views import Selection
from bangfu.models import Circumstance
from bangfu.registry.history import Assertion, assert_from
from tests.county import BASE, clean
from tests.learners import Learners

LIVING, CARE = "disability_living", "disability_care"
YEAR = "2021"
APPLIED, REVIEWED = date(2021, 9, 10), date(2021, 9, 20)
OFFICERS = f"""工号,姓名,职责,负责区划代码,起始日期
DF,残联甲,县残联,{BASE},2020-01-01
"""
BORN = date(2000, 1, 1)
"""A day before anything happens here."""

# kind: from when, and what else of it
CERTIFIED: dict[str, dict[str, tuple[date, dict[str, Any]]]] = {
    "F1-01": {"certificate": (BORN, {"level": 1, "generation": 2}), "minimum_living": (BORN, {})},
    "F1-02": {"certificate": (BORN, {"level": 2, "generation": 2})},
    "F2-01": {"certificate": (BORN, {"level": 3, "generation": 2}), "minimum_living": (BORN, {})},
    "F2-02": {"certificate": (BORN, {"level": 2, "generation": 1}), "minimum_living": (BORN, {})},
    "F3-01": {"minimum_living": (BORN, {})},
    "F3-02": {
        "certificate": (BORN, {"level": 1, "generation": 2}),
        "minimum_living": (BORN, {}),
        "custody": (date(2021, 6, 1), {}),
    },
    "F4-01": {
        "certificate": (BORN, {"level": 1, "generation": 2}),
        "minimum_living": (BORN, {}),
        "moved_away": (APPLIED, {}),
    },
    "F4-02": {
        "certificate": (BORN, {"level": 2, "generation": 2}),
        "minimum_living": (BORN, {}),
        "death": (date(2021, 7, 1), {}),
    },
}
DUE: dict[str, dict[str, int]] = {LIVING: {"F1-01": 9_000, "F2-01": 9_000}, CARE: {"F1-01": 10_000, "F1-02": 7_000}}
"""Who is due what for a month, in fen."""
UNMET: dict[str, dict[str, set[str]]] = {
    LIVING: {
        "F1-02": {"is_in_the_minimum_living_guarantee"}, "F2-02": {"certificate_is_current"},
        "F3-01": {"holds_a_certificate"}, "F3-02": {"is_at_liberty"}, "F4-01": {"belongs_to_the_county"},
        "F4-02": {"is_alive"},
    },
    CARE: {
        "F2-01": {"is_severely_disabled"}, "F2-02": {"certificate_is_current"}, "F3-01": {"holds_a_certificate"},
        "F3-02": {"is_at_liberty"}, "F4-01": {"belongs_to_the_county"}, "F4-02": {"is_alive"},
    },
}  # fmt: skip
"""Everybody else, and the one clause that each fails."""
VILLAGES = {"VC1": ("F1-01", "F1-02", "F2-01", "F2-02", "F3-01", "F3-02"), "VC2": ("F4-01", "F4-02")}
"""Which committee takes whose application."""


async def listed_as(
    learners: Learners, number: str, kind: str, since: date, until: date | None = None, **said: Any
) -> None:
    """Write down, as known today, that something is so of a person from a day on."""
    ((person, division),) = await learners.rows("select id, division from person where number = :number", number=number)
    values = {
        "division": division, "level": None, "category": None, "generation": None, "number": None,
        "number_masked": None, "class_name": "", "source": "office", "reported_on": learners.today, "evidence": "名册",
        **said,
    }  # fmt: skip
    who = learners.who("R1")
    key = {"person_id": person, "kind": kind}
    async with learners.database.session(who.scope) as session:
        await assert_from(session, Circumstance, [Assertion(key, values, since, until)], who.at.now)


async def prepare(learners: Learners) -> None:
    """Bring in the federation and what is listed of everybody, and open the year of both subsidies."""
    assert (await learners.bring("officers", OFFICERS, "R1")).state == "done"
    for number, listed in CERTIFIED.items():
        for kind, (since, said) in listed.items():
            await listed_as(learners, number, kind, since, **said)
    for code in (CARE, LIVING):
        learners.on(code, YEAR, APPLIED)
        await learners.open()


async def applied(learners: Learners, code: str) -> None:
    """Let the villages apply for everybody, and have it computed by the federation."""
    learners.on(code, YEAR, APPLIED)
    for committee, numbers in VILLAGES.items():
        clean(await learners.apply(*numbers, number=committee))
    learners.today = REVIEWED
    await learners.act("DF", acts.account, Selection())
