"""What runs and people saw of every mine over the years, as the filter of `control` takes it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reverdure.control.standing import LEFT_ALONE, Seen, Steered
from reverdure.control.states import Course, Floats, noise_sd
from reverdure.core.codes import ForecastStatus, ReferenceStatus
from reverdure.core.errors import InvalidInput, NotFound
from reverdure.pipeline.inputs import read_inputs
from reverdure.pipeline.own_measures import workspace_measures
from reverdure.pipeline.records import book_of
from reverdure.plan.measures import Catalogue, Trajectory
from reverdure.recovery.brightness import to_cover
from reverdure.recovery.constants import index_brightness
from reverdure.registry.counties import county_of
from reverdure.registry.field_answers import in_force
from reverdure.store.workspace import Workspace

CLAIMED = "assisted_recovery"
"""Measure whose pace is assumed where a claim says that works were done, not which (ours)."""
START, START_SD = 0.15, 0.20
"""Recovered share of ground that lay bare a year before, and how far that may be off (ours)."""
Q, NOISE, FIELD_NOISE = 0.03, 0.04, 0.10
"""Chance of a year, and the least noise of a clear picture and of one plot (ours)."""
_FOUND = {ReferenceStatus.FOUND.key, ReferenceStatus.BEFORE_LEVEL.key}
_BEFORE = 1e-4
"""Chance of years before the ground lay bare: nothing happens in them."""


@dataclass(frozen=True)
class MineStates:
    """Mines with what was seen of them.

    Attributes
    ----------
    years : tuple of int
        Of the observations; the last is the year before the one that can be planned.
    mines : Steered
    seen : Seen
        Sensors are satellite and field.
    names, counties : tuple of str
    status : tuple of ForecastStatus
    known : tuple of bool
        Whether the measure is on record or in a plan; else it is what a claim is read as.
    last_seen : tuple of int
        Last year with an observation; 0 without.
    run_id : str
        "" where nothing was measured.
    """

    years: tuple[int, ...]
    mines: Steered
    seen: Seen
    names: tuple[str, ...]
    counties: tuple[str, ...]
    status: tuple[ForecastStatus, ...]
    known: tuple[bool, ...]
    last_seen: tuple[int, ...]
    run_id: str


def mine_states(
    workspace: Workspace, target: float, through: int = 0,
    begun: Mapping[str, tuple[int, str]] | None = None, measures: Catalogue | None = None,
) -> MineStates:  # fmt: skip
    """Read what was measured of every mine.

    Parameters
    ----------
    workspace : Workspace
    target : float
        Recovered share asked for, of every mine.
    through : int
        Last year of observations; 0 for the last one there is. Later ones are not looked at,
        and years without imagery are years without observations.
    begun : mapping of mine to (year, measure), optional
        Works of a plan that are taken as begun in that year, beside those on record.
    measures : Catalogue, optional
        Whose pace, end level and success are assumed at the outset; those of the workspace by
        default.

    Raises
    ------
    NotFound
        If no run has measured anything.
    InvalidInput
        If the measures hold no pace for ground left alone, or for works that are not known.

    Notes
    -----
    The share of a year is the mean over indices of the way from bare to reference of the whole
    mine, each with the usual brightness of its index; its noise is the scatter of that mean
    around the fitted course, more where less was seen clear. Years before the ground was at its
    lowest are left out. Works on record or in the plan say what was done, the latest of them; a
    claim says that something was, and only where nothing else is known.
    """
    known_measures = measures or workspace_measures(workspace)
    frame = workspace.database.frame("mine")
    ids = tuple(frame["mine_id"])
    courses = _courses(workspace)
    years = _years(courses, through)
    ways = _ways(workspace, courses, years)
    field = _field(workspace, years)
    shape = (len(ids), len(years))
    observed = np.full((*shape, 2), np.nan)
    noise = np.full((*shape, 2), FIELD_NOISE)
    bare, status = np.zeros(len(ids), int), []
    for n, mine_id in enumerate(ids):
        share, sd, bare[n], found = ways.get(mine_id, _unseen(frame.geometry.iloc[n], len(years)))
        observed[n, :, 0], noise[n, :, 0] = share, np.where(np.isfinite(sd), sd, NOISE)
        if mine_id in field:
            observed[n, :, 1], noise[n, :, 1] = field[mine_id]
        nothing = not np.isfinite(observed[n]).any()
        status.append(_named(found, nothing))
    area = frame["measured_area_ha"].fillna(frame["stated_area_ha"]).to_numpy(float)
    area = np.where(area > 0, area, np.nan)
    measure, begins, known = _works(workspace, ids, begun or {}, known_measures)
    facts = _Known(ids, area, measure, begins, bare)
    mines, course = _expected(facts, years, observed, target, known_measures)
    last = [
        max((years[k] for k in np.flatnonzero(np.isfinite(one).any(axis=1))), default=0)
        for one in observed
    ]
    county = county_of(frame, workspace.database.frame("county"))
    names = tuple(str(one or "") for one in frame["name"])
    return MineStates(
        years, mines, Seen(observed, noise, course), names, tuple(county), tuple(status),
        known, tuple(last), str(courses["run_id"].iloc[0]),
    )  # fmt: skip


def _courses(workspace: Workspace) -> pd.DataFrame:
    path = workspace.products / "trajectories.parquet"
    courses = pd.read_parquet(path) if path.is_file() else pd.DataFrame()
    if courses.empty:
        raise NotFound(
            "nothing was measured yet: there is no course to forecast from.",
            "First: reverdure run -w ...",
        )
    return courses


def _years(courses: pd.DataFrame, through: int) -> tuple[int, ...]:
    first, last = int(courses["year"].min()), int(courses["year"].max())
    return tuple(range(first, max(first, through or last) + 1))


@dataclass(frozen=True)
class _Known:
    """What the registry knows of every mine, and the position of its lowest year."""

    ids: tuple[str, ...]
    area_ha: Floats
    measure: list[str]
    begins: NDArray[np.int64]
    bare: NDArray[np.int64]


_Way = tuple[Floats, Floats, int, ForecastStatus]


def _ways(workspace: Workspace, courses: pd.DataFrame, years: tuple[int, ...]) -> dict[str, _Way]:
    """Share, noise, position of the lowest year and status of every mine with a course."""
    parts: dict[str, Mapping[str, Any]] = {}
    for run_id in courses["run_id"].unique():
        parts |= (read_inputs(workspace.runs / run_id) or {}).get("mines", {})
    found = {}
    for mine_id, rows in courses.groupby("mine_id"):
        path = workspace.parts / f"{parts.get(str(mine_id), {}).get('key')}.json"
        part = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        found[str(mine_id)] = _way(rows, part.get("references", {}), years)
    return found


def _way(rows: pd.DataFrame, references: Mapping[str, Any], years: tuple[int, ...]) -> _Way:
    shares: list[Floats] = []
    fits: list[Floats] = []
    clear = np.zeros(len(years))
    for index, of_index in rows.groupby("index"):
        reference = references.get(str(index), {})
        if reference.get("status") not in _FOUND or reference.get("bare_level") is None:
            continue
        one = of_index.set_index("year").reindex(years)
        deep = one["reference"] - reference["bare_level"]
        deep = deep.where(deep > 0)
        ratio = index_brightness(str(index))[0]
        for column, kept in (("value", shares), ("fitted", fits)):
            way = ((one[column] - reference["bare_level"]) / deep).to_numpy(float)
            kept.append(np.asarray(to_cover(np.clip(way, -0.2, 1.2), ratio)))
        clear = np.maximum(clear, one["clear_share"].fillna(0.0).to_numpy(float))
    if not shares:
        return (*_nothing(len(years)), 0, ForecastStatus.NO_REFERENCE)
    share, fit = _mean(shares), _mean(fits)
    known = np.isfinite(fit)
    bare = int(np.flatnonzero(known)[np.argmin(fit[known])]) if known.any() else 0
    share = np.where(np.arange(len(years)) < bare, np.nan, share)
    rest = (share - fit)[np.isfinite(share - fit)]
    scatter = float(np.sqrt(np.mean(rest**2))) if rest.size else NOISE
    noise = noise_sd(max(scatter, NOISE), 1 - np.clip(clear, 0, 1))
    share = np.where(np.isfinite(noise), share, np.nan)
    return share, noise, bare, ForecastStatus.FORECAST


def _mean(parts: list[Floats]) -> Floats:
    """Mean over indices in years that all of them have."""
    return np.asarray(np.mean(np.stack(parts), axis=0), float)


def _nothing(years: int) -> tuple[Floats, Floats]:
    return np.full(years, np.nan), np.full(years, NOISE)


def _unseen(outline: Any, years: int) -> _Way:
    without = outline is None or outline.is_empty
    status = ForecastStatus.NO_OUTLINE if without else ForecastStatus.NOT_MEASURED
    return (*_nothing(years), 0, status)


def _named(found: ForecastStatus, nothing: bool) -> ForecastStatus:
    """A mine that somebody visited has a forecast; one whose every year was hidden has none."""
    if not nothing:
        return ForecastStatus.FORECAST
    return ForecastStatus.NOT_SEEN if found is ForecastStatus.FORECAST else found


def _field(workspace: Workspace, years: tuple[int, ...]) -> dict[str, tuple[Floats, Floats]]:
    """Plant cover on the plots of a mine over that around it, by year, with its noise."""
    answers = in_force(workspace.database.frame("field_answer"))
    if answers.empty:
        return {}
    plots = workspace.database.frame("field_plot").set_index("plot_id")["mine_id"]
    around = pd.to_numeric(answers["around_percent"]).where(lambda cover: cover > 0)
    told = pd.DataFrame({
        "mine_id": answers["plot_id"].map(plots),
        "year": answers["visited_on"].str[:4].astype(int),
        "share": (pd.to_numeric(answers["cover_percent"]) / around).clip(upper=1.2),
    }).dropna()  # fmt: skip
    found = {}
    for mine_id, rows in told.groupby("mine_id"):
        by_year = rows.groupby("year")["share"].agg(["mean", "count"]).reindex(years)
        sd = FIELD_NOISE / np.sqrt(by_year["count"].fillna(1.0).to_numpy(float))
        found[str(mine_id)] = by_year["mean"].to_numpy(float), sd
    return found


def _works(
    workspace: Workspace, ids: tuple[str, ...], planned: Mapping[str, tuple[int, str]],
    measures: Catalogue,
) -> tuple[list[str], NDArray[np.int64], tuple[bool, ...]]:  # fmt: skip
    """Measure of each mine, first year of its ground (0: no works), whether it is known."""
    names = {
        word.casefold(): one.id
        for one in measures.measures.values() if one.trajectory is not None
        for word in (one.id, one.en, one.zh)
    }  # fmt: skip
    known = dict(planned)
    for record in book_of(workspace, ["work"]).of("work").values():
        values = record.values
        measure, date = names.get(values["measure"].casefold()), values.get("from_date")
        if measure and date and values["state"] not in ("planned", "contracted"):
            mine, now = values["mine_id"], (int(date[:4]), measure)
            known[mine] = max(known.get(mine, now), now)
    begun = _claimed(workspace) | {mine: (*works, True) for mine, works in known.items()}
    nothing = (0, LEFT_ALONE, False)
    works = [begun.get(one, nothing) for one in ids]
    begins = np.array([begun[one][0] + 1 if one in begun else 0 for one in ids])
    return [one[1] for one in works], begins, tuple(one[2] for one in works)


def _claimed(workspace: Workspace) -> dict[str, tuple[int, str, bool]]:
    """Year in which works began by the latest claim of each mine, read as `CLAIMED`."""
    found: dict[str, tuple[int, str, bool]] = {}
    for row in workspace.database.rows("claim", ["mine_id", "start_year", "year"]):
        year = row["start_year"] or row["year"]
        if year:
            now = (int(year), CLAIMED, False)
            found[row["mine_id"]] = max(found.get(row["mine_id"], now), now)
    return found


def _expected(
    known: _Known, years: tuple[int, ...], observed: Floats, target: float, measures: Catalogue
) -> tuple[Steered, Course]:
    """What is assumed of every mine before anything is fitted."""
    ids, begins = known.ids, known.begins
    is_bare = np.arange(len(years))[None, :] >= known.bare[:, None]
    # works after the last year have not begun; the ground goes on as it did
    begun = begins <= years[-1]
    measure = [
        name if is_so else LEFT_ALONE for name, is_so in zip(known.measure, begun, strict=True)
    ]
    treated = np.array([name != LEFT_ALONE for name in measure])
    natural = _trajectory(LEFT_ALONE, measures)
    own = [_trajectory(name, measures) for name in measure]
    since = (np.array(years)[None, :] >= begins[:, None]) | ~treated[:, None]
    under = is_bare & since
    under[:, -1] |= begun | ~treated
    pace = np.where(under, np.array([one.kappa for one in own])[:, None], natural.kappa)
    reached = np.nanmax(np.nan_to_num(observed[:, -2:, 0]), axis=1)
    level = np.maximum(np.array([one.ceiling for one in own]), np.minimum(reached, 1.0))
    course = Course(
        start=np.full(len(ids), START), start_sd=np.full(len(ids), START_SD),
        kappa=np.where(is_bare, pace, 0.0), level=level, q=np.where(is_bare, Q, _BEFORE),
    )  # fmt: skip
    fails = np.where(treated, [1 - one.success for one in own], 0.0)
    mines = Steered(
        ids, known.area_ha, np.full(len(ids), target), tuple(measure), under,
        fails, np.full(len(ids), natural.kappa),
    )  # fmt: skip
    return mines, course


def _trajectory(measure: str, measures: Catalogue) -> Trajectory:
    name = "natural_recovery" if measure == LEFT_ALONE else measure
    course = measures.measures[name].trajectory if name in measures.measures else None
    if course is None:
        raise InvalidInput(
            f"the measures of the workspace have no course for {name!r}.",
            "A forecast needs it: add it to measures.toml, in the form of plan/data/measures.toml.",
        )
    return course
