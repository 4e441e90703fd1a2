"""Commands that show: show, explain."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reverdure.cli.add import WorkspaceOption
from reverdure.cli.changes import Area, Changes, Csv, Least, Since, print_changes
from reverdure.cli.correct import print_correction
from reverdure.cli.reported import print_case
from reverdure.cli.screen import language, say, table, words
from reverdure.core.codes import (
    Aim,
    ClaimStatus,
    Code,
    FineStatus,
    NaturalState,
    Reason,
    ReferenceStatus,
    Verdict,
)
from reverdure.core.errors import UnknownOption
from reverdure.core.fields import VERDICTS
from reverdure.core.kinds import choices

if TYPE_CHECKING:
    from reverdure.pipeline.explain import Explanation, YearOfImagery

Unit = Annotated[str, typer.Option(help="ha or mu. / 公顷或亩")]
_GROUPS = ("supported", "partly_supported", "not_supported", "undecided", "not_judged")
_DETAILS = ("p_supported", "p_not_supported", "recovered_share", "damage_year", "recovered_year",
            "last_clear_year", "n_pixels", "indices", "flags")  # fmt: skip


def show(
    workspace: WorkspaceOption,
    unit: Unit = "ha",
    changes: Changes = False,
    since: Since = None,
    least: Least = 1.0,
    csv: Csv = None,
) -> None:
    """Print the programme in one screen, or what moved since the run before. / 项目概览或变动"""
    from reverdure.pipeline.cases import reported
    from reverdure.pipeline.show import overview
    from reverdure.store.workspace import Workspace

    area = Area(unit)
    if changes:
        print_changes(Workspace.open(workspace), area, since, least, csv)
        return
    if since is not None or csv is not None:
        raise UnknownOption("--since and --csv belong to --changes.", "Add --changes.")
    opened = Workspace.open(workspace)
    seen = overview(opened)
    for case in reported(opened):
        print_case(case, area)
    say("show.mines", mines=seen.mines, without=seen.mines_without_outline, claims=seen.claims)
    say("show.imagery", scenes=seen.scenes, refused=seen.refused_scenes, years=seen.declared_years)
    if not seen.totals:
        say("show.nothing")
        return
    whole = seen.totals[0]
    run = seen.run or {}
    first, last = run.get("years", ("?", "?"))
    say("show.run", run_id=whole["run_id"], first=first, last=last, ended=run.get("ended", "?"))
    say(
        "show.restored",
        claimed=area(whole["claimed_ha"]),
        restored=area(whole["restored_ha"]),
        low=area(whole["restored_ha_low"]),
        high=area(whole["restored_ha_high"]),
    )
    table(
        [words("show.verdict"), words("show.claims"), words("show.claimed_area")],
        [
            [
                _group(name),
                whole[f"{name}_claims"],
                area(whole[f"{name}_claimed_ha"]),
            ]
            for name in _GROUPS
        ],
    )
    if seen.natural:
        say("show.natural")
        table(
            [words("show.natural_state"), words("show.grounds"), words("show.ground_area"),
             words("show.came_back")],
            [
                [_label(NaturalState, state.key), *_natural_cells(seen.natural[state.key], area)]
                for state in NaturalState
                if state.key in seen.natural
            ],
        )  # fmt: skip
    say("show.by_county")
    table(
        [words("show.county"), words("show.mine_count"), words("show.claims")]
        + [_group(name) for name in _GROUPS],
        [
            [row["county"] or "-", row["mines"], row["claims"]]
            + [row[f"{name}_claims"] for name in _GROUPS]
            for row in seen.totals[1:]
        ],
    )
    say("show.size", mb=f"{seen.size_mb:.0f}")


def _natural_cells(found: tuple[int, float, float], area: Area) -> list[object]:
    """Number of grounds, their area and what of it came back."""
    count, ground_ha, recovered_ha = found
    return [count, area(ground_ha), area(recovered_ha)]


def explain(
    id: Annotated[str, typer.Argument(help="Mine or claim. / 矿山或上报编号")],  # noqa: A002
    workspace: WorkspaceOption,
    unit: Unit = "ha",
) -> None:
    """Print the chain from a verdict back to the scene ids. / 追溯核验依据"""
    from reverdure.pipeline.explain import explain as chain
    from reverdure.store.workspace import Workspace

    area = Area(unit)
    found = chain(Workspace.open(workspace), id)
    _mine(found.mine, area)
    for claim in found.claims:
        _claim(claim, area)
    if not found.verdicts:
        say("explain.no_verdict")
    for row in found.verdicts:
        _verdict(row, area)
    for one, in_force in found.corrections:
        print_correction(one, in_force=in_force)
    for event in found.events:
        of = choices("event_type")[event["type"]][language()]
        say("explain.event", date=event["date"], type=of, note=event["note"])
    for index, rows in found.from_record.items():
        for row in rows:
            say("explain.from_record", index=index, year=row["year"],
                by_images=row["by_images"], pixels=f"{row['pixels']:.1f}")  # fmt: skip
    _measured(found)


def _measured(found: "Explanation") -> None:
    """What stands behind the verdicts: references, imagery, run."""
    if not found.is_current:
        say("explain.changed")
    for index, reference in found.references.items():
        say("explain.reference", index=index, neighbours=found.neighbours)
        nested = ("by_aim", "fine")
        _reference({name: value for name, value in reference.items() if name not in nested})
        if "fine" in reference:
            _fine(reference["fine"])
        for aim, of_aim in reference.get("by_aim", {}).items():
            typer.echo(f"  {words('reference.by_aim')} {_label(Aim, aim)}:")
            _reference(of_aim)
    if found.imagery:
        say("explain.imagery")
    for year in found.imagery:
        _year(year)
    if found.harmonise:
        lines = found.harmonise
        say("sensors.in_force", name=lines.name, source=lines.source, status=lines.status)
    if found.run_id:
        say("explain.run", run_id=found.run_id)


def _fine(offset: Mapping[str, Any]) -> None:
    """How Sentinel-2 was joined to Landsat."""
    say(
        "explain.fine",
        status=_label(FineStatus, offset["status"]),
        slope=_value(offset["slope"]),
        error=_value(offset["slope_error"]),
        pixels=offset["n_pixels"],
        years=offset["n_years"],
    )


def _reference(reference: Mapping[str, Any]) -> None:
    """What was found around the mine, and why the rest of the ring was left out."""
    for name, value in reference.items():
        shown = _label(ReferenceStatus, value) if name == "status" else _value(value)
        typer.echo(f"    {words(f'reference.{name}')} ({name}): {shown}")


def _mine(mine: Mapping[str, Any], area: Area) -> None:
    say("explain.mine", **{name: _value(mine[name]) for name in ("mine_id", "name", "county")})
    say("explain.source", source=_value(mine["source"]), row=_value(mine["source_row"]))
    say(
        "explain.areas",
        stated=area(mine["stated_area_ha"]),
        measured=area(mine["measured_area_ha"]),
    )
    if mine["flags"]:
        say("explain.flags", flags=mine["flags"])


def _claim(claim: Mapping[str, Any], area: Area) -> None:
    say(
        "explain.claim",
        claim_id=claim["claim_id"],
        year=_value(claim["year"]),
        start=_value(claim["start_year"]),
        area=area(claim["claimed_ha"]),
        aim=_label(Aim, claim["aim"]),
        claimant=_value(claim["claimant"]),
    )
    say("explain.source", source=_value(claim["source"]), row=_value(claim["source_row"]))
    if claim["flags"]:
        say("explain.flags", flags=claim["flags"])


def _verdict(row: Mapping[str, Any], area: Area) -> None:
    say(
        "explain.verdict",
        claim_id=row["claim_id"],
        verdict=_label(Verdict, row["verdict"]),
        reason=_label(Reason, row["reason"]),
        status=_label(ClaimStatus, row["status"]),
    )
    say(
        "explain.numbers",
        restored=area(row["restored_ha"]),
        low=area(row["restored_ha_low"]),
        high=area(row["restored_ha_high"]),
        claimed=area(row["claimed_ha"]),
        ground=area(row["ground_ha"]),
    )
    for field in VERDICTS:
        if field.name in _DETAILS:
            label = field.zh if language() == "zh" else field.en
            typer.echo(f"    {label} ({field.name}): {_value(row[field.name])}")


def _year(year: "YearOfImagery") -> None:
    seen = sorted(year.pixels.items(), key=lambda item: -item[1])
    parts = [f"{name} ({pixels:.1f})" for name, pixels in seen]
    if year.missing > 0.05:
        parts.append(words("explain.missing", pixels=f"{year.missing:.1f}"))
    typer.echo(f"    {year.year}: " + (", ".join(parts) or words("explain.nothing")))


def _group(name: str) -> str:
    return words("show.not_judged") if name == "not_judged" else _label(Verdict, name)


def _label(codes: type[Code], key: str) -> str:
    return codes.from_key(key).label(language())


def _value(value: Any) -> str:
    if value is None or str(value) in ("", "nan", "<NA>", "None"):
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
