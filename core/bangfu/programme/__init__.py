"""What a plugin declares, and the manager that loads it.

A plugin is a package in the entry-point group ``bangfu.plugins`` that implements the hooks of :class:`Hooks`; each
returns frozen declarations. Bundled programmes come in by the same door. A declaration that contradicts itself, a
code that exists already, or a hook name that is none is refused by name. A third-party plugin that cannot be loaded,
or that nobody has admitted, is reported and skipped; a bundled one is fatal.
"""

from bangfu.programme.checking import check, check_together, released
from bangfu.programme.clauses import (
    Answer,
    Answered,
    Carrier,
    CarrierKind,
    Clause,
    ClauseState,
    answered,
    citations,
    clauses_of,
    unanswered,
)
from bangfu.programme.declarations import (
    INCOME_CATEGORIES,
    NOTICE_COLUMNS,
    PAYMENT_COLUMNS,
    PROJECT,
    REGISTRY_FACTS,
    STANDINGS,
    ClaimOf,
    ClaimSpec,
    DatedBook,
    Exclusion,
    Hooks,
    InForce,
    PaymentChannel,
    Programme,
    Role,
    Span,
    Stacks,
    hookimpl,
    hookspec,
)
from bangfu.programme.loading import GROUP, Plugins, bundled, installed, load

__all__ = [
    "GROUP",
    "INCOME_CATEGORIES",
    "NOTICE_COLUMNS",
    "PAYMENT_COLUMNS",
    "PROJECT",
    "REGISTRY_FACTS",
    "STANDINGS",
    "Answer",
    "Answered",
    "Carrier",
    "CarrierKind",
    "ClaimOf",
    "ClaimSpec",
    "Clause",
    "ClauseState",
    "DatedBook",
    "Exclusion",
    "Hooks",
    "InForce",
    "PaymentChannel",
    "Plugins",
    "Programme",
    "Role",
    "Span",
    "Stacks",
    "answered",
    "bundled",
    "check",
    "check_together",
    "citations",
    "clauses_of",
    "hookimpl",
    "hookspec",
    "installed",
    "load",
    "released",
    "unanswered",
]
