"""The page of a claim: complete, small, whole in both languages, true to its evidence."""

import dataclasses
import os
import re
import shutil
import zlib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
import shapely
import xarray as xr
from playwright import sync_api as playwright

from reverdure.core.codes import Verdict
from reverdure.publish.charts import Year
from reverdure.publish.claim_maps import gain_maps, mask_png, reference_map, zone_map
from reverdure.publish.claim_page import since_damage
from reverdure.publish.claim_words import commands, said
from reverdure.publish.report import ReportData, write_report

FLAGS = [
    "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run",
]  # fmt: skip
VERDICT = {
    "claim_id": "C1", "mine_id": "M1", "verdict": "partly_supported", "reason": "measured",
    "restored_ha": 2.0, "restored_ha_low": 1.5, "restored_ha_high": 2.4, "claimed_ha": 4.0,
    "p_supported": 0.004, "p_not_supported": 0.0, "year": 2013, "last_clear_year": 2024,
    "n_pixels": 38.2, "flags": "",
}  # fmt: skip


def test_the_course_is_drawn_from_the_damage_on() -> None:
    series = [Year(year, 0.5, 0.1, 1.0, 0.8, 0.7, 0.9) for year in range(2005, 2010)]
    drawn = [one.fitted for one in since_damage(series, 2008)]
    assert drawn == [None, None, None, 0.1, 0.1]
    assert since_damage(series, None) == series


