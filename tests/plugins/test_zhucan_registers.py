"""The registers of 助残, held against their document: every clause answered, every number with its clause, everybody his
part; and a declaration whose parts do not fit is refused by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bangfu.policy import PolicyError
from bangfu.process import Duty
from bangfu.programme import (
    Beneficiary,
    Charge,
    ChecklistItem,
    ClauseState,
    HandoutAct,
    InspectionAct,
    check_handouts,
    check_inspections,
    clauses_of,
    installed,
    unanswered,
)
from bangfu.text import Text
from zhucan import bases, services

DOCUMENT = "canlian-2020"
BASES, SERVICES = bases.PROGRAMME, services.PROGRAMME


def test_they_are_installed_beside_the_programmes_of_cases_and_are_none() -> None:
    plugins = installed()
    assert plugins.inspection("disabled_bases") is BASES
    assert plugins.handout("disabled_services") is SERVICES
    assert not {"disabled_bases", "disabled_services"} & set(plugins.programmes)
    assert set(plugins.every) == set(plugins.programmes) | set(plugins.without_cases)


def test_every_clause_is_answered() -> None:
    for programme, states in (
        (BASES, {"一(二)": ClauseState.IN_PART, "二(一)": ClauseState.IN_PART}),
        (SERVICES, {
            "一(一)": ClauseState.IN_PART, "一(三)": ClauseState.LEFT_OUT, "一(四)": ClauseState.LEFT_OUT,
            "一(五)": ClauseState.CARRIED_OUT, "一(六)": ClauseState.IN_PART,
        }),
    ):  # fmt: skip
        assert unanswered(programme) == []
        assert {one.clause: one.state for one in clauses_of(programme)} == states


@pytest.mark.parametrize(
    ("programme", "name", "value", "clause"),
    [
        (BASES, "levels", frozenset(bases.Level), "一(二)"),
        (BASES, "subsidy_province", None, "一(二)"),
        (BASES, "subsidy_prefecture", None, "一(二)"),
        (BASES, "subsidy_city", None, "一(二)"),
        (BASES, "rectify_days", None, "一(二)"),
        (SERVICES, "household_goods_value", 200_000, "一(一)"),
        (SERVICES, "covered_standings", frozenset(services.Standing), "一(一)"),
        (SERVICES, "device_limit_per_person", None, "一(六)"),
        (SERVICES, "conversion_cap", None, "一(六)"),
        (SERVICES, "training_seats", 30, "一(五)"),
    ],
)
def test_the_numbers_are_those_of_the_document(programme: Any, name: str, value: Any, clause: str) -> None:
    (entry,) = programme.policy.parameters[name].entries
    assert (entry.value, entry.cites.document, entry.cites.clause) == (value, DOCUMENT, clause)
    assert (entry.value is None) == (entry.varies is not None and value is None)


def test_the_value_of_a_household_is_what_the_source_comes_to() -> None:
    (entry,) = SERVICES.policy.parameters["household_goods_value"].entries
    assert entry.value * 35 == 7_000_000


def test_nobody_inspects_himself_and_nobody_lists_whom_he_hands_over_to() -> None:
    assert {act for act, charge in BASES.charges.items() if any(duty.is_agent for duty in charge.by)} == {
        InspectionAct.RECTIFY
    }
    assert SERVICES.charges[HandoutAct.LIST].by == {Duty.DISABLED_FEDERATION}
    assert Duty.VILLAGE_COMMITTEE in SERVICES.charges[HandoutAct.HAND_OVER].by


AGENT = Charge(frozenset({Duty.ENTERPRISE_AGENT}), ())


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"levels": (*BASES.levels, BASES.levels[0])}, "level province stands twice"),
        ({"levels": BASES.levels[:2]}, "levels is not a list parameter of the levels"),
        ({"levels_in_use": "rectify_days"}, "rectify_days is not a list parameter"),
        (
            {"levels": (replace(BASES.levels[0], subsidy="rectify_days"), *BASES.levels[1:])},
            "is not a parameter of money",
        ),
        ({"rectify_days": "levels"}, "levels is not a whole-number parameter"),
        ({"items": ()}, "nothing is looked at"),
        ({"items": (*BASES.items, ChecklistItem("placing", Text("-", "-"), bases.BASES))}, "item placing stands twice"),
        ({"items": (ChecklistItem("roof", Text("-", "-"), "canlian-2020#九"),)}, "cites canlian-2020#九"),
        ({"charges": {**BASES.charges, InspectionAct.ASSESS: AGENT}}, "assess is not for who is inspected"),
        (
            {"charges": {act: own for act, own in BASES.charges.items() if act != "agree"}},
            "nobody is charged with agree",
        ),
    ],
)
def test_a_programme_of_inspections_whose_parts_do_not_fit(changes: dict[str, Any], fault: str) -> None:
    check_inspections(BASES)
    with pytest.raises(PolicyError, match=fault):
        check_inspections(replace(BASES, **changes))


GOODS, DEVICE, _, TRAINING = services.KINDS


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        (GOODS, "kind goods stands twice"),
        (replace(GOODS, code="x", money=False), "measured neither in money nor by counting"),
        (replace(GOODS, code="x", most_each="training_seats"), "no parameter by which it is measured"),
        (replace(DEVICE, code="x", most_each="conversion_cap"), "no parameter by which it is measured"),
        (replace(GOODS, code="x", most_a_year="training_seats"), "no whole-number parameter of what is counted"),
        (replace(TRAINING, code="x", beneficiary=Beneficiary.HOUSEHOLD), "a seat is counted, and one person's"),
        (replace(GOODS, code="x", standings="training_seats"), "not a list parameter"),
    ],
)
def test_a_programme_of_handing_out_whose_parts_do_not_fit(kind: Any, fault: str) -> None:
    check_handouts(SERVICES)
    with pytest.raises(PolicyError, match=fault):
        check_handouts(replace(SERVICES, kinds=(*services.KINDS, kind)))
    with pytest.raises(PolicyError, match="list is not for who is inspected or receives"):
        check_handouts(replace(SERVICES, charges={**SERVICES.charges, HandoutAct.LIST: AGENT}))
