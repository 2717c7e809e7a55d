"""What the document says, from when, where it says it, and how far a county may deviate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bangfu.errors import Code, Refused
from bangfu.policy import (
    LARGEST_FEN,
    Deviation,
    Fen,
    MonthDay,
    Policy,
    PolicyError,
    Provision,
    Rate,
    Shares,
    Tier,
    Tiers,
    Whose,
    Window,
    Years,
    build,
    kind_of,
)
from bangfu.text import Text


class Colour(StrEnum):
    """A choice with names of its own."""

    RED = "red"
    BLUE = "blue"

    @property
    def title_text(self) -> Text:
        return {Colour.RED: Text("红", "the red"), Colour.BLUE: Text("蓝", "the blue")}[self]


# --- values ---------------------------------------------------------------------------------------------------

WINDOW = Window(MonthDay(10, 1), -1, MonthDay.parse("09-end"), 0)
SPOKEN = "上年10月1日至当年9月底 / 1 October of the year before to end of September of the plan year"
STEPS = [{"from": 3, "value": "2000.00"}, {"from": 5, "value": "3000.00"}]
TIERS = Tiers((Tier(3, 200_000), Tier(5, 300_000)))
TOLD = "3起 2,000.00 元,5起 3,000.00 元 / from 3 on 2,000.00 yuan; from 5 on 3,000.00 yuan"
KINDS: list[tuple[Any, Any, Any, Any, str]] = [
    (Fen, "3000", 300_000, "3000.00", "3,000.00 元 / 3,000.00 yuan"),
    (Fen, "-0.01", -1, "-0.01", "-0.01 元 / -0.01 yuan"),
    (Fen, "100000000000.00", LARGEST_FEN, "100000000000.00", "100,000,000,000.00 元 / 100,000,000,000.00 yuan"),
    (Rate, "20", 2000, "20", "20% / 20%"),
    (Rate, "12.5", 1250, "12.5", "12.5% / 12.5%"),
    (Rate, "0.01", 1, "0.01", "0.01% / 0.01%"),
    (Rate, "0", 0, "0", "0% / 0%"),
    (Rate, "100", 10_000, "100", "100% / 100%"),
    (int, 6806, 6806, 6806, "6,806 / 6,806"),
    (int, 0, 0, 0, "0 / 0"),
    (bool, True, True, True, "是 / yes"),
    (bool, False, False, False, "否 / no"),
    (MonthDay, "02-15", MonthDay(2, 15), "02-15", "2月15日 / 15 February"),
    (MonthDay, "02-end", MonthDay.parse("02-end"), "02-end", "2月底 / end of February"),
    (Window, {"from": "-1:10-01", "to": "0:09-end"}, WINDOW, {"from": "-1:10-01", "to": "0:09-end"}, SPOKEN),
    (Years, {"from": 2016, "to": 2019}, Years(2016, 2019), {"from": 2016, "to": 2019}, "2016—2019年 / 2016–2019"),
    (Tiers, STEPS, TIERS, STEPS, TOLD),
    (
        Tiers,
        [{"from": 1, "value": "0.01"}],
        Tiers((Tier(1, 1),)),
        [{"from": 1, "value": "0.01"}],
        "1起 0.01 元 / from 1 on 0.01 yuan",
    ),
    (Shares, ["30", "40", "30"], Shares((3000, 4000, 3000)), ["30", "40", "30"], "30% / 40% / 30% / 30% / 40% / 30%"),
    (Shares, ["100"], Shares((10_000,)), ["100"], "100% / 100%"),
    (
        Shares,
        ["33.33", "33.33", "33.34"],
        Shares((3333, 3333, 3334)),
        ["33.33", "33.33", "33.34"],
        "33.33% / 33.33% / 33.34% / 33.33% / 33.33% / 33.34%",
    ),
    (Colour, "red", Colour.RED, "red", "红 / the red"),
    (frozenset[Colour], ["red", "blue"], frozenset(Colour), ["blue", "red"], "蓝、红 / the blue, the red"),
]


@pytest.mark.parametrize(("annotation", "raw", "value", "dumped", "shown"), KINDS)
def test_a_value_is_read_written_and_shown(annotation: Any, raw: Any, value: Any, dumped: Any, shown: str) -> None:
    kind = kind_of(annotation)
    assert kind.parse(raw) == value
    assert kind.dump(value) == dumped
    assert str(kind.show(value)) == shown


@given(st.integers(0, 10_000))
def test_every_rate_is_read_back(points: int) -> None:
    assert kind_of(Rate).parse(kind_of(Rate).dump(Rate(points))) == points


# fmt: off
MALFORMED: dict[Any, list[Any]] = {
    Fen: [3000, "", "3000.001", "NaN", "100000000000.01", "-100000000000.01", True, None, "1e999999"],
    Rate: [20, "", "abc", "NaN", "0.001", "-0.01", "100.01", True, "20.0000000000000000000000000000001", "1e999999"],
    int: ["5", True, None, [5]],
    bool: [1, 0, "true", None],
    MonthDay: ["2-15", "02-30", "04-31", "13-01", "00-end", "02/15", "", 215, date(2021, 2, 15)],
    Window: ["10-01", {"from": "-1:10-01"}, {"from": "-1:10-01", "to": "0:09-30", "by": "x"},
             {"from": "10-01", "to": "09-30"}, {"from": "-1:10-32", "to": "0:09-30"},
             {"from": "0:10-01", "to": "0:09-30"}, {"from": -1, "to": "0:09-30"}],
    Years: [2016, {"from": 2016}, {"from": "2016", "to": "2019"}, {"from": 2019, "to": 2016}, {"from": 1, "to": 9}],
    Tiers: [[], "3", {"from": 3, "value": "1"}, [{"from": 3}], [{"from": 3, "value": 1}], [{"from": "3", "value": "1"}],
            [{"from": 0, "value": "1"}], [{"from": 3, "value": "0"}], [{"from": 3, "value": "-1"}], STEPS[::-1],
            [STEPS[0], STEPS[0]], [*STEPS, {"from": 7, "value": "2999.99"}], [{**STEPS[0], "until": 4}]],
    Shares: [[], "100", ["30", "40"], ["30", "40", "30.01"], ["0", "100"], [30, 70], ["-10", "110"], ["50", "50", None]],
    Colour: ["green", "RED", 1, None, ["red"]],
    frozenset[Colour]: ["red", [], ["red", "red"], ["red", "green"], [1]],
}
# fmt: on


@pytest.mark.parametrize(("annotation", "raw"), [(kind, raw) for kind, raws in MALFORMED.items() for raw in raws])
def test_a_malformed_value_is_refused(annotation: Any, raw: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        kind_of(annotation).parse(raw)


@pytest.mark.parametrize("annotation", MALFORMED)
def test_a_float_is_refused_everywhere(annotation: Any) -> None:
    inside = {
        Years: {"from": 2016.0, "to": 2019.0}, frozenset[Colour]: [1.5],
        Tiers: [{"from": 3.0, "value": "2000.00"}], Shares: [30.0, 40.0, 30.0],
    }  # fmt: skip
    for raw in (1.0, inside.get(annotation, 0.5)):
        with pytest.raises(ValueError, match="expected"):
            kind_of(annotation).parse(raw)


@pytest.mark.parametrize("annotation", [float, str, list[int], frozenset[int], date, frozenset])
def test_no_other_type_can_be_a_parameter(annotation: Any) -> None:
    with pytest.raises(TypeError, match="a parameter cannot have the type"):
        kind_of(annotation)


@given(st.lists(st.integers(1, 9_999), min_size=1, max_size=6).filter(lambda rates: sum(rates) < 10_000))
def test_shares_are_read_back_only_when_they_add_up(rates: list[int]) -> None:
    kind, whole = kind_of(Shares), Shares((*rates, 10_000 - sum(rates)))
    assert kind.parse(kind.dump(whole)) == whole
    with pytest.raises(ValueError, match="add up to 100"):
        kind.parse(kind.dump(Shares(tuple(rates))))


@pytest.mark.parametrize(
    ("count", "reached", "amount"),
    [(0, 0, 0), (2, 0, 0), (3, 1, 200_000), (4, 1, 200_000), (5, 2, 300_000), (6, 2, 300_000)],
)
def test_the_highest_tier_that_is_reached_counts(count: int, reached: int, amount: int) -> None:
    assert (TIERS.reached(count), TIERS.amount(count)) == (reached, amount)


@pytest.mark.parametrize(("numeral", "named"), [("02-29", "02-end"), ("04-30", "04-end"), ("12-31", "12-end")])
def test_the_last_day_of_a_month_is_one_value_however_written(numeral: str, named: str) -> None:
    assert MonthDay.parse(numeral) == MonthDay.parse(named)


@pytest.mark.parametrize(("year", "known"), [(2015, False), (2016, True), (2019, True), (2020, False), ("2016", False)])
def test_a_range_of_years_includes_both_ends(year: object, known: bool) -> None:
    assert (year in Years(2016, 2019)) is known


# fmt: off
RED, SPAN = frozenset({Colour.RED}), Deviation(least=2014, most=2021)
DEVIATIONS: list[tuple[Any, Deviation, str, list[Any], list[Any]]] = [
    (Rate, Deviation(least=1000, most=5000), "10% to 50%", [1000, 5000], [999, 5001]),
    (Rate, Deviation(least=1000), "at least 10%", [1000, 10_000], [999]),
    (Rate, Deviation(most=5000), "at most 50%", [0, 5000], [5001]),
    (int, Deviation(), "the county decides", [0, 10**9], []),
    (Years, SPAN, "2014 to 2021", [Years(2014, 2021)], [Years(2013, 2015), Years(2020, 2022)]),
    (Tiers, Deviation(Tier(2, 100_000), Tier(6, 400_000)), "from 2 on 1,000.00 yuan to from 6 on 4,000.00 yuan", [TIERS],
     [Tiers((Tier(1, 200_000),)), Tiers((Tier(3, 99_999),)), Tiers((Tier(3, 200_000), Tier(7, 300_000))),
      Tiers((Tier(3, 200_000), Tier(5, 400_001)))]),
    (Shares, Deviation(least=2000, most=5000), "20% to 50%", [Shares((3000, 4000, 3000))],
     [Shares((5001, 4999)), Shares((4001, 4000, 1999))]),
    (Colour, Deviation(one_of=(Colour.RED,)), "the red", [Colour.RED], [Colour.BLUE]),
    (frozenset[Colour], Deviation(one_of=(Colour.RED,)), "the red", [RED], [frozenset(Colour)]),
]
# fmt: on


@pytest.mark.parametrize(("annotation", "deviation", "shown", "within", "outside"), DEVIATIONS)
def test_a_deviation_bounds_every_part_of_a_value(
    annotation: Any, deviation: Deviation, shown: str, within: list[Any], outside: list[Any]
) -> None:
    kind = kind_of(annotation)
    assert deviation.show(kind).en == shown
    assert [value for value in (*within, *outside) if deviation.allows(kind, value)] == within


# --- a policy file --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Parameters:
    """The parameters of the test's plan."""

    cap: Fen
    rate: Rate
    days: int
    due: MonthDay
    years: Years
    colours: frozenset[Colour]
    tiers: Tiers
    parts: Shares


