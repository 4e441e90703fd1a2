"""Brightness of bare ground, and cover read from an index with it."""

import numpy as np
import pytest
import xarray as xr

import reverdure as rv
from reverdure.core.errors import GridMismatch
from reverdure.recovery.brightness import to_cover, with_brightness


@pytest.mark.parametrize("ratio", [0.7, 1.0, 1.6, 2.4])
def test_cover_of_a_mixture_comes_back_exactly(ratio):
    """Two bands mixed as areas do; their normalised difference read back as area."""
    cover = np.linspace(0, 1, 21)
    green, bare = np.array([0.40, 0.04]), np.array([0.25, 0.19])
    bare = bare * ratio * green.sum() / bare.sum()
    first, second = cover * green[:, None] + (1 - cover) * bare[:, None]
    index = (first - second) / (first + second)
    ends = [(b[0] - b[1]) / b.sum() for b in (bare, green)]
    way = (index - ends[0]) / (ends[1] - ends[0])
    assert to_cover(way, ratio) == pytest.approx(cover, abs=1e-12)


def test_beyond_both_ends_the_curve_goes_on_without_a_step():
    way = np.array([-1e-9, 0.0, 1e-9, 1 - 1e-9, 1.0, 1 + 1e-9])
    assert np.diff(to_cover(way, 2.0)[:3]) == pytest.approx([2e-9, 2e-9], rel=1e-3)
    assert np.diff(to_cover(way, 2.0)[3:]) == pytest.approx([0.5e-9, 0.5e-9], rel=1e-3)


def stack(values: np.ndarray) -> xr.DataArray:
    years = {"year": np.arange(2000, 2000 + values.size)}
    return xr.DataArray(values[:, None, None], years, dims=("year", "y", "x"))


def test_a_cloudy_year_changes_nothing():
    index = np.array([0.8] * 5 + [0.2] * 6 + [0.5, 0.7, 0.8, 0.8])
    light = np.where(index < 0.3, 0.5, 0.3)
    hidden = light.copy()
    hidden[7] = np.nan
    found = [
        with_brightness(rv.segment(stack(index)), stack(one)).brightness_bare.item()
        for one in (light, hidden)
    ]
    assert found == pytest.approx([0.5, 0.5], abs=0.03)


def test_years_must_agree():
    index = np.full(12, 0.8)
    with pytest.raises(GridMismatch, match="brightness"):
        with_brightness(rv.segment(stack(index)), stack(index[1:]))
