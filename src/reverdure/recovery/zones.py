"""Restored hectares of one ground, as draws from the posterior of its zones.

A zone is a connected part treated alike; it is restored when its mean has regained 0.8
of the way from bare to reference. Pixels are never judged one by one: a recovered zone
at 0.9 of the reference has up to half of its pixels under 0.8.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import log_ndtr

from reverdure.kernels.zones import merge_zones, sample_zones
from reverdure.recovery.cells import Cells
from reverdure.recovery.constants import constant
from reverdure.recovery.courses import Courses
from reverdure.recovery.fine_gains import FineGains

# label 0 is not mine; the others are zones: few pixels cannot tell three apart
_LABELS_SMALL, _LABELS_LARGE, _SMALL_PIXELS = 3, 4, 20
_CHAINS, _BURN, _BETWEEN, _DRAWS = 6, 30, 2, 40
_UNSEEN_VARIANCE = 1e4
_DEEPEST = 0.2
_MIXED = 1.2


@dataclass(frozen=True, slots=True)
class Layer:
    """One index over one ground.

    Attributes
    ----------
    name : str
    courses : Courses
        As shares of cover.
    reference_error : float
        Standard error of the reference, share of cover.
    early : (pixel,) float64
        Fitted level two years before the claimed start.
    brightness, brightness_error : float
        Ratio with which the index was read as cover, and the standard error of its log.
    fine : FineGains or None
        What 10 m pixels add.
    """

    name: str
    courses: Courses
    reference_error: float
    early: NDArray[np.float64]
    brightness: float = 1.0
    brightness_error: float = 0.0
    fine: FineGains | None = None


@dataclass(frozen=True, slots=True)
class ZoneDraws:
    """Draws for one ground.

    Attributes
    ----------
    restored_ha : (draw,) float64
        Area of restored zones, those green before the claim included.
    green_before_ha : (draw,) float64
        Area of restored zones that had recovered two years before the claimed start.
    share : (draw,) float64
        Mean way back from bare to reference over the zones, lowest index.
    damaged_share : float
        Mean loss of the ground, share of bare to reference.
    restored_weight : (pixel,) float64
        Mean share of each pixel's signal that comes from restored zones.
    mixing : float
        Potential scale reduction of the restored area over the chains (Gelman & Rubin
        1992); 1 is perfect.
    cell_restored, cell_way : (cell,) float64
        Probability that a cell lies in a restored zone, and its mean way back in the
        lowest index.
    """

    restored_ha: NDArray[np.float64]
    green_before_ha: NDArray[np.float64]
    share: NDArray[np.float64]
    damaged_share: float
    restored_weight: NDArray[np.float64]
    mixing: float
    cell_restored: NDArray[np.float64]
    cell_way: NDArray[np.float64]


def draw_zones(cells: Cells, layers: list[Layer], seed: int) -> ZoneDraws:
    """Draw label fields and levels, and from them restored hectares.

    Parameters
    ----------
    cells : Cells
    layers : list of Layer
        Indices that must all pass.
    seed : int
        Below 2**31; the same seed gives the same draws on every machine and thread.
    """
    length = 1
    for _ in range(2):
        levels, labels = _sample(cells, layers, seed, length)
        draws = _restored(cells, layers, levels, labels, seed)
        if draws.mixing <= _MIXED:
            break
        length = 3
    return draws


def _sample(
    cells: Cells, layers: list[Layer], seed: int, length: int
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Levels (draw, zone, layer) and labels (draw, cell) of all chains."""
    gain = np.array([layer.courses.now - layer.courses.trough for layer in layers])
    variance = np.array([layer.courses.var_gain for layer in layers])
    known = np.isfinite(gain) & np.isfinite(variance)
    gain, variance = np.where(known, gain, 0.0), np.where(known, variance, _UNSEEN_VARIANCE)
    n_layers, n_pixels = gain.shape
    seen = _Observations(
        gain.ravel(), variance.ravel(), np.full(gain.size, constant("noise_inflation")),
        np.tile(np.repeat(np.arange(n_layers), n_pixels), (2, 1)),
        sparse.hstack([cells.response] * n_layers, format="csr"),
    )  # fmt: skip
    for place, layer in enumerate(layers):
        if layer.fine is not None:
            seen = seen.joined(layer.fine, place)
    response = sparse.csr_array(seen.response)
    response.sort_indices()
    n_cells = response.shape[0]
    n_labels = _n_labels(cells)
    level_out = np.empty((_CHAINS, _DRAWS, n_labels, n_layers))
    label_out = np.empty((_CHAINS, _DRAWS, n_cells), np.uint8)
    high = constant("zone_high") * _deepest(cells, layers)
    prior = [constant("zone_low"), high, constant("potts_beta"), constant("patchiness")]
    sample_zones(
        seen.gain,
        seen.variance,
        seen.inflation,
        seen.kind,
        (
            response.indptr.astype(np.int64),
            response.indices.astype(np.int64),
            response.data.astype(np.float64),
        ),
        cells.neighbour,
        _belief(cells),
        _starts(cells, gain, variance),
        np.array(prior),
        np.array([n_labels, length * _BURN, length * _BETWEEN, _DRAWS]),
        np.random.default_rng([seed, 1]),
        level_out,
        label_out,
    )
    return (
        level_out.reshape(_CHAINS * _DRAWS, n_labels, n_layers),
        label_out.reshape(_CHAINS * _DRAWS, n_cells),
    )


