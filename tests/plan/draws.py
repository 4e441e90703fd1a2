"""Random small programmes with every kind of rule."""

import numpy as np
import pandas as pd

from reverdure.plan.measures import catalogue
from reverdure.plan.money import Source
from reverdure.plan.problem import problem
from reverdure.plan.requirements import Corridor, at_least, capacity, fair

MEASURES = ("assisted_recovery", "engineered_reconstruction", "natural_recovery")


def programme(seed, mines=6, years=3, owners=True):
    """A programme of a few mines, sources of all kinds, targets, fairness, a corridor."""
    rng = np.random.default_rng(seed)
    span = range(2027, 2027 + years)
    table = pd.DataFrame({
        "mine_id": [f"M{n}" for n in range(mines)],
        "county": rng.choice(["X", "Y"], mines), "prefecture": "P",
        "area_ha": rng.uniform(1, 9, mines).round(2),
        "slope_deg": rng.uniform(5, 40, mines).round(1),
        "recovery": rng.uniform(0, 0.4, mines).round(2),
        "has_owner": (rng.random(mines) < 0.3) & owners,
    })  # fmt: skip
    table.loc[0, "county"], table.loc[1, "county"] = "X", "Y"
    rows = [(m, k, u) for m in table["mine_id"] for k, u in
            (("assisted_recovery", "grass"), ("engineered_reconstruction", "farmland"),
             ("natural_recovery", "forest")) if rng.random() < 0.7]  # fmt: skip
    rows += [("M0", "assisted_recovery", "grass")] * (not rows)
    allowed = pd.DataFrame(rows, columns=["mine_id", "measure", "land_use"]).drop_duplicates()
    amount = lambda top: {y: float(rng.uniform(0.1, top)) for y in span}  # noqa: E731
    sources = [
        Source("centre", amount(1.0), "central", most_share=0.7),
        Source("reward", amount(0.5), "province", rolls=True, reward_share=0.5),
        Source("own", {"X": amount(0.8), "Y": amount(0.8)}, "county", rolls=True),
        Source("bank", amount(0.8), "loan"), Source("firm", amount(0.6), "enterprise"),
    ]  # fmt: skip
    return (
        problem(table, catalogue().only(MEASURES), years=span, allowed=allowed)
        .within(budget=sources, capacity=capacity("works_ha", float(rng.uniform(5, 15))))
        .require(fair(floor=0.3), Corridor((("M0", "M1"),), 2.0))
        .require(at_least("restored_ha", 0.2), at_least("restored_mines", 1, by=2028))
    )
