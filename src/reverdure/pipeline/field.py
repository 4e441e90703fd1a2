"""Field verification: draw the plots, and take the answers in."""

import datetime
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import ndtri

from reverdure.core.errors import InvalidInput, NotFound
from reverdure.core.fields import FIELD_PLOTS
from reverdure.core.files import atomic
from reverdure.core.provenance import digest, file_digest
from reverdure.ground.areas import to_crs
from reverdure.pipeline.add import Added
from reverdure.pipeline.evidence import evidence_path, read_evidence
from reverdure.pipeline.run_plan import Plan, make_plan
from reverdure.publish.field_form import OfRun, write_form
from reverdure.recovery.field_frame import Frame, sampling_frame
from reverdure.recovery.field_sample import Design, field_constant, place_plots, plan_sample
from reverdure.registry.field_answers import Limits, read_answers
from reverdure.store.workspace import Workspace

# raised when the same options would give other plots
_SAMPLE_VERSION = 1
_CLAIM_COLUMNS = (
    "claim_id", "mine_id", "county", "verdict", "reason", "status", "flags", "claimed_ha",
    "ground_ha", "restored_ha", "restored_ha_low", "restored_ha_high", "p_supported",
    "p_not_supported",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PlannedField:
    """A sample that was drawn.

    Attributes
    ----------
    sample_id : str
    is_new : bool
        False where the same options had been drawn before: the plots are those.
    record : mapping
        strata, parts, mapped_ha, half_width_ha, confidence, options, left_out.
    plots : int
    mines, claims : int
        How many have to be visited.
    files : tuple of Path
    """

    sample_id: str
    is_new: bool
    record: Mapping[str, Any]
    plots: int
    mines: int
    claims: int
    files: tuple[Path, ...]


def plan_field(
    workspace: Workspace,
    out: Path,
    *,
    within: float | None = None,
    plots: int | None = None,
    confidence: float = 0.95,
    county: str | None = None,
) -> PlannedField:
    """Draw a stratified sample of plots on the ground of the last run, and write the form.

    Parameters
    ----------
    workspace : Workspace
    out : Path
        GeoPackage to write; lists lie beside it.
    within : float, optional
        Wanted half-width of the interval, as a share of the restored area.
    plots : int, optional
        Or how many plots there can be.
    confidence : float
    county : str, optional
        Sample this county only.

    Raises
    ------
    InvalidInput
        If nothing was measured, the inputs changed since, or an option is out of range.
    NotFound
        If no claim lies in the county.
    """
    if out.suffix.lower() != ".gpkg":
        raise InvalidInput(f"{out.name} is no GeoPackage.", "Name a file that ends in .gpkg.")
    with workspace.writing():
        plan = make_plan(workspace)
        verdicts = _verdicts(workspace, plan, county)
        frame = sampling_frame(verdicts, _cells(workspace, plan))
        design = plan_sample(frame.pieces, within=within, plots=plots, confidence=confidence)
        options = {"within": within, "plots": plots, "confidence": confidence, "county": county}
        sample_id = digest([_SAMPLE_VERSION, plan.run_id, options, workspace.settings.seed])[:8]
        is_new = sample_id not in {
            row["sample_id"] for row in workspace.database.rows("field_sample", ["sample_id"])
        }
        if is_new:
            record = _record(frame, design, options)
            placed = _plots(frame, design, verdicts, sample_id)
            _write_claims(workspace, plan, frame, verdicts, sample_id)
            with workspace.database.transaction(
                "field plan", sample=sample_id, run_id=plan.run_id, options=options
            ) as write:
                row = {
                    "sample_id": sample_id,
                    "run_id": plan.run_id,
                    "record": json.dumps(record, ensure_ascii=False, sort_keys=True),
                }
                write.insert_frame("field_sample", pd.DataFrame([row]))
                write.insert_frame("field_plot", placed)
        sample = sample_of(workspace, sample_id)
        visited = sample.plots
        grounds = verdicts[verdicts["claim_id"].isin(visited["claim_id"])]
        files = write_form(
            out, visited, grounds, OfRun(plan.run_id, (plan.years[0], plan.years[-1]))
        )
    return PlannedField(
        sample_id,
        is_new,
        sample.record,
        len(visited),
        visited["mine_id"].nunique(),
        visited["claim_id"].nunique(),
        tuple(files),
    )


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample as the registry keeps it."""

    sample_id: str
    run_id: str
    record: Mapping[str, Any]
    plots: gpd.GeoDataFrame


def sample_of(workspace: Workspace, sample_id: str | None = None) -> Sample:
    """The sample of this id, or the last one that has answers, else the last one.

    Raises
    ------
    InvalidInput
        If none has been planned.
    NotFound
        If there is none of this id.
    """
    samples = workspace.database.rows("field_sample")
    if not samples:
        raise InvalidInput("no plots have been planned.", "First: reverdure field plan -w ...")
    every = workspace.database.frame("field_plot")
    if sample_id is None:
        answered = {row["plot_id"] for row in workspace.database.rows("field_answer", ["plot_id"])}
        with_answers = set(every.loc[every["plot_id"].isin(answered), "sample_id"])
        chosen = [row for row in samples if row["sample_id"] in with_answers] or samples
    else:
        chosen = [row for row in samples if row["sample_id"] == sample_id]
    if not chosen:
        known = ", ".join(row["sample_id"] for row in samples)
        raise NotFound(f"no sample has the id {sample_id!r}; there are {known}.")
    row = chosen[-1]
    plots = every[every["sample_id"] == row["sample_id"]].sort_values("priority")
    return Sample(
        row["sample_id"], row["run_id"], json.loads(row["record"]), plots.reset_index(drop=True)
    )


def add_answers(workspace: Workspace, path: Path, *, correct: bool = False) -> Added:
    """Read what came back from the field into the registry."""
    limits = Limits(
        farthest_m=field_constant("visit_tolerance_m"),
        season_start=workspace.settings.season[0],
        latest_years_after=int(field_constant("latest_years_after")),
        today=datetime.datetime.now(datetime.UTC).date(),
    )
    with workspace.writing():
        answers, report, rejected = read_answers(
            path,
            plots=workspace.database.frame("field_plot"),
            earlier=workspace.database.frame("field_answer"),
            limits=limits,
            correct=correct,
        )
        rejected_file = None
        with workspace.database.transaction("field add", source=report.source) as write:
            write.insert_frame("field_answer", answers)
            number = write.log_import("field answers", report, file_digest(path))
            if report.rejected:
                rejected_file = workspace.root / "imports" / f"{number:03d}-field-rejected.csv"
                with atomic(rejected_file) as temporary:
                    # the mark makes spreadsheets read the Chinese columns as UTF-8
                    rejected.to_csv(temporary, index=False, encoding="utf-8-sig")
    return Added(report, rejected_file)


def claims_path(workspace: Workspace, sample_id: str) -> Path:
    """Where the verdicts a sample was drawn from are kept, with their draws."""
    return workspace.root / "field" / f"{sample_id}-claims.parquet"


def _verdicts(workspace: Workspace, plan: Plan, county: str | None) -> gpd.GeoDataFrame:
    path = workspace.products / "verdicts.parquet"
    totals = workspace.products / "totals.parquet"
    if not path.is_file() or not totals.is_file():
        raise InvalidInput("nothing has been measured yet.", "First: reverdure run -w ...")
    if set(pd.read_parquet(totals, columns=["run_id"])["run_id"]) != {plan.run_id}:
        raise InvalidInput(
            "the inputs have changed since the last run, or it measured one mine only.",
            "Run again, so that the plots are drawn from what is true now: reverdure run -w ...",
        )
    verdicts = gpd.read_parquet(path)
    if county is None:
        return verdicts
    known = sorted(set(verdicts["county"]))
    if county not in known:
        raise NotFound(f"no claim lies in the county {county!r}; there are {', '.join(known)}.")
    return verdicts[verdicts["county"] == county].reset_index(drop=True)


def _cells(workspace: Workspace, plan: Plan) -> Callable[[str, str], xr.Dataset | None]:
    """Evidence of a claim; that of the last mine is kept, since claims come mine by mine."""
    last: dict[str, dict[str, xr.Dataset]] = {}

    def cells_of(mine_id: str, claim_id: str) -> xr.Dataset | None:
        if mine_id not in last:
            last.clear()
            known = mine_id in plan.measured
            path = evidence_path(workspace, plan, mine_id) if known else None
            last[mine_id] = read_evidence(path) if path else {}
        return last[mine_id].get(claim_id)

    return cells_of


def _record(frame: Frame, design: Design, options: Mapping[str, Any]) -> dict[str, Any]:
    """What the estimates need later: strata, and the ground of each part in each of them."""
    pieces = frame.pieces.assign(
        stratum=design.stratum, restored_ha=frame.pieces["p_restored"] * frame.pieces["area_ha"]
    )
    keys = ["stratum", "verdict", "county"]
    parts = pieces.groupby(keys, sort=True)[["area_ha", "restored_ha"]].sum().reset_index()
    return {
        "options": dict(options),
        "strata": design.strata.to_dict("records"),
        "parts": parts.to_dict("records"),
        "mapped_ha": design.mapped_ha,
        "half_width_ha": design.half_width_ha,
        "confidence": design.confidence,
        "left_out_claims": len(frame.left_out),
        "left_out_ha": float(np.nansum(frame.left_out["ground_ha"].to_numpy(float))),
    }


def _plots(
    frame: Frame, design: Design, verdicts: gpd.GeoDataFrame, sample_id: str
) -> gpd.GeoDataFrame:
    """Plots as the registry keeps them."""
    placed = place_plots(frame.pieces, frame.grounds, design, int(sample_id, 16))
    of_piece = frame.pieces.iloc[placed["piece"]].reset_index(drop=True)
    rows = verdicts.set_index("claim_id").loc[of_piece["claim_id"]].reset_index()
    crs = [frame.crs[claim_id] for claim_id in of_piece["claim_id"]]
    points = [
        to_crs(point, source, "EPSG:4326")
        for point, source in zip(gpd.points_from_xy(placed["x"], placed["y"]), crs, strict=True)
    ]
    table = gpd.GeoDataFrame(
        {
            "plot_id": [f"P{sample_id[:6]}-{number:04d}" for number in placed["priority"]],
            "sample_id": sample_id,
            "claim_id": rows["claim_id"],
            "mine_id": rows["mine_id"],
            "county": rows["county"],
            "aim": rows["aim"],
            "stratum": placed["stratum"],
            "priority": placed["priority"],
            "p_restored": placed["p_restored"],
            "density_per_ha": placed["density_per_ha"],
            "radius_m": field_constant("plot_radius_m"),
            "longitude": [round(point.x, 7) for point in points],
            "latitude": [round(point.y, 7) for point in points],
            "image_year": rows["last_clear_year"],
        },
        geometry=points,
        crs="EPSG:4326",
    )
    return table[FIELD_PLOTS.columns]


def _write_claims(
    workspace: Workspace, plan: Plan, frame: Frame, verdicts: gpd.GeoDataFrame, sample_id: str
) -> None:
    """Keep the verdicts as sampled, with draws of their hectares: a later run replaces them."""
    cells_of = _cells(workspace, plan)
    rows = verdicts[verdicts["claim_id"].isin(list(frame.holder))].sort_values("mine_id")
    kept = pd.DataFrame(rows[list(_CLAIM_COLUMNS)])
    draws = []
    for row in kept.to_dict("records"):
        seen = cells_of(str(row["mine_id"]), str(row["claim_id"]))
        if seen is not None and "draw_ha" in seen:
            quantiles = seen["draw_ha"].values.astype(float)
            draws.append((quantiles[1:] + quantiles[:-1]) / 2)
        else:
            draws.append(_draws_of_interval(row))
    kept = kept.assign(holder=kept["claim_id"].map(frame.holder), draw_ha=draws)
    with atomic(claims_path(workspace, sample_id)) as temporary:
        kept.sort_values("claim_id").to_parquet(temporary, index=False)


def _draws_of_interval(row: Mapping[str, Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Equally likely hectares of a claim of which only the interval was kept."""
    middle = float(row["restored_ha"])
    low, high = float(row["restored_ha_low"]), float(row["restored_ha_high"])
    steps = ndtri((np.arange(40) + 0.5) / 40)
    spread = np.where(steps < 0, middle - low, high - middle) / 1.96
    return np.asarray(np.clip(middle + steps * spread, 0.0, None))
