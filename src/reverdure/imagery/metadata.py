"""Scale factors from the metadata file of a product (MTL as text or JSON)."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reverdure.core.errors import UnreadableFile

_ASSIGNMENT = re.compile(r'\s*([A-Z0-9_]+)\s*=\s*"?([^"]*?)"?\s*')
_REFLECTANCE = "LEVEL2_SURFACE_REFLECTANCE_PARAMETERS"
_TEMPERATURE = "LEVEL2_SURFACE_TEMPERATURE_PARAMETERS"

Groups = Mapping[str, Mapping[str, str]]


def read_metadata(path: Path) -> Groups:
    """Groups of a metadata file: {group: {key: value}}.

    Raises
    ------
    UnreadableFile
        If the file cannot be read or is not Landsat metadata.
    """
    try:
        text = path.read_text(encoding="utf-8")
        groups = _from_json(text) if path.suffix.lower() == ".json" else _from_text(text)
    except (OSError, ValueError) as error:
        raise UnreadableFile(f"{path.name} cannot be read: {error}.") from error
    if not groups:
        raise UnreadableFile(f"{path.name} holds no Landsat metadata.")
    return groups


def _from_json(text: str) -> Groups:
    document: Any = json.loads(text)
    root = document.get("LANDSAT_METADATA_FILE") if isinstance(document, dict) else None
    if not isinstance(root, dict):
        return {}
    return {
        group: {key: str(value) for key, value in entries.items()}
        for group, entries in root.items()
        if isinstance(entries, dict)
    }


def _from_text(text: str) -> Groups:
    groups: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in text.splitlines():
        found = _ASSIGNMENT.fullmatch(line)
        if found is None:
            continue
        key, value = found.groups()
        if key == "GROUP":
            current = groups.setdefault(value, {})
        elif key != "END_GROUP":
            current[key] = value
    return {name: entries for name, entries in groups.items() if entries}


def stated_reflectance(groups: Groups, number: str) -> tuple[float, float] | None:
    """Factor and offset of a reflectance band as stated, or None.

    Examples
    --------
    >>> stated = {"REFLECTANCE_MULT_BAND_4": "2.75e-05", "REFLECTANCE_ADD_BAND_4": "-0.2"}
    >>> stated_reflectance({"LEVEL2_SURFACE_REFLECTANCE_PARAMETERS": stated}, "4")
    (2.75e-05, -0.2)
    """
    return _stated(groups.get(_REFLECTANCE, {}), "REFLECTANCE", number)


def stated_temperature(groups: Groups, number: str) -> tuple[float, float] | None:
    """Factor and offset of a temperature band as stated, or None."""
    return _stated(groups.get(_TEMPERATURE, {}), "TEMPERATURE", number)


def _stated(entries: Mapping[str, str], quantity: str, number: str) -> tuple[float, float] | None:
    factor = entries.get(f"{quantity}_MULT_BAND_{number}")
    offset = entries.get(f"{quantity}_ADD_BAND_{number}")
    if factor is None or offset is None:
        return None
    try:
        pair = float(factor), float(offset)
    except ValueError as error:
        raise UnreadableFile(f"the metadata states {factor!r} and {offset!r}.") from error
    if not pair[0] > 0:
        raise UnreadableFile(f"the metadata states a factor of {factor} for band {number}.")
    return pair