def _deepest(cells: Cells, layers: list[Layer]) -> float:
    """How deep the ground stood under its reference, at least 1.

    Where the bare level is uncertain the trough may lie below it; gains as large must be
    possible, or what came back all the way would look as if it had not.
    """
    weight = cells.seen**2
    troughs = [
        float(np.average(layer.courses.trough[known], weights=weight[known]))
        for layer in layers
        for known in [np.isfinite(layer.courses.trough) & (weight > 0)]
        if known.any()
    ]
    return max([1.0, *(1.0 - trough for trough in troughs)])


@dataclass(frozen=True, slots=True)
class _Observations:
    """What the sampler is given, of all layers and sensors (see `sample_zones`)."""

    gain: NDArray[np.float64]
    variance: NDArray[np.float64]
    inflation: NDArray[np.float64]
    kind: NDArray[np.int64]
    response: sparse.csr_array

    def joined(self, fine: FineGains, layer: int) -> "_Observations":
        """The same with the 10 m pixels of a layer, which have a tau of their own."""
        n = fine.gain.size
        kind = np.stack([np.full(n, layer), np.full(n, self.kind[1].max() + 1)])
        return _Observations(
            np.concatenate([self.gain, fine.gain]),
            np.concatenate([self.variance, fine.variance]),
            np.concatenate([self.inflation, np.full(n, constant("fine_inflation"))]),
            np.concatenate([self.kind, kind], axis=1),
            sparse.hstack([self.response, fine.response], format="csr"),
        )


def _n_labels(cells: Cells) -> int:
    small = cells.ground_ha.sum() < _SMALL_PIXELS * cells.pixel_ha
    return _LABELS_SMALL if small else _LABELS_LARGE


