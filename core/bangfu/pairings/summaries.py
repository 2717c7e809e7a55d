"""What the county reports of a year of pairings: the honour list 光荣榜 and the annual summary 年度汇总表, each as it
can be asked for and as a workbook.

The honour list holds only what is settled. The summary counts as ``figures`` does: enterprises, villages and persons
once in each township, path and in the whole, money and numbers by the lines that stand in the workbook too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import audit
from bangfu.access import Action, Entered
from bangfu.db.bulk import among
from bangfu.documents.writing import Sheet, SheetColumn, workbook
from bangfu.models import Delivery, Helper, Obstacle, Organization, PairingAgreement, PlanLine
from bangfu.models import Standing as StandingRow
from bangfu.pairings.figures import Line, Which, benefiting, deliveries, lines, signed
from bangfu.pairings.papers import require_year
from bangfu.pairings.reviews import nominations
from bangfu.pairings.standing import DeliveryState, state_of
from bangfu.programme import PairingProgramme
from bangfu.registry.divisions import Places, area_of, township_of
from bangfu.registry.history import holds
from bangfu.text import day

SUMS = (
    "projects", "pledged_fen", "logged_fen", "stands_fen", "waiting_fen", "disputed_fen", "refused_fen",
    "lines", "agreed",
)  # fmt: skip
"""The figures of lines that are added up."""


# --- the honour list ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Honoured:
    """An enterprise on the honour list: its place, and what is settled to stand of the year: an amount (fen), and
    numbers by kind. Two with the same amount share a place; who sees no area is told none."""

    organization: UUID
    name: str
    credit_code: str
    chamber: str
    place: int | None = None
    villages: set[int] = field(default_factory=set)
    agreed: int = 0
    fen: int = 0
    by_kind: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Amount (fen) and number by kind."""


async def honours(
    session: AsyncSession, who: Entered, programme: PairingProgramme, year: int, division: int | None = None
) -> list[Honoured]:
    """The enterprises by what stands of a year and is settled, the most first, of what is in sight: an enterprise finds
    itself alone, and no place. In three statements.

    Refuses ``FORBIDDEN`` and ``BAD_VALUE``.
    """
    require_year(who, year)
    found = await lines(session, who, programme, Which(division=division, year=year), apart=True)
    settled = [line for line in found if line.agreed_fen or line.agreed_quantity]
    query = (
        select(Organization.id, Organization.name, Organization.credit_code, func.max(Helper.chamber).label("chamber"))
        .join(Helper, (Helper.tenant_id == Organization.tenant_id) & (Helper.organization_id == Organization.id))
        .where(
            Organization.tenant_id == who.county.id,
            Helper.programme == programme.code,
            Helper.verified.is_(True),
            among(Organization.id, {line.organization for line in settled if line.organization is not None}),
        )
        .group_by(Organization.id, Organization.name, Organization.credit_code)
    )
    named = {row.id: Honoured(row.id, row.name, row.credit_code, row.chamber) for row in await session.execute(query)}
    for line in settled:
        assert line.organization is not None
        own = named[line.organization]
        own.villages.add(line.division)
        own.agreed += line.agreed
        own.fen += line.agreed_fen
        fen, quantity = own.by_kind.get(line.kind, (0, 0))
        own.by_kind[line.kind] = (fen + line.agreed_fen, quantity + line.agreed_quantity)
    listed = sorted(named.values(), key=lambda own: (-own.fen, own.name, own.credit_code))
    if who.scope.areas:
        for position, own in enumerate(listed):
            before = listed[position - 1] if position else None
            own.place = before.place if before is not None and before.fen == own.fen else position + 1
    return listed


