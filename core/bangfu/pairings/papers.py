"""What an enterprise gets for a year of help, as PDF: its annual statement 年度帮扶情况, and a certificate 帮扶证书.

Both say what stands in the ledger of the enterprise alone, and nothing of any household; both say that they are no
payment of the state. The certificate holds only what both sides, or the county for them, have settled. It has a number,
under which the audit record keeps what it said: whoever is shown one can have it checked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bangfu import audit
from bangfu.access import CHINA, Action, Entered
from bangfu.documents.typeset import pdf
from bangfu.documents.writing import amount_in_words
from bangfu.errors import Code
from bangfu.models import AuditEntry, Helper, Organization, PairingAgreement
from bangfu.pairings import registrations
from bangfu.pairings.figures import Line, Which, deliveries, lines, signed
from bangfu.pairings.standing import DeliveryState, state_of
from bangfu.programme import DeliveryKind, PairingProgramme
from bangfu.registry.divisions import Places
from bangfu.text import Text, day, join, money, number, printable

EARLIEST = 2000
"""The first year of which a paper can be asked for."""
CERTIFICATE = Text("帮扶证书", "the certificate")


def require_year(who: Entered, year: int) -> None:
    """Refuse ``BAD_VALUE`` for a year that has not begun, or of which there is nothing."""
    if not EARLIEST <= year <= who.at.today.year:
        expected = Text(f"{EARLIEST} 至 {who.at.today.year}", f"{EARLIEST} to {who.at.today.year}")
        raise Code.BAD_VALUE.refuse("year", field=Text("年度", "year"), value=year, expected=expected)


async def whose(
    session: AsyncSession, who: Entered, programme: PairingProgramme, credit_code: str, year: int
) -> tuple[Helper, Organization]:
    """Who helps, for who works there or sees the whole county: nobody else sees all of what stands on the paper.

    Refuses ``FORBIDDEN``, ``BAD_VALUE``, ``NOT_FOUND``, ``HELPER_NOT_VERIFIED`` and ``WHOLE_COUNTY_NEEDED``.
    """
    who.require(Action.ISSUE_PAIRING_PAPERS, programme.code)
    require_year(who, year)
    helper, organization = await registrations.verified(session, who, programme, credit_code)
    if organization.id not in who.scope.organizations:
        who.require_whole_county()
    return helper, organization


# --- the statement --------------------------------------------------------------------------------------------


async def statement(
    session: AsyncSession, who: Entered, programme: PairingProgramme, credit_code: str, year: int
) -> bytes:
    """The annual statement of an enterprise as PDF: its agreements, what was promised, delivered, confirmed and is
    open, with the balance explained, and every line of the ledger. In a constant number of statements; on record.

    Refuses ``FORBIDDEN``, ``BAD_VALUE``, ``NOT_FOUND``, ``HELPER_NOT_VERIFIED``, and ``WHOLE_COUNTY_NEEDED`` to who
    neither works there nor sees the whole county.
    """
    helper, organization = await whose(session, who, programme, credit_code, year)
    which = Which(credit_code=organization.credit_code, year=year)
    places = await Places.on(session, who.at.today)
    found = await lines(session, who, programme, which)
    ledger = await deliveries(session, who, programme, which)
    chosen = select(signed(who, programme, which).subquery().c.id)
    query = select(PairingAgreement).where(PairingAgreement.tenant_id == who.county.id, PairingAgreement.id.in_(chosen))
    agreements = list(await session.scalars(query.order_by(PairingAgreement.valid_from, PairingAgreement.number)))
    total = {name: sum(getattr(line, f"{name}_fen") for line in found) for name in ("pledged", *_PARTS, "agreed")}
    data = {
        "title": _both(Text(f"{year} 年度帮扶情况", f"Annual statement of help, {year}")),
        "programme": _both(programme.title),
        "county": who.county.name,
        "name": organization.name,
        "code": organization.credit_code,
        "chamber": helper.chamber,
        "made": _both(day(who.at.today)),
        "agreements": [
            [
                own.number,
                f"{places.township(own.division)}{places.named(own.division)}",
                f"{own.valid_from} — {own.valid_to}",
                state_of(own, who.at.today).title_text.zh,
            ]
            for own in agreements
        ],
        "lines": [_row(programme, line) for line in found],
        "total": [money(total[name]).zh for name in ("pledged", *_PARTS)],
        "balance": [_both(said) for said in _balance(total)],
        "ledger": [
            [
                own.effective_on.isoformat(),
                places.named(own.division),
                f"{_path(programme, own.path).zh} {_kind(programme, own.kind).title.zh}",
                printable(own.what),
                own.receipt,
                measured(_kind(programme, own.kind), own.amount_fen, own.quantity).zh,
                DeliveryState(own.state).title_text.zh,
                measured(_kind(programme, own.kind), own.stands_fen, own.stands_quantity).zh,
            ]
            for own in ledger
        ],
    }
    said = {"programme": programme.code, "year": year, "lines": len(ledger), "fen": total["stands"], "personal": []}
    object_ = f"statement/{year}/{organization.id}"
    await audit.record(session, who.at.now, who.actor.id, Action.ISSUE_PAIRING_PAPERS.value, object_, said)
    return pdf("statement", data)


_PARTS = ("logged", "stands", "waiting", "disputed", "refused")
"""What was logged, and what it is together."""


def _row(programme: PairingProgramme, line: Line) -> list[str]:
    """A path and kind: what was promised, and what became of what was logged."""
    kind = _kind(programme, line.kind)
    measures = [(getattr(line, f"{name}_fen"), getattr(line, f"{name}_quantity")) for name in ("pledged", *_PARTS)]
    cells = [measured(kind, fen, quantity).zh for fen, quantity in measures]
    return [_path(programme, line.path).zh, kind.title.zh, *cells]


def _balance(total: dict[str, int]) -> list[Text]:
    """The balance of the money, explained."""
    shown = {name: money(fen) for name, fen in total.items()}
    parts = Text(
        "登记投入 {logged} = 已确认 {stands} + 待村确认 {waiting} + 待县裁定 {disputed} + 未获认可 {refused}。",
        "Delivered, as logged, {logged} = confirmed {stands} + to be confirmed by villages {waiting} + before the "
        "county {disputed} + not accepted {refused}.",
    )
    said = [parts.filled(**shown)]
    if (open_ := total["stands"] - total["agreed"]) > 0:
        said.append(
            Text(
                "已确认中有 {open} 为村部分确认、企业未接受的部分,待县裁定后为准。",
                "Of what is confirmed, {open} is of parts that the enterprise does not accept; the county rules.",
            ).filled(open=money(open_))
        )
    short = total["pledged"] - total["stands"]
    said.append(
        Text(
            "规划承诺 {pledged},已确认 {stands},尚差 {short}。",
            "Promised by the plans {pledged}, confirmed {stands}: {short} to go.",
        ).filled(**shown, short=money(max(0, short)))
    )
    return said


# --- the certificate ------------------------------------------------------------------------------------------


async def certificate(
    session: AsyncSession, who: Entered, programme: PairingProgramme, credit_code: str, year: int
) -> bytes:
    """The certificate of what an enterprise delivered in a year and both sides, or the county for them, have settled,
    as PDF. It has a number that depends on all that it says, under which it is on record.

    Refuses ``FORBIDDEN``, ``BAD_VALUE``, ``NOT_FOUND``, ``HELPER_NOT_VERIFIED``, ``WHOLE_COUNTY_NEEDED``, and
    ``NOTHING_CONFIRMED`` where nothing stands confirmed.
    """
    _, organization = await whose(session, who, programme, credit_code, year)
    settled = await _settled(session, who, programme, organization.credit_code, year)
    if not settled:
        raise Code.NOTHING_CONFIRMED.refuse("year", name=organization.name, year=year)
    places = await Places.on(session, who.at.today)
    fen = sum(line.agreed_fen for line in settled)
    villages = sorted({line.division for line in settled})
    digest = _digest(who, programme, organization, year, settled, who.at.today)
    issued = f"{who.county.code}-{year}-{digest[:12].upper()}"
    data = {
        "title": _both(Text("帮扶证书", "Certificate of help")),
        "programme": _both(programme.title),
        "county": who.county.name,
        "name": organization.name,
        "code": organization.credit_code,
        "year": str(year),
        "villages": "、".join(places.named(code) for code in villages),
        "count": len(villages),
        "given": [_both(join([kind.title, said], " ", " ")) for kind, said in _kinds(programme, settled)],
        "total": _both(money(fen)),
        "words": amount_in_words(fen) if fen else "",
        "number": issued,
        "day": _both(day(who.at.today)),
    }
    said = {
        "programme": programme.code, "organization": str(organization.id), "year": year, "villages": len(villages),
        "fen": fen, "digest": _digest(who, programme, organization, year, settled), "personal": [],
    }  # fmt: skip
    action, object_ = Action.ISSUE_PAIRING_PAPERS.value, f"certificate/{issued}"
    await audit.record(session, who.at.now, who.actor.id, action, object_, said)
    return pdf("certificate", data)


@dataclass(frozen=True, slots=True)
class Issued:
    """What a certificate said when it was issued (fen), and what stands confirmed of the same year today."""

    number: str
    issued_on: date
    programme: str
    year: int
    name: str
    credit_code: str
    fen: int
    fen_today: int
    stands: bool
    """Whether everything that it says is still so."""


async def check(session: AsyncSession, who: Entered, programme: PairingProgramme, number: str) -> Issued:
    """What was issued under a number, for whom, and whether it is still so, in a constant number of statements.

    Refuses ``FORBIDDEN``, and ``NOT_FOUND`` for a number under which nothing was issued that is in sight: the county
    sees all of them, and who works for an enterprise what he had issued himself.
    """
    who.require(Action.READ_PAIRINGS, programme.code)
    given = number.strip().upper()
    query = select(AuditEntry.at, AuditEntry.data).where(
        AuditEntry.tenant_id == who.county.id,
        AuditEntry.object == f"certificate/{given}",
        AuditEntry.action == Action.ISSUE_PAIRING_PAPERS.value,
    )
    entry = (await session.execute(query.order_by(AuditEntry.at).limit(1))).first()
    if entry is None or entry.data["programme"] != programme.code:
        raise Code.NOT_FOUND.refuse("number", what=CERTIFICATE)
    key = UUID(entry.data["organization"])
    organization = await session.scalar(
        select(Organization).where(Organization.tenant_id == who.county.id, Organization.id == key)
    )
    if organization is None:
        raise Code.NOT_FOUND.refuse("number", what=CERTIFICATE)
    year = int(entry.data["year"])
    settled = await _settled(session, who, programme, organization.credit_code, year)
    return Issued(
        number=given,
        issued_on=entry.at.astimezone(CHINA).date(),
        programme=programme.code,
        year=year,
        name=organization.name,
        credit_code=organization.credit_code,
        fen=int(entry.data["fen"]),
        fen_today=sum(line.agreed_fen for line in settled),
        stands=_digest(who, programme, organization, year, settled) == entry.data["digest"],
    )


async def _settled(
    session: AsyncSession, who: Entered, programme: PairingProgramme, credit_code: str, year: int
) -> list[Line]:
    """What stands of an enterprise's deliveries of a year and is settled, by path, kind and agreement."""
    found = await lines(session, who, programme, Which(credit_code=credit_code, year=year), apart=True)
    return [line for line in found if line.agreed_fen or line.agreed_quantity]


