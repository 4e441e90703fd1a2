"""What is known of the sites of mines: a checked table of factors, where unknown stays unknown."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reverdure.core.errors import InvalidInput, MissingColumn, UnknownOption
from reverdure.core.kinds import choices
from reverdure.plan.site_rules import factors

Flags = NDArray[np.bool_]
_M3_HA_PER_MM = 10.0


@dataclass(frozen=True)
class Sites:
    """Factors by mine, sorted by id: numbers (NaN unknown) and words (None unknown)."""

    ids: NDArray[np.str_]
    commodity: tuple[str, ...]
    values: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.ids)

    def known(self, factor: str) -> Flags:
        """Where a factor is known."""
        values = self.values[factor]
        return np.asarray(~pd.isna(values), dtype=bool)

    def for_land_use(self, need_mm: float) -> "Sites":
        """The same with the irrigation a land use needs of a year, and what is beyond the quota."""
        rain, quota = self.values["precipitation_mm"], self.values["water_quota_m3_ha"]
        water = _M3_HA_PER_MM * np.maximum(need_mm - rain, 0.0)
        derived = {"irrigation_m3_ha": water, "beyond_quota_m3_ha": water - quota}
        return Sites(self.ids, self.commodity, {**self.values, **derived})


def read_sites(table: pd.DataFrame | Mapping[str, Any]) -> Sites:
    """Factors of sites from a table, sorted by mine.

    Parameters
    ----------
    table : DataFrame or mapping of column to values
        mine_id; optional commodity and every factor of `site_rules.factors`. A column that is
        missing is known nowhere.

    Raises
    ------
    MissingColumn, InvalidInput, UnknownOption
        Without mine_id; for ids given twice, numbers beyond their range, unknown choices.

    Examples
    --------
    >>> sites = read_sites({"mine_id": ["b", "a"], "slope_deg": [40.0, None]})
    >>> sites.ids.tolist(), sites.known("slope_deg").tolist(), sites.known("road").tolist()
    (['a', 'b'], [False, True], [False, False])
    """
    frame = pd.DataFrame(table).reset_index(drop=True)
    if "mine_id" not in frame:
        raise MissingColumn("the table of sites has no column mine_id.")
    frame = frame.assign(mine_id=frame["mine_id"].astype(str)).sort_values("mine_id")
    ids = frame["mine_id"].to_numpy(dtype=str)
    twice = np.unique(ids[1:][ids[1:] == ids[:-1]])
    if len(twice):
        raise InvalidInput(f"mine {twice[0]} stands in the table of sites more than once.")
    said = frame["commodity"] if "commodity" in frame else pd.Series("", index=frame.index)
    commodity = tuple("" if pd.isna(one) else str(one) for one in said)
    values = {}
    for name, column in factors().items():
        given = frame[name] if name in frame else pd.Series(np.nan, index=frame.index)
        values[name] = _words(given, name, column.choices) if column.choices \
            else _numbers(given, name, ids)  # fmt: skip
    # where the water has a pH, there is water
    wet = np.isnan(values["drains"]) & ~np.isnan(values["drainage_ph"])
    return Sites(ids, commodity, {**values, "drains": np.where(wet, 1.0, values["drains"])})


def _words(given: "pd.Series[Any]", name: str, of: str) -> NDArray[np.object_]:
    values = np.array([None if pd.isna(one) or one == "" else one for one in given], dtype=object)
    unknown = {one for one in values if one is not None} - set(choices(of))
    if unknown:
        raise UnknownOption(
            f"factor {name} is {sorted(map(str, unknown))[0]!r}; "
            f"use one of {', '.join(choices(of))}."
        )
    return values


def _numbers(given: "pd.Series[Any]", name: str, ids: NDArray[np.str_]) -> NDArray[np.float64]:
    values: NDArray[np.float64] = pd.to_numeric(given, errors="coerce").to_numpy(
        np.float64, na_value=np.nan
    )
    most = factors()[name].most
    is_text = given.notna().to_numpy() & np.isnan(values)
    bad = np.flatnonzero(is_text | np.isinf(values) | (values < 0) | (values > most))
    if len(bad):
        allowed = f"0 to {most:g}" if np.isfinite(most) else "numbers of zero or more"
        raise InvalidInput(
            f"factor {name} of mine {ids[bad[0]]} is {given.iloc[bad[0]]}; allowed are {allowed}.",
            "Correct the survey; leave the factor out where it is not known.",
        )
    return values
