"""What the villages of the made-up county need, and what its enterprises promise and deliver to them in a year.

Each of these villages states two of the six paths; its enterprise promises on both, gives half of the money by summer
and the rest, with everything that is counted, in autumn. The four villages to which something happens come first, so
that the smallest county has them too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from bangfu.cli.demo.county import County, Enterprise, Village
from bangfu.registry.identity import credit_check_character

BEGINS, RELAYED, LAST = date(2021, 3, 1), date(2021, 7, 15), date(2021, 11, 5)
"""The first day of the agreements, that of the one that takes over, and the day after which nothing is delivered."""
SPOILT, HANDED_ON, SHORT, MODEL = range(4)
"""The villages to which something happens: one disputes and has a line corrected, the enterprise of one cannot go on,
one confirms in part, and one is put forward as typical."""
MOST = 40
"""How many villages of the county's list sign an agreement this year, at most."""
ARRIVED, ENTERED = 600_000, 1_800_000
"""What stands of the goods that a village disputes, and what one confirms of a contribution, in fen."""
NEEDS: Mapping[str, str] = {
    "industry": "发展高山药材种植,缺资金和技术",
    "trade": "蜂蜜、竹笋销路不畅,盼订单收购",
    "jobs": "劳动力富余,盼就近务工岗位",
    "donation": "村小学取暖设备和图书不足",
    "knowledge": "种养技术跟不上,盼技术员驻村指导",
    "other": "村集体经济薄弱,盼入股产业基金",
}
"""What a village says that it needs, by path."""
TASKS = (
    ("县交通运输局", "硬化通村产业路"), ("县农业农村局", "派技术指导员"), ("县水利局", "修复灌溉渠"),
    ("县供电公司", "改造加工点用电线路"),
)  # fmt: skip
"""What the offices of the government do beside the enterprises."""
_KINDS = {
    "industry": ("investment",), "trade": ("purchase",), "jobs": ("posts",), "donation": ("cash", "goods"),
    "knowledge": ("training", "service"), "other": ("fund",),
}  # fmt: skip
_WORTH: Mapping[str, tuple[str, int | None, int | None]] = {
    "investment": ("合作社药材基地投资", 200_000, None),
    "purchase": ("订单收购农产品", 60_000, None),
    "posts": ("厂区务工岗位及工资", 72_000, 6),
    "cash": ("捐助村小学", 30_000, None),
    "goods": ("捐赠取暖设备和图书", 18_000, None),
    "training": ("种养技术培训", None, 20),
    "service": ("技术员驻村指导", None, 12),
    "fund": ("产业帮扶基金出资", 50_000, None),
}
"""What is promised of each kind at the least: in words, in yuan, in number."""
_SHARES = (100, 100, 92, 105)
"""How much of a promise is kept, in per cent."""


@dataclass(frozen=True, slots=True)
class Pledge:
    """What is promised for the year by a path in a kind, in fen and in number."""

    path: str
    kind: str
    what: str
    fen: int | None
    quantity: int | None


@dataclass(frozen=True, slots=True)
class Gift:
    """Something that is delivered on a day, with the number of the paper that shows it."""

    path: str
    kind: str
    what: str
    day: date
    fen: int | None
    quantity: int | None
    receipt: str
    valuation: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A village and the enterprise that helps it, the number and the years of their agreement, what it promises for the
    year and what it gives by summer and in autumn. ``next`` is who takes over in summer, if the first cannot go on."""

    place: int
    village: Village
    enterprise: Enterprise
    next: Enterprise | None
    number: str
    years: int
    pledges: tuple[Pledge, ...]
    spring: tuple[Gift, ...]
    autumn: tuple[Gift, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths on which the village states a need."""
        return tuple(dict.fromkeys(pledge.path for pledge in self.pledges))

    @property
    def kept(self) -> bool:
        """Whether everything that was promised was given, and nobody found it to be less."""
        return self.place != SPOILT and _SHARES[self.place % 4] >= 100

    @property
    def giver(self) -> Enterprise:
        """Who helps in autumn."""
        return self.next or self.enterprise


def pairs(county: County) -> list[Pair]:
    """The poor villages that sign this year, in their order, each with the enterprise that the county's list has for
    it."""
    helps = {village: one for one in county.enterprises for village in one.villages}
    poor = [village for village in county.villages if village.poor][:MOST]
    return [_pair(county, place, village, helps[village.code]) for place, village in enumerate(poor)]


def stranger(county: County) -> tuple[str, str]:
    """The credit code and the name of an enterprise that the county does not know, and does not admit."""
    first17 = f"91{county.code}{900:09d}"
    return first17 + credit_check_character(first17), "演示企业900"


def _pair(county: County, place: int, village: Village, enterprise: Enterprise) -> Pair:
    both = tuple(NEEDS)[place % 6], tuple(NEEDS)[(place + 3) % 6]
    pledges = tuple(_pledge(place, path, kind) for path in both for kind in _KINDS[path])
    others = [one for one in county.enterprises if one is not enterprise]
    return Pair(
        place, village, enterprise, others[-1] if place == HANDED_ON else None, f"〔2021〕{place + 1:03d}号",
        3 + place % 3, pledges, tuple(_gifts(place, pledges, spring=True)),
        tuple(_gifts(place, pledges, spring=False)),
    )  # fmt: skip


def _pledge(place: int, path: str, kind: str) -> Pledge:
    what, yuan, quantity = _WORTH[kind]
    more = 100 + 10 * (place % 7)
    return Pledge(
        path, kind, what, None if yuan is None else yuan * more, None if quantity is None else quantity * more // 100
    )


def _gifts(place: int, pledges: Sequence[Pledge], *, spring: bool) -> Iterator[Gift]:
    """What is given of each promise: money alone in two parts, what is counted in autumn."""
    share = _SHARES[place % 4]
    for number, pledge in enumerate(pledges):
        valuation = "采购发票" if pledge.kind == "goods" else ""
        day = (BEGINS if spring else RELAYED) + timedelta(14 + 11 * number + place % 20)
        paper = f"帮扶〔2021〕{place + 1:03d}-{number + 1}-{'上' if spring else '下'}"
        fen = None if pledge.fen is None else pledge.fen * share // 100
        if pledge.quantity is None and fen is not None:
            fen = fen // 2 if spring else fen - fen // 2
        elif spring:
            continue
        quantity = None if pledge.quantity is None else pledge.quantity * share // 100
        yield Gift(pledge.path, pledge.kind, pledge.what, day, fen, quantity, paper, valuation)


def late(pair: Pair) -> Gift:
    """What is given on the last day, and waits for the village when the story ends."""
    pledge = pair.pledges[0]
    return Gift(
        pledge.path, pledge.kind, pledge.what, LAST, 1_200_000, None, f"帮扶〔2021〕{pair.place + 1:03d}-追加", ""
    )
