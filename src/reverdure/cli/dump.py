"""`reverdure dump` and `reverdure restore`: the registry as one archive of text."""

from pathlib import Path
from typing import Annotated

import typer

from reverdure.cli.add import WorkspaceOption
from reverdure.cli.screen import say
from reverdure.cli.work import DatabaseOption


def dump(
    workspace: WorkspaceOption,
    out: Annotated[Path, typer.Option(help="Archive to write (.zip). / 要写出的压缩包")],
) -> None:
    """Write the whole registry as JSON Lines in one archive. / 整体导出登记库"""
    from reverdure.store.dump import dump
    from reverdure.store.workspace import Workspace

    counts = dump(Workspace.open(workspace), out)
    say("dump.written", path=out, rows=sum(counts.values()), tables=len(counts))


def restore(
    archive: Annotated[Path, typer.Argument(help="Archive that dump wrote. / 导出的压缩包")],
    folder: Annotated[Path, typer.Argument(help="Folder of the new workspace. / 新工作区目录")],
    database: DatabaseOption = "",
) -> None:
    """Make a workspace from an archive, checked row by row. / 由压缩包恢复登记库"""
    from reverdure.pipeline.dump import restore_archive

    _, counts = restore_archive(archive, folder, database)
    say("dump.restored", folder=folder, rows=sum(counts.values()), tables=len(counts))
