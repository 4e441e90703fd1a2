"""Pieces of QGIS styles and projects that several files need (QML as QGIS 3.22 reads it)."""

from collections.abc import Mapping, Sequence
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


def text_edit(parent: Element, *, lines: bool = False) -> None:
    """A widget for text, over several lines or one."""
    config = SubElement(SubElement(parent, "editWidget", type="TextEdit"), "config")
    options(config, {"IsMultiline": str(lines).lower()})


def day_edit(parent: Element) -> None:
    """A calendar; days are kept as 2026-05-31."""
    config = SubElement(SubElement(parent, "editWidget", type="DateTime"), "config")
    options(config, {"field_format": "yyyy-MM-dd", "display_format": "yyyy-MM-dd"})


def form_tab(form: Element, name: str, shown: Sequence[str], columns: Sequence[str]) -> None:
    """A page of a form with some of the columns of its layer."""
    tab = SubElement(form, "attributeEditorContainer", name=name, groupBox="0", columnCount="1",
                     showLabel="1", visibilityExpression="",
                     visibilityExpressionEnabled="0")  # fmt: skip
    for column in shown:
        # GeoPackage keeps a column fid before all others
        SubElement(tab, "attributeEditorField", name=column, showLabel="1",
                   index=str(columns.index(column) + 1))  # fmt: skip
