"""Rows of a table that are none: totals, numbered headings, notes under the list."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import shapely

from reverdure.intake.columns import Columns
from reverdure.intake.table import Problem, RawTable
from reverdure.intake.values import is_missing, number

_TOTAL = re.compile(
    r"(.{0,20}(合计|小计|总计|共计|累计)|(合计|小计|总计|共计|累计).{0,12}"
    r"|(grand|sub|county|overall)?[\s-]*totals?[:：]?|sum[:：]?)"
)
_NOTE = re.compile(
    r"(注|备注|说明|填表|填报|制表|审核|复核|单位负责人|联系人|日期|数据来源|资料来源"
    r"|notes?|remarks?|source|prepared by|compiled by)\s*\d*\s*[:：.、(（].*",
    re.DOTALL,
)


def refuse_not_rows(table: RawTable, columns: Columns) -> RawTable:
    """Table with rows refused that are a total, a row of column numbers, or a note.

    A row with an outline is a row whatever it says. Of the others, one is a total where a
    cell that is no area says so (合计, 小计, total), a note where only its first cell is
    filled and begins like one, a numbering where its cells count 1, 2, 3 from the left.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"编号": ["M1", "合 计"], "面积(亩)": ["51", "51"]})
    >>> table = RawTable(frame, None, None, "mines.xlsx")
    >>> refuse_not_rows(table, Columns({"mine_id": "编号"})).refused[1].code
    'totals_row'
    """
    bare = shapely.is_missing(table.geometries())
    areas = {columns.heading.get(name) for name in ("stated_area_ha", "claimed_ha")}
    is_text = [heading not in areas for heading in table.frame]
    refused = dict(table.refused)
    for position, cells in enumerate(table.frame.itertuples(index=False, name=None)):
        if bare[position] and position not in refused and position not in table.unreadable:
            problem = _not_a_row(cells, is_text)
            if problem:
                refused[position] = problem
    return replace(table, refused=refused)


def _not_a_row(cells: Sequence[Any], is_text: Sequence[bool]) -> Problem | None:
    words = [
        re.sub(r"\s+", "", unicodedata.normalize("NFKC", cell)).casefold()
        for cell, textual in zip(cells, is_text, strict=True)
        if textual and isinstance(cell, str) and not is_missing(cell)
    ]
    total = next((word for word in words if _TOTAL.fullmatch(word)), None)
    if total:
        return Problem(
            "totals_row", f"is a total ({total[:30]!r}), not a row of the list",
            f"为合计行({total[:30]!r}),不是名录条目",
        )  # fmt: skip
    filled = [cell for cell in cells if not is_missing(cell)]
    if len(filled) == 1 and isinstance(filled[0], str) and len(cells) > 1:
        folded = unicodedata.normalize("NFKC", filled[0]).strip().casefold()
        if _NOTE.fullmatch(folded):
            return Problem(
                "note_row", f"is a note, not a row of the list: {folded[:40]!r}",
                f"为表注,不是名录条目:{folded[:40]!r}",
            )  # fmt: skip
    if len(cells) >= 3 and len(filled) == len(cells) and _counts(filled):
        return Problem(
            "numbering_row", "numbers the columns, and is no row of the list",
            "为列号行,不是名录条目",
        )  # fmt: skip
    return None


def _counts(cells: Sequence[Any]) -> bool:
    """Whether cells are 1, 2, 3 or (1), (2), (3)."""
    plain = [re.sub(r"[()\s]", "", unicodedata.normalize("NFKC", str(cell))) for cell in cells]
    read = [number(cell) for cell in plain]
    return all(not n.code and n.value == place for place, n in enumerate(read, start=1))
