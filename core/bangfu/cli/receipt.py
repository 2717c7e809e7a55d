"""A receipt as a page of plain text."""

from __future__ import annotations

from rich.console import Console
from rich.panel import Panel
from rich.text import Text as Plain

from bangfu.cases.receipts import Receipt
from bangfu.cli.page import folded
from bangfu.policy import Whose
from bangfu.rules.book import StepKind
from bangfu.text import Language, Text, day

_WHOSE = {Whose.PLAN: Text("方案", "the plan"), Whose.COUNTY: Text("本县规定", "the county's provisions")}


def receipt_lines(receipt: Receipt, language: Language) -> list[str]:
    """The receipt in one language, line by line."""

    def t(zh: str, en: str) -> str:
        return Text(zh, en).in_(language)

    lines = [receipt.summary.in_(language)]
    if receipt.stage is not None:
        lines.append(t(f"当前环节:{receipt.stage.zh}", f"stage: {receipt.stage.en}"))
    as_of = day(receipt.facts_as_of)
    lines += ["", t(f"依据的事实(截至 {as_of.zh}):", f"facts (as of {as_of.en}):")]
    lines += [f"  {title.in_(language)}: {value.in_(language)}" for title, value in receipt.facts]
    lines += ["", t("逐条核对:", "clause by clause:")]
    for line in receipt.lines:
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
    for own in receipt.authorities:
        title, value, whose = (x.in_(language) for x in (own.title, own.value, _WHOSE[own.whose]))
        lines.append(t(
            f"  {title}: {value}({whose}《{own.document}》{own.clause},自 {own.since})",
            f"  {title}: {value} ({whose}: {own.document} {own.clause}, since {own.since})",
        ))  # fmt: skip
    if receipt.history:
        lines += ["", t("办理记录:", "what was done:")]
        for step in receipt.history:
            late = t(f",逾期 {step.late_days} 天", f", {step.late_days} days late") if step.late_days else ""
            note = f" ({step.note})" if step.note else ""
            act, duty = step.act.in_(language), step.duty.in_(language)
            lines.append(f"  {step.effective_on} {act}: {step.officer}, {duty}{late}{note}")
    lines += ["", t(f"规则版本 {receipt.book[:16]}", f"rule book {receipt.book[:16]}")]
    return lines


def print_receipt(out: Console, receipt: Receipt, language: Language) -> None:
    """Print a receipt in a frame."""
    title = Text(
        f"户编号 {receipt.number} {receipt.programme.zh} {receipt.period.zh}",
        f"household {receipt.number}, {receipt.programme.en}, {receipt.period.en}",
    )
    inner = out.width - 4  # the frame, and a cell beside it
    lines = [part for line in receipt_lines(receipt, language) for part in folded(line, inner)]
    out.print(Panel(Plain("\n".join(lines)), title=Plain(title.in_(language)), title_align="left"))
