"""Duties: what an officer is charged with, at which level, and which duties one person cannot hold at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from itertools import combinations

from bangfu.text import Text, join


class Tier(StrEnum):
    """The level of government (or outside it) at which a duty is held."""

    COUNTY = "county"
    TOWNSHIP = "township"
    VILLAGE = "village"
    ENTERPRISE = "enterprise"
    PROVIDER = "provider"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return _TIERS[self]


_TIERS = {
    Tier.COUNTY: Text("县级", "county"),
    Tier.TOWNSHIP: Text("乡镇级", "township"),
    Tier.VILLAGE: Text("村级", "village"),
    Tier.ENTERPRISE: Text("企业", "enterprise"),
    Tier.PROVIDER: Text("服务机构", "provider of services"),
}


class Duty(StrEnum):
    """What an officer is charged with; an assignment gives a person a duty over an area for a time."""

    LINKED_CADRE = "linked_cadre"
    WORK_TEAM = "work_team"
    VILLAGE_COMMITTEE = "village_committee"
    VILLAGE_CADRE = "village_cadre"
    TOWNSHIP_CLERK = "township_clerk"
    TOWNSHIP_ACCEPTOR = "township_acceptor"
    COUNTY_OFFICE = "county_office"
    FUND_MANAGER = "fund_manager"
    FINANCE = "finance"
    REGISTRAR = "registrar"
    CIVIL_AFFAIRS = "civil_affairs"
    DISABLED_FEDERATION = "disabled_federation"
    EDUCATION = "education"
    INDUSTRY_FEDERATION = "industry_federation"
    AUDITOR = "auditor"
    SUPERIOR = "superior"
    ENTERPRISE_AGENT = "enterprise_agent"
    SCHOOL_AGENT = "school_agent"
    HOUSEHOLDER = "householder"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return _DUTIES[self][1]

    @property
    def tier(self) -> Tier:
        """The level at which it is held."""
        return _DUTIES[self][0]

    @property
    def is_staff(self) -> bool:
        """Whether it is an office of the county; the agent of an enterprise or a school and a household hold none."""
        return not self.is_agent and self is not Duty.HOUSEHOLDER

    @property
    def is_agent(self) -> bool:
        """Whether it is held for an organization outside of government, and shows nothing but what is the
        organization's own."""
        return self.tier in (Tier.ENTERPRISE, Tier.PROVIDER)

    @property
    def has_area(self) -> bool:
        """Whether it is held over villages; who works for an enterprise or a school acts on no household anywhere."""
        return self.is_staff

    @property
    def sees_area(self) -> bool:
        """Whether its holder sees the whole of its area, and not only the households that are his own."""
        return self.is_staff and self is not Duty.LINKED_CADRE


_DUTIES = {
    Duty.LINKED_CADRE: (Tier.VILLAGE, Text("联户干部", "cadre linked to the household")),
    Duty.WORK_TEAM: (Tier.VILLAGE, Text("驻村工作队", "resident work team")),
    Duty.VILLAGE_COMMITTEE: (Tier.VILLAGE, Text("村两委", "village committee")),
    Duty.VILLAGE_CADRE: (Tier.TOWNSHIP, Text("包村干部", "township cadre in charge of the village")),
    Duty.TOWNSHIP_CLERK: (Tier.TOWNSHIP, Text("乡镇经办", "township clerk")),
    Duty.TOWNSHIP_ACCEPTOR: (Tier.TOWNSHIP, Text("乡镇验收", "township acceptor")),
    Duty.COUNTY_OFFICE: (Tier.COUNTY, Text("县脱贫办", "county poverty-alleviation office")),
    Duty.FUND_MANAGER: (Tier.COUNTY, Text("县扶移局", "county fund manager")),
    Duty.FINANCE: (Tier.COUNTY, Text("县财政局", "county finance bureau")),
    Duty.REGISTRAR: (Tier.COUNTY, Text("县数据管理员", "county registrar")),
    Duty.CIVIL_AFFAIRS: (Tier.COUNTY, Text("县民政局", "county civil affairs bureau")),
    Duty.DISABLED_FEDERATION: (Tier.COUNTY, Text("县残联", "county disabled persons' federation")),
    Duty.EDUCATION: (Tier.COUNTY, Text("县教育局", "county education bureau")),
    Duty.INDUSTRY_FEDERATION: (Tier.COUNTY, Text("县工商联", "county federation of industry and commerce")),
    Duty.AUDITOR: (Tier.COUNTY, Text("审计监督", "auditor")),
    Duty.SUPERIOR: (Tier.COUNTY, Text("上级主管部门", "superior level of government")),
    Duty.ENTERPRISE_AGENT: (Tier.ENTERPRISE, Text("企业经办", "agent of an enterprise")),
    Duty.SCHOOL_AGENT: (Tier.PROVIDER, Text("学校或培训基地经办", "agent of a school or a training base")),
    Duty.HOUSEHOLDER: (Tier.VILLAGE, Text("农户", "household")),
}


