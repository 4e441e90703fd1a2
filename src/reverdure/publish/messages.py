"""All words of the report in two languages, from one table."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from markupsafe import Markup, escape

LANGUAGES = ("en", "zh")


@cache
def messages() -> dict[str, dict[str, str]]:
    """Every message: dotted key to its text per language."""
    source = resources.files("reverdure.publish").joinpath("data/messages.toml")
    return _flat(tomllib.loads(source.read_text(encoding="utf-8")), "")


def _flat(tree: Mapping[str, Any], prefix: str) -> dict[str, dict[str, str]]:
    if all(isinstance(value, str) for value in tree.values()):
        return {prefix: dict(tree)}
    found: dict[str, dict[str, str]] = {}
    for name, branch in tree.items():
        found |= _flat(branch, f"{prefix}.{name}" if prefix else name)
    return found


def text(key: str, language: str, values: Mapping[str, object] | None = None) -> Markup:
    """One message with its values filled in; values that are no markup are escaped.

    Parameters
    ----------
    key : str
        Dotted key in data/messages.toml.
    language : str
        "en" or "zh".
    values : mapping, optional
        What stands for the {names} of the message.

    Raises
    ------
    KeyError
        If there is no such message, or a value is missing.

    Examples
    --------
    >>> text("unit.ha", "zh")
    Markup('公顷')
    """
    return Markup(messages()[key][language]).format_map(dict(values or {}))  # noqa: S704


def both(key: str, values: Mapping[str, object] | None = None) -> Markup:
    """One message in both languages, of which the page shows one."""
    return pair(text(key, "en", values), text(key, "zh", values))


def pair(en: object, zh: object) -> Markup:
    """Two texts for one place; the reader's language decides which is shown.

    Examples
    --------
    >>> pair("a < b", "same")
    Markup('<span class="en">a &lt; b</span><span class="zh" lang="zh">same</span>')
    """
    if en == zh:
        return escape(en)
    return Markup('<span class="en">{}</span><span class="zh" lang="zh">{}</span>').format(en, zh)
