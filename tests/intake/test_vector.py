"""Every format gives the same rows; what cannot be read is one clear error."""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from reverdure.core.errors import (
    InvalidInput,
    ReverdureError,
    UnreadableFile,
    UnsafeArchive,
    WrongEncoding,
)
from reverdure.intake.values import text
from reverdure.intake.vector import read_table

BOX = shapely.box(112.0, 27.0, 112.01, 27.01)


def mines() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"mine_id": ["M1", "M2", "M3"], "name": ["锡矿山", "北矿", None],
         "area_mu": [1.5, 2.0, None]},
        geometry=[BOX, None, shapely.box(112.02, 27.0, 112.03, 27.01)],
        crs=4326,
    )  # fmt: skip


def as_geopackage(folder: Path) -> Path:
    mines().to_file(folder / "mines.gpkg", engine="pyogrio")
    return folder / "mines.gpkg"


def as_shapefile(folder: Path) -> Path:
    mines().to_file(folder / "mines.shp", engine="pyogrio", encoding="utf-8")
    return folder / "mines.shp"


def as_zip(folder: Path) -> Path:
    (folder / "parts").mkdir()
    as_shapefile(folder / "parts")
    with zipfile.ZipFile(folder / "mines.zip", "w") as packed:
        for part in (folder / "parts").iterdir():
            packed.write(part, f"矿山/{part.name}")
    return folder / "mines.zip"


def as_folder(folder: Path) -> Path:
    return as_shapefile(folder).parent


def as_geojson(folder: Path) -> Path:
    mines().to_file(folder / "mines.geojson", engine="pyogrio")
    return folder / "mines.geojson"


def as_wkt(folder: Path) -> Path:
    frame = mines().to_wkt().rename(columns={"geometry": "wkt"})
    frame.to_csv(folder / "mines.csv", index=False, encoding="gb18030")
    return folder / "mines.csv"


def as_geojson_column(folder: Path) -> Path:
    table = mines()
    frame = table.drop(columns="geometry").assign(
        **{".geo": ["" if shape is None else shapely.to_geojson(shape) for shape in table.geometry]}
    )
    frame.to_csv(folder / "mines.csv", index=False, encoding="utf-8-sig")
    return folder / "mines.csv"


def as_hex(folder: Path) -> Path:
    table = mines()
    shapes = shapely.set_srid(table.geometry.to_numpy(), 4326)
    frame = table.drop(columns="geometry").assign(
        geom=["" if s is None else shapely.to_wkb(s, hex=True, include_srid=True) for s in shapes]
    )
    frame.to_csv(folder / "mines.csv", index=False, sep=";")
    return folder / "mines.csv"


@pytest.mark.parametrize(
    "write",
    [
        as_geopackage, as_shapefile, as_zip, as_folder, as_geojson, as_wkt, as_geojson_column,
        as_hex,
    ],
)  # fmt: skip
def test_every_format_gives_the_same_rows(write: Callable[[Path], Path], tmp_path: Path) -> None:
    path = write(tmp_path)
    table = read_table(path)
    assert table.source == path.name
    assert table.frame["mine_id"].tolist() == ["M1", "M2", "M3"]
    assert table.frame["name"].tolist()[:2] == ["锡矿山", "北矿"]
    assert [float(cell) for cell in table.frame["area_mu"][:2]] == [1.5, 2.0]
    assert table.crs is not None
    assert table.crs.to_epsg() == 4326
    shapes = table.geometries()
    assert shapes[1] is None
    assert shapes[0].normalize().equals_exact(BOX.normalize(), 1e-9)


def test_a_shapefile_in_gbk_that_does_not_say_so_keeps_its_names(tmp_path: Path) -> None:
    mines().to_file(tmp_path / "mines.shp", engine="pyogrio", encoding="gbk")
    (tmp_path / "mines.cpg").unlink(missing_ok=True)
    table = tmp_path / "mines.dbf"
    raw = bytearray(table.read_bytes())
    raw[29] = 0
    table.write_bytes(raw)
    assert read_table(tmp_path / "mines.shp").frame["name"].tolist()[:2] == ["锡矿山", "北矿"]


@pytest.mark.parametrize("name", ["mines.gpkg", "mines.geojson", "mines.shp"])
def test_ids_of_eighteen_digits_survive_an_empty_cell(tmp_path: Path, name: str) -> None:
    ids = [430000201012345678, 430000201012345679, None]
    table = mines().assign(mine_id=pd.array(ids, dtype="Int64"))
    table.to_file(tmp_path / name, engine="pyogrio")
    assert [text(cell) for cell in read_table(tmp_path / name).frame["mine_id"]] == [
        "430000201012345678", "430000201012345679", "",
    ]  # fmt: skip


def test_longitude_and_latitude_make_points(tmp_path: Path) -> None:
    path = tmp_path / "mines.csv"
    path.write_text("矿山编号,经度,纬度\nM1,112.5,27.5\nM2,,\n", encoding="utf-8")
    table = read_table(path)
    assert table.geometries()[0].equals(shapely.Point(112.5, 27.5))
    assert table.geometries()[1] is None


def test_a_mapped_geometry_column_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mines.csv"
    path.write_text(f'id,where\nM1,"{BOX.wkt}"\n', encoding="utf-8")
    assert read_table(path).geometry is None
    assert read_table(path, column_map={"geometry": "where"}).geometries()[0].equals(BOX)


