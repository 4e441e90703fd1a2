"""The remote sensing ecological index on labelled arrays."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from reverdure.core.attributes import described
from reverdure.core.codes import RseiPixel, RseiStatus
from reverdure.core.errors import GridMismatch, InvalidInput, UnknownOption, WrongDimensions
from reverdure.recovery.rsei_fit import (
    FORMS,
    POOLED,
    XU2013,
    Loadings,
    Pictures,
    RseiFit,
    fit_pooled,
    fit_single,
    held_level,
    loadings_of,
    references,
    tally_years,
    year_moments,
)
from reverdure.recovery.rsei_picture import (
    COMPONENTS,
    REFLECTIVE,
    THERMAL,
    Picture,
    index_of,
    picture_of_values,
)
from reverdure.recovery.rsei_wetness import WetnessSet, wetness_set

HOLDS = ("heat", "level")
"""What the reference land holds still: temperature, or the index as a whole too."""

SOURCES = (
    "Xu 2013, Acta Ecologica Sinica 33(24), 7853-7862, doi:10.5846/stxb201208301223;"
    " Xu & Deng 2022, Remote Sensing Technology and Application 37(1), 1-7 (sign);"
    " Zheng et al. 2022, doi:10.1016/j.scitotenv.2021.152595 (extremes in series)"
)


def rsei(
    composites: xr.Dataset,
    sensor: str | Mapping[int, str] | None = None,
    *,
    product: str = "surface_reflectance",
    form: str = POOLED,
    fit: xr.Dataset | Mapping[str, Any] | None = None,
    reference: xr.DataArray | None = None,
    hold: str | None = None,
) -> xr.Dataset:
    """Remote sensing ecological index: greenness, wetness, dryness and heat in one number.

    Parameters
    ----------
    composites : Dataset with dims (year, y, x), or (y, x) for one date
        blue, green, red, nir, swir1, swir2 [1] and thermal [K], float with NaN where not
        clear, as `annual_composites` gives them. Or all seven of one integer type, each
        with `scale_factor`, `add_offset` and `_FillValue` in its attrs, as in Landsat files:
        then nothing is copied to floats. Without thermal the index is refused.
    sensor : str or mapping of year to str, optional
        Sensor codes as in product ids: "LT05", "LC08". Default `composites.attrs["sensor"]`.
    product : {"surface_reflectance", "toa"}
        What the reflectance is; it decides the wetness coefficients.
    form : {"pooled", "xu2013"}
        pooled: limits and loadings over all years, heat from the reference of each year;
        xu2013: each date by itself, stretched to its extremes, for comparison only.
    fit : Dataset or mapping, optional
        Result of an earlier call, or its `attrs["fit"]` parsed: its limits, loadings and
        reference temperatures are kept, and only years it does not know get a reference.
    reference : (y, x) bool, optional
        Land that nothing happened to, whose median temperature is the reference of a year;
        default all clear land.
    hold : {"heat", "level"}, optional
        Default heat, or as `fit` has it. heat: only temperature is taken from the
        reference. level: in each year the mean index of the reference land is moved to its
        mean over all years as well, so that a dry summer, haze or another calibration is
        no change of land; needs `reference`.

    Returns
    -------
    Dataset
        rsei : (year, y, x) float32, [1]
            0 poor to 1 excellent; NaN where `status` is not MEASURED.
        status : (year, y, x) uint8
            `RseiPixel`: water, no temperature, no data...
        year_status : (year,) uint8
            `RseiStatus`: why a year has no index.
        reference_k : (year,) float64, [K]
            Median temperature of the reference land; NaN for xu2013.
        reference_level : (year,) float64, [1]
            With hold="level": mean index of the reference land before it was held.
        loading, limit : (component,), (component, bound) float64
            Of the basis all years share; for xu2013 with a year in front.
        share, fit_status : float64, uint8
            Variance explained by the first component, and whether the basis is usable.
        yearly_loading, yearly_share, yearly_status : (year, component), (year,), (year,)
            What each year by itself would give: a quality layer that moves no result.

        `attrs["fit"]` holds the basis as JSON, to be handed in again.

    Raises
    ------
    UnknownOption
        If sensor, product or form is not known, or no wetness set serves all sensors.
    InvalidInput
        If a band or the sensor is missing, or integers come without their scale.
    WrongDimensions
        If the dimensions are not (year, y, x) or (y, x).
    GridMismatch
        If `reference` has another shape.

    Notes
    -----
    NDVI; tasselled-cap wetness; NDBSI = (SI + IBI) / 2; temperature less the median of the
    reference land in the same year. Water (MNDWI > 0) is left out. Components run from 0
    to 1 between their 2 % and 98 % quantiles over all years; the first principal component
    of their covariance is oriented so that greenness and wetness rise with it, and spread
    from 0 to 1 by its loadings alone. Reflectance is rounded to 1e-4 and temperature to
    0.01 K, as in a kept composite. Refused, with the reason in `fit_status`: no thermal,
    under 1000 clear pixels, greenness or wetness falling with the index, or under 60 % of
    the variance explained. OLI beside TM or ETM+ is brought to TM (Roy et al. 2016).

    References
    ----------
    .. [1] Xu, H. (2013). A remote sensing urban ecological index and its application. Acta
       Ecologica Sinica 33(24), 7853-7862. doi:10.5846/stxb201208301223
    .. [2] Zheng, Z. et al. (2022). Instability of remote sensing based ecological index
       (RSEI) and its improvement for time series analysis. Science of the Total
       Environment 814, 152595. doi:10.1016/j.scitotenv.2021.152595

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> leaf = np.tile(np.linspace(0, 1, 40), (2, 40, 1))  # two years, bare to green
    >>> bare = dict(blue=.10, green=.13, red=.16, nir=.22, swir1=.30, swir2=.26, thermal=312)
    >>> full = dict(blue=.02, green=.05, red=.03, nir=.38, swir1=.17, swir2=.07, thermal=296)
    >>> bands = {b: (("year", "y", "x"), bare[b] + leaf * (full[b] - bare[b])) for b in bare}
    >>> found = rsei(xr.Dataset(bands, {"year": [2014, 2015]}), sensor="LC08")
    >>> found.rsei.sel(year=2015, y=0).values[[1, 20, 38]].round(1).tolist()
    [0.0, 0.5, 1.0]
    >>> bool(found.share > 0.9), int(found.fit_status)
    (True, 0)
    """
    frozen = None if fit is None else _frozen(fit)
    is_held = bool(frozen and frozen.levels) if hold is None else hold == "level"
    _check_options(form, hold, fit, reference)
    series = composites if "year" in composites.dims else composites.expand_dims(year=[0])
    years = _checked_years(series)
    sensors = _sensors(series, sensor, years)
    use = _reference_land(reference, series)
    unheld = [year for year in years if frozen is None or year not in frozen.levels]
    if is_held and use is None and unheld:
        raise InvalidInput(
            f"holding {unheld[0]} level needs reference, the land that nothing happened to.",
            "Without it a change of all land would be taken for weather.",
        )
    wetness = wetness_set(sensors.values(), product) if frozen is None else frozen.wetness_set

    def pictures() -> Iterator[tuple[int, Picture]]:
        for position, year in enumerate(years):
            yield year, _picture(series.isel(year=position), sensors[year], use)

    if form == XU2013:
        basis = _each_by_itself(pictures, wetness)
    else:
        basis = _shared(pictures, wetness, frozen, is_held=is_held)
    result = _labelled(series, *_computed(pictures, basis, series), basis, form)
    result = described(result, composites, references=SOURCES)
    result.attrs |= {"wetness_source": wetness.source, "sensors": ", ".join(sensors.values())}
    if form == POOLED:
        one = basis.fits[years[0]]
        known = {year: k for year, k in basis.kelvin.items() if np.isfinite(k)}
        kept = replace(one, reference_k={**one.reference_k, **known})
        result.attrs |= {"hold": HOLDS[is_held], "fit": json.dumps(kept.to_dict(), sort_keys=True)}
    return result if "year" in composites.dims else result.isel(year=0, drop=True)


def _check_options(form: str, hold: str | None, fit: object, reference: object) -> None:
    if form not in FORMS:
        raise UnknownOption(f"form {form!r} is not known; use {' or '.join(FORMS)}.")
    if hold not in (None, *HOLDS):
        raise UnknownOption(f"hold {hold!r} is not known; use {' or '.join(HOLDS)}.")
    if form == XU2013 and (fit is not None or reference is not None):
        raise UnknownOption("xu2013 takes every date by itself: neither fit nor reference.")


@dataclass(frozen=True)
class _Basis:
    """By year: the fit, the year's own loadings, why it has no index, its reference [K]."""

    fits: Mapping[int, RseiFit]
    own: Mapping[int, Loadings]
    statuses: Mapping[int, RseiStatus]
    kelvin: Mapping[int, float]


