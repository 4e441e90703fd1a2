"""Which plots to visit: strata, how many plots in each, and where they lie.

Probability sampling after Olofsson et al. (2014, Remote Sens. Environ. 148:42-57,
doi:10.1016/j.rse.2014.02.015), section 5.1: points are drawn uniformly within strata, so
that every spot of judged ground has a known chance, and the answers stand for all of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.special import ndtri

from reverdure.core.errors import InvalidInput
from reverdure.recovery.constants import table

RESTORED, NOT_RESTORED = "restored", "not_restored"
_EDGES = (0.0, 0.2, 0.5, 0.8, 1.0)
_MOST_PLOTS = 100_000
_TRIES = 2_000


def field_constant(name: str) -> float:
    """Value of an entry of `data/field.toml`.

    Examples
    --------
    >>> field_constant("plot_radius_m")
    15.0
    """
    return float(table("field")[name]["value"])


def map_class(p_restored: float) -> str:
    """Class of ground on the map: restored from a probability of one half on.

    Examples
    --------
    >>> map_class(0.5), map_class(0.49)
    ('restored', 'not_restored')
    """
    return RESTORED if p_restored >= 0.5 else NOT_RESTORED


def sample_size(shares: Sequence[float], accuracies: Sequence[float], standard_error: float) -> int:
    """Plots that bring a share to a standard error (Olofsson et al. 2014, eq. 13).

    Parameters
    ----------
    shares : sequence of float
        Share W of the ground in each stratum, sum 1.
    accuracies : sequence of float
        Anticipated share U of each stratum that is what it is taken for.
    standard_error : float
        Wanted of the overall share.

    Returns
    -------
    int
        For plots divided in proportion to W * sqrt(U (1 - U)); the ground holds many
        more places than plots.

    Examples
    --------
    The example of section 5.1.1:

    >>> sample_size([0.020, 0.015, 0.320, 0.645], [0.70, 0.60, 0.90, 0.95], 0.01)
    641
    """
    u = np.asarray(accuracies, float)
    total = float(np.asarray(shares, float) @ np.sqrt(u * (1 - u)))
    return ceil((total / standard_error) ** 2)


@dataclass(frozen=True, slots=True)
class Design:
    """A sample before its plots are placed.

    Attributes
    ----------
    strata : DataFrame
        stratum, map_class, verdicts (joined by '+'), p_low, p_high, p_restored (mean of
        the map), area_ha, plots; sorted by stratum.
    stratum : (piece,) str
        Stratum of each piece of ground.
    mapped_ha : float
        Restored ground after the map.
    half_width_ha : float
        Half of the interval to expect of the restored area.
    confidence : float
    """

    strata: pd.DataFrame
    stratum: NDArray[np.object_]
    mapped_ha: float
    half_width_ha: float
    confidence: float

    @property
    def within(self) -> float:
        """Expected half-width as a share of the restored ground; NaN without any."""
        return self.half_width_ha / self.mapped_ha if self.mapped_ha > 0 else float("nan")


def plan_sample(
    pieces: pd.DataFrame,
    *,
    within: float | None = None,
    plots: int | None = None,
    confidence: float = 0.95,
) -> Design:
    """Strata of the ground and plots in each.

    Parameters
    ----------
    pieces : DataFrame
        verdict (key), p_restored, area_ha [ha]: ground in pieces, each counted once.
    within : float, optional
        Wanted half-width of the interval of the restored area, as a share of it.
    plots : int, optional
        Or: how many plots there can be. Exactly one of the two is given.
    confidence : float, default 0.95

    Raises
    ------
    InvalidInput
        If there is no ground, a number is out of its range, nothing is restored while a
        share of it is asked for, or there are fewer than two plots a stratum.

    Notes
    -----
    Strata are verdict by probability of being restored (edges 0.2, 0.5, 0.8); those under
    3 % of the ground join the nearest of the same map class. Plots are divided in
    proportion to W S (Neyman) with S from the map, never counting on more than 90 %
    agreement, and at least ten to a stratum where that is possible.

    Examples
    --------
    >>> ground = pd.DataFrame({"verdict": ["supported", "not_supported"],
    ...                        "p_restored": [0.95, 0.02], "area_ha": [60.0, 40.0]})
    >>> design = plan_sample(ground, within=0.10)
    >>> design.strata.plots.tolist(), round(design.within, 3)
    ([62, 42], 0.1)
    """
    if pieces.empty or float(pieces["area_ha"].sum()) <= 0:
        raise InvalidInput(
            "no claim has measured ground to sample.", "Run first: reverdure run -w WORKSPACE"
        )
    if (within is None) == (plots is None):
        raise InvalidInput("say either how close (within) or how many plots, not both.")
    if not 0.5 <= confidence < 1:
        raise InvalidInput(f"confidence {confidence:g} is out of range; use 0.5 to 0.999.")
    strata, stratum = _strata(pieces)
    mapped_ha = float(pieces["p_restored"] @ pieces["area_ha"])
    area = strata["area_ha"].to_numpy(float)
    most = field_constant("anticipated_agreement_most")
    p = np.clip(strata["p_restored"].to_numpy(float), 1 - most, most)
    spread = np.sqrt(p * (1 - p))
    z = float(ndtri(0.5 + confidence / 2))
    if plots is None:
        number = _needed(area, spread, _wanted_ha(within, mapped_ha), z)
    elif plots < 2 * area.size:
        raise InvalidInput(
            f"{plots} plots are too few for {area.size} strata; two in each is the least.",
            f"Allow at least {2 * area.size}.",
        )
    else:
        number = plots
    counts = allocate(area * spread, number)
    return Design(
        strata.assign(plots=counts), stratum, mapped_ha, z * _error_ha(area, spread, counts),
        confidence,
    )  # fmt: skip


def _wanted_ha(within: float | None, mapped_ha: float) -> float:
    if within is None or not 0 < within < 1:
        raise InvalidInput(f"within {within!r} is out of range; use a share between 0 and 1.")
    if mapped_ha <= 0:
        raise InvalidInput(
            "nothing is measured as restored, so that no share of it can be aimed at.",
            "Say how many plots there can be: --plots N.",
        )
    return within * mapped_ha


def _needed(
    area: NDArray[np.float64], spread: NDArray[np.float64], wanted_ha: float, z: float
) -> int:
    """Fewest plots whose division reaches the half-width."""
    total = float(area.sum())
    low = max(ceil((float(area @ spread) / total / (wanted_ha / z / total)) ** 2), 2 * area.size)
    while z * _error_ha(area, spread, allocate(area * spread, low)) > wanted_ha * (1 + 1e-9):
        low += 1
        if low > _MOST_PLOTS:
            raise InvalidInput(
                f"more than {_MOST_PLOTS} plots would be needed.", "Ask for a wider interval."
            )
    return low


def _error_ha(
    area: NDArray[np.float64], spread: NDArray[np.float64], counts: NDArray[np.int64]
) -> float:
    """Standard error of the restored area to expect (eq. 10)."""
    return float(np.sqrt((area**2 * spread**2 / counts).sum()))


def allocate(sizes: NDArray[np.float64], plots: int) -> NDArray[np.int64]:
    """Divide plots over strata in proportion to their size, with a least number in each.

    Parameters
    ----------
    sizes : (stratum,) float64
    plots : int
        At least two a stratum.

    Returns
    -------
    (stratum,) int64
        Sum `plots`; largest remainders are rounded up, ties by order.

    Examples
    --------
    >>> allocate(np.array([1.0, 1.0, 98.0]), 100).tolist()
    [10, 10, 80]
    """
    least = max(min(int(field_constant("fewest_plots_in_stratum")), plots // (2 * sizes.size)), 2)
    counts = np.full(sizes.size, least, np.int64)
    free = np.ones(sizes.size, bool)
    ideal = np.zeros(sizes.size)
    for _ in range(sizes.size):
        left = plots - least * int((~free).sum())
        ideal = np.where(free, left * sizes / max(float(sizes[free].sum()), 1e-300), least)
        short = free & (ideal < least)
        if not short.any():
            break
        free &= ~short
    if not free.any():
        ideal, free = np.full(sizes.size, plots / sizes.size), np.ones(sizes.size, bool)
    counts[free] = np.floor(ideal[free]).astype(np.int64)
    order = np.argsort(-(ideal - counts) * free, kind="stable")
    counts[order[: plots - int(counts.sum())]] += 1
    return counts


def _strata(pieces: pd.DataFrame) -> tuple[pd.DataFrame, NDArray[np.object_]]:
    """Strata, small ones joined, and the stratum of each piece."""
    level = np.clip(np.searchsorted(_EDGES, pieces["p_restored"], side="right") - 1, 0, 3)
    cells = pd.DataFrame(
        {
            "verdict": pieces["verdict"].to_numpy(object),
            "level": level,
            "area_ha": pieces["area_ha"].to_numpy(float),
            "restored_ha": (pieces["p_restored"] * pieces["area_ha"]).to_numpy(float),
        }
    )
    groups = cells.groupby(["verdict", "level"], sort=True)[["area_ha", "restored_ha"]].sum()
    members = _joined([_Group([key], *row) for key, row in
                       zip(groups.index, groups.to_numpy(), strict=True)])  # fmt: skip
    members.sort(key=lambda group: (-group.p, sorted(group.keys)))
    name_of: dict[tuple[str, int], str] = {}
    rows = []
    for number, group in enumerate(members, start=1):
        levels = [level for _, level in group.keys]
        name_of |= dict.fromkeys(group.keys, f"S{number}")
        rows.append(
            {
                "stratum": f"S{number}",
                "map_class": group.map_class,
                "verdicts": "+".join(sorted({verdict for verdict, _ in group.keys})),
                "p_low": _EDGES[min(levels)],
                "p_high": _EDGES[max(levels) + 1],
                "p_restored": group.p,
                "area_ha": group.area_ha,
            }
        )
    keys = zip(cells["verdict"], cells["level"], strict=True)
    names = np.empty(len(cells), dtype=np.object_)
    names[:] = [name_of[key] for key in keys]
    return pd.DataFrame(rows), names


@dataclass(slots=True)
class _Group:
    keys: list[tuple[str, int]]
    area_ha: float
    restored_ha: float

    @property
    def p(self) -> float:
        return self.restored_ha / self.area_ha if self.area_ha > 0 else 0.0

    @property
    def map_class(self) -> str:
        return RESTORED if self.keys[0][1] >= 2 else NOT_RESTORED


def _joined(groups: list[_Group]) -> list[_Group]:
    """Groups of which none is small, unless it is alone in its map class."""
    least = field_constant("smallest_stratum_share") * sum(group.area_ha for group in groups)
    while True:
        small = [
            group for group in groups
            if group.area_ha < least
            and sum(other.map_class == group.map_class for other in groups) > 1
        ]  # fmt: skip
        if not small:
            return groups
        one = min(small, key=lambda group: (group.area_ha, group.keys))
        others = [g for g in groups if g is not one and g.map_class == one.map_class]
        near = min(others, key=lambda group: (abs(group.p - one.p), group.keys))
        near.keys = sorted([*near.keys, *one.keys])
        near.area_ha += one.area_ha
        near.restored_ha += one.restored_ha
        groups = [group for group in groups if group is not one]


def place_plots(
    pieces: pd.DataFrame,
    grounds: Mapping[str, shapely.Geometry],
    design: Design,
    seed: int,
) -> pd.DataFrame:
    """Points drawn uniformly over the ground of each stratum.

    Parameters
    ----------
    pieces : DataFrame
        claim_id, area_ha, p_restored; west, south, east, north: the box of the piece, in
        the CRS of its ground.
    grounds : mapping
        Ground of each claim, each spot in one of them only.
    design : Design
        Of the same pieces.
    seed : int
        The same seed gives the same plots.

    Returns
    -------
    DataFrame
        piece (position), stratum, x, y, p_restored, density_per_ha, priority; by priority.

    Notes
    -----
    A piece is drawn with a chance proportional to its ground, then a point within its
    ground: each spot of a stratum is equally likely. Two plots may touch; to forbid it
    would make the chances unequal. Priorities run through all strata evenly: a round
    broken off after any of them is a smaller sample of the same kind.
    """
    rows = []
    for stratum, n, area_ha in design.strata[["stratum", "plots", "area_ha"]].itertuples(
        index=False, name=None
    ):
        rng = np.random.default_rng([seed, int(stratum[1:])])
        inside = np.flatnonzero(design.stratum == stratum)
        area = pieces["area_ha"].to_numpy(float)[inside]
        chosen = inside[rng.choice(inside.size, size=n, p=area / area.sum())]
        # midpoints of n equal parts of the whole, moved a little: the strata interleave
        turn = (rng.permutation(n) + rng.random(n)) / n
        for piece, at in zip(chosen.tolist(), turn.tolist(), strict=True):
            one = pieces.iloc[piece]
            x, y = _point(one, grounds[one["claim_id"]], rng)
            rows.append(
                {
                    "piece": piece, "stratum": stratum, "x": x, "y": y,
                    "p_restored": float(one["p_restored"]),
                    "density_per_ha": n / area_ha, "turn": at,
                }
            )  # fmt: skip
    plots = pd.DataFrame(rows).sort_values(["turn", "stratum"], ignore_index=True)
    return plots.drop(columns="turn").assign(priority=np.arange(1, len(plots) + 1))


def _point(
    piece: "pd.Series[float]", ground: shapely.Geometry, rng: np.random.Generator
) -> tuple[float, float]:
    """A point equally likely anywhere in the piece's ground."""
    west, south, east, north = (float(piece[side]) for side in ("west", "south", "east", "north"))
    part = shapely.intersection(ground, shapely.box(west, south, east, north))
    left, below, right, above = shapely.bounds(part)
    for _ in range(_TRIES):
        x, y = rng.uniform((left, below), (right, above), size=(64, 2)).T
        hit = np.flatnonzero(shapely.contains_xy(part, x, y))
        if hit.size:
            return float(x[hit[0]]), float(y[hit[0]])
    spot = shapely.point_on_surface(part)  # a sliver no wider than the numbers it is made of
    return float(spot.x), float(spot.y)
