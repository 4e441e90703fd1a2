"""What is known of each sensor, as tables with their sources: `rv.sensors`.

Bands, scaling and quality bits are what `reverdure add scenes` reads by; coefficients are
what `rv.harmonise` and `rv.rsei` use. Every row says where it comes from and whether that
was read (`verified`) or taken as others quote it (`to confirm`).

Examples
--------
>>> import reverdure as rv
>>> rv.sensors.codes()[:4]
('LC08', 'LC09', 'LE07', 'LO08')
>>> print(*rv.sensors.bands("LC08").loc["nir", ["file", "multiply", "add"]])
SR_B5 2.75e-05 -0.2
>>> print(rv.sensors.quality("LE07").loc["cloud_shadow", "value"])
16
>>> print(*rv.sensors.harmonisations().loc[("roy2016", "red"), ["slope", "intercept"]])
0.9825 -0.0022
"""

from typing import TYPE_CHECKING, Any

from reverdure.core.errors import UnknownOption
from reverdure.imagery.sensors import (
    REFLECTIVE,
    THERMAL,
    families,
    landsat_table,
    sentinel2_bands,
    sentinel2_table,
)
from reverdure.recovery import harmonise as _lines
from reverdure.recovery.harmonise import Harmonisation, harmonise
from reverdure.recovery.rsei_wetness import wetness_sets
from reverdure.recovery.sensor_change import SensorLine, sensor_change

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Harmonisation",
    "SensorLine",
    "bands",
    "codes",
    "harmonisations",
    "harmonise",
    "quality",
    "sensor_change",
    "wetness",
]

SENTINEL2 = ("S2A", "S2B", "S2C")
_LANDSAT_M = 30


def codes() -> tuple[str, ...]:
    """Codes of the sensors that are read, as product ids begin.

    Examples
    --------
    >>> codes()[-3:]
    ('S2A', 'S2B', 'S2C')
    """
    return (*sorted(families()), *SENTINEL2)


def bands(sensor: str) -> "pd.DataFrame":
    """Bands of a sensor: where they are found, and how numbers become values.

    Parameters
    ----------
    sensor : str
        One of `codes`.

    Returns
    -------
    DataFrame, by canonical band
        file : ending of the file name, or the band's name
        pixel_m : [m]
        multiply, add, fill : value = multiply * number + add, unless number is fill
        lowest, highest : valid values, [unit]
        unit, source, status

    Raises
    ------
    UnknownOption
        If the sensor is not read.

    Notes
    -----
    `add` of Sentinel-2 is that of baselines before 04.00; of 04.00 and later it is -0.1.

    Examples
    --------
    >>> print(*bands("LT05").loc["thermal", ["file", "unit"]])
    ST_B6 K
    >>> print(*bands("S2A").loc["swir1", ["file", "pixel_m", "multiply"]])
    B11 20 0.0001
    """
    import pandas as pd

    _check(sensor)
    rows = _sentinel2_rows() if sensor in SENTINEL2 else _landsat_rows(sensor)
    return pd.DataFrame(rows).set_index("band")


def _landsat_rows(sensor: str) -> list[dict[str, Any]]:
    family = families()[sensor]
    scalings = landsat_table()["scaling"]
    of_bands = {name: (band.suffix, "reflectance", "1") for name, band in family.bands.items()}
    of_bands[THERMAL] = (family.thermal.suffix, "temperature", "K")
    return [
        {"band": name, "file": file, "pixel_m": _LANDSAT_M, **scalings[kind], "unit": unit}
        for name, (file, kind, unit) in of_bands.items()
    ]


def _sentinel2_rows() -> list[dict[str, Any]]:
    scaling = sentinel2_table()["scaling"]
    known = {name: scaling[name] for name in ("fill", "lowest", "highest")}
    told = {name: scaling[name] for name in ("source", "status")}
    return [
        {
            "band": name, "file": file, "pixel_m": pixel, "multiply": 1 / scaling["quantification"],
            "add": 0.0, **known, "unit": "1", **told,
        }
        for name, (file, pixel) in sentinel2_bands().items()
        if name in REFLECTIVE
    ]  # fmt: skip


def quality(sensor: str) -> "pd.DataFrame":
    """What the quality layer of a sensor says, and whether such a pixel is used.

    Returns
    -------
    DataFrame, by name
        value : number of a class (Sentinel-2 scene classification), or of the bit alone
            in QA_PIXEL (Landsat), where several may be set
        is_clear : bool
            Whether the ground is seen. Water is, and is marked besides.
        source, status

    Raises
    ------
    UnknownOption
        If the sensor is not read.

    Examples
    --------
    >>> print(*quality("S2B").loc["unclassified", ["value", "is_clear"]])
    7 True
    """
    import pandas as pd

    _check(sensor)
    if sensor in SENTINEL2:
        told = {"source": "ESA, Sentinel-2 Level-2A ATBD, S2-PDGS-MPC-ATBD-L2A",
                "status": "to confirm"}  # fmt: skip
        rows = [
            {"name": row["name"], "value": row["value"], "is_clear": row["is_clear"], **told}
            for row in sentinel2_table()["classes"]
        ]
        return pd.DataFrame(rows).set_index("name")
    water = landsat_table()["water"]
    told = {name: water[name] for name in ("source", "status")}
    hiding = [(row["name"], row["bit"], False) for row in landsat_table()["quality"]]
    rows = [
        {"name": name, "value": 1 << bit, "is_clear": is_clear, **told}
        for name, bit, is_clear in [*hiding, ("water", water["bit"], True)]
    ]
    return pd.DataFrame(rows).set_index("name")


def harmonisations() -> "pd.DataFrame":
    """Tables that `harmonise` knows: newer = intercept + slope * older, band by band.

    Returns
    -------
    DataFrame, by table and band
        slope, intercept, newer, older, source, status

    Examples
    --------
    >>> harmonisations().loc[("roy2016", "nir"), "newer"]
    'LC08+LC09+LO08+LO09'
    """
    import pandas as pd

    rows = [
        {
            "table": one.name, "band": band, "slope": slope, "intercept": intercept,
            "newer": "+".join(one.newer), "older": "+".join(one.older),
            "source": one.source, "status": one.status,
        }
        for one in _lines.harmonisations().values()
        for band, slope, intercept in zip(REFLECTIVE, one.slope, one.intercept, strict=True)
    ]  # fmt: skip
    return pd.DataFrame(rows).set_index(["table", "band"])


def wetness() -> "pd.DataFrame":
    """Tasselled-cap wetness by sensor and product: coefficients on reflectance.

    Returns
    -------
    DataFrame, by set
        blue .. swir2, sensors, product, source, status

    Examples
    --------
    >>> print(*wetness().loc["oli_sr", ["sensors", "swir1"]])
    LC08+LC09 -0.6053
    """
    import pandas as pd

    rows = [
        {
            "set": one.name, **dict(zip(REFLECTIVE, one.coefficients, strict=True)),
            "sensors": "+".join(one.sensors), "product": one.product,
            "source": one.source, "status": one.status,
        }
        for one in wetness_sets().values()
    ]  # fmt: skip
    return pd.DataFrame(rows).set_index("set")


def _check(sensor: str) -> None:
    if sensor not in codes():
        raise UnknownOption(f"sensor {sensor!r} is not read; known are {', '.join(codes())}.")
