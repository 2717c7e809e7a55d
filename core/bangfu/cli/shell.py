"""What every command shares: who acts, on which database, and how an answer or a refusal is shown."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, NoReturn, TypeVar, cast

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bangfu.access import Entered, actor, enter
from bangfu.cases.acts import Report
from bangfu.cases.ground import Ground, ground_of
from bangfu.cases.views import Selection, Stated
from bangfu.cli import page
from bangfu.db import Database
from bangfu.documents.cells import CellProblem
from bangfu.errors import Code, Problem, Refused
from bangfu.jobs import Watch
from bangfu.models import WALLS
from bangfu.process import Duty
from bangfu.programme import AnyProgramme, Plugins, Programme, installed
from bangfu.registry.divisions import area_of, read_code
from bangfu.settings import Settings
from bangfu.text import LANGUAGES, Language, Text
from bangfu.vault import Vault

R = TypeVar("R")
Q = TypeVar("Q", bound=AnyProgramme)
REFUSED_EXIT = 1
SHOWN = 20


class Target(click.Path):
    """Where a file is to be written; its folder is looked at before anything is done for it."""

    def __init__(self) -> None:
        super().__init__(dir_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read the path."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if not path.parent.is_dir() or not os.access(path.parent, os.W_OK | os.X_OK):
            self.fail(f"there is no folder {path.parent} that can be written to", param, ctx)
        return path


@dataclass
class Shell:
    """One run of the command line."""

    settings: Settings
    language: Language
    tenant: str | None
    officer: str | None
    meant: str | None = None
    out: Console = field(default_factory=Console)

    def say(self, zh: str, en: str, **values: Any) -> None:
        """Print a sentence in the caller's language."""
        self.line(Text(zh, en).filled(**values).in_(self.language))

    def line(self, words: str) -> None:
        """Print a line as it is, for the terminal to wrap."""
        self.out.print(words, highlight=False, markup=False, soft_wrap=True)

    def show(self, text: Text) -> str:
        """A text in the caller's language."""
        return text.in_(self.language)

    @property
    def plugins(self) -> Plugins:
        """The plugins of this installation."""
        return installed()

    def programme(self, code: str | None) -> Programme:
        """The programme of cases that is meant: the stated one, that of ``BANGFU_PROGRAMME``, or the only one there
        is."""
        return self._meant(code, self.plugins.programmes, self.plugins.programme)

    def any_programme(self, code: str | None) -> AnyProgramme:
        """The programme that is meant, of whatever shape."""
        return self._meant(code, self.plugins.every, self.plugins.any)

    def _meant(self, code: str | None, known: Mapping[str, AnyProgramme], find: Callable[[str], Q]) -> Q:
        stated = code or self.meant or (next(iter(known)) if len(known) == 1 else None)
        if stated is None:
            raise click.UsageError(f"--programme (or BANGFU_PROGRAMME) says which programme: {', '.join(known)}")
        try:
            return find(stated)
        except Refused as refusal:
            self.refuse(refusal.problems)

    def run(
        self,
        work: Callable[[Open], Awaitable[R]],
        *,
        migrate: bool | None = None,
        loop: Callable[[], asyncio.AbstractEventLoop] | None = None,
    ) -> R:
        """Open the database (bringing its tables up to date if ``migrate``) and do the work, on a loop of one's own if
        one is given.

        A refusal is shown and ends the command with 1.
        """

        async def inside() -> R:
            database = await Database.open(self.settings, WALLS, migrate=migrate)
            try:
                if not Vault.is_there(self.settings) and await database.has_counties():
                    # A fresh ring over old data could open none of it, and would register everybody a second time.
                    raise Code.KEYRING_MISSING.refuse()
                return await work(Open(self, database, Vault.open(self.settings)))
            finally:
                await database.close()

        try:
            with asyncio.Runner(loop_factory=loop) as runner:
                return runner.run(inside())
        except Refused as refusal:
            self.refuse(refusal.problems)

    def refuse(self, problems: Iterable[Problem]) -> NoReturn:
        """Show problems and exit with 1."""
        err = Console(stderr=True)
        for problem in problems:
            where = ".".join(str(step) for step in problem.path)
            err.print(f"[bold red]{problem.code.name}[/]{f' ({where})' if where else ''}: ", end="", highlight=False)
            err.print(self.show(problem.message), markup=False, highlight=False, soft_wrap=True)
            err.print(f"  → {self.show(problem.remedy)}", markup=False, highlight=False, soft_wrap=True)
        sys.exit(REFUSED_EXIT)

    def save(self, path: Path, data: bytes, *, over: bool = True) -> Path:
        """Write a file that only its owner can read; unless ``over``, beside one that is there and not over it."""
        target, count = path, 1
        while not over and target.exists():
            count += 1
            target = path.with_name(f"{path.stem}-{count}{path.suffix}")
        target.unlink(missing_ok=True)
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
        return target

    def table(
        self, title: str, headers: Sequence[str], rows: Iterable[Sequence[object]], right: Collection[int] = ()
    ) -> None:
        """Print a table; ``right`` are the columns of numbers."""
        page.print_table(self.out, title, headers, rows, right)

    def report(self, report: Report) -> None:
        """Show what an act came to; exit with 1 if it was refused for all."""
        self.say(
            "完成 {done} 户,无变化 {unchanged} 户,未办理 {refused} 户",
            "done {done}, unchanged {unchanged}, refused {refused}",
            done=len(report.done),
            unchanged=len(report.unchanged),
            refused=len(report.refused),
        )
        for number, problem in report.refused[:SHOWN]:
            self.line(f"  {number}  {problem.code.name}: {self.show(problem.message)}")
            self.line(f"    → {self.show(problem.remedy)}")
        if len(report.refused) > SHOWN:
            self.say("  ……另有 {more} 户", "  … and {more} more", more=len(report.refused) - SHOWN)
        if report.refused and not report.done and not report.unchanged:
            sys.exit(REFUSED_EXIT)


