"""The sign of each verdict: a colour and a shape, so that neither is needed alone."""

from dataclasses import dataclass

from reverdure.core.codes import Verdict

# Outlines in units of the sign's radius, drawn from its centre.
_SHAPES = {
    Verdict.SUPPORTED: "m-1,0c0-.55 .45-1 1-1s1,.45 1,1-.45,1-1,1-1-.45-1-1z",
    Verdict.PARTLY_SUPPORTED: "m0-1.2l1.2,1.2-1.2,1.2-1.2-1.2z",
    Verdict.NOT_SUPPORTED: (
        "m-1-.5l.5-.5 .5,.5 .5-.5 .5,.5-.5,.5 .5,.5-.5,.5-.5-.5-.5,.5-.5-.5 .5-.5z"
    ),
    Verdict.UNDECIDED: "m0-1.15l1.15,2h-2.3z",
    Verdict.TOO_EARLY: "m0,1.15l1.15-2h-2.3z",
    Verdict.CANNOT_BE_SEEN: "m-.9-.9h1.8v1.8h-1.8z",
    Verdict.NO_REFERENCE: "m-.4-1.05h.8v.65h.65v.8h-.65v.65h-.8v-.65h-.65v-.8h.65z",
    Verdict.NO_DATA: "m-.9-.45h1.8v.9h-1.8z",
}


@dataclass(frozen=True, slots=True)
class Sign:
    """A verdict as drawn: key, labels, colour and outline of radius 1."""

    key: str
    en: str
    zh: str
    colour: str
    shape: str


SIGNS: tuple[Sign, ...] = tuple(
    Sign(verdict.key, verdict.en, verdict.zh, verdict.colour, _SHAPES[verdict])
    for verdict in Verdict
)
SIGN_OF: dict[str, Sign] = {sign.key: sign for sign in SIGNS}
