"""Money of a project year by year: which source pays what, in which order; whole cents.

Grants pay works without a liable owner only; a loan pays what earns revenue only. A reward that
comes after acceptance leaves a gap, which is bridged where somebody may advance it and shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from reverdure.core.codes import CashStatus
from reverdure.core.errors import InvalidInput
from reverdure.finance.appraisal import annuity, loan_capacity
from reverdure.finance.tables import rule
from reverdure.finance.terms import CENTS

SOURCES = (
    "opening_cash", "revenue", "central", "province", "reward", "county", "enterprise", "social",
    "loan", "bridge", "from_debt_reserve",
)  # fmt: skip
USES = (
    "works", "owner_works", "industry_works", "aftercare", "taxes", "interest", "principal",
    "bridge_repaid", "debt_reserve", "reserve", "distribution", "closing_cash",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Year:
    """What one year needs, earns, and can get, [cents].

    Attributes
    ----------
    works, owner_works, industry_works : int
        Restoration without a liable owner, restoration a liable owner must pay, and what earns
        revenue.
    aftercare : int
        Of the works without a liable owner.
    accepted : int
        Works without a liable owner, at cost, that are accepted in this year.
    revenue : int
        Net of what it costs to earn it.
    county, enterprise, social, province : int
        Most that each brings in this year.
    central, loan : int or None
        The same; None: as much as shares, ceilings and cover allow. Central money that is given
        by the year pays aftercare too.
    reward : int or None
        What comes of rewards in this year; None: the share of what was accepted.
    """

    works: int = 0
    owner_works: int = 0
    industry_works: int = 0
    aftercare: int = 0
    accepted: int = 0
    revenue: int = 0
    county: int = 0
    enterprise: int = 0
    social: int = 0
    province: int = 0
    central: int | None = None
    loan: int | None = None
    reward: int | None = None


def _from_table(name: str) -> Any:
    return field(default_factory=lambda: rule(name))


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules of the sources; by default those of `data/financing.toml`, where each is sourced.

    Attributes
    ----------
    central_share, reward_share, feedback_share, loan_to_value : float
        Shares of works, of accepted works, of revenue that goes to the public part, and of the
        works that earn revenue a loan may pay.
    central_ceiling, loan_most, reserve : int
        [cents]
    bridge_share : float
        Share of the reward to come that somebody advances.
    reward_delay, loan_years : int
        [years]
    cover, loan_rate, bridge_rate, tax_rate : float
    reserve_months : float
    """

    central_share: float = _from_table("central_share")
    central_ceiling: int = field(default_factory=lambda: round(rule("central_ceiling")) * CENTS)
    reward_share: float = _from_table("reward_share")
    reward_delay: int = field(default_factory=lambda: round(rule("reward_delay")))
    bridge_share: float = 1.0
    feedback_share: float = 0.0
    cover: float = _from_table("cover")
    loan_rate: float = _from_table("loan_rate")
    loan_years: int = field(default_factory=lambda: round(rule("loan_years")))
    loan_most: int = 0
    loan_to_value: float = _from_table("loan_to_value")
    bridge_rate: float = _from_table("bridge_rate")
    reserve_months: float = _from_table("reserve_months")
    reserve: int = 0
    tax_rate: float = _from_table("tax_rate")

    def __post_init__(self) -> None:
        shares = {
            "central_share": self.central_share, "reward_share": self.reward_share,
            "bridge_share": self.bridge_share, "feedback_share": self.feedback_share,
            "tax_rate": self.tax_rate, "loan_to_value": self.loan_to_value,
        }  # fmt: skip
        for name, value in shares.items():
            if not 0 <= value <= 1:
                raise InvalidInput(f"{name} must lie in 0 to 1, got {value:g}.")
        if self.central_share + self.reward_share > 1:
            raise InvalidInput(
                f"central money and reward pay {self.central_share + self.reward_share:.0%} of the "
                "works together.",
                "Lower one of them: a hectare is paid once.",
            )
        least = (self.central_ceiling, self.loan_most, self.reserve, self.loan_rate,
                 self.bridge_rate, self.reserve_months)  # fmt: skip
        if min(least) < 0 or self.reward_delay < 1 or self.loan_years < 1 or not self.cover > 0:
            raise InvalidInput(
                "ceilings, rates and reserves cannot lie below 0; a reward comes 1 year after "
                "acceptance or later, a loan runs 1 year or more, a cover lies above 0."
            )


