"""STAC items of four archives, read into one form; what cannot be read is refused by name.

Pure functions: nothing is asked here.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

from reverdure.core.errors import UnsafeAddress
from reverdure.core.grid import Grid, crs_name
from reverdure.imagery.archives.addresses import archive_table, web_address
from reverdure.imagery.refusals import Refusal, refuse
from reverdure.imagery.sensors import families, reflectance_scaling, temperature_scaling

LANDSAT, SENTINEL2, ARD = "landsat", "sentinel2", "ard"
"""Kinds of items: as USGS makes them, Sentinel-2 Level-2A, Digital Earth Australia."""

_FILE = re.compile(
    r"(?P<id>(?P<sensor>L[A-Z]\d\d)_(?P<level>L\d[A-Z]{2})_\d{6}_(?P<day>\d{8})_\d{8}_"
    r"(?P<collection>\d\d)_[A-Z0-9]{2})_(?P<layer>(?:SR|ST)_B\d+|QA_PIXEL|QA_RADSAT)\.(?:TIFF?|tiff?)"
)
_SENTINEL2_DAY = re.compile(r"S2[A-D]_(?:MSIL2A_|\w{5,6}_|T\w{5}_)(\d{8})(?:T\d{6})?_")
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{2,150}")
_TIFF = (".tif", ".tiff")
_FIRST_DAY = date(1972, 7, 23)  # launch of Landsat 1


@dataclass(frozen=True, slots=True)
class FoundItem:
    """A scene of an archive that can be fetched.

    Attributes
    ----------
    item_id : str
    collection : str
    kind : str
        LANDSAT, SENTINEL2 or ARD.
    folder : str
        Name of its folder: the product id.
    day : datetime.date
        Day taken, UTC.
    bbox : (west, south, east, north) or None
        [degrees]
    grid : Grid or None
        As stated; what the files say is what counts.
    hrefs : mapping of str to str
        http(s) address by layer: "SR_B4", "QA_PIXEL", "B02", "SCL"; by canonical name for ARD.
    item : mapping
        As received.
    """

    item_id: str
    collection: str
    kind: str
    folder: str
    day: date
    bbox: tuple[float, float, float, float] | None
    grid: Grid | None
    hrefs: Mapping[str, str]
    item: Mapping[str, Any]


def parse_item(item: Any, base: str) -> FoundItem | Refusal:
    """One STAC item in the dialect of any of the four archives.

    Parameters
    ----------
    item : Any
        As it came from JSON.
    base : str
        Address against which relative hrefs are resolved.

    Returns
    -------
    FoundItem, or Refusal
        item_unreadable, item_unknown, date_contradicted, missing_bands, no_qa_pixel,
        level_1, collection_1, unsafe_href, scaling_contradicted.

    Notes
    -----
    STAC 1.0 and 1.1 (`proj:epsg` and `proj:code`, `raster:bands` and `bands`) and the
    late betas are read alike. Landsat assets are told by the names of their files, which
    all archives keep as USGS wrote them; keys differ from archive to archive.
    """
    name = str(item.get("id", "?"))[:160] if isinstance(item, Mapping) else "?"
    try:
        properties, assets = item["properties"], item["assets"]
        stated = _moment(properties)
        hrefs = {
            str(key): [urljoin(base, href) for href in _hrefs(asset)]
            for key, asset in assets.items()
        }
        if stated is None or not isinstance(properties, Mapping):
            return refuse(name, "item_unreadable", detail="datetime")
        today = datetime.now(UTC).date()
        if not _FIRST_DAY <= stated <= today + timedelta(days=1):
            return refuse(name, "impossible_date", detail=stated.isoformat())
        if str(properties.get("odc:product")) in archive_table()["ard"]["products"]:
            found = _ard(name, properties, hrefs)
        elif _is_sentinel2(properties):
            found = _sentinel2(name, item, hrefs)
        else:
            found = _landsat(name, assets, hrefs)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return refuse(name, "item_unreadable", detail=f"{type(error).__name__} {error}"[:120])
    except UnsafeAddress as error:
        return refuse(name, "unsafe_href", detail=error.message)
    if isinstance(found, Refusal):
        return found
    if abs((found.day - stated).days) > 1:
        detail = f"{stated.isoformat()} / {found.day.isoformat()}"
        return refuse(name, "date_contradicted", detail=detail)
    return replace(
        found,
        collection=str(item.get("collection") or ""),
        bbox=_bbox(item),
        grid=_grid(properties, assets),
        item=item,
    )


def merged(items: Iterable[FoundItem]) -> list[FoundItem]:
    """One entry a folder: USGS keeps reflectance and temperature of a scene as two items."""
    by_folder: dict[str, FoundItem] = {}
    for item in items:
        known = by_folder.get(item.folder)
        by_folder[item.folder] = (
            item if known is None else replace(known, hrefs={**item.hrefs, **known.hrefs})
        )
    return sorted(by_folder.values(), key=lambda item: (item.day, item.folder))


def layers_missing(found: FoundItem) -> tuple[str, ...]:
    """Layers without which the scene cannot be read; temperature and QA_RADSAT may lack."""
    if found.kind == SENTINEL2:
        needed = list(archive_table()["sentinel2"])
    elif found.kind == ARD:
        needed = list(archive_table()["ard"]["assets"])
    else:
        bands = families()[found.folder[:4]].bands.values()
        needed = [*(band.suffix for band in bands), "QA_PIXEL"]
    return tuple(layer for layer in needed if layer not in found.hrefs)


def _hrefs(asset: Mapping[str, Any]) -> list[str]:
    """Addresses of an asset; after the first one those of its alternates."""
    others = asset.get("alternate") or {}
    found = [asset, *(others.values() if isinstance(others, Mapping) else [])]
    return [str(one["href"]) for one in found if isinstance(one, Mapping) and one.get("href")]


def _usable(hrefs: Iterable[str]) -> str:
    """The first address that may be asked."""
    problem: UnsafeAddress | None = None
    for href in hrefs:
        try:
            return web_address(href)
        except UnsafeAddress as error:
            problem = problem or error
    raise problem or UnsafeAddress("no address is stated.")


def _moment(properties: Mapping[str, Any]) -> date | None:
    text = properties.get("datetime") or properties.get("start_datetime")
    if not isinstance(text, str):
        return None
    moment = datetime.fromisoformat(text)
    return (moment.astimezone(UTC) if moment.tzinfo else moment).date()


def _day(text: str) -> date:
    return datetime.strptime(text, "%Y%m%d").date()


def _landsat(
    name: str, assets: Mapping[str, Any], hrefs: Mapping[str, list[str]]
) -> FoundItem | Refusal:
    files = {key: match for key, one in hrefs.items() if (match := _named(one)) is not None}
    products = sorted({match["id"] for match in files.values()})
    if not products:
        return refuse(name, "item_unknown")
    if len(products) > 1:
        return refuse(name, "item_unreadable", detail=", ".join(products))
    match = next(iter(files.values()))
    if match["collection"] != "02":
        return refuse(name, "collection_1")
    if not match["level"].startswith("L2"):
        return refuse(name, "level_1")
    family = families().get(match["sensor"])
    if family is None:
        return refuse(name, "unknown_sensor", detail=match["sensor"], known=", ".join(families()))
    wanted = {band.suffix for band in family.bands.values()}
    wanted |= {family.thermal.suffix, "QA_PIXEL", "QA_RADSAT"}
    keys = {file["layer"]: key for key, file in files.items() if file["layer"] in wanted}
    for layer, key in keys.items():
        if _contradicts(assets[key], layer):
            return refuse(name, "scaling_contradicted", detail=layer)
    layers = {layer: _usable(hrefs[key]) for layer, key in keys.items()}
    return FoundItem(
        name, "", LANDSAT, match["id"], _day(match["day"]), None, None, layers, {}
    )  # fmt: skip


def _named(addresses: Iterable[str]) -> re.Match[str] | None:
    """The first of some addresses that ends in the name of a Landsat file."""
    names = (urlsplit(address).path.rsplit("/", 1)[-1] for address in addresses)
    return next((match for name in names if (match := _FILE.fullmatch(name))), None)


def _contradicts(asset: Mapping[str, Any], layer: str) -> bool:
    """Whether an asset states another scaling than Collection 2 has."""
    if layer.startswith("QA"):
        return False
    factor, offset = stated_scaling(asset)
    documented = temperature_scaling() if layer.startswith("ST") else reflectance_scaling()
    return (factor is not None and abs(factor / documented.multiply - 1) > 1e-4) or (
        offset is not None and abs(offset - documented.add) > 1e-6
    )


def stated_scaling(asset: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Factor and offset an asset states: `raster:bands`, `bands` of STAC 1.1, or its own.

    Examples
    --------
    >>> stated_scaling({"raster:bands": [{"scale": 2.75e-05, "offset": -0.2}]})
    (2.75e-05, -0.2)
    >>> stated_scaling({"bands": [{"name": "red", "raster:scale": 0.0001}]})
    (0.0001, None)
    """
    bands = asset.get("raster:bands") or asset.get("bands") or [{}]
    stated = {**asset, **(bands[0] if isinstance(bands[0], Mapping) else {})}

    def value(*names: str) -> float | None:
        return next((float(stated[n]) for n in names if stated.get(n) is not None), None)

    return value("scale", "raster:scale"), value("offset", "raster:offset")


