"""Evidence: what a page shows is what the verdict was made from."""

import numpy as np
import pytest
import shapely
import xarray as xr

import reverdure as rv
from reverdure.recovery.evidence import pack, shown_constants, unpack


def claim(mine: str, **change: object) -> dict[str, object]:
    return {"claim_id": f"C-{mine}", "mine_id": mine, "claimed_ha": 4.0, "year": 2013,
            "aim": "forest", **change}  # fmt: skip


@pytest.fixture(scope="module")
def judged(world, told_county):
    mines, metrics = told_county
    names = ("RESTORED", "FAILED", "LOST", "NEVER", "BLANK", "FAR")
    claims = world.claims_of(*(claim(name) for name in names), claim("PARTED", aim="grass"))
    seen: dict[str, xr.Dataset] = {}
    rows = rv.verdicts(mines, claims, metrics, evidence=seen).set_index("claim_id")
    return claims, rows, seen


def test_claims_that_were_looked_at_have_evidence_and_no_others(judged):
    _, rows, seen = judged
    assert sorted(seen) == [f"C-{m}" for m in ("FAILED", "LOST", "NEVER", "PARTED", "RESTORED")]
    assert rows.loc["C-BLANK", "reason"] == "no_outline"


def test_asking_for_evidence_changes_no_verdict(judged, told_county):
    mines, metrics = told_county
    claims, rows, _ = judged
    plain = rv.verdicts(mines, claims, metrics).set_index("claim_id")
    assert plain.drop(columns="geometry").equals(rows.drop(columns="geometry"))


def test_cells_hold_the_ground_and_the_restored_hectares(judged):
    _, rows, seen = judged
    for claim_id in ("C-RESTORED", "C-PARTED", "C-FAILED"):
        one, row = seen[claim_id], rows.loc[claim_id]
        assert float(one["cell_ha"].sum()) == pytest.approx(row["ground_ha"], rel=1e-3)
        restored = float((one["cell_ha"] * one["zone_restored"]).sum())
        assert restored == pytest.approx(row["restored_ha"], abs=0.02)
        assert float(one["draw_ha"].mean()) == pytest.approx(row["restored_ha"], abs=0.1)


def test_cells_lie_on_the_outline(judged, told_county):
    mines, _ = told_county
    outline = mines.set_index("mine_id").geometry["RESTORED"]
    one = judged[2]["C-RESTORED"]
    inside = one["cell_ha"].values > 0.0099
    y, x = np.meshgrid(one["cell_y"], one["cell_x"], indexing="ij")
    assert shapely.contains_xy(outline.buffer(0.1), x[inside], y[inside]).all()
    assert one["cell_ha"].values[shapely.contains_xy(outline.buffer(-8), x, y)].min() > 0.0099


def test_the_restored_part_is_where_it_was_planted(judged, told_county, world):
    mines, _ = told_county
    planted = world.half(mines.set_index("mine_id").geometry["PARTED"], 0.5, 3)
    one = judged[2]["C-PARTED"]
    y, x = np.meshgrid(one["cell_y"], one["cell_x"], indexing="ij")
    ground = one["cell_ha"].values > 0
    inside = shapely.contains_xy(planted.buffer(-15), x, y) & ground
    outside = ~shapely.contains_xy(planted.buffer(15), x, y) & ground
    assert one["zone_restored"].values[inside].mean() > 0.75
    assert one["zone_restored"].values[outside].mean() < 0.25


def test_gain_and_course_tell_a_restored_from_a_failed_mine(judged):
    _, _, seen = judged
    for claim_id, low, high in (("C-RESTORED", 0.7, 1.2), ("C-FAILED", -0.2, 0.3)):
        one = seen[claim_id]
        pure = one["seen"] > 0.95
        gain = one["gain"].where(pure).median(("y", "x"))
        assert one["index"].values.tolist() == ["ndvi", "nbr"]
        assert ((gain > low) & (gain < high)).all()
        before = one["value"].sel(year=slice(1997, 2001)).mean("year")
        bare = one["value"].sel(year=slice(2004, 2008)).mean("year")
        assert (before - bare > 0.3).all()
        assert (abs(one["value"] - one["fitted"]).sel(year=slice(2004, None)).mean() < 0.05).all()
        assert ((one["needed"] < one["reference"]) & (one["needed"] > bare)).all()
        assert (one["reference_low"] < one["reference_high"]).all()


