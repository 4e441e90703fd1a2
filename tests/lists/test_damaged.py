"""Damaged lists: none crashes, none is read wrong in silence."""

from pathlib import Path

import pytest

from tests.lists import truth
from tests.lists.damaged import DAMAGES, Damage
from tests.lists.importing import add, metres_off

TRUE = dict(zip(truth.IDS, truth.OUTLINES, strict=True))


def test_there_are_enough_of_them_and_each_is_another():
    assert len({(damage.format, damage.what) for damage in DAMAGES}) == len(DAMAGES) >= 40


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda d: f"{d.format}-{d.what}".replace("/", "_"))
def test_a_damaged_list_is_refused_or_its_damage_named(
    damage: Damage, workspace: Path, files: Path
) -> None:
    outcome = add(workspace, damage.write(files), *damage.options)
    if damage.refused:
        assert outcome.error is not None, (outcome.output, outcome.table)
        assert outcome.error.code == damage.refused
        assert outcome.table.empty
        return
    assert outcome.error is None, outcome.error
    assert outcome.report
    assert damage.codes <= outcome.codes, outcome.report.findings
    assert outcome.report.accepted == damage.accepted
    spoilt = {finding.id for finding in outcome.report.findings if finding.row}
    whole = outcome.table[~outcome.table["mine_id"].isin(spoilt) & outcome.table.geometry.notna()]
    assert metres_off(whole, TRUE) < 0.01
