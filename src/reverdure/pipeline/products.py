"""Tables and report out of what was measured mine by mine."""

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from reverdure.core.fields import NATURAL_RECOVERY, TRAJECTORIES, VERDICTS
from reverdure.core.files import atomic
from reverdure.core.records import OnProgress, Picture, Progress
from reverdure.ground.claims import claim_ground
from reverdure.pipeline.corrections import corrections_by_mine, write_corrections
from reverdure.pipeline.evidence import evidence_path, read_evidence
from reverdure.pipeline.inputs import read_inputs
from reverdure.pipeline.measure import read_parts
from reverdure.pipeline.pictures import mine_pictures
from reverdure.pipeline.run_plan import Plan, make_plan
from reverdure.pipeline.tiles import TileReader
from reverdure.publish.report import ReportData, write_report
from reverdure.publish.tables import write_tables
from reverdure.recovery.evidence import shown_constants
from reverdure.registry.corrections import with_disputes
from reverdure.registry.counties import county_of
from reverdure.registry.totals import totals
from reverdure.store.workspace import Workspace


def write_products(
    workspace: Workspace,
    plan: Plan,
    reader: TileReader,
    *,
    is_partial: bool,
    on_progress: OnProgress | None,
) -> None:
    """Write verdicts, totals, trajectories and the report of a run.

    With `is_partial` the rows of mines that were not part of the run stay as they are;
    only what was disputed, or settled, since then is marked.
    """
    parts = read_parts(workspace, plan)
    counties = None if plan.counties.empty else plan.counties
    county = county_of(plan.mines, counties)
    verdicts = VERDICTS.frame([row for part in parts.values() for row in part["verdicts"]])
    verdicts["county"] = verdicts["mine_id"].map(county).fillna("unknown")
    verdicts["run_id"] = plan.run_id
    courses = TRAJECTORIES.frame([row for part in parts.values() for row in part["trajectories"]])
    courses["run_id"] = plan.run_id
    natural = NATURAL_RECOVERY.frame([row for part in parts.values() for row in part["natural"]])
    natural["county"] = natural["mine_id"].map(county).fillna("unknown")
    natural["run_id"] = plan.run_id
    if is_partial:
        natural = _merge(workspace, "natural_recovery", natural, plan)
        verdicts = _merge(workspace, "verdicts", verdicts, plan)
        courses = _merge(workspace, "trajectories", courses, plan)
    verdicts = verdicts.sort_values("claim_id", ignore_index=True)
    flags = with_disputes(verdicts["flags"], verdicts["claim_id"], plan.standing)
    marked = verdicts[verdicts["flags"].ne(flags)]
    verdicts["flags"] = flags
    courses = courses.sort_values(["mine_id", "index", "year"], ignore_index=True)
    natural = natural.sort_values("ground_id", ignore_index=True)
    grounds = claim_ground(plan.mines, plan.claims).set_index("claim_id").geometry
    judged = gpd.GeoDataFrame(
        verdicts, geometry=list(grounds.reindex(verdicts["claim_id"])), crs="EPSG:4326"
    )
    sums = totals(plan.mines, plan.claims, judged, counties)
    sums["run_id"] = plan.run_id
    kept = {"trajectories": courses, "totals": sums, "natural_recovery": natural}
    for name, frame in kept.items():
        with atomic(workspace.products / f"{name}.parquet") as temporary:
            frame.to_parquet(temporary, index=False)

    verdict_rows = {
        mine_id: rows.replace({np.nan: None}).to_dict("records")
        for mine_id, rows in verdicts.groupby("mine_id")
    }

    kept_keys = _kept_keys(workspace, marked, plan)

    def pictures(mine_id: str) -> list[Picture]:
        if mine_id in plan.measured:
            return mine_pictures(plan, reader, mine_id, verdict_rows.get(mine_id, []))
        if mine_id not in kept_keys:
            return []
        # measured by another run: its tiles are not in this plan
        own = make_plan(workspace, mine_id)
        return mine_pictures(
            own, TileReader(workspace, own), mine_id, verdict_rows.get(mine_id, [])
        )

    def evidence(mine_id: str) -> Mapping[str, xr.Dataset] | None:
        if mine_id in plan.measured:
            return read_evidence(evidence_path(workspace, plan, mine_id))
        key = kept_keys.get(mine_id)
        return None if key is None else read_evidence(workspace.parts / f"{key}.npz")

    imports = workspace.database.imports("mines") + workspace.database.imports("claims")
    data = ReportData(
        run_id=plan.run_id,
        mines=plan.mines.assign(county=plan.mines["mine_id"].map(county)),
        claims=plan.claims,
        verdicts=judged,
        totals=sums,
        trajectories=courses,
        counties=counties,
        pictures=pictures,
        imports=imports,
        years=(plan.years[0], plan.years[-1]),
        corrections=corrections_by_mine(plan.standing, plan.claims, county),
        evidence=evidence,
        constants=shown_constants(),
        natural=natural,
    )
    if on_progress:
        on_progress(Progress("tables", 0, 1))
    write_tables(workspace.products, data)
    write_corrections(workspace.products / "corrections.csv", plan.standing)
    write_report(workspace.report, data, on_progress)


def _kept_keys(workspace: Workspace, marked: pd.DataFrame, plan: Plan) -> dict[str, str]:
    """Keys of mines that other runs measured and whose marks moved: their pages are written."""
    keys = {}
    for mine_id, run_id in zip(marked["mine_id"], marked["run_id"], strict=True):
        if mine_id not in plan.measured:
            inputs = read_inputs(workspace.runs / run_id) or {}
            keys[mine_id] = inputs.get("mines", {}).get(mine_id, {}).get("key")
    return {mine_id: key for mine_id, key in keys.items() if key}


def _merge(workspace: Workspace, name: str, fresh: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Fresh rows of the selected mines beside the kept rows of all others."""
    path = workspace.products / f"{name}.parquet"
    if not path.is_file():
        return fresh
    kept = pd.read_parquet(path, columns=list(fresh.columns))
    others = set(plan.mines["mine_id"]) - set(plan.selected)
    kept = kept[kept["mine_id"].isin(others)]
    if "claim_id" in kept:
        kept = kept[kept["claim_id"].isin(["", *plan.claims["claim_id"]])]
    return pd.concat([kept.astype(fresh.dtypes.to_dict()), fresh], ignore_index=True)
