"""What is wrong with an outline, what is done about it, and what is said."""

import math
from collections import defaultdict
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from reverdure.core.errors import MissingCRS
from reverdure.ground.areas import areas_ha
from reverdure.intake.table import Problem, RawTable
from reverdure.registry.datums import WGS84, to_wgs84
from reverdure.registry.shifted_maps import BACK

SLIVER_WIDTH_M = 10.0
"""Mean width 2A/P under which an outline is a sliver: a third of a Landsat pixel."""
SLIVER_COMPACTNESS = 0.1
"""4 pi A / P^2 of a sliver; 0.1 is a rectangle about 29 times as long as wide. A small compact
pit is narrow as well, and no sliver."""
MIN_OVERLAP_HA = 0.01
MIN_OVERLAP_SHARE = 0.01
"""Overlaps are reported from 100 m2 (a ninth of a Landsat pixel) or 1 % of the smaller one;
below stands the digitising of a common border."""
_ID_DECIMALS = 7
"""Degrees are rounded to 1 cm before an id is made, so that formats agree on it."""
_REASONS_ZH = {
    "self-intersection": "自相交",
    "ring self-intersection": "环自相交",
    "hole lies outside shell": "内环在外环之外",
    "holes are nested": "内环嵌套",
    "nested shells": "外环嵌套",
    "interior is disconnected": "内部不连通",
    "duplicate rings": "环重复",
    "too few points in geometry component": "环的点数不足",
}
_LARGEST_COORDINATE = 1e9
_METRES_PER_DEGREE = 111_195.0
_MIN_AREA_HA = 1e-6


@dataclass
class Outlines:
    """Outlines of the rows of one file, checked.

    Attributes
    ----------
    geometry : (row,) array of MultiPolygon or None
        EPSG:4326; None for a row without a usable outline.
    area_ha : (row,) float64, [ha]
        On the ellipsoid; NaN without outline.
    flagged, repaired : mapping of position to list of Problem
        What was seen; what was changed.
    """

    geometry: NDArray[Any]
    area_ha: NDArray[np.float64]
    flagged: dict[int, list[Problem]] = field(default_factory=lambda: defaultdict(list))
    repaired: dict[int, list[Problem]] = field(default_factory=lambda: defaultdict(list))


def check_outlines(table: RawTable, datum: str = "") -> Outlines:
    """Repair what can be repaired, put the rest aside, and say so for each row.

    Parameters
    ----------
    table : RawTable
        The file as read.
    datum : str
        "gcj02" or "bd09" to shift the outlines back from there; "" or "wgs84" not to.

    Returns
    -------
    Outlines
        One entry per row of the table.

    Raises
    ------
    MissingCRS
        If there are geometries and the file states no CRS, or they cannot be in the one it
        states or implies (most of them off the Earth).

    Notes
    -----
    Repair is `shapely.make_valid` by structure: rings keep their role, so a figure of eight
    keeps both its halves and a hole stays a hole. Of a GeometryCollection the polygons are
    taken and the rest is counted.
    """
    geometry = table.geometries().copy()
    outlines = Outlines(geometry, np.full(len(geometry), np.nan))
    for position, problem in table.unreadable.items():
        outlines.flagged[position].append(problem)
    for position, problem in table.repaired.items():
        outlines.repaired[position].append(problem)
    there = ~shapely.is_missing(geometry)
    if there.any() and table.crs is None:
        raise MissingCRS(
            f"{table.source} states no coordinate reference system.",
            "Add the .prj file, or export it again with its CRS.",
        )
    _name_missing(geometry, outlines, table)
    _keep_finite(geometry, outlines)
    _take_polygons(geometry, outlines)
    ratio = _make_valid(geometry, outlines)
    if table.crs is not None:
        _to_wgs84(geometry, table, outlines)
    if datum in BACK:
        _shift_back(geometry, datum, outlines)
    _measure(geometry, ratio, outlines)
    _name_slivers(outlines)
    return outlines


