"""The consolidation award beside OpenFisca-Core on the same formula, in one run: one household, 10,000 and 1,000,000.

Both get the same arrays. OpenFisca's simulation build and its calculation are shown apart; Bangfu's whole path is the
frame made from the arrays, the check of bounds and every step of the book. Amounts of both are held against exact
integers.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
from openfisca_core.entities import build_entity
from openfisca_core.indexed_enums import Enum, EnumArray
from openfisca_core.periods import YEAR
from openfisca_core.simulations import SimulationBuilder
from openfisca_core.taxbenefitsystems import TaxBenefitSystem
from openfisca_core.variables import Variable

from bangfu.conformance import Examples
from bangfu.policy import Fen, Years
from bangfu.programme import installed
from bangfu.rules import columns
from bangfu.rules.facts import Year
from county_default.consolidation.rules import Consolidation, Facts
from county_default.vocabulary import HouseholdStanding, Project

INCOMES = ("breeding", "planting", "labour", "self_employment")
RATES = (0.20, 0.15, 0.10, 0.10)
CAP = 3000.0
COHORT = Years(2016, 2019)
PERIOD = 2021


# --- the peer --------------------------------------------------------------------------------------------------


class Standing(Enum):
    """A household's standing."""

    poor = "poor"
    exited = "exited"
    general = "general"


def peer() -> TaxBenefitSystem:
    """The same clauses as a tax and benefit system, as its authors write one."""
    person = build_entity(key="person", plural="persons", label="A person", is_person=True)
    household = build_entity(
        key="household",
        plural="households",
        label="A household",
        roles=[{"key": "member", "plural": "members", "label": "member"}],
    )
    system = TaxBenefitSystem([person, household])

    def variable(name: str, value_type: type, formula: Callable[..., Any] | None = None, **more: Any) -> None:
        body: dict[str, Any] = dict(value_type=value_type, entity=household, definition_period=YEAR, label=name, **more)
        if formula is not None:
            body["formula"] = formula
        system.add_variable(type(name, (Variable,), body))

    for name in INCOMES:
        variable(name, float)
    variable("exit_year", int)
    variable("small_trade", bool)
    variable("standing", Enum, possible_values=Standing, default_value=Standing.general)

    def eligible(households: Any, period: Any) -> Any:
        year = households("exit_year", period)
        earned = sum(households(name, period) for name in INCOMES) > 0
        in_cohort = (year >= COHORT.first) * (year <= COHORT.last)
        exited = households("standing", period) == Standing.exited
        return exited * in_cohort * households("small_trade", period) * earned

    def award(households: Any, period: Any) -> Any:
        shares = sum(households(name, period) * rate for name, rate in zip(INCOMES, RATES, strict=True))
        return np.round(np.minimum(shares, CAP) * households("eligible", period), 2)

    variable("eligible", bool, eligible)
    variable("award", float, award)
    return system


# --- the data --------------------------------------------------------------------------------------------------


def made(count: int) -> dict[str, Any]:
    """The same households for both: incomes in fen, years, standings and trades as codes."""
    chance = np.random.default_rng(7)
    data: dict[str, Any] = {name: chance.integers(0, 1_500_000, count) for name in INCOMES}
    data["exit_year"] = chance.integers(2014, 2021, count)
    data["standing"] = chance.integers(0, 3, count).astype(np.uint8)
    data["trade"] = chance.integers(0, len(Project), count).astype(np.uint8)
    return data


def exact(data: dict[str, Any]) -> Any:
    """The awards in fen, worked out with integers."""
    shares = sum(data[name] * int(rate * 10_000) for name, rate in zip(INCOMES, RATES, strict=True))
    award = (np.minimum(shares, int(CAP * 100) * 10_000) + 5_000) // 10_000
    eligible = (data["standing"] == 1) & (data["exit_year"] >= COHORT.first) & (data["exit_year"] <= COHORT.last)
    eligible &= (data["trade"] != list(Project).index(Project.OTHER)) & (shares > 0)
    return np.where(eligible, award, 0)


# --- the two paths ---------------------------------------------------------------------------------------------


def peer_build(system: TaxBenefitSystem, data: dict[str, Any]) -> Any:
    """A simulation of all households, by the fastest way it has: arrays."""
    simulation = SimulationBuilder().build_default_simulation(system, len(data["exit_year"]))
    for name in INCOMES:
        simulation.set_input(name, PERIOD, data[name] / 100)
    simulation.set_input("exit_year", PERIOD, data["exit_year"])
    simulation.set_input("small_trade", PERIOD, data["trade"] != list(Project).index(Project.OTHER))
    simulation.set_input("standing", PERIOD, EnumArray(data["standing"].astype(np.int16), Standing))
    return simulation


