"""What fits a mine: every rule of `plan/data/suitability.toml` on the factors of each site.

What nobody knows is never guessed: a rule whose answer hangs on an unknown factor says so, and
names the factor to survey. A factor that rules a measure out does so whatever else is unknown.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reverdure.core.codes import Intervention, Suitability
from reverdure.core.errors import NotFound
from reverdure.plan.measures import Catalogue, catalogue
from reverdure.plan.rule_answers import Answer, answer, worst
from reverdure.plan.severity import Decision, decide
from reverdure.plan.site_rules import SiteRules, site_rules
from reverdure.plan.site_words import condition, note_words, reason
from reverdure.plan.sites import Sites, read_sites


@dataclass(frozen=True)
class Fits:
    """What fits each mine, package by package; see `suitability`.

    Attributes
    ----------
    sites : Sites
    rules : SiteRules
    packages : tuple of (measure, land use)
    answers : tuple of tuple of Answer
        Those of each package.
    verdict : array of int8, packages x mines
        Numbers of Suitability.
    decision : Decision
        How much intervention the published rule asks for.
    """

    sites: Sites
    rules: SiteRules
    packages: tuple[tuple[str, str], ...]
    answers: tuple[tuple[Answer, ...], ...]
    verdict: NDArray[np.int8]
    decision: Decision

    @cached_property
    def chosen(self) -> NDArray[np.bool_]:
        """Packages x mines: fits, and is of the least intervention from that decided on upwards.

        Nowhere where the decision needs a survey. A measure that the rules do not name, one of
        a catalogue of somebody's own, stands with those of most intervention.
        """
        of, most = self.rules.interventions, Intervention.RECONSTRUCTION
        ways = np.array([of.get(measure, most) for measure, _ in self.packages])
        fits = np.isin(self.verdict, (Suitability.OK, Suitability.CONDITIONAL))
        decided = self.decision.way
        allowed = fits & (ways[:, None] >= decided) & (decided != Intervention.NEEDS_SURVEY)
        least = np.where(allowed, ways[:, None], np.iinfo(np.int8).max).min(axis=0)
        return np.asarray(allowed & (ways[:, None] == least), dtype=bool)

    @cached_property
    def missing(self) -> tuple[dict[str, NDArray[np.bool_]], ...]:
        """Factors to survey before each package can be judged, and on which mines."""
        found: list[dict[str, NDArray[np.bool_]]] = []
        for answers, verdict in zip(self.answers, self.verdict, strict=True):
            asked: dict[str, NDArray[np.bool_]] = {}
            here = verdict == Suitability.NEEDS_SURVEY
            for one in answers:
                for name, where in one.missing.items():
                    asked[name] = asked.get(name, np.zeros(len(here), dtype=bool)) | (where & here)
            found.append(asked)
        return tuple(found)

    def table(self, only: Sequence[str] | None = None) -> pd.DataFrame:
        """Mine x measure x land use, with what is behind each verdict in words.

        Parameters
        ----------
        only : sequence of str or None
            These mines alone.

        Returns
        -------
        DataFrame
            mine_id, measure, land_use, verdict, chosen, survey (factors, joined by ";"),
            conditions_en, conditions_zh, reasons_en, reasons_zh, notes_en, notes_zh.
        """
        rows = [row for at in self._rows(only) for row in self._of_mine(at)]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def why(self, mine_id: str) -> pd.DataFrame:
        """Every rule on every package of a mine.

        Returns
        -------
        DataFrame
            measure, land_use, rule, factor, verdict, en, zh, source, status.

        Raises
        ------
        NotFound
            If the mine is not among the sites.
        """
        at = self._rows([mine_id])[0]
        rows = []
        for (measure, use), answers in zip(self.packages, self.answers, strict=True):
            for one in answers:
                if not one.verdict[at]:
                    continue
                words = [reason(one, at, language) for language in ("en", "zh")]
                verdict = _CODES[int(one.verdict[at])].key
                rule = one.rule
                rows.append((measure, use, rule.id, rule.factor, verdict, *words, rule.source,
                             rule.status))  # fmt: skip
        names = ("measure", "land_use", "rule", "factor", "verdict", "en", "zh", "source", "status")
        return pd.DataFrame(rows, columns=list(names))

    def allowed(self, *, conditional: bool = True, decided: bool = False) -> pd.DataFrame:
        """Packages that fit, as `problem(allowed=...)` takes them.

        Parameters
        ----------
        conditional : bool
            Whether what fits on a condition is allowed too.
        decided : bool
            Whether only what the decision rule leads to is allowed.

        Returns
        -------
        DataFrame
            mine_id, measure, land_use. What needs a survey is never in it.
        """
        good = (Suitability.OK, Suitability.CONDITIONAL) if conditional else (Suitability.OK,)
        taken = np.isin(self.verdict, good) & (self.chosen if decided else True)
        package, mine = np.nonzero(taken)
        names = np.array(self.packages, dtype=str).reshape(-1, 2)[package]
        columns = {"mine_id": self.sites.ids[mine], "measure": names[:, 0],
                   "land_use": names[:, 1]}  # fmt: skip
        return pd.DataFrame(columns).sort_values(list(columns), ignore_index=True)

    def to_survey(self) -> pd.DataFrame:
        """Mines on which something hangs on a factor nobody knows, and these factors.

        Returns
        -------
        DataFrame
            mine_id, survey (factors joined by ";"), packages (how many hang on them), and
            sites_to_survey, which `read_mines` takes: joined to the table of mines it lets a
            plan schedule the measure `survey`.
        """
        wanted: dict[int, set[str]] = {}
        for number in range(len(self.packages)):
            for name, where in self.missing[number].items():
                for at in np.flatnonzero(where):
                    wanted.setdefault(int(at), set()).add(name)
        count = (self.verdict == Suitability.NEEDS_SURVEY).sum(axis=0)
        rows = [(self.sites.ids[at], ";".join(sorted(wanted[at])), int(count[at]), 1)
                for at in sorted(wanted)]  # fmt: skip
        columns = ["mine_id", "survey", "packages", "sites_to_survey"]
        return pd.DataFrame(rows, columns=columns)

    def _rows(self, only: Sequence[str] | None) -> list[int]:
        if only is None:
            return list(range(len(self.sites)))
        place = {str(one): at for at, one in enumerate(self.sites.ids)}
        for one in only:
            if one not in place:
                raise NotFound(f"mine {one!r} is not among the sites.")
        return [place[one] for one in only]

    def _of_mine(self, at: int) -> Iterator[tuple[object, ...]]:
        @cache  # packages share most of their rules
        def words(one: Answer, language: str) -> tuple[str, str]:
            return condition(one, at, language), reason(one, at, language)

        for number, (measure, use) in enumerate(self.packages):
            verdict = _CODES[int(self.verdict[number, at])]
            survey = sorted(k for k, where in self.missing[number].items() if where[at])
            said = []
            for language, join in (("en", "; "), ("zh", "；")):
                decisive = [one for one in self.answers[number] if one.verdict[at] == verdict]
                conditions = [words(one, language)[0] for one in self.answers[number]
                              if one.verdict[at] == Suitability.CONDITIONAL]  # fmt: skip
                notes = note_words(self.rules, self.sites.commodity[at], measure, language)
                # once each: two rules may ask for the same
                said.append((join.join(dict.fromkeys(conditions)),
                             join.join(words(one, language)[1] for one in decisive),
                             join.join(notes)))  # fmt: skip
            (c_en, r_en, n_en), (c_zh, r_zh, n_zh) = said
            chosen = bool(self.chosen[number, at])
            yield (str(self.sites.ids[at]), measure, use, verdict.key, chosen, ";".join(survey),
                   c_en, c_zh, r_en, r_zh, n_en, n_zh)  # fmt: skip


_CODES = {code.value: code for code in Suitability}
COLUMNS = (
    "mine_id", "measure", "land_use", "verdict", "chosen", "survey", "conditions_en",
    "conditions_zh", "reasons_en", "reasons_zh", "notes_en", "notes_zh",
)  # fmt: skip


def suitability(
    sites: pd.DataFrame | Mapping[str, Any] | Sites, measures: Catalogue | None = None,
    rules: SiteRules | None = None,
) -> Fits:  # fmt: skip
    """Judge every measure to every land use on every mine by the rule table (METHODS 3.2).

    Parameters
    ----------
    sites : table or Sites
        See `read_sites`.
    measures : Catalogue or None
        Those of `plan/data/measures.toml` by default; measures on land only.
    rules : SiteRules or None
        Those of `plan/data/suitability.toml` by default. Their limits are assumptions unless
        their status says otherwise.

    Raises
    ------
    MissingColumn, InvalidInput, UnknownOption
        As `read_sites`.

    Examples
    --------
    >>> fits = suitability({"mine_id": ["A"], "slope_deg": [50.0]})
    >>> rows = fits.why("A")
    >>> rows[rows["rule"] == "slope_assisted"]["zh"].tolist()[:1]
    ['坡度50度：不适宜（坡度不超过35度时适宜）']
    >>> fits.allowed().empty, fits.to_survey()["packages"].tolist()
    (True, [4])
    """
    checked = sites if isinstance(sites, Sites) else read_sites(sites)
    known, asked = measures or catalogue(), rules or site_rules()
    packages = tuple(
        (one.id, use) for one in known.measures.values() if one.slot == "land"
        for use in one.land_uses
    )  # fmt: skip
    wet = {use: checked.for_land_use(asked.water_need_mm.get(use, 0.0)) for _, use in packages}
    known_of: dict[tuple[str, str], Answer] = {}
    answers = []
    for measure, use in packages:
        own = []
        for rule in asked.rules:
            if rule.is_for(measure, use):
                # one answer for all land uses but where it hangs on their water
                key = (rule.id, use if rule.is_of_water else "")
                if key not in known_of:
                    known_of[key] = answer(rule, wet[use])
                own.append(known_of[key])
        answers.append(tuple(own))
    verdict = np.array([worst(one, len(checked)) for one in answers], dtype=np.int8)
    verdict = verdict.reshape(len(packages), len(checked))
    return Fits(checked, asked, packages, tuple(answers), verdict, decide(checked, asked))
