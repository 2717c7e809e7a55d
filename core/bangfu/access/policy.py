"""Who may do what on which programme and stage 权限: what duties allow, as casbin reads it, compiled to look-ups.

casbin is the language of the policy: rows of ``allow`` and ``deny``, and one denial outweighs every permission
(``model.conf``). The platform's rows stand in ``policy.csv``; a county adds rows of its own, within ``ceiling.csv``,
and whatever it adds, the rows of ``expectations.csv`` that hold always still come true. Because casbin is far too slow
to ask per request, the rows are compiled to sets once; a test holds the compiled answer to casbin's own.

A question names a programme and a stage, or leaves them open (:data:`EVERY`): then the answer is yes if there is some
programme, or some stage, for which it is.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import casbin

from bangfu.errors import Code, Problem
from bangfu.process import Duty, duty_names
from bangfu.text import Text

_HERE = Path(__file__).parent
_WHO = "whoever acts"


class Action(StrEnum):
    """What duties allow beside the stages of a case."""

    IMPORT_DIVISIONS = "import_divisions"
    IMPORT_ORGANIZATIONS = "import_organizations"
    IMPORT_OFFICERS = "import_officers"
    IMPORT_HOUSEHOLDS = "import_households"
    IMPORT_INCOME = "import_income"
    IMPORT_PLANS = "import_plans"
    IMPORT_PAIRINGS = "import_pairings"
    IMPORT_SCHOOLING = "import_schooling"
    IMPORT_CERTIFICATES = "import_certificates"
    IMPORT_MINIMUM_LIVING = "import_minimum_living"
    IMPORT_DEATHS = "import_deaths"
    RECORD_CIRCUMSTANCES = "record_circumstances"
    CONFIRM_SCHOOLING = "confirm_schooling"
    SETTLE_DISCREPANCIES = "settle_discrepancies"
    ATTEST = "attest"
    SET_CALENDAR = "set_calendar"
    SWITCH_PROGRAMME = "switch_programme"
    DRAFT_PROVISION = "draft_provision"
    RELEASE_PROVISION = "release_provision"
    OPEN_PERIOD = "open_period"
    RECORD_FOR_OTHERS = "record_for_others"
    EXPORT_NOTICE = "export_notice"
    EXPORT_SAMPLE = "export_sample"
    EXPORT_PAYMENTS = "export_payments"
    EXPORT_LISTS = "export_lists"
    EXPORT_AUDIT = "export_audit"
    UNMASK = "unmask"
    KEEP_NOTICES = "keep_notices"
    HEAR_OBJECTIONS = "hear_objections"
    SET_SUPERVISION = "set_supervision"
    READ_AUDIT = "read_audit"
    READ_REGISTERS = "read_registers"
    READ_BIRTH_DATES = "read_birth_dates"
    READ_OFFICES = "read_offices"
    READ_CASES = "read_cases"
    READ_PAYMENTS = "read_payments"
    READ_OBJECTORS = "read_objectors"
    READ_PAIRINGS = "read_pairings"
    READ_SCHOOLING = "read_schooling"
    READ_CIRCUMSTANCES = "read_circumstances"
    READ_ATTESTATIONS = "read_attestations"
    READ_POLICY = "read_policy"
    WORK_ON_CASES = "work_on_cases"
    SAMPLE_CASES = "sample_cases"
    PAY_CASES = "pay_cases"
    KEEP_FUNDS = "keep_funds"
    CONFIRM_FUNDS = "confirm_funds"
    RECORD_RETURNS = "record_returns"
    CORRECT_ACCOUNTS = "correct_accounts"
    KEEP_POLICY = "keep_policy"
    KEEP_ACCOUNTS = "keep_accounts"
    REGISTER_HELPERS = "register_helpers"
    VERIFY_HELPERS = "verify_helpers"
    STATE_NEEDS = "state_needs"
    KEEP_AGREEMENTS = "keep_agreements"
    LOG_DELIVERIES = "log_deliveries"
    CONFIRM_DELIVERIES = "confirm_deliveries"
    ARBITRATE_DELIVERIES = "arbitrate_deliveries"
    REVIEW_PAIRINGS = "review_pairings"
    ISSUE_PAIRING_PAPERS = "issue_pairing_papers"
    EXPORT_PAIRINGS = "export_pairings"
    READ_INSPECTIONS = "read_inspections"
    INSPECT_BASES = "inspect_bases"
    RECTIFY_FINDINGS = "rectify_findings"
    READ_HANDOUTS = "read_handouts"
    KEEP_HANDOUTS = "keep_handouts"
    LIST_HANDOUTS = "list_handouts"
    EXPORT_HANDOUTS = "export_handouts"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return _ACTIONS[self]

    @property
    def reach(self) -> Reach:
        """How narrowly a county may speak of it. What is read is read whole: lists know no stages."""
        if self in _STAGES:
            return Reach.STAGE
        return Reach.PROGRAMME if self in _PROGRAMMES else Reach.COUNTY

    @property
    def only_reads(self) -> bool:
        """Whether it shows something and changes nothing; an export leaves the house and is not only reading."""
        return self.value.startswith("read_")


_ACTIONS = {
    Action.IMPORT_DIVISIONS: Text("导入行政区划", "importing divisions"),
    Action.IMPORT_ORGANIZATIONS: Text("导入组织", "importing organizations"),
    Action.IMPORT_OFFICERS: Text("维护工作人员和任职", "keeping officers and their duties"),
    Action.IMPORT_HOUSEHOLDS: Text("导入农户花名册", "importing the household roster"),
    Action.IMPORT_INCOME: Text("导入收入台账", "importing the income ledger"),
    Action.IMPORT_PLANS: Text("导入项目计划", "importing plans"),
    Action.IMPORT_PAIRINGS: Text("导入结对帮扶", "importing pairings"),
    Action.IMPORT_SCHOOLING: Text("导入学籍名册", "importing the roll of students"),
    Action.IMPORT_CERTIFICATES: Text("导入残疾人证名册", "importing the list of certificates of disability"),
    Action.IMPORT_MINIMUM_LIVING: Text("导入低保名册", "importing the list of the minimum living guarantee"),
    Action.IMPORT_DEATHS: Text("导入死亡登记名册", "importing the list of deaths"),
    Action.RECORD_CIRCUMSTANCES: Text("登记个人情形", "writing down circumstances of persons"),
    Action.CONFIRM_SCHOOLING: Text("确认在校学生", "confirming a school's own students"),
    Action.SETTLE_DISCREPANCIES: Text("处理核对事项", "settling what lists say otherwise than the register"),
    Action.ATTEST: Text("证明申报事项", "attesting what one's organization is asked"),
    Action.SET_CALENDAR: Text("维护工作日历", "keeping the calendar"),
    Action.SWITCH_PROGRAMME: Text("启用项目", "switching programmes on"),
    Action.DRAFT_PROVISION: Text("起草本县规定", "drafting provisions"),
    Action.RELEASE_PROVISION: Text("发布本县规定", "releasing provisions"),
    Action.OPEN_PERIOD: Text("开启年度", "opening a period"),
    Action.RECORD_FOR_OTHERS: Text("代录他人办理事项", "recording what others did"),
    Action.EXPORT_NOTICE: Text("导出公示", "exporting notices"),
    Action.EXPORT_SAMPLE: Text("导出抽查名单", "exporting samples"),
    Action.EXPORT_PAYMENTS: Text("导出拨付名册", "exporting payment lists"),
    Action.EXPORT_LISTS: Text(
        "导出应享未享、已发待核名单和补助对象登记册",
        "exporting who is missed, whose payment no longer fits, and the register of those who applied",
    ),
    Action.EXPORT_AUDIT: Text("导出审计记录", "exporting the audit record"),
    Action.UNMASK: Text("查看完整号码", "seeing a number in full"),
    Action.KEEP_NOTICES: Text("维护公示凭据", "keeping the evidence of notices"),
    Action.HEAR_OBJECTIONS: Text("受理公众异议", "hearing what the public hand in against notices"),
    Action.SET_SUPERVISION: Text("设置监督电话", "saying whom the public can call about notices"),
    Action.READ_AUDIT: Text("查阅审计记录", "reading the audit record"),
    Action.READ_REGISTERS: Text("查阅农户登记册", "reading the registers of households"),
    Action.READ_BIRTH_DATES: Text("查阅出生日期", "reading dates of birth"),
    Action.READ_OFFICES: Text("查阅单位和工作人员", "reading offices and officers"),
    Action.READ_CASES: Text("查阅申报", "reading cases"),
    Action.READ_PAYMENTS: Text("查阅拨付", "reading payments"),
    Action.READ_OBJECTORS: Text("查阅异议人", "reading who objected"),
    Action.READ_POLICY: Text("查阅权限规定及无权原因", "reading who may do what, and why not"),
    Action.READ_PAIRINGS: Text("查阅结对帮扶", "reading pairings"),
    Action.READ_SCHOOLING: Text("查阅学籍", "reading where persons go to school"),
    Action.READ_CIRCUMSTANCES: Text("查阅个人情形", "reading circumstances of persons"),
    Action.READ_ATTESTATIONS: Text("查阅证明事项", "reading what organizations are asked to attest"),
    Action.WORK_ON_CASES: Text("办理申报", "working on cases"),
    Action.SAMPLE_CASES: Text("抽查", "drawing and checking samples"),
    Action.PAY_CASES: Text("办理拨付", "making, checking and releasing payments"),
    Action.KEEP_FUNDS: Text("维护预算指标和代发文件格式", "keeping budget lines and the templates of banks"),
    Action.CONFIRM_FUNDS: Text("确认预算指标资金", "confirming money on budget lines"),
    Action.RECORD_RETURNS: Text("登记代发结果和追回入账", "recording what banks answer and what is paid back"),
    Action.CORRECT_ACCOUNTS: Text("更正一卡通账号", "correcting the accounts that households are paid to"),
    Action.KEEP_POLICY: Text("维护本县权限规定", "keeping the county's own rules on who may do what"),
    Action.KEEP_ACCOUNTS: Text("管理账号", "keeping accounts"),
    Action.REGISTER_HELPERS: Text("登记帮扶企业", "registering enterprises that help"),
    Action.VERIFY_HELPERS: Text("核验帮扶企业", "verifying enterprises that help"),
    Action.STATE_NEEDS: Text("提出帮扶需求", "stating what villages need"),
    Action.KEEP_AGREEMENTS: Text("办理帮扶协议、规划和困难问题", "keeping agreements, plans and obstacles"),
    Action.LOG_DELIVERIES: Text("登记帮扶投入", "logging what is delivered"),
    Action.CONFIRM_DELIVERIES: Text("确认帮扶投入", "confirming what is delivered"),
    Action.ARBITRATE_DELIVERIES: Text("裁定帮扶投入", "arbitrating what is disputed"),
    Action.REVIEW_PAIRINGS: Text("帮扶年度检查", "reviewing pairings each year"),
    Action.ISSUE_PAIRING_PAPERS: Text(
        "出具企业年度帮扶情况和帮扶证书", "issuing the annual statement and the certificate of who helps"
    ),
    Action.EXPORT_PAIRINGS: Text(
        "导出帮扶光荣榜和年度汇总表", "exporting the honour list and the annual summary of pairings"
    ),
    Action.READ_INSPECTIONS: Text("查阅基地考核", "reading bases and their assessments"),
    Action.INSPECT_BASES: Text("登记、考核基地", "registering and assessing bases"),
    Action.RECTIFY_FINDINGS: Text("登记整改情况", "saying what was put right"),
    Action.READ_HANDOUTS: Text("查阅发放台账", "reading what is handed out"),
    Action.KEEP_HANDOUTS: Text("登记需求和签收", "stating needs and handing over against signatures"),
    Action.LIST_HANDOUTS: Text("确定发放名单和采购入库", "listing who receives, and entering what was bought"),
    Action.EXPORT_HANDOUTS: Text("导出签收表", "exporting sheets for signing"),
}


class Reach(StrEnum):
    """How narrowly a county may speak of an action: for everything, for one programme, or for one of its stages."""

    COUNTY = "county"
    PROGRAMME = "programme"
    STAGE = "stage"


_PROGRAMMES = frozenset(
    {
        Action.SWITCH_PROGRAMME,
        Action.DRAFT_PROVISION,
        Action.RELEASE_PROVISION,
        Action.OPEN_PERIOD,
        Action.KEEP_NOTICES,
        Action.HEAR_OBJECTIONS,
        Action.EXPORT_LISTS,
        Action.REGISTER_HELPERS,
        Action.VERIFY_HELPERS,
        Action.STATE_NEEDS,
        Action.KEEP_AGREEMENTS,
        Action.LOG_DELIVERIES,
        Action.CONFIRM_DELIVERIES,
        Action.ARBITRATE_DELIVERIES,
        Action.REVIEW_PAIRINGS,
        Action.ISSUE_PAIRING_PAPERS,
        Action.EXPORT_PAIRINGS,
        Action.INSPECT_BASES,
        Action.RECTIFY_FINDINGS,
        Action.KEEP_HANDOUTS,
        Action.LIST_HANDOUTS,
        Action.EXPORT_HANDOUTS,
    }
)
_STAGES = frozenset(
    {
        Action.IMPORT_PLANS,
        Action.RECORD_FOR_OTHERS,
        Action.EXPORT_NOTICE,
        Action.EXPORT_SAMPLE,
        Action.EXPORT_PAYMENTS,
        Action.WORK_ON_CASES,
        Action.SAMPLE_CASES,
        Action.PAY_CASES,
    }
)

EVERY = "*"
"""Every programme, or every stage; in a question, any of them."""
ALLOW, DENY = "allow", "deny"


class Rule(NamedTuple):
    """A row of the policy: a duty is allowed or denied an action on a programme and a stage."""

    duty: str
    action: str
    programme: str
    stage: str
    effect: str


Rules = tuple[Rule, ...]


def enforcer(rules: Rules = ()) -> casbin.Enforcer:
    """The policy as casbin reads it: the platform's rows, and those of a county."""
    made = casbin.Enforcer(str(_HERE / "model.conf"), str(_HERE / "policy.csv"))
    if rules:
        # A county may say what the platform says already.
        known = {tuple(row) for row in made.get_policy()}
        made.add_policies([list(rule) for rule in dict.fromkeys(rules) if tuple(rule) not in known])
    return made


