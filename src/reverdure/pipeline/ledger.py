"""The account of a workspace: what its runs kept, to the rows of the ledger."""

import contextlib
import json
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverdure.core.errors import InvalidInput, NotAllowed, NotFound, NotWritable, UnknownOption
from reverdure.core.fields import LEDGER
from reverdure.core.files import atomic
from reverdure.core.provenance import digest
from reverdure.core.units import M2_PER_HA, MU_PER_HA
from reverdure.pipeline.verify import accepted_days
from reverdure.recovery.constants import constant
from reverdure.registry.books import WHOLE, Books, period
from reverdure.registry.grounds import Knowledge
from reverdure.registry.ledger import books
from reverdure.registry.permits import Permit, Rehabilitation, rehabilitation
from reverdure.store.records import current
from reverdure.store.workspace import Workspace

if TYPE_CHECKING:
    import geopandas as gpd

BY = ("county",)
# raised when an account of the same runs reads otherwise
_BOOKS = 2
_NAMED = 8


@dataclass(frozen=True, slots=True)
class Account:
    """The account of a period.

    Attributes
    ----------
    area : str
        County or unit asked for; "" for all.
    first, last : int
        Years of the period.
    rows : tuple of dict
        Rows of `core.fields.LEDGER`.
    runs : tuple of str
        Runs that the account stands on, oldest first.
    without : int
        Earlier runs that kept too little to be in it.
    is_partial : bool
        Whether single mines were measured after the last of these runs.
    """

    area: str
    first: int
    last: int
    rows: tuple[dict[str, Any], ...]
    runs: tuple[str, ...]
    without: int
    is_partial: bool


@cache
def definitions() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """What lines and columns hold: `definitions()["line"]["closing"]["en"]`."""
    source = resources.files("reverdure.registry").joinpath("data/ledger.toml")
    return tomllib.loads(source.read_text(encoding="utf-8"))


def account(
    workspace: Workspace, first: int, last: int, *, area: str = "", by: str = ""
) -> Account:
    """The stock-flow account of an area and a period.

    Parameters
    ----------
    workspace : Workspace
    first, last : int
        First and last year.
    area : str
        County by name or code, or code of a unit that counties are part of; "" for all.
    by : str
        "county" gives every county beside the whole, or beside the unit above it.

    Raises
    ------
    InvalidInput
        If nothing was measured, or the period is not within the imagery.
    NotFound
        If no mine of the account lies in the area.
    UnknownOption
        If `by` is neither "" nor "county".
    """
    if by and by not in BY:
        raise UnknownOption(f"accounts are given by {', '.join(BY)}, not by {by!r}.")
    log = workspace.database.audit_details("run")
    order = _runs_of_all(log)
    kept = _books(workspace, order)
    start, counties = kept["first_year"], kept["counties"]
    if first < start:
        raise InvalidInput(f"the period begins in {first}; the imagery begins in {start}.")
    all_years = Books(**kept["books"])
    rows = period(all_years, first, last, counties)
    if area:
        inside = _counties(workspace, area, counties)
        rows = [row for row in rows if row["county"] in inside]
        if inside != [area] and (len(inside) > 1 or _is_above(workspace, area)):
            rows = [*_together(area, rows), *(rows if by else [])]
    elif not by:
        rows = [row for row in rows if row["county"] == WHOLE]
    said = definitions()["line"]
    return Account(
        area,
        first,
        last,
        tuple(
            row | {"definition": said[row["line"]]["en"], "definition_zh": said[row["line"]]["zh"]}
            for row in rows
        ),
        tuple(run_id for run_id, _, _ in all_years.runs),
        kept["without"],
        bool(log) and log[-1]["only"] is not None,
    )


def keep_books(workspace: Workspace) -> None:
    """Work out the books of all runs, so that no account waits for them.

    Who sees only a part of the registry keeps none.
    """
    with contextlib.suppress(NotAllowed):
        _books(workspace, _runs_of_all(workspace.database.audit_details("run")))


