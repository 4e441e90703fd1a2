"""Import of a province's list: 10,253 mines and 300 bad rows among them, each named."""

import csv
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import shapely
from numpy.random import Generator

from benchmarks.figures import Figure
from reverdure.registry.mines import read_mines

MINES = 10_253
BAD = 300
HEADINGS = ["矿山编号", "矿山名称", "县(市、区)", "矿种", "开采方式", "图斑面积（亩）", "wkt"]
_M2_PER_MU = 10_000 / 15
_METRES_PER_DEGREE = 111_195.0
Row = list[str]


def measure() -> list[Figure]:
    """Time of the import, and how many of the bad rows its findings name by row and code."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mines.csv"
        expected = write_list(path, MINES, BAD)
        begun = time.perf_counter()
        mines, report, rejected = read_mines(path)
        seconds = time.perf_counter() - begun
    seen = {(finding.row, finding.code) for finding in report.findings}
    lost = report.read - report.accepted - len(rejected)
    return [
        Figure("import of 10,253 mines with 300 bad rows", seconds, "s", at_most=60.0),
        Figure("bad rows named", len(seen & set(expected.items())), "", at_least=BAD),
        Figure("rows lost", lost + abs(report.read - MINES - BAD), "", at_most=0),
        Figure("mines kept", len(mines), "", at_least=MINES),
        Figure("bad rows by kind", str(dict(sorted(Counter(expected.values()).items())))),
    ]


def write_list(path: Path, n_mines: int, n_bad: int, seed: int = 7) -> dict[int, str]:
    """Write a list in GB18030 and return what is wrong with which row."""
    rng = np.random.default_rng(seed)
    good = [_mine(number, rng) for number in range(n_mines)]
    kinds = list(_KINDS)
    bad_at = set(rng.choice(np.arange(1, n_mines), n_bad, replace=False).tolist())
    rows, expected = [], {}
    for number, row in enumerate(good):
        rows.append(row)
        if number in bad_at:
            code = kinds[len(expected) % len(kinds)]
            fresh = _mine(n_mines + len(expected), rng)
            rows.append(_KINDS[code](fresh, row))
            expected[len(rows)] = code
    with path.open("w", encoding="gb18030", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADINGS)
        writer.writerows(rows)
    return expected


def _mine(number: int, rng: Generator) -> Row:
    """A mine of about 3.4 ha as an irregular ring of 72 corners, in a cell of its own."""
    area_ha = float(np.clip(rng.lognormal(0.66, 1.06), 0.3, 60))
    angle = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    wobble = 1 + 0.25 * np.sin(3 * angle + rng.uniform(0, 6)) + 0.05 * rng.normal(size=72)
    radius_m = np.sqrt(area_ha * 10_000 / np.pi) * wobble
    lon, lat = 111.0 + 0.015 * (number % 120), 26.0 + 0.015 * (number // 120)
    x = lon + radius_m * np.cos(angle) / _METRES_PER_DEGREE / np.cos(np.radians(lat))
    y = lat + radius_m * np.sin(angle) / _METRES_PER_DEGREE
    corners_m = np.column_stack([radius_m * np.cos(angle), radius_m * np.sin(angle)])
    mu = shapely.area(shapely.polygons(corners_m)) / _M2_PER_MU
    wkt = shapely.to_wkt(shapely.polygons(np.column_stack([x, y])), rounding_precision=8)
    return [
        f"4300{number:06d}", f"{number}号采石场", "冷水江市", "石灰岩", "露天开采",
        f"{mu:,.1f}", wkt,
    ]  # fmt: skip


def _with(column: int, value: str) -> Callable[[Row, Row], Row]:
    """The fresh row with another value in one column."""
    return lambda fresh, _: [*fresh[:column], value, *fresh[column + 1 :]]


def _bow_tie(fresh: Row, _: Row) -> Row:
    left, bottom, right, top = shapely.bounds(shapely.from_wkt(fresh[6]))
    ring = [(left, bottom), (right, top), (right, bottom), (left, top), (left, bottom)]
    return [*fresh[:6], shapely.to_wkt(shapely.polygons(ring), rounding_precision=8)]


_KINDS: dict[str, Callable[[Row, Row], Row]] = {
    "unsafe_id": _with(0, "../43"),
    "duplicate": lambda _, before: list(before),
    "duplicate_id": lambda fresh, before: [before[0], *fresh[1:6], ""],
    "ragged_row": lambda fresh, _: [*fresh, "多余"],
    "no_id_no_outline": lambda fresh, _: ["", "", *fresh[2:6], ""],
    "empty_row": lambda fresh, _: [""] * len(fresh),
    "unreadable_geometry": _with(6, "POLYGON ((112 27, 112.1"),
    "empty_geometry": _with(6, "POLYGON EMPTY"),
    "missing_geometry": _with(6, ""),
    "point_only": _with(6, "POINT (112 27)"),
    "invalid_ring": _bow_tie,
    "area_sentinel": _with(5, "-9999"),
    "area_zero": _with(5, "0"),
    "area_not_a_number": _with(5, "约三亩"),
    "area_factor_15": lambda fresh, _: [
        *fresh[:5], f"{float(fresh[5].replace(',', '')) / 15:.3f}", fresh[6]
    ],
}  # fmt: skip
