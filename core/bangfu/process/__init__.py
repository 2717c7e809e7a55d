"""Stages as data: what may happen next to a case, by whom, and by when.

A programme declares its :class:`Process` as a list of stages. :class:`Proceedings` is that process under the
parameters of one period; each of its methods takes what is known of a case (:class:`View`) and what somebody wants to
do (:class:`Act`), and answers with a :class:`Move` or a :class:`Problem`. It changes nothing and reads no clock.

Two days belong to every act: ``day``, on which it happened on paper (it decides deadlines, duties and order), and
``today``, on which it is typed in. The first is never after the second, and an earlier one needs its evidence.
"""

from bangfu.process.duties import INCOMPATIBLE, Duty, Tier, conflicts, duty_names
from bangfu.process.months import WAYS, Course, Rest, Way, Withheld, first_month, half_of
from bangfu.process.proceedings import UNDOABLE, Act, Done, Move, Proceedings, View
from bangfu.process.stages import (
    CLOSED,
    END_TITLES,
    NOT_SELECTED,
    REFUSED,
    STOPPED,
    WITHDRAWN,
    Accept,
    Begins,
    CountedOn,
    Monthly,
    Notice,
    Pay,
    Plan,
    Process,
    RestCause,
    Sample,
    Select,
    Stage,
    StandIn,
    Verify,
)

__all__ = [
    "CLOSED",
    "END_TITLES",
    "INCOMPATIBLE",
    "NOT_SELECTED",
    "REFUSED",
    "STOPPED",
    "UNDOABLE",
    "WAYS",
    "WITHDRAWN",
    "Accept",
    "Act",
    "Begins",
    "CountedOn",
    "Course",
    "Done",
    "Duty",
    "Monthly",
    "Move",
    "Notice",
    "Pay",
    "Plan",
    "Proceedings",
    "Process",
    "Rest",
    "RestCause",
    "Sample",
    "Select",
    "Stage",
    "StandIn",
    "Tier",
    "Verify",
    "View",
    "Way",
    "Withheld",
    "conflicts",
    "duty_names",
    "first_month",
    "half_of",
]