def _each_by_itself(pictures: Pictures, wetness: WetnessSet) -> _Basis:
    fits = {year: fit_single(picture, wetness, year) for year, picture in pictures()}
    own = {year: of_year.loadings for year, of_year in fits.items()}
    statuses = {year: of_year.loadings.status for year, of_year in fits.items()}
    return _Basis(fits, own, statuses, dict.fromkeys(fits, 0.0))


def _shared(
    pictures: Pictures, wetness: WetnessSet, frozen: RseiFit | None, *, is_held: bool
) -> _Basis:
    tallies = tally_years(pictures, wetness)
    kelvin, reasons = references(tallies, None if frozen is None else frozen.reference_k)
    if frozen is None:
        fit, own = fit_pooled(pictures, wetness, tallies, kelvin)
    else:
        fit = frozen
        sums = year_moments(pictures, wetness, fit.limits, kelvin)
        own = {year: loadings_of(of_year) for year, of_year in sums.items()}
    if is_held:
        fresh = {year: k for year, k in kelvin.items() if year not in fit.levels}
        fit = held_level(fit, pictures, fresh, frozen=bool(fit.levels))
    else:
        fit = replace(fit, levels={}, level=0.0)
    statuses = {year: reason or fit.loadings.status for year, reason in reasons.items()}
    return _Basis(dict.fromkeys(kelvin, fit), own, statuses, kelvin)


