"""The report of a run: one folder of pages that open by double-click."""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import xarray as xr

from reverdure.core.records import Finding, OnProgress, Progress
from reverdure.publish.claim_page import ClaimFacts, Places, claim_page
from reverdure.publish.contents import ReportData, rows
from reverdure.publish.files import page_names, write_page
from reverdure.publish.index_page import FIELD_PAGE, index_page
from reverdure.publish.mine_page import MineFacts, mine_page
from reverdure.publish.tables import TABLE_NAMES

__all__ = ["ReportData", "write_report"]


def write_report(
    folder: Path,
    data: ReportData,
    on_progress: OnProgress | None = None,
    tables: Path | None = None,
) -> None:
    """Write `index.html`, `mines/<id>.html` and `claims/<id>.html`; pages of what is gone go.

    Parameters
    ----------
    folder : Path
        Folder of the report; made where it is missing.
    data : ReportData
        The tables of one run.
    on_progress : callable, optional
        Told after each page.
    tables : Path, optional
        Folder of the tables of `write_tables`, which the index links to where they are;
        default the folder `products` beside the report.

    Raises
    ------
    DiskFull
        If no space is left; pages already there stay whole.
    """
    names = page_names(sorted(data.mines["mine_id"]))
    claim_names = page_names(sorted(data.verdicts["claim_id"]), "claim")
    pages, claim_pages = folder / "mines", folder / "claims"
    n_pages = len(data.mines) + 1
    places = Places(data)
    for done, facts in enumerate(_mines(data), start=1):
        evidence = data.evidence(facts.mine["mine_id"])
        path = pages / names[facts.mine["mine_id"]]
        # without news of the mine its pages stay as they are
        if evidence is not None or not path.is_file():
            write_page(path, mine_page(data, facts, claim_names))
        _write_claims(claim_pages, data, facts, evidence, places, names, claim_names)
        if on_progress:
            on_progress(Progress("report", done, n_pages))
    _write_strays(claim_pages, data, claim_names)
    has_field = (folder / FIELD_PAGE).is_file()
    index = index_page(data, names, _tables(folder, tables), claim_names, has_field=has_field)
    write_page(folder / "index.html", index)
    _remove_others(pages, set(names.values()))
    _remove_others(claim_pages, set(claim_names.values()))
    if on_progress:
        on_progress(Progress("report", n_pages, n_pages))


def _write_claims(
    folder: Path,
    data: ReportData,
    facts: MineFacts,
    evidence: Mapping[str, xr.Dataset] | None,
    places: Places,
    names: Mapping[str, str],
    claim_names: Mapping[str, str],
) -> None:
    """Write the pages of one mine's claims; without news of the mine they stay as they are."""
    mine_id = facts.mine["mine_id"]
    href = "../mines/" + quote(names[mine_id])
    for claim, verdict in facts.claims:
        claim_id = verdict["claim_id"]
        path = folder / claim_names[claim_id]
        if evidence is None and path.is_file():
            continue
        seen = (evidence or {}).get(claim_id)
        place = None if seen is None else places.around(claim_id, mine_id, seen.attrs["crs"])
        page = claim_page(data, ClaimFacts(claim, verdict, facts.mine, href, seen, place))
        write_page(path, page)


def _write_strays(folder: Path, data: ReportData, claim_names: Mapping[str, str]) -> None:
    """Write the pages of claims on mines that are not in the list."""
    listed = set(data.mines["mine_id"])
    stray = data.verdicts[~data.verdicts["mine_id"].isin(listed)]
    claim_of = {row["claim_id"]: row for row in rows(data.claims)} if len(stray) else {}
    for verdict in rows(stray):
        claim_id = verdict["claim_id"]
        facts = ClaimFacts(claim_of.get(claim_id, {}), verdict, {}, "", None, None)
        write_page(folder / claim_names[claim_id], claim_page(data, facts))


def _remove_others(folder: Path, written: set[str]) -> None:
    for page in folder.glob("*.html"):
        if page.name not in written:
            page.unlink()


def _mines(data: ReportData) -> Iterator[MineFacts]:
    """Each mine with everything known about it, in order of its id."""
    claim_of = {row["claim_id"]: row for row in rows(data.claims)}
    judged: dict[str, list[tuple[Any, Any]]] = defaultdict(list)
    for verdict in rows(data.verdicts.sort_values("claim_id")):
        judged[verdict["mine_id"]].append((claim_of.get(verdict["claim_id"], {}), verdict))
    yearly: dict[str, list[Any]] = defaultdict(list)
    for row in rows(data.trajectories):
        yearly[row["mine_id"]].append(row)
    seen: dict[str, list[Finding]] = defaultdict(list)
    for report in data.imports:
        for finding in report.findings:
            seen[finding.id].append(finding)
    natural: dict[str, list[Any]] = defaultdict(list)
    if data.natural is not None:
        for row in rows(data.natural.sort_values("ground_id")):
            natural[row["mine_id"]].append(row)
    for mine in rows(data.mines.sort_values("mine_id")):
        claims = judged[mine["mine_id"]]
        ids = [mine["mine_id"], *(verdict["claim_id"] for _, verdict in claims)]
        findings = [finding for id_ in dict.fromkeys(ids) for finding in seen.get(id_, ())]
        mine_id = mine["mine_id"]
        yield MineFacts(mine, claims, yearly[mine_id], findings, natural[mine_id])


def _tables(folder: Path, tables: Path | None) -> list[Path]:
    """Tables that are there, as paths from the report's folder."""
    source = folder.parent / "products" if tables is None else tables
    return [
        Path(os.path.relpath(source / name, folder))
        for name in TABLE_NAMES
        if (source / name).is_file()
    ]
