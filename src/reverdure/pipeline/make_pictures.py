"""Pictures of one mine for documents: strip, animation, figure of the trajectory fit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from reverdure.core.codes import PictureStatus
from reverdure.core.errors import InvalidInput, UnknownOption
from reverdure.core.files import atomic
from reverdure.core.records import PictureSeries
from reverdure.pipeline.picture_series import picture_series, require_composites
from reverdure.pipeline.run_plan import Plan, make_plan
from reverdure.pipeline.tiles import TileReader
from reverdure.publish.contents import rows
from reverdure.publish.files import page_names
from reverdure.publish.frames import animation, contact_sheet
from reverdure.publish.mine_page import claim_events
from reverdure.publish.pictures import png
from reverdure.publish.strip import strip
from reverdure.publish.trajectory_figure import trajectory_figure
from reverdure.store.workspace import Workspace

KINDS = ("strip", "animation", "trajectory")
_FIRST_RUN = "First: reverdure run -w ..."


@dataclass(frozen=True, slots=True)
class Pictured:
    """What was written of a mine.

    Attributes
    ----------
    files : tuple of Path
    bands : tuple of str
        Shown as red, green and blue; empty where only the trajectory was drawn.
    without : mapping of int to PictureStatus
        Years that have no picture, and why.
    """

    files: tuple[Path, ...]
    bands: tuple[str, ...]
    without: Mapping[int, PictureStatus]


def make_pictures(
    workspace: Workspace,
    mine_id: str,
    out: Path,
    *,
    kinds: tuple[str, ...] = KINDS,
    colours: str = "true",
    language: str = "en",
) -> Pictured:
    """Write pictures of a mine into a folder.

    Parameters
    ----------
    workspace : Workspace
        After a run.
    mine_id : str
    out : Path
        Folder; made where it is missing.
    kinds : tuple of str
        Of `KINDS`: "strip" gives a PNG that holds years as digits only, and an SVG with
        words; "animation" a GIF; "trajectory" an SVG.
    colours : str
        "true", or "false": short-wave infrared 2, near infrared, red; where the imagery
        lacks one of them near infrared, red, green.
    language : str
        "en" or "zh".

    Raises
    ------
    UnknownOption
        If a kind or the colours are not known.
    NotFound, NoImagery
        If there is no such mine, or nothing to be seen of it.
    InvalidInput
        If nothing was measured, or the inputs changed since.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise UnknownOption(f"kind {kind!r} is not known; use {', '.join(KINDS)}.")
    plan = make_plan(workspace, mine_id)
    stem = page_names(sorted(plan.mines["mine_id"]))[mine_id].removesuffix(".html")
    files: list[Path] = []

    def write(name: str, content: bytes) -> None:
        with atomic(out / name) as temporary:
            temporary.write_bytes(content)
        files.append(out / name)

    bands: tuple[str, ...] = ()
    without: Mapping[int, PictureStatus] = MappingProxyType({})
    if {"strip", "animation"} & set(kinds):
        series = _series(workspace, plan, mine_id, colours)
        bands = series.bands
        without = {
            one.year: one.status for one in series.years if one.status is not PictureStatus.SHOWN
        }
        _write_series(series, f"{stem}-{{kind}}-{colours}", kinds, language, write)
    if "trajectory" in kinds:
        write(f"{stem}-trajectory.svg", _trajectory(workspace, plan, mine_id, language))
    return Pictured(tuple(files), bands, without)


def _write_series(
    series: PictureSeries,
    name: str,
    kinds: tuple[str, ...],
    language: str,
    write: Callable[[str, bytes], None],
) -> None:
    if "strip" in kinds:
        write(name.format(kind="strip") + ".png", png(contact_sheet(series)))
        drawn = strip(series, language).encode("utf-8", "replace")
        write(name.format(kind="strip") + ".svg", drawn)
    if "animation" in kinds:
        write(name.format(kind="animation") + ".gif", animation(series))


def _series(workspace: Workspace, plan: Plan, mine_id: str, colours: str) -> PictureSeries:
    source = plan.measured[mine_id]
    require_composites(workspace, plan, source.tiles)
    run_id = _of_mine(workspace, "trajectories", mine_id)["run_id"]
    whole = pd.read_parquet(_product(workspace, "totals"), columns=["run_id"])["run_id"]
    return picture_series(
        plan, TileReader(workspace, plan), mine_id, colours,
        run_id=str(run_id.iloc[0] if len(run_id) else whole.iloc[0]),
    )  # fmt: skip


def _trajectory(workspace: Workspace, plan: Plan, mine_id: str, language: str) -> bytes:
    yearly = rows(_of_mine(workspace, "trajectories", mine_id))
    if not yearly:
        raise InvalidInput(
            f"{mine_id} has no trajectory: it has no outline or was never seen clear.",
            "Its page in the report says which.",
        )
    claims = {row["claim_id"]: row for row in rows(plan.claims)}
    judged: list[tuple[Any, Any]] = [
        (claims.get(row["claim_id"], {}), row)
        for row in rows(_of_mine(workspace, "verdicts", mine_id))
    ]
    name = plan.mines.loc[plan.mines["mine_id"] == mine_id, "name"].iloc[0]
    title = f"{name} ({mine_id})" if name else mine_id
    drawn = trajectory_figure(title, yearly, claim_events(judged), language)
    return drawn.encode("utf-8", "replace")


def _of_mine(workspace: Workspace, table: str, mine_id: str) -> pd.DataFrame:
    """Rows of a mine in a table of the last run."""
    filters = [("mine_id", "=", mine_id)]
    return pd.read_parquet(_product(workspace, table), filters=filters)


def _product(workspace: Workspace, table: str) -> Path:
    path = workspace.products / f"{table}.parquet"
    if not path.is_file():
        raise InvalidInput("nothing has been measured yet.", _FIRST_RUN)
    return path
