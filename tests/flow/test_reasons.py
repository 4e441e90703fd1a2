"""Planted cases end to end: each reason an auditor meets is found where it is the truth.

A case that is answered wrongly today is marked as a strict xfail with what was seen, so that
it shows as soon as it is mended.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from reverdure.pipeline.evidence import read_evidence
from reverdure.simulate.county import make_county
from reverdure.simulate.landscape import CELLS_PER_PIXEL, MARGIN_PIXELS, TOWN, WATER
from tests.flow.commands import fill, reverdure

# simulates a county, too
pytestmark = pytest.mark.timeout(1800)

WITHOUT_NUMBER = {"no_reference", "no_data", "cannot_be_seen", "too_early"}


MINES, YEARS, SEED = 1, 12, 5
RING_KINDS = ["ring_unlisted", "ring_town", "ring_water", "ring_burnt"]


@dataclass(frozen=True)
class Folders:
    """The smallest planted county, and a workspace that measured it."""

    county: Path
    workspace: Path


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    folder = tmp_path_factory.mktemp("planted")
    made = Folders(folder / "county", folder / "w")
    with pytest.MonkeyPatch.context() as patch:
        # thousands of small products: threads would only wait for each other
        patch.setenv("OPENBLAS_NUM_THREADS", "1")
        reverdure("simulate", made.county, "--mines", MINES, "--years", YEARS, "--seed", SEED,
                  "--planted")  # fmt: skip
        fill(made.workspace, made.county)
        reverdure("run", "-w", made.workspace)
    return made


@pytest.fixture(scope="module")
def judged(planted: Folders) -> pd.DataFrame:
    """Verdicts beside the truth and the claims."""
    return beside_truth(planted.county, planted.workspace)


@pytest.fixture(scope="module")
def evidence(planted: Folders) -> dict[str, xr.Dataset]:
    """What each verdict stands on, by claim id."""
    paths = (planted.workspace / "products" / "parts").glob("*.npz")
    return {claim: one for path in paths for claim, one in read_evidence(path).items()}


@pytest.fixture(scope="module")
def spoiled() -> xr.DataArray:
    """Share of each pixel that is a mine, listed or not, burnt, town or water: the truth."""
    county = make_county(n_mines=MINES, n_years=YEARS, seed=SEED, planted=True)
    cells = np.isin(county.landscape.kind, (TOWN, WATER))
    for patch in county.patches:
        cells[patch.slices] |= patch.label > 0
    blocks = cells.reshape(cells.shape[0] // CELLS_PER_PIXEL, CELLS_PER_PIXEL, -1, CELLS_PER_PIXEL)
    inner = slice(MARGIN_PIXELS, -MARGIN_PIXELS)
    share = blocks.mean(axis=(1, 3))[inner, inner]
    return xr.DataArray(share, county.landscape.grid.coordinates(), dims=("y", "x"))


def beside_truth(county: Path, workspace: Path) -> pd.DataFrame:
    """One row a claim."""
    verdicts = pd.read_parquet(workspace / "products" / "verdicts.parquet")
    truth = pd.read_parquet(county / "truth.parquet").rename(
        columns={"restored_ha": "true_ha", "damage_year": "true_damage_year"}
    )
    claims = pd.read_csv(county / "claims.csv")[["claim_id", "start_year", "wkt"]]
    both = truth.merge(verdicts, on="claim_id", validate="one_to_one")
    both = both.merge(claims, on="claim_id", validate="one_to_one")
    assert len(both) == len(truth)
    return both


def cases(judged: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Claims of a kind, with everything about them as text for a failing test."""
    found = judged[judged["kind"] == kind]
    assert len(found) >= 1
    return found


def said(rows: pd.DataFrame) -> str:
    """What was answered, for the message of a failing test."""
    columns = [
        "claim_id", "kind", "verdict", "reason", "flags", "claimed_ha", "true_ha", "payable_ha",
        "restored_ha", "restored_ha_low", "restored_ha_high", "damage_year",
    ]  # fmt: skip
    return "\n" + rows[columns].to_string()


def holds(row: pd.Series, hectares: float) -> bool:
    """Whether the interval of a claim holds a number of hectares."""
    slack = 1e-6 + 0.005 * row["claimed_ha"]
    return bool(row["restored_ha_low"] - slack <= hectares <= row["restored_ha_high"] + slack)


def fits(row: pd.Series, hectares: float) -> bool:
    """Whether a verdict may stand where these hectares are the truth; undecided always may."""
    share = hectares / row["claimed_ha"]
    return {
        "supported": share >= 0.8,
        "not_supported": share < 0.2,
        "partly_supported": 0.2 <= share < 0.8,
    }.get(row["verdict"], True)


def test_forest_that_never_was_a_mine_is_not_restored(judged: pd.DataFrame) -> None:
    rows = cases(judged, "never_damaged")
    assert (rows["verdict"] == "not_supported").all(), said(rows)
    assert (rows["reason"] == "never_damaged").all(), said(rows)
    assert (rows["restored_ha"] == 0).all(), said(rows)


def test_bare_rock_is_not_restored(judged: pd.DataFrame) -> None:
    rows = cases(judged, "bare_slope")
    assert (rows["verdict"].isin({"not_supported", "no_reference"})).all(), said(rows)


def test_ground_green_before_the_claim_is_named_as_the_reason(judged: pd.DataFrame) -> None:
    rows = cases(judged, "green_before_claim")
    assert (rows["reason"] == "green_before_claim").all(), said(rows)


def test_ground_green_before_the_claim_is_flagged_and_not_paid(judged: pd.DataFrame) -> None:
    rows = cases(judged, "green_before_claim")
    assert rows["flags"].str.contains("green_before_claim").all(), said(rows)
    for _, row in rows.iterrows():
        assert row["verdict"] in {"not_supported", "undecided"}, said(rows)
        assert holds(row, row["payable_ha"]), said(rows)


