"""What ``bangfu serve --demo`` prints: a token for each role of the newest demo county, a public page, and three
queries to try."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from bangfu.access import County, actors, county
from bangfu.cli.demo.story import FIRST_CODE, PERIOD, PROGRAMME
from bangfu.cli.shell import Open
from bangfu.db import Scope
from bangfu.errors import Refused
from bangfu.models import Case, Household, Publication
from bangfu.process import Duty
from bangfu.text import Text
from bangfu_graphql.tokens import Issuer

LASTS = timedelta(days=7)
QUERIES = (
    (
        Text("我是谁,能做什么", "who am I, and what may I do"),
        "{ viewer { name today duties permissions } }",
    ),
    (
        Text("本人负责范围内的申报、各由谁办理", "the cases in sight, and who holds them"),
        '{ consolidation(period: "%(period)s") { cases(first: 3) { totalCount nodes { household { number } stageTitle '
        "waitsFor determination { outcome payable } } } } }",
    ),
    (
        Text("为什么是这个金额", "why this amount"),
        '{ why(household: "%(household)s", programme: "consolidation", period: "%(period)s") { summary '
        "lines { cites says result arithmetic } } }",
    ),
)


async def show(opened: Open, address: str) -> None:
    """Print the tokens and the queries of the newest demo county, if there is one."""
    shell = opened.shell
    found = await _newest(opened)
    if found is None:
        shell.say("还没有演示县:先运行 make demo", "there is no demo county yet: run make demo first")
        return
    issuer = Issuer.open(shell.settings)
    async with opened.database.session(Scope(found.id, staff=True)) as session:
        officers = await actors(session, found)
    shell.out.print()
    shell.out.rule(f"[bold]{found.name} {found.code}", align="left")
    first = ""
    today = found.moment().today
    for duty in Duty:
        able = [officer for officer in officers if duty in officer.duties(today)]
        held = min(able, key=lambda officer: (len(officer.duties(today)), officer.number), default=None)
        if held is not None:
            token = issuer.issue(found.code, held.number, datetime.now(UTC), LASTS)
            first = token if duty is Duty.COUNTY_OFFICE else first
            shell.out.print(f"[bold]{shell.show(duty.title_text)}[/] {held.number} {held.name}", highlight=False)
            shell.line(token)
    shell.out.print()
    shell.say(
        "控制台(粘贴一个令牌):{address}/graphql/console",
        "the console (paste a token): {address}/graphql/console",
        address=address,
    )
    example = await _example(opened, found)
    if (page := await _page(opened, found)) is not None:
        shell.say(
            "正在公示的公开页(无需登录):{address}{page}",
            "a public page, open to everybody: {address}{page}",
            address=address,
            page=page,
        )
    for title, query in QUERIES:
        shell.out.print(f"\n[bold]{shell.show(title)}[/]")
        body = json.dumps({"query": query % {"period": PERIOD, "household": example}}, ensure_ascii=False)
        quoted = body.replace("'", "'\\''")
        shell.line(f"curl -s {address}/graphql -H 'Content-Type: application/json' -H \"Authorization: Bearer $TOKEN\" "
                   f"-d '{quoted}'")  # fmt: skip
    shell.line(f"\nTOKEN={first}")


async def _newest(opened: Open) -> County | None:
    """The demo county that was made last."""
    newest = None
    for code in range(FIRST_CODE, FIRST_CODE + 99):
        try:
            newest = await county(opened.database, str(code))
        except Refused:
            break
    return newest


async def _page(opened: Open, found: County) -> str | None:
    """The path of a public page that is open on the county's day, if there is one."""
    today = found.moment().today
    async with opened.database.session(Scope(found.id, (found.area,))) as session:
        query = (
            select(Publication.slug)
            .where(Publication.tenant_id == found.id, Publication.first_day <= today, Publication.last_day >= today)
            .order_by(Publication.first_day, Publication.id)
        )
        slug = await session.scalar(query.limit(1))
    return None if slug is None else f"/public/notices/{slug}"


async def _example(opened: Open, found: County) -> str:
    """A household whose number can be asked for."""
    async with opened.database.session(Scope(found.id, (found.area,))) as session:
        query = (
            select(Household.number)
            .join(Case, (Case.tenant_id == Household.tenant_id) & (Case.household_id == Household.id))
            .where(Household.tenant_id == found.id, Case.programme == PROGRAMME)
            .order_by(Household.number)
        )
        return await session.scalar(query.limit(1)) or ""
