"""One request: who asks, in which language, and the one transaction that it has.

A query reads in a transaction that can change nothing and sees one state of the database. A mutation has exactly one
field, and its transaction is committed when the whole answer stands, or not at all. A mutation that carries an
``Idempotency-Key`` is written down in that same transaction with its answer, so that it is carried out once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import strawberry
from sqlalchemy import delete, select, update
from sqlalchemy.exc import InterfaceError
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu.access import Entered, Pass, admit
from bangfu.db import Database
from bangfu.db.bulk import insert_new
from bangfu.errors import Code
from bangfu.models import AnsweredRequest
from bangfu.programme import Plugins, Programme
from bangfu.text import Language, Text
from bangfu.vault import Vault
from bangfu_graphql.mapping import Sight
from bangfu_graphql.planning import Planner
from bangfu_graphql.reading import Reader

KEPT = timedelta(days=7)
"""How long the answer to a request with a key is kept."""
_PLACE = "answered_request.answer"


class Undo(Exception):
    """Ends a transaction without keeping anything of it."""


class Replayed(Exception):
    """The request has been carried out before; its answer is on the request."""


@dataclass
class Request:
    """What a resolver knows of the request that it answers."""

    shown: Pass
    who: Entered
    database: Database
    vault: Vault
    plugins: Plugins
    programmes: Mapping[str, Programme]
    language: Language
    trace: str
    key: str | None = None
    digest: str = ""
    writing: bool = False
    refused: bool = False
    replayed: bytes | None = None
    variables: Any = None
    """The coerced variables, as the planner needs them; set when execution begins."""
    schema: Any = None
    _open: AbstractAsyncContextManager[AsyncSession] | None = None
    _session: AsyncSession | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        sight = Sight(self.who, self.programmes, self.vault, self.language)
        self.reader = Reader(sight, self.session, lambda info: Planner.of(info, self.variables, self.schema))

    def say(self, text: Text) -> str:
        """A text in the caller's language."""
        return text.in_(self.language)

    async def renew(self) -> None:
        """Look at who asks anew: duties may have ended since. Refuses ``PASS_ENDED``."""
        self.who = await admit(self.database, self.shown)
        self.__post_init__()

    async def standing(self, model: Any, key: Any) -> tuple[Any, ...] | None:
        """Where a job stands, for who may see it: its state, and how far it has come."""
        query = select(model.state, model.done, model.total, model.finished_at)
        async with self.session() as session:
            found = (await session.execute(query.where(model.tenant_id == self.who.county.id, model.id == key))).first()
        return tuple(found) if found is not None else None

    # --- the transaction ---

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """The request's session; fields that are resolved at once take turns."""
        async with self._lock:
            if self._session is None:
                opened = self.database.session(self.who.scope, reading=not self.writing)
                self._session = await opened.__aenter__()
                self._open = opened  # only now is there something to end
            yield self._session

    async def end(self, keep: bool) -> None:
        """End the transaction, keeping what was done or nothing of it."""
        if self._open is None:
            return
        opened, self._open, self._session = self._open, None, None
        if keep:
            await opened.__aexit__(None, None, None)
            return
        undo = Undo()
        # Where one field is refused, those beside it are given up in the middle of a statement, and the connection with
        # them: nothing is left to undo.
        with contextlib.suppress(Undo, InterfaceError):
            await opened.__aexit__(Undo, undo, undo.__traceback__)

    @asynccontextmanager
    async def change(self) -> AsyncIterator[AsyncSession]:
        """The session of a mutation, which is carried out once for its key; raises :class:`Replayed` if it was."""
        self.writing = True
        async with self.session() as session:
            if self.key is not None:
                await self._once(session)
            yield session

    async def _once(self, session: AsyncSession) -> None:
        own = (AnsweredRequest.tenant_id == self.who.county.id, AnsweredRequest.officer_id == self.who.actor.id)
        await session.execute(delete(AnsweredRequest).where(*own, AnsweredRequest.created_at < self.who.at.now - KEPT))
        row = {
            "tenant_id": self.who.county.id,
            "officer_id": self.who.actor.id,
            "key": self.key,
            "digest": self.digest,
            "answer": None,
            "created_at": self.who.at.now,
        }
        # Whoever comes second waits here until the first is committed or gone.
        if await insert_new(session, AnsweredRequest, [row], "key"):
            return
        known = (await session.scalars(select(AnsweredRequest).where(*own, AnsweredRequest.key == self.key))).one()
        if known.digest != self.digest:
            raise Code.KEY_REUSED.refuse()
        if known.answer is None:
            raise Code.CONFLICT.refuse()
        self.replayed = self.vault.open_bytes(known.answer, _PLACE, self.who.county.id)
        raise Replayed

    async def keep_answer(self, answer: bytes) -> None:
        """Keep the answer with the key, in the transaction that it is the answer to."""
        if self.key is None or self._session is None:
            return
        await self._session.execute(
            update(AnsweredRequest)
            .where(
                AnsweredRequest.tenant_id == self.who.county.id,
                AnsweredRequest.officer_id == self.who.actor.id,
                AnsweredRequest.key == self.key,
            )
            .values(answer=self.vault.seal(answer, _PLACE, self.who.county.id))
        )


def request_of(info: strawberry.Info) -> Request:
    """The request that a resolver answers."""
    request: Request = info.context
    return request


def say(info: strawberry.Info, text: Text) -> str:
    """A text in the caller's language."""
    return request_of(info).say(text)
