"""Calibration scores and the correction of probabilities."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.training_sample_log import picked

from grasp_affordance.learning.probabilities import (
    Platt,
    brier_score,
    expected_calibration_error,
    fit_platt,
    fit_shift,
    reliability,
)
from grasp_affordance.learning.served import Served, correction
from grasp_affordance.learning.training_samples import bare_training_sample
from grasp_affordance.suction import Source


def drawn(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    p = rng.beta(4, 1.5, count)
    return p, (rng.random(count) < p).astype(float)


def test_true_probabilities_have_almost_no_calibration_error() -> None:
    p, y = drawn(20_000)
    assert expected_calibration_error(p, y) < 0.015


def test_the_calibration_error_of_a_constant_is_its_distance_from_the_rate() -> None:
    y = np.array([1.0] * 70 + [0.0] * 30)
    p = np.full(100, 0.9)
    assert expected_calibration_error(p, y, bins=1) == pytest.approx(0.2)
    assert brier_score(p, y) == pytest.approx(0.7 * 0.01 + 0.3 * 0.81)


def test_bins_hold_equal_counts_and_all_attempts() -> None:
    diagram = reliability(*drawn(997))
    assert diagram.count.sum() == 997
    assert np.ptp(diagram.count) <= 1
    assert (np.diff(diagram.predicted) >= 0).all()


def test_no_attempt_has_no_score() -> None:
    assert np.isnan(brier_score([], []))
    assert np.isnan(expected_calibration_error([], []))


def test_a_fitted_correction_undoes_overconfidence() -> None:
    p, y = drawn(3000)
    overconfident = Platt(scale=2.5, shift=0.7)(p)
    corrected = fit_platt(overconfident, y)(overconfident)
    assert expected_calibration_error(corrected, y) < 0.03
    assert expected_calibration_error(overconfident, y) > 0.06


def test_a_correction_never_changes_the_ranking() -> None:
    p, y = drawn(200)
    corrected = fit_platt(p, 1 - y)(np.sort(p))
    assert (np.diff(corrected) >= 0).all()


def test_a_correction_of_a_ranking_that_is_wrong_is_right_on_average() -> None:
    p, y = [0.95] * 10 + [0.3] * 10, [0.0] * 10 + [1.0] * 10
    assert float(np.mean(fit_platt(p, y)(p))) == pytest.approx(0.5, abs=0.02)


def test_a_shift_makes_predictions_true_on_average_and_no_attempt_asks_for_one() -> None:
    p, y = drawn(3000)
    modest = Platt(shift=-1.2)(p)
    assert fit_shift(modest, y) == pytest.approx(1.2, abs=0.1)
    assert fit_shift([], []) == 0.0
    assert 0.0 < fit_shift([0.9] * 5, [1.0] * 5) < 1.0


def test_without_attempts_or_with_successes_only_the_correction_stays_near_identity() -> None:
    assert fit_platt([], []) == Platt()
    few = fit_platt([0.9] * 5, [1.0] * 5, strength=5.0)
    assert abs(float(few(0.9)) - 0.9) < 0.05
    assert 0.9 < float(fit_platt([0.9] * 5, [1.0] * 5)(0.9)) < 0.97


def test_what_was_tried_for_being_strange_says_nothing_of_what_promises_are_worth() -> None:
    rng = np.random.default_rng(5)
    probability = rng.uniform(0.05, 0.95, 40)
    served = [Served(p, p, bool(rng.random() < p), lift=0.0) for p in probability]
    surprise = Served(0.02, 0.02, True, lift=0.0)
    strange = [replace(surprise, promised=False)] * 3
    assert correction(strange + served, Platt()) == correction(served, Platt())
    assert correction([surprise] * 3 + served, Platt()) != correction(served, Platt())


@pytest.mark.parametrize("source", list(Source))
def test_only_a_novelty_pick_promises_nothing(source: Source) -> None:
    attempt = picked(0)
    training_sample = bare_training_sample(
        replace(attempt, point=replace(attempt.point, source=source))
    )
    assert training_sample.promised == (source is not Source.NOVELTY)
