"""What the answers from the field say: matrix, areas, recalibrated probabilities, a page."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reverdure.core.codes import ClaimStatus, FieldAnswer, FieldStatus, Reason, Verdict
from reverdure.core.fields import FIELD_AREAS, FIELD_VERDICTS, Table
from reverdure.core.files import atomic
from reverdure.core.provenance import digest
from reverdure.pipeline.field import Sample, claims_path, sample_of
from reverdure.publish.field_page import FieldFacts, write_field_page
from reverdure.publish.index_page import FIELD_PAGE, link_field_page
from reverdure.recovery.error_matrix import (
    ErrorMatrix,
    StratifiedSample,
    adjusted_area,
    error_matrix,
)
from reverdure.recovery.field_sample import NOT_RESTORED, RESTORED, field_constant
from reverdure.recovery.recalibrated import (
    ClaimDraws,
    Line,
    bounds_of_claim,
    calibration_line,
    recalibrated,
)
from reverdure.registry.field_answers import in_force
from reverdure.registry.totals import JUDGED
from reverdure.store.workspace import Workspace

_NOT_REJUDGED = (Reason.OVERLAPS_OTHER_CLAIM, Reason.GREEN_BEFORE_CLAIM, Reason.NEVER_DAMAGED)
_SHARES = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
_DTYPES = {"text": "object", "integer": "Int64", "number": "float64"}


@dataclass(frozen=True, slots=True)
class FieldResult:
    """What the field says of a sample.

    Attributes
    ----------
    sample : Sample
    n_plots, n_answers : int
        Plots drawn, and those with a usable answer.
    n_seen : int
        Plots with any answer, cannot tell and not reached included.
    strata : DataFrame
        As planned, with answers and restored_answers.
    matrix : ErrorMatrix or None
        None where no stratum has two answers.
    areas : DataFrame
        Columns of `core.fields.FIELD_AREAS`; the whole first.
    line : DataFrame or None
        share, value, low, high; None with too few answers.
    verdicts : DataFrame
        Columns of `core.fields.FIELD_VERDICTS`.
    page : Path
    """

    sample: Sample
    n_plots: int
    n_answers: int
    n_seen: int
    strata: pd.DataFrame
    matrix: ErrorMatrix | None
    areas: pd.DataFrame
    line: pd.DataFrame | None
    verdicts: pd.DataFrame
    page: Path

    @property
    def changed(self) -> pd.DataFrame:
        """Verdicts that would be another."""
        return self.verdicts[self.verdicts["verdict"] != self.verdicts["verdict_after"]]


def field_result(workspace: Workspace, sample_id: str | None = None) -> FieldResult:
    """Estimate from the answers in force, and write `products/field_*` and the page.

    Parameters
    ----------
    workspace : Workspace
    sample_id : str, optional
        Default: the last sample that has answers.

    Raises
    ------
    InvalidInput
        If nothing has been planned.
    NotFound
        If there is no such sample.
    """
    with workspace.writing(registry=False):
        sample = sample_of(workspace, sample_id)
        answers = in_force(workspace.database.frame("field_answer"))
        claims = pd.read_parquet(claims_path(workspace, sample.sample_id))
        plots = _answered(sample, answers, claims)
        usable = plots[plots["y"].notna()]
        strata = _strata(sample, usable)
        covered = list(strata.loc[strata["answers"] >= 2, "stratum"])
        seed = int(digest([sample.sample_id, workspace.settings.seed])[:8], 16)
        inside = usable[usable["stratum"].isin(covered)]
        area_ha = {row["stratum"]: float(row["area_ha"]) for row in sample.record["strata"]
                   if row["stratum"] in covered}  # fmt: skip
        matrix = None
        if covered:
            found = [RESTORED if y else NOT_RESTORED for y in inside["y"]]
            matrix = error_matrix(
                list(inside["map_class"]), found, list(inside["stratum"]), area_ha,
                float(sample.record["confidence"]),
            )  # fmt: skip
        areas = _areas(sample, plots, area_ha, seed)
        line, verdicts = _verdicts(sample, usable, claims, seed)
        page = workspace.report / FIELD_PAGE
        result = FieldResult(
            sample, len(plots), len(usable), int(plots["answer"].notna().sum()), strata, matrix,
            areas, None if line is None else line.at(_SHARES), verdicts, page,
        )  # fmt: skip
        _write(workspace, result)
    return result


def _answered(sample: Sample, answers: pd.DataFrame, claims: pd.DataFrame) -> pd.DataFrame:
    """Plots with their answer, y = 1 restored, 0 not, NaN without a usable answer."""
    plots = pd.DataFrame(sample.plots.drop(columns="geometry"))
    known = dict(zip(answers["plot_id"], answers["answer"], strict=True)) if len(answers) else {}
    values = {
        FieldAnswer.RESTORED.key: 1.0,
        FieldAnswer.NOT_RESTORED.key: 0.0,
        FieldAnswer.NEVER_MINED.key: 0.0,
    }
    classes = {row["stratum"]: row["map_class"] for row in sample.record["strata"]}
    verdict = dict(zip(claims["claim_id"], claims["verdict"], strict=True))
    answer = plots["plot_id"].map(known)
    return plots.assign(
        answer=answer,
        y=answer.map(values).astype(float),
        map_class=plots["stratum"].map(classes),
        verdict=plots["claim_id"].map(verdict),
    )


def _strata(sample: Sample, usable: pd.DataFrame) -> pd.DataFrame:
    strata = pd.DataFrame(sample.record["strata"])
    groups = usable.groupby("stratum")["y"]
    return strata.assign(
        answers=strata["stratum"].map(groups.size()).fillna(0).astype(int),
        restored_answers=strata["stratum"].map(groups.sum()).fillna(0).astype(int),
    )


def _areas(
    sample: Sample, plots: pd.DataFrame, area_ha: Mapping[str, float], seed: int
) -> pd.DataFrame:
    """Adjusted areas of the whole, by verdict and by county."""
    every = pd.DataFrame(sample.record["parts"])
    parts = every
    if area_ha:
        parts = parts[parts["stratum"].isin(list(area_ha))]
        plots = plots[plots["stratum"].isin(list(area_ha))]
    rows = [_area("all", "", plots, parts, area_ha, sample, 2, seed)]
    least = {
        "verdict": int(field_constant("fewest_plots_in_stratum")),
        "county": int(field_constant("fewest_answers_of_county")),
    }
    for part, needed in least.items():
        for name in sorted(set(every[part])):
            here = plots.assign(inside=plots[part] == name)
            rows.append(_area(part, name, here, parts[parts[part] == name], area_ha, sample,
                              needed, seed))  # fmt: skip
    for row in rows:
        of = every if row["part"] == "all" else every[every[row["part"]] == row["name"]]
        is_partial = row["ground_ha"] < float(of["area_ha"].sum()) * (1 - 1e-9)
        if is_partial and row["status"] == FieldStatus.ESTIMATED.key:
            row["status"] = FieldStatus.PART_OF_GROUND.key
    return _typed(pd.DataFrame(rows), FIELD_AREAS)


def _area(
    part: str,
    name: str,
    plots: pd.DataFrame,
    parts: pd.DataFrame,
    area_ha: Mapping[str, float],
    sample: Sample,
    least: int,
    seed: int,
) -> dict[str, Any]:
    """One row of the table of areas."""
    inside = plots["inside"] if "inside" in plots else pd.Series(True, index=plots.index)
    usable = plots["y"].notna()
    answers = int((inside & usable).sum())
    row = {
        "part": part,
        "name": name,
        "status": FieldStatus.TOO_FEW_ANSWERS.key,
        "answers": answers,
        "ground_ha": float(parts["area_ha"].sum()),
        "mapped_ha": float(parts["restored_ha"].sum()),
        "sample_id": sample.sample_id,
        "run_id": sample.run_id,
    }
    if not area_ha or answers < least:
        return row
    known = parts.groupby("stratum")["area_ha"].sum()
    inside_ha = np.array([float(known.get(stratum, 0.0)) for stratum in area_ha])
    confidence = float(sample.record["confidence"])

    def estimated(y: "pd.Series[float]", among: "pd.Series[bool]") -> Any:
        strata = StratifiedSample.of(list(plots.loc[among, "stratum"]), area_ha)
        return adjusted_area(
            y[among].to_numpy(float), inside[among].to_numpy(bool), strata, inside_ha, confidence,
            seed,
        )  # fmt: skip

    found = estimated(plots["y"], usable)
    every = pd.Series(True, index=plots.index)
    return row | {
        "status": FieldStatus.ESTIMATED.key,
        "restored_ha": found.value,
        "restored_ha_se": found.se,
        "restored_ha_low": found.low,
        "restored_ha_high": found.high,
        "restored_ha_if_none": estimated(plots["y"].fillna(0.0), every).value,
        "restored_ha_if_all": estimated(plots["y"].fillna(1.0), every).value,
    }


def _verdicts(
    sample: Sample, usable: pd.DataFrame, claims: pd.DataFrame, seed: int
) -> tuple[Line | None, pd.DataFrame]:
    """Verdicts with their probabilities before and after the field."""
    counted = usable.groupby("claim_id")["y"].agg(["size", "sum"])
    table = pd.DataFrame(
        {
            **{name: claims[name] for name in ("claim_id", "mine_id", "verdict", "p_supported",
                                               "p_not_supported")},
            "answers": claims["holder"].map(counted["size"]).fillna(0),
            "restored_answers": claims["holder"].map(counted["sum"]).fillna(0),
            "verdict_after": claims["verdict"],
            "sample_id": sample.sample_id,
            "run_id": sample.run_id,
        }
    )  # fmt: skip
    open_to_change = _rejudged(claims)
    status = np.where(open_to_change, FieldStatus.ESTIMATED.key, FieldStatus.SET_BY_RULE.key)
    if len(usable) < field_constant("fewest_answers_to_recalibrate"):
        status[open_to_change] = FieldStatus.TOO_FEW_ANSWERS.key
        return None, _typed(table.assign(status=status), FIELD_VERDICTS)
    draws = _claim_draws(claims[open_to_change], claims, usable)
    # claims that share one ground are one witness, not several
    witnesses = claims.loc[open_to_change, "holder"].duplicated().to_numpy()
    line = calibration_line(
        [one for one, again in zip(draws, witnesses, strict=True) if not again], seed
    )
    after = recalibrated(draws, line).set_index("claim_id")
    table = table.assign(status=status).set_index("claim_id")
    for name in ("p_supported", "p_not_supported"):
        for end in ("", "_low", "_high"):
            table[f"{name}_after{end}"] = after[f"{name}{end}"].reindex(table.index)
    table.loc[after.index, "verdict_after"] = after["verdict"]
    return line, _typed(table.reset_index(), FIELD_VERDICTS)


def _rejudged(claims: pd.DataFrame) -> NDArray[np.bool_]:
    """Claims whose verdict follows from probabilities and nothing else."""
    flags = claims["flags"].fillna("").str.split(";")
    barred = {reason.key for reason in _NOT_REJUDGED}
    return np.asarray(
        claims["verdict"].isin([verdict.key for verdict in JUDGED])
        & claims["status"].isin([ClaimStatus.MEASURED.key, ClaimStatus.SHARED_GROUND.key])
        & ~claims["reason"].isin(barred)
        & ~flags.map(lambda seen: bool(barred & set(seen))),
        bool,
    )


def _claim_draws(
    chosen: pd.DataFrame, claims: pd.DataFrame, usable: pd.DataFrame
) -> list[ClaimDraws]:
    """Restored shares of each ground, with the answers on it weighed by their density."""
    shared = claims["holder"].map(claims.groupby("holder")["claimed_ha"].sum())
    part = dict(zip(claims["claim_id"], claims["claimed_ha"] / shared, strict=True))
    seen = {}
    for claim_id, plots in usable.groupby("claim_id"):
        weight = 1 / plots["density_per_ha"].to_numpy(float)
        effective = float(weight.sum() ** 2 / (weight**2).sum())
        restored = effective * float(np.average(plots["y"].to_numpy(float), weights=weight))
        seen[claim_id] = effective, restored
    found = []
    for row in chosen.to_dict("records"):
        ground_ha = float(row["ground_ha"]) * part[row["claim_id"]]
        n, k = seen.get(row["holder"], (0.0, 0.0))
        share = np.clip(np.asarray(row["draw_ha"], float) / ground_ha, 0.0, 1.0)
        found.append(
            ClaimDraws(row["claim_id"], share, *bounds_of_claim(row["claimed_ha"], ground_ha), n, k)
        )
    return found


def _typed(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    whole = frame.reindex(columns=table.columns)
    return whole.astype({field.name: _DTYPES[field.kind] for field in table})


def _write(workspace: Workspace, result: FieldResult) -> None:
    tables = {"field_areas": result.areas, "field_verdicts": result.verdicts,
              "field_strata": result.strata}  # fmt: skip
    if result.matrix is not None:
        tables["field_matrix"] = matrix_table(result.matrix)
    if result.line is not None:
        tables["field_line"] = result.line
    for name in ("field_areas", "field_verdicts", "field_strata", "field_matrix", "field_line"):
        for kind in ("parquet", "csv"):
            path = workspace.products / f"{name}.{kind}"
            if name not in tables:
                # what an earlier result left must not be read as this one's
                path.unlink(missing_ok=True)
                continue
            with atomic(path) as temporary:
                if kind == "parquet":
                    tables[name].to_parquet(temporary, index=False)
                else:
                    tables[name].to_csv(temporary, index=False, encoding="utf-8-sig")
    verdict_order = {verdict.key: verdict.value for verdict in Verdict}
    changed = result.changed.sort_values(
        ["verdict", "claim_id"], key=lambda keys: keys.map(lambda key: verdict_order.get(key, key)),
    )  # fmt: skip
    write_field_page(
        result.page,
        FieldFacts(
            run_id=result.sample.run_id,
            years=_years(workspace, result.sample.run_id),
            sample_id=result.sample.sample_id,
            n_plots=result.n_plots,
            n_answers=result.n_answers,
            confidence=float(result.sample.record["confidence"]),
            whole_ha=sum(float(row["area_ha"]) for row in result.sample.record["strata"]),
            strata=result.strata,
            matrix=result.matrix,
            areas=result.areas,
            line=result.line,
            judged=int((result.verdicts["status"] == FieldStatus.ESTIMATED.key).sum()),
            changed=changed,
            needed=int(field_constant("fewest_answers_to_recalibrate")),
        ),
    )
    link_field_page(workspace.report)


def matrix_table(matrix: ErrorMatrix) -> pd.DataFrame:
    """Counts, shares of the area and accuracies of each map class, one row a class."""
    rows = []
    for i, name in enumerate(matrix.classes):
        row: dict[str, Any] = {"map_class": name}
        for j, found in enumerate(matrix.classes):
            row[f"plots_{found}"] = int(matrix.counts[i, j])
            row[f"share_{found}"] = float(matrix.proportions[i, j])
        for kind, one in (("users", matrix.users[i]), ("producers", matrix.producers[i])):
            row |= {f"{kind}_accuracy": one.value, f"{kind}_accuracy_se": one.se}
        row |= {"adjusted_ha": matrix.area_ha[i].value, "adjusted_ha_se": matrix.area_ha[i].se}
        row |= {"overall_accuracy": matrix.overall.value, "overall_accuracy_se": matrix.overall.se}
        rows.append(row)
    return pd.DataFrame(rows)


def _years(workspace: Workspace, run_id: str) -> tuple[int, int]:
    import json

    path = workspace.runs / run_id / "manifest.json"
    first, last = json.loads(path.read_text(encoding="utf-8"))["years"]
    return int(first), int(last)
