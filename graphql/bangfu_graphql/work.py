"""Long work and what it makes; the county's own documents; the audit record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any

import strawberry
from sqlalchemy import ColumnElement, select

from bangfu import models
from bangfu.access import Action
from bangfu.cases import provisions
from bangfu.db.bulk import among
from bangfu.policy import Policy
from bangfu.process import Duty
from bangfu.registry.circumstances import LISTS
from bangfu.simulate import changes_of
from bangfu_graphql.mapping import NEWEST, Sight, column, derived, filters, gathered, many, mapped, one, where
from bangfu_graphql.nodes import Node
from bangfu_graphql.people import Officer
from bangfu_graphql.previews import PreviewedChange, PreviewedFigures, PreviewedTownship, kept_figures, told_change
from bangfu_graphql.problems import Problem, problem, told_problems
from bangfu_graphql.scalars import DivisionCode, Effect, JobState, Money, ProvisionState

# --- jobs -----------------------------------------------------------------------------------------------------


@strawberry.type(description="A change that an import made, or would make.")
class Difference:
    """A change that an import made, or would make."""

    what: str = strawberry.field(description="Of what, such as a household by its number.")
    field: str = strawberry.field(description="Which field.")
    before: str = strawberry.field(description="What it was.")
    after: str = strawberry.field(description="What it becomes.")


@strawberry.type(description="How many of one kind of thing an import found new, changed and the same.")
class Tally:
    """How many of one kind of thing an import found new, changed and the same."""

    what: str = strawberry.field(description="The kind of thing.")
    new: int = strawberry.field(description="New ones.")
    changed: int = strawberry.field(description="Changed ones.")
    same: int = strawberry.field(description="Those that are as they were.")
    examples: list[Difference] = strawberry.field(
        description="A few of the changes; of a list of circumstances none, without `READ_CIRCUMSTANCES`."
    )


@strawberry.type(description="What an import came to.")
class ImportResult:
    """What an import came to."""

    dry_run: bool = strawberry.field(description="Whether nothing was to be changed.")
    as_of: date = strawberry.field(description="The day of which the workbook speaks.")
    bad_rows: int = strawberry.field(description="How many rows have problems.")
    tallies: list[Tally] = strawberry.field(description="What was found, by kind.")


@strawberry.type(description="What the accounting of a county came to.")
class AccountingResult:
    """What the accounting of a county came to."""

    done: int = strawberry.field(description="Households that were accounted.")
    unchanged: int = strawberry.field(description="Households whose result is what it was.")
    refused: int = strawberry.field(description="Households that could not be; the problems name the first of them.")


def _tells_of_persons(sight: Sight, row: Mapping[str, Any]) -> bool:
    """Whether somebody may know what a job says of single persons: a list of circumstances tells of their health."""
    return row["kind"] not in LISTS or sight.who.may(Action.READ_CIRCUMSTANCES)


def _imported(sight: Sight, row: Mapping[str, Any]) -> ImportResult | None:
    result = row["result"] or {}
    if "tallies" not in result:
        return None
    tallies = [
        Tally(
            what=what,
            new=tally["new"],
            changed=tally["changed"],
            same=tally["same"],
            examples=[
                Difference(what=example["what"], field=name, before=before, after=after)
                for example in (tally["examples"] if _tells_of_persons(sight, row) else ())
                for name, (before, after) in example["fields"].items()
            ],
        )
        for what, tally in result["tallies"].items()
    ]
    return ImportResult(
        dry_run=result["dry_run"],
        as_of=date.fromisoformat(result["as_of"]),
        bad_rows=result["bad_rows"],
        tallies=tallies,
    )


def _accounted(sight: Sight, row: Mapping[str, Any]) -> AccountingResult | None:
    result = row["result"] or {}
    if "done" not in result or "unchanged" not in result:
        return None
    return AccountingResult(done=result["done"], unchanged=result["unchanged"], refused=result["refused"])


@strawberry.type(description="What deciding a month came to.")
class MonthResult:
    """What deciding a month came to."""

    decided: int = strawberry.field(description="How many decisions of months were made.")
    changed: int = strawberry.field(description="How many of them changed an earlier one.")
    unchanged: int = strawberry.field(description="How many months that were looked at stayed as they were.")
    refused: int = strawberry.field(description="How many could not be decided; the problems name the first of them.")
    arrears: Money = strawberry.field(description="What was added to earlier months.")
    recovery: Money = strawberry.field(description="What was taken back of earlier months.")


def _months(sight: Sight, row: Mapping[str, Any]) -> MonthResult | None:
    result = row["result"] or {}
    if "arrears_fen" not in result:
        return None
    counts = {name: result[name] for name in ("decided", "changed", "unchanged", "refused")}
    return MonthResult(arrears=Money(result["arrears_fen"]), recovery=Money(result["recovery_fen"]), **counts)


@strawberry.type(description="What a bank's answers came to.")
class AnswersResult:
    """What a bank's answers came to."""

    rows: int = strawberry.field(description="Rows of the file.")
    paid: int = strawberry.field(description="Payments that arrived, by this file.")
    returned: int = strawberry.field(description="Payments that came back, by this file.")
    same: int = strawberry.field(description="Rows that were on record already.")
    odd: int = strawberry.field(description="Rows that were not counted; the problems name them.")


