"""A small programme with every verdict, Chinese names and strings that mean harm."""

import math
from collections.abc import Callable

import geopandas
import numpy as np
import pandas
import pytest
import shapely
import xarray as xr

from reverdure.core.codes import NaturalGround, NaturalState, Reason, Verdict
from reverdure.core.fields import (
    CLAIMS,
    MINES,
    NATURAL_RECOVERY,
    TOTALS,
    TRAJECTORIES,
    VERDICTS,
    Table,
)
from reverdure.core.records import Finding, ImportReport, Picture
from reverdure.publish.report import ReportData

COUNTIES = ("冷水江市", "新化县", "unknown", "O'Neill & <b>Sons</b>")
NAMES = (
    "锡矿山北矿", "Old Quarry No. 3", "<script>alert(1)</script>", "=cmd|' /C calc'!A0",
    "大坪石灰岩矿", "", "白云铺煤矿", "Ridge pit", "＝1+1", "坪上采石场", "Long " * 12, "青山矿区",
)  # fmt: skip
IDS = {2: "<img src=x onerror=alert(1)>", 3: "=2+5", 4: "赣-7", 5: "../x", 8: "m00001"}
ANSWERS = (
    (Verdict.SUPPORTED, Reason.MEASURED, 0.97),
    (Verdict.PARTLY_SUPPORTED, Reason.LOST_AGAIN, 0.52),
    (Verdict.NOT_SUPPORTED, Reason.NEVER_DAMAGED, 0.0),
    (Verdict.NOT_SUPPORTED, Reason.MEASURED, 0.08),
    (Verdict.UNDECIDED, Reason.INTERVAL_TOO_WIDE, 0.74),
    (Verdict.NO_DATA, Reason.NO_OUTLINE, None),
    (Verdict.TOO_EARLY, Reason.TOO_FEW_YEARS, None),
    (Verdict.CANNOT_BE_SEEN, Reason.AIM_NOT_VEGETATION, None),
    (Verdict.NO_REFERENCE, Reason.NO_FIT_REFERENCE, None),
    (Verdict.SUPPORTED, Reason.MEASURED, 1.08),
    (Verdict.SUPPORTED, Reason.DAMAGE_BEFORE_RECORD, 0.91),
)


def _outline(number: int, random: np.random.Generator) -> shapely.MultiPolygon | None:
    if number % 12 == 5:
        return None
    x, y = 111.2 + 0.9 * random.random(), 27.4 + 0.6 * random.random()
    angles = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    radius = 0.0012 * (1 + 0.4 * random.random(14))
    ring = np.column_stack((x + radius * np.cos(angles), y + radius * np.sin(angles)))
    return shapely.MultiPolygon([shapely.Polygon(ring)])


def _mines(n_mines: int, random: np.random.Generator) -> geopandas.GeoDataFrame:
    records = [
        {
            "mine_id": IDS.get(i, f"M{i + 1:05d}"),
            "name": NAMES[i % len(NAMES)],
            "county": COUNTIES[i % 4] if i % 4 != 2 else "",
            "commodity": ("锑", "limestone", "", "煤")[i % 4],
            "mining_method": ("open_pit", "unknown", "mixed")[i % 3],
            "stated_area_ha": 3.4,
            "measured_area_ha": math.nan if i % 12 == 5 else 3.1 + 0.1 * (i % 9),
            "flags": "ring_repaired" if i == 1 else "",
            "source": "mines.gpkg",
            "source_row": i + 1,
            "geometry": _outline(i, random),
        }
        for i in range(n_mines)
    ]
    return _frame(records, MINES)


def _claims(mines: geopandas.GeoDataFrame, random: np.random.Generator) -> geopandas.GeoDataFrame:
    records = []
    for i, mine_id in enumerate(mines["mine_id"]):
        if i % 12 == 11:
            continue
        for part in range(2 if i % 12 == 0 else 1):
            records.append(
                {
                    "claim_id": f"C{i + 1:05d}{'ab'[part] if i % 12 == 0 else ''}",
                    "mine_id": mine_id,
                    "year": 2012 + i % 8,
                    "start_year": 2010 + i % 8,
                    "claimed_ha": round(0.8 + 6 * random.random(), 2),
                    "aim": "photovoltaic" if i % 12 == 7 else ("forest", "grass")[i % 2],
                    "claimant": ("省地质局", "", "@evil & co")[i % 3],
                    "flags": "year_guessed" if i == 1 else "",
                    "source": "claims.csv",
                    "source_row": len(records) + 1,
                    "geometry": None,
                }
            )
    return _frame(records, CLAIMS)


