"""Which encoding a text is in: tried from the strictest to the loosest, never guessed."""

import codecs
import re

from reverdure.core.errors import WrongEncoding

MIN_GB2312_SHARE = 0.7
"""GB18030 accepts almost any bytes. Chinese text is nearly all from the 6,763 common
characters of GB2312, whose two bytes are both above 0xA0; western text misread as
GB18030 pairs a high byte with a plain letter, and lands outside."""


def decode(raw: bytes, name: str, encoding: str | None = None) -> str:
    """Text of a file in UTF-8 (with or without mark), UTF-16 with mark, or GB18030.

    Parameters
    ----------
    raw : bytes
        The file's content.
    name : str
        File name, for the message.
    encoding : str, optional
        Taken as it is when given.

    Raises
    ------
    WrongEncoding
        If it is in none of them, or not in the one stated.

    Examples
    --------
    >>> decode("矿山编号,面积(亩)".encode("gb18030"), "mines.csv")
    '矿山编号,面积(亩)'
    """
    candidates = (encoding,) if encoding else _candidates(raw)
    for candidate in candidates:
        try:
            text = raw.decode(candidate)
        except LookupError as error:
            raise WrongEncoding(f"encoding {candidate!r} is not known.") from error
        except UnicodeDecodeError:
            continue
        if "\0" not in text and (candidate != "gb18030" or encoding or is_chinese(text)):
            return text.removeprefix("\ufeff")
    tried = ", ".join(candidates)
    raise WrongEncoding(
        f"{name} is not text in any encoding tried ({tried}).",
        "Save it as UTF-8.",
    )


def _candidates(raw: bytes) -> tuple[str, ...]:
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ("utf-16",)
    return ("utf-8", "gb18030")


def is_chinese(text: str) -> bool:
    """Whether the characters beyond ASCII are mostly those of GB2312."""
    wide = re.sub(r"[\x00-\x7f]+", "", text)
    common = wide.encode("gb2312", errors="ignore")
    return len(common) >= 2 * MIN_GB2312_SHARE * len(wide)
