"""How people and systems get in, as far as the API has a say: enrolment codes, tokens of systems, signing out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import accounts
from bangfu.access import Action
from bangfu.errors import Code
from bangfu.text import Text
from bangfu_graphql import acting
from bangfu_graphql.acting import Payload, SettingPayload, says
from bangfu_graphql.identifiers import encode_id, split_id
from bangfu_graphql.mapping import ACTION
from bangfu_graphql.requests import Request, request_of

KIND = "ServiceToken"
"""The type that is named in the id of a system's token."""


@strawberry.type(description="A token with which a system works in the name of an account, for some actions only.")
class ServiceToken:
    """A token of a system."""

    id: strawberry.ID = strawberry.field(description="Its id.")
    officer: str = strawberry.field(description="The staff number of the account in whose name it works.")
    name: str = strawberry.field(description="What it is for.")
    actions: list[Action] = strawberry.field(description="What it is limited to.")
    made_at: datetime = strawberry.field(description="When it was made.")
    expires_at: datetime = strawberry.field(description="When it ends by itself.")
    revoked_at: datetime | None = strawberry.field(description="When it was ended; null if it was not.")
    counts: bool = strawberry.field(description="Whether it lets anybody in now.")


@strawberry.type(description="A browser that one is logged in with.")
class LoginSession:
    """A browser that one is logged in with."""

    way: str = strawberry.field(description="How: `password`, `password+code` or `provider`.")
    created_at: datetime = strawberry.field(description="When it was logged in.")
    seen_at: datetime = strawberry.field(description="When it was last used, to the minute.")
    ends_at: datetime = strawberry.field(description="When it ends if it is not used again.")
    current: bool = strawberry.field(description="Whether it is the one that asks.")


@strawberry.type(description="What came of making an enrolment code.")
class EnrolmentPayload(Payload):
    """What came of making an enrolment code."""

    code: str | None = strawberry.field(
        description="The code, shown this once: whoever has it sets the account's password, once, within three days. "
        "Null if it was refused."
    )

    def has_changed(self) -> bool:
        """Whether it was not refused."""
        return self.code is not None


@strawberry.type(description="What came of making a token for a system.")
class ServiceTokenPayload(Payload):
    """What came of making a token for a system."""

    token: str | None = strawberry.field(description="The token, shown this once; null if it was refused.")
    id: strawberry.ID | None = strawberry.field(description="Its id; null if it was refused.")

    def has_changed(self) -> bool:
        """Whether it was not refused."""
        return self.token is not None


@strawberry.input(description="A token for a system.")
class ServiceTokenInput:
    """A token for a system."""

    name: str = strawberry.field(description="What it is for, such as the system that will use it.")
    actions: list[Action] = strawberry.field(
        description="What it is limited to: no more than who makes it may, and never `KEEP_ACCOUNTS`. It never does "
        "more than its account may."
    )
    days: int = strawberry.field(description="For how many days it lasts, at most 366.")
    officer: str | None = strawberry.field(
        description="The staff number of the account in whose name it works, one's own unless stated; another's needs "
        "`KEEP_ACCOUNTS`.",
        default=None,
    )


@strawberry.type
class AccountQuery:
    """What can be asked about getting in."""

    @strawberry.field(
        description="The newest tokens of systems, at most 100: those in one's own name, with `KEEP_ACCOUNTS` all."
    )
    async def service_tokens(self, info: strawberry.Info) -> list[ServiceToken]:
        """The newest tokens of systems."""
        request, now = request_of(info), datetime.now(UTC)
        async with request.session() as session:
            found = await accounts.service_tokens(session, request.who)
        return [
            ServiceToken(
                id=strawberry.ID(encode_id(KIND, token.id)),
                officer=token.officer,
                name=token.name,
                actions=[action for action in Action if action.value in token.actions],
                made_at=token.made_at,
                expires_at=token.expires_at,
                revoked_at=token.revoked_at,
                counts=token.counts(now),
            )
            for token in found
        ]

    @strawberry.field(description="The browsers that one is logged in with now, newest first.")
    async def login_sessions(self, info: strawberry.Info) -> list[LoginSession]:
        """The browsers that one is logged in with."""
        request = request_of(info)
        async with request.session() as session:
            found = await accounts.logins(session, request.who, datetime.now(UTC))
        return [
            LoginSession(
                way=login.way,
                created_at=login.created_at,
                seen_at=login.seen_at,
                ends_at=login.ends_at,
                current=login.id == request.shown.session,
            )
            for login in found
        ]


@strawberry.type
class AccountMutation:
    """What can be changed about getting in."""

    @strawberry.mutation(
        description="Make the code with which an officer sets a password; an earlier one counts no more.",
        metadata={ACTION: Action.KEEP_ACCOUNTS},
    )
    async def enrol_officer(
        self, info: strawberry.Info, officer: Annotated[str, says("The staff number.")]
    ) -> EnrolmentPayload:
        """Make an enrolment code."""

        async def work(request: Request, session: AsyncSession) -> EnrolmentPayload:
            code = await accounts.enrol(session, request.who, officer, datetime.now(UTC))
            return EnrolmentPayload(code=code, problems=[])

        return await acting.change(info, work, lambda problems: EnrolmentPayload(code=None, problems=problems))

    @strawberry.mutation(description="Make a token for a system, in one's own name or in that of another account.")
    async def issue_service_token(
        self, info: strawberry.Info, input: Annotated[ServiceTokenInput, says("The token.")]
    ) -> ServiceTokenPayload:
        """Make a token for a system."""

        async def work(request: Request, session: AsyncSession) -> ServiceTokenPayload:
            days = max(0, min(input.days, accounts.LONGEST_TOKEN.days + 1))
            lasts, now = timedelta(days=days), datetime.now(UTC)
            key, token = await accounts.issue_service_token(
                session, request.who, input.name, input.actions, lasts, now, input.officer
            )
            return ServiceTokenPayload(token=token, id=strawberry.ID(encode_id(KIND, key)), problems=[])

        return await acting.change(
            info, work, lambda problems: ServiceTokenPayload(token=None, id=None, problems=problems)
        )

    @strawberry.mutation(description="End a system's token at once: one's own, with `KEEP_ACCOUNTS` any.")
    async def revoke_service_token(
        self, info: strawberry.Info, id: Annotated[strawberry.ID, says("Its id.")]
    ) -> SettingPayload:
        """End a system's token."""

        async def work(request: Request, session: AsyncSession) -> SettingPayload:
            name, stated = split_id(id)
            try:
                key = UUID(stated if name == KIND else "")
            except ValueError:
                raise Code.NOT_FOUND.refuse("id", what=Text("服务令牌", "the service token")) from None
            await accounts.revoke_service_token(session, request.who, key, datetime.now(UTC))
            return SettingPayload(done=True, problems=[])

        return await acting.change(info, work, lambda problems: SettingPayload(done=False, problems=problems))

    @strawberry.mutation(
        description="End every session and every token of an officer but those of systems, the asking one too: one's "
        "own, or another's with `KEEP_ACCOUNTS`."
    )
    async def sign_out_everywhere(
        self,
        info: strawberry.Info,
        officer: Annotated[str | None, says("The staff number, one's own unless stated.")] = None,
    ) -> SettingPayload:
        """End every session and token of an officer."""

        async def work(request: Request, session: AsyncSession) -> SettingPayload:
            await accounts.sign_out(session, request.who, officer, datetime.now(UTC))
            return SettingPayload(done=True, problems=[])

        return await acting.change(info, work, lambda problems: SettingPayload(done=False, problems=problems))