@dataclass(frozen=True, slots=True)
class Flow:
    """One year as it was paid, [cents].

    Attributes
    ----------
    sources, uses : dict of str to int
        In the order of `SOURCES` and `USES`; both add up to the same.
    unpaid : dict of str to int
        What was due and no source may or can pay, by use.
    loan_left, bridge_left, debt_reserve_left, reserve_left : int
        At the end of the year; `bridge_left` is the bridging gap.
    cover : float or None
        Cash available for debt service over it; None without debt service.
    grant_cash : int
        Part of the closing cash that only works without a liable owner may be paid from.
    status : CashStatus
    """

    sources: dict[str, int]
    uses: dict[str, int]
    unpaid: dict[str, int]
    loan_left: int
    bridge_left: int
    debt_reserve_left: int
    reserve_left: int
    cover: float | None
    grant_cash: int
    status: CashStatus


def waterfall(years: Sequence[Year], rules: Rules | None = None) -> tuple[Flow, ...]:
    """Run the money of a project through its years.

    Parameters
    ----------
    years : sequence of Year
        Consecutive.
    rules : Rules, optional

    Returns
    -------
    tuple of Flow
        One a year. What cannot be paid is `unpaid` and not caught up, but for debt service,
        which stays due.

    Raises
    ------
    InvalidInput
        If a sum lies below zero, more is accepted than was built, or there is no year.

    Notes
    -----
    Uses in this order: works, aftercare, taxes, interest, principal, reserve for debt service
    (months of the next year's), reserve, distribution. Nothing is distributed while works are to
    come, anything is owed or unpaid, or a reserve is not full. The loan is at most what keeps
    the cover in the worst year of repayment, which begins the year after the last works that
    earn revenue. What is not paid of the reward's advance by the reward stays as the gap.

    Examples
    --------
    Works of 100 in two years, 60 % central, 20 % reward two years later, 20 % county:

    >>> flows = waterfall([Year(works=10_000, county=2_000), Year(accepted=10_000), Year()],
    ...                   Rules(reward_share=0.2, bridge_rate=0.0))
    >>> {name: sum for name, sum in flows[0].sources.items() if sum}
    {'central': 6000, 'county': 2000, 'bridge': 2000}
    >>> [flow.bridge_left for flow in flows], [flow.status.key for flow in flows]
    ([2000, 2000, 0], ['bridged', 'bridged', 'balanced'])
    """
    rules = rules or Rules()
    _check(years)
    books = _Books(rules, _capacity(years, rules), _repayment(years, rules))
    return tuple(books.pay(years, t) for t in range(len(years)))


