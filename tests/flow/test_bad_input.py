"""Bad input by command: one clear error or flag, nothing lost, nothing half written."""

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import rasterio
import rasterio.warp

from tests.flow.commands import reverdure

MINE = '"POLYGON((115.92 28.17,115.93 28.17,115.93 28.18,115.92 28.18,115.92 28.17))"'


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "w"
    reverdure("init", folder)
    return folder


def refused(workspace: Path, *arguments: object) -> str:
    """Output of an import that must fail and leave the registry as it was."""
    before = gpd.read_file(workspace / "registry.gpkg", layer="mine")
    done = reverdure(*arguments, "-w", workspace, expect=1)
    assert "Traceback" not in done.stderr
    after = gpd.read_file(workspace / "registry.gpkg", layer="mine")
    assert list(after["mine_id"]) == list(before["mine_id"])
    return done.stdout + done.stderr


def test_an_empty_file(workspace: Path, tmp_path: Path) -> None:
    path = tmp_path / "mines.csv"
    path.write_bytes(b"")
    assert "mines.csv" in refused(workspace, "add", "mines", path)


def test_a_file_that_is_not_there(workspace: Path, tmp_path: Path) -> None:
    assert "nowhere.gpkg" in refused(workspace, "add", "mines", tmp_path / "nowhere.gpkg")


def test_text_in_no_known_encoding(workspace: Path, tmp_path: Path) -> None:
    path = tmp_path / "mines.csv"
    path.write_bytes(b"mine_id,name,wkt\nM1,\xff\xff\x81\x00\x9f,x\n")
    assert "encoding" in refused(workspace, "add", "mines", path).lower()


def test_a_zip_bomb(workspace: Path, tmp_path: Path) -> None:
    path = tmp_path / "mines.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("mines.shp", "mines.shx", "mines.dbf", "mines.prj"):
            with archive.open(name, "w", force_zip64=True) as stream:
                for _ in range(300):
                    stream.write(bytes(1 << 20))
    assert path.stat().st_size < 3_000_000
    assert "unsafe_archive" in refused(workspace, "add", "mines", path)


def test_a_path_that_leaves_its_archive(workspace: Path, tmp_path: Path) -> None:
    path = tmp_path / "mines.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../mines.shp", b"x")
    assert "unsafe_archive" in refused(workspace, "add", "mines", path)
    assert not (tmp_path.parent / "mines.shp").exists()


def test_a_mine_id_that_is_a_path(workspace: Path, tmp_path: Path) -> None:
    path = tmp_path / "mines.csv"
    path.write_text(f"mine_id,wkt\n../x,{MINE}\nM1,{MINE}\n", encoding="utf-8")
    done = reverdure("add", "mines", path, "-w", workspace)
    assert "read 2, accepted 1" in done.stdout
    assert "../x" in done.stdout


def test_claims_that_cannot_be_or_that_look_wrong(workspace: Path, tmp_path: Path) -> None:
    mines = tmp_path / "mines.csv"
    mines.write_text(f"mine_id,wkt\nM1,{MINE}\n", encoding="utf-8")
    reverdure("add", "mines", mines, "-w", workspace)
    claims = tmp_path / "claims.csv"
    claims.write_text(
        "claim_id,mine_id,year,claimed_ha,aim\n"
        "C1,M1,2019,5,forest\nC2,M404,2019,5,forest\n"
        "C3,M1,2019,5000,forest\nC4,M1,2099,5,forest\n",
        encoding="utf-8",
    )
    done = reverdure("add", "claims", claims, "-w", workspace)
    assert "read 4, accepted 3" in done.stdout
    for row in ("C2", "C3", "C4"):
        assert row in done.stdout
    assert "M404" in done.stdout
    kept = gpd.read_file(workspace / "registry.gpkg", layer="claim").set_index("claim_id")
    assert kept.loc["C3", "flags"]
    assert kept.loc["C4", "flags"]


def test_nothing_to_measure_is_said(workspace: Path, tmp_path: Path) -> None:
    assert "no_mines" in reverdure("run", "-w", workspace, expect=1).stderr
    mines = tmp_path / "mines.csv"
    mines.write_text(f"mine_id,wkt\nM1,{MINE}\n", encoding="utf-8")
    reverdure("add", "mines", mines, "-w", workspace)
    assert "no_imagery" in reverdure("run", "-w", workspace, expect=1).stderr


def test_a_workspace_of_a_newer_version(workspace: Path) -> None:
    settings = workspace / "reverdure.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("format = 1", "format = 99"), encoding="utf-8")
    assert "workspace_too_new" in reverdure("show", "-w", workspace, expect=1).stderr


