"""Counties: their outlines, and which one a mine lies in."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from reverdure.core.errors import InvalidInput, MissingColumn
from reverdure.intake.columns import plain
from reverdure.intake.table import RawTable, Reading
from reverdure.intake.values import text
from reverdure.intake.vector import read_table
from reverdure.registry.datums import WGS84
from reverdure.registry.geometry_checks import check_outlines

UNKNOWN = "unknown"
_NAMES = ("district_name", "county_name", "县名", "县级名称", "县区名称", "county", "县", "xian",
          "区县", "县市区", "xzqmc", "行政区名称", "district", "名称", "name", "NAME_3",
          "short_name")  # fmt: skip
_CODES = ("district_adcode", "county_code", "县代码", "县级代码", "adcode", "行政区划代码",
          "行政区代码", "xzqdm", "gb", "pac", "fips", "geoid", "code")  # fmt: skip


def read_counties(path: Path, crs: str = "") -> gpd.GeoDataFrame:
    """Read county outlines.

    Parameters
    ----------
    path : Path
        GeoPackage, Shapefile (also zipped) or GeoJSON.
    crs : str
        CRS where the file states none, as for a list of mines.

    Returns
    -------
    GeoDataFrame
        `county` (name), `county_code` ("" where the file has none) and geometry
        (MultiPolygon, EPSG:4326), one row per county, sorted by name and code. Where two
        counties share a name, the code in brackets is added to both.

    Raises
    ------
    MissingColumn
        If no column holds the names.
    InvalidInput
        If a county has no name or no outline.
    MissingCRS, UnreadableFile
        As `registry.mines.read_mines`.
    """
    table = read_table(path, how=Reading(crs=crs))
    name, code = _column(table, _NAMES), _column(table, _CODES)
    if name is None:
        raise MissingColumn(
            f"{table.source} has no column with names of counties; its columns are "
            f"{', '.join(map(repr, table.frame))}.",
            "Rename the column to county.",
        )
    outlines = check_outlines(table)
    names = table.frame[name].map(text).tolist()
    for position, county in enumerate(names):
        if not county or outlines.geometry[position] is None:
            lacking = "outline" if county else "name"
            raise InvalidInput(
                f"row {position + 1} of {table.source} ({county!r}) has no {lacking}."
            )
    codes = [""] * len(names) if code is None else table.frame[code].map(text).tolist()
    counties = gpd.GeoDataFrame(
        {"county": names, "county_code": codes, "geometry": outlines.geometry},
        geometry="geometry",
        crs=WGS84,
    )
    merged = counties.dissolve(["county", "county_code"], as_index=False)
    merged.geometry = [shapely.multipolygons(shapely.get_parts(shape)) for shape in merged.geometry]
    shared = merged["county"].duplicated(keep=False) & (merged["county_code"] != "")
    merged.loc[shared, "county"] += " (" + merged.loc[shared, "county_code"] + ")"
    ordered = merged.sort_values(["county", "county_code"]).reset_index(drop=True)
    return ordered[["county", "county_code", "geometry"]]


def county_of(mines: gpd.GeoDataFrame, counties: gpd.GeoDataFrame | None) -> pd.Series:
    """County of each mine: its column, else the polygon it lies in, else "unknown".

    Parameters
    ----------
    mines : GeoDataFrame
        `mine_id`, geometry (EPSG:4326, None allowed); `county` where stated.
    counties : GeoDataFrame or None
        As `read_counties` gives them.

    Returns
    -------
    Series of str
        Indexed by `mine_id`, in the order of `mines`. A stated county code is given its
        name; a mine across a border belongs to the county of its representative point.

    Examples
    --------
    >>> import geopandas, shapely
    >>> mines = geopandas.GeoDataFrame(
    ...     {"mine_id": ["a", "b"], "county": ["锦屏县", ""]},
    ...     geometry=[None, shapely.box(1, 1, 2, 2)], crs=4326)
    >>> counties = geopandas.GeoDataFrame(
    ...     {"county": ["X"], "county_code": ["1"]}, geometry=[shapely.box(0, 0, 9, 9)], crs=4326)
    >>> county_of(mines, counties).to_dict()
    {'a': '锦屏县', 'b': 'X'}
    """
    ids = mines["mine_id"].tolist()
    stated = mines["county"].map(text).tolist() if "county" in mines else [""] * len(ids)
    found = pd.Series(stated, index=pd.Index(ids, name="mine_id"), dtype=object, name="county")
    if counties is not None and len(counties):
        codes = {code: name for code, name in _coded(counties) if code}
        found = found.map(lambda county: codes.get(county, county))
        open_rows = np.flatnonzero(
            (found == "").to_numpy() & ~shapely.is_missing(np.array(mines.geometry, dtype=object))
        )
        found.iloc[open_rows] = _containing(mines, counties, open_rows)
    return found.replace("", UNKNOWN)


def _containing(mines: gpd.GeoDataFrame, counties: gpd.GeoDataFrame, rows: Any) -> list[str]:
    """County around the representative point of each of these mines, "" for none.

    On a common border the county first by name takes it.
    """
    names = counties["county"].tolist()
    order = np.argsort(names, kind="stable")
    tree = shapely.STRtree(np.array(counties.geometry, dtype=object)[order])
    points = shapely.point_on_surface(np.array(mines.geometry, dtype=object)[rows])
    inside = [""] * len(points)
    for point, county in tree.query(points, predicate="intersects").T[::-1].tolist():
        inside[point] = min(filter(None, (inside[point], names[order[county]])))
    return inside


def _coded(counties: gpd.GeoDataFrame) -> list[tuple[str, str]]:
    return list(zip(counties["county_code"].map(text), counties["county"], strict=True))


def _column(table: RawTable, wanted: tuple[str, ...]) -> str | None:
    """First of the wanted columns that the table has."""
    by_plain = {plain(heading): heading for heading in reversed(list(table.frame))}
    return next((by_plain[plain(name)] for name in wanted if plain(name) in by_plain), None)
