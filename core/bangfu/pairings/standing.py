"""What state an agreement is in, and what stands of a delivery after each answer: pure, and the same for everybody.

An answer says what stands of a line after it; the last one counts. A line that another one corrects counts for nothing
from then on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol

from bangfu.calendar import months_after
from bangfu.errors import Code, Problem, Refused
from bangfu.programme import PairingAct
from bangfu.text import Text

# --- agreements -------------------------------------------------------------------------------------------------

AGREEMENT = Text("帮扶协议", "the agreement")


class Side(StrEnum):
    """The two sides of an agreement: who helps, and who is helped."""

    HELPER = "helper"
    HELPED = "helped"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return Text("帮扶方", "the side that helps") if self is Side.HELPER else Text("受帮扶方", "the side helped")


class AgreementState(StrEnum):
    """The state of an agreement on a day."""

    DRAWN_UP = "drawn_up"
    TO_BEGIN = "to_begin"
    IN_FORCE = "in_force"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    ENDED = "ended"
    RELAYED = "relayed"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return _STATES[self]


_STATES = {
    AgreementState.DRAWN_UP: Text("待签约", "drawn up, and not signed by both"),
    AgreementState.TO_BEGIN: Text("已签约未生效", "signed, and to begin"),
    AgreementState.IN_FORCE: Text("履行中", "in force"),
    AgreementState.EXPIRED: Text("已到期", "expired"),
    AgreementState.WITHDRAWN: Text("已撤回", "withdrawn before it was signed"),
    AgreementState.ENDED: Text("已解除", "ended"),
    AgreementState.RELAYED: Text("已转接力", "ended, and relayed to another"),
}


class Agreed(Protocol):
    """What the state of an agreement follows from."""

    valid_from: date
    valid_to: date
    signed_on: date | None
    ended_as: str | None
    ended_on: date | None


def state_of(agreement: Agreed, day: date) -> AgreementState:
    """The state of an agreement on a day, by what is known of it now."""
    if agreement.ended_as == AgreementState.WITHDRAWN:
        return AgreementState.WITHDRAWN
    if agreement.signed_on is None or day < agreement.signed_on:
        return AgreementState.DRAWN_UP
    if agreement.ended_as is not None and agreement.ended_on is not None and agreement.ended_on <= day:
        return AgreementState(agreement.ended_as)
    if day < agreement.valid_from:
        return AgreementState.TO_BEGIN
    return AgreementState.IN_FORCE if day < agreement.valid_to else AgreementState.EXPIRED


def in_force_on(agreement: Agreed, day: date) -> bool:
    """Whether an agreement is in force on a day."""
    return state_of(agreement, day) is AgreementState.IN_FORCE


def after_years(day: date, years: int) -> date:
    """The same day some years on; of 29 February, 1 March where there is none. Raises ``ValueError`` past the
    calendar's end."""
    return months_after(day, 12 * years)


# --- deliveries -------------------------------------------------------------------------------------------------


class Verdict(StrEnum):
    """What is said to a delivery: by the village the first three, by who delivered it, and by the county."""

    CONFIRMED = "confirmed"
    PARTLY = "partly"
    DISPUTED = "disputed"
    CONTESTED = "contested"
    RULED = "ruled"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return _VERDICTS[self]

    @property
    def act(self) -> PairingAct:
        """The act of which it is the outcome, which says whose it is."""
        return _ACTS.get(self, PairingAct.CONFIRM)

    @property
    def has_amounts(self) -> bool:
        """Whether it states what stands of the line."""
        return self in (Verdict.PARTLY, Verdict.RULED)


_VERDICTS = {
    Verdict.CONFIRMED: Text("确认", "confirmation"),
    Verdict.PARTLY: Text("部分确认", "confirmation in part"),
    Verdict.DISPUTED: Text("提出异议", "dispute"),
    Verdict.CONTESTED: Text("不接受部分确认", "not accepting the part"),
    Verdict.RULED: Text("裁定", "ruling"),
}
_ACTS = {Verdict.CONTESTED: PairingAct.DELIVER, Verdict.RULED: PairingAct.ARBITRATE}


class DeliveryState(StrEnum):
    """How far the two sides are about a delivery."""

    LOGGED = "logged"
    CONFIRMED = "confirmed"
    PARTLY = "partly"
    DISPUTED = "disputed"
    CONTESTED = "contested"
    RULED = "ruled"
    REPLACED = "replaced"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return _DELIVERY_STATES[self]


