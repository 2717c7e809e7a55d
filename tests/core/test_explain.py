"""Why this decision: true arithmetic, near misses in numbers, and what is missing, in both languages."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from bangfu.rules.book import Outcome, StepKind
from bangfu.rules.explain import Explainer, Line
from bangfu.text import LANGUAGES, Text
from tests.core.test_rules import (
    ALL,
    AWARD,
    BODY,
    GOOD,
    HEAD,
    NEEDS,
    Facts,
    P,
    Rich,
    Standing,
    but,
    facts_in,
    load,
    parameters_of,
)

TITLES = {name: Text(f"参数{name}", name.replace("_", " ")) for name in P.__dataclass_fields__}
MORE = {
    name: Text(f"参数{name}", name) for name in ("cap", "rate", "most", "years", "later", "allowed", "banned", "tiers")
}


def explained(folder: Path, body: str, kind: str = "step", /, **own: Any) -> tuple[Line, Any]:
    """The line of one step with such a body for such a household, and the module it stands in."""
    source = HEAD + BODY.format(body=f"return {body}").replace("@step(", f"@{kind}(") + AWARD
    if kind == "amount":
        source = (
            HEAD + BODY.format(body="return f.wage > 0") + AWARD.replace("least(self.facts.wage, self.p.cap)", body)
        )
    module = load(folder, source)
    parameters, facts = parameters_of(module), facts_in(module, **own)
    lines = Explainer(module.Book, parameters, MORE).lines(facts, module.Book.decide(facts, parameters))
    return lines[1 if kind == "amount" else 0], module


# --- arithmetic -----------------------------------------------------------------------------------------------

TOKEN = re.compile(r"-?\d[\d,]*(?:\.\d+)?%?|[()+−×=<>≤≥≠]")
SIGNS = {"−": "-", "×": "*", "=": "==", "≤": "<=", "≥": ">=", "≠": "!="}


def holds(line: str) -> bool:
    """Whether what a line says is true, read as a person reads it: names are words, the usual precedence."""
    statement, _, answer = line.partition(": ")
    if "→" in line:
        before, after = line.rsplit("→", 1)
        numbers = [Fraction(token.replace(",", "")) for token in re.findall(r"-?\d[\d,]*(?:\.\d+)?", before)]
        (result,) = (Fraction(token.replace(",", "")) for token in re.findall(r"-?\d[\d,]*(?:\.\d+)?", after))
        if "rounded half up" in before:
            return result == max(Fraction(0), Fraction(int(numbers[0] * 100 + Fraction(1, 2)), 100))
        return result == (min if "the smaller of" in before else max)(numbers)
    source = ""
    for token in TOKEN.findall(statement):
        rate = token.endswith("%")
        plain = token.rstrip("%").replace(",", "")
        source += SIGNS.get(
            token, f"Fraction('{plain}') / {100 if rate else 1}" if token[-1] in "0123456789%" else token
        )
    return bool(eval(source)) is (answer != "no")


TRUE_AS_IT_STANDS = [
    "share(f.wage, p.rate) + share(f.farm, p.rate)",
    "share(f.wage + f.farm, p.rate) + share(f.extra, p.rate)",
    "share(f.wage, p.rate) - share(f.farm, p.rate)",
    "f.wage - f.farm",
    "f.wage + f.farm + f.extra",
    "f.wage * f.people",
    "f.people - 1",
    "(f.wage + f.farm) * f.people",
    "f.wage - (f.farm + f.extra)",
    "f.wage - (f.farm - f.extra)",
    "share(f.wage, p.rate) - (share(f.farm, p.rate) + share(f.extra, p.rate))",
    "least(f.wage, f.farm + f.extra, p.cap)",
    "greatest(share(f.wage, p.rate), share(f.farm, p.rate), 0)",
    "f.wage + f.farm > p.cap",
    "f.people + 1 >= p.most",
    "(f.people - 1) * f.score <= p.most",
    "f.wage - (f.farm - f.extra) == f.extra",
]


@pytest.mark.parametrize("body", TRUE_AS_IT_STANDS)
@pytest.mark.parametrize(
    "own", [{"wage": 12_345, "farm": 678, "extra": 9, "people": 3, "score": 2}, {"wage": 5_000_000}]
)
def test_every_line_is_true_as_it_stands(tmp_path: Path, body: str, own: dict[str, Any]) -> None:
    line, _ = explained(tmp_path, body, **own)
    said = [text.en for text in line.arithmetic]
    assert said
    assert {text: holds(text) for text in said} == dict.fromkeys(said, True)


def test_the_reader_of_lines_finds_what_is_false() -> None:
    assert not holds("wages 1.00 yuan + farming 2.00 yuan × people 3 = 9.00 yuan")
    assert not holds("wages 1.00 yuan > cap 2.00 yuan: yes")
    assert not holds("the smaller of: 1.00 yuan; cap 2.00 yuan → 2.00 yuan")
    assert not holds("0.005 yuan, rounded half up to the fen → 0.00 yuan")
    assert holds("-0.50 yuan × rate 12.5% = -0.0625 yuan")


def test_a_sum_is_told_from_its_parts_outwards(tmp_path: Path) -> None:
    line, _ = explained(tmp_path, "least(share(f.wage + f.farm, p.rate) + share(f.extra, p.rate), p.cap)", extra=5)
    assert [str(text) for text in line.arithmetic] == [
        "(务工 1.00 元 + 种植 2.00 元) × 参数rate 10% = 0.30 元 / "
        "(wages 1.00 yuan + farming 2.00 yuan) × rate 10% = 0.30 yuan",
        "余 0.05 元 × 参数rate 10% = 0.005 元 / extra 0.05 yuan × rate 10% = 0.005 yuan",
        "合计 0.30 元 + 0.005 元 = 0.305 元 / total 0.30 yuan + 0.005 yuan = 0.305 yuan",
        "取较小者:0.305 元;参数cap 3,000.00 元 → 0.305 元 / the smaller of: 0.305 yuan; cap 3,000.00 yuan → 0.305 yuan",
    ]


@pytest.mark.parametrize(
    ("body", "made_from", "fen"),
    [
        ("share(self.facts.wage, self.p.rate)", "wages 1.00 yuan × rate 10% =", "0.10"),
        ("self.p.cap * self.facts.people", "cap 3,000.00 yuan × people 2 =", "6,000.00"),
        ("self.facts.wage + self.facts.farm", "wages 1.00 yuan + farming 2.00 yuan =", "3.00"),
    ],
)
def test_an_amount_is_told_with_what_it_was_made_from(tmp_path: Path, body: str, made_from: str, fen: str) -> None:
    line, _ = explained(tmp_path, body, "amount")
    rounded = f"{fen} yuan, rounded half up to the fen → {fen} yuan"
    assert [text.en for text in line.arithmetic] == [f"{made_from} {fen} yuan", rounded]


@pytest.mark.parametrize(("people", "holding"), [(5, True), (2, False)])
def test_a_choice_is_told_with_its_condition_only_where_it_holds(tmp_path: Path, people: int, holding: bool) -> None:
    line, _ = explained(tmp_path, "choose(f.people > p.most, p.cap, f.wage)", people=people)
    assert line.result.en == ("3,000.00 yuan" if holding else "1.00 yuan")
    claimed = [text.en for text in line.arithmetic if text.en.startswith(f"since people {people} > most 3 →")]
    assert len(claimed) == holding


def test_conditions_are_told_one_by_one(tmp_path: Path) -> None:
    either = "(overlaps(f.kinds, p.allowed) | (f.people == 0))"
    body = f"(f.wage > p.cap) & among(f.year, p.years) & not_(f.kind == Kind.B) & {either}"
    line, _ = explained(tmp_path, body, "criterion", year=2020)
    assert (line.result.en, line.met) == ("not met", False)
    assert [text.en for text in line.arithmetic] == [
        "wages 1.00 yuan > cap 3,000.00 yuan: no",
        "year 2020 is among years 2016–2019: no",
        "not (kind a = b): yes",
        "kinds a has one of allowed a or people 2 = 0: yes",
    ]


@pytest.mark.parametrize(
    ("people", "said"),
    [
        (2, "人数 2,未达到任何一档,距第1档(3起 2,000.00 元)还差 1 → 0.00 元 / people 2 reaches no tier, 1 short of tier 1 (from 3 on 2,000.00 yuan) → 0.00 yuan"),
        (3, "人数 3,达到第1档(3起 2,000.00 元),距第2档(5起 3,000.00 元)还差 2 → 2,000.00 元 / people 3 reaches tier 1 (from 3 on 2,000.00 yuan), 2 short of tier 2 (from 5 on 3,000.00 yuan) → 2,000.00 yuan"),
        (7, "人数 7,达到第2档(5起 3,000.00 元),为最高档 → 3,000.00 元 / people 7 reaches tier 2 (from 5 on 3,000.00 yuan), the highest → 3,000.00 yuan"),
    ],
)  # fmt: skip
def test_a_tier_is_told_with_what_is_missing_to_the_next(tmp_path: Path, people: int, said: str) -> None:
    line, _ = explained(tmp_path, "tier(f.people, p.tiers)", people=people)
    assert [str(text) for text in line.arithmetic] == [said]


def test_an_amount_by_tier_is_told_before_it_is_rounded(tmp_path: Path) -> None:
    line, _ = explained(tmp_path, "tier(self.facts.people - 1, self.p.tiers)", "amount", people=6)
    assert [text.en for text in line.arithmetic] == [
        "people 6 − 1 reaches tier 2 (from 5 on 3,000.00 yuan), the highest → 3,000.00 yuan",
        "3,000.00 yuan, rounded half up to the fen → 3,000.00 yuan",
    ]


# --- near misses ----------------------------------------------------------------------------------------------

# fmt: off
MISSES: list[tuple[str, dict[str, Any], list[tuple[str, str, str, int | None, str | None]]]] = [
    ("f.wage > p.cap", {"wage": 300_000}, [("wages", "3,000.00 yuan", "> 3,000.00 yuan", 1, "0.01 yuan")]),
    ("f.wage >= p.cap", {"wage": 299_900}, [("wages", "2,999.00 yuan", "≥ 3,000.00 yuan", 100, "1.00 yuan")]),
    ("f.people < p.most", {"people": 3}, [("people", "3", "< 3", 1, "1")]),
    ("f.people <= p.most", {"people": 72}, [("people", "72", "≤ 3", 69, "69")]),
    ("f.people == p.most", {"people": 5}, [("people", "5", "= 3", 2, "2")]),
    ("f.people == p.most", {"people": 1}, [("people", "1", "= 3", 2, "2")]),
    ("not_(f.wage >= p.cap)", {"wage": 300_500}, [("wages", "3,005.00 yuan", "< 3,000.00 yuan", 501, "5.01 yuan")]),
    ("not_(f.wage < p.cap)", {"wage": 1}, [("wages", "0.01 yuan", "≥ 3,000.00 yuan", 299_999, "2,999.99 yuan")]),
    ("f.wage + f.farm > 0", {"wage": 0, "farm": 0}, [("wages + farming", "0.00 yuan", "> 0.00 yuan", 1, "0.01 yuan")]),
    ("share(f.wage, p.rate) >= p.cap", {"wage": 2_999_999},
     [("the result", "2,999.999 yuan", "≥ 3,000.00 yuan", 1_000, "0.001 yuan")]),
    ("f.people >= lowest_tier(p.tiers)", {"people": 1}, [("people", "1", "≥ 3", 2, "2")]),
    ("tier(f.people, p.tiers) > 0", {"people": 2}, [("the result", "0.00 yuan", "> 0.00 yuan", 1, "0.01 yuan")]),
    ("among(f.year, p.years)", {"year": 2015}, [("year", "2015", "2016–2019", 1, "1 year")]),
    ("among(f.year, p.years)", {"year": 2022}, [("year", "2022", "2016–2019", 3, "3 years")]),
    ("not_(among(f.year, p.years))", {"year": 2018}, [("year", "2018", "not 2016–2019", None, None)]),
    ("among(f.kind, p.allowed)", {"kind": "b"}, [("kind", "b", "a", None, None)]),
    ("overlaps(f.kinds, p.allowed)", {"kinds": frozenset()}, [("kinds", "(none)", "a", None, None)]),
    ("f.kind == Kind.B", {}, [("kind", "a", "= b", None, None)]),
    ("(f.wage > p.cap) | (f.people >= p.most)", {"wage": 299_999},
     [("wages", "2,999.99 yuan", "> 3,000.00 yuan", 2, "0.02 yuan"), ("people", "2", "≥ 3", 1, "1")]),
    ("(f.wage > 0) & (f.people >= p.most) & among(f.year, p.years)", {"year": 2014},
     [("people", "2", "≥ 3", 1, "1"), ("year", "2014", "2016–2019", 2, "2 years")]),
    ("not_((f.wage > 0) | (f.people >= p.most))", {"wage": 5}, [("wages", "0.05 yuan", "≤ 0.00 yuan", 5, "0.05 yuan")]),
]
# fmt: on


@pytest.mark.parametrize(("body", "own", "expected"), MISSES)
def test_a_criterion_is_missed_by_a_number(
    tmp_path: Path, body: str, own: dict[str, Any], expected: list[tuple[str, str, str, int | None, str | None]]
) -> None:
    line, _ = explained(tmp_path, body, "criterion", **own)
    assert line.met is False
    found = [(m.what.en, m.value.en, m.needed.en, m.by, m.gap and m.gap.en) for m in line.misses]
    assert found == expected


@pytest.mark.parametrize(
    ("kind", "own"), [("criterion", {"wage": 300_001}), ("criterion", {"wage": None}), ("step", {"wage": 1})]
)
def test_only_an_unmet_criterion_has_misses(tmp_path: Path, kind: str, own: dict[str, Any]) -> None:
    assert explained(tmp_path, "f.wage > p.cap", kind, **own)[0].misses == ()


# --- the whole explanation ------------------------------------------------------------------------------------


NONE = but(GOOD, left=2020, standing=Standing.GENERAL, crops=frozenset(), people=0, disabled=False)
HOUSEHOLDS = [GOOD, NONE, *(but(GOOD, **{name: None}) for name in ALL)]
EXPLAINER = Explainer(Rich, P, TITLES)


@pytest.mark.parametrize("facts", HOUSEHOLDS)
def test_every_step_is_told_in_both_languages(facts: Facts) -> None:
    determination = Rich.decide(facts, P)
    lines = EXPLAINER.lines(facts, determination)
    assert [line.name for line in lines] == list(NEEDS)
    for line in lines:
        texts = [line.says, line.result, *line.arithmetic, *(part for m in line.misses for part in (m.what, m.needed))]
        assert all(text.in_(language).strip() for text in texts for language in LANGUAGES)
        assert re.fullmatch(r"plan#[1-4]", line.cites)
        value = determination.values[line.name]
        assert line.met is (value if line.kind is StepKind.CRITERION else None)
        assert bool(line.arithmetic) is (value is not None)
    assert EXPLAINER.summary(determination).zh


@pytest.mark.parametrize("name", ALL)
def test_an_unknown_line_names_what_is_missing(name: str) -> None:
    facts = but(GOOD, **{name: None})
    title = Rich.traced().facts[name].title
    lines = {line.name: line for line in EXPLAINER.lines(facts, Rich.decide(facts, P))}
    for step, needs in NEEDS.items():
        unknown = Text(f"无法判断(缺:{title.zh})", f"unknown (missing: {title.en})")
        assert (lines[step].result == unknown) is (name in needs)


def test_an_unknown_line_names_only_what_it_reads() -> None:
    facts = but(GOOD, people=None, standing=None, wage=None)
    lines = {line.name: line.result.en for line in EXPLAINER.lines(facts, Rich.decide(facts, P))}
    assert lines["enough"] == "unknown (missing: standing, people)"
    assert lines["by_head"] == "unknown (missing: people)"
    assert lines["class_of"] == "unknown (missing: standing, wages)"


@pytest.mark.parametrize(
    ("own", "outcome", "said"),
    [
        ({}, Outcome.ELIGIBLE, "符合条件,应发 1,946.91 元 / Eligible; 1,946.91 yuan is due"),
        (
            {"left": 2020, "people": 0},
            Outcome.REFUSED,
            "不符合条件,未满足:年度在范围内;人数足够 / Not eligible; not met: The year is covered; Enough people",
        ),
        (
            {"left": None, "wage": None},
            Outcome.INCOMPLETE,
            "资料不全,缺:脱贫年度、务工 / Incomplete; missing: year of leaving, wages",
        ),
    ],
)  # fmt: skip
def test_the_outcome_in_one_sentence(own: dict[str, Any], outcome: Outcome, said: str) -> None:
    determination = Rich.decide(but(GOOD, **own), P)
    assert determination.outcome is outcome
    assert str(EXPLAINER.summary(determination)) == said


def test_facts_and_parameters_are_shown_by_name() -> None:
    specs = Rich.traced().facts
    shown = {name: EXPLAINER.shown_fact(specs[name], getattr(GOOD, name)).en for name in ALL}
    assert shown == {
        "standing": "exited", "left": "2018", "crops": "bees, shoots", "people": "4", "disabled": "yes",
        "breeding": "1,234.57 yuan", "farm": "-0.03 yuan", "wage": "7,000.03 yuan",
    }  # fmt: skip
    assert EXPLAINER.shown_fact(specs["wage"], None) == Text("未知", "unknown")
    assert EXPLAINER.parameters_read() == set(P.__dataclass_fields__)
