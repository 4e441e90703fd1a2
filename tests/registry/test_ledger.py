"""The account closes, periods join, counties add up, and every flow is what it says."""

from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from reverdure.core.codes import LedgerColumn, LedgerLine
from reverdure.core.errors import InvalidInput
from reverdure.core.fields import LEDGER
from reverdure.ground.areas import area_ha
from reverdure.registry.grounds import Claimed, Ground, Knowledge
from reverdure.registry.knowledge import knowledge
from reverdure.registry.ledger import FLOWS, ledger
from reverdure.registry.permits import Permit, permitted_damage

YEARS = st.integers(2000, 2012)
AREAS = st.integers(0, 50_000)
COUNTIES = ("", "East", "West")
PERMITS = {"M0": [Permit(2000, 2005, 30_000), Permit(2004, 2010, 5_000)]}
TOLD = ("claimed", "accepted", "supported")


@st.composite
def grounds(draw: st.DrawFn) -> Ground:
    mine_id = f"M{draw(st.integers(0, 3))}"
    claims = [
        Claimed(f"{mine_id}-{n}", draw(YEARS), draw(AREAS), draw(st.none() | AREAS),
                draw(st.booleans()), draw(st.booleans()))
        for n in range(draw(st.integers(0, 3)))
    ]  # fmt: skip
    unseen = st.sampled_from([None, None, None, LedgerLine.NEVER_DAMAGED, LedgerLine.NO_OUTLINE])
    return Ground(
        mine_id,
        draw(st.sampled_from(COUNTIES[1:])),
        draw(AREAS),
        draw(st.none() | YEARS),
        draw(unseen),
        tuple(claims),
    )


RUNS = st.lists(
    st.builds(
        Knowledge,
        st.sampled_from(["r1", "r2", "r3"]),
        st.just("2024-01-01"),
        YEARS,
        st.lists(grounds(), max_size=6).map(tuple),
    ),
    min_size=1,
    max_size=5,
)


def account(runs: list[Knowledge], first: int, last: int) -> dict[tuple[str, str, str], Any]:
    rows = ledger(runs, first, last, supported_share=0.8, counties=COUNTIES[1:],
                  has_acceptances=True, permits=PERMITS)  # fmt: skip
    return {(row["county"], row["column"], row["line"]): row for row in rows}


@settings(max_examples=60, deadline=None)
@given(RUNS, st.lists(st.integers(1998, 2012), min_size=2, max_size=5, unique=True))
def test_any_runs_close_join_and_add_up(runs: list[Knowledge], cuts: list[int]) -> None:
    end = max(run.last_year for run in runs)
    cuts = sorted({min(cut, end) for cut in cuts} | {1998})
    before: dict[tuple[str, str, str], Any] | None = None
    for first, last in zip([year + 1 for year in cuts], cuts[1:], strict=False):
        found = account(runs, first, last)
        for what in ("mines", "area_m2"):
            for county in COUNTIES:
                for column in TOLD:
                    one = {line: found[county, column, line.key][what] for line in LedgerLine}
                    assert one[LedgerLine.DIFFERENCE] == 0
                    flows = sum(one[line] or 0 for line in FLOWS)
                    assert one[LedgerLine.OPENING] + flows == one[LedgerLine.CLOSING]
                    assert one[LedgerLine.CLOSING] >= 0
                    if before is not None:
                        closed = before[county, column, "closing"][what]
                        assert one[LedgerLine.OPENING] == closed
        for (county, column, line), row in found.items():
            if county == "" and row["area_m2"] is not None:
                parts = [found[part, column, line]["area_m2"] for part in COUNTIES[1:]]
                assert row["area_m2"] == sum(parts)
        before = found


@settings(max_examples=30, deadline=None)
@given(RUNS)
def test_no_unit_changes_an_area_and_nothing_is_both_counted_and_missing(
    runs: list[Knowledge],
) -> None:
    for row in account(runs, 2000, max(run.last_year for run in runs)).values():
        assert (row["status"] == "recorded") == (row["mines"] is not None)
        if row["area_m2"] is not None:
            assert round(row["area_ha"] * 10_000) == row["area_m2"]
            assert round(row["area_mu"] * 10_000 / 15) == row["area_m2"]
            # what is printed to four places is exact, so printed lines add up
            assert float(f"{row['area_mu']:.4f}") == row["area_mu"]


