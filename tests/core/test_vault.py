"""Sealing: a value opens at its own place and nowhere else, under old keys and new; the ring itself is kept safe."""

from __future__ import annotations

import base64
import json
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bangfu.errors import Code, Refused
from bangfu.settings import Settings
from bangfu.vault import Vault, VaultError, mask_account, mask_identity, mask_phone

OLD, NEW, INDEX = b"o" * 32, b"n" * 32, b"i" * 32
RING = Vault(1, {1: OLD}, INDEX)
RENEWED = Vault(2, {1: OLD, 2: NEW}, INDEX)
PLACE = "person.identity"
NUMBER = "99020119800101001X"


def code_of(refused: pytest.ExceptionInfo[Refused]) -> Code:
    """The one code of a refusal."""
    (problem,) = refused.value.problems
    return problem.code


# --- sealing --------------------------------------------------------------------------------------------------


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_sealed_opens_again(value: str) -> None:
    sealed = RING.seal(value, PLACE, 7)
    assert RING.reveal(sealed, PLACE, 7) == value
    assert RING.open_bytes(sealed, PLACE, 7) == value.encode()


def test_bytes_are_sealed_as_they_are() -> None:
    data = bytes(range(256))
    assert RING.open_bytes(RING.seal(data, PLACE, 7), PLACE, 7) == data


def test_the_same_value_is_never_sealed_the_same_way() -> None:
    sealed = {RING.seal(NUMBER, PLACE, 7) for _ in range(50)}
    assert len(sealed) == 50
    assert not any(NUMBER.encode() in one for one in sealed)


@pytest.mark.parametrize(
    ("place", "tenant"),
    [("person.phone", 7), (PLACE, 8), (PLACE + "|7", 7), (PLACE[:-1], 7), ("", 7)],
    ids=["other-column", "other-county", "place-with-the-county-in-it", "shorter-place", "no-place"],
)
def test_a_value_moved_elsewhere_does_not_open(place: str, tenant: int) -> None:
    sealed = RING.seal(NUMBER, PLACE, 7)
    with pytest.raises(VaultError, match="altered or belongs elsewhere"):
        RING.reveal(sealed, place, tenant)


def test_no_byte_can_be_altered() -> None:
    sealed = RING.seal(NUMBER, PLACE, 7)
    for position in range(len(sealed)):
        altered = bytearray(sealed)
        altered[position] ^= 1
        with pytest.raises(VaultError):
            RING.reveal(bytes(altered), PLACE, 7)


@pytest.mark.parametrize("length", range(49))
def test_a_cut_value_does_not_open(length: int) -> None:
    sealed = RING.seal(NUMBER, PLACE, 7)
    assert len(sealed) == 49
    with pytest.raises(VaultError):
        RING.reveal(sealed[:length], PLACE, 7)


# --- renewing keys --------------------------------------------------------------------------------------------


def test_a_renewed_ring_opens_old_values_and_seals_with_the_new_key() -> None:
    old = RING.seal(NUMBER, PLACE, 7)
    assert RENEWED.reveal(old, PLACE, 7) == NUMBER
    new = RENEWED.seal(NUMBER, PLACE, 7)
    assert (old[1:3], new[1:3]) == (b"\x00\x01", b"\x00\x02")
    assert RENEWED.reveal(new, PLACE, 7) == NUMBER
    assert Vault(2, {2: NEW}, INDEX).reveal(new, PLACE, 7) == NUMBER
    with pytest.raises(VaultError, match="key 2 is not on the ring"):
        RING.reveal(new, PLACE, 7)
    with pytest.raises(VaultError, match="key 1 is not on the ring"):
        Vault(2, {2: NEW}, INDEX).reveal(old, PLACE, 7)


def test_another_key_of_the_same_version_does_not_open() -> None:
    with pytest.raises(VaultError):
        Vault(1, {1: NEW}, INDEX).reveal(RING.seal(NUMBER, PLACE, 7), PLACE, 7)


def test_many_values_move_to_another_place_in_their_order_under_the_newest_key() -> None:
    numbers = [f"{NUMBER[:-3]}{place:03}" for place in range(50)]
    old = [(RING if place % 2 else RENEWED).seal(number, PLACE, 7) for place, number in enumerate(numbers)]
    moved = RENEWED.moved(old, PLACE, "payment_line.account", 7)
    assert [RENEWED.reveal(one, "payment_line.account", 7) for one in moved] == numbers
    assert {one[:3] for one in moved} == {RENEWED.seal("", PLACE, 7)[:3]}
    assert len({one[3:15] for one in moved}) == 50, "no two under one nonce"
    for place, tenant in ((PLACE, 7), ("payment_line.account", 8)):
        with pytest.raises(VaultError, match="altered or belongs elsewhere"):
            RENEWED.reveal(moved[0], place, tenant)
    with pytest.raises(VaultError, match="altered or belongs elsewhere"):
        RENEWED.moved([*old, RENEWED.seal(NUMBER, PLACE, 8)], PLACE, "payment_line.account", 7)
    assert RENEWED.moved([], PLACE, "payment_line.account", 7) == []


# --- finding again --------------------------------------------------------------------------------------------


