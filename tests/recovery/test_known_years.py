"""Years on record date a fall only where no image tells the year, and move nothing else."""

from dataclasses import asdict

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from reverdure.recovery.losses import Losses, largest_losses, with_known_years
from reverdure.recovery.segmentation import segment

YEARS = np.arange(1995, 2015)


def dug(year: int, unseen: set[int]) -> xr.DataArray:
    """Two pixels alike that lose their green in a year, not seen in some."""
    values = np.where(year > YEARS, 0.8, 0.2)
    values[[at in unseen for at in YEARS]] = np.nan
    pixels = np.repeat(values, 2).reshape(-1, 1, 2)
    return xr.DataArray(pixels, [("year", YEARS), ("y", [0]), ("x", [0, 1])])


def dated(index: xr.DataArray, *known: int) -> tuple[Losses, Losses]:
    before = largest_losses(segment(index), index)
    return before, with_known_years(before, index, known, np.array([[True, False]]))


@pytest.mark.parametrize(
    ("known", "year"),
    [
        ((2006,), 2006),  # not seen that year: any of 2004 to 2007 fits
        ((2007,), 2007),  # the first look after the fall
        ((2008,), 2004),  # it was bare the year before
        ((2003,), 2004),  # it was green that year
        ((1999, 2006, 2007), 2006),
        ((), 2004),
    ],
)
def test_a_known_year_counts_within_a_gap_of_imagery(known: tuple[int, ...], year: int) -> None:
    before, found = dated(dug(2005, {2004, 2005, 2006}), *known)
    assert before.year.tolist() == [[2004, 2004]]
    assert found.year.tolist() == [[year, 2004]]


@given(
    st.integers(2001, 2009),
    st.sets(st.sampled_from(YEARS[1:-1].tolist()), max_size=6),
    st.lists(st.integers(1990, 2020), max_size=4),
)
def test_what_the_imagery_tells_is_never_overruled(
    year: int, unseen: set[int], known: list[int]
) -> None:
    index = dug(year, unseen)
    before, found = dated(index, *known)
    at = found.year[0, 0]
    if before.disturbed[0, 0] and at != before.year[0, 0]:
        assert at in known
        seen = [one for one in YEARS if one not in unseen]
        # the values are split by it exactly as they were
        assert [one < at for one in seen] == [one < before.year[0, 0] for one in seen]
    for name, values in asdict(before).items():
        same = values[..., 1:] if name == "year" else values
        np.testing.assert_array_equal(asdict(found)[name][..., -same.shape[-1] :], same)
