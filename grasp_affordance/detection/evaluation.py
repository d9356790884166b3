"""How good detections are by the field's rectangle metric: IoU > 0.25 and angle < 30 degrees."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.annotation.metrics import MATCH_ANGLE, MATCH_IOU, matches
from grasp_affordance.detection.samples import GraspSample, ScoredRectangle


@dataclass(frozen=True)
class DetectionScore:
    """The measures of one set of images.

    Attributes:
        average_precision: area under precision over recall, of all images' detections by score.
        precision: share of the detections at the threshold that match a label; NaN without any.
        recall: share of the labels that such a detection matches; NaN without labels.
        best_first: share of images whose best detection matches (the field's "accuracy").
        threshold: score at which precision and recall are balanced best (F1).
        images, labels, detections: counted; detections where nothing is known are not.
    """

    average_precision: float
    precision: float
    recall: float
    best_first: float
    threshold: float
    images: int
    labels: int
    detections: int


def evaluate(
    detections: Sequence[Sequence[ScoredRectangle]],
    samples: Sequence[GraspSample],
    threshold: float | None = None,
    iou: float = MATCH_IOU,
    angle: float = float(MATCH_ANGLE),
) -> DetectionScore:
    """Compare the detections of each sample, best first, with its labels.

    Labels are samples of a continuum of grasps: one label may confirm several detections. A
    detection that matches none counts only where the absence of a label is known.

    Args:
        threshold: of precision and recall; by default the one with the best F1.
    """
    scores, right, first_label = [], [], []  # per detection; labels numbered through
    offset, firsts = 0, []
    for found, sample in zip(detections, samples, strict=True):
        evaluated = [j for j in (_evaluate(d, sample, iou, angle) for d in found) if j is not None]
        for score, hits in evaluated:
            scores.append(score)
            right.append(hits.any())
            first_label.append(offset + np.flatnonzero(hits))
        if sample.rectangles:
            firsts.append(bool(evaluated and evaluated[0][1].any()))
        offset += len(sample.rectangles)
    order = np.argsort(-np.array(scores), kind="stable") if scores else np.zeros(0, int)
    precision, recall = _curves(order, np.array(right, bool), first_label, offset)
    ranked = np.array(scores)[order] if scores else np.zeros(0)
    at = _operating_point(ranked, precision, recall, threshold)
    return DetectionScore(
        average_precision=_area(precision, recall),
        precision=float(precision[at]) if at >= 0 else float("nan"),
        recall=(float(recall[at]) if at >= 0 else 0.0) if offset else float("nan"),
        best_first=float(np.mean(firsts)) if firsts else float("nan"),
        threshold=_between(ranked, at) if threshold is None else threshold,
        images=len(samples),
        labels=offset,
        detections=len(scores),
    )


def _evaluate(
    detection: ScoredRectangle, sample: GraspSample, iou: float, angle: float
) -> tuple[float, NDArray[np.bool_]] | None:
    """Return the score and which labels match; None if it cannot be said."""
    rectangle = detection.rectangle
    reach = np.hypot(rectangle.w, rectangle.h)
    hits = np.array(
        [
            # far ones cannot overlap, and polygons are slow
            np.hypot(label.x - rectangle.x, label.y - rectangle.y)
            < (reach + np.hypot(label.w, label.h)) / 2
            and matches(rectangle, label, iou, angle)
            for label in sample.rectangles
        ],
        dtype=bool,
    )
    if hits.any():
        return detection.score, hits
    height, width = sample.known.shape
    u, v = round(rectangle.x), round(rectangle.y)
    inside = 0 <= u < width and 0 <= v < height
    return (detection.score, hits) if inside and sample.known[v, u] else None


def _curves(
    order: NDArray[np.int_],
    right: NDArray[np.bool_],
    found: list[NDArray[np.int_]],
    labels: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return precision and recall after each detection, in order of score."""
    seen = np.zeros(labels, bool)
    recall = np.zeros(len(order))
    for rank, index in enumerate(order):
        seen[found[index]] = True
        recall[rank] = seen.sum() / max(labels, 1)
    precision = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    return precision, recall


def _area(precision: NDArray[np.float64], recall: NDArray[np.float64]) -> float:
    """Return the area under the envelope of precision over recall."""
    if precision.size == 0:
        return 0.0
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    steps = np.diff(np.concatenate([[0.0], recall]))
    return float((envelope * steps).sum())


def _operating_point(
    ranked: NDArray[np.float64],
    precision: NDArray[np.float64],
    recall: NDArray[np.float64],
    threshold: float | None,
) -> int:
    """Return the rank of the last detection that counts; -1 for none."""
    if ranked.size == 0:
        return -1
    if threshold is not None:
        return int(np.count_nonzero(ranked >= threshold)) - 1
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    return int(np.argmax(f1))


def _between(ranked: NDArray[np.float64], at: int) -> float:
    """Return a threshold that keeps the detections up to rank `at` and no other."""
    if at < 0:
        return 0.5
    below = ranked[at + 1] if at + 1 < ranked.size else 0.0
    return float((ranked[at] + below) / 2)
