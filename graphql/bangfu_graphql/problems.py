"""Problems: what is wrong with a request, in the caller's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import strawberry

from bangfu.errors import Code
from bangfu.errors import Problem as CoreProblem
from bangfu.text import Language


@strawberry.type(description="One thing that is wrong with a request, and what to do about it.")
class Problem:
    """One thing that is wrong with a request, and what to do about it."""

    code: Code = strawberry.field(description="Which problem it is.")
    message: str = strawberry.field(description="What is wrong.")
    remedy: str = strawberry.field(description="What to do about it.")
    path: list[str] = strawberry.field(description="The way to the field or the row that it is about; may be empty.")
    household: str | None = strawberry.field(
        description="The number of the household, or the person, that it is about, where the request was for several."
    )


def problem(own: CoreProblem, language: Language, household: str | None = None) -> Problem:
    """A problem of the core as the API shows it."""
    return Problem(
        code=own.code,
        message=own.message.in_(language),
        remedy=own.remedy.in_(language),
        path=[str(step) for step in own.path],
        household=household,
    )


def told_problems(told: Iterable[Mapping[str, Any]], language: Language) -> list[Problem]:
    """Problems as a job kept them."""
    return [
        Problem(
            code=Code[one["code"]],
            message=one["message"][language],
            remedy=one["remedy"][language],
            path=[str(step) for step in one["path"]],
            household=one.get("household") or one.get("person"),
        )
        for one in told
    ]