def _verdicts(
    mines: geopandas.GeoDataFrame, claims: geopandas.GeoDataFrame
) -> geopandas.GeoDataFrame:
    known = mines.set_index("mine_id")
    order = {mine_id: i for i, mine_id in enumerate(mines["mine_id"])}
    records = []
    for claim in claims.to_dict("records"):
        verdict, reason, share = ANSWERS[order[claim["mine_id"]] % 12]
        restored = math.nan if share is None else share * claim["claimed_ha"]
        records.append(
            {
                "claim_id": claim["claim_id"],
                "mine_id": claim["mine_id"],
                "county": known.loc[claim["mine_id"], "county"] or "unknown",
                "aim": claim["aim"],
                "year": claim["year"],
                "claimed_ha": claim["claimed_ha"],
                "ground_ha": claim["claimed_ha"] * 1.1,
                "restored_ha": restored,
                "restored_ha_low": restored * 0.86,
                "restored_ha_high": restored * 1.11,
                "verdict": verdict.key,
                "reason": reason.key,
                "status": "not_measured" if share is None else "measured",
                "p_supported": math.nan if share is None else float(share > 0.9),
                "p_not_supported": math.nan if share is None else float(share < 0.1),
                "damage_year": 2001.0 if share else math.nan,
                "recovered_year": claim["year"] + 3.0 if share and share > 0.9 else math.nan,
                "recovered_share": math.nan if share is None else share,
                "last_clear_year": 2023,
                "n_pixels": 38.25,
                "indices": "ndvi+nbr",
                "flags": "overlaps_other_claim;own_flag;index_missing" if share == 0.52 else "",
                "run_id": "3f9a2c61d0",
                "geometry": known.loc[claim["mine_id"], "geometry"],
            }
        )
    return _frame(records, VERDICTS)


def _totals(mines: pandas.DataFrame, verdicts: pandas.DataFrame) -> pandas.DataFrame:
    groups = ("supported", "partly_supported", "not_supported", "undecided")
    records = []
    for county in ("", *sorted(set(verdicts["county"]))):
        mine_county = mines["county"].replace("", "unknown")
        here = verdicts if county == "" else verdicts[verdicts["county"] == county]
        record = {
            "county": county,
            "mines": int((mine_county == county).sum()) if county else len(mines),
            "mines_without_outline": 1,
            "mine_area_ha": 40.0,
            "claims": len(here),
            "claimed_ha": here["claimed_ha"].sum(),
            "restored_ha": here["restored_ha"].sum(),
            "restored_ha_low": here["restored_ha"].sum() * 0.93,
            "restored_ha_high": here["restored_ha"].sum() * 1.06,
            "run_id": "3f9a2c61d0",
        }
        for group in (*groups, "not_judged"):
            chosen = here["verdict"] == group
            if group == "not_judged":
                chosen = ~here["verdict"].isin(groups)
            record[f"{group}_claims"] = int(chosen.sum())
            record[f"{group}_claimed_ha"] = here.loc[chosen, "claimed_ha"].sum()
        records.append(record)
    return pandas.DataFrame(records)[TOTALS.columns]


