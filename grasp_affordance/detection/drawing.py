"""Pictures of detections for people."""

from collections.abc import Sequence

import cv2

from grasp_affordance.annotation.drawing import draw_rectangle
from grasp_affordance.arrays import Color
from grasp_affordance.detection.samples import ScoredRectangle

_BEST = (40, 200, 60)  # RGB


def draw_detections(color: Color, grasps: Sequence[ScoredRectangle]) -> Color:
    """Return the image (H, W, 3) with all grasps, plates red; the best has a green centre.

    Better ones are drawn over worse ones.
    """
    view = color.copy()
    for grasp in reversed(grasps):
        draw_rectangle(view, grasp.rectangle)
    if not grasps:
        return view
    best = grasps[0]
    centre = (round(best.rectangle.x), round(best.rectangle.y))
    cv2.circle(view, centre, 3, _BEST, -1, cv2.LINE_AA)
    place, text = (centre[0] + 6, centre[1] - 6), f"{best.score:.2f}"
    for color_of_text, width in (((255, 255, 255), 3), ((20, 20, 20), 1)):
        cv2.putText(
            view, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.4, color_of_text, width, cv2.LINE_AA
        )
    return view
