"""Pictures of a mine for documents: sheet, animation, strip and figure, small mines and large."""

import base64
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from reverdure.core.codes import PictureStatus
from reverdure.core.records import PictureSeries, YearPicture
from reverdure.publish import messages as catalogue
from reverdure.publish.charts import Event
from reverdure.publish.contents import rows
from reverdure.publish.frames import animation, contact_sheet, frames, sheet_layout
from reverdure.publish.messages import messages
from reverdure.publish.strip import MOST_BYTES, strip
from reverdure.publish.trajectory_figure import trajectory_figure

HOSTILE = "<script>alert(1)</script>\x00 & 赣-7"
SVG = "{http://www.w3.org/2000/svg}"


def made_series(side: int, n_years: int, name: str = "北矿") -> PictureSeries:
    """Forest with noise, a bare mine in the middle; year 2 has nothing clear, year 3 no image."""
    random = np.random.default_rng(side)
    ground = np.clip(random.normal((50, 90, 45), 12, (side, side, 3)), 0, 255).astype(np.uint8)
    low, high = int(0.42 * side), int(0.58 * side) + 1
    ground[low:high, low:high] = (190, 170, 150)
    seen = np.ones((side, side), bool)
    seen[: side // 8] = False
    ring = np.array([(low, low), (high, low), (high, high), (low, high), (low, low)], float)
    lacks = {2: PictureStatus.NOTHING_CLEAR, 3: PictureStatus.NO_IMAGERY}
    years = tuple(
        YearPicture(1985 + n, lacks[n])
        if n in lacks
        else YearPicture(1985 + n, PictureStatus.SHOWN, ground, seen)
        for n in range(n_years)
    )
    bands = ("swir2", "nir", "red")
    return PictureSeries("M1", name, "run7", bands, (side, side), 30.0, (ring,), years)


def is_dark(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return pixels.astype(int).sum(-1) < 200


def with_noise(series: PictureSeries) -> PictureSeries:
    """The same series with noise of its own in every year, which nothing can compress."""
    random = np.random.default_rng(1)
    years = tuple(
        one
        if one.rgb is None
        else replace(one, rgb=random.integers(0, 256, one.rgb.shape).astype(np.uint8))
        for one in series.years
    )
    return replace(series, years=years)


# a mine of three pixels has a margin of eight on each side
@pytest.mark.parametrize("side", [19, 316, 480])
def test_frames_show_year_outline_and_what_is_missing(side: int) -> None:
    series = made_series(side, 6)
    all_frames = frames(series, 400)
    assert len({frame.shape for frame in all_frames}) == 1
    height, width, _ = all_frames[0].shape
    assert 300 <= width <= 400
    head = height - width
    for frame in all_frames:
        assert 12 <= np.ptp(np.nonzero(is_dark(frame[:head]).any(1))[0]) <= head, "a year to read"
    shown, nothing_clear = all_frames[0][head:], all_frames[2][head:]
    zoom = width / side
    (left, top), _, (right, _) = (zoom * series.rings[0][:3]).tolist()
    edge = shown[round(top) - 3 : round(top) + 4, round(left) + 6 : round(right) - 6]
    assert (edge.min(-1) >= 250).any(0).all(), "a light outline without gaps"
    assert (is_dark(edge).sum(0) >= 2).all(), "dark beside it"
    stripes = shown[: width // 10].reshape(-1, 3)
    assert {tuple(one) for one in stripes.tolist()} == {(236, 238, 237), (150, 157, 154)}
    middle = nothing_clear[width // 2 - 2 : width // 2 + 2, width // 2 - 2 : width // 2 + 2]
    assert is_dark(middle).any(), "crossed out"
    assert (all_frames[0][head:] == all_frames[1][head:]).all(), "the same land looks the same"
    assert not (all_frames[0][:head] == all_frames[1][:head]).all()


def test_a_sheet_holds_every_year_in_rows_of_like_length() -> None:
    assert [sheet_layout(n) for n in (1, 8, 9, 41)] == [(1, 1), (1, 8), (2, 5), (6, 7)]
    sheet = contact_sheet(made_series(19, 10))
    cell = frames(made_series(19, 10), 200)[0]
    height, width, _ = cell.shape
    assert sheet.shape == (2 * (height + 8) + 8, 5 * (width + 8) + 8, 3)
    assert (sheet[8 : 8 + height, 8 : 8 + width] == cell).all()


def test_files_are_bounded_whatever_they_show() -> None:
    series = with_noise(made_series(480, 41))
    assert 2_000_000 < len(animation(series)) < 8_000_000
    assert 2_000_000 < len(strip(series, "en").encode()) < MOST_BYTES + 40_000


@pytest.mark.parametrize(("side", "n_years"), [(19, 10), (316, 41)])
def test_an_animation_has_a_frame_for_every_year(side: int, n_years: int) -> None:
    series = made_series(side, n_years)
    content = animation(series)
    assert content == animation(series)
    image = Image.open(io.BytesIO(content))
    assert (image.format, image.n_frames, image.info["loop"]) == ("GIF", n_years, 0)
    durations, found = [], []
    for number in range(n_years):
        image.seek(number)
        durations.append(image.info["duration"])
        found.append(np.asarray(image.convert("RGB")))
    assert durations == [2000, *[600] * (n_years - 2), 2000]
    wanted = frames(series, image.width)
    assert wanted[0].shape == found[0].shape
    for one, other in zip(wanted, found, strict=True):
        assert np.abs(one.astype(int) - other).mean() < 8, "one palette serves all years"
    head = image.height - image.width
    assert (found[0][head:] == found[-1][head:]).all()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("side", [19, 316])
def test_a_strip_says_every_year_and_why_one_is_missing(side: int, language: str) -> None:
    series = made_series(side, 41, HOSTILE)
    drawn = strip(series, language)
    assert drawn == strip(series, language)
    top = ElementTree.fromstring(drawn)
    words = [text.text for text in top.iter(f"{SVG}text")]
    assert [word for word in words if re.fullmatch(r"\d{4}", word)] == [
        str(year) for year in range(1985, 2026)
    ]
    for status in (PictureStatus.NOTHING_CLEAR, PictureStatus.NO_IMAGERY):
        assert words.count(status.label(language)) == 1
    assert len(list(top.iter(f"{SVG}image"))) == 39
    assert words[0].startswith("<script>alert(1)</script>\ufffd & 赣-7")
    assert any("run7" in word and "1985–2025" in word for word in words)
    assert any({"en": "near infrared", "zh": "近红外"}[language] in word for word in words)
    width, height = (float(top.get(name)) for name in ("width", "height"))
    for group in top.iter(f"{SVG}g"):
        x, y = map(float, re.findall(r"[\d.]+", group.get("transform")))
        assert x + 160 <= width
        assert y + 160 <= height


def test_pixels_of_a_strip_are_those_of_the_series() -> None:
    series = made_series(19, 2)
    top = ElementTree.fromstring(strip(series, "en"))
    image = next(top.iter(f"{SVG}image"))
    png = base64.b64decode(image.get("href").partition(",")[2])
    found = np.asarray(Image.open(io.BytesIO(png)))
    year = series.years[0]
    assert (found[year.seen] == year.rgb[year.seen]).all()
    blank = {tuple(one) for one in found[~year.seen].tolist()}
    assert blank == {(236, 238, 237), (170, 176, 173)}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_figure_has_axes_units_legend_and_source(report_data, language: str) -> None:
    yearly = rows(report_data.trajectories[report_data.trajectories["mine_id"] == "M00001"])
    events = [
        Event(2001, 2001, "damage"),
        Event(2010, 2012, "work"),
        Event(2015, 2015, "recovered"),
    ]
    drawn = trajectory_figure(HOSTILE, yearly, events, language)
    assert drawn == trajectory_figure(HOSTILE, yearly, events, language)
    top = ElementTree.fromstring(drawn)
    words = ["".join(text.itertext()) for text in top.iter(f"{SVG}text")]
    indices = {row["index"] for row in yearly}
    unit = {"en": "(no unit)", "zh": "（无量纲）"}[language]
    assert sum(unit in word for word in words) == len(indices) == 4
    assert words.count({"en": "Year", "zh": "年份"}[language]) == 4
    assert sum("3f9a2c61d0" in word for word in words) == 1
    assert sum("2010–2012" in word for word in words) == 4
    lines = [
        one.get("points") for one in top.iter(f"{SVG}polyline") if one.get("class") == "fitted"
    ]
    assert len(lines) == 4
    # years without a value are left out of the points, never filled
    seen = [one.get("d") for one in top.iter(f"{SVG}path") if one.get("class") == "seen"]
    per_index = {i: sum(r["value"] is not None for r in yearly if r["index"] == i) for i in indices}
    assert sum(d.count("h0") for d in seen if d) - 2 == sum(per_index.values())  # 2: the legend


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """Keys of messages that are read from here on."""
    found: set[str] = set()

    class Recorder(dict):
        def __getitem__(self, key: str) -> dict[str, str]:
            found.add(key)
            return super().__getitem__(key)

    recorder = Recorder(messages())
    monkeypatch.setattr(catalogue, "messages", lambda: recorder)
    return found


def test_every_word_of_drawings_is_used(asked: set[str], report_data) -> None:
    series = made_series(19, 5)
    for bands in (("red", "green", "blue"), ("swir2", "nir", "red")):
        strip(replace(series, bands=bands), "zh")
    yearly = rows(report_data.trajectories[report_data.trajectories["mine_id"] == "M00001"])
    trajectory_figure("M", yearly, [], "zh")
    assert {key for key in messages() if key.startswith("drawn.")} - asked == set()
