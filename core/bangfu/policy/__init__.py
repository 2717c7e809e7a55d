"""What the document says, from when, where it says it, and how far a county may deviate.

A programme's ``policy.toml`` is read into a :class:`Policy`: documents with their clauses, and parameters whose
values are dated and cite a clause. A county's own document is a set of :class:`ProvisionEntry`; each is checked
against the deviation that the plan permits. :meth:`Policy.resolve` answers for one day which value holds, since when,
by which clause and whose; a parameter that the source hides and nobody has set refuses to be resolved, so nothing is
computed from a guess.

The types of a programme's ``Parameters`` dataclass say how each value is written and read:

===================  ==========================================  ===========================
annotation           in ``policy.toml``                          in Python
===================  ==========================================  ===========================
``Fen``              ``"3000.00"``, unit ``yuan…``               integer fen
``Rate``             ``"20"`` or ``"12.5"``, unit ``%``          integer basis points
``int``              ``5``, any unit                             int
``bool``             ``true``                                    bool
``MonthDay``         ``"02-15"`` or ``"02-end"``                 :class:`MonthDay`
``Window``           ``{from = "-1:10-01", to = "0:09-30"}``     :class:`Window`
``Years``            ``{from = 2016, to = 2019}``                :class:`Years`
``Tiers``            ``[{from = 3, value = "2000.00"}, …]``      :class:`Tiers`
``Shares``           ``["30", "40", "30"]``, unit ``%``          :class:`Shares`
a ``StrEnum``        ``"calendar"``                              its member
``frozenset[E]``     ``["a", "b"]``                              frozenset of members
===================  ==========================================  ===========================

A float is refused everywhere: money and rates are exact.
"""

from bangfu.policy.documents import (
    Citation,
    Deviation,
    Document,
    Entry,
    Parameter,
    Policy,
    PolicyError,
    Resolved,
    Whose,
    build,
)
from bangfu.policy.provisions import (
    Adoptable,
    Adoption,
    Provision,
    ProvisionEntry,
    Revocation,
    in_force,
    read_adoption,
)
from bangfu.policy.renewal import Carried, carried_over
from bangfu.policy.values import (
    LARGEST_FEN,
    LARGEST_RATE,
    LARGEST_WHOLE,
    Fen,
    MonthDay,
    Rate,
    Shares,
    Tier,
    Tiers,
    ValueKind,
    Window,
    Years,
    kind_of,
    title_of,
)

__all__ = [
    "LARGEST_FEN",
    "LARGEST_RATE",
    "LARGEST_WHOLE",
    "Adoptable",
    "Adoption",
    "Carried",
    "Citation",
    "Deviation",
    "Document",
    "Entry",
    "Fen",
    "MonthDay",
    "Parameter",
    "Policy",
    "PolicyError",
    "Provision",
    "ProvisionEntry",
    "Rate",
    "Resolved",
    "Revocation",
    "Shares",
    "Tier",
    "Tiers",
    "ValueKind",
    "Whose",
    "Window",
    "Years",
    "build",
    "carried_over",
    "in_force",
    "kind_of",
    "read_adoption",
    "title_of",
]
