"""When which satellite passes, where the sun stands then, and how each year's weather was."""

import datetime
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reverdure.simulate.randomness import stream
from reverdure.simulate.worlds import World
from reverdure.simulate.zones import Record

_LATITUDE_DEG = 28.2
_CYCLE_DAYS = 16
# any pass of each satellite over this path; the rest follows every 16 days
_KNOWN_PASS = {
    "LT05": datetime.date(1995, 7, 12),
    "LE07": datetime.date(2001, 7, 20),
    "LC08": datetime.date(2014, 7, 16),
}
_SEASON = ((6, 1), (9, 30))


@dataclass(frozen=True, slots=True)
class Overpass:
    """A scene to be taken.

    Attributes
    ----------
    number : int
        Position in the record, for its own random numbers.
    sensor : str
        "LT05", "LE07" or "LC08".
    date : datetime.date
    cloud_share : float
        Share of the county under cloud.
    sun_elevation_deg, sun_azimuth_deg : float
    season_shift_days : float
        How late the season of this year is.
    weather : float
        Anomaly of this year.
    """

    number: int
    sensor: str
    date: datetime.date
    cloud_share: float
    sun_elevation_deg: float
    sun_azimuth_deg: float
    season_shift_days: float
    weather: float


def yearly_weather(world: World, record: Record, seed: int) -> NDArray[np.float64]:
    """Anomaly of each year: dry years follow dry years a little, (year,)."""
    shocks = stream(seed, "weather").normal(0, world.weather_sd, record.length)
    weather = shocks.copy()
    for year in range(1, record.length):
        weather[year] = 0.3 * weather[year - 1] + np.sqrt(1 - 0.09) * shocks[year]
    return np.asarray(weather)


def sensor_of(year: int) -> str:
    """The satellite whose scenes are used in a year."""
    if year <= 2011:
        return "LT05"
    return "LE07" if year == 2012 else "LC08"


def overpasses(
    world: World, record: Record, weather: NDArray[np.float64], seed: int
) -> list[Overpass]:
    """Scenes of the record by date: 3 to 5 in season, fewer in poor years.

    Notes
    -----
    Two years in five also have a scene out of season.
    """
    scenes: list[Overpass] = []
    for position in range(record.length):
        year = record.first + position
        rng = stream(seed, "passes", year)
        sensor = sensor_of(year)
        is_poor = bool(rng.random() < world.poor_year_share)
        shift = float(rng.normal(0, world.season_shift_days))
        in_season, outside = _passes(sensor, year)
        count = int(rng.integers(1, 3)) if is_poor else int(rng.integers(3, 6))
        chosen = [in_season[i] for i in rng.permutation(len(in_season))[:count]]
        if rng.random() < 0.4:
            chosen.append(outside[int(rng.integers(len(outside)))])
        for date in sorted(chosen):
            elevation, azimuth = sun_position(date)
            scenes.append(
                Overpass(
                    number=len(scenes),
                    sensor=sensor,
                    date=date,
                    cloud_share=_cloud_share(rng, is_poor),
                    sun_elevation_deg=elevation,
                    sun_azimuth_deg=azimuth,
                    season_shift_days=shift,
                    weather=float(weather[position]),
                )
            )
    return scenes


def _passes(sensor: str, year: int) -> tuple[list[datetime.date], list[datetime.date]]:
    """Dates of a year in season, and in the months around it."""
    start = datetime.date(year, 1, 1)
    first = start + datetime.timedelta(days=(_KNOWN_PASS[sensor] - start).days % _CYCLE_DAYS)
    days = [first + datetime.timedelta(days=_CYCLE_DAYS * i) for i in range(23)]
    days = [day for day in days if day.year == year]
    season = [datetime.date(year, *_SEASON[0]), datetime.date(year, *_SEASON[1])]
    inside = [day for day in days if season[0] <= day <= season[1]]
    return inside, [day for day in days if day not in inside]


def _cloud_share(rng: np.random.Generator, is_poor: bool) -> float:
    if is_poor:
        return float(rng.uniform(0.5, 0.9))
    return 0.0 if rng.random() < 0.2 else float(rng.beta(1.1, 2.6))


def sun_position(date: datetime.date) -> tuple[float, float]:
    """Elevation and azimuth of the sun at the time of passage, [deg].

    Notes
    -----
    Declination after Cooper (1969); the passage is about 1.6 h before noon.
    """
    day = date.timetuple().tm_yday
    declination = np.radians(23.45 * np.sin(np.radians(360 * (284 + day) / 365)))
    latitude, hour = np.radians(_LATITUDE_DEG), np.radians(-15 * 1.6)
    sine = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(
        hour
    )
    elevation = np.arcsin(sine)
    east = -np.cos(declination) * np.sin(hour)
    north = np.cos(latitude) * np.sin(declination) - np.sin(latitude) * np.cos(
        declination
    ) * np.cos(hour)
    return float(np.degrees(elevation)), float(np.degrees(np.arctan2(east, north)) % 360)
