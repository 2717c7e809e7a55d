"""``bangfu demo``: a made-up county and its whole story, told through the real product."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from bangfu.cli.demo.county import Size
from bangfu.cli.demo.story import PERIOD, PROGRAMME, Story, Told
from bangfu.cli.shell import Open, Shell, pass_shell

SMALL = Size(
    townships=2, villages=3, planned=30, planned_persons=90, exited=110, disabled=40, disabled_homes=36, goods=6,
    equipped=4,
)  # fmt: skip


@click.command()
@click.option("--small", is_flag=True, help="a county of 140 poor households instead of 7,717")
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), help="where the workbooks go")
@pass_shell
def demo(shell: Shell, small: bool, folder: Path | None) -> None:
    """Tell the whole story on a made-up county: a year of four awards, from an office's workbooks to what was paid.

    Every run makes a county of its own, so it can be told again.
    """
    target = folder or shell.settings.home / "demo"

    async def work(opened: Open) -> Told:
        size = SMALL if small else Size()
        return await Story(opened.database, opened.vault, shell.plugins, target, shell.out, size).tell()

    told = shell.run(work)
    shell.out.print()
    shell.out.rule("[bold]自己试试  try it yourself", align="left")
    example, household = told.examples["capped"], told.examples["bereaved"]
    program = os.path.relpath(sys.argv[0]) if sys.argv[0].endswith("bangfu") else "bangfu"
    of = f"-p {PROGRAMME} --period {PERIOD}"
    for command in (
        f"{program} --tenant {told.code} --as X002 why {example} {of} --both",
        f"{program} --tenant {told.code} --as X002 case overview {of}",
        f"{program} --tenant {told.code} --as X002 why {household} --year {PERIOD}",
        f"{program} --tenant {told.code} --as X002 case missed {of}",
        f"{program} --tenant {told.code} --as X002 replay {of}",
        f"{program} --tenant {told.code} doctor",
        f"{program} --tenant {told.code} --as X002 audit list --limit 20",
    ):
        shell.line(f"  {command}")
    shell.line(f"\n付款名册 / payment list: {told.payment_list}")
    shell.line(f"公示海报 / poster: {told.poster}")
    shell.line(f"公开页(启动接口后) / public page, once the API is served: {told.page}")
    shell.line(f"全部工作簿 / all workbooks: {target}")


commands = (demo,)
