"""Commands for the audit record: who did what, and the chain that proves it whole."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select, text

from bangfu import disclosure
from bangfu.access import CHINA, Action
from bangfu.audit import chain
from bangfu.cli.shell import REFUSED_EXIT, SHOWN, Open, Shell, Target, pass_shell
from bangfu.models import AuditEntry, Officer
from bangfu.text import Text


class HeadType(click.ParamType[chain.Head]):
    """The head of a chain, as it was written down."""

    name = "number:digest"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> chain.Head:
        """Read it."""
        try:
            return value if isinstance(value, chain.Head) else chain.Head.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


_HEAD = click.option("--head", "expected", type=HeadType(), help="a head that was written down: NUMBER:DIGEST")


@click.group()
def audit() -> None:
    """The audit record, and the chain that it is sealed with."""


@audit.command("list")
@click.option("--limit", default=50, show_default=True)
@click.option("--action", help="only this action, such as unmask")
@click.option("--object", "about", help="only about this object, such as person/ID")
@click.option("--officer", "number", help="only by the officer with this staff number")
@pass_shell
def list_(shell: Shell, limit: int, action: str | None, about: str | None, number: str | None) -> None:
    """Show who did, read or exported what, newest first."""

    async def work(opened: Open) -> list[Any]:
        who = await opened.enter()
        who.require(Action.READ_AUDIT)
        query = (
            select(AuditEntry, Officer.name)
            .join(Officer, (Officer.tenant_id == AuditEntry.tenant_id) & (Officer.id == AuditEntry.officer_id))
            .where(AuditEntry.tenant_id == who.county.id)
            .order_by(AuditEntry.at.desc(), AuditEntry.id.desc())
            .limit(limit)
        )
        for column, value in ((AuditEntry.action, action), (AuditEntry.object, about), (Officer.number, number)):
            if value is not None:
                query = query.where(column == value)
        async with opened.database.session(who.scope) as session:
            return list((await session.execute(query)).all())

    titles = (
        Text("时间", "at"),
        Text("人员", "officer"),
        Text("事项", "action"),
        Text("对象", "object"),
        Text("理由", "reason"),
        Text("内容", "data"),
    )
    rows = [
        (
            f"{e.at.astimezone(CHINA):%Y-%m-%d %H:%M}", name, e.action, e.object, e.reason,
            "; ".join(f"{key}: {value}" for key, value in e.data.items()),
        )
        for e, name in shell.run(work)
    ]  # fmt: skip
    shell.table(shell.show(Text("审计记录", "audit record")), [shell.show(t) for t in titles], rows)


async def _counties(opened: Open, everyone: bool) -> list[tuple[int, str]]:
    """The counties that are meant, by id and code: all, as the owner; or that of who acts, who may read its record."""
    if everyone:
        async with opened.database.owner() as connection:
            rows = await connection.execute(text("select id, code from tenant order by id"))
            return [(row.id, row.code) for row in rows]
    who = await opened.enter()
    who.require(Action.READ_AUDIT)
    return [(who.county.id, who.county.code)]


_ALL = click.option("--all", "everyone", is_flag=True, help="all counties, as the owner of the database")


@audit.command("seal")
@_ALL
@pass_shell
def seal(shell: Shell, everyone: bool) -> None:
    """Give every entry that has none its link in the chain; a worker does it by itself."""

    async def work(opened: Open) -> list[tuple[str, int]]:
        return [
            (code, await chain.seal(opened.database, tenant, datetime.now(UTC), search=True))
            for tenant, code in await _counties(opened, everyone)
        ]

    for code, count in shell.run(work):
        shell.say("{code}:新封存 {count} 条", "{code}: {count} entries sealed", code=code, count=count)


@audit.command("head")
@_ALL
@pass_shell
def head(shell: Shell, everyone: bool) -> None:
    """Print the end of the chain, to be written down where nobody who keeps the database can change it."""

    async def work(opened: Open) -> list[tuple[str, chain.Head]]:
        found = []
        for tenant, code in await _counties(opened, everyone):
            async with opened.database.session(chain.whole(tenant), reading=True) as session:
                found.append((code, await chain.head(session, tenant)))
        return found

    for code, end in shell.run(work):
        shell.line(f"{code} {end}")


@audit.command("verify")
@_ALL
@_HEAD
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="verify an exported record instead, without a database",
)
@pass_shell
def verify(shell: Shell, everyone: bool, expected: chain.Head | None, file: Path | None) -> None:
    """Compute the chain again and name the first place where it is broken; exits with 1 if it is."""
    if expected is not None and everyone:
        raise click.UsageError("--head is of one county")
    if file is not None:
        try:
            with file.open(encoding="utf-8") as lines:
                found = [(file.name, chain.verify_lines(lines, expected))]
        except ValueError as error:
            raise click.UsageError(f"{file.name} is not an exported audit record") from error
    else:

        async def work(opened: Open) -> list[tuple[str, chain.Verified]]:
            return [
                (code, await chain.verify(opened.database, tenant, datetime.now(UTC), expected))
                for tenant, code in await _counties(opened, everyone)
            ]

        found = shell.run(work)
    for name, verified in found:
        _show(shell, name, verified)
    if any(verified.fault for _, verified in found):
        raise SystemExit(REFUSED_EXIT)


def _show(shell: Shell, name: str, verified: chain.Verified) -> None:
    shell.say(
        "{name}:前 {count} 条一致,未封存 {unsealed} 条",
        "{name}: {count} sealed entries hold, {unsealed} are not sealed yet",
        name=name,
        count=verified.head.number,
        unsealed=verified.unsealed,
    )
    shell.line(f"  {verified.head}")
    if verified.overdue:
        shell.say(
            "  {count} 条等待封存已超过一分钟,请检查后台任务进程:",
            "  {count} have waited for longer than a minute; look after the worker:",
            count=len(verified.overdue),
        )
        for entry in verified.overdue[:SHOWN]:
            shell.line(f"    {entry}")
    if verified.fault is not None:
        shell.say(
            "  链在第 {number} 条处断开:{what} {entry}",
            "  the chain is broken at number {number}: {what} {entry}",
            number=verified.fault.number,
            what=shell.show(verified.fault.kind.title_text),
            entry=verified.fault.entry or "",
        )


@audit.command("export")
@click.argument("file", type=Target())
@click.option("--reason", required=True, help="what it is for; recorded")
@pass_shell
def export_(shell: Shell, file: Path, reason: str) -> None:
    """Write the sealed record of the whole county as JSON lines; `audit verify --file` needs no database."""

    async def work(opened: Open) -> bytes:
        who = await opened.enter()
        return await disclosure.audit_record(opened.database, who, reason, datetime.now(UTC))

    shell.save(file, shell.run(work))
    shell.say("已写入 {file}", "written to {file}", file=file)


commands = (audit,)
