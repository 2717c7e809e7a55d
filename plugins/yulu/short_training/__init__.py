"""雨露短期技能培训: the aid for those of registered households who have finished a short course, once in a lifetime."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from bangfu.calendar import PlanYear
from bangfu.policy import MonthDay, Policy
from bangfu.process import Duty, Notice, Plan, Process, Verify
from bangfu.programme import Attested, Beneficiary, ClaimOf, ClaimSpec, DatedBook, Programme, Span, Stacks, released
from bangfu.text import Text
from yulu.short_training.rules import FactsWithTheRoll, Parameters, ShortTraining, ShortTrainingByTheRoll
from yulu.vocabulary import payment

HERE = Path(__file__).parent
STANDARD = "yulu-2011#二1"
APPLYING = "yulu-2011#二2"
PAYING = "yulu-2011#二3"

PROCESS = Process(
    (
        Plan(
            code="application",
            title=Text("申请", "application"),
            cites=(APPLYING,),
            by=Duty.TOWNSHIP_CLERK,
        ),
        Verify(
            code="first_review",
            title=Text("乡镇初审", "first review by the township"),
            cites=(APPLYING,),
            signers="first_reviewers",
            accounts=True,
            run_by=frozenset({Duty.TOWNSHIP_CLERK, Duty.COUNTY_OFFICE}),
        ),
        Verify(
            code="county_review",
            title=Text("县级审核", "review by the county"),
            cites=(APPLYING,),
            signers=frozenset({Duty.COUNTY_OFFICE}),
        ),
        Verify(
            code="finance_recheck",
            title=Text("财政复核", "re-check by the finance bureau"),
            cites=(PAYING,),
            signers=frozenset({Duty.FINANCE}),
        ),
        Notice(
            code="notice",
            title=Text("公示", "public notice"),
            cites=(PAYING,),
            by=Duty.COUNTY_OFFICE,
            days="notice_days",
            unit="notice_unit",
            columns=("address", "standing", "beneficiary", "standard", "amount"),
            standard=Text("每人一次性补助{amount}", "{amount} a person, once in a lifetime"),
            settled_by=Duty.COUNTY_OFFICE,
            returns_to="first_review",
        ),
        payment("payment", Text("补助发放", "payment"), PAYING, returns_to="first_review"),
    )
)

PROGRAMME = Programme(
    code="short_training",
    title=Text("雨露短期技能培训", "aid for short skills training"),
    beneficiary=Beneficiary.PERSON,
    # The whole year is decided by what is in force at its end: a document that a county issues during the year holds
    # for all of it.
    period=PlanYear(reference=MonthDay(12, 31)),
    policy=Policy.load(HERE / "policy.toml", Parameters),
    parameters=Parameters,
    facts=FactsWithTheRoll,
    books=(
        DatedBook(date(2011, 1, 1), ShortTraining),
        DatedBook(date(2011, 12, 1), ShortTrainingByTheRoll),
    ),
    released=released(HERE / "released.toml"),
    process=PROCESS,
    # Of a base that has no account, the township states from the card on paper that it is sealed.
    attested=(
        Attested(
            fact="base_sealed",
            by="training_base",
            title=Text("签字盖章的培训基地", "training base that signs and seals the card"),
            cites=APPLYING,
            shows=(
                "training_from",
                "training_to",
                "certified_on",
                "has_training_certificate",
                "has_qualification_certificate",
            ),
        ),
    ),
    claims=(
        ClaimSpec(
            kind="short_training",
            title=Text("短期技能培训补助(每人一次)", "aid for short training, once a person"),
            cites=STANDARD,
            per=ClaimOf.PERSON,
            period=Span.EVER,
        ),
    ),
    stacks=(
        Stacks(
            programme="term_aid",
            why=Text(
                "不满一年的培训在此补助,学籍名册载明一年以上的由学期补助,同一课程只补一次;同一人先后参加不同课程的,可分别享受",
                "A course shorter than a year is aided here, one that a roll calls a year and more there, so that no "
                "course is aided twice; who takes both, one after the other, may have both",
            ),
            cites=STANDARD,
        ),
    ),
)
