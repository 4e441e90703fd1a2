"""Simulated counties of known truth: does the verdict hold, by size of ground and world.

Constants were fitted on world 1 (seeds 1001 to 1005). Its counties are not here, and no
constant was fitted on the seeds and worlds below. Counties are kept in
`benchmarks/.counties`, so that a benchmark that was stopped goes on; a change of the
simulator makes them anew.
"""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.county import filled, reverdure
from benchmarks.figures import Figure
from reverdure.core.files import atomic
from reverdure.simulate.county import simulate
from reverdure.simulate.worlds import draw_world

HERE = Path(__file__).parent
KEPT = HERE / ".counties"
PAGE = HERE.parent / "docs" / "verdicts-measured.md"
SIMULATOR = HERE.parent / "src" / "reverdure" / "simulate"

SEEDS = {2: 202, 3: 303, 4: 404, 5: 505, 6: 606}
MINES, YEARS = 600, 30
CLASSES = ((0, 10, "under 10"), (10, 20, "10-20"), (20, 50, "20-50"), (50, np.inf, "over 50"))
WIDTHS = {"under 10": 65, "10-20": 50, "20-50": 35, "over 50": 20}
SUPPORTED = {"all": 50, "over 50": 80, "under 10": 30}
# verdicts by rule: nothing was measured, or not yet
NOT_JUDGED = ("too_early", "cannot_be_seen", "no_reference", "no_data")
SMALLEST_HA = 0.4


def measure() -> list[Figure]:
    """Figures over all claims of all counties, and the page of the documentation."""
    claims = pd.concat([judged(world, seed) for world, seed in SEEDS.items()], ignore_index=True)
    measured = with_interval(claims)
    figures = [Figure("claims", len(claims)), Figure("claims with an interval", len(measured))]
    for label, rows in by_class(measured):
        figures += of_class(label, rows)
    for world, rows in measured.groupby("world"):
        figures.append(
            Figure(f"world {world}: interval holds the truth", held(rows), "%", at_least=88)
        )
    figures += of_verdicts(measured)
    seen = seeable(claims)
    interval = 100 * float(seen["restored_ha_low"].notna().mean())
    figures.append(Figure("claims of at least 0.4 ha with an interval", interval, "%", at_least=90))
    with atomic(PAGE) as temporary:
        temporary.write_text(page(claims, measured, figures), encoding="utf-8")
    return [*figures, Figure("by class and world", table(measured))]


def judged(world: int, seed: int) -> pd.DataFrame:
    """Verdicts of one county beside the truth."""
    folder = county(world, seed)
    reverdure("run", "-w", folder / "workspace")
    verdicts = pd.read_parquet(folder / "workspace" / "products" / "verdicts.parquet")
    truth = pd.read_parquet(folder / "county" / "truth.parquet").drop(columns="damage_year")
    both = truth.rename(columns={"restored_ha": "true_ha"}).merge(
        verdicts.drop(columns="geometry", errors="ignore"),
        on="claim_id", how="left", validate="one_to_one",
    )  # fmt: skip
    return both.assign(world=world)


def county(world: int, seed: int) -> Path:
    """Folder of a county and the workspace that holds it, made where it is not there."""
    sources = sorted(SIMULATOR.rglob("*.py")) + sorted(SIMULATOR.rglob("*.toml"))
    state = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    folder = KEPT / f"{world}-{seed}-{MINES}-{YEARS}-{state}"
    if not (folder / "filled").exists():
        shutil.rmtree(folder, ignore_errors=True)
        simulate(folder / "county", n_mines=MINES, n_years=YEARS, seed=seed,
                 world=draw_world(world))  # fmt: skip
        filled(folder / "workspace", folder / "county")
        (folder / "filled").touch()
    return folder


def seeable(claims: pd.DataFrame) -> pd.DataFrame:
    """Claims a satellite can judge: vegetation, open pit, an outline, three years past."""
    barred = ("aim_not_vegetation", "underground", "no_outline", "future_year", "too_few_years",
              "unknown_mine")  # fmt: skip
    return claims[(claims["ground_ha"] >= SMALLEST_HA) & ~claims["reason"].isin(barred)]


