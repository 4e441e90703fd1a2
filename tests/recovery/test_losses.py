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


def dated(years: list[int], fitted: list[float], values: dict[int, float]) -> float:
    """Year of the fall of one pixel with these vertices and values from 1990 to 2010."""
    all_years = np.arange(1990, 2011)
    seen = np.array([values[year] for year in all_years], np.float32)
    index = xr.DataArray(seen.reshape(-1, 1, 1), {"year": all_years}, dims=("year", "y", "x"))
    return float(largest_losses(course(years, fitted), index).year.item())


def steps(*parts: tuple[int, float]) -> dict[int, float]:
    """Values that change in given years, from 1990 on."""
    level = dict(parts)
    values, now = {}, np.nan
    for year in range(1990, 2011):
        now = level.get(year, now)
        values[year] = now
    return values


def test_the_year_is_that_of_the_values_where_the_fit_begins_early():
    fall = steps((1990, 0.8), (2002, 0.2))
    # the fit slopes from 1998 on; the values fall at once in 2002
    assert dated([1990, 1998, 2002, 2010], [0.8, 0.78, 0.2, 0.2], fall) == 2002
    assert dated([1990, 2001, 2002, 2010], [0.8, 0.8, 0.2, 0.2], fall) == 2002


def test_a_small_part_that_opened_before_does_not_date_the_rest():
    # a neighbour's pit darkens a third of the pixel in 1999, the pixel goes in 2002
    values = steps((1990, 0.8), (1999, 0.62), (2002, 0.2))
    assert dated([1990, 1998, 2002, 2010], [0.8, 0.8, 0.2, 0.2], values) == 2002
    # two thirds first: then that is the year
    values = steps((1990, 0.8), (1999, 0.38), (2002, 0.2))
    assert dated([1990, 1998, 2002, 2010], [0.8, 0.8, 0.2, 0.2], values) == 1999


def test_after_cloudy_years_the_year_is_the_first_after_the_last_clear_look():
    values = steps((1990, 0.8), (2002, 0.2)) | {2001: np.nan, 2002: np.nan}
    assert dated([1990, 2000, 2003, 2010], [0.8, 0.8, 0.2, 0.2], values) == 2001


def test_the_year_never_leaves_the_fitted_fall():
    random = np.random.default_rng(4)
    for _ in range(50):
        values = {year: float(random.uniform(0, 1)) for year in range(1990, 2011)}
        assert 1998 < dated([1990, 1998, 2002, 2010], [0.8, 0.8, 0.2, 0.2], values) <= 2002


def test_without_values_the_fit_dates():
    found = largest_losses(course([1990, 1998, 2002, 2010], [0.8, 0.8, 0.2, 0.2]))
    assert found.year.item() == 1999


def test_the_kernel_agrees_with_the_least_squares_written_out():
    random = np.random.default_rng(8)
    years = np.arange(1990, 2011)
    for _ in range(30):
        start = int(random.integers(1992, 2000))
        end = start + int(random.integers(1, 6))
        values = np.where(years <= random.integers(start, end), 0.8, 0.3)
        values = (values + random.normal(0, 0.1, years.size)).astype(np.float32)
        values[random.random(years.size) < 0.1] = np.nan
        near = (years >= start - 3) & (years <= end + 3) & np.isfinite(values)
        misfit = {}
        for year in range(start + 1, end + 1):
            left, right = values[near & (years < year)], values[near & (years >= year)]
            parts = [part.astype(float) for part in (left, right) if part.size]
            if len(parts) == 2:
                misfit[year] = sum(((part - part.mean()) ** 2).sum() for part in parts)
        expected = min(misfit, key=lambda year: (round(misfit[year], 8), year))
        found = dated(
            [1990, start, end, 2010], [0.8, 0.8, 0.2, 0.2], dict(zip(years, values, strict=True))
        )
        assert found == expected
