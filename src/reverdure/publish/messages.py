"""All words of the report in two languages, from one table."""

from collections.abc import Mapping
from functools import cache

from markupsafe import Markup, escape

from reverdure.core.messages import LANGUAGES, message_table

__all__ = ["LANGUAGES", "both", "messages", "pair", "text"]


def messages() -> Mapping[str, Mapping[str, str]]:
    """Every message of the report: dotted key to its text per language."""
    return message_table("publish")


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
    if not values:
        return _both_as_it_is(key)
    return pair(text(key, "en", values), text(key, "zh", values))


@cache
def _both_as_it_is(key: str) -> Markup:
    return pair(text(key, "en"), text(key, "zh"))


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