def enforced(made: casbin.Enforcer, duties: Iterable[Duty], action: Action, programme: str, stage: str) -> bool:
    """casbin's own answer for one place. Slow; what requests ask is compiled (:func:`allows`)."""
    made.remove_filtered_grouping_policy(0, _WHO)
    for duty in duties:
        made.add_grouping_policy(_WHO, duty.value)
    return bool(made.enforce(_WHO, action.value, programme, stage))


@lru_cache(maxsize=1)
def platform() -> Rules:
    """The platform's own rows."""
    return tuple(Rule(*row) for row in enforcer().get_policy())


# --- compiled ---------------------------------------------------------------------------------------------------

_Places = frozenset[tuple[str, str]]
"""Programmes and stages that rows speak of."""


@dataclass(frozen=True, slots=True)
class _Said:
    """Where an action is allowed, and where it is denied."""

    allowed: _Places
    denied: _Places

    def some(self, programme: str, stage: str) -> bool:
        """Whether there is a place like this that is allowed and not denied."""
        named = self.allowed | self.denied
        programmes = {EVERY, *(one for one, _ in named)} if programme == EVERY else {programme}
        stages = {EVERY, *(one for _, one in named)} if stage == EVERY else {stage}
        # What no row names is spoken of by the rows for everything alone, and EVERY stands for it here.
        return any(
            _covers(self.allowed, one, other) and not _covers(self.denied, one, other)
            for one in programmes
            for other in stages
        )


