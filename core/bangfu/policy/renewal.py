"""What of a year's values the county's next document takes over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from bangfu.errors import Problem
from bangfu.policy.documents import Policy, ProvisionEntry, Resolved, Whose


@dataclass(frozen=True, slots=True)
class Carried:
    """What a county's next document takes over from a year, and what it does not: why, by parameter."""

    entries: tuple[ProvisionEntry, ...]
    left: Mapping[str, Problem | Resolved]


def carried_over(policy: Policy, held: Mapping[str, Resolved], since: date, day: date) -> Carried:
    """The values of a year as those of the county's next document, from one day on, by the clauses that they had: its
    own, and those of the plan that has nothing to say on the ``day`` which the next period's numbers are of.

    What the plan has newly laid down since is not carried over, but left to it (the plan's value is given); nor is what
    the plan does not permit any more (the problem is given).
    """
    entries: list[ProvisionEntry] = []
    left: dict[str, Problem | Resolved] = {}
    for name, own in held.items():
        planned = policy.only(name).resolved(day)[0].get(name)
        if planned is not None and own.whose is Whose.PLAN:
            continue
        if planned is not None and planned.since > own.since:
            left[name] = planned
            continue
        raw = {"since": since, "value": policy.parameters[name].kind.dump(own.value), "clause": own.clause}
        checked = policy.read_entry(name, raw, ("parameters", name))
        if isinstance(checked, ProvisionEntry):
            entries.append(checked)
        else:
            left[name] = checked
    return Carried(tuple(entries), left)
