"""The ASCII form of a DXF drawing: pairs of group code and value, read strictly.

Autodesk, DXF Reference (2012), "Group Codes" and "Entities Section". Read here and not by a
driver: GDAL does not come back from some drawings that were cut or changed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from reverdure.core.errors import UnreadableFile
from reverdure.intake.encodings import decode

ARC_STEP_DEG = 5.0
"""Arcs between corners become chords of this angle: 0.1 % of the radius off at most."""
_UTF8_FROM = "AC1021"
_UNICODE = re.compile(r"\\U\+([0-9A-Fa-f]{4})")
_FORMATTING = re.compile(r"\\[A-Za-z][^\\;{}]*;|\\P|[{}]")
_TEXTS, _LINES = ("TEXT", "MTEXT"), ("LWPOLYLINE", "POLYLINE")


@dataclass
class Entity:
    """One entity: its kind, layer, corners with their bulges, and text."""

    kind: str
    layer: str = ""
    closed: bool = False
    text: str = ""
    corners: list[tuple[float, float]] = field(default_factory=list)
    bulges: list[float] = field(default_factory=list)


def read_entities(path: Path) -> list[Entity]:
    """Entities of a drawing, blocks and dimensions left as they are.

    Raises
    ------
    UnreadableFile
        If a pair is broken, a number is none, or the end is missing.
    WrongEncoding
        If its text is in no encoding known.
    """
    pairs = list(_pairs(_text(path), path.name))
    if not pairs or pairs[-1] != (0, "EOF"):
        raise UnreadableFile(f"{path.name} is cut: its end (EOF) is missing.")
    return _entities(pairs, path.name)


def _text(path: Path) -> str:
    """Text of the file: UTF-8 from AutoCAD 2007 on, else as its code page says."""
    raw = path.read_bytes()
    head = raw[:20_000].decode("latin-1")
    version = re.search(r"\$ACADVER\s+1\s+(AC\d{4})", head)
    page = re.search(r"\$DWGCODEPAGE\s+3\s+(\S+)", head)
    if version and version[1] >= _UTF8_FROM:
        return decode(raw, path.name)
    is_chinese = page is not None and page[1].upper() in ("ANSI_936", "GB2312", "GBK")
    return decode(raw, path.name, "gb18030" if is_chinese else None)


def _pairs(text: str, name: str) -> Iterator[tuple[int, str]]:
    lines = text.removeprefix("\ufeff").rstrip().splitlines()
    if len(lines) % 2:
        raise UnreadableFile(f"{name} is cut, or no DXF: a group code stands without its value.")
    for at in range(0, len(lines), 2):
        code = lines[at].strip()
        if not re.fullmatch(r"-?\d{1,4}", code):
            raise UnreadableFile(f"{name}, line {at + 1}: {code[:30]!r} is no group code.")
        if code != "999":
            yield int(code), lines[at + 1].strip()


def _entities(pairs: list[tuple[int, str]], name: str) -> list[Entity]:
    """Entities of the section of that name; corners of old polylines join their line."""
    found: list[Entity] = []
    section, opens, line = "", False, None
    for code, value in pairs:
        if code == 0:
            opens = value == "SECTION"
            if value in ("ENDSEC", "EOF"):
                section = ""
            elif section == "ENTITIES":
                found.append(Entity(value))
                if value == "VERTEX" and line is not None:
                    found.pop()
                    line.bulges.append(0.0)
                    found.append(Entity(value, corners=line.corners, bulges=line.bulges))
                elif value == "SEQEND":
                    line = None
                elif value == "POLYLINE":
                    line = found[-1]
        elif opens and code == 2:
            section, opens = value.upper(), False
        elif section == "ENTITIES" and found:
            _take(found[-1], code, value, name)
    return [entity for entity in found if entity.kind not in ("VERTEX", "SEQEND")]


def _take(entity: Entity, code: int, value: str, name: str) -> None:
    """Note what a pair says of an entity."""
    if code == 8:
        entity.layer = value
    elif code in (1, 3) and entity.kind in _TEXTS:
        whole = _UNICODE.sub(lambda match: chr(int(match[1], 16)), value)
        entity.text += _FORMATTING.sub("", whole) if entity.kind == "MTEXT" else whole
    elif code == 70 and entity.kind in _LINES:
        entity.closed = bool(int(_number(value, name)) & 1)
    elif code == 10 and entity.kind != "POLYLINE":
        entity.corners.append((_number(value, name), float("nan")))
        if entity.kind == "LWPOLYLINE":
            entity.bulges.append(0.0)
    elif code == 20 and entity.kind != "POLYLINE" and entity.corners:
        entity.corners[-1] = (entity.corners[-1][0], _number(value, name))
    elif code == 42 and entity.bulges and entity.kind in ("LWPOLYLINE", "VERTEX"):
        entity.bulges[-1] = _number(value, name)


def _number(value: str, name: str) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise UnreadableFile(f"{name}: {value[:30]!r} stands where a number must.") from error


def drawn_line(entity: Entity) -> list[tuple[float, float]]:
    """Corners of a line, arcs as chords, closed where the drawing says so.

    The bulge of a side is the tangent of a quarter of its arc's angle (DXF Reference).

    Examples
    --------
    >>> half = Entity("LWPOLYLINE", corners=[(0, 0), (2, 0)], bulges=[1.0, 0.0])
    >>> x, y = drawn_line(half)[18]
    >>> round(x, 9), round(y, 9)
    (1.0, -1.0)
    """
    corners = list(entity.corners)
    bulges = entity.bulges if len(entity.bulges) == len(corners) else [0.0] * len(corners)
    ends = corners[1:] + (corners[:1] if entity.closed else [])
    line = corners[:1]
    for start, end, bulge in zip(corners, ends, bulges, strict=False):
        if bulge and np.isfinite(bulge):
            line += _arc(start, end, bulge)
        line.append(end)
    return line


def _arc(
    start: tuple[float, float], end: tuple[float, float], bulge: float
) -> list[tuple[float, float]]:
    """Points on the arc between two corners."""
    one, other = complex(*start), complex(*end)
    angle = 4 * np.arctan(bulge)
    middle = (one + other) / 2 + (other - one) * 1j * (1 - bulge**2) / (4 * bulge)
    n_steps = int(np.ceil(abs(np.degrees(angle)) / ARC_STEP_DEG))
    turns = np.exp(1j * angle * np.arange(1, n_steps) / n_steps)
    return [(float(p.real), float(p.imag)) for p in middle + (one - middle) * turns]
