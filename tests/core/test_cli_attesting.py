"""What a training base is asked, on the command line: its cards, its seal, and why it does not seal."""

from __future__ import annotations

import re

import pytest

from tests.core.conftest import Command
from tests.core.test_attesting import sheet
from tests.core.test_cli import written
from tests.county import CODE, DIVISIONS, OFFICERS
from tests.learners import AGENTS, BASES, ORGANIZATIONS, TRAINER, roster

SHORT = ("-p", "short_training", "--period", "2021")
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


@pytest.fixture(scope="module")
def county(bangfu: Command, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """The small county with families, two bases, and the aid for short trainings open; three apply, of whom one base is
    asked."""
    folder = tmp_path_factory.mktemp("registers")
    first = ("--officer", "R1", "--officer-name", "管理员", "--demo-day", "2021-09-10")
    bangfu("R1", "tenant", "create", CODE, "测试县", *first)
    for kind, text in (
        ("divisions", DIVISIONS), ("officers", OFFICERS), ("organizations", ORGANIZATIONS), ("households", roster()),
    ):  # fmt: skip
        bangfu("R1", "import", kind, written(folder, f"{kind}.csv", text))
    for kind, text in (("organizations", BASES), ("officers", AGENTS)):
        bangfu("R1", "import", kind, written(folder, f"{kind}2.csv", text))
    bangfu("C1", "programme", "on", "short_training")
    bangfu("C1", "programme", "open", "short_training", "2021")
    plans = sheet(*((who, "", TRAINER) for who in ("F1-01", "F1-03", "F2-02")))
    bangfu("K1", "import", "plans", written(folder, "登记.csv", plans), *SHORT)
    return bangfu


def test_a_base_lists_its_cards_seals_them_and_says_why_not(county: Command) -> None:
    listed = county("TB", "attest", "list", *SHORT).output
    cards = {
        name: key for key, name in re.findall(rf"({_UUID})\s+(\S+)\s+aid for short skills training\s+2021\s", listed)
    }
    found = [cards[name] for name in ("学F10号", "学F12号", "学F21号")]
    assert len(set(found)) == len(cards) == 3
    assert "first day of the training: 2021-03-02" in re.sub(r"\s+", " ", listed)
    assert re.findall(_UUID, county("TX", "attest", "list").output) == []
    assert "FORBIDDEN" in county("K1", "attest", "list", code=1).stderr

    for number in ("TX", "SA"):
        assert "NOT_FOUND" in county(number, "attest", "confirm", found[0], code=1).output
    assert "FORBIDDEN" in county("K1", "attest", "confirm", found[0], code=1).stderr
    done = county("TB", "attest", "confirm", found[0], "--day", "2021-09-09").output
    assert "answered 1, unchanged 0, refused 0" in done
    assert "answered 0, unchanged 1, refused 0" in county("TB", "attest", "confirm", found[0]).output
    assert "CONFLICT" in county("TB", "attest", "refuse", found[0], "--reason", "看错", code=1).output
    county("TB", "attest", "refuse", found[1], code=2)
    both = county("TB", "attest", "refuse", found[0], found[1], "--reason", "未参加培训").output
    assert "answered 1, unchanged 0, refused 1" in both
    assert re.findall(_UUID, county("TB", "attest", "list").output) == [found[2]]
    answered = county("TB", "attest", "list", "--answered").output
    assert "attested on 2021-09-09" in answered
    assert "not attested on 2021-09-10 (未参加培训)" in answered


def test_the_receipt_says_who_attested_and_who_is_waited_for(county: Command) -> None:
    told = {who: unfolded(county("C1", "why", who, *SHORT).output) for who in ("F1-01", "F1-03", "F2-02")}
    assert unfolded("测试培训基地 attested it on 9 September 2021") in told["F1-01"]
    assert unfolded("测试培训基地 did not attest it on 10 September 2021 (未参加培训)") in told["F1-03"]
    assert unfolded("测试培训基地 has been asked since 10 September 2021, and has not answered yet") in told["F2-02"]
    page = unfolded(county("C1", "why", "F2", "--year", "2021").output)
    assert unfolded("Waiting for 测试培训基地 to attest it") in page


def unfolded(page: str) -> str:
    """What stands on a page, however it is folded."""
    return re.sub(r"[\s│]+", "", page)