@dataclass
class Open:
    """The database of a run, and who acts on it."""

    shell: Shell
    database: Database
    vault: Vault

    async def enter(self) -> Entered:
        """Who acts, as stated with ``--tenant`` and ``--as``."""
        if not self.shell.tenant or not self.shell.officer:
            raise click.UsageError("--tenant and --as (or BANGFU_TENANT and BANGFU_OFFICER) say who acts")
        return await enter(self.database, self.shell.tenant, self.shell.officer)

    async def ground(self, who: Entered, programme: str | None, period: str) -> Ground:
        """The programme and period that are meant."""
        async with self.database.session(who.scope) as session:
            return await ground_of(session, who.county.id, self.shell.programme(programme), period)


class Day(click.ParamType[date]):
    """A day like 2021-09-30."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Read the day."""
        try:
            return value if isinstance(value, date) else date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a day like 2021-09-30", param, ctx)


F = TypeVar("F", bound=Callable[..., Any])


def pass_shell(function: F) -> F:
    """Give a command the run's :class:`Shell` as its first argument."""
    return cast(F, click.make_pass_decorator(Shell)(function))


def _options(*options: Callable[[F], F]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def programme_options(function: F) -> F:
    """``--programme`` and ``--period``."""
    return _options(
        click.option("-p", "--programme", help="programme code; left out, that of BANGFU_PROGRAMME"),
        click.option("--period", required=True, help="period, such as the plan year 2021"),
    )(function)


def selection_options(function: F) -> F:
    """Which cases: ``--household``, ``--area``, ``--all``, ``--without``."""
    return _options(
        click.option(
            "-n",
            "--household",
            multiple=True,
            help="number of a household, or of a person where the programme is for persons; may be given again",
        ),
        click.option("--area", multiple=True, help="12-digit code of a village, township or county"),
        click.option("--all", "everything", is_flag=True, help="every case in sight"),
        click.option("--without", multiple=True, help="number to leave out"),
    )(function)


def area_option(function: F) -> F:
    """``--area``: one division, as a range of codes; None is everything in sight."""

    def read(context: click.Context, param: click.Parameter, value: str | None) -> tuple[int, int] | None:
        return _area(value) if value is not None else None

    code = "12-digit code of a village, township or county; everything in sight unless stated"
    return _options(click.option("--area", callback=read, help=code))(function)


def stated_options(function: F) -> F:
    """What is said of an act: ``--day``, ``--duty``, ``--reason``, ``--evidence``, ``--for``."""
    return _options(
        click.option("--day", type=Day(), help="the day it happened; today unless stated"),
        click.option("--duty", type=click.Choice([duty.value for duty in Duty]), help="the duty acted in"),
        click.option("--reason", default="", help="why it is late"),
        click.option("--evidence", default="", help="the paper that shows it"),
        click.option("--for", "signatory", help="staff number of who did it, where somebody else types it in"),
    )(function)


def select(household: Sequence[str], area: Sequence[str], everything: bool, without: Sequence[str]) -> Selection:
    """The selection of the options; nothing selected is a usage error, never everything."""
    if not household and not area and not everything:
        raise click.UsageError("say which cases: --household, --area or --all")
    areas = [_area(code) for code in area] if area else None
    return Selection(numbers=list(household) or None, areas=areas, without=list(without))


def _area(code: str) -> tuple[int, int]:
    try:
        return area_of(read_code(code))
    except CellProblem:
        raise click.BadParameter(f"{code!r} is not a division code of 6, 9 or 12 digits", param_hint="--area") from None


async def state(
    opened: Open, who: Entered, day: date | None, duty: str | None, reason: str, evidence: str, signatory: str | None
) -> Stated:
    """What the options say of an act."""
    by = None
    if signatory is not None:
        async with opened.database.session(who.scope) as session:
            by = await actor(session, who.county, signatory)
    return Stated(day, Duty(duty) if duty else None, reason, evidence, by)


def progress_bar(out: Console, title: str) -> tuple[Progress, Watch]:
    """A progress bar, and what a job tells it."""
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=out
    )
    task = bar.add_task(title, total=None)

    def watch(done: int, total: int | None) -> None:
        bar.update(task, completed=done, total=total)

    return bar, watch


def language_of(text: str) -> Language:
    """A language by its code."""
    if text not in LANGUAGES:
        raise click.BadParameter("zh or en")
    return "en" if text == "en" else "zh"
