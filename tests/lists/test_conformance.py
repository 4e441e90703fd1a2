"""Every row of the table in docs/lists.md, by the command a person types."""

from pathlib import Path

import numpy as np
import pytest

from tests.lists import truth
from tests.lists.cases import CASES, Case
from tests.lists.importing import add, metres_off

TRUE = dict(zip(truth.IDS, truth.OUTLINES, strict=True))


def label(case: Case) -> str:
    return f"{case.format}-{case.dialect}-{case.tried}".replace("/", "_")


@pytest.mark.parametrize("case", CASES, ids=label)
def test_a_list_is_read_or_refused_as_the_table_says(
    case: Case, workspace: Path, files: Path
) -> None:
    path = case.write(files)
    outcome = add(workspace, path, *case.options)
    if case.refused:
        assert outcome.error is not None, outcome.output
        assert outcome.error.code == case.refused
        assert case.says in str(outcome.error)
        assert outcome.table.empty
        return
    assert outcome.error is None, outcome.error
    report = outcome.report
    assert report
    assert case.codes <= outcome.codes, report.findings
    assert (report.accepted, report.rejected) == (3 if len(outcome.table) else 0, case.rejected)
    if not len(outcome.table):
        return
    assert outcome.table["mine_id"].tolist() == truth.IDS
    if case.named:
        assert outcome.table["name"].tolist() == truth.NAMES
    stated = outcome.table["stated_area_ha"].to_numpy()
    known = np.isfinite(stated)
    if case.outlines:
        assert metres_off(outcome.table, TRUE) < case.within_m
        measured = outcome.table["measured_area_ha"].to_numpy()
        assert np.allclose(stated[known], measured[known], rtol=0.01)
    else:
        assert outcome.table.geometry.isna().all()
