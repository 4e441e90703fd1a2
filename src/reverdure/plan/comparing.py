"""Plans side by side: what moved, where, why and what it costs; what stays in all of them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reverdure.plan.answers import values
from reverdure.plan.measures import REMEDY
from reverdure.plan.programme import Plan

_START = ["mine_id", "measure", "land_use", "start"]
CHANGES = ("same", "added", "dropped", "other_measure", "other_land_use", "other_year")


@dataclass(frozen=True)
class Comparison:
    """What is different between two plans.

    Attributes
    ----------
    moved : DataFrame
        mine_id, slot's county, before and after (measure, land use, start), change (`CHANGES`),
        cost and benefit after less before, and why: the part of the start's value (benefit,
        money, capacity, targets ...) that moved it most, not_possible, or offered: a remedy
        that was not on offer before.
    by_county : DataFrame
        county, mines moved, cost and benefit after less before.
    totals : DataFrame
        Every quantity in both plans and the difference.
    same : int
        Starts that are in both.
    same_data : bool
        Whether both plans were made from the same data and requirements.
    """

    moved: pd.DataFrame
    by_county: pd.DataFrame
    totals: pd.DataFrame
    same: int
    same_data: bool


def compare(before: Plan, after: Plan) -> Comparison:
    """What moved between two plans, where, why, and what it costs.

    The reason of a mine is told by prices: for the start that was left, each part of its value
    in the new plan is set against the old one, and the part that fell most is named; for a mine
    that comes in, the part that rose most.
    """
    both = _both(before, after)
    both["change"] = _changes(both)
    moved = both[both["change"] != "same"].reset_index(drop=True)
    moved["cost_mcny"] = moved["cost_mcny_after"].fillna(0) - moved["cost_mcny_before"].fillna(0)
    moved["benefit"] = moved["benefit_after"].fillna(0) - moved["benefit_before"].fillna(0)
    moved["why"] = _reasons(before, after, moved)
    columns = ["mine_id", "county", *(f"{c}_{s}" for s in ("before", "after") for c in _START[1:]),
               "change", "cost_mcny", "benefit", "why"]  # fmt: skip
    grouped = moved.groupby("county", as_index=False).agg(
        mines=("mine_id", "nunique"), cost_mcny=("cost_mcny", "sum"), benefit=("benefit", "sum")
    )
    totals = before.totals().rename(columns={"amount": "before"})
    totals["after"] = after.totals()["amount"]
    totals["difference"] = totals["after"] - totals["before"]
    return Comparison(
        moved[columns], grouped, totals, int((both["change"] == "same").sum()),
        before.fingerprint == after.fingerprint,
    )  # fmt: skip


def stays(plans: Mapping[str, Plan]) -> pd.DataFrame:
    """Starts that are the same in every plan: what to begin whatever comes.

    Examples
    --------
    See `docs/planning.md`.
    """
    kept: pd.DataFrame | None = None
    for plan in plans.values():
        here = plan.works[[*_START, "county"]]
        kept = here if kept is None else kept.merge(here, on=[*_START, "county"])
    return pd.DataFrame(columns=[*_START, "county"]) if kept is None else kept


def _both(before: Plan, after: Plan) -> pd.DataFrame:
    """Both plans in one table, a row a mine and kind of measure."""
    sides = []
    for plan in (before, after):
        slots = {m.id: m.slot for m in plan.compiled.problem.measures.measures.values()}
        table = plan.works[[*_START, "county", "cost_mcny", "benefit"]]
        slot = table["measure"].map(slots)
        # a mine can be repaired in several years: each is told by itself
        year = table["start"].astype(str).where(slot == REMEDY, "")
        sides.append(table.assign(slot=slot + year))
    return sides[0].merge(
        sides[1], on=["mine_id", "county", "slot"], how="outer", suffixes=("_before", "_after")
    )


def _changes(both: pd.DataFrame) -> list[str]:
    found = []
    for row in both.itertuples(index=False):
        if pd.isna(row.start_before):
            found.append("added")
        elif pd.isna(row.start_after):
            found.append("dropped")
        elif row.measure_before != row.measure_after:
            found.append("other_measure")
        elif row.land_use_before != row.land_use_after:
            found.append("other_land_use")
        else:
            found.append("same" if row.start_before == row.start_after else "other_year")
    return found


def _reasons(before: Plan, after: Plan, moved: pd.DataFrame) -> list[str]:
    """For each moved mine: the part of the value that moved it, by the start that tells."""
    old, new = _values(before), _values(after)
    reasons = []
    for row in moved.itertuples(index=False):
        if row.change == "added":
            key, sign = (row.mine_id, row.measure_after, row.land_use_after, row.start_after), 1
        else:
            key, sign = (row.mine_id, row.measure_before, row.land_use_before, row.start_before), -1
        key = (*key[:3], int(key[3]))
        if row.change == "added" and row.slot.startswith(REMEDY):
            reasons.append("offered")
            continue
        if key not in old or key not in new:
            reasons.append("not_possible")
            continue
        difference = {name: sign * (new[key][name] - old[key][name]) for name in old[key]}
        reasons.append(max(difference, key=lambda name: (difference[name], name)))
    return reasons


def _values(plan: Plan) -> "_Values":
    return _Values(plan)


class _Values:
    """Parts of the value of a start by (mine, measure, land use, year)."""

    def __init__(self, plan: Plan) -> None:
        compiled = plan.compiled
        options = compiled.options
        self._parts = (
            values(compiled, plan.found.relaxed, np.arange(len(options)))
            if plan.found.relaxed is not None else {}
        )  # fmt: skip
        keys = zip(
            compiled.problem.mines.ids[options.mine].tolist(),
            options.attribute("measure").tolist(), options.attribute("land_use").tolist(),
            np.asarray(options.years)[options.start].tolist(), strict=True,
        )  # fmt: skip
        self._at = {key: n for n, key in enumerate(keys)}

    def __contains__(self, key: object) -> bool:
        return key in self._at and bool(self._parts)

    def __getitem__(self, key: tuple[str, str, str, int]) -> dict[str, float]:
        return {name: float(part[self._at[key]]) for name, part in self._parts.items()}
