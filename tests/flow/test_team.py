"""A registry in PostgreSQL by command: made, filled, asked, shared, dumped, moved."""

from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from tests.flow.commands import reverdure
from tests.flow.test_records import DUTIES, MINES, PARTIES
from tests.flow.test_verify import EVIDENCE
from tests.postgres_server import Server

pytestmark = pytest.mark.postgres
CLAIMS = "claim_id,mine_id,year,claimed_ha,aim\nC1,M1,2020,10,forest\nC2,M2,2021,10,forest\n"
COUNTIES = {"Xingguo": ("360732", 115.1), "Yudu": ("360731", 115.25)}


class Team:
    """A workspace on a server, and folders of people who open it in their own name."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.name = server.new_database()
        self.root = folder / "w"

    def add(self, table: str, text: str, root: Path | None = None, **options: object) -> str:
        path = self.folder / f"{table}.csv"
        path.write_text(text, encoding="utf-8")
        by = () if table in {"mines", "claims"} else ("--by", "Li")
        done = reverdure("add", table, path, "-w", root or self.root, *by, **options)
        return done.stdout + done.stderr

    def folder_of(self, login: str) -> Path:
        """What a person has: a copy of the settings with the own login."""
        (self.folder / login).mkdir(exist_ok=True)
        text = (self.root / "reverdure.toml").read_text(encoding="utf-8")
        mine = text.replace("owner@", f"{login}@")
        (self.folder / login / "reverdure.toml").write_text(mine, encoding="utf-8")
        return self.folder / login


@pytest.fixture(scope="module")
def team(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Team:
    made = Team(postgres, tmp_path_factory.mktemp("team"))
    reverdure("init", made.root, "--database", postgres.url(made.name), "--case", "jiangxi")
    outlines = gpd.GeoDataFrame(
        {"county": list(COUNTIES), "county_code": [code for code, _ in COUNTIES.values()]},
        geometry=[shapely.box(west, 26.5, west + 0.15, 26.7) for _, west in COUNTIES.values()],
        crs="EPSG:4326",
    )
    outlines.to_file(made.folder / "counties.gpkg")
    reverdure("add", "counties", made.folder / "counties.gpkg", "-w", made.root)
    given = {"mines": MINES, "claims": CLAIMS, "parties": PARTIES,
             "duties": DUTIES, "evidence": EVIDENCE}  # fmt: skip
    for table, text in given.items():
        made.add(table, text)
    reverdure("rules", "--use", "jiangxi", "-w", made.root, "--by", "Li")
    for login, *more in (
        ("xingguo", "--role", "county", "--area", "360732"),
        ("mining", "--role", "enterprise", "--party", "P1"),
        ("anybody", "--role", "public"),
        ("checker", "--role", "auditor"),
    ):
        reverdure("team", "-w", made.root, "--add", login, *more)
    return made


def test_the_commands_of_the_registry_answer_from_the_database(team: Team, tmp_path: Path) -> None:
    assert "Imagery" in reverdure("show", "-w", team.root).stdout
    assert "open on 2026-06-30: 2" in reverdure(
        "duties", "-w", team.root, "--on", "2026-06-30").stdout  # fmt: skip
    again = team.add("duties", DUTIES.replace("2025-12-31", "2026-12-31"))
    assert "refused" in again
    team.add("parties", "party_id,name,type\nP1,changed,enterprise\n", expect=1)
    listed = reverdure("records", "parties", "-w", team.root).stdout
    assert "changed" not in listed
    reverdure("verify", "issued", "--as", "province", "--county", "Xingguo", "-w", team.root,
              "--by", "Li")  # fmt: skip
    assert "holds" in reverdure("audit", "verify", "-w", team.root).stdout
    reverdure("dump", "-w", team.root, "--out", tmp_path / "d.zip")
    reverdure("restore", tmp_path / "d.zip", tmp_path / "again")
    assert "D1" in reverdure("duties", "-w", tmp_path / "again").stdout
    assert "holds" in reverdure("audit", "verify", "-w", tmp_path / "again").stdout


def test_each_login_has_its_part(team: Team) -> None:
    county, firm = team.folder_of("xingguo"), team.folder_of("mining")
    public, auditor = team.folder_of("anybody"), team.folder_of("checker")
    duties = {
        one.name: reverdure("duties", "-w", one).stdout for one in (county, firm, public, auditor)
    }
    assert ("D1" in duties["xingguo"], "D2" in duties["xingguo"]) == (True, False)
    assert ("D1" in duties["mining"], "D2" in duties["mining"]) == (True, False)
    assert ("D1" in duties["anybody"], "D2" in duties["anybody"]) == (False, False)
    assert ("D1" in duties["checker"], "D2" in duties["checker"]) == (True, True)
    assert "holds" in reverdure("audit", "verify", "-w", auditor).stdout
    for one in (county, firm, public, auditor):
        reverdure("show", "-w", one)
        reverdure("verifications", "-w", one)
        reverdure("programmes", "-w", one)
    assert "every row" in reverdure("audit", "verify", "-w", county, expect=1).stderr
    partly = reverdure("dump", "-w", county, "--out", county / "d.zip", expect=1, language="zh")
    assert "全部数据行" in partly.stderr


def test_a_step_is_taken_in_the_role_of_the_login(team: Team) -> None:
    county = team.folder_of("xingguo")
    reverdure("verify", "issued", "--as", "province", "--claims", "C2", "-w", team.root,
              "--by", "Li")  # fmt: skip
    step = ("county_check", "--evidence", "E1", "--outcome", "restored", "--by", "Wu")
    other = reverdure("verify", *step, "--as", "county", "--claims", "C2", "-w", team.root,
                      expect=1)  # fmt: skip
    assert "this login is province" in other.stderr
    elsewhere = reverdure("verify", *step, "--as", "county", "--claims", "C2", "-w", county,
                          expect=1)  # fmt: skip
    assert "there is no claim C2" in elsewhere.stdout
    events = "event_id,mine_id,type,date,note\n{},other,2026-01-01,x\n"
    assert "new 1" in team.add("events", events.format("V1,M1"), county)
    elsewhere = team.add("events", events.format("V2,M2"), county, expect=1)
    assert "there is no such mine" in elsewhere
    denied = team.add("events", events.format("V3,M1"), team.folder_of("checker"), expect=1)
    assert "not_allowed" in denied


def test_the_team_is_listed_changed_and_told_in_both_languages(team: Team) -> None:
    shown = reverdure("team", "-w", team.root).stdout
    assert "xingguo" in shown
    assert "you are: province" in shown
    assert "县级" in reverdure("team", "-w", team.folder_of("xingguo"), language="zh").stdout
    added = reverdure("team", "-w", team.root, "--add", "guest", "--role", "public").stdout
    assert "guest is in the team" in added
    assert "out of the team" in reverdure("team", "-w", team.root, "--remove", "guest").stdout
    denied = reverdure("team", "-w", team.folder_of("xingguo"), "--add", "x", "--role", "public",
                       expect=1)  # fmt: skip
    assert "not_allowed" in denied.stderr
    wrong = reverdure(
        "team", "-w", team.root, "--add", "x", "--role", "king", expect=1, language="zh"
    )
    assert "角色 'king' 无法识别" in wrong.stderr
    reverdure("team", "-w", team.root, "--add", "x", expect=1)


def test_there_and_back_by_command(team: Team, postgres: Server, tmp_path: Path) -> None:
    root = tmp_path / "w"
    reverdure("init", root, "--case", "jiangxi")
    refused = reverdure("team", "-w", root, expect=1).stderr
    assert "for people who trust each other" in refused
    there = reverdure("move", "-w", root, "--to", postgres.url(postgres.new_database())).stdout
    assert "compared and the same" in there
    back = reverdure("move", "-w", root, "--to", "file", language="zh").stdout
    assert "逐行核对一致" in back
    assert "holds" in reverdure("audit", "verify", "-w", root).stdout
    secret = reverdure("move", "-w", root, "--to", "postgresql://a:tell-nobody@h/d", expect=1)
    assert "PGPASSWORD" in secret.stderr
    assert "tell-nobody" not in secret.stderr + secret.stdout
