"""447 real scenes through composites and segmentation, against what another algorithm found."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import reverdure as rv
from reverdure.recovery.losses import largest_losses
from tests.imagery.test_real_series import dense_series


@pytest.mark.real_data("dense-series-p035r032")
@pytest.mark.parametrize("index", ["ndvi", "nbr"])
def test_the_felling_of_1999_is_dated_as_yatsm_does(data_folder: Path, index: str) -> None:
    # YATSM (CCDC; its segments stand in the folder) sees single scenes, LandTrendr years:
    # the years of large breaks have to agree within one
    composites = rv.annual_composites(dense_series(data_folder), ("06-01", "09-30"))
    losses = largest_losses(rv.segment(rv.spectral_index(composites, index)))
    # the file counts rows from the south, the driver from the north
    loss, year = losses.loss[::-1], losses.start_year[::-1] + 1
    found = pd.read_csv(data_folder / "yatsm_segments.csv", parse_dates=["break_date"])
    first = found.dropna(subset="break_date").groupby(["py", "px"])["break_date"].min().dt.year
    large = {(y, x) for y, x in zip(*np.nonzero(loss > 0.28), strict=True)}
    assert len(large) >= 11
    assert large <= set(first.index)
    for y, x in large:
        assert abs(year[y, x] - first[y, x]) <= 1, (y, x)
    unbroken = set(zip(found["py"], found["px"], strict=True)) - set(first.index)
    assert len(unbroken) >= 8
    assert all(loss[y, x] < 0.2 for y, x in unbroken)
