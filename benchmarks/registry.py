"""The registry of a province: what its screens cost, and writes that are killed or meet.

All of it in a file, and in PostgreSQL where a server with PostGIS can be started.
"""

import datetime
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from tests.pipeline.test_killed_writes import KINDS, is_whole, killed, prepare
from tests.postgres_server import Server, binaries

from benchmarks.figures import Figure
from reverdure.core.kinds import Kind, kinds
from reverdure.pipeline.ledger import account, keep_books
from reverdure.pipeline.packs import use_pack
from reverdure.pipeline.records import PAGE, history_of, question, records_page
from reverdure.pipeline.rollup import programmes, targets
from reverdure.pipeline.show import overview
from reverdure.pipeline.verify import verifications
from reverdure.registry.packs import pack
from reverdure.store import records, tables
from reverdure.store.audit import check_audit
from reverdure.store.move import move
from reverdure.store.record_pages import Page
from reverdure.store.records import Author
from reverdure.store.team import Member, add_member
from reverdure.store.workspace import Workspace, naming

MINES, YEARS, AUDIT_ROWS, PARTIES, COUNTIES = 10_253, 40, 200_000, 500, 100
KILLS, WRITERS, TEAM_WRITERS, SECONDS = 50, 4, 20, 60
RUNS = 3
DAY = datetime.date(2026, 1, 1)
LI = Author("Li")
_WRITES = Path(__file__).parents[1] / "tests" / "store" / "test_record_writes.py"


def measure() -> list[Figure]:
    """Milliseconds of each question, the audit log walked, kills, and writers at once."""
    programs = binaries()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        province = _province(folder / "province")
        figures = _asked(province, "")
        figures += _ledger(province)
        figures += _killed(folder / "killed", "")
        figures += _at_once(Workspace.create(folder / "once"), WRITERS, "")
        if programs is None:
            print("no PostgreSQL with PostGIS here: measured in a file only")
            return figures
        server = Server(programs, durable=True)
        try:
            figures += _shared(server, province, folder)
        finally:
            server.stop()
    return figures


def _shared(server: Server, province: Workspace, folder: Path) -> list[Figure]:
    """The same in PostgreSQL, the questions also by a county, which sees one in a hundred mines."""
    name = server.new_database()
    started = time.perf_counter()
    moved = move(province, server.url(name)).workspace
    figures = [Figure("a province moved to PostgreSQL", time.perf_counter() - started, "s")]
    figures += _asked(moved, "PostgreSQL: ")
    add_member(moved.database, Member("li", "county", "360107"))
    (folder / "li").mkdir()
    text = naming((moved.root / "reverdure.toml").read_text("utf-8"), server.url(name, "li"))
    (folder / "li" / "reverdure.toml").write_text(text, encoding="utf-8")
    county = Workspace.open(folder / "li")
    assert 0 < county.database.count("mine") < MINES
    figures += _screens(county, "PostgreSQL, a county: ")
    figures += _killed(
        folder / "team-killed", "PostgreSQL: ", lambda: server.url(server.new_database())
    )
    url = server.url(server.new_database())
    return figures + _at_once(
        Workspace.create(folder / "team-once", None, url), TEAM_WRITERS, "PostgreSQL: "
    )


def _asked(province: Workspace, where: str) -> list[Figure]:
    lines = province.database.count("audit")
    figures = _screens(province, where)
    started = time.perf_counter()
    assert check_audit(province.database.rows("audit")).broken is None
    took = time.perf_counter() - started
    return [*figures, Figure(f"{where}{lines} audit lines checked", took, "s")]


def _screens(province: Workspace, where: str) -> list[Figure]:
    return [
        Figure(f"{where}{question}, median", _median_ms(ask), "ms", at_most=100)
        for question, ask in _questions(province).items()
    ]


def _questions(province: Workspace) -> dict[str, Callable[[], object]]:
    duty, event = kinds()["duty"], kinds()["event"]

    events = records_page(province, question(event)).count

    def asked(kind: Kind, *, last: bool = False, **what: Any) -> Page:
        return records_page(province, question(kind, **what), -(-events // PAGE) if last else 1)

    return {
        "overview": lambda: overview(province),
        f"open duties of {MINES} mines": lambda: asked(duty, open_on=DAY),
        "overdue duties": lambda: asked(duty, open_on=DAY, overdue=True),
        "duties of a party": lambda: asked(duty, party_id="P7"),
        f"{YEARS} years of events of a mine": lambda: asked(event, mine_id="M00007"),
        "first page of all events": lambda: asked(event),
        "their last page": lambda: asked(event, last=True),
        "every version of a duty": lambda: history_of(province, duty, "D00007"),
        "tree of programmes": lambda: programmes(province),
        "tree of targets": lambda: targets(province),
        "how far verification has come": lambda: verifications(province),
    }


def _median_ms(ask: Callable[[], object]) -> float:
    seconds = []
    for _ in range(7):
        started = time.perf_counter()
        ask()
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds)) * 1e3


