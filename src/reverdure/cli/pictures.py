"""`reverdure pictures`: strip, animation and figure of one mine."""

from pathlib import Path
from typing import Annotated

import typer

from reverdure.cli.add import WorkspaceOption
from reverdure.cli.screen import language, say

Colours = Annotated[
    str,
    typer.Option(
        help="true, or false: swir2, nir, red (nir, red, green where there is no swir2)."
        " / 真彩色或假彩色"
    ),
]


def pictures(
    mine_id: Annotated[str, typer.Argument(help="Mine. / 矿山编号")],
    workspace: WorkspaceOption,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            help="strip (all years, PNG and SVG), animation (GIF) or trajectory (SVG);"
            " repeatable, all where not given. / 影像条、动画或轨迹图"
        ),
    ] = None,
    colours: Colours = "true",
    out: Annotated[
        Path | None,
        typer.Option(help="Folder; the folder pictures of the workspace if not given. / 输出目录"),
    ] = None,
) -> None:
    """Pictures of a mine for documents: all years, animation, trajectory. / 矿山影像与图件"""
    from reverdure.pipeline.make_pictures import KINDS, make_pictures
    from reverdure.publish.messages import text
    from reverdure.store.workspace import Workspace

    opened = Workspace.open(workspace)
    made = make_pictures(
        opened,
        mine_id,
        opened.root / "pictures" if out is None else out,
        kinds=tuple(kind) if kind else KINDS,
        colours=colours,
        language=language(),
    )
    for path in made.files:
        say("pictures.file", path=path, kb=f"{path.stat().st_size / 1e3:.0f}")
    if made.bands:
        bands = ", ".join(text(f"drawn.band.{band}", language()) for band in made.bands)
        say("pictures.bands", bands=bands)
    for year, status in made.without.items():
        say("pictures.without", year=year, why=status.label(language()))
