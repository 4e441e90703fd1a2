"""One picture as stored integers, and what the kernels make of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reverdure.core.codes import RseiPixel
from reverdure.core.errors import InvalidInput
from reverdure.recovery.rsei_wetness import WetnessSet, band_change

if TYPE_CHECKING:
    from reverdure.recovery.rsei_fit import RseiFit

REFLECTIVE = ("blue", "green", "red", "nir", "swir1", "swir2")
THERMAL = "thermal"
COMPONENTS = ("greenness", "wetness", "dryness", "heat")

# a composite is kept as numbers of 1e-4, and of 0.01 K from 273.15 K on
_STEP, _STEP_K, _ZERO_K = 1e-4, 0.01, 273.15
_NODATA = np.int16(-32768)
_REFLECTANCE = (-2000, 16000)
_KELVIN = (-12000, 20000)
# of the bins in which components are counted; heat is [K] from the reference of the year
SPAN = ((-1.0, 1.0), (-1.0, 1.0), (-1.0, 1.0), (-51.2, 51.2))


@dataclass(frozen=True, eq=False)
class Picture:
    """Seven bands of one year as stored.

    Attributes
    ----------
    bands : (7, pixel) int16 or uint16
        Blue, green, red, nir, swir1, swir2, thermal.
    scaling : (7, 2) float64
        Factor and offset to reflectance, and to [K].
    valid : (4,) int64
        Lowest and highest number of reflectance, then of thermal.
    sensor : str
    reference : (pixel,) bool, optional
        Land whose temperature is the reference of its year; without, all of it.
    """

    bands: NDArray[Any]
    scaling: NDArray[np.float64]
    valid: NDArray[np.int64]
    sensor: str
    reference: NDArray[np.bool_] | None = None

    @property
    def lowest(self) -> int:
        """Lowest number that the type of its bands holds."""
        return int(np.iinfo(self.bands.dtype).min)

    def reference_land(self) -> "Picture":
        """The picture with temperatures on its reference land only."""
        if self.reference is None:
            return self
        bands = self.bands.copy()
        bands[6, ~self.reference] = np.iinfo(bands.dtype).min
        return replace(self, bands=bands)

    def arguments(
        self, wetness: WetnessSet, reference_k: float
    ) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
        """What every kernel takes first: bands, valid numbers, scaling and wetness."""
        scaling = self.scaling.copy()
        change = band_change(self.sensor, wetness)
        scaling[:6, 0] *= change[:, 0]
        scaling[:6, 1] = scaling[:6, 1] * change[:, 0] + change[:, 1]
        scaling[6, 1] -= reference_k
        wet = np.array(wetness.coefficients, np.float32)
        return self.bands, self.valid, scaling.astype(np.float32), wet


def picture_of_values(
    values: Mapping[str, NDArray[Any]],
    sensor: str,
    reference: NDArray[np.bool_] | None = None,
) -> Picture:
    """Picture of reflectances and kelvins as a composite keeps them.

    Parameters
    ----------
    values : mapping of band to array of float
        The six bands [1] and thermal [K], all of one shape; NaN where there is nothing.
        Without thermal no pixel has any.
    sensor : str
    reference : array of bool, optional
        As in `Picture`.

    Raises
    ------
    InvalidInput
        If a band is missing.
    """
    missing = [band for band in REFLECTIVE if band not in values]
    if missing:
        raise InvalidInput(f"the index needs {', '.join(REFLECTIVE)}; missing: {missing[0]}.")
    n_pixels = np.asarray(values[REFLECTIVE[0]]).size
    bands = np.full((7, n_pixels), _NODATA, np.int16)
    for row, name in enumerate(REFLECTIVE):
        bands[row] = _numbers(values[name], _STEP, 0.0)
    if THERMAL in values:
        bands[6] = _numbers(values[THERMAL], _STEP_K, _ZERO_K)
    scaling = np.array([[_STEP, 0.0]] * 6 + [[_STEP_K, _ZERO_K]])
    use = None if reference is None else np.ravel(reference)
    valid = np.array([*_REFLECTANCE, *_KELVIN], np.int64)
    return Picture(bands, scaling, valid, sensor, use)


def _numbers(values: NDArray[Any], step: float, zero: float) -> NDArray[np.int16]:
    flat = np.asarray(values, np.float64).ravel()
    numbers = np.rint((flat - zero) / step)
    # beyond the valid numbers is as good as nothing
    usable = np.abs(numbers) < -int(_NODATA)
    return np.where(usable, numbers, _NODATA).astype(np.int16)


def index_of(
    picture: Picture, fit: "RseiFit", reference_k: float, shift: float = 0.0
) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Index of every pixel plus `shift` in steps of 1e-4, and its `RseiPixel`.

    Where the fit or the year is refused (no finite reference), no pixel has an index.
    """
    from reverdure.kernels.rsei import NODATA, project

    n_pixels = picture.bands.shape[1]
    index, status = np.empty(n_pixels, np.int16), np.empty(n_pixels, np.uint8)
    is_given = fit.is_given and np.isfinite(reference_k)
    limits, weights = fit.for_kernel() if is_given else _NEUTRAL
    zero_k = reference_k if is_given else 0.0
    weights = weights + np.array([0, 0, 0, 0, shift], np.float32)
    project(*picture.arguments(fit.wetness_set, zero_k), limits, weights, index, status)
    if not is_given:
        index[:] = NODATA
        status[status == RseiPixel.MEASURED] = RseiPixel.REFUSED
    return index, status


_NEUTRAL = (np.array([[0.0, 1.0]] * 4, np.float32), np.zeros(5, np.float32))
