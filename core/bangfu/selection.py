"""What is decided over a set: how large a sample or a quota is, how a whole is shared out, who is drawn, who waits.

Anyone can redraw a sample: the frame is frozen and digested, the size and its allocation follow from the counts, and
the order within a stratum is the order of a hash of the recorded seed and the case's own id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeVar

from bangfu.policy import LARGEST_RATE, Rate, Shares

K = TypeVar("K")


def ceil_share(count: int, rate: Rate) -> int:
    """A rate of a count, rounded up: 10 % of 6,806 is 681."""
    return -(-count * rate // LARGEST_RATE)


def floor_share(count: int, rate: Rate) -> int:
    """A rate of a count, rounded down: 20 % of 28 is 5."""
    return count * rate // LARGEST_RATE


def quota(base: int, rate: Rate, minimum: int = 0) -> int:
    """How many may be chosen of a base 名额: a rate of it, rounded down, and at least a minimum where there is anyone.

    20 % of 4 is nobody, with a minimum of 1 it is one. Never more than the base.
    """
    return max(floor_share(base, rate), min(minimum, base))


def largest_remainder(total: int, weights: Mapping[int, int]) -> dict[int, int]:
    """A whole total shared out in proportion to weights, adding up exactly.

    Each key gets the whole part of its share; what remains goes one by one to the largest remainders, the smaller key
    first among equals. No key gets more than its weight when the total does not exceed the sum of the weights.
    """
    weight = sum(weights.values())
    if weight <= 0:
        if total:
            raise ValueError("there is nothing to share out over")
        return dict.fromkeys(weights, 0)
    parts = {key: total * w // weight for key, w in weights.items()}
    order = sorted(weights, key=lambda key: (-(total * weights[key] % weight), key))
    for key in order[: total - sum(parts.values())]:
        parts[key] += 1
    return parts


def instalments(award: int, shares: Shares) -> tuple[int, ...]:
    """An award in fen in the parts in which it is paid 分期, adding up exactly.

    What does not divide goes to the largest remainders, the earlier part first among equals: 4,800 yuan by 30, 40 and
    30 % are 1,440, 1,920 and 1,440.
    """
    return tuple(largest_remainder(award, dict(enumerate(shares.rates))).values())


def due(award: int, shares: Shares, number: int, paid: int) -> int:
    """What the instalment of a number (the first is 1) pays, in fen, after ``paid`` of the earlier ones.

    It brings what was paid to where it stands by the award as it is now: if the award has become smaller since, the
    last instalment is smaller by the whole difference, and never below 0. Nothing that was paid is taken back.
    """
    if not 1 <= number <= len(shares.rates):
        raise ValueError(f"there are {len(shares.rates)} instalments")
    return max(0, [*accumulate(instalments(award, shares))][number - 1] - paid)


def within(amounts: Mapping[K, int], available: int) -> tuple[tuple[K, ...], tuple[K, ...]]:
    """Who is paid from what is available, and who waits for more 排队: both in the order in which they stand.

    The first that does not fit waits, and with it everyone after it, even if a smaller amount would still fit: nobody
    is overtaken.
    """
    fits = sum(total <= available for total in accumulate(amounts.values()))
    order = tuple(amounts)
    return order[:fits], order[fits:]


@dataclass(frozen=True, slots=True)
class Unit:
    """One case of a frame: its id and the stratum (township) it belongs to."""

    id: str
    stratum: int


@dataclass(frozen=True, slots=True)
class Draw:
    """A drawn sample. ``order`` holds every unit of the frame in the order of its hash, ``drawn`` those that were
    drawn.

    ``digest`` identifies the frame; ``allocation`` is the number drawn in each stratum.
    """

    digest: str
    size: int
    allocation: Mapping[int, int]
    order: tuple[str, ...]
    drawn: frozenset[str]


def frame_digest(frame: Sequence[Unit]) -> str:
    """A SHA-256 that identifies a frame, whatever the order of its units."""
    lines = "\n".join(sorted(f"{unit.stratum} {unit.id}" for unit in frame))
    return hashlib.sha256(lines.encode()).hexdigest()


def draw_key(seed: str, unit: Unit) -> str:
    """The hash by which a unit is ordered: SHA-256 of the seed, a newline and the unit's id, in hexadecimal."""
    return hashlib.sha256(f"{seed}\n{unit.id}".encode()).hexdigest()


def draw(frame: Sequence[Unit], rate: Rate, seed: str) -> Draw:
    """Draw a share of a frame, rounded up, spread over the strata by largest remainder.

    ValueError for an empty frame, an empty seed, or a unit that stands in it twice.
    """
    if not frame or not seed or len({unit.id for unit in frame}) != len(frame):
        raise ValueError("a draw needs a seed and a frame of different units")
    strata: dict[int, int] = {}
    for unit in frame:
        strata[unit.stratum] = strata.get(unit.stratum, 0) + 1
    size = ceil_share(len(frame), rate)
    allocation = largest_remainder(size, strata)
    order = sorted(frame, key=lambda unit: (draw_key(seed, unit), unit.id))
    left = dict(allocation)
    drawn = set()
    for unit in order:
        if left[unit.stratum]:
            left[unit.stratum] -= 1
            drawn.add(unit.id)
    return Draw(frame_digest(frame), size, allocation, tuple(unit.id for unit in order), frozenset(drawn))
