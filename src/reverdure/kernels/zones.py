"""Posterior of a label field: which cells form a zone, and each zone's level.

Data are gains of pixels, g[i] = sum_c response[i, c] * level[label[c], layer[i]] + error,
for layers (indices) that share one field of labels with a Potts prior. Label 0 is land
that is not mine: its level is 0. Gibbs sampling: labels one by one, levels as truncated
normals, the extra deviation tau on a grid.
"""

import math

import numpy as np
from numpy.typing import NDArray

from reverdure.kernels.compiled import compiled

_NO_DOUBT = -9.5
_NEVER = -30.0


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
def _by_layer(
    sparse: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]],
    layer: NDArray[np.int64],
    n_layers: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Entries of each cell sorted by layer: where each layer's begin (cell, layer + 1), and they.

    The innermost loop then adds up one number, a third faster.
    """
    pointer, observation, response = sparse
    n_cells = pointer.size - 1
    part = np.empty((n_cells, n_layers + 1), np.int64)
    observation_out, response_out = np.empty_like(observation), np.empty_like(response)
    place = 0
    for cell in range(n_cells):
        for m in range(n_layers):
            part[cell, m] = place
            for j in range(pointer[cell], pointer[cell + 1]):
                if layer[observation[j]] == m:
                    observation_out[place] = observation[j]
                    response_out[place] = response[j]
                    place += 1
        part[cell, n_layers] = place
    return part, observation_out, response_out


@compiled
def _add_response(
    seen: NDArray[np.float64],
    pointer: NDArray[np.int64],
    observation: NDArray[np.int64],
    response: NDArray[np.float64],
    label: NDArray[np.int64],
) -> None:
    """Fill (zone, observation) with the summed response of each zone's cells. Written."""
    seen[:] = 0.0
    for cell in range(label.size):
        for j in range(pointer[cell], pointer[cell + 1]):
            seen[label[cell], observation[j]] += response[j]


@compiled
def _draw_tau(
    residual: NDArray[np.float64],
    variance: NDArray[np.float64],
    inflation: NDArray[np.float64],
    group: NDArray[np.int64],
    prior_tau: float,
    precision: NDArray[np.float64],
    random: np.random.Generator,
) -> None:
    """Draw the tau of each group on a grid given the residuals; `precision` is written."""
    n_grid = 9
    log_p = np.empty(n_grid)
    for g in range(group.max() + 1):
        for k in range(n_grid):
            tau2 = (prior_tau * 2.0 ** (0.5 * (k - 4))) ** 2
            # inverse gamma with shape 3 and mean prior_tau^2, on a grid even in log tau
            log_p[k] = -3.0 * math.log(tau2) - 2.0 * prior_tau**2 / tau2
            product = 1.0
            for i in range(residual.size):
                if group[i] == g:
                    total = inflation[i] * (variance[i] + tau2)
                    log_p[k] -= 0.5 * residual[i] ** 2 / total
                    # one logarithm for many factors, taken before the product leaves its range
                    product *= total
                    if not 1e-200 < product < 1e200:
                        log_p[k] -= 0.5 * math.log(product)
                        product = 1.0
            log_p[k] -= 0.5 * math.log(product)
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
            if group[i] == g:
                precision[i] = 1.0 / (inflation[i] * (variance[i] + tau2))


@compiled
def _draw_levels(
    level: NDArray[np.float64],
    seen: NDArray[np.float64],
    residual: NDArray[np.float64],
    precision: NDArray[np.float64],
    layer: NDArray[np.int64],
    bounds: NDArray[np.float64],
    random: np.random.Generator,
) -> None:
    """Draw the levels of all zones but 0; `level` and `residual` are written."""
    n_zones, n_layers = level.shape
    low, high = bounds[0], bounds[1]
    for zone in range(1, n_zones):
        for m in range(n_layers):
            a = 0.0
            b = 1e-9
            old = level[zone, m]
            for i in range(residual.size):
                if layer[i] == m:
                    x = seen[zone, i] * precision[i]
                    a += x * (residual[i] + seen[zone, i] * old)
                    b += x * seen[zone, i]
            if b < 1e-3:
                new = low + (high - low) * random.random()
            else:
                new = _truncated_normal(random, a / b, 1.0 / math.sqrt(b), low, high)
            level[zone, m] = new
            for i in range(residual.size):
                if layer[i] == m:
                    residual[i] -= seen[zone, i] * (new - old)


