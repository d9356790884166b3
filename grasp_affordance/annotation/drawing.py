"""Pictures of labels for people."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.annotation.change.difference import Mask
from grasp_affordance.annotation.pair import PairAnnotation
from grasp_affordance.arrays import Color
from grasp_affordance.rectangle import GraspRectangle

# RGB. The plates are red and the opening is dark, as in the papers of the field.
_PLATE, _OPENING = (230, 30, 30), (10, 10, 10)
_MASK, _OTHERS = (60, 220, 90), ((60, 220, 90), (70, 160, 255), (250, 200, 40), (220, 90, 220))
_SHIFT = 4  # OpenCV draws with this many fractional bits


def draw_pair(color: Color, pair: PairAnnotation) -> Color:
    """Return the first frame (H, W, 3) with its label, and the change of depth to its right.

    An annotated pair shows its mask and rectangles; another one the outlines of what left and the
    reason for its end.
    """
    view = color.copy()
    for number, region in enumerate(pair.regions):
        tint_mask(view, region.mask, _OTHERS[number % len(_OTHERS)])
    for rectangle in pair.rectangles:
        draw_rectangle(view, rectangle)
    pair_result = pair.pair_result
    title = (
        pair_result.status.value
        if pair_result.reason is None
        else f"{pair_result.status}: {pair_result.reason}"
    )
    draw_title(view, title)
    if pair.change is None:
        return view
    return np.hstack([view, difference_image(pair.change.change.signed)])


def tint_mask(image: Color, mask: Mask, color: tuple[int, int, int] = _MASK) -> None:
    """Tint the pixels of a mask (H, W) in place and draw its outline."""
    image[mask] = (0.65 * image[mask] + 0.35 * np.array(color)).astype(np.uint8)
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(image, outlines, -1, color, 1)


def draw_rectangle(image: Color, rectangle: GraspRectangle) -> None:
    """Draw a grasp rectangle in place: plates red, opening dark."""
    corners = np.round(rectangle.corners() * 2**_SHIFT).astype(int)
    for start in range(4):
        first, second = corners[start], corners[(start + 1) % 4]
        color = _PLATE if start % 2 == 0 else _OPENING
        _line(image, first, second, color)


def draw_title(image: Color, text: str) -> None:
    """Write a line of text into the upper left corner, legible on any ground."""
    font, scale = cv2.FONT_HERSHEY_SIMPLEX, max(image.shape[1] / 1000.0, 0.4)
    (width, height), below = cv2.getTextSize(text, font, scale, 1)
    image[: height + 2 * below, : width + 2 * below] = 255
    cv2.putText(image, text, (below, height + below), font, scale, (20, 20, 20), 1, cv2.LINE_AA)


def difference_image(signed: NDArray[np.float32], limit: float = 0.05) -> Color:
    """Return (H, W, 3): red where depth grew, blue where it shrank, grey where unknown.

    `limit` is the change at full colour, metres.
    """
    strength = np.clip(np.nan_to_num(signed) / limit, -1, 1)[..., None]
    grown, shrunk = np.array([200, 30, 30]), np.array([30, 60, 200])
    white = np.array([255, 255, 255])
    image = np.where(
        strength >= 0,
        white + strength * (grown - white),
        white - strength * (shrunk - white),
    )
    image[np.isnan(signed)] = 160
    return image.astype(np.uint8)


def contact_sheet(images: Sequence[Color], columns: int = 3, width: int = 480) -> Color:
    """Return one image with all pictures (H, W, 3) in a grid, each `width` pixels wide."""
    cells = [
        cv2.resize(
            image,
            (width, max(round(image.shape[0] * width / image.shape[1]), 1)),
            interpolation=cv2.INTER_AREA,
        )
        for image in images
    ]
    if not cells:
        return np.full((width // 2, width, 3), 255, np.uint8)
    height = max(cell.shape[0] for cell in cells)
    rows = -(-len(cells) // columns)
    sheet = np.full((rows * height, min(columns, len(cells)) * width, 3), 255, np.uint8)
    for number, cell in enumerate(cells):
        top, left = number // columns * height, number % columns * width
        sheet[top : top + cell.shape[0], left : left + width] = cell
    return sheet


def _line(
    image: Color, first: NDArray[np.int_], second: NDArray[np.int_], color: tuple[int, int, int]
) -> None:
    start, end = (int(first[0]), int(first[1])), (int(second[0]), int(second[1]))
    cv2.line(image, start, end, color, 1, cv2.LINE_AA, _SHIFT)
