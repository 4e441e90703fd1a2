"""Files changed at random: only our own errors come out, and what is read adds up."""

import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from reverdure.core.errors import ReverdureError, WrongEncoding
from reverdure.intake.table import Reading
from reverdure.registry.mines import read_mines
from tests.lists import damaged

SECONDS = float(os.environ.get("REVERDURE_FUZZ_SECONDS", "2"))
"""For each format; the acceptance run takes 75."""
SOURCES: list[Callable[[Path], Path]] = [
    damaged.csv, damaged.geopackage, damaged.geojson, damaged.shape, damaged.sheet,
    damaged.keyhole, damaged.parquet, damaged.drawing,
]  # fmt: skip


def changed(raw: bytes, rng: np.random.Generator) -> bytes:
    """Bytes flipped, cut out, doubled, or the end cut off."""
    whole = bytearray(raw)
    for _ in range(int(rng.integers(1, 6))):
        at = int(rng.integers(0, max(len(whole), 1)))
        length = int(rng.integers(1, 40))
        kind = rng.integers(0, 5)
        if kind == 0 and whole:
            whole[at % len(whole)] = int(rng.integers(0, 256))
        elif kind == 1:
            del whole[at : at + length]
        elif kind == 2:
            whole[at:at] = whole[at : at + length]
        elif kind == 3:
            whole[at:at] = rng.bytes(length)
        else:
            whole = whole[: max(at, 1)]
    return bytes(whole)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.__name__)
def test_a_file_changed_at_random_gives_rows_or_one_of_our_errors(
    source: Callable[[Path], Path], files: Path
) -> None:
    path = source(files)
    good = path.read_bytes()
    seed, start = 0, time.process_time()
    while time.process_time() - start < SECONDS:
        path.write_bytes(changed(good, np.random.default_rng(seed)))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                _, report, rejected = read_mines(path, how=Reading(crs="cgcs2000"))
        except ReverdureError as error:
            assert error.message
        except Exception as error:
            raise AssertionError(f"seed {seed} of {path.name}: {error!r}") from error
        else:
            assert report.read == report.accepted + report.rejected
            assert len(rejected) == report.rejected
        seed += 1
    assert seed > 5


def test_text_of_a_parquet_file_that_is_no_utf8_is_named(files: Path) -> None:
    path = damaged.parquet(files)
    # found by the test above, after 75 seconds
    path.write_bytes(changed(path.read_bytes(), np.random.default_rng(5736)))
    with pytest.raises(WrongEncoding, match="encoding"):
        read_mines(path, how=Reading(crs="cgcs2000"))
