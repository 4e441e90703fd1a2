"""What is reported: the list of mines and the claims, with the truth about each claim."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray

from reverdure.core.units import ha_to_mu
from reverdure.simulate.landscape import CELL_M, RING_M, Landscape
from reverdure.simulate.outlines import cells_inside, split_in_two
from reverdure.simulate.programme import Site
from reverdure.simulate.randomness import stream
from reverdure.simulate.truth import ground_damage_year, restored_ha, restored_zones
from reverdure.simulate.zones import Record

# a claim's own area is measured too, with tape or tracker
_CLAIMED_LOG_SD = 0.03
_TRUE_FROM, _FALSE_BELOW = 0.8, 0.2
YEARS_BEFORE_START = 2

PLACES = (
    "大坪里", "石牛坑", "南塘坳", "枫树岭", "白沙湾", "黄泥岗", "杨梅冲", "铁炉背", "高陂",
    "双溪口", "竹山下", "老鸦坪", "上洞", "桐子坑", "马鞍岭", "龙潭背", "金鸡寨", "罗汉岩",
    "乌石嶂", "清水塘",
)  # fmt: skip
COMMODITIES = ("石灰岩", "离子型稀土", "钨", "萤石", "高岭土", "花岗岩", "瓷石", "煤")
# no county of these names exists
COUNTIES = (("青岚县", "369921"), ("砚溪县", "369922"), ("赤岗县", "369923"))
CLAIMANTS = ("{county}自然资源局", "{place}矿业有限公司", "{county}林业局", "{place}乡人民政府")


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim as filed, and what is true about it.

    `ground` is its own polygon, or None where it speaks of the mine's outline. Of
    `restored_ha`, `restored_before_start_ha` had come back two years before the claimed
    start already, and `claimed_before_ha` was claimed under another mine before.
    """

    claim_id: str
    mine_id: str
    year: int
    start_year: int
    claimed_ha: float
    aim: str
    claimant: str
    ground: shapely.Geometry | None
    kind: str
    restored_ha: float
    damage_year: int
    restored_before_start_ha: float
    claimed_before_ha: float

    @property
    def is_true(self) -> bool:
        """Whether at least 80 % of the claimed area is restored."""
        return self.restored_ha >= _TRUE_FROM * self.claimed_ha

    @property
    def payable_ha(self) -> float:
        """Restored since two years before the claimed start, and claimed here first, [ha]."""
        others = self.restored_before_start_ha + self.claimed_before_ha
        return round(max(0.0, self.restored_ha - others), 4)


@dataclass(frozen=True, slots=True)
class Listing:
    """A row of the list of mines; `county` is empty where the list leaves it out."""

    mine_id: str
    name: str
    county: str
    mining_method: str
    commodity: str
    area_mu: float
    outline: shapely.Geometry | None


def county_shapes(landscape: Landscape, beyond_m: float = 0.0) -> list[shapely.Polygon]:
    """Counties side by side, from west to east, with borders that bend.

    The last reaches `beyond_m` beyond the land, over what is planted there.
    """
    west, south, east, north = landscape.grid.bounds
    y = np.linspace(south, north, 25)
    borders = [np.full(y.size, west)]
    for number in range(1, len(COUNTIES)):
        # each gets its share of the part where mines lie
        middle = west + RING_M + (east - west - 2 * RING_M) * number / len(COUNTIES)
        bend = 350 * np.sin(y / 900 + number) + 160 * np.sin(y / 310 + 2 * number)
        borders.append(middle + bend)
    borders.append(np.full(y.size, east + beyond_m))
    return [
        shapely.Polygon(
            np.concatenate([np.column_stack([left, y]), np.column_stack([right, y])[::-1]])
        )
        for left, right in pairwise(borders)
    ]


def list_mines(
    sites: Sequence[Site], shapes: Sequence[shapely.Polygon], seed: int
) -> list[Listing]:
    """The list as a province keeps it: areas in mu, a county missing here and there."""
    rows = []
    for number, site in enumerate(sites):
        rng = stream(seed, "listing", number)
        county = _county(site, shapes)
        commodity = str(rng.choice(COMMODITIES))
        stated_ha = site.area_ha * float(np.exp(rng.normal(0, 0.05)))
        rows.append(
            Listing(
                mine_id=site.mine_id,
                name=f"{county}{_place(number)}{commodity}矿",
                county="" if rng.random() < 0.1 else county,
                mining_method="井工开采" if site.is_underground else "露天开采",
                commodity=commodity,
                area_mu=round(ha_to_mu(stated_ha), 1),
                outline=site.listed if site.has_outline else None,
            )
        )
    return rows


