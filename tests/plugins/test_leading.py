"""非贫困户带动贫困户脱贫奖补 through the real plugin: the golden figures (P01D), and where each number comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from bangfu.calendar import WorkingDays
from bangfu.conformance import Examples, on_columns
from bangfu.errors import Refused
from bangfu.policy import Tier, Tiers, Window
from bangfu.process import Duty, Notice, Proceedings
from bangfu.programme import ClaimOf, Span, installed
from bangfu.rules import Count, NetStablePerPerson, SameVillage, Signed, StandingIn, Vouched, When
from bangfu.rules.explain import Explainer
from bangfu.selection import ceil_share
from bangfu.text import Text
from county_default.leading.rules import Entity, Facts, Leading, Mode, Parameters
from county_default.vocabulary import HouseholdStanding

PROGRAMME = installed().programme("leading")
EXAMPLES = Examples({"programme": "leading", "period": "2021"})
THREE = Facts(standing=HouseholdStanding.GENERAL, entity=Entity.NONE, modes=frozenset({Mode.PROJECT}), led=3)


def county(**own: Any) -> Parameters:
    """The parameters of 2021 with what the county sets, checked like its provisions."""
    parameters: Parameters = EXAMPLES.parameters(own)
    return parameters


def paid(facts: Facts) -> Callable[[Parameters], Any]:
    """What the household is due, on which both engines agree."""

    def read(p: Parameters) -> int:
        found = Leading.decide(facts, p)
        assert on_columns(Leading, [facts], p) == [found]
        return found.payable

    return read


def proceedings(parameters: Parameters) -> Proceedings:
    return Proceedings(PROGRAMME.process, parameters, EXAMPLES.period, WorkingDays())


def posted(first: date) -> Callable[[Parameters], Any]:
    return lambda p: proceedings(p).notice_days(first)[1]


def signers(poor: bool) -> Callable[[Parameters], Any]:
    return lambda p: set(proceedings(p).signers(PROGRAMME.process.accounting(), poor))


@pytest.mark.parametrize(("led", "award"), [(2, 0), (3, 200_000), (4, 200_000), (5, 300_000), (6, 300_000)])
def test_the_tiers_are_exclusive(led: int, award: int) -> None:
    assert paid(replace(THREE, led=led))(county()) == award  # G07


def switched_off(spec: Any) -> Callable[[Parameters], Any]:
    setting: When = spec.unless
    return setting.holds


LED = PROGRAMME.specs()["led"].source
BOTH = {Duty.VILLAGE_COMMITTEE, Duty.WORK_TEAM}
EFFECTS: dict[str, tuple[Any, Callable[[Parameters], Any], Any, Any]] = {
    "counted_standings": (["poor"], lambda p: set(p.counted_standings), {"poor", "exited"}, {"poor"}),
    "one_leader_per_led": (False, switched_off(PROGRAMME.claims[0]), False, True),
    "modes": (["labour"], paid(THREE), 200_000, 0),
    "income_gate": ("4000.00", lambda p: p.income_gate, 450_000, 400_000),
    "income_window": (
        {"from": "-1:01-01", "to": "-1:12-31"}, lambda p: p.income_window.in_year(2021),
        (date(2020, 10, 1), date(2021, 9, 30)), (date(2020, 1, 1), date(2020, 12, 31)),
    ),
    "tiers": ([{"from": 2, "value": "2500.00"}], paid(THREE), 200_000, 250_000),
    "apply_deadline": (
        "10-15", lambda p: proceedings(p).deadline(PROGRAMME.process["application"]),
        date(2021, 9, 30), date(2021, 10, 15),
    ),
    "nonpoor_village_substitute": ("nobody", signers(False), {Duty.VILLAGE_COMMITTEE, Duty.VILLAGE_CADRE}, BOTH),
    "notice_days": (7, posted(date(2021, 10, 11)), date(2021, 10, 15), date(2021, 10, 17)),
    "notice_unit": ("working", posted(date(2021, 9, 29)), date(2021, 10, 3), date(2021, 10, 11)),
    "county_sample": ("10", lambda p: ceil_share(100, p.county_sample), 0, 10),
}  # fmt: skip
LOCKED = {
    "excluded_entities": ["cooperative"], "same_village": False, "verifiers": ["work_team"], "signature_required": False,
}  # fmt: skip


@pytest.mark.parametrize("name", EFFECTS)
def test_a_provision_changes_the_result_it_should(name: str) -> None:
    value, observed, before, after = EFFECTS[name]
    assert (observed(county()), observed(county(**{name: value}))) == (before, after)


@pytest.mark.parametrize("name", LOCKED)
def test_what_the_plan_fixes_is_locked(name: str) -> None:
    with pytest.raises(Refused, match="PARAMETER_LOCKED"):
        county(**{name: LOCKED[name]})


def test_every_number_is_accounted_for() -> None:
    assert set(EFFECTS) | set(LOCKED) == set(PROGRAMME.policy.parameters)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tiers", [{"from": 3, "value": "10000.01"}]),
        ("tiers", [{"from": 3, "value": "2000.00"}, {"from": 21, "value": "3000.00"}]),
        ("income_gate", "20000.01"),
        ("apply_deadline", "06-30"),
        ("notice_days", 31),
    ],
)
def test_a_county_deviates_within_bounds(name: str, value: Any) -> None:
    with pytest.raises(Refused, match="PARAMETER_OUT_OF_RANGE"):
        county(**{name: value})


# --- who counts, and who takes part ---------------------------------------------------------------------------


def test_a_led_household_counts_on_every_condition_of_the_plan() -> None:
    assert (
        Count(
            "led",
            (
                SameVillage(unless=When("same_village", False)),
                StandingIn("counted_standings"),
                NetStablePerPerson("income_window", "income_gate"),
                Signed(unless=When("signature_required", False)),
                Vouched(),
            ),
        )
        == LED
    )
    parameters = county()
    assert [part.unless.holds(parameters) for part in LED.where if part.unless] == [False, False]
    assert parameters.counted_standings == {HouseholdStanding.POOR, HouseholdStanding.EXITED}
    assert isinstance(parameters.income_window, Window)


def test_a_led_household_signs_its_cadre_confirms_and_it_has_one_leader() -> None:
    (role,), (claim,) = PROGRAMME.participants, PROGRAMME.claims
    assert (role.code, role.signs, role.vouched_by) == ("led", True, Duty.LINKED_CADRE)
    assert (claim.per, claim.role, claim.period) == (ClaimOf.PARTICIPANT, "led", Span.YEAR)
    assert claim.unless == When("one_leader_per_led", False)


def test_stages_come_in_the_order_of_the_plan() -> None:
    assert [stage.code for stage in PROGRAMME.process.stages] == [
        "application", "verification", "notice", "township_summary", "sample", "payment",
    ]  # fmt: skip
    assert PROGRAMME.process.accounting() is PROGRAMME.process["verification"]
    assert signers(True)(county()) == BOTH


@pytest.mark.parametrize("entity", sorted(set(Entity) - {Entity.NONE}))
def test_no_business_is_rewarded(entity: Entity) -> None:
    assert paid(replace(THREE, entity=entity))(county()) == 0


def test_the_notice_states_the_standard_in_figures() -> None:
    kind, notice = PROGRAMME.policy.parameters["tiers"].kind, PROGRAMME.process.first(Notice)
    assert county().tiers == Tiers((Tier(3, 200_000), Tier(5, 300_000)))
    assert notice.standard.filled(tiers=kind.show(county().tiers)) == Text(
        "一次性奖补,按带动达标贫困户数分档:3起 2,000.00 元,5起 3,000.00 元",
        "once, by how many poor households were led: from 3 on 2,000.00 yuan; from 5 on 3,000.00 yuan",
    )


def test_a_refusal_says_how_many_are_missing() -> None:
    parameters, two = county(), replace(THREE, led=2)
    found = Leading.decide(two, parameters)
    explainer = Explainer(Leading, parameters, PROGRAMME.titles())
    lines = {line.name: line for line in explainer.lines(two, found)}
    assert str(explainer.summary(found)) == (
        "不符合条件,未满足:带动达标贫困户数达到最低一档 / Not eligible; not met: The led households that reach the standard "
        "are as many as the lowest tier asks for"
    )
    (miss,) = lines["leads_enough"].misses
    assert (miss.what.zh, miss.value.en, miss.needed.en, miss.by) == ("带动达标贫困户数", "2", "≥ 3", 1)
    assert lines["award"].arithmetic[0].zh == (
        "带动达标贫困户数 2,未达到任何一档,距第1档(3起 2,000.00 元)还差 1 → 0.00 元"
    )
