"""Lists as people send them, small enough to check by eye."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from tests.registry.lists import WriteList


@pytest.fixture
def write_list(tmp_path: Path) -> WriteList:
    """Write headings and rows as a CSV, and say where."""

    def write(headings: str, *rows: Sequence[object], encoding: str = "utf-8") -> Path:
        path = tmp_path / "list.csv"
        pd.DataFrame(rows, columns=headings.split(",")).to_csv(path, index=False, encoding=encoding)
        return path

    return write
