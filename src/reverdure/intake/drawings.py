"""DXF drawings: closed lines become outlines, the text inside one its id."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from reverdure.core.errors import UnreadableFile
from reverdure.intake.dxf_groups import Entity, drawn_line, read_entities
from reverdure.intake.table import Problem, RawTable

CLOSED_GAP = 1e-6
"""Share of its length by which the ends of a line may miss each other and still close it."""
_LARGEST = 1e9
"""Beyond it no projection has coordinates."""


def read_drawing(path: Path) -> RawTable:
    """Read the closed polylines of a DXF drawing (ASCII, any version).

    Columns are `mine_id`, the one text that stands inside an outline (empty where several
    or none do), `layer`, and `texts`, all that stand inside. Open lines, other entities and
    blocks are counted in a note. A drawing states no CRS.

    Raises
    ------
    UnreadableFile
        If it is damaged, or holds no closed polyline.
    WrongEncoding
        If its text is in no encoding known.
    """
    entities = read_entities(path)
    texts = [one for one in entities if one.text and one.corners]
    lines = [one for one in entities if one.kind in ("LWPOLYLINE", "POLYLINE")]
    outlines = [(line, shape) for line in lines if (shape := _outline(line, path.name)) is not None]
    if not outlines:
        raise UnreadableFile(
            f"{path.name} holds no closed line; it has {len(lines)} open lines and "
            f"{len(texts)} texts.",
            "Close the outlines in the drawing, or export them as polygons.",
        )
    shapes = np.array([None, *(shape for _, shape in outlines)], dtype=object)[1:]
    inside = _inside(shapes, texts)
    frame = pd.DataFrame(
        {
            "mine_id": [found[0] if len(found) == 1 else "" for found in inside],
            "layer": [line.layer for line, _ in outlines],
            "texts": [" | ".join(found) for found in inside],
        },
        dtype=object,
    )
    note = _note(len(outlines), len(entities) - len(outlines) - len(texts), inside)
    layers = tuple(dict.fromkeys(one.layer for one in entities))
    return RawTable(frame, shapes, None, path.name, notes=(note,), texts=layers)


def _outline(line: Entity, name: str) -> Any:
    """Polygon of a closed line; None for an open one."""
    points = np.array(drawn_line(line), dtype=np.float64).reshape(-1, 2)
    if not (np.abs(points) < _LARGEST).all():
        raise UnreadableFile(f"{name}: a corner of a line lacks its x or y, or is no place.")
    if len(points) < 4:
        return None
    length = np.hypot(*np.diff(points, axis=0).T).sum()
    if not line.closed and np.hypot(*(points[0] - points[-1])) > CLOSED_GAP * length:
        return None
    points[-1] = points[0]
    return shapely.Polygon(points)


def _inside(shapes: NDArray[Any], texts: list[Entity]) -> list[list[str]]:
    """Texts inside each outline, in the order of the drawing."""
    found: list[list[str]] = [[] for _ in shapes]
    if not texts:
        return found
    places = np.nan_to_num([one.corners[0] for one in texts], nan=_LARGEST)
    tree = shapely.STRtree(shapely.points(places))
    whole = np.array([None, *map(shapely.make_valid, shapes)], dtype=object)[1:]
    for shape, text in sorted(tree.query(whole, predicate="intersects").T.tolist()):
        found[shape].append(texts[text].text.strip())
    return found


def _note(n_outlines: int, n_left: int, inside: list[list[str]]) -> Problem:
    n_named = sum(len(found) == 1 for found in inside)
    return Problem(
        "drawing_read",
        f"{n_outlines} closed lines were read as outlines; {n_left} open lines and other parts "
        f"were left out; {n_named} outlines are named by the text inside",
        f"{n_outlines} 条闭合线读作边界;略去未闭合线等 {n_left} 个;"
        f"{n_named} 个边界以内部文字为编号",
    )