class _Books:
    """What is there and what is owed, carried from year to year."""

    def __init__(self, rules: Rules, capacity: int, repayment: range) -> None:
        self.rules, self.capacity, self.repayment = rules, capacity, repayment
        self.grant = self.free = self.debt_reserve = self.reserve = 0
        self.loan = self.bridge = self.central = self.built = self.arrears = self.instalment = 0
        self.rewards: dict[int, int] = {}
        self.got_reward = 0

    def pay(self, years: Sequence[Year], t: int) -> Flow:
        year, rules = years[t], self.rules
        self.sources, self.uses = dict.fromkeys(SOURCES, 0), dict.fromkeys(USES, 0)
        self.unpaid: dict[str, int] = {}
        self.limits = {"county": year.county, "enterprise": year.enterprise,
                       "social": year.social, "province": year.province}  # fmt: skip
        self.sources["opening_cash"] = self.grant + self.free
        came = self.rewards.pop(t, 0) if year.reward is None else year.reward
        self.sources["revenue"], self.sources["reward"] = year.revenue, came
        self.free += year.revenue
        self.grant += self.sources["reward"]
        self.got_reward += self.sources["reward"]
        due = t + rules.reward_delay
        self.rewards[due] = self.rewards.get(due, 0) + int(rules.reward_share * year.accepted)
        self.limits["feedback"] = int(rules.feedback_share * year.revenue)
        self._works(year)
        cover = self._debt(year, t)
        self._set_aside(years, t)
        self.uses["closing_cash"] = self.grant + self.free
        status = CashStatus.BRIDGED if self.bridge else CashStatus.BALANCED
        if self.unpaid:
            debt = {"interest", "principal", "taxes"} & set(self.unpaid)
            status = CashStatus.DEBT_UNPAID if debt else CashStatus.WORKS_UNPAID
        return Flow(
            self.sources, self.uses, self.unpaid, self.loan, self.bridge, self.debt_reserve,
            self.reserve, cover, self.grant, status,
        )  # fmt: skip

    def _works(self, year: Year) -> None:
        rules = self.rules
        self.built += year.works
        released = min(int(rules.central_share * self.built), rules.central_ceiling)
        self.limits["central"] = _within(released - self.central, year.central)
        to_come = int(rules.reward_share * self.built) - self.got_reward
        self.limits["bridge"] = max(int(rules.bridge_share * to_come) - self.bridge, 0)
        self.limits["loan"] = _within(self.capacity - self.loan, year.loan)
        public = ("grant", "central", "province", "county", "social", "feedback", "bridge")
        self._spend("works", year.works, public)
        self._spend("owner_works", year.owner_works, ("enterprise", "social", "free"))
        self._spend("industry_works", year.industry_works,
                    ("loan", "social", "enterprise", "free"))  # fmt: skip
        later = public[:-1] if year.central is not None else ("grant", *public[2:-1])
        self._spend("aftercare", year.aftercare, later)

    def _debt(self, year: Year, t: int) -> float | None:
        rules, opening = self.rules, self.loan - self.sources["loan"]
        on_loan = round(rules.loan_rate * opening)
        on_bridge = round(rules.bridge_rate * (self.bridge - self.sources["bridge"]))
        taxes = round(rules.tax_rate * max(year.revenue - on_loan - on_bridge, 0))
        self._spend("taxes", taxes, ("free",))
        pay = ("county", "free", "social", "enterprise")
        owed = self._spend("interest", on_bridge, pay)
        principal = 0
        if t in self.repayment and opening:
            if t == self.repayment[0]:
                self.instalment = round(annuity(rules.loan_rate, len(self.repayment), opening))
            last = t == self.repayment[-1]
            principal = opening if last else min(self.instalment - on_loan, opening)
        before = self.arrears
        pay = ("free", "debt_reserve", "social", "enterprise")
        self.arrears = owed + self._spend("interest", on_loan + before, pay)
        self.loan -= principal - self._spend("principal", principal, pay)
        repaid = min(self.bridge, self.grant)
        self.grant, self.bridge = self.grant - repaid, self.bridge - repaid
        self.uses["bridge_repaid"] = repaid
        service = on_loan + principal
        available = year.revenue - int(rules.feedback_share * year.revenue) - taxes
        return available / service if service and t in self.repayment else None

    def _set_aside(self, years: Sequence[Year], t: int) -> None:
        """Reserve for the next year's debt service, reserve, and what may be distributed."""
        wanted = self._next_service(t + 1)
        if self.debt_reserve > wanted:
            freed = self.debt_reserve - wanted
            self.debt_reserve, self.free = wanted, self.free + freed
            self.sources["from_debt_reserve"] += freed
        self.uses["debt_reserve"] = kept = min(wanted - self.debt_reserve, self.free)
        self.debt_reserve, self.free = self.debt_reserve + kept, self.free - kept
        self.uses["reserve"] = kept = min(self.rules.reserve - self.reserve, self.free)
        self.reserve, self.free = self.reserve + kept, self.free - kept
        later = any(one.works + one.owner_works + one.industry_works for one in years[t + 1 :])
        full = self.debt_reserve == wanted and self.reserve == self.rules.reserve
        if full and not (later or self.unpaid or self.arrears or self.bridge):
            self.uses["distribution"], self.free = self.free, 0

    def _next_service(self, t: int) -> int:
        """Months of the debt service of a year to come."""
        if t not in self.repayment or not self.loan:
            return 0
        first = t == self.repayment[0]
        whole = annuity(self.rules.loan_rate, len(self.repayment), self.loan) if first else float(
            self.instalment
        )  # fmt: skip
        return round(self.rules.reserve_months / 12 * whole)

    def _spend(self, use: str, amount: int, pockets: tuple[str, ...]) -> int:
        """Pay from these pockets in order; what is left unpaid."""
        left = amount
        for pocket in pockets:
            paid = min(left, self._room(pocket))
            self._take(pocket, paid)
            left -= paid
        self.uses[use] += amount - left
        if left:
            self.unpaid[use] = self.unpaid.get(use, 0) + left
        return left

    def _room(self, pocket: str) -> int:
        if pocket == "feedback":
            return min(self.limits["feedback"], self.free)
        own = {"grant": self.grant, "free": self.free, "debt_reserve": self.debt_reserve}
        return own[pocket] if pocket in own else self.limits[pocket]

    def _take(self, pocket: str, paid: int) -> None:
        if pocket == "grant":
            self.grant -= paid
        elif pocket == "free":
            self.free -= paid
        elif pocket == "debt_reserve":
            self.debt_reserve -= paid
            self.sources["from_debt_reserve"] += paid
        elif pocket == "feedback":
            self.limits["feedback"] -= paid
            self.free -= paid
        else:
            self.limits[pocket] -= paid
            self.sources[pocket] += paid
            self.central += paid if pocket == "central" else 0
            self.loan += paid if pocket == "loan" else 0
            self.bridge += paid if pocket == "bridge" else 0


