"""The offset between Sentinel-2 and Landsat: found where it is there, refused where it is not."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from scipy import ndimage

from reverdure.core.codes import FineStatus
from reverdure.core.errors import GridMismatch, InvalidInput, WrongDimensions
from reverdure.core.grid import Grid
from reverdure.recovery.fine import as_landsat_sees, fine_offset, fine_sigma_m, joined

YEARS = tuple(range(2017, 2025))
SIDE = 44
CELLS = Grid("EPSG:32650", 390_015.0, 3_120_015.0, 10.0, 3 * SIDE, 3 * SIDE)
PIXELS = Grid("EPSG:32650", 390_015.0, 3_120_015.0, 30.0, SIDE, SIDE)


def cube(values: np.ndarray, grid: Grid, years: tuple[int, ...] = YEARS) -> xr.DataArray:
    return xr.DataArray(
        values.astype(np.float32),
        dims=("year", "y", "x"),
        coords={"year": list(years[: len(values)]), **grid.coordinates()},
        name="ndvi",
    )


def land(seed: int, spread: float = 0.08) -> np.ndarray:
    """Fields and woods that differ by `spread`, on 10 m cells."""
    rng = np.random.default_rng(seed)
    rough = ndimage.gaussian_filter(rng.normal(size=CELLS.shape), 8)
    fine = ndimage.gaussian_filter(rng.normal(size=CELLS.shape), 1)
    return 0.75 + spread * (rough / rough.std() + 0.4 * fine / fine.std())


Pair = tuple[xr.DataArray, xr.DataArray]


@pytest.fixture(scope="module")
def pair() -> Callable[..., Pair]:
    """Both sensors over the same land, with noise and a different shift every year."""

    def make(
        seed: int = 1,
        *,
        intercept: float = 0.03,
        slope: float = 0.97,
        spread: float = 0.08,
        noise: float = 0.015,
        year_sd: float = 0.01,
        years: tuple[int, ...] = YEARS,
    ) -> Pair:
        rng = np.random.default_rng([seed, 5])
        ground = np.stack([land(seed, spread)] * len(years))
        shape = ground.shape
        seen = as_landsat_sees(cube(ground, CELLS, years)).values
        both = rng.normal(0, year_sd, (len(years), 1, 1))
        white = ndimage.gaussian_filter(rng.normal(size=shape), (0, 0.7, 0.7))
        fine = ground + 2.5 * noise * white
        landsat = intercept + slope * seen + both + rng.normal(0, noise, seen.shape)
        return cube(fine, CELLS, years), cube(landsat, PIXELS, years)

    return make


def test_a_known_relation_is_found_with_errors_that_hold(pair: Callable[..., Pair]) -> None:
    off, level = [], []
    for seed in range(24):
        found = fine_offset(*pair(seed))
        assert found.is_joined
        assert found.n_years == len(YEARS)
        off.append((found.slope - 0.97) / found.slope_error)
        truth = 0.03 + (0.97 - found.slope) * found.centre
        level.append((found.intercept - truth) / found.intercept_error)
    assert np.mean(np.abs(off) < 2.2) > 0.85
    assert np.mean(np.abs(level) < 2.5) > 0.85
    # errors that were far too wide would hold as well
    assert np.std(off) > 0.4
    assert np.std(level) > 0.4


def test_each_year_has_its_own_intercept(pair: Callable[..., Pair]) -> None:
    fine, landsat = pair(3, year_sd=0.0)
    moved = landsat.copy()
    moved[2] += 0.05
    before, after = fine_offset(fine, landsat), fine_offset(fine, moved)
    steps = np.subtract(
        [a for _, a in after.year_intercepts], [a for _, a in before.year_intercepts]
    )
    assert steps == pytest.approx([0.05 if i == 2 else 0.0 for i in range(8)], abs=2e-3)
    assert after.year_spread > before.year_spread + 0.01
    # joined values stand on the Landsat of their year
    gap = as_landsat_sees(joined(fine, after)) - moved
    assert np.abs(gap.median(["y", "x"])).max() < 0.002


def test_missed_clouds_do_not_move_it(pair: Callable[..., Pair]) -> None:
    fine, landsat = pair(4)
    rng = np.random.default_rng(9)
    for year in range(0, 8, 2):
        row, column = rng.integers(0, SIDE - 12, 2)
        landsat[year, row : row + 12, column : column + 12] -= 0.4
        fine[year, 3 * column : 3 * column + 40, 3 * row : 3 * row + 40] -= 0.4
    found, clean = fine_offset(fine, landsat), fine_offset(*pair(4))
    assert found.is_joined
    assert found.slope == pytest.approx(clean.slope, abs=2.5 * clean.slope_error)
    assert found.intercept + found.slope * 0.75 == pytest.approx(
        clean.intercept + clean.slope * 0.75, abs=0.004
    )


def test_noise_in_sentinel2_does_not_flatten_the_line(pair: Callable[..., Pair]) -> None:
    slopes = [fine_offset(*pair(seed, noise=0.03, spread=0.06)).slope for seed in range(12)]
    assert np.mean(slopes) == pytest.approx(0.97, abs=0.012)


def test_land_all_alike_says_that_it_knows_no_slope(pair: Callable[..., Pair]) -> None:
    wide, narrow = fine_offset(*pair(6)), fine_offset(*pair(6, spread=0.002, slope=0.8))
    assert narrow.slope_error > 3 * wide.slope_error
    assert abs(narrow.slope - 1) <= 0.2
    # at the land's own level the offset is known all the same
    level = 0.03 + 0.8 * narrow.centre
    assert narrow.intercept + narrow.slope * narrow.centre == pytest.approx(level, abs=0.012)


def test_mines_are_left_out(pair: Callable[..., Pair]) -> None:
    fine, landsat = pair(7)
    landsat[:, 10:34, 10:34] -= 0.3
    usable = xr.DataArray(np.ones(PIXELS.shape, bool), dims=("y", "x"))
    usable[8:36, 8:36] = False
    without = fine_offset(fine, landsat, usable)
    clean = fine_offset(*pair(7), usable)
    assert without.to_dict() == clean.to_dict()
    assert without.n_pixels <= int(usable.sum())


def test_too_little_common_land_is_told(pair: Callable[..., Pair]) -> None:
    fine, landsat = pair(8)
    few = xr.DataArray(np.zeros(PIXELS.shape, bool), dims=("y", "x"))
    few[:10, :10] = True
    found = fine_offset(fine, landsat, few)
    assert (found.status, found.n_pixels) == (FineStatus.TOO_FEW_PIXELS, 100)
    assert np.isnan(found.slope)
    assert found.to_dict()["slope"] is None
    found = fine_offset(*pair(8, years=YEARS[:2]))
    assert (found.status, found.n_years) == (FineStatus.TOO_FEW_YEARS, 2)
    apart = landsat.assign_coords(year=[1990 + i for i in range(8)])
    assert fine_offset(fine, apart).status is FineStatus.TOO_FEW_PIXELS


def test_other_land_is_not_joined(pair: Callable[..., Pair]) -> None:
    fine, _ = pair(9)
    _, elsewhere = pair(10, spread=0.16)
    assert fine_offset(fine, elsewhere).status is FineStatus.NOT_ALIKE
    _, landsat = pair(9, slope=0.5)
    assert fine_offset(fine, landsat).status is FineStatus.NOT_ALIKE


def test_inputs_stay_as_they_are(pair: Callable[..., Pair]) -> None:
    fine, landsat = pair(2)
    before = fine.copy(deep=True), landsat.copy(deep=True)
    joined(fine, fine_offset(fine, landsat))
    xr.testing.assert_identical(fine, before[0])
    xr.testing.assert_identical(landsat, before[1])


def test_what_cannot_be_joined_is_refused(pair: Callable[..., Pair]) -> None:
    fine, landsat = pair(2)
    found = fine_offset(fine, landsat)
    with pytest.raises(InvalidInput, match="nbr cannot be joined by an offset of ndvi"):
        joined(fine.rename("nbr"), found)
    with pytest.raises(InvalidInput, match="too_few_years"):
        joined(fine, fine_offset(*pair(8, years=YEARS[:2])))
    with pytest.raises(GridMismatch, match="three by three"):
        as_landsat_sees(fine[:, 1:])
    with pytest.raises(GridMismatch, match="one window"):
        fine_offset(fine, landsat[:, :-1])
    with pytest.raises(WrongDimensions):
        as_landsat_sees(fine[0])


def test_a_point_is_blurred_to_what_landsat_would_see() -> None:
    """Cells that carry their own blur end with the blur of Landsat, not with both."""
    point = np.zeros((1, *CELLS.shape))
    middle = 3 * 22 + 1
    point[0, middle, middle] = 1.0
    own = ndimage.gaussian_filter(point, (0, fine_sigma_m("ndvi") / 10, fine_sigma_m("ndvi") / 10))
    seen = as_landsat_sees(cube(own, CELLS)).values[0].astype(float)
    across = seen.sum(axis=0) / seen.sum()
    offsets = (np.arange(SIDE) - 22) * 30.0
    sd = np.sqrt((across * offsets**2).sum() - (across * offsets).sum() ** 2)
    # Landsat of this project: 1.3 pixels of 30 m and 6.5 m of registration
    assert sd == pytest.approx(np.hypot(1.3 * 30 / 2.355, 6.5), rel=0.03)


def test_a_pixel_that_is_mostly_hidden_is_not_known() -> None:
    values = np.full((1, *CELLS.shape), 0.5)
    values[0, 60:63, 60:63] = np.nan
    seen = as_landsat_sees(cube(values, CELLS)).values[0]
    assert np.isnan(seen[20, 20])
    assert np.isfinite(seen[20, 24])
    assert seen[~np.isnan(seen)] == pytest.approx(0.5, abs=1e-6)
    # the window's own edge is no cloud
    assert np.isfinite(seen[0, 0])
