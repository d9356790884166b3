"""The field's measures of agreement between rectangles, and between masks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from shapely import Polygon

from grasp_affordance.arrays import Mask
from grasp_affordance.errors import FrameError
from grasp_affordance.rectangle import GraspRectangle

MATCH_IOU, MATCH_ANGLE = 0.25, np.radians(30.0)  # the rectangle metric (Jiang et al. 2011)


def rectangle_iou(first: GraspRectangle, second: GraspRectangle) -> float:
    """Intersection over union of two rotated rectangles, in [0, 1]."""
    # OpenCV's intersections of rectangles with parallel sides are sometimes wrong (5.0: 1 in 20)
    shared = Polygon(first.corners()).intersection(Polygon(second.corners())).area
    union = first.w * first.h + second.w * second.h - shared
    return float(np.clip(shared / union, 0.0, 1.0))


def angle_between(first: float, second: float) -> float:
    """Angle between two undirected lines, radians in [0, pi/2]."""
    difference = abs(first - second) % np.pi
    return float(min(difference, np.pi - difference))


def matches(
    predicted: GraspRectangle,
    label: GraspRectangle,
    iou: float = MATCH_IOU,
    angle: float = float(MATCH_ANGLE),
) -> bool:
    """Whether a rectangle is right by the rectangle metric: IoU above and angle below a limit."""
    close = angle_between(predicted.theta, label.theta) < angle
    return close and rectangle_iou(predicted, label) > iou


@dataclass(frozen=True)
class Agreement:
    """How well rectangles agree with labels.

    Attributes:
        precision: share of predictions that match a label; NaN without predictions.
        recall: share of labels that a prediction matches; NaN without labels.
    """

    precision: float
    recall: float


def agreement(
    predicted: Sequence[GraspRectangle],
    labels: Sequence[GraspRectangle],
    iou: float = MATCH_IOU,
    angle: float = float(MATCH_ANGLE),
) -> Agreement:
    """Match every prediction with every label; one label may confirm several predictions.

    Grasp labels are samples of a continuum, so matching is not one to one.
    """
    table = np.array(
        [[matches(guess, label, iou, angle) for label in labels] for guess in predicted], dtype=bool
    ).reshape(len(predicted), len(labels))
    return Agreement(
        precision=float(table.any(axis=1).mean()) if len(predicted) else float("nan"),
        recall=float(table.any(axis=0).mean()) if len(labels) else float("nan"),
    )


def mask_iou(first: Mask, second: Mask) -> float:
    """Intersection over union of two masks (H, W); 1 for two empty ones.

    Raises:
        FrameError: the masks differ in size.
    """
    if first.shape != second.shape:
        raise FrameError(f"masks of {first.shape} and {second.shape} cannot be compared")
    union = int(np.count_nonzero(first | second))
    return int(np.count_nonzero(first & second)) / union if union else 1.0
