"""The rule that turns draws into a verdict and a reason."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reverdure.core.codes import ClaimStatus, Reason, Verdict
from reverdure.recovery.calibration import interval
from reverdure.recovery.constants import constant
from reverdure.recovery.measure import Measurement

_VERDICT_WITHOUT_NUMBER = {
    Reason.NO_FIT_REFERENCE: Verdict.NO_REFERENCE,
    Reason.REFERENCE_NOT_SEPARABLE: Verdict.NO_REFERENCE,
    Reason.DAMAGE_TOO_SHORT: Verdict.UNDECIDED,
}
# share of the claim that came back before its start, above which that is said
_SOME_GREEN = 0.05


@dataclass(frozen=True, slots=True)
class Judgement:
    """Verdict on one claim with its numbers, [ha]; NaN where there are none."""

    verdict: Verdict
    reason: Reason
    status: ClaimStatus
    restored_ha: float = np.nan
    low_ha: float = np.nan
    high_ha: float = np.nan
    p_supported: float = np.nan
    p_not_supported: float = np.nan
    flags: tuple[str, ...] = ()

    @classmethod
    def without_number(cls, verdict: Verdict, reason: Reason) -> "Judgement":
        """A verdict that no measurement stands behind."""
        return cls(verdict, reason, ClaimStatus.NOT_MEASURED)


def judge(found: Measurement, claimed_ha: float, share: float, overlapped: bool) -> Judgement:
    """Judge one claim.

    Parameters
    ----------
    found : Measurement
        Of the claim's ground.
    claimed_ha : float
    share : float
        Part of the ground's hectares that falls to this claim; 1 unless shared.
    overlapped : bool
        Whether an earlier claim stands on the same ground.

    Examples
    --------
    >>> import numpy as np
    >>> from reverdure.recovery.zones import ZoneDraws
    >>> area = np.full(400, 2.9)
    >>> draws = ZoneDraws(area, 0 * area, 0 * area, 1.0, *[np.ones(1)] * 4)
    >>> seen = Measurement(Reason.MEASURED, draws, clear_years_since=5, n_pixels=33.0)
    >>> judge(seen, 3.0, 1.0, False).verdict.key
    'supported'
    >>> judge(seen, 10.0, 1.0, False).verdict.key
    'partly_supported'
    """
    if found.reason is Reason.NEVER_DAMAGED:
        return Judgement(
            Verdict.NOT_SUPPORTED, found.reason, ClaimStatus.SET_BY_RULE, 0.0, 0.0, 0.0, 0.0, 1.0
        )
    if found.draws is None:
        verdict = _VERDICT_WITHOUT_NUMBER.get(found.reason, Verdict.NO_DATA)
        return Judgement.without_number(verdict, found.reason)
    all_ha = found.draws.restored_ha * share
    green_ha = found.draws.green_before_ha * share
    paid_ha = all_ha - green_ha
    p_enough, p_no = _probabilities(paid_ha, claimed_ha)
    verdict = verdict_by_rule(p_enough, p_no)
    some_green = bool(green_ha.mean() > _SOME_GREEN * claimed_ha)
    decides = verdict is not verdict_by_rule(*_probabilities(all_ha, claimed_ha))
    is_green = some_green and (decides or bool(green_ha.mean() > 0.5 * all_ha.mean()))
    verdict, reason = _reasoned(verdict, found, is_green, overlapped)
    outside = found.outside_ha >= constant("outside_share") * found.ground_ha
    flags = [
        reason_seen.key
        for reason_seen, seen in (
            (Reason.DAMAGE_BEFORE_RECORD, found.before_record),
            (Reason.LOST_AGAIN, found.lost_again),
            (Reason.GREEN_BEFORE_CLAIM, some_green),
            (Reason.DAMAGE_OUTSIDE, outside),
        )
        if seen
    ]
    low, high = interval(paid_ha, found.n_pixels, claimed_ha, found.ground_ha * share)
    return Judgement(
        verdict,
        reason,
        ClaimStatus.MEASURED,
        float(paid_ha.mean()),
        low,
        high,
        p_enough,
        p_no,
        tuple(flags),
    )


def _probabilities(area_ha: NDArray[np.float64], claimed_ha: float) -> tuple[float, float]:
    """Share of the draws with >= 0.8 of the claim, and with < 0.2 of it."""
    # an area that equals the bound must not miss it by rounding
    enough = area_ha >= (constant("supported_share") - 1e-9) * claimed_ha
    little = area_ha < constant("not_supported_share") * claimed_ha
    return float(enough.mean()), float(little.mean())


def verdict_by_rule(p_enough: float, p_no: float) -> Verdict:
    """Verdict that two probabilities give.

    Parameters
    ----------
    p_enough, p_no : float
        Probability of at least 0.8 of the claim, and of less than 0.2 of it.

    Examples
    --------
    >>> verdict_by_rule(0.95, 0.0).key, verdict_by_rule(0.0, 0.5).key
    ('supported', 'undecided')
    """
    certainty = constant("certainty")
    if p_enough >= certainty:
        return Verdict.SUPPORTED
    if p_no >= certainty:
        return Verdict.NOT_SUPPORTED
    if 1 - p_enough >= certainty and 1 - p_no >= certainty:
        return Verdict.PARTLY_SUPPORTED
    return Verdict.UNDECIDED


def _reasoned(
    verdict: Verdict, found: Measurement, is_green: bool, overlapped: bool
) -> tuple[Verdict, Reason]:
    """Verdict that stands, with the first reason that applies."""
    too_early = found.clear_years_since < constant("min_clear_years")
    if too_early and verdict is not Verdict.SUPPORTED:
        return Verdict.TOO_EARLY, Reason.TOO_FEW_YEARS
    open_or_paid = (Verdict.SUPPORTED, Verdict.PARTLY_SUPPORTED, Verdict.UNDECIDED)
    if overlapped and verdict in open_or_paid:
        return Verdict.UNDECIDED, Reason.OVERLAPS_OTHER_CLAIM
    if is_green:
        # more than half of what came back, or what the verdict hangs on
        return verdict, Reason.GREEN_BEFORE_CLAIM
    if found.lost_again and verdict is not Verdict.SUPPORTED:
        return verdict, Reason.LOST_AGAIN
    if verdict is Verdict.UNDECIDED:
        return verdict, Reason.INTERVAL_TOO_WIDE
    if found.before_record:
        return verdict, Reason.DAMAGE_BEFORE_RECORD
    return verdict, Reason.MEASURED