@settings(max_examples=30, deadline=None)
@given(RUNS)
def test_every_claimed_square_metre_stands_somewhere_once(runs: list[Knowledge]) -> None:
    alone = runs[0]
    found = account([alone], 1998, alone.last_year)
    told = sum(
        claim.claimed_m2
        for ground in alone.grounds
        for claim in ground.claims
        if claim.year <= alone.last_year
    )
    lines = ("restored_not_booked", "beyond_ground")
    beside = sum(found["", "claimed", line]["area_m2"] for line in lines)
    assert beside - found["", "claimed", "restored"]["area_m2"] == told


def run(last_year: int, *known: Ground, run_id: str = "r") -> Knowledge:
    return Knowledge(run_id, "2024-01-01", last_year, known)


def pit(supported: int | None, *, lost: bool = False, damage: int = 2010, county: str = "East",
        area: int = 40_000) -> Ground:  # fmt: skip
    claim = Claimed("C1", 2015, 40_000, supported, lost)
    return Ground("M1", county, area, damage, None, (claim,))


def moved(runs: list[Knowledge], first: int, last: int, column: str = "supported",
          county: str = "") -> dict[str, tuple[int, int]]:  # fmt: skip
    """Lines of a column that are not zero: mines and square metres."""
    return {
        line: (row["mines"], row["area_m2"])
        for (place, level, line), row in account(runs, first, last).items()
        if (place, level) == (county, column) and (row["mines"] or row["area_m2"])
    }


def test_damage_comes_in_its_year_and_a_claim_takes_it_out_in_its_own() -> None:
    runs = [run(2020, pit(39_000))]
    assert moved(runs, 2008, 2012) == {"new_damage": (1, 40_000), "closing": (1, 40_000)}
    assert moved(runs, 2013, 2016) == {
        "opening": (1, 40_000), "restored": (-1, -39_000), "closing": (0, 1_000),
    }  # fmt: skip
    assert moved(runs, 2013, 2016, "claimed")["restored"] == (-1, -40_000)


def test_less_than_the_share_leaves_the_mine_in_the_stock() -> None:
    assert moved([run(2020, pit(31_999))], 2015, 2015)["restored"] == (0, -31_999)
    assert moved([run(2020, pit(32_000))], 2015, 2015)["restored"] == (-1, -32_000)


def test_supported_once_and_lost_with_a_new_year_is_a_relapse_of_that_year() -> None:
    runs = [run(2020, pit(40_000)), run(2021, pit(5_000, lost=True))]
    assert moved(runs, 2021, 2021) == {"relapsed": (1, 35_000), "closing": (1, 35_000)}
    assert "relapsed" not in moved(runs, 2015, 2020)
    assert moved(runs, 2021, 2021, "claimed") == {}


def test_without_a_new_year_or_without_the_reason_it_is_a_revision() -> None:
    same_year = [run(2020, pit(40_000)), run(2020, pit(5_000, lost=True))]
    assert moved(same_year, 2020, 2020) == {
        "revision_changed": (1, 35_000), "closing": (1, 35_000),
    }  # fmt: skip
    no_reason = [run(2020, pit(40_000)), run(2021, pit(5_000))]
    assert moved(no_reason, 2021, 2021)["revision_changed"] == (1, 35_000)


def test_closed_years_stay_as_they_were_booked() -> None:
    runs = [run(2020, pit(0)), run(2021, pit(0, damage=2012, area=30_000))]
    assert moved(runs, 2010, 2010)["new_damage"] == (1, 40_000)
    assert moved(runs, 2021, 2021)["revision_changed"] == (0, -10_000)


def test_mines_that_come_go_or_change_county_are_revisions() -> None:
    came = [run(2020), run(2021, pit(0))]
    assert moved(came, 2021, 2021)["revision_added"] == (1, 40_000)
    gone = [run(2020, pit(0)), run(2021)]
    assert moved(gone, 2021, 2021)["revision_gone"] == (-1, -40_000)
    across = [run(2020, pit(0)), run(2021, pit(0, county="West"))]
    assert moved(across, 2021, 2021, county="West")["revision_added"] == (1, 40_000)
    assert moved(across, 2021, 2021)["closing"] == (1, 40_000)