def outline_key(geometry: Any) -> str:
    """Hash of an outline in degrees, the same for every order of its rings and corners.

    Examples
    --------
    >>> a = shapely.from_wkt("POLYGON ((0 0, 1 0, 1 1, 0 0))")
    >>> b = shapely.from_wkt("MULTIPOLYGON (((1 1, 0 0, 1 0, 1 1)))")
    >>> outline_key(a) == outline_key(b), len(outline_key(a))
    (True, 64)
    """
    parts = shapely.multipolygons(shapely.get_parts(geometry))
    rounded = shapely.transform(parts, lambda xy: np.round(xy, _ID_DECIMALS) + 0.0)
    return sha256(shapely.to_wkb(shapely.normalize(rounded))).hexdigest()


def overlapping_pairs(geometry: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Pairs of outlines that share ground, and how much.

    Parameters
    ----------
    geometry : (n,) array of polygons or None
        EPSG:4326, valid.

    Returns
    -------
    pairs : (pair, 2) int
        Positions, the smaller first, sorted.
    shared_ha : (pair,) float64, [ha]
        Common ground.
    """
    there = np.flatnonzero(~shapely.is_missing(geometry))
    tree = shapely.STRtree(geometry[there])
    left, right = tree.query(geometry[there], predicate="intersects")
    pairs = np.stack([there[left], there[right]], axis=1)
    pairs = pairs[pairs[:, 0] < pairs[:, 1]]
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    common = shapely.intersection(geometry[pairs[:, 0]], geometry[pairs[:, 1]])
    shared_ha = surface_ha(common)
    kept = shared_ha > 0
    return pairs[kept], shared_ha[kept]


def worth_reporting(
    pairs: NDArray[np.intp], shared_ha: NDArray[np.float64], area_ha: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Which overlaps are more than the digitising of a common border."""
    smaller = np.minimum(area_ha[pairs[:, 0]], area_ha[pairs[:, 1]])
    found: NDArray[np.bool_] = (shared_ha >= MIN_OVERLAP_HA) | (
        shared_ha >= MIN_OVERLAP_SHARE * smaller
    )
    return found


def surface_ha(geometry: NDArray[Any]) -> NDArray[np.float64]:
    """Areas of the polygons in any geometries, EPSG:4326; 0 for what has none, [ha]."""
    area_ha = np.zeros(len(geometry))
    surfaces = np.flatnonzero(shapely.get_dimensions(geometry) == 2)
    series = gpd.GeoSeries([_surface(geometry[position]) for position in surfaces], crs=WGS84)
    area_ha[surfaces] = np.asarray(areas_ha(series), dtype=np.float64)
    return area_ha


def _surface(geometry: Any) -> Any:
    """The polygons of a geometry alone."""
    if geometry.geom_type in ("Polygon", "MultiPolygon"):
        return geometry
    return shapely.multipolygons([part for part in _flat(geometry) if part.geom_type == "Polygon"])


def _positions(found: NDArray[np.bool_]) -> list[int]:
    """Positions where something holds."""
    return [int(position) for position in np.flatnonzero(found)]


def _name_missing(geometry: NDArray[Any], outlines: Outlines, table: RawTable) -> None:
    """Flag rows without geometry; empty ones become None."""
    for position in _positions(shapely.is_missing(geometry)):
        if position not in table.unreadable:
            outlines.flagged[position].append(
                Problem("missing_geometry", "has no geometry", "没有图形")
            )
    for position in _positions(shapely.is_empty(geometry)):
        outlines.flagged[position].append(
            Problem("empty_geometry", "has an empty geometry", "图形为空")
        )
        geometry[position] = None


def _keep_finite(geometry: NDArray[Any], outlines: Outlines) -> None:
    """Put aside geometries with a coordinate that is no number, or that no CRS can have."""
    # not the reverse comparison: NaN must count
    sound = (np.abs(shapely.bounds(geometry)) < _LARGEST_COORDINATE).all(axis=1)
    # bounds pass over a corner that is NaN
    corners, row = shapely.get_coordinates(geometry, return_index=True)
    sound[row[~np.isfinite(corners).all(axis=1)]] = False
    for position in _positions(~sound):
        if geometry[position] is not None:
            outlines.flagged[position].append(
                Problem("bad_coordinates", "has a coordinate that cannot be", "坐标数值无效")
            )
            geometry[position] = None


def _take_polygons(geometry: NDArray[Any], outlines: Outlines) -> None:
    """Keep the polygons of each geometry; say what was left."""
    kinds = shapely.get_type_id(geometry)
    for position in _positions((kinds >= 0) & (kinds != 3) & (kinds != 6)):
        parts = _flat(geometry[position])
        polygons = [part for part in parts if part.geom_type == "Polygon"]
        others = sorted({part.geom_type for part in parts} - {"Polygon"})
        n_others = len(parts) - len(polygons)
        if polygons:
            geometry[position] = shapely.multipolygons(polygons)
            outlines.repaired[position].append(
                Problem(
                    "parts_dropped",
                    f"{len(polygons)} polygons were taken from a collection; "
                    f"{n_others} other parts ({', '.join(others)}) were left out",
                    f"从几何集合中取出 {len(polygons)} 个面,舍去其他部分 {n_others} 个",
                )
            )
            continue
        point = set(others) == {"Point"}
        outlines.flagged[position].append(
            Problem("point_only", "is only a point, not an outline", "只有点位,没有边界")
            if point
            else Problem(
                "line_only", f"is only {', '.join(others)}, not an outline", "只有线,没有边界"
            )
        )
        geometry[position] = None


def _flat(geometry: Any) -> list[Any]:
    """Simple parts of a geometry, however deeply nested."""
    parts = list(shapely.get_parts(geometry))
    return [
        leaf
        for part in parts
        for leaf in ([part] if part.geom_type in ("Point", "LineString", "Polygon", "LinearRing")
                     else _flat(part))
        if not leaf.is_empty
    ]  # fmt: skip


def _make_valid(geometry: NDArray[Any], outlines: Outlines) -> NDArray[np.float64]:
    """Repair invalid polygons in place; area before over area after, 1 for the others."""
    ratio = np.ones(len(geometry))
    there = ~shapely.is_missing(geometry)
    for position in _positions(there & ~shapely.is_valid(geometry)):
        broken = geometry[position]
        reason = shapely.is_valid_reason(broken).split("[")[0].lower()
        reason_zh = _REASONS_ZH.get(reason, reason)
        mended = shapely.make_valid(broken, method="structure", keep_collapsed=False)
        surface = _surface(mended)
        outlines.repaired[position].append(
            Problem("invalid_ring", f"{reason}; rings were repaired", f"{reason_zh};已修复环")
        )
        geometry[position] = None if surface.is_empty else surface
        if not surface.is_empty:
            ratio[position] = broken.area / surface.area
    return ratio


def _to_wgs84(geometry: NDArray[Any], table: RawTable, outlines: Outlines) -> None:
    """Reproject in place; what lands off the Earth is put aside."""
    there = np.flatnonzero(~shapely.is_missing(geometry))
    if there.size and table.crs is not None and table.crs != WGS84:
        spans = shapely.bounds(geometry[there])
        box = (*spans[:, :2].min(axis=0).tolist(), *spans[:, 2:].max(axis=0).tolist())
        transformer = to_wgs84(table.crs, table.source, box)
        geometry[there] = shapely.transform(
            geometry[there], lambda xy: np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))
        )
    bounds = shapely.bounds(geometry[there])
    limits = np.array([180.0, 90.0, 180.0, 90.0])
    # not the reverse comparison: infinities and NaN of a failed projection must count
    off = ~(np.abs(bounds) <= limits).all(axis=1)
    if there.size and off.mean() >= 0.5:
        example = shapely.bounds(table.geometries()[there[off][0]])[:2]
        raise MissingCRS(
            f"{table.source}: {int(off.sum())} of {there.size} geometries are off the Earth as "
            f"{table.crs.to_string() if table.crs else 'WGS 84'}, "
            f"for example at {example[0]:.6g}, {example[1]:.6g}.",
            "Check the CRS, and that longitude comes before latitude.",
        )
    for position in there[off].tolist():
        outlines.flagged[position].append(
            Problem("bad_coordinates", "lies off the Earth", "坐标超出地球范围")
        )
        geometry[position] = None
    # a ring that touches itself can cross itself by a rounding error once reprojected
    there = np.flatnonzero(~shapely.is_missing(geometry))
    for position in there[~shapely.is_valid(geometry[there])].tolist():
        mended = shapely.make_valid(geometry[position], method="structure", keep_collapsed=False)
        geometry[position] = _surface(mended)