def _books(workspace: Workspace, order: Sequence[str]) -> dict[str, Any]:
    """The books of all years, the whole and every county: kept until anything in them moves."""
    accepted, permits = accepted_days(workspace), _permits(workspace)
    made_from = digest([
        _BOOKS, constant("supported_share"), workspace.database.fingerprint("mine"),
        accepted, {mine_id: [asdict(one) for one in of] for mine_id, of in permits.items()},
        [[run_id, *_sizes(workspace, run_id)] for run_id in order],
    ])  # fmt: skip
    path = workspace.products / "accounts" / f"{made_from}.json"
    if path.is_file():
        there: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return there
    days = [_day(workspace, run_id) for run_id in order]
    mines = workspace.database.frame("mine")
    found = [
        _knowledge(workspace, run_id, mines, _accepted_by(accepted or {}, until))
        for run_id, until in zip(order, [*days[1:], ""], strict=False)
    ]
    known = [one for one in found if one is not None]
    worked_out = books(known, supported_share=constant("supported_share"),
                       has_acceptances=accepted is not None, permits=permits)  # fmt: skip
    kept = {
        "counties": sorted({ground.county for one in known for ground in one.grounds}),
        "first_year": min(_first_year(workspace, one.run_id) for one in known),
        "without": len(found) - len(known),
        "books": {field.name: getattr(worked_out, field.name) for field in fields(Books)},
    }
    _keep(path, kept)
    return kept


def _keep(path: Path, kept: Mapping[str, Any]) -> None:
    """Keep books, and none of what they were before; who may not write works them out again."""
    with contextlib.suppress(NotWritable):
        with atomic(path) as temporary:
            temporary.write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")
        for old in path.parent.glob("*.json"):
            if old.name != path.name:
                old.unlink(missing_ok=True)


def _sizes(workspace: Workspace, run_id: str) -> list[int | None]:
    """Bytes of what an account reads of a run: a run is never changed once it is there."""
    folder = workspace.runs / run_id
    paths = (folder / "manifest.json", folder / "verdicts.parquet", _natural(workspace, run_id))
    return [path.stat().st_size if path.is_file() else None for path in paths]


def permitted_mines(workspace: Workspace) -> tuple[int, list[Rehabilitation]]:
    """Progressive rehabilitation of mines with a permit: last year of the imagery, and each.

    Raises
    ------
    InvalidInput
        If nothing was measured.
    """
    mines = workspace.database.frame("mine")
    for run_id in reversed(_runs_of_all(workspace.database.audit_details("run"))):
        known = _knowledge(workspace, run_id, mines, ())
        if known is not None:
            found = rehabilitation(known.grounds, _permits(workspace), known.last_year)
            return known.last_year, found
    raise InvalidInput("nothing has been run yet.", "Run first: reverdure run")


def _runs_of_all(log: Sequence[Mapping[str, Any]]) -> list[str]:
    """Runs that measured all mines, oldest first; the same run twice in a row is one."""
    full = [str(entry["run_id"]) for entry in log if entry["only"] is None]
    return [run for place, run in enumerate(full) if full[place - 1 : place] != [run]]


def write_csv(path: Path, found: Account) -> None:
    """Write the account as a table for spreadsheets."""
    from reverdure.publish.sheets import as_text_cell

    frame = LEDGER.frame(found.rows)
    for field in LEDGER:
        if field.kind == "text":
            frame[field.name] = frame[field.name].map(as_text_cell)
    with atomic(path) as temporary:
        # the byte-order mark tells spreadsheets that the Chinese is UTF-8
        frame.to_csv(temporary, index=False, encoding="utf-8-sig", lineterminator="\r\n")


def _permits(workspace: Workspace) -> dict[str, list[Permit]]:
    """Permits of each mine that has one."""
    found: dict[str, list[Permit]] = {}
    for record in current(workspace.database, ["permit"])["permit"].values():
        values = record.values
        area_m2 = round(values["permitted_ha"] * M2_PER_HA)
        permit = Permit(values["from_year"], values["to_year"], area_m2)
        found.setdefault(values["mine_id"], []).append(permit)
    return found


