"""The form of a plot as a QGIS layer style: labels, value lists, defaults, symbols.

QGIS and QField read it from the table `layer_styles` of the GeoPackage. Structure as
QGIS 3.28 writes it (QML, styleCategories Symbology, Labeling, Fields, Forms).
"""

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from reverdure.core.codes import FieldAnswer
from reverdure.core.fields import Field
from reverdure.publish.qgis_parts import (
    day_edit,
    form_tab,
    labels,
    options,
    rgba,
    symbol,
    symbol_layer,
    text_edit,
    value_map,
)

_DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
# a sign of its own beside the colour; what is still to do is a hollow ring
_SHAPES = {
    FieldAnswer.RESTORED: "triangle",
    FieldAnswer.NOT_RESTORED: "square",
    FieldAnswer.NEVER_MINED: "diamond",
    FieldAnswer.CANNOT_TELL: "star",
    FieldAnswer.NOT_REACHED: "cross2",
}
# kept once set, so that opening the form at the desk does not move the visit there
_WHEN_ANSWERED = 'CASE WHEN "answer" IS NOT NULL THEN {value} END'
_DEFAULTS = {
    "visited_on": _WHEN_ANSWERED.format(
        value="coalesce(\"visited_on\", format_date(now(), 'yyyy-MM-dd'))"
    ),
    "visited_lon": _WHEN_ANSWERED.format(value='coalesce("visited_lon", x(@gnss_coordinate))'),
    "visited_lat": _WHEN_ANSWERED.format(value='coalesce("visited_lat", y(@gnss_coordinate))'),
}


def form_style(given: Sequence[Field], asked: Sequence[Field]) -> str:
    """QML of the layer of plots.

    Parameters
    ----------
    given : sequence of Field
        Columns that say which plot it is; shown, not editable.
    asked : sequence of Field
        Columns to fill in, in the order of the form.

    Returns
    -------
    str
        Labels in English and Chinese side by side.

    Examples
    --------
    >>> text = form_style([], [Field("answer", "text", "Answer", "外业结论", "")])
    >>> "ValueMap" in text and "已修复" in text
    True
    """
    top = Element(
        "qgis", version="3.28.0", styleCategories="Symbology|Labeling|Fields|Forms",
        labelsEnabled="1",
    )  # fmt: skip
    _renderer(top)
    placed = labels(top, "plot_id", is_expression=False)
    SubElement(placed, "placement", placement="6", dist="2")
    fields = [*given, *asked]
    configuration = SubElement(top, "fieldConfiguration")
    for field in fields:
        _widget(SubElement(configuration, "field", name=field.name), field)
    aliases, defaults, constraints = (
        SubElement(top, name) for name in ("aliases", "defaults", "constraints")
    )
    for field in fields:
        # GeoPackage keeps a column fid before all others
        index = str(fields.index(field) + 1)
        SubElement(aliases, "alias", index=index, field=field.name, name=both_names(field))
        if field.name in _DEFAULTS:
            SubElement(defaults, "default", field=field.name,
                       expression=_DEFAULTS[field.name], applyOnUpdate="1")  # fmt: skip
    SubElement(
        constraints, "constraint", field="answer", constraints="1", notnull_strength="2",
        unique_strength="0", exp_strength="0",
    )  # fmt: skip
    SubElement(top, "editorlayout").text = "tablayout"
    form = SubElement(top, "attributeEditorForm")
    names = [field.name for field in fields]
    form_tab(form, "Answer 结果", [field.name for field in asked], names)
    form_tab(form, "Plot 样地", [field.name for field in given], names)
    editable = SubElement(top, "editable")
    for field in fields:
        SubElement(editable, "field", name=field.name, editable=str(int(field in asked)))
    SubElement(top, "previewExpression").text = '"plot_id"'
    SubElement(top, "layerGeometryType").text = "0"
    return _DOCTYPE + tostring(top, encoding="unicode")


def both_names(field: Field) -> str:
    """Heading of a column in both languages, with its unit.

    Examples
    --------
    >>> both_names(Field("radius_m", "number", "Radius", "半径", "", "m"))
    'Radius 半径 (m)'
    """
    unit = f" ({field.unit})" if field.unit and field.unit != "deg" else ""
    return f"{field.en} {field.zh}{unit}"


def _renderer(top: Element) -> None:
    renderer = SubElement(
        top, "renderer-v2", type="categorizedSymbol", attr="answer", enableorderby="0",
        forceraster="0", symbollevels="0",
    )  # fmt: skip
    categories, symbols = SubElement(renderer, "categories"), SubElement(renderer, "symbols")
    for position, answer in enumerate(FieldAnswer):
        SubElement(categories, "category", symbol=str(position), value=answer.key, type="string",
                   label=f"{answer.en} {answer.zh}", render="true")  # fmt: skip
        _symbol(symbols, position, _SHAPES[answer], rgba(answer.colour))
    last = str(len(FieldAnswer))
    SubElement(categories, "category", symbol=last, value="", type="string",
               label="to visit 待调查", render="true")  # fmt: skip
    _symbol(symbols, len(FieldAnswer), "circle", "255,255,255,60")


def _symbol(symbols: Element, number: int, shape: str, colour: str) -> None:
    symbol_layer(
        symbol(symbols, str(number), "marker"),
        "SimpleMarker",
        {
            "name": shape, "color": colour, "outline_color": "0,0,0,255", "outline_width": "0.4",
            "size": "4", "size_unit": "MM",
        },
    )  # fmt: skip


def _widget(parent: Element, field: Field) -> None:
    if field.name == "answer":
        value_map(parent, {f"{answer.en} {answer.zh}": answer.key for answer in FieldAnswer})
    elif field.name == "visited_on":
        day_edit(parent)
    elif field.name in ("cover_percent", "around_percent"):
        config = SubElement(SubElement(parent, "editWidget", type="Range"), "config")
        options(config, {"Min": "0", "Max": "100", "Step": "5", "Style": "SpinBox",
                          "Suffix": " %"})  # fmt: skip
    else:
        text_edit(parent, lines=field.name in ("remark", "look_at"))