async def honour_list(
    session: AsyncSession, who: Entered, programme: PairingProgramme, year: int, division: int | None = None
) -> bytes:
    """The honour list as a workbook to hang up: no sum on it that is not settled; on record.

    Refuses ``FORBIDDEN`` and ``BAD_VALUE``.
    """
    who.require(Action.EXPORT_PAIRINGS, programme.code)
    listed = await honours(session, who, programme, year, division)
    places = await Places.on(session, who.at.today)
    columns = [
        SheetColumn("名次", "integer"),
        *map(SheetColumn, ("企业", "统一社会信用代码", "所属商会")),
        SheetColumn("帮扶村(个)", "integer"),
        SheetColumn("确认笔数", "count"),
        SheetColumn("确认金额(元)", "money"),
    ]
    for kind in programme.kinds:
        columns += [SheetColumn(f"其中{kind.title.zh}(元)", "money")] if kind.money else []
        columns += [] if kind.counted is None else [SheetColumn(f"{kind.title.zh}({kind.counted.zh})", "count")]
    rows = []
    for own in listed:
        cells: list[Any] = [own.place, own.name, own.credit_code, own.chamber, len(own.villages), own.agreed, own.fen]
        for kind in programme.kinds:
            fen, quantity = own.by_kind.get(kind.code, (0, 0))
            cells += [fen] if kind.money else []
            cells += [] if kind.counted is None else [quantity]
        rows.append(cells)
    sheet = Sheet(
        "光荣榜",
        f"{who.county.name}{year}年“{programme.title.zh}”光荣榜",
        columns,
        rows,
        above=[
            _made(who, places, division),
            "仅列经村和企业双方确认、或经县裁定的帮扶投入;按确认金额排序,金额相同的名次相同。",
        ],
        below=[_NO_PAYMENT],
        total=True,
    )
    await _record(session, who, programme, f"honours/{year}", len(rows))
    return workbook([sheet])


# --- the annual summary ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class Part:
    """What a township, a village, a path or the whole comes to in a year. ``exits`` are the households of the villages
    that have left poverty by the register, ``nominated`` its villages put forward as typical ones, ``sums`` the figures
    of its lines (``SUMS``; amounts in fen)."""

    code: int | str
    name: str
    organizations: set[UUID] = field(default_factory=set)
    divisions: set[int] = field(default_factory=set)
    agreements: set[UUID] = field(default_factory=set)
    people: set[UUID] = field(default_factory=set)
    exits: int = 0
    nominated: int = 0
    obstacles_open: int = 0
    obstacles_resolved: int = 0
    sums: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SUMS, 0))

    def sign(self, agreement: Any) -> None:
        """Count an agreement, and whose it is."""
        self.organizations.add(agreement.organization_id)
        self.divisions.add(agreement.division)
        self.agreements.add(agreement.id)

    def add(self, line: Line) -> None:
        """Add a line's figures."""
        for name in SUMS:
            self.sums[name] += getattr(line, name)


@dataclass(frozen=True, slots=True)
class Summary:
    """The annual summary: the whole, and the same by township, village and path; kinds by path; and every line."""

    whole: Part
    townships: Sequence[Part]
    villages: Sequence[Part]
    paths: Sequence[Part]
    kinds: Sequence[Line]


async def summary(
    session: AsyncSession, who: Entered, programme: PairingProgramme, year: int, division: int | None = None
) -> Summary:
    """What a year of a programme comes to in sight, or in a division of it. In eight statements.

    Refuses ``FORBIDDEN`` and ``BAD_VALUE``.
    """
    require_year(who, year)
    which = Which(division=division, year=year)
    found = await lines(session, who, programme, which, apart=True)
    places = await Places.on(session, who.at.today)
    agreements = {row.id: row for row in await session.execute(signed(who, programme, which))}
    persons = list(await session.execute(benefiting(who, programme, which)))
    villages = _Parts(places.named)
    townships, paths = _Parts(places.named), _Parts(lambda code: _title(programme, code))
    whole = Part(division or who.county.area[0], places.named(division) if division is not None else who.county.name)
    for row in agreements.values():
        for part in (whole, townships[township_of(row.division)], villages[row.division]):
            part.sign(row)
    for line in found:
        for part in (whole, townships[township_of(line.division)], villages[line.division], paths[line.path]):
            part.add(line)
        if line.agreement in agreements:
            paths[line.path].sign(agreements[line.agreement])
    for person in persons:
        for part in (whole, townships[township_of(person.division)], villages[person.division], paths[person.path]):
            part.people.add(person.person_id)
    counts = {
        "exits": await _exits(session, who, villages, year),
        "nominated": dict.fromkeys(await nominations(session, who, programme, year), 1),
        "obstacles_open": await _obstacles(session, who, programme, _open_at_the_end(year)),
        "obstacles_resolved": await _obstacles(session, who, programme, _in_the_year(year)),
    }
    for name, by_village in counts.items():
        for code in by_village.keys() & villages.keys():
            for part in (whole, townships[township_of(code)], villages[code]):
                setattr(part, name, getattr(part, name) + by_village[code])
    order = {path.code: position for position, path in enumerate(programme.paths)}
    return Summary(
        whole,
        [townships[code] for code in sorted(townships)],
        [villages[code] for code in sorted(villages)],
        sorted(paths.values(), key=lambda part: order[str(part.code)]),
        _by_kind(found),
    )


