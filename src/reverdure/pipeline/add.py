"""Bringing lists and imagery into a workspace: all of a file or nothing, and a report."""

import datetime
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from reverdure.core.errors import InvalidInput, NotReflectance, UnknownOption
from reverdure.core.files import atomic
from reverdure.core.provenance import file_digest
from reverdure.core.records import Finding, ImportReport, OnProgress
from reverdure.ground.terrain import LAYER_KINDS, check_layer
from reverdure.imagery.declared import inspect_composites
from reverdure.imagery.finding import find_all_scenes
from reverdure.imagery.landsat import Refusal, Scene
from reverdure.imagery.sentinel2 import Sentinel2Scene
from reverdure.pipeline.corrections import standing_of
from reverdure.pipeline.lattice import lattice_grid
from reverdure.recovery.indices import index_spec
from reverdure.registry.claims import read_claims
from reverdure.registry.corrections import corrected_mines
from reverdure.registry.counties import read_counties
from reverdure.registry.mines import read_mines
from reverdure.store.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a list: the report, and the file of the rejected rows if there are any."""

    report: ImportReport
    rejected_file: Path | None


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


def add_mines(
    workspace: Workspace, path: Path, area_unit: str | None, column_map: Mapping[str, str]
) -> Added:
    """Read a list of mines into the registry."""
    with workspace.writing():
        existing = frozenset(row["mine_id"] for row in workspace.database.rows("mine", ["mine_id"]))
        frame, report, rejected = read_mines(
            path, area_unit=area_unit, column_map=column_map, existing_ids=existing
        )
        return _keep(workspace, "mine", "mines", path, (frame, report, rejected))


def add_claims(
    workspace: Workspace, path: Path, area_unit: str | None, column_map: Mapping[str, str]
) -> Added:
    """Read a list of claims into the registry."""
    with workspace.writing():
        existing = {row["claim_id"] for row in workspace.database.rows("claim", ["claim_id"])}
        frame, report, rejected = read_claims(
            path,
            area_unit=area_unit,
            column_map=column_map,
            mines=corrected_mines(
                workspace.database.frame("mine"), standing_of(workspace.database)
            ),
            existing_ids=frozenset(existing),
            last_year=datetime.datetime.now(datetime.UTC).year,
        )
        return _keep(workspace, "claim", "claims", path, (frame, report, rejected))


def _keep(
    workspace: Workspace,
    table: str,
    kind: str,
    path: Path,
    read: tuple[pd.DataFrame, ImportReport, pd.DataFrame],
) -> Added:
    frame, report, rejected = read
    rejected_file = None
    with workspace.database.transaction(f"add {kind}", source=report.source) as write:
        write.insert_frame(table, frame)
        number = write.log_import(kind, report, file_digest(path))
        if report.rejected:
            rejected_file = workspace.root / "imports" / f"{number:03d}-{kind}-rejected.csv"
            with atomic(rejected_file) as temporary:
                # the mark makes spreadsheets read the Chinese columns as UTF-8
                rejected.to_csv(temporary, index=False, encoding="utf-8-sig")
    return Added(report, rejected_file)


def add_counties(workspace: Workspace, path: Path) -> int:
    """Read county outlines, in place of those there were; returns how many."""
    with workspace.writing():
        counties = read_counties(path)
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
) -> AddedComposites:
    """Register yearly rasters made elsewhere; the files stay where they are."""
    if index is not None:
        index_spec(index)  # refuses a name that no aim is judged by
    with workspace.writing():
        declared, findings = inspect_composites(
            files, bands=bands, index=index, years=years, scale=scale, nodata=nodata
        )
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