_DELIVERY_STATES = {
    DeliveryState.LOGGED: Text("待村确认", "logged, and waits for the village"),
    DeliveryState.CONFIRMED: Text("已确认", "confirmed"),
    DeliveryState.PARTLY: Text("部分确认", "confirmed in part"),
    DeliveryState.DISPUTED: Text("有异议待裁定", "disputed, and waits for the county"),
    DeliveryState.CONTESTED: Text("部分确认未获接受待裁定", "contested, and waits for the county"),
    DeliveryState.RULED: Text("已裁定", "ruled on by the county"),
    DeliveryState.REPLACED: Text("已更正", "replaced by a correction"),
}
AGREED = (DeliveryState.CONFIRMED, DeliveryState.PARTLY, DeliveryState.RULED)
"""The states in which both sides, or the county for them, have said what stands."""
BEFORE_THE_COUNTY = (DeliveryState.DISPUTED, DeliveryState.CONTESTED)
"""The states in which the county has to say what stands."""
_FROM: Mapping[Verdict, frozenset[DeliveryState]] = {
    Verdict.CONFIRMED: frozenset({DeliveryState.LOGGED, *BEFORE_THE_COUNTY}),
    Verdict.PARTLY: frozenset({DeliveryState.LOGGED, DeliveryState.DISPUTED}),
    Verdict.DISPUTED: frozenset({DeliveryState.LOGGED}),
    Verdict.CONTESTED: frozenset({DeliveryState.PARTLY}),
    # The county may look at it again, whoever settled it.
    Verdict.RULED: frozenset({*BEFORE_THE_COUNTY, *AGREED}),
}


@dataclass(frozen=True, slots=True)
class Measure:
    """An amount (fen) and a number; None where the kind of delivery has no such thing."""

    fen: int | None = None
    quantity: int | None = None

    def within(self, whole: Measure) -> bool:
        """Whether it is a part of another: measured alike, and no more of anything."""
        return all(
            (mine is None) is (other is None) and (mine is None or other is None or 0 <= mine <= other)
            for mine, other in ((self.fen, whole.fen), (self.quantity, whole.quantity))
        )


NOTHING = Measure()


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a delivery stands: its state, and what stands of it (fen, number)."""

    state: DeliveryState = DeliveryState.LOGGED
    fen: int = 0
    quantity: int = 0


def answered(line: Measure, standing: Standing, verdict: Verdict, accepted: Measure = NOTHING) -> Standing | Problem:
    """Where a delivery stands after an answer. ``accepted`` is what is confirmed in part, or ruled to stand.

    ``DELIVERY_STATE`` where it is not the time for such an answer; ``BAD_VALUE`` for a part that is more than the line,
    or the whole or nothing of it.
    """
    if standing.state not in _FROM[verdict]:
        return Code.DELIVERY_STATE.problem("delivery", state=standing.state.title_text, act=verdict.title_text)
    state = DeliveryState(verdict.value)
    if verdict is Verdict.CONFIRMED:
        return Standing(state, line.fen or 0, line.quantity or 0)
    if verdict is Verdict.DISPUTED:
        return Standing(state)
    if verdict is Verdict.CONTESTED:
        return Standing(state, standing.fen, standing.quantity)
    some = bool(accepted.fen or accepted.quantity)
    if not accepted.within(line) or (verdict is Verdict.PARTLY and (accepted == line or not some)):
        expected = Text("不超过所登记的金额和数量", "no more than was logged, measured alike")
        if verdict is Verdict.PARTLY:
            expected = Text("少于所登记的、大于零的金额或数量", "more than nothing and less than was logged")
        said = f"{accepted.fen} / {accepted.quantity}"
        return Code.BAD_VALUE.problem(
            "accepted", field=Text("认可部分", "what is accepted"), value=said, expected=expected
        )
    return Standing(state, accepted.fen or 0, accepted.quantity or 0)


def replayed(line: Measure, answers: Iterable[tuple[Verdict, Measure]]) -> Standing:
    """Where a delivery stands after its answers in their order; refuses one out of order."""
    standing = Standing()
    for verdict, accepted in answers:
        found = answered(line, standing, verdict, accepted)
        if isinstance(found, Problem):
            raise Refused([found])
        standing = found
    return standing