class _Parts(dict[Any, Part]):
    """Parts by code, each made when it is first asked for."""

    def __init__(self, named: Callable[[Any], str]) -> None:
        super().__init__()
        self.named = named

    def __missing__(self, code: Any) -> Part:
        self[code] = Part(code, self.named(code))
        return self[code]


def _title(programme: PairingProgramme, code: str) -> str:
    path = programme.path(code)
    assert path is not None, code
    return path.title.zh


def _by_kind(found: Iterable[Line]) -> list[Line]:
    """The lines of all agreements added up by path and kind, in their order."""
    sums: dict[tuple[str, str], Line] = {}
    names = [name for name in Line.__slots__ if name not in ("path", "kind", "division", "organization", "agreement")]
    for line in found:
        own = sums.setdefault((line.path, line.kind), Line(line.path, line.kind))
        for name in names:
            setattr(own, name, getattr(own, name) + getattr(line, name))
    return list(sums.values())


async def _exits(session: AsyncSession, who: Entered, villages: Iterable[int], year: int) -> dict[int, int]:
    """How many households have left poverty in a year by the register as it stands today, by village."""
    query = (
        select(StandingRow.division, func.count())
        .where(
            StandingRow.tenant_id == who.county.id,
            among(StandingRow.division, villages),
            StandingRow.standing == "exited",
            StandingRow.exit_year == year,
            holds(StandingRow, who.at.today),
        )
        .group_by(StandingRow.division)
    )
    return {row[0]: row[1] for row in await session.execute(query)}


def _open_at_the_end(year: int) -> ColumnElement[bool]:
    end = date(year, 12, 31)
    return (Obstacle.effective_on <= end) & (Obstacle.resolved_on.is_(None) | (Obstacle.resolved_on > end))


def _in_the_year(year: int) -> ColumnElement[bool]:
    return Obstacle.resolved_on.between(date(year, 1, 1), date(year, 12, 31))


async def _obstacles(
    session: AsyncSession, who: Entered, programme: PairingProgramme, condition: ColumnElement[bool]
) -> dict[int, int]:
    """How many obstacles there are of a sort, by village."""
    own = select(PairingAgreement.id).where(
        PairingAgreement.tenant_id == who.county.id, PairingAgreement.programme == programme.code
    )
    query = (
        select(Obstacle.division, func.count())
        .where(Obstacle.tenant_id == who.county.id, Obstacle.agreement_id.in_(own), condition)
        .group_by(Obstacle.division)
    )
    return {row[0]: row[1] for row in await session.execute(query)}


async def _pairs(
    session: AsyncSession, who: Entered, agreements: Iterable[UUID]
) -> list[tuple[PairingAgreement, Organization, str]]:
    """Agreements with who helps, and the chamber that it belongs to, by village and first day."""
    query = (
        select(PairingAgreement, Organization, Helper.chamber)
        .join(
            Organization,
            (Organization.tenant_id == PairingAgreement.tenant_id)
            & (Organization.id == PairingAgreement.organization_id),
        )
        .join(Helper, (Helper.tenant_id == PairingAgreement.tenant_id) & (Helper.id == PairingAgreement.helper_id))
        .where(PairingAgreement.tenant_id == who.county.id, among(PairingAgreement.id, agreements))
        .order_by(PairingAgreement.division, PairingAgreement.valid_from, PairingAgreement.number)
    )
    return [(row[0], row[1], row[2]) for row in await session.execute(query)]


