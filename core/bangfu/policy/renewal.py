"""What of a period's values the county's next document takes over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from bangfu.errors import Code, Problem
from bangfu.policy.documents import Policy, Resolved, Whose
from bangfu.policy.provisions import Provision, ProvisionEntry, in_force
from bangfu.text import Text


@dataclass(frozen=True, slots=True)
class Carried:
    """What a county's next document takes over from a period, and what it does not: why, by parameter.

    The reason is what holds instead, or the problem that it would be.
    """

    entries: tuple[ProvisionEntry, ...]
    left: Mapping[str, Problem | Resolved]


def carried_over(
    policy: Policy, held: Mapping[str, Resolved], since: date, day: date, released: Sequence[Provision]
) -> Carried:
    """The values of a period as those of the county's next document, from one day on: the county's own, and those of a
    plan that says nothing on the ``day`` of which the next period's numbers are.

    What somebody has newly laid down since, be it the plan or the county (``released`` are its documents), is left as
    it is (it is given). What the plan does not permit any more, and what the county has taken back, is not carried over
    (the problem is given). Of its own values the clause is kept; of the plan's it is empty: the county states one.
    """
    standing = {one.id for one in in_force(released, day)}
    entries: list[ProvisionEntry] = []
    left: dict[str, Problem | Resolved] = {}
    for name, own in held.items():
        now = policy.only(name).resolved(day, released)[0].get(name)
        if now is not None and own.whose is now.whose is Whose.PLAN:
            continue
        if own.provision is not None and own.provision not in standing:
            state, action = Text("已回退", "taken back"), Text("结转", "carried over")
            left[name] = Code.PROVISION_STATE.problem("parameters", name, state=state, action=action)
            continue
        if now is not None and (now.since, now.provision) != (own.since, own.provision) and now.since >= own.since:
            left[name] = now
            continue
        clause = own.clause if own.whose is Whose.COUNTY else ""
        raw = {"since": since, "value": policy.parameters[name].kind.dump(own.value), "clause": clause or "-"}
        checked = policy.read_entry(name, raw, ("parameters", name))
        if isinstance(checked, ProvisionEntry):
            entries.append(ProvisionEntry(name, since, None, checked.value, clause))
        else:
            left[name] = checked
    return Carried(tuple(entries), left)
