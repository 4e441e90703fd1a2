"""What came back by itself, as the report and the tables tell it."""

import csv
import dataclasses
import math
import re
from pathlib import Path

import pytest

from reverdure.core.errors import MissingColumn
from reverdure.core.fields import NATURAL_RECOVERY
from reverdure.publish.index_page import index_page
from reverdure.publish.natural import natural_facts, natural_sentences
from reverdure.publish.report import ReportData, write_report
from reverdure.publish.tables import write_tables


def _plain(markup: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", markup))


def test_sums_are_those_of_the_table(report_data: ReportData) -> None:
    facts = natural_facts(report_data, {}, {})
    assert facts is not None
    table = report_data.natural
    unclaimed = table[table["ground"] == "unclaimed"]
    total = unclaimed["recovered_ha"].sum()
    assert f"{total:.2f}" in _plain(facts["lead"])
    spread = math.hypot(*(0.1 * unclaimed["recovered_ha"].dropna()))
    assert f"{total - spread:.2f}" in _plain(facts["lead"])
    assert sum(line["count"] for line in facts["states"]) == len(unclaimed)
    assert len(facts["claimed"]) == 2
    came_back = table["state"].isin(["recovered", "partly_recovered"])
    assert facts["count"] == came_back.sum()


def test_grounds_are_listed_from_the_largest(report_data: ReportData) -> None:
    facts = natural_facts(report_data, {"M00001": "A"}, {"M00001": "M00001.html"})
    shown = [float(_plain(line["recovered"]).split()[0]) for line in facts["grounds"]]
    assert shown == sorted(shown, reverse=True)
    linked = [line for line in facts["grounds"] if line["mine"] == "A"]
    assert {line["href"] for line in linked} == {"mines/M00001.html"}


def test_without_the_table_there_is_no_section(report_data: ReportData) -> None:
    without = dataclasses.replace(report_data, natural=None)
    assert natural_facts(without, {}, {}) is None
    assert 'id="natural"' not in index_page(without, {}, [])
    assert 'id="natural"' in index_page(report_data, {}, [])
    with pytest.raises(MissingColumn, match="since"):
        dataclasses.replace(report_data, natural=report_data.natural.drop(columns="since"))


@pytest.mark.parametrize("state", ["recovered", "never_damaged", "not_measured"])
def test_a_sentence_says_number_interval_and_year_or_why_not(state: str) -> None:
    row = {
        "ground": "unclaimed", "state": state, "ground_ha": 2.0, "claim_id": "",
        "recovered_ha": 1.8, "recovered_ha_low": 1.5, "recovered_ha_high": 1.9, "since": 2008,
        "reason": "measured",
    }  # fmt: skip
    if state == "never_damaged":
        row |= dict.fromkeys(("recovered_ha", "recovered_ha_low", "recovered_ha_high"), 0.0)
        row |= {"since": None, "reason": "never_damaged"}
    if state == "not_measured":
        row |= dict.fromkeys(("recovered_ha", "recovered_ha_low", "recovered_ha_high", "since"))
        row |= {"reason": "too_small"}
    (said,) = natural_sentences([row])
    words = _plain(said)
    assert "None" not in words
    assert "nan" not in words
    expected = {
        "recovered": ["1.80", "1.50", "1.90", "Since 2008", "恢复于2008年", "27.0"],
        "never_damaged": ["no damage", "未见损毁"],
        "not_measured": ["smaller than 0.4 ha", "未测量"],
    }
    assert all(part in words for part in expected[state])


def test_mine_pages_and_the_csv_hold_it(tmp_path: Path, report_data: ReportData) -> None:
    write_tables(tmp_path / "products", report_data)
    write_report(tmp_path / "report", report_data)
    page = (tmp_path / "report" / "mines" / "M00002.html").read_text(encoding="utf-8")
    assert "came back by itself" in page
    assert "natural_recovery.csv" in (tmp_path / "report" / "index.html").read_text("utf-8")
    with (tmp_path / "products" / "natural_recovery.csv").open(encoding="utf-8-sig") as stream:
        lines = list(csv.DictReader(stream))
    assert list(lines[0]) == NATURAL_RECOVERY.columns
    assert len(lines) == len(report_data.natural)
    assert lines[0]["since"] in ("2008", "")
