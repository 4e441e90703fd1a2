"""Compiling ahead: nothing is left to compile when work starts, nothing old is used."""

import importlib
import pkgutil
import subprocess
import sys

from reverdure import kernels
from reverdure.kernels import warm_up
from reverdure.kernels.compiled import _cache_folder
from reverdure.kernels.segmentation import segment_pixels


def test_warm_up_covers_what_recovery_calls_with():
    import numpy as np
    import xarray as xr

    from reverdure.recovery.segmentation import SegmentParams, segment

    warm_up()
    compiled = list(segment_pixels.signatures)
    for values in (np.zeros(8), np.zeros((8, 3), np.float32), np.zeros((8, 2, 2), np.int16)):
        dims = {1: ("year",), 2: ("year", "pixel"), 3: ("year", "y", "x")}[values.ndim]
        index = xr.DataArray(values, {"year": np.arange(8)}, dims)
        index.values.setflags(write=False)
        segment(index)
        segment(index.transpose())
        segment(index, SegmentParams(max_segments=np.int32(2), spike_threshold=1))
    assert segment_pixels.signatures == compiled


def test_the_room_is_imported_without_its_kernels():
    code = "import sys, reverdure.kernels; sys.exit('numba' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_kernel_can_be_warmed_up():
    names = {entry.name for entry in pkgutil.iter_modules(kernels.__path__)} - {"compiled"}
    assert "segmentation" in names
    for name in names:
        assert callable(importlib.import_module(f"reverdure.kernels.{name}").warm_up), name


def test_the_second_start_compiles_nothing():
    warm_up()
    code = (
        "from reverdure.kernels.segmentation import segment_pixels, warm_up; import sys;"
        "warm_up(); sys.exit(len(segment_pixels.stats.cache_misses))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_change_in_any_file_of_a_kernel_is_seen(tmp_path):
    first, second = tmp_path / "first.py", tmp_path / "second.py"
    first.write_text("a = 1")
    second.write_text("b = 1")
    before = _cache_folder(first)
    assert _cache_folder(first) == before
    second.write_text("b = 2")
    assert _cache_folder(first) != before
