"""How much intervention a site asks for, by the published decision rule (METHODS 3.1)."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reverdure.core.codes import Intervention, Suitability
from reverdure.plan.rule_answers import answer, worst
from reverdure.plan.site_rules import SiteRules
from reverdure.plan.sites import Sites

Codes = NDArray[np.int8]
NEEDS: dict[str, Intervention] = {
    "low": Intervention.NATURAL, "medium": Intervention.ASSISTED,
    "high": Intervention.RECONSTRUCTION,
}  # fmt: skip
"""What a need for development calls for."""
NEED_FACTORS = ("ecology_need", "safety_need", "welfare_need")
_SURVEY = Intervention.NEEDS_SURVEY


@dataclass(frozen=True)
class Decision:
    """Numbers of Intervention by mine.

    Attributes
    ----------
    by_factor : mapping of factor to array
        What each factor alone asks for.
    degradation : array
        By the worst limiting factor, never the mean.
    need : array
        By the greatest of the needs for ecology, safety and welfare.
    way : array
        Both agree: that; they differ: the one with less intervention.
    """

    ids: NDArray[np.str_]
    by_factor: dict[str, Codes]
    degradation: Codes
    need: Codes
    way: Codes

    def table(self) -> pd.DataFrame:
        """mine_id, degradation, factor (the limiting ones, or those to survey), need, way."""
        rows = []
        for at, mine_id in enumerate(self.ids):
            seen = self.degradation[at]
            of = [name for name, codes in self.by_factor.items() if codes[at] == seen]
            limiting = ";".join(of) if seen != Intervention.NATURAL else ""
            keys = [Intervention.from_number(int(one[at])).key
                    for one in (self.degradation, self.need, self.way)]  # fmt: skip
            rows.append((str(mine_id), keys[0], limiting, keys[1], keys[2]))
        return pd.DataFrame(rows, columns=["mine_id", "degradation", "factor", "need", "way"])


def decide(sites: Sites, rules: SiteRules) -> Decision:
    """Choose by degradation and by development needs; where they differ, the less intervention.

    Light degradation (natural recovery fits by that factor) asks for natural recovery, moderate
    (assisted recovery does) for assisted recovery, severe for reconstruction. What is not known
    leaves the answer open unless it could not change it.

    References
    ----------
    China Mining Magazine (2024), 20242422: Luohe basin and Shanzhou.

    Examples
    --------
    >>> from reverdure.plan.site_rules import site_rules
    >>> from reverdure.plan.sites import read_sites
    >>> needs = {name: ["low", None] for name in NEED_FACTORS}
    >>> sites = read_sites({"mine_id": ["a", "b"], "seed_source_m": [900.0, 900.0], **needs})
    >>> decide(sites, site_rules()).table()[["degradation", "need", "way"]].values.tolist()
    [['reconstruction', 'natural', 'natural'], ['reconstruction', 'needs_survey', 'needs_survey']]
    """
    by_factor = _by_factor(sites, rules)
    degradation = _greatest(list(by_factor.values()), len(sites))
    need = _greatest([_need(sites, name) for name in NEED_FACTORS], len(sites))
    # the lesser of both; natural recovery is the least whatever the other is
    way = np.minimum(degradation, need)
    way[(np.maximum(degradation, need) == _SURVEY) & (way != Intervention.NATURAL)] = _SURVEY
    return Decision(sites.ids, by_factor, degradation, need, way)


def _by_factor(sites: Sites, rules: SiteRules) -> dict[str, Codes]:
    found = {}
    for factor in dict.fromkeys(one.factor for one in rules.rules if one.degrades):
        codes = np.full(len(sites), Intervention.RECONSTRUCTION, dtype=np.int8)
        is_open = np.ones(len(sites), dtype=bool)
        for way in (Intervention.NATURAL, Intervention.ASSISTED):
            measures = {k for k, v in rules.interventions.items() if v == way}
            asked = [
                answer(one, sites)
                for one in rules.rules
                if one.degrades and one.factor == factor and measures & {*one.measures}
            ]
            verdict = worst(asked, len(sites))
            codes[is_open & (verdict == Suitability.NEEDS_SURVEY)] = _SURVEY
            codes[is_open & np.isin(verdict, (Suitability.OK, Suitability.CONDITIONAL))] = way
            is_open &= verdict == Suitability.NO
        found[factor] = codes
    return found


def _need(sites: Sites, name: str) -> Codes:
    return np.array([NEEDS.get(one, _SURVEY) for one in sites.values[name]], dtype=np.int8)


def _greatest(codes: list[Codes], size: int) -> Codes:
    """The greatest that is known for certain: reconstruction beats what is not known."""
    stacked = np.array(codes, dtype=np.int8).reshape(-1, size)
    found = stacked.max(axis=0)
    found[(stacked == Intervention.RECONSTRUCTION).any(axis=0)] = Intervention.RECONSTRUCTION
    return np.asarray(found, dtype=np.int8)