POLICY = """
[documents.plan]
title = "测试方案"
clauses = { "1" = "标准", "2" = "新标准", "3" = "要求" }
[documents.plan.left_out."3"]
zh = "没有规则"; en = "states no rule"
[[parameters.cap]]
title = { zh = "上限", en = "cap" }; unit = "yuan/household"; reading = { zh = "按户", en = "per household" }
since = 2020-01-01; until = 2021-12-31; value = "3000.00"; varies = { min = "1000", max = "5000" }; cites = "plan#1"
[[parameters.cap]]
since = 2023-01-01; value = "4000.00"; cites = "plan#2"
[[parameters.rate]]
title = { zh = "比例", en = "rate" }; unit = "%"
since = 2020-01-01; value = "10"; varies = { floor = "10" }; cites = "plan#1"
[[parameters.days]]
title = { zh = "天数", en = "days" }; since = 2020-01-01; value = 5; cites = "plan#1"
[[parameters.due]]
title = { zh = "截止日", en = "due" }
since = 2020-01-01; value = "02-15"; varies = { min = "01-01", max = "06-30" }; cites = "plan#1"
[[parameters.years]]
title = { zh = "年度", en = "years" }
since = 2020-01-01; redacted = true; varies = { min = 2014, max = 2021 }; cites = "plan#1"
[[parameters.colours]]
title = { zh = "颜色", en = "colours" }
since = 2020-01-01; value = ["red"]; varies = { one_of = ["red", "blue"] }; cites = "plan#2"
[[parameters.tiers]]
title = { zh = "分档", en = "tiers" }; unit = "yuan/household"; since = 2020-01-01; cites = "plan#1"
value = [{ from = 3, value = "2000.00" }, { from = 5, value = "3000.00" }]
varies = { min = { from = 2, value = "1000" }, max = { from = 6, value = "4000" } }
[[parameters.parts]]
title = { zh = "分期", en = "parts" }; unit = "%"; since = 2020-01-01; value = ["30", "70"]; cites = "plan#1"
""".replace("; ", "\n")


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    return load(tmp_path, POLICY)


