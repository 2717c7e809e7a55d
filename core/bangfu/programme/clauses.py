"""Clause by clause: what of a programme's documents is carried out, by what, and what is not, with the reason.

Every clause that a document lists is answered: something cites it, or it is deliberately left out, or it is stated to
be missing. What cites it may be not all of it: then the rest is left out or missing, and the clause is carried out in
part. A clause that nobody answers keeps the programme from being loaded, so the table never forgets one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bangfu.policy import Citation
from bangfu.programme.charges import ChargedProgramme
from bangfu.programme.declarations import AnyProgramme, Programme
from bangfu.programme.handout import HandoutKind, HandoutProgramme
from bangfu.programme.inspection import BaseLevel, ChecklistItem, InspectionProgramme
from bangfu.programme.pairing import DeliveryKind, HelpPath, PairingProgramme
from bangfu.text import Text, join


class CarrierKind(StrEnum):
    """What kind of thing carries out a clause."""

    CRITERION = "criterion"
    STEP = "step"
    AMOUNT = "amount"
    STAGE = "stage"
    PARAMETER = "parameter"
    ROLE = "role"
    ATTESTATION = "attestation"
    CLAIM = "claim"
    EXCLUSION = "exclusion"
    STACKING = "stacking"
    MILESTONE = "milestone"
    PATH = "path"
    DELIVERY = "delivery"
    LEVEL = "level"
    ITEM = "item"
    HANDOUT = "handout"
    ACT = "act"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return _KINDS[self]


_KINDS = {
    CarrierKind.CRITERION: Text("条件", "criterion"),
    CarrierKind.STEP: Text("计算", "step"),
    CarrierKind.AMOUNT: Text("金额", "amount"),
    CarrierKind.STAGE: Text("环节", "stage"),
    CarrierKind.PARAMETER: Text("参数", "parameter"),
    CarrierKind.ROLE: Text("参与户", "role"),
    CarrierKind.ATTESTATION: Text("证明", "attestation"),
    CarrierKind.CLAIM: Text("限领", "claim"),
    CarrierKind.EXCLUSION: Text("互斥", "exclusion"),
    CarrierKind.STACKING: Text("可叠加", "stacking"),
    CarrierKind.MILESTONE: Text("日程", "milestone"),
    CarrierKind.PATH: Text("帮扶途径", "path"),
    CarrierKind.DELIVERY: Text("帮扶内容", "delivery"),
    CarrierKind.LEVEL: Text("级别", "level"),
    CarrierKind.ITEM: Text("检查项目", "item of the checklist"),
    CarrierKind.HANDOUT: Text("发放内容", "what is handed out"),
    CarrierKind.ACT: Text("办理", "act"),
}


@dataclass(frozen=True, slots=True)
class Carrier:
    """Something of a programme that carries out a clause: its code, and what it is called or says."""

    kind: CarrierKind
    name: str
    title: Text

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class ClauseState(StrEnum):
    """How far a clause is carried out."""

    CARRIED_OUT = "carried_out"
    IN_PART = "in_part"
    LEFT_OUT = "left_out"
    MISSING = "missing"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return _STATES[self]


_STATES = {
    ClauseState.CARRIED_OUT: Text("已落实", "carried out"),
    ClauseState.IN_PART: Text("部分落实", "in part"),
    ClauseState.LEFT_OUT: Text("不纳入", "left out"),
    ClauseState.MISSING: Text("尚未落实", "missing"),
}


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause of a document as one programme answers it.

    ``left_out`` says what of it is deliberately not carried out and why, ``missing`` what is not carried out yet.
    """

    programme: AnyProgramme
    document: str
    title: str
    clause: str
    heading: str
    carriers: tuple[Carrier, ...]
    left_out: Text | None
    missing: Text | None

    @property
    def state(self) -> ClauseState:
        """How far it is carried out."""
        if self.carriers:
            return ClauseState.IN_PART if self.left_out or self.missing else ClauseState.CARRIED_OUT
        return ClauseState.MISSING if self.missing else ClauseState.LEFT_OUT

    @property
    def says(self) -> Text:
        """What carries it out, kind by kind, and what of it is not carried out."""
        parts = []
        for kind in CarrierKind:
            titles = list(dict.fromkeys(carrier.title for carrier in self.carriers if carrier.kind is kind))
            if titles:
                parts.append(_COLON.filled(what=kind.title_text, said=join(titles, "、", "; ")))
        for what, said in ((ClauseState.LEFT_OUT, self.left_out), (ClauseState.MISSING, self.missing)):
            if said is not None:
                parts.append(_COLON.filled(what=what.title_text, said=said))
        return join(parts, ";", ". ")


