"""All years of a mine side by side as a drawing with words, for documents and the browser."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverdure.core.records import Picture, PictureSeries, YearPicture
from reverdure.publish.frames import sheet_layout
from reverdure.publish.maps import round_length
from reverdure.publish.messages import text
from reverdure.publish.pages import draw
from reverdure.publish.pictures import plates
from reverdure.publish.sheets import printable

MOST_BYTES = 4_000_000
_SIDE, _GAP, _HEAD, _YEAR = 160.0, 12.0, 40.0, 22.0
_NARROWEST = 660.0  # the lines under the pictures need it
_LINE = 20.0
_CHEQUERS = np.array([(236, 238, 237), (170, 176, 173)], np.uint8)


def strip(series: PictureSeries, language: str) -> str:
    """All years of a mine as SVG of at most 4 MB, each under its year.

    A year without picture says why in its place. Pictures are coarsened together until
    they fit.

    Parameters
    ----------
    series : PictureSeries
    language : str
        "en" or "zh".
    """
    shown = [one for one in series.years if one.rgb is not None]
    pictures = [Picture(one.year, _chequered(one), series.rings) for one in shown]
    plate_of = {one.year: one for one in plates(pictures, MOST_BYTES)}
    rows, columns = sheet_layout(len(series.years))
    zoom = _SIDE / max(series.shape)
    height, width = (round(zoom * size, 1) for size in series.shape)
    wide, high = max(width, 0.5 * _SIDE) + _GAP, height + _GAP + _YEAR
    cells = [
        {
            "year": one.year,
            "x": round(_GAP + number % columns * wide, 1),
            "y": round(_HEAD + _YEAR + number // columns * high, 1),
            "plate": plate_of.get(one.year),
            "lack": one.status.label(language),
        }
        for number, one in enumerate(series.years)
    ]
    lines = _lines(series, language)
    foot = _HEAD + rows * high + _LINE
    scale_m = round_length(0.6 * series.shape[1] * series.pixel_m)
    facts: dict[str, Any] = {
        "language": language,
        "title": _said("drawn.picture_title", language, {"mine": titled(series)}),
        "cells": cells,
        "cell_width": width,
        "cell_height": height,
        "unit": 1 / zoom,
        "gap": _GAP,
        "foot": round(foot, 1),
        "scale_length": round(zoom * scale_m / series.pixel_m, 1),
        "scale": _said("drawn.scale", language, {"length": scale_m}),
        "lines": lines,
        "width": round(max(_GAP + columns * wide, _NARROWEST), 1),
        "height": round(foot + _LINE * (len(lines) + 1), 1),
    }
    return draw("strip.svg.j2", facts)


def titled(mine: PictureSeries) -> str:
    """Name and id of a mine, or its id alone."""
    return printable(f"{mine.name} ({mine.mine_id})" if mine.name else mine.mine_id)


def _lines(series: PictureSeries, language: str) -> list[str]:
    gap = "、" if language == "zh" else ", "
    bands = gap.join(_said(f"drawn.band.{band}", language, {}) for band in series.bands)
    years = [one.year for one in series.years]
    run = {"version": version("reverdure"), "run_id": series.run_id,
           "first": years[0], "last": years[-1]}  # fmt: skip
    said = [_said("drawn.bands", language, {"bands": bands})]
    if any(one.seen is not None and not one.seen.all() for one in series.years):
        said.append(_said("drawn.blank", language, {}))
    return [*said, _said("drawn.source", language, run)]


def _said(key: str, language: str, values: Mapping[str, object]) -> str:
    return str(text(key, language, values).unescape())


def _chequered(one: YearPicture) -> NDArray[np.uint8]:
    """The picture with squares of two greys where nothing was clear."""
    if one.rgb is None or one.seen is None:
        raise ValueError(f"{one.year} has no picture")
    row, column = np.indices(one.seen.shape)
    return np.where(one.seen[..., None], one.rgb, _CHEQUERS[(row + column) % 2])
