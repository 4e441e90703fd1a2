"""Pieces of QGIS styles and projects that several files need (QML as QGIS 3.22 reads it)."""

from collections.abc import Mapping
from xml.etree.ElementTree import Element, SubElement


def rgba(colour: str, alpha: int = 255) -> str:
    """A colour as QGIS writes it.

    Examples
    --------
    >>> rgba("#009E73")
    '0,158,115,255'
    """
    return ",".join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5)) + f",{alpha}"


def options(parent: Element, values: Mapping[str, str]) -> Element:
    """A map of settings under an element."""
    found = SubElement(parent, "Option", type="Map")
    for name, value in values.items():
        SubElement(found, "Option", name=name, value=value, type="QString")
    return found


def symbol(parent: Element, name: str, kind: str) -> Element:
    """An empty symbol, "marker" or "fill"; its layers go into it."""
    return SubElement(parent, "symbol", name=name, type=kind, alpha="1", clip_to_extent="1",
                      force_rhr="0")  # fmt: skip


def symbol_layer(parent: Element, kind: str, values: Mapping[str, str]) -> Element:
    """One layer of a symbol with its settings."""
    layer = SubElement(parent, "layer", {"class": kind, "enabled": "1", "locked": "0"})
    options(layer, values)
    return layer


def labels(top: Element, shown: str, *, is_expression: bool, size: int = 9) -> Element:
    """Dark labels with a light edge beside each feature; returns where to put more settings."""
    settings = SubElement(SubElement(top, "labeling", type="simple"), "settings")
    style = SubElement(settings, "text-style", fieldName=shown,
                       isExpression=str(int(is_expression)), fontSize=str(size),
                       fontSizeUnit="Point", textColor="0,0,0,255")  # fmt: skip
    SubElement(style, "text-buffer", bufferDraw="1", bufferSize="0.8",
               bufferColor="255,255,255,255", bufferSizeUnits="MM")  # fmt: skip
    return settings


def value_map(parent: Element, keys: Mapping[str, str]) -> None:
    """A widget that shows labels and keeps keys; `keys` by label."""
    config = SubElement(SubElement(parent, "editWidget", type="ValueMap"), "config")
    values = SubElement(SubElement(config, "Option", type="Map"), "Option", name="map", type="List")
    for label, key in keys.items():
        options(values, {label: key})
