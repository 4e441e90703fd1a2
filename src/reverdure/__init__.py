"""Reverdure measures, plans and proves the ecological restoration of mined land."""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from reverdure.imagery.composites import annual_composites
    from reverdure.imagery.loading import load_scenes
    from reverdure.pipeline import sensors
    from reverdure.recovery.harmonise import harmonise
    from reverdure.recovery.indices import spectral_index
    from reverdure.recovery.metrics import recovery_metrics
    from reverdure.recovery.reference import reference
    from reverdure.recovery.rsei import rsei
    from reverdure.recovery.segmentation import SegmentParams, segment
    from reverdure.recovery.verdicts import verdicts

_HOMES = {
    "SegmentParams": "reverdure.recovery.segmentation",
    "annual_composites": "reverdure.imagery.composites",
    "load_scenes": "reverdure.imagery.loading",
    "harmonise": "reverdure.recovery.harmonise",
    "recovery_metrics": "reverdure.recovery.metrics",
    "reference": "reverdure.recovery.reference",
    "rsei": "reverdure.recovery.rsei",
    "segment": "reverdure.recovery.segmentation",
    "spectral_index": "reverdure.recovery.indices",
    "verdicts": "reverdure.recovery.verdicts",
}

_MODULES = {"sensors": "reverdure.pipeline.sensors"}

__all__ = [
    "SegmentParams",
    "__version__",
    "annual_composites",
    "harmonise",
    "load_scenes",
    "recovery_metrics",
    "reference",
    "rsei",
    "segment",
    "sensors",
    "spectral_index",
    "verdicts",
]


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that `reverdure --help` stays quick."""
    if name in _MODULES:
        return importlib.import_module(_MODULES[name])
    if name not in _HOMES:
        raise AttributeError(f"module 'reverdure' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The public names, for completion in a notebook: most are not imported yet."""
    return __all__
