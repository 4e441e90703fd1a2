"""Constants of the measurement, read once from `data/*.toml`."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def table(name: str) -> Mapping[str, Mapping[str, Any]]:
    """One constant table of this room: entry -> its keys (value, source, status, ...)."""
    text = files("reverdure.recovery").joinpath("data", f"{name}.toml").read_text("utf-8")
    return tomllib.loads(text)


def constant(name: str) -> float:
    """Value of an entry of `data/constants.toml`.

    Examples
    --------
    >>> constant("recovered_threshold")
    0.8
    """
    return float(table("constants")[name]["value"])


def aim_indices(aim: str) -> tuple[str, ...]:
    """Indices that judge an aim, all of which must pass; empty where no index can.

    Examples
    --------
    >>> aim_indices("forest"), aim_indices("photovoltaic")
    (('ndvi', 'nbr'), ())
    """
    return tuple(table("aims").get(aim, {"indices": ()})["indices"])


def aim_cover(aim: str) -> tuple[int, ...]:
    """Classes of a cover layer that are the land of an aim; empty where it has none of its own.

    Examples
    --------
    >>> aim_cover("farmland"), aim_cover("natural_recovery")
    ((40,), ())
    """
    return tuple(table("aims").get(aim, {}).get("cover", ()))


def has_own_land(aim: str) -> bool:
    """Whether ground of an aim is apt to be another kind of land than before the mine.

    Examples
    --------
    >>> has_own_land("farmland"), has_own_land("forest")
    (True, False)
    """
    return bool(table("aims").get(aim, {}).get("own_land", False))


def never_reference() -> tuple[int, ...]:
    """Classes of a cover layer that are no reference: towns, water, bare land, snow.

    Examples
    --------
    >>> never_reference()
    (50, 60, 70, 80)
    """
    return tuple(int(one["value"]) for one in table("cover").values() if not one["reference"])


def index_brightness(index: str) -> tuple[float, float]:
    """Brightness ratio k of bare to vegetated ground, and the deviation of log k."""
    entry = table("indices").get(index, {"brightness": 1.0, "brightness_sd": 0.15})
    return float(entry["brightness"]), float(entry["brightness_sd"])