def _province(root: Path) -> Workspace:
    workspace = Workspace.create(root)
    use_pack(workspace, "jiangxi", LI)
    mines = [f"M{n:05d}" for n in range(MINES)]
    claimed = mines[: MINES * 7 // 10]
    rows = {
        "party": [{"party_id": f"P{n}", "name": f"party {n}", "type": "enterprise"}
                  for n in range(PARTIES)],
        "duty": [{"duty_id": f"D{n:05d}", "mine_id": mine, "party_id": f"P{n % PARTIES}",
                  "duty": "restore", "liability": "liable_enterprise",
                  "due_date": f"{2022 + n % 8}-06-30"} for n, mine in enumerate(mines)],
        "programme": [{"programme_id": f"R{n}", "name": f"programme {n}", "level": "programme"}
                      for n in range(23)],
        "membership": [{"membership_id": mine, "programme_id": f"R{n % 23}", "mine_id": mine}
                       for n, mine in enumerate(mines)],
        "target": [{"target_id": f"T{n}", "metric": "land", "measured_in": "ha", "value": 1.0,
                    "from_year": 2022, "to_year": 2025, "basis": "plan"}
                   for n in range(COUNTIES)],
        "event": [{"event_id": f"{mine}-{year}", "mine_id": mine, "type": "other",
                   "date": f"{1985 + year}-06-30", "note": "inspected"}
                  for mine in mines for year in range(YEARS)],
        "review": [row for n, mine in enumerate(claimed) for row in _reviewed(n, f"C{mine}")],
    }  # fmt: skip
    with workspace.database.transaction("fill") as transaction:
        transaction.insert(tables.COUNTY, [
            {"county": f"county {n}", "county_code": f"36{n:04d}", "geometry": None}
            for n in range(100, 100 + COUNTIES)
        ])  # fmt: skip
        transaction.insert(tables.MINE, [_mine(n, mine) for n, mine in enumerate(mines)])
        transaction.insert(tables.CLAIM, [_claim(mine) for mine in claimed])
        for kind, values in rows.items():
            key = "review_id" if kind == "review" else kinds()[kind].key
            records.write(transaction, kind, [(one[key], 0, one) for one in values], LI)
        for number in range(AUDIT_ROWS - 10):
            transaction.audit("look", {"number": number})
    return workspace


def _reviewed(number: int, claim_id: str) -> list[dict[str, object]]:
    """The steps of a claim's verification: from none to all of them, by its number."""
    steps = pack("jiangxi").steps
    return [
        {"review_id": f"{claim_id}/{n}", "claim_id": claim_id, "step": step.key,
         "action": "taken", "role": step.role, "date": f"2025-0{n}-15", "pack": "jiangxi 1"}
        for n, step in enumerate(steps[: number % (len(steps) + 1)], start=1)
    ]  # fmt: skip


def _mine(number: int, mine_id: str) -> dict[str, object]:
    empty = dict.fromkeys(("name", "commodity", "mining_method", "flags", "source"), "")
    return empty | {
        "mine_id": mine_id, "county": f"county {100 + number % COUNTIES}", "stated_area_ha": 3.4,
        "measured_area_ha": 3.4, "source_row": number,
        "geometry": shapely.MultiPolygon([_outline(number)]),
    }  # fmt: skip


def _outline(number: int) -> shapely.Polygon:
    """A patch of about 3.4 ha with 72 corners, apart from all others."""
    angle = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    radius_deg = 0.001 * (1 + 0.1 * np.sin(3 * angle + number))
    x, y = 115 + 0.01 * (number % 100), 27 + 0.01 * (number // 100)
    return shapely.Polygon(np.c_[x + radius_deg * np.cos(angle), y + radius_deg * np.sin(angle)])


def _claim(mine_id: str) -> dict[str, object]:
    return {"claim_id": f"C{mine_id}", "mine_id": mine_id, "year": 2020, "start_year": 2017,
            "claimed_ha": 3.0, "aim": "forest", "claimant": "", "flags": "", "source": "",
            "source_row": 1, "geometry": None}  # fmt: skip


def _ledger(province: Workspace) -> list[Figure]:
    """The account of a province that was run three times."""
    counties = {row["mine_id"]: row["county"] for row in province.database.rows("mine")}
    claimed = MINES * 7 // 10
    for number in range(RUNS):
        folder = province.runs / f"run{number}"
        folder.mkdir(parents=True)
        rows = [_judged(n, mine_id, county, number)
                for n, (mine_id, county) in enumerate(counties.items())]  # fmt: skip
        grounds = [_outline(n) for n in range(claimed)]
        verdicts = gpd.GeoDataFrame(rows[:claimed], geometry=grounds, crs="EPSG:4326")
        verdicts.to_parquet(folder / "verdicts.parquet")
        pd.DataFrame(rows[claimed:]).to_parquet(folder / "natural_recovery.parquet")
        manifest = {"ended": f"{2023 + number}-01-01T00:00:00", "years": [1990, 2022 + number]}
        (folder / "manifest.json").write_text(json.dumps(manifest))
        with province.database.transaction("run", run_id=f"run{number}", only=None):
            pass
    label = f"account of {MINES} mines, {RUNS} runs, by county"
    started = time.perf_counter()
    keep_books(province)
    kept = Figure(f"books of {MINES} mines, {RUNS} runs, as the last run keeps them",
                  time.perf_counter() - started, "s")  # fmt: skip
    started = time.perf_counter()
    account(province, 2010, 2024, by="county")
    first = Figure(f"{label}, first time after a run", time.perf_counter() - started, "s",
                   at_most=1)  # fmt: skip
    ms = _median_ms(lambda: account(province, 2012, 2023, by="county"))
    return [kept, first, Figure(f"{label}, asked again, median", ms / 1e3, "s", at_most=1)]


def _judged(number: int, mine_id: str, county: str, run: int) -> dict[str, object]:
    """What a run says of a mine; every tenth moves from run to run."""
    return {
        "claim_id": f"C{mine_id}", "mine_id": mine_id, "county": county, "year": 2020,
        "claimed_ha": 3.0, "ground_ha": 3.4, "restored_ha": 2.5, "reason": "measured",
        "verdict": "supported" if (number + run) % 10 else "not_supported",
        "status": "measured", "damage_year": 2005 + number % 10, "flags": "",
        "ground": "unclaimed", "run_id": f"run{run}",
    }  # fmt: skip


def _writer(work: str, root: Path, *more: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, _WRITES, work, root, *more])


def _killed(root: Path, where: str, new_url: Callable[[], str] = lambda: "") -> list[Figure]:
    """Writers of each kind killed at random moments; what is there in part, and broken logs."""

    def of_kind(kind: str) -> tuple[int, int]:
        rng = np.random.default_rng()
        workspace, torn, broken = Workspace.create(root / kind, None, new_url()), 0, 0
        prepare(workspace)
        for _ in range(KILLS):
            killed(workspace, kind, float(rng.uniform(0, 0.1)))
            whole, holds = is_whole(workspace, kind)
            torn, broken = torn + (not whole), broken + (not holds)
        return torn, broken

    with ThreadPoolExecutor(os.cpu_count()) as at_once:
        found = list(at_once.map(of_kind, KINDS))
    label = f"{where}{KILLS} writers killed of each of {len(KINDS)} kinds"
    return [
        Figure(f"{label}: writes there in part", sum(torn for torn, _ in found), at_most=0),
        Figure(f"{label}: audit log broken", sum(broken for _, broken in found), at_most=0),
    ]


def _at_once(workspace: Workspace, writers: int, where: str) -> list[Figure]:
    """Writers who all raise one counter for a minute; updates that were lost."""
    with workspace.database.transaction("begin") as transaction:
        records.write(transaction, "event", [("E1", 0, {"count": 0})], LI)
    roots = [workspace.root] * writers
    if workspace.database.is_shared:
        # each on a machine of its own: the lock of a folder keeps nobody out
        roots = [workspace.root / f"machine-{n}" for n in range(writers)]
        for root in roots:
            root.mkdir()
            shutil.copy(workspace.root / "reverdure.toml", root)
    running = [_writer("edit", root, f"writer {n}", str(SECONDS)) for n, root in enumerate(roots)]
    assert [one.wait() for one in running] == [0] * writers
    versions = records.history(workspace.database, "event", "E1")
    lost = len(versions) - 1 - versions[-1]["body"]["count"]
    return [
        Figure(f"{where}{writers} writers for {SECONDS} s: updates", len(versions) - 1),
        Figure(f"{where}{writers} writers for {SECONDS} s: updates lost", lost, at_most=0),
    ]