async def _plans(session: AsyncSession, who: Entered, agreements: Iterable[UUID], year: int) -> list[PlanLine]:
    """The plans of agreements for a year: measures of enterprises and tasks of the government, as they stand."""
    query = select(PlanLine).where(
        PlanLine.tenant_id == who.county.id,
        among(PlanLine.agreement_id, agreements),
        PlanLine.year == year,
        PlanLine.replaced_at.is_(None),
    )
    return list(await session.scalars(query.order_by(PlanLine.division, PlanLine.due_on, PlanLine.id)))


async def summary_book(
    session: AsyncSession, who: Entered, programme: PairingProgramme, year: int, division: int | None = None
) -> bytes:
    """The annual summary as a workbook: by township, village, path and kind, the list of pairs, their plans for the
    year, and every line that it is made of. In a constant number of statements; on record. It names no person.

    Refuses ``FORBIDDEN`` and ``BAD_VALUE``.
    """
    who.require(Action.EXPORT_PAIRINGS, programme.code)
    told = await summary(session, who, programme, year, division)
    ledger = await deliveries(session, who, programme, Which(division=division, year=year))
    pairs = await _pairs(session, who, told.whole.agreements)
    plans = await _plans(session, who, told.whole.agreements, year)
    names = {agreement.id: own.name for agreement, own, _ in pairs}
    places = await Places.on(session, who.at.today)
    title = f"{who.county.name}{year}年“{programme.title.zh}”"
    made = _made(who, places, division)
    once = "企业、村、人员每行只计一次,合计行去重后另计;登记投入 = 已确认 + 待村确认 + 待县裁定 + 未获认可。"

    def sheet(name: str, columns: Sequence[SheetColumn], rows: Sequence[Sequence[Any]], **options: Any) -> Sheet:
        return Sheet(name, f"{title}年度汇总表({name})", columns, rows, below=[_NO_PAYMENT], **options)

    by_place = [*_COUNTED, *_SUMMED, *_FOUND]
    book = [
        sheet(
            "分乡镇",
            [SheetColumn("乡镇"), *by_place],
            [[part.name, *_cells(part, place=True)] for part in told.townships]
            + [["合计", *_cells(told.whole, place=True)]],
            above=[made, once],
        ),
        sheet(
            "分村",
            [SheetColumn("乡镇"), SheetColumn("村"), *by_place],
            [[places.township(int(part.code)), part.name, *_cells(part, place=True)] for part in told.villages]
            + [["合计", "", *_cells(told.whole, place=True)]],
            above=[made, once],
        ),
        sheet(
            "分途径",
            [SheetColumn("途径"), *_COUNTED, *_SUMMED],
            [[part.name, *_cells(part)] for part in told.paths] + [["合计", *_cells(told.whole)]],
            above=[made, once],
        ),
        sheet("分内容", _KIND_COLUMNS, [_kind_cells(programme, line) for line in told.kinds], above=[made]),
        sheet("结对名单", _PAIR_COLUMNS, [_pair_cells(who, places, *row) for row in pairs], above=[made]),
        sheet("年度规划", _PLAN_COLUMNS, [_plan_cells(programme, places, names, own) for own in plans], above=[made]),
        sheet(
            "投入明细",
            _LINE_COLUMNS,
            [_line_cells(programme, places, names, own) for own in ledger],
            above=[made],
            total=True,
        ),
    ]
    await _record(session, who, programme, f"summary/{year}", len(ledger))
    return workbook(book)


