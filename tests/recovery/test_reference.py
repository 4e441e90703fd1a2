"""Reference: same kind of land, in the ring, away from mines, year by year."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
import xarray as xr

import reverdure as rv
from reverdure.core.codes import ReferenceStatus
from reverdure.core.errors import GridMismatch, MissingColumn, MissingCRS, WrongDimensions
from reverdure.core.grid import Grid
from reverdure.recovery.lands import of_land
from reverdure.recovery.reference import references
from reverdure.recovery.surroundings import Surroundings

SIZE = 260
GRID = Grid("EPSG:32650", 500_000.0, 3_000_000.0, 30.0, SIZE, SIZE)
YEARS = np.arange(2000, 2016)
PIT = shapely.box(503_870, 2_996_070, 503_990, 2_996_190)


def land(background: np.ndarray | float = 0.8) -> np.ndarray:
    values = np.empty((YEARS.size, SIZE, SIZE), np.float32)
    values[:] = background
    values[:, 127:131, 129:133] = np.where(YEARS < 2005, 0.8, 0.2)[:, None, None]
    return values


def as_index(values: np.ndarray, grid: Grid = GRID) -> xr.DataArray:
    return xr.DataArray(
        values, {"year": YEARS, **grid.coordinates()}, dims=("year", "y", "x"), name="ndvi"
    )


def mines(*outlines: object) -> gpd.GeoDataFrame:
    ids = [f"M{k}" for k in range(1, len(outlines) + 1)]
    return gpd.GeoDataFrame({"mine_id": ids}, geometry=list(outlines), crs=32650)


def found(values: np.ndarray, table: gpd.GeoDataFrame, **options: object) -> xr.Dataset:
    index = as_index(values)
    return rv.reference(index, rv.segment(index), table, **options)


def test_levels_are_the_yearly_median_and_its_spread():
    random = np.random.default_rng(1)
    weather = np.linspace(-0.05, 0.05, YEARS.size)
    values = land()
    values += weather[:, None, None] + random.normal(0, 0.01, values.shape)
    one = found(values.astype(np.float32), mines(PIT)).isel(mine_id=0)
    assert one.status == ReferenceStatus.FOUND
    # the reference carries the weather: median within three errors of 2000 pixels
    assert np.allclose(one.level, 0.8 + weather, atol=0.002)
    # 16 and 84 % of a normal of deviation 0.01 lie one deviation off
    assert np.allclose(one.high - one.level, 0.01, atol=0.002)
    assert float(one.bare_level) == pytest.approx(0.2, abs=0.04)
    assert float(one.level_before) == pytest.approx(0.8, abs=0.03)
    assert float(one.damage_year) == 2005
    assert int(one.n_directions) == 8


def test_other_kinds_of_land_do_not_enter():
    values = land()
    values[:, :, 150:] = 0.4
    one = found(values, mines(PIT)).isel(mine_id=0)
    assert np.allclose(one.level, 0.8, atol=1e-5)


def test_what_lies_beyond_the_ring_changes_nothing():
    index = as_index(land(np.random.default_rng(2).normal(0.8, 0.02, (SIZE, SIZE))))
    segments = rv.segment(index)
    whole = rv.reference(index, segments, mines(PIT))
    part = {"y": slice(24, 236), "x": slice(24, 236)}
    small = rv.reference(index.isel(part), segments.isel(part), mines(PIT))
    dims = ["y", "x", "reference_pixel"]
    xr.testing.assert_identical(whole.drop_dims(dims), small.drop_dims(dims))
    used = small.pixels.values >= 0
    rows, columns = np.divmod(small.pixels.values[used], 212)
    expected = (rows + 24) * SIZE + columns + 24
    np.testing.assert_array_equal(whole.pixels.values[used], expected)
    assert (whole.pixels.values[~used] == -1).all()


def test_a_mine_is_no_reference_for_another_nor_is_its_edge():
    index = as_index(land())
    other = shapely.box(504_900, 2_995_000, 506_000, 2_997_500)
    alone = rv.reference(index, rv.segment(index), mines(PIT))
    beside = rv.reference(index, rv.segment(index), mines(PIT, other), only=["M1"])
    buffered = other.buffer(60).area / 900
    lost = int(alone.n_pixels[0]) - int(beside.n_pixels[0])
    # every pixel of the other mine and within 60 m of it, give or take its border
    assert buffered * 0.9 < lost < buffered * 1.2


def test_only_computes_what_is_asked_with_the_same_result():
    far = shapely.box(502_000, 2_998_000, 502_120, 2_998_120)
    values = land()
    values[:, 62:67, 66:71] = np.where(YEARS < 2008, 0.8, 0.2)[:, None, None]
    both = found(values, mines(PIT, far))
    one = found(values, mines(PIT, far), only=["M2"])
    assert list(one.mine_id.values) == ["M2"]
    xr.testing.assert_identical(
        both.sel(mine_id=["M2"]).drop_dims(["y", "x"]), one.drop_dims(["y", "x"])
    )


@pytest.mark.parametrize(
    ("background", "status"),
    [
        ("bare everywhere else", ReferenceStatus.TOO_FEW_PIXELS),
        ("forest in one direction", ReferenceStatus.ONE_SIDED),
    ],
)
def test_unfit_surroundings_give_a_status_and_no_level(background, status):
    base = np.full((SIZE, SIZE), 0.3)
    base[124:134, 126:136] = 0.8
    if status is ReferenceStatus.ONE_SIDED:
        base[118:124, 160:220] = 0.8
    one = found(land(base), mines(PIT)).isel(mine_id=0)
    assert int(one.status) == status, background
    assert np.isnan(one.level).all()
    allowed = found(land(base), mines(PIT), allow_before_level=True).isel(mine_id=0)
    assert int(allowed.status) == ReferenceStatus.BEFORE_LEVEL
    assert np.allclose(allowed.level, 0.8, atol=0.01)


def test_a_mine_older_than_the_record_has_a_bare_level_but_none_before():
    values = land()
    values[:, 127:131, 129:133] = 0.2
    one = found(values, mines(PIT)).isel(mine_id=0)
    assert int(one.status) == ReferenceStatus.FOUND
    assert np.isnan(one.level_before)
    assert float(one.bare_level) == pytest.approx(0.2, abs=1e-4)


def test_forest_that_never_was_a_mine_has_no_bare_level():
    one = found(np.full_like(land(), 0.8), mines(PIT)).isel(mine_id=0)
    assert int(one.status) == ReferenceStatus.NEVER_DAMAGED
    assert np.isnan(one.bare_level)


def test_no_outline_and_outside_are_told_apart():
    outside = shapely.box(600_000, 2_996_000, 600_100, 2_996_100)
    result = found(land(), mines(None, outside))
    assert list(result.status.values) == [
        ReferenceStatus.NO_OUTLINE, ReferenceStatus.OUTSIDE_IMAGERY,
    ]  # fmt: skip


def test_terrain_narrows_where_enough_is_left():
    elevation = np.tile(np.linspace(0, 2000, SIZE), (SIZE, 1))
    values = land(np.where(elevation > 1300, 0.75, 0.8))
    terrain = xr.Dataset({"elevation": (("y", "x"), elevation)}, GRID.coordinates())
    plain = found(values, mines(PIT)).isel(mine_id=0)
    matched = found(values, mines(PIT), terrain=terrain).isel(mine_id=0)
    assert (str(plain.matched.values), str(matched.matched.values)) == ("level", "level+elevation")
    assert int(matched.n_pixels) < int(plain.n_pixels)
    assert np.allclose(matched.level, 0.8, atol=1e-5)


PLANTED = (slice(60, 120), slice(60, 200))
STORIES = {
    "unlisted bare land": np.full(YEARS.size, 0.15),
    "a town": np.full(YEARS.size, 0.35),
    "water": np.full(YEARS.size, -0.2),
    "burnt and back": np.where((YEARS >= 2007) & (YEARS < 2011), 0.3, 0.8),
    "burnt before the record": np.minimum(0.45 + 0.03 * (YEARS - 2000), 0.8),
    "felled for good": np.where(YEARS < 2009, 0.8, 0.3),
    "an unlisted mine that greened": np.where(YEARS < 2003, 0.2, 0.8),
}


def used_mask(one: xr.Dataset) -> np.ndarray:
    mask = np.zeros(SIZE * SIZE, bool)
    flat = one.pixels.values.ravel()
    mask[flat[flat >= 0]] = True
    return mask.reshape(SIZE, SIZE)


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("opened", [2005, 1990], ids=["in the record", "before it"])
def test_what_is_no_undisturbed_land_is_no_reference(story, opened):
    values = land()
    values[:, 127:131, 129:133] = np.where(opened > YEARS, 0.8, 0.2)[:, None, None]
    values[:, PLANTED[0], PLANTED[1]] = STORIES[story][:, None, None]
    one = found(values, mines(PIT)).isel(mine_id=0)
    assert int(one.status) == ReferenceStatus.FOUND
    assert used_mask(one).sum() > 500
    assert not used_mask(one)[PLANTED].any()
    assert np.allclose(one.level, 0.8, atol=0.01)
    refused = int(one.n_disturbed) + int(one.n_unlike)
    assert refused >= 60 * 140 * 0.95


def test_every_pixel_of_the_ring_is_used_or_left_out_for_a_reason():
    values = land()
    values[:, PLANTED[0], PLANTED[1]] = STORIES["burnt and back"][:, None, None]
    values[:, 150:170, :] = 0.4
    other = shapely.box(504_900, 2_995_000, 505_500, 2_995_600)
    no = shapely.box(502_000, 2_997_000, 502_900, 2_997_900)
    one = found(values, mines(PIT, other), only=["M1"], refused={"M1": no}).isel(mine_id=0)
    reasons = ("n_mined", "n_refused", "n_disturbed", "n_unlike", "n_terrain", "n_apart")
    counts = {name: int(one[name]) for name in reasons}
    assert sum(counts.values()) + int(one.n_pixels) == int(one.n_ring)
    # 900 m square; its pixels that lie in the ring
    assert 800 < counts["n_refused"] <= 31 * 31
    assert min(counts["n_mined"], counts["n_disturbed"], counts["n_unlike"]) > 300


def test_where_most_of_the_land_like_it_changed_the_rest_is_the_reference():
    burnt = STORIES["burnt and back"]
    for columns, is_most in ((90, False), (170, True)):
        values = land()
        for part in (slice(0, 120), slice(140, SIZE)):
            values[:, part, :columns] = burnt[:, None, None]
        one = found(values, mines(PIT)).isel(mine_id=0)
        assert int(one.status) == ReferenceStatus.FOUND
        assert (int(one.n_disturbed) > int(one.n_pixels)) is is_most
        assert np.allclose(one.level, 0.8, atol=0.01)


def test_the_level_before_a_fall_is_one_that_was_seen():
    # two years before the fall: the fitted line starts at 0.97
    story = [0.85, 0.85, 0.13, 0.12, 0.43, 0.62, 0.76, 0.78, 0.84, 0.82]
    values = np.full((len(story), SIZE, SIZE), 0.85, np.float32)
    values += np.random.default_rng(3).normal(0, 0.01, values.shape).astype(np.float32)
    values[:, 127:131, 129:133] = np.array(story)[:, None, None]
    index = xr.DataArray(values, {"year": 2015 + np.arange(len(story)), **GRID.coordinates()},
                         dims=("year", "y", "x"))  # fmt: skip
    segments = rv.segment(index)
    fitted = float(segments["fitted"].sel(year=2015).values[129, 131])
    assert fitted > 0.93
    one = rv.reference(index, segments, mines(PIT)).isel(mine_id=0)
    assert abs(float(one.level_before) - 0.85) < 0.02
    assert int(one.status) == ReferenceStatus.FOUND


def test_a_pixel_that_leaves_the_course_of_the_rest_is_dropped_and_common_change_is_not():
    greening = 0.65 + 0.012 * (YEARS - 2000)
    values = land()
    values[:] = greening[:, None, None]
    values[:, 127:131, 129:133] = np.where(YEARS < 2005, 0.67, 0.2)[:, None, None]
    values[:, PLANTED[0], PLANTED[1]] = 0.68
    one = found(values, mines(PIT)).isel(mine_id=0)
    assert int(one.status) == ReferenceStatus.FOUND
    assert int(one.n_apart) > 60 * 140 * 0.95
    assert not used_mask(one)[PLANTED].any()
    assert np.allclose(one.level, greening, atol=0.02)


def two_indices(values: np.ndarray, other: np.ndarray) -> dict[str, tuple]:
    layers = {"ndvi": as_index(values), "nbr": as_index(other).rename("nbr")}
    return {name: (index, rv.segment(index)) for name, index in layers.items()}


def test_land_must_be_alike_in_every_index():
    # water with the structure index of forest
    values, other = land(), land()
    values[:, PLANTED[0], PLANTED[1]] = -0.2
    alone = found(other, mines(PIT)).isel(mine_id=0)
    assert used_mask(alone)[PLANTED].any()
    both = references(two_indices(values, other), Surroundings.of(mines(PIT), GRID))
    for name, matched in (("ndvi", "level+nbr"), ("nbr", "level+ndvi")):
        one = both[name].isel(mine_id=0)
        assert int(one.status) == ReferenceStatus.FOUND
        assert not used_mask(one)[PLANTED].any()
        assert str(one.matched.values) == matched


def test_indices_that_share_no_land_are_matched_each_on_its_own():
    values, other = land(), land()
    values[:, :, :130] = np.where(values[:, :, :130] > 0.7, 0.4, values[:, :, :130])
    other[:, :, 130:] = np.where(other[:, :, 130:] > 0.7, 0.4, other[:, :, 130:])
    values[:, 127:131, 129:133] = other[:, 127:131, 129:133] = land()[:, 127:131, 129:133]
    both = references(two_indices(values, other), Surroundings.of(mines(PIT), GRID))
    for name in both:
        assert int(both[name].status[0]) == ReferenceStatus.FOUND
        assert str(both[name].matched.values[0]) == "level"


def cover_layer(*parts: tuple[int, tuple[slice, slice]]) -> xr.Dataset:
    classes = np.full((SIZE, SIZE), 10.0)
    for number, part in parts:
        classes[part] = number
    return xr.Dataset({"cover": (("y", "x"), classes)}, GRID.coordinates())


def test_towns_water_and_bare_land_of_the_cover_layer_are_no_reference():
    for number in (50, 60, 70, 80):
        one = found(land(), mines(PIT), terrain=cover_layer((number, PLANTED))).isel(mine_id=0)
        assert int(one.status) == ReferenceStatus.FOUND
        assert not used_mask(one)[PLANTED].any()


def test_farmland_is_compared_with_farmland():
    values = land()
    values[:, PLANTED[0], PLANTED[1]] = 0.55
    values[:, 140:200, 60:200] = 0.55
    layer = cover_layer((40, PLANTED), (40, (slice(140, 200), slice(60, 200))))
    rows = found(values, mines(PIT), terrain=layer, aims={"M1": ["farmland", "forest", "grass"]})
    assert list(rows.land.values) == ["former", "farmland", "forest", "grass"]
    level = dict(zip(rows.land.values, rows.level.values[:, -1], strict=True))
    assert level["farmland"] == pytest.approx(0.55, abs=0.01)
    assert level["former"] == level["forest"] == pytest.approx(0.8, abs=0.01)
    status = dict(zip(rows.land.values, rows.status.values, strict=True))
    assert status["grass"] == ReferenceStatus.TOO_FEW_PIXELS
    # without the layer there is the former land alone
    assert list(found(values, mines(PIT), aims={"M1": ["farmland"]}).land.values) == ["former"]


def test_a_claim_takes_the_row_of_its_aim_or_that_of_the_former_land():
    values = land()
    values[:, PLANTED[0], PLANTED[1]] = 0.55
    layer = cover_layer((40, PLANTED))
    index = as_index(values)
    segments = rv.segment(index)
    rows = rv.reference(index, segments, mines(PIT), layer, aims={"M1": ["farmland"]})
    metrics = rv.recovery_metrics(index, segments, reference=rows)
    chosen, of_aim = of_land({"ndvi": metrics}, "M1", "farmland")
    assert of_aim
    assert float(chosen["ndvi"].reference_level[0, -1]) == pytest.approx(0.55, abs=0.01)
    former, of_aim = of_land({"ndvi": metrics}, "M1", "wetland")
    assert not of_aim
    assert float(former["ndvi"].reference_level[0, -1]) == pytest.approx(0.8, abs=0.01)


def test_broken_contracts_are_named():
    index = as_index(land())
    segments = rv.segment(index)
    with pytest.raises(WrongDimensions, match="year"):
        rv.reference(index.isel(year=0), segments, mines(PIT))
    with pytest.raises(MissingColumn, match="mine_id"):
        rv.reference(index, segments, mines(PIT).drop(columns="mine_id"))
    with pytest.raises(MissingCRS):
        rv.reference(index, segments, mines(PIT).set_crs(None, allow_override=True))
    with pytest.raises(GridMismatch, match="segments"):
        rv.reference(index, segments.isel(y=slice(3, None)), mines(PIT))
    with pytest.raises(MissingColumn, match="M9"):
        rv.reference(index, segments, mines(PIT), only=["M9"])


def test_inputs_stay_as_they_were():
    index = as_index(land())
    segments, table = rv.segment(index), mines(PIT)
    before = index.copy(deep=True), segments.copy(deep=True), table.copy()
    index.values.setflags(write=False)
    rv.reference(index, segments, table)
    xr.testing.assert_identical(index, before[0])
    xr.testing.assert_identical(segments, before[1])
    assert table.equals(before[2])
