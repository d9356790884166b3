"""Uncertainty of success rates measured on piles.

Attempts of one pile share its objects and its jams, so they are not independent: a binomial
interval alone is too narrow. Intervals here resample whole piles.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

RESAMPLES = 4000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A two-sided confidence interval; both ends are NaN where nothing was measured."""

    low: float
    high: float


def wilson_interval(successes: int, attempts: int, confidence: float = CONFIDENCE) -> Interval:
    """Return the score interval of a binomial proportion (Wilson 1927, equation 1).

    It keeps its width when all attempts succeed or fail, unlike the normal approximation.

    Raises:
        ValueError: counts are negative or there are more successes than attempts.
    """
    if not 0 <= successes <= attempts:
        raise ValueError(f"{successes} successes of {attempts} attempts")
    if attempts == 0:
        return Interval(float("nan"), float("nan"))
    z = float(norm.ppf(0.5 + confidence / 2))
    rate, share = successes / attempts, z * z / attempts
    middle = (rate + share / 2) / (1 + share)
    half = z / (1 + share) * np.sqrt(rate * (1 - rate) / attempts + share / (4 * attempts))
    return Interval(max(0.0, float(middle - half)), min(1.0, float(middle + half)))


def resampled_ratios(
    numerators: ArrayLike,
    denominators: ArrayLike,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> NDArray[np.float64]:
    """Return the ratio of sums (resamples,) over piles drawn with replacement.

    Args:
        numerators, denominators: (piles,) counts of each pile, in the same order.

    Resamples without any attempt give NaN.

    Raises:
        ValueError: the arrays are empty or of different length.
    """
    top = np.asarray(numerators, dtype=np.float64)
    bottom = np.asarray(denominators, dtype=np.float64)
    if top.ndim != 1 or top.shape != bottom.shape or top.size == 0:
        raise ValueError(f"{top.shape} numerators and {bottom.shape} denominators")
    weights = rng.multinomial(top.size, np.full(top.size, 1 / top.size), size=resamples)
    sums = weights @ bottom
    return np.divide(weights @ top, sums, out=np.full(resamples, np.nan), where=sums > 0)


def pile_interval(
    numerators: ArrayLike,
    denominators: ArrayLike,
    rng: np.random.Generator,
    confidence: float = CONFIDENCE,
) -> Interval:
    """Return the percentile bootstrap interval of a ratio of sums over piles."""
    ratios = resampled_ratios(numerators, denominators, rng)
    ratios = ratios[np.isfinite(ratios)]
    if ratios.size == 0:
        return Interval(float("nan"), float("nan"))
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = np.quantile(ratios, tails)
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


def paired_difference(
    first: tuple[ArrayLike, ArrayLike],
    second: tuple[ArrayLike, ArrayLike],
    rng: np.random.Generator,
    confidence: float = CONFIDENCE,
) -> Interval:
    """Return the interval of `rate(first) - rate(second)` over the same piles in the same order.

    Each argument is (numerators, denominators) per pile. Both are resampled together, so that what
    is hard about a pile for both cancels.
    """
    state = rng.bit_generator.state
    ratios_first = resampled_ratios(*first, rng)
    rng.bit_generator.state = state  # the same piles for both
    differences = ratios_first - resampled_ratios(*second, rng)
    differences = differences[np.isfinite(differences)]
    if differences.size == 0:
        return Interval(float("nan"), float("nan"))
    low, high = np.quantile(differences, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high))


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