def load(folder: Path, text: str) -> Policy:
    (folder / "policy.toml").write_text(text, encoding="utf-8")
    return Policy.load(folder / "policy.toml", Parameters)


def test_a_policy_file_is_read_whole(policy: Policy) -> None:
    assert list(policy.parameters) == ["cap", "rate", "days", "due", "years", "colours", "tiers", "parts"]
    document = policy.documents["plan"]
    assert (document.code, document.title, list(document.clauses)) == ("plan", "测试方案", ["1", "2", "3"])
    assert document.left_out == {"3": Text("没有规则", "states no rule")}
    assert document.missing == {}
    cap = policy.parameters["cap"]
    assert (cap.unit, cap.title, cap.reading) == ("yuan/household", Text("上限", "cap"), Text("按户", "per household"))
    assert [(e.since, e.until, e.value, str(e.cites)) for e in cap.entries] == [
        (date(2020, 1, 1), date(2021, 12, 31), 300_000, "plan#1"),
        (date(2023, 1, 1), None, 400_000, "plan#2"),
    ]
    assert cap.entries[0].varies == Deviation(least=100_000, most=500_000)
    assert policy.parameters["years"].entries[0].value is None
    (tiers,), (parts,) = (policy.parameters[name].entries for name in ("tiers", "parts"))
    assert (tiers.value, tiers.varies) == (TIERS, Deviation(least=Tier(2, 100_000), most=Tier(6, 400_000)))
    assert (parts.value, parts.varies) == (Shares((3000, 7000)), None)


