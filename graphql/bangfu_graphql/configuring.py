"""The county file: what a county has set up as one text, compared with it, and applied to it 县配置文件."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import countyfile
from bangfu.access import Action
from bangfu.countyfile import CountyFile, Difference, Section
from bangfu_graphql import acting
from bangfu_graphql.acting import Payload, says
from bangfu_graphql.mapping import ACTION
from bangfu_graphql.requests import Request, request_of
from bangfu_graphql.scalars import described

described(Section, "CountyFileSection", "A part of a county file, each of which somebody else may be charged with.")
described(Difference, "CountyFileDifference", "How a county differs from a county file in one entry.")


@strawberry.type(description="One entry in which the county differs from a county file.")
class CountyFileChange:
    """One entry in which the county differs from a county file."""

    section: Section = strawberry.field(description="The part of the file.")
    name: list[str] = strawberry.field(
        description="What tells the entry from others of its part, such as the programme and the number of a document."
    )
    kind: Difference = strawberry.field(description="How they differ.")
    here: str | None = strawberry.field(description="What the county has, as TOML; null where it has nothing.")
    there: str | None = strawberry.field(description="What the file says, as TOML; null where it says nothing.")


@strawberry.type(description="What came of applying a county file.")
class CountyFilePayload(Payload):
    """What came of applying a county file."""

    changes: list[CountyFileChange] = strawberry.field(description="What was added and changed, and what waits.")

    def has_changed(self) -> bool:
        """Whether anything was added or changed."""
        return any(one.kind is not Difference.WAITS for one in self.changes)


def _told(changes: Iterable[countyfile.Change]) -> list[CountyFileChange]:
    return [
        CountyFileChange(section=one.section, name=list(one.name), kind=one.kind, here=one.here, there=one.there)
        for one in changes
    ]


FileArgument = Annotated[str, says("The county file, as text.")]


@strawberry.type
class ConfigurationQuery:
    """The county file, and what differs from one."""

    @strawberry.field(
        description="What the county has set up, as one text (TOML): programmes, released documents, rules on who may "
        "do what, templates of banks, calendar; no person, number or address. What the caller may not see is left out, "
        "and it says so.",
        metadata={ACTION: Action.READ_POLICY},
    )
    async def county_file(self, info: strawberry.Info) -> str:
        """The county file."""
        request = request_of(info)
        async with request.session() as session:
            return (await countyfile.export(session, request.who, request.plugins)).dump()

    @strawberry.field(
        description="In what the county differs from a county file, entry by entry; nothing is changed.",
        metadata={ACTION: Action.READ_POLICY},
    )
    async def county_file_changes(self, info: strawberry.Info, file: FileArgument) -> list[CountyFileChange]:
        """In what the county differs."""
        request = request_of(info)
        given = CountyFile.load(file)
        async with request.session() as session:
            return _told(await countyfile.compare(session, request.who, request.plugins, given))


@strawberry.type
class ConfigurationMutation:
    """Applying a county file."""

    @strawberry.mutation(
        description="Bring the county to what a county file says, all or only some parts of it; what only the county "
        "has is left alone, and documents come as drafts. Each part needs its own permission. Again, it changes "
        "nothing.",
        metadata={ACTION: None},
    )
    async def apply_county_file(
        self,
        info: strawberry.Info,
        file: FileArgument,
        only: Annotated[list[Section] | None, says("Only these parts; all unless stated.")] = None,
    ) -> CountyFilePayload:
        """Apply a county file."""

        async def work(request: Request, session: AsyncSession) -> CountyFilePayload:
            given = CountyFile.load(file)
            done = await countyfile.apply(session, request.who, request.plugins, given, only or ())
            return CountyFilePayload(changes=_told(done), problems=[])

        return await acting.change(info, work, lambda problems: CountyFilePayload(changes=[], problems=problems))
