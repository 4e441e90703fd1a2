"""The mines a programme is made for, and which measures are allowed on each: checked tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reverdure.core.errors import InvalidInput, MissingColumn, NoMines, UnknownOption
from reverdure.plan.measures import REMEDY, Catalogue

QUANTITY_COLUMNS = {"ha": "area_ha", "household": "households", "person": "people_without_water",
                    "m3": "river_m3", "site": "sites_to_survey"}  # fmt: skip
"""Column that says how many units of a measure a mine has."""
_DEFAULTS: Mapping[str, float] = {
    "slope_deg": 0.0, "recovery": 0.0, "weight": 1.0, "households": 0.0,
    "people_without_water": 0.0, "river_m3": 0.0, "waste_rock_m3": 0.0, "tailings_m3": 0.0,
    "aggregate_m3": 0.0, "sites_to_survey": 0.0,
}  # fmt: skip
_MOST = {"slope_deg": 89.0, "recovery": 1.0}
_SHOWN = 5


@dataclass(frozen=True)
class Mines:
    """Mines by id, one value a mine in every column.

    Attributes
    ----------
    ids, county, prefecture : array of str
    has_owner : array of bool
        Whether somebody is liable for it; no grant pays there.
    numbers : mapping of str to array
        area_ha, slope_deg, recovery (0 to 1, today), weight, households, ...
    assumed : tuple of str
        Columns that were not given and stand at their neutral value.
    """

    ids: NDArray[np.str_]
    county: NDArray[np.str_]
    prefecture: NDArray[np.str_]
    has_owner: NDArray[np.bool_]
    numbers: Mapping[str, NDArray[np.float64]]
    assumed: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def area_ha(self) -> NDArray[np.float64]:
        """Area on the map, [ha]."""
        return self.numbers["area_ha"]

    def index_of(self, mine_ids: Sequence[str]) -> NDArray[np.int64]:
        """Rows of these mines.

        Raises
        ------
        InvalidInput
            If one of them is not in the table.
        """
        wanted = np.asarray(list(mine_ids), dtype=str)
        at = np.minimum(np.searchsorted(self.ids, wanted), len(self.ids) - 1)
        unknown = wanted[self.ids[at] != wanted]
        if len(unknown):
            raise InvalidInput(
                f"mines {_some(unknown)} are not in the table of mines.",
                "Correct the ids, or add these mines.",
            )
        return np.asarray(at, dtype=np.int64)


def read_mines(table: pd.DataFrame | Mapping[str, Sequence[object]]) -> Mines:
    """Mines from a table, sorted by id so that the order of rows says nothing.

    Parameters
    ----------
    table : DataFrame or mapping of column to values
        mine_id, county, area_ha; optional prefecture, slope_deg, recovery, weight, has_owner,
        households, people_without_water, river_m3, waste_rock_m3, tailings_m3, aggregate_m3,
        sites_to_survey (1 where the site is not known well enough, see `plan.suitability`).

    Raises
    ------
    MissingColumn, NoMines, InvalidInput
        For a column that must be there, an empty table, ids given twice, numbers that are
        missing, not finite, negative or beyond their range.

    Examples
    --------
    >>> mines = read_mines({"mine_id": ["b", "a"], "county": ["X", "Y"], "area_ha": [2, 3]})
    >>> mines.ids.tolist(), mines.area_ha.tolist(), mines.assumed[:2]
    (['a', 'b'], [3.0, 2.0], ('slope_deg', 'recovery'))
    """
    frame = pd.DataFrame(table)
    for column in ("mine_id", "county", "area_ha"):
        if column not in frame:
            raise MissingColumn(f"the table of mines has no column {column}.")
    if frame.empty:
        raise NoMines("the table of mines is empty; there is nothing to plan.")
    frame = frame.assign(mine_id=frame["mine_id"].astype(str)).sort_values("mine_id")
    ids = frame["mine_id"].to_numpy(dtype=str)
    twice = np.unique(ids[1:][ids[1:] == ids[:-1]])
    if len(twice):
        raise InvalidInput(f"mines {_some(twice)} stand in the table more than once.")
    for column in ("county", "prefecture"):
        if column in frame and (frame[column].isna() | (frame[column].astype(str) == "")).any():
            bare = ids[(frame[column].isna() | (frame[column].astype(str) == "")).to_numpy()]
            raise InvalidInput(f"mines {_some(bare)} have no {column}.")
    numbers = {name: _numbers(frame, ids, name) for name in ("area_ha", *_DEFAULTS)}
    county = frame["county"].astype(str).to_numpy(dtype=str)
    prefecture = frame["prefecture"].astype(str).to_numpy(dtype=str) if "prefecture" in frame \
        else county  # fmt: skip
    owner = frame["has_owner"] if "has_owner" in frame else pd.Series(False, index=frame.index)
    if owner.isna().any():
        raise InvalidInput(f"mines {_some(ids[owner.isna().to_numpy()])} have no has_owner.")
    assumed = tuple(name for name in _DEFAULTS if name not in frame)
    return Mines(ids, county, prefecture, owner.astype(bool).to_numpy(), numbers, assumed)


def _numbers(frame: pd.DataFrame, ids: NDArray[np.str_], name: str) -> NDArray[np.float64]:
    if name not in frame:
        return np.full(len(frame), _DEFAULTS[name])
    values: NDArray[np.float64] = pd.to_numeric(frame[name], errors="coerce").to_numpy(np.float64)
    least = np.nextafter(0, 1) if name == "area_ha" else 0.0
    good = np.isfinite(values) & (values >= least) & (values <= _MOST.get(name, np.inf))
    if not good.all():
        bad = np.flatnonzero(~good)
        allowed = f"0 to {_MOST[name]:g}" if name in _MOST else "numbers of zero or more"
        raise InvalidInput(
            f"{name} of mines {_some(ids[bad])} is {frame[name].iloc[bad[0]]}; allowed are "
            f"{'numbers above zero' if name == 'area_ha' else allowed}.",
            "Correct the value, or leave the mine out.",
        )
    return values


def read_allowed(
    table: pd.DataFrame | None, mines: Mines, catalogue: Catalogue
) -> list[tuple[str, str, NDArray[np.int64]]]:
    """Packages (measure, land use) and the mines each may be used on.

    Parameters
    ----------
    table : DataFrame or None
        mine_id, measure and, optional, land_use; None allows all that the catalogue holds.
    mines : Mines
    catalogue : Catalogue

    Returns
    -------
    list of (measure, land use, rows of mines)
        By measure and land use; the land use of a social measure is "".

    Raises
    ------
    MissingColumn, UnknownOption, InvalidInput
        For a column, measure, land use or mine that is not known.
    """
    everywhere = np.arange(len(mines))
    found = [
        (measure.id, "", np.flatnonzero(mines.numbers[QUANTITY_COLUMNS[measure.unit]] > 0))
        for measure in catalogue.measures.values()
        if measure.slot not in ("land", REMEDY)
    ]
    if table is None:
        found += [
            (measure.id, use, everywhere)
            for measure in catalogue.measures.values()
            for use in measure.land_uses
        ]
    else:
        found += _named(table, mines, catalogue)
    return sorted((one for one in found if len(one[2])), key=lambda one: one[:2])


def _named(
    table: pd.DataFrame, mines: Mines, catalogue: Catalogue
) -> list[tuple[str, str, NDArray[np.int64]]]:
    for column in ("mine_id", "measure"):
        if column not in table:
            raise MissingColumn(f"the table of allowed measures has no column {column}.")
    at = mines.index_of(table["mine_id"].astype(str).tolist())
    measures = table["measure"].astype(str).to_numpy(dtype=str)
    uses = table["land_use"].astype(str).to_numpy(dtype=str) if "land_use" in table else None
    found = []
    for name in np.unique(measures):
        measure = catalogue.measure(str(name))
        if measure.slot != "land":
            continue
        rows = measures == name
        named = np.unique(uses[rows]) if uses is not None else np.array(measure.land_uses)
        for use in map(str, named):
            if use not in measure.land_uses:
                allowed = ", ".join(measure.land_uses)
                raise UnknownOption(
                    f"measure {name!r} does not lead to land use {use!r}; use one of {allowed}."
                )
            here = rows if uses is None else rows & (uses == use)
            found.append((str(name), use, np.unique(at[here])))
    return found


def _some(ids: NDArray[np.str_]) -> str:
    """The first few ids, and how many more there are."""
    shown = ", ".join(map(str, ids[:_SHOWN]))
    return shown if len(ids) <= _SHOWN else f"{shown} (+{len(ids) - _SHOWN})"
