"""What a programme must hold, for its author before anybody else relies on it.

:func:`examine` is the conformance kit that ``bangfu plugin check`` runs; :mod:`bangfu.testing` runs the worked examples
of a ``cases.toml`` under pytest.
"""

from bangfu.conformance.engines import GENERATED, Fault, check_parity, generated, on_columns
from bangfu.conformance.examples import Examples, check_explained
from bangfu.conformance.kit import Check, Found, cases_file, examine

__all__ = [
    "GENERATED",
    "Check",
    "Examples",
    "Fault",
    "Found",
    "cases_file",
    "check_explained",
    "check_parity",
    "examine",
    "generated",
    "on_columns",
]
