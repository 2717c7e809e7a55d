"""万企帮万村, held against its document: every clause is answered, every number has its clause, everybody his part."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bangfu.policy import PolicyError
from bangfu.process import Duty
from bangfu.programme import (
    Charge,
    ClauseState,
    DeliveryKind,
    HelpPath,
    PairingAct,
    PairingProgramme,
    check_pairing,
    clauses_of,
    installed,
    unanswered,
)
from bangfu.text import Text
from wanqi_bang_wancun import CHARGES, KINDS, PATHS, PROGRAMME

DOCUMENT = "wanqi-2015"


def test_it_is_installed_beside_the_programmes_of_cases_and_is_none() -> None:
    plugins = installed()
    assert plugins.pairings["wanqi_bang_wancun"] is PROGRAMME
    assert "wanqi_bang_wancun" not in plugins.programmes
    assert plugins.any("wanqi_bang_wancun") is PROGRAMME
    assert list(plugins.every)[: len(plugins.programmes) + 1] == [*plugins.programmes, "wanqi_bang_wancun"]


def test_every_clause_of_the_document_is_answered() -> None:
    assert unanswered(PROGRAMME) == []
    found = {one.clause: one.state for one in clauses_of(PROGRAMME)}
    assert len(found) == 19
    assert {clause for clause, state in found.items() if state is ClauseState.LEFT_OUT} == {"二1", "二2", "二4"}
    assert [one.clause for one in clauses_of(PROGRAMME) if one.missing] == []
    assert not {clause for clause, state in found.items() if state is ClauseState.MISSING}


@pytest.mark.parametrize(
    ("name", "value", "clause"),
    [("term_min_years", 3, "一"), ("term_max_years", 5, "一"), ("typical_villages", 5, "五3"),
     ("poor_villages_only", True, "一")],
)  # fmt: skip
def test_the_numbers_are_those_of_the_document(name: str, value: Any, clause: str) -> None:
    (entry,) = PROGRAMME.policy.parameters[name].entries
    assert (entry.value, entry.cites.document, entry.cites.clause) == (value, DOCUMENT, clause)


def test_help_is_given_by_six_paths_with_what_the_document_names_on_each() -> None:
    assert [(path.code, path.title.zh) for path in PATHS] == [
        ("industry", "产业扶贫"), ("trade", "商贸扶贫"), ("jobs", "就业扶贫"), ("donation", "捐赠扶贫"),
        ("knowledge", "智力扶贫"), ("other", "其它扶贫"),
    ]  # fmt: skip
    on = {path.code: {kind.code for kind in KINDS if path.code in kind.paths} for path in PATHS}
    assert on == {
        "industry": {"investment"}, "trade": {"purchase"}, "jobs": {"posts", "training"}, "donation": {"cash", "goods"},
        "knowledge": {"training", "service"}, "other": {"investment", "fund", "service"},
    }  # fmt: skip
    assert {kind.code for kind in KINDS if kind.names_persons} == {"posts", "training"}
    assert {kind.code for kind in KINDS if kind.valued} == {"goods"}


def test_nobody_is_charged_with_both_sides() -> None:
    agents = {act for act, charge in CHARGES.items() if Duty.ENTERPRISE_AGENT in charge.by}
    assert agents == {
        PairingAct.REGISTER, PairingAct.PROPOSE, PairingAct.SIGN_HELPER, PairingAct.PLAN, PairingAct.RAISE_OBSTACLE,
        PairingAct.DELIVER,
    }  # fmt: skip
    assert not CHARGES[PairingAct.CONFIRM].by & CHARGES[PairingAct.ARBITRATE].by


CASH = KINDS[4]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"term_min": "poor_villages_only"}, "poor_villages_only is not a whole-number parameter"),
        ({"poor_villages": "term_min_years"}, "term_min_years is not a parameter that is yes or no"),
        ({"paths": (*PATHS, PATHS[0])}, "path industry stands twice"),
        ({"kinds": (*KINDS, CASH)}, "kind cash stands twice"),
        ({"kinds": (*KINDS, replace(CASH, code="gift", paths=frozenset({"gold"})))}, "there is no path gold"),
        ({"kinds": (*KINDS, replace(CASH, code="gift", paths=frozenset()))}, "it stands on no path"),
        ({"kinds": (*KINDS, replace(CASH, code="gift", money=False))}, "neither in money nor by counting"),
        ({"kinds": (*KINDS, replace(CASH, code="gift", names_persons=True))}, "names persons and does not count them"),
        ({"paths": (*PATHS, HelpPath("seventh", Text("第七", "seventh"), "wanqi-2015#三6"))},
         "path seventh: nothing can be delivered on it"),
        ({"paths": (*PATHS[:5], replace(PATHS[5], cites="wanqi-2015#三7"))}, "cites wanqi-2015#三7"),
        ({"charges": {act: own for act, own in CHARGES.items() if act is not PairingAct.REVIEW}},
         "nobody is charged with review"),
        ({"charges": {**CHARGES, PairingAct.DELIVER: Charge(frozenset({Duty.VILLAGE_COMMITTEE}), ())}},
         "deliver is for the side that helps"),
        ({"charges": {**CHARGES, PairingAct.CONFIRM: Charge(frozenset({Duty.ENTERPRISE_AGENT}), ())}},
         "confirm is not for the side that helps"),
    ],
)  # fmt: skip
def test_a_programme_whose_parts_do_not_fit_is_refused_by_name(changes: dict[str, Any], fault: str) -> None:
    check_pairing(PROGRAMME)
    with pytest.raises(PolicyError, match=fault):
        check_pairing(replace(PROGRAMME, **changes))


def test_what_is_counted_and_what_is_money_is_said_of_every_kind() -> None:
    assert isinstance(PROGRAMME, PairingProgramme)
    for kind in KINDS:
        assert isinstance(kind, DeliveryKind)
        assert kind.money or kind.counted is not None
