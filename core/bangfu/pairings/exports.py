"""Papers and workbooks of pairings as jobs: each makes a file that who asked for it can fetch. None of them names a
person; making it is on record, and so is every fetch of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import files, jobs
from bangfu.access import Action, Entered
from bangfu.pairings import papers, summaries
from bangfu.programme import PairingProgramme, Plugins

PREFIX = "pairing/"
LARGEST = 200 * 1024 * 1024
"""Far more than the ledger of a county; what is made here is not limited by what may be uploaded."""


class Paper(StrEnum):
    """What can be made of a year of pairings."""

    STATEMENT = "statement"
    CERTIFICATE = "certificate"
    HONOURS = "honours"
    SUMMARY = "summary"

    @property
    def is_of_one(self) -> bool:
        """Whether it is the paper of one enterprise."""
        return self in (Paper.STATEMENT, Paper.CERTIFICATE)

    @property
    def action(self) -> Action:
        """The permission that it needs."""
        return Action.ISSUE_PAIRING_PAPERS if self.is_of_one else Action.EXPORT_PAIRINGS


_NAMES = {
    Paper.STATEMENT: ("年度帮扶情况", "pdf"),
    Paper.CERTIFICATE: ("帮扶证书", "pdf"),
    Paper.HONOURS: ("光荣榜", "xlsx"),
    Paper.SUMMARY: ("年度汇总表", "xlsx"),
}


def action_of(kind: str) -> Action | None:
    """The permission that a paper's file needs, by the kind of its job; None for every other job."""
    return Paper(kind.removeprefix(PREFIX)).action if kind.startswith(PREFIX) else None


async def put(
    session: AsyncSession, who: Entered, programme: PairingProgramme, paper: Paper, year: int, of: str | int | None
) -> UUID:
    """Put a paper of a year in the queue: ``of`` an enterprise by its credit code, or of a division, if one is given.

    Refuses ``FORBIDDEN``, ``BAD_VALUE``, and for the paper of an enterprise what :func:`papers.whose` refuses; that
    nothing is confirmed yet ends the job of a certificate.
    """
    who.require(paper.action, programme.code)
    papers.require_year(who, year)
    if paper.is_of_one:
        await papers.whose(session, who, programme, str(of), year)
    return await jobs.ask(session, who, PREFIX + paper.value, {"programme": programme.code, "year": year, "of": of})


_Maker: TypeAlias = Callable[[AsyncSession, Entered, PairingProgramme, Any, int], Awaitable[bytes]]


def handlers(plugins: Plugins) -> Mapping[str, jobs.Handler]:
    """The job of each paper."""

    def honours(session: AsyncSession, who: Entered, own: PairingProgramme, of: Any, year: int) -> Awaitable[bytes]:
        return summaries.honour_list(session, who, own, year, of)

    def summary(session: AsyncSession, who: Entered, own: PairingProgramme, of: Any, year: int) -> Awaitable[bytes]:
        return summaries.summary_book(session, who, own, year, of)

    makers: Mapping[Paper, _Maker] = {
        Paper.STATEMENT: papers.statement,
        Paper.CERTIFICATE: papers.certificate,
        Paper.HONOURS: honours,
        Paper.SUMMARY: summary,
    }
    return {PREFIX + paper.value: _handler(plugins, paper, make) for paper, make in makers.items()}


def _handler(plugins: Plugins, paper: Paper, make: _Maker) -> jobs.Handler:
    async def run(work: jobs.Work) -> jobs.Done:
        who, asked = work.who, work.parameters
        await work.progress(0, 1)
        async with work.database.session(who.scope) as session:
            data = await make(session, who, plugins.pairing(asked["programme"]), asked["of"], asked["year"])
            title, ending = _NAMES[paper]
            name = "-".join([title, asked["programme"], str(asked["year"]), str(asked["of"] or who.county.code)])
            file = await files.store(session, work.vault, who, f"{name}.{ending}", data, LARGEST)
        await work.progress(1, 1)
        return jobs.Done({"bytes": len(data)}, file)

    return run
