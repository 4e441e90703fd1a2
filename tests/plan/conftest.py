"""Tiny programmes with numbers that can be followed by hand."""

import pandas as pd
import pytest

from reverdure.plan.measures import catalogue
from reverdure.plan.problem import problem


@pytest.fixture(scope="session")
def tiny():
    """Three mines of known cost, one measure of two kinds of cost, two years."""
    mines = {
        "mine_id": ["A", "B", "C"], "county": ["X", "X", "Y"], "prefecture": ["P", "P", "P"],
        "area_ha": [10.0, 6.0, 5.0],
    }  # fmt: skip
    costs = pd.DataFrame({
        "mine_id": ["A", "B", "C"], "measure": "assisted_recovery",
        "cost_cny": [1e6, 1e6, 2e6], "price_year": 2024,
    })  # fmt: skip
    allowed = pd.DataFrame({
        "mine_id": ["A", "B", "C"], "measure": "assisted_recovery", "land_use": "grass",
    })  # fmt: skip
    chosen = catalogue().only(["assisted_recovery"])
    return problem(mines, chosen, years=[2027, 2028], allowed=allowed, costs=costs)