def _natural(mines: pandas.DataFrame, claims: pandas.DataFrame) -> pandas.DataFrame:
    """What came back by itself: every state on unclaimed ground, and both kinds of claims."""
    claimed = dict(zip(claims["mine_id"], claims["claim_id"], strict=True))
    records = []
    for i, mine_id in enumerate(mines["mine_id"]):
        state = list(NaturalState)[i % 6]
        kinds = [NaturalGround.UNCLAIMED]
        if mine_id in claimed and i % 5 < 2:
            kinds.append((NaturalGround.NATURAL_AIM, NaturalGround.BEFORE_CLAIM)[i % 5])
        for kind in kinds:
            share = (0.95, 0.5, 0.1, 0.5, 0.0, math.nan)[i % 6]
            if kind is not NaturalGround.UNCLAIMED:
                state, share = NaturalState.RECOVERED, 0.9
            ground_ha = math.nan if i % 12 == 5 and not share > 0 else 2.0
            records.append(
                {
                    "ground_id": f"{mine_id}:{kind.key}",
                    "mine_id": mine_id,
                    "claim_id": "" if kind is NaturalGround.UNCLAIMED else claimed[mine_id],
                    "county": "unknown",
                    "ground": kind.key,
                    "ground_ha": ground_ha,
                    "recovered_ha": ground_ha * share,
                    "recovered_ha_low": 0.9 * ground_ha * share,
                    "recovered_ha_high": 1.1 * ground_ha * share,
                    "recovered_share": share,
                    "since": 2008.0 if share > 0.2 else math.nan,
                    "damage_year": 2001.0,
                    "state": state.key,
                    "status": "measured" if share >= 0 else "not_measured",
                    "reason": "measured" if share >= 0 else "no_outline",
                    "last_clear_year": 2023,
                    "n_pixels": 22.2,
                    "run_id": "3f9a2c61d0",
                }
            )
    return pandas.DataFrame(records, columns=NATURAL_RECOVERY.columns)


def _trajectories(mines: pandas.DataFrame, random: np.random.Generator) -> pandas.DataFrame:
    years = np.arange(1995, 2025)
    records = []
    for i, mine_id in enumerate(mines["mine_id"]):
        if i % 12 == 5:
            continue
        for index in ("ndvi", "nbr", "ndmi", '<b>"9')[: 4 if i == 0 else 2]:
            fitted = np.interp(years, [1995, 2000, 2002, 2013, 2024], [0.74, 0.75, 0.22, 0.3, 0.7])
            reference = 0.76 + 0.02 * np.sin(years)
            for k, year in enumerate(years):
                records.append(
                    {
                        "mine_id": mine_id,
                        "index": index,
                        "year": int(year),
                        "value": math.nan if k in (9, 10) else fitted[k] + random.normal(0, 0.03),
                        "fitted": fitted[k],
                        "clear_share": 0.3 if k in (4, 15) else 0.95,
                        "reference": math.nan if i % 12 == 8 else reference[k],
                        "reference_low": math.nan if i % 12 == 8 else reference[k] - 0.05,
                        "reference_high": math.nan if i % 12 == 8 else reference[k] + 0.04,
                        "run_id": "3f9a2c61d0",
                    }
                )
    return pandas.DataFrame(records, columns=TRAJECTORIES.columns)


def _frame(records: list[dict[str, object]], table: Table) -> geopandas.GeoDataFrame:
    columns = list(dict.fromkeys([*table.columns, "geometry"]))
    return geopandas.GeoDataFrame(records, columns=columns, geometry="geometry", crs="EPSG:4326")


def _counties() -> geopandas.GeoDataFrame:
    boxes = [
        shapely.segmentize(shapely.box(111.15 + 0.5 * i, 27.35, 111.65 + 0.5 * i, 28.05), 0.05)
        for i in range(2)
    ]
    return geopandas.GeoDataFrame(
        {"county": ["冷水江市", "新化县"], "county_code": ["431381", "431322"]},
        geometry=boxes,
        crs="EPSG:4326",
    )


def _picture(year: int, is_green: bool, size: int) -> Picture:
    random = np.random.default_rng(year)
    y, x = np.mgrid[:size, :size] - size / 2
    rgb = np.empty((size, size, 3))
    rgb[:] = (58, 88, 48)
    rgb += random.normal(0, 9, (size, size, 1)) + random.normal(0, 3, (size, size, 3))
    inside = x**2 + 1.5 * y**2 < (0.22 * size) ** 2
    rgb[inside] = ((78, 104, 62) if is_green else (186, 170, 148)) + random.normal(
        0, 10, (int(inside.sum()), 3)
    )
    angles = np.linspace(0, 2 * np.pi, 24)
    ring = size / 2 + 0.23 * size * np.column_stack((np.cos(angles), 0.82 * np.sin(angles)))
    return Picture(year, rgb.clip(0, 255).astype(np.uint8), (ring,))


