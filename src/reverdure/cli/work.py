"""Commands that make something: init, run, simulate."""

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reverdure.cli.add import WorkspaceOption
from reverdure.cli.screen import progress, say, words
from reverdure.core.errors import InvalidInput, UnknownOption

if TYPE_CHECKING:
    from reverdure.store.workspace import Workspace

DatabaseOption = Annotated[
    str,
    typer.Option(
        help="Keep the registry of a team there: postgresql://HOST/DATABASE, without a"
        " password. / 多人共用的登记库地址(不含密码)"
    ),
]


def init(
    folder: Annotated[Path, typer.Argument(help="New folder. / 新目录")],
    season: Annotated[
        str,
        typer.Option(
            help="First and last day of the growing season, MM-DD:MM-DD. / 生长季首末日,月-日:月-日"
        ),
    ] = "06-01:09-30",
    case: Annotated[
        str | None,
        typer.Option(
            help="Begin with the figures reported of a place: jiangxi, hunan,"
            " xikuangshan. / 载入已公布数据"
        ),
    ] = None,
    database: DatabaseOption = "",
) -> None:
    """Make a new workspace. / 新建工作区"""
    from reverdure.imagery.composites import season_year
    from reverdure.pipeline.cases import create
    from reverdure.store.workspace import Settings

    days = season.split(":")
    if len(days) != 2:
        raise InvalidInput(f"season {season!r} cannot be read; write it as 06-01:09-30.")
    season_year(datetime.date(2000, 1, 1), (days[0], days[1]))  # refuses days that do not exist
    create(folder, Settings(season=(days[0], days[1])), case, database)
    say("init.done", folder=folder)


def run(
    workspace: WorkspaceOption,
    only: Annotated[str | None, typer.Option(help="Measure this mine only. / 仅测量此矿山")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done. / 只列出将做的工作")
    ] = False,
    harmonise: Annotated[
        str | None,
        typer.Option(
            help="Bring newer sensors to older ones, in this workspace from now on: none,"
            " roy2016 or own. / 传感器一致性校正,此后一直有效"
        ),
    ] = None,
    events: Annotated[
        str | None,
        typer.Option(
            help="Recorded damage may date it where no image tells the year, from now on: use;"
            " or only show. / 影像无法判定年份时采用登记事件日期,此后一直有效"
        ),
    ] = None,
) -> None:
    """Measure what is missing or changed; Ctrl-C stops, the same command continues. / 测量"""
    from reverdure.cli import archives
    from reverdure.cli.sensors import choose
    from reverdure.pipeline import run as runs
    from reverdure.store.workspace import Workspace

    opened = Workspace.open(workspace)
    archives.say_not_fetched(opened)
    if harmonise is not None:
        choose(opened, harmonise, dry_run=dry_run)
    if events is not None:
        _choose_events(opened, events, dry_run=dry_run)
    if dry_run:
        load = runs.workload(opened, only)
        say(
            "run.dry",
            tiles=load.tiles,
            composites=load.composites,
            all_composites=load.all_composites,
            segments=load.segments,
            all_segments=load.all_segments,
            mines=load.mines,
            all_mines=load.all_mines,
            gb=f"{load.read_gb:.2f}",
            hours=f"{load.hours:.2f}" if load.hours >= 0.1 else f"{load.hours:.4f}",
            cores=load.cores,
        )
        return
    try:
        with progress() as on_progress:
            result = runs.run(opened, only, on_progress)
    except KeyboardInterrupt:
        typer.echo(words("run.stopped"), err=True)
        raise typer.Exit(130) from None
    say("run.made", **{stage: str(count) for stage, count in result.made.items()})
    say("run.done", run_id=result.run_id, seconds=f"{result.seconds:.0f}", report=result.report)


def _choose_events(workspace: "Workspace", way: str, *, dry_run: bool) -> None:
    from reverdure.pipeline.known_dates import choose_events

    if dry_run:
        raise UnknownOption(
            "--events changes the workspace and --dry-run changes nothing.",
            "Leave one of them out.",
        )
    with workspace.writing():
        is_new = choose_events(workspace, way)
    if is_new:
        say(f"run.events_{way}")


def simulate(
    folder: Annotated[Path, typer.Argument(help="New folder. / 新目录")],
    mines: Annotated[int, typer.Option(help="How many mines. / 矿山数")] = 60,
    years: Annotated[int, typer.Option(help="How many years. / 年数")] = 30,
    seed: Annotated[int, typer.Option(help="Seed of the county. / 随机种子")] = 7,
    sentinel2: Annotated[
        bool, typer.Option("--sentinel2", help="Sentinel-2 from 2016 on, too. / 同时生成哨兵二号")
    ] = False,
    world: Annotated[
        int, typer.Option(help="World: its number draws all settings. / 世界编号,决定全部设定")
    ] = 1,
    planted: Annotated[
        bool,
        typer.Option("--planted", help="Add a case for every reason. / 另加各类核验理由的案例"),
    ] = False,
) -> None:
    """Make a county with known truth, as files of the real formats. / 生成已知真值的模拟县"""
    from reverdure.simulate.county import simulate as make
    from reverdure.simulate.worlds import draw_world

    with progress() as on_progress:
        summary = make(
            folder,
            n_mines=mines,
            n_years=years,
            seed=seed,
            world=draw_world(world),
            sentinel2=sentinel2,
            planted=planted,
            on_progress=on_progress,
        )
    say(
        "simulate.done",
        folder=folder,
        mines=summary.n_mines,
        claims=summary.n_claims,
        scenes=summary.n_scenes,
        first=summary.first_year,
        last=summary.last_year,
        mb=f"{summary.size_mb:.0f}",
    )
