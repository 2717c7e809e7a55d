"""The sheet for signing 签收表: made of what is listed, signed on paper, and brought back as the same sheet, or as a
list of the village's own.

It names persons: making it is on record, and so is every fetch of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import files, jobs
from bangfu.access import EVERY, Action, Entered
from bangfu.cases.views import Stated
from bangfu.db.bulk import among
from bangfu.documents.cells import Column, Row, one_of, plain, read_day, read_key, read_name, read_text
from bangfu.documents.writing import Sheet, SheetColumn, workbook
from bangfu.errors import Code
from bangfu.handouts.ledger import HandoutState, Judged, Signed, carry_out, judge
from bangfu.handouts.stock import Measure, kind_of
from bangfu.models import Handout, Household, Membership, Person
from bangfu.programme import Beneficiary, HandoutKind, HandoutProgramme, Plugins
from bangfu.registry.divisions import Places, area_of
from bangfu.registry.history import holds
from bangfu.registry.importing import Importer, State
from bangfu.registry.importing import handler as importing
from bangfu.text import Text
from bangfu.vault import Vault

KIND = "signature_sheet"
LARGEST = 200 * 1024 * 1024
PAGE = 20
"""How many rows a printed page holds, with room to sign."""
ATTENDED = {"是": True, "参加": True, "否": False, "未参加": False}


# --- as it goes out -------------------------------------------------------------------------------------------


async def signature_sheet(
    session: AsyncSession, who: Entered, programme: HandoutProgramme, code: str, division: int | None = None
) -> bytes:
    """The sheet for signing of what is listed of a kind and in sight, or in a division, with a total on every page.

    Refuses ``FORBIDDEN`` and ``BAD_VALUE``.
    """
    who.require(Action.EXPORT_HANDOUTS, programme.code)
    kind = kind_of(programme, code)
    places = await Places.on(session, who.at.today)
    rows = [
        (place, places.named(row.division), row.number, row.name, kind.title.zh, row.item,
         *_measured(kind, row.quantity, row.value_fen), "", "", *(("",) if kind.attendance else ()),
         *(("",) if kind.stocked else ()))
        for place, row in enumerate(await _listed(session, who, programme, kind, division), 1)
    ]  # fmt: skip
    columns = [
        SheetColumn("序号", "integer"), SheetColumn("村"), SheetColumn(kind.beneficiary.numbered.zh),
        SheetColumn("姓名"), SheetColumn("种类"), SheetColumn("名称"),
        *([SheetColumn(f"数量({kind.counted.zh})", "count")] if kind.counted is not None else []),
        *([SheetColumn("金额(元)", "money")] if kind.money else []),
        SheetColumn("签收人"), SheetColumn("签收日期"),
        *([SheetColumn("是否参加")] if kind.attendance else []),
        *([SheetColumn("批次凭证")] if kind.stocked else []),
    ]  # fmt: skip
    title = f"{who.county.name}{kind.title.zh}发放签收表"
    below = ("经办人(签字):            负责人(签字):            日期:",)
    sheet = Sheet(kind.title.zh, title, columns, rows, below=below, total=True, page_rows=PAGE)
    return workbook([sheet])


def _measured(kind: HandoutKind, quantity: int | None, fen: int | None) -> tuple[int | None, ...]:
    return (*((quantity,) if kind.counted is not None else ()), *((fen,) if kind.money else ()))


async def _listed(
    session: AsyncSession, who: Entered, programme: HandoutProgramme, kind: HandoutKind, division: int | None
) -> Sequence[Any]:
    """What is listed, by village and number, with the name of the person or of the head of the household."""
    own, to_person = Handout, kind.beneficiary is Beneficiary.PERSON
    query = select(
        own.division, (Person if to_person else Household).number, Person.name, own.item, own.quantity, own.value_fen
    )
    tenant = own.tenant_id
    if to_person:
        query = query.join(Person, (Person.tenant_id == tenant) & (Person.id == own.person_id))
    else:
        head = (
            (Membership.tenant_id == tenant)
            & (Membership.household_id == own.household_id)
            & (Membership.relation == "head")
            & holds(Membership, who.at.today)
        )
        query = (
            query.join(Household, (Household.tenant_id == tenant) & (Household.id == own.household_id))
            .outerjoin(Membership, head)
            .outerjoin(Person, (Person.tenant_id == tenant) & (Person.id == Membership.person_id))
        )
    query = query.where(
        own.tenant_id == who.county.id,
        own.programme == programme.code,
        own.kind == kind.code,
        own.state == HandoutState.LISTED.value,
        own.division.between(*area_of(division or who.county.area[0])),
    ).order_by(own.division, (Person if to_person else Household).number, own.item)
    return (await session.execute(query)).all()


async def put(
    session: AsyncSession, who: Entered, programme: HandoutProgramme, code: str, division: int | None = None
) -> UUID:
    """Put a sheet for signing in the queue; refuses ``FORBIDDEN`` and ``BAD_VALUE``."""
    who.require(Action.EXPORT_HANDOUTS, programme.code)
    kind_of(programme, code)
    return await jobs.ask(session, who, KIND, {"programme": programme.code, "kind": code, "division": division})


def action_of(kind: str) -> Action | None:
    """The permission that a sheet's file needs, by the kind of its job; None for every other job."""
    return Action.EXPORT_HANDOUTS if kind == KIND else None


