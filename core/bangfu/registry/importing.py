"""Importing a workbook: match its columns, compare every row with what is known, and only then change anything.

Every kind of workbook is an :class:`Importer`. An import reads the file twice: first to find every problem and every
difference (a dry run stops there), then to apply the good rows chunk by chunk, each chunk in one transaction.
Importing the same file again changes nothing, so a run that was killed is simply run again. What somebody else did
between the readings may be a problem of a row that the first one did not find: it is told like any other, nothing more
is applied, and of a workbook whose rows stand ``together`` nothing at all.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from dataclasses import asdict, dataclass, field
from datetime import date
from itertools import islice
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import audit, files, jobs
from bangfu.access import EVERY, Action, Entered
from bangfu.db import Database, hold
from bangfu.documents.cells import Column, Row
from bangfu.documents.reading import Table, fold, open_table
from bangfu.documents.returning import with_problems
from bangfu.errors import Code, Problem
from bangfu.models import ColumnMatch
from bangfu.text import Text
from bangfu.vault import Vault

CHUNK = 2_000
EXAMPLES = 20
S = TypeVar("S", bound="State")


@dataclass(slots=True)
class Tally:
    """How many of one kind of thing are new, changed and the same, with a few of the changes."""

    new: int = 0
    changed: int = 0
    same: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)

    def change(self, of: str, /, **fields: tuple[Any, Any]) -> None:
        """Count a change; ``fields`` gives what each field was and becomes, already masked."""
        self.changed += 1
        if len(self.examples) < EXAMPLES:
            shown = {key: [str(old), str(new)] for key, (old, new) in fields.items()}
            self.examples.append({"what": of, "fields": shown})


@dataclass
class State:
    """What an import knows of the county and of the rows before: the file's own memory.

    ``blocked`` are the groups (households, officers …) of which some row has a problem; none of their rows is applied.
    ``file`` is its name. ``says_again`` is whether it says of a later day what is known, which is noted although it is
    no news.
    """

    who: Entered
    vault: Vault
    as_of: date
    tallies: dict[str, Tally] = field(default_factory=dict)
    blocked: set[str] = field(default_factory=set)
    file: str = ""
    says_again: bool = False

    def tally(self, what: str) -> Tally:
        """The tally of one kind of thing."""
        return self.tallies.setdefault(what, Tally())


class Importer(ABC, Generic[S]):
    """One kind of workbook.

    ``group`` names the column whose value holds rows together (a household, an officer): if one row of a group has a
    problem, the group is not imported at all. ``place`` is the programme and the stage of the action, if it has them.
    ``whole`` says that a list of this kind may be stated to be whole: then also whom it does not name is told of.
    ``together`` says that its rows draw on something that may run out, and are applied in one transaction.
    """

    kind: str
    title: Text
    action: Action
    place: tuple[str, str] = (EVERY, EVERY)
    columns: Sequence[Column]
    group: str
    whole: bool = False
    together: bool = False

    @abstractmethod
    async def prepare(self, session: AsyncSession, who: Entered, vault: Vault, as_of: date) -> S:
        """Read what every row needs: names of villages, officers …"""

    @abstractmethod
    def check(self, row: Row, state: S) -> None:
        """Add the problems of a row, alone and against the rows before it."""

    def close(self, state: S) -> Sequence[Problem]:
        """The problems that show only when all rows have been read."""
        return ()

    @abstractmethod
    async def compare(self, session: AsyncSession, rows: Sequence[Row], state: S) -> Any:
        """Compare good rows with what is known, count the differences, add conflicts to the rows; the changes to
        apply."""

    async def missing(self, session: AsyncSession, state: S) -> Any:
        """Of a whole list whose rows have all been compared: count whom it does not name; the changes to apply."""
        raise NotImplementedError(f"a list of {self.kind} is never whole")

    @abstractmethod
    async def apply(self, session: AsyncSession, changes: Any, state: S) -> None:
        """Carry out what :meth:`compare` returned."""


async def alone(session: AsyncSession, kind: str) -> None:
    """Until the end of the transaction nobody else changes what workbooks of a kind say of the county."""
    await hold(session, f"import/{kind}")


def require_order(row: Row) -> None:
    """Add the problem of a row that ends (``valid_to``) on or before the day on which it begins (``valid_from``)."""
    since, until = row.values.get("valid_from"), row.values.get("valid_to")
    if since is not None and until is not None and until <= since:
        row.problems.append(
            Code.BAD_VALUE.problem(
                "rows",
                row.number,
                "valid_to",
                field=Text("截止日期", "the end"),
                value=until,
                expected=Text(f"晚于 {since} 的日期", f"a day after {since}"),
            )
        )


async def ask(
    database: Database, vault: Vault, who: Entered, importer: Importer[Any], name: str, data: bytes, **options: Any
) -> UUID:
    """Keep the file and put the import in the queue, in a transaction of its own; see :func:`put`."""
    async with database.session(who.scope) as session:
        return await put(session, vault, who, importer, name, data, database.settings.largest_file, **options)


async def put(
    session: AsyncSession,
    vault: Vault,
    who: Entered,
    importer: Importer[Any],
    name: str,
    data: bytes,
    largest: int,
    *,
    as_of: date | None = None,
    dry_run: bool = False,
    accept_valid: bool = False,
    whole: bool = False,
    matches: Mapping[str, str] | None = None,
) -> UUID:
    """Keep the file and put the import in the queue.

    ``as_of`` is the day of which the workbook speaks, today unless stated. ``accept_valid`` imports the good rows
    although others have problems. ``whole`` says that the list names everybody in sight on its day. Refuses
    ``FORBIDDEN``, ``FILE_TOO_LARGE`` above ``largest`` bytes, ``DAY_IN_FUTURE``, and ``BAD_VALUE`` for a kind of which
    no list is whole, or a whole list of which rows are left out.
    """
    who.require(importer.action, *importer.place)
    if whole and (accept_valid or not importer.whole):
        title = Text("全部名单", "a whole list")
        expected = Text(
            "否:有问题行的名册、此类名册不能作为全部名单", "no: rows would be left out, or such a list is never whole"
        )
        raise Code.BAD_VALUE.refuse("whole", field=title, value=Text("是", "yes"), expected=expected)
    if as_of is not None and as_of > who.at.today:
        raise Code.DAY_IN_FUTURE.refuse("as_of", day=as_of, today=who.at.today)
    parameters = {
        "as_of": (as_of or who.at.today).isoformat(),
        "dry_run": dry_run,
        "accept_valid": accept_valid,
        "whole": whole,
        "matches": dict(matches or {}),
    }
    file = await files.store(session, vault, who, name, data, largest)
    return await jobs.ask(session, who, importer.kind, parameters, file)


def handler(importer: Importer[Any]) -> jobs.Handler:
    """The job that carries out an import."""

    async def run(work: jobs.Work) -> jobs.Done:
        return await _Run(importer, work).run()

    return run


class _Undone(Exception):
    """Rows of a workbook whose rows stand together have problems: what was written of it is taken back."""


class _Run(Generic[S]):
    """One import on its way."""

    def __init__(self, importer: Importer[S], work: jobs.Work) -> None:
        if work.file is None:
            raise ValueError("an import needs a file")
        self.importer, self.work, self.file = importer, work, work.file
        self.whole: bool = work.parameters.get("whole", False)
        self.problems: dict[int, list[Problem]] = {}
        self.last: dict[str, int] = {}
        """The last row of each group, found by the first reading."""

    async def run(self) -> jobs.Done:
        work, importer = self.work, self.importer
        work.who.require(importer.action, *importer.place)
        async with self._session() as session:
            if not work.parameters["dry_run"] and await jobs.overtaken(session, work.who, work.job):
                raise Code.SUPERSEDED.refuse()
        stated: dict[str, str] = work.parameters["matches"]
        table = open_table(self.file.data, self.file.name, importer.columns, stated, await self._remembered())
        state = await self._look(table)
        if not work.parameters["dry_run"] and not self.refused:
            if state.says_again or any(tally.new or tally.changed for tally in state.tallies.values()):
                state = await self._apply(table, state.blocked)
            if not self.refused:
                await self._finish(state, stated)
        file_id = await self._return(table) if self.problems else None
        await self._progress(table, 2 * table.height)
        result: dict[str, Any] = {
            "as_of": work.parameters["as_of"],
            "dry_run": work.parameters["dry_run"],
            "tallies": {what: asdict(tally) for what, tally in state.tallies.items()},
            "bad_rows": len(self.problems),
        }
        problems = [p for found in self.problems.values() for p in found]
        if self.refused and not work.parameters["dry_run"]:
            return jobs.Done(result, file_id, [Code.ROWS_REFUSED.problem(count=len(self.problems)), *problems])
        result["row_problems"] = [jobs.told(problem) for problem in problems[: jobs.SHOWN_PROBLEMS]]
        return jobs.Done(result, file_id)

    @property
    def refused(self) -> bool:
        """Whether rows have problems, and the good ones are not to be imported without them."""
        return bool(self.problems) and not self.work.parameters["accept_valid"]

    async def _look(self, table: Table) -> S:
        """First reading: every problem and every difference, nothing changed."""
        state, chunks = await self._prepare(), _chunks(table.rows())
        if self.importer.together:
            state.blocked = await self._faulty(table)
            chunks = _whole_groups(table.rows(), self.importer.group, self.last)
        for number, rows in enumerate(chunks):
            good = []
            for row in rows:
                self.last[str(row.values[self.importer.group])] = row.number
                self.importer.check(row, state)
                if not row.problems:
                    good.append(row)
            async with self._session() as session:
                await self.importer.compare(session, good, state)
            for row in rows:
                if row.problems:
                    self._note(row, state)
            await self._progress(table, (number + 1) * CHUNK)
        for problem in self.importer.close(state):
            self.problems.setdefault(int(problem.path[1]), []).append(problem)
        if self.whole and not self.last:
            expected = Text(
                "至少一人(可能筛选过,或是别的工作表)", "at least one person; is it filtered, or another sheet?"
            )
            nobody = Text("没有任何人", "nobody")
            raise Code.BAD_VALUE.refuse("file", field=Text("全部名单", "a whole list"), value=nobody, expected=expected)
        if self.whole and not self.problems:  # of whom a row cannot be read, nobody knows whether it names him
            async with self._session() as session:
                await self.importer.missing(session, state)
        return state

    async def _faulty(self, table: Table) -> set[str]:
        """The groups of which some row has a problem of its own: they draw on nothing, before anybody else does."""
        state, found = await self._prepare(), set()
        for row in table.rows():
            group = str(row.values[self.importer.group])
            self.last[group] = row.number
            self.importer.check(row, state)
            if row.problems:
                found.add(group)
        return found

    async def _apply(self, table: Table, blocked: Set[str]) -> S:
        """Second reading: apply every group that is free of problems, some whole groups a transaction.

        Where a row has a problem only by now, its chunk is not applied: the import is refused there or, where the good
        rows are imported without the others, read again without that group too.
        """
        while True:
            state = await self._prepare()
            try:
                await self._apply_groups(table, blocked, state)
            except _Undone:
                if self.refused:
                    return state
                blocked = blocked | state.blocked
                continue
            if self.whole:
                async with self._session() as session:
                    await self.importer.apply(session, await self.importer.missing(session, state), state)
            return state

    async def _apply_groups(self, table: Table, blocked: Set[str], state: S) -> None:
        """Apply all groups but those that are blocked; raises ``_Undone`` where rows of others have problems."""
        importer, applied = self.importer, 0
        async with AsyncExitStack() as together:
            one = await together.enter_async_context(self._session()) if importer.together else None
            for rows in _whole_groups(table.rows(), importer.group, self.last):
                for row in rows:
                    importer.check(row, state)
                good = [row for row in rows if not row.problems and str(row.values[importer.group]) not in blocked]
                applied += len(rows)
                async with nullcontext(one) if one is not None else self._session() as session:
                    await alone(session, importer.kind)
                    changes = await importer.compare(session, good, state)
                    for row in good:
                        if row.problems:
                            self._note(row, state)
                    if not state.blocked:
                        await importer.apply(session, changes, state)
                    elif not importer.together:
                        raise _Undone
                await self._progress(table, table.height + applied)
            if state.blocked:  # all of them have been looked at, and are told of
                raise _Undone

    async def _finish(self, state: S, stated: Mapping[str, str]) -> None:
        """Remember the columns that were matched, and put the import on record."""
        async with self._session() as session:
            await self._remember(session, stated)
            counts = {what: [t.new, t.changed, t.same] for what, t in state.tallies.items()}
            await audit.record(
                session,
                self.work.who.at.now,
                self.work.who.actor.id,
                self.importer.action.value,
                f"job/{self.work.job}",
                {"file": self.file.name, "new_changed_same": counts, "bad_rows": len(self.problems)},
            )

    def _session(self) -> AbstractAsyncContextManager[AsyncSession]:
        return self.work.database.session(self.work.who.scope)

    async def _progress(self, table: Table, rows: int) -> None:
        """Tell how many rows are done; all of them twice, unless the first reading is all there is."""
        total = table.height if self.work.parameters["dry_run"] else 2 * table.height
        await self.work.progress(min(rows, total), total)

    async def _prepare(self) -> S:
        async with self._session() as session:
            as_of = date.fromisoformat(self.work.parameters["as_of"])
            state = await self.importer.prepare(session, self.work.who, self.work.vault, as_of)
        state.file = self.file.name
        return state

    def _note(self, row: Row, state: S) -> None:
        self.problems.setdefault(row.number, []).extend(row.problems)
        state.blocked.add(str(row.values.get(self.importer.group)))

    async def _return(self, table: Table) -> UUID:
        """The workbook with its problems at its rows."""
        texts = {
            number: ";".join(f"{p.message.zh}。{p.remedy.zh}" for p in found) for number, found in self.problems.items()
        }
        data = with_problems(self.file.data, self.file.name, table, texts)
        stem, dot, suffix = self.file.name.rpartition(".")
        async with self._session() as session:
            limit = max(self.work.database.settings.largest_file, 2 * len(data))
            return await files.store(session, self.work.vault, self.work.who, f"{stem}-问题{dot}{suffix}", data, limit)

    async def _remembered(self) -> dict[str, str]:
        tenant = self.work.who.county.id
        async with self._session() as session:
            found = await session.execute(
                select(ColumnMatch.header, ColumnMatch.column_name).where(
                    ColumnMatch.tenant_id == tenant, ColumnMatch.kind == self.importer.kind
                )
            )
            return {row.header: row.column_name for row in found}

    async def _remember(self, session: AsyncSession, stated: Mapping[str, str]) -> None:
        for header, column in stated.items():
            values = {
                "tenant_id": self.work.who.county.id,
                "kind": self.importer.kind,
                "header": fold(header),
                "column_name": column,
            }
            statement = insert(ColumnMatch).values(values)
            await session.execute(
                statement.on_conflict_do_update(
                    index_elements=["tenant_id", "kind", "header"], set_={"column_name": column}
                )
            )


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while chunk := list(islice(rows, CHUNK)):
        yield chunk


def _whole_groups(rows: Iterator[Row], group: str, last: Mapping[str, int]) -> Iterator[list[Row]]:
    """Chunks that never part a group: its rows wait for the last of them, wherever in the file it stands."""
    waiting: dict[str, list[Row]] = {}
    chunk: list[Row] = []
    for row in rows:
        name = str(row.values[group])
        waiting.setdefault(name, []).append(row)
        if row.number == last[name]:
            chunk += waiting.pop(name)
        if len(chunk) >= CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
