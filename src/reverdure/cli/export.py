"""`reverdure export`: what was measured, for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from reverdure.cli.add import WorkspaceOption
from reverdure.cli.pictures import Colours
from reverdure.cli.screen import language, progress, say

app = typer.Typer(
    help="Hand what was measured to other programs. / 导出到其他软件", no_args_is_help=True
)


@app.command()
def qgis(
    workspace: WorkspaceOption,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder; the folder qgis of the workspace if not given. / 输出目录"),
    ] = None,
    colours: Colours = "true",
    pictures: Annotated[
        bool, typer.Option(help="With a picture of each year. / 是否包含年度影像")
    ] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say only how large it gets. / 只说明大小")
    ] = False,
) -> None:
    """Write a QGIS project with mines, verdicts and yearly pictures. / 导出QGIS工程"""
    from reverdure.pipeline.qgis import export_qgis, plan_export
    from reverdure.publish.messages import text
    from reverdure.store.workspace import Workspace

    opened = Workspace.open(workspace)
    planned = plan_export(opened, pictures=pictures)
    say(
        "export.size",
        mines=len(planned.windows),
        years=len(planned.plan.years),
        mb=f"{planned.most_mb:.1f}",
    )
    if dry_run:
        return
    with progress() as on_progress:
        made = export_qgis(
            opened,
            planned,
            opened.root / "qgis" if out is None else out,
            colours=colours,
            language=language(),
            on_progress=on_progress,
        )
    if made.years:
        bands = ", ".join(text(f"drawn.band.{band}", language()) for band in made.bands)
        say("export.years", count=len(made.years), first=made.years[0], last=made.years[-1],
            bands=bands)  # fmt: skip
    elif pictures:
        say("export.no_years")
    if made.years and made.without:
        say("export.without", years=", ".join(map(str, made.without)))
    if made.not_drawn:
        say("export.not_drawn", count=made.not_drawn)
    if not made.is_current:
        say("export.stale", run_id=made.run_id, workspace=workspace)
    say("export.qgis", path=made.project)


@app.command()
def tables(
    workspace: WorkspaceOption,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder; the folder tables of the workspace if not given. / 输出目录"),
    ] = None,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--as",
            help="gpkg, parquet, csv or xlsx; repeatable, all where not given."
            " / 格式,可重复,缺省为全部",
        ),
    ] = None,
) -> None:
    """Write every table as GeoPackage, GeoParquet, CSV and XLSX. / 导出全部数据表"""
    from reverdure.pipeline.table_export import export_tables
    from reverdure.publish.table_export import FORMATS
    from reverdure.store.workspace import Workspace

    opened = Workspace.open(workspace)
    folder = opened.root / "tables" if out is None else out
    with progress() as on_progress:
        written = export_tables(
            opened,
            folder,
            formats=tuple(formats) if formats else FORMATS,
            language=language(),
            on_progress=on_progress,
        )
    mb = sum(path.stat().st_size for path in written) / 1e6
    say("export.tables", count=len(written), folder=folder, mb=f"{mb:.1f}")


@app.command()
def template(
    workspace: WorkspaceOption,
    names: Annotated[
        str, typer.Option("--table", help="duties, works ...; several by comma for .gpkg / 表名")
    ],
    out: Annotated[Path, typer.Option(help="Form to write: .xlsx or .gpkg. / 要写出的表单")],
    county: Annotated[str, typer.Option(help="Only mines of this county. / 仅限该县")] = "",
) -> None:
    """Write tables of the registry as a form to edit and add again. / 导出可编辑的登记表"""
    from reverdure.core.kinds import kind_of
    from reverdure.pipeline.records import export_form
    from reverdure.store.workspace import Workspace

    wanted = [kind_of(name.strip()) for name in names.split(",")]
    count = export_form(Workspace.open(workspace), wanted, out, language(), county)
    say("records.form", path=out, count=count, table=names)
