"""Drawings that another program wrote."""

from pathlib import Path

import shapely

from tests.lists import truth
from tests.lists.cases import written_dxf
from tests.lists.importing import add


def test_closed_lines_that_gdal_wrote_are_outlines(workspace: Path, files: Path) -> None:
    outcome = add(workspace, written_dxf(files), "--crs", "cgcs2000")
    assert outcome.error is None, outcome.error
    assert len(outcome.table) == 3
    for true in truth.OUTLINES:
        shared = [
            shapely.intersection(true, one).area / true.area for one in outcome.table.geometry
        ]
        assert max(shared) > 0.9999
