"""The command line: every step of a programme, by the same core that the API calls.

It trusts whoever runs it to say who acts (``--as``), checks that officer's duties and area, and records it. A refused
request exits with 1 and changes nothing; a wrong use of the command with 2.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

import click

from bangfu import __version__
from bangfu.cli import (
    accounts,
    attest,
    audit,
    case,
    demo,
    federation,
    installation,
    lists,
    money,
    month,
    notice,
    officer,
    pairing,
    plugin,
    policy,
    programme,
    provision,
    registry,
)
from bangfu.cli.shell import Shell, language_of
from bangfu.settings import Settings

COMMANDS = "bangfu.commands"
"""The entry-point group through which other packages add commands."""


class Commands(click.Group):
    """Our own commands, and those of other packages, which are loaded when they are asked for: the API takes longer to
    load than most commands take to run."""

    def added(self) -> dict[str, EntryPoint]:
        """The commands of other packages by name."""
        return {point.name: point for point in entry_points(group=COMMANDS)}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, in order."""
        return sorted({*super().list_commands(ctx), *self.added()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command by name, or None where there is none."""
        own = super().get_command(ctx, cmd_name)
        if own is None and (point := self.added().get(cmd_name)) is not None:
            own = self.commands[cmd_name] = point.load()
        return own


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
@click.option("--tenant", envvar="BANGFU_TENANT", help="six-digit code of the county")
@click.option("--as", "acting", envvar="BANGFU_OFFICER", help="staff number of the officer who acts")
@click.option(
    "--programme", "meant", envvar="BANGFU_PROGRAMME", help="the programme of commands that do not say theirs"
)
@click.option("--language", envvar="BANGFU_LANGUAGE", default="zh", help="zh or en")
@click.pass_context
def main(context: click.Context, tenant: str | None, acting: str | None, meant: str | None, language: str) -> None:
    """Bangfu 帮扶: from a county's assistance plan to a running, fair, auditable programme."""
    try:
        settings = Settings.from_environment()
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    context.obj = Shell(settings, language_of(language), tenant, acting, meant)


for module in (
    installation,
    accounts,
    registry,
    officer,
    programme,
    provision,
    plugin,
    case,
    attest,
    lists,
    notice,
    pairing,
    federation,
    money,
    month,
    audit,
    policy,
    demo,
):
    for command in module.commands:
        main.add_command(command)
