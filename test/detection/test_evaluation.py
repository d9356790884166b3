import numpy as np
import pytest
from helpers.annotation_scenes import frame

from grasp_affordance.detection.evaluation import DetectionScore, evaluate
from grasp_affordance.detection.samples import GraspSample, ScoredRectangle
from grasp_affordance.rectangle import GraspRectangle

LABELS = (GraspRectangle(60, 60, 0.2, 10, 24), GraspRectangle(200, 150, 1.3, 10, 24))
WRONG = GraspRectangle(120, 200, 0.2, 10, 24)
TURNED = GraspRectangle(60, 60, 0.2 + np.radians(40), 10, 24)


def score(*found: tuple[GraspRectangle, float], known: bool = True) -> DetectionScore:
    sample = GraspSample("labels", frame(), LABELS, np.full((240, 320), known))
    detections = [ScoredRectangle(rectangle, value) for rectangle, value in found]
    return evaluate([sorted(detections, key=lambda d: -d.score)], [sample])


def test_labels_found_in_full_score_one() -> None:
    result = score((LABELS[0], 0.9), (LABELS[1], 0.8))
    assert (result.average_precision, result.precision, result.recall) == (1.0, 1.0, 1.0)
    assert result.best_first == 1.0


def test_a_wrong_detection_counts_by_its_rank() -> None:
    last = score((LABELS[0], 0.9), (LABELS[1], 0.8), (WRONG, 0.7))
    first = score((WRONG, 0.95), (LABELS[0], 0.9), (LABELS[1], 0.8))
    assert last.average_precision == 1.0
    assert 0.7 < last.threshold < 0.8  # the wrong one is cut off
    assert first.average_precision == pytest.approx(2 / 3)
    assert first.best_first == 0.0


def test_the_angle_has_to_be_right_too() -> None:
    assert score((TURNED, 0.9)).average_precision == 0.0
    nearly = GraspRectangle(60, 60, 0.2 + np.radians(20), 10, 24)
    assert score((nearly, 0.9)).average_precision == 0.5


def test_where_nothing_is_known_a_detection_is_neither_right_nor_wrong() -> None:
    result = score((WRONG, 0.95), (LABELS[0], 0.9), known=False)
    assert result.detections == 1
    assert result.precision == 1.0


def test_one_label_may_confirm_several_detections() -> None:
    near = GraspRectangle(63, 61, 0.25, 10, 24)
    result = score((LABELS[0], 0.9), (near, 0.8))
    assert result.precision == 1.0
    assert result.recall == 0.5


def test_nothing_detected_scores_zero() -> None:
    result = score()
    assert (result.average_precision, result.recall) == (0.0, 0.0)
    assert np.isnan(result.precision)
    assert result.best_first == 0.0


def test_an_image_without_labels_only_costs_precision() -> None:
    empty = GraspSample("empty", frame(), (), np.ones((240, 320), bool))
    labelled = GraspSample("labels", frame(), LABELS, np.ones((240, 320), bool))
    right = [ScoredRectangle(label, 0.9) for label in LABELS]
    both = evaluate([right, [ScoredRectangle(WRONG, 0.95)]], [labelled, empty])
    assert both.best_first == 1.0  # of images that have a grasp
    assert both.average_precision < 1.0
    assert evaluate([right, []], [labelled, empty]).average_precision == 1.0
