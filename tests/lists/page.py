"""Writes docs/lists.md from the cases that the tests hold: run it after changing one."""

from pathlib import Path

from tests.lists.cases import CASES
from tests.lists.damaged import DAMAGES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "lists.md"
HEAD = """\
# Lists: what goes in, and what each file gets

This page is written by `python -m tests.lists.page` from the cases of `tests/lists`; each row is
run by `reverdure add mines FILE` in the tests. Do not edit it.

```bash
reverdure template mines mines.xlsx --lang zh        # an empty form with drop-downs
reverdure add mines mines.xlsx -w WORKSPACE
reverdure add mines mines.shp -w WORKSPACE --crs cgcs2000
reverdure add mines traced.kml -w WORKSPACE --datum gcj02
reverdure add mines list-2024.xlsx -w WORKSPACE --map WORKSPACE/imports/001-mines-map.toml --update
```

- [Coordinate systems](#coordinate-systems)
- [Lists that sit off](#lists-that-sit-off)
- [The same list again](#the-same-list-again)
- [Workbooks](#workbooks)
- [Formats and dialects](#formats-and-dialects)
- [Damaged files](#damaged-files)

## Coordinate systems

What the file states is taken, if its coordinates can be in it. Where it states nothing:

| coordinates | what is done |
| --- | --- |
| degrees in CSV, KML, GeoJSON, XLSX | WGS 84, as CGCS2000 within a metre |
| degrees in a Shapefile, GeoParquet, DXF without CRS | refused; `--crs EPSG:4490` says it |
| easting with the zone before it (37 456 789) | zone certain: 13-23 is 6 degrees wide, 25-45 is 3 degrees wide. The datum must be said by the file (a bare .prj, a heading, a title, a layer) or by `--crs cgcs2000`, `xian1980`, `beijing1954` |
| easting of six digits | refused with the candidates; those near the workspace's counties first. `--crs cgcs2000:111E` or `EPSG:4546` says it |
| northing before easting | exchanged, and said |

Xian 1980 and Beijing 1954 lie some 100 m from WGS 84, and the shifts of the provinces are not
public: such a list is read with `--shift dx,dy,dz` or seven parameters. A shift that the register
holds for another region (a basin, an offshore field) is not taken. Shifts are tried here with
made-up parameters.

## Lists that sit off

A list traced on a web map sits mostly 300 to 700 m off (GCJ-02) or further (BD-09). It is named,
and corrected only with `--datum gcj02` or `--datum bd09`; `--datum wgs84` takes it as it is.
The tests, in this order:

| test | what fits | named when | power |
| --- | --- | --- | --- |
| outlines the workspace knows; for claims, their mines | half of an outline agrees | 3 outlines, and 4 in 5 of those that meet a known one, fit only when moved back | from 3 shared outlines on; none where the list shares no ground with what is known |
| counties, for mines that state theirs | the middle lies in the county stated | the mines that change county on moving back do so in one direction (sign test, 1 in 10,000) | with mines strewn over the 122 counties of Hunan, of 20 lists each named: POWER; none of 20 true lists of each size named |

The same tests name longitude and latitude that are exchanged, a wrong Gauss-Kruger zone without
prefix, and known outlines that are off while the list is not. Imagery is not used: a scene is too
large to tell 600 m.

## The same list again

A row whose id is known is compared with the registry, field by field and outline by outline.
Without `--update` it is left as it is, and what differs is said. With `--update` it takes the
place of the old row, which is kept in `imports/NNN-mines-replaced.csv`. An empty cell takes nothing
away. What an earlier list held and this one leaves out is named as gone; `--remove-gone` removes
it, but never a mine with claims. Where half of the known ids have outlines elsewhere, two lists use
the same ids for different ground, and the list is refused.

## Workbooks

The block of heading rows whose names are known best is taken: merged cells, titles above,
a unit of its own row (亩) or in a line above (单位:亩). Totals (合计, 小计, total), rows of column
numbers and notes under the list are rejected by name. A formula gives the value of its last
calculation; where the file keeps none, the row is rejected. Old .xls files are refused: save them
as .xlsx.

## Formats and dialects

CASES rows, each with three mines whose outlines are known; what is read lies within 2 cm of them.

| format | dialect | what was tried | result |
| --- | --- | --- | --- |
"""
DAMAGED = """
## Damaged files

DAMAGES files, damaged on purpose. None crashes, none is read wrong in silence.

| format | damage | result |
| --- | --- | --- |
"""
POWER = "none at 100 mines, 12 at 500, all 20 at 1,000 and at 2,000"


def page() -> str:
    """The page's text."""
    head = HEAD.replace("POWER;", f"{POWER};").replace("CASES rows", f"{len(CASES)} rows")
    rows = [f"| {c.format} | {_cell(c.dialect)} | {_cell(c.tried)} | {c.result} |" for c in CASES]
    spoilt = [f"| {d.format} | {_cell(d.what)} | {d.result} |" for d in DAMAGES]
    tail = DAMAGED.replace("DAMAGES files", f"{len(DAMAGES)} files")
    return head + "\n".join(rows) + "\n" + tail + "\n".join(spoilt) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
