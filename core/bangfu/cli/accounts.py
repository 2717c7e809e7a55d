"""Commands for how people and systems get in: accounts, a county's own provider, tokens of systems."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import click

from bangfu import accounts
from bangfu.access import Action, county
from bangfu.cli.shell import Open, Shell, pass_shell
from bangfu.providers import ALGORITHMS, Provider, provider_of, remove_provider, set_provider


@click.group()
def account() -> None:
    """Local accounts."""


@account.command("enrol")
@click.argument("number")
@pass_shell
def enrol(shell: Shell, number: str) -> None:
    """Print the code with which the officer with this staff NUMBER sets a password, once, within three days."""

    async def work(opened: Open) -> str:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            return await accounts.enrol(session, who, number, datetime.now(UTC))

    click.echo(shell.run(work))


@account.command("sign-out")
@click.argument("number")
@pass_shell
def sign_out(shell: Shell, number: str) -> None:
    """End every session and token of the officer with this staff NUMBER, but those of systems."""

    async def work(opened: Open) -> None:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            await accounts.sign_out(session, who, number, datetime.now(UTC))

    shell.run(work)
    shell.say("{officer} 已全部退出登录", "{officer} is signed out everywhere", officer=number)


# --- a county's own provider ----------------------------------------------------------------------------------


def _tenant(shell: Shell) -> str:
    if not shell.tenant:
        raise click.UsageError("--tenant says which county")
    return shell.tenant


@click.group()
def provider() -> None:
    """The identity provider that a county's people log in with; stated by the installation's owner."""


@provider.command("set")
@click.option("--issuer", required=True, help="its address, by https, exactly as its tokens name it")
@click.option("--audience", required=True, help="what its access tokens for this county's API name as their audience")
@click.option("--client-id", required=True, help="what it knows this installation as, for logging in")
@click.option("--client-secret", envvar="BANGFU_CLIENT_SECRET", help="the secret of that, if there is one")
@click.option("--algorithm", "algorithms", multiple=True, type=click.Choice(ALGORITHMS), default=("RS256",))
@click.option("--claim", "officer_claim", required=True, help="the claim that holds the staff number")
@pass_shell
def set_(
    shell: Shell,
    issuer: str,
    audience: str,
    client_id: str,
    client_secret: str | None,
    algorithms: tuple[str, ...],
    officer_claim: str,
) -> None:
    """State the county's provider; from then on its people have no other way in."""
    tenant = _tenant(shell)

    async def work(opened: Open) -> None:
        async with opened.database.owner() as connection:
            await set_provider(
                connection,
                opened.vault,
                tenant,
                datetime.now(UTC),
                issuer=issuer,
                audience=audience,
                client_id=client_id,
                client_secret=client_secret,
                algorithms=algorithms,
                officer_claim=officer_claim,
            )

    shell.run(work)
    shell.say("{county} 以 {issuer} 登录", "{county} logs in with {issuer}", county=tenant, issuer=issuer)


@provider.command("show")
@pass_shell
def show(shell: Shell) -> None:
    """Show what is stated of the county's provider, without the secret."""
    tenant = _tenant(shell)

    async def work(opened: Open) -> Provider | None:
        await county(opened.database, tenant)
        return await provider_of(opened.database, tenant)

    found = shell.run(work)
    if found is None:
        shell.say("{county} 使用本地账号", "{county} uses local accounts", county=tenant)
        return
    for name, value in (
        ("issuer", found.issuer),
        ("audience", found.audience),
        ("client-id", found.client_id),
        ("client-secret", "-" if found.client_secret is None else "***"),
        ("algorithm", ", ".join(found.algorithms)),
        ("claim", found.officer_claim),
    ):
        shell.line(f"{name}: {value}")


@provider.command("remove")
@pass_shell
def remove(shell: Shell) -> None:
    """Take the county's provider away; its people use local accounts from then on."""
    tenant = _tenant(shell)

    async def work(opened: Open) -> bool:
        async with opened.database.owner() as connection:
            return await remove_provider(connection, tenant)

    if shell.run(work):
        shell.say("已移除", "removed")
    else:
        shell.say("没有需要移除的", "there was nothing to remove")


# --- tokens of systems ----------------------------------------------------------------------------------------


@click.group("service-token")
def service_token() -> None:
    """Tokens of systems."""


@service_token.command("issue")
@click.argument("name")
@click.option("--action", "actions", multiple=True, required=True, type=click.Choice([a.value for a in Action]))
@click.option("--days", default=90, show_default=True, type=click.IntRange(1, 366), help="how long it lasts")
@click.option("--in-the-name-of", "officer", help="staff number of the account; who acts unless stated")
@pass_shell
def issue(shell: Shell, name: str, actions: tuple[str, ...], days: int, officer: str | None) -> None:
    """Print a token for the system called NAME, limited to some actions; it is shown this once."""

    async def work(opened: Open) -> str:
        who = await opened.enter()
        limited = [Action(action) for action in actions]
        async with opened.database.session(who.scope) as session:
            _, token = await accounts.issue_service_token(
                session, who, name, limited, timedelta(days=days), datetime.now(UTC), officer
            )
        return token

    click.echo(shell.run(work))


@service_token.command("revoke")
@click.argument("token", type=click.UUID)
@pass_shell
def revoke(shell: Shell, token: UUID) -> None:
    """End the TOKEN of this id at once."""

    async def work(opened: Open) -> None:
        who = await opened.enter()
        async with opened.database.session(who.scope) as session:
            await accounts.revoke_service_token(session, who, token, datetime.now(UTC))

    shell.run(work)
    shell.say("已吊销", "revoked")


@service_token.command("list")
@pass_shell
def list_(shell: Shell) -> None:
    """List the tokens in sight, newest first."""
    now = datetime.now(UTC)

    async def work(opened: Open) -> list[accounts.Token]:
        who = await opened.enter()
        async with opened.database.session(who.scope, reading=True) as session:
            return list(await accounts.service_tokens(session, who))

    for token in shell.run(work):
        counts = "" if token.counts(now) else " -"
        until = token.expires_at.date().isoformat()
        shell.line(f"{token.id} {token.officer} {token.name} {until} {','.join(token.actions)}{counts}")


commands = (account, provider, service_token)
