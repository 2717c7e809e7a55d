"""计划脱贫户奋进计划 through the real plugin: the golden figures (P01A), and where each number comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from bangfu.calendar import WorkingDays
from bangfu.conformance import Examples, on_columns
from bangfu.errors import Refused
from bangfu.policy import Fen
from bangfu.process import Duty, Notice, Proceedings, Verify
from bangfu.programme import installed
from bangfu.rules import AsOf, AtStage, Income, Measure, Outcome, Registry
from bangfu.rules.explain import Explainer
from bangfu.selection import due, instalments
from bangfu.text import Text
from county_default.planned_exit.rules import Checkpoint, Facts, Parameters, PlannedExit
from county_default.vocabulary import HouseholdStanding, Project

PROGRAMME = installed().programme("planned_exit")
EXAMPLES = Examples({"programme": "planned_exit", "period": "2021"})
FOUR = Facts(
    standing=HouseholdStanding.POOR,
    projects=frozenset({Project.SMALL_BREEDING}),
    members_at_plan=4,
    members_at_check=4,
    net_stable=Fen(1_800_000),
    checkpoint=Checkpoint.FINAL,
)


def county(**own: Any) -> Parameters:
    """The parameters of 2021 with what the county sets, checked like its provisions."""
    parameters: Parameters = EXAMPLES.parameters(own)
    return parameters


def paid(facts: Facts, parameters: Parameters) -> int:
    """What the household is due, on which both engines agree."""
    found = PlannedExit.decide(facts, parameters)
    assert on_columns(PlannedExit, [facts], parameters) == [found]
    return found.payable


# --- the golden figures ---------------------------------------------------------------------------------------


def test_the_whole_cohort_is_due_3606000() -> None:
    parameters = county()
    # 911 households of 3,005 persons, such as 639 of three and 272 of four.
    sizes = [3] * 639 + [4] * 272
    assert (len(sizes), sum(sizes)) == (parameters.target_households, parameters.target_persons) == (911, 3005)
    rows = [replace(FOUR, members_at_plan=size, members_at_check=size) for size in sizes]
    total = sum(found.payable for found in on_columns(PlannedExit, rows, parameters))
    assert total == 360_600_000  # G01
    assert instalments(total, parameters.instalments) == (108_180_000, 144_240_000, 108_180_000)  # G02


@pytest.mark.parametrize(
    ("size", "award", "parts"),
    [(4, 480_000, (144_000, 192_000, 144_000)), (1, 120_000, (36_000, 48_000, 36_000))],  # G03, G03b
)
def test_a_household_is_paid_in_three_parts(size: int, award: int, parts: tuple[int, ...]) -> None:
    parameters = county()
    assert paid(replace(FOUR, members_at_plan=size, members_at_check=size), parameters) == award
    assert instalments(award, parameters.instalments) == parts


@pytest.mark.parametrize(
    ("net", "outcome", "gap"), [(1_800_000, Outcome.ELIGIBLE, None), (1_799_900, Outcome.REFUSED, 100)]
)
def test_the_standard_is_reached_at_4500_each(net: int, outcome: Outcome, gap: int | None) -> None:
    facts, parameters = replace(FOUR, net_stable=Fen(net)), county()
    found = PlannedExit.decide(facts, parameters)
    assert found.outcome is outcome  # G08
    misses = Explainer(PlannedExit, parameters, PROGRAMME.titles()).misses(
        "income_reaches_the_gate", facts, found.values
    )
    assert [miss.by for miss in misses] == ([] if gap is None else [gap])


@pytest.mark.parametrize(("setting", "last"), [("frozen_at_plan", 144_000), ("counted_at_acceptance", 24_000)])
def test_a_member_who_dies_after_the_second_instalment(setting: str, last: int) -> None:
    parameters = county(household_size=setting)
    first, second, _ = instalments(paid(FOUR, parameters), parameters.instalments)
    award = paid(replace(FOUR, members_at_check=3), parameters)
    assert due(award, parameters.instalments, 3, first + second) == last  # G40


# --- every number is a parameter ------------------------------------------------------------------------------


def proceedings(parameters: Parameters) -> Proceedings:
    return Proceedings(PROGRAMME.process, parameters, EXAMPLES.period, WorkingDays())


def deadline(stage: str) -> Callable[[Parameters], Any]:
    return lambda p: proceedings(p).deadline(PROGRAMME.process[stage])


def signers(stage: str, poor: bool) -> Callable[[Parameters], Any]:
    def read(p: Parameters) -> set[Duty]:
        found = PROGRAMME.process[stage]
        assert isinstance(found, Verify)
        return set(proceedings(p).signers(found, poor))

    return read


def of(facts: Facts) -> Callable[[Parameters], Any]:
    return lambda p: paid(facts, p)


def posted(first: date) -> Callable[[Parameters], Any]:
    return lambda p: proceedings(p).notice_days(first)[1]


TEAM = {Duty.WORK_TEAM, Duty.LINKED_CADRE}
ALL_FOUR = TEAM | {Duty.VILLAGE_COMMITTEE, Duty.VILLAGE_CADRE}
EARLY = replace(FOUR, checkpoint=Checkpoint.VERIFICATION, net_stable=Fen(0))
EFFECTS: dict[str, tuple[Any, Callable[[Parameters], Any], Any, Any]] = {
    "target_households": (900, lambda p: p.target_households, 911, 900),
    "target_persons": (3000, lambda p: p.target_persons * p.per_capita_award, 360_600_000, 360_000_000),
    "project_kinds": (["small_planting"], of(FOUR), 480_000, 0),
    "per_capita_award": ("1000.00", of(FOUR), 480_000, 400_000),
    "income_gate": ("4500.01", of(FOUR), 480_000, 0),
    "gate_applies_to": ("every", of(EARLY), 480_000, 0),
    "household_size": ("counted_at_acceptance", of(replace(FOUR, members_at_check=3)), 480_000, 360_000),
    "income_window": (
        {"from": "-1:01-01", "to": "-1:12-31"}, lambda p: p.income_window.in_year(2021),
        (date(2020, 10, 1), date(2021, 9, 30)), (date(2020, 1, 1), date(2020, 12, 31)),
    ),
    "plan_deadline": ("03-01", deadline("plan"), date(2021, 2, 15), date(2021, 3, 1)),
    "in_place_deadline": ("03-15", deadline("in_place"), date(2021, 2, 28), date(2021, 3, 15)),
    "verification_deadline": ("04-15", deadline("verification"), date(2021, 3, 31), date(2021, 4, 15)),
    "continuing_deadline": ("07-15", deadline("continuing"), date(2021, 6, 30), date(2021, 7, 15)),
    "final_deadline": ("10-15", deadline("final"), date(2021, 9, 30), date(2021, 10, 15)),
    "nonpoor_village_substitute": ("nobody", signers("final", False), {Duty.VILLAGE_CADRE, Duty.LINKED_CADRE}, TEAM),
    "notice_days": (7, posted(date(2021, 10, 11)), date(2021, 10, 15), date(2021, 10, 17)),
    "notice_unit": ("working", posted(date(2021, 9, 29)), date(2021, 10, 3), date(2021, 10, 11)),
}  # fmt: skip
LOCKED = {"instalments": ["50", "50"], "verifiers_stage1": ["linked_cadre"], "verifiers_stage2_3": ["linked_cadre"]}


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
        ("per_capita_award", "5000.01"),
        ("income_gate", "20000.01"),
        ("income_window", {"from": "-1:10-01", "to": "0:08-31"}),
        ("plan_deadline", "07-01"),
        ("final_deadline", "06-30"),
        ("notice_days", 0),
        ("notice_days", 31),
    ],
)
def test_a_county_deviates_within_bounds(name: str, value: Any) -> None:
    with pytest.raises(Refused, match="PARAMETER_OUT_OF_RANGE"):
        county(**{name: value})


# --- facts, stages and words ----------------------------------------------------------------------------------


def test_facts_are_looked_at_on_their_own_days() -> None:
    assert {name: spec.source for name, spec in PROGRAMME.specs().items() if name != "projects"} == {
        "standing": Registry("standing", AsOf.PLAN),
        "members_at_plan": Registry("members", AsOf.PLAN),
        "members_at_check": Registry("members", AsOf.CHECK),
        "net_stable": Income("all", "income_window", Measure.NET_STABLE),
        "checkpoint": AtStage(),
    }
    assert PROGRAMME.specs()["net_stable"].lowest == -PROGRAMME.specs()["net_stable"].largest == -(10**13)


def test_four_sign_first_and_two_afterwards() -> None:
    parameters = county()
    assert signers("verification", True)(parameters) == ALL_FOUR
    assert signers("verification", False)(parameters) == ALL_FOUR - {Duty.WORK_TEAM}
    assert signers("continuing", True)(parameters) == signers("final", True)(parameters) == TEAM
    accounting = [s.code for s in PROGRAMME.process.stages if isinstance(s, Verify) and s.accounts]
    assert accounting == [str(checkpoint) for checkpoint in Checkpoint]


def test_the_notice_states_the_standard_in_figures() -> None:
    kinds = {name: parameter.kind for name, parameter in PROGRAMME.policy.parameters.items()}
    parameters, notice = county(), PROGRAMME.process.first(Notice)
    shown = {name: kinds[name].show(getattr(parameters, name)) for name in notice.standard.places()}
    assert notice.standard.filled(**shown) == Text(
        "人均1,200.00 元,按30% / 40% / 30%分期拨付", "1,200.00 yuan a member, paid in parts of 30% / 40% / 30%"
    )


def test_an_award_is_explained_from_its_members() -> None:
    parameters = county()
    found = PlannedExit.decide(FOUR, parameters)
    lines = {line.name: line for line in Explainer(PlannedExit, parameters, PROGRAMME.titles()).lines(FOUR, found)}
    assert [text.zh for text in lines["award"].arithmetic] == [
        "人均奖补标准 1,200.00 元 × 计算人口 4 = 4,800.00 元",
        "4,800.00 元,四舍五入到分 → 4,800.00 元",
    ]
    assert [text.en for text in lines["size"].arithmetic] == [
        "since when members are counted as they were when the plan was made = as they were when the plan was made → 4"
    ]
