"""The mutations of one programme: planning, signing, and its county's own document, in the types that it brings."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession
from strawberry.utils.str_converters import to_camel_case

from bangfu.access import Action
from bangfu.cases import acts, planning, provisions
from bangfu.cases.acts import Report
from bangfu.cases.ground import Ground
from bangfu.cases.views import Stated
from bangfu.programme import Programme
from bangfu_graphql import acting
from bangfu_graphql.acting import (
    ActArgument,
    ActInput,
    BookMoveInput,
    CasesArgument,
    CasesPayload,
    PeriodArgument,
    ProvisionPayload,
    says,
)
from bangfu_graphql.mapping import ACTION, prefix_of
from bangfu_graphql.programmes import ProgrammeTypes, made, raw_provision, types_of
from bangfu_graphql.requests import Request


def steps_of(programme: Programme) -> type:
    """The mutations of a programme as a part of the root."""
    types, code = types_of(programme), programme.code
    fields = {
        f"plan_{code}": _planning(programme, types),
        f"sign_{code}": _signing(programme, types),
        f"draft_{code}_provision": _drafting(programme, types),
    }
    return strawberry.type(type(f"{prefix_of(code)}Mutation", (), fields))


def _planning(programme: Programme, types: ProgrammeTypes) -> Any:
    title, stated, roles = programme.title.en, programme.stated(), [role.code for role in programme.participants]
    kind = programme.beneficiary.value
    attestable = list(programme.attestable())
    asked = strawberry.field(description="Which organizations are to attest what is then not stated.", default=None)
    apart = strawberry.field(description="What is said of this plan, where it differs from the others.", default=None)
    plan_input = made(
        f"{prefix_of(programme.code)}PlanInput",
        f"The plan of one {kind}: {title}.",
        {
            kind: (str, f"The number of the {kind}."),
            **({"facts": (types.plan, "What the applicant states.")} if stated else {}),
            **({"participants": (types.participants, "Who takes part in it.")} if roles else {}),
            **({"attesters": (types.attesters | None, asked)} if attestable else {}),
            "act": (ActInput | None, apart),
        },
        decorate=strawberry.input,
    )

    async def plan(self: Any, info: strawberry.Info, period: Any, plans: Any, act: Any = None) -> CasesPayload:
        acting.require_bounded(plans, "plans")
        for code in roles:
            named = [number for one in plans for number in getattr(one.participants, code)]
            acting.require_bounded(named, f"plans.participants.{to_camel_case(code)}")

        async def work(request: Request, session: AsyncSession, ground: Ground, said: Stated) -> Report:
            stated_plans = []
            for one in plans:
                facts = {
                    name: frozenset(given) if isinstance(given := getattr(one.facts, name), list) else given
                    for name in stated
                }
                own = said if one.act is None else await acting.stated(request, session, one.act)
                parts = {code: list(getattr(one.participants, code)) for code in roles}
                named = one.attesters if attestable else None
                asks = {name: code for name in attestable if (code := getattr(named, name, None)) is not None}
                stated_plans.append(planning.PlanStated(getattr(one, kind), facts, own, parts, asks))
            return await planning.plan(session, request.who, ground, stated_plans)

        return await acting.act(info, programme.code, period, act, work)

    plan.__annotations__ = {
        "info": strawberry.Info,
        "period": PeriodArgument,
        "plans": Annotated[list[plan_input], says(f"One plan a {kind}.")],  # type: ignore[valid-type]
        "act": ActArgument,
        "return": CasesPayload,
    }
    return strawberry.mutation(
        resolver=plan,
        description=f"Open one case a {kind} with its plan, or correct a plan that is not on notice yet: {title}.",
        metadata={ACTION: Action.WORK_ON_CASES},
    )


def _signing(programme: Programme, types: ProgrammeTypes) -> Any:
    async def sign(
        self: Any, info: strawberry.Info, period: Any, stage: Any, cases: Any, act: Any = None
    ) -> CasesPayload:
        return await acting.act_on(
            info,
            programme.code,
            period,
            cases,
            act,
            lambda process: (stage.value,),
            lambda request, session, ground, chosen, said: acts.sign(
                session, request.who, ground, chosen, stage.value, said
            ),
        )

    sign.__annotations__ = {
        "info": strawberry.Info,
        "period": PeriodArgument,
        "stage": Annotated[types.stage, says("The stage that is signed.")],
        "cases": CasesArgument,
        "act": ActArgument,
        "return": CasesPayload,
    }
    return strawberry.mutation(
        resolver=sign,
        description=f"Sign a stage of cases; the last signature that is needed completes it: {programme.title.en}.",
        metadata={ACTION: Action.WORK_ON_CASES},
    )


def _drafting(programme: Programme, types: ProgrammeTypes) -> Any:
    title = programme.title.en
    provision_input = made(
        f"{prefix_of(programme.code)}ProvisionInput",
        f"A county's own document that sets numbers: {title}.",
        {
            "title": (str, "Its title."),
            "number": (str, "Its number 文号."),
            "issued_on": (date, "The day it was issued."),
            "parameters": (
                types.provision | None,
                strawberry.field(
                    description="The values that it sets, each within what the plan permits.", default=None
                ),
            ),
            "books": (
                list[BookMoveInput],
                strawberry.field(description="The rule books that it moves the county to.", default_factory=list),
            ),
        },
        decorate=strawberry.input,
    )

    async def draft(self: Any, info: strawberry.Info, input: Any) -> ProvisionPayload:
        async def work(request: Request, session: AsyncSession) -> ProvisionPayload:
            raw = {
                "title": input.title,
                "number": input.number,
                "issued": input.issued_on,
                "parameters": raw_provision(programme, input.parameters) if input.parameters else {},
                "book": [{"adopts": one.book, "since": one.since, "clause": one.clause} for one in input.books],
            }
            key = await provisions.draft(session, request.who, programme, raw)
            return ProvisionPayload(key=key, problems=[])

        return await acting.change(info, work, lambda problems: ProvisionPayload(key=None, problems=problems))

    draft.__annotations__ = {
        "info": strawberry.Info,
        "input": Annotated[provision_input, says("The document.")],
        "return": ProvisionPayload,
    }
    return strawberry.mutation(
        resolver=draft,
        description=f"Write down a county's own document as a draft, every value checked: {title}.",
        metadata={ACTION: Action.DRAFT_PROVISION},
    )
