"""Claims and scenes that would mislead, by command: the reason is named, no number looks fine.

Mines of known truth are planted into the scenes of the simulated county, in land that
nobody disturbed, so that each kind of bad input meets ground whose course is known.
"""

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
import shapely.affinity
from rasterio.features import rasterize
from scipy import ndimage

from tests.flow.commands import reverdure

DAMAGE, START, DONE = 2017, 2019, 2020
SIDE_M = 240.0
BANDS = ("B2", "B3", "B4", "B5", "B6", "B7")
SPOIL = (0.11, 0.15, 0.20, 0.26, 0.32, 0.28)
CLOUD = 22280
FINE = 6
# its module-wide county takes minutes where others compute beside it
pytestmark = pytest.mark.timeout(1800)
NUMBERS = ["restored_ha", "restored_ha_low", "restored_ha_high"]


@dataclass(frozen=True)
class Site:
    """A square mine, planted; its western part of this share grew back, the rest is bare."""

    mine_id: str
    place: shapely.Polygon
    restored: float

    @property
    def green(self) -> shapely.Polygon:
        west, south, east, north = self.place.bounds
        return shapely.box(west, south, west + self.restored * (east - west), north)

    @property
    def ha(self) -> float:
        return self.place.area / 1e4


@dataclass(frozen=True)
class Planted:
    """A county with planted mines, and who they are."""

    folder: Path
    crs: str
    sites: dict[str, Site]
    scenes: tuple[Path, ...]