_COUNTED = [SheetColumn(header, "integer") for header in ("帮扶企业(家)", "受帮扶村(个)", "协议(份)", "受益人员(人)")]
_SUMMED = [
    SheetColumn("帮扶项目(项)", "integer"),
    *(
        SheetColumn(f"{header}(元)", "money")
        for header in ("规划承诺", "登记投入", "已确认", "待村确认", "待县裁定", "未获认可")
    ),
    SheetColumn("投入(笔)", "integer"),
    SheetColumn("双方已认定(笔)", "integer"),
]
_FOUND = [
    SheetColumn(header, "integer")
    for header in ("脱贫退出(户)", "典型村推荐(个)", "困难问题未解决(件)", "困难问题已解决(件)")
]
_KIND_COLUMNS = [
    SheetColumn("途径"),
    SheetColumn("内容"),
    *_SUMMED,
    SheetColumn("计量单位"),
    *(SheetColumn(f"{header}(数量)", "integer") for header in ("规划承诺", "登记投入", "已确认")),
]
_PAIR_COLUMNS = [
    *map(SheetColumn, ("协议编号", "乡镇", "村", "企业", "统一社会信用代码", "所属商会")),
    *(SheetColumn(header, "day") for header in ("签约日期", "起始日期", "截止日期")),
    SheetColumn("状态"),
]
_PLAN_COLUMNS = [
    *map(SheetColumn, ("乡镇", "村", "企业", "类别", "途径", "内容", "措施", "责任部门")),
    SheetColumn("承诺(元)", "money"),
    SheetColumn("承诺(数量)", "integer"),
    SheetColumn("完成时限", "day"),
]
_LINE_COLUMNS = [
    SheetColumn("日期", "day"),
    *map(SheetColumn, ("乡镇", "村", "企业", "途径", "内容", "说明", "单据编号")),
    SheetColumn("登记(元)", "money"),
    SheetColumn("登记(数量)", "integer"),
    SheetColumn("状态"),
    SheetColumn("已确认(元)", "money"),
    SheetColumn("已确认(数量)", "integer"),
]
_NO_PAYMENT = "本表所列为企业帮扶投入,单独记账,不是财政资金,也不是财政支付凭证。"


def _cells(part: Part, *, place: bool = False) -> list[int]:
    counted = [len(own) for own in (part.organizations, part.divisions, part.agreements, part.people)]
    found = [part.exits, part.nominated, part.obstacles_open, part.obstacles_resolved] if place else []
    return [*counted, *(part.sums[name] for name in SUMS), *found]


def _kind_cells(programme: PairingProgramme, line: Line) -> list[Any]:
    kind = programme.kind(line.kind)
    assert kind is not None, line.kind
    numbers = [line.pledged_quantity, line.logged_quantity, line.stands_quantity]
    return [
        _title(programme, line.path), kind.title.zh, *(getattr(line, name) for name in SUMS),
        *((kind.counted.zh, *numbers) if kind.counted is not None else ("", None, None, None)),
    ]  # fmt: skip


def _pair_cells(
    who: Entered, places: Places, agreement: PairingAgreement, own: Organization, chamber: str
) -> list[Any]:
    return [
        agreement.number, places.township(agreement.division), places.named(agreement.division), own.name,
        own.credit_code, chamber, agreement.signed_on, agreement.valid_from, agreement.ended_on or agreement.valid_to,
        state_of(agreement, who.at.today).title_text.zh,
    ]  # fmt: skip


def _plan_cells(programme: PairingProgramme, places: Places, names: Mapping[UUID, str], own: PlanLine) -> list[Any]:
    kind = None if own.kind is None else programme.kind(own.kind)
    return [
        places.township(own.division), places.named(own.division), names.get(own.agreement_id, ""),
        "政府任务" if kind is None else "企业措施", "" if own.path is None else _title(programme, own.path),
        "" if kind is None else kind.title.zh, own.what, own.office, own.amount_fen, own.quantity, own.due_on,
    ]  # fmt: skip


def _line_cells(programme: PairingProgramme, places: Places, names: Mapping[UUID, str], own: Delivery) -> list[Any]:
    kind = programme.kind(own.kind)
    assert kind is not None, own.kind
    return [
        own.effective_on, places.township(own.division), places.named(own.division),
        names.get(own.agreement_id, ""), _title(programme, own.path), kind.title.zh, own.what, own.receipt,
        own.amount_fen, own.quantity, DeliveryState(own.state).title_text.zh, own.stands_fen, own.stands_quantity,
    ]  # fmt: skip


def _made(who: Entered, places: Places, division: int | None) -> str:
    """When a workbook was made, and of what: the division that was asked for, as far as it is in sight."""
    covered = [area_of(division)] if division is not None else who.scope.areas
    where = "、".join(dict.fromkeys(places.named(lo) for lo, _ in covered))
    return f"{day(who.at.today).zh}    范围:{where}"


async def _record(session: AsyncSession, who: Entered, programme: PairingProgramme, object_: str, rows: int) -> None:
    said = {"programme": programme.code, "rows": rows, "personal": []}
    await audit.record(session, who.at.now, who.actor.id, Action.EXPORT_PAIRINGS.value, object_, said)
