"""Cells: numbers, units, years, sentinels, as people type them."""

import datetime
import math

import pytest

from reverdure.core.errors import WrongEncoding
from reverdure.intake import values
from reverdure.intake.encodings import decode


@pytest.mark.parametrize(
    ("cell", "value", "unit"),
    [
        ("1,234.5", 1234.5, ""),
        ("1 234", 1234.0, ""),
        ("１２．５", 12.5, ""),
        ("51亩", 51.0, "亩"),
        (" 3.4 ha ", 3.4, "ha"),
        ("1.2万亩", 12_000.0, "亩"),
        ("-5", -5.0, ""),
        (".5", 0.5, ""),
        ("2e3", 2000.0, ""),
        (7, 7.0, ""),
    ],
)
def test_a_number_is_read_with_its_unit(cell: object, value: float, unit: str) -> None:
    assert values.number(cell) == values.Number(value, unit, "")


@pytest.mark.parametrize(
    "cell",
    ["3,4", "12,34", "约3亩", "3-4", "ha", "1.2.3", True, "1,2345", "E1001", "e5", ".", "+", ".e3"],
)
def test_a_doubtful_number_is_refused(cell: object) -> None:
    assert values.number(cell).code == "not_a_number"


@pytest.mark.parametrize(
    "cell", [-999, "-9999", -999.0, "-999.00", -3.4e38, "-1.797e308", math.inf, "1e400", "1e40 mu"]
)
def test_a_sentinel_is_no_number(cell: object) -> None:
    read = values.number(cell)
    assert read.code == "sentinel"
    assert math.isnan(read.value)


@pytest.mark.parametrize("cell", [None, math.nan, "", "  ", "NA", "无", "—", "null"])
def test_a_missing_cell_is_missing(cell: object) -> None:
    assert values.number(cell).code == "missing"
    assert values.text(cell) == ""
    assert values.year(cell) is None


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (2019, 2019),
        ("2019年", 2019),
        ("２０１９年度", 2019),
        ("2019年12月", 2019),
        ("2019/6/30", 2019),
        ("2019-06-30T00:00:00", 2019),
        (20191231, 2019),
        (20191231.0, 2019),
        (datetime.date(2019, 1, 1), 2019),
        (datetime.datetime(2019, 1, 1, 5), 2019),
        (459154800000, 1984),
        ("1056006000000", 2003),
        (-999, None),
        (19, None),
        ("soon", None),
        ("2019.5", 2019),
        (3019, None),
        ("2019-13-01", None),
    ],
)
def test_a_year_is_read_from_what_people_write(cell: object, expected: int | None) -> None:
    assert values.year(cell) == expected


def test_local_midnight_in_china_is_the_day_it_was_meant() -> None:
    new_year_in_beijing = datetime.datetime(2018, 12, 31, 16, tzinfo=datetime.UTC)
    assert values.day(new_year_in_beijing.timestamp() * 1000) == datetime.date(2019, 1, 1)


def test_a_whole_float_makes_an_id_without_its_zero() -> None:
    assert values.text(1101914.0) == "1101914"
    assert values.text("007") == "007"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
def test_chinese_text_is_decoded(encoding: str) -> None:
    words = "矿山编号,矿山名称\nM1,锡矿山北矿\n"
    assert decode(words.encode(encoding), "mines.csv") == words


@pytest.mark.parametrize(
    "raw",
    [
        "Café Mine,Übersee,Señor".encode("latin-1"),
        b"\x00\x01\x02",
        "鉱山の名前,テスト".encode("shift_jis"),
    ],
)
def test_text_in_no_known_encoding_is_refused(raw: bytes) -> None:
    with pytest.raises(WrongEncoding, match=r"mines\.csv"):
        decode(raw, "mines.csv")


def test_a_stated_encoding_is_taken_at_its_word() -> None:
    assert decode("Café".encode("latin-1"), "mines.csv", "latin-1") == "Café"
    with pytest.raises(WrongEncoding):
        decode("矿山".encode("gb18030"), "mines.csv", "utf-8")
    with pytest.raises(WrongEncoding, match="not known"):
        decode(b"a", "mines.csv", "klingon")
