"""Bringing lists and imagery into a workspace: all of a file or nothing, and a report."""

import datetime
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from reverdure.core.errors import InvalidInput, NotReflectance, UnknownOption
from reverdure.core.files import atomic
from reverdure.core.provenance import file_digest
from reverdure.core.records import Finding, ImportReport, OnProgress
from reverdure.ground.terrain import LAYER_KINDS, check_layer
from reverdure.imagery.declared import Thermal, inspect_composites
from reverdure.imagery.finding import find_all_scenes
from reverdure.imagery.landsat import Refusal, Scene
from reverdure.imagery.sentinel2 import Sentinel2Scene
from reverdure.intake.column_maps import SavedMap, map_text
from reverdure.intake.table import AS_IT_IS, Reading
from reverdure.pipeline.corrections import standing_of
from reverdure.pipeline.lattice import lattice_grid
from reverdure.recovery.indices import index_spec
from reverdure.registry.claims import read_claims
from reverdure.registry.corrections import corrected_mines
from reverdure.registry.counties import read_counties
from reverdure.registry.mines import read_mines
from reverdure.registry.reimport import Beside
from reverdure.store.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a list: the report, and the files written beside it."""

    report: ImportReport
    rejected_file: Path | None
    map_file: Path | None = None
    replaced_file: Path | None = None


@dataclass(frozen=True, slots=True)
class AddedScenes:
    """Scenes accepted, accepted for the first time, and refused with the reason.

    `resampled` scenes lie on another grid than most of the workspace's; they are read by
    nearest neighbour, up to half a pixel off. `without_saturation` scenes lack QA_RADSAT.
    `sentinel2` of the accepted are Sentinel-2, which is used for small mines only.
    """

    accepted: int
    new: int
    first: datetime.date | None
    last: datetime.date | None
    resampled: int
    without_saturation: int
    refused: tuple[Refusal, ...]
    sentinel2: int = 0


@dataclass(frozen=True, slots=True)
class AddedComposites:
    """Years accepted and what was seen in them."""

    kind: str
    years: tuple[int, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Update:
    """What an import may do to rows the registry holds.

    Attributes
    ----------
    changed : bool
        Whether rows of a known id take the place of those there.
    remove_gone : bool
        Whether rows that the list leaves out are removed; mines with claims stay.
    """

    changed: bool = False
    remove_gone: bool = False


ADD_ONLY = Update()


def add_mines(
    workspace: Workspace,
    path: Path,
    area_unit: str | None,
    column_map: Mapping[str, str],
    how: Reading = AS_IT_IS,
    update: Update = ADD_ONLY,
) -> Added:
    """Read a list of mines into the registry."""
    with workspace.writing():
        known, counties = workspace.database.frame("mine"), workspace.database.frame("county")
        read = read_mines(
            path,
            area_unit=area_unit,
            column_map=column_map,
            how=replace(how, near=_span(known, counties)),
            beside=Beside(known, counties, update.changed, _took_over(workspace, "mines")),
        )
        in_use = {row["mine_id"] for row in workspace.database.rows("claim", ["mine_id"])}
        saved = SavedMap("mines", read[0].attrs.get("columns", {}), area_unit or "", _lasting(how))
        return _keep(workspace, "mine", path, read, saved, _Known(known, update, in_use))


def add_claims(
    workspace: Workspace,
    path: Path,
    area_unit: str | None,
    column_map: Mapping[str, str],
    how: Reading = AS_IT_IS,
    update: Update = ADD_ONLY,
) -> Added:
    """Read a list of claims into the registry."""
    with workspace.writing():
        known = workspace.database.frame("claim")
        mines = corrected_mines(workspace.database.frame("mine"), standing_of(workspace.database))
        read = read_claims(
            path,
            area_unit=area_unit,
            column_map=column_map,
            mines=mines,
            last_year=datetime.datetime.now(datetime.UTC).year,
            how=replace(how, near=_span(mines, workspace.database.frame("county"))),
            beside=Beside(known, update=update.changed, took_over=_took_over(workspace, "claims")),
        )
        saved = SavedMap("claims", read[0].attrs.get("columns", {}), area_unit or "", _lasting(how))
        return _keep(workspace, "claim", path, read, saved, _Known(known, update, set()))


def _took_over(workspace: Workspace, kind: str) -> dict[str, set[str]]:
    """Earlier lists that each list took the place of."""
    found: dict[str, set[str]] = {}
    for one in workspace.database.imports(kind):
        found.setdefault(one.source, set()).update(one.took_over)
    return found


def _lasting(how: Reading) -> Reading:
    """What may be kept for the next list; that this one sat off is no rule for the next."""
    return replace(how, datum="")


def _span(*frames: Any) -> tuple[float, float, float, float] | None:
    """Box around everything the workspace knows, [deg]."""
    boxes = [frame.total_bounds for frame in frames if frame.geometry.notna().any()]
    if not boxes:
        return None
    low, high = np.min(boxes, axis=0), np.max(boxes, axis=0)
    return float(low[0]), float(low[1]), float(high[2]), float(high[3])


@dataclass(frozen=True, slots=True)
class _Known:
    """Rows the registry holds, what may be done to them, and ids that others rest on."""

    frame: Any
    update: Update
    in_use: set[str]


def _keep(
    workspace: Workspace,
    table: str,
    path: Path,
    read: tuple[Any, ImportReport, pd.DataFrame],
    saved: SavedMap,
    known: _Known,
) -> Added:
    frame, report, rejected = read
    kind, key = saved.kind, frame.columns[0]
    gone = [
        row_id
        for row_id in frame.attrs.get("gone", ())
        if known.update.remove_gone and row_id not in known.in_use
    ]
    leaving = known.frame[key].isin([*frame[key], *gone])
    earlier = set(known.frame["source"][leaving]) - {report.source}
    report = replace(report, took_over=tuple(sorted(earlier)))
    files = workspace.root / "imports"
    rejected_file = replaced_file = map_file = None
    with workspace.database.transaction(f"add {kind}", source=report.source) as write:
        if leaving.any():
            write.clear(table)
            write.insert_frame(table, known.frame[~leaving])
        write.insert_frame(table, frame)
        number = write.log_import(kind, report, file_digest(path))
        if report.rejected:
            rejected_file = files / f"{number:03d}-{kind}-rejected.csv"
            _write_csv(rejected, rejected_file)
        if leaving.any():
            write.detail |= {"replaced": int(leaving.sum()) - len(gone), "removed": gone}
            replaced_file = files / f"{number:03d}-{kind}-replaced.csv"
            before = known.frame[leaving]
            texts = before.drop(columns="geometry").assign(
                geometry_wkt=shapely.to_wkt(np.array(before.geometry), rounding_precision=-1)
            )
            _write_csv(texts, replaced_file)
        if saved.columns:
            map_file = files / f"{number:03d}-{kind}-map.toml"
            with atomic(map_file) as temporary:
                temporary.write_text(map_text(saved), encoding="utf-8")
    return Added(report, rejected_file, map_file, replaced_file)


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    with atomic(path) as temporary:
        # the mark makes spreadsheets read the Chinese columns as UTF-8
        frame.to_csv(temporary, index=False, encoding="utf-8-sig")


def add_counties(workspace: Workspace, path: Path, crs: str = "") -> int:
    """Read county outlines, in place of those there were; returns how many."""
    with workspace.writing():
        counties = read_counties(path, crs)
        with workspace.database.transaction("add counties", source=path.name) as write:
            write.clear("county")
            write.insert_frame("county", counties)
        return len(counties)


def add_scenes(
    workspace: Workspace, folder: Path, on_progress: OnProgress | None = None
) -> AddedScenes:
    """Register the Landsat and Sentinel-2 Level-2 scenes of a folder; the files stay there."""
    with workspace.writing():
        landsat, sentinel2, refused = find_all_scenes(folder, on_progress)
        scenes: list[Scene | Sentinel2Scene] = [*landsat, *sentinel2]
        before = {row["scene_id"] for row in workspace.database.rows("scene", ["scene_id"])}
        new = [scene for scene in scenes if scene.scene_id not in before]
        with workspace.database.transaction(
            "add scenes", source=folder.name, accepted=len(scenes), refused=len(refused)
        ) as write:
            write.replace(
                "scene",
                [
                    {
                        "scene_id": scene.scene_id,
                        "date": scene.date.isoformat(),
                        "fingerprint": scene.fingerprint,
                        "record": json.dumps(scene.to_dict(), sort_keys=True),
                    }
                    for scene in scenes
                ],
            )
            write.replace(
                "refusal",
                [
                    {
                        "path": str(item.path),
                        "code": item.code,
                        "message": item.message,
                        "message_zh": item.message_zh,
                    }
                    for item in refused
                ],
            )
        dates = sorted(scene.date for scene in scenes)
        known = [
            Scene.from_dict(record).grid
            for record in workspace.database.records("scene")
            if not Sentinel2Scene.is_record(record)
        ]
        most = lattice_grid(known) if known else None
        return AddedScenes(
            len(scenes),
            len(new),
            dates[0] if dates else None,
            dates[-1] if dates else None,
            sum(most is not None and not most.is_aligned(grid) for grid in known),
            sum(not scene.tells_saturation for scene in landsat),
            tuple(refused),
            len(sentinel2),
        )


def add_composites(
    workspace: Workspace,
    files: Sequence[Path],
    *,
    bands: Sequence[str] | None,
    index: str | None,
    years: Sequence[int] | None,
    scale: float,
    nodata: float | None,
    thermal: Thermal | None = None,
) -> AddedComposites:
    """Register yearly rasters made elsewhere; the files stay where they are."""
    if index is not None:
        index_spec(index)  # refuses a name that no aim is judged by
    with workspace.writing():
        declared, findings = inspect_composites(
            files, bands=bands, index=index, years=years, scale=scale, nodata=nodata,
            thermal=thermal,
        )  # fmt: skip
        kinds = sorted({item.kind for item in declared})
        if not declared:
            raise NotReflectance("none of the files holds a usable year.")
        with workspace.database.transaction(
            "add composites", kinds=kinds, years=len(declared), scale=scale
        ) as write:
            write.replace(
                "composite",
                [
                    {
                        "year": item.year,
                        "kind": item.kind,
                        "digest": item.digest,
                        "record": json.dumps(item.to_dict(), sort_keys=True),
                    }
                    for item in declared
                ],
            )
        return AddedComposites(
            "+".join(kinds), tuple(sorted(item.year for item in declared)), tuple(findings)
        )


def add_layer(workspace: Workspace, path: Path, kind: str) -> None:
    """Copy a layer into the workspace: elevation, rock or cover.

    Raises
    ------
    UnknownOption
        If the kind is not known.
    """
    if kind not in LAYER_KINDS:
        raise UnknownOption(f"layer {kind!r} is not known; use one of {', '.join(LAYER_KINDS)}.")
    check_layer(path, kind)
    with workspace.writing():
        target = workspace.root / "layers" / f"{kind}.tif"
        with atomic(target) as temporary:
            shutil.copyfile(path, temporary)
        with workspace.database.transaction("add layer", kind=kind, source=path.name) as write:
            row = {"kind": kind, "path": f"layers/{kind}.tif", "digest": file_digest(target)}
            write.replace("layer", [row])


def parse_years(text: str) -> tuple[int, ...]:
    """Years as people write them.

    Raises
    ------
    InvalidInput
        If the text is neither "1984-2016" nor "1984,1985,1990".

    Examples
    --------
    >>> parse_years("2001-2003")
    (2001, 2002, 2003)
    """
    try:
        if "-" in text:
            first, last = (int(part) for part in text.split("-"))
            years = tuple(range(first, last + 1))
        else:
            years = tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise InvalidInput(
            f"years {text!r} cannot be read; write 1984-2016 or 1984,1990."
        ) from error
    if not years:
        raise InvalidInput(f"years {text!r} run backwards; write the first year first.")
    return years
