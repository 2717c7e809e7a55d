"""农村人居环境整治奖励 through the real plugin: who may be chosen, how many, and how often."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from bangfu.calendar import WorkingDays
from bangfu.conformance import Examples, on_columns
from bangfu.errors import Refused
from bangfu.process import Duty, Notice, Proceedings, Select
from bangfu.programme import ClaimOf, Span, installed
from bangfu.rules import When
from bangfu.rules.explain import Explainer
from bangfu.selection import quota
from bangfu.text import Text
from county_default.five_star.rules import Facts, FiveStar, Parameters, Star
from county_default.vocabulary import HouseholdStanding

PROGRAMME = installed().programme("five_star")
EXAMPLES = Examples({"programme": "five_star", "period": "2021Q3"})
CLEAN = Facts(standing=HouseholdStanding.POOR, stars=frozenset({Star.CLEAN}))
LEFT = Facts(standing=HouseholdStanding.EXITED, stars=frozenset({Star.CLEAN}))


def county(**own: Any) -> Parameters:
    """The parameters of a quarter of 2021 with what the county sets, checked like its provisions."""
    parameters: Parameters = EXAMPLES.parameters(own)
    return parameters


def paid(facts: Facts) -> Callable[[Parameters], Any]:
    """What the household is due, on which both engines agree."""

    def read(p: Parameters) -> int:
        found = FiveStar.decide(facts, p)
        assert on_columns(FiveStar, [facts], p) == [found]
        return found.payable

    return read


def proceedings(parameters: Parameters) -> Proceedings:
    return Proceedings(PROGRAMME.process, parameters, EXAMPLES.period, WorkingDays())


def posted(first: date) -> Callable[[Parameters], Any]:
    return lambda p: proceedings(p).notice_days(first)[1]


def signers(poor: bool) -> Callable[[Parameters], Any]:
    return lambda p: set(proceedings(p).signers(PROGRAMME.process.accounting(), poor))


def switched_off(spec: Any) -> Callable[[Parameters], Any]:
    setting: When = spec.unless
    return setting.holds


def chosen(base: int) -> Callable[[Parameters], Any]:
    return lambda p: quota(base, p.quota, p.quota_minimum)


@pytest.mark.parametrize(("base", "places"), [(4, 0), (5, 1), (9, 1), (10, 2), (28, 5), (65, 13)])
def test_a_fifth_of_a_villages_poor_households_may_be_chosen(base: int, places: int) -> None:
    assert chosen(base)(county()) == places  # G09


def test_a_county_may_give_a_small_village_one_place() -> None:
    assert [chosen(base)(county(quota_minimum=1)) for base in (0, 1, 4, 5)] == [0, 1, 1, 1]


BOTH = {Duty.VILLAGE_COMMITTEE, Duty.WORK_TEAM}
EFFECTS: dict[str, tuple[Any, Callable[[Parameters], Any], Any, Any]] = {
    "counted_standings": (["poor"], paid(LEFT), 30_000, 0),
    "stars": (["filial"], paid(CLEAN), 30_000, 0),
    "quota": ("10", chosen(65), 13, 6),
    "quota_minimum": (1, chosen(4), 0, 1),
    "award": ("500.00", paid(CLEAN), 30_000, 50_000),
    "award_repeat": ("every_round", switched_off(PROGRAMME.claims[0]), False, True),
    "nonpoor_village_substitute": ("nobody", signers(False), {Duty.VILLAGE_COMMITTEE, Duty.VILLAGE_CADRE}, BOTH),
    "notice_days": (7, posted(date(2021, 10, 11)), date(2021, 10, 15), date(2021, 10, 17)),
    "notice_unit": ("working", posted(date(2021, 9, 29)), date(2021, 10, 3), date(2021, 10, 11)),
}


@pytest.mark.parametrize("name", EFFECTS)
def test_a_provision_changes_the_result_it_should(name: str) -> None:
    value, observed, before, after = EFFECTS[name]
    assert (observed(county()), observed(county(**{name: value}))) == (before, after)


def test_who_assesses_is_the_plans_own() -> None:
    assert set(EFFECTS) | {"assessors"} == set(PROGRAMME.policy.parameters)
    assert signers(True)(county()) == BOTH
    with pytest.raises(Refused, match="PARAMETER_LOCKED"):
        county(assessors=["work_team"])


@pytest.mark.parametrize(
    ("name", "value"), [("quota", "20.01"), ("quota_minimum", 2), ("award", "2000.01"), ("notice_days", 0)]
)
def test_a_county_deviates_within_bounds(name: str, value: Any) -> None:
    with pytest.raises(Refused, match="PARAMETER_OUT_OF_RANGE"):
        county(**{name: value})


def test_the_award_is_had_once_a_plan_year() -> None:
    (claim,) = PROGRAMME.claims
    assert (claim.kind, claim.per, claim.role, claim.period) == ("award", ClaimOf.HOUSEHOLD, None, Span.YEAR)
    assert {EXAMPLES.programme.period.period(f"2021Q{n}").year for n in (1, 2, 3, 4)} == {2021}


def test_stages_come_in_the_order_of_the_plan() -> None:
    codes = [stage.code for stage in PROGRAMME.process.stages]
    assert codes == ["nomination", "assessment", "selection", "notice", "payment"]
    assert PROGRAMME.process.accounting() is PROGRAMME.process["assessment"]
    assert isinstance(PROGRAMME.process["selection"], Select)


def test_the_notice_states_the_standard_in_figures() -> None:
    kind, notice = PROGRAMME.policy.parameters["award"].kind, PROGRAMME.process.first(Notice)
    assert notice.standard.filled(award=kind.show(county().award)) == Text(
        "每户一次性奖励300.00 元", "300.00 yuan a household, once"
    )


def test_an_award_is_explained() -> None:
    parameters = county()
    found = FiveStar.decide(CLEAN, parameters)
    lines = {line.name: line for line in Explainer(FiveStar, parameters, PROGRAMME.titles()).lines(CLEAN, found)}
    assert [text.zh for text in lines["award"].arithmetic] == [
        "因 该户获得至少一项县定星级 是 → 300.00 元",
        "300.00 元,四舍五入到分 → 300.00 元",
    ]
