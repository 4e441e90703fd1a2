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


def _shortest(values: NDArray[np.float64]) -> tuple[float, float]:
    """Shortest interval that holds 95 % of the draws.

    Where a zone is restored with 97 % certainty the draws have two heaps, and an interval
    that cuts both tails alike would reach to zero.
    """
    ordered = np.sort(values)
    n_inside = int(np.ceil(0.95 * ordered.size))
    widths = ordered[n_inside - 1 :] - ordered[: ordered.size - n_inside + 1]
    first = int(widths.argmin())
    return float(ordered[first]), float(ordered[first + n_inside - 1])


def interval(
    restored_ha: NDArray[np.float64], n_pixels: float, claimed_ha: float, most_ha: float
) -> tuple[float, float]:
    """Low and high of the 95 % interval, [ha], within zero and the ground.

    Examples
    --------
    >>> import numpy as np
    >>> low, high = interval(np.linspace(1, 2, 401), 1e6, 2.0, 2.05)
    >>> round(low, 3), high
    (0.908, 2.05)
    """
    low, high = _shortest(restored_ha)
    widen = size_class(n_pixels)
    return (
        max(float(low) - widen["lower"] * claimed_ha, 0.0),
        min(float(high) + widen["upper"] * claimed_ha, max(most_ha, float(high))),
    )
