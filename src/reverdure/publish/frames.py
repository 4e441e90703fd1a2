"""Years of a mine as frames of pixels: the year above, the outline over the picture."""

from collections.abc import Sequence
from io import BytesIO
from math import ceil

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from reverdure.core.codes import PictureStatus
from reverdure.core.records import PictureSeries, YearPicture

RGB = NDArray[np.uint8]

_HEAD, _TEXT = 30, 22
_GAP = 8
_MOST_SIDE = 480
# all frames of an animation together, [pixel]: about 6 MB at most
_MOST_ANIMATED = 6_000_000
_SHEET_SIDE, _SHEET_COLUMNS = 200, 8
_WHITE, _INK, _PALE, _STRIPE = (255, 255, 255), (28, 36, 33), (236, 238, 237), (150, 157, 154)
_FRAME_MS, _END_MS = 600, 2000


def frames(series: PictureSeries, side: int) -> list[RGB]:
    """All years of a mine, each a picture of at most `side` pixels under its year.

    Pixels of the satellite are shown as squares. Where nothing was clear there are grey
    stripes; a year without picture is crossed out.

    Parameters
    ----------
    series : PictureSeries
    side : int
        Longest side of a picture, [pixel].

    Returns
    -------
    list of (row, column, 3) uint8
        All of one size.
    """
    zoom = _zoom(series, side)
    lines = [[(zoom * x, zoom * y) for x, y in ring.tolist()] for ring in series.rings]
    return [_frame(year, _size(series, zoom), lines) for year in series.years]


def sheet_layout(n_years: int) -> tuple[int, int]:
    """Rows and columns of a sheet: rows of like length, at most eight years each.

    Examples
    --------
    >>> sheet_layout(10), sheet_layout(41)
    ((2, 5), (6, 7))
    """
    rows = ceil(n_years / _SHEET_COLUMNS)
    return rows, ceil(n_years / rows)


def contact_sheet(series: PictureSeries) -> RGB:
    """All years of a mine side by side, row after row."""
    cells = frames(series, _SHEET_SIDE)
    rows, columns = sheet_layout(len(cells))
    height, width, _ = cells[0].shape
    shape = (rows * (height + _GAP) + _GAP, columns * (width + _GAP) + _GAP, 3)
    sheet = np.full(shape, 255, np.uint8)
    for number, cell in enumerate(cells):
        top = _GAP + number // columns * (height + _GAP)
        left = _GAP + number % columns * (width + _GAP)
        sheet[top : top + height, left : left + width] = cell
    return sheet


def animation(series: PictureSeries) -> bytes:
    """All years of a mine one after the other as GIF, the first and the last held longer.

    Returns
    -------
    bytes
        The file; the same series gives the same bytes. All years share one palette, so that
        a colour means the same in each.

    References
    ----------
    CompuServe (1990). Graphics Interchange Format, version 89a.
    """
    side = int((_MOST_ANIMATED / len(series.years)) ** 0.5)
    pictures = [Image.fromarray(one) for one in frames(series, min(side, _MOST_SIDE))]
    palette = _palette(pictures)
    images = [one.quantize(palette=palette, dither=Image.Dither.NONE) for one in pictures]
    ends = (0, len(images) - 1)
    content = BytesIO()
    images[0].save(
        content,
        format="GIF",
        save_all=True,
        append_images=images[1:],
        duration=[_END_MS if n in ends else _FRAME_MS for n in range(len(images))],
        loop=0,
        optimize=False,
        disposal=1,
    )
    return content.getvalue()


def _palette(pictures: Sequence[Image.Image]) -> Image.Image:
    """Colours of all years together; every fourth pixel says enough."""
    pool = np.concatenate([np.asarray(one)[::2, ::2].reshape(-1, 3) for one in pictures])
    side = ceil(len(pool) ** 0.5)
    square = np.resize(pool, (side, side, 3))
    return Image.fromarray(square).quantize(256, method=Image.Quantize.MEDIANCUT)


def _zoom(series: PictureSeries, side: int) -> float:
    """A whole number of screen pixels a pixel, or less than one where it is too large."""
    fit = side / max(series.shape)
    return float(int(fit)) if fit >= 1 else fit


def _size(series: PictureSeries, zoom: float) -> tuple[int, int]:
    """Width and height of the picture."""
    height, width = series.shape
    return max(1, round(zoom * width)), max(1, round(zoom * height))


def _frame(
    year: YearPicture, size: tuple[int, int], lines: Sequence[Sequence[tuple[float, float]]]
) -> RGB:
    width, height = size
    canvas = Image.new("RGB", (max(width, 3 * _TEXT), height + _HEAD), _WHITE)
    canvas.paste(_picture(year, size), (0, _HEAD))
    pen = ImageDraw.Draw(canvas)
    if year.status is PictureStatus.SHOWN:
        # dark under light, so that it shows on forest and on bare rock
        for colour, thickness in ((_INK, 6), (_WHITE, 2)):
            for line in lines:
                pen.line([(x, y + _HEAD) for x, y in line], colour, thickness, joint="curve")
    else:
        corners = (2, _HEAD + 2, width - 3, _HEAD + height - 3)
        pen.line(corners, _INK, 3)
        pen.line((corners[0], corners[3], corners[2], corners[1]), _INK, 3)
    pen.rectangle((0, 0, canvas.width, _HEAD - 1), _WHITE)
    pen.text((2, _HEAD // 2), str(year.year), _INK, ImageFont.load_default(_TEXT), anchor="lm")
    return np.asarray(canvas)


def _picture(year: YearPicture, size: tuple[int, int]) -> Image.Image:
    width, height = size
    y, x = np.mgrid[:height, :width]
    stripes = np.where(((x + y) % 6 < 2)[..., None], _STRIPE, _PALE).astype(np.uint8)
    if year.rgb is None or year.seen is None:
        return Image.fromarray(stripes)
    way = Image.Resampling.NEAREST if width >= year.rgb.shape[1] else Image.Resampling.BOX
    rgb = np.asarray(Image.fromarray(year.rgb).resize(size, way))
    seen = np.asarray(Image.fromarray(year.seen).resize(size, Image.Resampling.NEAREST))
    return Image.fromarray(np.where(seen[..., None], rgb, stripes))