def _is_sentinel2(properties: Mapping[str, Any]) -> bool:
    return str(properties.get("platform", "")).lower().startswith("sentinel-2")


def _sentinel2(
    name: str, item: Mapping[str, Any], hrefs: Mapping[str, list[str]]
) -> FoundItem | Refusal:
    if not _SAFE_NAME.fullmatch(name):
        return refuse(name, "item_unreadable", detail="id")
    properties = item["properties"]
    days = {
        _day(match[1])
        for text in (name, str(properties.get("s2:product_uri", "")))
        if (match := _SENTINEL2_DAY.match(text))
    }
    if len(days) > 1:
        detail = " / ".join(sorted(day.isoformat() for day in days))
        return refuse(name, "date_contradicted", detail=detail)
    layers = {}
    for band, keys in archive_table()["sentinel2"].items():
        tiffs = [
            [href for href in hrefs[key] if urlsplit(href).path.lower().endswith(_TIFF)]
            for key in keys
            if key in hrefs
        ]
        if addresses := next((one for one in tiffs if one), None):
            layers[band] = _usable(addresses)
    if not layers:
        return refuse(name, "item_unknown")
    day = days.pop() if days else _moment(properties)
    if day is None:
        return refuse(name, "item_unreadable", detail="datetime")
    return FoundItem(name, "", SENTINEL2, name, day, None, None, layers, {})