@compiled
def _draw_labels(
    label: NDArray[np.int64],
    level: NDArray[np.float64],
    weighted: NDArray[np.float64],
    seen: NDArray[np.float64],
    precision: NDArray[np.float64],
    squared: NDArray[np.float64],
    part: NDArray[np.int64],
    observation: NDArray[np.int64],
    response: NDArray[np.float64],
    neighbour: NDArray[np.int64],
    belief: NDArray[np.float64],
    beta: float,
    random: np.random.Generator,
) -> None:
    """Draw the label of each cell given all others; `label`, `weighted`, `seen` are written.

    `weighted` is precision times residual, `squared` (cell, layer) the precision with which
    a cell is seen.
    """
    n_zones, n_layers = level.shape
    moment = np.empty(n_layers)
    log_p = np.empty(n_zones)
    for cell in range(label.size):
        old_label = label[cell]
        for m in range(n_layers):
            total = 0.0
            for j in range(part[cell, m], part[cell, m + 1]):
                total += response[j] * weighted[observation[j]]
            moment[m] = total
        # where the outline leaves no doubt, land that is not mine is not tried
        first = 1 if belief[cell, 0] < _NO_DOUBT else 0
        for zone in range(first, n_zones):
            value = belief[cell, 1 if zone > 0 else 0]
            for m in range(n_layers):
                delta = level[zone, m] - level[old_label, m]
                value += delta * (moment[m] - 0.5 * delta * squared[cell, m])
            log_p[zone] = value
        for side in range(4):
            other = neighbour[cell, side]
            if other >= 0:
                log_p[label[other]] += beta
        top = -np.inf
        for zone in range(first, n_zones):
            top = max(top, log_p[zone])
        total = 0.0
        for zone in range(first, n_zones):
            # what is under 1e-13 is never drawn
            below = log_p[zone] - top
            log_p[zone] = math.exp(below) if below > _NEVER else 0.0
            total += log_p[zone]
        threshold = random.random() * total
        new_label = first
        passed = log_p[first]
        while passed < threshold and new_label < n_zones - 1:
            new_label += 1
            passed += log_p[new_label]
        if new_label != old_label:
            label[cell] = new_label
            for m in range(n_layers):
                delta = level[new_label, m] - level[old_label, m]
                for j in range(part[cell, m], part[cell, m + 1]):
                    i = observation[j]
                    weighted[i] -= precision[i] * response[j] * delta
                    seen[old_label, i] -= response[j]
                    seen[new_label, i] += response[j]


