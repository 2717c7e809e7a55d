"""The four awards of the plan together: that each answers its part of the document, and that all of it is answered."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

import county_default
from bangfu.errors import Code, Refused
from bangfu.policy import kind_of
from bangfu.process import Notice, Pay, Verify
from bangfu.programme import PAYMENT_COLUMNS, Programme, check, installed, unanswered
from bangfu.rules.facts import Count, Income, Stated
from county_default import vocabulary

PLAN = [installed().programmes[code] for code in ("consolidation", "planned_exit", "five_star", "leading")]
LAST_DAY = {"consolidation": "2021", "planned_exit": "2021", "five_star": "2021Q4", "leading": "2021"}
NEXT = {"consolidation": "2022", "planned_exit": "2022", "five_star": "2022Q1", "leading": "2022"}
ours = pytest.mark.parametrize("programme", PLAN, ids=lambda programme: programme.code)


def test_the_plugin_brings_the_four_awards_and_their_card() -> None:
    assert [programme.code for programme in county_default.programmes()] == list(LAST_DAY)
    assert [channel.code for channel in county_default.payment_channels()] == ["yikatong"]


# fmt: off
DOCUMENT = {
    "二(一)1": {"planned_exit"}, "二(一)2": {"planned_exit"}, "二(一)3": {"planned_exit"}, "二(一)4": {"planned_exit"},
    "二(二)1": {"consolidation"}, "二(二)2": {"consolidation"}, "二(二)2五个一": {"consolidation"},
    "二(二)3": {"consolidation"}, "二(二)4": {"consolidation"},
    "二(三)": {"five_star"}, "二(三)考评": {"five_star"},
    "二(四)1": {"leading"}, "二(四)2": {"leading"}, "二(四)3": {"leading"}, "二(四)4": {"leading"},
    "三1": {"planned_exit", "consolidation", "five_star"}, "三2": {"leading"},
    "四(一)": set(LAST_DAY), "四(二)": set(LAST_DAY), "四(三)": set(LAST_DAY), "四(四)": set(LAST_DAY),
}
"""The clauses of the document that state a rule, in its order, and whose they are."""
# fmt: on


def test_every_clause_of_the_document_is_answered_by_those_whose_it_is() -> None:
    listed = {
        clause: {programme.code for programme in PLAN if clause in programme.policy.documents["fenjin-2021"].clauses}
        for clause in DOCUMENT
    }
    assert listed == DOCUMENT
    for programme in PLAN:
        (document,) = programme.policy.documents.values()
        assert set(document.clauses) <= set(DOCUMENT)
        assert unanswered(programme) == []


@ours
def test_a_declaration_fits(programme: Programme) -> None:
    check(programme, {"yikatong"})
    assert set(programme.released) == {book.since for book in programme.books}


@ours
def test_nothing_is_said_of_the_next_year(programme: Programme) -> None:
    last = programme.period.period(LAST_DAY[programme.code]).reference_day
    hidden = {"cohort_exit_years"} if programme.code == "consolidation" else set()
    for day, silent in ((last, hidden), (programme.period.period(NEXT[programme.code]).reference_day, None)):
        expected = set(programme.policy.parameters) if silent is None else silent
        if not expected:
            assert set(programme.policy.resolve(day)) == set(programme.policy.parameters)
            continue
        with pytest.raises(Refused) as refused:
            programme.policy.resolve(day)
        assert {problem.path[1] for problem in refused.value.problems} == expected
        assert {problem.code for problem in refused.value.problems} == {Code.PARAMETER_UNSET}


@ours
def test_a_clause_that_is_left_out_has_no_number(programme: Programme) -> None:
    (document,) = programme.policy.documents.values()
    for parameter in programme.policy.parameters.values():
        for entry in parameter.entries:
            assert entry.cites.clause in document.clauses
            assert entry.cites.clause not in document.left_out


SILENT = {
    "consolidation": {"notice_unit", "income_window", "accounting_grace_days", "nonpoor_village_substitute"},
    "planned_exit": {"gate_applies_to", "household_size", "income_window", "notice_days", "notice_unit"},
    "five_star": {"award_repeat", "counted_standings", "notice_days", "notice_unit", "quota", "quota_minimum"},
    "leading": {
        "counted_standings",
        "county_sample",
        "income_gate",
        "one_leader_per_led",
        "notice_days",
        "notice_unit",
    },
}
"""Numbers of which the document is silent, damaged or open to two readings."""


@ours
def test_where_the_document_is_silent_the_reading_is_said(programme: Programme) -> None:
    told = {name for name, parameter in programme.policy.parameters.items() if parameter.reading}
    assert told >= SILENT[programme.code]


@ours
def test_every_choice_has_its_own_two_names(programme: Programme) -> None:
    hints = {**get_type_hints(programme.facts), **get_type_hints(programme.parameters)}
    choices = {
        choice
        for hint in hints.values()
        for choice in (hint, *get_args(hint))
        if isinstance(choice, type) and issubclass(choice, StrEnum)
    }
    assert choices
    for choice in choices:
        shown = [kind_of(choice).show(member) for member in choice]
        assert len({text.zh for text in shown}) == len({text.en for text in shown}) == len(shown)
        assert all(text.zh != text.en for text in shown)


@ours
def test_a_notice_shows_what_the_plan_asks_for_and_nothing_else(programme: Programme) -> None:
    notice = programme.process.first(Notice)
    assert notice.columns == ("beneficiary", "project", "standard", "amount")
    parameters = programme.policy.parameters
    shown = {name: parameters[name].kind.show(parameters[name].entries[0].value) for name in notice.standard.places()}
    assert "{" not in notice.standard.filled(**shown).zh


@ours
def test_three_persons_pay_onto_the_card(programme: Programme) -> None:
    stages = [stage for stage in programme.process.stages if isinstance(stage, Pay)]
    assert [stage.code for stage in stages] == (
        ["payment_1", "payment_2", "payment_3"] if programme.code == "planned_exit" else ["payment"]
    )
    assert all(len({stage.maker, stage.checker, stage.releaser}) == 3 for stage in stages)
    assert {stage.channel for stage in stages} == {"yikatong"}


@ours
def test_every_stage_that_the_work_team_signs_knows_who_stands_in(programme: Programme) -> None:
    for stage in programme.process.stages:
        if isinstance(stage, Verify) and isinstance(stage.signers, str):
            assert stage.substitute == "nonpoor_village_substitute"


def test_the_payment_list_holds_known_columns_once_each() -> None:
    names = [name for name, _ in installed().channels["yikatong"].columns]
    assert len(set(names)) == len(names)
    assert set(names) <= set(PAYMENT_COLUMNS)
    assert {"household_number", "account", "amount"} <= set(names)


def test_only_what_cannot_be_known_otherwise_is_stated() -> None:
    assert {programme.code: list(programme.stated()) for programme in PLAN} == {
        "consolidation": ["projects"], "planned_exit": ["projects"], "five_star": ["stars"],
        "leading": ["entity", "modes"],
    }  # fmt: skip
    money = {spec.name for programme in PLAN for spec in programme.specs().values() if isinstance(spec.source, Income)}
    assert money == {"breeding", "planting", "labour", "self_employment", "net_stable"}


# --- which go together ----------------------------------------------------------------------------------------


def test_a_household_is_of_one_cohort_and_may_win_a_star_beside() -> None:
    plugins = installed()
    assert {code: set(plugins.exclusions(code)) for code in LAST_DAY} == {
        "consolidation": {"planned_exit"}, "planned_exit": {"consolidation"}, "five_star": set(), "leading": set(),
    }  # fmt: skip
    assert {programme.code: {one.programme for one in programme.stacks} for programme in PLAN} == {
        "consolidation": {"five_star"}, "planned_exit": {"five_star"}, "five_star": {"planned_exit", "consolidation"},
        "leading": set(),
    }  # fmt: skip


def test_what_several_share_is_declared_once() -> None:
    folder = Path(county_default.__file__).parent
    for choice in (vocabulary.HouseholdStanding, vocabulary.Project):
        words = f"class {choice.__name__}("
        assert [path.name for path in folder.rglob("*.py") if words in path.read_text("utf-8")] == ["vocabulary.py"]


def test_only_the_leading_award_counts_others() -> None:
    counted = {
        (programme.code, spec.name)
        for programme in PLAN
        for spec in programme.specs().values()
        if isinstance(spec.source, Count)
    }
    assert counted == {("leading", "led")}
    assert {programme.code for programme in PLAN if programme.participants} == {"leading"}
    for programme in PLAN:
        assert {field.name for field in fields(programme.facts)} == set(programme.specs())
        assert any(isinstance(spec.source, Stated) for spec in programme.specs().values())


def test_the_books_are_in_force_before_their_first_period() -> None:
    assert {programme.code: programme.books[0].since for programme in PLAN} == {
        "consolidation": date(2020, 10, 1), "planned_exit": date(2021, 1, 1), "five_star": date(2021, 1, 1),
        "leading": date(2021, 1, 1),
    }  # fmt: skip
