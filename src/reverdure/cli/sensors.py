"""`reverdure sensors`: which sensor made which year, and what each change of sensor does."""

from collections.abc import Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

from reverdure.cli.add import WorkspaceOption
from reverdure.cli.screen import language, progress, say, table, words
from reverdure.core.codes import SensorChangeStatus
from reverdure.core.errors import UnknownOption

if TYPE_CHECKING:
    import pandas as pd

    from reverdure.store.workspace import Workspace

_SHOWN = ("ndvi", "nbr")


def sensors(workspace: WorkspaceOption) -> None:
    """Which sensor made which year, and what each change of sensor does. / 传感器变化检查"""
    from reverdure.pipeline.sensor_changes import check_sensors
    from reverdure.store.workspace import Workspace

    opened = Workspace.open(workspace)
    with progress() as on_progress:
        years, frame, lines = check_sensors(opened, on_progress)
    _print_years(years)
    if frame.empty:
        say("sensors.none")
    else:
        for name, of_change in frame.groupby("change", sort=False):
            _print_change(str(name), of_change)
        if (frame["status"] == SensorChangeStatus.NO_OVERLAP.key).any():
            say("sensors.caution")
        say("sensors.written", path=opened.products / "sensors.parquet")
    if lines is None:
        say("sensors.not_in_force")
    else:
        say("sensors.in_force", name=lines.name, source=lines.source, status=lines.status)


def choose(workspace: "Workspace", name: str, *, dry_run: bool) -> None:
    """Put lines in force before a run, or none, and say so."""
    from reverdure.pipeline.sensor_changes import choose_harmonisation

    if dry_run:
        raise UnknownOption(
            "--harmonise changes the workspace and --dry-run changes nothing.",
            "Leave one of them out.",
        )
    with workspace.writing(registry=False), progress() as on_progress:
        is_new = choose_harmonisation(workspace, name, on_progress)
    if is_new:
        say("sensors.dropped" if name == "none" else "sensors.chosen", name=name)


def _print_years(years: Mapping[int, Mapping[str, int]]) -> None:
    """Runs of years with the same sensors, each in a line."""
    rows = []
    for _, group in groupby(years, key=lambda year: tuple(years[year])):
        span = list(group)
        counts = {name: sum(years[year][name] for year in span) for name in years[span[0]]}
        seen = ", ".join(f"{name} ({count})" for name, count in counts.items())
        label = f"{span[0]}" if len(span) == 1 else f"{span[0]}-{span[-1]}"
        rows.append([label, seen or words("sensors.no_sensors")])
    table([words("sensors.years"), words("sensors.sensor")], rows, 2)


def _print_change(name: str, frame: "pd.DataFrame") -> None:
    """One change: how it was measured, then the shift of each index at both ends."""
    shown = frame[frame["band"].isin(_SHOWN)]
    first = shown.iloc[0]
    status = SensorChangeStatus.from_key(first["status"]).label(language())
    say("sensors.of_change", change=name, status=status, pixels=first["n_pixels"],
        older=_span(first["older_years"]), newer=_span(first["newer_years"]))  # fmt: skip
    given = shown[shown["slope"].notna()]
    if not given.empty:
        headings = ("index", "harmonise", "low", "shift", "interval", "high", "shift", "interval")
        rows = [_row(row) for row in given.to_dict("records")]
        table([words(f"sensors.{name}") for name in headings], rows, 2)


def _span(years: str) -> str:
    """First and last of the years compared."""
    first, last = years.split(";", maxsplit=1)[0], years.rsplit(";", maxsplit=1)[-1]
    return first if first == last else f"{first}-{last}"


def _row(row: Mapping[str, Any]) -> list[object]:
    known = {"none": "as_seen", "own": "own"}
    how = row["harmonise"]
    label = words(f"sensors.{known[how]}") if how in known else how
    return [row["band"].upper(), label, *_shift(row, "low"), *_shift(row, "high")]


def _shift(row: Mapping[str, Any], end: str) -> list[str]:
    """Value of the older sensor at one end, the shift there, and its interval."""
    interval = f"{row[f'{end}_shift_low']:+.3f}..{row[f'{end}_shift_high']:+.3f}"
    return [f"{row[end]:.2f}", f"{row[f'{end}_shift']:+.3f}", interval]
