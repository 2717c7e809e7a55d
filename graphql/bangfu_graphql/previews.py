"""What a document of the county would come to before it is released 试算."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import date
from typing import Any

import strawberry

from bangfu import simulate
from bangfu.text import Text
from bangfu_graphql.problems import Problem, problem
from bangfu_graphql.requests import request_of
from bangfu_graphql.scalars import DivisionCode, Money


@strawberry.type(description="A number that a document changes.")
class PreviewedChange:
    """A number that a document changes."""

    parameter: str = strawberry.field(description="The parameter.")
    title: str = strawberry.field(description="What it is called.")
    before: str | None = strawberry.field(description="Its value in force, in words; null where nobody has set it.")
    after: str = strawberry.field(description="Its value with the document, in words.")


@strawberry.type(description="What some cases come to by the numbers in force and with a document; whole awards.")
class PreviewedFigures:
    """What some cases come to by the numbers in force and with a document."""

    cases: int = strawberry.field(description="How many there are; withdrawn, stopped and not selected ones left out.")
    eligible_before: int = strawberry.field(description="How many are eligible by the numbers in force.")
    eligible_after: int = strawberry.field(description="How many would be eligible.")
    amount_before: Money = strawberry.field(description="What is due to them by the numbers in force.")
    amount_after: Money = strawberry.field(description="What would be due to them.")
    gain: int = strawberry.field(description="How many would get more.")
    lose: int = strawberry.field(description="How many would get less.")
    undecided: int = strawberry.field(description="How many cannot be decided by one of the two: something is missing.")


@strawberry.type(description="What a document comes to in one township.")
class PreviewedTownship:
    """What a document comes to in one township."""

    code: DivisionCode = strawberry.field(description="The township's code.")
    name: str = strawberry.field(description="Its name.")
    figures: PreviewedFigures = strawberry.field(description="Its figures.")


@strawberry.type(
    description="What a document of the county comes to in a period, on today's facts, for the cases in sight: each is "
    "decided by the numbers in force and with the document, and no case is touched 试算."
)
class ProvisionPreview:
    """What a document of the county comes to in a period."""

    programme: str = strawberry.field(description="The code of its programme.")
    period: str = strawberry.field(description="The period.")
    changes: list[PreviewedChange] = strawberry.field(description="The numbers that it changes.")
    books: list[date] | None = strawberry.field(
        description="The days of the two rule books, where the document moves the county to another one."
    )
    unset: list[Problem] = strawberry.field(
        description="The numbers that nobody has set; while there is one, nothing can be decided."
    )
    townships: list[PreviewedTownship] = strawberry.field(description="The figures by township.")
    total: PreviewedFigures = strawberry.field(description="All townships in sight together.")


def previewed(info: strawberry.Info, found: simulate.Preview) -> ProvisionPreview:
    """A preview as the API tells it."""
    return ProvisionPreview(
        programme=found.programme.code,
        period=found.period,
        changes=[told_change(one, request_of(info).say) for one in found.changes],
        books=list(found.books) if found.books else None,
        unset=[problem(own, request_of(info).language) for own in found.unset],
        townships=[
            PreviewedTownship(code=DivisionCode(one.code), name=one.name, figures=_figures(one.figures))
            for one in found.townships
        ],
        total=_figures(found.total),
    )


def told_change(own: simulate.Change, say: Callable[[Text], str]) -> PreviewedChange:
    """A number that a document changes, in the caller's language."""
    before = say(own.before) if own.before else None
    return PreviewedChange(parameter=own.parameter, title=say(own.title), before=before, after=say(own.after))


def kept_figures(kept: Sequence[Mapping[str, Any]]) -> PreviewedFigures:
    """The figures of some townships together, as they were kept."""
    names = [one.name for one in fields(simulate.Figures)]
    return _figures(simulate.Figures(*(sum(one[name] for one in kept) for name in names)))


def _figures(own: simulate.Figures) -> PreviewedFigures:
    return PreviewedFigures(
        cases=own.cases,
        eligible_before=own.eligible_before,
        eligible_after=own.eligible_after,
        amount_before=Money(own.fen_before),
        amount_after=Money(own.fen_after),
        gain=own.gain,
        lose=own.lose,
        undecided=own.undecided,
    )
