"""Rules of sources of money, read once from `data/financing.toml`; each with source and status."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def rules() -> Mapping[str, Mapping[str, Any]]:
    """Entry -> its keys (value, unit, about, source, status).

    Examples
    --------
    >>> rules()["central_share"]["value"], rules()["central_share"]["status"]
    (0.6, 'verified')
    """
    text = files("reverdure.finance").joinpath("data", "financing.toml").read_text("utf-8")
    return tomllib.loads(text)


def rule(name: str) -> float:
    """Value of an entry."""
    return float(rules()[name]["value"])
