"""Posterior of a label field: which cells form a zone, and each zone's level.

Data are gains of pixels, g[m, i] = sum_c response[i, c] * level[label[c], m] + error,
for m layers (indices) that share one field of labels with a Potts prior. Label 0 is land
that is not mine: its level is 0. Gibbs sampling: labels one by one, levels as truncated
normals, the extra deviation tau on a grid.
"""

import math

import numpy as np
from numpy.typing import NDArray

from reverdure.kernels.compiled import compiled


@compiled
def _truncated_normal(
    random: np.random.Generator, mean: float, deviation: float, low: float, high: float
) -> float:
    """One draw; by rejection, and at the nearer bound where that has no hope."""
    for _ in range(64):
        value = random.normal(mean, deviation)
        if low <= value <= high:
            return value
    return min(max(mean, low), high)


@compiled
def _add_response(
    pixel_sum: NDArray[np.float64],
    pointer: NDArray[np.int64],
    pixel: NDArray[np.int64],
    response: NDArray[np.float64],
    label: NDArray[np.int64],
) -> None:
    """Fill (zone, pixel) with the summed response of each zone's cells. Written."""
    pixel_sum[:] = 0.0
    for cell in range(label.size):
        for j in range(pointer[cell], pointer[cell + 1]):
            pixel_sum[label[cell], pixel[j]] += response[j]


@compiled
def _draw_tau(
    residual: NDArray[np.float64],
    variance: NDArray[np.float64],
    inflation: float,
    prior_tau: float,
    precision: NDArray[np.float64],
    random: np.random.Generator,
) -> None:
    """Draw tau on a grid given the residuals of one layer; `precision` is written."""
    n_grid = 9
    log_p = np.empty(n_grid)
    for k in range(n_grid):
        tau2 = (prior_tau * 2.0 ** (0.5 * (k - 4))) ** 2
        # inverse gamma with shape 3 and mean prior_tau^2, on a grid even in log tau
        log_p[k] = -3.0 * math.log(tau2) - 2.0 * prior_tau**2 / tau2
        for i in range(residual.size):
            total = inflation * (variance[i] + tau2)
            log_p[k] -= 0.5 * (math.log(total) + residual[i] ** 2 / total)
    top = log_p.max()
    weight = np.exp(log_p - top)
    threshold = random.random() * weight.sum()
    chosen = 0
    passed = weight[0]
    while passed < threshold and chosen < n_grid - 1:
        chosen += 1
        passed += weight[chosen]
    tau2 = (prior_tau * 2.0 ** (0.5 * (chosen - 4))) ** 2
    for i in range(residual.size):
        precision[i] = 1.0 / (inflation * (variance[i] + tau2))