def _digest(
    who: Entered,
    programme: PairingProgramme,
    organization: Organization,
    year: int,
    settled: Sequence[Line],
    on: date | None = None,
) -> str:
    """The digest of all that a certificate says, with its day if that is part of it."""
    said = [
        who.county.code, programme.code, organization.credit_code, organization.name, year,
        sorted([line.path, line.kind, line.division, line.agreed_fen, line.agreed_quantity] for line in settled),
        None if on is None else on.isoformat(),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()


def _kinds(programme: PairingProgramme, settled: Sequence[Line]) -> list[tuple[DeliveryKind, Text]]:
    """What is settled of each kind, over all paths."""
    found = []
    for kind in programme.kinds:
        own = [line for line in settled if line.kind == kind.code]
        if own:
            fen, quantity = sum(line.agreed_fen for line in own), sum(line.agreed_quantity for line in own)
            found.append((kind, measured(kind, fen, quantity)))
    return found


# --- words ----------------------------------------------------------------------------------------------------


def _both(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def _kind(programme: PairingProgramme, code: str) -> DeliveryKind:
    found = programme.kind(code)
    assert found is not None, code
    return found


def _path(programme: PairingProgramme, code: str) -> Text:
    found = programme.path(code)
    assert found is not None, code
    return found.title


def measured(kind: DeliveryKind, fen: int | None, quantity: int | None) -> Text:
    """How much of a kind, as it is measured: an amount, a number in its unit, or both."""
    said = [money(fen or 0)] if kind.money else []
    if kind.counted is not None:
        said.append(Text(f"{number(quantity or 0)} {kind.counted.zh}", f"{number(quantity or 0)} {kind.counted.en}"))
    return join(said, " ", ", ")
