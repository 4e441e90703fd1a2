"""Areas in the units people use, converted once at the door to hectares.

1 ha = 15 mu exactly (State Council order on legal units, 1984: 1 mu = 10000/15 m2);
the acre is the international acre, 4046.8564224 m2 (NIST SP 811, B.8).
"""

from collections.abc import Mapping
from types import MappingProxyType

from reverdure.core.errors import UnknownOption

MU_PER_HA = 15.0
M2_PER_HA = 10_000.0

HA_PER_UNIT: Mapping[str, float] = MappingProxyType(
    {
        "ha": 1.0,
        "mu": 1.0 / MU_PER_HA,
        "m2": 1.0 / M2_PER_HA,
        "km2": 100.0,
        "acre": 4046.8564224 / M2_PER_HA,
    }
)
_ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "hectare": "ha", "hectares": "ha", "公顷": "ha", "hm2": "ha", "hm²": "ha",
        "亩": "mu", "mou": "mu",
        "m²": "m2", "sqm": "m2", "平方米": "m2",
        "km²": "km2", "sqkm": "km2", "平方公里": "km2", "平方千米": "km2",
        "acres": "acre", "英亩": "acre",
    }
)  # fmt: skip


def area_unit(name: str) -> str:
    """Canonical name of an area unit: ha, mu, m2, km2 or acre.

    Raises
    ------
    UnknownOption
        If the name is not known.

    Examples
    --------
    >>> area_unit("亩"), area_unit("Hectares")
    ('mu', 'ha')
    """
    key = name.strip().lower()
    key = _ALIASES.get(key, key)
    if key not in HA_PER_UNIT:
        allowed = ", ".join(HA_PER_UNIT)
        raise UnknownOption(f"area unit {name!r} is not known; use one of {allowed}.")
    return key


def to_ha(value: float, unit: str) -> float:
    """Area in hectares.

    Examples
    --------
    >>> to_ha(30, "mu"), to_ha(2, "km2")
    (2.0, 200.0)
    """
    key = area_unit(unit)
    # mu is divided, not multiplied by 1/15, so that whole hectares stay exact
    return value / MU_PER_HA if key == "mu" else value * HA_PER_UNIT[key]


def ha_to_mu(area_ha: float) -> float:
    """Hectares in mu.

    Examples
    --------
    >>> ha_to_mu(3.4)
    51.0
    """
    return area_ha * MU_PER_HA
