"""Writers killed at any moment leave what they wrote whole or not there at all.

Each kind of write goes on until it is killed: records, a list in place of another, steps of
verification, a correction, a setting. `python test_killed_writes.py KIND FOLDER` is the writer.
"""

import contextlib
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import shapely

from reverdure.core.errors import InvalidInput
from reverdure.pipeline import correct
from reverdure.pipeline.add import Update, add_mines
from reverdure.pipeline.correct import replace_outline
from reverdure.pipeline.known_dates import SETTING, choose_events
from reverdure.pipeline.packs import use_pack
from reverdure.pipeline.verify import verify
from reverdure.registry.review import Act
from reverdure.store import records, tables
from reverdure.store.audit import check_audit
from reverdure.store.records import Author
from reverdure.store.workspace import Workspace

_PATIENCE_S = 60

if TYPE_CHECKING:  # this file is also run by itself, where no package is
    from tests.postgres_server import Server

LI = Author("Li")
BATCH, LISTED, CLAIMS = 40, 60, 4000
STEPS = 4
"""Claims a step is taken for at once: few, so that fifty writers do not run out of them."""
ALIKE = ("gypsum", "slate")


def prepare(workspace: Workspace) -> None:
    """A rule pack, a list of mines in two versions, and claims to verify."""
    use_pack(workspace, "jiangxi", LI)
    for commodity in ALIKE:
        rows = [f'M{n},{commodity},"{square(115 + n / 100, 0.002)}"' for n in range(LISTED)]
        text = "\n".join(["mine_id,commodity,geometry", *rows])
        (workspace.root / f"{commodity}.csv").write_text(text, "utf-8")
    for width in (0.0021, 0.0022):
        path = workspace.root / f"outline-{width}.csv"
        path.write_text(f'mine_id,geometry\nM0,"{square(115, width)}"\n', "utf-8")
    add_mines(workspace, workspace.root / "slate.csv", None, {})
    empty = dict.fromkeys(("claimant", "flags", "source"), "")
    claims = [
        {"claim_id": f"C{n:04d}", "mine_id": f"M{n % LISTED}", "year": 2020, "start_year": 2017,
         "claimed_ha": 3.0, "aim": "forest", "source_row": n, "geometry": None} | empty
        for n in range(CLAIMS)
    ]  # fmt: skip
    with workspace.database.transaction("fill") as transaction:
        transaction.insert(tables.CLAIM, claims)


def square(lon: float, width: float) -> str:
    return shapely.box(lon, 27.1, lon + width, 27.1 + width).wkt


def flood(workspace: Workspace) -> None:
    """Batches of records."""
    for batch in itertools.count():
        rows = [(f"E{os.getpid()}-{batch}.{n}", 0, {"number": n}) for n in range(BATCH)]
        with workspace.writing(), workspace.database.transaction("flood") as transaction:
            records.write(transaction, "event", rows, LI)


def relist(workspace: Workspace) -> None:
    """One list in place of the other, again and again."""
    for commodity in itertools.cycle(ALIKE):
        add_mines(workspace, workspace.root / f"{commodity}.csv", None, {}, update=Update(True))


def step(workspace: Workspace) -> None:
    """A step of verification for the next claims that wait for it."""
    for number in itertools.count(len(taken(workspace))):
        claims = [f"C{n:04d}" for n in range(number * STEPS, (number + 1) * STEPS)]
        verify(workspace, claims, Act("issued", "province", "2026-01-02"), LI)


def redraw(workspace: Workspace) -> None:
    """The outline of a mine corrected, again and again."""
    outlines = sorted(workspace.root.glob("outline-*.csv"))
    for path in itertools.cycle(outlines):
        # the writer before may have been killed right after the one that is next
        with contextlib.suppress(InvalidInput):
            replace_outline(workspace, "M0", path, correct.Author("Li", "surveyed"), "EPSG:4326")


def choose(workspace: Workspace) -> None:
    """A setting switched to and fro."""
    for way in itertools.cycle(("use", "show")):
        with workspace.writing():
            choose_events(workspace, way)


def lines_of(workspace: Workspace, action: str) -> list[dict]:
    rows = workspace.database.rows("audit", ["action", "detail"])
    return [json.loads(row["detail"]) for row in rows if row["action"] == action]


def taken(workspace: Workspace) -> list[dict]:
    return lines_of(workspace, "take issued")


def flooded_whole(workspace: Workspace) -> bool:
    kept = records.current(workspace.database, ["event"])["event"]
    return len(kept) == BATCH * len(lines_of(workspace, "flood"))


def listed_whole(workspace: Workspace) -> bool:
    rows = workspace.database.rows("mine", ["mine_id", "commodity", "source"])
    reports = workspace.database.rows("import_report", ["source"])
    return (
        len(rows) == LISTED
        and {row["source"] for row in rows} == {reports[-1]["source"]}
        and {f"{row['commodity']}.csv" for row in rows} == {reports[-1]["source"]}
        and len(lines_of(workspace, "add mines")) == len(reports)
    )


def steps_whole(workspace: Workspace) -> bool:
    steps = records.current(workspace.database, ["review"])["review"]
    return len(steps) == sum(one["claims"] for one in taken(workspace)) <= CLAIMS


def corrections_whole(workspace: Workspace) -> bool:
    kept = workspace.database.count("correction")
    return kept == len(lines_of(workspace, "correct"))


def choice_whole(workspace: Workspace) -> bool:
    said = lines_of(workspace, "events")
    return workspace.database.setting(SETTING) == (said[-1]["now"] if said else None)


KINDS: dict[str, tuple[Callable[[Workspace], None], Callable[[Workspace], bool]]] = {
    "records": (flood, flooded_whole),
    "lists": (relist, listed_whole),
    "steps": (step, steps_whole),
    "corrections": (redraw, corrections_whole),
    "settings": (choose, choice_whole),
}


def killed(workspace: Workspace, kind: str, seconds: float) -> None:
    """A writer of its own, killed so many seconds after its first write."""
    before = workspace.database.count("audit")
    running = subprocess.Popen([sys.executable, __file__, kind, str(workspace.root)])
    end = time.monotonic() + _PATIENCE_S
    try:
        while workspace.database.count("audit") == before:
            assert running.poll() is None and time.monotonic() < end, f"no {kind} was written"
            time.sleep(0.002)
        time.sleep(seconds)
    finally:
        running.kill()
        running.wait()


def is_whole(workspace: Workspace, kind: str) -> tuple[bool, bool]:
    """Whether what was written is there wholly or not at all, and the audit log holds."""
    with workspace.writing():
        whole = KINDS[kind][1](workspace)
    return whole, check_audit(workspace.database.rows("audit")).broken is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "where", ["file", pytest.param("postgres", marks=pytest.mark.postgres)]
)  # fmt: skip
def test_a_killed_writer_leaves_all_or_nothing(
    kind: str, where: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = ""
    if where == "postgres":
        server: Server = request.getfixturevalue("postgres")
        url = server.url(server.new_database())
    workspace = Workspace.create(tmp_path / "w", None, url)
    prepare(workspace)
    assert is_whole(workspace, kind) == (True, True)
    for wait in (0.0, 0.013, 0.05):
        killed(workspace, kind, wait)
        assert is_whole(workspace, kind) == (True, True)


if __name__ == "__main__":
    KINDS[sys.argv[1]][0](Workspace.open(Path(sys.argv[2])))
