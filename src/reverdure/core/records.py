"""Frozen records that rooms hand to each other."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reverdure.core.codes import PictureStatus

if TYPE_CHECKING:  # the commands read records before they know whether they need arrays
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Finding:
    """Something an import saw in one row.

    Attributes
    ----------
    row : int
        Row in the source file, counted from 1 without the heading; 0 for the file as a whole.
    id : str
        Id of the row where it has one, else "".
    action : str
        "rejected", "repaired" or "flagged".
    code : str
        Stable name of what was seen, for example "missing_geometry".
    message : str
        What was seen and what was done, one sentence in English.
    message_zh : str
        The same in Chinese.
    """

    row: int
    id: str
    action: str
    code: str
    message: str
    message_zh: str = ""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of every row of an import.

    `read == accepted + rejected` always holds; `repaired` and `without_outline`
    count rows among the accepted. `took_over` names the earlier lists whose rows this one
    took the place of.
    """

    source: str
    read: int
    accepted: int
    repaired: int
    without_outline: int
    rejected: int
    findings: tuple[Finding, ...] = ()
    took_over: tuple[str, ...] = ()

    def line(self, language: str = "en", *, of_claims: bool = False) -> str:
        """The counts as one sentence; claims without polygon stand on their mine's outline."""
        if of_claims:
            en, zh = "on their mine's outline", "以矿山边界为准"
        else:
            en, zh = "without outline", "无边界"
        if language == "zh":
            return (
                f"读取 {self.read},接受 {self.accepted},修复 {self.repaired},"
                f"{zh} {self.without_outline},拒绝 {self.rejected}"
            )
        return (
            f"read {self.read}, accepted {self.accepted}, repaired {self.repaired}, "
            f"{en} {self.without_outline}, rejected {self.rejected}"
        )


@dataclass(frozen=True, slots=True)
class Progress:
    """One step forward in a long piece of work."""

    stage: str
    done: int
    total: int


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Trajectory:
    """One index of one mine over the years, as drawn on its page.

    Attributes
    ----------
    index : str
        Index id, for example "ndvi".
    years : tuple of int
    value, fitted : tuple of float
        Mean over the mine's pixels, weighted by coverage; NaN where not clear.
    reference, reference_low, reference_high : tuple of float
        Median and spread of the reference; NaN without one.
    """

    index: str
    years: tuple[int, ...]
    value: tuple[float, ...]
    fitted: tuple[float, ...]
    reference: tuple[float, ...]
    reference_low: tuple[float, ...]
    reference_high: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A small colour picture of a mine in one year.

    Attributes
    ----------
    year : int
    rgb : (row, column, 3) uint8
        Grey 128 where there was nothing clear.
    rings : tuple of (point, 2) float
        Outlines in pixel units, x then y, from the picture's upper left corner.
    """

    year: int
    rgb: "NDArray[np.uint8]"
    rings: "tuple[NDArray[np.float64], ...]" = field(default=())


@dataclass(frozen=True, slots=True)
class YearPicture:
    """One year of a mine as a picture, or why there is none.

    Attributes
    ----------
    year : int
    status : PictureStatus
    rgb : (row, column, 3) uint8, or None
        Without meaning where `seen` is False; None where the status is not SHOWN.
    seen : (row, column) bool, or None
        Pixels with something clear.
    """

    year: int
    status: PictureStatus
    rgb: "NDArray[np.uint8] | None" = None
    seen: "NDArray[np.bool_] | None" = None


@dataclass(frozen=True, slots=True)
class PictureSeries:
    """Every year of a mine in order, all with one stretch.

    Attributes
    ----------
    mine_id, name, run_id : str
    bands : tuple of str
        Shown as red, green and blue.
    shape : (int, int)
        Rows and columns of every picture.
    pixel_m : float
        Side of one of its pixels, [m].
    rings : tuple of (point, 2) float
        Outlines in pixels, x then y, from the upper left corner.
    years : tuple of YearPicture
    """

    mine_id: str
    name: str
    run_id: str
    bands: tuple[str, str, str]
    shape: tuple[int, int]
    pixel_m: float
    rings: "tuple[NDArray[np.float64], ...]"
    years: tuple[YearPicture, ...]
