"""Waste rock, tailings and aggregate that works of a plan can put to use: the circular economy."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reverdure.core.errors import MissingColumn
from reverdure.plan.measures import Catalogue, Stream, catalogue
from reverdure.plan.mines import Mines

MILLION = 1e6
COLUMNS = (
    "stream", "en", "zh", "use_en", "use_zh", "mines", "mines_not_known", "volume_m3", "limit",
    "used_m3", "left_m3", "revenue_mcny", "status",
)  # fmt: skip


def streams(
    works: pd.DataFrame, mines: Mines, measures: Catalogue | None = None,
    volumes: Mapping[str, Mapping[str, float]] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """What lies at the mines of a plan, what of it the works can use, and what that earns.

    A measure that moves earth takes up to the limit of a stream from the volume at its mine.
    Revenue is told beside the plan and never spent in it.

    Parameters
    ----------
    works : DataFrame
        mine_id and measure, as `Plan.works` has them.
    mines : Mines
        With waste_rock_m3, tailings_m3, aggregate_m3 where they are known.
    measures : Catalogue or None
        Those of `plan/data/measures.toml` by default.
    volumes : mapping of stream to (mapping of mine to m3), optional
        In place of the columns of `mines`; of a mine that is not named the volume is not known.

    Returns
    -------
    DataFrame
        One row a stream: mines whose works can use it (and on how many of them the volume is
        not known), volume of the others, limit, use and rest in m3, revenue in million CNY at
        prices of the catalogue, and whether its figures are an assumption. NaN where no volume
        is known.

    Raises
    ------
    MissingColumn, InvalidInput
        For a table without these columns, or with a mine that is not in `mines`.

    Examples
    --------
    >>> from reverdure.plan.mines import read_mines
    >>> known = {"mine_id": ["A", "B"], "county": ["X", "X"], "area_ha": [3, 2]}
    >>> mines = read_mines({**known, "waste_rock_m3": [1e5, 5e4]})
    >>> works = {"mine_id": ["A", "B"], "measure": ["cubic_restoration", "natural_recovery"]}
    >>> found = streams(pd.DataFrame(works), mines).set_index("stream")
    >>> found.loc["waste_rock", ["mines", "volume_m3", "used_m3", "revenue_mcny"]].tolist()
    [1.0, 100000.0, 70000.0, 0.56]
    >>> found.loc["tailings", "mines"], found.loc["aggregate", "mines_not_known"]
    (np.int64(0), np.int64(1))
    """
    for column in ("mine_id", "measure"):
        if column not in works:
            raise MissingColumn(f"the table of works has no column {column}.")
    known = measures or catalogue()
    return pd.DataFrame(
        [_row(one, works, mines, volumes) for one in known.streams.values()], columns=COLUMNS
    )


def _row(
    stream: Stream, works: pd.DataFrame, mines: Mines,
    volumes: Mapping[str, Mapping[str, float]] | None,
) -> tuple[object, ...]:  # fmt: skip
    # a mine that works come to twice has its rock once
    takes = works[works["measure"].isin(stream.measures)]["mine_id"].astype(str).unique().tolist()
    at_mines = _volumes(stream, takes, mines, volumes)
    known = at_mines[np.isfinite(at_mines)]
    volume = np.nan if len(takes) and not len(known) else float(known.sum())
    used = volume * stream.limit
    return (
        stream.id, stream.en, stream.zh, stream.use_en, stream.use_zh, len(takes),
        len(takes) - len(known), volume, stream.limit, used, volume - used,
        used * stream.revenue_cny_per_m3 / MILLION, stream.status,
    )  # fmt: skip


def _volumes(
    stream: Stream, takes: list[str], mines: Mines,
    volumes: Mapping[str, Mapping[str, float]] | None,
) -> NDArray[np.float64]:  # fmt: skip
    """What of a stream lies at each of these mines, [m3]; NaN where it is not known."""
    at = mines.index_of(takes)
    if volumes is not None:
        stated = volumes.get(stream.id, {})
        return np.array([stated.get(mine, np.nan) for mine in takes], dtype=np.float64)
    column = f"{stream.id}_m3"
    if column in mines.assumed or column not in mines.numbers:
        return np.full(len(at), np.nan)
    return mines.numbers[column][at]
