"""Whether a list sits where the workspace says it should, and if not, what moves it there.

A list traced on a web map (GCJ-02, BD-09) sits 300 to 1,300 m off, the same way everywhere
nearby; nothing in the list shows it. Two things beside it do:

*Outlines already known* (earlier mines; for claims, their mines). An outline fits where half
of it agrees. A mine is 200 m wide, so a shifted list fits nowhere until it is moved back.
Named from 3 outlines on, if 4 in 5 of those that meet a known outline at all do so only when
moved. By chance an outline meets another with less than 1 in 20 (mines cover less of the
land than that), three with less than 1 in 8,000.

*Counties*, for mines that state theirs. Only mines within some 500 m of a border can tell,
about 1 in 80 of a county 45 km wide. Named where moving back puts so many more mines into
their own county than out of it that a fair coin would do so once in 10,000 lists (sign test
on the mines that change; Dixon and Mood 1946, doi:10.1080/01621459.1946.10501898). That takes
14 mines that change, so about 1,000 mines; shorter lists cannot be tested this way, and the
import says that it was not tested.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import stats

from reverdure.core.errors import DoubtfulPosition
from reverdure.intake.columns import plain
from reverdure.intake.table import Problem
from reverdure.registry.shifted_maps import from_bd09, from_gcj02, to_bd09, to_gcj02

MIN_OUTLINES, MIN_SHARE = 3, 0.8
MAX_CHANCE = 1e-4
FITS_FROM = 0.5
Fits = Callable[[NDArray[Any]], NDArray[np.bool_]]
_Move = Callable[[NDArray[np.float64], NDArray[np.float64]], Any]


def _eastward(by: float) -> _Move:
    return lambda lon, lat: (lon + by, lat)


_MOVES: Mapping[str, _Move] = {
    "gcj02": from_gcj02,
    "bd09": from_bd09,
    "known_gcj02": to_gcj02,
    "known_bd09": to_bd09,
    "swapped": lambda lon, lat: (lat, lon),
    **{f"zone{3 * n:+d}": _eastward(3.0 * n) for n in (*range(-10, 0), *range(1, 11))},
}
_NAMES = {"gcj02": "GCJ-02", "bd09": "BD-09"}


@dataclass(frozen=True, slots=True)
class Evidence:
    """How many outlines fit as they are, and how many once moved.

    Attributes
    ----------
    n : int
        Outlines that could be compared.
    as_is, moved : int
        Those that fit.
    gained, lost : int
        Those that fit only once moved, and only as they are.
    """

    n: int
    as_is: int
    moved: int
    gained: int
    lost: int


def check_placing(geometry: NDArray[Any], source: str, tests: Mapping[str, Fits]) -> list[Problem]:
    """Refuse a list that fits only once moved; say which test there was.

    Parameters
    ----------
    geometry : (row,) array of MultiPolygon or None
        EPSG:4326.
    source : str
        Name of the file.
    tests : mapping of str to function
        "outlines" or "counties" to a function of moved geometries that says which fit.

    Returns
    -------
    list of Problem
        Notes: what was tested, and what that could show.

    Raises
    ------
    DoubtfulPosition
        Names the shift, swap or zone that fits, and the counts.
    """
    there = geometry[~shapely.is_missing(geometry)]
    if not len(there):
        return []
    notes = []
    for name, fits in tests.items():
        as_is = fits(there)
        # a zone moves every outline away, so it is asked only where most fit nowhere
        asked = [move for move in _MOVES if as_is.mean() < FITS_FROM or not move.startswith("zone")]
        if name == "outlines" and as_is.mean() > 1 - MIN_SHARE:
            continue  # no move can fit four times as many
        found = {move: _evidence(as_is, fits(_moved(there, move))) for move in asked}
        chosen = _decide(found, name)
        if chosen:
            raise DoubtfulPosition(*_words(source, name, chosen, found))
        note = _nothing_seen(name, as_is, found)
        notes += [note] if note else []
    return notes


def fits_known(known: NDArray[Any]) -> Fits:
    """Whether outlines agree with any known one, by half of what both cover together."""
    sound = known[~shapely.is_missing(known)]
    tree = shapely.STRtree(sound)

    def fits(moved: NDArray[Any]) -> NDArray[np.bool_]:
        found = np.zeros(len(moved), dtype=bool)
        row, other = tree.query(moved, predicate="intersects")
        both = shapely.area(shapely.intersection(moved[row], sound[other]))
        either = shapely.area(moved[row]) + shapely.area(sound[other]) - both
        found[row[both >= FITS_FROM * either]] = True
        return found

    return fits


def fits_own(own: NDArray[Any]) -> Fits:
    """Whether at least half of each polygon lies in its own outline (None: cannot tell)."""

    def fits(moved: NDArray[Any]) -> NDArray[np.bool_]:
        inside = shapely.area(shapely.intersection(moved, own)) / shapely.area(moved)
        return np.asarray(np.nan_to_num(inside) >= FITS_FROM)

    return fits


def fits_counties(stated: list[str], counties: gpd.GeoDataFrame) -> Fits:
    """Whether the middle of each outline lies in the county its row states."""
    outline = {}
    for name, code, shape in zip(
        counties["county"], counties["county_code"], counties.geometry, strict=True
    ):
        for key in (name, code):
            if key:
                outline[plain(str(key))] = shape
    own = np.array([outline.get(plain(county)) for county in stated] + [None], dtype=object)[:-1]
    shapely.prepare(own)

    def fits(moved: NDArray[Any]) -> NDArray[np.bool_]:
        inside: NDArray[np.bool_] = shapely.contains(own, shapely.centroid(moved))
        return inside

    return fits


def _moved(geometry: NDArray[Any], move: str) -> NDArray[Any]:
    turn = _MOVES[move]
    moved: NDArray[Any] = shapely.transform(
        geometry, lambda xy: np.column_stack(turn(xy[:, 0], xy[:, 1]))
    )
    return moved


def _evidence(as_is: NDArray[np.bool_], moved: NDArray[np.bool_]) -> Evidence:
    return Evidence(
        len(as_is), int(as_is.sum()), int(moved.sum()),
        int((moved & ~as_is).sum()), int((as_is & ~moved).sum()),
    )  # fmt: skip


def _decide(found: Mapping[str, Evidence], test: str) -> str:
    """The move that clearly fits better than none, "" where none does."""
    best = max(found, key=lambda move: found[move].gained - found[move].lost)
    seen = found[best]
    if test == "counties":
        changed = seen.gained + seen.lost
        clear = changed > 0 and (float(stats.binom.sf(seen.gained - 1, changed, 0.5)) < MAX_CHANCE)
        return best if clear else ""
    meeting = seen.gained + seen.as_is
    return best if seen.gained >= MIN_OUTLINES and seen.gained >= MIN_SHARE * meeting else ""


def _words(source: str, test: str, chosen: str, found: Mapping[str, Evidence]) -> tuple[str, str]:
    """Message and hint."""
    seen = found[chosen]
    against = (
        "lie in the county they state" if test == "counties" else "agree with outlines known here"
    )
    counts = (
        f"{seen.as_is} of {seen.n} outlines {against} as they are, {seen.moved} once they are moved"
    )
    keep = "--datum wgs84 takes them as they are"
    rival = {"gcj02": "bd09", "bd09": "gcj02"}.get(chosen, "")
    close = rival and found[rival].gained >= MIN_SHARE * seen.gained
    if chosen in _NAMES:
        likely = " or ".join(_NAMES[map_] for map_ in ((chosen, rival) if close else (chosen,)))
        return (
            f"{source} sits systematically off like {likely}: {counts} back from {_NAMES[chosen]}.",
            f"--datum {chosen} corrects it; {keep}.",
        )
    if chosen.startswith("known_"):
        name = _NAMES[chosen.removeprefix("known_")]
        other = "the counties" if test == "counties" else "the outlines known"
        return (
            f"{source}: {counts} to {name}. It looks as if {other} in this workspace sit "
            f"off like {name}, and not this list.",
            f"Add those again, corrected; {keep}.",
        )
    if chosen == "swapped":
        return (
            f"{source}: longitude and latitude seem to be exchanged: {counts} so.",
            f"Exchange the columns (--map lon=..., --map lat=...); {keep}.",
        )
    by = chosen.removeprefix("zone")
    return (
        f"{source} seems to be in another Gauss-Kruger zone: {counts} by {by} degrees east.",
        f"Say the right zone with --crs; {keep}.",
    )


def _nothing_seen(
    test: str, as_is: NDArray[np.bool_], found: Mapping[str, Evidence]
) -> Problem | None:
    """What a test that named nothing could have shown."""
    changes = max(found["gcj02"].gained + found["gcj02"].lost, 0)
    needed = int(np.ceil(np.log(1 / MAX_CHANCE) / np.log(2)))
    if test == "counties" and changes < needed and len(as_is):
        return Problem(
            "shift_not_tested",
            f"too few mines lie near a county border ({changes}, {needed} are needed) to tell "
            "whether the list sits off like GCJ-02",
            f"县界附近矿山过少({changes} 个,至少需 {needed} 个),无法判断是否存在 GCJ-02 偏移",
        )
    return None