def _kernel(x: np.ndarray, y: np.ndarray, shape: shapely.Geometry) -> np.ndarray:
    """Share of 10 m squares around these centres that a shape covers, roughly."""
    inside = [shapely.contains_xy(shape, x + a, y + b) for a in (-3, 3) for b in (-3, 3)]
    return np.mean(inside, axis=0)


def _evidence(outline: shapely.Geometry, number: int, verdict: dict[str, object]) -> xr.Dataset:
    """Made-up evidence of one claim on this outline, in the form `claim_evidence` gives."""
    random = np.random.default_rng(number)
    west, south, east, north = outline.bounds
    left, top = 30 * np.floor(west / 30 - 2), 30 * np.ceil(north / 30 + 2)
    n_x, n_y = int((east - left) // 30) + 3, int((top - south) // 30) + 3
    cell_x, cell_y = left + 5 + 10 * np.arange(3 * n_x), top - 5 - 10 * np.arange(3 * n_y)
    xx, yy = np.meshgrid(cell_x, cell_y)
    share = _kernel(xx, yy, outline)
    near = shapely.contains_xy(outline.buffer(20), xx, yy)
    restored = 1 / (1 + np.exp(-(xx - (west + east) / 2) / 25 + random.normal(0, 0.4, xx.shape)))
    seen = share.reshape(n_y, 3, n_x, 3).mean(axis=(1, 3))
    used = near.reshape(n_y, 3, n_x, 3).any(axis=(1, 3))
    now = restored.reshape(n_y, 3, n_x, 3).mean(axis=(1, 3))
    indices = ["ndvi", "nbr"] if number % 2 == 0 else ["ndvi"]
    gain = np.where(used, now - 0.1 + random.normal(0, 0.05, (len(indices), n_y, n_x)), np.nan)
    years = np.arange(1995, 2025)
    fitted = np.interp(years, [1995, 2000, 2002, 2013, 2024], [0.74, 0.75, 0.22, 0.3, 0.7])
    reference = 0.76 + 0.02 * np.sin(years)
    clear = np.where(years % 7 == 4, 0.3, 0.95)
    value = np.where(years % 9 == 3, np.nan, fitted + random.normal(0, 0.02, years.size))
    courses = {
        "value": value, "fitted": fitted, "reference": reference,
        "reference_low": reference - 0.05, "reference_high": reference + 0.04,
        "needed": 0.22 + 0.714 * (reference - 0.22),
    }  # fmt: skip
    ring_x, ring_y = np.meshgrid(np.arange(210), np.arange(210))
    distance = np.hypot(ring_x - 105, ring_y - 105)
    found = (distance > 20) & (distance < 98) & (random.random(distance.shape) < 0.06)
    row, column = np.nonzero(found)
    restored_ha = np.nan_to_num(float(verdict["restored_ha"]))
    data = {
        "zone_restored": (("cell_y", "cell_x"), np.where(near, restored, np.nan)),
        "zone_way": (("cell_y", "cell_x"), np.where(near, restored, np.nan)),
        "cell_ha": (("cell_y", "cell_x"), 0.01 * share),
        "seen": (("y", "x"), np.where(used, seen, np.nan)),
        "gain": (("index", "y", "x"), gain),
        "now": (("index", "y", "x"), gain + 0.1),
        "clear_share": (("year",), clear),
        "draw_ha": (("quantile",), np.linspace(0.7, 1.2, 41) * restored_ha),
        **{name: (("index", "year"), np.tile(one, (len(indices), 1)))
           for name, one in courses.items()},
    }  # fmt: skip
    if number % 3:
        data["reference_row"] = (("reference_pixel",), row.astype(np.int16))
        data["reference_column"] = (("reference_pixel",), column.astype(np.int16))
    if number % 12 == 2:
        for name in ("zone_restored", "zone_way", "gain", "now", "draw_ha"):
            del data[name]
    attrs = {
        "crs": "EPSG:32649", "pixel": 30.0, "indices": indices, "clear_years": 26,
        "west": float(left) - 3000, "north": float(top) + 3000,
        "clear_years_since": number % 4, "last_clear_year": 2024.0,
        "green_before_ha": [0.21, 0.1, 0.4] if number % 12 == 1 else [0.0, 0.0, 0.0],
        "mixing": 1.31 if number % 12 == 1 else 1.02,
        "to_supported_ha": {"supported": -0.42, "partly_supported": 0.91}.get(verdict["verdict"]),
        "to_not_supported_ha": {"not_supported": 0.33, "supported": -2.1}.get(verdict["verdict"]),
        "references": {
            name: {"status": "found", "n_pixels": 812, "n_directions": 7,
                   "matched": "level+elevation+slope+rock+cover+dust", "bare_level": 0.22,
                   "level_before": None if number % 12 == 10 else 0.75}
            for name in indices
        },
    }  # fmt: skip
    coords = {
        "cell_y": cell_y, "cell_x": cell_x, "year": years, "index": np.array(indices, object),
        "y": top - 15 - 30 * np.arange(n_y), "x": left + 15 + 30 * np.arange(n_x),
    }  # fmt: skip
    return xr.Dataset(data, coords, attrs)


CONSTANTS = (
    {"name": "certainty", "value": 0.9, "unit": "1", "status": "verified"},
    {"name": "ring_outer_m", "value": 3000.0, "unit": "m", "status": "assumption"},
)


def make_report_data(n_mines: int = 12, *, has_trajectories: bool = True) -> ReportData:
    """A programme of `n_mines`, the same at each call."""
    random = np.random.default_rng(11)
    mines = _mines(n_mines, random)
    claims = _claims(mines, random)
    verdicts = _verdicts(mines, claims)
    without = set(mines.loc[mines.geometry.isna(), "mine_id"])

    def pictures(mine_id: str) -> list[Picture]:
        if mine_id in without:
            return []
        return [_picture(2002, False, 64), _picture(2023, True, 64)]

    outlines = dict(zip(mines["mine_id"], mines.geometry.to_crs(32649), strict=True))
    order = {mine_id: i for i, mine_id in enumerate(mines["mine_id"])}

    def evidence(mine_id: str) -> dict[str, xr.Dataset]:
        looked_at = verdicts["reason"].isin(["measured", "lost_again", "never_damaged",
                                             "interval_too_wide", "damage_before_record",
                                             "too_few_years"])  # fmt: skip
        judged = verdicts[(verdicts["mine_id"] == mine_id) & looked_at]
        if mine_id in without or mine_id not in outlines:
            return {}
        return {
            row["claim_id"]: _evidence(outlines[mine_id], order[mine_id], row)
            for row in judged.to_dict("records")
        }

    findings = (
        Finding(2, "M00002", "repaired", "ring", "A ring crossed itself.", "环自相交。"),
        Finding(9, "M00010", "flagged", "overlap", "Overlaps <i>M00011</i>.", ""),
        Finding(14, "", "rejected", "no_id", "Neither id nor geometry.", "既无编号也无图形。"),
    )
    imports = (
        ImportReport("mines.gpkg", n_mines + 1, n_mines, 1, 1, 1, findings),
        ImportReport("claims.csv", len(claims), len(claims), 0, 0, 0),
    )
    courses = _trajectories(mines if has_trajectories else mines[:0], random)
    return ReportData(
        "3f9a2c61d0", mines, claims, verdicts, _totals(mines, verdicts), courses,
        _counties(), pictures, imports, (1995, 2024), evidence, CONSTANTS,
        _natural(mines, claims),
    )  # fmt: skip


@pytest.fixture(scope="session")
def make_data() -> Callable[..., ReportData]:
    """The builder of the programme."""
    return make_report_data


@pytest.fixture(scope="session")
def report_data() -> ReportData:
    """Twelve mines with every verdict."""
    return make_report_data()