def _answered(sight: Sight, row: Mapping[str, Any]) -> AnswersResult | None:
    result = row["result"] or {}
    if "odd" not in result:
        return None
    return AnswersResult(**{name: result[name] for name in ("rows", "paid", "returned", "same", "odd")})


def _problems(sight: Sight, row: Mapping[str, Any]) -> list[Problem]:
    result = row["result"] or {}
    told = result.get("problems") or result.get("row_problems") or result.get("first_refused") or []
    if not _tells_of_persons(sight, row):
        told = [one for one in told if one["path"][:1] != ["rows"]]
    return told_problems(told, sight.language)


@filters
class JobFilter:
    """Which jobs."""

    state: list[JobState] | None = where(
        lambda s, v: among(models.Job.state, [state.value for state in v]), "In one of these states."
    )
    mine: bool | None = where(
        lambda s, v: models.Job.officer_id == s.who.actor.id if v else models.Job.officer_id != s.who.actor.id,
        "Those that I asked for, or those of others.",
    )


@mapped(models.Job, order={NEWEST: (models.Job.id,)}, read=Action.READ_OFFICES)
class Job(Node):
    """A piece of long work 任务: an import, the accounting of a county, an export."""

    kind: str = column(models.Job.kind, "What it does: `households`, `plans/…`, `account`, `export/payments` …")
    state: JobState = column(models.Job.state, "Where it stands.")
    done: int = column(models.Job.done, "How far it has come.")
    total: int | None = column(models.Job.total, "How far it has to go; null until that is known.")
    created_at: datetime = column(models.Job.created_at, "When it was asked for.")
    finished_at: datetime | None = column(models.Job.finished_at, "When it ended.")
    attempts: int = column(models.Job.attempts, "How often it was begun; more than once where a worker died.")
    asked_by: Officer | None = one(models.Job.officer_id, models.Officer.id, "Who asked for it.")
    imported: ImportResult | None = derived(
        [models.Job.kind, models.Job.result], _imported, "Of an import, what it came to."
    )
    accounted: AccountingResult | None = derived([models.Job.result], _accounted, "Of an accounting, what it came to.")
    month: MonthResult | None = derived([models.Job.result], _months, "Of the deciding of a month, what it came to.")
    answered: AnswersResult | None = derived([models.Job.result], _answered, "Of a bank's answers, what they came to.")
    problems: list[Problem] = derived(
        [models.Job.kind, models.Job.result],
        _problems,
        "What was wrong; at most 200 of them, all are in the returned workbook. Nothing of single rows of a list of "
        "circumstances, without `READ_CIRCUMSTANCES`.",
    )
    file: Annotated[File, strawberry.lazy("bangfu_graphql.work")] | None = one(
        models.Job.result_file_id, models.File.id, "The file that it made: a list, or the workbook with its problems."
    )


