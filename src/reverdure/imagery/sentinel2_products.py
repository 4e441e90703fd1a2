"""Which Sentinel-2 products lie in a folder: SAFE as unpacked, or bands beside a STAC item."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from reverdure.core.errors import UnreadableFile
from reverdure.imagery.refusals import Refusal, refuse
from reverdure.imagery.sensors import sentinel2_bands, sentinel2_table

_NAME = re.compile(
    r"(?P<satellite>S2[A-D])_MSI(?P<level>L\d[AC])_(?P<start>\d{8}T\d{6})_"
    r"(N(?P<baseline>\d{4})_)?R\d{3}_(T(?P<tile>\d\d[A-Z]{3})_)?(?P<processed>\d{8}T\d{6})"
)
_OLD_NAME = re.compile(r"S2[A-D]_(OPER|USER)_PRD_MSIL(1C|2A)_")
_BAND_FILE = re.compile(
    r"(?:.*_)?(?P<band>B0[2348]|B1[12]|SCL)(?:_(?P<pixel>[126]0)m)?\.(?:tiff?|jp2)", re.IGNORECASE
)
_LANDSAT = re.compile(r"L[A-Z]\d\d_")
_LEVEL_2 = "MTD_MSIL2A.xml"
_LEVEL_1 = "MTD_MSIL1C.xml"
_GRID_CODE = re.compile(r"(?:MGRS-)?(\d{1,2}[A-Z]{3})")


@dataclass(frozen=True, slots=True)
class Sentinel2Product:
    """Files of one product, and what its metadata state.

    Attributes
    ----------
    product_id : str
    path : str
        Folder, as told to people.
    satellite : str
        "S2A", "S2B", ...
    tile : str
        Tile of the military grid, such as "50RLS".
    start : str
        Time taken, YYYYMMDDTHHMMSS.
    processed : str
        Time processed, in the same form; the baseline goes first when copies are compared.
    baseline : str
        Processing baseline, such as "05.09".
    rasters : dict
        File by band name: "B02", "SCL", ...
    shifts : dict
        Number to add to those in the file by band name; empty where nothing is stated.
    quantification : float
        Number that stands for a reflectance of 1.
    must_state_shifts : bool
        Whether metadata of this kind state every shift there is.
    """

    product_id: str
    path: str
    satellite: str
    tile: str
    start: str
    processed: str
    baseline: str
    rasters: dict[str, Path]
    shifts: dict[str, float]
    quantification: float
    must_state_shifts: bool

    @property
    def scene_key(self) -> tuple[str, str, str]:
        """What makes two products the same scene, however often processed."""
        return self.satellite, self.tile, self.start[:8]


def find_sentinel2(
    folder: Path,
) -> tuple[list[Sentinel2Product], list[Refusal], frozenset[Path]]:
    """Sentinel-2 products in a folder and the folders in it.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    products : list of Sentinel2Product
        By path.
    refusals : list of Refusal
    taken : frozenset of Path
        Every file that belongs to one of them, so that nobody else looks at it.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    roots = _safe_roots(files, folder)
    outcomes: list[Sentinel2Product | Refusal] = []
    taken: set[Path] = set()
    by_root: dict[Path, list[Path]] = {root: [] for root in roots}
    flat: dict[Path, list[Path]] = {}
    for path in files:
        root = next((parent for parent in path.parents if parent in by_root), None)
        if root is not None:
            by_root[root].append(path)
        elif _packed(path.name):
            taken.add(path)
            outcomes.append(refuse(str(path), "packed_archive"))
        else:
            flat.setdefault(path.parent, []).append(path)
    for root, inside in by_root.items():
        taken.update(inside)
        outcomes.append(_attempt(str(root), _from_safe, root, inside))
    for place, beside in flat.items():
        bands = _band_files(beside)
        if bands:
            items = [path for path in beside if path.suffix.lower() in (".json", ".geojson")]
            taken.update(path for path in beside if _BAND_FILE.fullmatch(path.name))
            outcomes.append(_attempt(str(place), _from_item, place, bands, items))
    products = [item for item in outcomes if isinstance(item, Sentinel2Product)]
    refusals = [item for item in outcomes if isinstance(item, Refusal)]
    return products, refusals, frozenset(taken)


