"""Kinds of records: every name is one thing, every reference leads somewhere."""

import re

import pytest

from reverdure.core.kinds import LISTED, Kind, choices, kind_of, kinds
from reverdure.intake.record_tables import heading_names


@pytest.mark.parametrize("kind", kinds().values(), ids=lambda kind: kind.name)
def test_columns_are_told_apart_by_every_name_they_have(kind: Kind) -> None:
    for column in kind.columns:
        for word in (column.name, column.en, column.zh):
            plain = re.sub(r"[\W_]", "", word).lower()
            assert heading_names(kind)[plain][0] == column.name, word


@pytest.mark.parametrize("kind", kinds().values(), ids=lambda kind: kind.name)
def test_references_and_choices_exist(kind: Kind) -> None:
    assert kind_of(kind.plural) is kind
    assert kind.columns[0].needed
    for column in kind.columns:
        assert column.refers in ("", *LISTED, *kinds())
        if column.choices:
            assert all(words["en"] and words["zh"] for words in choices(column.choices).values())
        assert column.en
        assert column.zh
        assert column.about.endswith(".")