@compiled
def sample_zones(
    gain: NDArray[np.float64],
    variance: NDArray[np.float64],
    sparse: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]],
    neighbour: NDArray[np.int64],
    belief: NDArray[np.float64],
    start: NDArray[np.int64],
    prior: NDArray[np.float64],
    schedule: NDArray[np.int64],
    random: np.random.Generator,
    level_out: NDArray[np.float64],
    label_out: NDArray[np.uint8],
) -> None:
    """Draw label fields and zone levels, several chains one after another.

    Parameters
    ----------
    gain : (layer, pixel) float64
        Gains; no NaN (an unseen pixel has a huge variance).
    variance : (layer, pixel) float64
        Squared standard errors of the gains.
    sparse : pointer (cell + 1) int64, pixel (entry) int64, response (entry) float64
        Pixels that see each cell, and the share of its signal they receive.
    neighbour : (cell, 4) int64
        Neighbouring cells, -1 for none.
    belief : (cell, 2) float64
        Log prior of each cell not being mine, and of being mine.
    start : (chain, cell) int64
        First labels of each chain.
    prior : (5,) float64
        Lowest level, highest level, Potts strength, variance inflation, prior tau.
    schedule : (4,) int64
        Labels, sweeps before the first draw, sweeps per draw, draws.
    random : Generator
        All chance comes from it, so threads and order change nothing.
    level_out : (chain, draw, zone, layer) float64
        Written.
    label_out : (chain, draw, cell) uint8
        Written.

    Notes
    -----
    One sweep costs (cells x pixels per cell) multiplications.
    """
    low, high, beta, inflation, prior_tau = prior[0], prior[1], prior[2], prior[3], prior[4]
    n_zones, n_burn, n_between, n_draws = schedule[0], schedule[1], schedule[2], schedule[3]
    pointer, pixel, response = sparse
    n_layers, n_pixels = gain.shape
    n_cells = neighbour.shape[0]
    seen = np.empty((n_zones, n_pixels))
    residual = np.empty((n_layers, n_pixels))
    precision = np.empty((n_layers, n_pixels))
    level = np.empty((n_zones, n_layers))
    weighted = np.empty(n_layers)
    squared = np.empty((n_layers, n_cells))
    log_p = np.empty(n_zones)
    for chain in range(start.shape[0]):
        label = start[chain].copy()
        for zone in range(n_zones):
            for layer in range(n_layers):
                level[zone, layer] = (zone - 1) / max(n_zones - 2, 1) if zone > 0 else 0.0
        for layer in range(n_layers):
            for i in range(n_pixels):
                precision[layer, i] = 1.0 / (inflation * (variance[layer, i] + prior_tau**2))
        for sweep in range(n_burn + n_between * n_draws):
            # the sums are made anew each sweep, so that rounding cannot pile up
            _add_response(seen, pointer, pixel, response, label)
            for layer in range(n_layers):
                for i in range(n_pixels):
                    predicted = 0.0
                    for zone in range(n_zones):
                        predicted += seen[zone, i] * level[zone, layer]
                    residual[layer, i] = gain[layer, i] - predicted
            for layer in range(n_layers):
                for zone in range(1, n_zones):
                    a = 0.0
                    b = 1e-9
                    old = level[zone, layer]
                    for i in range(n_pixels):
                        x = seen[zone, i] * precision[layer, i]
                        a += x * (residual[layer, i] + seen[zone, i] * old)
                        b += x * seen[zone, i]
                    if b < 1e-3:
                        new = low + (high - low) * random.random()
                    else:
                        new = _truncated_normal(random, a / b, 1.0 / math.sqrt(b), low, high)
                    level[zone, layer] = new
                    for i in range(n_pixels):
                        residual[layer, i] -= seen[zone, i] * (new - old)
            if sweep % 4 == 0:
                for layer in range(n_layers):
                    _draw_tau(
                        residual[layer],
                        variance[layer],
                        inflation,
                        prior_tau,
                        precision[layer],
                        random,
                    )
                for layer in range(n_layers):
                    for cell in range(n_cells):
                        b = 0.0
                        for j in range(pointer[cell], pointer[cell + 1]):
                            b += precision[layer, pixel[j]] * response[j] ** 2
                        squared[layer, cell] = b
            for cell in range(n_cells):
                old_label = label[cell]
                for layer in range(n_layers):
                    a = 0.0
                    for j in range(pointer[cell], pointer[cell + 1]):
                        i = pixel[j]
                        a += precision[layer, i] * residual[layer, i] * response[j]
                    weighted[layer] = a
                for zone in range(n_zones):
                    value = belief[cell, 1 if zone > 0 else 0]
                    for layer in range(n_layers):
                        delta = level[zone, layer] - level[old_label, layer]
                        value += (
                            delta * weighted[layer] - 0.5 * delta * delta * squared[layer, cell]
                        )
                    for side in range(4):
                        other = neighbour[cell, side]
                        if other >= 0 and label[other] == zone:
                            value += beta
                    log_p[zone] = value
                top = log_p.max()
                total = 0.0
                for zone in range(n_zones):
                    log_p[zone] = math.exp(log_p[zone] - top)
                    total += log_p[zone]
                threshold = random.random() * total
                new_label = 0
                passed = log_p[0]
                while passed < threshold and new_label < n_zones - 1:
                    new_label += 1
                    passed += log_p[new_label]
                if new_label != old_label:
                    label[cell] = new_label
                    for layer in range(n_layers):
                        delta = level[new_label, layer] - level[old_label, layer]
                        for j in range(pointer[cell], pointer[cell + 1]):
                            residual[layer, pixel[j]] -= response[j] * delta
            if sweep >= n_burn and (sweep - n_burn + 1) % n_between == 0:
                draw = (sweep - n_burn) // n_between
                for zone in range(n_zones):
                    for layer in range(n_layers):
                        level_out[chain, draw, zone, layer] = level[zone, layer]
                for cell in range(n_cells):
                    label_out[chain, draw, cell] = label[cell]


def warm_up() -> None:
    """Compile the sampler once, or load it from the cache."""
    pointer = np.array([0, 1, 2], np.int64)
    sample_zones(
        np.ones((1, 1)),
        np.ones((1, 1)),
        (pointer, np.zeros(2, np.int64), np.full(2, 0.5)),
        np.full((2, 4), -1, np.int64),
        np.zeros((2, 2)),
        np.zeros((1, 2), np.int64),
        np.array([-0.05, 1.2, 1.3, 2.5, 0.05]),
        np.array([2, 1, 1, 1], np.int64),
        np.random.default_rng(0),
        np.empty((1, 1, 2, 1)),
        np.empty((1, 1, 2), np.uint8),
    )