@mapped(models.File, read=Action.READ_OFFICES)
class File(Node):
    """A file 文件 that a job was given or made."""

    name: str = column(models.File.name, "Its name.")
    size: int = column(models.File.size, "Its size in bytes.")
    sha256: str = column(models.File.sha256, "A SHA-256 of its content.")
    path: str = derived(
        [models.File.id],
        lambda sight, row: f"/files/{row['id']}",
        "Where it is fetched with GET and the same token, by who asked for the job; every fetch is on record.",
    )


# --- the county's own documents -------------------------------------------------------------------------------


@strawberry.type(description="The value that a county's own document gives to a parameter.")
class ProvisionEntry:
    """The value that a county's own document gives to a parameter."""

    parameter: str = strawberry.field(description="The parameter, by name.")
    title: str = strawberry.field(description="The parameter, in words.")
    value: str = strawberry.field(description="The value, in words.")
    since: date = strawberry.field(description="From which day.")
    until: date | None = strawberry.field(description="Before which day; null for good.")
    clause: str = strawberry.field(description="The clause of the document.")


def _entries(sight: Sight, row: Mapping[str, Any]) -> list[ProvisionEntry]:
    policy = sight.programmes[row["programme"]].policy
    found = []
    for item in row["content"]["entries"]:
        parameter = policy.parameters[item["parameter"]]
        found.append(
            ProvisionEntry(
                parameter=item["parameter"],
                title=sight.say(parameter.title),
                value=sight.say(parameter.kind.show(parameter.kind.parse(item["value"]))),
                since=date.fromisoformat(item["since"]),
                until=date.fromisoformat(item["until"]) if item["until"] else None,
                clause=item["clause"],
            )
        )
    return found


@strawberry.type(description="A rule book that a county's own document moves it to 采用规则版本.")
class ProvisionBook:
    """A rule book that a county's own document moves it to."""

    book: date = strawberry.field(description="Which book: the day from which it is known.")
    since: date = strawberry.field(description="From which day the county decides by it.")
    clause: str = strawberry.field(description="The clause of the document.")


def _books(sight: Sight, row: Mapping[str, Any]) -> list[ProvisionBook]:
    return [
        ProvisionBook(
            book=date.fromisoformat(item["book"]), since=date.fromisoformat(item["since"]), clause=item["clause"]
        )
        for item in row["content"].get("adoptions", ())
    ]


def _taken_back_since(sight: Sight, row: Mapping[str, Any]) -> date | None:
    revokes = row["content"].get("revokes")
    return date.fromisoformat(revokes["since"]) if revokes else None


@filters
class ProvisionFilter:
    """Which of the county's own documents."""

    programme: str | None = where(lambda s, v: models.ProvisionRow.programme == v, "Of this programme.")
    state: ProvisionState | None = where(lambda s, v: models.ProvisionRow.state == v.value, "In this state.")


def _kept(sight: Sight, row: Mapping[str, Any]) -> tuple[Policy, list[dict[str, Any]]]:
    """The policy of a preview's programme, and the values without and with the document."""
    policy, basis = sight.programmes[row["content"]["programme"]].policy, row["content"]["basis"]
    parse = {name: own.kind.parse for name, own in policy.parameters.items()}
    values = [{name: parse[name](raw) for name, raw in basis[side].items()} for side in ("before", "after")]
    return policy, values


def _changes(sight: Sight, row: Mapping[str, Any]) -> list[PreviewedChange]:
    policy, (before, after) = _kept(sight, row)
    return [told_change(one, sight.say) for one in changes_of(policy, before, after)]


def _unset(sight: Sight, row: Mapping[str, Any]) -> list[Problem]:
    policy, (_, after) = _kept(sight, row)
    period = sight.programmes[row["content"]["programme"]].period.period(row["period"])
    lacking = [policy.unset(name, period.reference_day) for name in policy.parameters if name not in after]
    return [problem(own, sight.language) for own in lacking]


def _of_known_programmes(sight: Sight) -> ColumnElement[bool]:
    """The condition that a preview is of a document of a programme that this schema knows."""
    document = select(models.ProvisionRow.id).where(
        models.ProvisionRow.tenant_id == sight.tenant,
        models.ProvisionRow.id == models.ProvisionPreview.provision_id,
        among(models.ProvisionRow.programme, sight.programmes),
    )
    return document.correlate(models.ProvisionPreview).exists()


