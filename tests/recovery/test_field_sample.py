"""How many plots, in which strata, where: against the published example and known ground."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr

from reverdure.core.errors import InvalidInput
from reverdure.recovery.error_matrix import StratifiedSample, adjusted_area
from reverdure.recovery.field_frame import sampling_frame
from reverdure.recovery.field_sample import allocate, place_plots, plan_sample, sample_size

# Olofsson et al. 2014, doi:10.1016/j.rse.2014.02.015, section 5.1.1, table 5
SHARES, ACCURACIES = [0.020, 0.015, 0.320, 0.645], [0.70, 0.60, 0.90, 0.95]


def test_the_published_sample_size_comes_back():
    assert sample_size(SHARES, ACCURACIES, 0.01) == 641


def ground(n=4000, seed=2):
    rng = np.random.default_rng(seed)
    p = rng.beta(0.4, 0.4, n)
    verdict = np.where(p > 0.75, "supported", np.where(p < 0.2, "not_supported", "undecided"))
    return pd.DataFrame(
        {"verdict": verdict, "p_restored": p, "area_ha": rng.uniform(0.005, 0.01, n)}
    )


def test_a_plan_reaches_what_was_asked_for_with_no_plot_to_spare():
    design = plan_sample(ground(), within=0.08)
    assert design.within <= 0.08
    fewer = plan_sample(ground(), plots=int(design.strata["plots"].sum()) - 2)
    assert fewer.within > 0.08


def test_a_closer_answer_and_more_confidence_need_more_plots():
    numbers = [
        plan_sample(ground(), within=within, confidence=confidence).strata["plots"].sum()
        for within, confidence in ((0.20, 0.95), (0.10, 0.95), (0.05, 0.95), (0.05, 0.99))
    ]
    assert numbers == sorted(set(numbers))


def test_strata_hold_one_map_class_and_all_of_the_ground():
    pieces = ground()
    design = plan_sample(pieces, within=0.1)
    assert design.strata["area_ha"].sum() == pytest.approx(pieces["area_ha"].sum())
    for name, rows in pieces.groupby(design.stratum):
        stratum = design.strata.set_index("stratum").loc[name]
        assert set(rows["p_restored"] >= 0.5) == {stratum["map_class"] == "restored"}
        assert rows["area_ha"].sum() == pytest.approx(stratum["area_ha"])
        assert rows["p_restored"].between(stratum["p_low"], stratum["p_high"]).all()
    assert (design.strata["area_ha"] >= 0.03 * pieces["area_ha"].sum()).all()
    assert (design.strata["plots"] >= 10).all()


def test_small_strata_join_their_neighbour_but_a_class_alone_stays():
    pieces = pd.DataFrame({
        "verdict": ["supported", "undecided", "not_supported"],
        "p_restored": [0.95, 0.9, 0.1],
        "area_ha": [98.0, 1.0, 1.0],
    })  # fmt: skip
    strata = plan_sample(pieces, plots=40).strata
    assert list(strata["verdicts"]) == ["supported+undecided", "not_supported"]


@pytest.mark.parametrize("plots", [4, 5, 7, 20, 21, 60, 333])
def test_every_plot_is_given_to_a_stratum(plots):
    sizes = np.array([0.01, 5.0])
    counts = allocate(sizes, plots)
    assert counts.sum() == plots
    assert (counts >= 2).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [({}, "either"), ({"within": 0.1, "plots": 9}, "either"), ({"within": 0.0}, "within"),
     ({"plots": 3}, "too few"), ({"within": 0.1, "confidence": 0.2}, "confidence")],
)  # fmt: skip
def test_options_out_of_range_are_refused(options, words):
    with pytest.raises(InvalidInput, match=words):
        plan_sample(ground(), **options)


def test_nothing_restored_or_no_ground_is_said():
    bare = ground().assign(p_restored=0.0)
    with pytest.raises(InvalidInput, match="nothing is measured as restored"):
        plan_sample(bare, within=0.1)
    assert plan_sample(bare, plots=30).strata["plots"].sum() == 30
    with pytest.raises(InvalidInput, match="no claim"):
        plan_sample(bare.head(0), plots=30)


def two_grounds():
    """A square of 3 ha and an L-shaped one, cut into cells of 20 m."""
    square = shapely.box(0, 0, 200, 150)
    bent = shapely.union(shapely.box(500, 0, 540, 300), shapely.box(540, 0, 760, 40))
    rows = []
    for name, shape in (("A", square), ("B", bent)):
        west, south, east, north = shape.bounds
        for x in np.arange(west, east, 20):
            for y in np.arange(south, north, 20):
                part = shape.intersection(shapely.box(x, y, x + 20, y + 20))
                if part.area > 0:
                    rows.append({"claim_id": name, "verdict": "undecided", "west": x, "south": y,
                                 "east": x + 20, "north": y + 20, "area_ha": part.area / 1e4,
                                 "p_restored": 0.9 if x < 100 or x > 520 else 0.3})  # fmt: skip
    return pd.DataFrame(rows), {"A": square, "B": bent}


def test_plots_are_uniform_over_the_ground_of_their_stratum():
    pieces, grounds = two_grounds()
    design = plan_sample(pieces, plots=6000)
    plots = place_plots(pieces, grounds, design, seed=1)
    assert len(plots) == 6000
    claim = pieces["claim_id"].to_numpy()[plots["piece"]]
    inside = [shapely.intersects_xy(grounds[c], x, y)
              for c, x, y in zip(claim, plots["x"], plots["y"], strict=True)]  # fmt: skip
    assert all(inside)
    # any part of a stratum gets plots by its area: the lower half of the square, for one
    for stratum, n in design.strata[["stratum", "plots"]].itertuples(index=False):
        sides = pieces.loc[design.stratum == stratum, ["west", "south", "east", "north"]]
        cells = shapely.box(*sides.to_numpy().T)
        low = shapely.box(0, 0, 1000, 40)
        whole = shapely.union_all(list(grounds.values()))
        land = shapely.intersection(shapely.union_all(cells), whole)
        share = shapely.intersection(land, low).area / land.area
        seen = ((plots["stratum"] == stratum) & (plots["y"] < 40)).sum() / n
        assert seen == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / n))
    assert (1 / plots["density_per_ha"]).sum() == pytest.approx(pieces["area_ha"].sum())


def test_the_same_seed_gives_the_same_plots_and_another_one_others():
    pieces, grounds = two_grounds()
    design = plan_sample(pieces, plots=40)
    one, same, other = (place_plots(pieces, grounds, design, seed) for seed in (4, 4, 5))
    pd.testing.assert_frame_equal(one, same)
    assert not np.allclose(one["x"], other["x"])


def test_any_first_part_of_the_plots_is_a_sample_of_the_same_kind():
    pieces, grounds = two_grounds()
    design = plan_sample(pieces, plots=200)
    plots = place_plots(pieces, grounds, design, seed=9)
    whole = plots["stratum"].value_counts(normalize=True)
    for n in (50, 100, 150):
        part = plots.nsmallest(n, "priority")["stratum"].value_counts(normalize=True)
        assert part.reindex(whole.index).to_numpy() == pytest.approx(whole.to_numpy(), abs=0.03)


def test_plots_of_a_known_population_give_its_area_without_bias():
    pieces, grounds = two_grounds()
    design = plan_sample(pieces, plots=40)
    areas = dict(design.strata[["stratum", "area_ha"]].itertuples(index=False))
    true_ha = (
        shapely.intersection(
            shapely.union_all(list(grounds.values())), shapely.box(0, 0, 1000, 110)
        ).area
        / 1e4
    )
    values, covered = [], 0
    for seed in range(300):
        plots = place_plots(pieces, grounds, design, seed)
        sample = StratifiedSample.of(list(plots["stratum"]), areas)
        y = (plots["y"] < 110).to_numpy(float)
        found = adjusted_area(y, np.ones(40, bool), sample, sample.area, seed=seed)
        values.append(found.value)
        covered += found.low <= true_ha <= found.high
    assert np.mean(values) == pytest.approx(true_ha, abs=3.5 * np.std(values) / np.sqrt(300))
    assert covered / 300 >= 0.93


def verdict_table(rows):
    frame = gpd.GeoDataFrame(rows, geometry="geometry", crs=4326)
    return frame.assign(mine_id="M1", county="x", verdict="undecided")


def test_ground_claimed_twice_is_sampled_once_under_the_earlier_claim():
    early, late = shapely.box(112, 28, 112.002, 28.002), shapely.box(112.001, 28, 112.003, 28.002)
    rows = [
        {"claim_id": "C1", "year": 2015, "status": "measured", "restored_ha": 2.0,
         "ground_ha": 4.35, "geometry": late},
        {"claim_id": "C2", "year": 2010, "status": "measured", "restored_ha": 2.0,
         "ground_ha": 4.35, "geometry": early},
        {"claim_id": "C3", "year": 2011, "status": "not_measured", "restored_ha": np.nan,
         "ground_ha": 4.0, "geometry": early},
    ]  # fmt: skip
    frame = sampling_frame(verdict_table(rows), lambda mine, claim: None)
    areas = frame.pieces.set_index("claim_id")["area_ha"]
    assert areas["C1"] == pytest.approx(areas["C2"] / 2, rel=1e-6)
    assert list(frame.left_out["claim_id"]) == ["C3"]
    assert frame.grounds["C1"].intersection(frame.grounds["C2"]).area == pytest.approx(0, abs=1e-12)


def test_claims_that_share_the_outline_of_their_mine_are_one_ground():
    outline = shapely.box(112, 28, 112.002, 28.002)
    rows = [
        {"claim_id": name, "year": 2010, "status": "shared_ground", "restored_ha": ha,
         "ground_ha": 4.35, "geometry": outline}
        for name, ha in (("C1", 1.0), ("C2", 2.0))
    ]  # fmt: skip
    frame = sampling_frame(verdict_table(rows), lambda mine, claim: None)
    assert list(frame.pieces["claim_id"]) == ["C1"]
    assert frame.pieces["p_restored"].iloc[0] == pytest.approx(3 / 4.35)
    assert dict(frame.holder) == {"C1": "C1", "C2": "C1"}


def test_cells_carry_their_own_probability_and_lose_what_another_claim_holds():
    from pyproj import Transformer

    back = Transformer.from_crs("EPSG:32650", "EPSG:4326", always_xy=True)
    metres = shapely.box(500_000, 3_100_000, 500_040, 3_100_020)
    other = shapely.box(500_020, 3_099_900, 500_500, 3_100_500)
    degrees, held = (shapely.transform(one, back.transform, interleaved=False)
                     for one in (metres, other))  # fmt: skip
    cells = xr.Dataset(
        {
            "zone_restored": (("cell_y", "cell_x"), np.array([[0.9, 0.8, 0.2, 0.1]] * 2)),
            "cell_ha": (("cell_y", "cell_x"), np.full((2, 4), 0.01)),
        },
        {"cell_y": [3_100_015.0, 3_100_005.0], "cell_x": [500_005.0, 500_015, 500_025, 500_035]},
        {"crs": "EPSG:32650", "pixel": 30.0},
    )
    rows = [
        {"claim_id": "C1", "year": 2012, "status": "measured", "restored_ha": 0.04,
         "ground_ha": 0.08, "geometry": degrees},
        {"claim_id": "C0", "year": 2010, "status": "measured", "restored_ha": 1.0,
         "ground_ha": 28.8, "geometry": held},
    ]  # fmt: skip
    alone = sampling_frame(verdict_table(rows[:1]), lambda mine, claim: cells)
    assert sorted(alone.pieces["p_restored"].round(3)) == [0.1, 0.1, 0.2, 0.2, 0.8, 0.8, 0.9, 0.9]
    assert alone.pieces["area_ha"].sum() == pytest.approx(0.08)
    both = sampling_frame(verdict_table(rows), lambda mine, claim: cells if claim == "C1" else None)
    left = both.pieces[both.pieces["claim_id"] == "C1"]
    assert left["area_ha"].sum() == pytest.approx(0.04, rel=1e-3)
    assert set(left.loc[left["area_ha"] > 1e-4, "p_restored"].round(3)) == {0.8, 0.9}
