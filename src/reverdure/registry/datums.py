"""From any reference system to WGS 84, where the way is known."""

import pyproj
from pyproj.exceptions import ProjError
from pyproj.transformer import AreaOfInterest, TransformerGroup

from reverdure.core.errors import MissingCRS

WGS84 = pyproj.CRS.from_epsg(4326)
_SEMI_MAJOR_M = 6_378_137.0
_INVERSE_FLATTENING = 298.257


Box = tuple[float, float, float, float]


def to_wgs84(crs: pyproj.CRS, source: str, box: Box | None = None) -> pyproj.Transformer:
    """Transformer of x, y in `crs` to longitude, latitude in WGS 84.

    Parameters
    ----------
    crs : pyproj.CRS
        What the coordinates are in.
    source : str
        Name of the file, for the message.
    box : (west, south, east, north), optional
        What the outlines span in `crs`. A shift that was determined for another region is
        not taken: Beijing 1954 has six, each for a basin, tens of metres apart.

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
    if is_modern or crs.is_bound or box is None:
        try:
            # "ballpark" is the driver's word for: taken as if there were no shift
            return pyproj.Transformer.from_crs(crs, WGS84, always_xy=True, allow_ballpark=is_modern)
        except ProjError as error:
            raise _no_shift(crs, source, "") from error
    return _regional(crs, source, box)


def _regional(crs: pyproj.CRS, source: str, box: Box) -> pyproj.Transformer:
    """The best shift whose region holds all the outlines."""
    geographic = crs.geodetic_crs
    if geographic is None:
        raise _no_shift(crs, source, "")
    to_degrees = pyproj.Transformer.from_crs(crs, geographic, always_xy=True)
    west, south, east, north = to_degrees.transform_bounds(*box, errcheck=False)
    try:
        known = TransformerGroup(
            crs, WGS84, always_xy=True, allow_ballpark=False,
            area_of_interest=AreaOfInterest(west, south, east, north),
        ).transformers  # fmt: skip
    except (ProjError, ValueError) as error:
        raise _no_shift(crs, source, "") from error
    for one in known:
        area = one.area_of_use
        if area is None or (
            area.west <= west and area.south <= south and east <= area.east and north <= area.north
        ):
            return one
    where = f" around {(west + east) / 2:.2f} E, {(south + north) / 2:.2f} N"
    raise _no_shift(crs, source, where)


def _no_shift(crs: pyproj.CRS, source: str, where: str) -> MissingCRS:
    return MissingCRS(
        f"{source} is in {crs.name}, and no shift from there to WGS 84 is known{where}; "
        "positions would be about 100 m off.",
        "Export it in CGCS2000 or WGS 84 with the shift of its province, or state the shift: "
        "--shift dx,dy,dz (metres) or dx,dy,dz,rx,ry,rz,ppm.",
    )