# --- as it comes back -----------------------------------------------------------------------------------------


@dataclass
class _State(State):
    """``rows`` is the row of each line so far; ``taken`` is what they would take out of each batch and is not written
    down yet."""

    rows: dict[UUID, int] = field(default_factory=dict)
    taken: Mapping[UUID, Measure] = field(default_factory=dict)


class SignatureImporter(Importer[_State]):
    """A list of signatures of one programme 签收名单: one row a line, found by the number of the register, the kind and
    what it is. What is signed already, by the same person on the same day, changes nothing. No row is handed over
    without the others: what one takes out of a batch is not there for the next."""

    title = Text("签收名单", "list of signatures")
    action = Action.KEEP_HANDOUTS
    group = "number"
    together = True

    def __init__(self, programme: HandoutProgramme) -> None:
        self.programme = programme
        self.kind = f"signatures/{programme.code}"
        self.place = (programme.code, EVERY)
        kinds = {title: kind.code for kind in programme.kinds for title in (kind.title.zh, kind.code)}
        self.columns = (
            Column("number", Text("编号", "number"), read_key, ("户编号", "人编号", "人员编号", "农户编号")),
            Column("kind", Text("种类", "kind"), one_of(kinds), ("发放内容", "类别")),
            Column("item", Text("名称", "what"), read_text, ("物资名称", "器具名称", "品名", "项目")),
            Column("receiver", Text("签收人", "who signed"), read_name, ("领取人", "签字"), filled=False),
            Column("day", Text("签收日期", "day of the signature"), read_day, ("领取日期", "发放日期", "日期")),
            Column("voucher", Text("批次凭证", "voucher of the batch"), read_text, ("凭证号", "批次"), required=False),
            Column("attended", Text("是否参加", "whether somebody came"), one_of(ATTENDED), required=False),
            Column("evidence", Text("签收凭据", "what shows it"), read_text, ("凭据", "签收表编号"), required=False),
        )  # fmt: skip

    async def prepare(self, session: AsyncSession, who: Entered, vault: Vault, as_of: date) -> _State:
        """Nothing has to be read beforehand."""
        return _State(who, vault, as_of)

    def check(self, row: Row, state: _State) -> None:
        """No day is after that of the list."""
        day = row.values.get("day")
        if day is not None and day > state.as_of:
            row.problems.append(Code.DAY_IN_FUTURE.problem("rows", row.number, "day", day=day, today=state.as_of))

    async def compare(self, session: AsyncSession, rows: Sequence[Row], state: _State) -> Judged:
        """Which lines may be handed over, beside those of the rows before."""
        lines = await self._lines(session, rows, state)
        signed: list[Signed] = []
        row_of: dict[UUID, Row] = {}
        for row in rows:
            line = self._meant(lines.get(self._key(row), ()), row)
            if line is None:
                row.problems.append(Code.NOT_FOUND.problem("rows", row.number, "number", what=row.values["number"]))
            elif state.rows.setdefault(line, row.number) != row.number:
                row.problems.append(Code.DUPLICATE_ROW.problem("rows", row.number, "number", row=state.rows[line]))
            else:
                row_of[line] = row
                signed.append(self._signed(line, row, state))
        whose = {line: row.values["number"] for line, row in row_of.items()}
        judged = await judge(session, state.who, self.programme, signed, Stated(), state.taken, whose, state.blocked)
        state.taken = judged.taken
        for key, problem in judged.refused:
            row = row_of[key]
            row.problems.append(problem.under("rows", row.number))
        tally = state.tally("signature")
        tally.new += len(judged.ready)
        tally.same += len(judged.unchanged)
        return judged

    def _key(self, row: Row) -> tuple[str, str, str]:
        return row.values["number"], row.values["kind"], plain(row.values["item"])

    @staticmethod
    def _meant(lines: Sequence[Any], row: Row) -> UUID | None:
        """The line that a row means of several of the same: the one that was signed for as the row says, else the one
        that is listed, else the last signed for."""
        values = row.values
        said = (values.get("receiver") or "", values["day"], values.get("attended"))
        same = [one for one in lines if (one.receiver, one.handed_on, one.attended) == said]
        return next((one.id for one in (*reversed(same), *reversed(lines))), None)

    async def _lines(
        self, session: AsyncSession, rows: Sequence[Row], state: _State
    ) -> Mapping[tuple[str, str, str], Sequence[Any]]:
        """The lines that the rows may mean, those that are listed last."""
        tenant, keys = state.who.county.id, {self._key(row) for row in rows}
        number = func.coalesce(Person.number, Household.number)
        query = (
            select(
                number, Handout.kind, Handout.item, Handout.id, Handout.receiver, Handout.handed_on, Handout.attended
            )
            .join(Household, (Household.tenant_id == Handout.tenant_id) & (Household.id == Handout.household_id))
            .outerjoin(Person, (Person.tenant_id == Handout.tenant_id) & (Person.id == Handout.person_id))
            .where(
                Handout.tenant_id == tenant,
                Handout.programme == self.programme.code,
                among(number, {key[0] for key in keys}),
                Handout.state.not_in([HandoutState.REPLACED.value, HandoutState.WITHDRAWN.value]),
            )
            .order_by((Handout.state == HandoutState.LISTED.value).asc(), Handout.handed_at.asc().nulls_first())
        )
        found: dict[tuple[str, str, str], list[Any]] = {}
        for row in await session.execute(query):
            found.setdefault((row[0], row.kind, plain(row.item)), []).append(row)
        return found

    @staticmethod
    def _signed(line: UUID, row: Row, state: _State) -> Signed:
        values = row.values
        return Signed(
            line=line,
            receiver=values.get("receiver") or "",
            day=values["day"],
            signature=values.get("evidence") or f"签收表 {state.as_of}",
            voucher=values.get("voucher") or "",
            attended=values.get("attended"),
        )

    async def apply(self, session: AsyncSession, changes: Judged, state: _State) -> None:
        """Write down who has signed."""
        await carry_out(session, state.who, self.programme, changes, Stated())
        state.taken = {}


def handlers(plugins: Plugins) -> Mapping[str, jobs.Handler]:
    """The jobs of the sheets: one makes them, and one a programme takes them back."""
    importers = [SignatureImporter(programme) for programme in plugins.handouts.values()]
    return {KIND: _handler(plugins), **{importer.kind: importing(importer) for importer in importers}}


def _handler(plugins: Plugins) -> jobs.Handler:
    async def run(work: jobs.Work) -> jobs.Done:
        who, asked = work.who, work.parameters
        await work.progress(0, 1)
        async with work.database.session(who.scope) as session:
            programme = plugins.handout(asked["programme"])
            data = await signature_sheet(session, who, programme, asked["kind"], asked["division"])
            name = f"签收表-{asked['kind']}-{asked['division'] or who.county.code}.xlsx"
            file = await files.store(session, work.vault, who, name, data, LARGEST)
        await work.progress(1, 1)
        return jobs.Done({"bytes": len(data)}, file)

    return run
