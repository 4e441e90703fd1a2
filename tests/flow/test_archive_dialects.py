"""Each archive's dialect, from its search to scenes that are registered; and its faults by name."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from reverdure.core.errors import (
    ArchiveAnswer,
    ArchiveUnavailable,
    NoImagery,
    NotFound,
    ReverdureError,
    UnsafeAddress,
)
from reverdure.imagery.archives.signing import Signer
from reverdure.imagery.archives.web import Patience
from reverdure.imagery.fine import fine_composite, fine_grid
from reverdure.imagery.landsat import Scene, read_scene
from reverdure.imagery.sentinel2 import (
    Sentinel2Scene,
    find_sentinel2_scenes,
    read_reflectance,
)
from reverdure.pipeline.add import AddedScenes, add_scenes
from reverdure.pipeline.archive_plan import mines_not_fetched
from reverdure.pipeline.fetch import Fetched, Request, fetch_scenes
from reverdure.pipeline.run_plan import make_plan
from reverdure.pipeline.tiles import composite_path, make_composite
from reverdure.store.workspace import Workspace
from tests import archive_scenes as scenes
from tests.archive_server import COLLECTION, Archive, plain_items, serving, stac11_items, usgs_items

QUICK = Patience(attempts=4, pause_s=0.01, timeout_s=5.0, whole_s=10.0)
YEARS = (2018, 2019, 2020)


@pytest.fixture(scope="module")
def landsat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("landsat")
    scenes.write_landsat(folder)
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return scenes.small_workspace(tmp_path)


def fetch(
    workspace: Workspace,
    archive: Archive,
    *collections: str,
    url: str | None = None,
    signer: Signer | None = None,
    patience: Patience = QUICK,
    years: tuple[int, ...] = YEARS,
) -> Fetched:
    request = Request(url or archive.url, collections or (COLLECTION,), years)
    return fetch_scenes(workspace, request, signer=signer, patience=patience)


def add(workspace: Workspace) -> AddedScenes:
    return add_scenes(workspace, workspace.root / "imagery")


def only_landsat(workspace: Workspace) -> Scene:
    (record,) = workspace.database.records("scene")
    return Scene.from_dict(record)


def composites_of(workspace: Workspace) -> dict[Any, np.ndarray]:
    plan = make_plan(workspace)
    found = {}
    for task, source in plan.composites.items():
        make_composite(workspace, plan, *task)
        with rasterio.open(composite_path(workspace, *task, source)) as dataset:
            found[task] = dataset.read()
    return found


@pytest.mark.parametrize("make", [plain_items, stac11_items], ids=["stac-1.0", "stac-1.1"])
def test_landsat_is_read_as_from_a_folder(
    landsat: Path, workspace: Workspace, tmp_path: Path, make: Callable[..., Any]
) -> None:
    with serving(Archive(landsat, make)) as archive:
        done = fetch(workspace, archive)
    assert (done.scenes, done.failed) == (1, ())
    added = add(workspace)
    assert (added.accepted, added.refused) == (1, ())
    (tmp_path / "local").mkdir()
    other = scenes.small_workspace(tmp_path / "local")
    add_scenes(other, landsat)
    ours, theirs = composites_of(workspace), composites_of(other)
    assert len(ours) >= 16
    assert set(ours) == set(theirs)
    assert all(np.array_equal(ours[task], theirs[task]) for task in theirs)
    assert all((values > 0).any() for values in ours.values())


def test_only_blocks_near_the_mine_are_fetched(landsat: Path, workspace: Workspace) -> None:
    with serving(Archive(landsat)) as archive:
        done = fetch(workspace, archive)
    product = workspace.root / "imagery" / scenes.LANDSAT
    whole = sum(path.stat().st_size for path in (landsat / scenes.LANDSAT).glob("*.TIF"))
    kept = sum(path.stat().st_size for path in product.glob("*.TIF"))
    assert kept < 0.4 * whole
    assert done.received < 0.75 * whole  # the first look at each file takes 64 kB
    with rasterio.open(product / f"{scenes.LANDSAT}_SR_B4.TIF") as dataset:
        assert dataset.shape == scenes.LANDSAT_GRID.shape
        assert not dataset.read(1)[:64, :64].any()


def test_usgs_keeps_temperature_apart(landsat: Path, workspace: Workspace) -> None:
    with serving(Archive(landsat, usgs_items)) as archive:
        done = fetch(workspace, archive, "landsat-c2l2-sr", "landsat-c2l2-st")
    assert done.scenes == 1
    assert add(workspace).accepted == 1
    assert "thermal" in only_landsat(workspace).files


def test_a_static_catalogue_is_walked(landsat: Path, workspace: Workspace) -> None:
    with serving(Archive(landsat)) as archive:
        done = fetch(workspace, archive, url=f"{archive.url}/static/catalog.json")
        assert archive.count("never.json") == 0, "a collection of another name is not entered"
    assert done.scenes == 1
    assert add(workspace).accepted == 1


def test_digital_earth_becomes_a_landsat_folder(tmp_path: Path, workspace: Workspace) -> None:
    scenes.write_ard(tmp_path / "ard")
    with serving(Archive(tmp_path / "ard", scenes.ard_item)) as archive:
        assert fetch(workspace, archive, "ga_ls8c_ard_3").failed == ()
    added = add(workspace)
    assert (added.accepted, added.refused) == (1, ())
    scene = only_landsat(workspace)
    assert scene.scene_id == "LC08_L2NB_121041_20190715_20200618_02_T1"
    assert scene.scaling["red"] == (1e-4, 0.0)
    (at,) = [grid for grid in [scenes.LANDSAT_GRID] if grid == scene.grid]
    part = at.part(at.window((509_000.0, 2_990_000.0, 510_200.0, 2_991_200.0)))  # type: ignore[arg-type]
    seen = read_scene(scene, part)
    source = tmp_path / "ard" / "ga_ls8c_ard_3-1-0_121041_2019-07-15_final"
    window = rasterio.windows.from_bounds(*part.bounds, rasterio.Affine(*at.transform))

    def original(name: str) -> np.ndarray:
        with rasterio.open(source / f"{name}.tif") as dataset:
            return np.asarray(dataset.read(1, window=window.round()))

    red = original("nbart_red")
    assert np.allclose(seen["red"], np.where(red > 0, red * 1e-4, np.nan), equal_nan=True)
    clear = np.isin(original("oa_fmask"), [1, 5]) & (original("oa_nbart_contiguity") == 1)
    assert np.array_equal(seen["clear"], clear & (red > 0))
    assert (
        np.array_equal(seen["water"], original("oa_fmask") == 5)
        or (seen["water"].to_numpy() <= (original("oa_fmask") == 5)).all()
    )


def shifted(stated: dict[str, Any], baseline: str, bands: str = "raster:bands") -> Any:
    """Items of Sentinel-2 that state a shift, an applied one, or nothing."""

    def make(product: Path, url: str) -> list[dict[str, Any]]:
        item = scenes.sentinel2_item(product, url)
        item["properties"] |= {"s2:processing_baseline": baseline} | stated.get("properties", {})
        for band, asset in item["assets"].items():
            if band != "SCL" and "offset" in stated:
                prefix = "raster:" if bands == "bands" else ""
                asset[bands] = [{f"{prefix}scale": 1e-4, f"{prefix}offset": stated["offset"]}]
        return [item]

    return make


APPLIED = {"earthsearch:boa_offset_applied": True}


@pytest.mark.parametrize(
    ("make", "in_file", "expected"),
    [
        (shifted({}, "02.12"), 0, 0.0),
        (shifted({}, "05.09"), 1000, -0.1),
        (shifted({"offset": -0.1}, "05.09"), 1000, -0.1),
        (shifted({"offset": -0.1}, "05.09", "bands"), 1000, -0.1),
        (shifted({"offset": -0.1, "properties": APPLIED}, "05.09"), 0, 0.0),
    ],
    ids=["old", "planetary-computer", "earth-search", "stac-1.1", "already-applied"],
)
def test_the_shift_of_sentinel2_is_applied_once(
    landsat: Path, workspace: Workspace, tmp_path: Path, make: Any, in_file: int, expected: float
) -> None:
    with serving(Archive(landsat)) as archive:
        fetch(workspace, archive)
    add(workspace)
    scenes.write_sentinel2(tmp_path / "s2", shift=in_file)
    with serving(Archive(tmp_path / "s2", make)) as archive:
        assert fetch(workspace, archive, "sentinel-2-l2a").failed == ()
    added = add(workspace)
    assert (added.accepted, added.sentinel2, added.refused) == (2, 1, ())
    (record,) = [r for r in workspace.database.records("scene") if Sentinel2Scene.is_record(r)]
    scene = Sentinel2Scene.from_dict(record)
    assert scene.scaling["red"] == pytest.approx((1e-4, expected))
    plan = make_plan(workspace)
    (source,) = plan.fine["M1"].values()
    near = read_reflectance(scene, "red", source.window)
    assert 0.0199 <= near.min() <= near.max() <= 0.0601
    (item,) = make(tmp_path / "s2" / scenes.SENTINEL2, "")
    (tmp_path / "s2" / scenes.SENTINEL2 / "item.json").write_text(json.dumps(item))
    local, _, _ = find_sentinel2_scenes(tmp_path / "s2")
    how = (fine_grid(source.window), ("06-01", "09-30"), "medoid")
    ours, theirs = (fine_composite((one,), *how) for one in (scene, *local))
    assert ours.identical(theirs)
    assert not np.isnan(ours["red"]).any(), "all that a fine composite needs was fetched"


def test_sentinel2_without_landsat_is_told(tmp_path: Path, workspace: Workspace) -> None:
    scenes.write_sentinel2(tmp_path / "s2")
    with (
        serving(Archive(tmp_path / "s2", shifted({}, "02.12"))) as archive,
        pytest.raises(NoImagery, match="which pixels"),
    ):
        fetch(workspace, archive, "sentinel-2-l2a")


def test_planetary_computer_signs_again_when_refused(
    landsat: Path, workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(Archive(landsat)) as archive:
        archive.token = "sig=secret2"
        signer = Signer(f"{archive.url}/tokens", "127.0.0.1")
        assert fetch(workspace, archive, signer=signer).failed == ()
        assert archive.tokens_given == 2
    assert add(workspace).accepted == 1
    kept = [path for path in workspace.root.rglob("*") if path.is_file()]
    assert [path.name for path in kept if b"secret" in path.read_bytes()] == []
    assert "secret" not in caplog.text


def test_without_a_signature_the_way_to_get_one_is_told(
    landsat: Path, workspace: Workspace
) -> None:
    with serving(Archive(landsat)) as archive:
        archive.token = "sig=secret1"
        done = fetch(workspace, archive)
    assert [item.code for item in done.failed] == ["not_fetched"]
    assert "403" in done.failed[0].message


def test_filters_that_a_server_ignores_are_applied_here(
    landsat: Path, workspace: Workspace, tmp_path: Path
) -> None:
    shutil.copytree(landsat, tmp_path / "more")
    source = tmp_path / "more" / scenes.LANDSAT
    for name in (
        "LC08_L2SP_121041_20190115_20200827_02_T1",
        "LC08_L2SP_121041_20120715_20200827_02_T1",
    ):
        target = shutil.copytree(source, tmp_path / "more" / name)
        for path in sorted(target.iterdir()):
            path.rename(target / path.name.replace(scenes.LANDSAT, name))

    with serving(Archive(tmp_path / "more")) as archive:
        archive.ignores_filters = True
        plan = {}
        fetch_scenes(
            workspace,
            Request(archive.url, (COLLECTION,), YEARS),
            patience=QUICK,
            go_on=lambda found, estimate: bool(plan.update(found=found)),
        )
    found = plan["found"]
    assert [item.folder for item in found.todo] == [scenes.LANDSAT]
    assert found.sent == 9, "each of three years asked for was answered with everything"


def test_pages_that_go_round_are_told(landsat: Path, workspace: Workspace) -> None:
    with serving(Archive(landsat, page=1)) as archive:
        archive.loops = True
        with pytest.raises(ArchiveAnswer, match="round in a circle"):
            fetch(workspace, archive)
        assert len(archive.asked) < 20


def test_a_collection_that_is_not_there_is_told_with_those_that_are(
    landsat: Path, workspace: Workspace
) -> None:
    with serving(Archive(landsat)) as archive, pytest.raises(NotFound) as told:
        fetch(workspace, archive, "landsat")
    assert COLLECTION in str(told.value)


@pytest.mark.parametrize(
    ("fault", "expected", "words"),
    [
        ("page", ArchiveAnswer, "web page"),
        ("endless", ArchiveAnswer, "more than"),
        ("503", ArchiveUnavailable, "failed 4 times, last: answered 503"),
        ("reset", ArchiveUnavailable, "failed 4 times"),
        ("404", ArchiveAnswer, "answers 404"),
        ("to http://10.0.0.1/stac", UnsafeAddress, "private network"),
        ("to http://169.254.169.254/latest", UnsafeAddress, "private network"),
        ("to http://[::1]/stac", UnsafeAddress, "private network"),
        ("to http://0x7f000002/", UnsafeAddress, "private network"),
        ("to file:///etc/hostname", UnsafeAddress, "not an address of http"),
        ("to /", ArchiveAnswer, "redirects more than"),
    ],
)
def test_an_archive_that_cannot_be_used_is_told_by_name(
    landsat: Path,
    workspace: Workspace,
    fault: str,
    expected: type[ReverdureError],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("reverdure.imagery.archives.web.MOST_JSON", 8 << 20)
    with serving(Archive(landsat)) as archive:
        archive.faults = lambda number, path: fault
        with pytest.raises(expected, match=words):
            fetch(workspace, archive)
    assert not (workspace.root / "imagery").exists()


def test_an_archive_that_hangs_is_not_waited_for(landsat: Path, workspace: Workspace) -> None:
    with serving(Archive(landsat)) as archive:
        archive.faults = lambda number, path: "slow"
        hasty = Patience(attempts=2, pause_s=0.01, timeout_s=0.2, whole_s=1.0)
        with pytest.raises(ArchiveUnavailable, match="failed 2 times, last: TimeoutError"):
            fetch(workspace, archive, patience=hasty)


@pytest.mark.parametrize("to", ["http://10.0.0.1/a.tif", "http://127.0.0.2/a.tif"])
def test_files_that_lead_into_a_private_network_are_not_asked_for(
    landsat: Path, workspace: Workspace, to: str
) -> None:
    with serving(Archive(landsat)) as archive:
        archive.redirect_files_to = to
        done = fetch(workspace, archive)
    assert (done.scenes, [item.code for item in done.failed]) == (0, ["not_fetched"])
    assert "private network" in done.failed[0].message
    assert done.failed[0].message_zh


def test_hrefs_of_other_private_hosts_and_kinds_are_refused(
    landsat: Path, workspace: Workspace
) -> None:
    def lead_away(item: dict[str, Any]) -> dict[str, Any]:
        for asset in item["assets"].values():
            asset["href"] = asset["href"].replace("127.0.0.1", "127.0.0.3")
        return item

    with serving(Archive(landsat)) as archive:
        archive.change = lead_away
        done = fetch(workspace, archive)
        assert "127.0.0.3" in done.failed[0].message
        assert archive.count("/files/") == 0

        def local_files(item: dict[str, Any]) -> dict[str, Any]:
            for asset in item["assets"].values():
                asset["href"] = "file:///data/" + asset["href"].rsplit("/", 1)[-1]
            return item

        archive.change = local_files
        with pytest.raises(NoImagery):
            fetch(workspace, archive)


def test_a_server_that_sends_the_whole_file_is_told(landsat: Path, workspace: Workspace) -> None:
    whole = ("image/tiff", b"II*\0" + bytes(1 << 20))
    with serving(Archive(landsat)) as archive:
        names = [path.name for path in (landsat / scenes.LANDSAT).iterdir()]
        archive.extra = {f"/files/{scenes.LANDSAT}/{name}": whole for name in names}
        done = fetch(workspace, archive)
    assert "more than the 65536 bytes" in done.failed[0].message


def test_files_that_are_web_pages_are_told(landsat: Path, workspace: Workspace) -> None:
    with serving(Archive(landsat)) as archive:
        archive.faults = lambda number, path: "page" if "/files/" in path else None
        done = fetch(workspace, archive)
    assert "web page (HTML) instead of an image" in done.failed[0].message


def test_dates_that_lie_are_refused(landsat: Path, workspace: Workspace) -> None:
    def lie(item: dict[str, Any]) -> dict[str, Any]:
        item["properties"]["datetime"] = "2019-08-20T02:41:12Z"
        return item

    seen = []
    with serving(Archive(landsat)) as archive:
        archive.change = lie
        with pytest.raises(NoImagery):
            fetch(workspace, archive)
        archive.extra["/item.json"] = (
            "application/json", json.dumps(archive.items[0]).encode(),
        )  # fmt: skip
        from reverdure.imagery.archives.items import parse_item

        seen.append(parse_item(archive.items[0], archive.url))
    assert seen[0].code == "date_contradicted"
    assert "2019-08-20 / 2019-07-15" in seen[0].message


def test_a_fetch_that_broke_goes_on(landsat: Path, workspace: Workspace) -> None:
    with serving(Archive(landsat)) as archive:
        archive.faults = lambda number, path: "503" if "_SR_B7" in path else None
        first = fetch(workspace, archive)
        assert [item.path for item in first.failed] == [scenes.LANDSAT]
        assert "SR_B7" in first.failed[0].message
        assert not (workspace.root / "imagery").exists(), "half a scene is not shown to a reader"
        archive.faults = lambda number, path: None
        archive.asked.clear()
        again = fetch(workspace, archive)
        assert (again.scenes, again.failed) == (1, ())
        # the look ahead that tells the cost reads each header once
        looks = {name: archive.count(name) for name in ("_SR_B2", "_SR_B7")}
        assert looks["_SR_B2"] == 1 < looks["_SR_B7"]
    assert add(workspace).accepted == 1


def test_mines_added_later_get_their_ground_without_fetching_the_rest_again(
    landsat: Path, workspace: Workspace, tmp_path: Path
) -> None:
    import geopandas as gpd
    import shapely

    from reverdure.pipeline.add import add_mines

    with serving(Archive(landsat)) as archive:
        fetch(workspace, archive)
        product = workspace.root / "imagery" / scenes.LANDSAT / f"{scenes.LANDSAT}_SR_B4.TIF"
        before = product.stat().st_size
        x, y = 505_000.0, 2_985_000.0
        frame = gpd.GeoDataFrame(
            {"mine_id": ["M2"]}, geometry=[shapely.box(x, y, x + 90, y + 90)], crs="EPSG:32650"
        )
        frame.to_file(tmp_path / "second.gpkg")
        add(workspace)
        assert mines_not_fetched(workspace) == []
        add_mines(workspace, tmp_path / "second.gpkg", None, {})
        assert mines_not_fetched(workspace) == ["M2"], "a run would take its ground for unseen"
        done = fetch(workspace, archive)
        assert mines_not_fetched(workspace) == []
        assert (done.scenes, done.kept) == (1, 0)
        assert product.stat().st_size > 1.3 * before
        (tmp_path / "alone").mkdir()
        alone = scenes.small_workspace(tmp_path / "alone")
        add_mines(alone, tmp_path / "second.gpkg", None, {})
        fetch(alone, archive)
    other = alone.root / "imagery" / scenes.LANDSAT / f"{scenes.LANDSAT}_SR_B4.TIF"
    assert other.read_bytes() == product.read_bytes()
    assert fetch_is_complete(workspace)


def fetch_is_complete(workspace: Workspace) -> bool:
    return not list((workspace.root / "fetching").iterdir())


def test_a_damaged_file_is_fetched_again(landsat: Path, workspace: Workspace) -> None:
    with serving(Archive(landsat)) as archive:
        fetch(workspace, archive)
        path = workspace.root / "imagery" / scenes.LANDSAT / f"{scenes.LANDSAT}_SR_B4.TIF"
        whole = path.read_bytes()
        path.write_bytes(whole[:-100])
        assert fetch(workspace, archive).scenes == 1
        assert path.read_bytes() == whole


def test_what_cannot_be_decoded_is_not_kept(
    landsat: Path, workspace: Workspace, tmp_path: Path
) -> None:
    shutil.copytree(landsat, tmp_path / "bad")
    path = tmp_path / "bad" / scenes.LANDSAT / f"{scenes.LANDSAT}_SR_B4.TIF"
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle - 30_000 : middle + 30_000] = bytes(60_000)
    path.write_bytes(content)
    with serving(Archive(tmp_path / "bad")) as archive:
        done = fetch(workspace, archive)
    assert "SR_B4" in done.failed[0].message
    assert "cannot be decoded" in done.failed[0].message


def test_strips_are_fetched_like_tiles(workspace: Workspace, tmp_path: Path) -> None:
    scenes.write_landsat(tmp_path / "strips", tiled=False)
    with serving(Archive(tmp_path / "strips")) as archive:
        assert fetch(workspace, archive).failed == ()
    added = add(workspace)
    assert (added.accepted, added.refused) == (1, ())
    assert composites_of(workspace)
