"""Are predicted probabilities those of success? Scores, and a correction learned from picks.

Predictions are evaluated prequentially: each was made before its attempt was learned from.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

from grasp_affordance.arrays import Array

_LEAST_SCALE = 0.05
_EPSILON = 1e-4


@dataclass(frozen=True, eq=False)
class Reliability:
    """A reliability diagram.

    Attributes:
        predicted: (B,) mean prediction of each bin.
        observed: (B,) share of successes in it.
        count: (B,) attempts in it.
    """

    predicted: Array
    observed: Array
    count: NDArray[np.int64]


def cross_entropy(probability: NDArray[np.floating], label: NDArray[np.floating]) -> Array:
    """Return the loss (N,) of each prediction, nats; certainty is taken for 1 in 10,000 wrong."""
    p = np.clip(np.where(label > 0.5, probability, 1.0 - probability), _EPSILON, 1.0)
    return np.asarray(-np.log(p), dtype=np.float64)


def brier_score(predicted: ArrayLike, success: ArrayLike) -> float:
    """Return the mean squared error of predicted probabilities (Brier 1950); NaN without any."""
    p, y = np.asarray(predicted, dtype=np.float64), np.asarray(success, dtype=np.float64)
    return float(np.mean((p - y) ** 2)) if p.size else float("nan")


def reliability(predicted: ArrayLike, success: ArrayLike, bins: int = 10) -> Reliability:
    """Return the reliability diagram over bins of equal count.

    Equal counts, because a trained robot's predictions crowd near one, where bins of equal width
    would put nearly all attempts into one bin.
    """
    p, y = np.asarray(predicted, dtype=np.float64), np.asarray(success, dtype=np.float64)
    groups = [g for g in np.array_split(np.argsort(p, kind="stable"), bins) if g.size]
    return Reliability(
        np.array([p[g].mean() for g in groups]),
        np.array([y[g].mean() for g in groups]),
        np.array([g.size for g in groups], dtype=np.int64),
    )


def expected_calibration_error(predicted: ArrayLike, success: ArrayLike, bins: int = 10) -> float:
    """Return the ECE (Naeini et al. 2015) over bins of equal count; NaN without any prediction."""
    diagram = reliability(predicted, success, bins)
    total = diagram.count.sum()
    if not total:
        return float("nan")
    return float(np.sum(diagram.count * np.abs(diagram.predicted - diagram.observed)) / total)


@dataclass(frozen=True)
class Platt:
    """A monotone correction of probabilities: sigmoid(scale * logit(p) + shift) (Platt 1999)."""

    scale: float = 1.0
    shift: float = 0.0

    def shifted(self, by: float) -> "Platt":
        """Return the correction after which corrected logits are shifted."""
        return Platt(self.scale, self.shift + by)

    def __call__(self, probability: ArrayLike) -> Array:
        """Return corrected probabilities of the same shape."""
        return expit(self.scale * _logit(probability) + self.shift)


def fit_platt(
    predicted: ArrayLike, success: ArrayLike, strength: float = 1.0, around: Platt | None = None
) -> Platt:
    """Fit a correction by penalised maximum likelihood (Newton's method).

    Args:
        predicted, success: (N,) of past attempts.
        strength: weight, in attempts, of the belief in `around`; with few attempts, or only
            successes, the correction stays near it.
        around: the correction before any attempt; none is needed, by default.
    """
    around = around or Platt()
    x, y = _logit(predicted), np.asarray(success, dtype=np.float64)
    design = np.stack([x, np.ones_like(x)], axis=1)
    scale, shift = _fit(
        design, np.zeros_like(x), y, np.array([around.scale, around.shift]), strength
    )
    if scale < _LEAST_SCALE:  # never turns the ranking round
        scale = _LEAST_SCALE
        ones, believed = np.ones((x.size, 1)), np.array([around.shift])
        (shift,) = _fit(ones, scale * x, y, believed, strength)
    return Platt(float(scale), float(shift))


def fit_shift(predicted: ArrayLike, success: ArrayLike, strength: float = 1.0) -> float:
    """Return what to add to the logits of predictions (N,) that they come true on average.

    Args:
        strength: weight, in attempts, of the belief that it is nothing.
    """
    x, y = _logit(predicted), np.asarray(success, dtype=np.float64)
    (shift,) = _fit(np.ones((x.size, 1)), x, y, np.zeros(1), strength)
    return float(shift)


def _fit(design: Array, known: Array, label: Array, believed: Array, strength: float) -> Array:
    """Return the parameters (K,) of the logits `known + design @ parameters` (N,).

    Penalised maximum likelihood by Newton's method, in steps of one at most.
    """
    theta = believed.copy()
    if not label.size:
        return theta
    for _ in range(50):
        p = expit(known + design @ theta)
        gradient = design.T @ (p - label) + strength * (theta - believed)
        hessian = (design * (p * (1 - p))[:, None]).T @ design + strength * np.eye(theta.size)
        step = np.linalg.solve(hessian, gradient)
        theta = theta - step * min(1.0, 1.0 / max(float(np.abs(step).max()), 1e-9))
        if np.abs(step).max() < 1e-8:
            break
    return theta


def _logit(probability: ArrayLike) -> Array:
    p = np.clip(np.asarray(probability, dtype=np.float64), _EPSILON, 1 - _EPSILON)
    return np.asarray(logit(p))
