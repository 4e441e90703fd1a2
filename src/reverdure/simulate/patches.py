"""Ground that changes: mines and felled forest, each with zones that have their own course."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reverdure.simulate.landscape import (
    BARE_GREY,
    BARE_RED,
    COMPONENTS,
    FLOOR,
    GRASS,
    PANEL,
    WATER_COMPONENT,
    WEATHER_RESPONSE,
    Landscape,
)

_PANEL_SHARE = 0.55
# regrowth is slow at first, as planted seedlings are
_SHAPE = 1.6


@dataclass(frozen=True, slots=True)
class Zone:
    """A part treated alike.

    Attributes
    ----------
    damage_year : int
        First year whose season shows it bare.
    regrowth_from : float
        Time at which regrowth starts, [year].
    share : float
        Way from bare to reference that its cover has gone in the last year.
    years_to_grow : float
        Time constant of cover.
    canopy_lag_years : float
        Time constant of the plants sown taking over from weeds, and of litter covering
        the spoil; infinite where nothing was sown.
    full_grown : bool
        False where regrowth is cut off by the end of the record, so that `share` is
        what it would reach later.
    panel : bool
        True where panels stand on it from `regrowth_from` on.
    is_worked : bool
        False where nobody did anything.
    lost_year : int
        First year whose season shows it bare a second time; 0 where it is not lost again.
    lake : bool
        True where water stands from `regrowth_from` on.
    """

    damage_year: int
    regrowth_from: float
    share: float
    years_to_grow: float
    canopy_lag_years: float = np.inf
    full_grown: bool = True
    panel: bool = False
    is_worked: bool = True
    lost_year: int = 0
    lake: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Patch:
    """Zones on a window of cells.

    Attributes
    ----------
    row, column : int
        First cell of the window.
    label : (y, x) uint8
        0 outside, else 1 + position of the zone.
    zones : tuple of Zone
    texture : (y, x) float32
        Factor on cover, mean 1 (fine patchiness).
    cover_before : (y, x) float32
        Cover of the land it was.
    brightness : (y, x) float32
        Factor on bare soil.
    kind : (y, x) uint8
        Kind of land it was.
    main_kind : int
        The kind most of it was, and to which it is compared.
    regrown_kind : int
        Kind whose leaves the regrowth carries once it has a canopy.
    bare_cover, reference_cover : float
        Mean cover of bare land, and of undisturbed land of `main_kind`, in a mean year.
    grey_share : float
        Share of grey spoil in the bare soil, the rest is red.
    last_year : int
        Last year of the record.
    """

    row: int
    column: int
    label: NDArray[np.uint8]
    zones: tuple[Zone, ...]
    texture: NDArray[np.float32]
    cover_before: NDArray[np.float32]
    brightness: NDArray[np.float32]
    kind: NDArray[np.uint8]
    main_kind: int
    regrown_kind: int
    bare_cover: float
    reference_cover: float
    grey_share: float
    last_year: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Its window in arrays of cells."""
        height, width = self.label.shape
        return slice(self.row, self.row + height), slice(self.column, self.column + width)

    @property
    def damage_year(self) -> NDArray[np.int16]:
        """First year each cell shows bare, 0 outside, (y, x)."""
        years = np.array([0, *(zone.damage_year for zone in self.zones)], np.int16)
        return years[self.label]

    @property
    def components(self) -> tuple[int, ...]:
        """Components it can be made of in any year, positions in `COMPONENTS`."""
        inside = self.kind[self.label > 0]
        was = {int(kind) for kind in np.unique(inside)}
        used = {
            GRASS,
            self.regrown_kind,
            FLOOR + self.regrown_kind,
            *was,
            *(FLOOR + kind for kind in was),
        }
        used |= {BARE_RED, BARE_GREY}
        if any(zone.panel for zone in self.zones):
            used.add(PANEL)
        if any(zone.lake for zone in self.zones):
            used.add(WATER_COMPONENT)
        return tuple(sorted(used))

    def layers(self, year: int) -> NDArray[np.float32]:
        """Share of each component in each cell in a mean year, (component, y, x).

        Notes
        -----
        Shares of floor and bare soil include the brightness of the cell, so a cell need
        not sum to one.
        """
        full = np.zeros((len(COMPONENTS), *self.label.shape), np.float32)
        before = (self.label > 0) & (year < self.damage_year)
        for kind in range(FLOOR):
            here = before & (self.kind == kind)
            full[kind][here] = self.cover_before[here]
            full[FLOOR + kind][here] = ((1 - self.cover_before) * self.brightness)[here]
        for number, zone in enumerate(self.zones, start=1):
            if year >= zone.damage_year:
                self._fill(full, self.label == number, zone, year)
        return full[list(self.components)]

    def leaf_cover(self, year: int, weather: float) -> NDArray[np.float32]:
        """Cover of each cell at the height of a season with this weather, (y, x)."""
        shares = self.layers(year)
        total = np.zeros(self.label.shape, np.float32)
        for share, component in zip(shares, self.components, strict=True):
            if component < FLOOR:
                total += share * np.float32(weather_factor(component, weather))
        return total

    def _fill(
        self, full: NDArray[np.float32], here: NDArray[np.bool_], zone: Zone, year: int
    ) -> None:
        if zone.lake and year >= zone.regrowth_from:
            full[WATER_COMPONENT][here] = 1.0
            return
        level, canopy = self._course(zone, year)
        cover = np.clip(level * self.texture[here], 0.0, 0.985)
        open_share = 1.0 - cover
        if zone.panel and year >= zone.regrowth_from:
            full[PANEL][here] = _PANEL_SHARE
            cover, open_share = cover * (1 - _PANEL_SHARE), open_share * (1 - _PANEL_SHARE)
        full[GRASS][here] += cover * (1.0 - canopy)
        full[self.regrown_kind][here] += cover * canopy
        open_share = open_share * self.brightness[here]
        # litter and topsoil come to lie on the spoil where plants stand and have aged
        litter = canopy * cover
        full[FLOOR + self.regrown_kind][here] += open_share * litter
        spoil = open_share * (1.0 - litter)
        full[BARE_RED][here] = spoil * (1.0 - self.grey_share)
        full[BARE_GREY][here] = spoil * self.grey_share

    def _course(self, zone: Zone, year: int) -> tuple[float, float]:
        """Mean cover of a damaged zone, and the share of it that is canopy."""
        age = year + 0.5 - zone.regrowth_from
        if age <= 0 or 0 < zone.lost_year <= year:
            return self.bare_cover, 0.0
        grown = _grown(age, zone.years_to_grow)
        if zone.full_grown:
            end = zone.lost_year - 1 if zone.lost_year else self.last_year
            grown /= _grown(end + 0.5 - zone.regrowth_from, zone.years_to_grow)
        gain = zone.share * (self.reference_cover - self.bare_cover)
        return self.bare_cover + gain * grown, 1.0 - float(np.exp(-age / zone.canopy_lag_years))


def _grown(age: float, years: float) -> float:
    return 1.0 - float(np.exp(-((age / years) ** _SHAPE)))


def weather_factor(kind: int, weather: float) -> float:
    """Factor of a year's weather on the cover of a kind of land.

    Parameters
    ----------
    kind : int
        Position in `LEAFY`.
    weather : float
        Anomaly of the year for grass; wet is positive.

    Returns
    -------
    float
        Never more than a full cell can hold.

    Examples
    --------
    >>> weather_factor(GRASS, -0.1)
    0.9
    """
    return float(np.clip(1.0 + weather * WEATHER_RESPONSE[kind], 0.8, 1.0 / 0.985))


def settle(landscape: Landscape, window: tuple[slice, slice], main_kind: int) -> NDArray[np.uint8]:
    """Kinds of land in a window, with towns and water turned to `main_kind`."""
    kind = landscape.kind[window].copy()
    kind[kind >= FLOOR] = main_kind
    return kind