def _within(room: int, most: int | None) -> int:
    """What a source may still bring, of what it brings in a year."""
    return max(room if most is None else min(room, most), 0)


def _repayment(years: Sequence[Year], rules: Rules) -> range:
    """Years of repayment, by position: after the last works that earn revenue."""
    last = max((t for t, one in enumerate(years) if one.industry_works), default=-1)
    return range(last + 1, min(last + 1 + rules.loan_years, len(years)))


def _capacity(years: Sequence[Year], rules: Rules) -> int:
    """Largest loan that keeps its cover in every year of repayment, [cents]."""
    cash = [
        float(years[t].revenue - int(rules.feedback_share * years[t].revenue)
              - round(rules.tax_rate * years[t].revenue))
        for t in _repayment(years, rules)
    ]  # fmt: skip
    # a cent a year of repayment is kept back for what rounding moves
    most = int(loan_capacity(cash, rules.loan_rate, rules.cover)) - len(cash)
    value = int(rules.loan_to_value * sum(one.industry_works for one in years))
    return max(min(most, rules.loan_most, value), 0)


def _check(years: Sequence[Year]) -> None:
    if not years:
        raise InvalidInput("a project needs a year.")
    built = accepted = 0
    for number, year in enumerate(years, 1):
        values = {name: getattr(year, name) for name in Year.__slots__}
        wrong = [name for name, value in values.items() if value is not None and not value >= 0]
        if wrong:
            raise InvalidInput(f"year {number}: {wrong[0]} cannot be {values[wrong[0]]}.")
        built, accepted = built + year.works, accepted + year.accepted
        if accepted > built:
            raise InvalidInput(
                f"year {number}: {accepted} cents of works are accepted, {built} were built."
            )