RATE_UNIT = 'unit = "%"'
EXTRA = '[[parameters.extra]]\ntitle = { zh = "多", en = "extra" }\nsince = 2020-01-01\nvalue = 1\ncites = "plan#1"\n'
FAULTS = {
    "a name that only the file has": ("[[parameters.rate]]", EXTRA + "[[parameters.rate]]", "extra is not a field"),
    "a name that only the dataclass has": ("[[parameters.colours]]", "[[parameters.colour]]", "has colours, the file"),
    "an unlisted clause": ('cites = "plan#2"', 'cites = "plan#9"', "cites plan#9, which no document lists"),
    "an unlisted document": ('cites = "plan#2"', 'cites = "law#2"', "cites law#2, which no document lists"),
    "an ill-formed citation": ('cites = "plan#2"', 'cites = "plan 2"', "document#clause"),
    "no citation": ('cites = "plan#2"', "", "'cites' is missing"),
    "money without its unit": ('unit = "yuan/household"', 'unit = "days"', "unit 'days' does not belong"),
    "a rate without its unit": (RATE_UNIT, "", "unit '' does not belong"),
    "a number with the unit of a rate": ("value = 5", f"value = 5\n{RATE_UNIT}", "unit '%' does not belong"),
    "a number with the unit of money": ("value = 5", 'value = 5\nunit = "yuan"', "unit 'yuan' does not belong"),
    "tiers without the unit of money": (
        'en = "tiers" }\nunit = "yuan/household"',
        'en = "tiers" }',
        "parameters.tiers: the unit ''",
    ),
    "shares without their unit": ('en = "parts" }\nunit = "%"', 'en = "parts" }', "parameters.parts: the unit ''"),
    "shares that do not add up": ('["30", "70"]', '["30", "69"]', "above 0 and add up to 100"),
    "tiers outside their own bounds": (
        "max = { from = 6",
        "max = { from = 4",
        "own value lies outside what varies allows",
    ),
    "tiers out of order": ("{ from = 5", "{ from = 2", "the tiers stand in their order"),
    "entries out of order": ("since = 2023-01-01", "since = 2019-01-01", "order of their days"),
    "two entries of one day": ("since = 2023-01-01", "since = 2020-01-01", "order of their days"),
    "redacted and fixed": ("varies = { min = 2014, max = 2021 }", "", "a redacted value needs varies"),
    "redacted with a value": ("value = 5", "value = 5\nredacted = true", "either a value or redacted"),
    "neither": ("value = 5", "", "either a value or redacted"),
    "the plan outside its own bounds": ('max = "5000"', 'max = "2000"', "own value lies outside what varies allows"),
    "the plan outside its own list": ('one_of = ["red", "blue"]', 'one_of = ["blue"]', "own value lies outside"),
    "a left-out clause that is not listed": ('left_out."3"', 'left_out."4"', "left_out names 4"),
    "a missing clause that is not listed": ('left_out."3"', 'missing."4"', "documents.plan.missing names 4"),
    "left out and missing": (
        '[documents.plan.left_out."3"]',
        '[documents.plan.missing]\n"3" = { zh = "未做", en = "not yet" }\n[documents.plan.left_out."3"]',
        "documents.plan: 3 is left out or missing, not both",
    ),
    "an unknown key of a document": (
        'title = "测试方案"',
        'title = "测试方案"\nnumber = "1"',
        "plan: unknown keys: number",
    ),
    "a float": ("value = 5", "value = 5.0", "expected a whole number, not 5.0"),
    "a float as money": ('value = "3000.00"', "value = 3000.00", "expected an amount in yuan as a string"),
    "an unknown key": ("value = 5", "value = 5\nsource = 1", "unknown keys: source"),
    "an unknown deviation": ("{ floor = ", "{ about = ", "varies takes min and max, or floor, or one_of"),
    "a bound twice": ("{ floor = ", '{ min = "1", floor = ', "varies takes min and max, or floor, or one_of"),
    "a list beside a bound": (
        "{ floor = ",
        '{ one_of = ["10"], floor = ',
        "varies takes min and max, or floor, or one",
    ),
    "a second title": ('value = "4000.00"', 'value = "4000.00"\nunit = "yuan"', "in the first entry only"),
    "no title": ('title = { zh = "天数", en = "days" }', "", "'title' is missing"),
    "half a title": ('{ zh = "天数", en = "days" }', '{ zh = "天数" }', "'en' is missing"),
    "an end before the beginning": ("until = 2021-12-31", "until = 2019-12-31", "until is a day, not before since"),
    "a day in quotes": ("since = 2023-01-01", 'since = "2023-01-01"', "since is a day like"),
    "one table instead of a list": ("[[parameters.colours]]", "[parameters.colours]", "expected [[parameters.…]]"),
    "an unknown table": ("[documents.plan]", "[notes]\n[documents.plan]", "unknown tables: notes"),
    "a document without a title": ('title = "测试方案"', "", "title"),
    "a reason in one language": ('en = "states no rule"', "", "left_out of 3 gives its reason in zh and en"),
    "no TOML": ("value = 5", "value =", "policy.toml"),
}


