"""农村人居环境整治奖励计划: the award for households that win a star, chosen by each village every quarter."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from bangfu.calendar import Quarter
from bangfu.policy import Policy
from bangfu.process import Duty, Notice, Plan, Process, Select, Verify
from bangfu.programme import ClaimOf, ClaimSpec, DatedBook, Programme, Span, Stacks, released
from bangfu.rules import When
from bangfu.text import Text
from county_default.five_star.rules import AwardRepeat, Facts, FiveStar, Parameters
from county_default.vocabulary import PUBLICITY, RESPONSIBILITIES, SHOWN, payment

HERE = Path(__file__).parent
CLAUSE = "fenjin-2021#二(三)"

PROCESS = Process(
    (
        Plan(
            code="nomination",
            title=Text("提名", "nomination"),
            cites=(CLAUSE,),
            by=Duty.VILLAGE_COMMITTEE,
        ),
        Verify(
            code="assessment",
            title=Text("星级评定", "assessment"),
            cites=(CLAUSE, RESPONSIBILITIES),
            signers="assessors",
            substitute="nonpoor_village_substitute",
            accounts=True,
            run_by=frozenset({Duty.TOWNSHIP_CLERK, Duty.COUNTY_OFFICE}),
        ),
        Select(
            code="selection",
            title=Text("名额内评选", "selection within the quota"),
            cites=(CLAUSE,),
            by=Duty.VILLAGE_COMMITTEE,
            rate="quota",
            minimum="quota_minimum",
            counted="counted_standings",
        ),
        Notice(
            code="notice",
            title=Text("村级公示", "public notice"),
            cites=(CLAUSE, PUBLICITY),
            by=Duty.VILLAGE_COMMITTEE,
            days="notice_days",
            unit="notice_unit",
            columns=SHOWN,
            project="stars",
            standard=Text("每户一次性奖励{award}", "{award} a household, once"),
            settled_by=Duty.TOWNSHIP_ACCEPTOR,
            returns_to="assessment",
        ),
        payment("payment", Text("奖励拨付", "payment"), CLAUSE, returns_to="assessment"),
    )
)

PROGRAMME = Programme(
    code="five_star",
    title=Text("农村人居环境整治奖励计划", "award for five-star households"),
    period=Quarter(),
    policy=Policy.load(HERE / "policy.toml", Parameters),
    parameters=Parameters,
    facts=Facts,
    books=(DatedBook(date(2021, 1, 1), FiveStar),),
    released=released(HERE / "released.toml"),
    process=PROCESS,
    claims=(
        ClaimSpec(
            kind="award",
            title=Text("五星奖励(每户每年一次)", "the five-star award, once a household and plan year"),
            cites=CLAUSE,
            per=ClaimOf.HOUSEHOLD,
            period=Span.YEAR,
            unless=When("award_repeat", AwardRepeat.EVERY_ROUND),
        ),
    ),
    stacks=tuple(
        Stacks(
            programme=other,
            why=Text(
                "星级评选奖励的是人居环境和家风,与增收奖补可以同时享受",
                "The stars reward how a household lives, the other award what it earned: both may be had",
            ),
            cites=CLAUSE,
        )
        for other in ("planned_exit", "consolidation")
    ),
)
