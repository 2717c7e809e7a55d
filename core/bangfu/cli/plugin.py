"""Commands for plugin authors: begin one, and look at one before anybody relies on it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

import click

from bangfu.cli.shell import REFUSED_EXIT, Shell, pass_shell
from bangfu.conformance.child import MEGABYTES, SECONDS, Look, look_at
from bangfu.conformance.projects import declared_in
from bangfu.programme import GROUP, bundled
from bangfu.programme.admission import admit as record
from bangfu.programme.admission import fingerprint
from bangfu.scaffold import NameTaken, write
from bangfu.text import Text


@click.group()
def plugin() -> None:
    """Plugins: begin one, and look at one before anybody relies on it."""


@plugin.command("new")
@click.argument("name")
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="in which folder")
@click.option("--title", default="新项目", help="the programme's Chinese name")
@pass_shell
def new(shell: Shell, name: str, into: Path, title: str) -> None:
    """Write a plugin NAME with one programme: its policy, rules, stages, worked examples, tests and README."""
    try:
        folder = write(name, title, into)
    except NameTaken as error:
        raise click.UsageError(str(error)) from error
    shell.say(
        "已写入 {folder};运行 bangfu plugin check {folder}",
        "written to {folder}; run bangfu plugin check {folder}",
        folder=folder,
    )


def limits(command: Callable[..., None]) -> Callable[..., None]:
    """The options of a look at a plugin."""
    for option in (
        click.option("--megabytes", type=click.IntRange(512), default=MEGABYTES, help="how much memory it may ask for"),
        click.option("--seconds", type=click.IntRange(1, 3600), default=SECONDS, help="how long it may take"),
    ):
        command = option(command)
    return command


@plugin.command("check")
@click.argument("plugin")
@limits
@pass_shell
def check(shell: Shell, plugin: str, seconds: int, megabytes: int) -> None:
    """Look at a PLUGIN, by its name if it is installed, else by its project folder; exits with 1 if it has a fault."""
    folder = Path(plugin)
    names = [point.name for point in entry_points(group=GROUP)]
    if plugin in names:
        look = look_at(plugin, None, seconds, megabytes)
    elif folder.is_dir():
        try:
            look = look_at(declared_in(folder).name, folder.resolve(), seconds, megabytes)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
    else:
        raise click.UsageError(f"{plugin} is neither a folder nor an installed plugin: {', '.join(names)}")
    _show(shell, look)


@plugin.command("admit")
@click.argument("name")
@limits
@pass_shell
def admit(shell: Shell, name: str, seconds: int, megabytes: int) -> None:
    """Look at an installed plugin, and let this installation load it if it has no fault; exits with 1 if it has."""
    points = {point.name: point for point in entry_points(group=GROUP) if not bundled(point)}
    if name not in points:
        raise click.UsageError(f"{name} is no installed third-party plugin: {', '.join(points) or '-'}")
    look = look_at(name, None, seconds, megabytes)
    _show(shell, look)
    # What was looked at, and not what happens to lie there now.
    if look.kept is None or look.kept != fingerprint(points[name]):
        raise click.UsageError(f"{name} is not what was looked at: {points[name].value}")
    record(shell.settings.home, name, look.kept)
    shell.say("已准入 {name}", "{name} is admitted", name=name)


def _show(shell: Shell, look: Look) -> None:
    """Show what was found; exit with 1 if it is not sound."""
    if look.not_loaded:
        shell.say("未能载入:{why}", "not loaded: {why}", why=look.not_loaded)
    rows = [
        (one.programme, shell.show(one.check.title_text), "✗" if one.faults else "✓", "; ".join(one.faults) or one.note)
        for one in look.found
    ]
    if rows:
        titles = (Text("项目", "programme"), Text("检查", "check"), Text("结果", "holds"), Text("说明", "said"))
        shell.table(
            shell.show(Text("插件检查", "what the plugin holds")), [shell.show(title) for title in titles], rows
        )
    if look.brought == ():
        shell.say("没有项目", "it brings no programme")
    if look.ended:
        shell.line(shell.show(look.ended))
    if not look.sound:
        sys.exit(REFUSED_EXIT)


commands = (plugin,)
