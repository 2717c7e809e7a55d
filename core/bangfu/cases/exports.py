"""Lists that leave the house, as jobs: each makes a workbook that who asked for it can fetch.

Every one of them needs its permission and a reason; making it is on record, and so is every fetch of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import files, jobs, notices, payments
from bangfu.access import Action, Entered
from bangfu.cases import draws, missed, overpaid, register
from bangfu.cases.ground import Ground, ground_of
from bangfu.disclosure import need_reason
from bangfu.process import Pay
from bangfu.programme import Plugins
from bangfu.vault import Vault

PREFIX = "export/"
LARGEST = 200 * 1024 * 1024
"""Far more than the list of a county; what is made here is not limited by what may be uploaded."""


class Export(StrEnum):
    """What can be exported."""

    NOTICE = "notice"
    SAMPLE = "sample"
    PAYMENTS = "payments"
    BANK_TEXT = "bank_text"
    MISSED = "missed"
    OVERPAID = "overpaid"
    REGISTER = "register"


_ACTIONS = {
    Export.NOTICE: Action.EXPORT_NOTICE,
    Export.SAMPLE: Action.EXPORT_SAMPLE,
    Export.PAYMENTS: Action.EXPORT_PAYMENTS,
    Export.BANK_TEXT: Action.EXPORT_PAYMENTS,
    Export.MISSED: Action.EXPORT_LISTS,
    Export.OVERPAID: Action.EXPORT_LISTS,
    Export.REGISTER: Action.EXPORT_LISTS,
}
_NAMES = {
    Export.NOTICE: "公示",
    Export.SAMPLE: "抽查名单",
    Export.PAYMENTS: "发放名册",
    Export.BANK_TEXT: "代发",
    Export.MISSED: "应享未享名单",
    Export.OVERPAID: "已发待核名单",
    Export.REGISTER: "补助对象登记册",
}


def action_of(kind: str) -> Action | None:
    """The permission that an export's file needs, by the kind of its job; None for every other job."""
    return _ACTIONS[Export(kind.removeprefix(PREFIX))] if kind.startswith(PREFIX) else None


async def put(
    session: AsyncSession, who: Entered, programme: str, period: str, export: Export, id: UUID, reason: str
) -> UUID:
    """Put an export in the queue. Refuses ``FORBIDDEN`` and ``REASON_NEEDED``."""
    who.require(_ACTIONS[export], programme)
    stated = need_reason(reason)
    parameters = {"programme": programme, "period": period, "id": str(id), "reason": stated}
    return await jobs.ask(session, who, PREFIX + export.value, parameters)


async def put_list(
    session: AsyncSession,
    who: Entered,
    programme: str,
    period: str,
    export: Export,
    reason: str,
    area: tuple[int, int] | None = None,
) -> UUID:
    """Put the export of a whole list in the queue, of an area if one is given. Refuses ``FORBIDDEN`` and
    ``REASON_NEEDED``."""
    who.require(_ACTIONS[export], programme)
    stated = need_reason(reason)
    parameters = {"programme": programme, "period": period, "area": list(area) if area else None, "reason": stated}
    return await jobs.ask(session, who, PREFIX + export.value, parameters)


_Made: TypeAlias = Awaitable[bytes | tuple[str, bytes]]
"""The content, with the name of the file where it is not that of every export."""
_Asked: TypeAlias = Mapping[str, Any]


def handlers(plugins: Plugins) -> Mapping[str, jobs.Handler]:
    """The job of each kind of export."""

    def notice(session: AsyncSession, vault: Vault, who: Entered, ground: Ground, asked: _Asked) -> _Made:
        return notices.sheet(session, who, ground.programme, UUID(asked["id"]), asked["reason"])

    def sample(session: AsyncSession, vault: Vault, who: Entered, ground: Ground, asked: _Asked) -> _Made:
        return draws.sheet(session, who, ground, UUID(asked["id"]), asked["reason"])

    def paid(session: AsyncSession, vault: Vault, who: Entered, ground: Ground, asked: _Asked) -> _Made:
        channel = plugins.channels[ground.programme.process.first(Pay).channel]
        key = UUID(asked["id"])
        return payments.payment_list(session, who, vault, ground.programme, channel, key, asked["reason"])

    def missing(session: AsyncSession, vault: Vault, who: Entered, ground: Ground, asked: _Asked) -> _Made:
        return missed.sheet(session, who, ground, asked["reason"], _area(asked))

    def differing(session: AsyncSession, vault: Vault, who: Entered, ground: Ground, asked: _Asked) -> _Made:
        return overpaid.sheet(session, who, ground, asked["reason"], _area(asked))

    def registered(session: AsyncSession, vault: Vault, who: Entered, ground: Ground, asked: _Asked) -> _Made:
        return register.sheet(session, who, ground, asked["reason"], _area(asked))

    def bank(session: AsyncSession, vault: Vault, who: Entered, ground: Ground, asked: _Asked) -> _Made:
        return payments.bank_text(session, who, vault, ground.programme, UUID(asked["id"]), asked["reason"])

    makers: dict[Export, Callable[..., _Made]] = {
        Export.NOTICE: notice,
        Export.SAMPLE: sample,
        Export.PAYMENTS: paid,
        Export.BANK_TEXT: bank,
        Export.MISSED: missing,
        Export.OVERPAID: differing,
        Export.REGISTER: registered,
    }
    return {PREFIX + export.value: _handler(plugins, export, make) for export, make in makers.items()}


def _area(asked: _Asked) -> tuple[int, int] | None:
    return (asked["area"][0], asked["area"][1]) if asked["area"] is not None else None


def _handler(plugins: Plugins, export: Export, make: Callable[..., _Made]) -> jobs.Handler:
    async def run(work: jobs.Work) -> jobs.Done:
        who, asked = work.who, work.parameters
        await work.progress(0, 1)
        async with work.database.session(who.scope) as session:
            ground = await ground_of(session, who.county.id, plugins.programme(asked["programme"]), asked["period"])
            made = await make(session, work.vault, who, ground, asked)
            own, data = made if isinstance(made, tuple) else ("", made)
            which = asked["id"][-8:] if "id" in asked else who.at.today.isoformat()
            name = own or f"{_NAMES[export]}-{asked['programme']}-{asked['period']}-{which}.xlsx"
            file = await files.store(session, work.vault, who, name, data, LARGEST)
        await work.progress(1, 1)
        result: dict[str, Any] = {"bytes": len(data)}
        return jobs.Done(result, file)

    return run