def test_ground_never_damaged_shows_its_course_without_zones(judged):
    one = judged[2]["C-NEVER"]
    assert "zone_restored" not in one
    assert "gain" not in one
    assert float(one["value"].sel(index="ndvi").min()) > 0.6
    assert one.attrs["to_supported_ha"] is None


def test_margins_are_where_the_verdict_turns(judged):
    _, rows, seen = judged
    assert rows.loc["C-RESTORED", "verdict"] == "supported"
    assert seen["C-RESTORED"].attrs["to_supported_ha"] < 0
    assert rows.loc["C-PARTED", "verdict"] in ("partly_supported", "undecided")
    parted = seen["C-PARTED"]
    # supported: nine draws of ten at 0.8 of 4 ha; not supported: nine of ten under 0.2
    assert parted.attrs["to_supported_ha"] == pytest.approx(
        3.2 - float(parted["draw_ha"].interp(quantile=0.1)), abs=0.02
    )
    assert parted.attrs["to_not_supported_ha"] == pytest.approx(
        0.8 - float(parted["draw_ha"].interp(quantile=0.9)), abs=0.02
    )
    failed = seen["C-FAILED"]
    assert rows.loc["C-FAILED", "verdict"] == "not_supported"
    assert failed.attrs["to_not_supported_ha"] > 0


def test_a_claim_held_by_an_earlier_one_cannot_be_supported_by_area(world, told_county):
    mines, metrics = told_county
    outline = mines.set_index("mine_id").geometry["RESTORED"]
    claims = world.claims_of(
        claim("RESTORED", geometry=outline),
        claim("RESTORED", claim_id="C-TWICE", year=2015, geometry=outline),
    )
    seen: dict[str, xr.Dataset] = {}
    rows = rv.verdicts(mines, claims, metrics, evidence=seen).set_index("claim_id")
    assert rows.loc["C-TWICE", "reason"] == "overlaps_other_claim"
    assert seen["C-TWICE"].attrs["to_supported_ha"] is None


def test_reference_pixels_are_shown_where_they_are_known(world, told_county):
    mines, metrics = told_county
    n = metrics["ndvi"].sizes["mine_id"]
    flat = np.full((n, 4), -1, np.int32)
    row = list(metrics["ndvi"]["mine_id"].values).index("RESTORED")
    flat[row, :3] = [5, 120, 241]
    known = {
        name: one.drop_vars("reference_pixels", errors="ignore").assign(
            reference_pixels=(("mine_id", "reference_pixel"), flat)
        )
        for name, one in metrics.items()
    }
    seen: dict[str, xr.Dataset] = {}
    rv.verdicts(mines, world.claims_of(claim("RESTORED")), known, evidence=seen)
    one = seen["C-RESTORED"]
    assert one["reference_row"].values.tolist() == [0, 1, 2]
    assert one["reference_column"].values.tolist() == [5, 0, 1]


def test_what_is_kept_is_small_and_comes_back(judged):
    _, _, seen = judged
    arrays = pack(seen)
    assert sum(one.nbytes for one in arrays.values()) < 30_000 * len(seen)
    back = unpack(arrays)
    assert sorted(back) == sorted(seen)
    for claim_id, one in seen.items():
        again = back[claim_id]
        assert again.attrs == one.attrs
        assert set(again.variables) == set(one.variables)
        for name in one.variables:
            if name == "index":
                assert again[name].values.tolist() == one[name].values.tolist()
                continue
            there = np.isfinite(one[name].values)
            assert (np.isfinite(again[name].values) == there).all(), name
            np.testing.assert_allclose(
                again[name].values[there], one[name].values[there], atol=2.6e-3, err_msg=str(name)
            )
    assert all((pack(back)[name] == arrays[name]).all() for name in arrays)


def test_constants_shown_are_those_of_the_table():
    shown = {one["name"]: one for one in shown_constants()}
    assert shown["supported_share"]["value"] == 0.8
    assert all(one["status"] and one["about"] for one in shown.values())


def test_ground_cut_along_an_outline_in_another_crs_stays_inside_it(world, told_county):
    mines, metrics = told_county
    outline = mines.set_index("mine_id").geometry["PARTED"]
    bare = outline.difference(world.half(outline, 0.5, 3))
    # there and back again, an edge that was common all but coincides
    turned = world.mines_of(A=bare).to_crs(4326)
    claims = world.claims_of(claim("PARTED", claimed_ha=2.0, aim="grass"))
    claims = claims.to_crs(4326).set_geometry(list(turned.geometry), crs=4326)
    row = rv.verdicts(mines, claims, metrics).iloc[0]
    assert (row.verdict, row.reason) == ("not_supported", "measured")
