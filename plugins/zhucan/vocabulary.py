"""What the two subsidies share: what is asked of everybody who has one, and the way of a case to its payments."""

from __future__ import annotations

from dataclasses import dataclass

from bangfu.calendar import DayUnit
from bangfu.process import Begins, CountedOn, Duty, Monthly, Notice, Plan, Process, RestCause, Verify
from bangfu.programme import Stacks
from bangfu.rules import Circumstance, RuleBook, Sensitivity, criterion, fact, not_
from bangfu.text import Text

SUBSIDY = "shebao-2019#一(三)"
IN_FULL = "tuopin-2020#7"
EVERYWHERE = "gongjian-city#三(七)3"
RECHECK = "canlian-2020#一(四)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What both books look at, on the day by which a month is decided. Nothing of it is stated by who applies."""

    certified: bool = fact(
        Circumstance("certificate"),
        zh="持有残疾人证",
        en="holds a certificate of disability",
        sensitivity=Sensitivity.SENSITIVE,
    )
    generation: int = fact(
        Circumstance("certificate", "generation"),
        zh="残疾人证代次",
        en="generation of the certificate",
        sensitivity=Sensitivity.SENSITIVE,
        lowest=1,
        largest=9,
    )
    dead: bool = fact(Circumstance("death"), zh="死亡", en="has died")
    moved_away: bool = fact(Circumstance("moved_away"), zh="迁出本县", en="has moved out of the county")
    in_custody: bool = fact(
        Circumstance("custody"), zh="服刑羁押", en="is in custody", sensitivity=Sensitivity.SENSITIVE
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The numbers that both have, as the books and the stages read them."""

    certificate_generation: int
    excludes_moved_away: bool
    excludes_custody: bool
    counted_on: CountedOn
    begins: Begins
    back_paid: frozenset[RestCause]
    recheck_months: int
    first_reviewers: frozenset[Duty]
    second_reviewers: frozenset[Duty]
    notice_days: int
    notice_unit: DayUnit


class Subsidy(RuleBook[Facts, Parameters]):
    """What is asked of everybody, whichever of the two he has. It pays nothing by itself."""

    @criterion(cites=SUBSIDY)
    def holds_a_certificate(self) -> bool:
        """The person holds a certificate of disability.
        该人持有残疾人证。
        """
        return self.facts.certified

    @criterion(cites=SUBSIDY)
    def certificate_is_current(self) -> bool:
        """The certificate is of the second generation, or of a later one.
        残疾人证为第二代或以后的。
        """
        return self.facts.generation >= self.p.certificate_generation

    @criterion(cites=SUBSIDY)
    def is_alive(self) -> bool:
        """The person is alive.
        该人在世。
        """
        return not_(self.facts.dead)

    @criterion(cites=SUBSIDY)
    def belongs_to_the_county(self) -> bool:
        """The person has not moved out of the county, where those who did are excluded.
        该人未迁出本县(排除迁出人员时)。
        """
        return not_(self.p.excludes_moved_away & self.facts.moved_away)

    @criterion(cites=SUBSIDY)
    def is_at_liberty(self) -> bool:
        """The person is not in custody, where those who are are excluded.
        该人未服刑羁押(排除服刑羁押人员时)。
        """
        return not_(self.p.excludes_custody & self.facts.in_custody)


def process(standard: Text) -> Process:
    """The way of a case: the village takes the application, the township reviews it first and the federation again,
    and it is paid every month.

    ``standard`` is the rate, should a county post a notice that tells it.
    """
    finds_out = frozenset({Duty.TOWNSHIP_CLERK, Duty.DISABLED_FEDERATION})
    return Process(
        (
            Plan(
                code="application",
                title=Text("申请", "application"),
                cites=(IN_FULL, EVERYWHERE),
                by=Duty.VILLAGE_COMMITTEE,
            ),
            Verify(
                code="first_review",
                title=Text("乡镇初核", "first review by the township"),
                cites=(SUBSIDY,),
                signers="first_reviewers",
                accounts=True,
                run_by=finds_out,
            ),
            Verify(
                code="second_review",
                title=Text("残联复核", "second review by the federation"),
                cites=(SUBSIDY,),
                signers="second_reviewers",
            ),
            Notice(
                code="notice",
                title=Text("公示", "public notice"),
                cites=(SUBSIDY,),
                by=Duty.COUNTY_OFFICE,
                days="notice_days",
                unit="notice_unit",
                # An amount would tell the level of the disability, and a standing that he is poor.
                columns=("address", "beneficiary"),
                standard=standard,
                settled_by=Duty.COUNTY_OFFICE,
                returns_to="first_review",
            ),
            Monthly(
                code="monthly_payment",
                title=Text("按月发放", "monthly payment"),
                cites=(SUBSIDY, RECHECK),
                maker=Duty.COUNTY_OFFICE,
                checker=Duty.FUND_MANAGER,
                releaser=Duty.FINANCE,
                channel="yikatong",
                returns_to="first_review",
                counted_on="counted_on",
                begins="begins",
                back_paid="back_paid",
                recheck_months="recheck_months",
                rechecked_by=finds_out,
                stopped_by=finds_out | {Duty.COUNTY_OFFICE},
            ),
        )
    )


def stacks_with(other: str) -> tuple[Stacks, ...]:
    """What may be had beside a subsidy: the other one, and what is paid for the care of the bedridden."""
    return (
        Stacks(
            programme=other,
            why=Text(
                "“两项补贴”条件不同、分别发放,均须全面落实,同时符合的可以都享受",
                "The two have conditions of their own, are paid apart, and are both to be had in full: who meets both "
                "has both",
            ),
            cites=SUBSIDY,
        ),
        Stacks(
            programme="health_care_subsidy",
            title=Text("长期卧病在床失能患者照护补贴", "the care subsidy for the long bedridden"),
            why=Text(
                "照护补贴属健康扶贫,按失能登记造册发放,与残疾人补贴互不影响;来源未禁止同时享受",
                "It belongs to the aid for health, goes by a list of the bedridden, and neither stands in the other's "
                "way; the source forbids nothing",
            ),
            cites=SUBSIDY,
        ),
    )
