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
from bangfu.cases import draws
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


_ACTIONS = {
    Export.NOTICE: Action.EXPORT_NOTICE,
    Export.SAMPLE: Action.EXPORT_SAMPLE,
    Export.PAYMENTS: Action.EXPORT_PAYMENTS,
    Export.BANK_TEXT: Action.EXPORT_PAYMENTS,
}
_NAMES = {Export.NOTICE: "公示", Export.SAMPLE: "抽查名单", Export.PAYMENTS: "发放名册", Export.BANK_TEXT: "代发"}


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


_Made: TypeAlias = Awaitable[bytes | tuple[str, bytes]]
"""The content, with the name of the file where it is not that of every export."""


def handlers(plugins: Plugins) -> Mapping[str, jobs.Handler]:
    """The job of each kind of export."""

    def notice(session: AsyncSession, vault: Vault, who: Entered, ground: Ground, id: UUID, reason: str) -> _Made:
        return notices.sheet(session, who, ground.programme, id, reason)

    def sample(session: AsyncSession, vault: Vault, who: Entered, ground: Ground, id: UUID, reason: str) -> _Made:
        return draws.sheet(session, who, ground, id, reason)

    def paid(session: AsyncSession, vault: Vault, who: Entered, ground: Ground, id: UUID, reason: str) -> _Made:
        channel = plugins.channels[ground.programme.process.first(Pay).channel]
        return payments.payment_list(session, who, vault, ground.programme, channel, id, reason)

    def bank(session: AsyncSession, vault: Vault, who: Entered, ground: Ground, id: UUID, reason: str) -> _Made:
        return payments.bank_text(session, who, vault, ground.programme, id, reason)

    makers: dict[Export, Callable[..., _Made]] = {
        Export.NOTICE: notice,
        Export.SAMPLE: sample,
        Export.PAYMENTS: paid,
        Export.BANK_TEXT: bank,
    }
    return {PREFIX + export.value: _handler(plugins, export, make) for export, make in makers.items()}


def _handler(plugins: Plugins, export: Export, make: Callable[..., _Made]) -> jobs.Handler:
    async def run(work: jobs.Work) -> jobs.Done:
        who, asked = work.who, work.parameters
        await work.progress(0, 1)
        async with work.database.session(who.scope) as session:
            ground = await ground_of(session, who.county.id, plugins.programme(asked["programme"]), asked["period"])
            made = await make(session, work.vault, who, ground, UUID(asked["id"]), asked["reason"])
            own, data = made if isinstance(made, tuple) else ("", made)
            name = own or f"{_NAMES[export]}-{asked['programme']}-{asked['period']}-{asked['id'][-8:]}.xlsx"
            file = await files.store(session, work.vault, who, name, data, LARGEST)
        await work.progress(1, 1)
        result: dict[str, Any] = {"bytes": len(data)}
        return jobs.Done(result, file)

    return run
