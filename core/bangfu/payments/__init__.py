"""拨付: what a household is due, from which money it is paid, in which batch, by which file, and what the bank answers.

Nothing that was paid is ever changed: a payment that came back, a wrong sum, money that is paid back are lines and rows
of their own. Amounts are integer fen end to end.
"""

from bangfu.payments.answers import correct_account, record_return
from bangfu.payments.batches import (
    CANCELLED,
    CHECKED,
    DRAFT,
    RELEASED,
    STATES,
    Batch,
    batches,
    cancel,
    cases_of,
    check,
    deaths,
    release,
    stage_of,
    state_of,
)
from bangfu.payments.budget import (
    EntryStated,
    LineStated,
    Standing,
    Waiting,
    add_entry,
    add_line,
    confirm_entry,
    standings,
    waiting,
)
from bangfu.payments.due import (
    Adjustment,
    Due,
    Kind,
    MonthDue,
    Outstanding,
    Settled,
    adjust,
    entitle,
    outstanding,
    repay,
    settle_months,
    standing_in_batch,
    void,
)
from bangfu.payments.gathering import Gathered, make, to_pay
from bangfu.payments.lists import TemplateStated, bank_text, keep_template, payment_list
from bangfu.payments.trail import Step, trail

__all__ = [
    "CANCELLED", "CHECKED", "DRAFT", "RELEASED", "STATES", "Adjustment", "Batch", "Due", "EntryStated", "Gathered",
    "Kind", "LineStated", "MonthDue", "Outstanding", "Settled", "Standing", "Step", "TemplateStated", "Waiting",
    "add_entry", "add_line", "adjust", "bank_text", "batches", "cancel", "cases_of", "check", "confirm_entry",
    "correct_account", "deaths", "entitle", "keep_template", "make", "outstanding", "payment_list", "record_return",
    "release", "repay", "settle_months", "stage_of", "standing_in_batch", "standings", "state_of", "to_pay",
    "trail", "void", "waiting",
]  # fmt: skip
