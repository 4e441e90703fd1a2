"""Everything shown stands in English and in Chinese."""

import re
import string
from pathlib import Path

import pytest

import reverdure
from reverdure.core import codes, fields, money_fields, steer_fields, visit_fields
from reverdure.core.messages import message_table

CODES = [
    value
    for value in vars(codes).values()
    if isinstance(value, type) and issubclass(value, codes.Code) and value is not codes.Code
]
TABLES = [
    value
    for module in (fields, money_fields, steer_fields, visit_fields)
    for value in vars(module).values()
    if isinstance(value, fields.Table)
]
ROOMS = sorted(
    path.parents[1].name for path in Path(reverdure.__file__).parent.glob("*/data/messages.toml")
)
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.__name__)
def test_every_code_has_a_label_of_its_own_in_both_languages(code):
    assert [member.name for member in code if not CHINESE.search(member.zh)] == []
    assert [member.name for member in code if CHINESE.search(member.en) or not member.en] == []
    assert len({member.en for member in code}) == len({member.zh for member in code}) == len(code)


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.__name__)
def test_a_key_leads_back_to_its_code(code):
    assert [code.from_key(member.key) for member in code] == list(code)


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.__name__)
def test_codes_stored_in_rasters_fit_a_byte_and_colours_are_colours(code):
    assert all(0 <= member <= 255 for member in code)
    assert all(re.fullmatch("#[0-9A-Fa-f]{6}", member.colour) for member in code)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_column_has_a_heading_in_both_languages_and_a_meaning(table):
    # "RSEI" and the like stay as they are in Chinese, so a heading may lack Chinese letters
    assert [field.name for field in table if not (field.en and field.zh and field.about)] == []
    assert [field.name for field in table if CHINESE.search(field.en + field.about)] == []
    assert len(set(table.columns)) == len(table.columns)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_column_name_states_its_unit(table):
    areas = [field for field in table if field.unit == "ha"]
    assert [field.name for field in areas if "_ha" not in field.name] == []
    assert table.key in table.columns


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("room", ROOMS)
def test_every_message_says_the_same_in_both_languages(room):
    messages = message_table(room)
    assert [key for key, text in messages.items() if set(text) != {"en", "zh"}] == []
    assert [key for key, text in messages.items() if not (text["en"] and text["zh"])] == []
    assert [
        key
        for key, text in messages.items()
        if placeholders(text["en"]) != placeholders(text["zh"])
    ] == []