def file_claims(
    sites: Sequence[Site],
    landscape: Landscape,
    shapes: Sequence[shapely.Polygon],
    record: Record,
    weather: NDArray[np.float64],
    seed: int,
) -> list[Claim]:
    """One claim a mine, two for some: one with a polygon, the other for the rest."""
    claims: list[Claim] = []
    for number, site in enumerate(sites):
        rng = stream(seed, "claims", number)
        restored = restored_zones(site.patch, record, weather)
        early = restored & restored_zones(
            site.patch, record, weather, site.start_year - YEARS_BEFORE_START
        )
        grounds: list[tuple[shapely.Geometry | None, shapely.Geometry]]
        # without outline the truth is still about the mine as it is
        grounds = [(None, site.listed if site.has_outline else site.outline)]
        if site.has_two_claims:
            part, rest = split_in_two(site.listed)
            grounds = [(part, part), (None, rest)]
        if site.states_ground:
            grounds = [(site.listed, site.listed)]
        for own, ground in grounds:
            claimed = _claimed_ha(rng, site, ground, landscape)
            done = restored_ha(site, ground, landscape, restored)
            twice = ground.intersection(site.claimed_before or shapely.Polygon())
            claims.append(
                Claim(
                    claim_id=f"C{len(claims) + 1:05d}",
                    mine_id=site.mine_id,
                    year=site.year,
                    start_year=site.start_year,
                    claimed_ha=claimed,
                    aim=site.aim,
                    claimant=_claimant(rng, _county(site, shapes), _place(number)),
                    ground=own,
                    kind=site.kind if site.is_planted else _kind(site.kind, done / claimed),
                    restored_ha=round(done, 4),
                    damage_year=ground_damage_year(site, ground, landscape),
                    restored_before_start_ha=round(restored_ha(site, ground, landscape, early), 4),
                    claimed_before_ha=round(restored_ha(site, twice, landscape, restored), 4),
                )
            )
    return claims


def _kind(planned: str, true_share: float) -> str:
    """Kind by what came out, since zones near 80 % may fall on either side."""
    if planned in ("young", "photovoltaic"):
        return planned
    if true_share >= _TRUE_FROM:
        return "true"
    return "false" if true_share < _FALSE_BELOW else "half"


def _claimed_ha(
    rng: np.random.Generator, site: Site, ground: shapely.Geometry, landscape: Landscape
) -> float:
    """Worked area as somebody measured it; all of the ground where nobody worked."""
    error = float(np.exp(rng.normal(0, _CLAIMED_LOG_SD)))
    if not site.patch.zones:
        return round(float(ground.area) / 1e4 * error, 2)
    window, inside = cells_inside(ground, landscape.cells)
    whole = np.zeros(landscape.cells.shape, bool)
    whole[window] = inside
    patch = site.patch
    label = np.where(whole[patch.slices], patch.label, 0)
    worked = np.array([False, *(zone.is_worked for zone in patch.zones)])
    area_ha = float(worked[label].sum() * CELL_M**2 / 1e4)
    if site.kind == "false" or area_ha == 0:
        area_ha = float((label > 0).sum() * CELL_M**2 / 1e4)
    return max(0.01, round(area_ha * error, 2))


def _county(site: Site, shapes: Sequence[shapely.Polygon]) -> str:
    inside = [shape.contains(site.outline.centroid) for shape in shapes]
    return COUNTIES[inside.index(True)][0]


def _place(number: int) -> str:
    place = PLACES[number % len(PLACES)]
    ordinal = number // len(PLACES)
    return place + ("" if ordinal == 0 else f"{ordinal + 1}号")


def _claimant(rng: np.random.Generator, county: str, place: str) -> str:
    return str(rng.choice(CLAIMANTS)).format(county=county, place=place)
