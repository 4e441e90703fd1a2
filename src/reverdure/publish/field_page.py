"""The page of the field verification: what was found, by how much the map was off."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas
from markupsafe import Markup

from reverdure.core.codes import FieldAnswer, FieldStatus, Verdict
from reverdure.publish import figures
from reverdure.publish.contents import rows
from reverdure.publish.files import write_page
from reverdure.publish.messages import LANGUAGES, both, pair, text
from reverdure.publish.pages import fill
from reverdure.publish.signs import SIGN_OF
from reverdure.publish.totals import county_name
from reverdure.publish.wording import label

_SHOWN_CHANGES = 500
_CLASS = {"restored": FieldAnswer.RESTORED, "not_restored": FieldAnswer.NOT_RESTORED}


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """What the page says.

    Attributes
    ----------
    run_id, sample_id : str
    years : (int, int)
        First and last year of the imagery.
    n_plots, n_answers : int
    confidence : float
        Of the intervals of areas and accuracies.
    whole_ha : float
        All sampled ground.
    strata, areas : DataFrame
    matrix : object or None
        With classes, counts, overall, users and producers, as `recovery.error_matrix`.
    line : DataFrame or None
        share, value, low, high.
    judged : int
        Verdicts that follow from probabilities.
    changed : DataFrame
        Rows of `core.fields.FIELD_VERDICTS` whose verdict would be another.
    needed : int
        Answers from which on probabilities are recalibrated.
    """

    run_id: str
    sample_id: str
    years: tuple[int, int]
    n_plots: int
    n_answers: int
    confidence: float
    whole_ha: float
    strata: pandas.DataFrame
    matrix: Any
    areas: pandas.DataFrame
    line: pandas.DataFrame | None
    judged: int
    changed: pandas.DataFrame
    needed: int


def write_field_page(path: Path, facts: FieldFacts) -> None:
    """Write the page, whole or not at all.

    Raises
    ------
    DiskFull
        If no space is left.
    """
    areas = rows(facts.areas)
    whole = areas[0]
    estimated = whole["restored_ha"] is not None
    values: dict[str, Any] = {
        "sample": both("field.result.sample", {"sample": facts.sample_id, "run": facts.run_id,
                                                "confidence": f"{100 * facts.confidence:g}"}),
        "lead": _in_areas("field.result.lead", value=whole["restored_ha"],
                          low=whole["restored_ha_low"], high=whole["restored_ha_high"],
                          mapped=whole["mapped_ha"]) if estimated else None,
        "part": _in_areas("field.result.part", ground=whole["ground_ha"],
                          missing=facts.whole_ha - whole["ground_ha"])
        if whole["status"] == FieldStatus.PART_OF_GROUND.key else None,
        "missing": _missing(facts, whole) if estimated else None,
        "matrix": _matrix(facts.matrix),
        "areas": [_area_line(row) for row in areas],
        "strata": [_stratum_line(row) for row in rows(facts.strata)],
        "line": [] if facts.line is None else [
            {name: _per_cent(row[name]) for name in ("share", "value", "low", "high")}
            for row in rows(facts.line)
        ],
        "too_few": both("field.result.too_few",
                        {"needed": facts.needed, "count": facts.n_answers}),
        "changes": both("field.result.changes_note",
                        {"count": len(facts.changed), "judged": facts.judged}),
        "changed": [_changed_line(row) for row in rows(facts.changed.head(_SHOWN_CHANGES))],
    }  # fmt: skip
    write_page(path, fill("field_result.html.j2", facts, values))


def _in_areas(key: str, **hectares: float) -> Markup:
    return pair(
        *(
            text(key, language,
                 {name: figures.area_with_unit(ha, language) for name, ha in hectares.items()})
            for language in LANGUAGES
        )
    )  # fmt: skip


def _missing(facts: FieldFacts, whole: dict[str, Any]) -> Markup | None:
    n_missing = facts.n_plots - facts.n_answers
    if n_missing == 0:
        return None
    return pair(
        *(
            text("field.result.missing", language, {
                "missing": n_missing, "plots": facts.n_plots,
                "least": figures.area_with_unit(whole["restored_ha_if_none"], language),
                "most": figures.area_with_unit(whole["restored_ha_if_all"], language),
            })
            for language in LANGUAGES
        )
    )  # fmt: skip


def _per_cent(share: float | None) -> str:
    return figures.GAP if share is None or math.isnan(share) else f"{100 * share:.0f}%"


def _accuracy(one: Any) -> str:
    if math.isnan(one.value):
        return figures.GAP
    return f"{_per_cent(one.value)} ({_per_cent(one.low)}–{_per_cent(one.high)})"


def _matrix(matrix: Any) -> dict[str, Any] | None:
    if matrix is None:
        return None
    names = [pair(_CLASS[name].en, _CLASS[name].zh) for name in matrix.classes]
    return {
        "columns": [
            pair(*(text("field.result.in_field", language,
                        {"name": _CLASS[name].label(language)}) for language in LANGUAGES))
            for name in matrix.classes
        ],
        "rows": [
            {"name": name, "counts": matrix.counts[i].tolist(), "users": _accuracy(matrix.users[i])}
            for i, name in enumerate(names)
        ],
        "producers": [_accuracy(one) for one in matrix.producers],
        "overall": both("field.result.overall", {
            "value": _per_cent(matrix.overall.value), "low": _per_cent(matrix.overall.low),
            "high": _per_cent(matrix.overall.high),
        }),
    }  # fmt: skip


def _area_line(row: dict[str, Any]) -> dict[str, Any]:
    status = FieldStatus.from_key(row["status"])
    if row["part"] == "all":
        name = both("field.result.whole")
    elif row["part"] == "verdict":
        name = _both_label(row["name"])
    else:
        name = county_name(row["name"] or None)
    return {
        "name": name,
        "sign": SIGN_OF[row["name"]] if row["part"] == "verdict" else None,
        "answers": int(row["answers"]),
        "ground": figures.area(row["ground_ha"]),
        "mapped": figures.area(row["mapped_ha"]),
        "found": figures.area(row["restored_ha"]),
        "interval": figures.area_range(row["restored_ha_low"], row["restored_ha_high"]),
        "status": pair(status.en, status.zh),
    }


def _stratum_line(row: dict[str, Any]) -> dict[str, Any]:
    answers = int(row["answers"])
    return {
        "name": row["stratum"],
        "verdicts": Markup(", ").join(_both_label(key) for key in row["verdicts"].split("+")),
        "range": f"{_per_cent(row['p_low'])}–{_per_cent(row['p_high'])}",
        "ground": figures.area(row["area_ha"]),
        "plots": int(row["plots"]),
        "answers": answers,
        "share": _per_cent(row["p_restored"]),
        "found": _per_cent(row["restored_answers"] / answers if answers else None),
    }


def _changed_line(row: dict[str, Any]) -> dict[str, Any]:
    low, high = row["p_supported_after_low"], row["p_supported_after_high"]
    return {
        "claim_id": row["claim_id"],
        "mine_id": row["mine_id"],
        "before": _both_label(row["verdict"]),
        "after": _both_label(row["verdict_after"]),
        "sign_before": SIGN_OF[row["verdict"]],
        "sign_after": SIGN_OF[row["verdict_after"]],
        "p_before": _per_cent(row["p_supported"]),
        "p_after": f"{_per_cent(row['p_supported_after'])} ({_per_cent(low)}–{_per_cent(high)})",
        "answers": f"{int(row['restored_answers'])}/{int(row['answers'])}",
    }


def _both_label(key: str) -> Markup:
    return pair(*(label(Verdict, key, language) for language in LANGUAGES))
