"""已脱贫户巩固增收 through the real plugin: the golden figures (P01B), and where each number comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from bangfu.calendar import WorkingDays
from bangfu.conformance import Examples
from bangfu.errors import Code, Problem, Refused
from bangfu.policy import Fen
from bangfu.process import Act, Duty, Move, Notice, Proceedings, View
from bangfu.programme import installed, unanswered
from bangfu.rules import Year, columns
from bangfu.rules.explain import Explainer
from bangfu.selection import Unit, ceil_share, draw
from bangfu.text import LANGUAGES, Text
from county_default.consolidation.rules import Consolidation, Facts, Parameters
from county_default.vocabulary import HouseholdStanding, Project

PROGRAMME = installed().programme("consolidation")
EXAMPLES = Examples(
    {"programme": "consolidation", "period": "2021", "county": {"cohort_exit_years": {"from": 2016, "to": 2019}}}
)


def county(**own: Any) -> Parameters:
    """The parameters of 2021 with what the county sets, checked like its provisions."""
    parameters: Parameters = EXAMPLES.parameters(own)
    return parameters


def household(breeding: int = 0, planting: int = 0, labour: int = 0, self_employment: int = 0, **own: Any) -> Facts:
    """A household that is covered, with gross incomes in fen."""
    income = dict(zip(("breeding", "planting", "labour"), map(Fen, (breeding, planting, labour)), strict=True))
    facts = Facts(
        standing=HouseholdStanding.EXITED,
        exit_year=Year(2018),
        projects=frozenset({Project.SMALL_BREEDING}),
        self_employment=Fen(self_employment),
        **income,
    )
    return replace(facts, **own)


def proceedings(parameters: Parameters) -> Proceedings:
    return Proceedings(PROGRAMME.process, parameters, EXAMPLES.period, WorkingDays())


def of_all(rows: list[Facts], parameters: Parameters) -> list[int]:
    """What each household is paid, by columns."""
    names = Facts.__dataclass_fields__
    values = {name: [getattr(row, name) for row in rows] for name in names} | {
        "projects": [sorted(row.projects) for row in rows]
    }
    decided = columns.decide_all(Consolidation, columns.frame(Consolidation, values), parameters)
    return decided["payable"].to_list()


# --- the golden figures ---------------------------------------------------------------------------------------

GOLDEN = {
    "G06a": (household(800_000, 400_000, 2_000_000), 4_200_000_000, 300_000),
    "G06b": (household(500_000, 200_000, 900_000), 2_200_000_000, 220_000),
    "G06c": (household(1_500_000), 3_000_000_000, 300_000),
    "G06e": (household(1_500_001), 3_000_002_000, 300_000),
    "a cent of each": (household(2, 3, 4), 12_500, 1),
    "labour and self-employment together": (household(0, 0, 3, 2), 5_000, 1),
}


@pytest.mark.parametrize(("facts", "before_cap", "award"), GOLDEN.values(), ids=GOLDEN)
def test_the_figures_of_the_plan(facts: Facts, before_cap: int, award: int) -> None:
    found = Consolidation.decide(facts, county())
    assert (found.values["before_cap"], found.values["award"], found.payable) == (before_cap, award, award)
    assert found.values["capped"] is (before_cap > 3_000_000_000)
    assert of_all([facts], county()) == [award]


def test_all_households_at_the_cap_are_the_upper_bound() -> None:
    parameters = county()
    most = of_all([household(10**13, 10**13, 10**13, 10**13)] * parameters.target_households, parameters)
    assert (len(most), sum(most)) == (6806, 2_041_800_000)  # G04: 20,418,000 yuan
    assert parameters.target_households * parameters.household_cap == 2_041_800_000


def test_the_county_samples_681_of_6806() -> None:
    rate = county().county_sample
    assert ceil_share(6806, rate) == 681  # G10
    assert draw([Unit(str(n), n % 20) for n in range(6806)], rate, "2021").size == 681


def test_a_notice_of_11_october_lets_acceptance_proceed_on_the_16th() -> None:
    running = proceedings(county())
    posted = running.notice_days(date(2021, 10, 11))
    assert posted == (date(2021, 10, 11), date(2021, 10, 15))  # G10b
    case = View("notice", posted[0], Text("甲村", "Jia"), True, accounted=True, posted=posted)

    def accept(day: int) -> Move | Problem:
        on = date(2021, 10, day)
        return running.accept(case, Act(on, on, "acceptor", frozenset({Duty.TOWNSHIP_ACCEPTOR})))

    early = accept(15)
    assert isinstance(early, Problem)
    assert early.code is Code.NOTICE_OPEN
    assert accept(16) == Move("sample", Duty.TOWNSHIP_ACCEPTOR)


# --- every number is a parameter ------------------------------------------------------------------------------


def paid(facts: Facts) -> Callable[[Parameters], Any]:
    return lambda p: Consolidation.decide(facts, p).payable


def deadline(stage: str) -> Callable[[Parameters], Any]:
    return lambda p: proceedings(p).deadline(PROGRAMME.process[stage])


def signers(poor: bool) -> Callable[[Parameters], Any]:
    return lambda p: set(proceedings(p).signers(PROGRAMME.process.accounting(), poor))


def notice_from(first: date) -> Callable[[Parameters], Any]:
    return lambda p: proceedings(p).notice_days(first)[1]


FOUR = {Duty.WORK_TEAM, Duty.VILLAGE_COMMITTEE, Duty.VILLAGE_CADRE, Duty.LINKED_CADRE}
POSTED = date(2021, 9, 29)  # two days before National Day
LEFT_2016 = household(800_000, exit_year=2016)
EFFECTS: dict[str, tuple[Any, Callable[[Parameters], Any], Any, Any]] = {
    "cohort_exit_years": ({"from": 2017, "to": 2019}, paid(LEFT_2016), 160_000, 0),
    "target_households": (7000, lambda p: p.target_households * p.household_cap, 2_041_800_000, 2_100_000_000),
    "project_kinds": (["small_planting"], paid(household(800_000)), 160_000, 0),
    "rate_breeding": ("25", paid(household(800_000)), 160_000, 200_000),
    "rate_planting": ("10", paid(household(0, 400_000)), 60_000, 40_000),
    "rate_labour_selfemp": ("5", paid(household(0, 0, 1_000_000, 500_000)), 150_000, 75_000),
    "household_cap": ("2500.00", paid(household(2_000_000)), 300_000, 250_000),
    "plan_deadline": ("03-15", deadline("plan"), date(2021, 2, 15), date(2021, 3, 15)),
    "in_place_deadline": ("04-30", deadline("in_place"), date(2021, 3, 31), date(2021, 4, 30)),
    "accounting_deadline": ("10-15", deadline("accounting"), date(2021, 9, 30), date(2021, 10, 15)),
    "accounting_grace_days": (7, deadline("accounting"), date(2021, 9, 30), date(2021, 10, 7)),
    "nonpoor_village_substitute": ("nobody", signers(False), FOUR - {Duty.WORK_TEAM}, FOUR),
    "notice_days": (7, notice_from(date(2021, 10, 11)), date(2021, 10, 15), date(2021, 10, 17)),
    "notice_unit": ("working", notice_from(POSTED), date(2021, 10, 3), date(2021, 10, 11)),
    "county_sample": ("20", lambda p: ceil_share(6806, p.county_sample), 681, 1362),
}  # fmt: skip


@pytest.mark.parametrize("name", EFFECTS)
def test_a_provision_changes_the_result_it_should(name: str) -> None:
    value, observed, before, after = EFFECTS[name]
    assert (observed(county()), observed(county(**{name: value}))) == (before, after)


def test_the_book_reads_its_numbers_from_these_parameters_alone() -> None:
    read = Explainer(Consolidation, county(), PROGRAMME.titles()).parameters_read()
    rates = {"rate_breeding", "rate_planting", "rate_labour_selfemp"}
    assert read == {"cohort_exit_years", "project_kinds", "household_cap"} | rates


def test_the_window_of_income_and_who_signs_are_the_plans_own() -> None:
    assert set(EFFECTS) | {"income_window", "accounting_signers"} == set(PROGRAMME.policy.parameters)
    assert county().income_window.in_year(2021) == (date(2020, 10, 1), date(2021, 9, 30))
    assert county().accounting_signers == FOUR
    with pytest.raises(Refused, match="PARAMETER_LOCKED"):
        county(income_window={"from": "-1:10-01", "to": "0:08-31"})
    with pytest.raises(Refused, match="PARAMETER_LOCKED"):
        county(accounting_signers=["linked_cadre"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("county_sample", "9.99"),
        ("notice_days", 4),
        ("rate_breeding", "50.01"),
        ("household_cap", "10000.01"),
        ("plan_deadline", "07-01"),
        ("accounting_grace_days", 61),
        ("cohort_exit_years", {"from": 2013, "to": 2019}),
    ],
)
def test_a_county_deviates_within_bounds(name: str, value: Any) -> None:
    with pytest.raises(Refused, match="PARAMETER_OUT_OF_RANGE"):
        county(**{name: value})


def test_what_the_source_hides_must_be_set_before_anything_is_computed() -> None:
    with pytest.raises(Refused) as refused:
        PROGRAMME.policy.resolve(date(2021, 9, 30))
    assert [problem.path for problem in refused.value.problems] == [("parameters", "cohort_exit_years")]


def test_the_plan_of_2021_says_nothing_of_2022() -> None:
    with pytest.raises(Refused) as refused:
        PROGRAMME.policy.resolve(PROGRAMME.period.period("2022").reference_day)
    assert {problem.path[1] for problem in refused.value.problems} == set(PROGRAMME.policy.parameters)
    assert {problem.code for problem in refused.value.problems} == {Code.PARAMETER_UNSET}


# --- the page as a whole --------------------------------------------------------------------------------------


def test_every_clause_is_answered() -> None:
    assert unanswered(PROGRAMME) == []
    document = PROGRAMME.policy.documents["fenjin-2021"]
    assert set(document.left_out) == {"二(二)2五个一", "三1", "四(一)", "四(二)", "四(四)"}


def test_the_notice_states_the_standard_in_figures() -> None:
    notice, parameters = PROGRAMME.process.first(Notice), county()
    kinds = {name: parameter.kind for name, parameter in PROGRAMME.policy.parameters.items()}
    shown = {name: kinds[name].show(getattr(parameters, name)) for name in notice.standard.places()}
    assert notice.standard.filled(**shown) == Text(
        "养殖业总收入的20%、种植业总收入的15%、务工及自主经营总收入的10%,每户不超过3,000.00 元",
        "20% of gross breeding income, 15% of planting, 10% of labour and self-employment, "
        "at most 3,000.00 yuan a household",
    )


def explained(facts: Facts) -> tuple[Text, dict[str, list[str]]]:
    """The summary, and what is said of each step in English."""
    parameters = county()
    explainer = Explainer(Consolidation, parameters, PROGRAMME.titles())
    determination = Consolidation.decide(facts, parameters)
    lines = explainer.lines(facts, determination)
    for line in lines:
        for text in (line.says, line.result, *line.arithmetic):
            assert all(text.in_(language).strip() for language in LANGUAGES)
    return explainer.summary(determination), {line.name: [text.en for text in line.arithmetic] for line in lines}


def test_an_award_is_explained_to_the_fen() -> None:
    summary, lines = explained(GOLDEN["G06a"][0])
    assert str(summary) == "符合条件,应发 3,000.00 元 / Eligible; 3,000.00 yuan is due"
    assert lines["before_cap"] == [
        "gross breeding income 8,000.00 yuan × rate on gross breeding income 20% = 1,600.00 yuan",
        "gross planting income 4,000.00 yuan × rate on gross planting income 15% = 600.00 yuan",
        "(gross labour income 20,000.00 yuan + gross self-employment income 0.00 yuan) × "
        "rate on gross labour and self-employment income 10% = 2,000.00 yuan",
        "total 1,600.00 yuan + 600.00 yuan + 2,000.00 yuan = 4,200.00 yuan",
    ]
    assert lines["award"] == [
        "the smaller of: Shares of gross income, added up 4,200.00 yuan; "
        "cap per household 3,000.00 yuan → 3,000.00 yuan",
        "3,000.00 yuan, rounded half up to the fen → 3,000.00 yuan",
    ]


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (
            {"standing": HouseholdStanding.POOR, "projects": frozenset({Project.OTHER})},
            "不符合条件,未满足:该户登记为已脱贫户;该户计划了至少一项五小产业到户项目;该户在收入核算期内有收入",
        ),
        ({"exit_year": None}, "不符合条件,未满足:该户在收入核算期内有收入"),
        ({"exit_year": None, "breeding": 1}, "资料不全,缺:脱贫年度"),
        ({"exit_year": 2015, "breeding": 1}, "不符合条件,未满足:该户脱贫年度在方案范围内"),
    ],
)
def test_a_refusal_is_explained_by_its_clauses(own: dict[str, Any], said: str) -> None:
    assert explained(household(**own))[0].zh == said
