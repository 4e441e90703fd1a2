"""Tables of what is shown to people: one TOML file a room, every text in two languages."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

LANGUAGES = ("en", "zh")


@cache
def message_table(room: str) -> Mapping[str, Mapping[str, str]]:
    """Messages of a room (`reverdure.<room>/data/messages.toml`): dotted key to en and zh."""
    source = resources.files(f"reverdure.{room}").joinpath("data/messages.toml")
    return _flat(tomllib.loads(source.read_text(encoding="utf-8")), "")


def _flat(tree: Mapping[str, Any], prefix: str) -> dict[str, Mapping[str, str]]:
    if all(isinstance(value, str) for value in tree.values()):
        return {prefix: dict(tree)}
    found: dict[str, Mapping[str, str]] = {}
    for name, branch in tree.items():
        found |= _flat(branch, f"{prefix}.{name}" if prefix else name)
    return found