def _starts(
    cells: Cells, gain: NDArray[np.float64], variance: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Labels the chains start from: all of one kind, or cut at different heights."""
    response = cells.response
    weight = 1.0 / (variance[0] + constant("patchiness") ** 2)
    seen = np.asarray(response.sum(axis=0))
    height = np.asarray(response @ (weight * gain[0] / np.maximum(seen, 0.2)))
    height /= np.maximum(np.asarray(response @ weight), 1e-12)
    top = _n_labels(cells) - 1
    starts = np.empty((_CHAINS, response.shape[0]), np.int64)
    for chain in range(_CHAINS):
        if chain < 2:
            starts[chain] = (1, top)[chain]
        else:
            cut = 0.15 + 0.6 * (chain - 2) / (_CHAINS - 3)
            starts[chain] = np.where(height > cut, top, 1)
    starts[:, cells.beyond_m > 0] = 0
    return starts


def _belief(cells: Cells) -> NDArray[np.float64]:
    """Log prior of each cell not being mine, and of being mine, by the drawn outline."""
    steps = cells.beyond_m / constant("outline_error_m")
    belief = np.column_stack([log_ndtr(steps), log_ndtr(-steps)])
    return np.asarray(np.maximum(belief, -10.0), float)


def _restored(
    cells: Cells,
    layers: list[Layer],
    levels: NDArray[np.float64],
    labels: NDArray[np.uint8],
    seed: int,
) -> ZoneDraws:
    n_draws, n_labels = levels.shape[:2]
    hot = np.stack([labels == zone for zone in range(n_labels)]).astype(float)
    area = (hot @ cells.ground_ha).T
    seen = np.stack([np.asarray((cells.response.T @ zone.T).T) for zone in hot], axis=1)
    random = np.random.default_rng([seed, 2])
    area, seen = area[:, 1:], seen[:, 1:]
    way = np.empty((n_draws, n_labels - 1, len(layers)))
    early, loss = np.empty_like(way), np.empty_like(way)
    for m, layer in enumerate(layers):
        way[:, :, m], early[:, :, m], loss[:, :, m] = _way_back(
            layer, levels[:, 1:, m], seen, random
        )
    # regrowth does not look just like the reference, here and in each zone
    off = random.normal(0.0, constant("level_error"), (n_draws, 1, 1))
    off = off + random.normal(0.0, constant("zone_error"), (n_draws, n_labels - 1, 1))
    way, early = way + off * (way > 0), early + off * (early > 0)
    near = constant("zone_merge")
    merge_zones(way, area, near)
    merge_zones(early, area, near)
    least = way.min(axis=2)
    restored = least >= constant("recovered_threshold")
    green = restored & (early.min(axis=2) >= constant("recovered_threshold"))
    restored_ha = (area * restored).sum(axis=1)
    total = np.maximum(area.sum(axis=1), 1e-9)
    return ZoneDraws(
        restored_ha,
        (area * green).sum(axis=1),
        (area * least).sum(axis=1) / total,
        float(((area * loss.max(axis=2)).sum(axis=1) / total).mean()),
        (seen * restored[:, :, None]).sum(axis=1).mean(axis=0),
        _mixing(restored_ha),
        np.einsum("zdc,dz->c", hot[1:], restored.astype(float)) / n_draws,
        np.einsum("zdc,dz->c", hot[1:], least) / n_draws,
    )


def _way_back(
    layer: Layer,
    level: NDArray[np.float64],
    seen: NDArray[np.float64],
    random: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Way back of each zone now and early, and its loss; (draw, zone) each.

    The way is gain / (1 - trough), and 1 - trough = (1 - before) + loss: the loss, like
    the gain, is a difference in which static surroundings cancel.
    """
    courses = layer.courses
    known = np.isfinite(courses.before)
    before = np.where(known, courses.before, 1.0)
    loss = _through(seen, before - courses.trough)
    early_gain = _through(seen, layer.early - courses.trough)
    weight = seen**2
    mass = np.maximum(weight.sum(axis=2), 1e-9)
    level_before = (weight @ before) / mass
    var_trough = (weight**2 @ courses.var_trough) / mass**2 * constant("noise_inflation")
    n = level.shape[0]
    shared = random.multivariate_normal([0.0, 0.0], courses.common, n)
    reference_error = random.normal(0.0, layer.reference_error, (n, 1))
    trough_error = shared[:, :1] + random.normal(size=level.shape) * np.sqrt(var_trough)
    depth = np.maximum(1 - level_before + loss - trough_error, _DEEPEST)
    gain = level + shared[:, 1:] - shared[:, :1] - reference_error
    damaged = loss >= constant("damaged_loss_min")
    bend = random.normal(0.0, layer.brightness_error, (n, 1))
    way = np.where(damaged, _bent(gain / depth, bend), 0.0)
    early = np.where(damaged, _bent(early_gain / depth, bend), 0.0)
    return way, early, loss


def _bent(share: NDArray[np.float64], error: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of cover had the log of the brightness ratio been this much larger."""
    inside = np.clip(share, 0.0, 1.0)
    return share + error * inside * (1 - inside)


def _through(seen: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Level of each zone such that the blurred sum of zones is nearest to `values`."""
    normal = seen @ seen.transpose(0, 2, 1)
    ridge = 0.05 * np.eye(normal.shape[1])
    moment = seen @ np.where(np.isfinite(values), values, 0.0)
    levels = np.linalg.solve(normal + ridge, moment[:, :, None])[:, :, 0]
    return levels.astype(np.float64, copy=False)


def _mixing(values: NDArray[np.float64]) -> float:
    """Potential scale reduction over the chains."""
    chains = values.reshape(_CHAINS, -1)
    within = float(chains.var(axis=1, ddof=1).mean())
    between = float(chains.mean(axis=1).var(ddof=1))
    if within + between < 1e-12:
        return 1.0
    n = chains.shape[1]
    return float(np.sqrt(((n - 1) / n * within + between) / max(within, 1e-12)))
