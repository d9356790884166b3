"""Laws of the intervals behind every published rate."""

import numpy as np
import pytest
from scipy.stats import binomtest

from grasp_affordance.evaluation.statistics import (
    pile_interval,
    spread,
    success_interval,
    wilson_interval,
)


@pytest.mark.parametrize(("successes", "attempts"), [(0, 7), (3, 7), (7, 7), (193, 200)])
def test_wilson_agrees_with_scipy(successes: int, attempts: int) -> None:
    ours = wilson_interval(successes, attempts)
    theirs = binomtest(successes, attempts).proportion_ci(0.95, method="wilson")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


@pytest.mark.parametrize("truth", [0.05, 0.5, 0.9])
def test_wilson_contains_the_truth_at_the_nominal_rate(truth: float) -> None:
    rng = np.random.default_rng(1)
    counts = rng.binomial(200, truth, size=2000)
    hits = [
        interval.low <= truth <= interval.high
        for interval in (wilson_interval(int(count), 200) for count in counts)
    ]
    assert 0.925 <= np.mean(hits) <= 0.975


def test_nothing_measured_gives_no_interval() -> None:
    assert np.isnan(wilson_interval(0, 0).low)
    assert np.isnan(pile_interval([0, 0], [0, 0], np.random.default_rng(0)).high)


def test_more_successes_than_attempts_are_refused() -> None:
    with pytest.raises(ValueError, match="5 successes of 4 attempts"):
        wilson_interval(5, 4)


def _correlated_piles(rng: np.random.Generator, piles: int) -> tuple[np.ndarray, np.ndarray]:
    """Piles of 20 attempts whose own rate varies: a beta-binomial of mean 0.8."""
    rates = rng.beta(4, 1, size=piles)
    return rng.binomial(20, rates), np.full(piles, 20)


def _coverage(interval_of: object, trials: int = 250) -> float:
    hits = 0
    for seed in range(trials):
        rng = np.random.default_rng(seed)
        successes, attempts = _correlated_piles(rng, 30)
        interval = interval_of(successes, attempts, rng)  # type: ignore[operator]
        hits += interval.low <= 0.8 <= interval.high
    return hits / trials


def test_the_pile_bootstrap_covers_correlated_attempts_near_the_nominal_rate() -> None:
    assert 0.90 <= _coverage(success_interval) <= 0.98


def test_a_binomial_interval_alone_is_too_narrow_for_correlated_attempts() -> None:
    def pooled(successes: np.ndarray, attempts: np.ndarray, rng: np.random.Generator) -> object:
        return wilson_interval(int(successes.sum()), int(attempts.sum()))

    assert _coverage(pooled) < 0.85


def test_perfect_piles_still_leave_doubt() -> None:
    interval = success_interval([20] * 20, [20] * 20, np.random.default_rng(0))
    assert interval.high == pytest.approx(1.0)
    assert 0.985 < interval.low < 0.995


def test_the_spread_of_one_seed_is_unknown() -> None:
    values = spread([0.9, float("nan")])
    assert values["mean"] == 0.9
    assert np.isnan(values["std"])
    assert spread([0.8, 0.9])["std"] == pytest.approx(0.0707, abs=1e-4)
