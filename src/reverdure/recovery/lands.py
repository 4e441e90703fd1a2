"""Which reference a claim is judged against: that of its aim's land, or of the former."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from reverdure.recovery.constants import has_own_land
from reverdure.recovery.reference import FORMER


def of_land(
    metrics: Mapping[str, xr.Dataset], mine_id: str, aim: str
) -> tuple[dict[str, xr.Dataset], bool]:
    """Metrics with the one reference of a mine that an aim asks for.

    Parameters
    ----------
    metrics : mapping of index id to Dataset
        Results of `recovery_metrics`, in which a mine may stand once for each land.
    mine_id : str
    aim : str
        Key of `Aim`.

    Returns
    -------
    dict of index id to Dataset
        With the rows of this mine alone: the one of the aim's land where there is one, else
        that of land like the former.
    bool
        False where the reference is land like the former though the aim is apt to be another
        kind of land (`own_land` in `recovery/data/aims.toml`).

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> rows = {"mine_id": ["M1", "M1"], "land": ("mine_id", ["former", "farmland"])}
    >>> metrics = {"ndvi": xr.Dataset({"reference_n_pixels": ("mine_id", [90, 40])}, rows)}
    >>> chosen, of_aim = of_land(metrics, "M1", "farmland")
    >>> chosen["ndvi"].reference_n_pixels.values, of_aim
    (array([40]), True)
    >>> chosen, of_aim = of_land(metrics, "M1", "wetland")
    >>> chosen["ndvi"].reference_n_pixels.values, of_aim
    (array([90]), False)
    """
    chosen, of_aim = {}, True
    for name, one in metrics.items():
        mine = one["mine_id"].values.astype(str) == mine_id
        own = np.nonzero(mine & (one["land"].values.astype(str) == aim))[0]
        former = np.nonzero(mine & (one["land"].values.astype(str) == FORMER))[0]
        chosen[name] = one.isel(mine_id=own if own.size else former)
        of_aim &= bool(own.size) or not former.size
    return chosen, of_aim or not has_own_land(aim)
