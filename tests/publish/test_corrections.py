"""What people corrected in the report: disputed verdicts are marked, with who and why."""

import dataclasses
import json
import re
from pathlib import Path

import pytest

from reverdure.core.codes import CorrectionKind, DisputeStatus
from reverdure.core.fields import CORRECTIONS
from reverdure.publish.contents import ReportData
from reverdure.publish.correction_words import corrections_said
from reverdure.publish.report import write_report

MINE, CLAIM = "M00002", "C00002"
WHY = "</script><script>alert(1)</script> 苹果树"


def row(number: int, kind: CorrectionKind, **values: object) -> dict[str, object]:
    empty: dict[str, object] = dict.fromkeys(CORRECTIONS.columns, "")
    empty |= {"number": number, "kind": kind.key, "year": None, "about": None, "in_force": True}
    said = {"person": "Wu Fang", "why": WHY, "at": "2026-03-01T08:00:00+00:00"}
    return empty | said | values


ROWS = [
    row(1, CorrectionKind.DISPUTE, claim_id=CLAIM, mine_id=MINE, verdict="not_supported"),
    row(2, CorrectionKind.YEAR, year=2013, in_force=False),
    row(3, CorrectionKind.SETTLEMENT, claim_id=CLAIM, about=1, outcome="dispute_upheld"),
]


@pytest.fixture
def disputed(report_data: ReportData) -> ReportData:
    flags = report_data.verdicts["flags"].where(
        report_data.verdicts["claim_id"] != CLAIM, "lost_again;disputed"
    )
    return dataclasses.replace(
        report_data,
        verdicts=report_data.verdicts.assign(flags=flags),
        corrections=lambda mine_id: ROWS if mine_id == MINE else [],
    )


def test_a_disputed_verdict_is_marked_wherever_it_is_shown(
    tmp_path: Path, disputed: ReportData
) -> None:
    write_report(tmp_path, disputed)
    pages = {path: path.read_text("utf-8") for path in tmp_path.rglob("*.html")}
    marked = {path.stem for path, text in pages.items() if 'class="dispute"' in text}
    assert marked == {"index", MINE, CLAIM}
    for page in (f"mines/{MINE}.html", f"claims/{CLAIM}.html"):
        text = pages[tmp_path / page]
        assert "Wu Fang, 2026-03-01" in text
        assert "Verdict disputed" in text
        assert "对结论提出异议" in text
        assert "no longer in force" in text
        assert "<script>alert(1)" not in text


def test_the_table_of_claims_gives_the_state_to_the_script(
    tmp_path: Path, disputed: ReportData
) -> None:
    write_report(tmp_path, disputed)
    index = (tmp_path / "index.html").read_text("utf-8")
    data = json.loads(re.search(r'id="data"[^>]*>(.*?)</script>', index, re.DOTALL).group(1))
    states = {line[0]: line[13] for line in data["rows"] if len(line) > 13}
    assert states == {CLAIM: DisputeStatus.DISPUTED.value}
    assert data["disputes"]["1"] == [DisputeStatus.DISPUTED.en, DisputeStatus.DISPUTED.zh]


def test_without_corrections_nothing_is_said_of_them(
    tmp_path: Path, report_data: ReportData
) -> None:
    write_report(tmp_path, report_data)
    text = "".join(path.read_text("utf-8") for path in tmp_path.rglob("*.html"))
    assert 'class="dispute"' not in text
    assert "Corrections by people" not in text


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "1. Verdict disputed (C00002, not supported). By Wu Fang, 2026-03-01:"),
        (1, "2. Year marked not clear (everywhere, 2013)."),
        (2, "dispute upheld: do not rely on the verdict, about correction 1"),
    ],
)
def test_each_kind_is_said_in_a_line(number: int, words: str) -> None:
    english = corrections_said(ROWS)[number].split('<span class="zh"')[0]
    assert words in english
