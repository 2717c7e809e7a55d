"""Commands for the installation: database, counties, demo clocks, key rings."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import click

from bangfu import countyfile, resealing
from bangfu.access import create_county, set_demo_day
from bangfu.cli.shell import REFUSED_EXIT, SHOWN, Day, Open, Shell, Target, pass_shell
from bangfu.countyfile import Change, CountyFile, Section
from bangfu.db import Database
from bangfu.db.embedded import EmbeddedServer
from bangfu.errors import Code, Refused
from bangfu.models import WALLS
from bangfu.text import Text
from bangfu.vault import Vault, next_index, retire, rotate


@click.group()
def db() -> None:
    """The database."""


@db.command("migrate")
@pass_shell
def migrate(shell: Shell) -> None:
    """Bring the tables up to date, as the owner, and check the walls."""

    async def work(opened: Open) -> None:
        await opened.database.check(WALLS)

    shell.run(work, migrate=True)
    shell.say("数据库已是最新,隔离完整", "the tables are up to date and the walls stand")


@db.command("check")
@pass_shell
def check(shell: Shell) -> None:
    """Check that every wall stands; any command does this before it starts."""

    async def work(opened: Open) -> None:
        await opened.database.check(WALLS)

    shell.run(work)
    shell.say("隔离完整", "the walls stand")


@db.command("stop")
@pass_shell
def stop(shell: Shell) -> None:
    """Stop an embedded server that a killed process left running."""
    if EmbeddedServer.stop_left_behind(shell.settings.home):
        shell.say("已停止", "stopped")
    else:
        shell.say("没有需要停止的", "there was nothing to stop")


@db.command("remove")
@click.option("--yes", is_flag=True, help="without it nothing is removed")
@pass_shell
def remove(shell: Shell, yes: bool) -> None:
    """Remove an embedded database for good, with everything in it."""
    if not yes:
        raise click.UsageError("--yes removes everything there is")
    if not EmbeddedServer.remove(shell.settings.home, programs=True):
        shell.say("数据库正在使用,未删除", "the database is in use; nothing was removed")
        raise SystemExit(REFUSED_EXIT)
    shell.say("已删除", "removed")


@click.group()
def tenant() -> None:
    """Counties."""


@tenant.command("create")
@click.argument("code")
@click.argument("name")
@click.option("--officer", required=True, help="staff number of the first officer, who keeps registers and settings")
@click.option("--officer-name", required=True)
@click.option("--demo-day", type=Day(), help="make it a demo county that lives on this day")
@pass_shell
def create(shell: Shell, code: str, name: str, officer: str, officer_name: str, demo_day: date | None) -> None:
    """Create a county by its six-digit CODE."""

    async def work(opened: Open) -> None:
        async with opened.database.owner() as connection:
            await create_county(
                connection, code, name, datetime.now(UTC), demo_today=demo_day, officer=(officer, officer_name)
            )

    shell.run(work)
    shell.say("已建立 {name}({code})", "created {name} ({code})", name=name, code=code)


SECTIONS = click.Choice([section.value for section in Section])


@tenant.command("export")
@click.argument("file", type=Target())
@pass_shell
def export(shell: Shell, file: Path) -> None:
    """Write what the county has set up as one text: programmes, documents, rules, templates, calendar."""

    async def work(opened: Open) -> str:
        who = await opened.enter()
        async with opened.database.session(who.scope, reading=True) as session:
            return (await countyfile.export(session, who, shell.plugins)).dump()

    written = shell.save(file, shell.run(work).encode(), over=False)
    shell.say("已写入 {file}", "written to {file}", file=written)


@tenant.command("diff")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@pass_shell
def diff(shell: Shell, file: Path) -> None:
    """Show in what the county differs from a county FILE; nothing is changed."""
    given = _county_file(shell, file)

    async def work(opened: Open) -> list[Change]:
        who = await opened.enter()
        async with opened.database.session(who.scope, reading=True) as session:
            return await countyfile.compare(session, who, shell.plugins, given)

    _show_changes(shell, shell.run(work))


@tenant.command("apply")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--only", multiple=True, type=SECTIONS, help="only this part; may be given several times")
@pass_shell
def apply(shell: Shell, file: Path, only: tuple[str, ...]) -> None:
    """Bring the county to what a county FILE says; what only the county has is left alone. Documents come as drafts."""
    given = _county_file(shell, file)

    async def work(opened: Open) -> list[Change]:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            return await countyfile.apply(session, who, shell.plugins, given, [Section(one) for one in only])

    changes = shell.run(work)
    _show_changes(shell, changes)
    shell.say("已应用 {count} 项", "{count} applied", count=len(changes))


def _county_file(shell: Shell, file: Path) -> CountyFile:
    try:
        return CountyFile.load(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        shell.refuse([Code.FILE_UNREADABLE.problem("file", detail=str(error))])
    except Refused as refusal:
        shell.refuse(refusal.problems)


def _show_changes(shell: Shell, changes: Sequence[Change]) -> None:
    if not changes:
        shell.say("与本县一致", "nothing differs")
    for change in changes:
        shell.line(
            f"{shell.show(change.section.title_text)}: {' '.join(change.name)} ({shell.show(change.kind.title_text)})"
        )
        here, there = ((text or "").splitlines() for text in (change.here, change.there))
        for line in difflib.ndiff(here, there):
            if line[:1] in "+-":
                shell.line(f"    {line}")


@click.group()
def clock() -> None:
    """The clock of a demo county."""


@clock.command("set")
@click.argument("day", type=Day())
@pass_shell
def set_clock(shell: Shell, day: date) -> None:
    """Move a demo county forward to DAY."""
    if shell.tenant is None:
        raise click.UsageError("--tenant says which county")
    code = shell.tenant

    async def work(opened: Open) -> None:
        async with opened.database.owner() as connection:
            await set_demo_day(connection, code, day, datetime.now(UTC))

    shell.run(work)


@click.group()
def keyring() -> None:
    """The key ring that seals personal identifiers."""


@keyring.command("new")
def new_keyring() -> None:
    """Print a fresh key ring for BANGFU_KEYRING; keep it as carefully as the data."""
    click.echo(Vault.new().dump())


@keyring.command("rotate")
@pass_shell
def rotate_keys(shell: Shell) -> None:
    """Add a key to the ring. What is written from now on is sealed with it; then run `keyring reseal`."""
    try:
        version = rotate(shell.settings)
    except Refused as refusal:
        shell.refuse(refusal.problems)
    shell.say("新密钥的版本为 {version}", "the new key has version {version}", version=version)


@keyring.command("status")
@pass_shell
def keyring_status(shell: Shell) -> None:
    """Show how many values are sealed under which version of the key, by table and column."""

    async def work(opened: Open) -> tuple[int, Mapping[resealing.Place, Mapping[int, int]]]:
        return opened.vault.newest, await resealing.status(opened.database)

    newest, found = shell.run(work)
    shell.say("当前密钥版本:{version}", "sealed with now: version {version}", version=newest)
    titles = (Text("列", "column"), Text("密钥版本", "key version"), Text("数量", "values"))
    rows = [
        (str(place), version, count) for place, counts in found.items() for version, count in sorted(counts.items())
    ]
    shell.table(shell.show(Text("密钥使用情况", "keys in use")), [shell.show(t) for t in titles], rows, right=(1, 2))


@keyring.command("reseal")
@pass_shell
def reseal(shell: Shell) -> None:
    """Seal anew whatever is under an older key, while everybody goes on working. Stopped anywhere, it is run again."""

    async def work(opened: Open) -> resealing.Resealed:
        return await resealing.reseal(opened.database, opened.vault)

    found = shell.run(work)
    shell.say("重新加密 {count} 个值", "{count} values sealed anew", count=found.done)
    for which in found.unreadable[:SHOWN]:
        shell.say("  无法解密:{which}", "  does not open: {which}", which=which)
    if found.unreadable:
        raise SystemExit(REFUSED_EXIT)


@keyring.command("reindex")
@pass_shell
def reindex(shell: Shell) -> None:
    """Renew the key by which numbers are found again, and every index under it. Stop all servers and workers first."""

    async def work() -> int:
        database = await Database.open(shell.settings, WALLS)
        try:
            with next_index(shell.settings) as ring:
                return await resealing.reindex(database, ring)
        finally:
            await database.close()

    try:
        count = asyncio.run(work())
    except Refused as refusal:
        shell.refuse(refusal.problems)
    shell.say("重建 {count} 个索引", "{count} indexes made anew", count=count)


@keyring.command("retire")
@click.argument("version", type=int)
@pass_shell
def retire_key(shell: Shell, version: int) -> None:
    """Take the key of a VERSION off the ring for good, if nothing is sealed with it any more."""

    async def work(opened: Open) -> None:
        found = await resealing.status(opened.database)
        held = [f"{place}: {counts[version]}" for place, counts in found.items() if version in counts]
        if held:
            raise Code.KEY_IN_USE.refuse("version", version=version, detail=", ".join(held))
        retire(shell.settings, version)

    shell.run(work)
    shell.say("已停用版本 {version}", "version {version} is retired", version=version)


commands = (db, tenant, clock, keyring)
