"""Which fall of a fitted course is the damage, and when it began."""

import numpy as np
import pytest
import xarray as xr

from reverdure.core.codes import SegmentStatus
from reverdure.recovery.losses import largest_losses


def course(years: list[int], values: list[float]) -> xr.Dataset:
    """Segments of one pixel with these vertices."""
    pad = [np.nan] * (7 - len(years))
    return xr.Dataset(
        {
            "vertex_year": (("vertex", "y", "x"), np.array(years + pad).reshape(7, 1, 1)),
            "vertex_value": (("vertex", "y", "x"), np.array(values + pad).reshape(7, 1, 1)),
            "rmse": (("y", "x"), np.full((1, 1), 0.01)),
            "status": (("y", "x"), np.full((1, 1), SegmentStatus.FITTED, np.uint8)),
        }
    )


@pytest.mark.parametrize(
    ("years", "values", "start", "loss"),
    [
        ([1984, 2001, 2002, 2016], [0.86, 0.80, 0.20, 0.75], 2001, 0.60),
        ([1984, 2000, 2003, 2016], [0.80, 0.82, 0.20, 0.75], 2000, 0.62),
        ([1984, 2000, 2001, 2003, 2016], [0.80, 0.80, 0.45, 0.20, 0.75], 2000, 0.60),
        ([1984, 1990, 1994, 2005, 2016], [0.80, 0.50, 0.75, 0.20, 0.60], 1994, 0.55),
    ],
    ids=["drift before a fall", "no drift", "opened over three years", "two falls"],
)
def test_the_fall_begins_where_it_turns_steep(
    years: list[int], values: list[float], start: int, loss: float
) -> None:
    found = largest_losses(course(years, values))
    assert found.start_year.item() == start
    assert found.loss.item() == pytest.approx(loss)
    assert found.disturbed.item()


def test_a_slow_drift_alone_stays_one_fall() -> None:
    found = largest_losses(course([1984, 2000, 2016], [0.86, 0.80, 0.72]))
    assert found.start_year.item() == 1984
    assert found.loss.item() == pytest.approx(0.14)
