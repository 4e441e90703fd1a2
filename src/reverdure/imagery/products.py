"""Which Landsat products lie in a folder, told by the names of the files."""

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path

from reverdure.imagery.refusals import Refusal, refuse

# naming of USGS: sensor, level, path and row, day taken, day processed, collection, tier
_PRODUCT = re.compile(
    r"(?P<id>(?P<sensor>L[A-Z]\d\d)_(?P<level>L\d[A-Z]{2})_(?P<place>\d{6})_(?P<day>\d{8})_"
    r"(?P<processed>\d{8})_(?P<collection>\d\d)_(?P<tier>[A-Z0-9]{2}))(?P<rest>[_.-].*)?$"
)
_TILE = re.compile(
    r"(?P<id>L[A-Z]\d\d_[A-Z]{2}_\d{6}_\d{8}_\d{8}_(C?\d\d)(_V\d\d)?)(?P<rest>[_.].*)?$"
)
# as ordered from ESPA in Collection 1: sensor, path and row, day, collection, tier
_ESPA = re.compile(r"(?P<id>L[A-Z]\d\d\d{6}\d{8}01[A-Z0-9]{2}(-SC\d+)?)(?P<rest>[_.].*)?$")
# before the Collections: sensor, path and row, year and day of year, station, version
_SCENE = re.compile(r"(?P<id>L[A-Z]\d\d{6}\d{7}[A-Z]{3}\d\d)(?P<rest>[-_.].*)?$")

_RASTERS = (".tif", ".tiff", ".jp2", ".img", ".vrt")
_ARCHIVES = (".tar", ".zip", ".tgz", ".gz", ".bz2")
_BAND = re.compile(r"_((?:SR|ST)_B\d+|QA_PIXEL|QA_RADSAT)\.TIFF?", re.IGNORECASE)
_METADATA = re.compile(r"_MTL\.(txt|json)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Product:
    """Files of one Collection 2 Level-2 product in one folder.

    Attributes
    ----------
    product_id : str
        As in the file names.
    folder : Path
    sensor : str
        "LC08", ...
    place : str
        Path and row of the Worldwide Reference System.
    day, processed : str
        Day taken and day processed, YYYYMMDD.
    rasters : dict
        File by suffix: "SR_B4", "QA_PIXEL", ...
    metadata : Path or None
        MTL file; the text where there are both.
    """

    product_id: str
    folder: Path
    sensor: str
    place: str
    day: str
    processed: str
    rasters: dict[str, Path]
    metadata: Path | None

    @property
    def path(self) -> str:
        """Where it lies, as told to people."""
        return str(self.folder / self.product_id)

    @property
    def scene_key(self) -> tuple[str, str, str]:
        """What makes two products the same scene, however often processed."""
        return self.sensor, self.place, self.day


def find_products(
    folder: Path, passed_over: Container[Path] = frozenset()
) -> tuple[list[Product], list[Refusal]]:
    """Collection 2 Level-2 products in a folder and the folders in it, and what is none.

    Parameters
    ----------
    folder : Path
    passed_over : container of Path, optional
        Files that are known to be of another kind.

    Returns
    -------
    products : list of Product
        By path.
    refusals : list of Refusal
        Products of other kinds, archives, and rasters that belong to no product.
    """
    products: list[Product] = []
    refusals: list[Refusal] = []
    for place, names in _files_by_folder(folder):
        groups: dict[str, tuple[re.Match[str], list[Path]]] = {}
        refused: dict[str, str] = {}
        strangers: list[str] = []
        for path in names:
            if path in passed_over:
                continue
            found = _PRODUCT.match(path.name)
            if found and found["level"].startswith("L2") and found["collection"] == "02":
                if path.suffix.lower() in _ARCHIVES:
                    refused[path.name] = "packed_archive"
                else:
                    groups.setdefault(found["id"], (found, []))[1].append(path)
            elif other := _other_kind(path.name):
                refused[other[0]] = other[1]
            elif path.suffix.lower() in _RASTERS:
                strangers.append(path.name)
        products += [_product(place, *groups[name]) for name in sorted(groups)]
        refusals += [refuse(str(place / name), code) for name, code in sorted(refused.items())]
        if strangers:
            shown = ", ".join(strangers[:3])
            more = f" + {len(strangers) - 3}" if len(strangers) > 3 else ""
            refusals.append(refuse(str(place), "not_landsat", detail=shown + more))
    return products, refusals


def _files_by_folder(folder: Path) -> Iterator[tuple[Path, list[Path]]]:
    by_folder: dict[Path, list[Path]] = {}
    for path in folder.rglob("*"):
        if path.is_file():
            by_folder.setdefault(path.parent, []).append(path)
    for place in sorted(by_folder):
        yield place, sorted(by_folder[place])


def _other_kind(name: str) -> tuple[str, str] | None:
    """Product id and reason of a Landsat file that is not Collection 2 Level-2."""
    if found := _PRODUCT.match(name):
        return found["id"], "level_1" if found["collection"] == "02" else "collection_1"
    for pattern, code in (
        (_TILE, "tile_product"),
        (_ESPA, "collection_1"),
        (_SCENE, "pre_collection"),
    ):
        if found := pattern.match(name):
            return found["id"], code
    return None


def _product(folder: Path, found: re.Match[str], paths: list[Path]) -> Product:
    product_id = found["id"]
    rasters: dict[str, Path] = {}
    metadata: Path | None = None
    for path in paths:
        rest = path.name[len(product_id) :]
        if band := _BAND.fullmatch(rest):
            rasters[band[1].upper()] = path
        elif kind := _METADATA.fullmatch(rest):
            metadata = path if metadata is None or kind[1].lower() == "txt" else metadata
    return Product(
        product_id,
        folder,
        found["sensor"],
        found["place"],
        found["day"],
        found["processed"],
        rasters,
        metadata,
    )
