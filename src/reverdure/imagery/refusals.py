"""Why a product is not measured, in two languages."""

from dataclasses import asdict, dataclass

from reverdure.core.chinese import in_chinese
from reverdure.core.messages import message_table


@dataclass(frozen=True, slots=True)
class Refusal:
    """A product that was found and is not measured.

    Attributes
    ----------
    path : str
        The product: folder and product id, or the file.
    code : str
        Name of the reason, under [refusal] in `data/messages.toml`.
    message, message_zh : str
        What is wrong, for people; the path says with what.
    """

    path: str
    code: str
    message: str
    message_zh: str

    def to_dict(self) -> dict[str, str]:
        """The fields, for JSON."""
        return asdict(self)


def refuse(path: str, code: str, *, detail: str = "", known: str = "") -> Refusal:
    """Refusal with its sentences filled in.

    Examples
    --------
    >>> refuse("LC08_x", "missing_bands", detail="SR_B5").message
    'missing SR_B5.'
    """
    text = message_table("imagery")[f"refusal.{code}"]
    english = text["en"].format(detail=detail, known=known)
    chinese = text["zh"].format(detail=in_chinese(detail), known=known)
    return Refusal(path, code, english, chinese)
