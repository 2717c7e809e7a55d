"""What is decided over a set: sizes, shares and draws that anyone can redo."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bangfu.policy import Rate, Shares
from bangfu.selection import (
    Unit,
    ceil_share,
    draw,
    draw_key,
    due,
    floor_share,
    frame_digest,
    instalments,
    largest_remainder,
    quota,
    within,
)


@pytest.mark.parametrize(
    ("count", "percent", "size"),
    [(6806, "10", 681), (10, "10", 1), (11, "10", 2), (1, "10", 1), (1, "0.01", 1), (0, "10", 0), (6806, "0", 0),
     (6806, "100", 6806), (3, "33.33", 1), (3, "33.34", 2)],
)  # fmt: skip
def test_a_share_of_a_count_is_rounded_up(count: int, percent: str, size: int) -> None:
    assert ceil_share(count, Rate(int(Fraction(percent) * 100))) == size


@given(st.integers(0, 10**7), st.integers(0, 10_000))
def test_a_share_of_a_count_is_the_ceiling_of_the_exact_share(count: int, points: int) -> None:
    assert ceil_share(count, Rate(points)) == math.ceil(Fraction(count * points, 10_000))


@given(st.integers(0, 10**7), st.integers(0, 10_000))
def test_a_share_rounded_down_is_the_floor_of_the_exact_share(count: int, points: int) -> None:
    assert floor_share(count, Rate(points)) == math.floor(Fraction(count * points, 10_000))


@pytest.mark.parametrize(
    ("base", "chosen", "at_least_one"),
    [(0, 0, 0), (1, 0, 1), (4, 0, 1), (5, 1, 1), (9, 1, 1), (10, 2, 2), (28, 5, 5), (65, 13, 13)],
)  # fmt: skip
def test_a_fifth_of_a_village_may_be_chosen(base: int, chosen: int, at_least_one: int) -> None:
    assert quota(base, Rate(2000)) == quota(base, Rate(2000), 0) == chosen  # G09
    assert quota(base, Rate(2000), 1) == at_least_one


@given(st.integers(0, 500), st.integers(0, 10_000), st.integers(0, 20))
def test_a_quota_lies_between_its_minimum_and_its_base(base: int, points: int, minimum: int) -> None:
    found = quota(base, Rate(points), minimum)
    assert found <= base
    assert found >= minimum or found == base
    assert found in (minimum, base, math.floor(Fraction(base * points, 10_000)))


# --- shares that add up ---------------------------------------------------------------------------------------

WEIGHTS = st.dictionaries(st.integers(0, 30), st.integers(0, 50), min_size=1, max_size=12).filter(
    lambda weights: sum(weights.values()) > 0
)


@given(WEIGHTS, st.integers(0, 1000))
def test_parts_add_up_and_stay_within_one_of_their_share(weights: dict[int, int], total: int) -> None:
    parts = largest_remainder(total, weights)
    assert parts.keys() == weights.keys()
    assert sum(parts.values()) == total
    exact = {key: Fraction(total * weight, sum(weights.values())) for key, weight in weights.items()}
    assert all(parts[key] >= 0 and abs(parts[key] - exact[key]) < 1 for key in weights)


@given(WEIGHTS, st.data())
def test_no_part_exceeds_its_weight_when_there_is_enough(weights: dict[int, int], data: st.DataObject) -> None:
    total = data.draw(st.integers(0, sum(weights.values())))
    parts = largest_remainder(total, weights)
    assert all(parts[key] <= weights[key] for key in weights)


@given(WEIGHTS, st.integers(0, 1000))
def test_what_remains_goes_to_the_largest_remainders_the_smaller_key_first(weights: dict[int, int], total: int) -> None:
    parts = largest_remainder(total, weights)
    exact = {key: Fraction(total * weight, sum(weights.values())) for key, weight in weights.items()}
    rank = {key: (-(exact[key] - math.floor(exact[key])), key) for key in weights}
    raised = {key for key in weights if parts[key] > math.floor(exact[key])}
    assert all(rank[key] < rank[other] for key in raised for other in weights.keys() - raised)


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (681, {1: 3000, 2: 2500, 3: 1306}, {1: 300, 2: 250, 3: 131}),
        (1, {7: 1, 3: 1, 5: 1}, {3: 1, 5: 0, 7: 0}),
        (2, {7: 1, 3: 1, 5: 1}, {3: 1, 5: 1, 7: 0}),
        (10, {1: 1, 2: 1, 3: 1}, {1: 4, 2: 3, 3: 3}),
        (0, {1: 4, 2: 0}, {1: 0, 2: 0}),
        (5, {1: 0, 2: 9}, {1: 0, 2: 5}),
        (0, {1: 0}, {1: 0}),
        (0, {}, {}),
    ],
)
def test_shares_by_hand(total: int, weights: dict[int, int], parts: dict[int, int]) -> None:
    assert largest_remainder(total, weights) == parts


@pytest.mark.parametrize("weights", [{}, {1: 0, 2: 0}])
def test_nothing_can_be_shared_out_over_nothing(weights: dict[int, int]) -> None:
    with pytest.raises(ValueError, match="nothing to share out over"):
        largest_remainder(1, weights)


# --- instalments ----------------------------------------------------------------------------------------------

THREE = Shares((3000, 4000, 3000))


@pytest.mark.parametrize(
    ("award", "shares", "parts"),
    [
        (360_600_000, THREE, (108_180_000, 144_240_000, 108_180_000)),  # G02
        (480_000, THREE, (144_000, 192_000, 144_000)),  # G03
        (120_000, THREE, (36_000, 48_000, 36_000)),  # G03b
        (1, THREE, (0, 1, 0)),
        (5, THREE, (2, 2, 1)),  # 1.5, 2, 1.5: the earlier one first among equals
        (1, Shares((5000, 5000)), (1, 0)),
        (100, Shares((3333, 3333, 3334)), (33, 33, 34)),
        (7, Shares((10_000,)), (7,)),
        (0, THREE, (0, 0, 0)),
    ],
)
def test_an_award_is_paid_in_parts(award: int, shares: Shares, parts: tuple[int, ...]) -> None:
    assert instalments(award, shares) == parts


SHARES = st.lists(st.integers(1, 1600), max_size=5).map(lambda rates: Shares((*rates, 10_000 - sum(rates))))


@given(st.integers(0, 10**13), SHARES)
def test_the_parts_of_an_award_add_up_to_the_fen(award: int, shares: Shares) -> None:
    parts = instalments(award, shares)
    assert sum(parts) == award
    assert len(parts) == len(shares.rates)
    assert all(abs(part - Fraction(award * rate, 10_000)) < 1 for part, rate in zip(parts, shares.rates, strict=True))
    assert [due(award, shares, n + 1, sum(parts[:n])) for n in range(len(parts))] == list(parts)


def test_a_smaller_award_makes_the_last_instalment_smaller_by_the_whole_difference() -> None:
    paid = 144_000 + 192_000
    assert due(480_000, THREE, 3, paid) == 144_000  # G40: the size is frozen
    assert due(360_000, THREE, 3, paid) == 24_000  # G40: three are counted
    assert due(240_000, THREE, 3, paid) == 0  # nothing is taken back
    assert due(600_000, THREE, 3, paid) == 264_000
    assert due(480_000, THREE, 2, 0) == 336_000  # nothing was paid before


@pytest.mark.parametrize("number", [0, 4, -1])
def test_there_are_no_other_instalments(number: int) -> None:
    with pytest.raises(ValueError, match="there are 3 instalments"):
        due(480_000, THREE, number, 0)


# --- who waits ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amounts", "available", "fits"),
    [
        ([300, 500, 100], 900, 3),
        ([300, 500, 100], 899, 2),
        ([300, 500, 100], 799, 1),  # the third would still fit, and does not overtake
        ([300, 500, 100], 299, 0),
        ([300, 500, 100], 0, 0),
        ([0, 300], 0, 1),
        ([], 5, 0),
    ],
)
def test_the_first_that_does_not_fit_waits_and_all_after_it(amounts: list[int], available: int, fits: int) -> None:
    names = [f"case {number}" for number in range(len(amounts))]
    paid, waits = within(dict(zip(names, amounts, strict=True)), available)
    assert (list(paid), list(waits)) == (names[:fits], names[fits:])


@given(st.lists(st.integers(0, 1000), max_size=20), st.integers(0, 5000))
def test_who_is_paid_fits_and_the_next_would_not(amounts: list[int], available: int) -> None:
    paid, waits = within(dict(enumerate(amounts)), available)
    assert [*paid, *waits] == [*range(len(amounts))]
    total = sum(amounts[number] for number in paid)
    assert total <= available
    assert not waits or total + amounts[waits[0]] > available


# --- the draw -------------------------------------------------------------------------------------------------

FRAME = [Unit(f"case-{number}", 1 + number % 3 % 2) for number in range(90)]  # 60 in stratum 1, 30 in stratum 2
TEN = Rate(1000)
KEY = "2079c7f29f1d1dc0eb18e3dbbd03e1a91e92e31ab5800453d4563cf454da0565"
DIGEST = "4b495690b92488ac31b1e556e52392d7215e9df11a7c4bdd43b6d3f9aaf5b500"


def by_hand(frame: list[Unit], allocation: dict[int, int], seed: str) -> set[str]:
    """The sample as an auditor would redraw it: hash every case, sort within its stratum, take the first ones."""
    chosen = set()
    for stratum, size in allocation.items():
        ids = [unit.id for unit in frame if unit.stratum == stratum]
        ids.sort(key=lambda id: hashlib.sha256(seed.encode() + b"\n" + id.encode()).hexdigest())  # noqa: A006
        chosen |= set(ids[:size])
    return chosen


@pytest.mark.parametrize("seed", ["2021-10-20", "种子", "x"])
def test_a_draw_can_be_redone_by_anyone(seed: str) -> None:
    drawn = draw(FRAME, TEN, seed)
    assert (drawn.size, drawn.allocation) == (9, {1: 6, 2: 3})
    assert drawn.drawn == by_hand(FRAME, {1: 6, 2: 3}, seed)
    assert sorted(drawn.order) == sorted(unit.id for unit in FRAME)


def test_the_key_of_a_case_and_the_digest_of_a_frame_are_plain_sha256() -> None:
    # printf '2021-10-20/seed\ncase-1' | sha256sum, and printf '1 a\n1 b\n2 c' | sha256sum
    assert draw_key("2021-10-20/seed", Unit("case-1", 7)) == KEY
    assert frame_digest([Unit("c", 2), Unit("a", 1), Unit("b", 1)]) == DIGEST


@given(st.permutations(FRAME))
def test_a_draw_does_not_depend_on_the_order_of_its_frame(shuffled: list[Unit]) -> None:
    assert draw(shuffled, TEN, "seed") == draw(FRAME, TEN, "seed")


def test_another_seed_draws_others() -> None:
    draws = [draw(FRAME, TEN, f"seed {number}") for number in range(20)]
    assert len({frozenset(one.drawn) for one in draws}) == 20
    assert {one.digest for one in draws} == {frame_digest(FRAME)}


def test_over_many_seeds_every_case_is_drawn() -> None:
    often = Counter(id for number in range(300) for id in draw(FRAME, TEN, f"{number}").drawn)  # noqa: A001
    assert set(often) == {unit.id for unit in FRAME}
    assert sum(often.values()) == 300 * 9


@pytest.mark.parametrize(
    "changed",
    [FRAME[1:], [*FRAME, Unit("case-90", 1)], [Unit("case-0", 2), *FRAME[1:]], [Unit("other", 1), *FRAME[1:]]],
)
def test_another_frame_has_another_digest(changed: list[Unit]) -> None:
    assert frame_digest(changed) != frame_digest(FRAME)


def test_a_sample_of_the_whole_plan_is_spread_over_the_townships() -> None:
    frame = [Unit(f"{number:05d}", 1 + number * 7 // 6806) for number in range(6806)]
    drawn = draw(frame, TEN, "2021")
    strata = Counter(unit.stratum for unit in frame)
    assert drawn.size == len(drawn.drawn) == sum(drawn.allocation.values()) == 681
    assert all(abs(drawn.allocation[s] - Fraction(681 * strata[s], 6806)) < 1 for s in strata)
    assert Counter(unit.stratum for unit in frame if unit.id in drawn.drawn) == drawn.allocation


@pytest.mark.parametrize(("rate", "size"), [(Rate(0), 0), (Rate(10_000), 90)])
def test_nobody_or_everybody_can_be_drawn(rate: Rate, size: int) -> None:
    assert len(draw(FRAME, rate, "seed").drawn) == size


@pytest.mark.parametrize(
    ("frame", "seed"), [([], "seed"), (FRAME, ""), ([*FRAME, FRAME[0]], "seed"), ([Unit("a", 1), Unit("a", 2)], "seed")]
)
def test_a_draw_needs_a_seed_and_different_cases(frame: list[Unit], seed: str) -> None:
    with pytest.raises(ValueError, match="a seed and a frame of different units"):
        draw(frame, TEN, seed)
