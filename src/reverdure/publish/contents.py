"""What a report is made of: the tables of one run, handed over by the flow."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas
import pandas

from reverdure.core.errors import MissingColumn
from reverdure.core.fields import (
    CLAIMS,
    MINES,
    NATURAL_RECOVERY,
    TOTALS,
    TRAJECTORIES,
    VERDICTS,
    Table,
)
from reverdure.core.records import ImportReport, Picture

if TYPE_CHECKING:
    import xarray


def _no_evidence(mine_id: str) -> "Mapping[str, xarray.Dataset]":
    """Evidence of a programme that kept none."""
    return {}


def _nobody(mine_id: str) -> Sequence[Mapping[str, Any]]:
    """Corrections of a programme that nobody corrected."""
    return ()


@dataclass(frozen=True, slots=True)
class ReportData:
    """The tables of one run.

    Attributes
    ----------
    run_id : str
        Id of the run whose figures these are.
    mines, claims, verdicts, totals, trajectories : DataFrame
        With at least the columns of `core.fields` under the same name; `mines` and
        `verdicts` with geometry in EPSG:4326. Never changed.
    counties : GeoDataFrame or None
        `county`, `county_code`, geometry in EPSG:4326; outlines of the map.
    pictures : callable
        Mine id to its pictures, earliest first; empty where there are none.
    imports : sequence of ImportReport
        What became of every imported row, in order of import.
    years : (int, int)
        First and last year of the imagery.
    evidence : callable
        Mine id to what the verdicts on its claims stand on, by claim id; None for a mine
        that was not part of the run, whose pages stay as they are.
    constants : sequence of mapping
        Constants shown on each claim's page: name, value, unit, status.
    natural : DataFrame or None
        What came back by itself: columns of NATURAL_RECOVERY.
    corrections : callable
        Mine id to what people corrected about it and its claims: rows of CORRECTIONS.

    Raises
    ------
    MissingColumn
        If a table lacks a column of its specification.
    """

    run_id: str
    mines: geopandas.GeoDataFrame
    claims: pandas.DataFrame
    verdicts: geopandas.GeoDataFrame
    totals: pandas.DataFrame
    trajectories: pandas.DataFrame
    counties: geopandas.GeoDataFrame | None
    pictures: Callable[[str], Sequence[Picture]]
    imports: Sequence[ImportReport]
    years: tuple[int, int]
    evidence: "Callable[[str], Mapping[str, xarray.Dataset] | None]" = _no_evidence
    constants: Sequence[Mapping[str, Any]] = ()
    natural: pandas.DataFrame | None = None
    corrections: Callable[[str], Sequence[Mapping[str, Any]]] = _nobody

    def __post_init__(self) -> None:
        for table, frame in (
            (MINES, self.mines),
            (CLAIMS, self.claims),
            (VERDICTS, self.verdicts),
            (TOTALS, self.totals),
            (TRAJECTORIES, self.trajectories),
        ):
            _require_columns(table, frame)
        if self.natural is not None:
            _require_columns(NATURAL_RECOVERY, self.natural)


def _require_columns(table: Table, frame: pandas.DataFrame) -> None:
    needed = [field.name for field in table if field.kind != "geometry"]
    missing = [name for name in needed if name not in frame.columns]
    if missing:
        raise MissingColumn(f"the table of {table.name}s lacks {', '.join(missing)}.")


def rows(frame: pandas.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain dictionaries, every missing value as None, without geometry.

    Examples
    --------
    >>> rows(pandas.DataFrame({"year": [2001.0, float("nan")], "name": ["a", ""]}))
    [{'year': 2001.0, 'name': 'a'}, {'year': None, 'name': ''}]
    """
    plain = pandas.DataFrame(frame.drop(columns="geometry", errors="ignore"))
    columns = [
        [None if is_missing else value for value, is_missing in zip(values, gaps, strict=True)]
        for values, gaps in ((plain[name].tolist(), plain[name].isna()) for name in plain)
    ]
    return [dict(zip(plain.columns, row, strict=True)) for row in zip(*columns, strict=True)]
