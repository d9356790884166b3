"""Reports say how far predicted probabilities can be believed."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.training_sample_log import SMALL

from grasp_affordance.errors import CheckpointError, ConfigError
from grasp_affordance.evaluation.make_policy import check_policy, make_policy
from grasp_affordance.evaluation.records import AttemptRow
from grasp_affordance.evaluation.reliability import calibration_of, plot_reliability
from grasp_affordance.learning.trainer import Trainer

ROW = AttemptRow(
    seed=0, clearance=0, attempt=0, stack="rows", u=0, v=0, x=0.0, y=0.0, z=0.0, probability=0.5,
    source="learned", outcome="success", cause="none", true_outcome="success", true_cause="none",
    lifted=True, placed=1, seconds=1.0, decision_seconds=0.1,
)  # fmt: skip


def rows(probabilities: np.ndarray, successes: np.ndarray, source: str) -> list[AttemptRow]:
    return [
        replace(
            ROW,
            probability=float(p),
            source=source,
            true_outcome="success" if success else "failure",
        )
        for p, success in zip(probabilities, successes, strict=True)
    ]


def test_honest_probabilities_have_a_small_error_and_boasts_a_large_one() -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(0, 1, 4000)
    success = rng.random(4000) < p
    honest = calibration_of(rows(p, success, "learned"))
    boast = calibration_of(rows(np.full(4000, 0.99), success, "learned"))
    assert honest is not None
    assert boast is not None
    assert honest["expected_calibration_error"] < 0.05
    assert boast["expected_calibration_error"] == pytest.approx(0.99 - success.mean(), abs=0.01)
    assert honest["brier"] < boast["brier"]
    assert sum(each["count"] for each in honest["bins"]) == 4000


def test_scores_that_are_no_probabilities_are_not_evaluated_as_such() -> None:
    assert calibration_of(rows(np.array([0.5]), np.array([True]), "baseline")) is None
    assert calibration_of([]) is None


def test_the_diagram_is_a_picture(tmp_path: Path) -> None:
    calibration = calibration_of(rows(np.array([0.2, 0.9]), np.array([False, True]), "learned"))
    assert calibration is not None
    plot_reliability(calibration, tmp_path / "diagram.png", "two attempts")
    assert cv2.imread(str(tmp_path / "diagram.png")) is not None


def test_a_learned_policy_is_its_weights(tmp_path: Path) -> None:
    checkpoint = Path(Trainer(SMALL, tmp_path).report().checkpoint)
    assert make_policy("learned", weights=checkpoint).name == "learned"
    with pytest.raises(CheckpointError, match="does not exist"):
        make_policy("learned", weights=tmp_path / "absent.safetensors")
    with pytest.raises(ConfigError, match="has no weights"):
        check_policy("prior", checkpoint)