def _covers(places: _Places, programme: str, stage: str) -> bool:
    return any(one in (EVERY, programme) and other in (EVERY, stage) for one, other in places)


@lru_cache(maxsize=4096)
def _compiled(duties: frozenset[Duty], rules: Rules) -> Mapping[str, _Said]:
    """What the rows say of a set of duties, by action."""
    found: dict[str, dict[str, set[tuple[str, str]]]] = {}
    held = {duty.value for duty in duties}
    for rule in (*platform(), *rules):
        if rule.duty in held:
            said = found.setdefault(rule.action, {ALLOW: set(), DENY: set()})
            said[rule.effect].add((rule.programme, rule.stage))
    return {action: _Said(frozenset(said[ALLOW]), frozenset(said[DENY])) for action, said in found.items()}


@lru_cache(maxsize=16_384)
def allows(duties: frozenset[Duty], rules: Rules, action: Action, programme: str = EVERY, stage: str = EVERY) -> bool:
    """Whether a set of duties allows an action on a programme and a stage, on any if they are not given."""
    said = _compiled(duties, rules).get(action.value)
    return said is not None and said.some(programme, stage)


@lru_cache(maxsize=4096)
def allowed(duties: frozenset[Duty], rules: Rules = ()) -> frozenset[Action]:
    """What a set of duties allows on some programme and stage."""
    return frozenset(action for action in Action if allows(duties, rules, action))