@pytest.mark.parametrize(("old", "new", "said"), FAULTS.values(), ids=FAULTS)
def test_a_file_that_contradicts_itself_is_not_loaded(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in POLICY
    with pytest.raises(PolicyError) as error:
        load(tmp_path, POLICY.replace(old, new, 1))
    assert said in str(error.value)
    assert "policy.toml" in str(error.value)


def test_every_fault_of_a_file_is_named_at_once(tmp_path: Path) -> None:
    broken = POLICY.replace('"plan#2"', '"plan#9"').replace('unit = "%"', "").replace('left_out."3"', 'left_out."4"')
    with pytest.raises(PolicyError) as error:
        load(tmp_path, broken)
    for where in ("documents.plan.left_out", "parameters.cap:", "parameters.rate:", "parameters.colours:"):
        assert str(error.value).count(where) == 1


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"nowhere\.toml"):
        Policy.load(tmp_path / "nowhere.toml", Parameters)


# --- a county's own document ----------------------------------------------------------------------------------

HEADING = {"title": "县方案", "number": "测府发〔2021〕1号", "issued": date(2021, 1, 10)}
YEARS = {"from": 2016, "to": 2019}


def entry(value: Any, since: date = date(2021, 1, 1), **more: Any) -> dict[str, Any]:
    return {"since": since, "value": value, "clause": "三", **more}


def read(policy: Policy, id: str = "", /, **parameters: Any) -> Provision:
    return policy.read_provision({**HEADING, "parameters": parameters}, id)


