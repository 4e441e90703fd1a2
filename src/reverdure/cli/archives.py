"""`reverdure add scenes URL`: scenes fetched from an archive on the web."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from reverdure.cli.screen import language, progress, say, words
from reverdure.core.errors import InvalidInput

if TYPE_CHECKING:
    from reverdure.pipeline.fetch import Estimate, FetchPlan
    from reverdure.store.workspace import Workspace

_MOST_SHOWN = 20


def is_address(source: str) -> bool:
    """Whether scenes are to come from the web.

    Examples
    --------
    >>> [is_address(text) for text in ("https://example.org/stac", "scenes", "D:/scenes")]
    [True, False, False]
    """
    return "://" in source


def fetch(
    workspace: "Workspace",
    url: str,
    collections: list[str],
    years: str | None,
    sign: str | None,
    *,
    dry_run: bool,
) -> tuple[Path | None, int]:
    """Fetch scenes near mines; returns where they lie, and how many are not whole."""
    from reverdure.imagery.archives.addresses import typed
    from reverdure.imagery.archives.signing import Signer
    from reverdure.pipeline.add import parse_years
    from reverdure.pipeline.fetch import Request, fetch_scenes

    if not collections or not years:
        raise InvalidInput(
            "an archive needs --collection and --years.",
            "For example: --collection landsat-c2-l2 --years 2015-2024",
        )
    typed(url)
    request = Request(url.strip(), tuple(collections), parse_years(years))
    signer = Signer.of(sign) if sign else None

    def go_on(plan: "FetchPlan", estimate: "Estimate") -> bool:
        _say_plan(plan, estimate)
        return not dry_run

    try:
        with progress() as on_progress:
            fetched = fetch_scenes(
                workspace, request, signer=signer, go_on=go_on, on_progress=on_progress
            )
    except KeyboardInterrupt:
        typer.echo(words("run.stopped"), err=True)
        raise typer.Exit(130) from None
    if dry_run:
        return None, 0
    say(
        "archive.fetched",
        scenes=fetched.scenes,
        kept=fetched.kept,
        mb=f"{fetched.received / 1e6:.1f}",
        faults=fetched.faults,
    )
    for item in fetched.failed[:_MOST_SHOWN]:
        message = item.message_zh if language() == "zh" else item.message
        say("add.refused", name=item.path, code=item.code, message=message)
    if fetched.failed:
        say("archive.failed", count=len(fetched.failed))
    if not fetched.folder.is_dir():
        raise typer.Exit(1)
    return fetched.folder, len(fetched.failed)


def say_not_fetched(workspace: "Workspace") -> None:
    """Name mines that were added or moved after the scenes around them were fetched."""
    from reverdure.pipeline.archive_plan import mines_not_fetched

    mines = mines_not_fetched(workspace)
    if mines:
        listing = ", ".join(mines[:_MOST_SHOWN]) + (" ..." if len(mines) > _MOST_SHOWN else "")
        say("archive.not_fetched", count=len(mines), mines=listing)


def no_options(
    collections: list[str], years: str | None, sign: str | None, *, dry_run: bool
) -> None:
    """Refuse options of archives beside a folder."""
    given = [
        name
        for name, value in (
            ("--collection", collections),
            ("--years", years),
            ("--sign", sign),
            ("--dry-run", dry_run),
        )
        if value
    ]
    if given:
        raise InvalidInput(
            f"{', '.join(given)} go with the address of an archive, not with a folder.",
            "Write the address as https://HOST/PATH.",
        )


def _say_plan(plan: "FetchPlan", estimate: "Estimate") -> None:
    for item in plan.refused[:_MOST_SHOWN]:
        message = item.message_zh if language() == "zh" else item.message
        say("add.refused", name=item.path, code=item.code, message=message)
    if len(plan.refused) > _MOST_SHOWN:
        say("archive.more", count=len(plan.refused) - _MOST_SHOWN)
    if plan.beside:
        say("archive.beside", count=plan.beside, sent=plan.sent)
    say(
        "archive.plan",
        scenes=estimate.scenes,
        kept=estimate.kept,
        gb=f"{estimate.gigabytes:.3f}",
        hours=f"{estimate.hours:.2f}" if estimate.hours >= 0.1 else f"{estimate.hours:.4f}",
    )
