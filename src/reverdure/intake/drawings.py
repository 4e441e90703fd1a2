"""DXF drawings: closed lines become outlines, the text inside one its id."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from reverdure.core.errors import UnreadableFile
from reverdure.intake.layers import read_layer
from reverdure.intake.table import Problem, RawTable

CLOSED_GAP = 1e-6
"""Share of its length by which the ends of a line may miss each other and still close it."""


def read_drawing(path: Path) -> RawTable:
    """Read the closed outlines of a DXF drawing.

    Columns are `mine_id`, the one text that stands inside an outline (empty where several
    or none do), `layer`, and `texts`, all that stand inside. Open lines, points and texts
    outside are counted in a note. A drawing states no CRS.

    Raises
    ------
    UnreadableFile
        If it is damaged, or holds no closed line.
    """
    drawn = read_layer(path, path.name, None)
    geometry = drawn.geometries()
    kinds = shapely.get_type_id(geometry)
    outlines = [
        (position, shape)
        for position in np.flatnonzero((kinds == 1) | (kinds == 2) | (kinds == 3) | (kinds == 6))
        if (shape := _outline(geometry[position])) is not None
    ]
    texts = _column(drawn, "Text")
    is_text = (kinds == 0) & (texts != "")
    if not outlines:
        raise UnreadableFile(
            f"{path.name} holds no closed line; it has {int((kinds == 1).sum())} open lines and "
            f"{int(is_text.sum())} texts.",
            "Close the outlines in the drawing, or export them as polygons.",
        )
    positions = [position for position, _ in outlines]
    shapes = np.array([None, *(shape for _, shape in outlines)], dtype=object)[1:]
    inside = _inside(shapes, geometry[is_text], texts[is_text])
    frame = pd.DataFrame(
        {
            "mine_id": [found[0] if len(found) == 1 else "" for found in inside],
            "layer": _column(drawn, "Layer")[positions],
            "texts": [" | ".join(found) for found in inside],
        },
        dtype=object,
    )
    n_left = len(geometry) - len(outlines) - int(is_text.sum())
    note = Problem(
        "drawing_read",
        f"{len(outlines)} closed lines were read as outlines; {n_left} open lines and other "
        f"parts were left out; {sum(len(found) == 1 for found in inside)} outlines are named by "
        "the text inside",
        f"{len(outlines)} 条闭合线读作边界;略去未闭合线等 {n_left} 个;"
        f"{sum(len(found) == 1 for found in inside)} 个边界以内部文字为编号",
    )
    names = tuple(dict.fromkeys(str(name) for name in _column(drawn, "Layer")))
    return replace(
        drawn, frame=frame, geometry=shapes, crs=None, unreadable={}, repaired={},
        notes=(note,), texts=names,
    )  # fmt: skip


def _outline(shape: Any) -> Any:
    """Polygon of a closed line or a hatch; None for anything else."""
    if shape.geom_type in ("Polygon", "MultiPolygon"):
        return shape
    if shape.geom_type != "LineString":
        return None
    points = shapely.get_coordinates(shape)
    if len(points) < 4 or not np.isfinite(points).all():
        return None
    gap = np.hypot(*(points[0] - points[-1]))
    if gap > CLOSED_GAP * shape.length:
        return None
    points[-1] = points[0]
    return shapely.Polygon(points)


def _column(table: RawTable, name: str) -> NDArray[Any]:
    if name not in table.frame:
        return np.full(len(table.frame), "", dtype=object)
    cells = table.frame[name]
    return np.array([str(cell).strip() if cell is not None and cell == cell else ""  # noqa: PLR0124
                     for cell in cells], dtype=object)  # fmt: skip


def _inside(shapes: NDArray[Any], points: NDArray[Any], texts: NDArray[Any]) -> list[list[str]]:
    """Texts inside each outline, in the order of the drawing."""
    found: list[list[str]] = [[] for _ in shapes]
    sound = np.array([shapely.make_valid(shape) for shape in shapes], dtype=object)
    tree = shapely.STRtree(points)
    for shape, text in sorted(tree.query(sound, predicate="intersects").T.tolist()):
        found[shape].append(str(texts[text]))
    return found