def own_frame(data: dict[str, Any]) -> pl.DataFrame:
    """The frame of facts from the same arrays."""
    specs = Consolidation.traced().facts
    frame: dict[str, Any] = {name: pl.Series(name, data[name]) for name in (*INCOMES, "exit_year")}
    frame["standing"] = pl.Series(data["standing"]).cat.to(columns.dtype(specs["standing"]))
    frame["projects"] = pl.Series(np.left_shift(1, data["trade"].astype(np.int64)))
    return pl.DataFrame({name: frame[name] for name in specs})


def parameters() -> Any:
    """The plan's parameters with the county's cohort."""
    programme = installed().programme("consolidation")
    examples = Examples({"programme": "consolidation", "period": str(PERIOD)}, programme)
    return examples.parameters({"cohort_exit_years": {"from": COHORT.first, "to": COHORT.last}})


def alternating(rounds: int, *tasks: Callable[[], Any], calls: int = 1) -> list[float]:
    """The median seconds of one call of each task, all run in turn in every round."""
    taken: list[list[float]] = [[] for _ in tasks]
    for task in tasks:
        task()
    for _ in range(rounds):
        for own, task in zip(taken, tasks, strict=True):
            start = time.perf_counter()
            for _ in range(calls):
                task()
            own.append((time.perf_counter() - start) / calls)
    return [statistics.median(own) for own in taken]


def columns_row(system: TaxBenefitSystem, own: Any, count: int, rounds: int) -> dict[str, Any]:
    """One size: both paths, and how many awards each gets wrong."""
    data = made(count)
    frame = own_frame(data)
    simulation = peer_build(system, data)
    ready: list[Any] = []
    build_peer, calculate_peer, make_frame, whole_own, calculate_own = alternating(
        rounds,
        lambda: ready.append(peer_build(system, data)),
        lambda: ready.pop().calculate("award", PERIOD),
        lambda: own_frame(data),
        lambda: columns.decide_all(Consolidation, own_frame(data), own),
        lambda: columns.decide_all(Consolidation, frame, own),
    )
    right = exact(data)
    ours = columns.decide_all(Consolidation, frame, own)["payable"].to_numpy()
    theirs = np.round(simulation.calculate("award", PERIOD).astype(float) * 100).astype(int)
    return {
        "households": count,
        "OpenFisca build ms": build_peer * 1e3,
        "OpenFisca calculation ms": calculate_peer * 1e3,
        "OpenFisca whole ms": (build_peer + calculate_peer) * 1e3,
        "Bangfu frame ms": make_frame * 1e3,
        "Bangfu calculation ms": calculate_own * 1e3,
        "Bangfu whole ms": whole_own * 1e3,
        "whole path x": (build_peer + calculate_peer) / whole_own,
        "calculation x": calculate_peer / calculate_own,
        "OpenFisca awards off by a fen or more": int((theirs != right).sum()),
        "Bangfu awards off": int((ours != right).sum()),
    }


def one_row(system: TaxBenefitSystem, own: Any) -> dict[str, Any]:
    """One household, as an application is decided: its facts as they come to its answer."""
    situation = {
        "persons": {"head": {}},
        "households": {
            "h": {
                "members": ["head"], "breeding": {str(PERIOD): 8000}, "planting": {str(PERIOD): 4000},
                "labour": {str(PERIOD): 20000}, "self_employment": {str(PERIOD): 0}, "exit_year": {str(PERIOD): 2018},
                "small_trade": {str(PERIOD): True}, "standing": {str(PERIOD): "exited"},
            }
        },
    }  # fmt: skip

    def theirs() -> Any:
        return SimulationBuilder().build_from_entities(system, situation).calculate("award", PERIOD)

    def ours() -> Any:
        facts = Facts(
            standing=HouseholdStanding.EXITED, exit_year=Year(2018), projects=frozenset({Project.SMALL_BREEDING}),
            breeding=Fen(800_000), planting=Fen(400_000), labour=Fen(2_000_000), self_employment=Fen(0),
        )  # fmt: skip
        return Consolidation.decide(facts, own)

    assert theirs()[0] == 3000.0
    assert ours().payable == 300_000
    peer_seconds, own_seconds = alternating(60, theirs, ours, calls=20)
    return {"OpenFisca us": peer_seconds * 1e6, "Bangfu us": own_seconds * 1e6, "x": peer_seconds / own_seconds}


def main() -> None:
    """Print the figures as JSON."""
    system = peer()
    own = parameters()
    result = {
        "one household": one_row(system, own),
        "columns": [columns_row(system, own, 10_000, 60), columns_row(system, own, 1_000_000, 9)],
    }
    json.dump(result, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
