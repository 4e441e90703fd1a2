"""The 95 % interval of restored hectares, widened as learnt per size class."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverdure.recovery.constants import table


def size_class(n_pixels: float) -> dict[str, Any]:
    """Entry of `data/calibration.toml` for a ground of this many pixels.

    Examples
    --------
    >>> size_class(12.0)["below_pixels"]
    20
    """
    classes: list[dict[str, Any]] = table("calibration")["class"]  # type: ignore[assignment]
    return next(entry for entry in classes if n_pixels < entry["below_pixels"])


def interval(
    restored_ha: NDArray[np.float64], n_pixels: float, claimed_ha: float, most_ha: float
) -> tuple[float, float]:
    """Low and high of the 95 % interval, [ha], within zero and the ground.

    Examples
    --------
    >>> import numpy as np
    >>> low, high = interval(np.linspace(1, 2, 401), 1e6, 2.0, 2.05)
    >>> round(low, 3), high
    (0.945, 2.05)
    """
    low, high = np.quantile(restored_ha, (0.025, 0.975))
    widen = size_class(n_pixels)
    return (
        max(float(low) - widen["lower"] * claimed_ha, 0.0),
        min(float(high) + widen["upper"] * claimed_ha, max(most_ha, float(high))),
    )
