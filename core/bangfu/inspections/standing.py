"""What state a base and an assessment are in: pure, and the same for everybody."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Protocol

from bangfu.text import Text


class BaseState(StrEnum):
    """How far a base is registered."""

    REGISTERED = "registered"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    ENDED = "ended"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return _BASES[self]


_BASES = {
    BaseState.REGISTERED: Text("待确认", "registered, and to be confirmed"),
    BaseState.CONFIRMED: Text("已确认", "confirmed"),
    BaseState.REFUSED: Text("未予确认", "not confirmed"),
    BaseState.ENDED: Text("已注销", "ended"),
}


class RegisteredBase(Protocol):
    """What the state of a base follows from."""

    confirmed: bool | None
    ended_on: date | None


def state_of(base: RegisteredBase) -> BaseState:
    """The state of a base, by what is known of it now."""
    if base.ended_on is not None:
        return BaseState.ENDED
    if base.confirmed is None:
        return BaseState.REGISTERED
    return BaseState.CONFIRMED if base.confirmed else BaseState.REFUSED


class AssessmentState(StrEnum):
    """How far an assessment is about."""

    WRITTEN = "written"
    REJECTED = "rejected"
    PASSED = "passed"
    TO_NOTIFY = "to_notify"
    NOTIFIED = "notified"
    OVERDUE = "overdue"
    CLOSED = "closed"

    @property
    def title_text(self) -> Text:
        """Its two names."""
        return _ASSESSMENTS[self]


_ASSESSMENTS = {
    AssessmentState.WRITTEN: Text("待复核", "written down, and to be agreed on"),
    AssessmentState.REJECTED: Text("复核未通过", "not agreed on"),
    AssessmentState.PASSED: Text("合格", "agreed on, without findings"),
    AssessmentState.TO_NOTIFY: Text("待下发整改通知", "agreed on, and to be notified"),
    AssessmentState.NOTIFIED: Text("整改中", "notified, and being put right"),
    AssessmentState.OVERDUE: Text("整改逾期", "notified, and overdue"),
    AssessmentState.CLOSED: Text("整改已销号", "put right and closed"),
}
SETTLED = (AssessmentState.PASSED, AssessmentState.CLOSED)
"""The states in which a result is worth something: nothing was missing, or nothing is any more."""


class Assessed(Protocol):
    """What the state of an assessment follows from."""

    agreed: bool | None
    finding_count: int
    notice: str | None
    due_on: date | None
    closed_on: date | None


def assessment_state(assessment: Assessed, today: date) -> AssessmentState:
    """The state of an assessment on a day, by what is known of it now; it is overdue from the day after its last."""
    if not assessment.agreed:
        return AssessmentState.WRITTEN if assessment.agreed is None else AssessmentState.REJECTED
    if assessment.finding_count == 0:
        return AssessmentState.PASSED
    if assessment.closed_on is not None:
        return AssessmentState.CLOSED
    if assessment.notice is None or assessment.due_on is None:
        return AssessmentState.TO_NOTIFY
    return AssessmentState.OVERDUE if assessment.due_on < today else AssessmentState.NOTIFIED
