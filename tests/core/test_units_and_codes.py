"""Units convert exactly; every code speaks both languages and survives its key."""

import inspect

import pytest

from reverdure.core import codes, fields
from reverdure.core.errors import UnknownOption
from reverdure.core.provenance import digest, file_fingerprint
from reverdure.core.units import HA_PER_UNIT, area_unit, ha_to_mu, to_ha

CODES = [
    member
    for _, member in inspect.getmembers(codes, inspect.isclass)
    if issubclass(member, codes.Code) and member is not codes.Code
]
TABLES = [table for _, table in inspect.getmembers(fields) if isinstance(table, fields.Table)]


def test_jiangxi_in_hectares() -> None:
    # 524,300 mu are 34,953 ha (shared source 003: 10,253 mines)
    assert to_ha(524_300, "mu") == pytest.approx(34_953.33, abs=0.01)
    assert to_ha(15, "亩") == 1.0
    assert ha_to_mu(160) == 2400


@pytest.mark.parametrize("unit", HA_PER_UNIT)
def test_a_unit_is_its_own_name(unit: str) -> None:
    assert area_unit(unit.upper()) == unit


def test_an_unknown_unit_is_named() -> None:
    with pytest.raises(UnknownOption, match="feddan"):
        to_ha(1, "feddan")


@pytest.mark.parametrize("code", CODES)
def test_codes_speak_both_languages(code: type[codes.Code]) -> None:
    for member in code:
        assert code.from_key(member.key) is member
        assert code.from_number(int(member)) is member
        assert member.label("en") == member.en
        assert any("一" <= letter <= "鿿" for letter in member.label("zh"))
    assert len({member.en for member in code}) == len(code)
    assert len({member.zh for member in code}) == len(code)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_columns_are_named_once_and_in_both_languages(table: fields.Table) -> None:
    assert len(set(table.columns)) == len(table.columns)
    assert table.key in table.columns
    for field in table:
        assert field.en
        assert field.zh
        assert field.about


def test_a_digest_does_not_depend_on_order_of_keys() -> None:
    assert digest({"a": 1, "b": [2, 3]}) == digest({"b": [2, 3], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})


def test_a_fingerprint_sees_head_and_tail(tmp_path) -> None:
    path = tmp_path / "band.tif"
    content = bytearray(b"\0" * 400_000)
    path.write_bytes(content)
    before = file_fingerprint(path)
    for place in (10, 399_990):
        changed = bytearray(content)
        changed[place] = 1
        path.write_bytes(changed)
        assert file_fingerprint(path) != before
