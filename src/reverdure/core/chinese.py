"""Errors in Chinese: they are raised in English, and told apart by the words around the values.

`data/errors_zh.toml` holds the sentences. It is read once, and only where Chinese is asked for.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from string import Formatter

from reverdure.core import codes

_LISTS = (("; ", "；"), (", ", "、"), (" or ", "或"))
"""How parts of a list are joined in what is filled in."""


def in_chinese(text: str) -> str:
    """A message or hint of an error in Chinese.

    Parameters
    ----------
    text : str
        As raised, in English.

    Returns
    -------
    str
        The Chinese, values filled in; words of other libraries stay as they are.
        A text that is not in the table comes back unchanged.

    Examples
    --------
    >>> in_chinese("area unit 'li' is not known; use one of ha, mu.")
    "面积单位 'li' 无法识别；可用：ha, mu。"
    """
    return _sentence(text) or text


def errors_table() -> Mapping[str, Mapping[str, str]]:
    """Sentences by section ("raised", "filled", "command_line"): English to Chinese."""
    source = resources.files("reverdure.core").joinpath("data/errors_zh.toml")
    return tomllib.loads(source.read_text(encoding="utf-8"))


def matching(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """English sentences of the table that a text can be, with what is filled in; best first."""
    for pattern, english, _ in _sentences():
        found = pattern.fullmatch(text)
        if found:
            yield english, found.groups()


@cache
def _sentences() -> tuple[tuple[re.Pattern[str], str, str], ...]:
    """Pattern, English and Chinese; those with more words of their own first."""
    both = {en: zh for section in errors_table().values() for en, zh in section.items()}
    weighed = []
    for english, chinese in both.items():
        pattern, words = "", 0
        for literal, hole, _, _ in Formatter().parse(english):
            pattern += re.escape(literal) + ("" if hole is None else "(.*?)")
            words += len(literal)
        weighed.append((-words, english, re.compile(pattern, re.DOTALL), chinese))
    return tuple((pattern, en, zh) for _, en, pattern, zh in sorted(weighed, key=lambda w: w[:2]))


def _sentence(text: str) -> str:
    """A text of the table in Chinese, "" where it is none."""
    best = next(matching(text), None)
    if best is None:
        return ""
    english, values = best
    chinese = next(zh for _, en, zh in _sentences() if en == english)
    return chinese.format(*map(_filled, values))


def _filled(value: str) -> str:
    """What is filled in: words of ours in Chinese, alone or in a list; all else as it is."""
    known = _sentence(value) or _labels().get(value, "")
    if known:
        return known
    for mark, chinese_mark in _LISTS:
        parts = value.split(mark)
        told = [_sentence(part) or _labels().get(part, part) for part in parts]
        if told != parts or (mark == " or " and len(parts) > 1 and " " not in "".join(parts)):
            return chinese_mark.join(told)
    return value


@cache
def _labels() -> Mapping[str, str]:
    """Labels of codes; single words are left, since a person may have to type them."""
    return {
        member.en: member.zh
        for kind in codes.Code.__subclasses__()
        for member in kind
        if " " in member.en
    }
