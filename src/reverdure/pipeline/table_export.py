"""Every table of a workspace, for spreadsheets, GIS and other programs."""

from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import pandas as pd

from reverdure.core.errors import InvalidInput
from reverdure.core.fields import (
    CLAIMS,
    CORRECTIONS,
    MINES,
    NATURAL_RECOVERY,
    RSEI,
    RSEI_YEARS,
    TOTALS,
    TRAJECTORIES,
    VERDICTS,
    Table,
)
from reverdure.core.records import OnProgress, Progress
from reverdure.pipeline.corrections import standing_of
from reverdure.publish.table_export import FORMATS, export_table
from reverdure.store.workspace import Workspace

_WITH_OUTLINES = {"mines": MINES, "verdicts": VERDICTS}
_PLAIN = {
    "totals": TOTALS,
    "trajectories": TRAJECTORIES,
    "natural_recovery": NATURAL_RECOVERY,
    "rsei": RSEI,
    "rsei_years": RSEI_YEARS,
}


def export_tables(
    workspace: Workspace,
    out: Path,
    *,
    formats: tuple[str, ...] = FORMATS,
    language: str = "en",
    on_progress: OnProgress | None = None,
) -> list[Path]:
    """Write every table there is, as the last run and the registry have it.

    Mines, claims, verdicts, totals, trajectories and what came back by itself; corrections
    and the ecological index where there are any.

    Parameters
    ----------
    workspace : Workspace
    out : Path
        Folder; made where it is missing.
    formats : tuple of str
        Of "gpkg", "parquet", "csv", "xlsx".
    language : str
        "en" or "zh", of CSV headings and of codes in CSV and XLSX.
    on_progress : callable, optional

    Returns
    -------
    list of Path

    Raises
    ------
    InvalidInput
        If nothing was measured yet.
    UnknownOption
        If a format is not known.
    """
    if not (workspace.products / "verdicts.parquet").is_file():
        raise InvalidInput("nothing has been measured yet.", "First: reverdure run -w ...")
    written: list[Path] = []
    tables = list(_tables(workspace))
    for done, (name, table, frame) in enumerate(tables, start=1):
        written += export_table(out, name, table, frame, formats=formats, language=language)
        if on_progress:
            on_progress(Progress("tables", done, len(tables)))
    return written


def _tables(workspace: Workspace) -> Iterator[tuple[str, Table, pd.DataFrame]]:
    for name, table in _WITH_OUTLINES.items():
        yield name, table, gpd.read_parquet(workspace.products / f"{name}.parquet")
    yield "claims", CLAIMS, workspace.database.frame("claim")
    for name, table in _PLAIN.items():
        path = workspace.products / f"{name}.parquet"
        if path.is_file():
            yield name, table, pd.read_parquet(path)
    standing = standing_of(workspace.database)
    if standing.corrections:
        yield "corrections", CORRECTIONS, pd.DataFrame(standing.rows(), columns=CORRECTIONS.columns)