@compiled
def sample_zones(
    gain: NDArray[np.float64],
    variance: NDArray[np.float64],
    inflation: NDArray[np.float64],
    kind: NDArray[np.int64],
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
    gain : (observation) float64
        Gains of pixels, of all layers and sensors; no NaN (an unseen pixel has a huge
        variance).
    variance, inflation : (observation) float64
        Squared standard errors, and the factor for errors that neighbours share.
    kind : (2, observation) int64
        Layer whose level an observation sees, and group with which it shares tau.
    sparse : pointer (cell + 1) int64, observation (entry) int64, response (entry) float64
        Observations that see each cell, and the share of their signal it gives.
    neighbour : (cell, 4) int64
        Neighbouring cells, -1 for none.
    belief : (cell, 2) float64
        Log prior of each cell not being mine, and of being mine.
    start : (chain, cell) int64
        First labels of each chain.
    prior : (4,) float64
        Lowest level, highest level, Potts strength, prior tau.
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
    One sweep costs (cells x observations per cell) multiplications.
    """
    beta, prior_tau = prior[2], prior[3]
    n_zones, n_burn, n_between, n_draws = schedule[0], schedule[1], schedule[2], schedule[3]
    pointer = sparse[0]
    layer, group = kind[0], kind[1]
    n_layers = layer.max() + 1
    n_cells = neighbour.shape[0]
    seen = np.empty((n_zones, gain.size))
    residual = np.empty(gain.size)
    precision = np.empty(gain.size)
    weighted = np.empty(gain.size)
    part, observation, response = _by_layer(sparse, layer, n_layers)
    level = np.empty((n_zones, n_layers))
    squared = np.empty((n_cells, n_layers))
    for chain in range(start.shape[0]):
        label = start[chain].copy()
        for zone in range(n_zones):
            level[zone] = (zone - 1) / max(n_zones - 2, 1) if zone > 0 else 0.0
        for i in range(gain.size):
            precision[i] = 1.0 / (inflation[i] * (variance[i] + prior_tau**2))
        for sweep in range(n_burn + n_between * n_draws):
            if sweep % 4 == 0:
                # the sums are made anew, so that rounding cannot pile up
                _add_response(seen, pointer, observation, response, label)
            for i in range(gain.size):
                residual[i] = gain[i]
                for zone in range(1, n_zones):
                    residual[i] -= seen[zone, i] * level[zone, layer[i]]
            _draw_levels(level, seen, residual, precision, layer, prior[:2], random)
            if sweep % 4 == 0:
                _draw_tau(residual, variance, inflation, group, prior_tau, precision, random)
                squared[:] = 0.0
                for cell in range(n_cells):
                    for j in range(pointer[cell], pointer[cell + 1]):
                        i = observation[j]
                        squared[cell, layer[i]] += precision[i] * response[j] ** 2
            for i in range(gain.size):
                weighted[i] = precision[i] * residual[i]
            _draw_labels(
                label, level, weighted, seen, precision, squared, part, observation, response,
                neighbour, belief, beta, random,
            )  # fmt: skip
            if sweep >= n_burn and (sweep - n_burn + 1) % n_between == 0:
                draw = (sweep - n_burn) // n_between
                level_out[chain, draw] = level
                for cell in range(n_cells):
                    label_out[chain, draw, cell] = label[cell]


@compiled
def merge_zones(way: NDArray[np.float64], area: NDArray[np.float64], near: float) -> None:
    """Give zones that are near each other their common mean, the nearest first.

    Parameters
    ----------
    way : (draw, zone, layer) float64
        Written.
    area : (draw, zone) float64
        Zones without area are left alone.
    near : float
        Zones that differ by less in every layer are one; their order is that of the
        first layer.
    """
    n_draws, n_zones, n_layers = way.shape
    group = np.empty(n_zones, np.int64)
    for draw in range(n_draws):
        n = 0
        for zone in range(n_zones):
            group[zone] = zone
            n += area[draw, zone] > 0
        while n > 1:
            best = near
            one = two = -1
            for a in range(n_zones):
                if area[draw, a] <= 0 or group[a] != a:
                    continue
                # the next group above a in the first layer
                above = -1
                for b in range(n_zones):
                    if b == a or area[draw, b] <= 0 or group[b] != b:
                        continue
                    higher = way[draw, b, 0] > way[draw, a, 0] or (
                        way[draw, b, 0] == way[draw, a, 0] and b > a
                    )
                    if higher and (above < 0 or way[draw, b, 0] < way[draw, above, 0]):
                        above = b
                if above < 0:
                    continue
                step = 0.0
                for layer in range(n_layers):
                    step = max(step, abs(way[draw, above, layer] - way[draw, a, layer]))
                if step < best:
                    best, one, two = step, a, above
            if one < 0:
                break
            for layer in range(n_layers):
                total = mass = 0.0
                for zone in range(n_zones):
                    if area[draw, zone] > 0 and (group[zone] == one or group[zone] == two):
                        total += area[draw, zone] * way[draw, zone, layer]
                        mass += area[draw, zone]
                for zone in range(n_zones):
                    if area[draw, zone] > 0 and (group[zone] == one or group[zone] == two):
                        way[draw, zone, layer] = total / mass
            for zone in range(n_zones):
                if group[zone] == two:
                    group[zone] = one
            n -= 1


def warm_up() -> None:
    """Compile the kernels once, or load them from the cache."""
    merge_zones(np.zeros((1, 2, 1)), np.ones((1, 2)), 0.1)
    sample_zones(
        np.ones(1),
        np.ones(1),
        np.ones(1),
        np.zeros((2, 1), np.int64),
        (np.array([0, 1, 2], np.int64), np.zeros(2, np.int64), np.full(2, 0.5)),
        np.full((2, 4), -1, np.int64),
        np.zeros((2, 2)),
        np.zeros((1, 2), np.int64),
        np.array([-0.05, 1.2, 1.3, 0.05]),
        np.array([2, 1, 1, 1], np.int64),
        np.random.default_rng(0),
        np.empty((1, 1, 2, 1)),
        np.empty((1, 1, 2), np.uint8),
    )
