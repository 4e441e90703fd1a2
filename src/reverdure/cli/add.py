"""`reverdure add`: bring lists, scenes, composites and layers into a workspace."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reverdure.cli.screen import language, progress, say, words
from reverdure.core.errors import InvalidInput

if TYPE_CHECKING:
    from reverdure.pipeline.add import Added
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
        " / 表头未注明时的面积单位"
    ),
]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map", help="FIELD=COLUMN for a column that is not recognised; repeatable. / 指定列名"
    ),
]


@app.command()
def mines(
    file: FileArgument,
    workspace: WorkspaceOption,
    area_unit: AreaUnit = None,
    column_map: Map = None,
) -> None:
    """Read a list of mines: GeoPackage, Shapefile (zipped too), GeoJSON, CSV. / 导入矿山名录"""
    from reverdure.pipeline.add import add_mines

    _report(add_mines(_open(workspace), file, area_unit, _pairs(column_map)))


@app.command()
def claims(
    file: FileArgument,
    workspace: WorkspaceOption,
    area_unit: AreaUnit = None,
    column_map: Map = None,
) -> None:
    """Read a list of restoration claims. / 导入修复上报清单"""
    from reverdure.pipeline.add import add_claims

    _report(add_claims(_open(workspace), file, area_unit, _pairs(column_map)), of_claims=True)


@app.command()
def counties(file: FileArgument, workspace: WorkspaceOption) -> None:
    """Read county outlines, for totals by county. / 导入县界"""
    from reverdure.pipeline.add import add_counties

    say("add.counties", count=add_counties(_open(workspace), file))


@app.command()
def scenes(
    source: Annotated[
        str,
        typer.Argument(help="Folder of scenes, or address of a STAC archive. / 影像目录或档案网址"),
    ],
    workspace: WorkspaceOption,
    collection: Annotated[
        list[str] | None,
        typer.Option(help="Collection of the archive; repeatable. / 档案中的数据集"),
    ] = None,
    years: Annotated[str | None, typer.Option(help="Years to fetch: 2015-2024. / 下载年份")] = None,
    sign: Annotated[
        str | None, typer.Option(help="planetary-computer: ask for tokens. / 请求访问令牌")
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
        str | None, typer.Option(help="Names of the bands in order, comma between. / 波段名")
    ] = None,
    index: Annotated[
        str | None, typer.Option(help="The values are this index: ndvi, nbr or ndmi. / 指数名")
    ] = None,
    years: Annotated[
        str | None,
        typer.Option(help="Years of the bands of one file: 1984-2016. / 各波段对应年份"),
    ] = None,
    scale: Annotated[float, typer.Option(help="Stored value of 1. / 数值1对应的存储值")] = 1.0,
    nodata: Annotated[
        float | None,
        typer.Option(help="Value that means nothing, where the file is silent. / 无效值"),
    ] = None,
) -> None:
    """Register yearly rasters made elsewhere; files stay where they are. / 登记外部年度合成"""
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
    kind: Annotated[str, typer.Option("--as", help="elevation, rock or cover. / 图层类型")],
) -> None:
    """Copy a layer that makes the reference match better. / 导入辅助图层"""
    from reverdure.pipeline.add import add_layer

    add_layer(_open(workspace), file, kind)
    say("add.layer", kind=kind)


def _open(folder: Path) -> "Workspace":
    from reverdure.store.workspace import Workspace

    return Workspace.open(folder)


def _pairs(items: list[str] | None) -> dict[str, str]:
    """FIELD=COLUMN options as a mapping."""
    pairs: dict[str, str] = {}
    for item in items or []:
        name, equals, column = item.partition("=")
        if not equals or not name.strip() or not column.strip():
            raise InvalidInput(f"--map {item!r} cannot be read; write FIELD=COLUMN.")
        pairs[name.strip()] = column.strip()
    return pairs


def _report(added: "Added", *, of_claims: bool = False) -> None:
    report = added.report
    say("add.counts", source=report.source, line=report.line(language(), of_claims=of_claims))
    say_findings(added)


def say_findings(added: "Added") -> None:
    """Print what an import saw row by row; exit code 1 where it took no row."""
    report = added.report
    order = {"rejected": 0, "repaired": 1, "flagged": 2}
    findings = sorted(report.findings, key=lambda f: (order.get(f.action, 3), f.row))
    for finding in findings[:_MOST_FINDINGS]:
        message = (language() == "zh" and finding.message_zh) or finding.message
        action = words(f"action.{finding.action}")
        say("add.row", action=action, row=finding.row, id=finding.id or "-", message=message)
    if len(findings) > _MOST_FINDINGS:
        say("add.more", count=len(findings) - _MOST_FINDINGS)
    if added.rejected_file:
        say("add.rejected_file", path=added.rejected_file)
    if report.accepted == 0:
        raise typer.Exit(1)
