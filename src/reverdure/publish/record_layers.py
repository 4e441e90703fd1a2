"""Tables of the registry as layers of one GeoPackage: the package that goes to the field.

Field names are the names of the columns and never change; QGIS and QField show them in both
languages, with lists to choose from, a calendar for days, and a camera for evidence (style as
QGIS 3.28 writes it). `reverdure add` takes the layers back one by one.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

import geopandas
import pandas
import pyogrio
import shapely

from reverdure.core.errors import InvalidInput
from reverdure.core.files import atomic
from reverdure.core.kinds import Column, Kind, choices
from reverdure.core.record_book import Record
from reverdure.intake.record_layers import VERSION
from reverdure.publish.field_style import both_names
from reverdure.publish.messages import text
from reverdure.publish.qgis_parts import day_edit, form_tab, options, text_edit, value_map
from reverdure.publish.tables import fixed_time

_DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
_DTYPES = {"number": "float64", "integer": "Int64"}


def write_layers(
    path: Path,
    tables: Mapping[Kind, Sequence[Record]],
    spots: Mapping[str, shapely.Point],
) -> None:
    """Write records as a GeoPackage with a layer and a form a kind.

    Parameters
    ----------
    path : Path
        .gpkg; must not be there yet.
    tables : mapping of Kind to sequence of Record
    spots : mapping of mine id to point
        Where records lie that have no outline of their own, EPSG:4326.

    Raises
    ------
    InvalidInput
        If the file is there already, or is not called .gpkg.
    """
    if path.suffix.lower() != ".gpkg" or path.exists():
        raise InvalidInput(f"{path} must end in .gpkg and not be there yet.")
    # the driver knows the format by the ending, which the temporary name keeps
    with atomic(path) as temporary, fixed_time():
        for number, (kind, records) in enumerate(tables.items()):
            _write_layer(temporary, kind, records, spots, append=number > 0)
        styles = pandas.concat([_style_row(kind) for kind in tables], ignore_index=True)
        pyogrio.write_dataframe(
            styles, temporary, layer="layer_styles", driver="GPKG", append=True, FID="id"
        )


def _write_layer(
    path: Path,
    kind: Kind,
    records: Sequence[Record],
    spots: Mapping[str, shapely.Point],
    *,
    append: bool,
) -> None:
    shown = [column for column in kind.columns if column.kind != "outline"]
    values: dict[str, Any] = {
        column.name: pandas.Series(
            [_cell(record.values.get(column.name)) for record in records],
            dtype=_DTYPES.get(column.kind, "object"),
        )
        for column in shown
    }
    values[VERSION] = pandas.Series([record.version for record in records], dtype="Int64")
    frame, how = pandas.DataFrame(values), {"layer": kind.plural, "driver": "GPKG"}
    places, geometry_type = _places(kind, records, spots)
    if geometry_type:
        frame = geopandas.GeoDataFrame(frame, geometry=places, crs="EPSG:4326")
        how |= {"geometry_type": geometry_type}
    pyogrio.write_dataframe(frame, path, append=append, **how)


def _places(
    kind: Kind, records: Sequence[Record], spots: Mapping[str, shapely.Point]
) -> tuple[list[Any], str]:
    """Geometry of each record, and what kind of geometry; "" for a table without."""
    outline = kind.outline
    if outline is not None:
        texts = [record.values.get(outline.name) for record in records]
        shapes = [None if text is None else shapely.from_wkt(text) for text in texts]
        return shapes, "MultiPolygon"
    if any(column.name == "mine_id" for column in kind.columns):
        return [spots.get(record.values.get("mine_id", "")) for record in records], "Point"
    return [], ""


def _cell(value: Any) -> Any:
    return ("yes" if value else "no") if isinstance(value, bool) else value


def _style_row(kind: Kind) -> pandas.DataFrame:
    """The row that QGIS and QField read the form of a layer from."""
    is_spatial = kind.outline is not None or any(one.name == "mine_id" for one in kind.columns)
    return pandas.DataFrame(
        {
            "f_table_catalog": [""],
            "f_table_schema": [""],
            "f_table_name": [kind.plural],
            "f_geometry_column": ["geom" if is_spatial else ""],
            "styleName": [kind.plural],
            "styleQML": [record_style(kind)],
            "styleSLD": [""],
            "useAsDefault": [True],
            "description": [f"{kind.en} {kind.zh}"],
            "owner": [""],
            "ui": [None],
            "update_time": [pandas.Timestamp("2000-01-01T00:00:00Z")],
        }
    )


def record_style(kind: Kind) -> str:
    """QML with the form of a kind, in both languages.

    Examples
    --------
    >>> from reverdure.core.kinds import kinds
    >>> style = record_style(kinds()["patch"])
    >>> "ValueMap" in style and "自然恢复" in style and 'field="version"' in style
    True
    """
    top = Element("qgis", version="3.28.0", styleCategories="Fields|Forms")
    shown = [column for column in kind.columns if column.kind != "outline"]
    names = [*(column.name for column in shown), VERSION]
    configuration = SubElement(top, "fieldConfiguration")
    for column in shown:
        _widget(SubElement(configuration, "field", name=column.name), column)
    text_edit(SubElement(configuration, "field", name=VERSION))
    words = {column.name: both_names(column) for column in shown}
    words[VERSION] = " ".join(str(text("record_form.version", one)) for one in ("en", "zh"))
    aliases, constraints = SubElement(top, "aliases"), SubElement(top, "constraints")
    for index, name in enumerate(names, start=1):
        SubElement(aliases, "alias", index=str(index), field=name, name=words[name])
    for column in shown:
        if column.needed and not column.same_as:
            SubElement(constraints, "constraint", field=column.name, constraints="1",
                       notnull_strength="2", unique_strength="0", exp_strength="0")  # fmt: skip
    SubElement(top, "editorlayout").text = "tablayout"
    form_tab(SubElement(top, "attributeEditorForm"), f"{kind.en} {kind.zh}", names, names)
    editable = SubElement(top, "editable")
    for name in names:
        # a form that comes back is checked against the version it went out with
        SubElement(editable, "field", name=name, editable=str(int(name != VERSION)))
    SubElement(top, "previewExpression").text = f'"{kind.key}"'
    return _DOCTYPE + tostring(top, encoding="unicode")


def _widget(parent: Element, column: Column) -> None:
    if column.choices:
        allowed = choices(column.choices)
        value_map(parent, {f"{word['en']} {word['zh']}": key for key, word in allowed.items()})
    elif column.kind == "boolean":
        value_map(parent, {"yes 是": "yes", "no 否": "no"})
    elif column.kind == "date":
        day_edit(parent)
    elif column.name == "place":
        config = SubElement(SubElement(parent, "editWidget", type="ExternalResource"), "config")
        # a path beside the package, shown as a picture
        options(config, {"RelativeStorage": "1", "StorageMode": "0", "DocumentViewer": "1"})
    else:
        text_edit(parent)
