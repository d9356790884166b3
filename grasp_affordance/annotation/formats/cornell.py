"""The text format of the Cornell grasping dataset (Jiang, Moseson and Saxena 2011).

NAMEr.png          colour image
NAMEcpos.txt       four lines "x y" per rectangle, counter-clockwise as seen; the first two corners
                   span a jaw plate
NAMEmask.png       mask of the object; an addition of ours, absent where unknown
"""

import numpy as np

from grasp_affordance.annotation.formats.labelled_image import rectangle_of_corners
from grasp_affordance.annotation.formats.text_format import TextFormat
from grasp_affordance.rectangle import GraspRectangle

_CORNERS = 4


def _to_lines(rectangle: GraspRectangle) -> list[str]:
    corners = rectangle.corners()[[1, 0, 3, 2]]  # v points down: this turns the order
    return [f"{u:.4f} {v:.4f}" for u, v in corners]


def _from_lines(lines: list[str]) -> tuple[GraspRectangle, ...]:
    """Read the positive rectangles; those with NaN corners, which Cornell has, are left out."""
    points = np.array([[float(x) for x in line.split()] for line in lines])
    quadrangles = points.reshape(-1, _CORNERS, 2)
    return tuple(rectangle_of_corners(q) for q in quadrangles if np.isfinite(q).all())


_FORMAT = TextFormat(
    "cpos.txt",
    "r.png",
    "mask.png",
    to_lines=_to_lines,
    from_lines=_from_lines,
    expects="four corners 'x y' per rectangle",
)
write, read = _FORMAT.write, _FORMAT.read