def by_class(measured: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Claims by size of their ground in pixels."""
    return [
        (label, measured[measured["n_pixels"].between(low, high, inclusive="left")])
        for low, high, label in CLASSES
    ]


def held(rows: pd.DataFrame) -> float:
    """Share of intervals that hold the truth, [%]."""
    low, high = rows["restored_ha_low"] - 1e-6, rows["restored_ha_high"] + 1e-6
    return float(100 * rows["true_ha"].between(low, high).mean())


def width(rows: pd.DataFrame) -> float:
    """Median width of the interval, [% of the claim]."""
    return float(
        100 * ((rows["restored_ha_high"] - rows["restored_ha_low"]) / rows["claimed_ha"]).median()
    )


def bias(rows: pd.DataFrame) -> float:
    """Mean of measured less true, [% of the claim]."""
    return float(100 * ((rows["restored_ha"] - rows["true_ha"]) / rows["claimed_ha"]).mean())


def share(rows: pd.DataFrame, verdict: str) -> float:
    """How many have a verdict, [%]; NaN of none."""
    return float(100 * (rows["verdict"] == verdict).mean()) if len(rows) else float("nan")


def of_class(label: str, rows: pd.DataFrame) -> list[Figure]:
    """Interval and bias of one class of size."""
    return [
        Figure(f"{label} pixels: claims", len(rows), at_least=400),
        Figure(f"{label} pixels: interval holds the truth", held(rows), "%", at_least=92),
        Figure(f"{label} pixels: interval holds the truth, at most", held(rows), "%", at_most=98),
        Figure(f"{label} pixels: median width", width(rows), "% of claim", at_most=WIDTHS[label]),
        Figure(f"{label} pixels: bias, whichever sign", abs(bias(rows)), "% of claim", at_most=4),
    ]


def of_verdicts(measured: pd.DataFrame) -> list[Figure]:
    """The errors that matter, and the power."""
    true = measured[measured["true_share"] >= 0.8]
    false = measured[measured["true_share"] < 0.2]
    wrong = measured[measured["true_share"] < 0.8]
    large = measured[measured["n_pixels"] >= 20]
    classes = dict(by_class(true)) | {"all": true}
    return [
        Figure("false (under 20 %) -> supported", share(false, "supported"), "%", at_most=2),
        Figure("under 80 % true -> supported", share(wrong, "supported"), "%", at_most=5),
        Figure("true -> not supported", share(true, "not_supported"), "%", at_most=1),
        *(
            Figure(f"true, {label} pixels -> supported", share(classes[label], "supported"), "%",
                   at_least=least)
            for label, least in SUPPORTED.items()
        ),
        Figure("under 20 % true -> not supported", share(false, "not_supported"), "%", at_least=70),
        Figure("undecided over 20 pixels", share(large, "undecided"), "%", at_most=25),
    ]  # fmt: skip


def table(measured: pd.DataFrame) -> str:
    """One row a class and world, as a table of Markdown."""
    heads = ("pixels", "world", "claims", "holds the truth", "median width", "bias",
             "true -> supported", "true -> not supported", "under 80 % -> supported",
             "false -> supported", "false -> not supported", "undecided")  # fmt: skip
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for label, rows in [*by_class(measured), ("all", measured)]:
        for world in [*sorted(SEEDS), "all"]:
            own = rows if world == "all" else rows[rows["world"] == world]
            lines.append("| " + " | ".join([label, str(world), *_row(own)]) + " |")
    return "\n".join(lines)


def _row(rows: pd.DataFrame) -> list[str]:
    true, wrong = rows[rows["true_share"] >= 0.8], rows[rows["true_share"] < 0.8]
    false = rows[rows["true_share"] < 0.2]
    if rows.empty:
        return ["0", *["-"] * 9]
    cells = [held(rows), width(rows), bias(rows), share(true, "supported"),
             share(true, "not_supported"), share(wrong, "supported"), share(false, "supported"),
             share(false, "not_supported"), share(rows, "undecided")]  # fmt: skip
    return [str(len(rows)), *("-" if np.isnan(value) else f"{value:.1f}" for value in cells)]


def page(claims: pd.DataFrame, measured: pd.DataFrame, figures: list[Figure]) -> str:
    """The page of the documentation."""
    bars = "\n".join(
        f"| {one.name} | {float(one.value):.4g} {one.unit} | {one.bar} "
        f"| {'yes' if one.is_met else 'no'} |"
        for one in figures
        if one.bar
    )
    kinds = pd.crosstab(claims["kind"], claims["verdict"].fillna("missing"))
    by_kind = "\n".join(
        "| " + " | ".join([str(kind), *map(str, row)]) + " |" for kind, row in
        zip(kinds.index, kinds.to_numpy(), strict=True)
    )  # fmt: skip
    return f"""# How well verdicts hold

Written by `python3 dev.py bench verdicts`; not to be edited by hand.

{len(claims)} claims in simulated counties of {MINES} mines
and {YEARS} years, worlds {", ".join(map(str, SEEDS))}; {len(measured)} were measured.
The constants were fitted on world 1
alone, with other seeds. Sensor, sky, soil, plants and the errors of outlines differ between
worlds and are drawn, not chosen (`simulate/worlds.py`). True: at least 80 % of the claim is
restored; false: under 20 %. All shares in %, width and bias in % of the claim.

## The bars

| what | measured | bar | met |
|---|---|---|---|
{bars}

## By size of the ground in pixels of 30 m, and by world

{table(measured)}

## By kind of claim

| kind | {" | ".join(map(str, kinds.columns))} |
|---{"|---" * len(kinds.columns)}|
{by_kind}
"""


# for claims on real data, which have no bars of their own


def with_interval(claims: pd.DataFrame) -> pd.DataFrame:
    """Claims that were measured, with their true share."""
    measured = claims["restored_ha_low"].notna() & ~claims["verdict"].isin(NOT_JUDGED)
    found = claims[measured]
    return found.assign(true_share=found["true_ha"] / found["claimed_ha"])


def coverage(claims: pd.DataFrame) -> list[Figure]:
    """Interval and bias by size, without bars."""
    measured = with_interval(claims)
    return [
        figure
        for label, rows in [*by_class(measured), ("all", measured)]
        if len(rows)
        for figure in (
            Figure(f"{label} pixels: claims", len(rows)),
            Figure(f"{label} pixels: interval holds the truth", held(rows), "%"),
            Figure(f"{label} pixels: median width", width(rows), "% of claim"),
            Figure(f"{label} pixels: bias", bias(rows), "% of claim"),
        )
    ]


def rates(claims: pd.DataFrame) -> list[Figure]:
    """Errors and power, without bars."""
    return [Figure(one.name, one.value, one.unit) for one in of_verdicts(with_interval(claims))]


def table_of_verdicts(claims: pd.DataFrame) -> str:
    """Counts, kinds down and verdicts across."""
    return pd.crosstab(claims["kind"], claims["verdict"].fillna("(missing)")).to_string()