def _shift_back(geometry: NDArray[Any], datum: str, outlines: Outlines) -> None:
    """Move outlines from a shifted map to WGS 84, and say so for each."""
    there = np.flatnonzero(~shapely.is_missing(geometry))
    geometry[there] = shapely.transform(
        geometry[there], lambda xy: np.column_stack(BACK[datum](xy[:, 0], xy[:, 1]))
    )
    name = {"gcj02": "GCJ-02", "bd09": "BD-09"}[datum]
    for position in there.tolist():
        outlines.repaired[position].append(
            Problem(
                "datum_corrected", f"was moved from {name} to WGS 84, as told",
                f"已按指定由 {name} 转换至 WGS 84",
            )
        )  # fmt: skip


def _measure(geometry: NDArray[Any], ratio: NDArray[np.float64], outlines: Outlines) -> None:
    """Measure areas, put aside outlines without any, and tell what a repair changed."""
    area_ha = surface_ha(geometry)
    for position in _positions(~shapely.is_missing(geometry) & ~(area_ha > _MIN_AREA_HA)):
        outlines.flagged[position].append(
            Problem("zero_area", "has an outline without area", "图形面积为零")
        )
        geometry[position] = None
    there = np.flatnonzero(~shapely.is_missing(geometry))
    outlines.area_ha[there] = area_ha[there]
    for position in there.tolist():
        geometry[position] = shapely.multipolygons(shapely.get_parts(geometry[position]))
    for position, problems in outlines.repaired.items():
        outlines.repaired[position] = [
            _with_areas(problem, area_ha[position] * ratio[position], area_ha[position])
            if problem.code == "invalid_ring"
            else problem
            for problem in problems
        ]