def _ard(
    name: str, properties: Mapping[str, Any], hrefs: Mapping[str, list[str]]
) -> FoundItem | Refusal:
    table = archive_table()["ard"]
    source = str(properties.get("landsat:landsat_product_id", ""))
    parts = source.split("_")
    day = _day(parts[3]) if len(parts) == 7 else _moment(properties)
    sensor = table["platforms"].get(str(properties.get("platform", "")).lower())
    place = str(properties.get("odc:region_code", "")).zfill(6)
    made = datetime.fromisoformat(str(properties["odc:processing_datetime"]))
    if sensor is None or day is None or not re.fullmatch(r"\d{6}", place):
        return refuse(name, "item_unreadable", detail="platform, odc:region_code")
    if source and not source.startswith(sensor):
        return refuse(name, "item_unreadable", detail=f"{sensor} / {source}")
    tier = str(properties.get("landsat:collection_category", "T1"))
    folder = f"{sensor}_{table['level']}_{place}_{day:%Y%m%d}_{made:%Y%m%d}_02_{tier}"
    if not re.fullmatch(r"[A-Z0-9]{2}", tier):
        return refuse(name, "item_unreadable", detail=f"landsat:collection_category {tier[:20]}")
    layers = {layer: _usable(hrefs[key]) for layer, key in table["assets"].items() if key in hrefs}
    return FoundItem(name, "", ARD, folder, day, None, None, layers, {})


def _bbox(item: Mapping[str, Any]) -> tuple[float, float, float, float] | None:
    box = item.get("bbox")
    if not isinstance(box, list) or len(box) not in (4, 6):
        return None
    half = len(box) // 2
    try:
        west, south, east, north = (float(box[place]) for place in (0, 1, half, half + 1))
    except (TypeError, ValueError):
        return None
    return (west, south, east, north) if south <= north else None


def _grid(properties: Mapping[str, Any], assets: Mapping[str, Any]) -> Grid | None:
    """Pixels as stated, on the item or on its first asset that states any."""
    code = properties.get("proj:code") or properties.get("proj:epsg")
    for stated in (properties, *assets.values()):
        if not isinstance(stated, Mapping):
            continue
        at, shape = stated.get("proj:transform"), stated.get("proj:shape")
        here = stated.get("proj:code") or stated.get("proj:epsg") or code
        if here is None or not isinstance(at, list) or not isinstance(shape, list):
            continue
        try:
            if abs(float(at[0]) + float(at[4])) > 1e-6 * abs(float(at[0])):
                return None
            return Grid(
                crs_name(here if isinstance(here, str) else int(here)),
                float(at[2]), float(at[5]), float(at[0]), int(shape[0]), int(shape[1]),
            )  # fmt: skip
        except (IndexError, TypeError, ValueError, RuntimeError):
            return None
    return None
