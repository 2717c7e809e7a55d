"""Problems: every code speaks both languages and says what to do; a refusal carries every problem."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from bangfu.errors import Code, Problem, Refused
from bangfu.text import LANGUAGES, Text

CHINESE = re.compile(r"[一-鿿]")
OPTION = re.compile(r"(?<![A-Za-z0-9-])--?[A-Za-z]")


@pytest.mark.parametrize("code", Code, ids=lambda code: code.name)
class TestEveryCode:
    """What holds for each code."""

    def test_it_speaks_both_languages_with_the_same_places(self, code: Code) -> None:
        for text in (code.value.message, code.value.remedy):
            text.places()  # refuses different places
            assert CHINESE.search(text.zh)
            assert re.search(r"[A-Za-z]{2}", text.en)

    def test_its_texts_are_filled_by_one_set_of_values(self, code: Code) -> None:
        places = code.value.message.places() | code.value.remedy.places()
        values = {place: Text(f"值{place}", f"the {place}") for place in places}
        problem = code.problem("field", 3, **values)
        for filled, text in ((problem.message, code.value.message), (problem.remedy, code.value.remedy)):
            assert all(f"值{place}" in filled.zh and f"the {place}" in filled.en for place in text.places())
            assert "{" not in str(filled)

    def test_it_tells_nobody_to_use_an_option_of_a_command(self, code: Code) -> None:
        for text in (code.value.message, code.value.remedy):
            assert not any(OPTION.search(text.in_(language)) for language in LANGUAGES)


def test_the_search_for_options_finds_them() -> None:
    assert OPTION.search("请使用--force")
    assert OPTION.search("Use -f instead.")
    assert not OPTION.search("an all-in-one card, 2021-09-30")


def test_no_two_codes_say_the_same() -> None:
    # Members of an Enum with equal values would silently be one.
    assert list(Code.__members__) == [code.name for code in Code]


def test_a_problem_names_its_code_its_field_and_both_languages() -> None:
    problem = Code.NOT_FOUND.problem("cases", 2, "household", what=Text("该户", "the household"))
    assert problem == Problem(Code.NOT_FOUND, ("cases", 2, "household"), {"what": Text("该户", "the household")})
    assert problem.message == Text("找不到:该户", "Not found: the household.")
    assert str(problem) == "NOT_FOUND at cases.2.household: 找不到:该户 / Not found: the household."
    assert str(Code.CONFLICT.problem()).startswith("CONFLICT: ")


def test_a_remedy_is_filled_from_the_same_values() -> None:
    problem = Code.FORBIDDEN.problem(action="pay", duties=Text("县财政局", "county finance bureau"))
    assert problem.remedy.en == "Ask someone who holds one of these duties: county finance bureau."


def test_a_refusal_carries_every_problem() -> None:
    def found() -> Iterator[Problem]:
        yield Code.REASON_NEEDED.problem("reason")
        yield Code.FINDING_NEEDED.problem("finding")

    refused = Refused(found())
    assert [(problem.code.name, problem.path) for problem in refused.problems] == [
        ("REASON_NEEDED", ("reason",)),
        ("FINDING_NEEDED", ("finding",)),
    ]
    assert str(refused) == "; ".join(map(str, refused.problems))


def test_one_problem_refuses_the_whole_request() -> None:
    refused = Code.BAD_DATE.refuse("day", value="2021-13-01")
    assert refused.problems == (Code.BAD_DATE.problem("day", value="2021-13-01"),)


def test_a_refusal_without_a_problem_is_a_bug() -> None:
    with pytest.raises(ValueError, match="at least one problem"):
        Refused([])
