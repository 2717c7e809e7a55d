"""A receipt, and the whole year of a household, as pages of plain text."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.panel import Panel
from rich.text import Text as Plain

from bangfu.access import CHINA
from bangfu.cases.counted import TookPart
from bangfu.cases.month_receipts import Decided, Month
from bangfu.cases.receipts import Receipt, Result
from bangfu.cases.year import YearAnswer
from bangfu.cli.page import folded
from bangfu.policy import Whose
from bangfu.rules.book import StepKind
from bangfu.text import Language, Text, day, join, money

_WHOSE = {Whose.PLAN: Text("方案", "the plan"), Whose.COUNTY: Text("本县规定", "the county's provisions")}


def receipt_lines(receipt: Receipt, language: Language) -> list[str]:
    """The receipt in one language, line by line."""

    def t(zh: str, en: str) -> str:
        return Text(zh, en).in_(language)

    lines = [receipt.summary.in_(language)]
    if receipt.stage is not None:
        lines.append(t(f"当前环节:{receipt.stage.zh}", f"stage: {receipt.stage.en}"))
    if receipt.decided_at is not None:
        lines.append(t(f"核算环节:{receipt.decided_at.zh}", f"decided at: {receipt.decided_at.en}"))
    lines += _result_lines(receipt, language)
    if receipt.took_part:
        lines += ["", t("参与户:", "who takes part:")]
        lines += [f"  {_took_part(one).in_(language)}" for one in receipt.took_part]
    if receipt.attested:
        lines += ["", t("单位证明:", "what organizations attest:")]
        lines += [f"  {one.text.in_(language)}" for one in receipt.attested]
    if receipt.history:
        lines += ["", t("办理记录:", "what was done:")]
        for step in receipt.history:
            late = t(f",逾期 {step.late_days} 天", f", {step.late_days} days late") if step.late_days else ""
            note = f" ({step.note})" if step.note else ""
            act, duty = step.act.in_(language), step.duty.in_(language)
            lines.append(f"  {step.effective_on} {act}: {step.officer}, {duty}{late}{note}")
    lines += ["", t(f"规则版本 {receipt.book[:16]}", f"rule book {receipt.book[:16]}")]
    for earlier in receipt.earlier:
        lines += ["", "—" * 8, earlier.summary.in_(language)]
        if earlier.decided_at is not None:
            lines.append(t(f"核算环节:{earlier.decided_at.zh}", f"decided at: {earlier.decided_at.en}"))
        lines += _result_lines(earlier, language)
    return lines


def _result_lines(result: Result, language: Language) -> list[str]:
    """The facts, clauses and numbers of one result."""

    def t(zh: str, en: str) -> str:
        return Text(zh, en).in_(language)

    as_of = day(result.facts_as_of)
    lines = ["", t(f"依据的事实(截至 {as_of.zh}):", f"facts (as of {as_of.en}):")]
    lines += [f"  {title.in_(language)}: {value.in_(language)}" for title, value in result.facts]
    lines += ["", t("逐条核对:", "clause by clause:")]
    for line in result.lines:
        mark = {True: "✓", False: "✗", None: "?"}[line.met] if line.kind is StepKind.CRITERION else "·"
        lines.append(f"  {mark} [{line.cites}] {line.says.in_(language)}: {line.result.in_(language)}")
        lines += [f"      {text.in_(language)}" for text in line.arithmetic]
        for miss in line.misses:
            gap = t(f",差 {miss.gap.zh}", f", missed by {miss.gap.en}") if miss.gap else ""
            what, value, needed = (x.in_(language) for x in (miss.what, miss.value, miss.needed))
            lines.append(
                t(f"      {what}为 {value},应为 {needed}{gap}", f"      {what} is {value}, had to be {needed}{gap}")
            )
    lines += ["", t("数值依据:", "the numbers and who set them:")]
    for own in result.authorities:
        title, value, whose = (x.in_(language) for x in (own.title, own.value, _WHOSE[own.whose]))
        lines.append(t(
            f"  {title}: {value}({whose}《{own.document}》{own.clause},自 {own.since})",
            f"  {title}: {value} ({whose}: {own.document} {own.clause}, since {own.since})",
        ))  # fmt: skip
    return lines


def _took_part(one: TookPart) -> Text:
    if one.counted:
        return Text(f"{one.role.zh} {one.number}:计入", f"{one.role.en} {one.number}: counted")
    why = join(list(one.why_not), ";", "; ")
    return Text(f"{one.role.zh} {one.number}:未计入({why.zh})", f"{one.role.en} {one.number}: not counted ({why.en})")


def year_lines(answer: YearAnswer, language: Language) -> list[str]:
    """The whole year of a household in one language, line by line."""
    paid, due = money(answer.paid_fen), money(answer.due_fen)
    total = Text(f"已拨付 {paid.zh},另有待拨付 {due.zh}", f"paid {paid.en}, due besides {due.en}")
    lines = [total.in_(language)]
    for own in answer.periods:
        receipt = own.receipt
        heading = Text(f"{receipt.programme.zh} {receipt.period.zh}", f"{receipt.programme.en}, {receipt.period.en}")
        whose = "" if receipt.number == answer.number else f"{receipt.number}  "
        lines += ["", f"{whose}{heading.in_(language)}", f"  {receipt.summary.in_(language)}"]
        payments = [*(one.text for one in own.payments), *(one.text for one in own.months)]
        for said in (own.in_the_way, own.fails, own.could, own.waits, payments, own.taken, own.apart, own.together):
            lines += [f"  · {text.in_(language)}" for text in said]
        lines += [f"  · {_took_part(one).in_(language)}" for one in receipt.took_part]
        lines += [f"  · {one.text.in_(language)}" for one in receipt.attested]
    if not answer.periods:
        lines.append(Text("本年度没有开启的项目", "no programme was opened in this year").in_(language))
    return lines


def print_receipt(out: Console, receipt: Receipt, language: Language) -> None:
    """Print a receipt in a frame."""
    title = Text(
        f"编号 {receipt.number} {receipt.programme.zh} {receipt.period.zh}",
        f"number {receipt.number}, {receipt.programme.en}, {receipt.period.en}",
    )
    _framed(out, receipt_lines(receipt, language), title.in_(language))


def print_year(out: Console, answer: YearAnswer, language: Language) -> None:
    """Print the whole year of a household in a frame."""
    title = Text(f"户编号 {answer.number} {answer.year} 年", f"household {answer.number}, {answer.year}")
    _framed(out, year_lines(answer, language), title.in_(language))


def month_lines(month: Month, language: Language) -> list[str]:
    """A month of somebody in one language, line by line: what it came to, and how it was paid."""
    lines = [month.text.in_(language)]
    if month.decisions:
        lines.append(f"  {month.decisions[0].text.in_(language)}")
        for change in month.decisions[0].changes:
            title, was, now = (x.in_(language) for x in (change.title, change.was, change.now))
            lines.append(f"  {title}: {was} → {now}")
    return lines + [f"  · {line.text.in_(language)}" for line in month.lines]


def print_months(out: Console, title: Text, months: Sequence[Month], language: Language) -> None:
    """Print the months of somebody in a frame."""
    _framed(out, [line for month in months for line in month_lines(month, language)], title.in_(language))


def print_decisions(out: Console, title: Text, decisions: Sequence[Decided], language: Language) -> None:
    """Print decisions of a month in a frame, each with everything that explains it."""
    lines: list[str] = []
    for one in decisions:
        amount = money(one.amount_fen)
        known = Text(
            f"按 {one.known_at.astimezone(CHINA):%Y-%m-%d %H:%M:%S} 已知情况:应发 {amount.zh}",
            f"by what was known at {one.known_at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}: {amount.en} due",
        )
        lines += [*(["", "—" * 8] if lines else []), known.in_(language), one.text.in_(language)]
        lines += _result_lines(one.result, language)
    _framed(out, lines, title.in_(language))


def _framed(out: Console, lines: list[str], title: str) -> None:
    inner = out.width - 4  # the frame, and a cell beside it
    parts = [part for line in lines for part in folded(line, inner)]
    out.print(Panel(Plain("\n".join(parts)), title=Plain(title), title_align="left"))
