"""The report's words: whole in both languages, and none that nobody reads."""

import dataclasses
import math
import re
from itertools import product
from pathlib import Path

import pandas
import pytest

from reverdure.core.codes import Reason, Verdict
from reverdure.core.records import Finding, ImportReport
from reverdure.publish import messages as catalogue
from reverdure.publish.messages import messages, pair, text
from reverdure.publish.report import ReportData, write_report
from reverdure.publish.tables import write_tables
from reverdure.publish.wording import sentences

VERDICT = {
    "claimed_ha": 4.0, "year": 2019, "aim": "forest",
    "restored_ha": 3.2, "restored_ha_low": 2.9, "restored_ha_high": 3.5,
}  # fmt: skip
WITHOUT_NUMBER = {"restored_ha": None, "restored_ha_low": None, "restored_ha_high": None}


# withdrawn, about another one, and of no mine in particular
CORRECTED = [
    {"number": 2, "kind": "year", "mine_id": "", "claim_id": "", "county": "", "year": 2013,
     "about": 1, "verdict": "", "outcome": "", "person": "Wu", "why": "haze",
     "at": "2026-03-01T08:00:00+00:00", "in_force": False}
]  # fmt: skip


def test_every_message_stands_in_both_languages_with_the_same_values() -> None:
    for key, words in messages().items():
        assert set(words) == {"en", "zh"}, key
        names = [sorted(set(re.findall(r"{(\w+)}", words[code]))) for code in ("en", "zh")]
        assert all(words.values()), key
        if not key.startswith(("claim.", "reason.", "verdict.")):
            assert names[0] == names[1], key


def _emptied(data: ReportData) -> ReportData:
    """The same programme without a row."""
    names = ("mines", "claims", "verdicts", "totals", "trajectories")
    empty = {name: getattr(data, name).iloc[:0] for name in names}
    return dataclasses.replace(data, counties=None, imports=(), **empty)


def _crowded(data: ReportData) -> ReportData:
    """One mine with more claims and more findings than a page lists."""
    copies = [data.verdicts.assign(claim_id=f"C{i}") for i in range(210)]
    finding = Finding(1, "", "flagged", "odd", "Odd.", "异常。")
    report = ImportReport("many.csv", 300, 300, 0, 0, 0, (finding,) * 300)
    grounds = [data.natural.assign(ground_id=f"M{i}:unclaimed") for i in range(101)]
    return dataclasses.replace(
        data,
        verdicts=pandas.concat(copies, ignore_index=True),
        imports=(report,),
        natural=pandas.concat(grounds, ignore_index=True),
    )


def test_every_message_is_used(
    tmp_path: Path, report_data: ReportData, make_data, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: set[str] = set()

    class Recorder(dict):
        def __getitem__(self, key: str) -> dict[str, str]:
            asked.add(key)
            return super().__getitem__(key)

    recorder = Recorder(messages())
    monkeypatch.setattr(catalogue, "messages", lambda: recorder)
    catalogue._both_as_it_is.cache_clear()
    write_tables(tmp_path / "products", report_data)
    write_report(tmp_path / "report", report_data)
    write_report(tmp_path / "nothing", _emptied(report_data))
    write_report(tmp_path / "crowded", _crowded(make_data(1)))
    doubtful = report_data.verdicts.assign(p_supported=0.93, p_not_supported=0.93)
    write_report(tmp_path / "doubtful", dataclasses.replace(report_data, verdicts=doubtful))
    corrected = dataclasses.replace(make_data(1), corrections=lambda mine_id: CORRECTED)
    write_report(tmp_path / "corrected", corrected)
    for verdict, reason, numbers in product(Verdict, Reason, ({}, WITHOUT_NUMBER)):
        sentences({}, VERDICT | numbers | {"verdict": verdict.key, "reason": reason.key})
    sentences({}, VERDICT | {"claimed_ha": None, "verdict": "no_data", "reason": "no_outline"})
    # the pages of the field verification are written by commands: tests/flow/test_field.py;
    # pictures, the QGIS project and forms of records have tests of their own
    elsewhere = ("field.", "drawn.", "qgis.", "record_form.")
    of_report = {key for key in messages() if not key.startswith(elsewhere)}
    assert of_report - asked == set()


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_measured_verdict_says_its_number_its_interval_and_its_reason(verdict: Verdict) -> None:
    for reason in Reason:
        words = sentences({}, VERDICT | {"verdict": verdict.key, "reason": reason.key})
        english, chinese = words.split('<span class="zh"')
        for language in (english, chinese):
            assert all(number in language for number in ("4.00", "3.20", "2.90", "3.50", "2019"))
            assert "48.0" in language, "the same number in mu"
        assert text(f"reason.{reason.key}", "en") in english
        assert text(f"reason.{reason.key}", "zh") in chinese


def test_a_verdict_without_number_gives_none() -> None:
    words = sentences(
        {"claimant": "县局"},
        VERDICT | WITHOUT_NUMBER | {"verdict": "no_data", "reason": "no_outline"},
    )
    assert "县局" in words
    assert "nan" not in words.lower()
    assert "None" not in words
    assert "3.2" not in words


def test_a_not_a_number_counts_as_no_number() -> None:
    holes = dict.fromkeys(WITHOUT_NUMBER, math.nan)
    words = sentences({}, VERDICT | holes | {"verdict": "no_data", "reason": "no_outline"})
    assert "nan" not in words


def test_values_are_escaped_and_messages_are_not() -> None:
    assert "&lt;b&gt;" in text("page.mine_title", "en", {"mine": "<b>"})
    assert pair("<", ">") == '<span class="en">&lt;</span><span class="zh" lang="zh">&gt;</span>'
    with pytest.raises(KeyError):
        text("no.such.message", "en")
    with pytest.raises(KeyError):
        text("page.mine_title", "en")