_COLON = Text("{what}:{said}", "{what}: {said}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What several programmes make of one clause, where they all make the same of it."""

    programmes: tuple[AnyProgramme, ...]
    state: ClauseState
    says: Text


@dataclass(frozen=True, slots=True)
class Answered:
    """A clause of a document with all that is made of it."""

    clause: str
    heading: str
    answers: tuple[Answer, ...]


def citations(programme: AnyProgramme) -> dict[Citation, list[Carrier]]:
    """What carries out each clause that anything of a programme cites, each thing once."""
    cited: dict[Citation, list[Carrier]] = {}
    for citation, carrier in _carriers(programme):
        known = cited.setdefault(citation, [])
        if carrier not in known:
            known.append(carrier)
    return cited


def _carriers(programme: AnyProgramme) -> Iterator[tuple[Citation, Carrier]]:
    if isinstance(programme, Programme):
        yield from _of_steps_and_stages(programme)
    for parameter in programme.policy.parameters.values():
        for entry in parameter.entries:
            yield entry.cites, Carrier(CarrierKind.PARAMETER, parameter.name, parameter.title)
    if isinstance(programme, Programme):
        yield from _of_who_takes_part(programme)
    elif isinstance(programme, ChargedProgramme):
        yield from _of_the_shape(programme)
        for act, charge in programme.charges.items():
            for cites in charge.cites:
                yield Citation.parse(cites), Carrier(CarrierKind.ACT, act.value, act.title_text)


def _of_steps_and_stages(programme: Programme) -> Iterator[tuple[Citation, Carrier]]:
    for dated in programme.books:
        for name, traced in dated.rules.traced().steps.items():
            yield traced.step.cites, Carrier(CarrierKind(traced.step.kind), name, traced.step.title)
    for stage in programme.process.stages:
        for cites in stage.cites:
            yield Citation.parse(cites), Carrier(CarrierKind.STAGE, stage.code, stage.title)


def _of_who_takes_part(programme: Programme) -> Iterator[tuple[Citation, Carrier]]:
    for role in programme.participants:
        yield Citation.parse(role.cites), Carrier(CarrierKind.ROLE, role.code, role.title)
    for attested in programme.attested:
        yield Citation.parse(attested.cites), Carrier(CarrierKind.ATTESTATION, attested.fact, attested.title)
    for claim in programme.claims:
        yield Citation.parse(claim.cites), Carrier(CarrierKind.CLAIM, claim.kind, claim.title)
    for excluded in programme.excludes:
        yield Citation.parse(excluded.cites), Carrier(CarrierKind.EXCLUSION, excluded.programme, excluded.why)
    for stacked in programme.stacks:
        yield Citation.parse(stacked.cites), Carrier(CarrierKind.STACKING, stacked.programme, stacked.why)
    for milestone in programme.milestones:
        for cites in milestone.cites:
            yield Citation.parse(cites), Carrier(CarrierKind.MILESTONE, milestone.code, milestone.title)


def _of_the_shape(programme: ChargedProgramme) -> Iterator[tuple[Citation, Carrier]]:
    parts: dict[CarrierKind, Sequence[HelpPath | DeliveryKind | BaseLevel | ChecklistItem | HandoutKind]] = {}
    if isinstance(programme, PairingProgramme):
        parts = {CarrierKind.PATH: programme.paths, CarrierKind.DELIVERY: programme.kinds}
    elif isinstance(programme, InspectionProgramme):
        parts = {CarrierKind.LEVEL: programme.levels, CarrierKind.ITEM: programme.items}
    elif isinstance(programme, HandoutProgramme):
        parts = {CarrierKind.HANDOUT: programme.kinds}
    for kind, ones in parts.items():
        for one in ones:
            yield Citation.parse(one.cites), Carrier(kind, one.code, one.title)


def clauses_of(programme: AnyProgramme) -> list[Clause]:
    """Every clause of a programme's documents, in their order."""
    cited = citations(programme)
    return [
        Clause(
            programme,
            document.code,
            document.title,
            clause,
            heading,
            tuple(cited.get(Citation(document.code, clause), ())),
            document.left_out.get(clause),
            document.missing.get(clause),
        )
        for document in programme.policy.documents.values()
        for clause, heading in document.clauses.items()
    ]


def unanswered(programme: AnyProgramme) -> list[str]:
    """The clauses of the programme's documents that nothing carries out and nothing lists as left out or missing."""
    return [
        f"{one.document}#{one.clause}"
        for one in clauses_of(programme)
        if not (one.carriers or one.left_out or one.missing)
    ]


def answered(programmes: Iterable[AnyProgramme]) -> dict[tuple[str, str], list[Answered]]:
    """Every document of several programmes, by its code and title, with its clauses in their order and what each makes
    of them."""
    documents: dict[tuple[str, str], dict[str, list[Clause]]] = {}
    for programme in programmes:
        for one in clauses_of(programme):
            documents.setdefault((one.document, one.title), {}).setdefault(one.clause, []).append(one)
    return {
        document: [
            Answered(clause, clauses[clause][0].heading, _together(clauses[clause]))
            for clause in sorted(clauses, key=_place)
        ]
        for document, clauses in documents.items()
    }


_DIGITS = "〇一二三四五六七八九"
_PARTS = re.compile(rf"([{_DIGITS}十]+)|([0-9]+)|([^\W\d第条款项{_DIGITS}十]+)")


def _place(clause: str) -> list[tuple[int, int, str]]:
    """Where a clause such as ``二(三)4`` stands in its document: its numbers, and the words between and after them."""
    return [
        (1, 0, words) if words else (0, _number(chinese) if chinese else int(digits), "")
        for chinese, digits, words in _PARTS.findall(clause)
    ]


def _number(chinese: str) -> int:
    """A Chinese number below a hundred, such as 二十一."""
    tens, ten, ones = chinese.rpartition("十")
    return 10 * (_DIGITS.find(tens) if tens else 1) * bool(ten) + (_DIGITS.find(ones) if ones else 0)


def _together(ones: Iterable[Clause]) -> tuple[Answer, ...]:
    same: dict[tuple[ClauseState, Text], list[AnyProgramme]] = {}
    for one in ones:
        same.setdefault((one.state, one.says), []).append(one.programme)
    return tuple(Answer(tuple(programmes), *answer) for answer, programmes in same.items())
