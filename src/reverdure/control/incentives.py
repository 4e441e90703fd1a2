"""What a government and an enterprise do under process subsidy and under cooperation.

A standard linear-state differential game, worked out for this project. It is a what-if about
incentives, no model of a site, and no replication of a paper: the equations of Wang & Tan
(Kybernetes 2024; Decision Analysis 2025) could not be read.
"""

from dataclasses import dataclass

from reverdure.core.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Game:
    """What restoration is worth to whom, and what effort costs.

    Quality grows as `dQ/dt = alpha E_G + beta E_F - delta Q`; effort E costs `mu E^2 / 2`,
    quality pays `theta Q`.

    Attributes
    ----------
    alpha, beta : float
        What effort of government and enterprise adds.
    delta : float
        Rate at which quality is lost.
    rho : float
        Discount rate.
    mu : (float, float)
        Cost of effort: government, enterprise.
    theta : (float, float)
        What a unit of quality pays each.
    start : float
        Quality at the outset.
    """

    alpha: float
    beta: float
    delta: float
    rho: float
    mu: tuple[float, float]
    theta: tuple[float, float]
    start: float = 0.0

    def __post_init__(self) -> None:
        above = (self.alpha, self.beta, self.delta, self.rho, *self.mu)
        if not all(0 < one < float("inf") for one in above):
            raise InvalidInput("alpha, beta, delta, rho and mu must all lie above 0.")
        if not all(0 <= one < float("inf") for one in (*self.theta, self.start)):
            raise InvalidInput("theta and start cannot lie below 0.")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What comes of the game under one set of rules.

    Attributes
    ----------
    effort : (float, float)
        Of government and enterprise, the same at all times.
    subsidy : float
        Share of the enterprise's cost that the government pays.
    quality : float
        Where quality ends.
    payoff : (float, float)
        Present value for each.
    """

    effort: tuple[float, float]
    subsidy: float
    quality: float
    payoff: tuple[float, float]

    @property
    def total(self) -> float:
        """Present value for both."""
        return sum(self.payoff)


def apart(game: Game) -> Outcome:
    """Each for itself (Nash equilibrium).

    Examples
    --------
    >>> game = Game(1, 1, 0.1, 0.05, mu=(2, 2), theta=(0.6, 0.4), start=0.2)
    >>> found = apart(game)
    >>> [round(one, 4) for one in found.effort], round(found.quality, 2), round(found.total, 3)
    ([2.0, 1.3333], 33.33, 330.222)
    """
    government, enterprise = _worth(game)
    effort = game.alpha * government / game.mu[0], game.beta * enterprise / game.mu[1]
    return _outcome(game, effort, 0.0)


def subsidised(game: Game) -> Outcome:
    """The government pays the share of the enterprise's cost that is best for itself.

    Examples
    --------
    >>> game = Game(1, 1, 0.1, 0.05, mu=(2, 2), theta=(0.6, 0.4), start=0.2)
    >>> found = subsidised(game)
    >>> round(found.subsidy, 4), round(found.quality, 2), round(found.total, 3)
    (0.5, 46.67, 401.333)
    """
    government, enterprise = _worth(game)
    both = 2 * government + enterprise
    share = max(0.0, (2 * government - enterprise) / both) if both else 0.0
    effort = (
        game.alpha * government / game.mu[0],
        game.beta * enterprise / (game.mu[1] * (1 - share)),
    )
    return _outcome(game, effort, share)


def together(game: Game) -> Outcome:
    """Both for the sum of what they get; one of them may then need a side payment.

    Examples
    --------
    >>> game = Game(1, 1, 0.1, 0.05, mu=(2, 2), theta=(0.6, 0.4), start=0.2)
    >>> found = together(game)
    >>> round(found.quality, 2), round(found.total, 3), round(found.payoff[1], 2)
    (66.67, 445.778, 133.87)
    """
    both = sum(_worth(game))
    return _outcome(game, (game.alpha * both / game.mu[0], game.beta * both / game.mu[1]), 0.0)


def _worth(game: Game) -> tuple[float, float]:
    """Present value of a unit of quality to each."""
    return game.theta[0] / (game.rho + game.delta), game.theta[1] / (game.rho + game.delta)


def _outcome(game: Game, effort: tuple[float, float], share: float) -> Outcome:
    ends = (game.alpha * effort[0] + game.beta * effort[1]) / game.delta
    stock = ends / game.rho + (game.start - ends) / (game.rho + game.delta)
    cost = tuple(0.5 * mu * one**2 for mu, one in zip(game.mu, effort, strict=True))
    payoff = (
        game.theta[0] * stock - (cost[0] + share * cost[1]) / game.rho,
        game.theta[1] * stock - (1 - share) * cost[1] / game.rho,
    )
    return Outcome(effort, share, ends, payoff)
