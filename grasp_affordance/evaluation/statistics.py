"""Uncertainty of success rates measured on piles.

Attempts of one pile share its objects and its jams, so they are not independent: a binomial
interval alone is too narrow. Intervals here resample whole piles.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest, bootstrap

CONFIDENCE = 0.95
_RESAMPLES = 4000


@dataclass(frozen=True)
class Interval:
    """A two-sided confidence interval; both ends are NaN where nothing was measured."""

    low: float
    high: float


_UNKNOWN = Interval(float("nan"), float("nan"))


def wilson_interval(successes: int, attempts: int, confidence: float = CONFIDENCE) -> Interval:
    """Return the score interval of a binomial proportion (Wilson 1927, equation 1).

    It keeps its width when all attempts succeed or fail, unlike the normal approximation.

    Raises:
        ValueError: counts are negative or there are more successes than attempts.
    """
    if not 0 <= successes <= attempts:  # scipy answers NaN
        raise ValueError(f"{successes} successes of {attempts} attempts")
    if attempts == 0:
        return _UNKNOWN
    found = binomtest(successes, attempts).proportion_ci(confidence, method="wilson")
    return Interval(float(found.low), float(found.high))


def pile_interval(
    numerators: ArrayLike,
    denominators: ArrayLike,
    rng: np.random.Generator,
    confidence: float = CONFIDENCE,
) -> Interval:
    """Return the percentile bootstrap interval of a ratio of sums over piles.

    Args:
        numerators, denominators: (piles,) counts of each pile, in the same order.

    Raises:
        ValueError: the arrays are empty or of different length.
    """
    top, bottom = (np.asarray(each, dtype=np.float64) for each in (numerators, denominators))
    if top.ndim != 1 or top.shape != bottom.shape or top.size == 0:
        raise ValueError(f"{top.shape} numerators and {bottom.shape} denominators")
    if not bottom.any():
        return _UNKNOWN
    if top.size == 1:
        rate = float(top[0] / bottom[0])
        return Interval(rate, rate)

    def ratio(
        top: NDArray[np.float64], bottom: NDArray[np.float64], axis: int = -1
    ) -> NDArray[np.float64]:
        with np.errstate(invalid="ignore"):  # a resample of piles without any attempt
            return np.asarray(top.sum(axis) / bottom.sum(axis))

    found = bootstrap(
        (top, bottom),
        ratio,
        paired=True,
        vectorized=True,
        n_resamples=_RESAMPLES,
        confidence_level=confidence,
        method="percentile",
        random_state=rng,
    ).bootstrap_distribution
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = np.nanquantile(found, tails)
    return Interval(float(low), float(high))


def success_interval(
    successes: ArrayLike,
    attempts: ArrayLike,
    rng: np.random.Generator,
    confidence: float = CONFIDENCE,
) -> Interval:
    """Return the interval of a success rate that we publish: the wider of the two at either end.

    The bootstrap alone has no width where every pile is perfect, and is somewhat narrow below some
    thirty piles; Wilson's alone ignores that attempts of one pile go together.
    """
    by_pile = pile_interval(successes, attempts, rng, confidence)
    total = int(np.asarray(attempts).sum())
    pooled = wilson_interval(int(np.asarray(successes).sum()), total, confidence)
    return Interval(min(by_pile.low, pooled.low), max(by_pile.high, pooled.high))


def spread(values: ArrayLike) -> dict[str, float]:
    """Return mean, sample standard deviation (NaN for one value), minimum and maximum."""
    array = np.asarray(values, dtype=np.float64)
    array = array[np.isfinite(array)]
    if array.size == 0:
        return dict.fromkeys(("mean", "std", "min", "max"), float("nan"))
    deviation = float(array.std(ddof=1)) if array.size > 1 else float("nan")
    return {
        "mean": float(array.mean()),
        "std": deviation,
        "min": float(array.min()),
        "max": float(array.max()),
    }