def _computed(
    pictures: Pictures, basis: _Basis, series: xr.Dataset
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Index and status of every pixel and year."""
    shape = (series.sizes["year"], series.sizes["y"], series.sizes["x"])
    index, status = np.full(shape, np.nan, np.float32), np.empty(shape, np.uint8)
    for position, (year, picture) in enumerate(pictures()):
        fit = basis.fits[year]
        found = index_of(picture, fit, basis.kelvin[year], fit.shift(year))
        stored, status[position] = (part.reshape(shape[1:]) for part in found)
        measured = status[position] == RseiPixel.MEASURED
        index[position, measured] = stored[measured] * np.float32(1e-4)
    return index, status


def _checked_years(series: xr.Dataset) -> list[int]:
    missing = [band for band in REFLECTIVE if band not in series]
    if missing:
        raise InvalidInput(
            f"the index needs {', '.join(REFLECTIVE)} and {THERMAL}; missing: {', '.join(missing)}."
        )
    for name in (*REFLECTIVE, THERMAL):
        if name in series and set(series[name].dims) != {"year", "y", "x"}:
            raise WrongDimensions(f"{name} has {series[name].dims}; expected (year, y, x).")
    years = [int(year) for year in series["year"].values]
    if len(set(years)) != len(years):
        raise InvalidInput(f"a year comes twice: {sorted(years)}.")
    return years


def _sensors(
    series: xr.Dataset, sensor: str | Mapping[int, str] | None, years: list[int]
) -> dict[int, str]:
    stated = sensor if sensor is not None else series.attrs.get("sensor")
    if stated is None:
        raise InvalidInput(
            "the sensor is not known, and wetness depends on it.",
            "Say sensor='LC08', or one for each year: sensor={2012: 'LT05', 2014: 'LC08'}.",
        )
    if isinstance(stated, str):
        return dict.fromkeys(years, stated)
    missing = [year for year in years if year not in stated]
    if missing:
        raise InvalidInput(f"no sensor for the years {', '.join(map(str, missing))}.")
    return {year: stated[year] for year in years}


def _reference_land(reference: xr.DataArray | None, series: xr.Dataset) -> NDArray[np.bool_] | None:
    if reference is None:
        return None
    if dict(reference.sizes) != {"y": series.sizes["y"], "x": series.sizes["x"]}:
        raise GridMismatch(
            f"reference is {dict(reference.sizes)}, the composites have "
            f"y {series.sizes['y']}, x {series.sizes['x']}."
        )
    if reference.dtype != np.bool_:
        raise InvalidInput(f"reference is {reference.dtype}; it must be bool.")
    return np.asarray(reference.transpose("y", "x").values)


def _frozen(fit: xr.Dataset | Mapping[str, Any]) -> RseiFit:
    if isinstance(fit, xr.Dataset) and "fit" not in fit.attrs:
        raise InvalidInput("the dataset holds no fit.", "Hand in what rsei(...) gave, pooled.")
    fields = json.loads(fit.attrs["fit"]) if isinstance(fit, xr.Dataset) else fit
    try:
        return RseiFit.from_dict(fields)
    except KeyError as error:
        raise InvalidInput(
            f"the fit lacks {error}.", "Hand in what rsei(...) gave, or its attrs['fit'] parsed."
        ) from error


def _picture(bands: xr.Dataset, sensor: str, use: NDArray[np.bool_] | None) -> Picture:
    ordered = bands.transpose("y", "x")
    names = [name for name in (*REFLECTIVE, THERMAL) if name in ordered]
    kinds = {ordered[name].dtype for name in names}
    if not any(np.issubdtype(kind, np.integer) for kind in kinds):
        return picture_of_values({name: ordered[name].values for name in names}, sensor, use)
    if kinds not in ({np.dtype(np.uint16)}, {np.dtype(np.int16)}) or THERMAL not in names:
        raise InvalidInput(
            f"bands are {', '.join(sorted(map(str, kinds)))}; integers must be all uint16 or all "
            "int16, thermal with them.",
            "Decode them to float instead.",
        )
    scaling, fills = [], []
    for name in names:
        attrs = {**ordered[name].encoding, **ordered[name].attrs}
        if "scale_factor" not in attrs or "add_offset" not in attrs:
            raise InvalidInput(f"{name} holds integers without scale_factor and add_offset.")
        scaling.append([float(attrs["scale_factor"]), float(attrs["add_offset"])])
        fills.append(int(attrs.get("_FillValue", 0)))
    stack = np.stack([ordered[name].values.ravel() for name in names])
    valid = _valid(np.array(scaling), fills, stack.dtype)
    return Picture(stack, np.array(scaling), valid, sensor, None if use is None else use.ravel())


def _valid(
    scaling: NDArray[np.float64], fills: list[int], kind: np.dtype[Any]
) -> NDArray[np.int64]:
    """Lowest and highest stored numbers: reflectance 0 to 1, any temperature but fill."""
    ends = np.iinfo(kind)
    low = np.ceil((0.0 - scaling[:6, 1]) / scaling[:6, 0] - 1e-9).max()
    high = np.floor((1.0 - scaling[:6, 1]) / scaling[:6, 0] + 1e-9).min()
    warmest = min(ends.max, int((373.0 - scaling[6, 1]) / scaling[6, 0]))
    coldest = max(ends.min, int(np.ceil((150.0 - scaling[6, 1]) / scaling[6, 0])))
    inside = [fill for fill in fills[:6] if low <= fill <= high]
    if inside or coldest <= fills[6] <= warmest:
        raise InvalidInput(f"_FillValue {fills} lies among the valid numbers.")
    return np.array([max(low, ends.min), min(high, ends.max), coldest, warmest], np.int64)


def _labelled(
    series: xr.Dataset,
    index: NDArray[np.float32],
    status: NDArray[np.uint8],
    basis: _Basis,
    form: str,
) -> xr.Dataset:
    """The result with units; coordinates of the input stay."""
    years = [int(year) for year in series["year"].values]
    nothing = loadings_of(np.zeros(15, np.int64))
    yearly = [basis.own.get(year, nothing) for year in years]
    bases = [basis.fits[year] for year in (years if form == XU2013 else years[:1])]
    front = ("year",) if form == XU2013 else ()

    def of_basis(values: list[Any]) -> NDArray[Any]:
        return np.array(values if form == XU2013 else values[0])

    one = {"units": "1"}
    title = {"long_name": "remote sensing ecological index", "source": SOURCES}
    return xr.Dataset(
        {
            "rsei": (("year", "y", "x"), index, one | title),
            "status": (("year", "y", "x"), status, _flags(RseiPixel)),
            "loading": ((*front, "component"), of_basis([b.loadings.values for b in bases]), one),
            "limit": (
                (*front, "component", "bound"),
                of_basis([b.limits for b in bases]),
                {"units": "1, heat in K"},
            ),
            "share": (front, of_basis([b.loadings.share for b in bases]), one),
            "fit_status": (
                front,
                of_basis([b.loadings.status for b in bases]).astype(np.uint8),
                _flags(RseiStatus),
            ),
            "year_status": (
                "year",
                np.array([basis.statuses[year] for year in years], np.uint8),
                _flags(RseiStatus),
            ),
            "reference_k": (
                "year",
                np.array([basis.kelvin[y] if form == POOLED else np.nan for y in years]),
                {"units": "K"},
            ),
            "reference_level": (
                "year",
                np.array([basis.fits[year].levels.get(year, np.nan) for year in years]),
                one,
            ),
            "yearly_loading": (("year", "component"), np.array([y.values for y in yearly]), one),
            "yearly_share": ("year", np.array([y.share for y in yearly]), one),
            "yearly_status": (
                "year",
                np.array([y.status for y in yearly], np.uint8),
                _flags(RseiStatus),
            ),
        },
        {
            **{name: value for name, value in series.coords.items() if name != "component"},
            "component": list(COMPONENTS),
            "bound": ["low", "high"],
        },
        {"form": form},
    )


def _flags(codes: type[RseiPixel] | type[RseiStatus]) -> dict[str, Any]:
    """Meaning of the numbers, as CF conventions 3.5 write it."""
    return {
        "flag_values": np.array(list(codes), np.uint8),
        "flag_meanings": " ".join(code.key for code in codes),
    }