def _with_areas(problem: Problem, before_ha: float, after_ha: float) -> Problem:
    """What a repair did to the area, added to what it was."""
    share = (after_ha - before_ha) / before_ha if before_ha > 0 else math.inf
    change = "< 0.01 %" if abs(share) < 1e-4 else f"{share:+.2%}" if share < 10 else "> 1000 %"
    return Problem(
        problem.code,
        f"{problem.en}, area {before_ha:.4f} ha before and {after_ha:.4f} ha after ({change})",
        f"{problem.zh},面积由 {before_ha:.4f} 公顷变为 {after_ha:.4f} 公顷({change})",
    )


def _name_slivers(outlines: Outlines) -> None:
    """Flag outlines that are very thin for their length."""
    there = np.flatnonzero(~shapely.is_missing(outlines.geometry))
    perimeter_m = _perimeters_m(outlines.geometry[there])
    area_m2 = outlines.area_ha[there] * 10_000.0
    width_m = 2 * area_m2 / perimeter_m
    compactness = 4 * np.pi * area_m2 / perimeter_m**2
    thin = (width_m < SLIVER_WIDTH_M) & (compactness < SLIVER_COMPACTNESS)
    for position, width in zip(there[thin].tolist(), width_m[thin], strict=True):
        outlines.flagged[position].append(
            Problem(
                "sliver",
                f"is a sliver, {width:.1f} m wide in the mean",
                f"为狭长碎片,平均宽 {width:.1f} 米",
            )
        )


def _perimeters_m(geometry: NDArray[Any]) -> NDArray[np.float64]:
    """Perimeters on the sphere's local plane, good to 1 % for outlines of mines, [m]."""
    coordinates, index = shapely.get_coordinates(geometry, return_index=True)
    middle = shapely.get_y(shapely.centroid(geometry))[index]
    local = coordinates * _METRES_PER_DEGREE
    local[:, 0] *= np.cos(np.radians(middle))
    lengths: NDArray[np.float64] = shapely.length(shapely.set_coordinates(geometry.copy(), local))
    return lengths