def test_what_cannot_be_dated_or_decided_is_in_no_account() -> None:
    undated = run(2020, Ground("M1", "East", 40_000, None, None, (Claimed("C1", 2015, 9, 8),)))
    assert moved([undated], 2000, 2020) == {
        "damage_not_dated": (1, 40_000), "restored_not_booked": (1, 8),
    }  # fmt: skip
    assert moved([run(2020, pit(None))], 2011, 2020) == {
        "opening": (1, 40_000), "closing": (1, 40_000), "not_decided": (1, 40_000),
    }  # fmt: skip
    early = run(2020, pit(40_000, damage=2016))
    assert moved([early], 2011, 2020)["restored_not_booked"] == (1, 40_000)


def test_nothing_is_recorded_as_accepted_and_that_is_not_zero() -> None:
    rows = ledger([run(2020, pit(40_000))], 2000, 2020, supported_share=0.8)
    accepted = [row for row in rows if row["column"] == "accepted"]
    assert {row["status"] for row in accepted if row["line"] != "relapsed"} == {"no_records"}
    assert {row["mines"] for row in accepted} == {row["area_m2"] for row in accepted} == {None}


def test_what_is_accepted_counts_in_its_own_column_whatever_is_seen() -> None:
    claims = (Claimed("C1", 2015, 30_000, 0, accepted=True), Claimed("C2", 2016, 5_000, 5_000))
    seen = [run(2020, Ground("M1", "East", 40_000, 2010, None, claims))]
    assert moved(seen, 2000, 2020, "accepted") == {
        "new_damage": (1, 40_000), "restored": (0, -30_000), "closing": (1, 10_000),
        "not_decided": (1, 5_000),
    }  # fmt: skip
    assert moved(seen, 2000, 2020)["restored"] == (0, -5_000)


def test_an_acceptance_after_the_books_were_closed_is_a_revision() -> None:
    claims = [(Claimed("C1", 2015, 40_000, None, accepted=done),) for done in (False, True)]
    runs = [run(year, Ground("M1", "East", 40_000, 2010, None, one))
            for year, one in zip((2020, 2021), claims, strict=True)]  # fmt: skip
    assert moved(runs, 2021, 2021, "accepted")["revision_changed"] == (-1, -40_000)


@given(st.dictionaries(YEARS, AREAS, max_size=5),
       st.lists(st.builds(Permit, YEARS, YEARS, AREAS), max_size=3))  # fmt: skip
def test_damage_is_permitted_or_beyond_and_a_permit_is_used_up_once(damage, permits) -> None:
    split = permitted_damage(damage, permits)
    for year, m2 in damage.items():
        assert sum(split[year].values()) == m2
    permitted = sum(one.get(LedgerLine.NEW_PERMITTED, 0) for one in split.values())
    assert permitted <= sum(one.m2 for one in permits)
    for year, lines in split.items():
        if not any(one.first <= year <= one.last for one in permits):
            assert not lines.get(LedgerLine.NEW_PERMITTED)
    assert (LedgerLine.NEW_DAMAGE in {k for one in split.values() for k in one}) == (
        bool(damage) and not permits
    )


@pytest.mark.parametrize(("first", "last"), [(2015, 2014), (2015, 2021)])
def test_a_period_outside_the_imagery_is_refused(first: int, last: int) -> None:
    with pytest.raises(InvalidInput, match=f"{first} to {last}.*up to 2020"):
        ledger([run(2020)], first, last, supported_share=0.8)
    with pytest.raises(InvalidInput, match="nothing has been run"):
        ledger([], 2000, 2001, supported_share=0.8)


SQUARE = shapely.box(112.0, 27.0, 112.002, 27.002)
HA = area_ha(SQUARE)


def verdicts(*rows: dict[str, Any]) -> gpd.GeoDataFrame:
    usual = {
        "mine_id": "M1", "county": "East", "year": 2015, "claimed_ha": 3.0, "ground_ha": HA,
        "restored_ha": 2.5, "verdict": "supported", "reason": "measured", "status": "measured",
        "damage_year": 2010, "flags": "", "geometry": SQUARE,
    }  # fmt: skip
    frame = pd.DataFrame([usual | row for row in rows])
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=4326)


