"""`reverdure add`: bring lists, scenes, composites and layers into a workspace."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reverdure.cli.screen import language, progress, say, words
from reverdure.core.errors import InvalidInput, UnknownOption

if TYPE_CHECKING:
    from reverdure.intake.column_maps import SavedMap
    from reverdure.pipeline.add import Added
    from reverdure.pipeline.add import Update as UpdateOf
    from reverdure.store.workspace import Workspace

app = typer.Typer(
    help="Bring lists, scenes, composites and layers into a workspace. / 导入名录、影像与图层。",
    no_args_is_help=True,
)

_MOST_FINDINGS = 20

WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", "-w", help="Folder of the workspace. / 工作区目录")
]
FileArgument = Annotated[Path, typer.Argument(help="File to read. / 要读取的文件")]
AreaUnit = Annotated[
    str | None,
    typer.Option(
        help="Unit of stated areas where the heading names none: ha, mu, m2, km2, acre."
        " / 表头未注明时的面积单位:ha、mu、m2、km2 或 acre"
    ),
]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        help="FIELD=COLUMN for a column that is not recognised, or a FILE.toml that an import"
        " wrote; repeatable. / 无法识别的列写作 字段=列名,或给出导入时写出的 .toml 文件;可重复",
    ),
]
Crs = Annotated[
    str,
    typer.Option(
        help="CRS where the file states none: EPSG:4526, cgcs2000, cgcs2000:38, xian1980:111E,"
        " beijing1954. / 文件未注明时的坐标系:EPSG:4526、cgcs2000、cgcs2000:38、"
        "xian1980:111E 或 beijing1954"
    ),
]
Shift = Annotated[
    str,
    typer.Option(
        help="From its datum to WGS 84: dx,dy,dz in metres, or dx,dy,dz,rx,ry,rz,ppm"
        " (seconds, position vector). / 到 WGS 84 的三参数 dx,dy,dz(米),或七参数"
        " dx,dy,dz,rx,ry,rz,ppm(角秒,位置矢量法)"
    ),
]
Datum = Annotated[
    str,
    typer.Option(
        help="gcj02 or bd09: shift the outlines back from there; wgs84: they are right as they"
        " are. / 图形为 gcj02 或 bd09 时予以纠正;wgs84 表示无需纠正"
    ),
]
Sheet = Annotated[str, typer.Option(help="Sheet of a workbook. / 工作表名")]
Encoding = Annotated[str, typer.Option(help="Encoding of the text. / 文字编码")]
Update = Annotated[
    bool,
    typer.Option(
        "--update", help="Let changed rows take the place of those known. / 用变化的条目更新"
    ),
]
RemoveGone = Annotated[
    bool,
    typer.Option(
        "--remove-gone",
        help="Remove what this list leaves out of its earlier form; mines with claims stay."
        " / 删除本次名录中已缺失的条目(有上报的矿山保留)",
    ),
]


@app.command()
def mines(  # noqa: PLR0913, PLR0917 - a command's options are its parameters
    file: FileArgument,
    workspace: WorkspaceOption,
    area_unit: AreaUnit = None,
    column_map: Map = None,
    crs: Crs = "",
    shift: Shift = "",
    datum: Datum = "",
    sheet: Sheet = "",
    encoding: Encoding = "",
    update: Update = False,
    remove_gone: RemoveGone = False,
) -> None:
    """Read a list of mines: vector files, workbooks, KML, DXF, CSV. / 导入矿山名录"""
    from reverdure.pipeline.add import add_mines

    said = _said("mines", column_map, area_unit, crs, shift, datum, sheet, encoding)
    _report(
        add_mines(
            _open(workspace), file, said.area_unit or None, said.columns, said.how,
            _update(update, remove_gone),
        )
    )  # fmt: skip


@app.command()
def claims(  # noqa: PLR0913, PLR0917 - as above
    file: FileArgument,
    workspace: WorkspaceOption,
    area_unit: AreaUnit = None,
    column_map: Map = None,
    crs: Crs = "",
    shift: Shift = "",
    datum: Datum = "",
    sheet: Sheet = "",
    encoding: Encoding = "",
    update: Update = False,
    remove_gone: RemoveGone = False,
) -> None:
    """Read a list of restoration claims. / 导入修复上报清单"""
    from reverdure.pipeline.add import add_claims

    said = _said("claims", column_map, area_unit, crs, shift, datum, sheet, encoding)
    _report(
        add_claims(
            _open(workspace), file, said.area_unit or None, said.columns, said.how,
            _update(update, remove_gone),
        ),
        of_claims=True,
    )  # fmt: skip


@app.command()
def counties(file: FileArgument, workspace: WorkspaceOption, crs: Crs = "") -> None:
    """Read county outlines, for totals by county. / 导入县界"""
    from reverdure.pipeline.add import add_counties

    say("add.counties", count=add_counties(_open(workspace), file, crs))


@app.command()
def scenes(
    source: Annotated[
        str,
        typer.Argument(help="Folder of scenes, or address of a STAC archive. / 影像目录或档案网址"),
    ],
    workspace: WorkspaceOption,
    collection: Annotated[
        list[str] | None,
        typer.Option(help="Collection of the archive; repeatable. / 档案中的数据集,可重复"),
    ] = None,
    years: Annotated[
        str | None, typer.Option(help="Years to fetch: 2015-2024. / 下载年份,如 2015-2024")
    ] = None,
    sign: Annotated[
        str | None,
        typer.Option(help="planetary-computer: ask for tokens. / planetary-computer:请求访问令牌"),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be fetched. / 只列出待下载内容")
    ] = False,
) -> None:
    """Register Level-2 scenes of a folder, or fetch those near mines. / 登记或下载影像"""
    from reverdure.cli import archives
    from reverdure.pipeline.add import add_scenes

    opened, broken = _open(workspace), 0
    folder: Path | None = Path(source)
    if archives.is_address(source):
        folder, broken = archives.fetch(
            opened, source, collection or [], years, sign, dry_run=dry_run
        )
    else:
        archives.no_options(collection or [], years, sign, dry_run=dry_run)
    if folder is None:
        return
    with progress() as on_progress:
        added = add_scenes(opened, folder, on_progress)
    for item in added.refused:
        message = item.message_zh if language() == "zh" else item.message
        say("add.refused", name=Path(item.path).name, code=item.code, message=message)
    say(
        "add.scenes",
        accepted=added.accepted,
        new=added.new,
        refused=len(added.refused),
        first=added.first or "-",
        last=added.last or "-",
    )
    if added.sentinel2:
        say("add.sentinel2", count=added.sentinel2)
    if added.resampled:
        say("add.resampled", count=added.resampled)
    if added.without_saturation:
        say("add.without_saturation", count=added.without_saturation)
    if added.accepted == 0 or broken:
        raise typer.Exit(1)


@app.command()
def composites(
    files: Annotated[list[Path], typer.Argument(help="Yearly rasters. / 年度影像文件")],
    workspace: WorkspaceOption,
    bands: Annotated[
        str | None,
        typer.Option(
            help="Names of the bands in order, comma between. / 各波段名,按顺序以逗号分隔"
        ),
    ] = None,
    index: Annotated[
        str | None,
        typer.Option(
            help="The values are this index: ndvi, nbr or ndmi. / 数值所属指数:ndvi、nbr 或 ndmi"
        ),
    ] = None,
    years: Annotated[
        str | None,
        typer.Option(
            help="Years of the bands of one file: 1984-2016."
            " / 单个文件中各波段对应年份,如 1984-2016"
        ),
    ] = None,
    scale: Annotated[float, typer.Option(help="Stored value of 1. / 数值1对应的存储值")] = 1.0,
    nodata: Annotated[
        float | None,
        typer.Option(
            help="Value that means nothing, where the file is silent. / 文件未注明时的无效值"
        ),
    ] = None,
    thermal: Annotated[
        str | None,
        typer.Option(
            help="Sensor behind a band thermal in kelvin, as LC08, or LC08:10 where ten is stored"
            " for 1 K. / 热红外波段的传感器与比例"
        ),
    ] = None,
) -> None:
    """Register yearly rasters made elsewhere; files stay where they are. / 登记外部年度合成"""
    from reverdure.imagery.declared import Thermal
    from reverdure.pipeline.add import add_composites, parse_years

    if (bands is None) == (index is None):
        raise InvalidInput(
            "say what the rasters hold: either --bands or --index.",
            "For example --bands blue,green,red,nir,swir1,swir2, or --index nbr.",
        )
    added = add_composites(
        _open(workspace),
        files,
        bands=[name.strip() for name in bands.split(",")] if bands else None,
        index=index,
        years=parse_years(years) if years else None,
        scale=scale,
        nodata=nodata,
        thermal=Thermal.parse(thermal) if thermal else None,
    )
    for finding in added.findings:
        zh = language() == "zh" and finding.message_zh
        say("add.finding", action=finding.action, message=zh or finding.message)
    say(
        "add.composites",
        kind=added.kind,
        count=len(added.years),
        first=added.years[0],
        last=added.years[-1],
    )


@app.command()
def layer(
    file: FileArgument,
    workspace: WorkspaceOption,
    kind: Annotated[
        str,
        typer.Option(
            "--as",
            help="elevation, rock or cover. / 图层类型:elevation 高程、rock 岩性或 cover 覆被",
        ),
    ],
) -> None:
    """Copy a layer that makes the reference match better. / 导入辅助图层"""
    from reverdure.pipeline.add import add_layer

    add_layer(_open(workspace), file, kind)
    say("add.layer", kind=kind)


def _open(folder: Path) -> "Workspace":
    from reverdure.store.workspace import Workspace

    return Workspace.open(folder)


def _said(kind: str, items: list[str] | None, area_unit: str | None, *spoken: str) -> "SavedMap":
    """What the options say, over what map files say."""
    from dataclasses import replace

    from reverdure.intake.column_maps import SavedMap, read_map
    from reverdure.intake.table import Reading

    said = SavedMap(kind)
    pairs: dict[str, str] = {}
    for item in items or []:
        if item.lower().endswith(".toml") and "=" not in Path(item).name:
            said = read_map(Path(item), kind)
            continue
        name, equals, column = item.partition("=")
        if not equals or not name.strip() or not column.strip():
            raise InvalidInput(
                f"--map {item!r} cannot be read; write FIELD=COLUMN, or name a .toml file."
            )
        pairs[name.strip()] = column.strip()
    names = ("crs", "shift", "datum", "sheet", "encoding")
    told = {name: word for name, word in zip(names, spoken, strict=True) if word}
    if told.get("datum", "wgs84") not in _DATUMS:
        raise UnknownOption(
            f"datum {told['datum']!r} is not known; use one of {', '.join(_DATUMS)}."
        )
    return replace(
        said,
        columns={**said.columns, **pairs},
        area_unit=area_unit or said.area_unit,
        how=Reading(**({name: getattr(said.how, name) for name in names} | told)),
    )


_DATUMS = ("gcj02", "bd09", "wgs84")


def _update(changed: bool, remove_gone: bool) -> "UpdateOf":
    from reverdure.pipeline.add import Update as UpdateOf

    if remove_gone and not changed:
        raise InvalidInput("--remove-gone goes with --update.", "Give both, or neither.")
    return UpdateOf(changed, remove_gone)


def _report(added: "Added", *, of_claims: bool = False) -> None:
    report = added.report
    say("add.counts", source=report.source, line=report.line(language(), of_claims=of_claims))
    say_findings(added)


def say_findings(added: "Added") -> None:
    """Print what an import saw row by row; exit code 1 where it took no row."""
    report = added.report
    order = {"rejected": 0, "repaired": 1, "flagged": 2}
    # what is said of the whole list would be lost behind its rows
    findings = sorted(report.findings, key=lambda f: (f.row > 0, order.get(f.action, 3), f.row))
    for finding in findings[:_MOST_FINDINGS]:
        message = (language() == "zh" and finding.message_zh) or finding.message
        action = words(f"action.{finding.action}")
        if finding.row:
            say("add.row", action=action, row=finding.row, id=finding.id or "-", message=message)
        else:
            say("add.whole", message=message)
    if len(findings) > _MOST_FINDINGS:
        say("add.more", count=len(findings) - _MOST_FINDINGS)
    if added.rejected_file:
        say("add.rejected_file", path=added.rejected_file)
    if added.replaced_file:
        say("add.replaced_file", path=added.replaced_file)
    if added.map_file:
        say("add.map_file", path=added.map_file)
    if report.accepted == 0:
        raise typer.Exit(1)