def test_the_index_answers_equality_within_one_county_and_place() -> None:
    own = RING.index(NUMBER, "identity", 7)
    assert own == RENEWED.index(NUMBER, "identity", 7)
    assert len(own) == 32
    others = [
        RING.index(NUMBER[:-1] + "1", "identity", 7),
        RING.index(NUMBER, "identity", 8),
        RING.index(NUMBER, "account", 7),
        Vault(1, {1: OLD}, NEW).index(NUMBER, "identity", 7),
    ]
    assert own not in others
    assert len(set(others)) == 4


@pytest.mark.parametrize(
    ("mask", "number", "shown"),
    [(mask_identity, NUMBER, "990*************1X"), (mask_identity, "123456", "123*56"),
     (mask_identity, "12345", "*****"), (mask_identity, "", ""),
     (mask_account, "6228480000000001234", "***************1234"), (mask_account, "12345", "*2345"),
     (mask_account, "1234", "****"), (mask_phone, "13800001234", "138****1234"), (mask_phone, "12345678", "123*5678"),
     (mask_phone, "1234567", "*******")],
)  # fmt: skip
def test_masks_keep_the_length_and_no_more_than_they_say(mask: Callable[[str], str], number: str, shown: str) -> None:
    assert mask(number) == shown
    assert len(shown) == len(number)


# --- the ring itself ------------------------------------------------------------------------------------------


def test_a_ring_survives_being_written_down() -> None:
    assert Vault.parse(RENEWED.dump()) == RENEWED


def test_new_rings_differ() -> None:
    first, second = Vault.new(), Vault.new()
    assert first.keys[1] != second.keys[1]
    assert first.index_key != second.index_key
    assert first.index_key != first.keys[1]


def _ring(**changed: object) -> str:
    return json.dumps({**json.loads(RENEWED.dump()), **changed})


@pytest.mark.parametrize(
    "text",
    ["", "not json", "[]", "null", '"ring"', "{}", _ring(current=3), _ring(current="two"), _ring(current=None),
     _ring(keys=[]), _ring(keys={}), _ring(keys={"1": "not base64!", "2": "not base64!"}),
     _ring(keys={"one": base64.b64encode(OLD).decode(), "2": base64.b64encode(NEW).decode()}),
     _ring(keys={"1": base64.b64encode(OLD[:16]).decode(), "2": base64.b64encode(NEW).decode()}),
     _ring(keys={"2": base64.b64encode(NEW).decode(), "65536": base64.b64encode(OLD).decode()}),
     _ring(index=base64.b64encode(INDEX[:31]).decode()), _ring(index=5)],
)  # fmt: skip
def test_a_ring_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        Vault.parse(text)
    assert code_of(refused) is Code.KEYRING_MISSING


def test_the_ring_is_stated_as_text_or_as_a_file(tmp_path: Path) -> None:
    file = tmp_path / "ring.json"
    file.write_text(RENEWED.dump(), encoding="utf-8")
    home = tmp_path / "home"
    for stated in (RENEWED.dump(), f"\n {RENEWED.dump()}", str(file)):
        assert Vault.open(Settings(home, keyring=stated)) == RENEWED
    assert not home.exists()


def test_a_database_of_ones_own_needs_a_stated_ring(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with pytest.raises(Refused) as refused:
        Vault.open(Settings(home, database_url="postgresql://example"))
    assert code_of(refused) is Code.KEYRING_MISSING
    assert not home.exists()
    stated = Settings(home, database_url="postgresql://example", keyring=RING.dump())
    assert Vault.open(stated) == RING


@pytest.mark.parametrize("stated", ["nothing.json", "folder", "binary.json", "no\0name"])
def test_a_stated_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path, stated: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(Refused) as refused:
        Vault.open(Settings(tmp_path, keyring=str(tmp_path / stated)))
    assert code_of(refused) is Code.KEYRING_MISSING


def test_an_embedded_installation_makes_its_ring_once(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "deep" / "home")
    first = Vault.open(settings)
    assert Vault.open(settings) == first
    (file,) = settings.home.iterdir()
    assert file.name == "keyring.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert Vault.parse(file.read_text(encoding="utf-8")) == first


def test_the_loser_of_a_race_takes_the_winners_ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process puts its ring in place between our look and our own writing."""
    winner, own = Vault.new(), Vault.new()

    def overtaken() -> Vault:
        (tmp_path / "keyring.json").write_text(winner.dump(), encoding="utf-8")
        return own

    monkeypatch.setattr(Vault, "new", overtaken)
    assert Vault.open(Settings(tmp_path)) == winner
    assert [file.name for file in tmp_path.iterdir()] == ["keyring.json"]


def test_racing_processes_share_one_ring(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from bangfu.settings import Settings; from bangfu.vault import Vault\n"
        "print('ready', flush=True); sys.stdin.readline(); print(Vault.open(Settings(Path(sys.argv[1]))).dump())"
    )
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / "home")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(4)
    ]  # fmt: skip
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    rings = [racer.communicate()[0].strip() for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0, 0, 0]
    assert len(set(rings)) == 1
    assert Vault.parse(rings[0]) == Vault.open(Settings(tmp_path / "home"))
    assert [file.name for file in (tmp_path / "home").iterdir()] == ["keyring.json"]


def test_a_ring_does_not_tell_its_keys_by_accident() -> None:
    assert repr(RENEWED) == "Vault(current=2)"
