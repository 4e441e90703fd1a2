"""The report in a browser: opens from the disk, switches, filters, fits a phone."""

import os
import shutil
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from playwright import sync_api as playwright

from reverdure.publish.report import ReportData, write_report

FLAGS = [
    "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run",
]  # fmt: skip

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, make_data) -> Path:
    folder = tmp_path_factory.mktemp("report")
    write_report(folder, make_data(120))
    return folder


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


def test_language_and_unit_are_switched_and_kept_from_page_to_page(
    page: "playwright.Page", folder: Path
) -> None:
    page.goto((folder / "index.html").as_uri())
    heading = page.locator("h1")
    assert heading.inner_text() == "Restoration claims against satellite measurement"
    area = page.locator(".claims tbody .claimed").first
    in_ha = float(area.inner_text().split()[-1])
    page.locator("label[for=zh]").click()
    page.locator("label[for=mu]").click()
    assert heading.inner_text() == "矿山生态修复上报核验报告"
    assert page.evaluate("document.documentElement.lang") == "zh-Hans"
    assert float(area.inner_text().split()[-1]) == pytest.approx(15 * in_ha, abs=0.06)
    assert "全部结论" in page.locator("#by-verdict").inner_text()
    page.locator(".claims tbody a").first.click()
    page.wait_for_url("**/mines/*")
    assert "核验结论" in page.locator("h2").first.inner_text()
    assert "亩" in page.locator(".claim p").first.inner_text()
    page.locator(".brand a").click()
    page.wait_for_url("**/index.html*")
    assert heading.inner_text() == "矿山生态修复上报核验报告"


def test_claims_are_filtered_sorted_and_paged(page: "playwright.Page", folder: Path) -> None:
    page.goto((folder / "index.html").as_uri())
    rows = page.locator(".claims tbody tr")
    assert rows.count() == 50
    assert page.locator("#page-last").inner_text() == "3"
    page.locator("#next").click()
    assert page.locator("#page-now").inner_text() == "2"
    page.select_option("#by-verdict", label="too early")
    shown = page.locator(".claims tbody .verdict").all_inner_texts()
    assert {words.lower() for words in shown} == {"too early"}
    assert page.locator("#sum-count").inner_text() == str(len(shown))
    assert page.locator(".marks[data-verdict=supported]").is_hidden()
    page.select_option("#by-verdict", value="")
    page.select_option("#by-county", label="新化县")
    assert set(page.locator(".claims tbody .county").all_inner_texts()) == {"新化县"}
    page.locator("th.claimed button").click()
    words = page.locator(".claims tbody .claimed").all_inner_texts()
    numbers = [float(cell.split()[-1]) for cell in words]
    assert numbers == sorted(numbers)
    assert page.locator("th.claimed").get_attribute("aria-sort") == "ascending"
    page.locator("th.claimed button").click()
    assert float(page.locator(".claims tbody .claimed").first.inner_text().split()[-1]) == max(
        numbers
    )
    page.fill("#by-text", "C00002")
    assert rows.count() == 1


@pytest.mark.parametrize("state", ["en,ha", "zh,mu"])
def test_nothing_scrolls_sideways_on_a_phone_or_a_tablet(
    page: "playwright.Page", folder: Path, state: str
) -> None:
    sample = sorted((folder / "mines").iterdir())
    for path, width in product((folder / "index.html", sample[0], sample[-1]), (360, 800)):
        page.set_viewport_size({"width": width, "height": 740})
        page.goto(f"{path.as_uri()}#{state}")
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path.name


def test_the_map_zooms_and_its_scale_follows(page: "playwright.Page", folder: Path) -> None:
    page.goto((folder / "index.html").as_uri())
    before = float(page.locator("#length").inner_text())
    for _ in range(5):
        page.locator("[data-zoom='0.6']").click()
    assert float(page.locator("#length").inner_text()) < before
    page.locator("[data-zoom='0']").click()
    assert float(page.locator("#length").inner_text()) == before


def test_without_script_the_table_and_the_switches_work(
    browser: "playwright.Browser", folder: Path
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((folder / "index.html").as_uri())
    assert page.locator(".claims tbody tr").count() > 100
    page.locator("label[for=zh]").click()
    assert page.locator("h1").inner_text() == "矿山生态修复上报核验报告"
    context.close()


def test_hostile_names_are_shown_and_not_run(
    page: "playwright.Page", folder: Path, report_data: ReportData
) -> None:
    page.on("dialog", lambda dialog: pytest.fail(f"a name was run: {dialog.message}"))
    page.goto((folder / "index.html").as_uri())
    link = page.locator(".claims tbody a", has_text="<script>alert(1)</script>").first
    link.click()
    page.wait_for_url("**/mines/*")
    assert page.locator("h1").inner_text() == "<script>alert(1)</script>"
