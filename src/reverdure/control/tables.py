"""Constants of steering, read once from `data/*.toml`; each with its source and status."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def table(name: str) -> Mapping[str, Mapping[str, Any]]:
    """One table of this room: entry -> its keys (value, source, status, ...).

    Examples
    --------
    >>> table("triggers")["surprise"]["value"], table("triggers")["surprise"]["status"]
    (6.63, 'verified')
    """
    text = files("reverdure.control").joinpath("data", f"{name}.toml").read_text("utf-8")
    return tomllib.loads(text)


def limit(name: str) -> float:
    """Value of an entry of `data/triggers.toml`."""
    return float(table("triggers")[name]["value"])
