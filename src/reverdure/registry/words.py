"""Words in cells that stand for a code: aims and mining methods, in two languages."""

import functools
import tomllib
from collections.abc import Mapping
from importlib import resources

from reverdure.core.codes import Aim, MiningMethod
from reverdure.intake.columns import plain


@functools.cache
def _words() -> Mapping[str, Mapping[str, list[str]]]:
    source = resources.files("reverdure.registry") / "data" / "words.toml"
    return tomllib.loads(source.read_text(encoding="utf-8"))


@functools.cache
def _aims() -> Mapping[str, Aim]:
    table = {plain(aim.key): aim for aim in Aim}
    for key, words in _words()["aim"].items():
        table |= {plain(word): Aim.from_key(key) for word in words}
    return table


def aim_of(words: str) -> Aim | None:
    """Aim that a cell names, None where it names none of ours.

    Examples
    --------
    >>> aim_of("乔木林地"), aim_of("Natural recovery"), aim_of("林草")
    (<Aim.FOREST: 1>, <Aim.NATURAL_RECOVERY: 5>, None)
    """
    return _aims().get(plain(words))


@functools.lru_cache(maxsize=4096)
def mining_method_of(words: str) -> MiningMethod:
    """Mining method that a cell names; UNKNOWN where it names none of ours.

    Examples
    --------
    >>> mining_method_of("Surface-Contour/Undergrd. - R P"), mining_method_of("露天开采")
    (<MiningMethod.MIXED: 3>, <MiningMethod.OPEN_PIT: 1>)
    """
    cell = plain(words)
    found = {
        MiningMethod.from_key(key)
        for key, parts in _words()["mining_method"].items()
        if any(plain(part) in cell for part in parts)
    }
    if len(found) > 1:
        return MiningMethod.MIXED
    return found.pop() if found else MiningMethod.UNKNOWN