@lru_cache(maxsize=4096)
def duties_that_may(action: Action, rules: Rules = (), programme: str = EVERY, stage: str = EVERY) -> frozenset[Duty]:
    """The duties that allow an action by themselves."""
    return frozenset(duty for duty in Duty if allows(frozenset({duty}), rules, action, programme, stage))


def deciding(duties: Iterable[Duty], rules: Rules, action: Action, programme: str, stage: str) -> Rules:
    """The rows that speak of such an action by somebody with these duties at such a place: the denials if there are
    any, else the permissions."""
    held = {duty.value for duty in duties}
    speaking = [
        rule
        for rule in (*platform(), *rules)
        if rule.duty in held
        and rule.action == action.value
        and (EVERY in (rule.programme, programme) or rule.programme == programme)
        and (EVERY in (rule.stage, stage) or rule.stage == stage)
    ]
    denials = tuple(rule for rule in speaking if rule.effect == DENY)
    if denials and not allows(frozenset(Duty(duty) for duty in held), rules, action, programme, stage):
        return denials
    return tuple(rule for rule in speaking if rule.effect == ALLOW)


# --- what a county may change -----------------------------------------------------------------------------------


class Expectation(NamedTuple):
    """What is expected of the policy: that these duties together are allowed or denied something."""

    holds: str
    effect: str
    duties: frozenset[Duty]
    action: Action
    programme: str
    stage: str

    def met(self, rules: Rules = ()) -> bool:
        """Whether it comes true under a county's rules."""
        return allows(self.duties, rules, self.action, self.programme, self.stage) is (self.effect == ALLOW)

    @property
    def text(self) -> Text:
        """It, as a sentence."""
        values = {"duties": duty_names(self.duties), "action": self.action.title_text}
        if self.effect == ALLOW:
            return Text("{duties}可以{action}", "{duties}: {action} is allowed").filled(**values)
        return Text("{duties}不得{action}", "{duties}: {action} is denied").filled(**values)