def test_a_provision_is_read(policy: Policy) -> None:
    provision = read(policy, "p1", cap=entry("2000.00"), years=[entry(YEARS, until=date(2021, 12, 31))])
    assert (provision.id, provision.title, provision.number, provision.issued_on) == ("p1", *HEADING.values())
    assert [(e.parameter, e.since, e.until, e.value, e.clause) for e in provision.entries] == [
        ("cap", date(2021, 1, 1), None, 200_000, "三"),
        ("years", date(2021, 1, 1), date(2021, 12, 31), Years(2016, 2019), "三"),
    ]


NOT_ALLOWED: list[tuple[str, Any, str]] = [
    ("strange", entry(1), "PARAMETER_UNKNOWN"),
    ("days", entry(6), "PARAMETER_LOCKED"),
    ("cap", entry("4000.00", date(2023, 1, 1)), "PARAMETER_LOCKED"),
    ("cap", entry("999.99"), "PARAMETER_OUT_OF_RANGE"),
    ("cap", entry("5000.01"), "PARAMETER_OUT_OF_RANGE"),
    ("rate", entry("9.99"), "PARAMETER_OUT_OF_RANGE"),
    ("years", entry({"from": 2013, "to": 2019}), "PARAMETER_OUT_OF_RANGE"),
    ("due", entry("07-01"), "PARAMETER_OUT_OF_RANGE"),
    ("cap", entry(2000.0), "PARAMETER_BAD_VALUE"),
    ("cap", entry("2000.001"), "PARAMETER_BAD_VALUE"),
    ("rate", entry("1e999999"), "PARAMETER_BAD_VALUE"),
    ("colours", entry(["green"]), "PARAMETER_BAD_VALUE"),
    ("cap", "2000.00", "PARAMETER_BAD_VALUE"),
    ("cap", {"since": date(2021, 1, 1), "value": "2000.00"}, "PARAMETER_BAD_VALUE"),
    ("cap", entry("2000.00", note="x"), "PARAMETER_BAD_VALUE"),
    ("cap", {**entry("2000.00"), "clause": ""}, "PARAMETER_BAD_VALUE"),
    ("cap", {**entry("2000.00"), "since": "2021-01-01"}, "PARAMETER_BAD_VALUE"),
    ("cap", {**entry("2000.00"), "since": datetime(2021, 1, 1)}, "PARAMETER_BAD_VALUE"),  # noqa: DTZ001
    ("cap", entry("2000.00", until=date(2020, 12, 31)), "PARAMETER_BAD_VALUE"),
]


@pytest.mark.parametrize(("name", "item", "code"), NOT_ALLOWED)
def test_a_county_may_not_set(policy: Policy, name: str, item: Any, code: str) -> None:
    with pytest.raises(Refused) as refused:
        read(policy, **{name: [item]})
    ((problem),) = refused.value.problems
    assert (problem.code.name, problem.path) == (code, ("parameters", name, 0))
    assert problem.message.zh
    assert problem.remedy.en


def test_a_refusal_names_the_bounds_and_where_they_stand(policy: Policy) -> None:
    with pytest.raises(Refused) as refused:
        read(policy, cap=entry("6000.00"), days=entry(6))
    out, locked = (problem.message.en for problem in refused.value.problems)
    assert out == "cap: 6,000.00 yuan is outside what is allowed: 1,000.00 yuan to 5,000.00 yuan (测试方案, 1)."
    assert locked == "days is fixed by 测试方案, 1; a county may not change it."


@pytest.mark.parametrize("value", ["06-30", "06-end"])
def test_the_last_day_that_is_allowed_may_be_written_either_way(policy: Policy, value: str) -> None:
    assert read(policy, due=entry(value)).entries[0].value.in_year(2021) == date(2021, 6, 30)


def test_every_problem_of_a_provision_is_reported_at_once(policy: Policy) -> None:
    parameters = {
        "cap": [entry("2000.00"), entry("9000.00")],
        "days": [entry(6)],
        "strange": [entry(1)],
        "colours": [entry(["green"])],
    }
    raw = {"title": "", "issued": "2021-01-10", "remark": "x", "parameters": parameters}
    with pytest.raises(Refused) as refused:
        policy.read_provision(raw)
    assert [(problem.code.name, problem.path) for problem in refused.value.problems] == [
        ("MISSING_VALUE", ("title",)),
        ("MISSING_VALUE", ("number",)),
        ("MISSING_VALUE", ("issued",)),
        ("PARAMETER_UNKNOWN", ("remark",)),
        ("PARAMETER_OUT_OF_RANGE", ("parameters", "cap", 1)),
        ("PARAMETER_LOCKED", ("parameters", "days", 0)),
        ("PARAMETER_UNKNOWN", ("parameters", "strange", 0)),
        ("PARAMETER_BAD_VALUE", ("parameters", "colours", 0)),
    ]


