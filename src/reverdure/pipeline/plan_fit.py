"""What may be planned on each mine: packages that its site rules out never are."""

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from reverdure.core.codes import Suitability
from reverdure.core.errors import UnknownOption
from reverdure.pipeline.fit import shortlist
from reverdure.plan.measures import Catalogue
from reverdure.plan.requirements import Lock
from reverdure.store.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

ALLOW, SURVEY = "allow", "survey"
UNSURVEYED = (ALLOW, SURVEY)
"""What becomes of a package that hangs on a factor nobody surveyed."""


def fitting(
    workspace: Workspace,
    mines: "pd.DataFrame",
    measures: Catalogue,
    commitments: Collection[Lock],
    unsurveyed: str = "",
) -> tuple["pd.DataFrame", "pd.DataFrame", dict[str, object]]:
    """Mines with their slope and need of a survey, packages that may be planned, and counts.

    Parameters
    ----------
    workspace : Workspace
    mines : DataFrame
        With mine_id.
    measures : Catalogue
    commitments : collection of Lock
        Works under contract: they stand whatever the site says.
    unsurveyed : str
        "survey": what hangs on a missing factor waits, and the survey can be planned;
        "allow": it may be planned; "" surveys where the workspace holds any survey at all.

    Raises
    ------
    UnknownOption
        If `unsurveyed` is none of these.
    """
    import pandas as pd

    if unsurveyed not in ("", *UNSURVEYED):
        raise UnknownOption(
            f"unsurveyed sites: {unsurveyed!r} is not known; use {' or '.join(UNSURVEYED)}."
        )
    found = shortlist(workspace, measures=measures)
    fits = found.fits
    surveyed = sum(of.source == "survey" for of in found.basis.values())
    how = unsurveyed or (SURVEY if surveyed else ALLOW)
    good = [Suitability.OK, Suitability.CONDITIONAL]
    if how == ALLOW:
        good.append(Suitability.NEEDS_SURVEY)
    package, place = np.nonzero(np.isin(fits.verdict, good))
    names = np.array(fits.packages, dtype=str).reshape(-1, 2)[package]
    allowed = pd.DataFrame(
        {"mine_id": fits.sites.ids[place], "measure": names[:, 0], "land_use": names[:, 1]}
    )
    bound = [(one.mine, one.measure, use) for one in commitments if one.measure
             for use in measures.measures[one.measure].land_uses]  # fmt: skip
    allowed = pd.concat([allowed, pd.DataFrame(bound, columns=list(allowed))])
    allowed = allowed[allowed["mine_id"].isin(mines["mine_id"])].drop_duplicates()
    table = mines
    slope = pd.Series(
        {mine: found.value(mine, "slope_deg") for mine in mines["mine_id"]}, dtype=np.float64
    )
    if slope.notna().any():
        # flat is what a mine without terrain costs, as without this column
        table = table.assign(slope_deg=slope.fillna(0.0).to_numpy())
    waiting = 0
    if how == SURVEY:
        wanted = found.survey.set_index("mine_id")["sites_to_survey"]
        table = table.assign(sites_to_survey=table["mine_id"].map(wanted).fillna(0))
        waiting = int(table["sites_to_survey"].sum())
    ruled_out = int((fits.verdict == Suitability.NO).sum())
    told = {"unsurveyed": how, "surveyed": surveyed, "ruled_out": ruled_out, "waiting": waiting,
            "with_slope": int(slope.notna().sum())}  # fmt: skip
    return table, allowed.sort_values(list(allowed), ignore_index=True), told