ALWAYS = "always"
"""Of an expectation that no county may change; the others are of the platform's own policy."""


@lru_cache(maxsize=1)
def expectations() -> tuple[Expectation, ...]:
    """What is expected of the policy, one row each of ``expectations.csv``."""
    return tuple(
        Expectation(holds, effect, frozenset(map(Duty, duties.split("+"))), Action(action), programme, stage)
        for holds, effect, duties, action, programme, stage in _rows("expectations.csv")
    )


@lru_cache(maxsize=1)
def ceiling() -> frozenset[tuple[Duty, Action]]:
    """What a county may allow that the platform does not: duties with their actions, of ``ceiling.csv``."""
    return frozenset((Duty(duty), Action(action)) for duty, action in _rows("ceiling.csv"))


def _rows(name: str) -> Iterator[list[str]]:
    with (_HERE / name).open(encoding="utf-8", newline="") as file:
        lines = (line for line in file if line.strip() and not line.startswith("#"))
        yield from ([cell.strip() for cell in row] for row in csv.reader(lines))


def above_ceiling(rule: Rule) -> bool:
    """Whether a rule allows what neither the platform allows nor a county may."""
    if rule.effect == DENY:
        return False
    duty, action = Duty(rule.duty), Action(rule.action)
    return (duty, action) not in ceiling() and not allows(frozenset({duty}), (), action)


def broken(rules: Rules) -> Problem | None:
    """The first expectation that holds always and would not come true under a county's rules."""
    for expected in expectations():
        if expected.holds == ALWAYS and not expected.met(rules):
            return Code.RULE_BREAKS_EXPECTATION.problem("rule", expected=expected.text)
    return None
