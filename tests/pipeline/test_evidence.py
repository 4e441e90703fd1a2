"""Evidence on disk: the same bytes for the same evidence, none for none."""

from pathlib import Path

import numpy as np
import xarray as xr

from reverdure.pipeline.evidence import read_evidence, write_evidence


def _one(level: float) -> xr.Dataset:
    return xr.Dataset(
        {
            "zone_restored": (("cell_y", "cell_x"), [[level, np.nan]]),
            "cell_ha": (("cell_y", "cell_x"), [[0.01, 0.0]]),
            "value": (("index", "year"), [[0.31234, np.nan]]),
        },
        {"cell_y": [10.0], "cell_x": [5.0, 15.0], "year": [2001, 2002],
         "index": np.array(["ndvi"], object)},
        {"crs": "EPSG:32650", "indices": ["ndvi"], "to_supported_ha": None},
    )  # fmt: skip


def test_evidence_is_kept_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "parts" / "k.npz"
    write_evidence(path, {"赣-7": _one(0.25), "C1": _one(1.0)})
    found = read_evidence(path)
    assert sorted(found) == ["C1", "赣-7"]
    assert found["赣-7"]["zone_restored"].values.tolist()[0][0] == 0.25
    assert np.isnan(found["赣-7"]["zone_restored"].values[0, 1])
    assert found["C1"]["value"].sel(index="ndvi", year=2001) == np.float32(0.3123)
    assert found["C1"].attrs == _one(1.0).attrs


def test_equal_evidence_gives_equal_bytes_in_any_order(tmp_path: Path) -> None:
    first = {"B": _one(0.5), "A": _one(0.75)}
    write_evidence(tmp_path / "1.npz", first)
    write_evidence(tmp_path / "2.npz", dict(sorted(first.items())))
    assert (tmp_path / "1.npz").read_bytes() == (tmp_path / "2.npz").read_bytes()


def test_a_mine_without_evidence_has_no_file(tmp_path: Path) -> None:
    write_evidence(tmp_path / "none.npz", {})
    assert list(tmp_path.iterdir()) == []
    assert read_evidence(tmp_path / "none.npz") == {}
