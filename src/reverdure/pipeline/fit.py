"""What fits each mine: surveys and terrain of the workspace to the rules, and to a table."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from reverdure.core.errors import NoMines, NotFound, UnknownOption
from reverdure.core.fit_fields import FITS
from reverdure.core.record_book import Record
from reverdure.core.units import MU_PER_HA
from reverdure.ground.steepness import steepness
from reverdure.pipeline.inspection import county_named
from reverdure.pipeline.own_measures import workspace_measures
from reverdure.pipeline.records import page_start
from reverdure.plan.measures import Catalogue
from reverdure.plan.site_rules import factors
from reverdure.plan.suitability import Fits, suitability
from reverdure.store.records import current
from reverdure.store.workspace import Workspace

PAGE = 20
"""Mines shown at once."""


@dataclass(frozen=True, slots=True)
class Basis:
    """Where a factor of a mine comes from.

    Attributes
    ----------
    source : str
        "survey" or "elevation".
    id, date, said : str
        Of the survey, and its basis; the file name of the elevation.
    mean : float or None
        Mean slope, where the factor is the steepest tenth.
    """

    source: str
    id: str
    date: str = ""
    said: str = ""
    mean: float | None = None


@dataclass(frozen=True)
class Shortlist:
    """What fits the mines of a workspace.

    Attributes
    ----------
    fits : Fits
    mines : DataFrame
        name, county, commodity, area_ha by mine_id.
    basis : mapping of (mine, factor) to Basis
    values : mapping of (mine, factor) to value
    measures : Catalogue
        What was judged.
    """

    fits: Fits
    mines: pd.DataFrame
    basis: Mapping[tuple[str, str], Basis]
    values: Mapping[tuple[str, str], Any]
    measures: Catalogue

    @cached_property
    def survey(self) -> pd.DataFrame:
        """Mines to survey before all of them can be judged; see `Fits.to_survey`."""
        return self.fits.to_survey()

    def value(self, mine_id: str, factor: str) -> float:
        """A factor of a mine as it was judged by; NaN where nobody knows it."""
        return float(self.values.get((mine_id, factor), float("nan")))

    def missing_most(self) -> list[tuple[str, int]]:
        """Factors missing, with the mines that hang on them, most first."""
        count = Counter(factor for listed in self.survey["survey"] for factor in listed.split(";"))
        return sorted(count.items(), key=lambda one: (-one[1], one[0]))

    def page(self, number: int) -> list[str]:
        """Ids of the mines of one page.

        Raises
        ------
        InvalidInput
            If there is no such page.
        """
        first = page_start(number, len(self.mines), PAGE)
        return [str(one) for one in self.mines.index[first : first + PAGE]]

    def rows(self) -> pd.DataFrame:
        """Rows of `core.fit_fields.FITS`."""
        found = self.fits.table()
        decision = self.fits.decision.table().set_index("mine_id")
        mines = self.mines.loc[found["mine_id"]]
        of = decision.loc[found["mine_id"]]
        area = mines["area_ha"].to_numpy(dtype=np.float64)
        more = {
            "county": mines["county"].to_numpy(), "area_ha": area, "area_mu": area * MU_PER_HA,
            **{name: of[name].to_numpy() for name in ("degradation", "need", "way")},
        }  # fmt: skip
        return FITS.frame(found.assign(**more).to_dict("records"))


def shortlist(
    workspace: Workspace, county: str = "", mine_id: str = "", measures: Catalogue | None = None
) -> Shortlist:
    """Judge every measure on every mine by what the workspace knows of its site.

    The latest survey that states a factor holds; slope is read from the elevation layer where
    no survey states it: the 90th percentile over the outline, the mean beside it.

    Parameters
    ----------
    workspace : Workspace
    county : str
        By name or code; "" for all.
    mine_id : str
        One mine alone; "" for all.
    measures : Catalogue or None
        Those of the workspace by default.

    Raises
    ------
    NotFound
        If there is no such county or mine.
    NoMines
        If there is no mine.
    """
    mines = _mines(workspace)
    if mine_id:
        if mine_id not in mines.index:
            raise NotFound(f"mine {mine_id!r} is not in the registry.")
        mines = mines.loc[[mine_id]]
    if county:
        name = county_named(workspace, county, mines["county"].to_dict())
        mines = mines[mines["county"] == name]
    surveys = current(workspace.database, ["survey"], mine_id)["survey"].values()
    values, basis = latest(one for one in surveys if one.values["mine_id"] in mines.index)
    _add_slope(workspace, mines, values, basis)
    sites = pd.DataFrame(
        {"mine_id": mines.index, "commodity": mines["commodity"].to_numpy()}
        | {name: [values.get((one, name)) for one in mines.index] for name in factors()}
    )
    known = measures or workspace_measures(workspace)
    return Shortlist(
        suitability(sites, known), mines.drop(columns="geometry"), basis, values, known
    )


def latest(
    surveys: Iterable[Record],
) -> tuple[dict[tuple[str, str], Any], dict[tuple[str, str], Basis]]:
    """By mine and factor the value of the latest survey that states it, and which that is.

    Examples
    --------
    >>> old = Record("S1", 1, {"mine_id": "M", "date": "2025-01-01", "road": True, "basis": "a"})
    >>> new = Record("S2", 1, {"mine_id": "M", "date": "2026-01-01", "grid_km": 4, "basis": "b"})
    >>> values, basis = latest([new, old])
    >>> values, basis["M", "road"].id
    ({('M', 'road'): True, ('M', 'grid_km'): 4}, 'S1')
    """
    values: dict[tuple[str, str], Any] = {}
    basis: dict[tuple[str, str], Basis] = {}
    for one in sorted(surveys, key=lambda one: (one.values["date"], one.id)):
        said = one.values
        for name in factors():
            if name in said:
                values[said["mine_id"], name] = said[name]
                basis[said["mine_id"], name] = Basis("survey", one.id, said["date"], said["basis"])
    return values, basis


def write_csv(path: Path, found: Shortlist, language: str) -> None:
    """Write the shortlist of every mine as CSV.

    Raises
    ------
    UnknownOption
        If the file does not end in .csv.
    """
    from reverdure.publish.table_export import export_table

    if path.suffix.lower() != ".csv":
        raise UnknownOption(f"{path.name} must end in .csv.")
    export_table(path.parent, path.stem, FITS, found.rows(), formats=("csv",), language=language)


def _mines(workspace: Workspace) -> pd.DataFrame:
    from reverdure.registry.counties import county_of

    database = workspace.database
    frame = database.frame("mine")
    if frame.empty:
        raise NoMines("there is no mine to judge.", "Add some: reverdure add mines FILE -w W")
    area = frame["measured_area_ha"].fillna(frame["stated_area_ha"])
    return pd.DataFrame(
        {
            "mine_id": frame["mine_id"], "name": frame["name"].fillna(""),
            "county": county_of(frame, database.frame("county")).to_numpy(),
            "commodity": frame["commodity"].fillna(""), "area_ha": area.astype(float),
            "geometry": frame["geometry"],
        }
    ).sort_values("mine_id").set_index("mine_id")  # fmt: skip


def _add_slope(
    workspace: Workspace, mines: pd.DataFrame, values: dict[tuple[str, str], Any],
    basis: dict[tuple[str, str], Basis],
) -> None:  # fmt: skip
    """Slope from the elevation layer, where there is one and no survey states it."""
    layers = [one for one in workspace.database.rows("layer") if one["kind"] == "elevation"]
    wanted = {str(one): outline for one, outline in mines["geometry"].items()
              if (one, "slope_deg") not in values}  # fmt: skip
    if not layers or not wanted:
        return
    path = workspace.root / layers[0]["path"]
    for mine_id, one in steepness(path, wanted).items():
        if np.isfinite(one.steep):
            values[mine_id, "slope_deg"] = one.steep
            basis[mine_id, "slope_deg"] = Basis("elevation", path.name, mean=one.mean)
