"""The report: whole, self-contained, safe against what the tables hold, small enough."""

import dataclasses
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pandas
import pytest

from reverdure.core.codes import Verdict
from reverdure.core.errors import MissingColumn
from reverdure.core.records import Picture, Progress
from reverdure.publish.files import page_names
from reverdure.publish.index_page import index_page
from reverdure.publish.report import ReportData, write_report
from reverdure.publish.tables import write_tables

MAKE = Callable[..., ReportData]


class Page(HTMLParser):
    """Elements, attributes and text of a page as a browser would see them."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, report_data: ReportData) -> Path:
    workspace = tmp_path_factory.mktemp("w")
    write_tables(workspace / "products", report_data)
    write_report(workspace / "report", report_data)
    return workspace / "report"


def _pages(folder: Path) -> list[Path]:
    return [folder / "index.html", *sorted((folder / "mines").iterdir())]


def test_every_mine_has_its_page_and_every_link_leads_somewhere(
    folder: Path, report_data: ReportData
) -> None:
    assert len(list((folder / "mines").iterdir())) == len(report_data.mines)
    for page in _pages(folder):
        links = [a["href"] or "" for tag in ("a",) for a in Page(page).all(tag)]
        assert links
        for link in links:
            assert (page.parent / unquote(urlsplit(link).path)).is_file(), link


def test_the_report_needs_no_network_and_no_other_file(folder: Path) -> None:
    for page in _pages(folder):
        seen = Page(page)
        assert not seen.all("iframe") + seen.all("object") + seen.all("embed")
        assert all("src" not in script for script in seen.all("script"))
        assert [link["href"] for link in seen.all("link")] == ["data:,"]
        assert all((i["href"] or "").startswith("data:image/png") for i in seen.all("image"))
        text = page.read_text(encoding="utf-8")
        addresses = set(re.findall(r"https?://[^\"' )]+", text))
        assert addresses <= {"http://www.w3.org/2000/svg"}
        for word in ("fetch(", "XMLHttpRequest", "Worker(", "@import", "url(", 'type="module"'):
            assert word not in text


def test_what_the_tables_hold_is_never_run(folder: Path) -> None:
    for page in _pages(folder):
        seen = Page(page)
        text = page.read_text(encoding="utf-8")
        assert "<script>alert" not in text
        assert not seen.all("img")
        assert not seen.all("b") or page.name == "index.html"
        handlers = [
            name for _, attributes in seen.elements for name in attributes if name[:2] == "on"
        ]
        assert not handlers
    index = Page(folder / "index.html")
    assert len(index.all("script")) == 4
    assert "<script>alert(1)</script>" in "".join(index.words)


def test_pages_hold_both_languages_and_both_units(folder: Path) -> None:
    text = (folder / "index.html").read_text(encoding="utf-8")
    for verdict in Verdict:
        assert verdict.zh in text
        assert verdict.en in text
        assert verdict.colour in text
    assert 'class="ha"' in text
    assert 'class="mu"' in text
    page = (folder / "mines" / "M00002.html").read_text(encoding="utf-8")
    assert "部分支持" in page
    assert "partly supported" in page.lower()
    assert "own_flag" in page, "a flag that is no reason is shown as it is"
    assert "环自相交" in page
    assert page.count("data:image/png") == 2


def test_pages_stay_small(folder: Path) -> None:
    assert max(page.stat().st_size for page in _pages(folder)) <= 150_000


def test_the_heaviest_page_stays_under_its_bound(tmp_path: Path, make_data: MAKE) -> None:
    data = make_data(1)
    noise = np.random.default_rng(0).integers(0, 256, (420, 380, 3)).astype(np.uint8)
    ring = np.random.default_rng(1).uniform(0, 380, (200, 2))
    many = [data.verdicts.assign(claim_id=data.verdicts["claim_id"] + f"-{i}") for i in range(20)]
    years = [data.trajectories.assign(year=data.trajectories["year"] + 30 * i) for i in range(2)]
    heavy = dataclasses.replace(
        data,
        verdicts=pandas.concat(many, ignore_index=True),
        trajectories=pandas.concat(years, ignore_index=True),
        pictures=lambda mine_id: [Picture(year, noise, (ring,)) for year in (1990, 2000, 2020)],
    )
    write_report(tmp_path, heavy)
    (page,) = (tmp_path / "mines").iterdir()
    assert page.stat().st_size <= 150_000
    assert "more claims on this mine" in page.read_text(encoding="utf-8")


def test_ten_thousand_mines_fit_one_index(make_data: MAKE) -> None:
    data = make_data(10_253, has_trajectories=False)
    text = index_page(data, page_names(data.mines["mine_id"]), [])
    assert len(text.encode()) < 6_000_000
    content = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    assert content
    assert len(json.loads(content[1])["rows"]) == len(data.verdicts)
    assert text.count('<td class="mine">') == 200


def test_the_script_holds_the_same_claims_as_the_table(
    folder: Path, report_data: ReportData
) -> None:
    text = (folder / "index.html").read_text(encoding="utf-8")
    content = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    assert content
    assert not set("<>&") & set(content[1])
    rows = json.loads(content[1])["rows"]
    expected = report_data.verdicts.sort_values("claim_id")
    assert [row[0] for row in rows] == expected["claim_id"].tolist()
    assert rows[0][5] == pytest.approx(expected["claimed_ha"].iloc[0])
    assert [row[6] is None for row in rows] == expected["restored_ha"].isna().tolist()


def test_the_same_data_give_the_same_bytes(
    folder: Path, tmp_path: Path, report_data: ReportData
) -> None:
    write_tables(tmp_path / "products", report_data)
    write_report(tmp_path / "report", report_data)
    for page in _pages(folder):
        assert page.read_bytes() == (tmp_path / "report" / page.relative_to(folder)).read_bytes()


def test_inputs_are_left_as_they_were(tmp_path: Path, make_data: MAKE) -> None:
    data, untouched = make_data(6), make_data(6)
    write_report(tmp_path, data)
    for name in ("mines", "claims", "verdicts", "totals", "trajectories"):
        pandas.testing.assert_frame_equal(
            pandas.DataFrame(getattr(data, name)), pandas.DataFrame(getattr(untouched, name))
        )


def test_pages_of_mines_that_are_gone_are_removed(tmp_path: Path, make_data: MAKE) -> None:
    write_report(tmp_path, make_data(12))
    steps: list[Progress] = []
    write_report(tmp_path, make_data(7), steps.append)
    assert len(list((tmp_path / "mines").iterdir())) == 7
    assert (steps[-1].done, steps[-1].total) == (8, 8)
    assert not [path for path in tmp_path.rglob("*") if ".part" in path.name]


def test_a_programme_without_anything_still_has_its_report(tmp_path: Path, make_data: MAKE) -> None:
    data = make_data(1)
    empty = {
        name: getattr(data, name).iloc[:0]
        for name in ("mines", "claims", "verdicts", "totals", "trajectories")
    }
    write_report(tmp_path, dataclasses.replace(data, counties=None, imports=(), **empty))
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "No claim has been judged yet" in text
    assert "尚无上报得到核验" in text


def test_a_claim_on_a_mine_that_is_not_listed_is_shown_without_link(
    tmp_path: Path, make_data: MAKE
) -> None:
    data = make_data(3)
    strange = data.verdicts.assign(mine_id="M99999")
    write_report(tmp_path, dataclasses.replace(data, verdicts=strange))
    page = Page(tmp_path / "index.html")
    assert not [a for a in page.all("a") if "M99999" in (a["href"] or "")]
    assert "M99999" in "".join(page.words)


def test_a_table_without_its_columns_is_refused(make_data: MAKE) -> None:
    data = make_data(1)
    with pytest.raises(MissingColumn, match=r"verdict.*restored_ha"):
        dataclasses.replace(data, verdicts=data.verdicts.drop(columns="restored_ha"))
