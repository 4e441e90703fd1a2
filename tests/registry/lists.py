"""Builders of small lists, and how a report is asked."""

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import shapely

from reverdure.core.records import ImportReport

WriteList = Callable[..., Path]


def square(lon: float, lat: float, side_deg: float = 0.002) -> shapely.Polygon:
    """A square of about 4.4 ha (side 0.002 degrees, about 200 m by 222 m)."""
    return shapely.box(lon, lat, lon + side_deg, lat + side_deg)


def codes(report: ImportReport, row: int) -> set[str]:
    """Codes found in a row."""
    return {finding.code for finding in report.findings if finding.row == row}


def inventory(**outlines: shapely.Geometry | None) -> gpd.GeoDataFrame:
    """Mines by id and outline."""
    return gpd.GeoDataFrame({"mine_id": list(outlines)}, geometry=list(outlines.values()), crs=4326)
