"""Compiling ahead: nothing is left to compile when work starts."""

import subprocess
import sys

from reverdure.kernels import warm_up
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
