"""Writes the pages of docs/ that only repeat what the code says: ``python docs/generate.py`` (a test holds them
together).

Pages: problems.md, commands.md, walls.md, hooks.md, workbooks.md, invariants.md, clauses.md.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

from bangfu.cases.handlers import IMPORTERS
from bangfu.cases.plans import PlanImporter
from bangfu.cases.rechecks import RecheckImporter
from bangfu.cli import main
from bangfu.db.walls import Kind, Own
from bangfu.errors import Code
from bangfu.models import WALLS, Base
from bangfu.payments.invariants import INVARIANTS
from bangfu.process import Verify
from bangfu.programme import (
    CIRCUMSTANCE_FACTS,
    CIRCUMSTANCES,
    NOTICE_COLUMNS,
    PAYMENT_COLUMNS,
    REGISTRY_FACTS,
    SCHOOLING_FACTS,
    Answered,
    ClauseState,
    Hooks,
    answered,
    installed,
)
from bangfu.text import Text

HERE = Path(__file__).parent
MADE = "<!-- made by docs/generate.py; change the code, then run it -->\n"


def problems() -> str:
    """Every code with what it says and what to do."""
    lines = [
        "# Problems",
        MADE,
        "A request whose precondition is broken gets problems, and changes nothing. Each has a code, a path to the "
        "field, and the texts below in the caller's language, their places filled.",
        "",
    ]
    for code in Code:
        saying = code.value
        lines += [f"## {code.name}", ""]
        lines += [f"- {text}" for text in (saying.message.zh, saying.message.en)]
        lines += [f"- → {saying.remedy.zh}", f"- → {saying.remedy.en}", ""]
    return "\n".join(lines)


def commands() -> str:
    """Every command with its arguments and options."""
    lines = [
        "# Commands",
        MADE,
        "`bangfu --tenant CODE --as STAFF_NUMBER COMMAND …`; both can be set once as `BANGFU_TENANT` and "
        "`BANGFU_OFFICER`, and the programme that commands mean as `BANGFU_PROGRAMME`. "
        "A refused request exits with 1 and changes nothing, a wrong use of the command with 2.",
        "",
    ]
    for name, command in _walk(main, "bangfu"):
        lines += [f"## {name}", "", inspect.cleandoc(command.help or ""), ""]
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                flags = ", ".join(parameter.opts + parameter.secondary_opts)
                needed = " (required)" if parameter.required else ""
                lines.append(f"- `{flags}`{needed}{f': {parameter.help}' if parameter.help else ''}")
            else:
                lines.append(f"- `{parameter.name.upper() if parameter.name else ''}`")
        lines.append("")
    return "\n".join(lines)


def _walk(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield name, command
        return
    context = click.Context(command)
    for sub in sorted(command.list_commands(context)):
        found = command.get_command(context, sub)
        assert found is not None
        yield from _walk(found, f"{name} {sub}")


def walls() -> str:
    """Every table with its wall."""
    said = {
        Kind.PLATFORM: "the owner alone",
        Kind.TENANT: "everyone of the county",
        Kind.STAFF: "who holds an office of the county",
        Kind.AREA: "whose areas hold the row's division",
        Kind.PARTICIPANT: "whose areas hold the row's division",
        Kind.ORGANIZATION: "whose areas hold the row's division",
        Kind.SPAN: "whose areas hold all of the row's",
        Kind.OFFICER: "the officer whose row it is",
    }
    own = {
        Own.OFFICER: "the officer",
        Own.OFFICER_ID: "the officer whose row it is",
        Own.ORGANIZATION: "who works for the organization",
        Own.ORGANIZATION_ID: "who works for the organization",
        Own.HOUSEHOLD: "who is linked to the household, or is of it",
        Own.HOUSEHOLD_ID: "who is linked to the household, or is of it",
        Own.CASE_ID: "who is linked to the case's household, or is of it",
        Own.ORGANIZATION_OR_CASE: "who works for the organization, is linked to the case's household, or is of it",
        Own.MEMBER: "who is linked to the person's household, or is of it",
        Own.REACH: "whoever works in the division",
        Own.OFFERED: "who holds an office of the county, or works for an organization that is verified to help",
    }
    lines = [
        "# Walls",
        MADE,
        "Every table is behind row-level security, forced on its owner too. Nothing is deleted; what is not listed as "
        "changing never changes. Before anything else, Bangfu holds the live database against this table and refuses "
        "to run where a wall is missing.",
        "",
        "| table | who sees a row | what may change | |",
        "|---|---|---|---|",
    ]
    tables = {mapper.class_.__tablename__: mapper.class_ for mapper in Base.registry.mappers}
    for name, wall in sorted(WALLS.items()):
        changes = ", ".join(wall.update) or "nothing"
        if wall.while_:
            changes += f" — while {wall.while_}"
        for said_of, condition in (("puts in", wall.own_insert), ("makes of it", wall.own_update)):
            if wall.own and condition:
                only = "nothing" if condition == "false" else f"only what has {condition}"
                changes += f"; {own[wall.own]} {said_of} {only}"
        first = (inspect.getdoc(tables[name]) or "").split("\n")[0]
        sees = said[wall.kind] + (f", or {own[wall.own]}" if wall.own else "")
        if wall.opening is not None and wall.opening.select:
            sees += "; the public: " + ", ".join(wall.opening.select) + f" — where {wall.opening.rows}"
        if wall.opening is not None and wall.opening.insert:
            changes += f"; the public put in: {', '.join(wall.opening.insert)} — where {wall.opening.rows}"
        lines.append(f"| `{name}` | {sees} | {changes} | {first} |")
    return "\n".join([*lines, ""])


def hooks() -> str:
    """Every hook with its signature, and the names that declarations may use."""
    lines = [
        "# Hooks",
        MADE,
        "A plugin is a package in the entry-point group `bangfu.plugins`. Each hook returns frozen declarations. One "
        "that does not come with Bangfu is loaded once the installation has admitted it, and as long as its files are "
        "those that were looked at: `bangfu plugin admit NAME` "
        "([why](decisions/a-plugin-is-looked-at-before-it-is-loaded.md)). A plugin is begun with `bangfu plugin new "
        "NAME`; [tutorial.md](tutorial.md) goes from a document to a payment.",
        "",
    ]
    for name, hook in inspect.getmembers(Hooks, inspect.isfunction):
        lines += [f"## {name}{inspect.signature(hook)}", "", inspect.getdoc(hook) or "", ""]
    lines += ["## What declarations may name", ""]
    lines += [f"- a notice shows at most: {', '.join(f'`{c}` {t.zh}' for c, t in NOTICE_COLUMNS.items())}"]
    lines += [f"- a fact comes from the registry as: {', '.join(f'`{c}` {t.zh}' for c, t in REGISTRY_FACTS.items())}"]
    schooling = ", ".join(f"`{code}` {title.zh}" for code, (_, title) in SCHOOLING_FACTS.items())
    lines += [f"- a fact of a person's schooling comes from the register as: {schooling}"]
    circumstances = ", ".join(
        f"`{kind}` {CIRCUMSTANCES[kind].zh} ({', '.join(f'`{attribute}`' for attribute in known)})"
        for kind, known in CIRCUMSTANCE_FACTS.items()
    )
    lines += [f"- a fact of a person's circumstances comes from the register as: {circumstances}"]
    lines += [f"- a payment list holds: {', '.join(f'`{column}`' for column in PAYMENT_COLUMNS)}", ""]
    return "\n".join(lines)


def workbooks() -> str:
    """Every kind of workbook with its columns."""
    lines = [
        "# 表格 Workbooks",
        MADE,
        "XLSX 或 CSV;标题行、合并表头、合计行都可以有,表头按名称识别(也认别名),不认识的表头用 `--map 表头=字段` "
        "指明一次即可记住。空单元格表示“不改动”。",
        "",
        "XLSX or CSV; titles above, merged headers and totals below may stay. A header is found by its name or an "
        "alias; another one is matched once with `--map HEADER=FIELD` and remembered. A blank cell changes nothing.",
        "",
    ]
    plans = {
        f"plans -p {programme.code} --period …": PlanImporter(programme, "")
        for programme in installed().programmes.values()
    }
    rechecks = {
        f"rechecks -p {programme.code} --period …": RecheckImporter(programme, "")
        for programme in installed().programmes.values()
        if any(stage.rechecks for stage in programme.process.kind(Verify))
    }
    for command, importer in {**IMPORTERS, **plans, **rechecks}.items():
        title = importer.title
        if isinstance(importer, PlanImporter | RecheckImporter):
            own = importer.programme.title
            title = Text(f"{title.zh}({own.zh})", f"{title.en} ({own.en})")
        lines += [f"## {title.zh} {title.en}: `bangfu import {command}`", ""]
        lines += ["| 列 | column | 必需 needed | 别名 aliases | field |", "|---|---|---|---|---|"]
        lines += [
            f"| {column.title.zh} | {column.title.en} | {'是 yes' if column.required else ''} "
            f"| {'、'.join(column.aliases)} | `{column.name}` |"
            for column in importer.columns
        ]
        lines.append("")
    return "\n".join(lines)


def invariants() -> str:
    """What always holds of money, with the statements."""
    lines = [
        "# 资金不变式 Invariants of money",
        MADE,
        "What must hold after everything that can happen. `bangfu doctor` asks the database for all of it, of one "
        "county (`--tenant`) or of all, names what is wrong, and exits with 1; nightly is a good time. The "
        "statements share nothing with the code that they watch over: each gives one row for each thing that is "
        "wrong, as `table/id`, and none is good.",
        "",
        "They read the county that the transaction is bound to, and `:declared`, what the programmes declare as JSON: "
        "for each code the `graph` of its stages (pairs), the stages at which it `pays`, by which parameters a "
        "`notice` of it lasts. "
        "`bangfu doctor --sql` prints them with that written in, to be run by anyone.",
        "",
    ]
    for invariant in INVARIANTS:
        lines += [f"## {invariant.code}", "", invariant.says.zh + "。", "", _sentence(invariant.says.en), ""]
        if invariant.sql:
            lines += ["```sql", inspect.cleandoc(invariant.sql), "```", ""]
        else:
            lines += ["`bangfu audit verify` goes along the chain; so does `bangfu doctor`.", ""]
    return "\n".join(lines)


def clauses() -> str:
    """Every clause of every document, with what carries it out or why it is left out."""
    states = ", ".join(f"{state.title_text.zh} {state.title_text.en}" for state in ClauseState)
    lines = [
        "# 条款落实表 Clause by clause",
        MADE,
        "每份文件的每一条有规则的条款:由哪个项目的哪些条件、计算、环节、参数落实;不纳入的写明理由;尚未落实的写明内容。"
        "`bangfu programme clauses --export 条款.xlsx` 可存为表格。",
        "",
        "Every clause that states a rule, of every document: by which criteria, amounts, stages and parameters of "
        f"which programme it is carried out; what is left out, and why; what is missing. A clause is one of: {states}.",
        "",
    ]
    for (code, title), found in answered(installed().every.values()).items():
        count = Counter(_overall(one) for one in found)
        lines += [f"## {title} `{code}`", ""]
        lines += [
            "、".join(f"{state.title_text.zh} {state.title_text.en} {count[state]}" for state in ClauseState) + "。",
            "",
            "| 条款 clause | 内容 heading | 项目 programmes | 落实情况 state | 落实方式或理由 by what, or why not |",
            "|---|---|---|---|---|",
        ]
        for one in found:
            for number, answer in enumerate(one.answers):
                shown = (one.clause, one.heading) if number == 0 else ("", "")
                programmes = "、".join(f"`{programme.code}`" for programme in answer.programmes)
                state = f"{answer.state.title_text.zh} {answer.state.title_text.en}"
                says = f"{answer.says.zh}<br>{answer.says.en}".replace("|", "\\|")
                lines.append(f"| {shown[0]} | {shown[1]} | {programmes} | {state} | {says} |")
        lines.append("")
    return "\n".join(lines)


def _overall(one: Answered) -> ClauseState:
    """How far a clause is carried out by those whose it is together: as far as the one that does least of it."""
    order = [ClauseState.CARRIED_OUT, ClauseState.IN_PART, ClauseState.LEFT_OUT, ClauseState.MISSING]
    return max((answer.state for answer in one.answers), key=order.index)


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


PAGES = {
    "problems.md": problems,
    "commands.md": commands,
    "walls.md": walls,
    "hooks.md": hooks,
    "workbooks.md": workbooks,
    "invariants.md": invariants,
    "clauses.md": clauses,
}

if __name__ == "__main__":
    for page, made in PAGES.items():
        (HERE / page).write_text(made(), encoding="utf-8")