def known(table: gpd.GeoDataFrame, natural: list[dict[str, Any]] | None = None,
          mines: gpd.GeoDataFrame | None = None) -> tuple[Ground, ...]:  # fmt: skip
    columns = ["mine_id", "county", "ground", "ground_ha", "damage_year", "reason"]
    if mines is None:
        mines = gpd.GeoDataFrame(
            {"mine_id": ["M1"], "stated_area_ha": [7.0], "measured_area_ha": [HA]},
            geometry=[SQUARE], crs=4326,
        )  # fmt: skip
    unclaimed = pd.DataFrame(natural or [], columns=columns)
    return knowledge("r", "2024-01-01", 2020, table, unclaimed, mines).grounds


@pytest.mark.parametrize(
    ("verdict", "supported"),
    [("supported", 25_000), ("partly_supported", 25_000), ("not_supported", 0),
     ("undecided", None), ("too_early", None), ("cannot_be_seen", None), ("no_data", None)],
)  # fmt: skip
def test_only_a_decided_claim_has_a_supported_area(verdict: str, supported: int | None) -> None:
    (ground,) = known(verdicts({"claim_id": "C1", "verdict": verdict}))
    assert ground.claims[0].supported_m2 == supported


def test_ground_that_claims_share_or_overlap_on_counts_once() -> None:
    both = [{"claim_id": one, "status": "shared_ground"} for one in ("C1", "C2")]
    (shared,) = known(verdicts(*both))
    assert len(shared.claims) == 2
    assert shared.area_m2 == round(HA * 10_000)
    twice = known(verdicts({"claim_id": "C1"}, {"claim_id": "C2", "mine_id": "M2"}))
    assert [ground.area_m2 for ground in twice] == [round(HA * 5_000)] * 2


def test_unclaimed_ground_that_is_another_mines_too_counts_once() -> None:
    mines = gpd.GeoDataFrame(
        {"mine_id": ["M1", "M2"], "stated_area_ha": [1.0, 1.0], "measured_area_ha": [HA, HA]},
        geometry=[SQUARE, SQUARE], crs=4326,
    )  # fmt: skip
    rows = [
        {"mine_id": one, "county": "East", "ground": "unclaimed", "ground_ha": HA,
         "damage_year": 2010, "reason": "measured"}
        for one in ("M1", "M2")
    ]  # fmt: skip
    none = verdicts({"claim_id": "C1"}).iloc[:0]
    assert sum(ground.area_m2 for ground in known(none, rows, mines)) == round(HA * 10_000)


def test_lost_again_is_read_from_the_reason_and_from_the_flags() -> None:
    for told in ({"reason": "lost_again"}, {"flags": "damage_outside;lost_again"}):
        assert known(verdicts({"claim_id": "C1"} | told))[0].claims[0].lost_again
    assert not known(verdicts({"claim_id": "C1"}))[0].claims[0].lost_again


def test_a_mine_without_outline_has_the_stated_area_or_none() -> None:
    row = {"mine_id": "M1", "county": "East", "ground": "unclaimed", "ground_ha": float("nan"),
           "damage_year": None, "reason": "no_outline"}  # fmt: skip
    none = verdicts({"claim_id": "C1"}).iloc[:0]
    (stated,) = known(none, [row])
    assert (stated.unseen, stated.area_m2) == (LedgerLine.NO_OUTLINE, 70_000)
    (unstated,) = known(none, [row | {"mine_id": "M9"}])
    found = account([Knowledge("r", "d", 2020, (unstated,))], 2010, 2020)
    line = found["", "supported", "no_area"]
    assert (line["mines"], line["area_m2"]) == (1, None)


def test_a_row_has_the_columns_of_the_table() -> None:
    row = next(iter(account([run(2020, pit(1))], 2010, 2020).values()))
    assert set(row) | {"definition", "definition_zh"} == set(LEDGER.columns)
    assert {column.key for column in LedgerColumn} == {"claimed", "accepted", "supported"}
