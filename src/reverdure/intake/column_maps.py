"""Which column is which, kept in a file for next year's list."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from reverdure.core.errors import InvalidInput, UnreadableFile
from reverdure.core.files import read_text
from reverdure.intake.columns import KINDS, aliases
from reverdure.intake.table import Reading


@dataclass(frozen=True)
class SavedMap:
    """What a map file says.

    Attributes
    ----------
    kind : str
        "mines" or "claims".
    columns : mapping of str to str
        Column of ours to heading.
    area_unit : str
        Unit of areas without one; "" for none.
    how : Reading
        CRS, shift, datum, sheet and encoding; all "" where not said.
    """

    kind: str
    columns: Mapping[str, str] = field(default_factory=dict)
    area_unit: str = ""
    how: Reading = field(default_factory=Reading)


_SAID = tuple(one.name for one in fields(Reading) if one.name != "near")


def read_map(path: Path, kind: str) -> SavedMap:
    """Read a map file.

    Parameters
    ----------
    path : Path
        A .toml file as `map_text` writes it.
    kind : str
        What it is to be used for.

    Raises
    ------
    UnreadableFile
        If it is missing or no TOML.
    InvalidInput
        If it is for the other kind, or says something that is not known.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "map.toml"
    ...     _ = path.write_text(map_text(SavedMap("mines", {"mine_id": "图斑号"})), "utf-8")
    ...     read_map(path, "mines").columns
    {'mine_id': '图斑号'}
    """
    try:
        data = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise UnreadableFile(f"{path.name} is no map file: {error}.") from error
    said = data.pop("kind", kind)
    if said not in KINDS or said != kind:
        raise InvalidInput(f"{path.name} maps {said!r}, and {kind} are read.")
    columns = data.pop("columns", {})
    allowed = ("area_unit", *_SAID)
    unknown = sorted(set(data) - set(allowed))
    if unknown or not isinstance(columns, dict):
        raise InvalidInput(
            f"{path.name} says {', '.join(unknown) or 'columns = ' + repr(columns)[:40]}, which is "
            f"not known; allowed are kind, [columns] and {', '.join(allowed)}."
        )
    strange = sorted(set(columns) - set(aliases(kind)))
    if strange:
        raise InvalidInput(
            f"{path.name} maps {', '.join(strange)}; columns of {kind} are "
            f"{', '.join(aliases(kind))}."
        )
    texts = {**data, **columns}
    wrong = [name for name, value in texts.items() if not isinstance(value, str)]
    if wrong:
        raise InvalidInput(f"{path.name}: {', '.join(wrong)} must be text in quotation marks.")
    how = replace(Reading(), **{name: data[name] for name in _SAID if name in data})
    return SavedMap(kind, dict(columns), data.get("area_unit", ""), how)


def map_text(saved: SavedMap) -> str:
    """A map as the text of its file.

    Examples
    --------
    >>> print(map_text(SavedMap("claims", {"year": "完成年度"}, "mu")).splitlines()[-1])
    year = "完成年度"
    """
    lines = [
        "# Which column is which: reverdure add LIST --map THIS_FILE -w WORKSPACE",
        "# 列名对照:下次导入时用 --map 指定本文件",
        f"kind = {_quoted(saved.kind)}",
    ]
    said = {"area_unit": saved.area_unit} | {name: getattr(saved.how, name) for name in _SAID}
    lines += [f"{name} = {_quoted(value)}" for name, value in said.items() if value]
    lines += ["", "[columns]"]
    lines += [f"{name} = {_quoted(heading)}" for name, heading in saved.columns.items()]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's escapes are a part of TOML's."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
