"""What goes to the field: plots with a form for QGIS and QField, and lists on paper.

The form says nothing of verdict, probability or stratum: who knows what the satellite
saw does not judge by eye alone.
"""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import geopandas
import pandas
import pyogrio

from reverdure.core.codes import Aim, FieldAnswer
from reverdure.core.fields import FIELD_ANSWERS, FIELD_PLOTS, Field
from reverdure.core.files import atomic
from reverdure.publish.contents import rows
from reverdure.publish.field_style import both_names, form_style
from reverdure.publish.files import write_page
from reverdure.publish.messages import both, text
from reverdure.publish.pages import fill
from reverdure.publish.sheets import as_text_cell
from reverdure.publish.tables import fixed_time
from reverdure.publish.wording import label as label_of

_BLIND = ("sample_id", "stratum", "p_restored", "density_per_ha", "image_year", "geometry")
_LOOK_AT = Field("look_at", "text", "What to look at", "查看要点", "By the aim of the claim.")
_VISITED = (
    Field("visited_lon", "number", "Visited longitude", "调查点经度", "Filled by the device.",
          "deg"),
    Field("visited_lat", "number", "Visited latitude", "调查点纬度", "Filled by the device.",
          "deg"),
)  # fmt: skip
_ASKED = ("answer", "cover_percent", "around_percent", "visited_on", "observer", "remark")

GIVEN = (*(field for field in FIELD_PLOTS if field.name not in _BLIND), _LOOK_AT)
ASKED = (
    *(next(field for field in FIELD_ANSWERS if field.name == name) for name in _ASKED),
    *_VISITED,
)


@dataclass(frozen=True, slots=True)
class OfRun:
    """What the foot of a page says of the run it rests on."""

    run_id: str
    years: tuple[int, int]


def write_form(
    path: Path, plots: geopandas.GeoDataFrame, grounds: geopandas.GeoDataFrame, run: OfRun
) -> list[Path]:
    """Write the plots as GeoPackage with a form, as CSV and as a page to print.

    Parameters
    ----------
    path : Path
        Of the GeoPackage; the others lie beside it with the same stem.
    plots : GeoDataFrame
        Columns of `core.fields.FIELD_PLOTS`, EPSG:4326.
    grounds : GeoDataFrame
        claim_id, mine_id and the ground of each claim that has plots, EPSG:4326.
    run : OfRun

    Returns
    -------
    list of Path
        `<stem>.gpkg`, `<stem>_grounds.gpkg`, `<stem>.csv`, `<stem>.html`.

    Raises
    ------
    DiskFull
        If no space is left.
    """
    form = _form(plots)
    outlines = path.with_name(f"{path.stem}_grounds.gpkg")
    _write_layers(path, form)
    _write_grounds(outlines, grounds)
    flat = pandas.DataFrame(form.drop(columns="geometry"))
    listed = path.with_suffix(".csv")
    texts = {
        field.name: flat[field.name].fillna("").map(as_text_cell)
        for field in (*GIVEN, *ASKED)
        if field.kind == "text"
    }
    with atomic(listed) as temporary:
        # the byte-order mark tells spreadsheets that the Chinese is UTF-8
        flat.assign(**texts).to_csv(temporary, index=False, encoding="utf-8-sig",
                                    lineterminator="\r\n")  # fmt: skip
    page = path.with_suffix(".html")
    write_page(page, _page(plots, run))
    return [path, outlines, listed, page]


def look_at(aim: str, language: str) -> str:
    """What to look at on ground of this aim.

    Examples
    --------
    >>> look_at("grass", "en").startswith("Restored:")
    True
    """
    known = aim if aim in ("forest", "wetland", "farmland") else "grass"
    return str(text(f"field.look.{known}", language))


def _form(plots: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
    ordered = plots.sort_values("priority", kind="stable").reset_index(drop=True)
    guide = {aim: f"{look_at(aim, 'en')} / {look_at(aim, 'zh')}" for aim in set(ordered["aim"])}
    table = ordered.assign(look_at=ordered["aim"].map(guide))
    kinds = {"text": "object", "number": "float64"}
    for field in ASKED:
        table[field.name] = pandas.Series(None, index=table.index, dtype=kinds[field.kind])
    names = [field.name for field in (*GIVEN, *ASKED)]
    return geopandas.GeoDataFrame(table[[*names, "geometry"]], geometry="geometry", crs=4326)


def _write_layers(path: Path, form: geopandas.GeoDataFrame) -> None:
    style = pandas.DataFrame(
        {
            "f_table_catalog": [""],
            "f_table_schema": [""],
            "f_table_name": ["plots"],
            "f_geometry_column": ["geom"],
            "styleName": ["plots"],
            "styleQML": [form_style(GIVEN, ASKED)],
            "styleSLD": [""],
            "useAsDefault": [True],
            "description": ["Form and signs of the plots 样地表单与符号"],
            "owner": [""],
            "ui": [None],
            "update_time": [pandas.Timestamp("2000-01-01T00:00:00Z")],
        }
    )
    # the driver knows the format by the ending, which the temporary name keeps
    with atomic(path) as temporary, fixed_time():
        for table, layer, options in (
            (form, "plots", {"geometry_type": "Point"}),
            (style, "layer_styles", {"append": True, "FID": "id"}),
        ):
            pyogrio.write_dataframe(table, temporary, layer=layer, driver="GPKG", **options)


def _write_grounds(path: Path, grounds: geopandas.GeoDataFrame) -> None:
    content = BytesIO()
    with fixed_time():
        pyogrio.write_dataframe(
            grounds[["claim_id", "mine_id", "geometry"]], content, layer="grounds", driver="GPKG",
            geometry_type="MultiPolygon", promote_to_multi=True,
        )  # fmt: skip
    with atomic(path) as temporary:
        temporary.write_bytes(content.getbuffer())


def _page(plots: geopandas.GeoDataFrame, run: OfRun) -> str:
    ordered = plots.sort_values("priority", kind="stable")
    lines = [
        {
            "plot_id": row["plot_id"],
            "priority": int(row["priority"]),
            "mine_id": row["mine_id"],
            "claim_id": row["claim_id"],
            "county": row["county"],
            "longitude": f"{row['longitude']:.6f}",
            "latitude": f"{row['latitude']:.6f}",
            "aim": both_labels(row["aim"]),
        }
        for row in rows(ordered)
    ]
    aims = sorted(set(plots["aim"]))
    facts = {
        "plots": lines,
        "radius": f"{float(plots['radius_m'].iloc[0]):g}",
        "answers": [both_answer(answer) for answer in FieldAnswer],
        "guides": [(both_labels(aim), look_at(aim, "en"), look_at(aim, "zh")) for aim in aims],
        "asked": {field.name: both_names(field) for field in ASKED},
        "title": both("field.list.title"),
    }
    return fill("field_list.html.j2", run, facts)


def both_labels(aim: str) -> str:
    """Label of an aim in both languages."""
    return f"{label_of(Aim, aim, 'en')} {label_of(Aim, aim, 'zh')}"


def both_answer(answer: FieldAnswer) -> str:
    """Label of an answer in both languages."""
    return f"{answer.en} {answer.zh}"
