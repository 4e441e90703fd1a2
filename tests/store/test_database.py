"""The registry: what is written comes back, versions move both ways, the log stays."""

import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
import sqlalchemy as sa

from reverdure.core.errors import (
    DatabaseUnavailable,
    InvalidInput,
    WorkspaceMissing,
    WorkspaceTooNew,
)
from reverdure.core.fields import MINES
from reverdure.core.records import Finding, ImportReport
from reverdure.store import tables
from reverdure.store.database import HEAD, Database
from reverdure.store.geometry import from_blob, to_blob


def mines(ids: list[str], outlines: list[shapely.Geometry | None]) -> gpd.GeoDataFrame:
    frame = gpd.GeoDataFrame({"mine_id": ids}, geometry=outlines, crs="EPSG:4326")
    for field in MINES:
        if field.name not in frame:
            frame[field.name] = {"text": "", "number": np.nan, "integer": 1}[field.kind]
    return frame[MINES.columns]


@pytest.fixture
def database(place: Path | str) -> Database:
    return Database.create(place)


@pytest.fixture
def in_file(tmp_path: Path) -> Database:
    return Database.create(tmp_path / "registry.gpkg")


def run(database: Database, statement: str) -> None:
    """What somebody does with the database itself, past the program."""
    with database.writer() as connection:
        connection.exec_driver_sql(statement)


def test_what_is_written_comes_back(database: Database) -> None:
    outline = shapely.multipolygons([shapely.box(115, 28, 115.1, 28.1)])
    with database.transaction("add mines") as write:
        write.insert_frame("mine", mines(["M2", "甲"], [outline, None]))
    frame = database.frame("mine")
    assert list(frame["mine_id"]) == ["M2", "甲"]
    assert frame.geometry.iloc[0].equals(outline)
    assert frame.geometry.iloc[1] is None
    assert np.isnan(frame["stated_area_ha"]).all()
    assert database.count("mine") == 2
    assert database.count_empty("mine", "geometry") == 1


def test_gdal_reads_the_registry_as_a_geopackage(in_file: Database) -> None:
    with in_file.transaction("add mines") as write:
        write.insert_frame(
            "mine", mines(["M1"], [shapely.multipolygons([shapely.box(1, 2, 3, 4)])])
        )
    frame = pyogrio.read_dataframe(in_file.path, layer="mine")
    assert frame.crs.to_epsg() == 4326
    assert frame.geometry.iloc[0].bounds == (1, 2, 3, 4)


def test_a_second_mine_with_the_same_id_is_refused_and_nothing_is_written(
    database: Database,
) -> None:
    with pytest.raises(InvalidInput), database.transaction("add mines") as write:
        write.insert_frame("mine", mines(["M1", "M1"], [None, None]))
    assert database.count("mine") == 0
    assert database.count("audit") == 0


def test_the_audit_log_cannot_be_changed(database: Database) -> None:
    with database.transaction("init"):
        pass
    for statement in ("update audit set action = 'x'", "delete from audit"):
        with pytest.raises(sa.exc.IntegrityError, match="append-only"):
            run(database, statement)


def test_each_line_of_the_audit_log_carries_the_one_before(database: Database) -> None:
    for action in ("init", "add mines", "run"):
        with database.transaction(action):
            pass
    chains = [row["chain"] for row in database.rows("audit")]
    assert len(set(chains)) == 3


def test_tables_and_migrations_agree(database: Database) -> None:
    # what PostgreSQL keeps beside: whose a row is, and in which transaction it was written
    beside = {("mine", "area"), ("import_report", "login"), ("audit", "written")}
    with database.writer() as connection, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Did not recognize type")
        inspector = sa.inspect(connection)
        for name, table in tables.metadata.tables.items():
            found = {column["name"] for column in inspector.get_columns(name)}
            if name == "record":
                assert found >= set(tables.RECORD_VALUES)
                found -= set(tables.RECORD_VALUES)
            if database.is_shared:
                found -= {column for of, column in beside if of == name}
            assert found == {column.name for column in table.columns}, name


def test_migrations_run_down_and_up_again(database: Database) -> None:
    database.migrate("base")
    with pytest.raises(WorkspaceMissing):
        Database.open(database.where)
    database.migrate()
    assert Database.open(database.where).count("mine") == 0


def test_an_older_registry_is_brought_up_to_date(place: Path | str) -> None:
    Database(place).migrate("0003")
    opened = Database.open(place)
    with opened.transaction("goes on") as write:
        write.append("reported", {"name": "x", "record": "{}"})
    assert opened.count("reported") == opened.count("audit") == 1


def test_without_the_driver_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(DatabaseUnavailable, match=r"reverdure\[team\]"):
        Database("postgresql://registry.example/jiangxi")


def test_head_is_the_last_migration() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "reverdure:store/migrations")
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_a_newer_registry_is_refused(database: Database) -> None:
    run(database, "update alembic_version set version_num = '9999'")
    with pytest.raises(WorkspaceTooNew, match="9999"):
        Database.open(database.where)


def test_a_file_that_is_no_registry_is_named(tmp_path: Path) -> None:
    path = tmp_path / "registry.gpkg"
    path.write_text("not a database, but long enough to be looked at as one" * 40)
    with pytest.raises(WorkspaceMissing):
        Database.open(path)


def test_an_import_report_comes_back_whole(database: Database) -> None:
    finding = Finding(3, "M3", "rejected", "missing_geometry", "no outline", "无边界")
    report = ImportReport("a.csv", 3, 2, 0, 1, 1, (finding,))
    with database.transaction("add mines") as write:
        write.log_import("mines", report, "abc")
    assert database.imports("mines") == [report]
    assert database.imports("claims") == []


@pytest.mark.parametrize(
    "geometry",
    [shapely.box(-1, -2, 3, 4), shapely.multipolygons([shapely.box(0, 0, 1, 1)])],
)
def test_geometry_blobs_round_trip(geometry: shapely.Geometry) -> None:
    assert from_blob(to_blob(geometry)).equals(geometry)


def test_no_side_files_stay_behind(in_file: Database) -> None:
    with in_file.transaction("init"):
        pass
    assert [path.name for path in in_file.path.parent.iterdir()] == ["registry.gpkg"]


def test_registries_are_made_in_threads_at_once(tmp_path):
    paths = [tmp_path / f"{n}.gpkg" for n in range(6)]
    with ThreadPoolExecutor(6) as threads:
        made = list(threads.map(Database.create, paths))
    assert [one.count("audit") for one in made] == [0] * 6
    assert {Database.open(path).count("record") for path in paths} == {0}
