"""Every error has its Chinese, and is told apart from every other."""

import re
import string
from pathlib import Path

import pytest
from tests import error_texts

from reverdure.core.chinese import errors_table, in_chinese, matching

CHINESE = re.compile(r"[\u4e00-\u9fff]")
TEXTS = error_texts.all_texts()
TABLE = errors_table()
SENTENCES = {english: zh for section in TABLE.values() for english, zh in section.items()}
SAMPLES = ("M-01", "2019", "a/b.tif", "ndvi", "'x'", "38.5", "EPSG:4526", "12")


def holes(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def filled(english: str) -> str:
    """A sentence with the like of what is filled in."""
    return english.format(*SAMPLES)


def test_the_texts_of_all_errors_are_found():
    assert len(TEXTS.errors) > 400
    assert TEXTS.dark == [], "make these plainer, so that their words stand in the source"


def test_every_error_has_its_chinese():
    missing = {**TEXTS.errors, **TEXTS.phrases}.keys() - SENTENCES.keys()
    assert sorted(missing) == []


def test_no_chinese_is_left_of_an_error_that_is_gone():
    gone = TABLE["raised"].keys() - TEXTS.errors.keys()
    assert sorted(gone) == []
    assert sorted(TABLE["filled"].keys() - TEXTS.strings) == []


@pytest.mark.parametrize("section", TABLE)
def test_both_languages_have_the_same_holes(section):
    wrong = [en for en, zh in TABLE[section].items() if holes(en) != holes(zh)]
    assert wrong == []


def test_the_chinese_is_chinese():
    bare = [en for en, zh in TABLE["raised"].items() if not CHINESE.search(zh)]
    assert bare == ["{0}: {1}"]
    half_width = re.compile(r"[\u4e00-\u9fff][,;:!?()]|[,;:!?()][\u4e00-\u9fff]|[\u4e00-\u9fff]\.")
    assert [zh for zh in SENTENCES.values() if half_width.search(zh)] == []


def test_each_sentence_is_told_apart_from_the_others():
    mistaken = {}
    for english in SENTENCES:
        first, values = next(matching(filled(english)))
        if first != english or list(values) != list(SAMPLES[: len(values)]):
            mistaken[english] = first
    assert mistaken == {}


def test_each_sentence_comes_out_in_chinese_with_its_values():
    wrong = [en for en, zh in SENTENCES.items() if in_chinese(filled(en)) != zh.format(*SAMPLES)]
    assert wrong == []


def test_words_that_are_not_in_the_table_stay():
    assert in_chinese("something nobody wrote") == "something nobody wrote"


def test_a_list_of_words_and_a_label_are_filled_in_in_chinese():
    counted = in_chinese(
        "m.csv mixes coordinates of several kinds: 3 in degrees, 2 of another kind."
    )
    assert counted == "m.csv 混有多种坐标：3个以度为单位、2个属其他类型。"
    assert "年份标为不清晰" in in_chinese("correction 3 is no dispute: year marked not clear.")


def test_a_text_that_cannot_be_told_is_named(tmp_path: Path):
    source = tmp_path / "a.py"
    source.write_text("raise NotFound(words[0])\nraise NotFound(f'no {x}' + ' here.')\n")
    found = error_texts.Texts()
    error_texts.Module(source, found, tmp_path).read()
    assert found.dark == ["a.py:1: words[0]"]
    assert list(found.errors) == ["no {0} here."]