def test_a_geometry_that_cannot_be_read_is_named_and_the_row_stays(tmp_path: Path) -> None:
    path = tmp_path / "mines.csv"
    cells = [
        "POLYGON ((1 2, 3", "POINT (1 2)", "SRID=;POINT (1 2)", '{"type": "Polygon"}', "0103",
        "CURVEPOLYGON (CIRCULARSTRING (0 0, 1 1, 2 0, 1 -1, 0 0))", "",
    ]  # fmt: skip
    pd.DataFrame({"id": range(7), "wkt": cells}).to_csv(path, index=False)
    table = read_table(path)
    assert list(table.unreadable) == [0, 2, 3, 4, 5]
    assert "POLYGON ((1 2, 3" in table.unreadable[0].en
    assert len(table.frame) == 7
    assert table.geometries()[1].equals(shapely.Point(1, 2))


def test_ewkt_states_its_crs_and_two_of_them_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mines.csv"
    path.write_text("id,wkt\nM1,SRID=4490;POINT (112 27)\n", encoding="utf-8")
    crs = read_table(path).crs
    assert crs is not None
    assert crs.to_epsg() == 4490
    path.write_text("id,wkt\nM1,SRID=4490;POINT (1 2)\nM2,SRID=4326;POINT (1 2)\n", "utf-8")
    with pytest.raises(InvalidInput, match="several CRS"):
        read_table(path)


def test_a_row_with_too_many_cells_is_refused_by_position(tmp_path: Path) -> None:
    path = tmp_path / "mines.csv"
    path.write_text("id,name\nM1,a\nM2,b,c\nM3\n\nM4,d,\n", encoding="utf-8")
    table = read_table(path)
    assert table.frame["id"].tolist() == ["M1", "M2", "M3", "M4"]
    assert {position: problem.code for position, problem in table.refused.items()} == {
        1: "ragged_row"
    }


def test_repeated_and_blank_headings_stay_apart(tmp_path: Path) -> None:
    path = tmp_path / "mines.csv"
    path.write_text("id,,id\nM1,x,M9\n", encoding="utf-8")
    assert list(read_table(path).frame) == ["id", "column_2", "id.2"]


def test_a_long_outline_in_a_cell_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mines.csv"
    shape = shapely.Point(112, 27).buffer(0.01, quad_segs=3000)
    path.write_text(f'id,wkt\nM1,"{shape.wkt}"\n', encoding="utf-8")
    assert path.stat().st_size > 131_072
    assert shapely.get_num_coordinates(read_table(path).geometries()[0]) == 12_001


def truncated(folder: Path) -> Path:
    path = as_geopackage(folder)
    path.write_bytes(path.read_bytes()[:3000])
    return path


def no_index(folder: Path) -> Path:
    path = as_shapefile(folder)
    path.write_bytes(path.read_bytes()[:60])
    return path


def written(name: str, content: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return write


def two_lists(folder: Path) -> Path:
    path = as_zip(folder)
    with zipfile.ZipFile(path, "a") as packed:
        packed.writestr("other.csv", "id\n1\n")
    return path


def two_layers(folder: Path) -> Path:
    path = as_geopackage(folder)
    mines().to_file(path, layer="other", engine="pyogrio")
    return path


def escaping(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "mines.zip", "w") as packed:
        packed.writestr("../mines.csv", "id\n1\n")
    return folder / "mines.zip"


@pytest.mark.parametrize(
    ("write", "error"),
    [
        (written("mines.csv", b""), UnreadableFile),
        (written("mines.csv", b" \n\n"), UnreadableFile),
        (written("mines.csv", b"id,name\n"), UnreadableFile),
        (written("mines.gpkg", b""), UnreadableFile),
        (written("mines.csv", b'id,name\nM1,"open\nM2,b\n'), UnreadableFile),
        (written("mines.csv", "id,name\nM1,Señor\n".encode("latin-1")), WrongEncoding),
        (written("mines.geojson", b'{"type": "FeatureCollection", "fea'), UnreadableFile),
        (written("mines.geojson", b'{"type":"FeatureCollection","features":[]}'), UnreadableFile),
        (written("mines.json", b'{"a": 1}'), UnreadableFile),
        (written("mines.pdf", b"%PDF"), UnreadableFile),
        (written("mines.zip", b"PK"), UnreadableFile),
        (truncated, UnreadableFile),
        (no_index, UnreadableFile),
        (two_lists, InvalidInput),
        (two_layers, InvalidInput),
        (escaping, UnsafeArchive),
        (lambda folder: folder / "absent.csv", UnreadableFile),
        (lambda folder: folder, UnreadableFile),
    ],
)  # fmt: skip
def test_a_bad_file_is_one_clear_error(
    write: Callable[[Path], Path], error: type[ReverdureError], tmp_path: Path
) -> None:
    path = write(tmp_path)
    with pytest.raises(error) as caught:
        read_table(path)
    assert type(caught.value) is error
    assert path.name in str(caught.value)


def test_a_geojson_in_gb18030_is_read(tmp_path: Path) -> None:
    path = as_geojson(tmp_path)
    text = json.dumps(json.loads(path.read_text("utf-8")), ensure_ascii=False)
    path.write_bytes(text.encode("gb18030"))
    assert read_table(path).frame["name"].tolist()[0] == "锡矿山"


def test_reading_leaves_nothing_behind(tmp_path: Path) -> None:
    path = as_zip(tmp_path)
    shutil.rmtree(tmp_path / "parts")
    read_table(path)
    assert list(tmp_path.iterdir()) == [path]