def _townships(sight: Sight, row: Mapping[str, Any]) -> list[PreviewedTownship]:
    return [
        PreviewedTownship(code=DivisionCode(one["code"]), name=one["name"], figures=kept_figures([one]))
        for one in row["content"]["townships"]
    ]


async def _to_preview(reader: Any, rows: Sequence[Mapping[str, Any]], arguments: Mapping[str, Any]) -> list[list[str]]:
    sight: Sight = reader.sight
    query = select(models.ProvisionRow).where(
        models.ProvisionRow.tenant_id == sight.tenant, among(models.ProvisionRow.id, [row["id"] for row in rows])
    )
    documents = (await reader.now.scalars(query)).all()
    found = await provisions.lacking(reader.now, sight.who, sight.programmes, documents)
    return [list(found[row["id"]].periods) for row in rows]


@mapped(
    models.ProvisionPreview,
    order=(models.ProvisionPreview.id,),
    where=_of_known_programmes,
    read=Action.READ_CASES,
)
class KeptPreview(Node):
    """What a county's own document came to in a period when it was previewed, on the facts of that day 试算."""

    period: str = column(models.ProvisionPreview.period, "The period.")
    made_on: date = column(models.ProvisionPreview.made_on, "The day of which its facts are.")
    made_at: datetime = column(models.ProvisionPreview.made_at, "When it was made.")
    made_by: Officer | None = one(models.ProvisionPreview.made_by, models.Officer.id, "Who made it.")
    changes: list[PreviewedChange] = derived(
        [models.ProvisionPreview.content], _changes, "The numbers that the document changes."
    )
    books: list[date] | None = derived(
        [models.ProvisionPreview.content],
        lambda sight, row: [date.fromisoformat(day) for day in row["content"]["books"] or ()] or None,
        "The days of the two rule books, where the document moves the county to another one.",
    )
    unset: list[Problem] = derived(
        [models.ProvisionPreview.content, models.ProvisionPreview.period],
        _unset,
        "The numbers that nobody has set; while there is one, nothing can be decided.",
    )
    townships: list[PreviewedTownship] = derived(
        [models.ProvisionPreview.content], _townships, "The figures by township."
    )
    total: PreviewedFigures = derived(
        [models.ProvisionPreview.content],
        lambda sight, row: kept_figures(row["content"]["townships"]),
        "All townships together.",
    )


@mapped(
    models.ProvisionRow,
    order={NEWEST: (models.ProvisionRow.issued_on, models.ProvisionRow.id)},
    where=lambda sight: among(models.ProvisionRow.programme, sight.programmes),
    read=Action.READ_CASES,
)
class Provision(Node):
    """A county's own document with its parameter values 本县规定."""

    programme: str = column(models.ProvisionRow.programme, "The code of the programme.")
    title: str = column(models.ProvisionRow.title, "Its title.")
    number: str = column(models.ProvisionRow.number, "Its number 文号.")
    issued_on: date = column(models.ProvisionRow.issued_on, "The day it was issued.")
    state: ProvisionState = column(models.ProvisionRow.state, "Where it stands.")
    entries: list[ProvisionEntry] = derived(
        [models.ProvisionRow.programme, models.ProvisionRow.content], _entries, "The values that it sets."
    )
    books: list[ProvisionBook] = derived(
        [models.ProvisionRow.content], _books, "The rule books that it moves the county to."
    )
    takes_back: Annotated[Provision, strawberry.lazy("bangfu_graphql.work")] | None = one(
        models.ProvisionRow.takes_back_id, models.ProvisionRow.id, "The document that it takes back, if it does 回退."
    )
    takes_back_since: date | None = derived(
        [models.ProvisionRow.content], _taken_back_since, "From which day it takes that one back."
    )
    to_preview: list[str] = gathered(
        [models.ProvisionRow.id],
        _to_preview,
        "The open periods in which it has to be previewed, as things stand, before it can be released.",
    )
    previews: list[KeptPreview] = many(
        models.ProvisionPreview.provision_id,
        "What it came to when it was previewed, for those who are charged with the whole county.",
    )
    drafted_at: datetime = column(models.ProvisionRow.drafted_at, "When it was typed in.")
    released_at: datetime | None = column(models.ProvisionRow.released_at, "When it was released.")
    drafted_by: Officer | None = one(models.ProvisionRow.drafted_by, models.Officer.id, "Who drafted it.")
    released_by: Officer | None = one(models.ProvisionRow.released_by, models.Officer.id, "Who released it.")


