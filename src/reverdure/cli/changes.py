"""`reverdure show --changes`: each verdict that moved, from what to what, and why."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reverdure.cli.screen import area_shown, language, say, words
from reverdure.core.codes import ChangeReason, Code, Reason, Verdict
from reverdure.core.units import ha_to_mu

if TYPE_CHECKING:
    from reverdure.store.workspace import Workspace

Changes = Annotated[
    bool, typer.Option("--changes", help="List each verdict that moved, and why. / 列出结论变动")
]
Since = Annotated[
    str | None,
    typer.Option(
        help="With --changes: run to compare with; else the full run before."
        " / 与 --changes 同用:对比的运行,默认上一次完整运行"
    ),
]
Least = Annotated[
    float,
    typer.Option(
        help="With --changes: smallest move of the area, % of the claim."
        " / 与 --changes 同用:面积变动下限(占上报面积的百分比)"
    ),
]
Csv = Annotated[
    Path | None,
    typer.Option(
        "--csv", help="With --changes: write them here too. / 与 --changes 同用:另存为 CSV"
    ),
]


class Area:
    """Areas as printed, in the unit asked for."""

    def __init__(self, unit: str) -> None:
        self.is_mu = area_shown(unit) == "mu"

    def __call__(self, area_ha: float | None) -> str:
        """An area with its unit; "-" for none."""
        if area_ha is None or math.isnan(area_ha):
            return "-"
        value = ha_to_mu(area_ha) if self.is_mu else area_ha
        text = f"{value:,.1f}" if self.is_mu else f"{value:,.2f}"
        return f"{text} {words('unit.mu' if self.is_mu else 'unit.ha')}"


def print_changes(
    workspace: "Workspace", area: Area, since: str | None, least: float, csv: Path | None
) -> None:
    """Print what moved, and write it where asked."""
    from reverdure.pipeline.changes import changes, write_csv

    found = changes(workspace, since, least)
    say("changes.runs", before=found.before, now=found.now)
    say("changes.count", moved=len(found.rows), claims=found.claims)
    for row in found.rows:
        _print(row, area)
    if csv is not None:
        write_csv(csv, found)
        say("changes.written", path=csv)


def _print(row: dict[str, Any], area: Area) -> None:
    say(
        "changes.claim",
        claim_id=row["claim_id"],
        mine_id=row["mine_id"],
        before=_label(Verdict, row["verdict_before"]),
        now=_label(Verdict, row["verdict_now"]),
    )
    if row["verdict_reason_before"] != row["verdict_reason_now"]:
        before = _label(Reason, row["verdict_reason_before"])
        say("changes.reason", before=before, now=_label(Reason, row["verdict_reason_now"]))
    say(
        "changes.area",
        before=area(row["restored_ha_before"]),
        now=area(row["restored_ha_now"]),
        claimed=area(row["claimed_ha"]),
    )
    detail = row["detail_zh" if language() == "zh" else "detail"]
    say("changes.why", reason=_label(ChangeReason, row["reason"]), detail=detail)


def _label(codes: type[Code], key: str) -> str:
    return codes.from_key(key).label(language()) if key else "-"