def test_damage_before_the_record_is_told_and_its_restoration_seen(judged: pd.DataFrame) -> None:
    rows = cases(judged, "damage_before_record")
    assert rows["flags"].str.contains("damage_before_record").all(), said(rows)
    assert rows["damage_year"].isna().all(), said(rows)
    assert (rows["verdict"].isin({"supported", "undecided"})).all(), said(rows)
    assert all(holds(row, row["true_ha"]) for _, row in rows.iterrows()), said(rows)


def test_damage_before_the_record_that_stayed_is_not_restored(judged: pd.DataFrame) -> None:
    rows = cases(judged, "damage_before_record_failed")
    assert rows["flags"].str.contains("damage_before_record").all(), said(rows)
    assert (rows["verdict"] == "not_supported").all(), said(rows)


def test_ground_lost_again_is_told(judged: pd.DataFrame) -> None:
    rows = cases(judged, "lost_again")
    assert (rows["reason"] == "lost_again").all(), said(rows)
    assert (rows["verdict"] == "not_supported").all(), said(rows)


@pytest.mark.parametrize("states_polygon", [True, False], ids=["polygons", "outlines of two mines"])
def test_ground_claimed_twice_is_told_at_the_later_claim(
    judged: pd.DataFrame, states_polygon: bool
) -> None:
    for kind in ("claimed_first", "overlapping"):
        rows = cases(judged, kind)
        rows = rows[rows["wkt"].notna() == states_polygon]
        assert len(rows) == 1
        assert rows["flags"].str.contains("overlaps_other_claim").all(), said(rows)
        is_held = rows["reason"] == "overlaps_other_claim"
        if kind == "claimed_first":
            assert not is_held.any(), said(rows)
            assert all(fits(row, row["true_ha"]) for _, row in rows.iterrows()), said(rows)
        else:
            assert is_held.all(), said(rows)
            assert (rows["verdict"] == "undecided").all(), said(rows)


def test_a_claim_for_a_year_to_come_is_too_early(judged: pd.DataFrame) -> None:
    rows = cases(judged, "future_year")
    assert (rows["verdict"] == "too_early").all(), said(rows)
    assert (rows["reason"] == "future_year").all(), said(rows)
    assert rows["restored_ha"].isna().all(), said(rows)


def test_a_young_restoration_is_too_early(judged: pd.DataFrame) -> None:
    rows = cases(judged, "young")
    assert (rows["verdict"] == "too_early").all(), said(rows)
    assert (rows["reason"] == "too_few_years").all(), said(rows)


def test_a_mine_without_outline_has_no_number(judged: pd.DataFrame) -> None:
    rows = cases(judged, "no_outline")
    assert (rows["verdict"] == "no_data").all(), said(rows)
    assert (rows["reason"] == "no_outline").all(), said(rows)
    assert rows["restored_ha"].isna().all(), said(rows)
    assert (rows["flags"] == "").all(), said(rows)


def test_a_lake_in_a_pit_is_not_vegetation(judged: pd.DataFrame) -> None:
    rows = cases(judged, "pit_lake")
    for _, row in rows.iterrows():
        assert row["verdict"] in WITHOUT_NUMBER or holds(row, row["true_ha"]), said(rows)
        assert fits(row, row["true_ha"]), said(rows)


@pytest.mark.parametrize("kind", RING_KINDS)
def test_no_reference_lies_on_mines_town_water_or_burnt_land(
    judged: pd.DataFrame, evidence: dict[str, xr.Dataset], spoiled: xr.DataArray, kind: str
) -> None:
    rows = cases(judged, kind)
    assert len(rows) >= 2
    for _, row in rows.iterrows():
        if row["verdict"] == "no_reference":
            continue
        one = evidence[row["claim_id"]]
        pixel = one.attrs["pixel"]
        x = one.attrs["west"] + (one["reference_column"] + 0.5) * pixel
        y = one.attrs["north"] - (one["reference_row"] + 0.5) * pixel
        share = spoiled.sel(y=y, x=x, method="nearest", tolerance=1.0)
        assert share.size >= 30
        # 60 to 85 % of the ring is
        assert float((share > 0.5).mean()) < 0.02, f"{row['claim_id']}: {float(share.mean())}"


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(
            "ring_unlisted",
            marks=pytest.mark.xfail(
                strict=True,
                raises=AssertionError,
                reason="2.76 of 2.81 ha restored from 2021 on: 0.41 ha (0-2.70). Not the ring: 1 "
                "in 1000 of its reference pixels was mined. The canopy lags by five years: true "
                "cover stands at 0.81 and 0.91 of the reference in the last two years, of it "
                "trees at half of what they were, NDVI at 0.67 and 0.82, NBR at 0.62 and 0.79",
            ),
        ),
        *RING_KINDS[1:],
    ],
)
def test_a_spoiled_ring_does_not_fool_the_verdict(judged: pd.DataFrame, kind: str) -> None:
    rows = cases(judged, kind)
    for _, row in rows.iterrows():
        # either a reason is given, or the number is right
        if row["verdict"] == "no_reference":
            assert row["reason"] in {"no_fit_reference", "reference_not_separable"}, said(rows)
        else:
            assert fits(row, row["true_ha"]), said(rows)
            assert holds(row, row["true_ha"]), said(rows)


def test_worlds_are_numbered_from_one(tmp_path: Path) -> None:
    done = reverdure("simulate", tmp_path / "county", "--world", 0, expect=1)
    assert "worlds are numbered from 1" in done.stderr
    assert not (tmp_path / "county").exists()