def _packed(name: str) -> bool:
    is_archive = name.lower().endswith((".zip", ".tar", ".tgz", ".gz"))
    return is_archive and bool(_NAME.match(name) or _OLD_NAME.match(name))


def _safe_roots(files: Iterable[Path], folder: Path) -> list[Path]:
    """Folders that hold a product as unpacked, outermost only."""
    roots: set[Path] = set()
    for path in files:
        if path.name in (_LEVEL_1, _LEVEL_2) or _OLD_NAME.match(path.name):
            roots.add(path.parent)
        for parent in path.parents:
            if parent == folder.parent:
                break
            if parent.name.upper().endswith(".SAFE"):
                roots.add(parent)
    return sorted(root for root in roots if not roots.intersection(root.parents))


def _attempt(path: str, make: Any, *arguments: Any) -> "Sentinel2Product | Refusal":
    try:
        made: Sentinel2Product | Refusal = make(*arguments)
    except (OSError, ValueError, UnreadableFile, ElementTree.ParseError) as error:
        return refuse(path, "metadata_unreadable", detail=str(error))
    return made


def _band_files(paths: Iterable[Path]) -> dict[str, Path]:
    """File of each band at its own pixel size; a band that was only resampled is left out."""
    found: dict[str, Path] = {}
    sizes = dict(sentinel2_bands().values())
    for path in paths:
        match = None if _LANDSAT.match(path.name) else _BAND_FILE.fullmatch(path.name)
        if match is None:
            continue
        band = match["band"].upper()
        if match["pixel"] is None or int(match["pixel"]) == sizes[band]:
            found[band] = path
    return found


def _from_safe(root: Path, inside: list[Path]) -> Sentinel2Product | Refusal:
    metadata = root / _LEVEL_2
    if not metadata.is_file():
        is_level_1 = any(path.name == _LEVEL_1 for path in inside) or "MSIL1C" in root.name
        return refuse(str(root), "sentinel2_level_1" if is_level_1 else "no_metadata")
    granules = {path.parent for path in inside if path.name == "MTD_TL.xml"}
    if len(granules) > 1:
        return refuse(str(root), "several_granules", detail=str(len(granules)))
    tree = ElementTree.parse(metadata).getroot()  # noqa: S314 - local files of the archive

    def text(name: str) -> str:
        found = next((e for e in tree.iter() if e.tag.rsplit("}", 1)[-1] == name), None)
        if found is None or not found.text:
            raise ValueError(f"{_LEVEL_2} does not state {name}")
        return found.text.strip()

    product_id = text("PRODUCT_URI").removesuffix(".SAFE")
    named = _NAME.match(product_id)
    if named is None or named["level"] != "L2A":
        return refuse(str(root), "metadata_unreadable", detail=f"PRODUCT_URI {product_id}")
    stated = {
        int(e.attrib["band_id"]): float(e.text or "nan")
        for e in tree.iter()
        if e.tag.rsplit("}", 1)[-1] == "BOA_ADD_OFFSET"
    }
    ids: Mapping[str, int] = sentinel2_table()["band_ids"]
    return Sentinel2Product(
        product_id=product_id,
        path=str(root),
        satellite=named["satellite"],
        tile=named["tile"] or "",
        start=named["start"],
        processed=named["processed"],
        baseline=text("PROCESSING_BASELINE"),
        rasters=_band_files(path for path in inside if "IMG_DATA" in path.parts),
        shifts={band: stated[place] for band, place in ids.items() if place in stated},
        quantification=float(text("BOA_QUANTIFICATION_VALUE")),
        must_state_shifts=True,
    )


