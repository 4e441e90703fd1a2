"""Probabilities of verdicts after what the field found; the verdicts themselves stay.

A calibration line in the logit of the restored share (Cox 1958, Biometrika 45:562-565,
doi:10.1093/biomet/45.3-4.562; Platt 1999, in Advances in Large Margin Classifiers) with a
third parameter that widens the draws of each claim. All three have priors at "the
satellite is right", so that few answers move little, and two are one-sided: answers may
flatten probabilities and widen intervals, never sharpen them beyond what a claim's own
plots say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit, logsumexp, softmax

from reverdure.recovery.constants import constant
from reverdure.recovery.field_sample import field_constant
from reverdure.recovery.judge import verdict_by_rule

_EDGE = 0.005
_SHIFTS = np.linspace(-3.0, 3.0, 25)
_LOG_SLOPES = np.linspace(-1.5, 0.0, 7)
_LOG_WIDTHS = np.linspace(0.0, 1.5, 7)
_KEPT_DRAWS = 300


@dataclass(frozen=True, slots=True)
class ClaimDraws:
    """One claim as the satellite sees it and as the field found it.

    Attributes
    ----------
    claim_id : str
    share : (quantile,) float64
        Equally likely values of the restored share of its ground.
    enough, little : float
        Shares of the ground that 0.8 and 0.2 of the claimed area are.
    plots, restored : float
        Answers on its ground, and those that found it restored; fractional where plots
        do not weigh alike.
    """

    claim_id: str
    share: NDArray[np.float64]
    enough: float
    little: float
    plots: float = 0.0
    restored: float = 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """Posterior of the calibration line: equally likely shifts, slopes and widths."""

    shift: NDArray[np.float64]
    slope: NDArray[np.float64]
    width: NDArray[np.float64]

    def at(self, share: Sequence[float]) -> pd.DataFrame:
        """Restored share to expect where the satellite gives `share`: value, low, high.

        Examples
        --------
        >>> right = Line(np.zeros(1), np.ones(1), np.ones(1))
        >>> right.at([0.25]).round(3).to_numpy().tolist()
        [[0.25, 0.25, 0.25, 0.25]]
        """
        p = np.asarray(share, float)
        values = expit(self.shift + self.slope * logit(_inside(p))[:, None])
        low, high = np.quantile(values, (0.025, 0.975), axis=1)
        return pd.DataFrame({"share": p, "value": values.mean(axis=1), "low": low, "high": high})


def calibration_line(claims: Sequence[ClaimDraws], seed: int = 0) -> Line:
    """What the answers say of the satellite's shares.

    Parameters
    ----------
    claims : sequence of ClaimDraws
        Those without plots say nothing.
    seed : int, default 0

    Returns
    -------
    Line
        Draws from the posterior on a grid. Prior deviations: `data/field.toml`.

    Notes
    -----
    Restored share of claim c under (a, b, w), for each of its draws s with centre m:
    logit = a + b logit(m) + w (logit(s) - logit(m)); plots are binomial given that share
    and are averaged over the draws.
    """
    seen = [claim for claim in claims if claim.plots > 0]
    grid = np.array(list(product(_SHIFTS, _LOG_SLOPES, _LOG_WIDTHS)))
    shift, slope, width = grid[:, 0], np.exp(grid[:, 1]), np.exp(grid[:, 2])
    scale = [field_constant(f"{name}_sd") for name in ("shift", "log_slope", "log_precision")]
    # a width of w is a precision of 1 / w**2
    log_p = -0.5 * (
        (grid[:, 0] / scale[0]) ** 2
        + (grid[:, 1] / scale[1]) ** 2
        + (2 * grid[:, 2] / scale[2]) ** 2
    )
    for claim in seen:
        shares = _moved(claim.share, shift, slope, width)
        log_p += logsumexp(_log_binomial(claim, shares), axis=1)
    weight = np.exp(log_p - log_p.max())
    chosen = np.random.default_rng(seed).choice(
        weight.size, size=_KEPT_DRAWS, p=weight / weight.sum()
    )
    return Line(shift[chosen], slope[chosen], width[chosen])


def recalibrated(claims: Sequence[ClaimDraws], line: Line) -> pd.DataFrame:
    """Probabilities of each claim after the field, and the verdict they would give.

    Parameters
    ----------
    claims : sequence of ClaimDraws
    line : Line

    Returns
    -------
    DataFrame
        claim_id; p_supported, p_not_supported with _low and _high (95 % over what the
        answers leave open of the line); verdict (key) by the rule of the satellite's
        verdicts; restored_share (mean).

    Examples
    --------
    >>> claim = ClaimDraws("C1", np.linspace(0.7, 0.95, 41), 0.8, 0.2)
    >>> right = Line(np.zeros(1), np.ones(1), np.ones(1))
    >>> recalibrated([claim], right).p_supported.round(2).tolist()
    [0.61]
    """
    rows = []
    for claim in claims:
        shares = _moved(claim.share, line.shift, line.slope, line.width)
        weight = softmax(_log_binomial(claim, shares), axis=1)
        # an area that equals the bound must not miss it by rounding
        enough = ((shares >= claim.enough - 1e-9) * weight).sum(axis=1)
        little = ((shares < claim.little) * weight).sum(axis=1)
        row: dict[str, object] = {"claim_id": claim.claim_id}
        # so few draws cannot tell a smaller chance from none
        least = 0.5 / claim.share.size
        enough, little = (np.clip(values, least, 1 - least) for values in (enough, little))
        for name, values in (("p_supported", enough), ("p_not_supported", little)):
            low, high = np.quantile(values, (0.025, 0.975))
            row |= {name: float(values.mean()), f"{name}_low": float(low),
                    f"{name}_high": float(high)}  # fmt: skip
        verdict = verdict_by_rule(float(enough.mean()), float(little.mean()))
        mean = float((shares * weight).sum(axis=1).mean())
        rows.append(row | {"verdict": verdict.key, "restored_share": mean})
    columns = [f"{p}{end}" for p in ("p_supported", "p_not_supported")
               for end in ("", "_low", "_high")]  # fmt: skip
    return pd.DataFrame(rows, columns=["claim_id", *columns, "verdict", "restored_share"])


def bounds_of_claim(claimed_ha: float, ground_ha: float) -> tuple[float, float]:
    """Shares of the ground that make a claim supported, and not supported.

    Examples
    --------
    >>> bounds_of_claim(2.0, 4.0)
    (0.4, 0.1)
    """
    return (
        constant("supported_share") * claimed_ha / ground_ha,
        constant("not_supported_share") * claimed_ha / ground_ha,
    )


def _inside(share: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.clip(share, _EDGE, 1 - _EDGE)


def _moved(
    share: NDArray[np.float64],
    shift: NDArray[np.float64],
    slope: NDArray[np.float64],
    width: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Shares under each line, (line, quantile); the line at rest changes none."""
    z = logit(_inside(share))
    middle = logit(_inside(np.array(share.mean())))
    moved = shift[:, None] + slope[:, None] * middle + width[:, None] * (z - middle)
    values = expit(moved)
    rests = (shift == 0) & (slope == 1) & (width == 1)
    values[rests] = share
    return np.asarray(values)


def _log_binomial(claim: ClaimDraws, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log likelihood of the claim's answers at each share, without the constant."""
    if claim.plots == 0:
        return np.zeros_like(shares)
    inside = _inside(shares)
    return np.asarray(
        claim.restored * np.log(inside) + (claim.plots - claim.restored) * np.log1p(-inside)
    )