def test_a_provision_gives_a_parameter_one_value_from_a_day(policy: Policy) -> None:
    with pytest.raises(Refused) as refused:
        read(policy, cap=[entry("2000.00"), entry("2500.00"), entry("2500.00", date(2021, 2, 1))])
    ((problem),) = refused.value.problems
    assert (problem.code.name, problem.path) == ("PARAMETER_BAD_VALUE", ("parameters", "cap", 1))


@pytest.mark.parametrize("parameters", [{}, {"parameters": {}}, {"parameters": 5}, {"parameters": ["x"]}])
def test_a_provision_must_set_something(policy: Policy, parameters: Mapping[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        policy.read_provision({**HEADING, **parameters})
    assert [problem.path for problem in refused.value.problems] == [("parameters",)]


# --- which value holds on a day -------------------------------------------------------------------------------


def caps(policy: Policy, *entries: dict[str, Any], id: str = "own") -> Provision:
    """A provision that sets the cap, and the years without which nothing is resolved."""
    return read(policy, id, cap=list(entries), years=entry(YEARS, date(2020, 1, 1)))


START, JANUARY, JULY = date(2020, 1, 1), date(2021, 1, 1), date(2021, 7, 1)
BY_PLAN, BY_COUNTY = (300_000, START, Whose.PLAN, None), (200_000, JANUARY, Whose.COUNTY, "0")
AT_2000 = entry("2000.00")
# fmt: off
HOLDS: dict[str, tuple[date, list[list[dict[str, Any]]], tuple[int, date, Whose, str | None]]] = {
    "the plan alone": (JULY, [[]], BY_PLAN),
    "the county after the plan": (JULY, [[AT_2000]], BY_COUNTY),
    "the county on the plan's own day": (JULY, [[entry("2000.00", START)]], (200_000, START, Whose.COUNTY, "0")),
    "not yet the county": (date(2020, 12, 31), [[AT_2000]], BY_PLAN),
    "on the county's last day": (JULY, [[entry("2000.00", until=JULY)]], BY_COUNTY),
    "after the county's last day": (date(2021, 7, 2), [[entry("2000.00", until=JULY)]], BY_PLAN),
    "the later of two": (JULY, [[AT_2000, entry("1500.00", JULY)]], (150_000, JULY, Whose.COUNTY, "0")),
    "the earlier of two": (date(2021, 6, 30), [[entry("1500.00", JULY), AT_2000]], BY_COUNTY),
    "the latest document of one day": (JULY, [[AT_2000], [entry("1200.00")]], (120_000, JANUARY, Whose.COUNTY, "1")),
    "the later day of an earlier document":
        (JULY, [[entry("2000.00", JULY)], [entry("1200.00")]], (200_000, JULY, Whose.COUNTY, "0")),
    "where the plan has ended the county still holds": (date(2022, 6, 1), [[AT_2000]], BY_COUNTY),
    "a later plan beats an older county":
        (date(2023, 1, 1), [[AT_2000]], (400_000, date(2023, 1, 1), Whose.PLAN, None)),
}
# fmt: on


@pytest.mark.parametrize(("day", "documents", "expected"), HOLDS.values(), ids=HOLDS)
def test_the_value_of_a_day(
    policy: Policy, day: date, documents: list[list[dict[str, Any]]], expected: tuple[int, date, Whose, str | None]
) -> None:
    provisions = [caps(policy, *entries, id=str(number)) for number, entries in enumerate(documents)]
    cap = policy.resolve(day, provisions)["cap"]
    assert (cap.value, cap.since, cap.whose, cap.provision) == expected


RISEN = POLICY.replace(
    "[[parameters.days]]",
    '[[parameters.rate]]\nsince = 2021-01-01\nvalue = "15"\nvaries = { floor = "12" }\ncites = "plan#2"\n'
    "[[parameters.days]]",
)
BEFORE, AFTER = date(2020, 12, 31), date(2021, 1, 1)


@pytest.mark.parametrize(
    ("own", "held", "then", "whose"),
    [
        ([entry("20", START)], 2000, 2000, Whose.COUNTY),
        ([entry("15", START)], 1500, 1500, Whose.PLAN),
        # No less than a county may lay down, and less than the plan gives.
        ([entry("13", START)], 1300, 1500, Whose.PLAN),
        ([entry("20", START, until=BEFORE)], 2000, 1500, Whose.PLAN),
        # What the county has lowered itself does not come back.
        ([entry("20", START), entry("11", date(2020, 7, 1))], 1100, 1500, Whose.PLAN),
    ],
)
def test_a_floor_that_rises_takes_back_nothing_that_is_more(
    tmp_path: Path, own: list[dict[str, Any]], held: int, then: int, whose: Whose
) -> None:
    policy = load(tmp_path, RISEN)
    provision = read(policy, "own", rate=own, years=entry(YEARS, START))
    before, after = (policy.only("rate").resolve(day, [provision])["rate"] for day in (BEFORE, AFTER))
    assert (before.value, after.value, after.whose) == (held, then, whose)


def test_a_value_names_its_authority(policy: Policy) -> None:
    resolved = policy.resolve(JULY, [read(policy, "p1", years=entry(YEARS))])
    years, rate = resolved["years"], resolved["rate"]
    assert (years.document, years.clause, years.provision) == ("县方案", "三", "p1")
    assert (rate.document, rate.clause, rate.provision) == ("测试方案", "1", None)
    assert list(resolved) == ["cap", "rate", "days", "due", "years", "colours", "tiers", "parts"]
    red = frozenset({Colour.RED})
    assert build(Parameters, resolved) == Parameters(
        Fen(300_000), Rate(1000), 5, MonthDay(2, 15), Years(2016, 2019), red, TIERS, Shares((3000, 7000))
    )


@pytest.mark.parametrize(
    ("day", "unset"),
    [
        (date(2021, 12, 31), ["years"]),
        (date(2022, 1, 1), ["cap", "years"]),
        (date(2022, 12, 31), ["cap", "years"]),
        (date(2023, 1, 1), ["years"]),
        (date(2019, 12, 31), ["cap", "rate", "days", "due", "years", "colours", "tiers", "parts"]),
    ],
)
def test_what_is_hidden_or_not_in_force_is_never_guessed(policy: Policy, day: date, unset: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        policy.resolve(day)
    assert [(problem.code, problem.path) for problem in refused.value.problems] == [
        (Code.PARAMETER_UNSET, ("parameters", name)) for name in unset
    ]
    said = next(problem.message for problem in refused.value.problems if problem.path[1] == "years")
    assert said.zh == "参数“年度”在《测试方案》1中未载明或不在有效期内,本县须先设置"
    assert said.en == "years is not legible in 测试方案, 1, or not in force then; the county must set it first."


def test_a_whole_number_stays_within_what_rules_compute_with(tmp_path: Path) -> None:
    # Rule books are checked against 64 bits on the assumption that a number is between 0 and 10^9.
    free = load(tmp_path, POLICY.replace("value = 5\n", "value = 5\nvaries = {}\n"))
    for value in (10**9 + 1, 10**18, -1):
        with pytest.raises(Refused):
            read(free, days=entry(value))


def test_a_value_from_before_the_plan_would_never_hold_and_is_refused(policy: Policy) -> None:
    first = policy.parameters["rate"].entries[0].since
    with pytest.raises(Refused) as refused:
        read(policy, rate=[{"since": first.replace(year=first.year - 1), "value": "20", "clause": "三"}])
    (problem,) = refused.value.problems
    assert problem.code is Code.PARAMETER_BAD_VALUE
    assert "would never hold" in problem.message.en
    assert read(policy, rate=[{"since": first, "value": "20", "clause": "三"}]).entries[0].since == first


def test_a_fixed_number_that_has_ended_is_the_countys_to_set(tmp_path: Path) -> None:
    """A plan of one year fixes its window; the next year has none until the county sets it."""
    fixed = load(tmp_path, POLICY.replace("value = 5\n", "value = 5\nuntil = 2021-12-31\n"))
    with pytest.raises(Refused) as refused:
        read(fixed, days=[{"since": date(2021, 6, 1), "value": 7, "clause": "三"}])
    assert refused.value.problems[0].code is Code.PARAMETER_LOCKED
    own = read(fixed, days=[{"since": date(2022, 1, 1), "value": 7, "clause": "三"}])
    assert [(entry.parameter, entry.value) for entry in own.entries] == [("days", 7)]