SITES = {
    "SHORT": 1.0, "GOOD": 1.0, "CLOUD": 1.0, "LATECLOUD": 1.0, "OFF": 1.0, "GREENPART": 0.5,
    "MORE": 0.5, "TWICE": 1.0, "OWNED": 1.0, "NEXT": 1.0, "PAIR": 1.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def planted(county: Path, tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """The county of the session with mines more, in its scenes and in no list."""
    folder = tmp_path_factory.mktemp("planted") / "county"
    shutil.copytree(county, folder)
    scenes = tuple(sorted((folder / "scenes").iterdir()))
    with rasterio.open(next(scenes[0].glob("*_QA_PIXEL.TIF"))) as source:
        crs, transform, shape = str(source.crs), source.transform, source.shape
    places = _quiet_places(folder, scenes, len(SITES))
    sites = {}
    for (name, restored), (row, column) in zip(SITES.items(), places, strict=True):
        # a little off the lattice of pixels
        x = transform.c + (column + 0.3) * transform.a
        y = transform.f + (row + 0.4) * transform.e
        half = SIDE_M / 2
        sites[name] = Site(name, shapely.box(x - half, y - half, x + half, y + half), restored)
    rng = np.random.default_rng(8)
    for scene in scenes:
        share = _bare_share(sites.values(), _year(scene), transform, shape)
        for name, spoil in zip(BANDS, SPOIL, strict=True):
            _mix(next(scene.glob(f"*_SR_{name}.TIF")), share, spoil, rng)
    return Planted(folder, crs, sites, scenes)


def _year(scene: Path) -> int:
    return int(scene.name.split("_")[3][:4])


def _month(scene: Path) -> int:
    return int(scene.name.split("_")[3][4:6])


def _quiet_places(folder: Path, scenes: tuple[Path, ...], n: int) -> list[tuple[int, int]]:
    """Centres of green, even land that no mine is near, a kilometre apart."""
    clearest = max((scene for scene in scenes if 6 <= _month(scene) <= 8), key=_clear)
    red, near = (_reflectance(next(clearest.glob(f"*_SR_{name}.TIF"))) for name in ("B4", "B5"))
    ndvi = (near - red) / (near + red)
    with rasterio.open(folder / "truth" / "damage_year.tif") as source:
        mined = source.read(1) > 0
    mean = ndimage.uniform_filter(ndvi, 25)
    uneven = ndimage.uniform_filter(ndvi**2, 25) - mean**2
    uneven[ndimage.binary_dilation(mined, iterations=20)] = np.inf
    uneven[mean < 0.6] = np.inf
    edge = np.ones_like(mined)
    edge[20:-20, 20:-20] = False
    uneven[edge] = np.inf
    places: list[tuple[int, int]] = []
    rows, columns = np.indices(uneven.shape)
    for _ in range(n):
        row, column = np.unravel_index(int(np.argmin(uneven)), uneven.shape)
        assert np.isfinite(uneven[row, column]), "the county has no quiet land left"
        places.append((int(row), int(column)))
        uneven[np.hypot(rows - row, columns - column) < 33] = np.inf
    return places


def _clear(scene: Path) -> float:
    with rasterio.open(next(scene.glob("*_QA_PIXEL.TIF"))) as source:
        return float((source.read(1) == 21824).mean())


def _reflectance(path: Path) -> np.ndarray:
    with rasterio.open(path) as source:
        return source.read(1) * 0.0000275 - 0.2


def _bare_share(
    sites: Iterable[Site], year: int, transform: rasterio.Affine, shape: tuple[int, int]
) -> np.ndarray:
    """Share of bare ground in each pixel's signal: squares on 5 m cells, blurred."""
    if year < DAMAGE:
        return np.zeros(shape)
    grown = 0.0 if year < START else 1 - np.exp(-0.7 * (year - START + 1))
    shapes = [(site.place, 1.0) for site in sites]
    shapes += [(site.green, 1.0 - grown) for site in sites]
    cells = rasterize(
        shapes,
        out_shape=(shape[0] * FINE, shape[1] * FINE),
        transform=rasterio.Affine(
            transform.a / FINE, 0.0, transform.c, 0.0, transform.e / FINE, transform.f
        ),
        dtype="float32",
    )
    blurred = ndimage.gaussian_filter(cells, 1.2 * FINE / 2.355)
    return blurred[FINE // 2 :: FINE, FINE // 2 :: FINE]


def _mix(path: Path, share: np.ndarray, spoil: float, rng: np.random.Generator) -> None:
    with rasterio.open(path, "r+") as sink:
        values = sink.read(1)
        seen = (share > 1e-3) & (values > 0)
        light = spoil * (1 + rng.normal(0, 0.03, values.shape))
        mixed = (1 - share) * (values * 0.0000275 - 0.2) + share * light
        values[seen] = np.round((mixed[seen] + 0.2) / 0.0000275).astype(values.dtype)
        sink.write(values, 1)


def degraded(planted: Planted, folder: Path) -> Path:
    """A copy whose scenes may be spoilt."""
    shutil.copytree(planted.folder, folder)
    return folder


def lists(planted: Planted, folder: Path, rows: list[dict[str, object]]) -> None:
    """Mines and claims as somebody lists them; one mine to each row unless said otherwise."""
    mines = {str(row["mine_id"]): row.pop("outline") for row in rows if "outline" in row}
    frame = gpd.GeoDataFrame(
        {"mine_id": list(mines)}, geometry=list(mines.values()), crs=planted.crs
    )
    frame.to_crs(4326).to_file(folder / "mines.gpkg", layer="mines")
    for row in rows:
        polygon = row.pop("polygon", None)
        if polygon is not None:
            row["wkt"] = gpd.GeoSeries([polygon], crs=planted.crs).to_crs(4326).iloc[0].wkt
    claims = pd.DataFrame(
        [{"start_year": START, "year": DONE, "aim": "grass", **row} for row in rows]
    )
    claims.to_csv(folder / "claims.csv", index=False)


def fill(folder: Path, workspace: Path) -> str:
    """A workspace with the lists and scenes of a folder; what was said of the claims."""
    reverdure("init", workspace)
    reverdure("add", "mines", folder / "mines.gpkg", "-w", workspace)
    said = reverdure("add", "claims", folder / "claims.csv", "-w", workspace).stdout
    reverdure("add", "scenes", folder / "scenes", "-w", workspace)
    return said


def run(folder: Path, workspace: Path) -> pd.DataFrame:
    """Verdicts by claim id after init, adds and run, with what the commands printed."""
    added = fill(folder, workspace)
    reverdure("run", "-w", workspace)
    table = pd.read_parquet(workspace / "products" / "verdicts.parquet").set_index("claim_id")
    table.attrs["added"] = added
    return table


def shown(row: pd.Series) -> str:
    """What was answered, for the message of an assertion."""
    kept = ["claimed_ha", "ground_ha", *NUMBERS, "verdict", "reason", "flags", "p_supported"]
    return row[kept].to_dict().__repr__()


@pytest.fixture(scope="module")
def answers(planted: Planted, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """One county in which each mine meets its own bad input."""
    folder = degraded(planted, tmp_path_factory.mktemp("bad") / "county")
    site = planted.sites
    for scene in sorted((folder / "scenes").iterdir()):
        clouded = [site["CLOUD"]] + ([site["LATECLOUD"]] if _year(scene) > DONE else [])
        with rasterio.open(next(scene.glob("*_QA_PIXEL.TIF")), "r+") as sink:
            over = [(one.place.buffer(120), 1) for one in clouded]
            values = sink.read(1)
            values[rasterize(over, values.shape, transform=sink.transform) > 0] = CLOUD
            sink.write(values, 1)
    moved = shapely.affinity.translate(site["OFF"].place, 60, 0)
    again = shapely.affinity.translate(site["TWICE"].place, 8, -6)
    plain = [
        {"claim_id": name, "mine_id": name, "claimed_ha": 0.95 * site[name].ha, "outline": outline}
        for name, outline in {
            "SHORT": site["SHORT"].place, "GOOD": site["GOOD"].place, "CLOUD": site["CLOUD"].place,
            "LATECLOUD": site["LATECLOUD"].place, "OFF": moved, "TWICE": site["TWICE"].place,
            "OWNED": site["OWNED"].place, "NEXT": site["NEXT"].place,
        }.items()
    ]  # fmt: skip
    plain[-1]["year"] = max(map(_year, planted.scenes)) + 1
    away = shapely.affinity.translate(site["NEXT"].place, 0, 500)
    green, more, owned = site["GREENPART"].green, site["MORE"].green, site["OWNED"].place
    rows = [
        *plain,
        # the list knows the green half only; the bare half goes on outside of it
        {"claim_id": "GREENPART", "mine_id": "GREENPART", "outline": green,
         "claimed_ha": 0.98 * green.area / 1e4},
        # the green half is drawn, the whole is claimed
        {"claim_id": "MORE", "mine_id": "MORE", "outline": site["MORE"].place, "polygon": more,
         "claimed_ha": site["MORE"].ha},
        # the same pit as another mine of the list, a year later
        {"claim_id": "AGAIN", "mine_id": "AGAIN", "outline": again, "year": DONE + 1,
         "claimed_ha": 0.95 * site["TWICE"].ha},
        # the ground of OWNED drawn a year later under the name of a mine elsewhere
        {"claim_id": "STOLEN", "mine_id": "GOOD", "year": DONE + 1, "polygon": owned,
         "claimed_ha": 0.95 * site["OWNED"].ha},
        # the same with ground 5 km off, farther than is looked at around a mine
        {"claim_id": "FARSTOLEN", "mine_id": "GOOD", "year": DONE + 1,
         "polygon": site["SHORT"].place, "claimed_ha": 0.95 * site["SHORT"].ha},
        # and with ground that nobody claims, nor ever mined
        {"claim_id": "FARAWAY", "mine_id": "GOOD", "polygon": away, "claimed_ha": 5.0},
        # the work of next year is drawn over all of the mine, and leaves that of 2020 nothing
        {"claim_id": "PAIR", "mine_id": "PAIR", "outline": site["PAIR"].place,
         "claimed_ha": 0.95 * site["PAIR"].ha},
        {"claim_id": "PAIRNEXT", "mine_id": "PAIR", "polygon": site["PAIR"].place,
         "year": plain[-1]["year"], "claimed_ha": 0.95 * site["PAIR"].ha},
    ]  # fmt: skip
    lists(planted, folder, rows)
    return run(folder, folder.parent / "w")


def without_number(row: pd.Series, verdict: str, reason: str) -> None:
    """Assert that a claim got this status and no hectares."""
    assert (row["verdict"], row["reason"]) == (verdict, reason), shown(row)
    assert row[NUMBERS].isna().all(), shown(row)


def test_the_planted_mine_is_seen_where_nothing_is_bad(answers: pd.DataFrame) -> None:
    good = answers.loc["GOOD"]
    assert good["verdict"] == "supported", shown(good)
    assert good["restored_ha_low"] <= 5.76 <= good["restored_ha_high"] + 1e-6, shown(good)
    assert good["flags"] == "", shown(good)


def test_a_mine_seen_twice_before_its_damage(answers: pd.DataFrame) -> None:
    # 2015 and 2016, the second in part under cloud
    row = answers.loc["SHORT"]
    assert row["verdict"] in ("supported", "undecided"), shown(row)


def test_a_mine_under_permanent_cloud(answers: pd.DataFrame) -> None:
    without_number(answers.loc["CLOUD"], "no_data", "no_clear_years")


def test_a_mine_under_cloud_since_the_work(answers: pd.DataFrame) -> None:
    without_number(answers.loc["LATECLOUD"], "no_data", "no_clear_years")


def test_an_outline_60_m_off(answers: pd.DataFrame) -> None:
    without_number(answers.loc["OFF"], "no_data", "outline_off")


def test_an_outline_around_the_restored_part_only(answers: pd.DataFrame) -> None:
    row = answers.loc["GREENPART"]
    assert "damage_outside" in row["flags"].split(";"), shown(row)
    # what is drawn did grow back
    assert row["verdict"] in ("supported", "undecided"), shown(row)
    assert row["restored_ha_low"] <= 2.88 <= row["restored_ha_high"] + 0.01, shown(row)


def test_more_claimed_than_drawn(answers: pd.DataFrame) -> None:
    row = answers.loc["MORE"]
    assert "claim_exceeds_ground" in row["flags"], shown(row)
    assert row["verdict"] in ("partly_supported", "undecided"), shown(row)
    assert row["restored_ha_high"] <= row["ground_ha"] + 1e-6, shown(row)
    assert "MORE" in answers.attrs["added"]


def test_a_pit_claimed_again_as_another_mine(answers: pd.DataFrame) -> None:
    first, again = answers.loc["TWICE"], answers.loc["AGAIN"]
    assert first["verdict"] == "supported", shown(first)
    assert again["verdict"] != "supported", shown(again)
    assert again["reason"] == "overlaps_other_claim", shown(again)


def test_ground_drawn_again_under_the_name_of_another_mine(answers: pd.DataFrame) -> None:
    owned, stolen = answers.loc["OWNED"], answers.loc["STOLEN"]
    assert owned["verdict"] == "supported", shown(owned)
    assert "overlaps_other_claim" in owned["flags"], shown(owned)
    assert stolen["verdict"] not in ("supported", "partly_supported"), shown(stolen)
    assert stolen["reason"] == "overlaps_other_claim", shown(stolen)
    assert stolen["flags"].split(";") == ["overlaps_other_claim", "outside_mine"], shown(stolen)
    assert "outside the mine GOOD" in answers.attrs["added"]


def test_ground_drawn_again_far_from_the_mine_it_is_claimed_for(answers: pd.DataFrame) -> None:
    row = answers.loc["FARSTOLEN"]
    without_number(row, "no_data", "overlaps_other_claim")
    assert row["flags"].split(";") == ["overlaps_other_claim", "outside_mine"], shown(row)


def test_ground_drawn_far_from_its_mine(answers: pd.DataFrame) -> None:
    row = answers.loc["FARAWAY"]
    without_number(row, "no_data", "outside_mine")
    assert row["flags"] == "outside_mine", shown(row)


def test_a_claim_that_a_later_polygon_leaves_no_ground(answers: pd.DataFrame) -> None:
    row = answers.loc["PAIR"]
    without_number(row, "no_data", "overlaps_other_claim")
    assert row["flags"] == "overlaps_other_claim", shown(row)
    without_number(answers.loc["PAIRNEXT"], "too_early", "future_year")


def test_a_claim_made_for_next_year(answers: pd.DataFrame) -> None:
    without_number(answers.loc["NEXT"], "too_early", "future_year")


def only(scenes: Path, keep: Callable[[Path], bool]) -> None:
    """Remove all scenes but these."""
    for scene in scenes.iterdir():
        if not keep(scene):
            shutil.rmtree(scene)


def cloud_everything(scenes: Path) -> None:
    for path in scenes.glob("*/*_QA_PIXEL.TIF"):
        with rasterio.open(path, "r+") as sink:
            sink.write(np.full(sink.shape, CLOUD, np.uint16), 1)


def stripe(scenes: Path) -> None:
    """Wedges of fill across all scenes but those of two years, as after SLC failed."""
    for scene in sorted(scenes.iterdir()):
        if _year(scene) in (2015, 2016):
            continue
        shift = int(scene.name.split("_")[3]) % 33
        for path in scene.glob("*.TIF"):
            with rasterio.open(path, "r+") as sink:
                rows, columns = np.indices(sink.shape)
                gap = (rows + 0.15 * columns + shift) % 33 < 8
                fill = 1 if "QA_PIXEL" in path.name else 0
                sink.write(np.where(gap, fill, sink.read(1)).astype(sink.dtypes[0]), 1)


@pytest.fixture
def spoilt(planted: Planted, tmp_path: Path) -> Path:
    """A copy of the county in which a restored mine and a half restored one are listed."""
    folder = degraded(planted, tmp_path / "county")
    good, half = planted.sites["GOOD"], planted.sites["MORE"]
    lists(planted, folder, [
        {"claim_id": one.mine_id, "mine_id": one.mine_id, "outline": one.place,
         "claimed_ha": 0.95 * one.ha}
        for one in (good, half)
    ])  # fmt: skip
    return folder


def test_one_clear_year(spoilt: Path) -> None:
    only(spoilt / "scenes", lambda scene: _year(scene) == 2022)
    for _, row in run(spoilt, spoilt.parent / "w").iterrows():
        without_number(row, "no_data", "no_clear_years")


def test_no_clear_year(spoilt: Path) -> None:
    cloud_everything(spoilt / "scenes")
    workspace = spoilt.parent / "w"
    reverdure("init", workspace)
    refused = reverdure("add", "scenes", spoilt / "scenes", "-w", workspace, expect=1).stdout
    assert refused.count("[nothing_clear]") == len(list((spoilt / "scenes").iterdir()))


def test_all_scenes_outside_the_growing_season(spoilt: Path) -> None:
    only(spoilt / "scenes", lambda scene: not 6 <= _month(scene) <= 9)
    workspace = spoilt.parent / "w"
    fill(spoilt, workspace)
    refused = reverdure("run", "-w", workspace, expect=1).stderr
    assert "no_imagery" in refused
    assert "lies in the season 06-01..09-30" in refused
    assert not (workspace / "products" / "verdicts.parquet").exists()


@pytest.mark.parametrize("spoil", [stripe, lambda scenes: only(scenes, lambda s: _month(s) <= 7)])
def test_stripes_and_half_a_season_are_said_or_leave_the_answer_right(
    spoilt: Path, planted: Planted, spoil: Callable[[Path], None]
) -> None:
    spoil(spoilt / "scenes")
    answers = run(spoilt, spoilt.parent / "w")
    for name, row in answers.iterrows():
        site = planted.sites[str(name)]
        true_ha = site.restored * site.ha
        if row[NUMBERS].isna().all():
            assert row["verdict"] in ("no_data", "too_early"), shown(row)
            continue
        assert row["restored_ha_low"] - 0.02 <= true_ha <= row["restored_ha_high"] + 0.02, shown(
            row
        )
        right = {"GOOD": "supported", "MORE": "partly_supported"}[str(name)]
        assert row["verdict"] in (right, "undecided", "too_early"), shown(row)