def _day(workspace: Workspace, run_id: str) -> str:
    """Day a run ended; "" where it kept too little."""
    manifest = workspace.runs / run_id / "manifest.json"
    if not manifest.is_file():
        return ""
    return str(json.loads(manifest.read_text(encoding="utf-8"))["ended"])[:10]


def _accepted_by(accepted: Mapping[str, str], until: str) -> frozenset[str]:
    """Claims accepted before the day of the next run; "" for the last one: all."""
    return frozenset(one for one, day in accepted.items() if not until or day < until)


def _knowledge(
    workspace: Workspace, run_id: str, mines: "gpd.GeoDataFrame", accepted: Collection[str]
) -> Knowledge | None:
    """What a run kept; None where that is too little for an account."""
    import geopandas as gpd
    import pandas as pd

    from reverdure.registry.knowledge import knowledge

    folder = workspace.runs / run_id
    manifest = folder / "manifest.json"
    natural = _natural(workspace, run_id)
    verdicts = folder / "verdicts.parquet"
    if not (manifest.is_file() and natural.is_file() and verdicts.is_file()):
        return None
    kept = json.loads(manifest.read_text(encoding="utf-8"))
    return knowledge(
        run_id,
        str(kept["ended"])[:10],
        int(kept["years"][1]),
        gpd.read_parquet(verdicts),
        pd.read_parquet(natural),
        mines,
        accepted,
    )


def _natural(workspace: Workspace, run_id: str) -> Path:
    """Table of unclaimed ground of a run; of the last one also where only products hold it."""
    import pyarrow.parquet as pq

    kept, totals = workspace.runs / run_id, workspace.products / "totals.parquet"
    if not (kept / "natural_recovery.parquet").is_file() and totals.is_file():
        with pq.ParquetFile(totals) as file:
            if file.read(columns=["run_id"]).to_pylist()[0]["run_id"] == run_id:
                kept = workspace.products
    return kept / "natural_recovery.parquet"


def _first_year(workspace: Workspace, run_id: str) -> int:
    manifest = workspace.runs / run_id / "manifest.json"
    return int(json.loads(manifest.read_text(encoding="utf-8"))["years"][0])


def _counties(workspace: Workspace, area: str, counties: Sequence[str]) -> list[str]:
    """Counties of the account that a name or code means: one, or all of the unit above them.

    Raises
    ------
    NotFound
        If no mine of the account lies there.
    """
    codes = _codes(workspace)
    prefix = _prefix(area)
    found = [
        name for name in counties
        if name == area or (prefix and str(codes.get(name, "")).startswith(prefix))
    ]  # fmt: skip
    if not found:
        shown = [*counties[:_NAMED], *["..."] * (len(counties) > _NAMED)]
        raise NotFound(
            f"no mine of the account lies in {area!r}.",
            f"Counties with mines: {', '.join(shown)}",
        )
    return found


def _is_above(workspace: Workspace, area: str) -> bool:
    """Whether a code is that of no county, but of what counties are part of."""
    return bool(_prefix(area)) and area not in _codes(workspace).values()


def _codes(workspace: Workspace) -> dict[str, str]:
    rows = workspace.database.rows("county", ["county", "county_code"])
    return {row["county"]: row["county_code"] for row in rows if row["county_code"]}


def _prefix(area: str) -> str:
    """Digits that the codes of all counties of a unit begin with; "" where it is no code.

    Codes are nested by pairs of digits, with zeros for what is left open (GB/T 2260-2007,
    section 4).
    """
    if not area.isdigit():
        return ""
    digits = area.rstrip("0")
    return digits + "0" * (len(digits) % 2)


def _together(area: str, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of several counties as those of one area: every mine lies in one of them."""
    sums: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        key = row["line"], row["column"]
        if key not in sums:
            sums[key] = dict(row) | {"county": area}
            continue
        for name in ("mines", "area_m2"):
            sums[key][name] = None if row[name] is None else sums[key][name] + row[name]
    for one in sums.values():
        m2 = one["area_m2"]
        one["area_ha"] = None if m2 is None else m2 / M2_PER_HA
        one["area_mu"] = None if m2 is None else m2 * MU_PER_HA / M2_PER_HA
    return list(sums.values())
