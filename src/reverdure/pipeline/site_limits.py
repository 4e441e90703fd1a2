"""What surveys measured on the ground of mines and has a hard limit, for the lights of a review."""

import numpy as np

from reverdure.control.states import Floats
from reverdure.pipeline.fit import latest
from reverdure.pipeline.mine_states import MineStates
from reverdure.store.records import current
from reverdure.store.workspace import Workspace

_NUMBERS = ("displacement_mm_a", "antimony_mg_l")
_STABLE, _FAILED = "is_stable", "slope_failure"


def surveyed(workspace: Workspace, states: MineStates, year: int) -> dict[str, Floats]:
    """The latest of each factor with a hard limit, as `control.triggers.watch` takes it.

    Parameters
    ----------
    workspace : Workspace
    states : MineStates
    year : int
        Of the review; later surveys are not looked at.

    Returns
    -------
    mapping of name to (mine,) float
        NaN where no survey states it. Ground that a survey calls unstable counts as failed.

    Notes
    -----
    A survey from before the year in which the present works began says why they are done, not
    how they go: it sets off nothing.
    """
    place = {mine_id: n for n, mine_id in enumerate(states.mines.mine_id)}
    under = states.mines.under_works
    # ground is under works from the year after they began
    began = np.where(under.any(axis=1), states.years[0] + np.argmax(under, axis=1) - 1, 0)
    records = current(workspace.database, ["survey"])["survey"].values()
    values, _ = latest(
        one for one in records
        if (n := place.get(one.values["mine_id"])) is not None
        and began[n] <= int(one.values["date"][:4]) <= year
    )  # fmt: skip
    found = {name: np.full(len(place), np.nan) for name in (*_NUMBERS, _FAILED)}
    for (mine_id, factor), value in values.items():
        if factor in _NUMBERS:
            found[factor][place[mine_id]] = value
        elif factor == _STABLE:
            found[_FAILED][place[mine_id]] = not value
    return found