# --- who may do what ------------------------------------------------------------------------------------------


@mapped(
    models.PolicyRule,
    order={NEWEST: (models.PolicyRule.known_from, models.PolicyRule.id)},
    where=lambda sight: models.PolicyRule.known_to.is_(None),
    read=Action.READ_POLICY,
)
class PolicyRule(Node):
    """What the county itself has laid down about who may do what 本县权限规定, as long as it stands."""

    duty: Duty = column(models.PolicyRule.duty, "Whose duty it speaks of.")
    action: Action = column(models.PolicyRule.action, "What it allows or denies.")
    programme: str = column(models.PolicyRule.programme, "The code of the programme; `*` for every one.")
    stage: str = column(models.PolicyRule.stage, "The code of the stage; `*` for every one.")
    effect: Effect = column(models.PolicyRule.effect, "Whether it allows or denies.")
    reason: str = column(models.PolicyRule.reason, "Why it was laid down.")
    since: datetime = column(models.PolicyRule.known_from, "Since when it stands.")
    decided_by: Officer | None = one(models.PolicyRule.decided_by, models.Officer.id, "Who laid it down.")


# --- the audit record -----------------------------------------------------------------------------------------


def _by_officer(sight: Sight, value: str) -> ColumnElement[bool]:
    own = select(models.Officer.id).where(models.Officer.tenant_id == sight.tenant, models.Officer.number == value)
    return models.AuditEntry.officer_id.in_(own)


@filters
class AuditFilter:
    """Which entries of the audit record."""

    officer: str | None = where(_by_officer, "By the officer with this staff number.")

    action: str | None = where(lambda s, v: models.AuditEntry.action == v, "Of this action.")
    object: str | None = where(lambda s, v: models.AuditEntry.object == v, "About this object.")
    since: datetime | None = where(lambda s, v: models.AuditEntry.at >= v, "At this instant or later.")
    until: datetime | None = where(lambda s, v: models.AuditEntry.at <= v, "At this instant or earlier.")


@strawberry.type(description="The end of the chain that the audit record is sealed with.")
class AuditHead:
    """The end of the chain of the audit record."""

    number: int = strawberry.field(description="How many entries are sealed.")
    digest: str = strawberry.field(description="The SHA-256 of the last link, in hexadecimal digits.")
    sealed_at: datetime | None = strawberry.field(description="When it was made, by the real clock; null without any.")
    unsealed: int = strawberry.field(
        description="How many entries in sight wait to be sealed; where a worker runs, none for longer than a minute."
    )


@strawberry.type(description="A figure that an entry of the audit record keeps.")
class AuditFigure:
    """A figure that an entry of the audit record keeps."""

    name: str = strawberry.field(description="Its name.")
    value: str = strawberry.field(description="Its value.")


@mapped(models.AuditEntry, order={NEWEST: (models.AuditEntry.at, models.AuditEntry.id)}, read=Action.READ_AUDIT)
class AuditEntry(Node):
    """Who did, read or exported what, when and why 审计记录. Never changed."""

    at: datetime = column(models.AuditEntry.at, "When.")
    action: str = column(models.AuditEntry.action, "What was done.")
    object: str = column(models.AuditEntry.object, "To what.")
    reason: str = column(models.AuditEntry.reason, "Why; empty where no reason is asked for.")
    figures: list[AuditFigure] = derived(
        [models.AuditEntry.data],
        lambda sight, row: [AuditFigure(name=name, value=str(value)) for name, value in row["data"].items()],
        "Counts and digests.",
    )
    officer: Officer | None = one(models.AuditEntry.officer_id, models.Officer.id, "Who.")