def _from_item(
    place: Path, bands: dict[str, Path], jsons: list[Path]
) -> Sentinel2Product | Refusal:
    items = [(path, item) for path in jsons if (item := _item(path)) is not None]
    if not items:
        return refuse(str(place), "no_item")
    if len(items) > 1:
        return refuse(str(place), "several_items", detail=", ".join(p.name for p, _ in items))
    item = items[0][1]
    properties = item["properties"]
    baseline = _first(properties, "s2:processing_baseline", "sentinel:processing_baseline",
                      "processing:version")  # fmt: skip
    if baseline is None:
        return refuse(str(place), "unknown_baseline", detail="?", known=known_baselines())
    satellite = str(properties.get("platform", "")).lower().replace("sentinel-", "s").upper()
    if not re.fullmatch(r"S2[A-D]", satellite):
        return refuse(str(place), "not_sentinel2_item", detail=str(item.get("id")))
    level = _first(properties, "s2:product_type", "product:type") or ""
    if str(level).upper().endswith("1C"):
        return refuse(str(place), "sentinel2_level_1")
    moment = re.sub(r"[-:]", "", str(properties["datetime"]))[:15]
    made = _first(properties, "s2:generation_time", "processing:datetime", "updated", "created")
    return Sentinel2Product(
        product_id=str(item["id"]),
        path=str(place),
        satellite=satellite,
        tile=_tile(item),
        start=moment,
        processed=re.sub(r"[-:]", "", str(made or moment))[:15],
        baseline=str(baseline),
        rasters=bands,
        shifts=_stated_shifts(item),
        quantification=float(sentinel2_table()["scaling"]["quantification"]),
        must_state_shifts=False,
    )


def _item(path: Path) -> dict[str, Any] | None:
    """A STAC item, or None where the file is something else."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    is_item = isinstance(found, dict) and found.get("type") == "Feature"
    return found if is_item and "stac_version" in found and "properties" in found else None


def _first(properties: Mapping[str, Any], *names: str) -> Any:
    return next((properties[name] for name in names if properties.get(name) is not None), None)


def _tile(item: Mapping[str, Any]) -> str:
    properties = item["properties"]
    stated = _first(properties, "s2:mgrs_tile", "grid:code")
    if stated is None and "mgrs:utm_zone" in properties:
        stated = "".join(
            str(properties[f"mgrs:{part}"]) for part in ("utm_zone", "latitude_band", "grid_square")
        )
    match = _GRID_CODE.fullmatch(str(stated or "").removeprefix("T"))
    return match[1].zfill(5) if match else ""


def _stated_shifts(item: Mapping[str, Any]) -> dict[str, float]:
    """Shift of each band: none where it was already taken off, else as `raster:bands` says.

    Earth Search goes on stating an offset of -0.1 in items whose numbers it has shifted back.
    """
    properties = item["properties"]
    names = [name for name, _ in sentinel2_bands().values() if name != "SCL"]
    applied = _first(properties, "earthsearch:boa_offset_applied", "sentinel:boa_offset_applied")
    if applied is True:
        return dict.fromkeys(names, 0.0)
    by_band: dict[str, float] = {}
    for key, asset in item.get("assets", {}).items():
        match = _BAND_FILE.fullmatch(str(asset.get("href", "")).rsplit("/", 1)[-1])
        name = match["band"].upper() if match else str(key).upper()
        described = (asset.get("raster:bands") or asset.get("bands") or [{}])[0]
        offset = _first({**asset, **described}, "offset", "raster:offset")
        scale = _first({**asset, **described}, "scale", "raster:scale")
        if name in names and offset is not None and scale:
            by_band[name] = round(float(offset) / float(scale), 6)
    return by_band


def known_baselines() -> str:
    """Baselines that are read, for people."""
    table = sentinel2_table()["baselines"]
    return f"{table['first']:02d}.xx-{table['last']:02d}.xx"