def test_a_truncated_scene_a_missing_year_another_zone_and_a_mine_far_away(
    county: Path, tmp_path: Path
) -> None:
    altered = tmp_path / "county"
    shutil.copytree(county, altered)
    scenes = sorted((altered / "scenes").iterdir())
    truncated = next(scenes[0].glob("*_SR_B4.TIF"))
    truncated.write_bytes(truncated.read_bytes()[:4000])
    gone = scenes[-1].name.split("_")[3][:4]
    for scene in scenes:
        if scene.name.split("_")[3].startswith(gone):
            shutil.rmtree(scene)
    years = sorted({scene.name.split("_")[3][:4] for scene in scenes} - {gone})
    empty = years[len(years) // 2]
    for scene in scenes:
        if scene.exists() and scene.name.split("_")[3].startswith(empty):
            shutil.rmtree(scene)
    _to_zone_49(next(scene for scene in scenes[1:] if scene.exists()))
    workspace = tmp_path / "w"
    reverdure("init", workspace)
    reverdure("add", "mines", altered / "mines.gpkg", "-w", workspace)
    far = tmp_path / "far.csv"
    far.write_text('mine_id,wkt\nFAR,"POLYGON((10 50,10.01 50,10.01 50.01,10 50))"\n')
    reverdure("add", "mines", far, "-w", workspace)
    claims = pd.read_csv(altered / "claims.csv")
    extra = {"claim_id": "CFAR", "mine_id": "FAR", "year": 2020, "claimed_ha": 5, "aim": "forest"}
    claims = pd.concat([claims, pd.DataFrame([extra])])
    claims.to_csv(altered / "claims.csv", index=False)
    reverdure("add", "claims", altered / "claims.csv", "-w", workspace)
    added = reverdure("add", "scenes", altered / "scenes", "-w", workspace).stdout
    assert truncated.name.split("_SR_")[0] in added
    assert "refused 1" in added
    assert "1 scenes lie on another grid" in added
    reverdure("run", "-w", workspace)
    verdicts = pd.read_parquet(workspace / "products" / "verdicts.parquet").set_index("claim_id")
    assert verdicts.loc["CFAR", "verdict"] == "no_data"
    assert verdicts.loc["CFAR", "reason"] == "outside_imagery"
    assert verdicts["restored_ha"].notna().sum() >= 2
    measured = verdicts[verdicts["restored_ha"].notna()].index[0]
    explained = reverdure("explain", measured, "-w", workspace).stdout
    line = next(line for line in explained.splitlines() if line.strip().startswith(f"{empty}:"))
    assert "nothing clear" in line


def _to_zone_49(scene: Path) -> None:
    """Rewrite all bands of a scene in the UTM zone to the west."""
    for path in scene.glob("*.TIF"):
        with rasterio.open(path) as source:
            profile, values = source.profile, source.read()
            west, south, east, north = rasterio.warp.transform_bounds(
                source.crs, "EPSG:32649", *source.bounds
            )
            width, height = int((east - west) // 30), int((north - south) // 30)
            transform = rasterio.Affine(30.0, 0.0, west, 0.0, -30.0, north)
            out = values[:, :1, :1].repeat(height, 1).repeat(width, 2) * 0
            rasterio.warp.reproject(
                values,
                out,
                src_transform=source.transform,
                src_crs=source.crs,
                dst_transform=transform,
                dst_crs="EPSG:32649",
            )
        profile.update(crs="EPSG:32649", transform=transform, width=width, height=height)
        path.unlink()
        with rasterio.open(path, "w", **profile) as sink:
            sink.write(out)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("mount") is None,
    reason="needs root to mount a small disk",
)
def test_a_full_disk(filled: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1500k", "tmpfs", str(disk)], check=False
    )
    if mounted.returncode:
        pytest.skip("this machine may not mount a small disk")
    try:
        workspace = disk / "w"
        shutil.copytree(filled, workspace)
        done = reverdure("run", "-w", workspace, expect=1)
        assert "disk_full" in done.stderr
        assert "Traceback" not in done.stderr
        assert not list(workspace.rglob(".[0-9]*-*"))
        subprocess.run(["mount", "-o", "remount,size=200m", str(disk)], check=True)
        reverdure("run", "-w", workspace)
    finally:
        subprocess.run(["umount", str(disk)], check=False)


def test_errors_speak_chinese(tmp_path: Path) -> None:
    done = reverdure("show", "-w", tmp_path, expect=1, language="zh")
    assert "错误[workspace_missing]" in done.stderr
