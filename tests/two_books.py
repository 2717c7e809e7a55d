"""The award for households that left poverty with a second rule book, to which a county moves in its own time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from bangfu.programme import DatedBook, Plugins, Programme, installed
from bangfu.rules import AsOf, Registry, Rounding, RuleBook, amount, criterion, fact, least, share
from county_default.consolidation.rules import Facts, Parameters
from county_default.vocabulary import HouseholdStanding

FIRST, SECOND, AT_LATEST = date(2020, 10, 1), date(2021, 3, 1), date(2023, 10, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class MoreFacts(Facts):
    """What the second book looks at: whatever the first one does, and one thing more."""

    members_now: int = fact(Registry("members", AsOf.CHECK), zh="核算时人口", en="members now", largest=99)


class ByLabour(RuleBook[MoreFacts, Parameters]):
    """The book that is known from 1 March 2021: labour alone counts, and no year of leaving poverty is asked for."""

    @criterion(cites="fenjin-2021#二(二)1")
    def is_still_there(self) -> bool:
        """The household has members still.
        该户仍有成员。
        """
        return self.facts.members_now > 0

    @criterion(cites="fenjin-2021#二(二)1")
    def has_left_poverty(self) -> bool:
        """The household is registered as having left poverty.
        该户登记为已脱贫户。
        """
        return self.facts.standing == HouseholdStanding.EXITED

    @criterion(cites="fenjin-2021#二(二)3")
    def works(self) -> bool:
        """The household earned something by labour.
        该户有务工收入。
        """
        return self.facts.labour > 0

    @amount(cites="fenjin-2021#二(二)3", rounds=Rounding.HALF_UP)
    def award(self) -> int:
        """The award of the household.
        该户奖补金额。
        """
        return least(share(self.facts.labour, self.p.rate_breeding), self.p.household_cap)


def with_two_books(at_latest: date | None = AT_LATEST) -> Plugins:
    """The installation, in which that programme has both books."""
    plugins = installed()
    own = plugins.programme("consolidation")
    return replace(plugins, programmes={**plugins.programmes, own.code: two_books(own, at_latest)})


def two_books(own: Programme, at_latest: date | None = AT_LATEST) -> Programme:
    """The programme with both books."""
    books = (*own.books, DatedBook(SECOND, ByLabour, adopted=True, at_latest=at_latest))
    return replace(own, facts=MoreFacts, books=books)


def moving(since: date, number: str = "测政办〔2021〕20号", book: date = SECOND) -> dict[str, object]:
    """The document by which a county moves to a book."""
    move = {"adopts": book, "since": since, "clause": "四"}
    return {"title": "测试县调整办法", "number": number, "issued": date(2021, 3, 1), "book": [move]}
