"""From any reference system to WGS 84, where the way is known."""

import pyproj
from pyproj.exceptions import ProjError

from reverdure.core.errors import MissingCRS

WGS84 = pyproj.CRS.from_epsg(4326)
_SEMI_MAJOR_M = 6_378_137.0
_INVERSE_FLATTENING = 298.257


def to_wgs84(crs: pyproj.CRS, source: str) -> pyproj.Transformer:
    """Transformer of x, y in `crs` to longitude, latitude in WGS 84.

    Parameters
    ----------
    crs : pyproj.CRS
        What the coordinates are in.
    source : str
        Name of the file, for the message.

    Raises
    ------
    MissingCRS
        If the datum is another one and no shift to WGS 84 is known: Xian 1980 and most of
        Beijing 1954 lie some 100 m apart from it, a mine's width.

    Notes
    -----
    Datums on the figure of GRS 80 or WGS 84 (CGCS2000, NAD 83, ETRS 89) agree with WGS 84
    within two metres and are taken as they are.

    Examples
    --------
    >>> x, y = to_wgs84(pyproj.CRS.from_epsg(4547), "mines.shp").transform(500000, 3000000)
    >>> round(x, 6), round(y, 6)
    (114.0, 27.111636)
    """
    figure = crs.ellipsoid
    is_modern = (
        figure is not None
        and abs(figure.semi_major_metre - _SEMI_MAJOR_M) < 1
        and abs(figure.inverse_flattening - _INVERSE_FLATTENING) < 0.01
    )
    try:
        # "ballpark" is the driver's word for: taken as if there were no shift
        return pyproj.Transformer.from_crs(crs, WGS84, always_xy=True, allow_ballpark=is_modern)
    except ProjError as error:
        raise MissingCRS(
            f"{source} is in {crs.name}, and no shift from there to WGS 84 is known; "
            "positions would be about 100 m off.",
            "Export it in CGCS2000 or WGS 84, with the shift of its province.",
        ) from error
