"""A picture of a prediction for people: the camera image, the heat map, the ranked points."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.arrays import Color
from grasp_affordance.suction import SuctionPoint

_BEST, _OTHER, _INK = (255, 255, 255), (205, 215, 225), (16, 20, 28)
_FONT = cv2.FONT_HERSHEY_DUPLEX
_OPACITY = 0.75  # of the heat map at probability 1
_DIMMED = 0.55  # brightness of what is not affordable


def draw_overlay(
    color: Color,
    affordance: NDArray[np.float32],
    points: Sequence[SuctionPoint] = (),
    cup_radius: float | None = None,
    focal_length: float | None = None,
) -> Color:
    """Return an RGB picture (H, W, 3) uint8.

    Args:
        color: (H, W, 3) uint8 RGB; greyed and dimmed so that the heat map stands out.
        affordance: (H, W) float32 in [0, 1].
        points: best first; numbered from 1, the best one ringed boldly.
        cup_radius, focal_length: metres and pixels; with both, rings have the size of the cup.
    """
    picture = _heat(color, affordance)
    scale = color.shape[0] / 480
    for number in range(len(points), 0, -1):  # the best is drawn last, on top
        point = points[number - 1]
        ring = 9.0 * scale
        if cup_radius is not None and focal_length is not None:
            ring = cup_radius * focal_length / float(point.position[2])
        _draw_point(picture, point, number, ring, scale)
    return picture


def _heat(color: Color, affordance: NDArray[np.float32]) -> Color:
    grey = cv2.cvtColor(cv2.cvtColor(color, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    base = cv2.addWeighted(color, 0.6 * _DIMMED, grey, 0.4 * _DIMMED, 0)
    level = np.clip(np.nan_to_num(affordance), 0, 1)
    heat = cv2.applyColorMap((level * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
    # Square root: weak affordance is to be seen, none at all is not.
    opacity = (np.sqrt(level) * _OPACITY)[..., None].astype(np.float32)
    mixed = base * (1 - opacity) + cv2.cvtColor(heat, cv2.COLOR_BGR2RGB) * opacity
    return np.ascontiguousarray(mixed.astype(np.uint8))


def _draw_point(
    picture: Color, point: SuctionPoint, number: int, ring: float, scale: float
) -> None:
    best = number == 1
    tint = _BEST if best else _OTHER
    centre, radius = (point.u, point.v), max(3, round(ring))
    width = max(1, round((2.2 if best else 1.2) * scale))
    cv2.circle(picture, centre, radius, _INK, width + 2, cv2.LINE_AA)
    cv2.circle(picture, centre, radius, tint, width, cv2.LINE_AA)
    cv2.circle(picture, centre, max(1, round(1.5 * scale)), tint, cv2.FILLED, cv2.LINE_AA)
    text = f"{number}  {point.probability:.2f}" if best else str(number)
    size = 0.42 * scale * (1.2 if best else 1.0)
    (text_width, text_height), _ = cv2.getTextSize(text, _FONT, size, 1)
    x = point.u + radius + round(3 * scale)
    if x + text_width > picture.shape[1]:
        x = point.u - radius - round(3 * scale) - text_width
    origin = (x, min(max(point.v + text_height // 2, text_height), picture.shape[0] - 1))
    stroke = max(1, round(scale))
    cv2.putText(picture, text, origin, _FONT, size, _INK, stroke + 2, cv2.LINE_AA)
    cv2.putText(picture, text, origin, _FONT, size, tint, stroke, cv2.LINE_AA)
