"""Every kind of long work that there is, by name: imports, the accounting of a county, exports, what banks answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bangfu import jobs
from bangfu.cases import batch, exports, month_runs
from bangfu.cases.plans import PlanImporter
from bangfu.cases.rechecks import RecheckImporter
from bangfu.payments import answers
from bangfu.programme import Plugins
from bangfu.registry import importing
from bangfu.registry.circumstances import CertificateImporter, DeathImporter, MinimumLivingImporter
from bangfu.registry.divisions import DivisionImporter
from bangfu.registry.households import HouseholdImporter
from bangfu.registry.importing import Importer
from bangfu.registry.income import IncomeImporter
from bangfu.registry.officers import OfficerImporter
from bangfu.registry.organizations import OrganizationImporter
from bangfu.registry.pairings import PairingImporter
from bangfu.registry.schooling import SchoolConfirmationImporter, SchoolingImporter

IMPORTERS: dict[str, Importer[Any]] = {
    importer.kind: importer
    for importer in (
        DivisionImporter(),
        OrganizationImporter(),
        PairingImporter(),
        OfficerImporter(),
        HouseholdImporter(),
        IncomeImporter(),
        SchoolingImporter(),
        SchoolConfirmationImporter(),
        CertificateImporter(),
        MinimumLivingImporter(),
        DeathImporter(),
    )
}
"""The registers that are imported, in the order in which they need each other."""


SHEETS: dict[str, type[PlanImporter | RecheckImporter]] = {"plans": PlanImporter, "rechecks": RecheckImporter}
"""The sheets of one programme in one period."""


class Handlers(Mapping[str, jobs.Handler]):
    """The handler of every kind of job, ``others`` beside those of this room; those of the sheets of a programme are
    named by it and the period."""

    def __init__(self, plugins: Plugins, others: Mapping[str, jobs.Handler] | None = None) -> None:
        self.plugins = plugins
        self.known = {kind: importing.handler(importer) for kind, importer in IMPORTERS.items()}
        self.known[batch.KIND] = batch.handler(plugins)
        self.known[month_runs.KIND] = month_runs.handler(plugins)
        self.known.update(exports.handlers(plugins))
        self.known[answers.KIND] = answers.handler
        self.known.update(others or {})

    def __getitem__(self, kind: str) -> jobs.Handler:
        if kind in self.known:
            return self.known[kind]
        sheet, programme, period = kind.split("/")
        importer = SHEETS[sheet](self.plugins.programme(programme), period)
        return importing.handler(importer)

    def __iter__(self) -> Iterator[str]:
        return iter(self.known)

    def __len__(self) -> int:
        return len(self.known)