class Page(HTMLParser):
    """Links and words of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.words = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links.append(dict(attrs)["href"] or "")

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, report_data: ReportData) -> Path:
    folder = tmp_path_factory.mktemp("report")
    write_report(folder, report_data)
    return folder


def test_every_claim_has_its_page_and_is_linked_from_mine_and_index(
    folder: Path, report_data: ReportData
) -> None:
    pages = {page.stem for page in (folder / "claims").iterdir()}
    assert pages == set(report_data.verdicts["claim_id"])
    index = Page(folder / "index.html").links
    assert {f"claims/{claim}.html" for claim in pages} <= set(index)
    assert "../claims/C00002.html" in Page(folder / "mines" / "M00002.html").links
    for page in (folder / "claims").iterdir():
        for link in Page(page).links:
            assert (page.parent / unquote(urlsplit(link).path)).is_file(), link


def test_pages_of_claims_that_are_gone_are_removed_and_ids_that_are_no_names_get_one(
    tmp_path: Path, make_data
) -> None:
    data = make_data(3)
    write_report(tmp_path, data)
    odd = data.verdicts["claim_id"].replace({"C00002": "../<script>x"})
    renamed = dataclasses.replace(
        data, verdicts=data.verdicts.assign(claim_id=odd), evidence=lambda mine_id: {}
    )
    write_report(tmp_path, renamed)
    names = sorted(page.name for page in (tmp_path / "claims").iterdir())
    assert len(names) == len(data.verdicts)
    assert "C00002.html" not in names
    (page,) = (name for name in names if name.startswith("claim-"))
    assert "<script>x" not in (tmp_path / "claims" / page).read_text(encoding="utf-8")


def test_pages_of_mines_outside_a_partial_run_stay_as_they_are(tmp_path: Path, make_data) -> None:
    data = make_data(3)
    write_report(tmp_path, data)
    before = {page.name: page.read_bytes() for page in (tmp_path / "claims").iterdir()}
    partial = dataclasses.replace(
        data, run_id="another", evidence=lambda mine: None if mine == "M00002" else {}
    )
    write_report(tmp_path, partial)
    after = {page.name: page.read_bytes() for page in (tmp_path / "claims").iterdir()}
    same = {name for name in before if before[name] == after[name]}
    assert same == {"C00002.html"}


def test_pages_are_small_and_the_same_each_time(
    folder: Path, tmp_path: Path, report_data: ReportData
) -> None:
    write_report(tmp_path, report_data)
    sizes = []
    for page in (folder / "claims").iterdir():
        assert page.read_bytes() == (tmp_path / "claims" / page.name).read_bytes()
        sizes.append(page.stat().st_size)
    # mines of the test are 100 pixels; without evidence a page is its style and words
    assert max(sizes) < 90_000
    assert min(sizes) < 25_000


def test_a_claim_without_evidence_says_so_and_draws_nothing(
    folder: Path, report_data: ReportData
) -> None:
    rows = report_data.verdicts.set_index("claim_id")
    text = (folder / "claims" / "C00006.html").read_text(encoding="utf-8")
    assert rows.loc["C00006", "reason"] == "no_outline"
    assert "was not looked at" in text
    assert "claim-map" not in re.sub(r"<style>.*?</style>", "", text, flags=re.S)
    assert "nan" not in Page(folder / "claims" / "C00006.html").words.lower().split()


@pytest.fixture(scope="module")
def seen(report_data: ReportData) -> xr.Dataset:
    return report_data.evidence("M00002")["C00002"]


@pytest.fixture(scope="module")
def ground(report_data: ReportData) -> shapely.Geometry:
    mines = report_data.mines.to_crs(32649).set_index("mine_id")
    return mines.geometry["M00002"]


def _cells(path: str) -> int:
    """Cells in path data made of rectangles."""
    return sum(int(a) * int(b) for a, b in re.findall(r"h(\d+)v(\d+)", path))


def test_zones_are_drawn_cell_by_cell_in_their_class(seen, ground) -> None:
    drawn = zone_map(seen, ground, [ground])
    share, area = seen["zone_restored"].to_numpy(), seen["cell_ha"].to_numpy()
    shown = area > 0.1 * area.max()
    counts = [_cells(path) for path in drawn.classes]
    assert counts == np.histogram(share[shown], [0, 0.1, 0.5, 0.9, 1.01])[0].tolist()


def test_zones_lie_inside_the_outline_drawn_over_them(seen, ground) -> None:
    drawn = zone_map(seen, ground, [ground])
    corners = np.array(re.findall(r"[ML](-?[\d.]+),(-?[\d.]+)", drawn.outline), float)
    outline = shapely.Polygon(corners)
    rectangles = [
        shapely.box(float(x), float(y), float(x) + float(w), float(y) + float(h))
        for path in drawn.classes
        for x, y, w, h in re.findall(r"M(-?\d+),(-?\d+)h(\d+)v(\d+)", path)
    ]
    covered = shapely.union_all(rectangles)
    assert covered.intersection(outline).area > 0.97 * outline.area
    assert covered.area < 1.12 * outline.area


def test_gains_are_numbered_where_there_is_room(seen, ground) -> None:
    (drawn,) = gain_maps(seen, ground, [])
    gain, share = seen["gain"].to_numpy()[0], seen["seen"].to_numpy()
    clearly = np.isfinite(gain) & (share >= 0.25)
    assert len(drawn.numbers) == clearly.sum()
    expected = sorted(f"{round(100 * one) + 0:d}".replace("-", "−") for one in gain[clearly])
    assert sorted(one.text for one in drawn.numbers) == expected
    assert sum(map(_cells, drawn.classes)) == 9 * clearly.sum()
    assert sum(map(_cells, drawn.faint)) == 9 * (np.isfinite(gain) & (share < 0.25)).sum()


def test_large_ground_has_no_numbers(seen, ground) -> None:
    beside = seen.sizes["x"] + 30
    wide = seen.drop_vars("x").pad(x=(0, 30))
    wide = wide.assign_coords(x=float(seen["x"][0]) + 30.0 * np.arange(beside))
    (drawn,) = gain_maps(wide, ground, [])
    assert drawn.numbers == ()
    assert any(drawn.classes)


def test_reference_pixels_lie_where_they_are(seen, ground) -> None:
    drawn = reference_map(seen, ground, ground, [])
    assert drawn.n_shown == seen.sizes["reference_pixel"]
    assert drawn.width == float(np.ptp(seen["reference_column"].to_numpy()) + 1)
    # the ring of the data is centred on the mine: so is the picture in its frame
    assert drawn.x + drawn.width / 2 == pytest.approx(drawn.frame.size / 2, abs=6)
    assert drawn.frame.scale_m == 1000
    assert drawn.frame.scale_length == pytest.approx(1000 / 30, abs=1e-3)


def test_a_mask_is_a_png_that_holds_each_pixel() -> None:
    mask = np.random.default_rng(1).random((9, 13)) < 0.4
    content = mask_png(mask)
    start = content.index(b"IDAT")
    length = int.from_bytes(content[start - 4 : start], "big")
    raw = np.frombuffer(zlib.decompress(content[start + 4 : start + 4 + length]), np.uint8)
    rows = raw.reshape(9, 3)
    assert (rows[:, 0] == 0).all()
    assert (np.unpackbits(rows[:, 1:], axis=1)[:, :13] == mask).all()


def _with(seen: xr.Dataset, **attrs: object) -> xr.Dataset:
    return seen.assign_attrs(attrs)


@pytest.mark.parametrize(
    ("verdict", "margins", "english", "mu"),
    [
        ("supported", (-0.4, -2.0), ["stay supported with up to 0.40", "2.00", "less restored"],
         "6.0"),
        ("partly_supported", (0.3, -1.1), ["With 0.30", "it would be supported"], "4.5"),
        ("not_supported", (2.9, 0.2), ["2.90", "stay not supported with up to 0.20"], "3.0"),
        ("undecided", (None, -0.5), ["No restored area on this ground", "0.50"], "7.5"),
    ],
)  # fmt: skip
def test_what_would_change_the_verdict_is_said_in_both_units(
    seen, verdict: str, margins, english: list[str], mu: str
) -> None:
    known = _with(seen, to_supported_ha=margins[0], to_not_supported_ha=margins[1])
    lines = said({}, VERDICT | {"verdict": verdict}, known, (1995, 2024)).changes
    assert len(lines) == 2
    text = re.sub(r"<[^>]+>", " ", " ".join(lines))
    text = re.sub(r"\s+", " ", text)
    assert all(re.sub(r"\s+", " ", part) in text for part in english)
    assert mu in text
    assert "nan" not in text


def test_a_young_claim_says_how_many_years_it_needs(seen) -> None:
    known = _with(seen, clear_years_since=1, to_supported_ha=None, to_not_supported_ha=None)
    lines = said({}, VERDICT | {"verdict": "too_early"}, known, (1995, 2024)).changes
    assert "2 more clear years" in "".join(lines)


@pytest.mark.parametrize(
    ("verdict", "enough", "little", "words"),
    [
        ("supported", 0.93, 0.06, "7 % of the possible answers lie below the 80 % mark"),
        ("supported", 0.99, 0.0, ""),
        ("not_supported", 0.02, 0.91, "9 % of the possible answers lie above the 20 % mark"),
        ("undecided", 0.5, 0.3, ""),
        ("no_data", None, None, ""),
    ],
)
def test_answers_that_a_verdict_passes_over_are_told(seen, verdict, enough, little, words) -> None:
    row = VERDICT | {"verdict": verdict, "p_supported": enough, "p_not_supported": little}
    lines = said({}, row, seen, (1995, 2024)).against
    assert words in "".join(lines)
    assert bool(lines) == bool(words)


def test_a_claim_without_number_says_what_is_missing() -> None:
    nothing = dict.fromkeys(("restored_ha", "restored_ha_low", "restored_ha_high", "p_supported"))
    row = VERDICT | nothing | {"verdict": "no_data", "reason": "no_outline"}
    spoken = said({}, row, None, (1995, 2024))
    assert "no outline" in "".join(spoken.changes)


def test_flags_become_sentences(seen) -> None:
    row = VERDICT | {"flags": "lost_again;disputed;index_missing;<odd>"}
    lines = said({"flags": "year_guessed"}, row, seen, (1995, 2024)).flags
    assert "lost again" in lines[0]
    assert "有异议" in lines[1]
    assert "&lt;odd&gt;" in lines[3]
    assert "year_guessed" in lines[4]


def test_a_probability_is_never_rounded_to_certainty(seen) -> None:
    text = "".join(said({}, VERDICT, seen, (1995, 2024)).seen)
    assert "&lt;1 %" in text
    assert "0 %" in text


def test_commands_name_the_claim_and_the_mine_and_exist() -> None:
    from typer.testing import CliRunner

    from reverdure.cli.main import app

    lines = [one.line for one in commands(VERDICT | {"claim_id": "it's", "mine_id": "赣-7"})]
    assert "dispute 'it'\\''s'" in lines[0]
    assert all("赣-7" in line for line in lines[1:])
    for line in lines:
        words = line.split()
        found = CliRunner().invoke(app, [*words[1:3], "--help"])
        assert found.exit_code == 0, line
        assert all(word in found.output for word in words if word.startswith("--")), line


@pytest.fixture(scope="module")
def browser() -> Iterator["playwright.Browser"]:
    names = ("chromium", "chromium-browser", "google-chrome", "msedge")
    found = os.environ.get("REVERDURE_CHROMIUM") or next(filter(None, map(shutil.which, names)), "")
    if not found:
        pytest.skip("browser absent: chromium")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=found, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def page(browser: "playwright.Browser") -> Iterator["playwright.Page"]:
    """A page that fails the test on any error or request beyond the disk."""
    context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    troubles: list[str] = []
    opened.on("console", lambda message: troubles.append(message.text))
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    opened.on(
        "request",
        lambda request: (
            None if request.url.startswith(("file:", "data:")) else troubles.append(request.url)
        ),
    )
    yield opened
    assert troubles == []
    context.close()


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("state", ["en,ha", "zh,mu"])
def test_a_page_fits_its_screen_in_both_languages(
    page: "playwright.Page", folder: Path, width: int, state: str
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for name in ("C00001a", "C00002", "C00003", "C00006"):
        page.goto((folder / "claims" / f"{name}.html").as_uri() + "#" + state)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        words = page.locator("main").inner_text()
        assert ("如有异议" in words) == state.startswith("zh")
        assert ("If you disagree" in words) == state.startswith("en")
        outside = page.evaluate(
            """() => [...document.querySelectorAll('main .mark, main li, main td, main dd')].filter(
                 e => { const b = e.getBoundingClientRect();
                        return b.width && (b.left < -1 || b.right > innerWidth + 1); }).length"""
        )
        assert outside == 0, name


@pytest.mark.browser
def test_language_and_unit_come_along_from_the_index(page: "playwright.Page", folder: Path) -> None:
    page.goto((folder / "index.html").as_uri())
    page.locator("label[for=zh]").click()
    page.locator("label[for=mu]").click()
    page.locator(".claims tbody small a", has_text="C00002").click()
    page.wait_for_url("**/claims/C00002*")
    assert page.locator("h1").inner_text() == "上报 C00002"
    assert "亩" in page.locator(".gauge").inner_text()
    assert page.locator(".claim-map").count() == 3
    page.locator(".opening a").click()
    page.wait_for_url("**/mines/*")
    page.locator("article.claim a").first.click()
    page.wait_for_url("**/claims/C00002*")


@pytest.mark.browser
def test_marks_of_the_bar_stand_at_their_share_of_the_claim(
    page: "playwright.Page", folder: Path
) -> None:
    page.goto((folder / "claims" / "C00002.html").as_uri())
    places = page.evaluate(
        """() => { const t = document.querySelector('.gauge .track').getBoundingClientRect();
             const at = s => document.querySelector(s).getBoundingClientRect();
             const marks = [...document.querySelectorAll('.marks-over .mark')].map(
               e => { const b = e.getBoundingClientRect(); return (b.left + b.right) / 2 - t.left;
             });
             return [...marks, at('.tickmark').left + 1 - t.left]; }"""
    )
    low, high, whole = places
    assert low / whole == pytest.approx(0.2, abs=0.01)
    assert high / whole == pytest.approx(0.8, abs=0.01)


@pytest.mark.browser
def test_the_maps_say_with_signs_what_they_say_with_colour(
    page: "playwright.Page", folder: Path
) -> None:
    page.goto((folder / "claims" / "C00002.html").as_uri())
    zones = page.locator("svg.claim-map").first
    assert zones.locator("[fill^='url(#h-']").count() == 3
    gains = page.locator("svg.claim-map").nth(1)
    assert gains.locator(".percent text").count() > 20
    page.emulate_media(media="print")
    assert page.locator(".switches").is_hidden()
    assert zones.is_visible()


def test_every_verdict_is_among_the_pages_tried(report_data: ReportData) -> None:
    assert set(report_data.verdicts["verdict"]) == {verdict.key for verdict in Verdict}
