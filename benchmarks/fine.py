"""What 10 m pictures add: the same claims judged without and with Sentinel-2."""

import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.county import filled, reverdure
from benchmarks.figures import Figure
from benchmarks.verdicts import bias, by_class, held, share, width, with_interval
from reverdure.simulate.county import simulate
from reverdure.simulate.worlds import draw_world

# a short record in a hard world, where little is seen of the ground laid bare, and a long one
COUNTIES = {
    "14 years": {"world": draw_world(3), "seed": 603, "n_mines": 36, "n_years": 14},
    "30 years": {"world": draw_world(2), "seed": 902, "n_mines": 60, "n_years": 30},
}
SENTINEL2 = "S2*"


def measure() -> list[Figure]:
    """Interval and verdicts by size, without and with 10 m pictures."""
    return [figure for label, settings in COUNTIES.items() for figure in compared(label, settings)]


def compared(record: str, settings: dict[str, Any]) -> list[Figure]:
    """The figures of one county."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        county = folder / "county"
        simulate(county, sentinel2=True, **settings)
        both = judged(county, folder / "both")
        for path in (county / "scenes").glob(SENTINEL2):
            path.rename(folder / path.name)
        alone = judged(county, folder / "alone")
    return [
        figure
        for (size, one), (_, two) in zip(sized(alone), sized(both), strict=True)
        for name, claims in (("Landsat alone", one), ("with Sentinel-2", two))
        for figure in figures(f"{record}, {size} pixels, {name}", claims)
    ]


def judged(county: Path, workspace: Path) -> pd.DataFrame:
    """Claims of a county with truth and verdict."""
    filled(workspace, county)
    reverdure("run", "-w", workspace)
    verdicts = pd.read_parquet(workspace / "products" / "verdicts.parquet")
    truth = pd.read_parquet(county / "truth.parquet").drop(columns="damage_year")
    return truth.rename(columns={"restored_ha": "true_ha"}).merge(
        verdicts.drop(columns="geometry", errors="ignore"), on="claim_id", validate="one_to_one"
    )


def sized(claims: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Measured claims of the sizes that 10 m pictures are used for."""
    classes = by_class(with_interval(claims))[:3]
    return [*classes, ("all under 50", pd.concat([rows for _, rows in classes]))]


def figures(label: str, rows: pd.DataFrame) -> list[Figure]:
    """Interval, error and power."""
    true = rows[rows["true_share"] >= 0.8]
    false = rows[rows["true_share"] < 0.2]
    error = 100 * ((rows["restored_ha"] - rows["true_ha"]).abs() / rows["claimed_ha"]).mean()
    return [
        Figure(f"{label}: claims", len(rows)),
        Figure(f"{label}: interval holds the truth", held(rows), "%"),
        Figure(f"{label}: median width", width(rows), "% of claim"),
        Figure(f"{label}: mean absolute error", error, "% of claim"),
        Figure(f"{label}: bias", bias(rows), "% of claim"),
        Figure(f"{label}: true -> supported", share(true, "supported"), "%"),
        Figure(f"{label}: under 20 % -> not supported", share(false, "not_supported"), "%"),
        Figure(f"{label}: undecided", share(rows, "undecided"), "%"),
    ]