def duty_names(duties: Iterable[Duty]) -> Text:
    """Several duties by name, in the order in which the duties are declared."""
    held = set(duties)
    return join([duty.title_text for duty in Duty if duty in held])


# --- duties that one person cannot hold at once -----------------------------------------------------------------

_PAYERS = frozenset({Duty.FUND_MANAGER, Duty.FINANCE})
_REVIEWERS = frozenset({Duty.VILLAGE_COMMITTEE, Duty.VILLAGE_CADRE, Duty.TOWNSHIP_CLERK, Duty.TOWNSHIP_ACCEPTOR})
_READERS = frozenset({Duty.AUDITOR, Duty.SUPERIOR})
_STAFF = frozenset(duty for duty in Duty if duty.is_staff)

_DECLARED: tuple[tuple[frozenset[Duty], frozenset[Duty], Text], ...] = (
    (
        frozenset({Duty.HOUSEHOLDER, Duty.ENTERPRISE_AGENT, Duty.SCHOOL_AGENT}),
        frozenset(Duty),
        Text(
            "农户、企业和学校的账号只供其本人使用",
            "the account of a household, an enterprise or a school is for nothing else",
        ),
    ),
    (
        _READERS,
        _STAFF - _READERS,
        Text("监督者不办理所监督的事项", "who oversees does nothing of what is overseen"),
    ),
    (
        _PAYERS,
        frozenset({Duty.REGISTRAR}),
        Text("管钱的不管登记册", "who pays keeps no register of who is paid"),
    ),
    (
        frozenset({Duty.COUNTY_OFFICE}),
        _PAYERS,
        Text("汇总、复核、放行由三人办理", "payments are made, checked and released by three persons"),
    ),
    (
        frozenset({Duty.FUND_MANAGER}),
        frozenset({Duty.FINANCE}),
        Text("汇总、复核、放行由三人办理", "payments are made, checked and released by three persons"),
    ),
    (
        _PAYERS,
        _REVIEWERS,
        Text("管钱的不审核", "who pays does not review who is paid"),
    ),
    (
        frozenset({Duty.COUNTY_OFFICE}),
        frozenset({Duty.TOWNSHIP_ACCEPTOR}),
        Text("抽查者不抽查自己的验收", "who checks samples does not check his own acceptance"),
    ),
)

INCOMPATIBLE: Mapping[frozenset[Duty], Text] = {
    frozenset({one, other}): because for some, others, because in reversed(_DECLARED) for one in some
    for other in others if one is not other
}  # fmt: skip
"""The pairs of duties that nobody holds on the same day, wherever they are held, each with the reason.

What is left is allowed: a cadre or a team member comes from any office, a township's acceptor may be in charge of a
village (and cannot accept there), a county's first officer keeps its registers and its settings. Of one case, and of
one batch, the process itself keeps persons apart."""


def conflicts(duties: Iterable[Duty]) -> list[tuple[Duty, Duty, Text]]:
    """The incompatible pairs among some duties, with the reason of each, in the order in which duties are declared."""
    held = set(duties)
    ordered = [duty for duty in Duty if duty in held]
    return [
        (one, other, INCOMPATIBLE[frozenset({one, other})])
        for one, other in combinations(ordered, 2)
        if frozenset({one, other}) in INCOMPATIBLE
    ]
