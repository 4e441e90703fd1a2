"""A folder that QGIS opens: project, mines, verdicts, counties, a picture of each year."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd

from reverdure.core.errors import InvalidInput
from reverdure.core.files import atomic
from reverdure.core.records import OnProgress, Progress
from reverdure.pipeline.picture_blocks import find_stretches, whole_grid, year_blocks
from reverdure.pipeline.picture_series import MineWindow, mine_windows, require_composites
from reverdure.pipeline.run_plan import Plan, make_plan
from reverdure.pipeline.tiles import TileReader
from reverdure.publish.picture_rasters import BLOCK_PIXELS, write_picture
from reverdure.publish.qgis_project import Contents, write_project
from reverdure.publish.tables import write_geopackage
from reverdure.store.workspace import Workspace

_SHARED = ("mines", "verdicts")
_BYTES_A_PIXEL, _BYTES_A_PLACE, _BYTES_A_FILE = 4, 16, 10_000
_BYTES_OF_PROJECT = 200_000  # and of an empty GeoPackage of counties
_EDGE = 0.05


@dataclass(frozen=True, slots=True)
class PlannedExport:
    """What an export to QGIS would write.

    Attributes
    ----------
    plan : Plan
    windows : tuple of MineWindow
        Mines of which pictures are written.
    most_mb : float
        Size of what would be written, at most, [MB]; compressed it is less.
    """

    plan: Plan
    windows: tuple[MineWindow, ...]
    most_mb: float


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export to QGIS wrote.

    Attributes
    ----------
    project : Path
    bands : tuple of str
        Shown as red, green and blue; empty without pictures.
    years, without : tuple of int
        Years with a picture, and years of the workspace that have none.
    not_drawn : int
        Verdicts without ground on the map: they stand in the attribute table only.
    run_id : str
        Run of the verdicts.
    is_current : bool
        Whether nothing that goes into verdicts changed since that run.
    """

    project: Path
    bands: tuple[str, ...]
    years: tuple[int, ...]
    without: tuple[int, ...]
    not_drawn: int
    run_id: str
    is_current: bool


def plan_export(workspace: Workspace, *, pictures: bool = True) -> PlannedExport:
    """See what an export would take, without writing anything.

    Raises
    ------
    InvalidInput
        If nothing was measured, or the yearly composites are not those of what is there now.
    """
    for name in (*_SHARED, "totals"):
        suffix = "parquet" if name == "totals" else "gpkg"
        if not (workspace.products / f"{name}.{suffix}").is_file():
            raise InvalidInput("nothing has been measured yet.", "First: reverdure run -w ...")
    plan = make_plan(workspace)
    windows = tuple(mine_windows(plan)) if pictures else ()
    require_composites(workspace, plan, {tile for one in windows for tile in one.tiles})
    pixels = sum(one.grid.height * one.grid.width for one in windows) * len(plan.years)
    tables = sum((workspace.products / f"{name}.gpkg").stat().st_size for name in _SHARED)
    counties = 2 * sum(map(len, plan.counties.geometry.to_wkb()))
    blocks = len(list(whole_grid(plan, windows).tiles(BLOCK_PIXELS))) if windows else 0
    places = len(plan.years) * (_BYTES_A_PLACE * blocks + _BYTES_A_FILE)
    most = _BYTES_A_PIXEL * pixels + places + tables + counties + _BYTES_OF_PROJECT
    return PlannedExport(plan, windows, most / 1e6)


def export_qgis(
    workspace: Workspace,
    planned: PlannedExport,
    out: Path,
    *,
    colours: str = "true",
    language: str = "en",
    on_progress: OnProgress | None = None,
) -> Exported:
    """Write a project and all it shows into one folder, which can be moved or sent.

    Parameters
    ----------
    workspace : Workspace
    planned : PlannedExport
    out : Path
        Folder; made where it is missing. Pictures of an earlier export are replaced.
    colours : str
        "true" or "false", as for `make_pictures`.
    language : str
        "en" or "zh": names of layers, columns and codes.
    on_progress : callable, optional

    Raises
    ------
    UnknownOption
        If the colours are not known.
    """
    plan = planned.plan
    pictures, bands = _write_pictures(workspace, planned, out, colours, on_progress)
    for name in _SHARED:
        with atomic(out / f"{name}.gpkg") as temporary:
            shutil.copyfile(workspace.products / f"{name}.gpkg", temporary)
    if len(plan.counties):
        write_geopackage(out / "counties.gpkg", plan.counties, "counties")
    verdicts = gpd.read_parquet(workspace.products / "verdicts.parquet", columns=["geometry"])
    totals = pd.read_parquet(workspace.products / "totals.parquet", columns=["run_id"])
    run_id = str(totals["run_id"].iloc[0])
    contents = Contents(
        run_id, plan.lattice.crs, _extent(plan), bool(len(plan.counties)), pictures, bands
    )
    project = write_project(out, contents, language)
    years = tuple(sorted(pictures))
    return Exported(
        project,
        bands,
        years,
        tuple(sorted(set(plan.years) - set(years))) if planned.windows else (),
        int((verdicts.geometry.isna() | verdicts.geometry.is_empty).sum()),
        run_id,
        run_id == plan.run_id,
    )


def _write_pictures(
    workspace: Workspace,
    planned: PlannedExport,
    out: Path,
    colours: str,
    on_progress: OnProgress | None,
) -> tuple[dict[int, str], tuple[str, ...]]:
    """Path of each year's picture from the folder, and the bands shown."""
    plan, windows = planned.plan, planned.windows
    written: dict[int, str] = {}
    if not windows:
        return written, ()
    total = len(windows) + len(plan.years)

    def tell(done: int) -> None:
        if on_progress:
            on_progress(Progress("pictures", done, total))

    reader = TileReader(workspace, plan)
    stretches = find_stretches(plan, reader, windows, colours, tell)
    whole = whole_grid(plan, windows)
    for earlier in (out / "pictures").glob(f"{colours}-[0-9][0-9][0-9][0-9].tif"):
        earlier.unlink()
    for number, year in enumerate(plan.years, start=1):
        name = f"pictures/{colours}-{year}.tif"
        blocks = year_blocks(reader, windows, stretches, whole, year)
        tags = {"YEAR": str(year), "BANDS": ",".join(stretches.bands)}
        if write_picture(out / name, whole, blocks, tags):
            written[year] = name
        tell(len(windows) + number)
    return written, stretches.bands if written else ()


def _extent(plan: Plan) -> tuple[float, float, float, float]:
    """All outlines with a little room around them; the lattice's own place without any."""
    outlines = plan.mines.geometry[plan.mines.geometry.notna()].to_crs(plan.lattice.crs)
    if outlines.empty:
        return (plan.lattice.west, plan.lattice.north, plan.lattice.west, plan.lattice.north)
    west, south, east, north = (float(value) for value in outlines.total_bounds)
    room = _EDGE * max(east - west, north - south)
    return (west - room, south - room, east + room, north + room)
