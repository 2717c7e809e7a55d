"""雨露计划学期补助: the aid for students of registered households in vocational education, term by term."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from bangfu.calendar import SchoolYear
from bangfu.policy import Policy
from bangfu.process import Duty, Notice, Plan, Process, Verify
from bangfu.programme import Beneficiary, DatedBook, Milestone, Programme, Stacks, released
from bangfu.text import Text
from yulu.term_aid.rules import Facts, LaterGeneration, Parameters, TermAid
from yulu.vocabulary import RESPONSIBILITIES, payment

HERE = Path(__file__).parent
STANDARD = "yulu-2011#一(三)2"
APPLYING = "yulu-2011#一(四)3"
REVIEW = "yulu-2011#一(四)4(1)"
PUBLICITY = "yulu-2011#一(四)4(2)"
CONFIRMING = "yulu-2011#一(四)4(3)"
AUTUMN = "yulu-2011#一(四)5"
SPRING = "yulu-2011#一(四)6"

PROCESS = Process(
    (
        Plan(
            code="application",
            title=Text("申请", "application"),
            cites=(APPLYING,),
            opens="application_opens",
            deadline="application_deadline",
            by=Duty.VILLAGE_COMMITTEE,
        ),
        Verify(
            code="first_review",
            title=Text("初审", "first review"),
            cites=(APPLYING, REVIEW, RESPONSIBILITIES),
            opens="review_opens",
            deadline="review_deadline",
            signers="first_reviewers",
            accounts=True,
            run_by=frozenset({Duty.TOWNSHIP_CLERK, Duty.COUNTY_OFFICE}),
        ),
        Verify(
            code="second_review",
            title=Text("再审", "second review"),
            cites=(REVIEW, CONFIRMING, RESPONSIBILITIES),
            opens="review_opens",
            deadline="review_deadline",
            signers="second_reviewers",
        ),
        Notice(
            code="notice",
            title=Text("社会公示", "public notice"),
            cites=(PUBLICITY, CONFIRMING),
            deadline="review_deadline",
            by=Duty.COUNTY_OFFICE,
            days="notice_days",
            unit="notice_unit",
            columns=("address", "standing", "beneficiary", "school", "grade", "standard", "amount"),
            standard=Text(
                "秋季学期{amount_autumn},春季学期{amount_spring}",
                "{amount_autumn} for the autumn term, {amount_spring} for the spring term",
            ),
            settled_by=Duty.COUNTY_OFFICE,
            returns_to="first_review",
        ),
        payment(
            "autumn_payment",
            Text("第一学期补助发放", "payment for the autumn term"),
            AUTUMN,
            CONFIRMING,
            RESPONSIBILITIES,
            opens="autumn_payment_opens",
            deadline="autumn_payment_deadline",
            returns_to="first_review",
            instalment=1,
        ),
        Verify(
            code="recheck",
            title=Text("春季复核", "re-check in spring"),
            cites=(SPRING, RESPONSIBILITIES),
            opens="spring_opens",
            deadline="spring_deadline",
            signers="recheckers",
            accounts=True,
            run_by=frozenset({Duty.TOWNSHIP_CLERK, Duty.COUNTY_OFFICE}),
            rechecks=True,
        ),
        payment(
            "spring_payment",
            Text("第二学期补助发放", "payment for the spring term"),
            SPRING,
            RESPONSIBILITIES,
            opens="spring_opens",
            deadline="spring_deadline",
            returns_to="recheck",
            instalment=2,
        ),
    )
)

MILESTONES = (
    Milestone(
        code="survey",
        title=Text("调研筹备", "survey and preparation"),
        cites=("yulu-2011#一(四)1",),
        opens="survey_opens",
        closes="survey_closes",
    ),
    Milestone(
        code="publicity",
        title=Text("政策宣传", "publicity"),
        cites=("yulu-2011#一(四)2",),
        opens="publicity_opens",
        closes="publicity_closes",
    ),
    Milestone(
        code="summary",
        title=Text("验收总结", "summing up"),
        cites=("yulu-2011#一(四)7",),
        opens="summary_opens",
        closes="summary_closes",
        years=1,
    ),
)
"""What comes before the first application and after the last payment."""

LATER = date(2015, 9, 1)
"""From when the book of the later generation can be had: the first school year after the nation's opinion on vocational
education of 2015 (国开办发〔2015〕19号), which lets counties give about 3,000 yuan a student and year. It holds nowhere
by itself: each county moves to it by a document of its own, from the day that this says, and states there what a term
comes to."""

PROGRAMME = Programme(
    code="term_aid",
    title=Text("雨露计划学期补助", "aid for the terms of vocational education"),
    beneficiary=Beneficiary.PERSON,
    period=SchoolYear(),
    policy=Policy.load(HERE / "policy.toml", Parameters),
    parameters=Parameters,
    facts=Facts,
    books=(DatedBook(date(2011, 9, 1), TermAid), DatedBook(LATER, LaterGeneration, adopted=True)),
    released=released(HERE / "released.toml"),
    process=PROCESS,
    milestones=MILESTONES,
    stacks=(
        Stacks(
            programme="tuition_waiver",
            title=Text("国家中等职业教育免学费等减免政策", "the state's waiver of tuition"),
            why=Text(
                "学费减免由学校落实,与本补助互不影响",
                "The school waives the fees, and neither stands in the other's way",
            ),
            cites=STANDARD,
        ),
        Stacks(
            programme="living_subsidy",
            title=Text("国家助学金等生活补助政策", "the state's living subsidy for students"),
            why=Text(
                "生活补助由学校发放,与本补助互不影响",
                "The school pays it, and neither stands in the other's way",
            ),
            cites=STANDARD,
        ),
        Stacks(
            programme="training_preference",
            title=Text("国家对职业技能培训的优惠政策", "what the state grants for skills training"),
            why=Text(
                "享受培训优惠的学生,同样给予本补助",
                "Whoever is favoured in training is aided here all the same",
            ),
            cites=STANDARD,
        ),
        Stacks(
            programme="short_training",
            why=Text(
                "一年以上的培训在此补助,不满一年的由短期技能培训补助,同一课程只补一次;同一学生先后参加不同课程的,可分别享受",
                "A course of a year and more is aided here, a shorter one there, so that no course is aided twice; "
                "who takes both, one after the other, may have both",
            ),
            cites=STANDARD,
        ),
    ),
)
