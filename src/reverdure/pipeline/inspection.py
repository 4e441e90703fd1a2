"""The list of mines to visit in a month: registry and last run to a draw, and to a table."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reverdure.core.errors import NotFound, UnknownOption
from reverdure.core.visit_fields import INSPECTIONS
from reverdure.pipeline.records import book_of
from reverdure.registry.inspection import (
    Claimed,
    Visit,
    first_day,
    in_words,
    monthly_list,
    risks,
)
from reverdure.store.workspace import Workspace

_NAMED = 8
_WRITES = (".xlsx", ".csv")


@dataclass(frozen=True, slots=True)
class Inspection:
    """The list of a month.

    Attributes
    ----------
    month : str
    visits : tuple of Visit
        Every mine of the area, the drawn ones first.
    names, counties : mapping of mine id to str
    run_id : str
        Run whose verdicts it rests on; "" where nothing was measured.
    """

    month: str
    visits: tuple[Visit, ...]
    names: Mapping[str, str]
    counties: Mapping[str, str]
    run_id: str

    @property
    def drawn(self) -> list[Visit]:
        """Mines to visit, in order."""
        return [one for one in self.visits if one.rank]


def inspection(workspace: Workspace, visits: int, month: str, area: str = "") -> Inspection:
    """Draw the mines of a month by risk; equal registries give equal lists.

    Parameters
    ----------
    workspace : Workspace
    visits : int
        Mines that can be visited.
    month : str
        "YYYY-MM"; duties and rectifications count as they stand on its first day.
    area : str
        County, by name or code; "" for all.

    Raises
    ------
    InvalidInput
        If the month is none or there are no visits.
    NotFound
        If no mine lies in the area.
    NoMines
        If there is no mine.
    """
    day = first_day(month)
    names, counties = _mines(workspace)
    chosen = county_named(workspace, area, counties) if area else ""
    mines = [one for one, county in counties.items() if not area or county == chosen]
    claims, run_id = _claims(workspace)
    found = risks(mines, claims, book_of(workspace), day)
    listed = monthly_list(found, visits, month, workspace.settings.seed, chosen)
    return Inspection(month, tuple(listed), names, counties, run_id)


def write_list(path: Path, found: Inspection, language: str) -> Path:
    """Write every mine with its chance as a workbook or CSV.

    Raises
    ------
    UnknownOption
        If the file ends otherwise.
    """
    from reverdure.publish.table_export import export_table

    suffix = path.suffix.lower()
    if suffix not in _WRITES:
        raise UnknownOption(f"{path.name} ends in {suffix!r}; use one of {', '.join(_WRITES)}.")
    frame = INSPECTIONS.frame([_row(found, one) for one in found.visits])
    written = export_table(
        path.parent, path.stem, INSPECTIONS, frame, formats=(suffix[1:],), language=language
    )
    return written[0]


def _row(found: Inspection, one: Visit) -> dict[str, Any]:
    risk = one.risk
    return {
        "month": found.month,
        "visit": one.rank or None,
        "mine_id": risk.mine_id,
        "name": found.names[risk.mine_id],
        "county": found.counties[risk.mine_id],
        "parties": ";".join(risk.parties),
        "claimed_ha": risk.claimed_ha,
        "size": risk.size,
        "doubt": risk.doubt,
        "record": risk.record,
        "risk": risk.risk,
        "probability": one.probability,
        "why": in_words(risk.why, "en"),
        "why_zh": in_words(risk.why, "zh"),
        "run_id": found.run_id,
    }


def _mines(workspace: Workspace) -> tuple[dict[str, str], dict[str, str]]:
    """Name and county of each mine."""
    from reverdure.registry.counties import county_of

    database = workspace.database
    frame = database.frame("mine")
    names = {one: name or "" for one, name in zip(frame["mine_id"], frame["name"], strict=True)}
    return names, county_of(frame, database.frame("county")).to_dict()


def _claims(workspace: Workspace) -> tuple[list[Claimed], str]:
    """Claims with what the last run says of each, and that run."""
    said = _verdicts(workspace)
    columns = ["claim_id", "mine_id", "claimed_ha", "claimant"]
    claims = []
    for row in workspace.database.rows("claim", columns):
        verdict = said.get(row["claim_id"], {})
        claims.append(
            Claimed(
                row["claim_id"],
                row["mine_id"],
                _number(row["claimed_ha"]),
                row["claimant"] or "",
                verdict.get("verdict") or "",
                _number(verdict.get("p_supported")),
                _number(verdict.get("p_not_supported")),
            )
        )
    return claims, next((row["run_id"] for row in said.values()), "")


def _verdicts(workspace: Workspace) -> dict[str, dict[str, Any]]:
    path = workspace.products / "verdicts.parquet"
    if not path.is_file():
        return {}
    import pyarrow.parquet as pq

    columns = ["claim_id", "verdict", "p_supported", "p_not_supported", "run_id"]
    with pq.ParquetFile(path) as file:
        return {row["claim_id"]: row for row in file.read(columns=columns).to_pylist()}


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def county_named(workspace: Workspace, area: str, counties: Mapping[str, str]) -> str:
    """The county that a name or a code means."""
    rows = workspace.database.rows("county", ["county", "county_code"])
    name = {row["county_code"]: row["county"] for row in rows if row["county_code"]}.get(area, area)
    known = sorted(set(counties.values()))
    if name not in known:
        shown = known[:_NAMED] + (["..."] if len(known) > _NAMED else [])
        raise NotFound(
            f"no mine lies in {area!r}.", f"Counties with mines: {', '.join(shown) or '-'}"
        )
    return str(name)
