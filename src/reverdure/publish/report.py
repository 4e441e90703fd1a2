"""The report of a run: one folder of pages that open by double-click."""

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reverdure.core.records import Finding, OnProgress, Progress
from reverdure.publish.contents import ReportData, rows
from reverdure.publish.files import page_names, write_page
from reverdure.publish.index_page import index_page
from reverdure.publish.mine_page import MineFacts, mine_page
from reverdure.publish.tables import TABLE_NAMES

__all__ = ["ReportData", "write_report"]


def write_report(
    folder: Path,
    data: ReportData,
    on_progress: OnProgress | None = None,
    tables: Path | None = None,
) -> None:
    """Write `index.html` and `mines/<id>.html`; pages of mines that are gone are removed.

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
    pages = folder / "mines"
    n_pages = len(data.mines) + 1
    for done, facts in enumerate(_mines(data), start=1):
        write_page(pages / names[facts.mine["mine_id"]], mine_page(data, facts))
        if on_progress:
            on_progress(Progress("report", done, n_pages))
    write_page(folder / "index.html", index_page(data, names, _tables(folder, tables)))
    written = set(names.values())
    for page in pages.glob("*.html"):
        if page.name not in written:
            page.unlink()
    if on_progress:
        on_progress(Progress("report", n_pages, n_pages))


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
    for mine in rows(data.mines.sort_values("mine_id")):
        claims = judged[mine["mine_id"]]
        ids = [mine["mine_id"], *(verdict["claim_id"] for _, verdict in claims)]
        findings = [finding for id_ in dict.fromkeys(ids) for finding in seen.get(id_, ())]
        yield MineFacts(mine, claims, yearly[mine["mine_id"]], findings)


def _tables(folder: Path, tables: Path | None) -> list[Path]:
    """Tables that are there, as paths from the report's folder."""
    source = folder.parent / "products" if tables is None else tables
    return [
        Path(os.path.relpath(source / name, folder))
        for name in TABLE_NAMES
        if (source / name).is_file()
    ]
